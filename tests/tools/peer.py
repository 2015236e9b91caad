#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""One connection to a handler, as a client that behaves, or one that does not.

Prints one line of flat JSON with what was seen:
  received     everything that the server sent, in hexadecimal digits
  length       the same, counted in bytes
  end          eof | reset | open (the connection was still open after --patience) | left (this side ended it)
  seed_ms      from connecting to the whole seed; null if none came
  end_ms       from the last byte sent (or from connecting, if none was) to the end
  receipt      right | wrong | none: the 32 bytes behind the seed, judged with --secret
Exit status 0 whatever the server did; 1 when there is no connection at all.
"""

import argparse
import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import time

LEN = 32


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--server", default="127.0.0.1")
    parser.add_argument("--source", help="connect from this address")
    parser.add_argument("--secret", default="", help="the key of a right reply")
    parser.add_argument(
        "--reply",
        default="right",
        help="right | wrong | none | short=N (N bytes, then no more) | slow (one byte a second)"
        " | extra=N (a right reply and N bytes behind it)",
    )
    parser.add_argument("--close", action="store_true", help="send FIN after the reply")
    parser.add_argument("--reset", choices=["connect", "seed", "partial", "reply"], help="reset the connection after this step")
    parser.add_argument("--tell", metavar="FILE", help="create FILE once the seed has come")
    parser.add_argument("--patience", type=float, default=300, help="seconds until this side gives up")
    return parser.parse_args()


class Peer:
    def __init__(self, options):
        self.options = options
        self.received = b""
        self.end = None
        self.sent_all = None
        family = socket.AF_INET6 if ":" in options.server else socket.AF_INET
        self.connection = socket.socket(family, socket.SOCK_STREAM)
        if options.source:
            self.connection.bind((options.source, 0))
        self.connection.settimeout(options.patience)
        self.connection.connect((options.server, options.port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.start = self.last_sent = time.monotonic()
        self.seed_time = None

    def read(self, length):
        """Read until there are so many bytes in all, or the end."""
        deadline = self.start + self.options.patience
        while len(self.received) < length and self.end is None:
            try:
                self.connection.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self.connection.recv(65536)
                self.received += piece
                if not piece:
                    self.end = "eof"
            except TimeoutError:
                self.end = "open"
            except ConnectionError:
                self.end = "reset"

    def send(self, data):
        try:
            self.connection.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        self.last_sent = time.monotonic()
        return True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.end = "left"

    def right_reply(self):
        return hmac.digest(os.fsencode(self.options.secret), self.received[:LEN], hashlib.sha256)

    def receipt(self):
        got = self.received[LEN : 2 * LEN]
        if not got:
            return "none"
        message = b"ostiary receipt" + self.received[:LEN] + self.right_reply()
        return "right" if got == hmac.digest(os.fsencode(self.options.secret), message, hashlib.sha256) else "wrong"

    def reply(self):
        kind, _, number = self.options.reply.partition("=")
        right = self.right_reply()
        if kind == "right":
            self.send(right)
        elif kind == "wrong":
            self.send(bytes([right[0] ^ 1]) + right[1:])
        elif kind == "short":
            self.send(right[: int(number)])
        elif kind == "extra":
            self.send(right + bytes(int(number)))
        elif kind == "slow":
            for byte in right:
                if not self.send(bytes([byte])):
                    break
                # A second until the next byte; the server hanging up shows as something to read.
                self.connection.settimeout(1)
                try:
                    piece = self.connection.recv(65536)
                    self.received += piece
                    self.end = None if piece else "eof"
                except TimeoutError:
                    pass
                except ConnectionError:
                    self.end = "reset"
                if self.end:
                    break
        elif kind != "none":
            sys.exit(f"peer.py: no such reply: {kind}")

    def play(self):
        step = self.options.reset
        if step == "connect":
            return self.reset()
        self.read(LEN)
        if len(self.received) == LEN:
            self.seed_time = time.monotonic()
            if self.options.tell:
                open(self.options.tell, "x").close()
            if step == "seed":
                return self.reset()
            if step == "partial":
                self.send(self.right_reply()[:16])
                return self.reset()
            self.reply()
            if step == "reply":
                return self.reset()
            if self.options.close and self.end is None:
                self.connection.shutdown(socket.SHUT_WR)
        self.read(sys.maxsize)

    def report(self):
        def ms(since, until):
            return None if until is None else round(1000 * (until - since))

        print(
            json.dumps(
                {
                    "received": self.received.hex(),
                    "length": len(self.received),
                    "end": self.end,
                    "seed_ms": ms(self.start, self.seed_time),
                    "end_ms": ms(self.last_sent, time.monotonic()),
                    "receipt": self.receipt(),
                }
            )
        )


try:
    peer = Peer(arguments())
except OSError as error:
    sys.exit(f"peer.py: {error}")
peer.play()
peer.report()
