#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""A burst of connections, most of which are dead before anybody has accepted them.

usage: burst.py SERVER PORT SOURCE[,SOURCE]... COUNT HELD SECONDS

Connects COUNT times to the address SERVER, from the SOURCEs by turns, evenly over SECONDS or as fast as it goes where
that is slower, and keeps HELD connections: of more the oldest is reset. In the end those are reset as well. It says and
reads nothing.

Prints a line of flat JSON: connected (how often the connection was made before it was reset), seconds.
"""

import collections
import json
import resource
import socket
import struct
import sys
import time

server, port, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
count, held, seconds = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])
family = socket.AF_INET6 if ":" in server else socket.AF_INET

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, held + 100), hard))

RESET = struct.pack("ii", 1, 0)


def start_connecting(source):
    """Without waiting for it: a backlog that is full, and a firewall, may take no notice."""
    peer = socket.socket(family)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.bind((source, 0))
    peer.setblocking(False)
    peer.connect_ex((server, port))
    return peer


def is_connected(peer):
    try:
        peer.getpeername()
    except OSError:
        return False
    return True


def end(peer):
    """Reset it; was it ever connected?"""
    was = is_connected(peer)
    peer.close()
    return was


peers = collections.deque()
connected = 0
begin = time.monotonic()
for number in range(count):
    wait = begin + seconds * number / count - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    peers.append(start_connecting(sources[number % len(sources)]))
    if len(peers) > held:
        connected += end(peers.popleft())
connected += sum(end(peer) for peer in peers)
print(json.dumps({"connected": connected, "seconds": round(time.monotonic() - begin, 2)}))
