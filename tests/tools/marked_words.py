#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The header of a page's words (src/grant/cgi/words.h), with a mark without letters in place of each text.

usage: marked_words.py WORDS.h HEADER.h

The mark of the third text is "[3]"; of one that something is put into, as "%s of %s", it is "[3:%s,%s]". WORDS_MARKS is
how many there are.
"""
import re
import sys

TEXT = re.compile(r"^#define (WORDS_\w+)\s+(.*(?:\\\n.*)*)$", re.MULTILINE)
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z%]")


def main():
    source, header = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        texts = [(name, "".join(LITERAL.findall(value))) for name, value in TEXT.findall(file.read())]
    with open(header, "w", encoding="ascii") as file:
        file.write("/* Made by marked_words.py. */\n#ifndef OSTIARY_WORDS_H\n#define OSTIARY_WORDS_H\n")
        for number, (name, text) in enumerate(texts, 1):
            into = ",".join(CONVERSION.findall(text))
            file.write(f'#define {name} "[{number}{":" if into else ""}{into}]"\n')
        file.write(f"#define WORDS_MARKS {len(texts)}\n#endif\n")


main()
