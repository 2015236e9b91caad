#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I9 at the sealed door, on a real systemd: as flood.bats, where each handler has a sandbox to be made.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container
load ../lib/flood

CONFIG=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg

setup_file() {
    need_container
    container_boot
    container_install
    # The defaults, but for what the sealed door needs.
    write_inside "$CONFIG" 640 root:ostiary <<'END'
STATE_DIR="/var/lib/ostiary"
ACTION="a secret that opens the door","","socket=/run/ostiary/report"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    inside systemd-run --quiet --unit=test-report "$TOOLS/listener.py" /run/ostiary/report /run/reports
    inside systemctl enable --now ostiary-sealed.socket
}

teardown_file() {
    container_stop
}

freeze() {
    kill -STOP "$(container_leader)"
}

thaw() {
    kill -CONT "$(container_leader)"
}

places() {
    inside systemctl show --property=NConnections --value ostiary-sealed.socket
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
    is "$(inside systemctl is-active ostiary-sealed.socket)" active ostiary-sealed.socket
    all_is_well
}

no_instances() {
    [ "$(places)" = 0 ]
}

@test "I9: 1,000 connections as fast as possible from one address: the sealed port stays, and others are served" {
    rush
    socket_is_well
}

@test "I9, I11: a burst of 9,000 connections that are reset: few are left dead, and whoever knocks meanwhile is served" {
    burst 128
    socket_is_well
}

# Each place is a sandbox, which costs a processor a tenth of a second or two, and a dozen sources show how many each can
# have. With 50, as at the ordinary door, there would be places left: that is counted.
@test "I9: 12 sources with all the places that they can have: others are served, and would be with 50" {
    local most
    most=$(inside systemctl show --property=MaxConnections --value ostiary-sealed.socket)
    [ $((50 * 4)) -lt "$most" ]
    # Nobody's time limit comes, and nobody is locked: it cannot be worse.
    inside sh -c 'cp -p "$1" /run/defaults && printf "%s\n" COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 DELAY=1 >>"$1"' sh "$CONFIG"
    # The unit's own limit would end them while a slow machine still makes the last.
    write_inside /run/systemd/system/ostiary-sealed@.service.d/test.conf <<<$'[Service]\nRuntimeMaxSec=infinity'
    inside systemctl daemon-reload
    siege 12
    inside cp -p /run/defaults "$CONFIG"
    inside rm -r /run/systemd/system/ostiary-sealed@.service.d
    inside systemctl daemon-reload
    eventually no_instances
    socket_is_well
}

# 1,000 of them, each with a sandbox, take all of a machine for minutes: OSTIARY_CROWD=1000.
@test "a crowd of clients, each from an address of its own, at once: all are accepted at the sealed door" {
    local crowd=${OSTIARY_CROWD:-50}
    # So many clients on a slow machine can be late with their replies; that is not what is tested.
    inside sh -c 'echo COMM_TIMEOUT=600 >>"$1"' sh "$CONFIG"
    run inside "$TOOLS/crowd.py" "$crowd" "$OSTIARY_BINDIR/ostclient" -w -t 300 -r 100 -k /root/right
    echo "# $output" >&3
    is "$status" 0 "status of crowd.py"
    is "$(field accepted)" "$crowd" accepted
    eventually no_instances
    nobody_was_wronged
    is "$(inside grep -c '127\.1\.' /run/reports)" "$crowd" "addresses that the action was told"
    socket_is_well
}
