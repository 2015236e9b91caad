#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The sealed door on a real systemd: a handler without rights, and actions behind sockets.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg
EXAMPLES=$OSTIARY_DATADIR/doc/ostiary/examples

setup_file() {
    need_container
    container_boot
    container_install
    write_inside "$CONFIG" 640 root:ostiary <<'END'
STATE_DIR="/var/lib/ostiary"
DELAY=1
COMM_TIMEOUT=3600
ACTION="a secret that restarts nginx","","socket=/run/ostiary/restart"
ACTION="a secret that opens the port","","socket=/run/ostiary/open-port"
ACTION="a secret of a slow thing","","socket=/run/ostiary/slow"
KILL="a secret that closes the door"
END
    echo 'a secret that restarts nginx' | write_inside /root/restart 600
    echo 'a secret that opens the port' | write_inside /root/open-port 600
    echo 'a secret of a slow thing' | write_inside /root/slow 600
    echo 'a secret that closes the door' | write_inside /root/kill 600

    # The examples, as the manual says to use them.
    inside sh -c 'cp "$1"/ostiary-action-* /etc/systemd/system && install -D "$1/ostiary-open-port" /usr/local/libexec/ostiary-open-port' sh "$EXAMPLES"
    write_inside /etc/systemd/system/nginx.service <<'END'
[Service]
ExecStart=/bin/sleep 10000
END
    inside nft -f - <<'END'
table inet filter {
    set knocked4 { type ipv4_addr; flags timeout; }
    set knocked6 { type ipv6_addr; flags timeout; }
}
END
    # An action that takes as long as the test likes, and tells what it is.
    inside sh -c 'sed "s/restart/slow/g" /etc/systemd/system/ostiary-action-restart.socket >/etc/systemd/system/ostiary-action-slow.socket'
    write_inside /etc/systemd/system/ostiary-action-slow@.service <<'END'
[Unit]
CollectMode=inactive-or-failed
[Service]
Type=oneshot
StandardInput=socket
StandardOutput=journal
ExecStart=/bin/sh -c 'read -r address; echo "slow: $$address as $$(id -un)"; until [ -e /run/enough ]; do sleep 0.05; done'
END
    inside systemctl daemon-reload
    inside systemctl start nginx.service
    inside systemctl enable --now ostiary-action-restart.socket ostiary-action-open-port.socket ostiary-action-slow.socket
    inside systemctl enable --now ostiary-sealed.socket
}

teardown_file() {
    container_stop
}

setup() {
    inside systemctl stop ostiary-sealed.socket
    inside sh -c 'rm -f /var/lib/ostiary/* /run/enough'
    journal_from_here
    inside systemctl start ostiary-sealed.socket
}

teardown() {
    inside touch /run/enough
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

main_pid() {
    inside systemctl show --property=MainPID --value nginx.service
}

nginx_is_another() {
    [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]
}

@test "a knock restarts a service: the handler is user ostiary, the action root" {
    local before
    before=$(main_pid)
    run knock 127.0.0.7 /root/restart
    is "$status" 0 "status of the knock"
    journal_says 'ostiaryd.*: accepted source=127\.0\.0\.7 action=restart '
    eventually nginx_is_another "$before"
    is "$(inside stat -c %U:%G:%a /var/lib/ostiary /var/lib/ostiary/lockout)" \
        "$(printf 'ostiary:ostiary:700\nostiary:ostiary:600')" "the state"
    all_is_well
}

@test "a knock opens a port of the firewall for who knocked" {
    run knock 127.0.0.8 /root/open-port
    is "$status" 0 "status of the knock"
    eventually set_holds knocked4 '127\.0\.0\.8 timeout 10m'
    run inside "$OSTIARY_BINDIR/ostclient" -w -k /root/open-port ::1
    is "$status" 0 "status of the knock over IPv6"
    eventually set_holds knocked6 '::1 timeout 10m'
    # The ordinary door gives the address to it as an argument.
    inside /usr/local/libexec/ostiary-open-port 127.0.0.55
    set_holds knocked4 '127\.0\.0\.55 timeout 10m'
    all_is_well
}

set_holds() {
    inside nft list set inet filter "$1" | grep -qE "$2"
}

@test "the action takes nothing but an address from the handler" {
    # What a handler in wrong hands could write to the socket.
    inside sh -c 'printf "%s\n" "127.0.0.99 } ; flush ruleset #" | nc -NU /run/ostiary/open-port' ||
        inside /usr/bin/python3 -ISc '
import socket
peer = socket.socket(socket.AF_UNIX)
peer.connect("/run/ostiary/open-port")
peer.sendall(b"127.0.0.99 }; flush ruleset #\n")
peer.close()'
    journal_says 'this is no address'
    inside nft list set inet filter knocked4
    fails set_holds knocked4 '127\.0\.0\.99'
    all_is_well
}

@test "I12: a second trigger while the action runs is refused, told so, and logged" {
    local source
    run knock 127.0.0.9 /root/slow
    is "$status" 0 "status of the first knock"
    journal_says 'slow: 127\.0\.0\.9 as root'
    for source in 10 20 30 40; do
        run knock "127.0.0.$source" /root/slow
        is "$status" 77 "status of a knock while the action runs"
        journal_says "ostiaryd.*: refused source=127\.0\.0\.$source reason=busy action=slow"
    done
    journal_says 'ostiary-action-slow\.socket: Too many incoming connections'
    inside touch /run/enough
    eventually slow_has_ended
    run knock 127.0.0.11 /root/slow
    is "$status" 0 "status of the third knock"
    journal_says 'slow: 127\.0\.0\.11 as root'
    is "$(journal | grep -c 'slow: ')" 2 "times that it ran"
    all_is_well
}

slow_has_ended() {
    [ "$(inside systemctl show --property=NConnections --value ostiary-action-slow.socket)" = 0 ]
}

# A handler that waits for its reply; sets handler (its pid inside).
waiting_handler() {
    inside "$TOOLS/nuisance.py" 5018 127.0.0.66 1 hang /run/enough >"$BATS_TEST_TMPDIR/peer" 2>&1 3>&- &
    eventually find_handler
}

find_handler() {
    handler=$(inside pgrep -x -u ostiary ostiaryd) && [ "$(wc -l <<<"$handler")" -eq 1 ] &&
        inside grep -q '^Seccomp:.*2' "/proc/$handler/status"
}

@test "the handler has no capability, no other user, no way to get one, and no network" {
    waiting_handler
    run inside cat "/proc/$handler/status"
    matches "$output" 'CapInh:.0000000000000000'
    matches "$output" 'CapPrm:.0000000000000000'
    matches "$output" 'CapEff:.0000000000000000'
    matches "$output" 'CapBnd:.0000000000000000'
    matches "$output" 'CapAmb:.0000000000000000'
    matches "$output" 'NoNewPrivs:.1'
    matches "$output" 'Seccomp:.2'
    local uid
    uid=$(inside id -u ostiary)
    matches "$output" "Uid:.$uid.$uid.$uid.$uid"
    is "$(inside nsenter -t "$handler" -n ip -brief link show | cut -d' ' -f1)" lo "its interfaces"
}

# What a program in the handler's place can do: the template with another ExecStart, on a socket of its own.
probe() {
    inside sh -c 'sed -e "s/5018/5099/" -e "/ExecStartPre/d" "$1/ostiary-sealed.socket" >/run/systemd/system/probe.socket
        sed -e "s|^ExecStart=.*|ExecStart=/usr/bin/python3 -ISB /run/probe.py|" "$1/ostiary-sealed@.service" >/run/systemd/system/probe@.service' sh "$OSTIARY_UNIT_DIR"
    write_inside /run/probe.py
    inside systemctl daemon-reload
    inside systemctl start probe.socket
    inside /usr/bin/python3 -ISc 'import socket; socket.create_connection(("127.0.0.1", 5099)).recv(1)'
    journal_says 'probe has ended'
    inside systemctl stop probe.socket
    journal | sed -n 's/.*ostiaryd\[[0-9]*\]: probe //p'
}

@test "nothing in the handler's place can open a network socket, write outside its state, or read what is not its own" {
    run probe <<'END'
import os, socket


def attempt(name, action):
    try:
        action()
        print("probe", name, "works")
    except OSError as error:
        print("probe", name, "fails:", error.strerror)


def write(path):
    attempt("writing " + path, lambda: open(path + "/probe", "w").close())


print("probe has begun")
attempt("an IPv4 socket", lambda: socket.socket(socket.AF_INET))
attempt("an IPv6 socket", lambda: socket.socket(socket.AF_INET6))
attempt("a netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("a UNIX socket", lambda: socket.socket(socket.AF_UNIX))
for path in ["/", "/etc", "/usr", "/run", "/run/ostiary", "/var/lib", "/var/lib/ostiary-root", "/home", "/root", "/tmp", "/var/tmp", "/dev/shm"]:
    write(path)
write("/var/lib/ostiary")
attempt("reading /root", lambda: os.listdir("/root"))
attempt("reading /etc/shadow", lambda: open("/etc/shadow"))
attempt("reading what is root's", lambda: os.listdir("/var/lib/ostiary-root"))
attempt("becoming root", lambda: os.setuid(0))
attempt("changing the mode to setuid", lambda: os.chmod("/var/lib/ostiary/probe", 0o4755))
print("probe sees", len([pid for pid in os.listdir("/proc") if pid.isdigit()]), "process")
print("probe has ended", flush=True)
END
    local line works=0
    while read -r line; do
        case $line in
        'a UNIX socket works' | 'writing /var/lib/ostiary works' | 'has begun' | 'has ended') works=$((works + 1)) ;;
        *' works') is "$line" "" "what works and must not" ;;
        'sees '*) is "$line" "sees 1 process" ;;
        esac
    done <<<"$output"
    is "$works" 4 "what works and has to"
    inside rm -f /var/lib/ostiary/probe
    all_is_well
}

@test "the configuration, the secrets and the sockets of the actions are for the right user alone" {
    run inside setpriv --reuid=nobody --regid=nogroup --clear-groups cat "$CONFIG"
    [ "$status" -ne 0 ]
    run inside setpriv --reuid=nobody --regid=nogroup --clear-groups ls /run/ostiary/
    [ "$status" -ne 0 ]
    run inside setpriv --reuid=nobody --regid=nogroup --clear-groups ls /var/lib/ostiary
    [ "$status" -ne 0 ]
    is "$(inside stat -c %U:%G:%a /run/ostiary /run/ostiary/restart)" "$(printf 'root:ostiary:750\nroot:ostiary:660')" "the sockets"
    run inside setpriv --reuid=ostiary --regid=ostiary --clear-groups sh -c "echo >>'$CONFIG'"
    [ "$status" -ne 0 ]
}

@test "a secret can be a credential there too" {
    inside cp -p "$CONFIG" "$CONFIG.saved"
    inside sh -c 'echo '\''ACTION="","","socket=/run/ostiary/restart","name=vault","credential=vault"'\'' >>"$1"' sh "$CONFIG"
    write_inside /etc/vault.secret 600 <<<'a secret kept as credential'
    write_inside /etc/systemd/system/ostiary-sealed@.service.d/credential.conf <<'END'
[Service]
LoadCredential=vault:/etc/vault.secret
END
    inside systemctl daemon-reload
    run knock 127.0.0.12 /etc/vault.secret
    inside mv "$CONFIG.saved" "$CONFIG"
    inside rm -r /etc/systemd/system/ostiary-sealed@.service.d
    inside systemctl daemon-reload
    is "$status" 0 "status of the knock"
    journal_says 'accepted source=127\.0\.0\.12 action=vault '
}

@test "KILL closes the sealed door, over a reboot too" {
    run knock 127.0.0.13 /root/kill
    is "$status" 0 "status of the knock"
    eventually unit_is ostiary-sealed.socket inactive
    journal_says 'closed reason=kill-secret source=127\.0\.0\.13'
    container_reboot
    unit_is ostiary-sealed.socket inactive
    inside ostiaryctl -c "$CONFIG" open
    eventually unit_is ostiary-sealed.socket active
    inside systemctl start nginx.service
    local before
    before=$(main_pid)
    run knock 127.0.0.13 /root/restart
    is "$status" 0 "status when opened"
    eventually nginx_is_another "$before"
    all_is_well
}
