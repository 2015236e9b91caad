#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the kernel has lost is there again for the rest of its time, and no longer: after a reload of the firewall, after a
# reboot, and whatever the clock says then.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for awk; each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222","lifetime=1h","most=50h"'
}

teardown() {
    gates_stop
    remove_work
}

flush() {
    inside nft flush ruleset
}

# same_end BEFORE: the client's grant ends when it did before, within what whole seconds hide.
same_end() {
    local now
    now=$(kernel_ends ssh "$CLIENT4")
    later_by -2000 "$1" "$now"
    refute later_by 2000 "$1" "$now"
}

# ---- a reload -------------------------------------------------------------------------------------------------------

@test "after nft flush ruleset the next tick, or restore, opens again for the rest of the time and no longer" {
    local how ends
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$CLIENT6" 1h alice
    ostgrant 0 grant ssh 198.51.100.0/24 1h alice
    ends=$(kernel_ends ssh "$CLIENT4")
    sleep 4
    for how in tick restore load; do
        flush
        # That is what a flush does: no rule is left that shuts anything.
        sees neighbour open "$SERVER4" tcp/2222
        ostgrant 0 "$how"
        sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
        sees client open "$SERVER6" tcp/2222
        sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
        sees neighbour shut "$SERVER4" tcp/2222
        kernel_has 'ssh 198.51.100.0/24 3[0-9]{3} [0-9]+ [0-9]+ alice'
        same_end "$ends"
        record_and_kernel_agree
    done
    # Twice is no more than once.
    ostgrant 0 restore
    ostgrant 0 restore
    same_end "$ends"
}

@test "what Debian's nftables.conf does at a restart, and what another's reload does to the table alone" {
    local ends
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ends=$(kernel_ends ssh "$CLIENT4")
    printf 'flush ruleset\ntable inet filter { chain input { type filter hook input priority filter; }; }\n' >"$WORK/nftables.conf"
    inside nft -f "$WORK/nftables.conf"
    ostgrant 0 restore
    inside nft list table inet filter
    same_end "$ends"
    inside nft delete table inet ostiary_grants
    ostgrant 0 tick
    same_end "$ends"
    # Of the table, only a chain is empty, or an element or a set is gone.
    inside nft flush chain inet ostiary_grants input
    ostgrant 0 tick
    sees neighbour shut "$SERVER4" tcp/2222
    inside nft flush chain inet ostiary_grants gate_ssh
    sees neighbour open "$SERVER4" tcp/2222
    ostgrant 0 tick
    matches "$output" 'rules were not loaded'
    sees neighbour shut "$SERVER4" tcp/2222
    # A second tick has nothing to load.
    ostgrant 0 tick
    is "$output" '' "what the tick says"
    inside nft delete element inet ostiary_grants ssh_4_32 "{ $CLIENT4 }"
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*missing"
    ostgrant 0 tick
    same_end "$ends"
    sees client open "$SERVER4" tcp/2222
    record_and_kernel_agree
}

@test "a table that somebody has switched off is seen, and made anew with all that is granted" {
    local ends
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ends=$(kernel_ends ssh "$CLIENT4")
    inside nft add table inet ostiary_grants '{ flags dormant; }'
    sees neighbour open "$SERVER4" tcp/2222
    run inside "$OSTGRANT" -c "$CONFIG" check
    is "$status" 78 "status of check"
    matches "$output" 'table ostiary_grants dormant, so that nothing is shut'
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*missing"
    ostgrant 0 tick
    matches "$output" 'rules were not loaded'
    sees neighbour shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222
    same_end "$ends"
    record_and_kernel_agree
}

@test "rules that were changed are made good, also where the file has been changed since they were loaded" {
    ostgrant 0 load
    echo '# to be continued' >>"$CONFIG"
    for how in 'flush chain inet ostiary_grants gate_ssh' 'insert rule inet ostiary_grants input accept'; do
        # shellcheck disable=SC2086 # words, on purpose
        inside nft $how
        sees neighbour open "$SERVER4" tcp/2222
        ostgrant 0 tick
        sees neighbour shut "$SERVER4" tcp/2222
    done
}

@test "a configuration of nft's own that includes what rules prints leaves no moment in which a gate is open" {
    local ends
    gates 'GATE="ssh","tcp 2222","lifetime=1h"' 'GATE="web","tcp 80-81","established=cut"' 'ALWAYS="198.51.100.0/24"'
    ostgrant 0 load
    inside nft -s list table inet ostiary_grants >"$WORK/loaded"
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ends=$(kernel_ends ssh "$CLIENT4")
    "$OSTGRANT" -c "$CONFIG" rules >"$WORK/grants.nft"
    printf 'flush ruleset\ninclude "%s"\n' "$WORK/grants.nft" >"$WORK/nftables.conf"
    inside nft -f "$WORK/nftables.conf"
    # Nothing has been made good yet, and nobody comes in.
    sees neighbour shut "$SERVER4" tcp/2222
    sees client shut "$SERVER4" tcp/2222
    is "$(inside nft -s list table inet ostiary_grants)" "$(cat "$WORK/loaded")" "the rules that are printed"
    ostgrant 0 tick
    refute matches "$output" 'rules were not loaded'
    same_end "$ends"
    sees client open "$SERVER4" tcp/2222
    record_and_kernel_agree
    # Of a gate that the file still has, and the configuration has not, nothing is left.
    gates 'GATE="ssh","tcp 2222","lifetime=1h"'
    ostgrant 0 load
    inside nft -f "$WORK/nftables.conf"
    ostgrant 0 restore
    refute matches "$(inside nft list table inet ostiary_grants)" 'web'
    sees client open "$SERVER4" tcp/2222
    # It needs no firewall, no record and no right; another firewall has no rules of ours.
    setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$OSTGRANT" -c "$CONFIG" rules >"$WORK/again"
    matches "$(cat "$WORK/again")" 'add rule inet ostiary_grants gate_ssh'
    run sh -c '"$0" -c "$1" rules >/dev/full' "$OSTGRANT" "$CONFIG"
    is "$status" 74 "the status where there is no room for them"
    ostgrant 64 rules ssh
}

@test "one that has ended meanwhile stays shut, and its end is logged" {
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1s alice
    flush
    sleep 1.2
    ostgrant 0 restore
    sees client shut "$SERVER4" tcp/2222
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired" 1
    is "$(kernel)" '' "what is open"
    record_and_kernel_agree
}

@test "what is open in our sets and was granted to nobody is closed by the next tick" {
    ostgrant 0 load
    inside nft add element inet ostiary_grants ssh_4_32 "{ $NEIGHBOUR4 timeout 10h }"
    inside nft add element inet ostiary_grants ssh_4_32 '{ 198.51.100.9 }'
    sees neighbour open "$SERVER4" tcp/2222
    ostgrant 0 list
    matches "$output" "$NEIGHBOUR4 .*unrecorded"
    ostgrant 0 tick
    is "$(kernel)" '' "what is open"
    sees neighbour shut "$SERVER4" tcp/2222
    # A longer end than was granted is put right as well.
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    inside nft delete element inet ostiary_grants ssh_4_32 "{ $CLIENT4 }"
    inside nft add element inet ostiary_grants ssh_4_32 "{ $CLIENT4 timeout 10h comment \"alice\" }"
    ostgrant 0 tick
    kernel_lacks "ssh $CLIENT4 3[67][0-9]{3}[0-9]? "
    record_and_kernel_agree
}

@test "the end that the record has is the kernel's, through renewals by whoever and many restores" {
    local i ends
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ends=$(kernel_ends ssh "$CLIENT4")
    for i in {1..10}; do
        flush
        ostgrant 0 restore
    done
    # What is rounded is not added up.
    same_end "$ends"
}

# ---- a reboot -------------------------------------------------------------------------------------------------------

# clocks BOOT UP WALL: the machine's clocks, in seconds: it is boot BOOT, UP since then, and the wall clock stands at WALL.
# They stand still, and the kernel's own for its elements do not.
clocks() {
    [ -e "$WORK/boot_id" ] || {
        : >"$WORK/boot_id"
        inside mount --bind "$WORK/boot_id" /proc/sys/kernel/random/boot_id
    }
    echo "00000000-0000-4000-8000-00000000000$1" >"$WORK/boot_id"
    ostgrant_with "LD_PRELOAD=$OSTIARY_BUILD/tests/libfrozen.so" "OSTIARY_TEST_CLOCK=$(($2 * 1000))" \
        "OSTIARY_TEST_AHEAD=$((($3 - $2) * 1000))"
}

# Some time in 2027.
THEN=1800000000

# granted_at UP: at boot 1, when THEN was, for an hour; then the machine is switched off.
granted_at() {
    clocks 1 "$1" $THEN
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    kernel_has "ssh $CLIENT4 (3600|35[0-9]{2}) "
    flush
}

# is_left AT-MOST: for the client, in the kernel; and at least a minute less, for this machine may be busy.
is_left() {
    local now
    now=$(kernel | awk -v address="$CLIENT4" '$2 == address { print $3 }')
    { [ -n "$now" ] && [ "$now" -le "$1" ] && [ "$now" -ge $(($1 - 60)) ]; } || {
        echo "left are ${now:-none}, of at most $1"
        return 1
    }
}

@test "a reboot: the rest of the time by the wall clock, and what has ended meanwhile is not opened" {
    granted_at 5000
    # Ten minutes later.
    clocks 2 20 $((THEN + 600))
    ostgrant 0 restore
    is_left 3000
    sees client open "$SERVER4" tcp/2222
    # And once more.
    flush
    clocks 3 30 $((THEN + 3500))
    ostgrant 0 restore
    is_left 100
    flush
    clocks 4 30 $((THEN + 3700))
    ostgrant 0 restore
    is "$(kernel)" '' "what is open"
    sees client shut "$SERVER4" tcp/2222
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired" 1
}

@test "a boot whose clock cannot be believed opens nothing before it can" {
    granted_at 5000
    # 1970, then a day before it was granted: not yet.
    clocks 2 20 20
    ostgrant 0 restore
    is "$(kernel)" '' "what is open"
    sees client shut "$SERVER4" tcp/2222
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*waiting"
    clocks 2 40 $((THEN - 86400))
    ostgrant 0 tick
    is "$(kernel)" '' "what is open"
    # Time has come from the network.
    clocks 2 100 $((THEN + 1000))
    ostgrant 0 tick
    is_left 2600
}

@test "a boot whose clock stays wrong: up for as long as was left, it is over, whatever the clock says" {
    granted_at 5000
    clocks 2 3599 20
    ostgrant 0 tick
    is "$(kernel)" '' "what is open"
    # Now it would seem to be valid for almost an hour.
    clocks 2 3700 $((THEN + 10))
    ostgrant 0 tick
    is "$(kernel)" '' "what is open"
    ostgrant 0 list
    refute grep -F "$CLIENT4" <<<"$output"
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired" 1
}

@test "a clock that is turned back before a reboot gives nobody more than was left" {
    granted_at 5000
    # It was set back by a year, and all is written anew; then a boot by that clock.
    clocks 1 6000 $((THEN - 31536000))
    ostgrant 0 load
    is_left 2600
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    flush
    clocks 2 20 $((THEN - 31536000 + 100))
    ostgrant 0 restore
    kernel | awk '$3 > 3600 || $3 == "never"' >"$WORK/longer"
    is "$(cat "$WORK/longer")" '' "open for longer than granted"
    run kernel
    refute awk -v address="$CLIENT4" '$2 == address && $3 > 2600 { found = 1 } END { exit !found }' <<<"$output"
    # Where the clock is right again, what was granted by the wrong one is over, or has no more than its hour.
    flush
    clocks 3 20 $((THEN + 2000))
    ostgrant 0 restore
    refute awk '$3 > 3600 || $3 == "never" { found = 1 } END { exit !found }' <<<"$(kernel)"
}

@test "within one boot no step of the wall clock, forward or back, makes a grant longer or shorter" {
    clocks 1 5000 $THEN
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    for wall in $((THEN + 31536000)) $((THEN - 31536000)) 0 $((THEN + 600)); do
        flush
        clocks 1 5600 "$wall"
        ostgrant 0 tick
        is_left 3000
        sees client open "$SERVER4" tcp/2222
    done
    flush
    clocks 1 8601 $THEN
    ostgrant 0 tick
    is "$(kernel)" '' "what is open"
}

@test "a grant that was made when no clock could be believed is not opened by the next boot" {
    # The record has seen THEN; the next boot is in 1970, and in that somebody is granted.
    granted_at 5000
    clocks 2 20 20
    ostgrant 0 load
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    kernel_has "ssh $NEIGHBOUR4 3[56][0-9]{2} "
    flush
    clocks 3 20 $((THEN + 60))
    ostgrant 0 restore
    # Nobody can say how long ago that was.
    kernel_lacks "ssh $NEIGHBOUR4 "
    is_left 3540
    # But where the clock came right before the reboot, it can be said.
    clocks 4 20 20
    flush
    ostgrant 0 load
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    clocks 4 80 $((THEN + 200))
    ostgrant 0 tick
    flush
    clocks 5 20 $((THEN + 500))
    ostgrant 0 restore
    kernel_has "ssh $NEIGHBOUR4 3[0-3][0-9]{2} "
}

@test "most= holds over a reboot: use renews nothing beyond it" {
    gates 'GATE="ssh","tcp 2222","lifetime=1h","most=2h","renew=use"'
    granted_at 5000
    clocks 2 20 $((THEN + 3000))
    ostgrant 0 restore
    is_left 600
    sees client open "$SERVER4" tcp/2222
    ostgrant 0 tick
    is_left 3600
    flush
    clocks 3 20 $((THEN + 6000))
    ostgrant 0 restore
    is_left 600
    sees client open "$SERVER4" tcp/2222
    ostgrant 0 tick
    # Two hours behind the only time when it was asked for.
    is_left 1200
}

# ---- the record -----------------------------------------------------------------------------------------------------

@test "a damaged record opens nothing that was not granted, says so, and can be repaired" {
    local size at
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    cp "$RECORD" "$WORK/record"
    size=$(stat -c %s "$RECORD")
    for ((at = size - 512; at < size; at += 61)); do
        cp "$WORK/record" "$RECORD"
        /usr/bin/python3 -ISc 'import sys
with open(sys.argv[1], "r+b") as record:
    record.seek(int(sys.argv[2]))
    byte = record.read(1)[0]
    record.seek(-1, 1)
    record.write(bytes([byte ^ 255]))' "$RECORD" "$at"
        flush
        run inside "$OSTGRANT" -c "$CONFIG" restore
        refute awk -v a="$CLIENT4" -v b="$NEIGHBOUR4" '($2 != a && $2 != b) || $3 > 3600 || $3 == "never" { found = 1 } END { exit !found }' <<<"$(kernel)"
        sees client open "$SERVER4" tcp/2223
        # The gate itself is shut all the same.
        sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
    done
    ostgrant 0 repair
    ostgrant 0 tick
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    record_and_kernel_agree
}

@test "list changes nothing, makes nothing, and needs no firewall" {
    local before
    ostgrant 0 load
    rm -rf "${RECORD%/*}"
    ostgrant 0 list
    [ ! -e "${RECORD%/*}" ]
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    before=$(sha256sum "$RECORD")
    ostgrant 0 list
    ostgrant 0 list --json
    is "$(sha256sum "$RECORD")" "$before" "the record"
    is "$(stat -c '%a %U' "${RECORD%/*}" "$RECORD" | xargs)" '700 root 600 root' "modes and owners"
    flush
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*missing"
    is "$(inside nft list ruleset)" '' "rules"
}
