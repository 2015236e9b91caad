#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Add up what meson has recorded of its tests.

usage: count_results.py [--skip-fails] [--left-out=N] TESTLOG.json...

Each file is a meson-logs/*.json of one run: one JSON object a line. A test that speaks TAP counts with each of its points,
any other as one. One that meson has found wrong in another way (a crash, a timeout, points missing) counts as
one failure more. Prints a line for each file with its suites, says what failed and why what was skipped, and ends
with "N passed, N failed", and where anything was skipped, "N skipped"; N kinds of tests that were left out altogether
are as many skips. Exit status 1 if anything failed or nothing passed; with --skip-fails, a skip counts as a failure. A file
that is not there, or holds no test, is one as well.
"""

import json
import os
import re
import sys

GOOD = ("OK", "EXPECTEDFAIL")
POINT = re.compile(r"^(not )?ok\b *\d* *-? *(.*?)(?: *# *(skip|todo)\S* *(.*))?\n((?:#.*\n)*)", re.I | re.M)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.remarks = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def last_lines(test):
    """What a program said before it died."""
    output = (test.get("stdout") or "") + (test.get("stderr") or "")
    return "\n".join("# " + line for line in output.splitlines()[-40:])


def count_test(test):
    count = Count()
    output = (test.get("stdout") or "") + "\n"
    if POINT.search(output):
        for wrong, name, directive, reason, remark in POINT.findall(output):
            if directive.lower() == "skip":
                count.skipped += 1
                count.remarks.append(f"skipped: {name.strip()}: {reason}" if name.strip() else f"skipped: {reason}")
            elif wrong:
                count.failed += 1
                count.remarks.append(f"FAILED: {name.strip()}\n{remark}".rstrip())
            else:
                count.passed += 1
        if test["result"] not in (*GOOD, "SKIP") and count.failed == 0:
            count.failed = 1
            count.remarks.append(f"FAILED as a whole: {test['result']}\n{last_lines(test)}")
    elif test["result"] in GOOD:
        count.passed = 1
    elif test["result"] == "SKIP":
        count.skipped = 1
        reason = re.search(r"^1\.\.0 *# *skip\S* *(.*)", output, re.I | re.M)
        count.remarks.append(f"skipped: {reason[1]}" if reason else "skipped")
    else:
        count.failed = 1
        count.remarks.append(f"FAILED: {test['result']}\n{last_lines(test)}")
    return count


def read_results(path):
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return []


def main():
    paths = sys.argv[1:]
    skip_fails = "--skip-fails" in paths
    total = Count()
    total.skipped = sum(int(path.partition("=")[2]) for path in paths if path.startswith("--left-out="))
    paths = [path for path in paths if not path.startswith("--")]
    for path in paths:
        run = os.path.basename(path).removesuffix(".json")
        tests = read_results(path)
        if not tests:
            total.failed += 1
            print(f"{run}: FAILED: no results in {path}")
        suites = {}
        for test in tests:
            count = count_test(test)
            # "PROJECT:SUITE / NAME", where SUITE is "KIND" or "KIND+MORE"
            suites_of, _, name = test["name"].rpartition(":")[2].partition(" / ")
            suite = suites_of.partition("+")[0]
            suites.setdefault(suite, Count()).add(count)
            total.add(count)
            for remark in count.remarks:
                print(f"{run}, {name}: {remark}")
        for suite, count in suites.items():
            print(f"{run + ' ' + suite:<24} {count}")
    if skip_fails:
        total.failed += total.skipped
        total.skipped = 0
    print(total)
    return 1 if total.failed or not total.passed else 0


sys.exit(main())
