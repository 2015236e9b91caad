#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# xinetd with the service file that is installed: a knock, a lockout, floods, a burst, a background job.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container
load ../lib/flood

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg
SERVICE=$OSTIARY_SYSCONFDIR/xinetd.d/ostiary
XINETD=${OSTIARY_LAUNCHERS:-$OSTIARY_BUILD/launchers}/usr/sbin/xinetd

setup_file() {
    need_container
    [ -x "$XINETD" ] || skip "needs: sh tests/setup.sh launchers $OSTIARY_BUILD/launchers"
    container_boot
    container_install
    inside useradd --system --no-create-home --gid nogroup --shell /usr/sbin/nologin worker
    write_inside /usr/local/sbin/report 755 <<'END'
#!/bin/sh
logger -t action "report: $1 as $(id -un)"
END
    write_inside /usr/local/sbin/background 755 <<'END'
#!/bin/sh
sleep 1000 &
echo $! >/run/background.pid
END
    # The defaults, but for these.
    write_inside "$CONFIG" 600 <<'END'
ACTION="a secret that opens the door","/usr/local/sbin/report","worker"
ACTION="a secret of the background","/usr/local/sbin/background","0"
KILL="a secret that closes the door"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    echo 'a secret that opens nothing' | write_inside /root/wrong 600
    echo 'a secret of the background' | write_inside /root/background 600
    echo 'a secret that closes the door' | write_inside /root/kill 600
    echo "include $SERVICE" | write_inside /etc/xinetd-test.conf
}

teardown_file() {
    container_stop
}

# The signal is for xinetd alone.
freeze() {
    inside systemctl kill --kill-whom=main --signal=STOP test-xinetd.service
}

thaw() {
    inside systemctl kill --kill-whom=main --signal=CONT test-xinetd.service
}

places() {
    inside pgrep -c -x ostiaryd || true
}

setup() {
    inside sh -c 'rm -f /var/lib/ostiary/* /run/enough'
    journal_from_here
}

teardown() {
    thaw || true
    inside touch /run/enough
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

start_xinetd() {
    inside systemd-run --quiet --unit=test-xinetd --collect "$XINETD" -dontfork -f /etc/xinetd-test.conf
}

stop_xinetd() {
    inside systemctl stop test-xinetd.service
}

listens() {
    inside ss -Hltn 'sport = :5018' | grep -q .
}

xinetd_is_well() {
    listens
    unit_is test-xinetd.service active
}

no_handlers() {
    ! inside pgrep -x ostiaryd >/dev/null
}

@test "as installed, the service is off; xinetd has nothing to say against the file" {
    start_xinetd
    journal_says 'Started working: 0 available services'
    fails listens
    stop_xinetd
    # For all that follows:
    inside sed -i 's/^\(\s*disable\s*= \)yes$/\1no/' "$SERVICE"
    start_xinetd
    journal_says 'Started working: 1 available service'
    eventually listens
    fails journal_matches 'xinetd.*(Unknown|unknown|Bad|bad|nvalid|issing|arning|rror)'
}

@test "a knock runs the action as its user, over IPv4 and IPv6" {
    run knock 127.0.0.7 /root/right
    is "$status" 0 "status of the knock"
    journal_says 'ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.7 action=report '
    journal_says 'action.*: report: 127\.0\.0\.7 as worker$'
    run inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right ::1
    is "$status" 0 "status of the knock over IPv6"
    journal_says 'action.*: report: ::1 as worker$'
}

@test "three wrong secrets lock; the lock outlives xinetd; unlocked, the knock works" {
    local i
    for i in 1 2 3; do
        run knock 127.0.0.7 /root/wrong
        is "$status" 77 "status of wrong knock $i"
    done
    run knock 127.0.0.7 /root/right
    is "$status" 75 "status of the right knock"
    stop_xinetd
    start_xinetd
    eventually listens
    run knock 127.0.0.7 /root/right
    is "$status" 75 "status after a restart"
    run knock 127.0.0.8 /root/right
    is "$status" 0 "status for another source"
    inside ostiaryctl unlock 127.0.0.7
    run knock 127.0.0.7 /root/right
    is "$status" 0 "status when unlocked"
}

@test "KILL closes the door, though not the port; open opens it" {
    run knock 127.0.0.7 /root/kill
    is "$status" 0 "status of the knock"
    run knock 127.0.0.8 /root/right
    is "$status" 75 "status of a knock at the closed door"
    inside ostiaryctl open
    run knock 127.0.0.8 /root/right
    is "$status" 0 "status when opened"
}

@test "what an action leaves in the background lives on, and holds no place" {
    run knock 127.0.0.7 /root/background
    is "$status" 0 "status of the knock"
    eventually no_handlers
    inside sh -c 'kill -0 $(cat /run/background.pid) && kill $(cat /run/background.pid)'
}

@test "I9: 1,000 connections as fast as possible from one address: the port stays, and others are served" {
    rush
    xinetd_is_well
}

@test "I9: 1,000 connections that hang, from one address: the port stays, and others are served" {
    hang_on
    journal_says 'xinetd.*FAIL: ostiary per_source_limit from=.*127\.0\.0\.67'
    let_go
    xinetd_is_well
}

@test "I9, I11: a burst of 9,000 connections that are reset: few are left dead, and whoever knocks meanwhile is served" {
    # What xinetd asks the kernel for.
    burst 64
    xinetd_is_well
}

@test "I9: 50 sources with all the places that they can have: others are served" {
    # Nobody's time limit comes, and nobody is locked: it cannot be worse.
    inside sh -c 'cp "$1" /run/defaults && printf "%s\n" COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 DELAY=1 >>"$1"' sh "$CONFIG"
    siege 50
    inside cp /run/defaults "$CONFIG"
    eventually no_handlers
    xinetd_is_well
}

@test "1,000 clients from 1,000 addresses at once: all are accepted" {
    eventually no_handlers
    # A thousand clients on a slow machine can be late with their replies; that is not what is tested.
    inside sh -c 'echo COMM_TIMEOUT=600 >>"$1"' sh "$CONFIG"
    run inside "$TOOLS/crowd.py" 1000 "$OSTIARY_BINDIR/ostclient" -w -t 60 -r 100 -k /root/right
    echo "# $output" >&3
    is "$status" 0 "status of crowd.py"
    is "$(field accepted)" 1000 accepted
    eventually no_handlers
    nobody_was_wronged
    journal_counts 1000 'action.*: report: 127\.1\.'
    xinetd_is_well
}
