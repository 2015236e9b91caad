#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Doubt denies: each thing that is not as it must be drops the peer, is logged once with what to do about it, and is what
# `ostiaryd -t` says as well.

load ../../lib/common
load ../../lib/launch

setup() {
    need_root
    make_work
    use_handler
    write_action knock "touch $WORK/out/knock"
    # A root action's command, in a directory of its own.
    mkdir -p "$WORK/a/b"
    cp "$WORK/bin/knock" "$WORK/a/b/run"
    echo 'open sesame' >"$WORK/key"
    chmod 600 "$WORK/key"
    write_config 'MIN_LOGLEVEL=LOG_INFO' "ACTION=\"\",\"$WORK/a/b/run\",\"0\",\"0\",\"secret-file=$WORK/key\""
    record_status
    tried=0
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# denied BYTES REGEX: the peer gets so many bytes, nothing is run, the status is 78; the log and -t both match REGEX.
denied() {
    tried=$((tried + 1))
    : >"$LOG"
    peer --source "127.0.3.$tried" --secret 'open sesame'
    is "$(field length)" "$1" "bytes received"
    is "$(field end)" eof end
    ended 78 "$tried"
    [ ! -e "$WORK/out/knock" ]
    logged "refused source=127\.0\.3\.$tried reason=config"
    logged "$2"
    is "$(handler_lines | grep -c 'error: ')" 1 "lines with the cause"
    run "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    matches "$output" "$2"
}

# allowed: the same configuration, put right, lets the same knock in.
allowed() {
    tried=$((tried + 1))
    peer --source "127.0.3.$tried" --secret 'open sesame'
    is "$(field receipt)" right receipt
    ended 0 "$tried"
    eventually test -e "$WORK/out/knock"
    rm "$WORK/out/knock"
    run "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 0 "status of -t"
}

@test "I8: a configuration with wrong modes or owner is refused, with the reason" {
    start_socket_activate
    allowed
    chmod 620 "$CONFIG"
    denied 0 'ostiary\.cfg: error: .*writable by its group or others'
    chmod 604 "$CONFIG"
    denied 0 'ostiary\.cfg: error: .*readable by others'
    chmod 602 "$CONFIG"
    denied 0 'ostiary\.cfg: error: .*writable by its group or others'
    chmod 600 "$CONFIG"
    chown nobody "$CONFIG"
    denied 0 'ostiary\.cfg: error: .*owned by neither root nor'
    chown root "$CONFIG"
    chmod 640 "$CONFIG"
    chgrp daemon "$CONFIG"
    allowed
    mv "$CONFIG" "$WORK/real.cfg"
    denied 0 'ostiary\.cfg: error: .*No such file'
    mkfifo -m 600 "$CONFIG"
    denied 0 'ostiary\.cfg: error: .*not a regular file'
    rm "$CONFIG"
    ln -s "$WORK/real.cfg" "$CONFIG"
    allowed
}

@test "I8: a secret file with wrong modes or owner is refused, with the reason" {
    start_socket_activate
    allowed
    chmod 640 "$WORK/key"
    allowed
    chmod 604 "$WORK/key"
    denied 32 'ostiary\.cfg:6: error: .*secret-file.* readable by others'
    chmod 620 "$WORK/key"
    denied 32 'error: .*writable by its group or others'
    chmod 600 "$WORK/key"
    chown nobody "$WORK/key"
    denied 32 'error: .*owned by neither root nor'
    chown root "$WORK/key"
    : >"$WORK/key"
    denied 32 'error: .*empty'
    rm "$WORK/key"
    denied 32 'error: .*No such file'
    mkdir -m 700 "$WORK/key"
    denied 32 'error: .*not a regular file'
}

@test "I8: a root action's command that another could change is refused, with the path at fault" {
    start_socket_activate
    allowed
    chown nobody "$WORK/a/b/run"
    denied 32 "error: .*$WORK/a/b/run. is not owned by root"
    chown root "$WORK/a/b/run"
    chmod 775 "$WORK/a/b/run"
    denied 32 "error: .*$WORK/a/b/run. is writable by"
    chmod 757 "$WORK/a/b/run"
    denied 32 "error: .*$WORK/a/b/run. is writable by"
    chmod 644 "$WORK/a/b/run"
    denied 32 'error: .*is not executable'
    chmod 755 "$WORK/a/b/run"
    allowed
}

@test "I8: a directory above a root action's command that another could change is refused, with its path" {
    start_socket_activate
    allowed
    chmod 775 "$WORK/a/b"
    denied 32 "error: .*$WORK/a/b. is writable by"
    chmod 755 "$WORK/a/b"
    chmod 757 "$WORK/a"
    denied 32 "error: .*$WORK/a. is writable by"
    chmod 1777 "$WORK/a"
    denied 32 "error: .*$WORK/a. is writable by"
    chmod 755 "$WORK/a"
    chown nobody "$WORK/a"
    denied 32 "error: .*$WORK/a. is not owned by root"
    chown root "$WORK/a"
    allowed
}

@test "I8: a link on the way to a root action's command is followed and judged" {
    start_socket_activate
    mkdir -m 777 "$WORK/loose"
    cp "$WORK/bin/knock" "$WORK/loose/run"
    rm "$WORK/a/b/run"
    ln -s "$WORK/loose/run" "$WORK/a/b/run"
    denied 32 "error: .*$WORK/loose. is writable by"
    chmod 755 "$WORK/loose"
    allowed
    rm "$WORK/a/b/run" && rmdir "$WORK/a/b"
    ln -s "$WORK/loose" "$WORK/a/b"
    allowed
    chmod 777 "$WORK/loose"
    denied 32 "error: .*$WORK/loose. is writable by"
}

@test "I8: for an action that does not run as root, the command may be anybody's" {
    write_config "ACTION=\"open sesame\",\"$WORK/a/b/run\",\"65534\",\"65534\""
    chmod 777 "$WORK/a" "$WORK/a/b" "$WORK/a/b/run"
    chown nobody "$WORK/a/b/run"
    start_socket_activate
    allowed
}

@test "I8: an unknown user or group is refused, with the line that it stands in" {
    start_socket_activate
    write_config "ACTION=\"open sesame\",\"$WORK/a/b/run\",\"no-such-user\""
    denied 32 "ostiary\.cfg:5: error: (ACTION: )?user: there is no such user"
    write_config "ACTION=\"open sesame\",\"$WORK/a/b/run\",\"daemon\",\"no-such-group\""
    denied 32 "ostiary\.cfg:5: error: (ACTION: )?group: there is no such group"
    write_config "ACTION=\"open sesame\",\"$WORK/a/b/run\",\"54321\""
    denied 32 "ostiary\.cfg:5: error: (ACTION: )?user: no user has this number"
}

@test "I8: a missing right: a handler that is not root does not run another user's action" {
    write_config "ACTION=\"open sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    chown daemon "$CONFIG" "$WORK/state"
    SERVER=(/usr/bin/setpriv --reuid daemon --regid daemon --clear-groups "$OSTIARYD" -c "$CONFIG")
    record_status
    chmod 777 "$WORK"
    start_socket_activate
    peer --source 127.0.0.2 --secret 'open sesame'
    is "$(field length)" 32 "bytes received"
    ended 78
    [ ! -e "$WORK/out/knock" ]
    logged 'error: .*only root'
    logged 'refused source=127\.0\.0\.2 reason=config'
}

# broken NAME STATUS: this function fails in the handler. The peer gets nothing at all.
broken() {
    SERVER=(/usr/bin/env LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_BREAK="$1" "$OSTIARYD" -c "$CONFIG")
    record_status
    start_socket_activate
    peer --source 127.0.0.3 --secret 'open sesame'
    is "$(field length) $(field end)" "0 eof"
    eventually has_lines "$WORK/status" 1
    matches "$(cat "$WORK/status")" "$2"
    logged 'refused source=127\.0\.0\.3 reason='
    [ ! -e "$WORK/out/knock" ]
}

@test "-t: findings that nobody can read are no good configuration, and without -c it is the one of the build" {
    local path
    run bash -c '"$1" -t -c "$2" >/dev/full' bash "$OSTIARYD" "$WORK/none.cfg"
    is "$status" 74 "status where the disk is full"
    path=$("$OSTIARYD" --help | sed -n 's/.*(default: \(.*\)).*/\1/p')
    matches "$path" '^/.*/ostiary\.cfg$'
    # Whatever this machine has there is out of sight; where there is no such directory, there is no such file.
    # shellcheck disable=SC2016 # for the shell inside
    run unshare --mount sh -c '[ ! -d "${1%/*}" ] || mount -t tmpfs none "${1%/*}"; exec "$2" -t' sh "$path" "$OSTIARYD"
    is "$status" 78 "status of -t alone"
    matches "$output" "^$path: error: .*No such file"
}

@test "I8: no random bytes, no seed" {
    # The table is there already: it is for the seed alone that random bytes are wanted.
    start_socket_activate
    allowed
    stop_launcher
    rm "$WORK/status"
    broken getrandom-32 '^7[0-9]$'
    logged 'random'
}

@test "I8: no random bytes at all, no seed" {
    broken getrandom '^7[0-9]$'
    logged 'random'
}

@test "I8: no locked memory for the configuration, no seed" {
    broken mlock '^7[0-9]$'
    logged 'locked memory'
}
