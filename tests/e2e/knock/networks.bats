#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Networks of strikes: whoever has a network of IPv6 has guesses as for that, and not as for its sources, and locks out
# himself. With MAX_BAD_CONNS=1 a source is locked at once, a /56 by 4 of them, a /48 by 16 and a /32 by 256.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    # Each address of it is here, without being written down.
    # shellcheck disable=SC2016 # for the inner shell
    DOOR_WITH=(unshare --net sh -c 'ip link set lo up && ip -6 route add local 2001:db8::/31 dev lo &&
        echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind && exec "$@"' sh)
    CLOCK=--clock=$NOON
    strict_door
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# strict_door LINE...: the configuration.
strict_door() {
    write_config MAX_BAD_CONNS=1 "$ACTION" "$@"
}

# ctl ARGUMENT...: ostiaryctl; what it says is in $output.
ctl() {
    run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
}

# wrong_ones ADDRESS...: a wrong reply of each, at noon, or when $CLOCK says.
wrong_ones() {
    knock --width=8 "$CLOCK" "${@/%/=wrong}"
    is "$(how_many length 32)" "$#" "wrong replies of sources that are not locked"
}

# lock_provider: wrong replies from 2001:db8:1::/48 up to 2001:db8:100::/48, of which the last locks the /32.
lock_provider() {
    local site sites=()
    for ((site = 1; site <= 256; site++)); do
        sites+=("$(printf '2001:db8:%x::1' "$site")")
    done
    wrong_ones "${sites[@]}"
    logged_times 1 'locked source=[0-9a-f:]+ network=2001:db8::/32 strikes=256 until=[^ ]+ reason=wrong-reply$'
}

@test "I1, I2: a /56 locks with the fourth source of it that is wrong: no other has a byte, and the line says why" {
    wrong_ones 2001:db8:5:60{1..4}::1
    logged_times 4 'locked source=2001:db8:5:60[1-4]::1 strikes=1 until=2026-11-22T12:00:00Z reason=wrong-reply$'
    logged_times 1 'locked source=2001:db8:5:60[1-4]::1 network=2001:db8:5:600::/56 strikes=4 until=2026-11-22T12:00:00Z reason=wrong-reply$'
    is_locked 2001:db8:5:6ff::1
    logged 'refused source=2001:db8:5:6ff::1 reason=locked until=2026-11-22T12:00:00Z network=2001:db8:5:600::/56$'
    is_free 2001:db8:5:700::1
    is_locked 2001:db8:5:6ff::1 86399
    is_free 2001:db8:5:6ff::1 86400
}

@test "I1: of 40 wrong replies at once from 40 sources of a /56 four are compared" {
    knock --clock="$NOON" --width=40 --hold --tally="$WORK/tally" 2001:db8:5:6{10..49}::1=wrong
    is "$(how_many length 32)" 40 "seeds, that were given before anybody replied"
    is "$(compared)" 4 comparisons
    dump
    matches "$output" 'network=2001:db8:5:600::/56 strikes=4 '
    matches "$output" 'network=2001:db8:5::/48 strikes=4 '
    matches "$output" 'network=2001:db8::/32 strikes=4 '
}

@test "I9: many right replies at once from one /56 are all accepted, and leave no network behind" {
    knock --clock="$NOON" --width=8 --hold 2001:db8:5:6{10..33}::1=sesame
    is "$(how_many length 64)" 24 "receipts"
    dump
    is "$(grep -c network= <<<"$output" || true)" 0 "networks in the table"
}

@test "a /48 locks with 16, and neither the /48 next to it nor the /32 around it" {
    wrong_ones 2001:db8:5:{1..16}00::1
    logged_times 1 'locked source=[0-9a-f:]+ network=2001:db8:5::/48 strikes=16 '
    is_locked 2001:db8:5:ff00::1
    is_free 2001:db8:6::1
    is_free 2001:db8:4:ffff::1
}

@test "I9: behind a provider whose other customers attack, who was accepted in the last 30 days is served" {
    at_noon 2001:db8:900:1::1=sesame@-2592000 2001:db8:901:1::1=sesame@-2591999
    is "$(lengths)" '64 64' "bytes to two, 30 days ago and a second less"
    lock_provider
    is_locked 2001:db8:902:1::1 0
    logged 'refused source=2001:db8:902:1::1 reason=locked until=2026-11-22T12:00:00Z network=2001:db8::/32$'
    is_locked 2001:db8:900:1::1 0
    is_free 2001:db8:901:1:ffff::1 0
    is_free 2001:db8:901:1::1 86399
    is_free 2001:db9::1 0
    # He is as free to guess as before, and no more.
    at_noon 2001:db8:901:1::1=wrong 2001:db8:901:1::1=sesame
    is "$(lengths)" '32 0' "bytes to who is wrong then"
}

@test "I9: whose secret has expired is not known for it: who has it is as much a stranger as anybody" {
    strict_door "ACTION=\"stale\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"expires=2026-01-01\""
    at_noon 2001:db8:901:1::1=stale 2001:db8:902:1::1=sesame
    is "$(lengths)" '32 64' "bytes to the two"
    logged_times 1 'refused source=2001:db8:901:1::1 reason=expired action=knock$'
    lock_provider
    is_locked 2001:db8:901:1::1 0
    is_free 2001:db8:902:1::1 0
}

@test "a network that was locked by a strike which could not be judged is logged, whatever was in the way" {
    local strikes until='until=2[0-9-]+T[0-9:]+Z'
    CLOCK=--width=8
    DOOR_PRELOAD=
    wrong_ones 2001:db8:5:60{1..3}::1
    write_config COMM_TIMEOUT=3 MAX_BAD_CONNS=1 "$ACTION"
    # Its table cannot be locked for the judgement.
    HANDLER_AS_IT_IS=("${HANDLER[@]}")
    witnessed_by strace -o "$WORK/trace" -e trace=flock -e inject=flock:error=EIO:when=5
    knock 2001:db8:5:604::1=sesame
    is "$(of 1 length)" 32 "bytes to who cannot be judged"
    logged_times 1 "locked source=2001:db8:5:604::1 strikes=1 $until reason=state\$"
    logged_times 1 "locked source=2001:db8:5:604::1 network=2001:db8:5:600::/56 strikes=4 $until reason=state\$"

    # It comes too late for it.
    HANDLER=("${HANDLER_AS_IT_IS[@]}")
    wrong_ones 2001:db8:6:60{1..3}::1
    stopped_by -e trace=flock -e inject=flock:signal=SIGSTOP:when=5 2001:db8:6:604::1=sesame
    sleep 3.5
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 status)" 75 "exit status"
    logged_times 1 "locked source=2001:db8:6:604::1 strikes=1 $until reason=deadline step=comparison\$"
    logged_times 1 "locked source=2001:db8:6:604::1 network=2001:db8:6:600::/56 strikes=4 $until reason=deadline step=comparison\$"

    # A library gives up in it.
    wrong_ones 2001:db8:7:60{1..3}::1
    HANDLER=("${HANDLER_AS_IT_IS[@]}")
    witnessed_by strace -o "$WORK/trace" -e trace=flock -e inject=flock:signal=SIGABRT:when=5
    knock 2001:db8:7:604::1=sesame
    logged_times 1 'a library has ended this process'
    logged_times 1 "locked source=2001:db8:7:604::1 strikes=1 $until reason=state step=comparison\$"
    logged_times 1 "locked source=2001:db8:7:604::1 network=2001:db8:7:600::/56 strikes=4 $until reason=state step=comparison\$"
}

@test "EXEMPT: sources of it are counted for no network, and no lock of one binds them" {
    strict_door 'EXEMPT="2001:db8:5:600::/60"' 'EXEMPT="2001:db8:7::/48"'
    wrong_ones 2001:db8:5:60{1..9}::1 2001:db8:7:{1..20}::1
    is "$(how_many length 32)" 29 "wrong replies of exempt sources"
    dump
    is "$(grep -c network= <<<"$output" || true)" 0 "networks in the table"
    wrong_ones 2001:db8:5:6{10..13}::1
    is_locked 2001:db8:5:6ff::1
    is_free 2001:db8:5:601::1
}

@test "IPV6_PREFIX: a source that is itself a /56 or a /48 is counted for wider networks alone" {
    strict_door IPV6_PREFIX=56
    wrong_ones 2001:db8:5:{1..15}00::1
    is_locked 2001:db8:5:1ff::1
    is "$(in_slot 2001:db8:5:100::/56 strikes)" 1 "strikes of a /56 that is a source"
    is_free 2001:db8:5:2000::1
    wrong_ones 2001:db8:5:3000::1
    is_locked 2001:db8:5:4000::1
    strict_door IPV6_PREFIX=48
    is_free 2001:db8:5:4000::1
    wrong_ones 2001:db8:5:4000::1
    is "$(in_slot 2001:db8:5::/48 strikes)" 1 "strikes of the /48 that is a source now"
    dump
    matches "$output" 'network=2001:db8:5::/48 strikes=16 '
}

@test "IPv4, also behind NAT64 or with 6to4, the host itself and neighbours are in no network" {
    # Each of them within one network, if it were one.
    at_noon 127.0.0.{1..20}=wrong
    with_addresses 64:ff9b::c000:2{01..20} 2002:c000:201:{1..5}::1 2002:c000:202::1
    at_noon 64:ff9b::c000:2{01..20}=wrong 2002:c000:201:{1..5}::1=wrong 2002:c000:202::1=wrong ::1=wrong
    is "$(how_many length 32)" 23 "of 6to4, five addresses are one source"
    with_links fe80::{1..6}
    at_noon fe80::{1..6}%knock0=wrong
    is "$(how_many length 32)" 6 "wrong replies of neighbours"
    dump
    is "$(grep -c network= <<<"$output" || true)" 0 "networks in the table"
}

@test "ostiaryctl: list and status show a network that is locked, and unlock lets it in" {
    CLOCK=--width=8 # and the clocks are real, as the one of ostiaryctl is
    wrong_ones 2001:db8:5:60{1..4}::1
    ctl list
    matches "$output" '2001:db8:5:600::/56 +4 +0 '
    is "$(grep -c '/48\|/32' <<<"$output" || true)" 0 "networks that are not locked"
    ctl list 2001:db8:5:605::1
    matches "$output" '2001:db8:5::/48 +4 +0 '
    ctl list --json
    is "$(python3 -c 'import json, sys
rows = [row for row in json.loads(sys.argv[1])["sources"] if row["network"]]
print([(row["source"], row["strikes"], row["locked"], row["by_hand"]) for row in rows])' "$output")" \
        "[('2001:db8:5:600::/56', 4, True, False)]" "networks in JSON"
    ctl status --json
    is "$(python3 -c 'import json, sys
table = json.loads(sys.argv[1])["table"]
print(table["sources"], table["locked"], table["with_strikes"])' "$output")" '5 5 4' \
        "sources and the network that is locked, how many are, and sources with strikes, of status"
    ctl unlock 2001:db8:5:601::1
    is "$status" 1 "status of unlocking a source of it"
    matches "$output" "2001:db8:5:601::/64 is still locked, with its network: run '.* unlock 2001:db8:5:600::/56'"
    ctl unlock 2001:db8:5:600::/56
    is "$status $output" '0 2001:db8:5:600::/56 is unlocked, and its strikes are forgotten' "unlock"
    knock 2001:db8:5:605::1=sesame
    is "$(lengths)" 64 "bytes to a source of it then"
}

@test "ostiaryctl unlock: what is listed can be unlocked after a change of IPV6_PREFIX, and a network that binds nobody is not named" {
    CLOCK=--width=8 # and the clocks are real, as the one of ostiaryctl is
    wrong_ones 2001:db8:5:60{1..4}::1
    strict_door IPV6_PREFIX=56
    ctl lock 2001:db8:5:600::1
    ctl unlock 2001:db8:5:600::1
    is "$status $output" '0 2001:db8:5:600::/56 is unlocked, and its strikes are forgotten' "unlock of what is both"
    strict_door
    knock 2001:db8:5:605::1=sesame
    is "$(lengths)" 64 "bytes to another of it"

    wrong_ones 2001:db8:6:60{1..4}::1
    strict_door IPV6_PREFIX=48
    ctl list
    matches "$output" '2001:db8:6:600::/56 +4 +0 '
    ctl unlock 2001:db8:6:600::/56
    is "$status $output" '0 2001:db8:6:600::/56 is unlocked, and its strikes are forgotten' "unlock of what is a part by now"
    strict_door IPV6_PREFIX=128
    ctl lock 2001:db8:7::1
    strict_door
    ctl list
    matches "$output" '2001:db8:7::1 '
    ctl unlock 2001:db8:7::1
    is "$status $output" '0 2001:db8:7::1 is unlocked, and its strikes are forgotten' "unlock of an address that was a source"
    strict_door IPV6_PREFIX=48
    ctl unlock 2001:db8:6:700::/56
    is "$status" 64 "status of what is a part, and is not there"
    matches "$output" 'is a part of one source: with IPV6_PREFIX=48 only the whole /48 can be locked'
    ctl lock 2001:db8:6:600::/56
    is "$status" 64 "status of locking a part"
}

@test "ostiaryctl unlock: an exempt source is not said to be locked with a network whose strikes do not bind it" {
    CLOCK=--width=8 # and the clocks are real, as the one of ostiaryctl is
    strict_door 'EXEMPT="2001:db8:5:609::/64"'
    wrong_ones 2001:db8:5:60{1..4}::1
    ctl lock 2001:db8:5:609::1
    knock 2001:db8:5:609::1=sesame
    is "$(lengths)" 0 "bytes to who is locked by hand"
    ctl unlock 2001:db8:5:609::1
    is "$status $output" '0 2001:db8:5:609::/64 is unlocked, and its strikes are forgotten' "unlock of who is exempt"
    knock 2001:db8:5:609::1=sesame
    is "$(lengths)" 64 "bytes to who is exempt"
    ctl lock 2001:db8:5:600::/56
    ctl unlock 2001:db8:5:609::1
    is "$status" 1 "status where its network was locked by hand"
    matches "$output" 'is still locked, with its network'
}

@test "ostiaryctl: the lock of a /32 is for new sources, and who is known is told that he is unlocked" {
    CLOCK=--width=8 # and the clocks are real, as the one of ostiaryctl is
    knock 2001:db8:901:1::1=sesame
    lock_provider
    ctl list
    matches "$output" '2001:db8::/32 +256 +0 .* left, for new sources'
    ctl lock 2001:db8:901:1::1
    ctl unlock 2001:db8:901:1::1
    is "$status $output" '0 2001:db8:901:1::/64 is unlocked, and its strikes are forgotten' "unlock of who is known"
    ctl unlock 2001:db8:1::1
    is "$status" 1 "status of unlocking one of those who struck"
    matches "$output" "2001:db8:1::/64 is still locked, with its network: run '.* unlock 2001:db8::/32'"
}
