# SPDX-License-Identifier: ISC
"""What a scene is, and what scenes have in common: a place to play in, programs with a limit, the lockout table."""

import hashlib
import hmac
import os
import re
import shutil
import signal
import subprocess

import tracing

SECRET = "correct horse"
KILL_SECRET = "battery staple"
LEN = 32
DIRECTORIES = {"ostiaryd": "knock", "ostclient": "client", "ostiaryctl": "admin", "ostgrant": "grant"}
LIMIT = 300  # seconds until what has not ended is said to hang

# What strikes, locks, identities and secrets hang on: each error of these, each time.
CRITICAL = set("pwrite64 flock fdatasync fsync setgroups setresgid setresuid execve sendto mlock getrandom ftruncate".split())

LOADER_STATUS = 127
LOADER_ENDS_IT = "the dynamic linker ends it"

# How libraries end a process themselves: libgcrypt where it has no memory for itself, assert(3) in glibc. They say so, but
# standard error may lead nowhere.
LIBRARY_GIVES_UP = re.compile(r"^FATAL: error reading .* in libgcrypt|Libgcrypt error: |^Fatal error: |: (?:Assertion `|Unexpected error: )", re.M)


def mac(secret, message):
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


class Place:
    """Where one worker plays: a directory with a configuration, a state directory, an action and what it leaves."""

    def __init__(self, directory, build):
        self.directory = directory
        self.modules = os.path.join(build, "tests", "assurance", "faults")
        self.programs = os.path.join(build, "src")
        self.tests = os.path.join(build, "tests")
        for name, mode in (("bin", 0o755), ("out", 0o1777), ("state", 0o700), ("kept", 0o700)):
            os.makedirs(self.path(name))
            os.chmod(self.path(name), mode)
        shutil.copy(os.path.join(self.tests, "dump-self"), self.path("bin"))
        self.listener = None
        self.helpers = []
        self.mounts = []
        self.more_environment = {}

    def remove(self):
        for helper in self.helpers:
            helper.terminate()
            helper.wait()
        if self.listener:
            self.listener.close()
        for mount in self.mounts:
            subprocess.run(["umount", mount], check=True)
        shutil.rmtree(self.directory)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def program(self, name):
        return os.path.join(self.programs, DIRECTORIES[name], name)

    def write(self, name, *lines):
        with open(self.path(name), "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("".join(line + "\n" for line in lines))
        return self.path(name)

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def tool(self, name, *arguments):
        """Run one of the tests' own tools, unharmed."""
        return subprocess.run(
            [os.path.join(self.tests, name), *arguments], capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def strikes(self, source, count):
        """What so many wrong knocks leave, a minute ago."""
        if self.tool("make-strikes", self.path("state"), source, str(count), "60").returncode != 0:
            raise RuntimeError("make-strikes failed")

    def keep(self):
        """The state directory is as it is now whenever restore has been called."""
        shutil.rmtree(self.path("kept"))
        shutil.copytree(self.path("state"), self.path("kept"), symlinks=True)

    def restore(self):
        for name in os.listdir(self.path("state")):
            os.unlink(self.path("state", name))
        for name in os.listdir(self.path("kept")):
            shutil.copy(self.path("kept", name), self.path("state", name))
        for name in os.listdir(self.path("out")):
            os.unlink(self.path("out", name))
        for name in ("calls", "mark"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))

    def around(self, fault, witnesses):
        """The words and the environment with which a program meets this fault; None: none, and every call is logged."""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        if fault is None:
            return tracing.everything(self.path("calls")), environment
        if fault.call == tracing.ALLOCATION:
            return self.preloaded("libno-memory.so", f"OSTIARY_FAULT_ALLOCATION={fault.number}"), environment
        if fault.how == tracing.SHORT:
            return self.preloaded("libshort-count.so", f"OSTIARY_FAULT_SHORT={fault.call}:{fault.number}"), environment
        return tracing.failing(fault, self.path("calls"), witnesses), environment

    def preloaded(self, module, setting):
        return ["env", f"LD_PRELOAD={os.path.join(self.modules, module)}", setting, f"OSTIARY_FAULT_MARK={self.path('mark')}"]

    def was_met(self, scene, fault):
        """Did the fault come about, and in the program itself?"""
        if fault.call == tracing.ALLOCATION or fault.how == tracing.SHORT:
            return os.path.exists(self.path("mark"))
        if not os.path.exists(self.path("calls")):
            raise RuntimeError(f"strace did not run: {self.read('said')}")
        return any(call.injected for call in scene.own_calls(tracing.read(self.path("calls"))))


class Table:
    """The lockout table and the door as they are, by the witness of table_dump."""

    def __init__(self, place):
        self.absent = not os.path.exists(place.path("state", "lockout"))
        result = place.tool("table-dump", place.path("state"))
        self.whole = result.returncode == 0
        self.slots = dict(re.findall(r"^source=(\S+)/\d+ (.*)$", result.stdout, re.M))
        self.closed = any(
            os.path.exists(place.path("state", name)) for name in ("closed", "closed-knock")
        ) or bool(re.search(r"closing=[1-9]", result.stdout))

    def value(self, source, name):
        found = re.search(rf"\b{name}=(\S+)", self.slots.get(source, ""))
        return found.group(1) if found else None

    def strikes(self, source):
        return int(self.value(source, "strikes") or 0)

    def locked(self, source):
        return self.value(source, "until") not in (None, "-")


class Run:
    """How a program ended."""

    def __init__(self):
        self.status = None
        self.hung = False
        self.said = ""  # on standard error; of the handler, all that it logged
        self.logged = ""  # to syslog
        self.printed = b""
        self.calls = []
        self.in_loader = False  # the fault was met before main, by the dynamic linker or a library's constructor

    def wait(self, process, seconds=LIMIT):
        """Until it ends; what does not is ended, and hung."""
        try:
            self.status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.hung = True
            os.killpg(process.pid, signal.SIGKILL)
            self.status = process.wait()


class Scene:
    """A program, what is around it, and what it must not do whatever fails.

    prepare leaves the state as it is to be found; play runs the program once; judge gives in words what came of it and
    a list of what must not have.
    """

    program = ""
    opens_gates = False  # of a real firewall, by ostgrant
    statuses = ()  # that the manual names
    witnesses = ()  # calls that judge wants to see
    allocates = True  # at all
    allocation_step = 1  # every how manyth allocation fails, where not all do
    hanging_on = CRITICAL  # calls that fail with each of their errors
    seldom = ()  # calls of which every third fails
    slow = False  # played with --all, or when it is asked for by name

    def __init__(self, name):
        self.name = name

    def prepare(self, place):
        place.keep()

    def play(self, place, fault):
        raise NotImplementedError

    def judge(self, place, run, fault):
        raise NotImplementedError

    def own_calls(self, calls):
        """Those that belong to the program."""
        return calls

    def begins(self, call):
        """Is this the first thing that main does? What comes before is the dynamic linker's."""
        raise NotImplementedError

    def judge_common(self, place, run):
        """What holds for every program."""
        wrong = []
        if run.hung:
            wrong.append(f"had not ended after {LIMIT} s")
        elif run.status < 0:
            if not run.in_loader and not self.library_gave_up(place, run):
                wrong.append(f"died of signal {-run.status}")
        elif run.status not in self.statuses and not (run.in_loader and run.status == LOADER_STATUS):
            wrong.append(f"exit status {run.status} is in no manual")
        for text in (run.said, run.logged, run.printed.decode(errors="replace")):
            if SECRET in text or KILL_SECRET in text:
                wrong.append("a secret was said")
        return wrong

    def library_gave_up(self, place, run):
        """By its words, or by what it was doing: as strace saw, or no_memory.c found."""
        if LIBRARY_GIVES_UP.search(run.said) or any(call.injected and "fips_enabled" in call.arguments for call in run.calls):
            return True
        if not os.path.exists(place.path("mark")):
            return False
        frames = place.read("mark").splitlines()
        if -run.status == signal.SIGSEGV:
            # Not a word: in glibc's resolver thread, where every signal is blocked.
            return not frames or "/libc.so.6" in frames[0]
        outside = [frame for frame in frames[2:] if "/libc.so.6" not in frame]
        return any("__nss_" in frame for frame in frames) or bool(outside) and "/libgcrypt.so" in outside[0]

    def is_silent(self, run):
        """Not a word, though it ended badly and could have said why."""
        hidden = any(call.injected and call.name in ("write", "writev") for call in run.calls)
        return not run.said.strip() and not hidden and not run.hung and run.status >= 0
