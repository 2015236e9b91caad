#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# from=: a secret that is good from some networks alone, at both doors.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    write_action other "echo \"\$1\" >>$WORK/out/other"
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"from=127.0.0.2,127.1.0.0/16,2001:db8:7::/64\""
    write_door "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\""
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

@test "I1: from elsewhere a right reply is a strike as a wrong one is, and the line names the action" {
    one_by_one 127.0.0.3=sesame 127.0.0.2=sesame 127.1.2.3=sesame 127.0.0.3=barley
    is "$(lengths)" '32 64 64 64' "bytes"
    logged_times 1 'rejected source=127\.0\.0\.3 reason=from action=knock strikes=1 of=3$'
    logged_times 2 'accepted source=127\.(0\.0\.2|1\.2\.3) action=knock '
    is "$(sort "$WORK/out/knock" | xargs)" '127.0.0.2 127.1.2.3' "who had the action run"
    is "$(cat "$WORK/out/other")" 127.0.0.3 "who had the other one run, whose secret is good from anywhere"
    # What is right for another action takes back its own strike, and not the one before.
    is "$(in_slot 127.0.0.3 strikes)" 1 "strikes"
}

@test "I1: three right replies from elsewhere lock their source, which is then silent for the right one as well" {
    one_by_one 127.0.0.3=sesame 127.0.0.3=sesame 127.0.0.3=sesame 127.0.0.3=barley
    is "$(lengths)" '32 32 32 0' "bytes"
    logged_times 1 'locked source=127\.0\.0\.3 strikes=3 until=.* reason=from$'
    is "$(acted)" 0 actions
}

@test "I6: all secrets are compared, whoever may come from where, and no receipt is made for who may not" {
    one_by_one --tally="$WORK/tally" 127.0.0.2=wrong 127.0.0.3=wrong 127.0.0.4=sesame 127.1.0.1=sesame
    is "$(lengths)" '32 32 32 64' "bytes"
    is "$(compared 127.0.0.2)" 2 "keys used on a wrong reply from there"
    is "$(compared 127.0.0.3)" 2 "keys used on a wrong reply from elsewhere"
    is "$(compared 127.0.0.4)" 2 "keys used on a right reply from elsewhere"
    is "$(compared 127.1.0.1)" 3 "keys used on a right reply from there: one more, for the receipt"
}

@test "it is the address that counts, and not the network that is the source of strikes" {
    with_addresses 2001:db8:7::1 2001:db8:7:0:8000::1 2001:db8:7:1::1
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"from=2001:db8:7:0:8000::/65\""
    write_door IPV6_PREFIX=64
    one_by_one 2001:db8:7:0:8000::1=sesame 2001:db8:7::1=sesame 2001:db8:7:1::1=sesame
    is "$(lengths)" '64 32 32' "bytes"
    logged_times 2 'rejected source=2001:db8:7:.* reason=from action=knock '
}

@test "KILL from elsewhere closes nothing" {
    write_door 'KILL="so long","from=127.0.0.2"'
    one_by_one '127.0.0.3=so long'
    is "$(lengths)" 32 "bytes"
    logged 'rejected source=127\.0\.0\.3 reason=from action=kill strikes=1 of=3$'
    [ ! -e "$WORK/state/closed" ]
    one_by_one '127.0.0.2=so long'
    [ -e "$WORK/state/closed" ]
}

@test "the sealed door heeds it, too" {
    two_doors
    chown 64000 "$WORK/state"
    at_ostiarys 127.0.0.3=sesame 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes from elsewhere"
    logged 'rejected source=127\.0\.0\.3 reason=from action=knock '
    is "$(of 2 length)" 64 "bytes from there"
}

@test "I10: what is wrong in from= is said without a word of the line" {
    write_door 'ACTION="zz9 a secret","/bin/true","from=zz9.example"'
    run "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    matches "$output" ': error: ACTION: the from= must be addresses, .*: number 1 is none'
    refute grep zz9 <<<"$output"
}

@test "check: an interface in from= that is not here is noted, for it may be misspelt" {
    write_door 'ACTION="a secret of neighbours","/bin/true","0","0","name=near","from=fe80::%knock9/64"'
    run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    matches "$output" "note: the from= of 'near' has an address of an interface that is not here now"
    write_door 'ACTION="a secret of neighbours","/bin/true","0","0","name=near","from=fe80::%lo/64"'
    run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    refute grep -F 'not here now' <<<"$output"
}
