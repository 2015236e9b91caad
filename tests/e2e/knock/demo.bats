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

# What README.md shows of it, and ports and processes that are others each time.
shown() {
    awk '/^#/ { inside = $0 == "## Try it" } inside && /^    == / { block = 1 } inside && block' "$OSTIARY_SOURCE/README.md" | sed 's/^    //'
}

settled() {
    sed -E 's/(127\.0\.0\.1( port |:))[0-9]+/\1PORT/; s/^ostiaryd\[[0-9]+\]/ostiaryd[PID]/'
}

@test "demo.sh shows a gate open and shut by itself, and both knocks in the words of the README, and leaves nothing behind" {
    local out
    # Open to the user that the action runs as.
    export TMPDIR=$WORK/tmp
    mkdir -m 755 "$TMPDIR"
    # What others have tried out compiled well need not be here.
    out=$(CFLAGS='-O1 -g0' sh "$OSTIARY_SOURCE/tests/demo.sh" 2>&1 3>&-)
    # What real packets have met: before the grant, with it, and when its time was up.
    is "$(sed -n '/^== A gate/,/^== A configuration/s/^client: //p' <<<"$out")" 'no answer from port 2222
port 2222 answers
no answer from port 2222' "what the client saw of the gate"
    [ "$(shown | wc -l)" -ge 10 ]
    is "$(sed -n '/^== Knock with a wrong/,$p' <<<"$out" | settled)" "$(shown | settled)" "what it has shown"
    is "$(sed -n '/^== Knock with the right/,/^$/p' <<<"$out" | grep -c -e ': accepted$' -e '^exit status 0$')" 2 "lines of the knock that is accepted"
    is "$(ls -A "$TMPDIR")" '' "what is left in \$TMPDIR"
    run pgrep -f "$TMPDIR"
    is "$output" '' "processes that are left"
}
