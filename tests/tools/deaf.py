#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Be a log that is full, and that nobody reads.

usage: deaf.py datagrams|stream|pipe PATH

  datagrams  a socket that takes datagrams, with no room for another
  stream     a socket that listens, with no room for another connection
  pipe       a named pipe with no room for another byte

PATH appears when it is full. Ends when its parent does.
"""

import ctypes
import os
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1


def full_datagrams(path):
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.bind(path)
    os.chmod(path, 0o666)
    source = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    source.setblocking(False)
    source.connect(path)
    try:
        while True:
            source.send(b"x")
    except BlockingIOError:
        return sink


def full_stream(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(0)
    source = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    source.connect(path)
    return listener, source


def full_pipe(path):
    os.mkfifo(path, 0o666)
    pipe_fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(pipe_fd, bytes(4096))
    except BlockingIOError:
        return pipe_fd


def main():
    kind, path = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    kept = {"datagrams": full_datagrams, "stream": full_stream, "pipe": full_pipe}[kind](path + ".new")
    os.rename(path + ".new", path)
    while kept:
        signal.pause()


main()
