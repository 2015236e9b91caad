#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Count how often strings stand in the memory of a process.

usage: memory_scan.py [--unlocked] PID STRING...

A STRING hex:DIGITS stands for these bytes; keys-of:SECRET for all that could take this secret's place in HMAC-SHA256: the
key that it is hashed to where it is longer than a block, and both of its padded forms, as bytes and as words; and the
states of the hash behind those. Looks through all that is in memory, or swapped out, of every readable map, and prints
one line "COUNT STRING" for each. Maps of more than 1 GiB are left out: only the address sanitizer makes such, for its
shadow, which holds no data. With --unlocked the memory for secrets (src/base/locked.h) is left out as well: what is
locked, not inherited and not dumped; the address sanitizer locks nothing. Must be run as root or the process' owner.
"""

import array
import hashlib
import os
import struct
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
LARGEST = 1 << 30

BLOCK = 64
PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, n))]


def root(number, power):
    """The first 32 bits behind the point of the number's square or cube root, which SHA-256 takes its constants from."""
    low, high = 0, number << 33
    while high - low > 1:
        middle = (low + high) // 2
        if middle**power <= number << (32 * power):
            low = middle
        else:
            high = middle
    return low & 0xFFFFFFFF


START = [root(prime, 2) for prime in PRIMES[:8]]
ROUNDS = [root(prime, 3) for prime in PRIMES[:64]]


def turn(word, count):
    return (word >> count | word << (32 - count)) & 0xFFFFFFFF


def state_behind(block):
    """The state of SHA-256 behind its first block, as the eight words lie in memory."""
    words = list(struct.unpack(">16I", block))
    for n in range(16, 64):
        early, late = words[n - 15], words[n - 2]
        small = turn(early, 7) ^ turn(early, 18) ^ early >> 3
        large = turn(late, 17) ^ turn(late, 19) ^ late >> 10
        words.append((words[n - 16] + small + words[n - 7] + large) & 0xFFFFFFFF)
    a, b, c, d, e, f, g, h = START
    for n in range(64):
        first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + ROUNDS[n] + words[n]
        second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (first + second) & 0xFFFFFFFF, a, b, c, (d + first) & 0xFFFFFFFF, e, f, g
    return struct.pack("=8I", *((old + new) & 0xFFFFFFFF for old, new in zip(START, (a, b, c, d, e, f, g, h))))


def keys_of(secret):
    key = hashlib.sha256(secret).digest() if len(secret) > BLOCK else secret
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(BLOCK, b"\0")) for pad in (0x36, 0x5C))
    # Halves as well: a buffer that was used again may have lost its beginning.
    for name, value in ("key", key), ("inner", inner), ("outer", outer):
        yield name + "-first", value[:16]
        yield name + "-next", value[12:28]
        yield name + "-words", struct.pack("=4I", *struct.unpack(">4I", value[8:24]))
    yield "inner-state", state_behind(inner)
    yield "outer-state", state_behind(outer)


def needles(text):
    kind, _, value = text.partition(":")
    if kind == "hex":
        return {text: bytes.fromhex(value)}
    if kind == "keys-of":
        return {f"{text} {name}": bytes_ for name, bytes_ in keys_of(os.fsencode(value))}
    return {text: os.fsencode(text)}


def maps(pid):
    """Each that can be read: its span, and its flags."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            words = line.split()
            if words[0] == "VmFlags:":
                if rights.startswith("r"):
                    yield low, high, set(words[1:])
            elif not words[0].endswith(":"):
                low, high = (int(end, 16) for end in words[0].split("-"))
                rights = words[1]


def chosen(pid, unlocked):
    every = list(maps(pid))
    small = [each for each in every if each[1] - each[0] <= LARGEST]
    secret = {"dc", "dd"} if len(small) < len(every) else {"lo", "dc", "dd"}
    return [(low, high) for low, high, flags in small if not (unlocked and secret <= flags)]


def present(pagemap, low, high):
    """The parts of it that there is anything in: what was never touched is zeros, or still in its file."""
    pagemap.seek(low // PAGE * 8)
    entries = array.array("Q", pagemap.read((high - low) // PAGE * 8))
    begin = None
    for index, entry in enumerate((*entries, 0)):
        here = entry >> 62 != 0  # in memory, or swapped out
        if here and begin is None:
            begin = index
        if not here and begin is not None:
            yield low + begin * PAGE, low + index * PAGE
            begin = None


def main():
    unlocked = sys.argv[1] == "--unlocked"
    pid, *texts = sys.argv[2 if unlocked else 1:]
    wanted = {name: needle for text in texts for name, needle in needles(text).items()}
    counts = dict.fromkeys(wanted, 0)
    read = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for low, high in (part for span in chosen(pid, unlocked) for part in present(pagemap, *span)):
            memory.seek(low)
            try:
                content = memory.read(high - low)
            except OSError:  # the kernel's own pages ([vvar]) cannot be read this way
                continue
            read += len(content)
            for text, needle in wanted.items():
                counts[text] += content.count(needle)
    if read == 0:
        sys.exit("memory_scan.py: nothing could be read")
    for text, count in counts.items():
        print(count, text)


main()
