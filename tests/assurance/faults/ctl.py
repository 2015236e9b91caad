# SPDX-License-Identifier: ISC
"""The administrator's tool: one command each, and whether what it says of it is so."""

import json
import os
import re
import shutil
import subprocess

import tracing
from scene import LOADER_ENDS_IT, LOADER_STATUS, SECRET, Run, Scene, Table

ONE, OTHER, NEW = "127.0.0.2", "127.0.0.3", "127.0.0.4"


class Ctl(Scene):
    """One command on a table in which ONE is locked and OTHER has a strike. truth: what must be so for exit status 0."""

    program = "ostiaryctl"
    statuses = (0, 1, 64, 69, 71, 74, 77, 78)
    witnesses = ("write",)

    def __init__(self, name, *arguments, truth, spoil=None, closed=False, owner=0, allocates=True):
        super().__init__(name)
        self.arguments = arguments
        self.truth = truth
        self.allocates = allocates
        self.spoil = spoil
        self.closed = closed
        self.owner = owner

    def prepare(self, place):
        action = f'ACTION="{SECRET}","{place.path("bin", "dump-self")}","actor"'
        place.write("ostiary.cfg", f'STATE_DIR="{place.path("state")}"', "TABLE_SIZE=64", action)
        place.strikes(ONE, 3)
        place.strikes(OTHER, 1)
        if self.closed:
            place.write("state/closed", "2026-11-21T20:39:00Z by-hand")
        if self.spoil:
            self.spoil(place)
        place.keep()

    def play(self, place, fault):
        place.restore()
        self.give_state(place, self.owner)
        run = Run()
        words, environment = place.around(fault, self.witnesses)
        command = self.command(place, words)
        environment.update(place.more_environment)
        with open(place.path("said"), "wb") as said, open(place.path("printed"), "wb") as printed:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=printed, stderr=said, env=environment, start_new_session=True
            )
        run.wait(process)
        self.give_state(place, 0)
        run.calls = tracing.read(place.path("calls"))
        run.printed = place.read("printed").encode()
        run.said = place.read("said")
        run.logged = place.syslog.of(run.calls[0].pid if run.calls else process.pid)
        return run

    def command(self, place, words):
        arguments = [place.path(word[1:]) if word.startswith("@") else word for word in self.arguments]
        return [*words, place.program("ostiaryctl"), "-c", place.path("ostiary.cfg"), *arguments]

    def give_state(self, place, owner):
        for name in ("", "lockout"):
            os.chown(place.path("state", name), owner, owner)

    def begins(self, call):
        """It reads its configuration, or locks memory for a secret."""
        return "ostiary.cfg" in call.arguments and call.name != "execve" or call.name == "mlock"

    def judge(self, place, run, fault):
        table = Table(place)
        wrong = self.judge_common(place, run)
        text = run.printed.decode(errors="replace")
        if not table.whole and not self.spoil:
            wrong.append("the table is damaged or gone")
        if not (table.locked(ONE) or self.name.startswith("unlock") or self.spoil):
            wrong.append("a lock was lost")
        if run.status == 0:
            wrong += self.truth(table, text)
        elif self.is_silent(run) and not text:
            wrong.append(f"status {run.status}, and not a word")
        return self.outcome(run, text), wrong

    def outcome(self, run, text):
        if run.in_loader and (run.status == LOADER_STATUS or run.status < 0):
            return LOADER_ENDS_IT
        words = "done" if run.status == 0 else f"status {run.status}"
        lines = run.said.splitlines() or [line for line in text.splitlines() if ": error: " in line or "unknown: " in line]
        if not lines:
            return words
        return f"{words} ({re.sub(r'^ostiaryctl: |/[^ :]*/(?=state|ostiary.cfg)', '', lines[-1])[:90]})"


class Change(Ctl):
    """A command that changes the configuration and a secret beside it: all of it is done, or nothing.

    The mark of a secret may be left (ctl_secret.h) where its removal is what failed, and a secret that is to go, with its
    mark and the command's word, where its line is gone already. When libgcrypt ends the process it is as if it were killed:
    what is left then has its mark.
    """

    def __init__(self, name, *arguments, done, there=False):
        super().__init__(name, *arguments, truth=self.is_done)
        self.done = done
        self.there = there

    def prepare(self, place):
        super().prepare(place)
        place.start = place.read("ostiary.cfg")
        place.line = f'ACTION="","{place.path("bin", "dump-self")}","actor","name=new","secret-file={place.path("ostiary", "new.secret")}"\n'

    def play(self, place, fault):
        shutil.rmtree(place.path("ostiary"), ignore_errors=True)
        place.write("ostiary.cfg", *(place.start + (place.line if self.there else "")).splitlines())
        if self.there:
            os.mkdir(place.path("ostiary"))
            place.write("ostiary/new.secret", "A" * 32)
        return super().play(place, fault)

    def is_done(self, table, text):
        return [] if f"action new is {self.done}" in text else ["it does not say what it has done"]

    def judge(self, place, run, fault):
        outcome, wrong = super().judge(place, run, fault)
        text = place.read("ostiary.cfg")
        secret = os.path.exists(place.path("ostiary", "new.secret"))
        hidden = os.path.exists(place.path("ostiary", ".new.secret.ostiary.cfg"))
        if text not in (place.start, place.start + place.line):
            wrong.append("the configuration is neither the old one nor the new one")
        has_line = text != place.start
        told = run.status == 74 and "run it again" in run.printed.decode()
        kept = run.status == 0 and secret and "stays as it is" in run.printed.decode()
        if has_line != secret and not kept and not (hidden and secret and (told or run.status < 0)):
            wrong.append(f"the line is {'there' if has_line else 'not there'}, and the secret is {'' if secret else 'not '}there")
        if run.status == 0 and has_line == self.there:
            wrong.append("it is said to be done, and is not")
        if run.status >= 0 and not self.was_unlink(run):
            wrong += self.leftovers(place, has_line)
        return outcome, wrong

    def leftovers(self, place, has_line):
        left = []
        if not has_line and not self.there and os.path.exists(place.path("ostiary")):
            left.append("the directory is left behind")
        if place.read(".ostiary.cfg.ostiaryctl"):
            left.append("the new text is left behind")
        if os.path.exists(place.path("ostiary", ".new.secret.ostiary.cfg")):
            left.append("the mark is left behind")
        return left

    def was_unlink(self, run):
        return any(call.injected and call.name in ("unlink", "unlinkat") for call in run.calls)


class Merge(Ctl):
    """Of another table, in which NEW is locked, and whose door is closed."""

    def prepare(self, place):
        super().prepare(place)
        os.makedirs(place.path("elsewhere"), mode=0o700, exist_ok=True)
        if place.tool("make-strikes", place.path("elsewhere"), NEW, "3", "60").returncode != 0:
            raise RuntimeError("make-strikes failed")
        place.write("elsewhere/closed", "2026-11-21T20:39:00Z by-hand")


# ---- what has to be so when a command says that it is done: each gives what is not ----


def never(table, text):
    return ["what is broken was called good"]


def says(*wanted):
    def truth(table, text):
        return [f"'{word}' is not in what it printed" for word in wanted if word not in text]

    return truth


def listed(table, text):
    lines = {line.split()[0]: line for line in text.splitlines() if line[:1].isdigit()}
    if ONE not in lines or "left" not in lines[ONE] or OTHER not in lines or "2 sources, 1 locked" not in text:
        return ["the list is not what is in the table"]
    return []


def listed_json(table, text):
    try:
        answer = json.loads(text)
    except ValueError:
        return ["this is no JSON"]
    found = {(row["source"], row["strikes"], row["locked"]) for row in answer["sources"]}
    if found != {(ONE, 3, True), (OTHER, 1, False)} or answer["totals"]["used"] != 2 or answer["closed"] is not None:
        return ["the list is not what is in the table"]
    return []


def locked(table, text):
    return [] if table.locked(NEW) and f"{NEW} is locked" in text else ["it is not locked"]


def unlocked(table, text):
    return ["it is still locked"] if table.locked(ONE) or table.strikes(ONE) else []


def all_unlocked(table, text):
    return ["somebody is still locked"] if table.locked(ONE) or table.strikes(ONE) else []


def flushed(table, text):
    return ["a strike is still there"] if table.strikes(OTHER) else []


def opened(table, text):
    return ["the door is closed"] if table.closed else []


def shut(table, text):
    return [] if table.closed else ["the door is open"]


def merged(table, text):
    wrong = [] if table.locked(NEW) and "1 lock of " in text else ["the lock is not taken over"]
    return wrong + shut(table, text)


def repaired(table, text):
    return [] if table.whole and table.locked(ONE) else ["the table is not whole, or has lost a lock"]


def secret(table, text):
    whole = re.fullmatch(r"[A-HJ-NP-Za-km-z2-9]{32}\n", text)
    return [] if whole and len(set(text)) > 8 else ["this is no secret"]


def spoil_head(place):
    with open(place.path("state", "lockout"), "r+b") as file:
        file.seek(100)
        file.write(b"\xff\xff\xff\xff")


def spoil_config(place):
    with open(place.path("ostiary.cfg"), "a", encoding="utf-8") as file:
        file.write('ACTION="another secret","/nowhere/at/all","actor"\n')


SCENES = [
    Ctl("check", "check", truth=says("ostiary.cfg: good")),
    Ctl("check-broken", "check", truth=never, spoil=spoil_config),
    Ctl("check-damaged", "check", truth=never, spoil=spoil_head),
    Ctl("list", "list", truth=listed),
    Ctl("list-json", "list", "--json", truth=listed_json),
    Ctl("lock", "lock", NEW, "1h", truth=locked),
    Ctl("lock-sealed", "lock", NEW, "1h", truth=locked, owner=5001),
    Ctl("unlock", "unlock", ONE, truth=unlocked),
    Ctl("unlock-all", "unlock", "--all", truth=all_unlocked),
    Ctl("flush", "flush", truth=flushed),
    Ctl("close", "close", truth=shut),
    Ctl("open", "open", truth=opened, closed=True),
    Merge("merge", "merge", "@elsewhere", truth=merged),
    Ctl("verify-damaged", "verify", truth=never, spoil=spoil_head),
    Ctl("repair", "repair", truth=repaired, spoil=spoil_head),
    Change("add", "add", "new", "@bin/dump-self", "actor", done="added"),
    Change("remove", "remove", "new", done="removed", there=True),
    Ctl("keygen", "keygen", truth=secret, allocates=False),
    Ctl("status", "status", truth=says("door                   open", "2 sources, 1 locked")),
]
