#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# With an error in ostiary-grants.cfg, what was last loaded from it stays in force.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start
    gates 'GATE="ssh","tcp 2222"'
}

teardown() {
    gates_stop
    remove_work
}

@test "I8: with an error in the configuration a boot shuts what it shut before, and opens what is granted" {
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    gates 'GATE="ssh","tcp 2222","lifetime=never"'
    inside nft flush ruleset
    ostgrant 78 restore
    matches "$output" 'ostiary-grants.cfg:2: error: .*'
    matches "$output" 'stays in force'
    sees neighbour shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222
    inside nft flush ruleset
    ostgrant 78 tick
    sees neighbour shut "$SERVER4" tcp/2222
}

@test "I8: it is what was loaded, whoever has loaded it: a first grant, or a tick that found no rules" {
    local how
    for how in 'grant ssh 198.51.100.9 1h' tick; do
        rm -rf "$STATE-root"
        inside nft flush ruleset
        gates 'GATE="ssh","tcp 2222"'
        # shellcheck disable=SC2086 # words, on purpose
        ostgrant 0 $how
        run inside "$OSTGRANT" -c "$CONFIG" check
        refute matches "$output" 'since the rules were loaded'
        # A rule of another's is taken away, and a slip of the pen leaves nothing open.
        inside nft insert rule inet ostiary_grants input accept
        ostgrant 0 tick
        sees neighbour shut "$SERVER4" tcp/2222
        gates 'GATE="ssh","tcp 2222","lifetime=never"'
        inside nft flush ruleset
        ostgrant 78 restore
        sees neighbour shut "$SERVER4" tcp/2222
    done
}

@test "I8: what is saved while a load waits is not taken for what was loaded" {
    ostgrant 0 load
    in_background "$WORK/flock" flock -x "$RECORD" -c "echo held; exec sleep 3"
    eventually grep -q held "$WORK/flock"
    in_background "$WORK/load" "$OSTGRANT" -c "$CONFIG" load
    # It has read the file when it waits for the record.
    eventually inside sh -c 'pgrep -x ostgrant >"$0" && grep -q "$(cat "$0")" /proc/locks' "$WORK/pid"
    gates 'GATE="ssh","tcp 22'
    eventually inside sh -c '! pgrep -x ostgrant >/dev/null'
    inside nft flush ruleset
    ostgrant 78 restore
    sees neighbour shut "$SERVER4" tcp/2222
}

@test "unload takes our table away and nothing else, also where there is no configuration any more" {
    inside nft add table inet mine
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 unload
    matches "$output" 'shuts anything any more'
    sees neighbour open "$SERVER4" tcp/2222
    is "$(inside nft list tables)" 'table inet mine' "what tables there are"
    # What is granted is not forgotten.
    ostgrant 0 load
    sees neighbour shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222
    # The next grant brings the rules back, as it says.
    ostgrant 0 unload
    matches "$output" 'The next grant loads the rules again'
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    sees neighbour shut "$SERVER4" tcp/2222
    # Nothing of what is not wanted any more is in force behind it.
    ostgrant 0 unload
    gates 'GATE="ssh","tcp 2222","lifetime=never"'
    ostgrant 78 restore
    sees neighbour open "$SERVER4" tcp/2222
    ostgrant 64 unload ssh
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    rm "$CONFIG"
    ostgrant 0 unload
    sees neighbour open "$SERVER4" tcp/2222
    run inside setpriv --reuid 65534 --regid 65534 --clear-groups "$OSTGRANT" -c "$CONFIG" unload
    is "$status" 77 "status of who may not, and it said: $output"
}

@test "I8: with an error in the configuration nothing is opened" {
    ostgrant 0 load
    gates 'GATE="ssh","tcp 2222","lifetime=never"'
    ostgrant 78 grant ssh "$CLIENT4"
    ostgrant 78 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
}

@test "a configuration that is mended, or taken away, is what counts" {
    ostgrant 0 load
    gates 'GATE="ssh","tcp 2223"'
    ostgrant 0 load
    sees client open "$SERVER4" tcp/2222
    sees client shut "$SERVER4" tcp/2223
    rm "$CONFIG"
    inside nft flush ruleset
    ostgrant 78 restore
    sees client open "$SERVER4" tcp/2222 tcp/2223
}

@test "without a configuration that was ever loaded nothing is done" {
    gates 'GATE="ssh","tcp 2222","lifetime=never"'
    ostgrant 78 restore
    refute grep -q force <<<"$output"
    sees client open "$SERVER4" tcp/2222
}
