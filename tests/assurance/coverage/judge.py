#!/usr/bin/python3 -IS
# SPDX-License-Identifier: ISC
"""Say what the tests reach, name what they do not, and say whether that is good enough.

usage: judge.py REPORT KNOWN.txt MIN-PERCENT

REPORT is llvm-cov's in the form of lcov; of the files in it, those in src and state are judged. It is called in the
source directory. KNOWN.txt excuses lines, one for each line of its own:

    FILE FUNCTION: "the line without its indentation": why no test reaches it

FILE is named without its directory: no two may have one name. Exit status 1 if a line is neither reached nor excused, if
an excuse is for no line that is missed, or if less than MIN-PERCENT of the branches are taken. A line whose reason begins
with "sometimes" may be reached as well.
"""

import collections
import os
import re
import sys

ENTRY = re.compile(r"(\S+) (\S+): \"(.*)\": (\S.*)")
JUDGED = ("src/", "state/")
# A string or a character, in which no comment begins; or a comment; or what is for the preprocessor: a macro counts where it
# is used.
NOT_CODE = re.compile(
    r"(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|//[^\n]*|^[ \t]*#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE
)
# A line of nothing but these does nothing by itself.
IDLE = re.compile(r"(\W|\belse\b|\bdo\b)*")


class Source:
    """One source file, and what the report says of it."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.text = [line.strip() for line in text.split("\n")]
        code = NOT_CODE.sub(lambda match: match[1] or re.sub(r"[^\n]", "", match[0]), text)
        self.has_code = [IDLE.fullmatch(line) is None for line in code.split("\n")]
        self.starts = []
        self.counts = {}
        self.branches = collections.defaultdict(list)

    def learn(self, key, value):
        """One line of the report."""
        fields = value.split(",")
        if key == "FN":
            # A static function is called FILE:FUNCTION.
            self.starts.append((int(fields[0]), fields[1].rpartition(":")[2]))
        elif key == "DA" and self.has_code[int(fields[0]) - 1]:
            self.counts[int(fields[0])] = int(fields[1])
        elif key == "BRDA":
            self.branches[int(fields[0])].append(fields[3] not in ("-", "0"))

    def function(self, number):
        """The name of the function that the line is in."""
        return max((start for start in self.starts if start[0] <= number), default=(0, "-"))[1]

    def missed(self):
        """The numbers of the lines that were not reached."""
        return [number for number, count in sorted(self.counts.items()) if count == 0]

    def branches_taken(self):
        """How many were taken, and how many there are."""
        ways = [way for line in self.branches.values() for way in line]
        return sum(ways), len(ways)


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


def sources(path):
    """The sources that are judged, by their names without directories."""
    found = {}
    source = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, _, value = line.rstrip("\n").partition(":")
            if key == "SF":
                file_path = os.path.relpath(os.path.realpath(value))
                source = Source(file_path) if file_path.startswith(JUDGED) else None
                if source:
                    name = os.path.basename(file_path)
                    if name in found:
                        sys.exit(f"{file_path} and {found[name].path} have one name")
                    found[name] = source
            elif source:
                source.learn(key, value)
    if not found:
        sys.exit(f"{path}: nothing of {' or '.join(JUDGED)}")
    # A header of macros alone has no code of its own.
    return {name: source for name, source in sorted(found.items(), key=lambda item: item[1].path) if source.counts}


def share(part, whole):
    """As one column of the table."""
    return f"{part:5} of {whole:5} {100 * part / whole if whole else 100:6.1f} %"


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: judge.py REPORT KNOWN.txt MIN-PERCENT")
    judged = sources(sys.argv[1])
    known = excuses(sys.argv[2])
    least = float(sys.argv[3])
    lines = reached = excused = branches = taken = 0
    failures = []

    print("lines and branches that the tests reach:")
    for source in judged.values():
        count, count_reached = len(source.counts), len(source.counts) - len(source.missed())
        ways_taken, ways = source.branches_taken()
        print(f"    {source.path:30} {share(count_reached, count)}   {share(ways_taken, ways)}")
        lines, reached = lines + count, reached + count_reached
        branches, taken = branches + ways, taken + ways_taken

    print("lines that no test reaches:")
    for name, source in judged.items():
        for number in source.missed():
            text, function = source.text[number - 1], source.function(number)
            reasons = known[(name, function, text)]
            print(f"    {source.path}:{number}: {function}: {text}")
            if reasons:
                excused += 1
                print(f"        {reasons.pop()}")
            else:
                failures.append(f"{source.path}:{number}: no test reaches this, and {sys.argv[2]} has no reason why")

    print("branches that no test takes, on lines that are reached:")
    for source in judged.values():
        for number, ways in sorted(source.branches.items()):
            if not all(ways) and source.counts.get(number):
                print(f"    {source.path}:{number}: {ways.count(False)} of {len(ways)}: {source.text[number - 1]}")

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
