#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# totp= and hotp= for crowds: a code that many bring at once is good for one of them, and a thousand codes are good once each.
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

@test "of 200 knocks at once with one code, one is accepted" {
    (umask 077 && printf 'hex:%s\nperiod=300\n' "$KEY" >"$WORK/key") # each comes 2 s after the one before
    write_door MAX_BAD_CONNS=300
    one_by_one --hold "127.0.2.1=sesame$(totp 0 --time-step-size=300s)x200"
    is "$(how_many receipt right)" 1 "accepted"
    is "$(acted)" 1 actions
    is "$(how_many length 32)" 199 "others"
    logged_times 199 'refused source=127\.0\.2\.1 reason=used action=knock$'
    is "$(in_slot 127.0.2.1 strikes)" 0 strikes
}

@test "of 50 at once from each of two addresses with one counter of HOTP, one is accepted" {
    use_hotp 0 MAX_BAD_CONNS=300
    one_by_one --hold "127.0.2.1=sesame$(hotp 0)x50" "127.0.2.2=sesame$(hotp 0)x50"
    is "$(how_many receipt right)" 1 "accepted"
    is "$(acted)" 1 actions
}

@test "a thousand knocks with codes by oathtool and by ours in turn are accepted, each once" {
    local n knocks=()
    use_hotp 0 MAX_BAD_CONNS=300
    oathtool --hotp -w 999 "$KEY" >"$WORK/theirs"
    "$OSTIARY_BUILD/tests/codes" hotp "$WORK/key" 0 1000 >"$WORK/ours"
    mapfile -t theirs <"$WORK/theirs"
    mapfile -t ours <"$WORK/ours"
    for ((n = 0; n < 1000; n++)); do
        if ((n % 2)); then knocks+=("127.0.0.2=sesame${ours[n]}"); else knocks+=("127.0.0.2=sesame${theirs[n]}"); fi
    done
    one_by_one "${knocks[@]}"
    is "$(how_many receipt right)" 1000 "knocks that were accepted"
    is "$(acted)" 1000 actions
    one_by_one "127.0.0.3=sesame${ours[999]}" "127.0.0.3=sesame${theirs[998]}"
    is "$(lengths)" '32 32' "bytes for two that were used"
}
