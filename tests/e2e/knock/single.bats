#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# single=yes: an action that is not started while it runs, and that is free again when its process has ended, however.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # single quotes for the actions' shells; each test is a subshell by
# design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door
load ../../lib/ctl

setup() {
    door_setup
    : >"$WORK/out/stay"
    chmod 666 "$WORK/out/stay"
    write_action other "echo \"\$1\" >>$WORK/out/other"
    action_is "$STAYING"
}

teardown() {
    rm -f "$WORK/out/stay"
    end_helpers
    remove_work
}

# An action that says its pid, and goes on while there is a file.
STAYING='echo $$ >>$WORK/out/knock; while [ -e $WORK/out/stay ]; do sleep 0.05; done'

# action_is SCRIPT [OPTION...]: the action has single=yes and is this, with the place of the test for $WORK.
action_is() {
    write_action knock "${1//'$WORK'/"$WORK"}"
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"single=yes\""
    ACTION+=$(printf ',"%s"' "${@:2}" | sed 's/^,""$//')
    write_door MAX_BAD_CONNS=3
}

# begin SOURCE [N]: a right knock from there, whose action runs on in the background. It is the Nth that has begun.
begin() {
    # The rest of a test does not wait for it.
    KNOCKS=$WORK/begun.${2-1} knock "$1=sesame" 3>&- &
    BEGUN=$!
    HELPERS+=($!)
    eventually has_lines "$WORK/out/knock" "${2-1}"
    RUNS=$(sed -n "${2-1}p" "$WORK/out/knock")
}

# done_with: what begin has begun ends, and has been waited for.
done_with() {
    wait "$BEGUN"
}

# is_busy SOURCE: a right knock from there gets nothing but the seed, and has no strike.
is_busy() {
    local before
    before=$(grep -c "refused source=$1 reason=busy action=knock" "$LOG" || true)
    knock "$1=sesame"
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 0' "bytes for $1, the end, and the status"
    logged_times $((before + 1)) "refused source=$1 reason=busy action=knock\$"
    [ -n "${BESIDE-}" ] || is "$(in_slot "$1" strikes)" 0 strikes
}

# is_accepted SOURCE: by an action that does not stay.
is_accepted() {
    rm -f "$WORK/out/stay"
    knock "$1=sesame"
    is "$(of 1 receipt)" right "receipt for $1"
}

@test "single=: while the action runs, a right knock is busy, from wherever it comes; when it has ended the next one has it" {
    begin 127.0.0.2
    is_busy 127.0.0.2
    is_busy 127.0.0.3
    is_busy 127.0.0.3
    is_busy 127.0.0.3
    is_busy 127.0.0.3 # more often than MAX_BAD_CONNS
    rm "$WORK/out/stay"
    done_with
    is "$(KNOCKS=$WORK/begun.1 of 1 receipt)" right "receipt of the one that ran"
    is_accepted 127.0.0.3
    is "$(acted)" 2 actions
}

@test "single=: a wrong reply is a strike while it runs as ever, and no word about it goes out" {
    begin 127.0.0.2
    knock 127.0.0.3=wrong
    is "$(of 1 length) $(in_slot 127.0.0.3 strikes)" '32 1' "bytes and strikes"
    logged_times 1 'rejected source=127\.0\.0\.3 reason=wrong-reply strikes=1 '
}

@test "single=no is the default: it is started as often as somebody knocks, and nothing is written down" {
    local option
    for option in '' ',"single=no"'; do
        rm -f "$WORK/out/knock" "$WORK/state/lockout"
        : >"$WORK/out/stay"
        ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\"$option"
        write_door
        begin 127.0.0.2
        begin 127.0.0.3 2
        rm "$WORK/out/stay"
        done_with
    done
    [ ! -e "$WORK/state-root/used" ]
}

@test "single=: a command that is killed keeps nobody out, and one that is stopped runs" {
    begin 127.0.0.2
    kill -STOP "$RUNS"
    is_busy 127.0.0.3
    kill -KILL "$RUNS"
    done_with
    is "$(KNOCKS=$WORK/begun.1 of 1 status)" -9 "how it ended"
    is_accepted 127.0.0.3
}

@test "single=: who has ended is out of the way though nobody has waited for it yet" {
    local parent
    begin 127.0.0.2
    parent=$(ps -o ppid= -p "$RUNS" | tr -d ' ')
    kill -STOP "$parent"
    kill -KILL "$RUNS"
    eventually grep -q '^State:.Z' "/proc/$RUNS/status"
    is_accepted 127.0.0.3
    kill -CONT "$parent"
    done_with
}

@test "single=: with timeout= a command that hangs is in the way until its time is up, and no longer" {
    action_is "$STAYING" timeout=1s
    begin 127.0.0.2
    done_with
    is "$(KNOCKS=$WORK/begun.1 of 1 status)" -14 "how it ended: by SIGALRM"
    begin 127.0.0.3 2
    is "$(grep -c 'accepted source=' "$LOG")" 2 "how many were accepted"
}

@test "single=: it is the command's process that runs: whatever that becomes by exec, and not what it leaves behind" {
    action_is 'echo $$ >>$WORK/out/knock; exec /bin/sh -c "while [ -e $WORK/out/stay ]; do sleep 0.05; done"'
    begin 127.0.0.2
    eventually grep -qF 'while' "/proc/$RUNS/cmdline"
    is_busy 127.0.0.3
    rm "$WORK/out/stay"
    done_with

    : >"$WORK/out/stay"
    action_is '(while [ -e $WORK/out/stay ]; do sleep 0.05; done; echo survived >$WORK/out/said) </dev/null >/dev/null 2>&1 & echo $! >>$WORK/out/knock'
    knock 127.0.0.2=sesame
    kill -0 "$(tail -n 1 "$WORK/out/knock")"
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right "receipt while a child of the first one goes on"
    rm "$WORK/out/stay"
    eventually grep -qx survived "$WORK/out/said"
}

@test "single=: of 200 right knocks at once one is accepted and run, the others are busy, and no strike is left" {
    # It ends when it is known what has become of all of them.
    action_is "echo \$\$ >>\$WORK/out/knock; until [ \"\$(grep -cE 'reason=busy|accepted source=' $LOG)\" -ge 200 ]; do sleep 0.2; done"
    chmod a+r "$LOG"
    write_door MAX_BAD_CONNS=300
    one_by_one --hold "127.0.2.1=sesamex200"
    is "$(how_many receipt right)" 1 "accepted"
    is "$(how_many length 32)" 199 "refused"
    is "$(acted)" 1 actions
    logged_times 199 'refused source=127\.0\.2\.1 reason=busy action=knock$'
    is "$(in_slot 127.0.2.1 strikes)" 0 strikes
}

@test "single=: each action has its own, and two lines of one name have one" {
    write_door "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\",\"single=yes\"" \
        "ACTION=\"rye\",\"$WORK/bin/other\",\"65534\",\"65534\",\"name=knock\",\"single=yes\"" \
        "ACTION=\"oats\",\"$WORK/bin/other\",\"65534\",\"65534\",\"name=knock\""
    begin 127.0.0.2
    one_by_one 127.0.0.3=barley 127.0.0.4=rye 127.0.0.5=oats
    is "$(lengths)" '64 32 64' "bytes of another one, of the same by another secret, and of one that has no single="
    logged_times 1 'refused source=127\.0\.0\.4 reason=busy action=knock$'
}

@test "single=: a handler that is killed at any system call keeps nobody out" {
    action_is 'echo ran >>$WORK/out/knock'
    kill_everywhere sesame
    echo "# $KILLS moments" >&3
    grep -qa ostused "$WORK"/kill.*/state-root/used
    knock_again sesame
    is "$(how_many receipt right)" "$KILLS" "accepted afterwards"
}

@test "I12: single=: an action that cannot be started is in nobody's way" {
    begin 127.0.0.9
    rm "$WORK/out/stay"
    done_with
    chmod a-x "$WORK/bin/knock"
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes for a command that cannot be run"
    logged_times 1 'refused source=127\.0\.0\.2 reason=config action=knock$'
    chmod a+x "$WORK/bin/knock"
    is_accepted 127.0.0.3
    # What is seen by execve(2) alone, behind the receipt.
    cp /bin/true "$WORK/bin/knock"
    exec 7>>"$WORK/bin/knock"
    knock 127.0.0.4=sesame
    exec 7>&-
    is "$(of 1 receipt) $(of 1 status)" 'right 126' "receipt, and status where execve(2) fails"
    is_accepted 127.0.0.5
}

# started_with SOURCE: what the action was started with, less what each process has of its own.
started_with() {
    knock "$1=sesame" >&2
    is "$(of 1 receipt)" right receipt >&2
    grep -hE '^(arg|env|fd|cwd|umask|key|terminal|Uid|Gid|Groups|Sig|Shd|Cap|Max)' "$WORK"/out/dump.* |
        grep -v OSTIARY_PORT | sed "s/${1//./[.]}/ADDRESS/"
    rm "$WORK"/out/dump.*
}

@test "I7: with single=yes the action starts with nothing that it has not without" {
    local with
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/knock"
    with=$(started_with 127.0.0.2)
    matches "$with" 'fd 0 /dev/null'
    sed -i 's/,"single=yes"//' "$CONFIG"
    is "$with" "$(started_with 127.0.0.3)" "what it starts with"
}

@test "single=: a number that another process has by now is told from the one that ran" {
    sleep 600 3>&- &
    HELPERS+=($!)
    "$OSTIARY_BUILD/tests/make-run" "$WORK/state" knock $! 0
    is_busy 127.0.0.2
    "$OSTIARY_BUILD/tests/make-run" "$WORK/state" knock $! 1
    is_accepted 127.0.0.2
}

@test "single=: what ran in another boot does not run in this one, though the number is somebody's" {
    write_door "ACTION=\"rye\",\"$WORK/bin/other\",\"65534\",\"65534\",\"name=knock\",\"single=yes\""
    another_boot
    begin 127.0.0.2
    is_busy 127.0.0.3
    another_boot
    knock 127.0.0.3=rye
    is "$(of 1 receipt)" right receipt
    kill -0 "$RUNS"
}

@test "I8: single=: where it cannot be told which process or which boot it is, nobody has the action, without a strike" {
    rm "$WORK/out/stay"
    DOOR_WITH=(unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes without /proc"
    logged_times 1 'action=knock: single= cannot be kept without /proc and the boot.s identity: set OSTIARY_BOOT_ID, as its unit does'
    logged_times 1 'refused source=127\.0\.0\.2 reason=state action=knock$'
    OSTIARY_BOOT_ID=$(</proc/sys/kernel/random/boot_id) knock 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes with the identity, and without /proc"
    logged_times 1 'action=knock: single= cannot be kept without /proc and the boot.s identity: No such file or directory'
    # Numbers of another namespace.
    DOOR_WITH=(unshare --pid --fork)
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 32 "bytes with a /proc of other numbers"
    logged_times 1 'action=knock: single= cannot be kept without /proc and the boot.s identity: No such process'
    DOOR_WITH=()
    is "$(in_slot 127.0.0.2 strikes) $(acted)" '0 0' "strikes and actions"
    is_accepted 127.0.0.2
}

@test "I8: single=: a damaged record keeps out who asks for such an action and nobody else, until it has been repaired" {
    local record=$WORK/state-root/used
    write_door "ACTION=\"barley\",\"$WORK/bin/other\",\"65534\",\"65534\""
    is_accepted 127.0.0.9
    printf x | dd of="$record" bs=1 seek=150 conv=notrunc status=none
    one_by_one 127.0.0.2=sesame 127.0.0.2=barley
    is "$(lengths)" '32 64' "bytes"
    logged_times 1 "$WORK/state: the record of used codes is damaged: run ostiaryctl repair"
    logged_times 1 'refused source=127\.0\.0\.2 reason=state action=knock$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    ctl 74 verify
    matches "$output" '1 slots of the record of used codes are damaged: .* actions with single=yes'
    ctl 78 check
    matches "$output" 'error: 1 slots of the record of used codes are damaged, so that some who need a code, or an action with single=yes, do not get in'
    ctl 0 repair
    matches "$output" '1 damaged slots of the record of used codes are forgotten: .* an action with single=yes that runs may be started once more'
    ctl 0 verify
    is_accepted 127.0.0.2
}

@test "single=: a one-time code is used up by a knock that comes to nothing, too" {
    (umask 077 && printf 'hex:3132333435363738393031323334353637383930\nperiod=300\n' >"$WORK/key")
    local code now
    # The record is of now, and what is older than it, or of the next steps, counts as used.
    now=$(date +%s)
    code=$(oathtool --totp --time-step-size=300s -N "$(date -ud "@$((now + 900))" '+%F %T UTC')" 3132333435363738393031323334353637383930)
    begin 127.0.0.2
    action_is "$STAYING" "totp=$WORK/key"
    knock --clock=$((now + 900)) "127.0.0.3=sesame$code"
    is "$(of 1 length)" 32 "bytes while it runs"
    logged_times 1 'refused source=127\.0\.0\.3 reason=busy action=knock$'
    rm "$WORK/out/stay"
    done_with
    knock --clock=$((now + 910)) "127.0.0.3=sesame$code"
    logged_times 1 'refused source=127\.0\.0\.3 reason=used action=knock$'
}

# The sealed door with actions of its own, as user ostiary.
sealed_door() {
    two_doors
    chown 64000:64000 "$WORK/state"
    chmod a+x "$WORK"
    HANDLER=("${AT_OSTIARYS[@]}")
    # Two users write to it.
    : >"$WORK/out/knock"
    chmod 666 "$WORK/out/knock"
}

@test "single=: the sealed door has a record of its own, in STATE_DIR: what runs there is not in the way at root's" {
    local first
    sealed_door
    begin 127.0.0.2
    first=$BEGUN
    is_busy 127.0.0.3
    is "$(stat -c '%u %a' "$WORK/state/used")" '64000 600' "its record"
    [ ! -e "$WORK/state-root/used" ]
    HANDLER=("${AT_ROOTS[@]}")
    begin 127.0.0.4 2
    is_busy 127.0.0.5
    HANDLER=("${AT_OSTIARYS[@]}")
    rm "$WORK/out/stay"
    wait "$first" "$BEGUN"
    is_accepted 127.0.0.3
}

@test "single=: where the sealed door does not see other users' processes, its own are in the way and theirs are not" {
    sealed_door
    # As ProtectProc=invisible has it.
    DOOR_WITH=(unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh)
    begin 127.0.0.2
    is_busy 127.0.0.3
    kill -KILL "$RUNS"
    done_with
    # Its number is root's by now.
    sleep 600 3>&- &
    HELPERS+=($!)
    setpriv --reuid 64000 --regid 64000 --clear-groups "$OSTIARY_BUILD/tests/make-run" "$WORK/state" knock $! 0
    rm "$WORK/out/stay"
    knock 127.0.0.3=sesame
    is "$(of 1 length)" 32 "bytes where a program could have become root's"
    logged_times 1 'action=knock: the process that may be running it cannot be seen: mount /proc without hidepid='
    HANDLER=("${BESIDE[@]}" setpriv --no-new-privs --reuid 64000 --regid 64000 --clear-groups "$OSTIARYD" -e -c "$WORK/ostiary-sealed.cfg")
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right "receipt where none could"
}

@test "single=: root at the sealed door's configuration starts nothing twice, though it looks as the owner of STATE_DIR" {
    sealed_door
    sed -i 's/"64000","64000"/"65534","65534"/' "$WORK/ostiary-sealed.cfg"
    # As that owner it does not see what it has started, and may not signal it.
    DOOR_WITH=(unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh)
    HANDLER=("${BESIDE[@]}" setpriv --no-new-privs "$OSTIARYD" -e -c "$WORK/ostiary-sealed.cfg")
    begin 127.0.0.2
    is_busy 127.0.0.3
    logged_times 1 'action=knock: the process that may be running it cannot be seen: mount /proc without hidepid='
    rm "$WORK/out/stay"
    done_with
    is_accepted 127.0.0.3
}
