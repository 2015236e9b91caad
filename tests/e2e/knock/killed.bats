#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I1, whenever a handler is killed: it stops behind each of its system calls that others could see, and there SIGKILL ends
# it. Behind the others it would leave the same.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

DAY=86400

setup() {
    door_setup
}

teardown() {
    end_helpers
    remove_work
}

# after_kill N: $strikes and $keys used of the handler that was killed behind its Nth call. The table, if any, is whole.
after_kill() {
    strikes=0 keys=0
    if [ -e "$WORK/kill.$1/state/lockout" ]; then
        strikes=$(in_slot 127.0.0.2 strikes "$WORK/kill.$1/state")
        [ "$strikes" != none ] || strikes=0
    fi
    [ ! -e "$WORK/kill.$1/tally" ] || keys=$(wc -l <"$WORK/kill.$1/tally")
}

@test "I1: killed at any system call, a handler with a wrong reply leaves no fewer strikes than comparisons" {
    local n strikes keys compared=0
    kill_everywhere wrong
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$strikes" -ge "$keys" ] || is "$strikes" "$keys" "strikes, killed behind call $n"
        compared=$((compared + keys))
    done
    # Some were killed before the comparison, and some after it.
    [ "$compared" -gt 0 ] && [ "$compared" -lt "$KILLS" ]
    knock_again
    is "$(how_many receipt right)" "$KILLS" "doors that work afterwards"
}

@test "I1: killed at any system call, a handler with a right reply has its strike written before it compares" {
    local n strikes keys struck=0
    kill_everywhere sesame
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$keys" -eq 0 ] || [ "$strikes" -gt 0 ] || [ "$struck" -gt 0 ] || is "$strikes" 1 "strikes, killed behind call $n"
        [ "$keys" -eq 0 ] || [ "$strikes" -eq 0 ] || struck=$n
    done
    [ "$struck" -gt 0 ]
    # Killed just before the strike was taken back; one call later it has been.
    after_kill $((struck + 1))
    is "$strikes" 0 "strikes after success"
    knock_again
    is "$(how_many receipt right)" "$KILLS" "doors that work afterwards"
}

@test "I1: killed at any system call, a handler that locks its source and closes the door does neither by half" {
    local n strikes keys closed=0
    kill_everywhere wrong MAX_BAD_CONNS=1 MAX_TOTAL_ERRS=1
    for ((n = 1; n <= KILLS; n++)); do
        after_kill "$n"
        [ "$strikes" -ge "$keys" ] || is "$strikes" "$keys" "strikes, killed behind call $n"
        [ "$strikes" -eq 0 ] || is "$(in_slot 127.0.0.2 until "$WORK/kill.$n/state")" $((NOON + DAY)) "lock behind call $n"
    done
    knock_again
    for ((n = 1; n <= KILLS; n++)); do
        is "$(of "$n" status)" 0 "exit status at the door of call $n"
        if [ -e "$WORK/kill.$n/state/closed-knock" ]; then
            is "$(of "$n" length)" 0 "bytes at the closed door of call $n"
            closed=$((closed + 1))
        else
            is "$(of "$n" receipt)" right "receipt at the open door of call $n"
        fi
    done
    [ "$closed" -gt 0 ] && [ "$closed" -lt "$KILLS" ]
}

# The code is oathtool's, for noon; each door has an action of its own, which tells who had it run.
@test "killed at any system call, a handler with a code leaves it unused, or used up and without a second use" {
    local n code used=0 unused=0
    command -v oathtool >/dev/null
    code=$(oathtool --totp -N "$(date -ud "@$NOON" '+%F %T UTC')" 3132333435363738393031323334353637383930)
    (umask 077 && echo hex:3132333435363738393031323334353637383930 >"$WORK/key")
    for n in {1..400} '{n}'; do
        write_action "knock.$n" "echo \"\$1\" >>$WORK/out/knock.$n"
    done
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock.{n}\",\"65534\",\"65534\",\"totp=$WORK/key\""
    write_door
    begin_codes "127.0.0.2=sesame$(oathtool --totp -N "$(date -ud "@$((NOON - 86400))" '+%F %T UTC')" 3132333435363738393031323334353637383930)"
    cp "$WORK/state-root/used" "$WORK/used"
    kill_everywhere "sesame$code"
    [ "$KILLS" -le 400 ]
    knock_again "sesame$code"
    for ((n = 1; n <= KILLS; n++)); do
        is "$(of "$n" status)" 0 "exit status at the door of call $n"
        if [ "$(of "$n" receipt)" = right ]; then
            unused=$((unused + 1))
            is "$(cat "$WORK/out/knock.$n")" 127.0.0.3 "who had the action run at the door of call $n"
        else
            used=$((used + 1))
            is "$(of "$n" length)" 32 "bytes at the door of call $n"
            [ ! -e "$WORK/out/knock.$n" ] || is "$(cat "$WORK/out/knock.$n")" 127.0.0.2 "who had it run at that of call $n"
        fi
    done
    [ "$used" -gt 0 ] && [ "$unused" -gt 0 ]
    is "$(grep -c 'reason=used' "$LOG")" "$used" "refusals of a code that was used"
}
