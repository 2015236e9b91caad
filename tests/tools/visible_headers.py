#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Which headers of the tree each library and program can include.

usage: visible_headers.py BUILD HEADER...

The compiler is asked, with the arguments that it compiles the sources with, as compile_commands.json of the build has
them. Prints a line "FOLDER HEADER" for each of the headers, which have a name of their own each, that a library or program of that folder
would find. What the tests compile is left out, as they may look everywhere.
"""
import json
import os
import shlex
import subprocess
import sys

OURS = ("src/", "state/", "units/")
WITH_VALUE = ("-o", "-MF", "-MQ", "-MT", "-include")


def compiler_calls(build):
    """The compilers' calls without what names one source, each once: folder, directory, arguments."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    calls = set()
    for command in commands:
        if not command["output"].startswith(OURS):
            continue
        folder = os.path.dirname(os.path.dirname(command["output"]))
        words = iter(shlex.split(command["command"]))
        arguments = []
        for word in words:
            if word in WITH_VALUE:
                next(words)
            elif word not in ("-c", "-MD", command["file"]):
                arguments.append(word)
        calls.add((folder, command["directory"], tuple(arguments)))
    return sorted(calls)


def found(directory, arguments, headers):
    """Those of the headers that such a call finds. Only the tree is looked in: the system may have such names too."""
    probe = "".join(
        f'#if __has_include("{os.path.basename(header)}")\n{number}\n#endif\n' for number, header in enumerate(headers)
    )
    call = [*arguments, "-nostdinc", "-E", "-P", "-x", "c", "-"]
    said = subprocess.run(call, cwd=directory, input=probe, capture_output=True, text=True, check=True).stdout
    return [headers[int(number)] for number in said.split()]


def main():
    build, *headers = sys.argv[1:]
    lines = {
        f"{folder} {header}"
        for folder, directory, arguments in compiler_calls(build)
        for header in found(directory, arguments, headers)
    }
    print("\n".join(sorted(lines)))


main()
