#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Peers of every kind: nothing but protocol bytes reaches them, and none keeps a handler beyond its deadline.

bats_require_minimum_version 1.5.0

load ../../lib/common
load ../../lib/launch

setup() {
    need_root
    make_work
    use_handler
    write_action knock "touch $WORK/out/knock"
    ACTION="ACTION=\"open sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    write_config "$ACTION"
    record_status
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# In most tests here the deadline is an hour away: what ends has not ended because of it.

@test "a peer that sends nothing is dropped at the deadline" {
    write_config COMM_TIMEOUT=2 "$ACTION"
    start_socket_activate
    peer --source 127.0.0.2 --reply none
    is "$(field length) $(field end)" "32 eof"
    [ "$(field end_ms)" -ge 1990 ] || is "$(field end_ms)" 'at least 2000' milliseconds
    ended 0
    logged 'rejected source=127\.0\.0\.2 reason=timeout'
}

@test "a peer that sends 31 bytes and waits is dropped at the deadline" {
    write_config COMM_TIMEOUT=2 "$ACTION"
    start_socket_activate
    peer --source 127.0.0.3 --secret 'open sesame' --reply short=31
    is "$(field length) $(field end)" "32 eof"
    ended 0
    logged 'rejected source=127\.0\.0\.3 reason=timeout'
}

@test "a peer that sends a byte a second is dropped at the deadline: bytes do not move it" {
    write_config COMM_TIMEOUT=3 "$ACTION"
    start_socket_activate
    peer --source 127.0.0.4 --secret 'open sesame' --reply slow
    # With its last byte, after half a minute, the reply would have been right.
    is "$(field length)" 32
    ended 0
    logged 'rejected source=127\.0\.0\.4 reason=timeout'
    [ ! -e "$WORK/out/knock" ]
}

@test "a peer that closes without a byte is dropped before the deadline" {
    start_socket_activate
    peer --source 127.0.0.5 --reply none --close
    is "$(field length) $(field end)" "32 eof"
    ended 0
    logged 'rejected source=127\.0\.0\.5 reason=no-reply'
}

@test "a peer that closes after 31 bytes is dropped before the deadline" {
    start_socket_activate
    peer --source 127.0.0.6 --secret 'open sesame' --reply short=31 --close
    is "$(field length) $(field end)" "32 eof"
    ended 0
    logged 'rejected source=127\.0\.0\.6 reason=short-reply'
}

@test "what a peer sends behind its reply is never read: 33 bytes, and 1 MiB" {
    start_socket_activate
    peer --source 127.0.0.7 --secret 'open sesame' --reply extra=1
    is "$(field receipt)" right receipt
    ended 0
    logged 'accepted source=127\.0\.0\.7 '
    # What is left unread may show as a reset, after the receipt or instead of it; the handler must not mind.
    peer --source 127.0.0.8 --secret 'open sesame' --reply extra=1048544
    matches "$(field length)" '^(32|64)$'
    matches "$(field end)" '^(eof|reset)$'
    ended 0 2
    logged 'accepted source=127\.0\.0\.8 '
}

@test "a peer that resets before it can be identified leaves no trace but status 0" {
    start_socket_activate
    for source in 127.0.0.9 127.0.0.10 127.0.0.11 127.0.0.12 127.0.0.13; do
        peer --source "$source" --reset connect
    done
    # The launcher itself may have dropped some: one that stays shows that the door still works.
    peer --source 127.0.0.14 --secret 'open sesame'
    is "$(field receipt)" right receipt
    logged 'accepted source=127\.0\.0\.14 '
    eventually has_lines "$WORK/status" 1
    is "$(sort -u "$WORK/status")" 0 "exit statuses"
    not_logged 'error|timeout'
}

@test "a peer that resets after the seed is gone" {
    start_socket_activate
    peer --source 127.0.0.15 --reset seed
    ended 0
    logged 'rejected source=127\.0\.0\.15 reason=gone'
}

@test "a peer that resets in the middle of its reply is gone" {
    start_socket_activate
    peer --source 127.0.0.16 --secret 'open sesame' --reset partial
    ended 0
    logged 'rejected source=127\.0\.0\.16 reason=gone'
    [ ! -e "$WORK/out/knock" ]
}

@test "a peer that resets behind its reply gets its action all the same: a reply is a reply" {
    start_socket_activate
    peer --source 127.0.0.17 --secret 'open sesame' --reset reply
    ended 0
    logged '(accepted source=127\.0\.0\.17 |rejected source=127\.0\.0\.17 reason=gone)'
}

@test "no two of 20 seeds are the same, though all were asked for at once" {
    local n
    start_socket_activate
    for n in {1..20}; do
        "$TOOLS/peer.py" "$PORT" --source "127.0.4.$n" --reply none --close >"$WORK/peer.$n" 3>&- &
    done
    eventually all_peers_have_reported 20
    is "$(cat "$WORK"/peer.* | grep -oE '"received": "[0-9a-f]{64}"' | sort -u | wc -l)" 20 "different seeds"
}

all_peers_have_reported() {
    [ "$(cat "$WORK"/peer.* | grep -c '"length": 32')" -eq "$1" ]
}

# try WHAT LENGTH STATUS LOG [PEER ARGUMENT...]: one more connection, from one more source, to the running launcher; the
# configuration is read anew each time. The peer must get just LENGTH bytes, the handler end with STATUS, and log LOG.
try() {
    tried=$((tried + 1))
    peer --source "127.0.2.$tried" --secret 'open sesame' "${@:5}"
    is "$(field length)" "$2" "$1: bytes received"
    [ "$2" -lt 64 ] || is "$(field receipt)" right "$1: receipt"
    ended "$3" "$tried" || {
        echo "$1"
        return 1
    }
    logged "$4" || {
        echo "$1"
        return 1
    }
}

only_protocol_bytes() {
    local tried=0
    "start_$1"

    try 'right' 64 0 'accepted source=127\.0\.2\.1 '
    try 'wrong reply' 32 0 'rejected source=127\.0\.2\.2 reason=wrong-reply' --reply wrong
    try 'no reply' 32 0 'rejected source=127\.0\.2\.3 reason=no-reply' --reply none --close
    try 'short reply' 32 0 'rejected source=127\.0\.2\.4 reason=short-reply' --reply short=1 --close
    write_config COMM_TIMEOUT=2 "$ACTION"
    try 'no time' 32 0 'rejected source=127\.0\.2\.5 reason=timeout' --reply none

    write_config "$ACTION" 'NONSENSE=1'
    try 'unknown keyword' 0 78 'refused source=127\.0\.2\.6 reason=config'
    logged 'ostiary\.cfg:[0-9]+: error: '
    write_config "$ACTION" && chmod 606 "$CONFIG"
    try 'configuration for everybody' 0 78 'refused source=127\.0\.2\.7 reason=config'
    rm "$CONFIG"
    try 'no configuration' 0 78 'refused source=127\.0\.2\.8 reason=config'
    logged 'ostiary\.cfg: error: .*No such file'
    mkdir "$CONFIG"
    try 'configuration that is a directory' 0 78 'refused source=127\.0\.2\.9 reason=config'
    rmdir "$CONFIG"
    : >"$CONFIG" && chmod 600 "$CONFIG"
    try 'empty configuration' 0 78 'refused source=127\.0\.2\.10 reason=config'

    write_config "ACTION=\"\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"secret-file=$WORK/key\""
    try 'no secret file' 32 78 'refused source=127\.0\.2\.11 reason=config'
    echo 'open sesame' >"$WORK/key" && chmod 644 "$WORK/key"
    try 'secret file for everybody' 32 78 'refused source=127\.0\.2\.12 reason=config'
    chmod 600 "$WORK/key"
    try 'secret file, as it should be' 64 0 'accepted source=127\.0\.2\.13 '

    write_config "ACTION=\"open sesame\",\"$WORK/bin/nothing\",\"65534\",\"65534\""
    try 'no command' 32 78 'refused source=127\.0\.2\.14 reason=config'
    logged 'error: .*/bin/nothing'
    write_config "ACTION=\"open sesame\",\"$CONFIG\",\"65534\",\"65534\""
    try 'command that is no program' 32 78 'refused source=127\.0\.2\.15 reason=config'
    write_config "ACTION=\"open sesame\",\"$WORK/bin/knock\",\"no-such-user\""
    try 'no user' 32 78 'refused source=127\.0\.2\.16 reason=config'

    write_action noisy 'echo to standard output' 'echo to standard error >&2' 'echo to 0 >&0' 'exit 3'
    write_config "ACTION=\"open sesame\",\"$WORK/bin/noisy\",\"65534\",\"65534\""
    try 'noisy action' 64 3 'accepted source=127\.0\.2\.17 '
    write_action orphan && printf '#!/no/such/interpreter\n' >"$WORK/bin/orphan"
    write_config "ACTION=\"open sesame\",\"$WORK/bin/orphan\",\"65534\",\"65534\""
    try 'command that cannot start' 32 78 'refused source=127\.0\.2\.18 reason=config action=orphan'

    write_config "$ACTION" "STATE_DIR=\"$WORK/none\""
    try 'no state directory' 0 74 'refused source=127\.0\.2\.19 reason=state'
    write_config "$ACTION" && chmod 777 "$WORK/state"
    try 'state directory for everybody' 0 74 'refused source=127\.0\.2\.20 reason=state'
    chmod 700 "$WORK/state"

    write_config "$ACTION"
    "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" lock 127.0.2.21
    try 'locked source' 0 0 'refused source=127\.0\.2\.21 reason=locked'
    : >"$WORK/state/closed"
    try 'closed door' 0 0 'refused source=127\.0\.2\.22 reason=closed'
    rm "$WORK/state/closed"
    write_config "$ACTION" DELAY=600 DELAY_SCOPE=all DELAY_MAX_WAIT=1
    try 'first of all sources' 64 0 'accepted source=127\.0\.2\.23 '
    try 'too soon' 0 0 'refused source=127\.0\.2\.24 reason=too-soon'

    write_config "$ACTION"
    rm "$WORK/state/lockout"
    try 'right, in the end' 64 0 'accepted source=127\.0\.2\.25 '
}

@test "I3: only protocol bytes on the wire, on every path, under systemd-socket-activate" {
    only_protocol_bytes socket_activate
}

@test "I3: only protocol bytes on the wire, on every path, under xinetd" {
    only_protocol_bytes xinetd
}

# Wrongly set up: whatever is wrong with the launcher's entry is not told to the peer.
silent_with() {
    local launcher=$1 wanted=$2
    shift 2
    record_status_of "$OSTIARYD" "$@"
    rm -f "$WORK/status"
    "start_$launcher"
    peer --source 127.0.0.20
    is "$(field length) $(field end)" "0 eof" "$launcher, $*"
    ended "$wanted"
    stop_launcher
}

@test "I3: nothing on the wire where the launcher gives the wrong options" {
    local launcher
    for launcher in socket_activate xinetd; do
        silent_with "$launcher" 64 -z
        silent_with "$launcher" 64 -c
        silent_with "$launcher" 64 -e -e
        silent_with "$launcher" 64 -c "$CONFIG" -c "$CONFIG"
        silent_with "$launcher" 64 -t -t
        silent_with "$launcher" 64 surplus
        silent_with "$launcher" 0 --help
        silent_with "$launcher" 0 --version
        silent_with "$launcher" 0 -t -c "$CONFIG"
        silent_with "$launcher" 78 -t -c "$WORK/none.cfg"
    done
    logged 'ostiaryd\[[0-9]+\]: .*ostiaryd\(8\)'
}

@test "not on a socket: usage on standard error, status 64" {
    run --separate-stderr "$OSTIARYD" -c "$CONFIG" </dev/null
    is "$status" 64
    is "$output" ''
    # shellcheck disable=SC2154 # set by run
    matches "$stderr" 'usage: ostiaryd'
}
