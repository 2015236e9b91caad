#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Is a port open, as seen from another host?

usage: probe.py serve PORT...                                  listen on them by TCP and UDP, answer each datagram
       probe.py ask [--from ADDRESS] SERVER PROTO/PORT...      prints "open", "shut" or "refused" for each
       probe.py until STATE [--from ADDRESS] SERVER PROTO/PORT   ask until it is "open" or "shut"
       probe.py stream [--from ADDRESS] SERVER PORT            a datagram every millisecond, until standard input ends

No answer is no proof that a port is shut: the machine may only be busy. So after each first packet another is sent, from
the same processor over the same link, to a port that is always open (MARKER). The kernel takes them in their order, and the
server answers a marker behind all that has come before it: where a marker is answered and the probe is not, it was dropped.

"until" prints two numbers, the CLOCK_BOOTTIME in milliseconds before the last probe that saw the other state (0: none
did), and behind the first one that saw STATE.
"""

import argparse
import errno
import os
import select
import socket
import sys
import time

MARKER = 5018
# Until a packet is taken for lost: then another marker is sent.
AGAIN_S = 1


def sockets_of(ports):
    for port in ports:
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            listener = socket.socket(socket.AF_INET6, kind)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("::", port))
            listener.setblocking(False)
            if kind == socket.SOCK_STREAM:
                listener.listen(1024)
            yield listener, kind == socket.SOCK_DGRAM and port == MARKER


def datagrams(listener):
    """All that wait there."""
    try:
        while True:
            yield listener.recvfrom(2048)
    except BlockingIOError:
        pass


def send_back(listener, answers):
    for data, peer in answers:
        try:
            listener.sendto(data, peer)
        except OSError:
            pass  # he has left, or what shuts the port stops this answer too


def drop_connections(listener):
    """Nobody's connection is kept."""
    try:
        while True:
            listener.accept()[0].close()
    except BlockingIOError:
        pass


def serve(arguments):
    listeners = list(sockets_of(sorted({MARKER, *map(int, arguments.ports)})))
    marker = next(listener for listener, is_marker in listeners if is_marker)
    others = [listener for listener, is_marker in listeners if not is_marker]
    poll = select.poll()
    for listener, _ in listeners:
        poll.register(listener, select.POLLIN)
    print("ready", flush=True)
    while True:
        poll.poll()
        # What came before a marker is there by the time that the marker is, and is answered before it.
        markers = list(datagrams(marker))
        for listener in others:
            if listener.type == socket.SOCK_STREAM:
                drop_connections(listener)
            else:
                send_back(listener, datagrams(listener))
        send_back(marker, markers)


class Probe:
    """One question: its first packet has been sent."""

    def __init__(self, arguments, what):
        protocol, port = what.split("/")
        self.family = socket.AF_INET6 if ":" in arguments.server else socket.AF_INET
        self.udp = protocol == "udp"
        self.socket = socket.socket(self.family, socket.SOCK_DGRAM if self.udp else socket.SOCK_STREAM)
        self.socket.setblocking(False)
        if arguments.source:
            self.socket.bind((arguments.source, 0))
        self.error = self.socket.connect_ex((arguments.server, int(port)))
        if self.udp:
            self.send(b"probe")

    def send(self, data):
        try:
            self.socket.send(data)
        except ConnectionRefusedError:
            self.error = errno.ECONNREFUSED

    def state(self):
        """What is known of it, or None: no answer yet."""
        if self.error in (0, errno.EINPROGRESS) and not self.udp:
            if not select.select([], [self.socket], [], 0)[1]:
                return None
            self.error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return "open" if self.error == 0 else self.state()
        if self.udp and self.error == 0:
            try:
                self.socket.recv(2048)
                return "open"
            except BlockingIOError:
                return None
            except OSError as error:
                self.error = error.errno
        # An ICMP error that is no refusal is a firewall's as well.
        return "refused" if self.error == errno.ECONNREFUSED else "shut"


def marker_comes_back(arguments):
    marker = Probe(argparse.Namespace(server=arguments.server, source=arguments.source), f"udp/{MARKER}")
    while not select.select([marker.socket], [], [], AGAIN_S)[0]:
        marker.send(b"marker")
    if marker.state() != "open":
        sys.exit(f"probe.py: nobody answers markers at {arguments.server}")


def asked(arguments, whats):
    probes = [Probe(arguments, what) for what in whats]
    marker_comes_back(arguments)
    return [probe.state() or "shut" for probe in probes]


def ask(arguments):
    for state in asked(arguments, arguments.what):
        print(state)


def now_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000


def until(arguments):
    other = 0
    while True:
        before = now_ms()
        if asked(arguments, [arguments.what])[0] == arguments.state:
            print(other, now_ms())
            return
        other = before
        time.sleep(0.02)


def stream(arguments):
    target = Probe(arguments, f"udp/{arguments.port}")
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        target.send(b"probe")
        target.state()
    marker_comes_back(arguments)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for function in serve, ask, until, stream:
        command = commands.add_parser(function.__name__)
        command.set_defaults(function=function)
        if function is serve:
            command.add_argument("ports", nargs="+")
            continue
        command.add_argument("--from", dest="source")
        if function is until:
            command.add_argument("state", choices=["open", "shut"])
        command.add_argument("server")
        if function is stream:
            command.add_argument("port", type=int)
        else:
            command.add_argument("what", nargs="+" if function is ask else None)
    arguments = parser.parse_args()
    # One processor, so that what is sent first is taken first.
    if arguments.function is not serve:
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    arguments.function(arguments)


main()
