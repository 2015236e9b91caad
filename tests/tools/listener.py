#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Listen at a unix socket, as what an action with socket= tells, and write down what is told.

usage: listener.py [--user=UID] [--busy | --drop | --deaf] [--after=SECONDS] SOCKET FILE

  --user   bind and listen as this user; anybody may connect
  --busy   with no room for anybody who connects
  --drop   close each connection without reading, as systemd does where there are too many
  --deaf   keep each connection, and do not read
  --after  read so late

For each connection a line is appended to FILE: all that was sent, as Python writes bytes. Ends when its parent does.
"""

import argparse
import ctypes
import os
import signal
import socket
import time

PR_SET_PDEATHSIG = 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", type=int)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--drop", action="store_true")
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--after", type=float, default=0)
    parser.add_argument("socket")
    parser.add_argument("file")
    options = parser.parse_args()
    with open(options.file, "ab", buffering=0) as out:
        if options.user is not None:
            os.setresgid(options.user, options.user, options.user)
            os.setresuid(options.user, options.user, options.user)
        # After the change of user, which would undo it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Under another name until it listens, so that whoever finds it can connect.
        passing = options.socket + ".new"
        listener.bind(passing)
        os.chmod(passing, 0o666)
        listener.listen(0 if options.busy else 4096)  # as a socket unit does
        if options.busy:
            waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            waiting.connect(passing)
        os.rename(passing, options.socket)
        while options.busy:
            signal.pause()
        while True:
            connection, _ = listener.accept()
            time.sleep(options.after)
            while options.deaf:
                signal.pause()
            with connection:
                if options.drop:
                    continue
                out.write(repr(connection.makefile("rb").read()).encode() + b"\n")


main()
