#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Connect to a door on loopback as fast as one process can, until a file exists, and print how often that worked.

usage: flood.py PORT SOURCE FILE

Prints "ready" when it has worked READY times.

Says nothing, reads nothing, and keeps the newest connections open, so as to hold as many handlers as it can.
"""

import collections
import os
import socket
import sys

HELD = 500
READY = 500


def main():
    port, source, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    held = collections.deque()
    made = 0
    while not os.path.exists(file):
        peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        peer.settimeout(1)
        try:
            peer.bind((source, 0))
            peer.connect(("127.0.0.1", port))
            made += 1
            if made == READY:
                print("ready", flush=True)
        except OSError:
            peer.close()
            continue
        held.append(peer)
        if len(held) > HELD:
            held.popleft().close()
    print(made)


main()
