# SPDX-License-Identifier: ISC
"""System calls through strace: which a program makes, and one of them failing."""

import os
import re
from typing import NamedTuple

from errors import of_call

LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$")
RESULT = re.compile(r"\)\s+= (-?\d+|0x[0-9a-f]+|\?)(.*)$")


class Fault(NamedTuple):
    """The nth call of this kind fails; with SHORT, it does half of what it was asked for. ALLOCATION is a kind too."""

    call: str
    number: int
    how: str = ""


ALLOCATION = "malloc"
SHORT = "half of it"
CAN_BE_SHORT = ("read", "pread", "pwrite", "write", "send", "recv", "getrandom")


class Call:
    """One system call, as it stands in a log."""

    def __init__(self, pid, name, text):
        self.pid = pid
        self.name = name
        self.arguments = text
        self.result = None
        self.injected = False
        self.finish(text)

    def finish(self, rest):
        found = RESULT.search(rest)
        if found:
            self.arguments = self.arguments.split("<unfinished")[0].removesuffix(found.group(0))
            text = found.group(1)
            self.result = None if text == "?" else int(text, 16 if text.startswith("0x") else 10)
            self.injected = "(INJECTED)" in found.group(2)

    @property
    def worked(self):
        return self.result is not None and self.result >= 0

    @property
    def brief(self):
        """The first path or descriptor, and what is beside it, as long as a table has room."""
        text = re.sub(r"AT_FDCWD(<[^>]*>)?, ", "", self.arguments)
        text = re.sub(r"/[^\"> ]*/scene/\d+/?", "", text)
        text = re.sub(r"<([a-zA-Z]+):[^>]*>", r"<\1>", text)
        text = re.sub(r'"(?=[^"]*\\)(?:[^"\\]|\\.)*"', '"..."', text)
        text = re.sub(r"0x[0-9a-f]+|\[.*|\{.*", "", text)
        return text[:44].rstrip(", ")


def read(path):
    """All calls in a log, in the order in which they began; none where there is no log."""
    calls = []
    if not os.path.exists(path):
        return calls
    pending = {}
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            found = LINE.match(line)
            if not found:
                continue
            pid, resumed, name, text = found.groups()
            if resumed:
                if pid in pending:
                    pending.pop(pid).finish(text)
                continue
            call = Call(pid, name, text)
            calls.append(call)
            if "<unfinished" in text:
                pending[pid] = call
    return calls


def everything(log):
    """The words before a command that write down each of its calls."""
    return ["strace", "-f", "-y", "-qq", "-s", "200", "-e", "signal=none", "-o", log]


def failing(fault, log, witnesses):
    """The words before a command that make one of its calls fail, and write down the witnesses too."""
    calls = ",".join(sorted({fault.call, *witnesses}))
    inject = f"inject={fault.call}:{fault.how}:when={fault.number}"
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "0", "-e", "signal=none", "-e", f"trace={calls}", "-e", inject, "-o", log]


def is_answer(call, how):
    """Would the program be lied to, rather than fail? That there is no table yet is an answer for who only reads."""
    return how == "error=ENOENT" and re.search(r'"(lockout|grants|state-root)", O_RDONLY', call.arguments) is not None


def all_faults(calls):
    """Each call of a run with each of its errors, and its line in the log: pairs of Fault and Call.

    strace counts for each thread by itself, and so are they counted here; the first execve, its own, it does not count.
    """
    count = {}
    known = {("execve", 0)}
    for call in calls:
        key = call.pid, call.name
        count[key] = count.get(key, -1 if call.name == "execve" else 0) + 1
        if (call.name, count[key]) in known:
            continue
        known.add((call.name, count[key]))
        for how in of_call(call.name):
            if not is_answer(call, how):
                yield Fault(call.name, count[key], how), call
