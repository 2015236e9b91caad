#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Be /dev/log: append each datagram to a file, one line each, as "<PRI> TAG[PID]: TEXT".

usage: syslog_sink.py SOCKET FILE

A time stamp is cut off; a line feed inside a message would show as a second line, as it would in a real log.
Ends when its parent does.
"""

import ctypes
import os
import re
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1


def main():
    path, log = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.bind(path)
    os.chmod(path, 0o666)
    with open(log, "ab", buffering=0) as out:
        while True:
            message = sink.recv(65536).rstrip(b"\n\0")
            out.write(re.sub(rb"^(<\d+>)([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?", rb"\1 ", message) + b"\n")


main()
