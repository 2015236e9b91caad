#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Write the golden lockout tables, from state/FORMAT.md alone: python3 make.py DIRECTORY

It shares no code with state/, so that the tables prove the page and the program right, or one of them wrong.
"""
import ipaddress
import struct
import sys

MASK = (1 << 64) - 1
KEY = bytes(range(16))
PLACES = 64
FOREVER = (1 << 48) - 1
NOW = 1795293540


def rotl(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def siphash(key, data):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotl(v[1], 13) ^ v[0]
            v[0] = rotl(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotl(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotl(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotl(v[1], 17) ^ v[2]
            v[2] = rotl(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (m,) in struct.iter_unpack("<Q", padded):
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def number(value, size):
    return value.to_bytes(size, "little")


def sealed(body, where):
    assert len(body) == 56
    return number(siphash(KEY, body + number(where, 8)), 8) + body


def address(text):
    ip, prefix = text.split("/")
    parsed = ipaddress.ip_address(ip)
    packed = parsed.packed
    if parsed.version == 4:
        return bytes(10) + b"\xff\xff" + packed, int(prefix) + 96
    return packed, int(prefix)


def slot(who, where, flags, seen, strike, until, next_ms, epoch, strikes, refusals, errors):
    packed, prefix = address(who)
    body = packed + bytes([prefix, flags]) + number(seen, 6) + number(strike, 6) + number(until, 6)
    body += number(next_ms, 6) + number(epoch, 2) + number(strikes, 4) + number(refusals, 4) + number(errors, 4)
    return sealed(body, where)


def header():
    body = b"ostiary\n" + struct.pack("<HHHHIIQ", 1, 64, 8, 0, 4096, 0, PLACES) + KEY + number(0, 8)
    return body + number(siphash(KEY, body), 8)


def counters(networks):
    body = struct.pack("<QQQHHB", 1000, 7, NOW * 1000 + 500, 3, networks, 0)
    return sealed(body + bytes(56 - len(body)), 1 << 33)


SOURCES = [
    ("192.0.2.7/32", 1, NOW, NOW - 10, 0, NOW * 1000 + 5000, 3, 2, 0, 2),
    ("192.0.2.8/32", 3, NOW - 1, NOW - 60, NOW - 60 + 86400, 0, 3, 3, 5, 8),
    ("2001:db8:1:2::/64", 7 | 5 << 4, NOW - 2, NOW - 70, FOREVER, 0, 2, 1, 70000, 9),
    ("198.51.100.9/32", 1 | 15 << 4, NOW - 3, 0, 0, NOW * 1000 + 123, 0, 0, 0, 0),
]
NETWORKS = [
    ("203.0.113.0/24", 7, NOW - 5, NOW - 100, FOREVER, 0, 3, 0, 4, 0),
    ("2001:db8:ff00::/40", 7, 0, NOW - 100, NOW + 3600, 0, 0, 0, 0, 0),
]


def table(networks):
    slots = [bytes(64)] * PLACES
    for source in SOURCES:
        packed, prefix = address(source[0])
        place = siphash(KEY, packed + bytes([prefix])) % (PLACES // 8) * 8
        while slots[place] != bytes(64):
            place += 1
        slots[place] = slot(source[0], place, *source[1:])
    head = header() + counters(len(networks)) + bytes(320) + header()
    for index, network in enumerate(networks):
        head += slot(network[0], (1 << 32) + index, *network[1:])
    return head.ljust(4096, b"\0") + b"".join(slots)


for name, networks in (("table-1", []), ("table-1-networks", NETWORKS)):
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        file.write(table(networks))
