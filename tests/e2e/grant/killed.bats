#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostgrant, killed behind each of its system calls: what is open is shown and ends when it was said to end, and whoever
# comes next makes good what is left.
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

# How often kill-at sees it stop where it only says how it is used: as often as any program does before it has done anything.
stops_at_least() {
    inside "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$OSTGRANT" 2>&1 | sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p'
}

# every_stop MOST ARGUMENT...: the command is killed behind each of its system calls in turn, but for those with which any
# program begins, each time from what `before` makes. Nothing may be open for longer than MOST seconds, or without being
# shown; behind that a tick makes record and kernel agree, and `after` looks at what has become of it.
every_stop() {
    local most=$1 stop first status killed=0
    shift
    first=$(($(stops_at_least) / 2 * 2))
    stop=$first
    while :; do
        before
        status=0
        inside "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" "$stop" "$OSTGRANT" -c "$CONFIG" "$@" >"$WORK/said" 2>&1 || status=$?
        { inside "$TOOLS/granted.py" mended "$most" "$OSTGRANT" -c "$CONFIG" >"$WORK/mended" 2>&1 && after; } || {
            echo "killed at stop $stop, of which the first was $first:"
            cat "$WORK/said" "$WORK/mended"
            return 1
        }
        [ "$status" -eq 137 ] || break
        killed=$((killed + 1))
        stop=$((stop + 2))
    done
    is "$status" 0 "status of the one that was not killed: $(cat "$WORK/said")"
    echo "# killed at $killed system calls" >&3
    [ "$killed" -gt 50 ]
}

quickly() {
    inside "$OSTGRANT" -c "$CONFIG" "$@" >"$WORK/quickly" 2>&1 || {
        echo "ostgrant $*:"
        cat "$WORK/quickly"
        return 1
    }
}

# How often the client's address is open.
open_for_client() {
    inside "$TOOLS/granted.py" kernel | grep -c "^ssh $CLIENT4 "
}

empty() {
    rm -rf "$RECORD"
    inside nft delete table inet ostiary_grants 2>/dev/null || true
    quickly load
}

@test "I15: grant, killed at any moment: never open for longer than granted, never without being shown" {
    gates 'GATE="ssh","tcp 2222"'
    before() {
        empty
    }
    # Whether it has come to be or not, it can be had.
    after() {
        quickly grant ssh "$CLIENT4" 1h alice && is "$(open_for_client)" 1 "elements"
    }
    every_stop 3600 grant ssh "$CLIENT4" 1h alice
}

@test "renewing, killed at any moment: it was open before, and it is all the time; never longer than granted" {
    gates 'GATE="ssh","tcp 2222"'
    before() {
        quickly grant ssh "$CLIENT4" 1h alice
    }
    after() {
        is "$(open_for_client)" 1 elements && quickly revoke ssh "$CLIENT4"
    }
    empty
    every_stop 7200 grant ssh "$CLIENT4" 2h alice
}

@test "revoke, killed at any moment: it is shown for as long as it is open, and the next tick ends what was begun" {
    gates 'GATE="ssh","tcp 2222"'
    before() {
        quickly grant ssh "$CLIENT4" 1h alice
    }
    after() {
        quickly revoke ssh "$CLIENT4" || [ "$(open_for_client)" = 0 ]
    }
    empty
    every_stop 3600 revoke ssh "$CLIENT4"
}

@test "tick, killed at any moment while it makes good, ends and closes: the next one does the rest" {
    gates 'GATE="ssh","tcp 2222"'
    before() {
        quickly grant ssh "$CLIENT4" 1h alice
        quickly grant ssh "$NEIGHBOUR4" 1h bob
        # One is lost, and one is there that nobody has granted.
        inside nft delete element inet ostiary_grants ssh_4_32 "{ $CLIENT4 }"
        inside nft add element inet ostiary_grants ssh_4_32 '{ 198.51.100.9 timeout 30m }'
    }
    after() {
        is "$(open_for_client)" 1 elements && quickly revoke ssh "$CLIENT4"
    }
    empty
    every_stop 3600 tick
}

@test "load, killed at any moment: all rules are there or none, and what was granted is kept" {
    gates 'GATE="ssh","tcp 2222"'
    empty
    quickly grant ssh "$CLIENT4" 1h alice
    before() {
        inside nft delete table inet ostiary_grants 2>/dev/null || true
    }
    after() {
        quickly load && is "$(open_for_client)" 1 elements
    }
    every_stop 3600 load
}
