#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Connect to a door on loopback as fast as one process can, for some seconds, and print how often that worked.

usage: flood.py PORT SOURCE SECONDS

Says nothing, reads nothing, and keeps the newest connections open, so as to hold as many handlers as it can.
"""

import collections
import socket
import sys
import time

HELD = 500


def main():
    port, source, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    end = time.monotonic() + seconds
    held = collections.deque()
    made = 0
    while time.monotonic() < end:
        peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        peer.settimeout(1)
        try:
            peer.bind((source, 0))
            peer.connect(("127.0.0.1", port))
            made += 1
        except OSError:
            peer.close()
            continue
        held.append(peer)
        if len(held) > HELD:
            held.popleft().close()
    print(made)


main()
