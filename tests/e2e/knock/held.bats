#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I8, I13: who holds the table's lock and never gives it back lets nobody in, and holds nobody for longer than a handler's
# patience, which is 20 seconds.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    write_door TABLE_SIZE=64
    HOLDER=
}

teardown() {
    [ -z "$HOLDER" ] || kill "$HOLDER" 2>/dev/null || true
    remove_work
}

is_held() {
    ! flock -n "$1" true
}

@test "I8: a table locked by another process for ever: refused when its patience is over" {
    make_table
    flock -F "$WORK/state/lockout" sleep 600 3>&- &
    HOLDER=$!
    eventually is_held "$WORK/state/lockout"
    nobody_gets_in 'was not to be had in time: find who holds it with lslocks'
    [ "$(of 1 end_ms)" -ge 19900 ]
}

@test "I8: a directory locked by another process for ever, when the table has to be made" {
    flock -F "$WORK/state" sleep 600 3>&- &
    HOLDER=$!
    eventually is_held "$WORK/state"
    nobody_gets_in 'was not to be had in time: find who holds it with lslocks'
}

@test "I8: a table that is locked for ever between seed and reply: the right reply is not compared" {
    make_table
    rm -f "$LOG"
    at_noon --tally="$WORK/tally" --between="flock -F $WORK/state/lockout sleep 600 >&- 2>&- & echo \$! >$WORK/holder
        while flock -n $WORK/state/lockout true; do :; done" 127.0.0.2=sesame@60
    HOLDER=$(<"$WORK/holder")
    is "$(of 1 length)" 32 "bytes received"
    is "$(of 1 status)" 74 "exit status"
    is "$(compared)" 0 "keys used"
    is "$(acted)" 0 actions
    logged 'was not to be had in time'
    not_logged accepted
}
