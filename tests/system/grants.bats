#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Gates on a real systemd: shut before the network is there, kept through whatever becomes of the firewall's rules, and
# opened for those alone who may ask.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary-grants.cfg
SEALED_CONFIG=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg
SERVICES='ostiary-grants.service ostiary-grants-tick.service ostiary-grant@.service ostiary-grant-web@.service'
TABLE='table inet ostiary_grants'

setup_file() {
    need_container
    export CONTAINER_CLOCKS=own
    container_boot
    container_install
    inside test -x "$OSTIARY_SBINDIR/ostgrant" || skip "this build has no ostgrant"
    # Debian's own, with a rule that does no harm.
    write_inside /etc/nftables.conf 755 <<'END'
flush ruleset
table inet filter { chain input { type filter hook input priority filter; }; }
END
    # What a network manager does: it is behind network-pre.target, and before network.target.
    write_inside /etc/systemd/system/wires.service <<END
[Unit]
DefaultDependencies=no
After=network-pre.target
Wants=network.target
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'nft list tables >/run/at-the-network; exec $OSTIARY_SYSCONFDIR/wires'
[Install]
WantedBy=multi-user.target
END
    write_inside "$OSTIARY_SYSCONFDIR/wires" 755 <<'END'
#!/bin/sh
set -eu
ip netns add client
ip link add lan type veth peer name eth0 netns client
ip link set lan up
ip address add 192.0.2.1/24 dev lan
ip address add 2001:db8::1/32 dev lan nodad
ip -n client link set eth0 up
ip -n client address add 192.0.2.7/24 dev eth0
ip -n client address add 192.0.2.8/24 dev eth0
ip -n client address add 2001:db8:a::7/32 dev eth0 nodad
END
    write_inside /etc/systemd/system/served.service <<END
[Unit]
After=network.target
[Service]
ExecStart=$TOOLS/probe.py serve 2222
[Install]
WantedBy=multi-user.target
END
    inside systemctl daemon-reload
    inside systemctl enable --now wires.service served.service
}

teardown_file() {
    container_stop
}

setup() {
    journal_from_here
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 80
}

# gates LINE...: the configuration.
gates() {
    write_inside "$CONFIG" < <(printf '%s\n' 'FREE="tcp 5018"' 'FREE="udp 5018"' "$@")
}

# port STATE [ADDRESS]: from there, one of the client's, 2222 is open or shut.
port() {
    is "$(inside ip netns exec client "$TOOLS/probe.py" ask --from "${2-192.0.2.7}" "${3-192.0.2.1}" tcp/2222)" "$1" "the port for ${2-}"
}

port_becomes() {
    eventually port_is "$@"
}

port_is() {
    [ "$(inside ip netns exec client "$TOOLS/probe.py" ask --from "${2-192.0.2.7}" 192.0.2.1 tcp/2222 2>&1)" = "$1" ]
}

# left USER: how many seconds of what is granted him, as the kernel says.
left() {
    inside "$TOOLS/granted.py" kernel | awk -v user="$1" '$6 == user { print $3 }'
}

# ask USER SOCKET LINE: what is answered to that user there.
ask() {
    inside setpriv --reuid "$1" --regid "$(inside id -g "$1" 2>/dev/null || echo "$1")" --clear-groups /usr/bin/python3 -ISc 'import socket, sys
asked = socket.socket(socket.AF_UNIX)
try:
    asked.connect(sys.argv[1])
except OSError as error:
    sys.exit(error.strerror)
asked.send(sys.argv[2].encode() + b"\n")
try:
    print(b"".join(iter(lambda: asked.recv(4096), b"")).decode(), end="")
except ConnectionResetError:
    print("reset") # its line was not even read' "$2" "$3" 2>&1 || true
}

@test "without ostiary-grants.cfg nothing changes: no unit of the gates runs, and no rule is made" {
    write_inside "$OSTIARY_SYSCONFDIR/ostiary.cfg" 600 <<<$'PORT=5020\nACTION="a secret that opens the door","/bin/true","nobody"'
    inside systemctl daemon-reload
    inside systemctl enable --now ostiary.socket
    is "$(inside systemctl list-units --no-legend --plain --state=active 'ostiary-grant*')" '' "units that run"
    # Nor where somebody has enabled them.
    inside systemctl enable --now ostiary-grants.service ostiary-grant.socket ostiary-grant-web.socket
    inside systemctl start ostiary-grants-tick.service
    is "$(inside systemctl list-units --no-legend --plain --state=active 'ostiary-grant*' | grep -v timer)" '' "units that run"
    is "$(inside nft list tables)" '' "tables"
    inside ostiaryctl check
    refute grep -q '^gates' <<<"$(inside ostiaryctl status)"
    inside systemctl disable --now ostiary-grants.service ostiary-grants.timer ostiary-grant.socket ostiary-grant-web.socket
    port open
    all_is_well
}

@test "enabled, it shuts the port, and opens it for who has a grant; the timer runs" {
    gates 'GATE="ssh","tcp 2222","lifetime=12h","sealed=yes","renew=use"' 'GATE="own","tcp 2223","web=yes"' 'USER="alice","own"'
    inside systemctl daemon-reload
    inside systemctl enable --now ostiary-grants.service ostiary-grant.socket ostiary-grant-web.socket
    port shut
    inside ostiaryctl grant ssh 192.0.2.7 1h --user alice
    port open
    port shut 192.0.2.8
    port shut 2001:db8:a::7 2001:db8::1
    unit_is ostiary-grants.timer active
    matches "$(inside ostiaryctl status)" 'gates +2 gates, 1 grant open'
    matches "$(inside ostiaryctl log -n 1)" 'granted   192\.0\.2\.7 +gate=ssh user=alice left=3600 by=admin'
    # To stop it opens nothing, and shuts nobody out.
    inside systemctl stop ostiary-grants.service
    port open
    port shut 192.0.2.8
    inside systemctl start ostiary-grants.service
    all_is_well
}

@test "at boot the port is shut before the network is there, with and without nftables.service" {
    container_reboot
    matches "$(inside cat /run/at-the-network)" "$TABLE"
    port shut 192.0.2.8
    inside systemctl enable nftables.service
    container_reboot
    matches "$(inside cat /run/at-the-network)" "table inet filter.*$TABLE"
    port shut 192.0.2.8
    # Each is at its place, whatever this boot has happened to do.
    is "$(inside systemctl show --property=Before --value ostiary-grants.service | xargs -n 1 | grep network-pre)" network-pre.target "before"
    all_is_well
}

@test "check says when a boot would leave open what the gates shut" {
    refute grep -F 'a boot leaves open' <<<"$(inside ostiaryctl check)"
    inside systemctl disable ostiary-grants.service
    run inside ostiaryctl check
    inside systemctl enable ostiary-grants.service
    matches "$output" 'ostiary-grants\.cfg: warning: a boot leaves open what the gates shut, .*enable --now ostiary-grants\.service'
    refute grep -F 'a boot leaves open' <<<"$(inside ostiaryctl check)"
    all_is_well
}

@test "a reboot: what is granted is open again, for the rest of its time and no longer" {
    local before after
    inside ostiaryctl grant ssh 192.0.2.7 1h --user alice
    inside ostiaryctl grant ssh 192.0.2.8 2 --user bob
    before=$(left alice)
    container_reboot
    after=$(left alice)
    [ "$after" -le "$before" ]
    [ "$after" -gt $((before - PATIENCE)) ]
    port open
    port_becomes shut 192.0.2.8
    is "$(left bob)" '' "what is left to bob"
    all_is_well
}

@test "systemctl restart, reload, stop and start of nftables: the gates are there again at once" {
    local before verb
    before=$(left alice)
    for verb in restart reload; do
        inside systemctl "$verb" nftables.service
        port_becomes shut 192.0.2.8
        port_becomes open
        [ "$(left alice)" -le "$before" ]
    done
    inside systemctl stop nftables.service
    inside systemctl start nftables.service
    port_becomes shut 192.0.2.8
    port_becomes open
    journal_says 'Reloaded ostiary-grants\.service'
    # Also where it is started for the first time behind ours.
    inside systemctl disable --now nftables.service
    inside systemctl restart ostiary-grants.service
    inside systemctl enable --now nftables.service
    port_becomes shut 192.0.2.8
    # It was not the timer.
    journal_counts 3 'systemd.*Starting nftables'
    all_is_well
}

@test "nft flush ruleset: the next tick of the timer, a minute later at most, makes the gates anew" {
    local before
    before=$(left alice)
    is "$(inside systemctl show --property=TimersMonotonic --value ostiary-grants.timer | grep -o 'OnUnitActiveUSec=1min')" OnUnitActiveUSec=1min "the timer"
    inside nft flush ruleset
    port_becomes shut 192.0.2.8
    port open
    [ "$(left alice)" -le "$before" ]
    # PID 1 does not say so every minute.
    is "$(journal | grep -c 'systemd.*ostiary-grants-tick')" 0 "lines about the tick"
    all_is_well
}

@test "I15: the sealed door's user may open a sealed gate for a host, for the gate's time at most, and no other" {
    matches "$(ask ostiary /run/ostiary/grant 'open gate=ssh address=192.0.2.8 user=carol lifetime=600')" '^ok '
    port open 192.0.2.8
    journal_says 'ostgrant.*granted gate=ssh network=192\.0\.2\.8 user=carol left=[0-9]+ by=sealed'
    [ "$(left carol)" -le 600 ]
    matches "$(ask ostiary /run/ostiary/grant 'open gate=ssh address=192.0.2.9 user=carol lifetime=43201')" '^no reason=(lifetime|permission)'
    matches "$(ask ostiary /run/ostiary/grant 'open gate=ssh address=192.0.2.0/24 user=carol')" '^no reason='
    matches "$(ask ostiary /run/ostiary/grant 'open gate=own address=192.0.2.9 user=carol')" '^no reason=permission'
    matches "$(ask ostiary /run/ostiary/grant 'close gate=ssh address=192.0.2.8 user=carol')" '^ok'
    port shut 192.0.2.8
    all_is_well
}

@test "a knock at the sealed door opens its gate, and its receipt says that it is open" {
    inside ostiaryctl revoke ssh 192.0.2.7
    write_inside "$SEALED_CONFIG" 640 root:ostiary <<'END'
PORT=5019
DELAY=1
ACTION="a secret that opens the gate","","name=dora","grant=ssh"
END
    echo 'a secret that opens the gate' | write_inside /root/dora 600
    inside systemctl daemon-reload
    inside systemctl enable --now ostiary-sealed.socket
    port shut
    inside ip netns exec client "$OSTIARY_BINDIR/ostclient" -w -t 600 -k /root/dora 192.0.2.1:5019
    [ -n "$(left dora)" ]
    journal_says 'ostgrant.*granted gate=ssh network=192\.0\.2\.[78] user=dora left=43200 by=sealed'
    inside systemctl disable --now ostiary-sealed.socket
    all_is_well
}

@test "the sockets let in the right user each, and ostgrant looks once more who it is" {
    is "$(inside stat -c %a:%U:%G /run/ostiary/grant /run/ostiary-web/grant | xargs)" '660:root:ostiary 600:www-data:root' "owners and modes"
    matches "$(ask www-data /run/ostiary-web/grant 'show user=alice seen=192.0.2.7')" '(^|'$'\n'')ok'
    matches "$(ask www-data /run/ostiary/grant 'show user=alice seen=192.0.2.7')" 'Permission denied'
    matches "$(ask ostiary /run/ostiary-web/grant 'open gate=ssh address=192.0.2.9 user=carol')" 'Permission denied'
    matches "$(ask 65534 /run/ostiary/grant 'open gate=ssh address=192.0.2.9 user=carol')" 'Permission denied'
    matches "$(ask 65534 /run/ostiary-web/grant 'show user=alice seen=192.0.2.7')" 'Permission denied'
    # Were it not for the modes.
    inside chmod 666 /run/ostiary/grant /run/ostiary-web/grant
    matches "$(ask 65534 /run/ostiary-web/grant 'open gate=own address=192.0.2.9 user=alice')" '^(no reason=permission|reset)'
    matches "$(ask ostiary /run/ostiary-web/grant 'open gate=own address=192.0.2.9 user=alice')" '^(no reason=permission|reset)'
    journal_says "ostgrant.*refused .*reason=permission uid=65534"
    journal_says "ostgrant.*refused .*reason=permission uid=$(inside id -u ostiary)"
    # The record is nobody's to read.
    fails inside setpriv --reuid ostiary --regid ostiary --clear-groups cat /var/lib/ostiary-root/grants
    inside systemctl restart ostiary-grant.socket ostiary-grant-web.socket
    all_is_well
}

@test "systemd-analyze security: at most 2.0 for each that runs ostgrant" {
    local service
    for service in $SERVICES; do
        run inside systemd-analyze security --offline=true --no-pager --threshold=20 "$service"
        is "$status" 0 "exit status for $service"
        echo "# $service: $(grep -o 'Overall exposure level.*' <<<"$output")" >&3
    done
}

# What a gate's command sees of the sandbox that it is run in.
@test "the sandbox: the record's directory can be written and nothing else, and there is no capability but one" {
    local line
    write_inside /usr/local/sbin/look 755 <<'END'
#!/bin/sh
for directory in /etc /usr /run /tmp /var/lib /var/lib/ostiary /dev/shm /root /sys/fs/cgroup; do
    [ ! -w "$directory" ] || ! touch "$directory/touched" 2>/dev/null || echo "can write $directory"
done
touch /var/lib/ostiary-root/touched && echo "can write the record's"
grep ^CapEff: /proc/self/status
/usr/bin/python3 -ISc 'import socket
try:
    socket.socket(socket.AF_INET)
    print("has the network")
except OSError as error:
    print("no network")' || echo "no python"
END
    gates 'GATE="ssh","tcp 2222","lifetime=12h","sealed=yes","renew=use"' \
        'GATE="box","grant=/usr/local/sbin/look-for","revoke=/bin/true","sealed=yes"'
    write_inside /usr/local/sbin/look-for 755 <<<$'#!/bin/sh\n/usr/local/sbin/look 2>&1 | sed "s/^/look: /" >&2'
    matches "$(ask ostiary /run/ostiary/grant 'open gate=box address=192.0.2.9 user=carol')" '^ok '
    journal_says 'look: no network'
    is "$(journal | grep -o 'look: .*' | tr -s '[:blank:]' ' ' | sort)" "look: CapEff: 0000000000001000
look: can write the record's
look: no network" "what it sees"
    inside rm /var/lib/ostiary-root/touched
    inside ostiaryctl revoke box 192.0.2.9
    all_is_well
}

@test "STATE_DIR and WEB_USER of ostiary-grants.cfg are the units' as well, at a boot too" {
    gates 'STATE_DIR="/srv/doors"' 'WEB_USER="games"' 'GATE="ssh","tcp 2222"' 'GATE="own","tcp 2223","web=yes"' 'USER="alice","own"'
    inside systemctl daemon-reload
    inside systemctl restart ostiary-grants.service ostiary-grant-web.socket
    inside ostiaryctl grant ssh 192.0.2.7 1h --user alice
    is "$(inside stat -c %n:%a:%U /srv/doors-root/grants /srv/doors-root | xargs)" '/srv/doors-root/grants:600:root /srv/doors-root:700:root' "the record"
    matches "$(ask games /run/ostiary-web/grant 'show user=alice seen=192.0.2.7')" '(^|'$'\n'')ok'
    matches "$(ask www-data /run/ostiary-web/grant 'show user=alice seen=192.0.2.7')" 'Permission denied'
    container_reboot
    port open
    port shut 192.0.2.8
    all_is_well
}

@test "an error in ostiary-grants.cfg: what is loaded stays, the failed unit says which line it is, and so does check" {
    gates 'GATE="ssh","tcp 2222x"'
    inside systemctl daemon-reload
    run inside systemctl reload ostiary-grants.service
    [ "$status" -ne 0 ]
    port open
    port shut 192.0.2.8
    journal_says 'ostiary-grants\.cfg:3: error: GATE'
    run inside ostiaryctl check
    is "$status" 78 "status of check"
    matches "$output" 'ostiary-grants\.cfg:3: error: GATE'
    run inside ostiaryctl status
    is "$status" 1 "status of status"
    matches "$output" "gates +what is open cannot be said; 1 error, 0 warnings: run 'ostiaryctl check'"
}
