#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Write the golden lockout tables, and the golden records of grants and of used codes, from state/FORMAT.md alone: python3 make.py DIRECTORY

It shares no code with state/, so that the files prove the page and the program right, or one of them wrong.
table-1 is what version 1 wrote, and table-2 what version 2 wrote before it counted networks of strikes; each once more with
networks that are locked by hand. table-2-enclosing has networks of strikes. grants-1 and used-1 are the records.
"""
import ipaddress
import struct
import sys

MASK = (1 << 64) - 1
KEY = bytes(range(16))
PLACES = 64
BUCKET = 8
NOW = 1795293540
BOOT_ID = bytes(range(0xA0, 0xB0))
BOOT_MS = 5000000
TABLE = NOW - 3600  # table time, while the wall clock says NOW


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
    return number(siphash(KEY, body + number(where, 8)), 8) + body


def address(text):
    ip, prefix = text.split("/")
    parsed = ipaddress.ip_address(ip)
    packed = parsed.packed
    if parsed.version == 4:
        return bytes(10) + b"\xff\xff" + packed, int(prefix) + 96
    return packed, int(prefix)


class Version1:
    """Records of 64 bytes, and one bucket for each source."""

    LEN, HEAD, COPY_AT, NETWORKS_AT = 64, 4096, 448, 512
    FOREVER = (1 << 48) - 1
    SOURCES = [
        ("192.0.2.7/32", 1, NOW, NOW - 10, 0, NOW * 1000 + 5000, 3, 2, 0, 2),
        ("192.0.2.8/32", 3, NOW - 1, NOW - 60, NOW - 60 + 86400, 0, 3, 3, 5, 8),
        ("2001:db8:1:2::/64", 7 | 5 << 4, NOW - 2, NOW - 70, FOREVER, 0, 2, 1, 70000, 9),
        ("198.51.100.9/32", 1 | 15 << 4, NOW - 3, 0, 0, NOW * 1000 + 123, 0, 0, 0, 0),
    ]
    NETWORKS = {
        0: ("203.0.113.0/24", 7, NOW - 5, NOW - 100, FOREVER, 0, 3, 0, 4, 0),
        1: ("2001:db8:ff00::/40", 7, 0, NOW - 100, NOW + 3600, 0, 0, 0, 0, 0),
    }

    def slot(self, where, who, flags, seen, strike, until, next_ms, epoch, strikes, refusals, errors):
        packed, prefix = address(who)
        body = packed + bytes([prefix, flags]) + number(seen, 6) + number(strike, 6) + number(until, 6)
        body += number(next_ms, 6) + number(epoch, 2) + number(strikes, 4) + number(refusals, 4) + number(errors, 4)
        return sealed(body, where)

    def header(self):
        body = b"ostiary\n" + struct.pack("<HHHHIIQ", 1, 64, 8, 0, 4096, 0, PLACES) + KEY + number(0, 8)
        return body + number(siphash(KEY, body), 8)

    def counters(self, networks):
        body = struct.pack("<QQQHHB", 1000, 7, NOW * 1000 + 500, 3, len(networks), 0)
        return sealed(body.ljust(56, b"\0"), 1 << 33)

    def buckets(self, who):
        packed, prefix = address(who)
        return [siphash(KEY, packed + bytes([prefix])) % (PLACES // BUCKET)]


class Version2:
    """Records of 128 bytes, and three buckets for each source; a mask says which networks are in use."""

    LEN, HEAD, COPY_AT, NETWORKS_AT = 128, 8192, 896, 1024
    FOREVER = MASK
    SOURCES = [
        ("192.0.2.7/32", 1, 0, TABLE, TABLE - 10, 0, TABLE * 1000 + 5000, 5, 3, 2, 0, 2),
        ("192.0.2.8/32", 3, 0, TABLE - 1, TABLE - 60, TABLE - 60 + 86400, 0, 0, 3, 3, 5, 8),
        ("2001:db8:1:2::/64", 15, 200, TABLE - 2, TABLE - 70, FOREVER, 0, 0, 2, 1, 70000, 9),
        ("198.51.100.9/32", 1, 255, TABLE - 3, 0, 0, TABLE * 1000 + 123, 1 << 63 | 1, 0, 0, 0, 0),
    ]
    NETWORKS = {
        0: ("203.0.113.0/24", 15, 0, TABLE - 5, TABLE - 100, FOREVER, 0, 0, 3, 0, 4, 0),
        55: ("2001:db8:ff00::/40", 15, 0, 0, TABLE - 100, TABLE + 3600, 0, 0, 0, 0, 0, 0),
    }

    ENCLOSING = [
        ("2001:db8:5:607::/64", 1, 3, TABLE - 1, TABLE - 10, 0, 0, 0, 0, 1, 0, 0, 0, TABLE - 86400),
        ("2001:db8:5:600::/56", 1, 4, TABLE - 1, TABLE - 20, 0, 0, 0, 0, 2, 0, 0, 1),
        ("2001:db8:5::/48", 11, 5, TABLE - 2, TABLE - 30, TABLE - 30 + 86400, 0, 0, 0, 48, 7, 0, 1),
        ("2001:db8::/32", 1, 6, TABLE - 3, TABLE - 40, 0, 0, 0, 0, 50, 0, 0, 1),
    ]

    def slot(self, where, who, flags, generation, seen, strike, until, pace_ms, taken, epoch, strikes, refusals, errors,
             network=0, accepted=0):
        packed, prefix = address(who)
        body = packed + bytes([prefix, flags]) + number(epoch, 2) + bytes([network]) + bytes(3)
        body += number(seen, 8) + number(strike, 8) + number(until, 8)
        body += number(strikes, 4) + number(refusals, 4) + number(errors, 4) + number(pace_ms, 8) + number(taken, 8)
        body += number(0, 8) + number(generation, 8) + number(accepted, 8)
        return sealed(body.ljust(120, b"\0"), where)

    def header(self):
        body = b"ostiary\n" + struct.pack("<HHHHIIQ", 2, 128, 8, 3, 8192, 0, PLACES) + KEY + number(0, 8)
        return (body + number(siphash(KEY, body), 8)).ljust(128, b"\0")

    def counters(self, networks):
        body = struct.pack("<QQQQHBBI", 1000, 7, TABLE * 1000 + 500, 9, 3, 0, 0, 0) + BOOT_ID
        body += struct.pack("<QQQQ", BOOT_MS, NOW * 1000, TABLE * 1000, sum(1 << index for index in networks))
        body += number((NOW + 60) * 1000, 8)
        body += struct.pack("<BBBBIIIII", 0, 0, 0, 0, 0, 5, 2, 0, 0)
        return sealed(body, 1 << 33)

    def buckets(self, who):
        packed, prefix = address(who)
        count = PLACES // BUCKET
        chosen = []
        for choice in range(3):
            begin, end = choice * count // 3, (choice + 1) * count // 3
            chosen.append(begin + siphash(KEY, packed + bytes([prefix, choice])) % (end - begin))
        return chosen


def place_for(form, slots, who):
    """The first empty place of the emptiest bucket; of equals the first bucket."""
    free = bytes(form.LEN)

    def members(bucket):
        return slots[bucket * BUCKET : bucket * BUCKET + BUCKET]

    bucket = max(form.buckets(who), key=lambda bucket: members(bucket).count(free))
    return bucket * BUCKET + members(bucket).index(free)


def table(form, networks, sources):
    slots = [bytes(form.LEN)] * PLACES
    for source in sources:
        place = place_for(form, slots, source[0])
        slots[place] = form.slot(place, *source)
    head = (form.header() + form.counters(networks)).ljust(form.COPY_AT, b"\0") + form.header()
    for index, network in networks.items():
        head = head.ljust(form.NETWORKS_AT + index * form.LEN, b"\0") + form.slot((1 << 32) + index, *network)
    return head.ljust(form.HEAD, b"\0") + b"".join(slots)


class Grants:
    """Two users behind one address, a network that is closing, everybody, and free slots."""

    LATEST = (NOW + 60) * 1000
    SLOTS = 8
    GRANTS = {
        0: ("192.0.2.7/32", 2, 0, 1, 1, 90000, NOW * 1000, 17, 5, BOOT_ID, BOOT_MS, NOW * 1000, b"ssh", b"alice"),
        2: ("2001:db8:1:2::/64", 3, 2, 3, 1, 1, 1, MASK, 1 << 40, BOOT_ID, BOOT_MS, NOW * 1000, b"g" * 24, b"u" * 64, 1),
        3: ("0.0.0.0/0", 1, 0, 0, 0, 3600, 0, 0, 0, bytes(16), 0, 0, b"a", b""),
        5: ("192.0.2.7/32", 2, 0, 2, 1, 60, NOW * 1000, 0, 0, BOOT_ID, BOOT_MS, NOW * 1000, b"ssh", b"bob@example.net"),
    }

    def slot(self, where, who, step, end, by, known, lifetime, since, packets, last, boot_id, boot_ms, wall_ms, gate, user,
             commands=0):
        packed, prefix = address(who)
        body = packed + bytes([prefix, step, end, by, known, commands, 0, 0])
        body += struct.pack("<QQQQ", lifetime, since, packets, last) + boot_id
        for start in (boot_ms, wall_ms):
            body += number(start + lifetime * 1000, 8) + number(start + 2 * lifetime * 1000, 8)
        return sealed((body + gate.ljust(24, b"\0") + user).ljust(248, b"\0"), where)

    def header(self):
        body = (b"ostgrnt\n" + struct.pack("<HHI", 1, 256, 1024) + KEY + number(self.LATEST, 8)).ljust(504, b"\0")
        return body + number(siphash(KEY, body), 8)

    def record(self):
        slots = [self.slot(i, *self.GRANTS[i]) if i in self.GRANTS else bytes(256) for i in range(self.SLOTS)]
        return self.header() * 2 + b"".join(slots)


class Used:
    """A key of TOTP, an empty slot, a key of HOTP, a secret, and an action that ran."""

    FLOOR = NOW - 100
    SLOTS = 5
    USED = {
        0: (1, b"\x00\x1e\x00" + b"1234567890", 59843118, NOW, "192.0.2.7/32"),
        2: (2, b"\x02\x00\x00" + b"abcdefghij", 1 << 47, 0, None),
        3: (3, b"backup\0old", 0, 1, "2001:db8:1:2::1/128"),
        4: (4, b"backup", 123456789, NOW, BOOT_ID, 4194303),
    }

    def slot(self, where, kind, name, next_one, when, who, pid=0):
        body = number(siphash(KEY, bytes([kind]) + name), 8) + bytes([kind]).ljust(4, b"\0") + number(pid, 4)
        body += number(next_one, 8) + number(when, 8)
        body += who if isinstance(who, bytes) else address(who)[0] if who else bytes(16)
        return sealed(body.ljust(56, b"\0"), where)

    def header(self):
        body = b"ostused\n" + struct.pack("<HHI", 1, 64, 128) + KEY + number(self.SLOTS, 8) + number(self.FLOOR, 8) + bytes(8)
        return body + number(siphash(KEY, body), 8)

    def record(self):
        slots = [self.slot(i, *self.USED[i]) if i in self.USED else bytes(64) for i in range(self.SLOTS)]
        return self.header() * 2 + b"".join(slots)


for version, form in ((1, Version1()), (2, Version2())):
    for name, networks in ((f"table-{version}", {}), (f"table-{version}-networks", form.NETWORKS)):
        with open(f"{sys.argv[1]}/{name}", "wb") as file:
            file.write(table(form, networks, form.SOURCES))
with open(f"{sys.argv[1]}/table-2-enclosing", "wb") as file:
    file.write(table(Version2(), {}, Version2.ENCLOSING))
with open(f"{sys.argv[1]}/grants-1", "wb") as file:
    file.write(Grants().record())
with open(f"{sys.argv[1]}/used-1", "wb") as file:
    file.write(Used().record())
