#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Peers who leave, each at another moment, and the handler that is started for each.

usage: leaver.py --log=FILE -- COMMAND... -- SOURCE=WAY...

Must be the only thing in a network namespace of its own, as root: where a seed has to be on its way for a while, the
firewall there holds it back. For each SOURCE (127.0.0.0/8) a connection is made, COMMAND is started with it as fd 0, and
the peer leaves as WAY says:

  early            closes before COMMAND is started
  early-half       ends its own side before COMMAND is started, and listens on
  early-reset      resets before COMMAND is started
  early-data       says something that is no reply and closes before COMMAND is started
  underway         closes while the seed is on its way
  underway-half    ends its own side while the seed is on its way
  underway-data    says something that is no reply and closes while the seed is on its way
  underway-seen    closes while the seed is on its way; COMMAND looks only when the seed has been answered with a reset
  underway-cut     closes while the seed is on its way, and that does not come through either
  close            closes when it has read the seed
  close-unread     closes when the seed has come, without reading it
  half             ends its own side when it has read the seed
  reset            resets when it has read the seed
  half-reset       ends its own side when it has read the seed, and then resets
  silent           says nothing, and stays

Standard error of COMMAND is appended to FILE. Prints a line of flat JSON for each: source, length (bytes that the peer
has read), status (of COMMAND).
"""

import argparse
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

LEN = 32
LIMIT = 20
SIOCOUTQ = 0x5411


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"leaver.py: gave up waiting: {what}")
        time.sleep(0.005)


def nft(text):
    subprocess.run(["nft", text], check=True)


def unacknowledged(connection):
    return struct.unpack("i", fcntl.ioctl(connection, SIOCOUTQ, bytes(4)))[0]


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Leaver:
    def __init__(self, listener, options, source, way):
        self.options, self.source, self.way = options, source, way
        self.port = listener.getsockname()[1]
        self.length = 0
        self.peer = socket.socket()
        self.peer.settimeout(LIMIT)
        self.peer.bind((source, 0))
        self.peer.connect(listener.getsockname())
        self.connection, _ = listener.accept()

    def start(self):
        self.process = subprocess.Popen(self.options.command, stdin=self.connection, stdout=subprocess.DEVNULL, stderr=self.options.out)

    def read_seed(self):
        self.length = len(self.peer.recv(LEN, socket.MSG_WAITALL))

    def early(self, how):
        if how == "reset":
            reset(self.peer)
        elif how == "half":
            self.peer.shutdown(socket.SHUT_WR)
        else:
            self.peer.sendall(b"GET / HTTP/1.0\r\n" if how == "data" else b"")
            self.peer.close()
        self.start()

    def underway(self, how):
        """Nothing with a seed in it comes through until the rule is taken away."""
        nft(f"add rule ip leaver out tcp sport {self.port} ip length 70-200 drop")
        self.start()
        wait_for(lambda: unacknowledged(self.connection) == LEN, "the seed has been sent")
        if how == "seen":
            os.kill(self.process.pid, signal.SIGSTOP)
        if how == "half":
            self.peer.shutdown(socket.SHUT_WR)
        elif how == "cut":
            nft(f"add rule ip leaver out tcp dport {self.port} drop")
            self.peer.close()
        else:
            self.peer.sendall(b"GET / HTTP/1.0\r\n" if how == "data" else b"")
            self.peer.close()
        if how == "seen":
            nft("flush chain ip leaver out")
            wait_for(lambda: self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0, "the reset has come")
            os.kill(self.process.pid, signal.SIGCONT)
        self.process.wait(LIMIT)
        nft("flush chain ip leaver out")

    def with_seed(self, how):
        self.start()
        if how == "close-unread":
            wait_for(lambda: self.peer.recv(LEN, socket.MSG_PEEK), "the seed has come")
            return self.peer.close()
        self.read_seed()
        if how in ("half", "half-reset"):
            self.peer.shutdown(socket.SHUT_WR)
        if how == "close":
            self.peer.close()
        elif how in ("reset", "half-reset"):
            reset(self.peer)

    def play(self):
        kind, _, how = self.way.partition("-")
        if kind in ("early", "underway"):
            getattr(self, kind)(how)
        else:
            self.with_seed(self.way)
        status = self.process.wait(LIMIT)
        print(json.dumps({"source": self.source, "length": self.length, "status": status}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    words = sys.argv[1:]
    at = words.index("--")
    options = parser.parse_args(words[:at])
    rest = words[at + 1 :]
    at = rest.index("--")
    options.command = rest[:at]
    options.out = open(options.log, "ab", buffering=0)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    nft("add table ip leaver; add chain ip leaver out { type filter hook output priority 0; }")
    listener = socket.create_server(("127.0.0.1", 0))
    for word in rest[at + 1 :]:
        source, way = word.split("=")
        Leaver(listener, options, source, way).play()


main()
