#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Stand in for ostgrant at the other end of the web form's socket (src/gates/request.h): gates in memory, no firewall.

usage: fake_granter.py SOCKET LOG [REASON]

alice may open ssh and web, and carol is an admin besides; nobody else may anything. With REASON, "open" and "close" are
answered with it. The word "silence" hangs up without an answer, "nonsense" says what is none, and "late" waits for long.

Each request is a line "asked ..." of LOG, and before it stands what there is to see of who asks: "environment" with what
is left of it, "descriptors", "limits", and whether new privileges are ruled out. SOCKET is made new, for everybody.
"""
import hmac
import ipaddress
import os
import socket
import struct
import sys
import time

GATES = {"ssh": (90000, 180000, "asking"), "web": (3600, 7200, "no")}
USERS = {"alice": ("ssh", "web"), "carol": ("ssh", "web")}
ADMINS = ("carol",)


class Granter:
    def __init__(self, reason):
        self.reason = reason
        self.grants = {}  # (gate, network, user): the time of its end

    @staticmethod
    def network(text):
        address = ipaddress.ip_network(text, strict=False)
        if "/" not in text and address.version == 6:
            address = address.supernet(new_prefix=64)
        host = address.prefixlen == address.max_prefixlen
        return str(address.network_address) if host else str(address)

    @staticmethod
    def token(user):
        return hmac.new(b"a key", user.encode(), "sha256").hexdigest()[:32]

    def show(self, user, seen):
        lines = []
        own = USERS.get(user, ())
        admin = user in ADMINS
        if not own and not admin:
            return ["no reason=permission"]
        for gate in own:
            lifetime, most, renew = GATES[gate]
            lines.append(f"gate name={gate} lifetime={lifetime} most={most} renew={renew} network={self.network(seen)} "
                         f"admin={'yes' if admin else 'no'}")
        for (gate, network, whose), end in self.grants.items():
            if whose == user or admin:
                lines.append(f"grant gate={gate} network={network} user={whose} left={max(0, int(end - time.time()))} "
                             f"packets=7 state=open mine={'yes' if whose == user else 'no'}")
        if admin:
            lines += ["count gate=ssh shut=4711", "count gate=web shut=0", "admin value=yes"]
        return lines + [f"token value={self.token(user)}", "ok"]

    def close_others(self, gate, whose, seen):
        for key in [key for key in self.grants if key[0] == gate and key[2] == whose and key[1] != self.network(seen)]:
            del self.grants[key]

    def change(self, word, fields):
        user, gate, seen = fields["user"], fields["gate"], fields["seen"]
        address, whose = fields.get("address", seen), fields.get("for", user)
        if fields.get("token") != self.token(user):
            return ["no reason=token"]
        if gate not in USERS.get(user, ()):
            return ["no reason=gate" if gate not in GATES else "no reason=permission"]
        if (address != seen or whose != user) and user not in ADMINS:
            return ["no reason=permission"]
        if self.reason:
            return [f"no reason={self.reason}"]
        key = (gate, self.network(address), whose)
        if word == "others":
            self.close_others(gate, whose, seen)
        elif word == "close":
            if self.grants.pop(key, None) is None:
                return ["no reason=none"]
        else:
            seconds = int(fields.get("lifetime", GATES[gate][0]))
            if seconds > GATES[gate][1]:
                return ["no reason=lifetime"]
            self.grants[key] = time.time() + seconds
            if fields.get("others"):
                self.close_others(gate, whose, address)
            return [f"ok until={int(self.grants[key])} left={seconds}"]
        return ["ok"]

    def answer(self, line):
        word, *fields = line.split(" ")
        fields = dict(field.split("=", 1) for field in fields)
        if self.reason == "silence":
            return []
        if self.reason == "nonsense":
            return ["grant gate=ssh", "ok"]
        if word == "show":
            return self.show(fields["user"], fields["seen"])
        return self.change(word, fields)


def describe(peer, say):
    """What there is to see of the process at the other end, which waits for its answer."""
    pid, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            say("environment", repr(file.read().strip(b"\0")))
        say("descriptors", *sorted(map(int, os.listdir(f"/proc/{pid}/fd"))))
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
        for name in ("Max processes", "Max file size", "Max core file size", "Max open files"):
            say("limit", name, *limits[name])
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            say(*[line.strip() for line in file if line.startswith("NoNewPrivs")])
    except OSError as error:
        say("unseen", error)
    say("uid", uid)


def main():
    path, log, *reason = sys.argv[1:]
    granter = Granter(reason[0] if reason else "")
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(64)
    with open(log, "a", encoding="utf-8") as file:
        def say(*words):
            print(*words, file=file, flush=True)

        while True:
            peer, _ = listener.accept()
            with peer, peer.makefile("rw", encoding="ascii", newline="\n") as stream:
                line = stream.readline().rstrip("\n")
                describe(peer, say)
                say("asked", line)
                if granter.reason == "late":
                    time.sleep(3600)
                try:
                    stream.write("".join(answer + "\n" for answer in granter.answer(line)))
                    stream.flush()
                except BrokenPipeError:
                    pass


main()
