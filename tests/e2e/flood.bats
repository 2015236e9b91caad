#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I9: one who connects as fast as it can closes the door for nobody else.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../lib/common
load ../lib/launch
load ../lib/door

FLOODER=127.0.0.66

setup() {
    door_setup
    FLOOD=
}

teardown() {
    [ -z "$FLOOD" ] || kill "$FLOOD" 2>/dev/null || true
    stop_launcher
    stop_sink
    remove_work
}

flood() {
    "$TOOLS/flood.py" "$PORT" "$FLOODER" "$1" >"$WORK/flood" 3>&- &
    FLOOD=$!
}

gets_in() {
    peer --source "$1" --secret sesame && [ "$(field receipt)" = right ]
}

@test "I9: under xinetd as shipped, others get in while one address floods it for 10 s, and that one after its lock" {
    local n served=0
    write_door COMM_TIMEOUT=1 LOCKOUT_TIME=5 DELAY_MAX_WAIT=3
    start_shipped_xinetd
    gets_in 127.0.0.2
    flood 10
    for n in {10..60}; do
        kill -0 "$FLOOD" 2>/dev/null || break
        peer --source "127.0.0.$n" --secret sesame
        # One that ended behind the flood does not count.
        kill -0 "$FLOOD" 2>/dev/null || break
        is "$(field receipt)" right "receipt for 127.0.0.$n"
        [ "$(field seed_ms)" -lt 5000 ]
        served=$((served + 1))
    done
    [ "$served" -ge 2 ]
    wait "$FLOOD"
    FLOOD=
    [ "$(cat "$WORK/flood")" -ge 500 ]
    logged "locked source=$FLOODER "
    gets_in 127.0.0.3
    # Its last lock ends by itself; what it left behind may have locked it anew, and has taken its next places in the pace.
    eventually 30 gets_in "$FLOODER"
}
