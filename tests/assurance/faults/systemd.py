# SPDX-License-Identifier: ISC
"""ostiaryctl where systemd runs: a false one (../../tools/fake_systemd.c), on a bus of its own."""

import os
import socket
import subprocess
import time

from ctl import Ctl
from scene import LIMIT

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

UNIT = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "Listen": "192.0.2.1:5018",  # nobody's: who listens there cannot be found out, and need not
    "NAccepted": "12",
    "NConnections": "1",
    "NRefused": "5",
    "start": "done",
    "after": "active",
}

# sd_booted(3) looks for this directory; in a namespace of the command's own, for the other scenes have none.
BOOTED = 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"'


def wait_until(true, what):
    end = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(what)
        time.sleep(0.01)


def answers(path):
    """Does somebody listen there? (The socket is there before he does.)"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(path) == 0


class UnderSystemd(Ctl):
    """One command, while ostiary.socket is enabled and does not listen yet (started: it does)."""

    allocation_step = 7  # they are hundreds, and libsystemd's

    def __init__(self, name, *arguments, started=False, **options):
        super().__init__(name, *arguments, **options)
        self.state = "active" if started else "inactive"

    def prepare(self, place):
        super().prepare(place)
        unit = place.path("units", "ostiary.socket")
        os.makedirs(unit)
        for name, value in {**UNIT, "Conditions": place.path("state", "closed"), "ActiveState": self.state}.items():
            place.write(f"units/ostiary.socket/{name}", value)
        place.write("bus.conf", BUS.format(path=place.path("bus")))
        environment = {"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={place.path('bus')}"}
        place.more_environment = environment
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        bus = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={place.path('bus.conf')}"]
        place.helpers.append(subprocess.Popen(bus, env=environment, **nothing))
        wait_until(lambda: answers(place.path("bus")), "no bus")
        false = [os.path.join(place.tests, "fake-systemd"), place.path("units")]
        place.helpers.append(subprocess.Popen(false, env=environment, **nothing))
        wait_until(lambda: os.path.exists(place.path("units", "ready")), "no false systemd")

    def play(self, place, fault):
        place.write("units/ostiary.socket/ActiveState", self.state)
        return super().play(place, fault)

    def command(self, place, words):
        return ["unshare", "--mount", "sh", "-c", BOOTED, "sh", *super().command(place, words)]

    def judge(self, place, run, fault):
        outcome, wrong = super().judge(place, run, fault)
        if run.status == 0 and place.read("units/ostiary.socket/ActiveState").strip() != "active":
            wrong.append("all is said to be well, and the socket does not listen")
        return outcome, wrong


def is_listening(table, text):
    known = "ostiary.socket         listening on 192.0.2.1:5018" in text or "unknown: systemd cannot be asked" in text
    return [] if known else ["it does not say what listens"]


def is_open(table, text):
    return [] if not table.closed and "ostiary.socket is listening" in text else ["the door is closed"]


SCENES = [
    UnderSystemd("open-systemd", "open", truth=is_open, closed=True),
    UnderSystemd("status-systemd", "status", truth=is_listening, started=True),
]
