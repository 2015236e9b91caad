#!/bin/sh
# SPDX-License-Identifier: ISC
# Does what a connection costs grow with the table, and is its file as long as state/FORMAT.md says? A search through a
# million sources would take thousands of times what one through ten takes. What the ratio is on a quiet machine, and what is
# promised of it, is for bench/run.sh: it is printed here, and judged only for what no other work on the machine can do.
#
# usage: sh tests/bench/scale.sh SCALE [DIR]     (SCALE: the program; DIR: where there is room for 512 MiB; default /tmp)
set -eu

scale=$1
parent=${2:-${TMPDIR:-/tmp}}
limit=20
dir=
trap '[ -z "$dir" ] || rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

echo 1..2
dir=$(mktemp -d "$parent/ostiary-bench.XXXXXX")
report=$("$scale" "$dir")
printf '%s\n' "$report" | sed 's/^/# /'
ratio=$(printf '%s\n' "$report" | sed -n 's/^ratio=//p')
verdict='not ok'
if awk "BEGIN { exit !($ratio <= $limit) }"; then
    verdict=ok
fi
echo "$verdict 1 - scale: a connection at a million sources costs $ratio times what it costs at ten, limit $limit"

if printf '%s\n' "$report" | grep -qE '^bytes=([0-9]+) expected=\1$'; then
    echo 'ok 2 - scale: the file is as long as its format says'
else
    echo 'not ok 2 - scale: the file is as long as its format says'
fi
