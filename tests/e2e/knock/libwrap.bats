#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# hosts.allow and hosts.deny, in a handler that was built with libwrap. The machine's own two files are covered by the
# test's in a mount namespace.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    : >"$WORK/hosts.allow"
    : >"$WORK/hosts.deny"
    # shellcheck disable=SC2016 # for the inner shell
    DOOR_WITH=(unshare --mount sh -c 'mount --bind "$0/hosts.allow" /etc/hosts.allow &&
        mount --bind "$0/hosts.deny" /etc/hosts.deny && exec "$@"' "$WORK")
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# rules ALLOW DENY: one line for each file.
rules() {
    echo "$1" >"$WORK/hosts.allow"
    echo "$2" >"$WORK/hosts.deny"
    : >"$LOG"
}

# denied SOURCE...: each with a right secret gets not one byte, status 0 and a line in the log; nothing is remembered.
denied() {
    local source
    rm -rf "$WORK/state/lockout"
    for source; do
        : >"$LOG"
        knock "$source=sesame"
        is "$(of 1 length) $(of 1 end) $(of 1 status)" '0 eof 0' "bytes, end and exit status, $source"
        logged_times 1 "refused source=${source#::ffff:} reason=denied\$"
        is "$(handler_lines | wc -l)" 1 "lines in the log"
    done
    is "$(acted)" 0 actions
    [ ! -e "$WORK/state/lockout" ]
}

# allowed SOURCE...: each gets its action.
allowed() {
    local source
    for source; do
        knock "$source=sesame"
        is "$(of 1 receipt)" right "receipt, $source"
    done
    eventually has_lines "$WORK/out/knock" $#
    rm "$WORK/out/knock"
}

@test "libwrap: empty files let everybody in" {
    allowed 127.0.0.2 ::ffff:127.0.0.3 ::1
}

@test "libwrap: who is denied gets not one byte, and no place in the table; others go on" {
    rules '' 'ostiaryd: 127.0.0.2'
    denied 127.0.0.2
    allowed 127.0.0.3 ::1
    # A wrong reply of one who is let in counts as ever.
    knock 127.0.0.4=wrong
    is "$(of 1 length)" 32 "bytes"
    logged 'rejected source=127\.0\.0\.4 reason=wrong-reply strikes=1 of=3'
}

@test "libwrap: hosts.allow comes before hosts.deny" {
    rules 'ostiaryd: 127.0.0.2 [::1]' 'ALL: ALL'
    denied 127.0.0.3
    allowed 127.0.0.2 ::1
}

@test "libwrap: the service is ostiaryd, and no other's rules hold" {
    rules '' 'ostiary sshd in.ostiaryd: ALL'
    allowed 127.0.0.2
    rules '' 'ALL EXCEPT ostiaryd: ALL'
    allowed 127.0.0.3
    rules '' 'ALL EXCEPT sshd: ALL'
    denied 127.0.0.4
}

@test "libwrap: an IPv4 client of an IPv6 listener is known by its IPv4 address: patterns, networks, masks" {
    local pattern
    for pattern in 127.0.0.2 127.0.0. 127.0.0.0/255.255.255.0 127.0.0.0/24; do
        rules '' "ostiaryd: $pattern"
        denied 127.0.0.2 ::ffff:127.0.0.2
        allowed ::1
    done
    rules 'ostiaryd: 127.0.0.2' 'ALL: ALL'
    denied ::ffff:127.0.0.3
    allowed ::ffff:127.0.0.2
}

@test "libwrap: IPv6 networks" {
    rules '' 'ostiaryd: [::]/64'
    denied ::1
    allowed 127.0.0.2 ::ffff:127.0.0.3
}

@test "I3: libwrap: banners and twist write nothing to the peer, whether it is denied or let in" {
    local name
    mkdir "$WORK/banners"
    for name in ostiaryd prototype; do
        echo 'GO AWAY' >"$WORK/banners/$name"
    done
    rules '' "ostiaryd: ALL: banners $WORK/banners"
    denied 127.0.0.2 ::1
    rules "ostiaryd: ALL: banners $WORK/banners: deny" ''
    denied 127.0.0.2 ::1
    rules "ostiaryd: ALL: banners $WORK/banners: allow" ''
    allowed 127.0.0.3 ::1
    rules '' 'ostiaryd: ALL: twist /bin/echo GO AWAY'
    denied 127.0.0.4 ::1
    rules 'ostiaryd: ALL: twist /bin/echo GO AWAY' ''
    denied 127.0.0.4 ::1
}

@test "libwrap: spawn runs its command, without the connection" {
    rules "ostiaryd: ALL: spawn (echo %d from %a; ls -l /proc/self/fd) >$WORK/out/spawned 2>&1: deny" ''
    denied 127.0.0.2
    eventually grep -q '^ostiaryd from 127\.0\.0\.2$' "$WORK/out/spawned"
    refute grep socket: "$WORK/out/spawned"
}

@test "libwrap: under a launcher, what it has to say itself is in syslog" {
    LAUNCH_WITH=("${DOOR_WITH[@]}")
    rules "ostiaryd: ALL: no-such-option" ''
    start_socket_activate 6
    peer --source 127.0.0.2 --secret sesame
    is "$(field length) $(field end)" '0 eof' "bytes and end"
    logged 'refused source=127\.0\.0\.2 reason=denied'
    logged '^<[0-9]+> .*hosts\.allow.*no-such-option'
}
