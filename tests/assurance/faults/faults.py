#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Every system call and every allocation of the programs fails once; a table says what came of it.

usage: faults.py [--all] [--tap] [--jobs N] [--only PROGRAM[/SCENE]]... BUILD WORK

run.sh starts it, in namespaces of its own; WORK is an empty directory in memory that root alone can write to.

A scene is played once unharmed, under strace, to see which calls it makes; then once for each of them and for each error
that it may give (errors.py), with that one call failing; then once for each allocation, with that one failing; then once for
each read and write, with half of it done.
What must hold is judged from outside: by the peer, the action, the table, the log. See handler_judge.py, client.py, ctl.py,
grant.py and systemd.py.

By default each call fails with one of its errors, in turn, and those that the promises hang on with each. What a program
does alike in several scenes fails in the first of them, and in the others every third time: calls that look the same, and
allocations. The dynamic linker's calls fail in a few scenes, of the long row of rt_sigaction three, of libsystemd's
allocations every seventh; of ostgrant's scenes two are played, with fewer faults. --all leaves nothing out.
--tap prints a line for each scene, and of the table what is wrong. Exit status 1 if anything is.
"""

import argparse
import os
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import client  # noqa: E402
import ctl  # noqa: E402
import grant  # noqa: E402
import handler  # noqa: E402
import systemd  # noqa: E402
import tracing  # noqa: E402
from scene import LIMIT, Place  # noqa: E402

SCENES = handler.SCENES + client.SCENES + ctl.SCENES + systemd.SCENES + grant.SCENES
WITH_LOADER = [scene for scene in SCENES if scene.name in ("accepted", "one-socket-for-all", "list") and not scene.slow]

CHUNK = 24  # faults that one worker plays in turn
# What passes by itself must make no difference at all.
PASSING = {("poll", "error=EINTR"), ("recvfrom", "error=EINTR"), ("recvfrom", "error=EAGAIN"), ("recv", tracing.SHORT)}

MISSED = "did not come about"
TRIES = 3  # for a fault that did not come about, since calls differ a little from run to run


class Syslog(threading.Thread):
    """What is said to /dev/log, by process."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.probe.connect(path)
        self.lines = {}
        self.probes = {}
        self.start()

    def run(self):
        while True:
            line = self.socket.recv(65536).decode(errors="replace")
            found = re.search(r"\[(\d+)\]: ", line)
            if found:
                self.lines.setdefault(found.group(1), []).append(line[found.end() :] + "\n")
            elif line in self.probes:
                self.probes.pop(line).set()

    def of(self, pid):
        """All lines of a process that has ended: those that came before the probe."""
        probed = threading.Event()
        self.probes[f"behind {pid}"] = probed
        self.probe.send(f"behind {pid}".encode())
        probed.wait(LIMIT)
        return "".join(self.lines.pop(str(pid), []))


class Stage:
    """Where scenes are played: places are made as they are needed, and thrown away."""

    def __init__(self, options):
        self.options = options
        self.syslog = Syslog(os.path.join(options.work, "log.sock"))
        self.count = 0
        self.lock = threading.Lock()

    def place(self, scene):
        with self.lock:
            self.count += 1
            directory = os.path.join(self.options.work, str(self.count))
        place = Place(directory, self.options.build)
        place.syslog = self.syslog
        scene.prepare(place)
        return place


class Row:
    """One fault and what came of it."""

    def __init__(self, fault, what, outcome, wrong):
        self.fault = fault
        self.what = what
        self.outcome = outcome
        self.wrong = wrong


class Part(NamedTuple):
    """A fault, and the call that it hits as it was made unharmed."""

    fault: tracing.Fault
    what: str
    in_loader: bool


def play(scene, place, part):
    """The row of one fault."""
    for _ in range(TRIES):
        run = scene.play(place, part.fault)
        if place.was_met(scene, part.fault):
            run.in_loader = part.in_loader
            return Row(part.fault, part.what, *scene.judge(place, run, part.fault))
    return Row(part.fault, part.what, MISSED, [])


class Known:
    """What has been chosen to fail in the scenes so far."""

    def __init__(self):
        self.scenes = {}
        self.programs = set()

    def is_due(self, scene, call):
        """Is this the first scene with a call that looks like this one, or the third since?"""
        scenes = self.scenes.setdefault((scene.program, call.name, call.brief), [])
        if scene not in scenes:
            scenes.append(scene)
        return scenes.index(scene) % 3 == 0

    def allocation_step(self, scene):
        """Every how manyth allocation is to fail."""
        first = scene.program not in self.programs
        self.programs.add(scene.program)
        return scene.allocation_step if first else max(3, scene.allocation_step)


def select(scene, calls, everything, known):
    """The faults to play."""
    main = next((index for index, call in enumerate(calls) if scene.begins(call)), 0)
    by_loader = {id(call) for call in calls[:main]}
    signals = [call for call in calls if call.name == "rt_sigaction"]
    dull = {id(call) for call in signals if "SIGPIPE" not in call.arguments and call not in (signals[0], signals[-1])}
    turn = {}
    chosen = []
    by_position = {}
    for fault, call in tracing.all_faults(calls):
        by_position.setdefault((fault.call, fault.number), (call, []))[1].append(fault)
    for (name, _), (call, faults) in by_position.items():
        if not everything:
            if id(call) in by_loader and scene not in WITH_LOADER or id(call) in dull:
                continue
            if name not in scene.hanging_on or id(call) in by_loader:
                if not known.is_due(scene, call):
                    continue
                turn[name] = turn.get(name, 0) + 1
                if name in scene.seldom and turn[name] % 3 != 1:
                    continue
                faults = [faults[turn[name] % len(faults)]]
        chosen += [Part(fault, call.brief, id(call) in by_loader) for fault in faults]
    return chosen


def play_calls(stage, scene, parts):
    place = stage.place(scene)
    rows = [play(scene, place, part) for part in parts]
    place.remove()
    return rows


def play_until_none(stage, scene, call, how, step=1):
    """One after the other, until there is none left to fail."""
    place = stage.place(scene)
    rows = []
    while True:
        fault = tracing.Fault(call, len(rows) * step + 1, how)
        run = scene.play(place, fault)
        if not place.was_met(scene, fault):
            break
        rows.append(Row(fault, "", *scene.judge(place, run, fault)))
    place.remove()
    return rows


def judge_passing(rows):
    for row in rows[1:]:
        if (row.fault.call, row.fault.how) in PASSING and row.outcome not in (rows[0].outcome, MISSED):
            row.wrong.append("what passes by itself made a difference")


def print_row(program, scene, call, number, what, errors, outcome, mark=""):
    print(f"{mark}{program:10} {scene:18} {call:15} {number:>3} {what:44} {errors:24} {outcome}")


def print_table(scene, rows, tap):
    """A row for each call and outcome; errors with the same outcome share one. In TAP, what is wrong as comments.

    The first row is of the run without a fault: "as unharmed" means that what failed made no difference.
    """
    mark = "# " if tap else ""
    groups = {}
    for row in rows:
        if row.wrong or not tap:
            outcome = "as unharmed" if row.outcome == rows[0].outcome and row is not rows[0] else row.outcome
            key = row.fault.call, row.fault.number, row.what, outcome, tuple(row.wrong)
            groups.setdefault(key, []).append(row.fault.how.replace("error=", "").replace("retval=", "gives "))
    for (call, number, what, outcome, wrong), errors in groups.items():
        print_row(scene.program, scene.name, call, number or "-", what, ",".join(errors) or "-", outcome, mark)
        for text in wrong:
            print(f"{mark}    WRONG: {text}")


def wanted(scene, options):
    if not options.only:
        return options.all or not scene.slow
    return scene.program in options.only or f"{scene.program}/{scene.name}" in options.only


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("build")
    parser.add_argument("work")
    return parser.parse_args()


def main():
    options = arguments()
    stage = Stage(options)
    has_gates = grant.is_possible(options.build)
    scenes = [scene for scene in SCENES if wanted(scene, options) and (has_gates or not scene.opens_gates)]
    start = time.monotonic()
    known = Known()
    total = wrong_total = missed = 0
    if options.tap:
        print(f"1..{len(scenes)}", flush=True)
    else:
        print_row("PROGRAM", "SCENE", "CALL", "NTH", "AS MADE UNHARMED", "FAILS WITH", "OUTCOME")
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = []
        for scene in scenes:
            place = stage.place(scene)
            run = scene.play(place, None)
            calls = scene.own_calls(run.calls)
            unharmed = Row(tracing.Fault("-", 0), "unharmed", *scene.judge(place, run, None))
            place.remove()
            parts = select(scene, calls, options.all, known)
            futures = [pool.submit(play_calls, stage, scene, parts[at : at + CHUNK]) for at in range(0, len(parts), CHUNK)]
            step = 1 if options.all else known.allocation_step(scene)
            futures.append(pool.submit(play_until_none, stage, scene, tracing.ALLOCATION, "error=ENOMEM", step))
            futures += [pool.submit(play_until_none, stage, scene, call, tracing.SHORT) for call in tracing.CAN_BE_SHORT]
            jobs.append((scene, unharmed, futures))
        for number, (scene, unharmed, futures) in enumerate(jobs, 1):
            rows = [unharmed, *(row for future in futures for row in future.result())]
            judge_passing(rows)
            wrong = sum(bool(row.wrong) for row in rows)
            total += len(rows) - 1
            wrong_total += wrong
            late = sum(row.outcome == MISSED for row in rows)
            missed += late
            total -= late
            allocations = sum(row.fault.call == tracing.ALLOCATION for row in rows)
            if (scene.allocates and not allocations) or late > max(3, len(rows) // 20):
                unharmed.wrong.append(f"{allocations} allocations failed, {late} faults did not come about: this shows nothing")
                wrong += 1
                wrong_total += 1
            if options.tap:
                print(f"{'not ok' if wrong else 'ok'} {number} - {scene.program} {scene.name}: {len(rows) - 1} faults")
            print_table(scene, rows, options.tap)
            sys.stdout.flush()
    seconds = time.monotonic() - start
    print(f"# {total} faults in {len(scenes)} scenes, {wrong_total} wrong, {missed} that did not come about, {seconds:.0f} s")
    return 1 if wrong_total else 0


if __name__ == "__main__":
    sys.exit(main())
