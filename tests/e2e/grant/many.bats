#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A hundred thousand grants, and how long each command takes with them, which is printed.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
}

teardown() {
    gates_stop
    remove_work
}

flush() {
    inside nft flush ruleset
}

# timed WHAT COMMAND...: say how long it took.
timed() {
    local TIMEFORMAT="# $1: %R s, %U + %S s of a processor"
    { time "${@:2}" 2>&4; } 4>&2 2>&3
}

# Into a file: a shell that is to hold it takes longer than what is measured.
listed() {
    inside "$OSTGRANT" -c "$CONFIG" list --json >"$WORK/listed"
}

all_are_open() {
    is "$(inside nft -j list set inet ostiary_grants ssh_4_32 | grep -o '"comment": *"user[0-9]*"' | sort -u | wc -l)" 100000 "how many are open"
}

@test "100,000 grants are listed, opened anew after a flush, and looked through by a tick" {
    gates 'GATE="ssh","tcp 2222","size=200000"'
    inside "$OSTIARY_BUILD/tests/make-grants" "$STATE" ssh 100000 86400
    timed 'restoring 100,000 grants' ostgrant 0 restore
    all_are_open
    timed 'listing 100,000 grants' listed
    is "$(grep -c '"state": *"open"' "$WORK/listed")" 100000 "how many are shown as open"
    timed 'a tick, with 100,000 grants' ostgrant 0 tick
    timed 'granting beside 100,000 others' ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
    timed 'revoking beside 100,000 others' ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
    flush
    timed 'a tick after a flush, with 100,000 grants' ostgrant 0 tick
    all_are_open
}
