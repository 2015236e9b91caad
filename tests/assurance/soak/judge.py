#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Say what a soak has shown: figures, and one line of TAP for each claim.

usage: judge.py DIR SECONDS RATE TAP

DIR has what soak.bash has collected: journal (of the clients), samples (of watch.py), lines (of the log), acted (a line
of each action that ran), list (of ostiaryctl, as JSON) at the second that listed holds, verified (what ostiaryctl says
is wrong), and ostiary.cfg. The clients were to go on for SECONDS at RATE. TAP: not empty where nothing but TAP and
comments may be printed.

What has to be in the log and in the table is computed here from the journal alone. Status 1: a claim does not hold.
"""

import calendar
import collections
import ipaddress
import json
import re
import statistics
import sys
import time

# How much more may be in use. Growth is that of the median from the first third of the time to the last. A machine that
# becomes busier has more connections open at a time, up to the 32 of the clients, each with its handler, two ends and a
# way to the log: that is no growth. What must not be more when all is over is counted exactly; and that alone is counted of
# xinetd's descriptors, for it has one more whenever it is looked at while it accepts.
PROCESSES_MAX = 100
PROCESSES_GROWTH = 32
SOCKETS_GROWTH = 96
XINETD_KIB_GROWTH = 64
HANDLER_KIB_GROWTH = 256

KINDS = 15  # of clients (kind.h)
# Networks of IPv6 lock at so many times MAX_BAD_CONNS. Each client has his own, which lock at the same moment as he does.
FACTORS = {56: 4, 48: 16, 32: 256}

place, seconds, rate, tap = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), bool(sys.argv[4])
mark = "# " if tap else ""
failed = 0
claims = 0

Visit = collections.namedtuple("Visit", "source address kind outcome reason start took result")


def read(name):
    with open(f"{place}/{name}", encoding="ascii", errors="replace") as file:
        return file.read()


def say(text=""):
    print((mark + text).rstrip())


def claim(holds, text, problems=()):
    """Problems: what speaks against it, one line each; the first are shown."""
    global claims, failed
    claims += 1
    holds = holds and not problems
    failed += not holds
    print(f"{'' if holds else 'not '}ok {claims} - soak: {text}")
    for problem in list(problems)[:10]:
        print(f"#   {problem}")
    if len(problems) > 10:
        print(f"#   and {len(problems) - 10} more")


def setting(name):
    return int(re.search(rf"^{name}=(\d+)$", read("ostiary.cfg"), re.MULTILINE)[1])


# ---- What the clients saw ----

journal = [line.split() for line in read("journal").splitlines()]
end = dict(word.split("=") for word in journal.pop()[1:]) if journal and journal[-1][0] == "end" else {}
visits = [Visit(*line) for line in journal]
kinds = sorted({visit.kind for visit in visits})
sources = {visit.source for visit in visits}
may_strike = {visit.source for visit in visits if visit.outcome == "anything"}
source_of = {visit.address: visit.source for visit in visits}


def print_visits():
    say(f"{'clients':<14} {'outcome':<24} {'number':>7} {'as due':>7} {'median ms':>10} {'longest':>8}")
    for kind in kinds:
        group = [visit for visit in visits if visit.kind == kind]
        took = [int(visit.took) for visit in group]
        outcome = "anything" if group[0].outcome == "anything" else f"{group[0].outcome} {group[0].reason}"
        fine = sum(visit.result == "ok" for visit in group)
        median = round(statistics.median(took))
        say(f"{kind:<14} {outcome:<24} {len(group):>7} {fine:>7} {median:>10} {max(took):>8}")
    say(f"{'all':<14} {f'{len(sources)} sources':<24} {len(visits):>7}")


def amiss(outcomes):
    return [
        f"{visit.address} {visit.kind}, due {visit.outcome} {visit.reason}: {visit.result}"
        for visit in visits
        if visit.outcome in outcomes and visit.result != "ok"
    ]


def judge_visits():
    by_outcome = collections.Counter(visit.outcome for visit in visits)
    claim(
        bool(end),
        f"all {by_outcome['accepted']} knocks that should have been accepted were",
        amiss(["accepted"]),
    )
    claim(
        bool(end),
        f"all {by_outcome['rejected']} that should have been rejected got a seed and the end",
        amiss(["rejected", "anything"]),
    )
    claim(
        bool(end), f"I2: all {by_outcome['refused']} of sources that were locked got not one byte", amiss(["refused"])
    )
    claim(end.get("repeated") == "0", f"I5: none of {end.get('seeds')} seeds was given twice")
    enough = len(kinds) == KINDS and len(visits) >= seconds * rate / 5 and len(sources) >= min(2000, len(visits) / 4)
    claim(enough, f"there was enough to see: {len(visits)} connections, {len(sources)} sources, {len(kinds)} kinds")


# ---- What the log has to say ----

# Of a source: strikes, the end of its lock (0: none), refusals.
Standing = collections.namedtuple("Standing", "strikes until refused")


def networks_locked(visit, strikes, limit):
    """What a strike locks besides the source: the networks around it, in the order of their lines."""
    if ":" not in visit.address:
        return
    for prefix, factor in FACTORS.items():
        network = ipaddress.ip_network(f"{visit.address}/{prefix}", strict=False)
        strikes[network] += 1
        if strikes[network] == factor * limit:
            yield f"locked network={network} strikes={factor * limit} reason={visit.reason}"
            strikes[network] = 0


def expected_lines():
    """For each source a count of its lines; but what a hasty client leads to is not among them."""
    limit = setting("MAX_BAD_CONNS")
    strikes = collections.Counter()
    lines = collections.Counter()
    for visit in visits:
        line = None
        if visit.outcome == "accepted":
            line = f"accepted action={visit.reason}"
        elif visit.outcome == "refused":
            line = f"refused reason={visit.reason}"
        elif visit.outcome == "rejected":
            strikes[visit.source] += 1
            line = f"rejected reason={visit.reason} strikes={strikes[visit.source]} of={limit}"
            if strikes[visit.source] == limit:
                line = f"locked strikes={limit} reason={visit.reason}"
                strikes[visit.source] = 0
            for locked in networks_locked(visit, strikes, limit):
                lines[visit.address, locked] += 1
        if line:
            lines[visit.address, line] += 1
    return lines


HASTY = re.compile(r"(rejected reason=gone strikes=\d+ of=\d+|refused reason=gone)$")
# xinetd looks for its peer after it has forked, and goes on when there is none.
XINETD = re.compile(r"<\d+> xinetd\[\d+\]: warning: can't get client address: ")
LINE = re.compile(r"<\d+> ostiaryd\[\d+\]: (accepted|rejected|locked|refused) source=(\S+) (.*)$")
UNTIL = re.compile(r" until=(\S+)")


def judge_lines():
    """Returns what the lines say about each source."""
    due = expected_lines()
    hasty = collections.Counter(visit.address for visit in visits if visit.outcome == "anything")
    problems = []
    strikes, refused, locks, until = collections.Counter(), collections.Counter(), collections.Counter(), {}
    count = unidentified = 0
    for line in read("lines").splitlines():
        if XINETD.match(line) and unidentified < sum(hasty.values()):
            unidentified += 1
            continue
        match = LINE.match(line)
        if not match:
            problems.append(f"unexpected: {line}")
            continue
        verdict, address, rest = match.groups()
        source = source_of.get(address)
        found = f"{verdict} {UNTIL.sub('', rest)}"
        found = re.sub(r" uid=65534 gid=65534$", "", found)
        count += " network=" not in rest
        if due[address, found] > 0:
            due[address, found] -= 1
        elif hasty[address] > 0 and HASTY.match(found):
            hasty[address] -= 1
        else:
            problems.append(f"one too many: {line}")
        if " network=" in rest:
            continue
        if verdict == "rejected":
            strikes[source] += 1
        elif verdict == "locked":
            strikes[source] = 0
            locks[source] += 1
            moment = UNTIL.search(rest)[1]
            until[source] = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
        elif found == "refused reason=locked":
            refused[source] += 1
    problems += [f"missing: {address} {line}" for (address, line), number in due.items() if number > 0]
    claim(
        bool(end),
        f"{count} lines in the log: one verdict for each connection that could be identified, and nothing else; "
        f"{sum(locks.values())} locks, {sum(number > 1 for number in locks.values())} sources more than once",
        problems,
    )
    return {source: Standing(strikes[source], until.get(source, 0), refused[source]) for source in sources}


def judge_actions():
    due = collections.Counter(f"{visit.reason} {visit.address}" for visit in visits if visit.outcome == "accepted")
    ran = collections.Counter(read("acted").splitlines())
    problems = [f"ran {ran[line]} times and not {due[line]}: {line}" for line in due | ran if ran[line] != due[line]]
    claim(bool(due), f"{sum(ran.values())} actions ran, one for each accepted knock, with its address", problems)


# ---- What is left in the table ----


def judge_table(standings):
    table = json.loads(read("list"))
    listed = int(read("listed"))
    rows = {row["source"]: row for row in table["sources"] if row["source"] != "127.0.0.1" and not row["network"]}
    problems = [f"not in the table: {source}" for source in sources - set(rows) - may_strike]
    problems += [f"unknown: {source}" for source in set(rows) - sources]
    locked = 0
    for source in sources & set(rows):
        row = rows[source]
        due = standings[source]
        until = due.until and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due.until))
        is_locked = due.until > listed
        # A lock that ends while the table is listed may be in force or not.
        if due.until and abs(due.until - listed) <= 2:
            is_locked = row["locked"]
        locked += is_locked
        strikes = setting("MAX_BAD_CONNS") if is_locked else due.strikes
        found = (row["strikes"], row["refused"], row["locked"], row["locked_until"])
        wanted = (strikes, due.refused, is_locked, until if is_locked else None)
        if found != wanted:
            problems.append(f"{source}: strikes, refused, locked, until are {found}, not {wanted}")
    problems += read("verified").splitlines()
    claim(
        table["totals"]["damaged"] == 0 and table["closed"] is None,
        f"the table is whole, and has the strikes, refusals and locks of {len(rows)} sources, {locked} of them locked",
        problems,
    )


# ---- What grew ----

samples = [json.loads(line) for line in read("samples").splitlines()]
before = samples[0]
# What was begun in time may end later, when there is less and less of it.
during = [sample for sample in samples if sample["phase"] == "during" and sample["seconds"] <= seconds]
after = samples[-1]
third = max(1, len(during) // 3)
first, last = during[:third], during[-third:]


def column(part, name):
    return [sample[name] for sample in part]


def growth(name, measure=statistics.median):
    return round(measure(column(last, name)) - measure(column(first, name)))


def print_samples():
    say(f"{'in use':<14} {'before':>9} {'first':>9} {'last third':>10} {'most':>9} {'after':>9}")
    for name in [name for name in before if name not in ("phase", "seconds", "cpu")]:
        thirds = [round(statistics.median(column(part, name))) for part in (first, last)]
        most = max(column(during, name))
        say(f"{name:<14} {before[name]:>9} {thirds[0]:>9} {thirds[1]:>10} {most:>9} {after[name]:>9}")
    cpu = after["cpu"] - before["cpu"]
    say(
        f"{len(visits) / seconds:.0f} connections in a second; processors in use: door {cpu / seconds:.2f} "
        f"({cpu / len(visits) * 1000:.1f} ms for each connection), clients {after['clients_cpu'] / seconds:.2f}"
    )
    say(f"chance began with {end.get('random')}; the clients were late by {end.get('late_ms')} ms at the most")


def not_above(name, limit, measure=statistics.median):
    grown = growth(name, measure)
    return [f"{name} grew by {grown}, allowed {limit}"] if grown > limit else []


def not_more_after(*names):
    return [
        f"{name}: {after[name]} are left, before there were {before[name]}"
        for name in names
        if after[name] > before[name]
    ]


def judge_growth():
    most = max(column(during, "processes"))
    claim(
        most <= PROCESSES_MAX,
        f"processes: at most {most}, none left behind, median grew by {growth('processes')}",
        not_more_after("processes") + not_above("processes", PROCESSES_GROWTH),
    )
    claim(
        max(column(during, "threads")) == 1,
        f"descriptors of xinetd: {after['descriptors']} as before, one thread",
        not_more_after("descriptors"),
    )
    claim(
        True,
        f"memory: xinetd grew by {growth('xinetd_kib')} KiB, allowed {XINETD_KIB_GROWTH}; "
        f"handlers by {growth('handler_kib')} KiB, allowed {HANDLER_KIB_GROWTH}",
        not_above("xinetd_kib", XINETD_KIB_GROWTH) + not_above("handler_kib", HANDLER_KIB_GROWTH),
    )
    names = ("state_files", "state_bytes", "files")
    claim(
        max(column(during, "state_files")) == 1,
        f"files: the table alone in the state directory, {after['state_bytes']} bytes as before; nowhere a file more",
        [problem for name in names for problem in not_more_after(name) + not_above(name, 0, max)],
    )
    claim(
        True,
        f"sockets: {after['sockets']} and {after['tcp']} of TCP as before, median grew by {growth('sockets')}",
        not_more_after("sockets", "tcp") + not_above("sockets", SOCKETS_GROWTH) + not_above("tcp", SOCKETS_GROWTH),
    )


if not during or not visits:
    print("Bail out! nothing was seen: the clients did not run")
    sys.exit(1)
print("1..13")
print_visits()
say()
print_samples()
say()
judge_visits()
standings = judge_lines()
judge_actions()
judge_table(standings)
judge_growth()
sys.exit(1 if failed else 0)
