#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Many sources that want to keep a door busy and pay nothing for it: they connect, wait for their slot, leave before it
comes, and come again.

usage: squat.py PORT SOURCES EACH FILE

From each of 127.1.0.1, 127.1.0.2, ... EACH connections are kept open. One that has waited for 3 s is left and made
again, and waits for twice as long each time until the server, which may be slow, has once hung up on it; where the server
hangs up, it is made again 5 s later. A seed is not answered. When FILE exists nobody leaves any more, and when FILE.end
does, all is over.

Prints "ready" once the server has hung up on each of the sources, "still" once FILE was seen, and at the end a line of
flat JSON: connected, left, refused, seeds.
"""

import json
import os
import selectors
import socket
import sys
import time

WAIT, PAUSE = 3, 5

port, sources, each, file = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
counts = {"connected": 0, "left": 0, "refused": 0, "seeds": 0}
selector = selectors.DefaultSelector()


class Squatter:
    """One of the connections of a source: open until `until`, or to be made then."""

    def __init__(self, source):
        self.source = source
        self.connection = None
        self.until = 0
        self.wait = WAIT
        self.seed = False
        self.refused = False

    def come(self, now):
        self.connection = socket.socket()
        self.connection.bind((self.source, 0))
        self.connection.setblocking(False)
        # A server whose queue was full may never have heard of a connection that is made for us: ask.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PAUSE)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PAUSE)
        self.connection.connect_ex(("127.0.0.1", port))
        selector.register(self.connection, selectors.EVENT_READ, self)
        self.until = now + self.wait
        self.seed = False
        counts["connected"] += 1

    def close(self, until):
        selector.unregister(self.connection)
        self.connection.close()
        self.connection = None
        self.until = until

    def hear(self, now):
        try:
            got = self.connection.recv(4096)
        except OSError:
            got = b""
        if got:
            self.seed = True
            counts["seeds"] += 1
            # On a slow machine a source may have its first seed only now; see where FILE is seen.
            if still:
                self.close(0)
            return
        if not self.seed:
            self.refused = True
            counts["refused"] += 1
        self.close(now + PAUSE)

    def act(self, now):
        if now < self.until:
            return
        if self.connection is None:
            self.come(now)
        elif not still:
            counts["left"] += not self.seed
            if not self.refused:
                self.wait *= 2
            self.close(now)


squatters = [Squatter(f"127.1.{n // 250}.{n % 250 + 1}") for n in range(sources) for _ in range(each)]
ready = still = False
while not os.path.exists(file + ".end"):
    now = time.monotonic()
    for key, _ in selector.select(0.1):
        key.data.hear(now)
    for squatter in squatters:
        squatter.act(now)
    if not ready and len({squatter.source for squatter in squatters if squatter.refused}) == sources:
        ready = True
        print("ready", flush=True)
    if not still and os.path.exists(file):
        still = True
        # Whoever has a seed goes: what stays is what a source holds for nothing.
        for squatter in squatters:
            if squatter.connection is not None and squatter.seed:
                squatter.close(0)
        print("still", flush=True)
print(json.dumps(counts))
