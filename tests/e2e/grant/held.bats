#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# However ostgrant is started: with descriptors closed, from a terminal that would stop it, with a limit of what files may
# hold, or into a reader that does not read. The record stays what it is, and nobody else waits for it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222"' 'GATE="dmz","grant=/usr/bin/true","revoke=/usr/bin/false","lifetime=1h"'
    ostgrant 0 load
}

teardown() {
    gates_stop
    remove_work
}

@test "I8: with standard descriptors closed nothing of what is said gets into the record" {
    local closed count=0
    ostgrant 0 grant ssh "$CLIENT4" 1h bob
    while [ "$count" -lt 40 ]; do
        count=$((count + 1))
        ostgrant 0 grant dmz "198.51.100.$count" 1s bob
    done
    sleep 1.2
    # The commands of forty grants fail, and each of them is a line.
    for closed in '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        inside sh -c "\"\$0\" -c \"\$1\" tick $closed" "$OSTGRANT" "$CONFIG" || true
        inside sh -c "\"\$0\" -c \"\$1\" revoke dmz 198.51.100.200 $closed" "$OSTGRANT" "$CONFIG" || true
        inside sh -c "\"\$0\" -c \"\$1\" list $closed" "$OSTGRANT" "$CONFIG" || true
    done
    ostgrant 0 list
    matches "$output" "$CLIENT4 +bob +ssh .* open"
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
}

@test "I9: who lists into a reader that does not read keeps nobody waiting" {
    inside "$OSTIARY_BUILD/tests/make-grants" "$STATE" ssh 2000 86400
    mkfifo "$WORK/unread"
    exec 8<>"$WORK/unread"
    in_background "$WORK/said" sh -c 'exec "$0" -c "$1" list >"$2"' "$OSTGRANT" "$CONFIG" "$WORK/unread"
    # It has begun to print, of which a pipe holds no more than a third.
    read -r -u 8 _
    ostgrant 0 grant ssh "$CLIENT4" 1h
    exec 8<&-
}

@test "I13: a key of the terminal stops nobody who holds the record" {
    # Its parent is the keeper, whose parent is ostgrant.
    printf '#!/bin/sh\ncut -d " " -f 4 "/proc/$PPID/stat" >"%s/begun.new"\nmv "%s/begun.new" "%s/begun"\nsleep 2\n' \
        "$WORK" "$WORK" "$WORK" >"$WORK/bin/slow"
    chmod 755 "$WORK/bin/slow"
    gates 'GATE="ssh","tcp 2222"' "GATE=\"dmz\",\"grant=$WORK/bin/slow\",\"revoke=/usr/bin/true\""
    in_background "$WORK/said" "$OSTGRANT" -c "$CONFIG" grant dmz 198.51.100.7 1h
    eventually test -e "$WORK/begun"
    inside kill -TSTP "$(cat "$WORK/begun")"
    inside kill -TTOU "$(cat "$WORK/begun")"
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
    eventually grep -q 'gate dmz is open' "$WORK/said"
}

@test "where standard error is the journal's, each line is said once" {
    local said=$WORK/said
    ostgrant 0 grant dmz 198.51.100.7 1h
    : >"$said"
    run inside sh -c 'JOURNAL_STREAM=$(stat -c %d:%i "$2") exec "$0" -c "$1" revoke dmz 198.51.100.7 2>"$2"' "$OSTGRANT" "$CONFIG" "$said"
    is "$status" 69 "status"
    is "$(cat "$said")" '' "what is said there"
    logged "gate 'dmz': revoke= has failed" 1
    run inside sh -c 'JOURNAL_STREAM=1:1 exec "$0" -c "$1" revoke dmz 198.51.100.7' "$OSTGRANT" "$CONFIG"
    matches "$output" "gate 'dmz': revoke= has failed"
}

@test "I8: a limit of what files may hold is a fault that is said, and no end without a word" {
    run inside prlimit --fsize=0 "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h
    is "$status" 74 "status, and it said: $output"
    matches "$output" 'cannot be (created|written)|full'
    sees client shut "$SERVER4" tcp/2222
}
