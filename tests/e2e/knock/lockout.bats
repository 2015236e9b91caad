#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the door remembers of a source: strikes, locks, the pace, and for how long.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

HOUR=3600
DAY=86400
YEAR=31536000

setup() {
    door_setup
}

teardown() {
    stop_launcher
    stop_sink
    end_helpers
    remove_work
}

## I1

@test "I1: who holds one secret and alternates right and wrong replies is locked after MAX_BAD_CONNS wrong ones" {
    one_by_one --tally="$WORK/tally" 127.0.0.2={sesame,wrong,sesame,wrong,sesame,wrong,sesame,wrong}
    is "$(lengths)" '64 32 64 32 64 32 0 0' "bytes received"
    logged_times 1 'locked source=127\.0\.0\.2 strikes=3 '
    is "$(in_slot 127.0.0.2 strikes)" 3 strikes
}

@test "I1: a right reply takes back its own strike, and no other that came meanwhile" {
    one_by_one --hold 127.0.0.2=wrongx2 "then" 127.0.0.2=sesame "then" 127.0.0.2=wrong
    is "$(lengths)" '32 32 64 32' "bytes received"
    is "$(in_slot 127.0.0.2 strikes)" 3 strikes
    is_locked 127.0.0.2
}

@test "I1: wrong, missing and late replies are strikes alike" {
    at_noon 127.0.0.2={wrong@0,leave@2}
    is "$(lengths)" '32 32' "bytes received"
    write_door COMM_TIMEOUT=1
    at_noon 127.0.0.2={idle@4,sesame@6}
    is "$(lengths)" '32 0' "bytes received after the deadline"
    logged 'locked source=127\.0\.0\.2 strikes=3 until=[^ ]+ reason=timeout'
}

@test "I1: a reply that was there before its seed, for longer than COMM_TIMEOUT, is a strike like any other" {
    write_door DELAY=8 COMM_TIMEOUT=4
    knock 127.0.0.2=wrong 127.0.0.2=hasty
    is "$(lengths)" '32 32' "bytes received"
    is "$(in_slot 127.0.0.2 strikes)" 2 strikes
    logged_times 1 'rejected source=127\.0\.0\.2 reason=wrong-reply strikes=2 of=3'
}

## I2

@test "I2: a locked source gets not one byte, strace is witness" {
    write_door LOCKOUT_TIME=0
    one_by_one 127.0.0.2=wrongx3
    DOOR_PRELOAD=
    witnessed_by strace -f -o "$WORK/trace"
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 0 "bytes received"
    run grep -E '\b(write|writev|pwrite64|pwritev2?|send|sendto|sendmsg|sendmmsg|sendfile|splice)\(0\b' "$WORK/trace"
    is "$output" '' "what was written to fd 0"
    # Neither a seed, nor the library that would make it.
    run grep -E 'getrandom\([^)]*, 32, |/proc/sys/crypto' "$WORK/trace"
    is "$output" '' "traces of a seed"
    grep -q 'shutdown(0, SHUT_RDWR)' "$WORK/trace"

    # The witness would have seen both.
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right
    grep -qE '\bsendto\(0,' "$WORK/trace"
    grep -qE 'getrandom\([^)]*, 32, ' "$WORK/trace"
    grep -q '/proc/sys/crypto' "$WORK/trace"
}

@test "I2: a locked source is refused before libgcrypt is initialised, and without random bytes for a seed" {
    one_by_one 127.0.0.2=wrongx3
    at_noon --env="OSTIARY_TEST_CALLS=$WORK/calls.locked" 127.0.0.2=sesame@100
    is "$(of 1 length)" 0
    # 16 bytes are the key with which the parser of the configuration hashes; below, 8 are for the slot of a new source.
    is "$(grep -v '^random 16$' "$WORK/calls.locked")" '' "calls for the locked source"
    at_noon --env="OSTIARY_TEST_CALLS=$WORK/calls.free" 127.0.0.3=sesame@100
    is "$(of 1 receipt)" right
    is "$(grep -v '^random 16$' "$WORK/calls.free" | tr '\n' ' ')" 'random 8 random 32 gcrypt ' "calls for a source that is served"
}

@test "I2: one that is locked while it waits for its slot gets no seed" {
    write_door MAX_BAD_CONNS=1 COMM_TIMEOUT=1 DELAY=8
    KNOCKS=$WORK/first at_noon 127.0.0.2=idle 3>&- &
    eventually has_slot 127.0.0.2
    at_noon 127.0.0.2=sesame
    wait $!
    is "$(of 1 length)" 0 "bytes received"
    logged 'locked source=127\.0\.0\.2 strikes=1 .* reason=timeout'
    logged 'refused source=127\.0\.0\.2 reason=locked'
}

has_slot() {
    [ -e "$WORK/state/lockout" ] && [ "$(in_slot "$1" strikes)" != none ]
}

## Who is one source

@test "IPV6_PREFIX=128: each address is a source" {
    write_door IPV6_PREFIX=128
    with_addresses fd00:0:0:1::{1,2}
    one_by_one fd00:0:0:1::1=wrongx4 fd00:0:0:1::2=sesame
    is "$(lengths)" '32 32 32 0 64' "bytes received"
    is "$(in_slot fd00:0:0:1::1 strikes)" 3 strikes
    is "$(in_slot fd00:0:0:1::2 strikes)" 0 "strikes of the other"
}

@test "an IPv4 client of a listener for both families is the same source as one of a listener for IPv4" {
    one_by_one ::ffff:127.0.0.5=wrongx2 127.0.0.5=wrong ::ffff:127.0.0.5=sesame 127.0.0.5=sesame
    is "$(lengths)" '32 32 32 0 0' "bytes received"
    logged 'locked source=127\.0\.0\.5 '
    is "$(in_table used)" 1 "sources in the table"
}

## Time

@test "I14: the wall clock is set while the machine is up: a lock ends when it has lasted its time" {
    local ahead
    one_by_one 127.0.0.2=wrongx3
    for ahead in "-$HOUR" "-$NOON" "$HOUR" "$YEAR" 0; do
        wall_clock_ahead "$ahead"
        is_locked 127.0.0.2 $((DAY + 3))
    done
    wall_clock_ahead -$HOUR
    logged 'refused source=127\.0\.0\.2 reason=locked until=2026-11-22T11:00:04Z'
    is_free 127.0.0.2 $((DAY + 4))
}

@test "I14: a lock that was made in a wrong future lasts no longer than a lock does" {
    wall_clock_ahead $YEAR
    one_by_one 127.0.0.2=wrongx3
    logged 'locked source=127\.0\.0\.2 strikes=3 until=2027-11-22T12:00:04Z'
    wall_clock_ahead 0
    is_locked 127.0.0.2 0
    another_boot
    is_locked 127.0.0.2 $((DAY - 1))
    is_free 127.0.0.2 $((2 * DAY))
}

@test "I14: over a reboot a lock runs by the wall clock, and one without end does not end" {
    one_by_one 127.0.0.2=wrongx3
    another_boot
    is_locked 127.0.0.2 $((DAY + 3))
    another_boot
    is_free 127.0.0.2 $((DAY + 4))
    write_door LOCKOUT_TIME=0
    at_noon 127.0.0.3={wrong@90000,wrong@90002,wrong@90004}
    another_boot
    is_locked 127.0.0.3 $((10 * YEAR))
}

@test "I14: a boot with a clock at 1970, one refused connection, and the clock is right again: the lock is there" {
    one_by_one 127.0.0.2=wrongx3
    another_boot
    wall_clock_ahead "-$NOON"
    is_locked 127.0.0.2 $HOUR
    wall_clock_ahead 0
    is_locked 127.0.0.2 $((HOUR + 60))
    is_locked 127.0.0.2 $DAY
    is_free 127.0.0.2 $((HOUR + DAY + 4))
    # The clock has caught up: it is believed at the next boot.
    another_boot
    at_noon 127.0.0.3={wrong@100000,wrong@100002,wrong@100004}
    another_boot
    is_free 127.0.0.3 $((100004 + DAY))
}

@test "I14: nobody waits longer for a wall clock that is set back, or for a reboot with one that is" {
    local scope
    for scope in source all; do
        # Who had to wait for a slot would be dropped.
        write_door DELAY=600 DELAY_SCOPE=$scope
        DOOR_WITH=()
        wall_clock_ahead 0
        at_noon 127.0.0.2=leave@0
        wall_clock_ahead -$HOUR
        at_noon 127.0.0.2=leave@600
        is "$(of 1 length)" 32 "bytes, $scope"
        another_boot
        at_noon 127.0.0.2=leave@700 127.0.0.2=leave@1300
        is "$(of 2 length)" 32 "bytes after a boot, $scope"
        rm "$WORK/state/lockout"
    done
}

@test "restart: strikes, locks and the closed door survive the end of all processes" {
    write_door MAX_BAD_CONNS=2 'KILL="shut"'
    start_socket_activate
    peer --source 127.0.0.2 --reply wrong
    logged 'rejected source=127\.0\.0\.2 reason=wrong-reply strikes=1 of=2'
    stop_launcher
    start_tcpserver
    peer --source 127.0.0.2 --reply wrong
    is "$(field length)" 32
    logged 'locked source=127\.0\.0\.2 strikes=2 '
    stop_launcher
    start_socket_activate
    peer --source 127.0.0.2 --secret sesame
    is "$(field length)" 0 "bytes to the locked source"
    peer --source 127.0.0.3 --secret shut
    is "$(field receipt)" right
    stop_launcher
    start_tcpserver
    peer --source 127.0.0.4 --secret sesame
    is "$(field length)" 0 "bytes at the closed door"
    logged 'refused source=127\.0\.0\.4 reason=closed'
}

## Keywords

@test "EXEMPT: such a source is never locked, is paced, and others are locked" {
    write_door 'EXEMPT="127.0.0.0/30"'
    one_by_one 127.0.0.2=wrongx10 127.0.0.2=sesame 127.0.0.4=wrongx4
    is "$(how_many length 32)" 13 "wrong replies to a seed"
    is "$(of 11 receipt)" right
    is "$(of 15 length)" 0 "bytes to one that is not exempt"
    is "$(in_slot 127.0.0.2 until)" - "lock"
    is "$(in_slot 127.0.0.2 strikes)" 10 "strikes, which are counted all the same"
    logged 'rejected source=127\.0\.0\.2 reason=wrong-reply strikes=10 of=3'
    at_noon 127.0.0.3=leavex2
    [ "$(of 2 seed_ms)" -ge 990 ]
}

@test "LOCKOUT_TIME: the lock holds as long, and no strike is left of it" {
    write_door LOCKOUT_TIME=10m
    at_noon 127.0.0.2={wrong@0,wrong@2,wrong@4}
    logged 'locked source=127\.0\.0\.2 strikes=3 until=2026-11-21T12:10:04Z reason=wrong-reply'
    is_locked 127.0.0.2 603
    at_noon 127.0.0.2={wrong@604,wrong@606,sesame@608}
    is "$(lengths)" '32 32 64' "bytes received after the lock"
}

@test "LOCKOUT_TIME=0: until it is unlocked" {
    write_door LOCKOUT_TIME=0
    one_by_one 127.0.0.2=wrongx3
    is "$(in_slot 127.0.0.2 until)" forever
    logged 'locked source=127\.0\.0\.2 strikes=3 until=forever reason=wrong-reply'
}

@test "STRIKE_TIME: strikes are forgotten so long after the last one, and not before" {
    write_door STRIKE_TIME=100
    at_noon 127.0.0.2={wrong@0,wrong@2,wrong@102,wrong@104}
    is "$(in_slot 127.0.0.2 strikes)" 2
    at_noon 127.0.0.2={wrong@203,sesame@205}
    is "$(lengths)" '32 0' "bytes received"
    is "$(in_slot 127.0.0.2 strikes)" 3
}

@test "DELAY: the second seed comes so much later, to the same source alone" {
    at_noon 127.0.0.2=leavex2
    [ "$(of 2 seed_ms)" -ge 990 ]
    write_door DELAY=2
    at_noon 127.0.0.4=leavex2
    [ "$(of 2 seed_ms)" -ge 1990 ]
    # One that would have to wait so long is dropped.
    write_door DELAY=600
    at_noon 127.0.0.5=leavex2 127.0.0.6=leave
    is "$(lengths)" '32 0 32' "bytes received"
    logged_times 1 'refused source=127\.0\.0\.5 reason=too-soon'
}

@test "DELAY: right replies are paced like wrong ones" {
    at_noon 127.0.0.2=sesamex2
    is "$(how_many receipt right)" 2
    [ "$(of 2 seed_ms)" -ge 990 ]
}

@test "DELAY_SCOPE=all: the second seed comes so much later, whoever asks for it" {
    write_door DELAY_SCOPE=all
    at_noon 127.0.0.2=leave 127.0.0.3=leave
    is "$(lengths)" '32 32' "bytes received"
    [ "$(of 2 seed_ms)" -ge 990 ]
}

@test "DELAY_MAX_WAIT: who would wait longer is dropped at once, without a strike" {
    write_door DELAY_MAX_WAIT=1 MAX_BAD_CONNS=10
    at_noon --width=5 127.0.0.2=wrongx5
    is "$(how_many length 32)" 2 "seeds"
    is "$(how_many length 0)" 3 "peers that were dropped"
    logged_times 3 'refused source=127\.0\.0\.2 reason=too-soon'
    is "$(in_slot 127.0.0.2 strikes)" 2 strikes
    is "$(in_slot 127.0.0.2 refusals)" 0 refusals
    is "$(how_many status 0)" 5
}

@test "who leaves while it waits for its slot has no strike" {
    write_door DELAY=600 DELAY_MAX_WAIT=3600
    at_noon 127.0.0.2=leave 127.0.0.2=flee
    is "$(lengths)" '32 0' "bytes received"
    logged 'refused source=127\.0\.0\.2 reason=gone'
    is "$(in_slot 127.0.0.2 strikes)" 1 strikes
}

## Who waits for a slot (I9)

# begin_waiting SOURCE: a knock goes on in the background, whose handler waits for its slot. Gives its pid, $WAITING.
begin_waiting() {
    local before
    before=$(waits_logged)
    KNOCKS=$WORK/waiting.$before knock "$1=sesame" 3>&- &
    WAITING=$!
    HELPERS+=($!)
    eventually more_wait_than "$before"
}

waits_logged() {
    grep -c 'waits [0-9]* ms for its slot' "$LOG" || true
}

more_wait_than() {
    [ "$(waits_logged)" -gt "$1" ]
}

# The last wait that a handler has logged, in s, rounded up.
last_wait() {
    echo $((($(sed -nE 's/.* waits ([0-9]+) ms for its slot.*/\1/p' "$LOG" | tail -n 1) + 999) / 1000))
}

# A pace that nobody lives to see the end of.
write_slow_door() {
    write_door DELAY=600 DELAY_MAX_WAIT=3600 MIN_LOGLEVEL=LOG_DEBUG "$@"
}

@test "I9: WAITING_MAX connections of a source may wait, one more is too soon and has no strike" {
    write_slow_door
    knock 127.0.0.2=sesame
    begin_waiting 127.0.0.2
    begin_waiting 127.0.0.2
    knock 127.0.0.2=sesame 127.0.0.3=sesame
    is "$(lengths)" '0 64' "bytes received: the third that would wait, and another source"
    is "$(of 1 status)" 0 "exit status"
    logged_times 1 'refused source=127\.0\.0\.2 reason=too-soon'
    is "$(in_slot 127.0.0.2 strikes) $(in_slot 127.0.0.2 refusals)" '0 0' "strikes and refusals"
    end_helpers
}

@test "I9: WAITING_MAX=0 lets nobody wait, and WAITING_MAX=3 three" {
    write_slow_door WAITING_MAX=0
    knock 127.0.0.2=sesamex2 127.0.0.3=sesame
    is "$(lengths)" '64 0 64' "bytes received"
    write_slow_door WAITING_MAX=3
    knock 127.0.0.4=sesame
    begin_waiting 127.0.0.4
    begin_waiting 127.0.0.4
    begin_waiting 127.0.0.4
    knock 127.0.0.4=sesame
    is "$(of 1 length)" 0 "bytes to the fourth"
    end_helpers
}

@test "I9: a peer that leaves while it waits gives its place to the next, and takes no strike along" {
    write_slow_door
    knock 127.0.0.2=sesame 127.0.0.2=flee
    begin_waiting 127.0.0.2
    [ "$(last_wait)" -le 600 ] || is "$(last_wait)" "at most 600" "seconds to wait, where one has left"
    knock 127.0.0.2=fleex10
    is "$(how_many length 0)" 10 "peers that left, none of them too soon"
    logged_times 11 'refused source=127\.0\.0\.2 reason=gone'
    not_logged too-soon
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    end_helpers
}

@test "I9: DELAY_SCOPE=all: a place that is given back is another source's, and one source cannot hold them all" {
    write_slow_door DELAY_SCOPE=all
    knock 127.0.0.9=sesame 127.0.0.2=fleex20
    logged_times 20 'refused source=127\.0\.0\.2 reason=gone'
    begin_waiting 127.0.0.2
    begin_waiting 127.0.0.2
    knock 127.0.0.2=sesame
    logged_times 1 'refused source=127\.0\.0\.2 reason=too-soon'
    begin_waiting 127.0.0.3
    [ "$(last_wait)" -gt 1200 ] && [ "$(last_wait)" -le 1800 ] || is "$(last_wait)" "1201 to 1800" "seconds: behind two of one source"
    end_helpers
}

@test "I9: a place whose handler was killed ends with its time" {
    write_door DELAY=8 WAITING_MAX=1 MIN_LOGLEVEL=LOG_DEBUG
    knock 127.0.0.2=sesame
    begin_waiting 127.0.0.2
    kill -KILL "$(sed -nE 's/^ostiaryd\[([0-9]+)\]: .* waits [0-9]+ ms for its slot.*/\1/p' "$LOG")"
    wait "$WAITING"
    is "$(sed -nE 's/.*"status": (-?[0-9]+).*/\1/p' "$WORK/waiting.0")" -9 "status of the handler that was killed"
    eventually is_served 127.0.0.2
}

is_served() {
    knock "$1=sesame"
    [ "$(of 1 receipt)" = right ]
}

@test "MAX_BAD_CONNS: so many wrong replies lock, and not one fewer" {
    write_door MAX_BAD_CONNS=1
    one_by_one 127.0.0.2=wrong 127.0.0.2=sesame
    is "$(lengths)" '32 0' "bytes received, 1"
    write_door MAX_BAD_CONNS=5
    one_by_one 127.0.0.3=wrongx4 127.0.0.3=sesame 127.0.0.3=wrong 127.0.0.3=sesame
    is "$(lengths)" '32 32 32 32 64 32 0' "bytes received, 5"
}

@test "LOCKOUT_ACTION: once for each lock, with the address, as its own user, under 50 wrong replies at once" {
    write_action locked-out "echo \"\$# \$1 \$(id -u) \$(id -G)\" >>$WORK/out/locked"
    write_door "LOCKOUT_ACTION=\"\",\"$WORK/bin/locked-out\",\"65533\",\"65532\""
    one_by_one --hold 127.0.0.2=wrongx50
    is "$(cat "$WORK/out/locked")" '1 127.0.0.2 65533 65532' "what LOCKOUT_ACTION saw"
    # The next lock is another transition.
    at_noon 127.0.0.2={wrong@90000,wrong@90002,wrong@90004,wrong@90006}
    is "$(wc -l <"$WORK/out/locked")" 2 "times that it ran"
    is "$(acted)" 0 "other actions"
}

@test "the log tells the story of a source, line by line" {
    one_by_one 127.0.0.2=wrong 127.0.0.2=leave 127.0.0.2=sesame 127.0.0.2=wrong 127.0.0.2=sesame
    is "$(handler_lines | sed 's/^ostiaryd\[[0-9]*\]: //')" "$(
        cat <<'END_OF_LOG'
rejected source=127.0.0.2 reason=wrong-reply strikes=1 of=3
rejected source=127.0.0.2 reason=no-reply strikes=2 of=3
accepted source=127.0.0.2 action=knock uid=65534 gid=65534
locked source=127.0.0.2 strikes=3 until=2026-11-22T12:00:06Z reason=wrong-reply
refused source=127.0.0.2 reason=locked until=2026-11-22T12:00:06Z
END_OF_LOG
    )"
}
