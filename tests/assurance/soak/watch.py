#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Run a command, and write down every second what the launcher and all that it starts have in use.

usage: watch.py DIR INIT SAMPLES COMMAND...

INIT is the first process of the launcher's pid namespace, DIR all that may be written to in its name, and the network
is our own. SAMPLES gets a line of flat JSON for each sample:

  phase          before | during | after (COMMAND). After it there are samples until all is as before, for at most
                 PATIENCE seconds
  seconds        since COMMAND was started
  processes      in the namespace, without INIT and xinetd
  descriptors    of xinetd
  threads        of xinetd
  xinetd_kib     resident
  handler_kib    resident, the largest handler there is just now
  state_files, state_bytes   in DIR/state
  files          in DIR, all of them, directories too
  sockets        in this network that belong to somebody, of all kinds
  tcp            connections that are not just waiting for their last packets (TIME-WAIT), listeners too
  cpu            seconds that xinetd and all that it has waited for were on a processor
  clients_cpu    the same of COMMAND, when it has ended

Status: that of COMMAND.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time

PATIENCE = 600
PAUSE = 1.0
TICKS = os.sysconf("SC_CLK_TCK")

directory, init, samples = sys.argv[1], int(sys.argv[2]), sys.argv[3]
command = ["setpriv", "--pdeathsig", "KILL", *sys.argv[4:]]


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def name_of(pid):
    return read(f"/proc/{pid}/comm").strip()


def in_namespace():
    """The processes of the namespace, by pid; one that has ended meanwhile is passed over."""
    space = os.readlink(f"/proc/{init}/ns/pid")
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == space:
                found[int(pid)] = name_of(pid)
        except OSError:
            pass
    return found


def resident(pid):
    """KiB, counted page by page: VmRSS is a sum that each processor corrects when it has 32 pages or more to add."""
    try:
        return int(re.search(r"^Rss: *(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)[1])
    except (OSError, TypeError):
        return 0  # it has just ended


def is_child_of(pid, parent):
    try:
        return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1]) == parent
    except OSError:
        return False


def find_xinetd():
    (found,) = (pid for pid, name in in_namespace().items() if name == "xinetd" and is_child_of(pid, init))
    return found


def in_use(name, file):
    """The number behind "inuse" or "used" in a line of /proc/net/sockstat."""
    for line in read(f"/proc/net/{file}").splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[2])
    return 0


def sample(phase):
    processes = in_namespace()
    status = dict(line.split(":", 1) for line in read(f"/proc/{xinetd}/status").splitlines())
    times = read(f"/proc/{xinetd}/stat").rpartition(")")[2].split()[11:15]
    state = list(os.scandir(f"{directory}/state"))
    return {
        "phase": phase,
        "seconds": round(time.monotonic() - start, 2),
        "processes": len(processes) - 2,
        "descriptors": len(os.listdir(f"/proc/{xinetd}/fd")),
        "threads": int(status["Threads"]),
        "xinetd_kib": resident(xinetd),
        "handler_kib": max([resident(pid) for pid, name in processes.items() if name == "ostiaryd"], default=0),
        "state_files": len(state),
        "state_bytes": sum(entry.stat().st_size for entry in state),
        "files": sum(len(names) + len(directories) for _, directories, names in os.walk(directory)),
        "sockets": in_use("sockets:", "sockstat"),
        "tcp": in_use("TCP:", "sockstat") + in_use("TCP6:", "sockstat6"),
        "cpu": sum(map(int, times)) / TICKS,
    }


def is_quiet(now, before):
    return all(now[name] <= before[name] for name in ("processes", "descriptors", "sockets", "tcp"))


xinetd = find_xinetd()
start = time.monotonic()
with open(samples, "w", encoding="ascii") as out:

    def put(values):
        print(json.dumps(values), file=out, flush=True)

    # What knocked last may be on its way out.
    before = sample("before")
    while before["processes"] > 0 and time.monotonic() - start < PATIENCE:
        time.sleep(0.1)
        before = sample("before")
    put(before)
    start = time.monotonic()
    clients = subprocess.Popen(command)
    turn = start
    while clients.poll() is None:
        turn += PAUSE
        time.sleep(max(0, turn - time.monotonic()))
        if clients.poll() is None:
            put(sample("during"))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = time.monotonic()
    while True:
        now = sample("after")
        now["clients_cpu"] = round(usage.ru_utime + usage.ru_stime, 2)
        put(now)
        if is_quiet(now, before) or time.monotonic() - ended > PATIENCE:
            break
        time.sleep(0.2)
sys.exit(clients.returncode)
