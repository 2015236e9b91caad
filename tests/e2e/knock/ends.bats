#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I13: everything has an end. No log, look-up, file or library holds a handler, and no action starts when its peer has given
# up.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"daemon\""
    write_door COMM_TIMEOUT=3
}

teardown() {
    end_helpers
    stop_sink
    remove_work
}

# within LOW HIGH: the first knock was at its end so many milliseconds after it had connected.
within() {
    local ms
    ms=$(of 1 end_ms)
    if [ "$ms" -lt "$1" ] || [ "$ms" -gt "$2" ]; then
        is "$ms" "$1 to $2" milliseconds
    fi
}

deaf() {
    "$TOOLS/deaf.py" "$@" 3>&- &
    HELPERS+=($!)
    eventually test -e "$2"
}

# ---- The log ----

# The limit is far beyond the patience that there is with a log, and far below that of the handler.
logs_nowhere() {
    write_door COMM_TIMEOUT=60
    knock 127.0.0.2=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status"
    within 0 30000
    eventually test -e "$WORK/out/knock"
    knock 127.0.0.3=wrong
    is "$(of 1 length) $(of 1 status)" '32 0' "bytes and exit status of a wrong knock"
    within 0 30000
    is "$(in_slot 127.0.0.3 strikes)" 1 "its strikes"
}

@test "I13: a /dev/log that is full and that nobody reads holds up neither handler nor action" {
    HANDLER=("$OSTIARYD" -c "$CONFIG")
    deaf datagrams "$WORK/log.sock"
    DOOR_WITH=(with_syslog)
    logs_nowhere
}

@test "I13: nor does a /dev/log that takes connections, and has no room for one more" {
    HANDLER=("$OSTIARYD" -c "$CONFIG")
    deaf stream "$WORK/log.sock"
    DOOR_WITH=(with_syslog)
    logs_nowhere
}

@test "I13: nor does standard error that is a full pipe" {
    deaf pipe "$WORK/full"
    LOG=$WORK/full
    logs_nowhere
}

@test "the log is in syslog where that is a stream" {
    HANDLER=("$OSTIARYD" -c "$CONFIG")
    DOOR_WITH=(with_syslog)
    "$TOOLS/listener.py" "$WORK/log.sock" "$WORK/said" 3>&- &
    HELPERS+=($!)
    eventually test -S "$WORK/log.sock"
    knock 127.0.0.2=sesame
    eventually grep -qE "^b'<37>ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.2 action=knock uid=1 gid=1\\\\x00'" "$WORK/said"
}

# ---- The user database ----

# hangs WHAT STATUS: a right knock is dropped when COMM_TIMEOUT is over. Its strike has been taken back.
hangs() {
    knock --env="OSTIARY_TEST_BREAK=$1" 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 receipt) $(of 1 status)" "32 none $2" "bytes, receipt and exit status"
    within 2900 30000
    is "$(acted) $(in_slot 127.0.0.2 strikes)" '0 0' "actions and strikes"
}

@test "I13: a name service that hangs: dropped at COMM_TIMEOUT, the action is not run, the strike is not kept" {
    hangs hang-getpwnam_r 75
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline action=knock step=action$'
    : >"$LOG"
    hangs hang-getgrouplist 75
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline action=knock step=action$'
}

@test "I13: a library that hangs and lets no signal through is killed" {
    # Nothing more can be said of it.
    hangs deaf-getpwnam_r -9
}

@test "I13: a user database that is a FIFO nobody writes to" {
    mkfifo "$WORK/passwd"
    # shellcheck disable=SC2016 # for the inner shell
    HANDLER=(unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$WORK/passwd" "${HANDLER[@]}")
    hangs none 75
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline action=knock step=action$'
}

@test "I13: LOCKOUT_ACTION whose user is looked up for ever is not run, and the log says so" {
    write_door MAX_BAD_CONNS=1 COMM_TIMEOUT=1 "LOCKOUT_ACTION=\"\",\"$WORK/bin/knock\",\"daemon\""
    knock --patience=60 --env=OSTIARY_TEST_BREAK=hang-getpwnam_r 127.0.0.2=wrong
    is "$(of 1 length) $(of 1 status)" '32 75' "bytes and exit status"
    # The peer has gone long before.
    within 0 15000
    logged_times 1 'locked source=127\.0\.0\.2 '
    logged_times 1 'LOCKOUT_ACTION=knock is not run: the time was up'
    is "$(acted)" 0 actions
}

# ---- Files ----

@test "I13: a FIFO in place of each file is refused at once" {
    local file
    write_door COMM_TIMEOUT=60
    for file in ostiary.cfg state/lockout state/closed bin/knock; do
        : >"$LOG"
        mv "$WORK/$file" "$WORK/kept" 2>/dev/null || true
        mkfifo -m 700 "$WORK/$file"
        knock 127.0.0.2=sesame
        is "$(of 1 receipt)" none "receipt, $file"
        matches "$(of 1 status)" '^(78|74|0)$'
        within 0 30000
        logged 'refused source=127\.0\.0\.2 reason=(config|state|closed)'
        rm "$WORK/$file"
        mv "$WORK/kept" "$WORK/$file" 2>/dev/null || true
    done
    echo sesame >"$WORK/key"
    chmod 600 "$WORK/key"
    ACTION="ACTION=\"\",\"$WORK/bin/knock\",\"daemon\",\"secret-file=$WORK/key\""
    write_door COMM_TIMEOUT=60
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right "receipt with a file for the secret"
    rm "$WORK/key"
    mkfifo -m 600 "$WORK/key"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 status)" '32 78' "bytes and exit status"
    within 0 30000
}

# ---- Too late ----

# late SECONDS CONDITION: a right knock whose handler is stopped for so long. Nothing is run, and the peer hears nothing.
late() {
    stopped_by "${@:2}" 127.0.0.2=sesame
    sleep "$1"
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 length)" 32 bytes
    is "$(KNOCKS=$WORK/stopped-knocks of 1 status)" 75 "exit status"
    is "$(acted)" 0 actions
}

@test "I13: no action starts later than COMM_TIMEOUT after its reply: stopped before the strike, none is charged" {
    write_door COMM_TIMEOUT=3
    knock 127.0.0.9=leave
    # It reads its configuration for the second time.
    late 3.5 -P "$CONFIG" -e trace=openat -e inject=openat:signal=SIGSTOP:when=2
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline step=secrets$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
}

@test "I13: stopped when the strike has been written and not been judged: it stands" {
    write_door COMM_TIMEOUT=3
    knock 127.0.0.9=leave
    late 3.5 -e trace=flock -e inject=flock:signal=SIGSTOP:when=4
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline step=strike$'
    is "$(in_slot 127.0.0.2 strikes)" 1 strikes
    # And where it locks, that is said.
    : >"$LOG"
    write_door COMM_TIMEOUT=3 MAX_BAD_CONNS=1
    rm "$WORK/state/lockout"
    knock 127.0.0.9=leave
    late 3.5 -e trace=flock -e inject=flock:signal=SIGSTOP:when=5
    logged_times 1 'locked source=127\.0\.0\.2 strikes=1 until=20[0-9-]*T[0-9:]*Z reason=deadline step=comparison$'
}

@test "I13: stopped before the receipt: there is none, and no action" {
    write_door COMM_TIMEOUT=3
    stopped_by -e trace=chdir -e inject=chdir:signal=SIGSTOP:when=1 127.0.0.2=sesame
    sleep 3.5
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 receipt)" none receipt
    is "$(acted)" 0 actions
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline action=knock step=action$'
}

@test "I13: a reply that is read late counts from when it arrived" {
    # Stopped before it waits for the reply, which is there by then.
    stopped_by -e trace=sendto -e inject=sendto:signal=SIGSTOP:when=1 127.0.0.2=sesame
    sleep 3.5
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 receipt)" none receipt
    is "$(KNOCKS=$WORK/stopped-knocks of 1 status)" 75 "exit status"
    is "$(acted) $(in_slot 127.0.0.2 strikes)" '0 0' "actions and strikes"
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline step='
}

@test "I7: the action has no deadline" {
    write_action knock 'sleep 4' "echo done >>$WORK/out/knock"
    write_door COMM_TIMEOUT=3
    knock 127.0.0.2=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status"
    is "$(cat "$WORK/out/knock")" 'done' "what it did"
}

# ---- Short of descriptors, and what a library does about that ----

@test "I8: too few descriptors: the limit is raised where it may be, or named; the action has it as it was" {
    # With fewer the dynamic linker does not come as far as the handler.
    HANDLER=(prlimit --nofile=4:32 "${SERVER[@]}")
    write_action knock "ulimit -n >$WORK/out/knock"
    knock 127.0.0.2=sesame
    is "$(of 1 receipt)" right "receipt with a soft limit of 4"
    HANDLER=(prlimit --nofile=8:31 "${SERVER[@]}")
    knock 127.0.0.3=sesame
    is "$(of 1 length) $(of 1 status)" '0 71' "bytes and exit status with a hard limit of 31"
    logged_times 1 'the hard limit of descriptors \(RLIMIT_NOFILE\) is below 32: raise it'
    run prlimit --nofile=8:31 "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 71 "status of -t"
    matches "$output" 'hard limit of descriptors'
    HANDLER=(prlimit --nofile=12:64 "${SERVER[@]}")
    knock 127.0.0.4=sesame
    eventually grep -qx 12 "$WORK/out/knock"
}

@test "I8: a library that ends the process: the peer is dropped, the log says so, and the status is ours" {
    knock --env=OSTIARY_TEST_BREAK=abort-gcry_md_open 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 71' "bytes, end and exit status"
    logged_times 1 'a library has ended this process \(SIGABRT\): are memory and descriptors short\?'
    logged_times 1 'refused source=127\.0\.0\.2 reason=state step=comparison$'
    is "$(in_slot 127.0.0.2 strikes)" 1 "strikes: unjudged, it stands"
}
