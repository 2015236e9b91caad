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
