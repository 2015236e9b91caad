# SPDX-License-Identifier: ISC
"""The handler's scenes: a connection, and a peer who plays a part. handler_judge.py says what may never come of it."""

import contextlib
import ctypes
import os
import re
import select
import shutil
import socket
import subprocess
import threading
import time

import tracing
from handler_judge import LAUNCHERS_GROUP, LEAVING, MAX_BAD_CONNS, NOTHING, OLD_TABLE, HandlerJudge
from scene import KILL_SECRET, LEN, LIMIT, SECRET, Run, mac

# What the peer replies with, besides a secret. LEAVING: he leaves while he waits for his seed.
WRONG = object()


USED_NEXT_AT = 128 + 24  # in the record of used codes: the next of its first slot


class Connection(Run):
    """A run of the handler with what the peer got."""

    def __init__(self):
        super().__init__()
        self.got = b""
        self.actions = []
        self.told = b""  # what came out of the socket of an action
        self.opened = False  # the gate is open to the peer

    def got_before(self, call):
        """How many bytes had been sent to the peer when this was called?"""
        before = self.calls[: self.calls.index(call)]
        return sum(other.result for other in before if other.name == "sendto" and other.worked and other.arguments.startswith("0,"))

    def retried(self, call):
        """Was it called again, and well?"""
        later = self.calls[self.calls.index(call) + 1 :]
        return bool(later) and later[0].name == call.name and later[0].worked

    def play_peer(self, peer, reply):
        peer.settimeout(LIMIT)
        try:
            if reply is LEAVING:
                peer.shutdown(socket.SHUT_WR)
            self.read(peer, LEN)
            if len(self.got) == LEN and reply is NOTHING:
                peer.shutdown(socket.SHUT_WR)
            elif len(self.got) == LEN and reply is not LEAVING:
                peer.sendall(bytes(LEN) if reply is WRONG else mac(reply, self.got))
            self.read(peer, 1 << 20)
        except TimeoutError:
            self.hung = True
        except OSError:
            pass  # a reset is an end

    def read(self, peer, most):
        while len(self.got) < most:
            data = peer.recv(4096 if most > LEN else most - len(self.got))
            if not data:
                return
            self.got += data


class Handler(HandlerJudge):
    """One connection. right: the secret that the peer has, or WRONG, NOTHING or LEAVING. strikes: that the source has
    already; old: the table is one of version 1, in which it has none."""

    program = "ostiaryd"
    config = "ostiary.cfg"
    statuses = (0, 64, 71, 74, 75, 78, 126, 127)
    # With execve it can be seen what is the action's: calls differ a little from run to run, as by a wait for a seed.
    gate = False
    witnesses = ("sendto", "recvfrom", "pwrite64", "fsync", "fdatasync", "getrandom", "execve")

    def __init__(self, name, reply, *lines, strikes=1, fresh=False, closed=False, all_fds=False, relay=False, old=False):
        super().__init__(name)
        self.reply = reply
        self.lines = lines
        self.before = 0 if fresh or old else strikes
        self.fresh = fresh
        self.old = old
        self.pace = [] if any(line.startswith("DELAY=") for line in lines) else ["DELAY=1"]
        self.closed = closed
        self.all_fds = all_fds
        self.relay = relay
        self.right = reply in (SECRET, KILL_SECRET)
        self.barred = closed or strikes >= MAX_BAD_CONNS
        self.lockout_action = any("LOCKOUT_ACTION" in line for line in lines)

    def action(self, place):
        if self.relay:
            return f'ACTION="{SECRET}","","name=relay","socket={place.path("relay")}"'
        return f'ACTION="{SECRET}","{place.path("bin", "dump-self")}","actor"'

    def prepare(self, place):
        dump = place.path("bin", "dump-self")
        lines = [f'STATE_DIR="{place.path("state")}"', "TABLE_SIZE=64", *self.pace, "COMM_TIMEOUT=120", self.action(place)]
        place.write(self.config, *lines, *(line.replace("@DUMP@", dump) for line in self.lines))
        if self.old:
            shutil.copyfile(OLD_TABLE, place.path("state", "lockout"))
            os.chmod(place.path("state", "lockout"), 0o600)
        elif not self.fresh:
            place.strikes("127.0.0.9", 1)
            if self.before and self.reply is not LEAVING:
                place.strikes(self.source, self.before)
        if self.closed:
            place.write("state/closed", "2026-11-21T20:39:00Z by-hand")
        place.listener = self.listen(place)
        if self.reply is LEAVING:
            self.visit(place, [place.program("ostiaryd"), "-c", place.path(self.config), "-e"], None, NOTHING, Connection())
        place.keep()
        if self.relay:
            place.relay = socket.socket(socket.AF_UNIX)
            place.relay.bind(place.path("relay"))
            place.relay.listen()
            place.relay.setblocking(False)

    def play(self, place, fault):
        place.restore()
        run = Connection()
        words, environment = place.around(fault, self.witnesses)
        command = [*self.there(place), *words, place.program("ostiaryd"), "-c", place.path(self.config)]
        if not self.all_fds:
            command.append("-e")
        with self.hearing(place, run):
            process = self.visit(place, command, environment, self.reply, run)
        run.calls = tracing.read(place.path("calls"))
        run.logged = place.syslog.of(run.calls[0].pid if run.calls else process.pid)
        run.said = place.read("said") + run.logged
        self.collect(place, run)
        return run

    def there(self, place):
        """The words before a command that put it where this is played."""
        return []

    def listen(self, place):
        return socket.create_server(("127.0.0.1", 0))

    def connect(self, place):
        return socket.create_connection(place.listener.getsockname(), source_address=(self.source, 0))

    def visit(self, place, command, environment, reply, run):
        """One handler, and a peer; the handler has ended."""
        table = place.path("state", "lockout")
        written = os.stat(table).st_mtime_ns if reply is LEAVING else 0
        with self.connect(place) as peer:
            connection, _ = place.listener.accept()
            with connection, open(place.path("said"), "wb") as said:
                fds = {"stdin": connection, "stdout": connection, "stderr": connection if self.all_fds else said}
                process = subprocess.Popen(
                    command, env=environment, start_new_session=True, extra_groups=[LAUNCHERS_GROUP], **fds
                )
            if reply is LEAVING:
                self.await_place(table, written, process)
            run.play_peer(peer, reply)
        run.wait(process)
        return process

    def await_place(self, table, written, process):
        """Until the handler has written that the peer has a place in the pace, or has ended without."""
        end = time.monotonic() + LIMIT
        while os.stat(table).st_mtime_ns == written and process.poll() is None and time.monotonic() < end:
            time.sleep(0.002)

    def collect(self, place, run):
        for name in os.listdir(place.path("out")):
            if name.startswith("dump."):
                run.actions.append(place.read("out/" + name))

    @contextlib.contextmanager
    def hearing(self, place, run):
        """Meanwhile somebody reads at the action's socket, and whatever is left there in the end."""
        over = threading.Event()
        reader = threading.Thread(target=self.hear, args=(place, run, over))
        reader.start()
        try:
            yield
        finally:
            over.set()
            reader.join()

    def hear(self, place, run, over):
        while self.relay:
            last = over.is_set()
            if select.select([place.relay], [], [], 0 if last else 0.01)[0]:
                teller, _ = place.relay.accept()
                with teller:
                    teller.settimeout(LIMIT)
                    run.told += teller.recv(4096) + b"|"
            elif last:
                break

    def own_calls(self, calls):
        """Up to the execve of the action, which is another program."""
        execs = [index for index, call in enumerate(calls) if call.name == "execve"]
        return calls[: execs[1] + 1] if len(execs) > 1 else calls

    def begins(self, call):
        return call.name == "fcntl" and re.match(r"2(<.*>)?, F_GETFD", call.arguments) is not None


class WithCode(Handler):
    """An action whose secret is followed by a code of HOTP, which is good once: the first one of RFC 4226."""

    CODE = "755224"
    looks_first = True

    def action(self, place):
        return f'ACTION="{SECRET}","{place.path("bin", "dump-self")}","actor","name=dump-self","hotp={place.path("key")}"'

    def prepare(self, place):
        place.write("key", "hex:3132333435363738393031323334353637383930")
        super().prepare(place)
        words = [place.program("ostiaryctl"), "-c", place.path(self.config), "codes", "--counter", "0", "dump-self"]
        subprocess.run(words, stdout=subprocess.DEVNULL, timeout=LIMIT, check=True)
        shutil.copyfile(place.path("state-root", "used"), place.path("kept-used"))

    def visit(self, place, command, environment, reply, run):
        return super().visit(place, command, environment, reply + self.CODE, run)

    def play(self, place, fault):
        shutil.copyfile(place.path("kept-used"), place.path("state-root", "used"))
        run = super().play(place, fault)
        with open(place.path("state-root", "used"), "rb") as record:
            run.next_code = int.from_bytes(record.read()[USED_NEXT_AT : USED_NEXT_AT + 8], "little")
        return run

    def receipt(self, seed):
        whole = SECRET + self.CODE
        return mac(whole, b"ostiary receipt" + seed + mac(whole, seed))

    def judge_action(self, run, table, fault):
        wrong = super().judge_action(run, table, fault)
        if (run.actions or self.accepted(run)) and run.next_code != 1:
            wrong.append("the action ran, and its code is not used up")
        if run.next_code not in (0, 1):
            wrong.append("the record of used codes has another counter than any")
        return wrong


class NotTwice(Handler):
    """An action that is not started while it runs: what ran before has left its slot in the record, and has ended."""

    def action(self, place):
        return f'ACTION="{SECRET}","{place.path("bin", "dump-self")}","actor","name=dump-self","single=yes"'

    def prepare(self, place):
        super().prepare(place)
        self.visit(place, [place.program("ostiaryd"), "-c", place.path(self.config), "-e"], None, self.reply, Connection())
        shutil.copyfile(place.path("state-root", "used"), place.path("kept-used"))

    def play(self, place, fault):
        shutil.copyfile(place.path("kept-used"), place.path("state-root", "used"))
        return super().play(place, fault)


@contextlib.contextmanager
def network_of(process):
    """What this thread makes meanwhile is in the network of that process. (os.setns is of Python 3.12.)"""
    with open("/proc/thread-self/ns/net", "rb") as own, open(f"/proc/{process.pid}/ns/net", "rb") as other:
        enter(other)
        try:
            yield
        finally:
            enter(own)


def enter(network):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network.fileno(), 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class AtGate(Handler):
    """An action that opens a gate of a real firewall, in a network and with a /run of its own. asks: at the sealed door,
    where the handler does not become ostgrant, but asks for it. Who knocks has another address than loopback, for which no
    gate has to be opened."""

    source = "192.0.2.2"
    opens_gates = True
    slow = True
    statuses = (*Handler.statuses, 69, 77)  # ostgrant's

    def __init__(self, name, asks):
        super().__init__(name, SECRET)
        self.gate = True
        self.asks = asks
        self.config = "ostiary-sealed.cfg" if asks else "ostiary.cfg"

    def action(self, place):
        return f'ACTION="{SECRET}","","name=alice","grant=ssh"'

    def there(self, place):
        return ["nsenter", f"--net=/proc/{place.world.pid}/ns/net", f"--mount=/proc/{place.world.pid}/ns/mnt", "--"]

    def listen(self, place):
        script = f"""ip link set lo up && ip address add {self.source} dev lo && mount -t tmpfs none /run && mkdir /run/ostiary &&
            mount --bind "$0" /run/ostiary && echo && exec sleep infinity"""
        os.mkdir(place.path("gate"))
        place.world = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script, place.path("gate")], stdout=subprocess.PIPE)
        place.helpers.append(place.world)
        place.world.stdout.readline()
        with network_of(place.world):
            return socket.create_server((self.source, 0))

    def connect(self, place):
        with network_of(place.world):
            return super().connect(place)

    def prepare(self, place):
        super().prepare(place)
        place.write("ostiary-grants.cfg", f'STATE_DIR="{place.path("state")}"', 'GATE="ssh","tcp 22","sealed=yes"')
        place.relay = socket.socket(socket.AF_UNIX)
        place.relay.bind(place.path("gate", "grant"))
        place.relay.listen()
        place.relay.setblocking(False)
        self.run_there(place, place.program("ostgrant"), "-c", place.path("ostiary-grants.cfg"), "load")

    def run_there(self, place, *command):
        words = [*self.there(place), *command]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=True).stdout

    def is_open(self, place):
        return self.source in self.run_there(place, "nft", "list", "set", "inet", "ostiary_grants", "ssh_4_32")

    def play(self, place, fault):
        run = super().play(place, fault)
        run.opened = self.is_open(place)
        if run.opened:
            self.run_there(place, "nft", "flush", "set", "inet", "ostiary_grants", "ssh_4_32")
            os.unlink(place.path("state-root", "grants"))
        return run

    def hear(self, place, run, over):
        """ostgrant answers at its socket, as systemd starts it."""
        while self.asks and not over.is_set():
            if select.select([place.relay], [], [], 0.01)[0]:
                asker, _ = place.relay.accept()
                with asker:
                    words = [*self.there(place), place.program("ostgrant"), "-c", place.path("ostiary-grants.cfg"), "serve"]
                    subprocess.run(words, stdin=asker, stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)


SCENES = [
    Handler("accepted", SECRET),
    Handler("rejected", WRONG),
    Handler("no-reply", NOTHING),
    Handler("third-strike", WRONG, 'LOCKOUT_ACTION="","@DUMP@","actor"', strikes=2),
    Handler("locked", SECRET, strikes=3),
    Handler("closed", SECRET, closed=True),
    Handler("first-use", SECRET, fresh=True),
    Handler("converted", SECRET, old=True),
    Handler("leaving", LEAVING, "DELAY=3600", "DELAY_MAX_WAIT=3600"),
    Handler("kill", KILL_SECRET, f'KILL="{KILL_SECRET}"'),
    Handler("too-many-errors", WRONG, "MAX_SINGLE_ERRS=2"),
    Handler("relay", SECRET, relay=True),
    WithCode("code", SECRET),
    NotTwice("not-twice", SECRET),
    AtGate("gate", asks=False),
    AtGate("gate-asked", asks=True),
    Handler("one-socket-for-all", SECRET, all_fds=True),
]
