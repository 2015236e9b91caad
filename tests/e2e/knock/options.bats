#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What holds for any action holds with each option: the invariants, one by one, for totp=, hotp=, label=, expires=, from=,
# single= and timeout=. What each option is for, its own file tests: codes.bats, from.bats, limits.bats, single.bats.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door
load ../../lib/ctl

KEY=3132333435363738393031323334353637383930
OPTIONS=(none totp hotp label expires from single timeout)

setup() {
    door_setup
    (umask 077 && echo "hex:$KEY" >"$WORK/key")
    # shellcheck disable=SC2016 # for the shell inside
    write_action knock "echo \"\$*\" >>$WORK/out/knock" \
        "{ env | grep -v ^OSTIARY_PORT= | sort; id; umask; pwd; grep -E '^Sig(Ign|Blk|Cgt)|^NoNewPrivs' /proc/self/status; ls /proc/\$\$/fd; } >>$WORK/out/dump"
}

teardown() {
    end_helpers
    remove_work
}

totp() {
    oathtool --totp -N "$(date -ud "@$((NOON + $1))" '+%F %T UTC')" "$KEY"
}

# with_option NAME LINE...: a door whose action has it, and nobody in its table. $RIGHT is what a client has to reply with.
with_option() {
    local option=$1 text=
    shift
    RIGHT=sesame
    case $option in
        none) ;;
        totp) text=",\"totp=$WORK/key\"" RIGHT=sesame$(totp 0) ;;
        hotp) text=",\"hotp=$WORK/key\"" RIGHT=sesame$(oathtool --hotp -c 5 "$KEY") ;;
        label) text=',"label=old"' ;;
        expires) text=',"expires=2100-01-01"' ;;
        from) text=',"from=127.0.0.0/8"' ;;
        single) text=',"single=yes"' ;;
        timeout) text=',"timeout=1h"' ;;
    esac
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\"$text"
    rm -rf "${WORK:?}/state/"* "$WORK/state-root" "$WORK/out/"*
    : >"$LOG"
    write_door
    [ "$option" != totp ] || begin_codes "127.0.0.2=sesame$(totp -86400)"
    [ "$option" != hotp ] || ctl 0 codes --counter 5 knock
    write_door "$@"
}

@test "I1, I6: with each option three wrong replies are compared, all with as many keys, and no fourth" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option"
        rm -rf "$WORK/tally" && mkdir "$WORK/tally"
        one_by_one --hold --tally="$WORK/tally" 127.0.0.2=wrongx20
        case $option in
            totp) is "$(compared)" $((3 * 6)) "keys used, with $option=" ;;          # three codes, made and tried
            hotp) is "$(compared)" $((3 * 2 * (5 + 1 + 10))) "keys used, with $option=" ;; # those before the counter, and ahead
            *) is "$(compared)" 3 "keys used, with $option=" ;;
        esac
        is "$(in_slot 127.0.0.2 strikes)" 3 "strikes, with $option="
    done
}

@test "I2, I3, I14: with each option who is locked gets not one byte for a right reply, until the lock ends; else 32 or 64" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option" LOCKOUT_TIME=1h
        one_by_one 127.0.0.2=wrong 127.0.0.2=wrong 127.0.0.2=wrong "127.0.0.2=$RIGHT" "127.0.0.3=$RIGHT"
        is "$(lengths)" '32 32 32 0 64' "bytes, with $option="
        is "$(in_slot 127.0.0.2 until)" $((NOON + 4 + 3600)) "end of the lock, with $option="
        is "$(cat "$WORK/out/knock")" 127.0.0.3 "who had the action run, with $option="
        at_noon "127.0.0.2=wrong@3610"
        is "$(lengths)" 32 "bytes when the lock has ended, with $option="
    done
}

@test "I4, I10: with each option no secret, key or code is in the log, and no strike is left of a right reply" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option" MIN_LOGLEVEL=LOG_DEBUG
        one_by_one 127.0.0.2=wrong "127.0.0.2=$RIGHT"
        is "$(lengths)" '32 64' "bytes, with $option="
        is "$(in_slot 127.0.0.2 strikes)" 1 "strikes, with $option="
        run grep -E "sesame|$RIGHT|12345678901234567890|$KEY" "$LOG"
        is "$status" 1 "status of grep in the log, with $option=, which found: $output"
    done
}

@test "I5: with each option all seeds are different, though the clock stands" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option" DELAY=1
        at_noon 127.0.0.2=wrong 127.0.0.3=wrong "127.0.0.4=$RIGHT"
        sed -nE 's/.*"seed": "([0-9a-f]{64})".*/\1/p' "$KNOCKS" >>"$WORK/seeds"
    done
    is "$(sort -u "$WORK/seeds" | wc -l)" $((3 * ${#OPTIONS[@]})) "seeds"
}

@test "I7: with each option the action starts as it does without" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option"
        one_by_one "127.0.0.2=$RIGHT"
        is "$(cat "$WORK/out/knock")" 127.0.0.2 "its arguments, with $option="
        sort -o "$WORK/out/dump" "$WORK/out/dump"
        [ "$option" != none ] || cp "$WORK/out/dump" "$WORK/plain"
        cmp "$WORK/plain" "$WORK/out/dump" || is "$(cat "$WORK/out/dump")" "$(cat "$WORK/plain")" "what the action is, with $option="
    done
}

@test "I8, I12: with each option there is no receipt where the action cannot be started, and no strike" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option"
        chmod -x "$WORK/bin/knock"
        one_by_one "127.0.0.2=$RIGHT"
        chmod +x "$WORK/bin/knock"
        is "$(lengths)" 32 "bytes, with $option="
        logged_times 1 'refused source=127\.0\.0\.2 reason=config action=knock'
        is "$(in_slot 127.0.0.2 strikes)" 0 "strikes, with $option="
    done
}

@test "I9, I11: with each option who leaves has a strike only where a seed had reached him, and is in nobody's way" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option"
        one_by_one 127.0.0.2=fleex2 "127.0.0.2=$RIGHT"
        is "$(of 3 length)" 64 "bytes, with $option="
        is "$(in_slot 127.0.0.2 strikes)" "$(grep -c 'rejected source=127\.0\.0\.2 reason=\(no-reply\|gone\)' "$LOG" || true)" "strikes, with $option="
    done
}

@test "I13: with each option a reply is judged in the time of COMM_TIMEOUT, and a peer that says nothing is let go" {
    local option
    for option in "${OPTIONS[@]}"; do
        with_option "$option" COMM_TIMEOUT=1
        one_by_one 127.0.0.2=idle "127.0.0.3=$RIGHT"
        is "$(lengths)" '32 64' "bytes, with $option="
        logged_times 1 'rejected source=127\.0\.0\.2 reason=timeout '
    done
}
