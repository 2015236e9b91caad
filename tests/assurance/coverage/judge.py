#!/usr/bin/python3 -IS
# SPDX-License-Identifier: ISC
"""Name what the tests do not reach, and say whether that is good enough.

usage: judge.py REPORT.json KNOWN.txt MIN-PERCENT

REPORT.json is gcovr's. KNOWN.txt excuses lines, one for each line of its own:

    FILE FUNCTION: "the line without its indentation": why no test reaches it

Exit status 1 if a line is neither reached nor excused, if an excuse is for no line that is missed, or if less than
MIN-PERCENT of the branches are taken. A line whose reason begins with "sometimes" may be reached as well.
"""

import collections
import json
import re
import sys

ENTRY = re.compile(r"(\S+) (\S+): \"(.*)\": (\S.*)")


def excuses(path):
    """Of each missed line, as (file, function, text): the reasons."""
    known = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            entry = ENTRY.fullmatch(line.rstrip("\n"))
            if entry is None:
                sys.exit(f"{path}:{number}: not an excuse: {line}")
            known[entry.group(1, 2, 3)].append(entry.group(4))
    return known


def functions(report):
    """A function from a line number to the name of the function that it is in."""
    starts = sorted((function["lineno"], function["name"]) for function in report["functions"])

    def name(number):
        return next((name for start, name in reversed(starts) if start <= number), "-")

    return name


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: judge.py REPORT.json KNOWN.txt MIN-PERCENT")
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    known = excuses(sys.argv[2])
    least = float(sys.argv[3])
    lines = reached = excused = branches = taken = 0
    failures = []
    half = []

    print("lines that no test reaches:")
    for source in report["files"]:
        name = source["file"]
        function = functions(source)
        with open(name, encoding="utf-8") as file:
            text = [line.strip() for line in file]
        for line in source["lines"]:
            if line.get("gcovr/noncode"):
                continue
            number = line["line_number"]
            lines += 1
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            branches += len(line["branches"])
            taken += len(line["branches"]) - missed
            if missed and line["count"]:
                half.append(f"    {name}:{number}: {missed} of {len(line['branches'])}: {text[number - 1]}")
            if line["count"]:
                reached += 1
                continue
            reasons = known[(name, function(number), text[number - 1])]
            print(f"    {name}:{number}: {function(number)}: {text[number - 1]}")
            if reasons:
                excused += 1
                print(f"        {reasons.pop()}")
            else:
                failures.append(f"{name}:{number}: no test reaches this, and {sys.argv[2]} has no reason why")

    print("branches that no test takes, on lines that are reached:")
    print("\n".join(half))
    for (name, function, text), reasons in known.items():
        if any(not reason.startswith("sometimes") for reason in reasons):
            failures.append(f'{sys.argv[2]}: {name} {function}: "{text}": there is no such line that is missed')
    percent = 100 * taken / branches
    if percent < least:
        failures.append(f"{percent:.1f} % of the branches are taken, and {least:g} % is the least")
    print(f"lines: {reached} of {lines} ({100 * reached / lines:.1f} %), {excused} more excused")
    print(f"branches: {taken} of {branches} ({percent:.1f} %)")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
