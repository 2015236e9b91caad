#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Start a handler with descriptors 0, 1 and 2 that no launcher should give it.

usage: odd_fds.py [--secret=SECRET] 0=KIND 1=KIND 2=KIND -- COMMAND...

  KIND   peer | other (each a TCP connection over loopback) | unix (one end of a stream pair) | null | closed

The peer sends nothing, or with --secret a right reply once 32 bytes have come; the ends that the test holds are read
until COMMAND has ended and they have. Prints one line of flat JSON:

  peer, other, unix (bytes received from each), unix_text (the last ones' text), status (of COMMAND; -N: signal N)

$JOURNAL_STREAM names the unix stream, so that it can pass for the journal's.
"""

import hashlib
import hmac
import json
import os
import selectors
import socket
import sys

LEN = 32
PATIENCE = 300


def connection():
    """A pair of connected TCP sockets: ours and the handler's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    return ours, theirs


def become(command, descriptors, environment):
    """In the child: each descriptor to its number. The sources are above 2, for 0 to 2 are in use here."""
    for number, source in enumerate(descriptors):
        if source is None:
            os.close(number)
        else:
            os.dup2(source, number)
    os.closerange(3, 256)
    os.execve(command[0], command, environment)


def start(command, kinds, ends):
    null = os.open(os.devnull, os.O_RDWR)
    sources = {"null": null, "closed": None} | {name: theirs.fileno() for name, (_, theirs) in ends.items()}
    stream = os.fstat(ends["unix"][1].fileno())
    environment = os.environ | {"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}
    pid = os.fork()
    if pid == 0:
        try:
            become(command, [sources[kind] for kind in kinds], environment)
        finally:
            os._exit(127)
    return pid


def listen(ends, secret):
    """Everything that comes out of our ends, by name."""
    received = dict.fromkeys(ends, b"")
    waiting = selectors.DefaultSelector()
    for name, (ours, _) in ends.items():
        waiting.register(ours, selectors.EVENT_READ, name)
    while waiting.get_map():
        ready = waiting.select(PATIENCE)
        if not ready:
            sys.exit("odd_fds.py: a connection is still open")
        for key, _ in ready:
            try:
                piece = key.fileobj.recv(65536)
            except ConnectionError:
                piece = b""
            received[key.data] += piece
            if not piece:
                waiting.unregister(key.fileobj)
            elif secret and key.data == "peer" and len(received["peer"]) == LEN:
                key.fileobj.sendall(hmac.digest(os.fsencode(secret), received["peer"], hashlib.sha256))
    return received


def main():
    split = sys.argv.index("--")
    words, command = sys.argv[1:split], sys.argv[split + 1 :]
    secret = ""
    if words[0].startswith("--secret="):
        secret = words.pop(0).partition("=")[2]
    if [word[:2] for word in words] != ["0=", "1=", "2="]:
        sys.exit(__doc__)
    ends = {"peer": connection(), "other": connection(), "unix": socket.socketpair()}
    pid = start(command, [word[2:] for word in words], ends)
    for _, theirs in ends.values():
        theirs.close()
    received = listen(ends, secret)
    _, status = os.waitpid(pid, 0)
    report = {name: len(content) for name, content in received.items()}
    report["unix_text"] = received["unix"].decode("ascii", "replace").replace('"', "'")
    report["status"] = os.waitstatus_to_exitcode(status)
    print(json.dumps(report))


main()
