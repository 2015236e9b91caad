#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Count how often strings stand in the memory of a process.

usage: memory_scan.py PID STRING...

Looks through every readable map, and prints one line "COUNT STRING" for each. Maps of more than 1 GiB are left out:
only the address sanitizer makes such, for its shadow, which holds no data. Must be run as root or the process' owner.
"""

import os
import sys

LARGEST = 1 << 30


def maps(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            span, rights = line.split()[:2]
            low, high = (int(end, 16) for end in span.split("-"))
            if rights.startswith("r") and high - low <= LARGEST:
                yield low, high


def main():
    pid, *texts = sys.argv[1:]
    needles = {text: os.fsencode(text) for text in texts}
    counts = dict.fromkeys(texts, 0)
    read = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for low, high in maps(pid):
            memory.seek(low)
            try:
                content = memory.read(high - low)
            except OSError:  # the kernel's own pages ([vvar]) cannot be read this way
                continue
            read += len(content)
            for text, needle in needles.items():
                counts[text] += content.count(needle)
    if read == 0:
        sys.exit("memory_scan.py: nothing could be read")
    for text, count in counts.items():
        print(count, text)


main()
