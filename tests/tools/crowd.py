#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Many rightful clients at once, each from an address of its own.

usage: crowd.py COUNT COMMAND...

COUNT processes are made, and then let go all at once. Each becomes COMMAND with one more argument: an address of this
machine which the client connects to, and by a route that is made here, comes from: 127.1.0.1, 127.1.0.2, ... Needs a
network namespace whose routes are nobody else's business.

Prints a line of flat JSON: accepted (clients that ended with status 0), and, in seconds since they were let go, median and
last (when so many of them had ended).
"""

import json
import os
import subprocess
import sys
import time

count = int(sys.argv[1])
command = sys.argv[2:]
addresses = [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count)]

subprocess.run(
    ["ip", "-batch", "-"],
    input="".join(f"route replace local {a} dev lo src {a}\n" for a in addresses),
    text=True,
    check=True,
)

wait_end, gate = os.pipe()
for address in addresses:
    if os.fork() == 0:
        try:
            os.close(gate)
            os.read(wait_end, 1)  # ends when the gate is closed
            os.execvp(command[0], [*command, address])
        finally:
            os._exit(127)
os.close(gate)

start = time.monotonic()
accepted = 0
ends = []
for _ in addresses:
    _, status = os.wait()
    accepted += status == 0
    ends.append(round(time.monotonic() - start, 2))
print(json.dumps({"accepted": accepted, "median": ends[count // 2], "last": ends[-1]}))
