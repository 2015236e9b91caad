#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I11: no strike without a chance. Who has left before a seed could reach him has lost nothing, whatever kept the launcher or
# the network busy; who has got one pays for it.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    write_door COMM_TIMEOUT=2
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# leave SOURCE=WAY...: see leaver.py; what became of each is a line of $KNOCKS.
leave() {
    unshare --net "$TOOLS/leaver.py" --log="$LOG" -- "${HANDLER[@]}" -- "$@" >"$KNOCKS"
}

# costs_nothing WAY: gone, three times, and the source is as it was.
costs_nothing() {
    : >"$LOG"
    leave "127.0.0.2=$1" "127.0.0.2=$1" "127.0.0.2=$1"
    is "$(how_many status 0)" 3 "exit statuses of 0, $1"
    logged_times 3 'refused source=127\.0\.0\.2 reason=gone$'
    logged_times 3 '.'
}

# costs_a_strike WAY REASON: one strike, as without a chance to look at who has left.
costs_a_strike() {
    : >"$LOG"
    rm -f "$WORK/state/lockout"
    leave "127.0.0.2=$1"
    is "$(of 1 status)" 0 "exit status, $1"
    logged_times 1 "rejected source=127\.0\.0\.2 reason=$2 strikes=1 of=3"
    is "$(in_slot 127.0.0.2 strikes)" 1 "strikes, $1"
}

@test "I11: a peer who has left before the handler starts is gone: no strike, and no place in the pace" {
    local way
    for way in early early-half early-data; do
        costs_nothing "$way"
    done
    # It has not even been asked for: there is no table yet.
    [ ! -e "$WORK/state/lockout" ]
    : >"$LOG"
    leave 127.0.0.2=early-reset
    is "$(of 1 status)" 0 "exit status"
    not_logged .
}

@test "I11: a peer who leaves while the seed is on its way is gone: no strike" {
    local way
    for way in underway underway-half underway-data underway-seen; do
        costs_nothing "$way"
        is "$(in_slot 127.0.0.2 strikes)" 0 "strikes, $way"
    done
}

@test "a seed that is said not to have reached its peer is in the pace all the same, and costs no strike" {
    write_door DELAY=3600 WAITING_MAX=0 COMM_TIMEOUT=2
    leave 127.0.0.2=underway 127.0.0.2=close
    logged_times 1 'refused source=127\.0\.0\.2 reason=gone$'
    logged_times 1 'refused source=127\.0\.0\.2 reason=too-soon$'
    is "$(of 2 length)" 0 "bytes for the second, DELAY not having passed"
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
}

@test "I1: a peer who has got its seed and leaves, resets or stays silent has a strike" {
    costs_a_strike close no-reply
    costs_a_strike close-unread gone
    costs_a_strike half no-reply
    costs_a_strike reset gone
    costs_a_strike half-reset no-reply
    costs_a_strike silent timeout
    # Nor can it be told from silence when somebody's network has gone with him.
    costs_a_strike underway-cut timeout
}

@test "I11: the launcher sleeps while a client with the right key gives up, three times: it is not locked out" {
    local sleeper i
    write_door DELAY=1 COMM_TIMEOUT=2
    echo sesame >"$WORK/key"
    chmod 600 "$WORK/key"
    start_socket_activate
    # shellcheck disable=SC2153 # it is set by lib/launch.bash
    sleeper=$(pgrep -P "$(pgrep -P "$LAUNCHER")")
    for i in 1 2 3; do
        kill -STOP "$sleeper"
        # It waits for a second seed of its own time, and has left by then.
        run "$OSTIARY_BUILD/src/client/ostclient" -w -t 1 -k "$WORK/key" -p "$PORT" 127.0.0.1
        matches "$status" '^[1-9]'
        kill -CONT "$sleeper"
        eventually logged_times "$i" 'refused source=127\.0\.0\.1 reason=gone$'
    done
    not_logged 'rejected|locked'
    run "$OSTIARY_BUILD/src/client/ostclient" -w -k "$WORK/key" -p "$PORT" 127.0.0.1
    is "$status" 0 "status of the client once the launcher is awake: $output"
    eventually logged 'accepted source=127\.0\.0\.1 '
}
