#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I12: accepted means started. Whatever can be known to stop an action is known before anybody is told "accepted", the log
# says what it is, and so do ostiaryd -t and ostiaryctl check.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    COMMAND=$WORK/bin/knock
}

teardown() {
    end_helpers
    stop_sink
    remove_work
}

# not_started REGEX: a right knock gets its seed and no receipt, nothing is run, no strike is left; the line of the
# configuration and the cause are in the log, in the words of -t and check.
not_started() {
    : >"$LOG"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 78' "bytes, end and exit status: $1"
    logged_times 1 "ostiary\.cfg:[0-9]+: error: command: $1"
    logged_times 1 'refused source=127\.0\.0\.2 reason=config action='
    not_logged accepted
    is "$(acted) $(in_slot 127.0.0.2 strikes)" '0 0' "actions and strikes: $1"
    rehearsed "ostiary\.cfg:[0-9]+: error: ACTION: command: $1"
}

rehearsed() {
    run "${DOOR_WITH[@]}" "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    matches "$output" "$1"
    run "${DOOR_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    is "$status" 78 "status of check"
    matches "$output" "$1"
}

started() {
    knock 127.0.0.3=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status"
    rm -f "$WORK/out/knock"
    run "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 0 "status of -t, which says: $output"
}

@test "I12: a command that is no program is refused, with what is wrong with its first line" {
    printf 'touch %s\n' "$WORK/out/knock" >"$COMMAND"
    not_started "'$COMMAND' is no program: its first line must be #! and an interpreter, such as #!/bin/sh"
    : >"$COMMAND"
    not_started "'$COMMAND' is empty: its first line must be #! and an interpreter"
    printf '#!/bin/sh\r\ntouch %s\r\n' "$WORK/out/knock" >"$COMMAND"
    not_started "'$COMMAND': its first line ends in a carriage return: save it with Unix line ends"
    printf '#!/bin/sh -e\r\n' >"$COMMAND"
    not_started "'$COMMAND': its first line ends in a carriage return: save it with Unix line ends"
    printf '#!\n' >"$COMMAND"
    not_started "'$COMMAND' names no interpreter in its first line: write one behind the #!"
    printf '\177ELF and so on' >"$COMMAND"
    not_started "'$COMMAND' is a program for another kind of machine"
    started_after '#!/bin/sh'
}

started_after() {
    printf '%s\ntouch %s\n' "$1" "$WORK/out/knock" >"$COMMAND"
    started
}

@test "I12: a format that binfmt_misc knows takes its own files, and makes no others good" {
    local formats=$WORK/formats
    mkdir "$formats"
    echo enabled >"$formats/status"
    printf 'enabled\ninterpreter /bin/sh\nflags: \noffset 0\nmagic 70756c7365\n' >"$formats/pulse"
    # A copy of what the kernel would show: it is not told of the format, so that what is good here does not start.
    # shellcheck disable=SC2016 # for the inner shell
    DOOR_WITH=(unshare --mount sh -c 'mount -t tmpfs none /proc/sys/fs && mkdir /proc/sys/fs/binfmt_misc &&
        mount --bind "$0" /proc/sys/fs/binfmt_misc && exec "$@"' "$formats")
    echo 'echo hello' >"$COMMAND"
    not_started "'$COMMAND' is no program: its first line must be #! and an interpreter"
    echo 'pulse 60' >"$COMMAND"
    knock 127.0.0.4=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 126' "receipt and exit status"
    logged_times 1 "action=knock command '$COMMAND': cannot be run: Exec format error"
    echo disabled >"$formats/status"
    not_started "'$COMMAND' is no program: its first line must be #! and an interpreter"
}

@test "I12: a command whose interpreter is not there, or may not be used, is refused with both names" {
    printf '#!%s/shell\n' "$WORK" >"$COMMAND"
    not_started "'$COMMAND': its interpreter '$WORK/shell': No such file or directory"
    cp /bin/sh "$WORK/shell"
    chmod 644 "$WORK/shell"
    not_started "'$COMMAND': its interpreter '$WORK/shell' is not executable: chmod \+x"
    chmod 700 "$WORK/shell"
    not_started "'$COMMAND': its interpreter '$WORK/shell' may not be executed by user '65534': Permission denied"
    chmod 755 "$WORK/shell"
    started
}

@test "I12: a script for env is refused where env would not find its program, on the action's own PATH" {
    printf '#!/usr/bin/env no-such-shell\n' >"$COMMAND"
    not_started "'$COMMAND' is a script for 'no-such-shell', which user '65534' can execute in no directory of its PATH, /usr/"
    started_after '#!/usr/bin/env sh'
    # Root is found what others are not, and is not given what others could change.
    ACTION="ACTION=\"sesame\",\"$COMMAND\",\"0\",\"0\""
    write_door
    started_after '#!/usr/bin/env -S sh -e'
    mkdir "$WORK/sbin"
    cp /bin/sh "$WORK/sbin/own-shell"
    printf '#!/usr/bin/env own-shell\n' >"$COMMAND"
    # shellcheck disable=SC2016 # for the inner shell
    DOOR_WITH=(unshare --mount sh -c 'mount --bind "$0" /usr/local/sbin && exec "$@"' "$WORK/sbin")
    knock 127.0.0.4=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status"
    chmod 757 "$WORK/sbin/own-shell"
    not_started "'$COMMAND': its interpreter '/usr/local/sbin/own-shell' is writable by its group or others"
}

@test "I12: the command is looked at as its user: what root may and it may not is refused" {
    chmod 700 "$COMMAND"
    not_started "'$COMMAND' may not be executed by user '65534': Permission denied: see to its mode and owner"
    chmod 711 "$COMMAND"
    not_started "'$COMMAND' is a script that user '65534' may not read, which its interpreter has to: chmod \+r"
    chmod 755 "$COMMAND"
    chmod 700 "$WORK/bin"
    not_started "'$WORK/bin' is a directory that the user it runs as may not search: chmod \+x"
    chmod 755 "$WORK/bin"
    started
    # By its group, and by one of its other groups.
    chgrp 54321 "$COMMAND"
    chmod 750 "$COMMAND"
    not_started "'$COMMAND' may not be executed by user '65534'"
    ACTION="ACTION=\"sesame\",\"$COMMAND\",\"65534\",\"54321\""
    write_door
    started
}

@test "I12: a command on a file system that is mounted noexec is refused" {
    # shellcheck disable=SC2016 # for the inner shell
    DOOR_WITH=(unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,noexec "$0" && exec "$@"' "$WORK/bin")
    not_started "'$COMMAND' is on a file system that is mounted noexec: put it elsewhere"
    DOOR_WITH=()
    started
}

@test "I12: the interpreter of a root action, and the way to it, must be root's alone, as the command" {
    ACTION="ACTION=\"sesame\",\"$COMMAND\",\"0\",\"0\""
    write_door
    mkdir "$WORK/venv"
    cp /bin/sh "$WORK/venv/sh"
    printf '#!%s/venv/sh\n' "$WORK" >"$COMMAND"
    started
    chown 65534 "$WORK/venv"
    not_started "'$COMMAND': its interpreter '$WORK/venv/sh': '$WORK/venv' is not owned by root"
    chown 0 "$WORK/venv"
    chmod 757 "$WORK/venv/sh"
    not_started "'$COMMAND': its interpreter '$WORK/venv/sh' is writable by"
}

@test "I12: LOCKOUT_ACTION is looked at in the same way" {
    write_door MAX_BAD_CONNS=1 "LOCKOUT_ACTION=\"\",\"$WORK/bin/alarm\",\"65534\",\"65534\""
    printf '#!/bin/sh\r\n' >"$WORK/bin/alarm"
    chmod 755 "$WORK/bin/alarm"
    knock 127.0.0.2=wrong
    is "$(of 1 status)" 78 "exit status"
    logged_times 1 'locked source=127\.0\.0\.2 '
    logged_times 1 "ostiary\.cfg:[0-9]+: error: command: '$WORK/bin/alarm': its first line ends in a carriage return"
    not_logged 'is run'
    rehearsed "ostiary\.cfg:[0-9]+: error: LOCKOUT_ACTION: command: '$WORK/bin/alarm': its first line ends in a carriage return"
}

@test "I12: a user with as many processes as RLIMIT_NPROC allows: no receipt, and the log names the limit" {
    HANDLER=("${NO_LEAK_CHECK[@]}" prlimit --nproc=0 "${HANDLER[@]}")
    # One is more than none.
    setpriv --reuid 54321 --clear-groups sleep 600 3>&- &
    HELPERS+=($!)
    ACTION="ACTION=\"sesame\",\"$COMMAND\",\"54321\",\"54321\""
    write_door
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 status)" '32 126' "bytes and exit status"
    logged_times 1 "action=knock command '$COMMAND': its user has as many processes as RLIMIT_NPROC lets him have"
    is "$(acted)" 0 actions
}

# stopped_at CALL[,WHEN] ERROR TEXT: this call of the steps to the action fails. No receipt, status 126, and it is said.
stopped_at() {
    local handler=("${HANDLER[@]}")
    DOOR_PRELOAD=
    : >"$LOG"
    witnessed_by strace -f -o "$WORK/trace" -e "trace=${1%%,*}" -e "inject=${1%%,*}:error=$2:when=${1##*,}"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 126' "bytes, end and exit status, $1"
    logged_times 1 "action=knock command '$COMMAND': $3"
    is "$(acted)" 0 "actions, $1"
    HANDLER=("${handler[@]}")
}

@test "I12: no receipt where a step to the action fails" {
    knock 127.0.0.9=leave
    stopped_at keyctl,1 EDQUOT "cannot leave the launcher's session keyring: Disk quota exceeded"
    stopped_at setsid,1 EIO "cannot give up the launcher's terminal: Input/output error"
    stopped_at capget,1 EPERM "cannot drop the launcher's inheritable capabilities: Operation not permitted"
    # The first six looked at the script, its interpreter and the loader of that, as its user and back.
    stopped_at setgroups,7 EPERM "cannot take on its user and groups: Operation not permitted"
    stopped_at chdir,1 EIO "cannot make its environment, signals, limits and directory: Input/output error"
    stopped_at dup2,1 EBUSY "cannot replace the descriptors: Device or resource busy"
}

@test "I12: what only execve knows is told as it is: the receipt is out, the log has the cause" {
    DOOR_PRELOAD=
    # Somebody has it open for writing: that cannot be seen without trying.
    cp /bin/true "$COMMAND"
    exec 7>>"$COMMAND"
    knock 127.0.0.2=sesame
    exec 7>&-
    is "$(of 1 receipt) $(of 1 status)" 'right 126' "receipt and exit status"
    logged_times 1 "action=knock command '$COMMAND': cannot be run: Text file busy"
    logged_times 1 'accepted source=127\.0\.0\.2 action=knock '
}

@test "I12: an interpreter that vanishes at the last moment is named, and the command is not said to be missing" {
    cp /bin/sh "$WORK/shell"
    printf '#!%s/shell\n' "$WORK" >"$COMMAND"
    # When all has been looked at, and the receipt is not out yet.
    stopped_by -e trace=chdir -e inject=chdir:signal=SIGSTOP:when=1 127.0.0.2=sesame
    rm "$WORK/shell"
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 status)" 127 "exit status"
    logged_times 1 "action=knock command '$COMMAND': its interpreter '$WORK/shell': No such file or directory"
}
