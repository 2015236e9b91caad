#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The closed door: who closes it and when, and that nobody comes in.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# Nobody, from anywhere, gets as much as a seed; and the table does not change.
is_shut() {
    cp "$WORK/state/lockout" "$WORK/before"
    at_noon 127.0.30.1=sesame@1000 127.0.30.2=shut@1000 127.0.30.3=wrong@1000
    is "$(lengths)" '0 0 0' "bytes at the closed door"
    is "$(how_many status 0)" 3 "exit statuses of 0"
    logged 'refused source=127\.0\.30\.1 reason=closed'
    cmp "$WORK/state/lockout" "$WORK/before"
}

is_open() {
    is "$(cd "$WORK/state" && echo closed*)" 'closed*' "what closes a door"
    at_noon 127.0.31.1=sesame@1000
    is "$(of 1 receipt)" right "receipt at the open door"
    rm "$WORK/out/knock"
}

# closed_by REASON [TIME]: what the file says that closes every door, and for a limit this one alone.
closed_by() {
    local file=closed
    case $1 in max-* | table-full) file=closed-knock ;; esac
    is "$(cd "$WORK/state" && echo closed*)" "$file" "what closes a door"
    matches "$(cat "$WORK/state/$file")" "^${2:-2026-11-21T12:[0-9:]*Z} $1\$"
    is "$(stat -c %a:%u "$WORK/state/$file")" 600:0 "mode and owner of $file"
}

@test "KILL: nobody gets a seed after it, closed says who and when, and no action is run" {
    write_door 'KILL="shut"'
    at_noon 127.0.0.2=shut
    is "$(of 1 receipt)" right "receipt"
    is "$(of 1 status)" 0 "exit status"
    closed_by 'kill-secret source=127\.0\.0\.2' 2026-11-21T12:00:00Z
    logged_times 1 '^ostiaryd\[[0-9]+\]: closed reason=kill-secret source=127\.0\.0\.2$'
    is_shut
    is "$(acted)" 0 actions
}

@test "KILL: those who have a seed already are refused, and their replies not compared" {
    write_door 'KILL="shut"'
    one_by_one --hold --tally="$WORK/tally" 127.0.0.2=shut "then" 127.0.0.3=sesame 127.0.0.4=shut 127.0.0.5=wrong
    is "$(lengths)" '64 32 32 32' "bytes received"
    is "$(ls "$WORK/tally")" 127.0.0.2 "sources whose reply was compared"
    closed_by 'kill-secret source=127\.0\.0\.2'
    is "$(acted)" 0 actions
}

@test "KILL: from many at once it closes the door once, and for the first one's reason" {
    write_door 'KILL="shut"'
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --hold $(printf '127.0.0.%s=shut ' {2..11})
    closed_by 'kill-secret source=127\.0\.0\.[0-9]*'
    is "$(wc -l <"$WORK/state/closed")" 1 "lines in closed"
    is_shut
}

@test "KILL: the door is closed before the receipt says so" {
    write_door 'KILL="shut"'
    DOOR_PRELOAD=
    witnessed_by strace -f -o "$WORK/trace"
    knock 127.0.0.2=shut
    is "$(of 1 receipt)" right
    # From the seed on.
    is "$(sed -n '/sendto(0,/,$p' "$WORK/trace" | grep -oE 'renameat2?\([^)]*"closed"|fsync\(|sendto\(0' | sed 's/(.*//' | tr '\n' ' ')" \
        'sendto renameat fsync sendto ' "steps"
}

@test "KILL: a locked source cannot use it, and a wrong reply is not it" {
    write_door 'KILL="shut"'
    one_by_one 127.0.0.2=wrongx3 127.0.0.2=shut
    is "$(lengths)" '32 32 32 0' "bytes received"
    is_open
}

@test "MAX_SINGLE_ERRS: so many errors of one source close the door, refusals among them" {
    write_door MAX_SINGLE_ERRS=5
    one_by_one 127.0.0.2=wrongx3 127.0.0.2=sesame 127.0.0.3=wrongx3 127.0.0.3=sesame
    is_open
    at_noon 127.0.0.2=sesame@100
    is "$(of 1 length)" 0
    closed_by max-single-errs
    logged_times 1 'closed reason=max-single-errs source=127\.0\.0\.2$'
    is_shut
}

@test "MAX_SINGLE_ERRS: a strike closes the door, and right replies are no errors" {
    write_door MAX_SINGLE_ERRS=2
    one_by_one 127.0.0.2=wrong 127.0.0.2=sesamex3
    is "$(how_many receipt right)" 3
    is_open
    at_noon 127.0.0.2=wrong@100
    closed_by max-single-errs
    logged_times 1 'closed reason=max-single-errs source=127\.0\.0\.2 strikes=2$'
    is_shut
}

@test "MAX_TOTAL_ERRS: so many errors of all sources close the door, right replies are none, EXEMPT has none" {
    write_door MAX_TOTAL_ERRS=4 'EXEMPT="127.0.0.9"'
    one_by_one 127.0.0.2=wrong 127.0.0.3=sesamex5 127.0.0.4=leave 127.0.0.9=wrongx5 127.0.0.5=wrong
    is_open
    is "$(in_table total_errors)" 3 "errors"
    at_noon 127.0.0.6=wrong@100
    is "$(of 1 length)" 32
    closed_by max-total-errs
    logged_times 1 'closed reason=max-total-errs source=127\.0\.0\.6 strikes=1$'
    is_shut
}

@test "MAX_TOTAL_ERRS: under 30 errors at once the door is closed once" {
    write_door MAX_TOTAL_ERRS=10
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --hold $(printf '127.0.1.%s=wrong ' {1..30})
    closed_by max-total-errs
    logged_times 1 'closed reason='
    is_shut
}

@test "MAX_SINGLE_ERRS and MAX_TOTAL_ERRS of 0 never close it" {
    write_door MAX_SINGLE_ERRS=0 MAX_TOTAL_ERRS=0
    one_by_one 127.0.0.2=wrongx40
    is "$(in_slot 127.0.0.2 errors)" 40 "errors"
    is_open
}

@test "EXIT_ON_IPCACHE_FULL: no place left closes the door, and no lock is lost" {
    write_door TABLE_SIZE=64 MAX_BAD_CONNS=1 EXIT_ON_IPCACHE_FULL
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --width=4 $(printf '127.0.20.%s=wrong ' {1..250})
    closed_by table-full
    logged_times 1 'closed reason=table-full source=127\.0\.20\.[0-9]+$'
    is "$(in_table locked)" "$(grep -c ' locked source=' "$LOG")" "locks in the table, and in the log"
    is_shut
}

@test "EXIT_ON_IPCACHE_FULL: strikes that lock nobody give way before that" {
    write_door TABLE_SIZE=64 EXIT_ON_IPCACHE_FULL
    # shellcheck disable=SC2046 # a list of knocks
    at_noon --width=4 $(printf '127.0.20.%s=wrong ' {1..250})
    is "$(how_many length 32)" 250
    is_open
}

# both_are LENGTH LENGTH SECONDS: so many bytes for a right secret at the ordinary and at the sealed door.
both_are() {
    local got
    rm -f "$WORK/out/knock"
    at_roots "127.0.32.1=sesame@$3"
    got=$(lengths)
    rm -f "$WORK/out/knock"
    at_ostiarys "127.0.32.2=sesame@$3"
    is "$got $(lengths)" "$1 $2" "bytes at the ordinary and at the sealed door"
}

ctl_of() {
    "${BESIDE[@]}" "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$WORK/$1.cfg" "$2"
}

@test "KILL at either of two doors on one table closes both, as ostiaryctl close does, and open opens both" {
    write_door 'KILL="shut"'
    two_doors
    chown 64000:64000 "$WORK/state"
    both_are 64 64 10
    at_ostiarys 127.0.0.2=shut@20
    is "$(cd "$WORK/state" && echo closed*)" closed "what closes them"
    both_are 0 0 30
    ctl_of ostiary open
    both_are 64 64 40
    at_roots 127.0.0.3=shut@50
    is "$(cd "$WORK/state" && echo closed*)" closed "what closes them"
    both_are 0 0 60
    ctl_of ostiary-sealed open
    both_are 64 64 70
    ctl_of ostiary-sealed close
    both_are 0 0 80
    ctl_of ostiary open
    ctl_of ostiary close
    both_are 0 0 90
    is "$(stat -c %u:%g:%a "$WORK/state/"* | sort -u)" 64000:64000:600 "whose the files are"
}

@test "a limit that is reached at one of two doors on one table closes that one alone, and open opens both" {
    write_door MAX_TOTAL_ERRS=2
    two_doors
    chown 64000:64000 "$WORK/state"
    at_ostiarys 127.0.0.2=wrong@10 127.0.0.3=wrong@20
    is "$(cd "$WORK/state" && echo closed*)" closed-sealed "what closes it"
    both_are 64 0 30
    # What is wrong at one is no error at the other.
    at_roots 127.0.0.4=wrong@40
    both_are 64 0 50
    at_roots 127.0.0.5=wrong@60
    is "$(cd "$WORK/state" && echo closed*)" 'closed-knock closed-sealed' "what closes them"
    both_are 0 0 70
    ctl_of ostiary open
    at_roots 127.0.0.6=wrong@80 127.0.0.7=wrong@90
    is "$(cd "$WORK/state" && echo closed*)" closed-knock "what closes it"
    both_are 0 64 100
}

@test "whatever is named closed closes the door, and its removal opens it" {
    at_noon 127.0.0.2=sesame
    rm "$WORK/out/knock"
    : >"$WORK/state/closed"
    is_shut
    rm "$WORK/state/closed"
    is_open
    mkdir "$WORK/state/closed"
    is_shut
    rmdir "$WORK/state/closed"
    ln -s nowhere "$WORK/state/closed"
    is_shut
    rm "$WORK/state/closed"
    is_open
}

@test "a door that is closed between seed and reply: the right reply is not compared" {
    at_noon --tally="$WORK/tally" --between=": >$WORK/state/closed" 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes received"
    is "$(compared)" 0 "keys used"
    is "$(acted)" 0 actions
    logged 'refused source=127\.0\.0\.2 reason=closed'
}

@test "a closed door is kept without libgcrypt, and without random bytes for a seed" {
    at_noon 127.0.0.2=sesame
    : >"$WORK/state/closed"
    at_noon --env="OSTIARY_TEST_CALLS=$WORK/calls" 127.0.0.3=sesame
    is "$(grep -v '^random 16$' "$WORK/calls")" '' "calls at the closed door"
}

@test "ostiaryctl open ends it, and the errors that led to it are forgotten" {
    local ostiaryctl=$OSTIARY_BUILD/src/admin/ostiaryctl
    write_door MAX_TOTAL_ERRS=2 'KILL="shut"'
    at_noon 127.0.0.2=wrong 127.0.0.3=wrong
    closed_by max-total-errs
    is_shut
    "$ostiaryctl" -c "$CONFIG" open
    is_open
    is "$(in_table total_errors)" 0 "errors"
    at_noon 127.0.0.4=shut
    is_shut
    "$ostiaryctl" -c "$CONFIG" open
    is_open
}
