#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Ask a program that serves a unix socket, as a user of one's choice, and print its answer.

usage: ask_as.py UID REQUEST COMMAND...

COMMAND is started as systemd would with Accept=yes: with the accepted connection as standard input, while its other side
is held by a process of that user. REQUEST is sent as it is, with \\n for a line feed; an empty one sends nothing and
leaves. The answer is looked at when the other side is closed: what COMMAND has not read would take it along then.
"""
import os
import socket
import subprocess
import sys
import tempfile


def ask(uid, request, path, closed):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.sendall(request)
    os.read(closed, 1)
    while request and (piece := client.recv(65536)):
        os.write(1, piece)


def main():
    uid, request = int(sys.argv[1]), os.fsencode(sys.argv[2]).replace(b"\\n", b"\n")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = directory + "/socket"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        closed, is_open = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(is_open)
            try:
                ask(uid, request, path, closed)
            except OSError as error:
                print(error, flush=True)
                os._exit(1)
            os._exit(0)
        connection, _ = listener.accept()
        status = subprocess.run(sys.argv[3:], stdin=connection.fileno(), check=False).returncode
        connection.close()
        os.close(is_open)
        _, asked = os.waitpid(child, 0)
        return status or os.waitstatus_to_exitcode(asked)


sys.exit(main())
