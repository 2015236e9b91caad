#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I1, whenever a handler is killed: it stops behind each of its system calls that others could see, and there SIGKILL ends
# it. Behind the others it would leave the same.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

DAY=86400

setup() {
    door_setup
}

teardown() {
    end_helpers
    remove_work
}

# stops COMMAND...: how often kill-at sees it stop: before and behind each system call.
stops() {
    "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$@" 2>&1 | sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p'
}

# kill_everywhere REPLY LINE...: one handler for each such system call, which is killed behind it, each with a door of its own,
# $WORK/kill.N, that has no table yet. $KILLS is how many. Nothing happens between one call and the next that could be seen
# from outside, so there is no need to kill before them as well; and the calls with which any program begins, whatever it
# is asked for, are left out.
kill_everywhere() {
    local reply=$1 n text first last
    shift
    write_door "$@" TABLE_SIZE=64
    text=$(<"$CONFIG")
    first=$(($(stops "$OSTIARYD" --version) / 2 * 2))
    HANDLER=("${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$OSTIARYD" -e -c "$CONFIG")
    at_noon --env=OSTIARY_TEST_TALLY=/dev/null "127.0.0.2=$reply"
    last=$(sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p' "$LOG")
    KILLS=$(((last - first) / 2 + 1))
    for ((n = 1; n <= KILLS; n++)); do
        mkdir -m 700 "$WORK/kill.$n" "$WORK/kill.$n/state"
        (umask 077 && printf '%s\n' "${text//"$WORK/state"/"$WORK/kill.$n/state"}" >"$WORK/kill.$n/cfg")
    done
    # shellcheck disable=SC2016 # for the inner shell
    HANDLER=("${NO_LEAK_CHECK[@]}" sh -c 'kill_at=$1 stop=$(($2 + 2 * ($3 - 1))) && shift 3 && exec "$kill_at" "$stop" "$@"'
        sh "$OSTIARY_BUILD/tests/kill-at" "$first" '{n}' "$OSTIARYD" -e -c "$WORK/kill.{n}/cfg")
    at_noon --width=2 --env="OSTIARY_TEST_TALLY=$WORK/kill.{n}/tally" "127.0.0.2=${reply}x$KILLS"
    # Some more or less may have been needed: files that the C library looks for, a lock that had to be waited for, a
    # sanitizer's memory.
    local killed
    killed=$(how_many status 137)
    [ "$killed" -ge $((KILLS - KILLS / 10)) ] || is "$killed" "nearly $KILLS" "handlers that were killed"
}

# after_kill N: $strikes and $keys used of the handler that was killed behind its Nth call. The table, if any, is whole.
after_kill() {
    strikes=0 keys=0
    if [ -e "$WORK/kill.$1/state/lockout" ]; then
        strikes=$(in_slot 127.0.0.2 strikes "$WORK/kill.$1/state")
        [ "$strikes" != none ] || strikes=0
    fi
    [ ! -e "$WORK/kill.$1/tally" ] || keys=$(wc -l <"$WORK/kill.$1/tally")
}

# Another comes to each of these doors.
knock_again() {
    HANDLER=("$OSTIARYD" -e -c "$WORK/kill.{n}/cfg")
    at_noon --width=2 "127.0.0.3=sesamex$KILLS"
}

@test "I1: killed at any system call, a handler with a wrong reply leaves no fewer strikes than comparisons" {
    local n strikes keys compared=0
    kill_everywhere wrong
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$strikes" -ge "$keys" ] || is "$strikes" "$keys" "strikes, killed behind call $n"
        compared=$((compared + keys))
    done
    # Some were killed before the comparison, and some after it.
    [ "$compared" -gt 0 ] && [ "$compared" -lt "$KILLS" ]
    knock_again
    is "$(how_many receipt right)" "$KILLS" "doors that work afterwards"
}

@test "I1: killed at any system call, a handler with a right reply has its strike written before it compares" {
    local n strikes keys struck=0
    kill_everywhere sesame
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$keys" -eq 0 ] || [ "$strikes" -gt 0 ] || [ "$struck" -gt 0 ] || is "$strikes" 1 "strikes, killed behind call $n"
        [ "$keys" -eq 0 ] || [ "$strikes" -eq 0 ] || struck=$n
    done
    [ "$struck" -gt 0 ]
    # Killed just before the strike was taken back; one call later it has been.
    after_kill $((struck + 1))
    is "$strikes" 0 "strikes after success"
    knock_again
    is "$(how_many receipt right)" "$KILLS" "doors that work afterwards"
}

@test "I1: killed at any system call, a handler that locks its source and closes the door does neither by half" {
    local n strikes keys closed=0
    kill_everywhere wrong MAX_BAD_CONNS=1 MAX_TOTAL_ERRS=1
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$strikes" -ge "$keys" ] || is "$strikes" "$keys" "strikes, killed behind call $n"
        [ "$strikes" -eq 0 ] || is "$(in_slot 127.0.0.2 until "$WORK/kill.$n/state")" $((NOON + DAY)) "lock behind call $n"
    done
    knock_again
    for ((n = 1; n <= KILLS; n++)); do
        is "$(of "$n" status)" 0 "exit status at the door of call $n"
        if [ -e "$WORK/kill.$n/state/closed-knock" ]; then
            is "$(of "$n" length)" 0 "bytes at the closed door of call $n"
            closed=$((closed + 1))
        else
            is "$(of "$n" receipt)" right "receipt at the open door of call $n"
        fi
    done
    [ "$closed" -gt 0 ] && [ "$closed" -lt "$KILLS" ]
}
