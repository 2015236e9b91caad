#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# One knock under each launcher, from the connection to the action.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/launch

setup() {
    need_root
    make_work
    use_handler
    write_action knock "echo \"\$1\" >$WORK/out/knock"
    write_config "ACTION=\"open sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\""
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# A right secret under this launcher: seed, receipt, end of the connection, the action, its line in the log, status 0.
right_secret() {
    record_status
    "start_$1"
    peer --source 127.0.0.11 --secret 'open sesame'
    is "$(field length)" 64 "bytes received"
    is "$(field receipt)" right receipt
    is "$(field end)" eof "end"
    eventually test -s "$WORK/out/knock"
    is "$(cat "$WORK/out/knock")" 127.0.0.11 "the action's argument"
    is "$(stat -c %u:%g "$WORK/out/knock")" 65534:65534 "the action's identity"
    logged 'accepted source=127\.0\.0\.11 action=knock uid=65534 gid=65534'
    ended 0
}

# A wrong one: the seed, the end before any deadline, a line in the log, status 0, and no action.
wrong_secret() {
    record_status
    "start_$1"
    peer --source 127.0.0.12 --secret 'open barley'
    is "$(field length)" 32 "bytes received"
    is "$(field end)" eof "end"
    logged 'rejected source=127\.0\.0\.12 reason=wrong-reply'
    ended 0
    [ ! -e "$WORK/out/knock" ]
    not_logged 'accepted'
}

# The connection ends though the action goes on.
prompt_end() {
    write_action slow "touch $WORK/out/started; until [ -e $WORK/go ]; do sleep 0.05; done; touch $WORK/out/done"
    write_config "ACTION=\"slow down\",\"$WORK/bin/slow\",\"65534\",\"65534\""
    # Somebody else holds a duplicate of the connection, as systemd does until the action has ended.
    record_status
    "start_$1"
    peer --source 127.0.0.13 --secret 'slow down'
    is "$(field receipt)" right receipt
    is "$(field end)" eof "end"
    eventually test -e "$WORK/out/started"
    [ ! -e "$WORK/out/done" ]
    touch "$WORK/go"
    eventually test -e "$WORK/out/done"
}

# What an action leaves in the background lives on when the action has ended.
background_child() {
    write_action parent "(until [ -e $WORK/go ]; do sleep 0.05; done; touch $WORK/out/child) &" 'exit 7'
    write_config "ACTION=\"be fruitful\",\"$WORK/bin/parent\",\"65534\",\"65534\""
    record_status
    "start_$1"
    peer --source 127.0.0.14 --secret 'be fruitful'
    ended 7
    [ ! -e "$WORK/out/child" ]
    touch "$WORK/go"
    eventually test -e "$WORK/out/child"
}

@test "systemd-socket-activate: a right secret runs its action" { right_secret socket_activate; }
@test "xinetd: a right secret runs its action" { right_secret xinetd; }
@test "inetd: a right secret runs its action" { right_secret inetd; }
@test "tcpserver: a right secret runs its action" { right_secret tcpserver; }

@test "systemd-socket-activate: a wrong secret runs nothing" { wrong_secret socket_activate; }
@test "xinetd: a wrong secret runs nothing" { wrong_secret xinetd; }
@test "inetd: a wrong secret runs nothing" { wrong_secret inetd; }
@test "tcpserver: a wrong secret runs nothing" { wrong_secret tcpserver; }

@test "systemd-socket-activate: the peer sees the end while the action still runs" { prompt_end socket_activate; }
@test "xinetd: the peer sees the end while the action still runs" { prompt_end xinetd; }
@test "inetd: the peer sees the end while the action still runs" { prompt_end inetd; }
@test "tcpserver: the peer sees the end while the action still runs" { prompt_end tcpserver; }

@test "systemd-socket-activate: a background child outlives its action" { background_child socket_activate; }
@test "xinetd: a background child outlives its action" { background_child xinetd; }
@test "inetd: a background child outlives its action" { background_child inetd; }
@test "tcpserver: a background child outlives its action" { background_child tcpserver; }

# One listener for both families: an IPv4 peer is known by its IPv4 address, in the log and to the action.
both_families() {
    "start_$1" 6
    peer --source 127.0.0.1 --secret 'open sesame'
    is "$(field receipt)" right receipt
    logged 'accepted source=127\.0\.0\.1 '
    eventually test -s "$WORK/out/knock"
    is "$(cat "$WORK/out/knock")" 127.0.0.1 "the action's argument"
    rm "$WORK/out/knock"
    peer --server ::1 --secret 'open sesame'
    is "$(field receipt)" right receipt
    logged 'accepted source=::1 '
    eventually test -s "$WORK/out/knock"
    is "$(cat "$WORK/out/knock")" ::1 "the action's argument"
}

@test "systemd-socket-activate on [::]: peers are 127.0.0.1 and ::1" { both_families socket_activate; }
@test "xinetd on [::]: peers are 127.0.0.1 and ::1" { both_families xinetd; }
@test "tcpserver on [::]: peers are 127.0.0.1 and ::1" { both_families tcpserver; }

@test "-e logs to standard error, and without it syslog has the line with facility auth" {
    use_handler -e
    start_socket_activate
    peer --source 127.0.0.15 --secret 'open sesame'
    logged '^ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.15 '
    stop_launcher
    use_handler
    start_socket_activate
    peer --source 127.0.0.16 --secret 'open sesame'
    # auth is facility 4, and the line a notice (5) or info (6).
    logged '^<3[78]> ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.16 '
}

@test "-e under xinetd, where standard error is the peer, logs to syslog" {
    use_handler -e
    start_xinetd
    peer --source 127.0.0.17 --secret 'open sesame'
    is "$(field length)" 64 "bytes received"
    logged '^<3[78]> ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.17 '
}

@test "standard error that is the journal gets lines with a priority prefix" {
    export JOURNAL_STREAM
    JOURNAL_STREAM=$(stat -c %d:%i "$LOG")
    LAUNCH_ENV=(JOURNAL_STREAM)
    start_socket_activate
    peer --source 127.0.0.18 --secret 'open sesame'
    logged '^<[56]>accepted source=127\.0\.0\.18 '
    JOURNAL_STREAM=${JOURNAL_STREAM}1
    stop_launcher
    start_socket_activate
    peer --source 127.0.0.19 --secret 'open sesame'
    logged '^<3[78]> ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.19 '
}
