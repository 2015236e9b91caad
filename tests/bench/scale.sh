#!/bin/sh
# SPDX-License-Identifier: ISC
# Does a table of a million sources cost a connection at most 1.1 times what one of ten costs, and is its file as long as
# state/FORMAT.md says? The medians are taken on whatever machine this is, so one of three tries has to do it.
#
# usage: sh tests/bench/scale.sh SCALE [DIR]     (SCALE: the program; DIR: where there is room for 256 MiB; default /tmp)
set -eu

scale=$1
parent=${2:-${TMPDIR:-/tmp}}
limit=1.1
dir=
trap '[ -z "$dir" ] || rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

echo 1..2
verdict='not ok'
for try in 1 2 3; do
    dir=$(mktemp -d "$parent/ostiary-bench.XXXXXX")
    report=$("$scale" "$dir")
    rm -rf "$dir"
    printf '%s\n' "$report" | sed "s/^/# try $try: /"
    ratio=$(printf '%s\n' "$report" | sed -n 's/^ratio=//p')
    if awk "BEGIN { exit !($ratio <= $limit) }"; then
        verdict=ok
        break
    fi
done
echo "$verdict 1 - scale: a connection at a million sources costs $ratio times what it costs at ten, limit $limit"

if printf '%s\n' "$report" | grep -qE '^bytes=([0-9]+) expected=\1$'; then
    echo 'ok 2 - scale: the file is as long as its format says'
else
    echo 'not ok 2 - scale: the file is as long as its format says'
fi
