#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Many connections to one port by somebody who wants to be a nuisance.

usage: nuisance.py PORT SOURCES COUNT rush
       nuisance.py PORT SOURCES COUNT hang FILE [PAUSE]

SOURCES is an address, or several with commas between them, which are used by turns.

  rush  connect and leave, COUNT times, as fast as it goes; by a reset and in good order by turns
  hang  keep COUNT connections open and say nothing, until FILE exists; where the server hangs up, connect again PAUSE
        seconds (5) later, and ten times as long as it took, up to 60 PAUSES: a slow machine whose backlog never has room
        keeps everybody out, which says nothing about the door

Prints "ready" once COUNT connections have been made or tried, and at the end a line of flat JSON: connected, seconds.
"""

import heapq
import itertools
import json
import os
import resource
import selectors
import socket
import struct
import sys
import time

port, sources, count, mode = int(sys.argv[1]), itertools.cycle(sys.argv[2].split(",")), int(sys.argv[3]), sys.argv[4]

pause = float(sys.argv[6]) if len(sys.argv) > 6 else 5

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))


def connect():
    connection = socket.socket()
    connection.bind((next(sources), 0))
    connection.connect(("127.0.0.1", port))
    return connection


def start_connecting():
    """As connect, without waiting for it: a firewall may take no notice of it for long."""
    connection = socket.socket()
    connection.bind((next(sources), 0))
    connection.setblocking(False)
    # Where the backlog was full the server may know nothing of it: then this finds out.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    connection.connect_ex(("127.0.0.1", port))
    return connection


def has_ended(connection):
    try:
        return not connection.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True


begin = time.monotonic()
connected = 0
if mode == "rush":
    for connected in range(1, count + 1):
        connection = connect()
        if connected % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    print("ready", flush=True)
else:
    selector = selectors.DefaultSelector()
    due = [begin] * count  # when the next ones are to be made
    while not os.path.exists(sys.argv[5]):
        while due and due[0] <= time.monotonic():
            heapq.heappop(due)
            selector.register(start_connecting(), selectors.EVENT_READ, time.monotonic())
            connected += 1
            if connected == count:
                print("ready", flush=True)
        for key, _ in selector.select(0.02):
            if has_ended(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                now = time.monotonic()
                heapq.heappush(due, now + pause + min(10 * (now - key.data), 60 * pause))
print(json.dumps({"connected": connected, "seconds": round(time.monotonic() - begin, 2)}))
