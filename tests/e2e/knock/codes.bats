#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# totp= and hotp=: one-time codes behind the secret. Each is good once, whatever happens at once and wherever a handler is
# killed. The codes are oathtool's.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door
load ../../lib/ctl
load ../../lib/codes

setup() {
    codes_setup
}

teardown() {
    end_helpers
    remove_work
}

@test "a code behind the secret is accepted once, and its strike is taken back when it comes again" {
    one_by_one --tally="$WORK/tally" "127.0.0.2=sesame$(totp 0)" "127.0.0.2=sesame$(totp 0)" "127.0.0.3=sesame$(totp 0)"
    is "$(lengths)" '64 32 32' "bytes"
    is "$(of 1 receipt)" right receipt
    logged_times 1 'accepted source=127\.0\.0\.2 action=knock '
    logged_times 1 'refused source=127\.0\.0\.2 reason=used action=knock$'
    logged_times 1 'refused source=127\.0\.0\.3 reason=used action=knock$'
    is "$(cat "$WORK/out/knock")" 127.0.0.2 "who had the action run"
    is "$(in_slot 127.0.0.2 strikes) $(in_slot 127.0.0.3 strikes)" '0 0' strikes
}

@test "I1: the secret without a code, with another code and the code alone are strikes" {
    one_by_one 127.0.0.2=sesame 127.0.0.2=sesame000000 "127.0.0.3=$(totp 0)" "127.0.0.3=$(totp 0)sesame" "127.0.0.4=sesame$(totp 0)0"
    is "$(lengths)" '32 32 32 32 32' "bytes"
    is "$(in_slot 127.0.0.2 strikes) $(in_slot 127.0.0.3 strikes) $(in_slot 127.0.0.4 strikes)" '2 2 1' strikes
    is "$(acted)" 0 actions
}

@test "the codes of the step before and behind the clock are good, and no other; one that is used takes those before it along" {
    one_by_one "127.0.0.2=sesame$(totp -60)" "127.0.0.3=sesame$(totp 60)" "127.0.0.4=sesame$(totp -30)" "127.0.0.5=sesame$(totp 30)" \
        "127.0.0.6=sesame$(totp 0)"
    is "$(lengths)" '32 32 64 64 32' "bytes"
    logged_times 1 'refused source=127\.0\.0\.6 reason=used action=knock$'
}

@test "what the file says of digits, period, window and algorithm is what counts, and not what is typed" {
    (umask 077 && printf 'hex:%s\ndigits=8 period=60 window=0\nalgorithm=sha256\n' "$KEY" >"$WORK/key")
    local code
    code=$(oathtool --totp=sha256 --digits=8 --time-step-size=60s -N "$(date -ud "@$NOON" '+%F %T UTC')" "$KEY")
    one_by_one "127.0.0.2=sesame${code: -6}" "127.0.0.3=sesame$(totp 0)" "127.0.0.4=sesame$code"
    is "$(lengths)" '32 32 64' "bytes"
}

@test "I6: all codes of all actions are tried, whatever is right" {
    write_door "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\"" "ACTION=\"rye\",\"/bin/true\",\"65534\",\"65534\",\"totp=$WORK/key\""
    one_by_one --tally="$WORK/tally" 127.0.0.2=wrong 127.0.0.3=barley "127.0.0.4=sesame$(totp -30)" "127.0.0.5=rye$(totp 30)"
    is "$(lengths)" '32 64 64 64' "bytes"
    # Two actions with three codes each, made and tried, and a secret without; then the receipt.
    is "$(compared 127.0.0.2)" 13 "keys used on a wrong reply"
    is "$(compared 127.0.0.3)" 14 "keys used on one without a code"
    is "$(compared 127.0.0.4) $(compared 127.0.0.5)" '15 15' "keys used on one with a code, which its receipt needs again"
}

@test "two actions with one key have one code: used at one, it is used at the other" {
    write_door "ACTION=\"rye\",\"$WORK/bin/other\",\"65534\",\"65534\",\"totp=$WORK/key\""
    one_by_one "127.0.0.2=rye$(totp 0)" "127.0.0.3=sesame$(totp 0)" "127.0.0.3=sesame$(totp 30)"
    is "$(lengths)" '64 32 64' "bytes"
}

@test "HOTP: the next code, one that ran ahead within the window, none behind it, and none before it again" {
    use_hotp 5
    one_by_one "127.0.0.2=sesame$(hotp 5)" "127.0.0.3=sesame$(hotp 16)" "127.0.0.4=sesame$(hotp 16)" "127.0.0.5=sesame$(hotp 10)" \
        "127.0.0.6=sesame$(hotp 28)" "127.0.0.7=sesame$(hotp 27)"
    is "$(lengths)" '64 64 32 32 32 64' "bytes"
    logged_times 2 'refused source=127\.0\.0\.[45] reason=used action=knock$'
    logged_times 1 'rejected source=127\.0\.0\.6 reason=wrong-reply strikes=1 '
}

@test "I8: a key of HOTP whose counter is not known opens to nobody, without a strike, and it is said what to do" {
    use_hotp
    one_by_one "127.0.0.2=sesame$(hotp 0)"
    is "$(lengths)" 32 "bytes"
    logged_times 1 "action=knock: which codes of its hotp= have been used is not known: run 'ostiaryctl codes --counter NUMBER knock'$"
    logged_times 1 'refused source=127\.0\.0\.2 reason=state action=knock$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    ctl 0 codes --counter 0 knock
    one_by_one "127.0.0.2=sesame$(hotp 0)"
    is "$(lengths)" 64 "bytes"
}

@test "I8: where the record cannot be written a code is refused without a strike, and a secret without codes is as good as ever" {
    write_door "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\""
    mv "$WORK/state-root/used" "$WORK/kept" && mkdir "$WORK/state-root/used"
    one_by_one "127.0.0.2=sesame$(totp 0)" 127.0.0.2=barley
    is "$(lengths)" '32 64' "bytes"
    logged_times 1 "$WORK/state: the record of used codes is not a regular file of its owner's alone"
    logged_times 1 'refused source=127\.0\.0\.2 reason=state action=knock$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    rmdir "$WORK/state-root/used" && mv "$WORK/kept" "$WORK/state-root/used"
    one_by_one "127.0.0.2=sesame$(totp 0)"
    is "$(lengths)" 64 "bytes"
}

@test "I8: damage of the record is no empty record" {
    one_by_one "127.0.0.2=sesame$(totp 0)"
    printf x | dd of="$WORK/state-root/used" bs=1 seek=150 conv=notrunc status=none
    one_by_one "127.0.0.2=sesame$(totp 0)" "127.0.0.2=sesame$(totp 30)"
    is "$(lengths)" '32 32' "bytes"
    logged_times 2 'the record of used codes is damaged: run ostiaryctl repair'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
}

@test "I8: a record that is gone is made anew, and no code that may have been used is good by it" {
    one_by_one "127.0.0.2=sesame$(totp 0)"
    is "$(lengths)" 64 "bytes"
    rm "$WORK/state-root/used"
    one_by_one "127.0.0.3=sesame$(totp 0)" "127.0.0.3=sesame$(totp 0)"
    is "$(lengths)" '32 32' "bytes for the same code"
    logged_times 2 'refused source=127\.0\.0\.3 reason=used action=knock$'
    at_noon "127.0.0.3=sesame$(totp 90)@90"
    is "$(lengths)" 64 "bytes two steps later"
    rm "$WORK/state-root/used"
    use_hotp
    one_by_one "127.0.0.4=sesame$(hotp 0)"
    is "$(lengths)" 32 "bytes for a counter of which nothing is known"
}

@test "I9: whoever holds the lock on the record keeps those out who need a code, until it is their time, and nobody else" {
    use_hotp 0 COMM_TIMEOUT=3 "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\",\"label=old\"" 'KILL="so long","label=mine"'
    flock -x "$WORK/state-root/used" sleep 300 3>&- &
    HELPERS+=($!)
    eventually sh -c "! flock -n -x '$WORK/state-root/used' true"
    one_by_one "127.0.0.2=sesame$(hotp 0)" 127.0.0.3=barley '127.0.0.4=so long'
    is "$(lengths)" '32 64 64' "bytes"
    [ "$(of 2 end_ms)" -lt 2000 ] && [ "$(of 3 end_ms)" -lt 2000 ]
    logged_times 1 'refused source=127\.0\.0\.2 reason=state action=knock$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    logged_times 3 'the lock on the record of used codes was not to be had in time'
}

@test "a key with zeros at its end is the same key, and its codes are good once" {
    (umask 077 && echo "hex:${KEY}00" >"$WORK/other-key")
    write_door "ACTION=\"rye\",\"$WORK/bin/other\",\"65534\",\"65534\",\"totp=$WORK/other-key\""
    one_by_one "127.0.0.2=rye$(totp 0)" "127.0.0.3=sesame$(totp 0)"
    is "$(lengths)" '64 32' "bytes"
}

@test "from= comes before the code: whoever may not come from there uses none up" {
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"totp=$WORK/key\",\"from=127.0.0.2\""
    write_door
    one_by_one "127.0.0.3=sesame$(totp 0)" "127.0.0.2=sesame$(totp 0)"
    is "$(lengths)" '32 64' "bytes"
    logged_times 1 'rejected source=127\.0\.0\.3 reason=from action=knock strikes=1 '
}

@test "KILL with a code closes every door, and without one none" {
    write_door "KILL=\"so long\",\"totp=$WORK/key\""
    one_by_one '127.0.0.2=so long' "127.0.0.3=so long$(totp 0)" "127.0.0.4=sesame$(totp 30)"
    is "$(lengths)" '32 64 0' "bytes"
    [ -e "$WORK/state/closed" ]
}

@test "a code alone, where code-alone=yes says that it is enough" {
    ACTION="ACTION=\"\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"totp=$WORK/key\",\"code-alone=yes\""
    write_door
    one_by_one "127.0.0.2=$(totp 0)" "127.0.0.3=$(totp 0)" 127.0.0.4=000000
    is "$(lengths)" '64 32 32' "bytes"
}

@test "I10: neither key nor code nor secret is in the record or in the log" {
    one_by_one "127.0.0.2=sesame$(totp 0)" "127.0.0.3=sesame$(totp 0)" 127.0.0.4=sesame000000
    run grep -aE "sesame|12345678901234567890|$(totp 0)" "$LOG" "$WORK/state-root/used"
    is "$status" 1 "status of grep, which found: $output"
}

@test "the sealed door has a record of its own, in STATE_DIR, which root's does not rest on" {
    write_door
    two_doors
    chown 64000:64000 "$WORK/state"
    cp "$WORK/key" "$WORK/sealed.key"
    chown 64000 "$WORK/sealed.key"
    sed -i "s,totp=$WORK/key,totp=$WORK/sealed.key," "$WORK/ostiary-sealed.cfg"
    chmod a+x "$WORK"
    HANDLER=("${AT_OSTIARYS[@]}")
    knock --clock=$((NOON - 86400)) "127.0.0.2=sesame$(totp -86400)"
    rm "$WORK/state/lockout"
    at_ostiarys "127.0.0.2=sesame$(totp 0)" "127.0.0.3=sesame$(totp 0)"
    is "$(lengths)" '64 32' "bytes at the sealed door"
    is "$(stat -c '%u %a' "$WORK/state/used")" '64000 600' "its record"
    rm "$WORK/state/used"
    at_roots "127.0.0.2=sesame$(totp 0)"
    is "$(lengths)" 64 "bytes at root's"
    is "$(stat -c '%u %a' "$WORK/state-root/used")" '0 600' "its record"
    [ ! -e "$WORK/state/used" ]
    at_roots "127.0.0.2=sesame$(totp 0)"
    is "$(lengths)" 32 "bytes at root's, again"
}
