#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# PORT, LOCAL_IP and STATE_DIR become drop-ins for the units; a broken configuration opens no port.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg

setup_file() {
    need_container
    container_boot
    container_install
    echo 'a secret that opens the door' | write_inside /root/right 600
    echo 'a secret that closes the door' | write_inside /root/kill 600
    inside mkdir -m 700 /srv/state
}

teardown_file() {
    container_stop
}

setup() {
    inside systemctl stop ostiary.socket
    inside systemctl reset-failed
    journal_from_here
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

# use LINE...: a configuration with these lines; then what README and manual say to do after a change.
use() {
    configure "$@"
    inside systemctl daemon-reload
    inside systemctl restart ostiary.socket
}

configure() {
    write_inside "$CONFIG" 600 < <(
        printf '%s\n' 'ACTION="a secret that opens the door","/bin/true","nobody"' \
            'KILL="a secret that closes the door"' "$@"
    )
}

# What listens, sorted, without what the handler of another test may still hold.
listeners() {
    inside ss -Hltn | awk '{ print $4 }' | LC_ALL=C sort | paste -sd ' '
}

@test "without PORT, 5018 on every address" {
    use
    is "$(listeners)" '*:5018' listeners
    all_is_well
}

@test "PORT=6000 listens on 6000 alone, and a knock there works, on IPv4 and IPv6" {
    use PORT=6000
    is "$(listeners)" '*:6000' listeners
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right 127.0.0.1:6000
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right '[::1]:6000'
    all_is_well
}

@test "several PORT lines are several listeners" {
    use PORT=6000 PORT=6001 PORT=7000
    is "$(listeners)" '*:6000 *:6001 *:7000' listeners
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right 127.0.0.1:6001
}

@test "LOCAL_IP listens there alone, IPv4 or IPv6, with each PORT" {
    use 'LOCAL_IP="127.0.0.5"'
    is "$(listeners)" 127.0.0.5:5018 listeners
    use 'LOCAL_IP="127.0.0.5"' PORT=6000 PORT=6001
    is "$(listeners)" '127.0.0.5:6000 127.0.0.5:6001' listeners
    use 'LOCAL_IP="::1"' PORT=6000
    is "$(listeners)" '[::1]:6000' listeners
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right '[::1]:6000'
}

@test "LOCAL_IP can be an address that is not there yet, as early at boot" {
    use 'LOCAL_IP="192.0.2.77"'
    is "$(listeners)" 192.0.2.77:5018 listeners
}

@test "LOCAL_IP=0.0.0.0 is IPv4 alone, and LOCAL_IP=:: both" {
    use 'LOCAL_IP="0.0.0.0"' PORT=6000
    is "$(listeners)" 0.0.0.0:6000 listeners
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right 127.0.0.1:6000
    fails inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right '[::1]:6000'
    run inside ostiaryctl check
    fails matches "$output" 'PORT|LOCAL_IP' >/dev/null
    use 'LOCAL_IP="::"' PORT=6000
    is "$(listeners)" '*:6000' listeners
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right 127.0.0.1:6000
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right '[::1]:6000'
    run inside ostiaryctl check
    fails matches "$output" 'PORT|LOCAL_IP' >/dev/null
    all_is_well
}

# A link to a neighbour: knock0 here, fe80::1, and there0 in a network namespace of its own, fe80::2.
make_link() {
    inside sh -ec 'ip netns add there
        ip link add knock0 type veth peer name there0 netns there
        ip link set knock0 up
        ip -n there link set there0 up
        ip addr add fe80::1/64 dev knock0 nodad
        ip -n there addr add fe80::2/64 dev there0 nodad'
    eventually link_is_up
}

link_is_up() {
    inside ip -n there -brief link show there0 | grep -q LOWER_UP
}

@test "LOCAL_IP is a link-local address with its interface: a neighbour knocks, and is known by it" {
    make_link
    use 'LOCAL_IP="fe80::1%knock0"' PORT=6000 PORT=6001
    is "$(listeners)" '[fe80::1]%knock0:6000 [fe80::1]%knock0:6001' listeners
    run inside ostiaryctl check
    fails matches "$output" LOCAL_IP >/dev/null
    inside ip netns exec there "$OSTIARY_BINDIR/ostclient" -w -k /root/right '[fe80::1%there0]:6001'
    journal_says 'ostiaryd.*: accepted source=fe80::[0-9a-f:]+%knock0 '
    all_is_well
    inside ip netns del there
}

@test "the admin's own drop-in has the last word" {
    write_inside /etc/systemd/system/ostiary.socket.d/override.conf <<'END'
[Socket]
ListenStream=
ListenStream=127.0.0.1:7777
END
    use PORT=6000
    is "$(listeners)" 127.0.0.1:7777 listeners
    inside rm -r /etc/systemd/system/ostiary.socket.d
    inside systemctl daemon-reload
}

@test "ostiaryctl check says that the listener differs until it is restarted" {
    use PORT=6000
    configure PORT=6001
    run inside ostiaryctl check
    matches "$output" 'PORT .*systemctl daemon-reload && systemctl restart ostiary\.socket'
    inside systemctl daemon-reload
    inside systemctl restart ostiary.socket
    run inside ostiaryctl check
    fails matches "$output" 'PORT is not' >/dev/null
}

@test "ostiaryctl add names the port that is listened on, and sees when nothing is left to be done" {
    use PORT=6000
    run inside ostiaryctl add one /bin/true nobody
    matches "$output" "one\.secret $(inside hostname):6000
ostiary\.socket is listening: nothing has to be restarted\.$"
    use
    write_inside /etc/systemd/system/ostiary.socket.d/override.conf <<'END'
[Socket]
ListenStream=
ListenStream=7777
END
    inside systemctl daemon-reload
    inside systemctl restart ostiary.socket
    inside rm "${CONFIG%.cfg}/one.secret"
    run inside ostiaryctl add one /bin/true nobody
    matches "$output" "one\.secret $(inside hostname):7777
ostiary\.socket is listening: nothing has to be restarted\.$"
    inside "$OSTIARY_BINDIR/ostclient" -w -k "${CONFIG%.cfg}/one.secret" 127.0.0.1:7777
    inside ostiaryctl remove one
    inside rm -r /etc/systemd/system/ostiary.socket.d
    inside systemctl daemon-reload
}

@test "a changed PORT: systemd closes the port at the next daemon-reload, and check and status see it" {
    use PORT=6000
    inside ostiaryctl status
    configure PORT=6001
    inside systemctl daemon-reload
    is "$(listeners)" "" listeners
    run inside ostiaryctl check
    is "$status" 78 "status of check"
    matches "$output" "nobody listens on \[::\]:6001, though systemd takes ostiary\.socket for active.*: run 'systemctl restart ostiary\.socket'"
    run inside ostiaryctl status
    is "$status" 1 "status of status"
    matches "$output" 'ostiary\.socket +not listening, though systemd takes it for active, on \[::\]:6001'
    inside systemctl restart ostiary.socket
    is "$(listeners)" '*:6001' listeners
    inside ostiaryctl status
}

@test "a broken configuration: no listener, and a failed unit that names file and line" {
    use PORT=6000
    configure PORT=6000 COMM_TIMEOUT=never
    inside systemctl daemon-reload
    run inside systemctl restart ostiary.socket
    [ "$status" -ne 0 ]
    is "$(listeners)" "" listeners
    is "$(inside systemctl is-failed ostiary.socket)" failed ostiary.socket
    journal_says 'ostiaryd.*: .*ostiary\.cfg:4: error: COMM_TIMEOUT'
    # Mended, but systemd has not read it again: it could be the wrong port, so it is none.
    configure PORT=6000
    run inside systemctl start ostiary.socket
    [ "$status" -ne 0 ]
    is "$(listeners)" "" listeners
    journal_says 'run systemctl daemon-reload'
    use PORT=6000
    is "$(listeners)" '*:6000' listeners
    all_is_well
}

@test "without a configuration: no listener, a failed unit that says so, and a boot that goes on" {
    inside rm -f "$CONFIG"
    inside systemctl daemon-reload
    run inside systemctl start ostiary.socket
    [ "$status" -ne 0 ]
    is "$(listeners)" "" listeners
    journal_says 'ostiaryd.*: .*ostiary\.cfg: error: '
    inside systemctl reset-failed
}

@test "with a broken configuration the machine boots, and only the port is missing" {
    use PORT=6000
    inside systemctl enable ostiary.socket
    configure PORT=many
    # Not container_reboot: that wants the system to be well.
    local before
    before=$(container_leader)
    INSIDE_LIMIT=60 inside systemctl reboot || true
    eventually container_has_changed "$before"
    eventually system_is degraded
    is "$(inside systemctl --failed --no-legend --plain | cut -d' ' -f1)" ostiary.socket "failed units"
    is "$(listeners)" "" listeners
    use PORT=6000
    is "$(listeners)" '*:6000' listeners
    inside systemctl disable ostiary.socket
    all_is_well
}

@test "STATE_DIR: the port is closed by the door there" {
    inside systemctl enable ostiary.socket
    use 'STATE_DIR="/srv/state"'
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/kill 127.0.0.1
    eventually unit_is ostiary.socket inactive
    journal_says 'closed reason=kill-secret'
    inside systemctl start ostiary.socket
    unit_is ostiary.socket inactive
    inside ostiaryctl open
    eventually unit_is ostiary.socket active
    all_is_well
}

@test "a STATE_DIR that a unit cannot name opens no port" {
    configure 'STATE_DIR="/srv/a b%h"'
    inside systemctl daemon-reload
    run inside systemctl restart ostiary.socket
    [ "$status" -ne 0 ]
    is "$(listeners)" "" listeners
    journal_says 'ostiary\.cfg: error: STATE_DIR: under systemd'
}

@test "the generator reads no secret file, needs nothing but its argument, and waits for nobody" {
    configure 'ACTION="","/bin/true","nobody","nogroup","name=a","secret-file=/nonexistent"' \
        'ACTION="","/bin/true","nobody","nogroup","name=b","credential=nowhere"' PORT=6000
    inside mkdir -p /run/generated
    run inside env -i "$OSTIARY_GENERATOR_DIR/ostiary-generator" /run/generated
    is "$status" 0 "exit status"
    is "$output" "" output
    inside grep -q '^ListenStream=6000$' /run/generated/ostiary.socket.d/50-ostiary.conf
    # A pipe in place of the configuration must not hold up the boot.
    inside rm "$CONFIG"
    inside mkfifo -m 600 "$CONFIG"
    run inside timeout 60 "$OSTIARY_GENERATOR_DIR/ostiary-generator" /run/generated
    is "$status" 0 "exit status with a pipe"
    fails inside grep -q '^ListenStream' /run/generated/ostiary.socket.d/50-ostiary.conf
    inside rm "$CONFIG"
}
