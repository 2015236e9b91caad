#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""An Ostiary server that plays one scene for each connection, good or bad.

usage: fake_server.py [--address ADDR] [--deaf ADDR] [--full ADDR] [--listen-when FILE] [--gate FILE]
                      [--secret TEXT] [--seed HEX] SCENE...

Prints "port N" first, then for each connection its scene, what was received and how it ended: "end eof N" or "end
reset N", with the number of bytes that nobody asked for. Of a client that left without a reply it says before that how
much of the seed is "unacknowledged N". The last scene is repeated for ever; end the process with SIGTERM.

--deaf ADDR  holds the same port on another address, where connections are refused
--full ADDR  the same, but connections there are never answered
--gate FILE  what the scene "gated" waits for; with "full" as the first scene, no connection is answered before
"""

import argparse
import fcntl
import hashlib
import hmac
import os
import socket
import struct
import sys
import termios
import time

LEN = 32


def say(*words):
    print(*words, flush=True)


def bound(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    # With the interface, where the address has one.
    listener.bind(socket.getaddrinfo(address, port, family, socket.SOCK_STREAM)[0][4])
    return listener


def fill(listener):
    """Fill the queue of a listener that accepts nothing: further SYNs are dropped."""
    listener.listen(0)
    clients = []
    for _ in range(4):
        client = socket.socket(listener.family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        clients.append(client)
    return clients


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def unacknowledged(peer):
    return struct.unpack("i", fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, bytes(4)))[0]


def read_reply(peer):
    reply = b""
    try:
        while len(reply) < LEN:
            part = peer.recv(LEN - len(reply))
            if not part:
                break
            reply += part
    finally:
        if not reply:
            say("unacknowledged", unacknowledged(peer))
    say("reply", reply.hex())
    return reply


def watch_end(peer):
    """Say how the client leaves, and how many bytes it sent that nobody asked for."""
    count = 0
    try:
        while part := peer.recv(4096):
            count += len(part)
        how = "eof"
    except ConnectionError:
        how = "reset"
    say("end", how, count)


def wait_for_file(name):
    while name and not os.path.exists(name):
        time.sleep(0.005)


class Scenes:
    def __init__(self, secret, seed, gate):
        self.secret = secret
        self.seed = seed
        self.gate = gate

    def next_seed(self):
        return self.seed or os.urandom(LEN)

    def receipt(self, seed, reply):
        expected = hmac.new(self.secret, seed, hashlib.sha256).digest()
        if reply != expected:
            say("wrong reply")
            return b""
        return hmac.new(self.secret, b"ostiary receipt" + seed + reply, hashlib.sha256).digest()

    def good(self, peer, change=lambda receipt: receipt):
        seed = self.next_seed()
        peer.sendall(seed)
        receipt = change(self.receipt(seed, read_reply(peer)))
        try:
            peer.sendall(receipt)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        watch_end(peer)

    def gated(self, peer):
        """The seed comes when the gate is open."""
        wait_for_file(self.gate)
        seed = self.next_seed()
        peer.sendall(seed)
        say("seed sent")
        try:
            peer.sendall(self.receipt(seed, read_reply(peer)))
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        watch_end(peer)

    def no_receipt(self, peer):
        self.good(peer, lambda receipt: b"")

    def short_receipt(self, peer):
        self.good(peer, lambda receipt: receipt[:-1])

    def wrong_receipt(self, peer):
        self.good(peer, lambda receipt: receipt[:-1] + bytes([receipt[-1] ^ 1]))

    def replayed_receipt(self, peer):
        """What somebody without the secret could send: the client's own bytes."""
        peer.sendall(self.next_seed())
        peer.sendall(read_reply(peer))
        watch_end(peer)

    def late_receipt(self, peer):
        peer.sendall(self.next_seed())
        read_reply(peer)
        watch_end(peer)

    def reset_after_reply(self, peer):
        peer.sendall(self.next_seed())
        read_reply(peer)
        reset(peer)

    def hangup(self, peer):
        """The seed, and then a reset before there can be a reply."""
        peer.sendall(self.next_seed())
        reset(peer)

    def silent(self, peer):
        watch_end(peer)

    def close(self, peer):
        peer.shutdown(socket.SHUT_WR)
        watch_end(peer)

    def reset(self, peer):
        reset(peer)

    def short(self, peer):
        peer.sendall(self.next_seed()[:-1])
        peer.shutdown(socket.SHUT_WR)
        watch_end(peer)

    def stalled(self, peer):
        peer.sendall(self.next_seed()[:-1])
        watch_end(peer)

    def dribble(self, peer):
        seed = self.next_seed()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(LEN):
            peer.sendall(seed[i:i + 1])
            time.sleep(0.01)
        peer.sendall(self.receipt(seed, read_reply(peer)))
        watch_end(peer)

    def extra(self, peer):
        """More than a seed, in one piece."""
        peer.sendall(self.next_seed() + bytes(1000))
        watch_end(peer)

    def ssh(self, peer):
        peer.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
        watch_end(peer)

    def half_close(self, peer):
        """The seed, and an end that comes with it: who closes then has not waited for a reply."""
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        peer.sendall(self.next_seed())
        peer.shutdown(socket.SHUT_WR)
        read_reply(peer)
        watch_end(peer)


def bound_alike(address, others):
    """A socket at a free port of address, and one at the same port of each of the others."""
    for _ in range(50):
        listener = bound(address, 0)
        try:
            return listener, [bound(other, listener.getsockname()[1]) for other in others]
        except OSError:
            listener.close()
    sys.exit("no port is free on all of these addresses")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--deaf")
    parser.add_argument("--full")
    parser.add_argument("--listen-when")
    parser.add_argument("--gate")
    parser.add_argument("--secret", default="The")
    parser.add_argument("--seed", default="")
    parser.add_argument("scene", nargs="+")
    options = parser.parse_args()
    scenes = Scenes(options.secret.encode("utf-8", "surrogateescape"), bytes.fromhex(options.seed), options.gate)

    listener, others = bound_alike(options.address, [name for name in (options.deaf, options.full) if name])
    port = listener.getsockname()[1]
    held = others
    if options.full:
        held = others + fill(others[-1])
    crowd = []
    if options.scene[0] == "full":
        crowd = fill(listener)
    elif not options.listen_when:
        listener.listen(16)
    say("port", port)
    wait_for_file(options.listen_when)
    if crowd:
        wait_for_file(options.gate)
        options.scene.pop(0)
    ports = {client.getsockname()[1] for client in crowd}
    listener.listen(16)

    number = 0
    while True:
        peer, address = listener.accept()
        if address[1] in ports:
            peer.close()
            continue
        name = options.scene[min(number, len(options.scene) - 1)]
        number += 1
        say("scene", name)
        with peer:
            try:
                getattr(scenes, name.replace("-", "_"))(peer)
            except ConnectionError as error:
                say("broken", type(error).__name__)


if __name__ == "__main__":
    main()
