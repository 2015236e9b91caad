#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""A door and those who knock at it, in one process: a launcher with an environment for each connection.

usage: door.py [OPTION...] -- COMMAND... -- KNOCK...

For each KNOCK a connection is made over loopback, accepted, and COMMAND started with it as fd 0; {n} in COMMAND is the
number of the knock, from 1. A KNOCK is SOURCE=REPLY[xCOUNT][@SECONDS]:

  SOURCE   the address to connect from; ::ffff:a.b.c.d is an IPv4 client of a listener for both families, and a
           link-local one with its interface (fe80::1%eth0) knocks at itself
  REPLY    wrong | hasty (wrong, and before the seed) | leave (close after the seed) | flee (close before it)
           | idle (say nothing) | any other word: the secret to reply with
  COUNT    so many of the same
  SECONDS  the handler's clock, counted from --clock

and the word "then" between knocks, with --hold, makes those behind it reply when all those before it have ended.
Prints a line of flat JSON for each knock, in their order:

  source, length (bytes received), seed (hexadecimal, or ""), receipt (right | wrong | none),
  end (eof | reset | open: not within --patience), seed_ms, end_ms (both from connecting), status (of COMMAND)
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import time

LEN = 32
MAPPED = "::ffff:"


def parse(text):
    match = re.fullmatch(r"([0-9a-f.:]+(?:%\w+)?)=(.+?)(?:x(\d+))?(?:@(-?\d+))?", text)
    if not match:
        sys.exit(f"door.py: no such knock: {text}")
    source, reply, count, seconds = match.groups()
    return [(source, reply, None if seconds is None else int(seconds))] * int(count or 1)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True, help="standard error of the handlers is appended to it")
    parser.add_argument("--width", type=int, default=1, help="how many knocks are under way at once")
    parser.add_argument("--hold", action="store_true", help="everybody has the seed before anybody replies")
    parser.add_argument("--between", metavar="SCRIPT", help="for the shell, when seeds have been given and before replies are sent")
    parser.add_argument("--preload", default="", help="libraries for the handlers")
    parser.add_argument("--clock", type=int, help="the handlers' clock stands still, at seconds since 1970")
    parser.add_argument("--step", type=int, default=0, help="by how many seconds each handler's clock is later than the last one's")
    parser.add_argument("--tally", help="a directory: the comparisons for each source are counted in SOURCE")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the handlers; {n} as in COMMAND")
    parser.add_argument("--patience", type=float, default=300, help="seconds until a peer gives up")
    first = sys.argv.index("--")
    second = sys.argv.index("--", first + 1)
    options = parser.parse_args(sys.argv[1:first])
    options.command = sys.argv[first + 1 : second]
    options.phases = [[]]
    for word in sys.argv[second + 1 :]:
        if word == "then":
            options.phases.append([])
        else:
            options.phases[-1] += parse(word)
    return options


class Doors:
    """One listener for each address family in use, and the handlers' common surroundings."""

    def __init__(self, options):
        self.options = options
        self.listeners = {}
        self.log = open(options.log, "ab", buffering=0)
        self.count = 0

    def listener(self, address):
        if address not in self.listeners:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind((address, 0))
            listener.listen(16)
            self.listeners[address] = listener
        return self.listeners[address]

    def connect(self, source):
        """A pair of connected sockets: the peer's and the handler's."""
        mapped = source.startswith(MAPPED)
        source = source.removeprefix(MAPPED)
        scoped = "%" in source
        listener = self.listener("::" if mapped or scoped else "::1" if ":" in source else "127.0.0.1")
        peer = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_STREAM)
        address = socket.getaddrinfo(source, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4]
        peer.bind(address)
        server = source if scoped else "::1" if ":" in source else "127.0.0.1"
        port = listener.getsockname()[1]
        peer.connect(socket.getaddrinfo(server, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4])
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted, _ = listener.accept()
        return peer, accepted

    def environment(self, source, seconds):
        options = self.options
        environment = dict(os.environ)
        if options.preload:
            environment["LD_PRELOAD"] = options.preload
        if options.clock is not None:
            later = (self.count - 1) * options.step if seconds is None else seconds
            environment["OSTIARY_TEST_CLOCK"] = str(1000 * (options.clock + later))
        if options.tally:
            environment["OSTIARY_TEST_TALLY"] = os.path.join(options.tally, source)
        for setting in options.env:
            name, value = setting.replace("{n}", str(self.count)).split("=", 1)
            environment[name] = value
        return environment

    def start(self, accepted, source, seconds):
        self.count += 1
        return subprocess.Popen(
            [word.replace("{n}", str(self.count)) for word in self.options.command],
            stdin=accepted,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            env=self.environment(source, seconds),
        )


class Knock:
    def __init__(self, doors, knock):
        self.source, self.reply, seconds = knock
        self.received = b""
        self.end = None
        self.patience = doors.options.patience
        self.times = {"seed": None, "end": None}
        self.start = time.monotonic()
        self.peer, accepted = doors.connect(self.source)
        if self.reply == "hasty":
            self.peer.sendall(bytes(LEN))
        with accepted:
            self.process = doors.start(accepted, self.source, seconds)

    def read(self, length, what):
        """Read until there are so many bytes in all, or the end."""
        deadline = self.start + self.patience
        while len(self.received) < length and self.end is None:
            try:
                self.peer.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self.peer.recv(65536)
                self.received += piece
                if not piece:
                    self.end = "eof"
            except TimeoutError:
                self.end = "open"
            except ConnectionError:
                self.end = "reset"
        if what == "end" or len(self.received) >= length:
            self.times[what] = time.monotonic()

    def read_seed(self):
        if self.reply == "flee":
            self.peer.shutdown(socket.SHUT_WR)
        self.read(LEN, "seed")

    def digest(self, message):
        return hmac.digest(os.fsencode(self.reply), message, hashlib.sha256)

    def send_reply(self):
        if self.end is not None or self.reply in ("flee", "hasty", "idle"):
            return
        try:
            if self.reply == "leave":
                self.peer.shutdown(socket.SHUT_WR)
            else:
                self.peer.sendall(bytes(LEN) if self.reply == "wrong" else self.digest(self.received[:LEN]))
        except ConnectionError:
            self.end = "reset"

    def finish(self):
        self.read(sys.maxsize, "end")
        self.peer.close()
        try:
            self.status = self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = self.process.wait()

    def receipt(self):
        got = self.received[LEN : 2 * LEN]
        seed = self.received[:LEN]
        if not got:
            return "none"
        return "right" if got == self.digest(b"ostiary receipt" + seed + self.digest(seed)) else "wrong"

    def report(self):
        def ms(until):
            return None if until is None else round(1000 * (until - self.start))

        print(
            json.dumps(
                {
                    "source": self.source,
                    "length": len(self.received),
                    "seed": self.received[:LEN].hex(),
                    "receipt": self.receipt(),
                    "end": self.end,
                    "seed_ms": ms(self.times["seed"]),
                    "end_ms": ms(self.times["end"]),
                    "status": self.status,
                }
            )
        )


def reply_and_finish(doors, knocks):
    if doors.options.between:
        subprocess.run(["/bin/sh", "-c", doors.options.between], check=True, stdin=subprocess.DEVNULL)
    for knock in knocks:
        knock.send_reply()
    for knock in knocks:
        knock.finish()
        knock.report()


def started(doors, plan):
    """So many knocks at once; each has its seed, or none, when they are returned."""
    knocks = [Knock(doors, knock) for knock in plan]
    for knock in knocks:
        knock.read_seed()
    return knocks


def batches(plan, width):
    return [plan[at : at + width] for at in range(0, len(plan), width)]


def main():
    options = arguments()
    doors = Doors(options)
    if options.hold:
        phases = [[knock for batch in batches(phase, options.width) for knock in started(doors, batch)] for phase in options.phases]
        for phase in phases:
            reply_and_finish(doors, phase)
    else:
        for phase in options.phases:
            for batch in batches(phase, options.width):
                reply_and_finish(doors, started(doors, batch))


main()
