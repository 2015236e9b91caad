# SPDX-License-Identifier: ISC
"""ostgrant: one command each, with a firewall of its own, and what is open there and remembered afterwards.

Whatever has failed, the next `ostgrant tick`, unharmed, has to bring firewall and record together. Networks are those of
documentation: nobody sends a packet.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import tracing
from scene import LIMIT, LOADER_ENDS_IT, LOADER_STATUS, Run, Scene

ONE, OTHER, NEW, GONE, STRAY = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"
BY_COMMAND = "192.0.2.6"
HOUR, HALF = 3600, 1800
APART = 4  # seconds between what two programs say of one moment, and what rounding takes

# Keeps what is open in a file, a line for each. Its own calls fail as well, and it does not say that it has done what it
# has not.
COMMAND = """#!/bin/sh
case ${0##*/} in
grant) echo "$1/32 0" >>"${0%/*}/opened"; grep -qs "^$1/32 " "${0%/*}/opened" ;;
revoke) [ ! -e "${0%/*}/opened" ] || sed -i "\\,^$1/32 ,d" "${0%/*}/opened" ;;
list) [ ! -e "${0%/*}/opened" ] || sort -u "${0%/*}/opened" ;;
esac
"""

BY_COMMANDS = 'GATE="other","grant=@bin/grant","revoke=@bin/revoke","list=@bin/list"'


def is_possible(build):
    """It is built where libnftables is, and nftables is what it changes."""
    return os.path.exists(os.path.join(build, "src", "grant", "ostgrant")) and shutil.which("nft") is not None


class Grant(Scene):
    """One command where ONE has a grant for an hour. truth: what must be so for exit status 0; loaded: the rules are there;
    opens: what else may be open, and for how many seconds, once it has run; slow: only with --all."""

    program = "ostgrant"
    opens_gates = True
    statuses = (0, 1, 64, 69, 71, 74, 75, 77, 78)
    witnesses = ("write", "execve")
    allocation_step = 97  # they are hundreds, and libnftables'
    seldom = ("close", "mmap", "munmap", "newfstatat", "getsockopt", "recvfrom")  # of these every third, as few can make a difference
    hanging_on = ("pwrite64", "fdatasync", "fsync", "flock", "sendmsg", "ftruncate", "execve")

    def __init__(self, name, *arguments, truth, loaded=True, fresh=False, opens=None, spoil=None, slow=False, commands=False):
        super().__init__(name)
        self.arguments = arguments
        self.truth = truth
        self.loaded = loaded
        self.fresh = fresh
        self.opens = opens or {}
        self.spoil = spoil
        self.slow = slow
        self.commands = commands

    # ---- Before ----

    def prepare(self, place):
        place.write("net")
        subprocess.run(["unshare", f"--net={place.path('net')}", "ip", "link", "set", "lo", "up"], check=True)
        place.mounts.append(place.path("net"))
        lines = [f'STATE_DIR="{place.path("state")}"', 'GATE="ssh","tcp 22"']
        if self.commands:
            lines.append(BY_COMMANDS.replace("@bin", place.path("bin")))
            for name in ("grant", "revoke", "list"):
                place.write(f"bin/{name}", *COMMAND.splitlines())
                os.chmod(place.path("bin", name), 0o755)
        place.write("ostiary-grants.cfg", *lines)
        if not self.fresh:
            self.need(place, "load")
            self.need(place, "grant", "ssh", ONE, "1h", "alice")
        if self.spoil:
            self.spoil(self, place)
        self.keep_all(place)

    def keep_all(self, place):
        place.keep()
        place.opened = self.holes(place) if self.loaded else {}
        place.rules = self.nft(place, "-s", "list", "table", "inet", "ostiary_grants") if self.loaded and not self.fresh else ""
        place.kept_at = time.monotonic()
        if not self.fresh:
            shutil.copytree(place.path("state-root"), place.path("kept-root"))

    def restore_all(self, place):
        """Firewall and record as they were; times go on."""
        place.restore()
        shutil.rmtree(place.path("state-root"), ignore_errors=True)
        if not self.fresh:
            shutil.copytree(place.path("kept-root"), place.path("state-root"))
            os.chmod(place.path("state-root"), 0o700)
        if os.path.exists(place.path("bin", "opened")):
            os.unlink(place.path("bin", "opened"))
        elements = "".join(
            f"add element inet ostiary_grants ssh_4_32 {{ {network} timeout {HOUR}s expires {self.left(place, left)}s }}\n"
            for network, left in place.opened.items()
        )
        rules = re.sub(r"elements = \{[^}]*\}", "", place.rules)
        self.nft(place, "-f", "-", text=f"table inet ostiary_grants\ndelete table inet ostiary_grants\n{rules}\n{elements}")

    @staticmethod
    def left(place, seconds, now=None):
        return max(1, int(seconds - ((now or time.monotonic()) - place.kept_at)))

    # ---- Around ----

    def inside(self, place, *command, **more):
        """Run this where the firewall is."""
        words = ["nsenter", f"--net={place.path('net')}", *command]
        return subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False, **more)

    def nft(self, place, *arguments, text=None):
        result = self.inside(place, "nft", *arguments, input=text)
        if result.returncode != 0:
            raise RuntimeError(f"nft {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def ostgrant(self, place, *arguments):
        return self.inside(place, place.program("ostgrant"), "-c", place.path("ostiary-grants.cfg"), *arguments)

    def need(self, place, *arguments):
        result = self.ostgrant(place, *arguments)
        if result.returncode != 0:
            raise RuntimeError(f"ostgrant {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def holes(self, place):
        """What nftables lets through: seconds left, by address. Rules that are not there let everybody through."""
        listing = json.loads(self.nft(place, "-j", "list", "ruleset"))["nftables"]
        found = {}
        for part in listing:
            for element in part.get("set", {}).get("elem", []):
                found[element["elem"]["val"]] = element["elem"]["expires"]
        place.has_rules = any(part.get("rule", {}).get("chain") == "gate_ssh" for part in listing)
        return found

    # ---- Playing ----

    def play(self, place, fault):
        self.restore_all(place)
        run = Run()
        words, environment = place.around(fault, self.witnesses)
        command = ["nsenter", f"--net={place.path('net')}", *words, place.program("ostgrant")]
        command += ["-c", place.path("ostiary-grants.cfg"), *self.arguments]
        run.began_at = time.monotonic()
        process = self.start(place, run, command, environment)
        run.wait(process)
        run.calls = tracing.read(place.path("calls"))
        run.printed = place.read("printed").encode()
        run.logged = place.syslog.of(run.calls[0].pid if run.calls else process.pid)
        run.said = place.read("said")
        run.has_mark = os.path.exists(place.path("mark"))
        self.look(place, run)
        return run

    def start(self, place, run, command, environment):
        with open(place.path("said"), "wb") as said, open(place.path("printed"), "wb") as printed:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=printed, stderr=said, env=environment, start_new_session=True
            )

    def look(self, place, run):
        """What is open at once, and what is so after the next tick."""
        # A busy machine may take seconds from one look to the next: each is judged by what is left at its time.
        run.looked_at = time.monotonic()
        run.holes = self.holes(place)
        run.has_rules = place.has_rules
        run.by_command = place.read("bin/opened").split()[::2]
        run.tick = self.ostgrant(place, "tick")
        run.later_looked_at = time.monotonic()
        run.later = self.holes(place)
        run.later_has_rules = place.has_rules
        run.later_by_command = place.read("bin/opened").split()[::2]
        run.record = {row["network"]: row for row in json.loads(self.need(place, "list", "--json"))}
        run.listed_at = time.monotonic()

    def begins(self, call):
        return call.name == "umask"

    def own_calls(self, calls):
        """Without those of a gate's commands, which are other programs."""
        execs = {}
        own = []
        for call in calls:
            if execs.get(call.pid, 0) < (2 if call.pid == calls[0].pid else 1):
                own.append(call)
            execs[call.pid] = execs.get(call.pid, 0) + (call.name == "execve" and call.worked)
        return own

    def library_gave_up(self, place, run):
        """libnftables aborts where it has no memory for what it prints, or dies where it has none for its buffers."""
        frames = [frame for frame in place.read("mark").splitlines()[2:] if "/libc.so.6" not in frame]
        in_library = bool(frames) and "/libnftables.so" in frames[0]
        return super().library_gave_up(place, run) or (run.status in (-signal.SIGABRT, -signal.SIGSEGV) and in_library)

    # ---- Judging ----

    def judge(self, place, run, fault):
        wrong = self.judge_common(place, run)
        wrong += self.judge_holes(place, run)
        wrong += self.judge_later(place, run)
        if self.is_done(run):
            wrong += self.truth(run)
        elif self.is_silent(run):
            wrong.append(f"status {run.status}, and not a word")
        return self.outcome(run), wrong

    def is_done(self, run):
        return run.status == 0

    def judge_holes(self, place, run):
        """Never open for longer than granted, and nobody loses what he has."""
        wrong = []
        for holes, looked_at in ((run.holes, run.looked_at), (run.later, run.later_looked_at)):
            granted = {network: self.left(place, left, looked_at) for network, left in place.opened.items()}
            granted.update({ONE: self.left(place, HOUR, looked_at), **self.opens})
            for network, left in holes.items():
                if left > granted.get(network, 0) + APART:
                    wrong.append(f"{network} is open for {left} s, and was granted {granted.get(network, 0)}")
        if ONE in place.opened and "revoke" not in self.arguments and not (ONE in run.holes and ONE in run.later):
            wrong.append("who has a grant was shut out")
        if self.loaded and not self.fresh and not run.has_rules:
            wrong.append("the rules are gone: all is open")
        return wrong

    def judge_later(self, place, run):
        """The tick has brought them together."""
        wrong = []
        if run.tick.returncode != 0:
            wrong.append(f"the next tick ends with {run.tick.returncode}: {run.tick.stderr}")
        if not run.later_has_rules:
            wrong.append("after the next tick there are no rules")
        there = {*run.later, *(network.split("/")[0] for network in run.later_by_command)}
        if there != set(run.record):
            wrong.append(f"after the next tick {sorted(there)} is open, and {sorted(run.record)} is remembered")
        for network, row in run.record.items():
            if row["state"] != "open":
                wrong.append(f"after the next tick {network} is '{row['state']}'")
            if network in run.later and run.later[network] > row["left"] + APART + run.listed_at - run.later_looked_at:
                wrong.append(f"{network} is open for {run.later[network]} s, and has {row['left']} in the record")
        return wrong

    def outcome(self, run):
        if run.in_loader and (run.status == LOADER_STATUS or run.status < 0):
            return LOADER_ENDS_IT
        words = "done" if run.status == 0 else f"status {run.status}"
        lines = (run.said or run.logged).splitlines()
        return f"{words} ({re.sub(r'^ostgrant: |/[^ :]*/(?=state|ostiary-grants.cfg)', '', lines[-1])[:90]})" if lines else words


class Asked(Grant):
    """It serves root, who asks for what is in `line`."""

    def __init__(self, name, line, **options):
        super().__init__(name, "serve", **options)
        self.line = line

    def start(self, place, run, command, environment):
        mine, its = socket.socketpair(socket.AF_UNIX)
        with mine, its, open(place.path("said"), "wb") as said:
            process = subprocess.Popen(
                command, stdin=its, stdout=subprocess.DEVNULL, stderr=said, env=environment, start_new_session=True
            )
            its.close()
            mine.settimeout(LIMIT)
            run.answer = b""
            try:
                mine.sendall(self.line.encode() + b"\n")
                while data := mine.recv(4096):
                    run.answer += data
            except TimeoutError:
                run.hung = True
            except OSError:
                pass  # a reset is an end
        return process

    def is_done(self, run):
        return bool(re.search(rb"^ok\b", run.answer, re.M))

    def is_silent(self, run):
        run.said += run.logged
        return super().is_silent(run)

    def outcome(self, run):
        last = (run.answer.decode(errors="replace").splitlines() or ["none"])[-1]
        last = re.sub(r"(until|left)=[0-9]+", r"\1=N", last)
        return f"{super().outcome(run)}, answer '{last}'"


# ---- How the place is before ----


def expire(scene, place):
    """GONE's time is over, OTHER is missing, STRAY was granted nothing."""
    scene.need(place, "grant", "ssh", GONE, "1s", "carol")
    scene.need(place, "grant", "ssh", OTHER, "1h", "bob")
    scene.nft(place, "-f", "-", text=f"delete element inet ostiary_grants ssh_4_32 {{ {OTHER} }}\n"
              f"add element inet ostiary_grants ssh_4_32 {{ {STRAY} timeout 1h }}\n")
    time.sleep(1.1)


# ---- What has to be so when a command says that it is done: each gives what is not ----


def shut(run):
    return [] if run.has_rules else ["it is said to be loaded, and is not"]


def restored(run):
    return shut(run) + ([] if ONE in run.holes else ["what was granted is not open again"])


def opened(run):
    passed = run.looked_at - run.began_at
    return [] if HALF - APART - passed < run.holes.get(NEW, 0) <= HALF else ["it is said to be open, and is not"]


def opened_by_command(run):
    return [] if f"{BY_COMMAND}/32" in run.by_command else ["it is said to be open, and is not"]


def renewed(run):
    return [] if run.holes[ONE] > 2 * HOUR - APART - (run.looked_at - run.began_at) else ["it is said to be renewed, and is not"]


def closed(run):
    return ["it is said to be closed, and is not"] if ONE in run.holes else []


def together(run):
    """libnftables passes over elements that it could not ask for, or had no memory for; the next tick sees them."""
    wrong = [] if OTHER in run.holes else ["what was missing is not made good"]
    unseen = run.has_mark or any(call.injected and call.name in ("sendto", "recvmsg") for call in run.calls)
    return wrong + (["what nobody was granted is still open"] if STRAY in run.holes and not unseen else [])


def listed(run):
    try:
        rows = json.loads(run.printed)
    except ValueError:
        return ["this is no JSON"]
    found = {(row["network"], row["user"], row["state"]) for row in rows}
    return [] if found == {(ONE, "alice", "open")} else ["the list is not what is so"]


SCENES = [
    Grant("grant", "grant", "ssh", NEW, "30m", "bob", truth=opened, opens={NEW: HALF}, slow=True),
    Grant("tick", "tick", truth=together, spoil=expire, opens={OTHER: HOUR}),
    Asked("serve", f"open gate=ssh address={NEW} user=bob lifetime={HALF}", truth=opened, opens={NEW: HALF}),
    Grant("load", "load", truth=shut, fresh=True, slow=True),
    Grant("restore", "restore", truth=restored, loaded=False, slow=True),
    Grant("renew", "grant", "ssh", ONE, "2h", "alice", truth=renewed, opens={ONE: 2 * HOUR}, slow=True),
    Grant("revoke", "revoke", "ssh", ONE, truth=closed, slow=True),
    Grant("list", "list", "--json", truth=listed, slow=True),
    Grant("by-command", "grant", "other", BY_COMMAND, "30m", "bob", truth=opened_by_command, commands=True, slow=True),
]
