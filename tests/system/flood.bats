#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I9 on a real systemd: no flood leaves the port dead, or another source unserved for longer than it lasts.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container
load ../lib/flood

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg

setup_file() {
    need_container
    container_boot
    container_install
    printf '#!/bin/sh\necho "report: $1"\n' | write_inside /usr/local/sbin/report 755
    # The defaults, but for this.
    write_inside "$CONFIG" 600 <<'END'
ACTION="a secret that opens the door","/usr/local/sbin/report","nobody"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    inside systemctl enable --now ostiary.socket
}

freeze() {
    kill -STOP "$(container_leader)"
}

thaw() {
    kill -CONT "$(container_leader)"
}

places() {
    inside systemctl show --property=NConnections --value ostiary.socket
}

teardown_file() {
    container_stop
}

setup() {
    inside sh -c 'rm -f /var/lib/ostiary/* /run/enough'
    journal_from_here
}

teardown() {
    thaw
    inside touch /run/enough
    [ -n "${BATS_TEST_COMPLETED-}" ] || odd_lines
}

socket_is_well() {
    is "$(inside systemctl is-active ostiary.socket)" active ostiary.socket
    all_is_well
}

no_instances() {
    [ "$(places)" = 0 ]
}

@test "I9: 1,000 connections as fast as possible from one address: the port stays, and others are served" {
    rush
    socket_is_well
}

@test "I9: 1,000 connections that hang, from one address: the port stays, and others are served" {
    hang_on
    socket_is_well
    let_go
    eventually no_instances
    socket_is_well
}

@test "I9, I11: a burst of 9,000 connections that are reset: few are left dead, and whoever knocks meanwhile is served" {
    burst 128
    socket_is_well
}

@test "I9: 50 sources with all the places that they can have: others are served" {
    # Nobody's time limit comes, and nobody is locked: it cannot be worse.
    inside sh -c 'cp "$1" /run/defaults && printf "%s\n" COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 DELAY=1 >>"$1"' sh "$CONFIG"
    siege 50
    inside cp /run/defaults "$CONFIG"
    eventually no_instances
    socket_is_well
}

@test "I9: with the example's firewall rules, a flood without a pause does not keep PID 1 from anything" {
    inside nft -f "$OSTIARY_DATADIR/doc/ostiary/examples/ostiary-flood.nft"
    flood 127.0.0.68 hang /run/enough 0
    eventually flood_is_ready
    knock_from 127.0.0.12 "during the flood"
    inside systemctl start systemd-tmpfiles-clean.service
    inside touch /run/enough
    flood_ends
    inside nft delete table inet ostiary
    # Far less of it than there was to come has reached systemd.
    [ "$(journal | grep -c 'Too many incoming connections')" -lt 1000 ]
    eventually no_instances
    socket_is_well
}

# More than have places at once (256), and than the kernel keeps for the socket meanwhile (128).
@test "500 clients from 500 addresses at once: all are accepted" {
    # So many clients on a slow machine can be late with their replies; that is not what is tested.
    inside sh -c 'echo COMM_TIMEOUT=600 >>"$1"' sh "$CONFIG"
    run inside "$TOOLS/crowd.py" 500 "$OSTIARY_BINDIR/ostclient" -w -t 60 -r 100 -k /root/right
    echo "# $output" >&3
    is "$status" 0 "status of crowd.py"
    is "$(field accepted)" 500 accepted
    eventually no_instances
    nobody_was_wronged
    journal_counts 500 'ostiaryd.*: report: 127\.1\.'
    socket_is_well
}
