#!/usr/bin/python3 -IS
# SPDX-License-Identifier: ISC
"""Make .gcda files of the records that programs built with append.c leave.

usage: gather.py FILE...

Each .gcda file named in the records of all FILEs gets the sum of all counts for it. A record that is not whole, since its process
was killed or the disk was full, is left out.
"""

import collections
import struct
import sys

MAGIC = b"counts\n\0"
HEADER_LEN = 16  # of a .gcda file: magic, version, stamp, checksum
TAG_FUNCTION = 0x01000000
TAG_ARCS = 0x01A10000
TAG_SUMMARY = 0xA1000000


def records(data):
    """The content of each whole record."""
    at = data.find(MAGIC)
    while at >= 0:
        start = at + len(MAGIC) + 4
        size = int.from_bytes(data[start - 4 : start], "little")
        following = start + size
        if following == len(data) or data.startswith(MAGIC, following):
            yield data[start:following]
            at = following if following < len(data) else -1
        else:
            at = data.find(MAGIC, start)


def files(record):
    """(name, content) of each .gcda file in it."""
    at = 0
    while at < len(record):
        name_len, content_len = struct.unpack_from("<II", record, at)
        at += 8
        yield record[at : at + name_len].decode(), record[at + name_len : at + name_len + content_len]
        at += name_len + content_len


def functions(content):
    """(identity, counters) of each function."""
    at = HEADER_LEN
    identity = None
    while at + 8 <= len(content):
        tag, length = struct.unpack_from("<Ii", content, at)
        at += 8
        if tag == TAG_FUNCTION:
            identity = content[at : at + length]
        elif tag == TAG_ARCS:
            # A length below zero stands for so many bytes of zero.
            count = abs(length) // 8
            yield identity, struct.unpack_from(f"<{count}Q", content, at) if length > 0 else (0,) * count
        at += max(length, 0)


def add(contents):
    """One content with the sum of all; contents counts how often each came."""
    sums = {}
    runs = 0
    for content, times in contents.items():
        runs += times
        for identity, counters in functions(content):
            if identity in sums:
                sums[identity] = [a + b * times for a, b in zip(sums[identity], counters, strict=True)]
            else:
                sums[identity] = [b * times for b in counters]
    out = [content[:HEADER_LEN], struct.pack("<IIII", TAG_SUMMARY, 8, runs, 0)]
    for identity, counters in sums.items():
        out.append(struct.pack("<II", TAG_FUNCTION, len(identity)) + identity)
        out.append(struct.pack(f"<II{len(counters)}Q", TAG_ARCS, 8 * len(counters), *counters))
    return b"".join(out)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: gather.py FILE...")
    contents = collections.defaultdict(collections.Counter)
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            data = file.read()
        for record in records(data):
            for name, content in files(record):
                contents[name][content] += 1
    for name, counts in contents.items():
        with open(name, "wb") as file:
            file.write(add(counts))


main()
