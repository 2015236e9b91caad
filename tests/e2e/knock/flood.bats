#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I9: one who connects as fast as it can closes the door for nobody else.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/launch
load ../../lib/door

FLOODER=127.0.0.66

setup() {
    door_setup
    FLOOD=
}

teardown() {
    touch "$WORK/enough" "$WORK/enough.end"
    [ -z "$FLOOD" ] || kill "$FLOOD" 2>/dev/null || true
    stop_launcher
    stop_sink
    remove_work
}

# It goes on until there is a file $WORK/enough, and there are many of it when this returns.
flood() {
    "$TOOLS/flood.py" "$PORT" "$FLOODER" "$WORK/enough" >"$WORK/flood" 3>&- &
    FLOOD=$!
    eventually grep -qx ready "$WORK/flood"
}

gets_in() {
    peer --source "$1" --secret sesame && [ "$(field receipt)" = right ]
}

# How soon they are served is for the bench to say: here a knock must be accepted while the flood goes on.
@test "I9: under xinetd as shipped, others get in while one address floods it, and that one after its lock" {
    local n
    write_door COMM_TIMEOUT=10 LOCKOUT_TIME=5 DELAY_MAX_WAIT=3
    start_shipped_xinetd
    gets_in 127.0.0.2
    flood
    for n in {10..14}; do
        gets_in "127.0.0.$n"
        echo "# seed after $(field seed_ms) ms" >&3
    done
    # It has come so often that it is locked, and goes on.
    logged "locked source=$FLOODER "
    gets_in 127.0.0.15
    kill -0 "$FLOOD"
    touch "$WORK/enough"
    wait "$FLOOD"
    FLOOD=
    gets_in 127.0.0.3
    # Its last lock ends by itself; what it left behind may have locked it anew, and has taken its next places in the pace.
    eventually gets_in "$FLOODER"
}

# Handlers there are now. The launcher runs below process 1 of a namespace, and that below $LAUNCHER.
handlers() {
    pgrep -c -x ostiaryd -P "$(pgrep -d , -P "$(pgrep -d , -P "$LAUNCHER")")" || true
}

has_handlers() {
    local count
    count=$(handlers)
    [ "$count" -eq "$1" ] || {
        echo "$count handlers, not $1"
        return 1
    }
}

# What a source can hold without a strike is counted here: so many times as many sources have to come as that goes into
# the handlers that the launcher starts.
@test "I9: 50 sources that wait, leave and come again keep nobody else out: each holds WAITING_MAX handlers" {
    local n most=0 now instances
    write_door DELAY=600 DELAY_MAX_WAIT=3600 WAITING_MAX=2
    start_shipped_xinetd
    "$TOOLS/squat.py" "$PORT" 50 4 "$WORK/enough" >"$WORK/flood" 3>&- &
    FLOOD=$!
    eventually grep -qx ready "$WORK/flood"
    for n in {10..19}; do
        gets_in "127.0.0.$n"
        now=$(handlers)
        [ "$now" -le "$most" ] || most=$now
    done
    kill -0 "$FLOOD"
    touch "$WORK/enough"
    eventually grep -qx still "$WORK/flood"
    # Those that are too many come and are turned away, and are seen now and then.
    eventually has_handlers 100
    gets_in 127.0.0.30
    eventually has_handlers 100
    instances=$(sed -n 's/^ *instances *= *//p' "$WORK/xinetd.conf")
    echo "# at most $most handlers while they came and left, 100 when they stayed, of $instances" >&3
    [ 100 -lt "$instances" ]
    touch "$WORK/enough.end"
    wait "$FLOOD"
    FLOOD=
    echo "# $(tail -n 1 "$WORK/flood")" >&3
    # One strike each at most, for the first seed, which nobody had to wait for.
    is "$(in_table locked)" 0 "sources that are locked"
    logged 'reason=too-soon'
    logged 'reason=gone'
}
