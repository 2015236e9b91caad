#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Make connections packet by packet, as no kernel would. Needs root.

usage: spoof.py SOURCE SERVER PORT FILE
       spoof.py SOURCE SERVER PORT --end=COUNT
       spoof.py SOURCE SERVER PORT --reset=BESIDE
       spoof.py SOURCE SERVER PORT --flags

SOURCE and SERVER are addresses of one family; the packets leave by the route to SERVER.

FILE: until it exists, begin connections in the name of SOURCE, who is somebody else: a SYN, and then an ACK that has to
guess what the SYN was answered with, and guesses wrong, for the answer goes to SOURCE. Some RATE connections a second.
Prints "ready" when READY have been begun.

--end=COUNT: SOURCE is an IPv4 address of this host, whose kernel must be kept from sending resets. COUNT handshakes are
completed with a packet that ends the connection in the same moment (FIN). Prints how often the SYN was answered.

--reset=BESIDE: SOURCE is an address of this host, and the server says something in a connection with it. A reset of that
is sent of which this host's own kernel knows nothing. Its number is the right one, or so much BESIDE it.

--flags: for each set of the six flags that a packet of TCP can have, send one with it, each from another port.
"""

import ipaddress
import os
import random
import socket
import struct
import sys
import time

RATE = 1000
READY = 500
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

source, server = ipaddress.ip_address(sys.argv[1]), ipaddress.ip_address(sys.argv[2])
port, goal = int(sys.argv[3]), sys.argv[4]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source_port, sequence, acknowledged, flags):
    without = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledged, 5 << 4, flags, 64240, 0, 0)
    # What the checksum covers of the addresses has another form for IPv6; its bytes add up to the same.
    pseudo = source.packed + server.packed + struct.pack("!HH", socket.IPPROTO_TCP, len(without))
    return without[:16] + struct.pack("!H", checksum(pseudo + without)) + without[18:]


def packet(payload):
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), socket.IPPROTO_TCP, 64) + source.packed + server.packed + payload
    # The kernel fills in the length, the identification and the checksum.
    return struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0) + source.packed + server.packed + payload


family = socket.AF_INET6 if source.version == 6 else socket.AF_INET
raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)


def send(*fields):
    raw.sendto(packet(segment(*fields)), (str(server), 0))


def begin_in_his_name():
    begun = 0
    while not os.path.exists(goal):
        source_port, sequence = random.randrange(1024, 65536), random.getrandbits(32)
        send(source_port, sequence, 0, SYN)
        send(source_port, (sequence + 1) % 2**32, random.getrandbits(32), ACK)
        begun += 1
        if begun == READY:
            print("ready", flush=True)
        time.sleep(1 / RATE)
    print(begun)


def answer_to(answers, source_port):
    """The server's number in what it answered the SYN with; None: nothing has come in half a second."""
    answers.settimeout(0.5)
    try:
        while True:
            data = answers.recv(4096)
            from_port, to_port, number = struct.unpack("!HHI", data[20:28])
            if (from_port, to_port, data[33] & (SYN | ACK)) == (port, source_port, SYN | ACK):
                return number
    except TimeoutError:
        return None


def end_at_once(count):
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as answers:
        for source_port in range(20000, 20000 + count):
            send(source_port, 1, 0, SYN)
            number = answer_to(answers, source_port)
            if number is not None:
                answered += 1
                send(source_port, 2, (number + 1) % 2**32, FIN | ACK)
    print(answered)


def reset(beside):
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as said:
        said.bind((str(source), 0))
        said.connect((str(server), 0))
        while True:
            # With IPv4 the header of the packet comes along.
            data = said.recv(4096)[0 if source.version == 6 else 20:]
            from_port, to_port, _, acknowledged = struct.unpack("!HHII", data[:12])
            if from_port == port and data[13] & (ACK | RST) == ACK:
                send(to_port, (acknowledged + beside) % 2**32, 0, RST)
                return


def with_all_flags():
    for flags in range(0x40):
        send(20000 + flags, random.getrandbits(32), random.getrandbits(32), flags)


if goal.startswith("--end="):
    end_at_once(int(goal.removeprefix("--end=")))
elif goal.startswith("--reset="):
    reset(int(goal.removeprefix("--reset=")))
elif goal == "--flags":
    with_all_flags()
else:
    begin_in_his_name()
