#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The README's first command: it shows a knock that is accepted and one that is not, and leaves nothing behind.

load ../../lib/common

setup() {
    need_root
    make_work
}

teardown() {
    remove_work
}

@test "demo.sh shows both knocks, and leaves neither a file nor a process" {
    local out
    # Open to the user that the action runs as.
    export TMPDIR=$WORK/tmp
    mkdir -m 755 "$TMPDIR"
    out=$(sh "$OSTIARY_SOURCE/tests/demo.sh" 2>&1 3>&-)
    for line in '^ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.1 action=hello uid=[0-9]+ gid=[0-9]+$' \
        '^hello 127\.0\.0\.1, this is hello, run as [a-z]+$' \
        '^ostiaryd\[[0-9]+\]: rejected source=127\.0\.0\.1 reason=wrong-reply strikes=1 of=3$'; do
        grep -Eq "$line" <<<"$out" || {
            printf 'no line matches %s:\n%s\n' "$line" "$out"
            return 1
        }
    done
    is "$(ls -A "$TMPDIR")" '' "what is left in \$TMPDIR"
    run pgrep -f "$TMPDIR"
    is "$output" '' "processes that are left"
}
