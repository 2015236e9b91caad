#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# How long a door is deaf after a burst: 9,000 connects from one address in 15 s, of which the oldest of 800 is reset each
# time; then a right knock from another source. Under systemd, at the sealed door, and under xinetd. By hand, on a machine
# that does nothing else: meson test -C build --benchmark burst
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

LIMIT_MS=10000
XINETD=${OSTIARY_LAUNCHERS:-$OSTIARY_BUILD/launchers}/usr/sbin/xinetd

setup_file() {
    need_container
    container_boot
    container_install
    write_inside "$OSTIARY_SYSCONFDIR/ostiary.cfg" 600 <<<'ACTION="a secret that opens the door","/bin/true","nobody"'
    write_inside "$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg" 640 root:ostiary <<'END'
STATE_DIR="/var/lib/ostiary"
ACTION="a secret that opens the door","","socket=/run/ostiary/report"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    inside systemctl daemon-reload
    inside systemd-run --quiet --unit=test-report "$TOOLS/listener.py" /run/ostiary/report /run/reports
    inside sed -i 's/^\(\s*disable\s*= \)yes$/\1no/' "$OSTIARY_SYSCONFDIR/xinetd.d/ostiary"
    echo "include $OSTIARY_SYSCONFDIR/xinetd.d/ostiary" | write_inside /etc/xinetd-test.conf
    inside ip route replace local 127.0.0.9 dev lo src 127.0.0.9
}

teardown_file() {
    container_stop
}

# deaf: after a burst, how long a knock takes; no more than the limit.
deaf() {
    local start took
    run inside "$TOOLS/burst.py" 127.0.0.1 5018 127.0.0.66 9000 800 15
    echo "# $output" >&3
    start=${EPOCHREALTIME/./}
    run inside "$OSTIARY_BINDIR/ostclient" -w -t 60 -r 100 -k /root/right 127.0.0.9
    took=$(((${EPOCHREALTIME/./} - start) / 1000))
    echo "# a right knock after it: status $status, $took ms" >&3
    is "$status" 0 "status of the knock, which said: $output"
    [ "$took" -le "$LIMIT_MS" ]
}

@test "after a burst a right knock is accepted within ten seconds: systemd" {
    inside systemctl start ostiary.socket
    deaf
    inside systemctl stop ostiary.socket
}

@test "after a burst a right knock is accepted within ten seconds: the sealed door" {
    inside systemctl start ostiary-sealed.socket
    deaf
    inside systemctl stop ostiary-sealed.socket
}

@test "after a burst a right knock is accepted within ten seconds: xinetd" {
    [ -x "$XINETD" ] || skip "needs: sh tests/setup.sh launchers $OSTIARY_BUILD/launchers"
    inside systemd-run --quiet --unit=test-xinetd --collect "$XINETD" -dontfork -f /etc/xinetd-test.conf
    eventually listens
    deaf
    inside systemctl stop test-xinetd.service
}

listens() {
    inside ss -Hltn 'sport = :5018' | grep -q .
}
