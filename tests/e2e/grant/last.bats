#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# With an error in ostiary-grants.cfg, what was last loaded from it stays in force.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell by design

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
