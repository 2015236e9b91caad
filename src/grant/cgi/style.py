#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A header of a style sheet: its text without comments and needless blanks, and the hash by which a
Content-Security-Policy allows it.

usage: style.py STYLE.css HEADER.h
"""
import base64
import hashlib
import re
import sys


def main():
    source, header = sys.argv[1:]
    with open(source, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ?([{};,]) ?", r"\1", text).replace(";}", "}").replace(": ", ":")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    pieces = [text[at:at + 100] for at in range(0, len(text), 100)]
    with open(header, "w", encoding="ascii") as file:
        file.write(f'/* Made by style.py. */\n#define STYLE_HASH "sha256-{digest}"\n#define STYLE_TEXT \\\n')
        file.write(" \\\n".join('    "' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces))
        file.write("\n")


main()
