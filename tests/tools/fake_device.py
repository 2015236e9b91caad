#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""A TPM, card or token that answers with HMAC-SHA256, as a command of ostclient --reply-command, good or bad.

usage: fake_device.py DIRECTORY [SCENE...]

The first call plays the first scene, and so on; the last one is repeated for ever, and where there is none, it is
"good". DIRECTORY has the secret, in the file "secret"; a line of "asked" for each call, with what was asked in hex; and
in "pid" that of the last call, in "child" that of what it has started.

Scenes: good, locked (says why, and has status 1), slow (a good answer after 2.5 seconds), hang (with a child, for ever,
deaf to SIGTERM), short, long, hex, empty, gated (makes a file "waits", and gives a good
answer when there is a file "gate"), ask (at the terminal), look
(what it was started with becomes the file "looked").
"""

import hashlib
import hmac
import os
import signal
import subprocess
import sys
import time

directory, *scenes = sys.argv[1:]


def path(name):
    return os.path.join(directory, name)


def write(name, text):
    with open(path(name + ".new"), "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path(name + ".new"), path(name))


def look():
    with os.scandir("/proc/self/fd") as entries:
        held = sorted(entry.name for entry in entries if "/fd" not in os.readlink(entry.path))
    with open("/proc/self/status", encoding="ascii") as status:
        blocked = next(line.split()[1] for line in status if line.startswith("SigBlk"))
    with open("/proc/self/environ", "rb") as environment:
        variables = environment.read().decode().strip("\0").split("\0")
    write("looked", f"{' '.join(held)}\n{int(blocked, 16)}\n{' '.join(sorted(variables))}\n")


def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with subprocess.Popen(["sleep", "3600"]) as child:
        write("child", str(child.pid))


def main():
    asked = sys.stdin.buffer.read()
    with open(path("asked"), "a", encoding="ascii") as log:
        print(asked.hex(), file=log)
    with open(path("asked"), encoding="ascii") as log:
        number = len(log.readlines())
    scene = scenes[min(number, len(scenes)) - 1] if scenes else "good"
    with open(path("secret"), "rb") as secret:
        answer = hmac.new(secret.read().rstrip(), asked, hashlib.sha256).digest()
    write("pid", str(os.getpid()))
    if scene == "locked":
        sys.exit("\033[31mthe card is locked\nPIN tries left: 2")
    elif scene == "slow":
        time.sleep(2.5)
    elif scene == "hang":
        hang()
    elif scene == "gated":
        write("waits", "")
        while not os.path.exists(path("gate")):
            time.sleep(0.01)
    elif scene == "ask":
        with open("/dev/tty", "w", encoding="ascii") as terminal:
            terminal.write("PIN: ")
    elif scene == "look":
        look()
    wrong = {"short": answer[:-1], "long": answer + b"\n", "hex": answer.hex().encode(), "empty": b""}
    sys.stdout.buffer.write(wrong.get(scene, answer))


main()
