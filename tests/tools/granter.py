#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""What stands in for ostgrant, where a test is about who runs or asks it: it changes no firewall.

usage: granter.py -c DIR/ostiary-grants.cfg knock ...     as a handler that is root runs it
       granter.py listen [--user=UID] SOCKET DIR          as one without rights asks it

What it has found goes to DIR/out/granted as lines: "arg TEXT", "env NAME=VALUE", "fd N KIND", "receipt HEX", "peer ADDRESS",
"cwd PATH", "umask 022", and /proc/self/status as it is; or "asked LINE". What it does is the first line of DIR/play:

  open     the gate is open: the receipt is sent; or "ok" is answered
  wait     the same, but when DIR/go is there
  TEXT     it is not: the connection is ended, status 69; or TEXT is answered
  die      it is killed, or drops the connection
  hang     it does nothing, until DIR/go is there
"""

import os
import signal
import socket
import stat
import sys
import time

PEER_FD = 3
KINDS = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFREG: "file"}


def described(fd):
    return f"fd {fd} {KINDS.get(stat.S_IFMT(os.fstat(fd).st_mode), 'other')}"


def descriptors():
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            yield described(int(name))
        except OSError:
            continue  # of the directory itself, which is closed by now


def report(directory, lines):
    path = os.path.join(directory, "out/granted")
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write("".join(line + "\n" for line in lines))
    os.rename(path + ".new", path)


def play_of(directory):
    with open(os.path.join(directory, "play"), encoding="ascii") as play:
        return play.readline().strip()


def wait_for_go(directory):
    while not os.path.exists(os.path.join(directory, "go")):
        time.sleep(0.02)


def perform(directory, play):
    if play == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if play in ("wait", "hang"):
        wait_for_go(directory)
    return play in ("open", "wait")


def knock():
    directory = os.path.dirname(sys.argv[2])
    mask = os.umask(0o22)
    lines = [f"arg {argument}" for argument in sys.argv]
    lines += [f"env {name}={value}" for name, value in os.environ.items()]
    lines += descriptors()
    receipt = os.read(0, 1000)
    rest = os.read(0, 1000)
    peer = socket.socket(fileno=PEER_FD)
    lines += [f"receipt {receipt.hex()}", f"rest {rest.hex()}", f"peer {peer.getpeername()[0]}"]
    lines += [f"cwd {os.getcwd()}", f"umask {mask:03o}"]
    with open("/proc/self/status", encoding="ascii") as status:
        lines += status.read().splitlines()
    report(directory, lines)
    opens = perform(directory, play_of(directory))
    if opens:
        peer.sendall(receipt)
    peer.shutdown(socket.SHUT_RDWR)
    return 0 if opens else 69


def answer(connection, directory):
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(1)
        if piece == b"":
            return
        line += piece
    report(directory, ["asked " + line.decode("ascii").rstrip("\n")])
    play = play_of(directory)
    if play == "die":
        return
    if play in ("wait", "hang"):
        wait_for_go(directory)
    connection.sendall((b"ok until=1795293540 left=90000" if play in ("open", "wait") else play.encode("ascii")) + b"\n")


def listen():
    user = [argument.split("=")[1] for argument in sys.argv if argument.startswith("--user=")]
    path, directory = sys.argv[-2:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        if user:
            os.seteuid(int(user[0]))
        listener.listen(5)
        os.seteuid(0)
        with open(os.path.join(directory, "listens"), "w", encoding="ascii"):
            pass
        while True:
            connection, _ = listener.accept()
            with connection:
                answer(connection, directory)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen()
    sys.exit(knock())
