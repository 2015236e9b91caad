#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""The blocks of a page of recipes as man(1) prints it: what is typed, what is said to it, and which files there are.

usage: recipe_blocks.py steps PAGE
       recipe_blocks.py same SHOWN SAID

"steps" prints one record for each command and each file, in the order of the page. It has five fields, each ended by a
NUL: its section, "command" or "file", where it is typed or the path of the file, the command or what the file holds, and
what is printed. "same" succeeds if a command has SAID what the page has SHOWN, and tells the difference if not.

A block is what is indented further than text. One whose first line is "MACHINE# COMMAND" is a session: "> " goes on with
the command before, and every other line is what is printed. Of that, "..." stands for lines that are left out. Any other
block is a file, whose path is in a comment in its first line, or in the second one after "#!".

What nobody can print twice is the same whatever it is: a time, how long something has lasted, and blanks.
"""
import difflib
import os
import re
import subprocess
import sys

TEXT_INDENT = 5
PROMPT = re.compile(r"([a-z][a-z0-9]*)# (.*)")
GOES_ON = "> "
LEFT_OUT = "..."
PATH = re.compile(r"# (/\S+)")

VOLATILE = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?"), "TIME"),
    (re.compile(r"\bexpires (\d+(ms|[dhms]))+"), "expires LATER"),
    (re.compile(r"\b\d+ (s|min|h|d) ago\b"), "AGO"),
    (re.compile(r"\b\d+ (s|min|h|d) left\b"), "LEFT"),
    (re.compile(r"\b(\d+[dhm] )?\d+[hms] +\d+ +open\b"), "LEFT AND USE open"),
]


class Step:
    def __init__(self, section, kind, where, text):
        self.section = section
        self.kind = kind
        self.where = where
        self.text = text
        self.shown = []

    def fields(self):
        return self.section, self.kind, self.where, self.text, "\n".join(self.shown)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def printed(page):
    """The lines of the page as a terminal of 80 columns shows them."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80", MANROFFOPT="", MANOPT="")
    shown = subprocess.run(["man", "--local-file", "--", page], env=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, check=True)
    return shown.stdout.decode().splitlines()


def blocks(page):
    """Pairs of a section and the lines of a block in it, without the indentation."""
    section = ""
    block = []
    # What ends a block is text.
    for line in printed(page) + ["END"]:
        indent = len(line) - len(line.lstrip())
        if not line or (block and indent > TEXT_INDENT) or indent >= 2 * TEXT_INDENT:
            if block or line:
                block.append(line)
            continue
        if block:
            while not block[-1]:
                block.pop()
            margin = min(len(each) - len(each.lstrip()) for each in block if each)
            yield section, [each[margin:] for each in block]
            block = []
        if indent == 0:
            section = line
        elif indent < TEXT_INDENT:
            section = section.split("/")[0] + "/" + line.strip()


def session(section, lines):
    steps = []
    for line in lines:
        prompt = PROMPT.fullmatch(line)
        if prompt:
            steps.append(Step(section, "command", prompt[1], prompt[2]))
        elif line.startswith(GOES_ON) and not steps[-1].shown:
            steps[-1].text += "\n" + line[len(GOES_ON):]
        else:
            steps[-1].shown.append(line)
    return steps


def file_step(section, lines):
    path = PATH.fullmatch(lines[1] if lines[0].startswith("#!") else lines[0])
    if path is None:
        sys.exit(f"{section}: this block is neither a session nor a file:\n" + "\n".join(lines))
    return Step(section, "file", path[1], "\n".join(lines) + "\n")


def steps_of(page):
    steps = []
    for section, lines in blocks(page):
        if PROMPT.fullmatch(lines[0]):
            steps += session(section, lines)
        else:
            steps.append(file_step(section, lines))
    # What stands side by side without text between is one block on the paper as well: nothing is lost.
    written = sum(line.startswith(".Bd") for line in read(page).splitlines())
    seen = sum(1 for _ in blocks(page))
    if written != seen:
        sys.exit(f"{page} has {written} displays, and {seen} blocks are printed: each needs text before it")
    return steps


def settled(text):
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def fits(shown, said):
    """Is said what is shown, with at least one line for each LEFT_OUT?"""
    if not shown:
        return not said
    if shown[0] == LEFT_OUT:
        return any(fits(shown[1:], said[count:]) for count in range(1, len(said) + 1))
    return bool(said) and shown[0] == said[0] and fits(shown[1:], said[1:])


def same(shown_path, said_path):
    shown, said = settled(read(shown_path)), settled(read(said_path))
    if not fits(shown, said):
        print("\n".join(difflib.unified_diff(shown, said, "what the page shows", "what was said", lineterm="")))
        sys.exit(1)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "steps":
        for step in steps_of(sys.argv[2]):
            sys.stdout.write("".join(each + "\0" for each in step.fields()))
    elif len(sys.argv) == 4 and sys.argv[1] == "same":
        same(*sys.argv[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
