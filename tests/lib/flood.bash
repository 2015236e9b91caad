# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# I9 in a container (load it after container): a thousand connections from one address, and knocks from others meanwhile.
# The door's port is 5018, its right secret in /root/right. In setup and teardown: remove, and touch, /run/enough.

# A knock from elsewhere, which succeeds; prints how long it took.
knock_from() {
    local start=${EPOCHREALTIME/./}
    run knock "$1" /root/right
    is "$status" 0 "status of the knock from $1"
    echo "# a knock $2: $(((${EPOCHREALTIME/./} - start) / 1000)) ms" >&3
}

# flood ADDRESS HOW...: in the background, as nuisance.py has it.
flood() {
    FLOOD_OUT=$BATS_TEST_TMPDIR/flood
    inside "$TOOLS/nuisance.py" 5018 "$1" 1000 "${@:2}" >"$FLOOD_OUT" 2>&1 3>&- &
    FLOOD=$!
}

flood_is_ready() {
    grep -q '^ready' "$FLOOD_OUT"
}

# To its end; prints what became of it.
flood_ends() {
    wait "$FLOOD"
    echo "# $(tail -n 1 "$FLOOD_OUT")" >&3
}

# As fast as possible.
rush() {
    flood 127.0.0.66 rush
    knock_from 127.0.0.7 "during the rush"
    flood_ends
    knock_from 127.0.0.8 "after it"
}

# They hang until let_go.
hang_on() {
    flood 127.0.0.67 hang /run/enough
    eventually flood_is_ready
    knock_from 127.0.0.9 "while they hang"
    knock_from 127.0.0.10 "again"
}

let_go() {
    inside touch /run/enough
    flood_ends
    knock_from 127.0.0.11 "after it"
}
