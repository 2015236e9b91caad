#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Hundreds who knock: at once, from as many sources as the table has places for and more, or with nothing but the table's
# counter to tell their seeds apart.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

# Two secrets: each comparison of a reply uses two keys.
OTHER='ACTION="barley","/bin/true","65534","65534"'

setup() {
    door_setup
}

teardown() {
    remove_work
}

@test "I1: of 200 wrong replies at once from one address, MAX_BAD_CONNS are compared" {
    write_door "$OTHER"
    one_by_one --hold --tally="$WORK/tally" 127.0.2.1=wrongx200
    is "$(how_many length 32)" 200 "peers that had a seed"
    is "$(compared)" 6 "keys used: 2 for each comparison"
    is "$(in_slot 127.0.2.1 strikes)" 3 strikes
    is "$(in_slot 127.0.2.1 refusals)" 197 refusals
    logged_times 1 'locked source=127\.0\.2\.1 strikes=3 '
    logged_times 2 'rejected source=127\.0\.2\.1 '
    logged_times 197 'refused source=127\.0\.2\.1 reason=locked'
    is "$(how_many status 0)" 200 "exit statuses of 0"
    is_locked 127.0.2.1
}

@test "I1: a right reply among 200, after the third wrong one, is refused without being compared" {
    write_door "$OTHER"
    one_by_one --hold --tally="$WORK/tally" 127.0.2.2=wrongx3 "then" 127.0.2.2=wrongx100 127.0.2.2=sesame 127.0.2.2=wrongx96
    is "$(how_many length 32)" 200 "peers that had a seed and no receipt"
    is "$(compared)" 6 "keys used"
    is "$(acted)" 0 actions
    not_logged accepted
}

@test "I1: of 4 wrong replies at once from each of 50 addresses, 3 each are compared, and nobody else is affected" {
    local n
    write_door "$OTHER"
    # shellcheck disable=SC2046 # a list of knocks
    one_by_one --hold --tally="$WORK/tally" $(printf '127.0.1.%s=wrongx4 ' {1..50}) 127.0.3.1=sesame 127.0.3.2=barley
    is "$(how_many length 32)" 200 "peers with a seed and no receipt"
    is "$(how_many receipt right)" 2 "others, who were accepted"
    for n in {1..50}; do
        is "$(compared "127.0.1.$n")" 6 "keys used for 127.0.1.$n"
        is "$(in_slot "127.0.1.$n" strikes)" 3 "strikes of 127.0.1.$n"
        is "$(in_slot "127.0.1.$n" refusals)" 1 "refusals of 127.0.1.$n"
    done
    is "$(in_slot 127.0.3.1 strikes)" 0 "strikes of another"
    is "$(in_table locked)" 50 "locked sources"
}

@test "I5: with clock, random bytes and pid all frozen, 1000 connections get 1000 different seeds" {
    local first
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --width=25 --env=OSTIARY_TEST_FROZEN=1 $(printf '127.0.%s=leave ' {4..13}.{1..100})
    is "$(how_many length 32)" 1000 "seeds"
    is "$(grep -o '"seed": "[0-9a-f]*"' "$KNOCKS" | sort -u | wc -l)" 1000 "different seeds"

    # All but the counter is frozen indeed: two tables that begin with the same number give the same seed.
    rm "$WORK/state/lockout"
    at_noon --env=OSTIARY_TEST_FROZEN=1 127.0.0.2=leave
    first=$(of 1 seed)
    rm "$WORK/state/lockout"
    at_noon --env=OSTIARY_TEST_FROZEN=1 127.0.0.3=leave
    is "$(of 1 seed)" "$first" "the first seed of a table"
}

@test "IPv6: 100 addresses of one /64 are one source, and the next /64 is another" {
    with_addresses fd00:0:0:1::{1..64}{1,2} fd00:0:0:2::1
    # shellcheck disable=SC2046 # a list of knocks
    one_by_one --tally="$WORK/tally" $(printf 'fd00:0:0:1::%s=wrong ' {1..50}{1,2}) fd00:0:0:2::1=sesame
    is "$(how_many length 32)" 3 "addresses that had a seed"
    is "$(how_many length 0)" 97 "addresses that had none"
    is "$(how_many receipt right)" 1 "another network"
    is "$(in_slot fd00:0:0:1::/64 strikes)" 3 strikes
    is "$(in_slot fd00:0:0:1::/64 refusals)" 97 refusals
    is "$(in_table used)" 5 "sources in the table, and the networks of the one that struck"
    logged 'refused source=fd00:0:0:1::501 reason=locked'
}

@test "overflow: 300 sources with a strike each do not evict a locked one from a table of 64 places" {
    write_door TABLE_SIZE=64
    one_by_one 127.0.0.2=wrongx3
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --width=10 $(printf '127.0.20.%s=wrong@100 ' {1..150}) $(printf '127.0.21.%s=wrong@100 ' {1..150})
    is "$(how_many length 32)" 300
    is "$(in_table used)" 64 "places in use"
    is_locked 127.0.0.2
}

@test "overflow: with all places locked, the lock that ends first gives way to the newest" {
    local first last
    write_door TABLE_SIZE=64 MAX_BAD_CONNS=1
    # shellcheck disable=SC2046 # a list of knocks
    one_by_one $(printf '127.0.20.%s=wrong ' {1..250})
    is "$(in_table locked)" 64 "locks"
    is_locked 127.0.20.250
    # A lock gives way where 24 others end later, so the newest eight of all have stayed.
    for last in {243..250}; do
        is "$(in_slot "127.0.20.$last" strikes)" 1 "strikes of 127.0.20.$last"
    done
    for first in {1..8}; do
        is "$(in_slot "127.0.20.$first" strikes)" none "strikes of 127.0.20.$first"
    done
    is "$(cd "$WORK/state" && echo closed*)" 'closed*' "what closes a door"
}
