#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# How long an action may take: timeout=.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the actions' shells; each test is a subshell by design

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
}

teardown() {
    rm -f "$WORK/out/stay"
    stop_launcher
    stop_sink
    remove_work
}

# act OPTION SCRIPT: the action has this option, and is this script; a right knock has been answered with a receipt.
act() {
    write_action knock "$2"
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\"$1"
    write_door
    knock 127.0.0.2=sesame
    is "$(of 1 receipt)" right receipt
}

@test "timeout=: SIGALRM ends a command that takes longer, though nothing of ours is there to watch over it" {
    act ',"timeout=1s"' "echo \$\$ >$WORK/out/begun; exec sleep 600"
    is "$(of 1 status)" -14 "how it ended: by SIGALRM"
    [ -s "$WORK/out/begun" ]
}

@test "timeout=: a command that is done in time is not disturbed, nor is one without it" {
    act ',"timeout=1h"' "echo ready >$WORK/out/said"
    is "$(of 1 status)" 0 "its status"
    is "$(cat "$WORK/out/said")" ready "what it did"
    rm "$WORK/state/lockout"
    act '' "grep -h ^SigIgn /proc/self/status >$WORK/out/said; sleep 1.5"
    is "$(of 1 status)" 0 "status of one without timeout="
}

@test "timeout=: what the command has started in the background goes on, as the manual says" {
    : >"$WORK/out/stay"
    act ',"timeout=1s"' "(while [ -e $WORK/out/stay ]; do sleep 0.05; done; echo survived >$WORK/out/said) & exec sleep 600"
    is "$(of 1 status)" -14 "how it ended"
    rm "$WORK/out/stay"
    eventually grep -qx survived "$WORK/out/said"
}

@test "I7: with timeout= the command starts with SIGALRM as every program does: neither ignored, nor blocked, nor caught" {
    act ',"timeout=1h"' "exec cat /proc/self/status >$WORK/out/said"
    is "$(awk '/^(Sig(Blk|Ign|Cgt|Pnd)|ShdPnd):/ { print $2 }' "$WORK/out/said" | sort | uniq -c | xargs)" '5 0000000000000000' \
        "signals that are pending, blocked, ignored or caught"
}
