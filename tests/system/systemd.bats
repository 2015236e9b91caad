#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiary.socket and ostiary@.service on a real systemd: a knock, a lockout, a closed door, and what an action may do.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg

setup_file() {
    need_container
    container_boot
    container_install
    inside useradd --system --no-create-home --gid nogroup --shell /usr/sbin/nologin worker
    administer true
    configure
    inside systemctl enable --now ostiary.socket
    inside mkdir -m 700 /root/keys
    echo 'a secret that opens the door' | write_inside /root/keys/right 600
    echo 'a secret that opens nothing' | write_inside /root/keys/wrong 600
    echo 'a secret that closes the door' | write_inside /root/keys/kill 600
    echo 'a secret of an administrator' | write_inside /root/keys/admin 600
    echo 'a secret kept as credential' | write_inside /root/keys/credential 600
}

teardown_file() {
    container_stop
}

# configure LINE...: the configuration, with LINEs at its end.
configure() {
    write_inside "$CONFIG" 600 < <(
        cat <<END
DELAY=1
ACTION="a secret that opens the door","/usr/local/sbin/report","worker"
ACTION="a secret of an administrator","/usr/local/sbin/administer","0"
KILL="a secret that closes the door"
END
        printf '%s\n' "$@"
    )
    write_inside /usr/local/sbin/report 755 <<'END'
#!/bin/sh
echo "report: $1 as $(id -un):$(id -gn)"
END
}

setup() {
    inside systemctl stop ostiary.socket
    inside sh -c 'rm -f /var/lib/ostiary/* /run/enough'
    configure
    journal_from_here
    inside systemctl start ostiary.socket
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal || true
}

# administer LINE...: what the action of the administrator does, as a shell script.
administer() {
    printf '%s\n' '#!/bin/sh' 'set -e' "$@" | write_inside /usr/local/sbin/administer 755
}

administered() {
    run knock 127.0.0.1 /root/keys/admin
    is "$status" 0 "status of the knock"
    journal_says "$1"
    all_is_well
}

socket_is() {
    unit_is ostiary.socket "$1"
}

@test "a knock runs the action as its user, with its output in the journal" {
    run knock 127.0.0.7 /root/keys/right
    is "$status" 0 "status of the knock"
    journal_says 'ostiaryd.*: accepted source=127\.0\.0\.7 action=report uid=[0-9]+ gid=[0-9]+$'
    journal_says 'ostiaryd.*: report: 127\.0\.0\.7 as worker:nogroup$'
    all_is_well
}

@test "I11: PID 1 is stopped while a client with the right key gives up, three times: it is not locked out" {
    local leader i
    leader=$(container_leader)
    inside ip route replace local 127.0.0.8 dev lo src 127.0.0.8
    for i in 1 2 3; do
        kill -STOP "$leader"
        run inside "$OSTIARY_BINDIR/ostclient" -w -t 2 -k /root/keys/right 127.0.0.8
        kill -CONT "$leader"
        is "$status" 75 "status of the client that had no answer: $output"
        journal_counts "$i" 'ostiaryd.*: refused source=127\.0\.0\.8 reason=gone$'
    done
    run knock 127.0.0.8 /root/keys/right
    is "$status" 0 "status of the knock: $output"
    fails journal_matches 'rejected|locked'
    all_is_well
}

@test "an action whose command is gone keeps nobody else out when the door opens: the journal says which it is" {
    inside rm /usr/local/sbin/report
    inside systemctl restart ostiary.socket
    socket_is active
    journal_says "ostiary\.cfg:[0-9]+: error: ACTION: .*/usr/local/sbin/report.*No such file"
    run knock 127.0.0.1 /root/keys/admin
    is "$status" 0 "status of the knock for another action"
    printf 'DELAY=never\n' | inside sh -c 'cat >>"$1"' sh "$CONFIG"
    fails inside systemctl restart ostiary.socket
    socket_is failed
    journal_says "ostiary\.cfg:[0-9]+: error: DELAY"
    configure
    inside systemctl reset-failed ostiary.socket
}

@test "three wrong secrets lock; the lock outlives a reboot; unlocked, the knock works" {
    local i
    for i in 1 2 3; do
        run knock 127.0.0.7 /root/keys/wrong
        is "$status" 77 "status of wrong knock $i"
    done
    journal_says 'ostiaryd.*: locked source=127\.0\.0\.7 strikes=3 '
    run knock 127.0.0.7 /root/keys/right
    is "$status" 75 "status of the right knock"

    container_reboot
    socket_is active
    run knock 127.0.0.7 /root/keys/right
    is "$status" 75 "status after the reboot"
    run knock 127.0.0.8 /root/keys/right
    is "$status" 0 "status for another source"
    inside ostiaryctl unlock 127.0.0.7
    run knock 127.0.0.7 /root/keys/right
    is "$status" 0 "status when unlocked"
    all_is_well
}

@test "KILL stops the socket, for good, until open" {
    local start=${EPOCHREALTIME/./}
    run knock 127.0.0.7 /root/keys/kill
    is "$status" 0 "status of the knock"
    eventually socket_is inactive
    echo "# from the knock to the closed port: $(((${EPOCHREALTIME/./} - start) / 1000)) ms" >&3
    journal_says 'closed reason=kill-secret source=127\.0\.0\.7'
    run knock 127.0.0.8 /root/keys/right
    is "$status" 69 "status of a knock at the closed door"
    # A start by hand changes nothing, and is no failure.
    inside systemctl start ostiary.socket
    socket_is inactive
    all_is_well

    container_reboot
    socket_is inactive
    all_is_well
    inside ostiaryctl open
    eventually socket_is active
    run knock 127.0.0.8 /root/keys/right
    is "$status" 0 "status when opened"
    # And it can be closed again.
    inside ostiaryctl close
    eventually socket_is inactive
    inside ostiaryctl open
    eventually socket_is active
    all_is_well
}

@test "so does MAX_SINGLE_ERRS" {
    configure MAX_SINGLE_ERRS=2 MAX_BAD_CONNS=10
    run knock 127.0.0.7 /root/keys/wrong
    is "$status" 77 "status of the first knock"
    socket_is active
    run knock 127.0.0.7 /root/keys/wrong
    is "$status" 77 "status of the second knock"
    eventually socket_is inactive
    journal_says 'closed reason=max-single-errs'
    all_is_well
}

@test "so does MAX_TOTAL_ERRS" {
    configure MAX_TOTAL_ERRS=2
    run knock 127.0.0.7 /root/keys/wrong
    run knock 127.0.0.8 /root/keys/wrong
    is "$status" 77 "status of the knock"
    eventually socket_is inactive
    journal_says 'closed reason=max-total-errs'
    all_is_well
}

@test "a door that is closed and opened a dozen times in a row ends up open" {
    local i
    for ((i = 0; i < 12; i++)); do
        inside ostiaryctl close
        eventually socket_is inactive
        inside ostiaryctl open
        eventually socket_is active
    done
    all_is_well
}

@test "what an action leaves in the background lives on" {
    administer 'sleep 1000 &' 'echo $! >/run/background.pid' 'echo parent is done'
    administered 'ostiaryd.*: parent is done$'
    eventually instances_are 0
    inside sh -c 'kill -0 $(cat /run/background.pid)'
    inside sh -c 'kill $(cat /run/background.pid)'
}

instances_are() {
    [ "$(inside systemctl show --property=NConnections --value ostiary.socket)" = "$1" ]
}

@test "an action mounts, and the mount is there for everybody" {
    administer 'mkdir -p /mnt/door' 'mount -t tmpfs -o size=1m none /mnt/door' 'echo mounted'
    administered 'ostiaryd.*: mounted$'
    inside mountpoint -q /mnt/door
    inside umount /mnt/door
}

@test "an action changes the firewall" {
    administer 'nft add table inet door' 'nft add set inet door open "{ type ipv4_addr; }"' 'echo done with nft'
    administered 'ostiaryd.*: done with nft$'
    inside nft list set inet door open
    inside nft delete table inet door
}

@test "an action changes addresses and routes" {
    administer 'ip link add door type veth peer name door2' 'ip link set door up' 'ip addr add 192.0.2.1/24 dev door' 'echo done with ip'
    administered 'ostiaryd.*: done with ip$'
    inside ip -brief addr show dev door | grep -q 192.0.2.1
    inside ip link del door
}

@test "an action starts a unit" {
    write_inside /run/systemd/system/door-test.service <<'END'
[Service]
ExecStart=/bin/sleep 1000
END
    inside systemctl daemon-reload
    administer 'systemctl start door-test.service' 'echo done with systemctl'
    administered 'ostiaryd.*: done with systemctl$'
    unit_is door-test.service active
    inside systemctl stop door-test.service
}

@test "an action becomes somebody else, by uid and by a setuid program" {
    administer 'setpriv --reuid=worker --regid=nogroup --clear-groups sh -c "echo now \$(id -un)"' \
        'cp /usr/bin/id /run/id-of-worker' 'chown worker /run/id-of-worker' 'chmod 4755 /run/id-of-worker' \
        'mount -o remount,suid /run' 'setpriv --reuid=nobody --regid=nogroup --clear-groups /run/id-of-worker'
    administered 'ostiaryd.*: now worker$'
    journal_says 'euid=[0-9]+\(worker\)'
    inside rm /run/id-of-worker
}

@test "an action writes below /etc, /usr, /home and /tmp, where others see it" {
    administer 'mkdir -p /home/door' 'for d in /etc /usr /home/door /tmp; do echo x >$d/door-test; done' 'echo written'
    administered 'ostiaryd.*: written$'
    inside ls /etc/door-test /usr/door-test /home/door/door-test /tmp/door-test
}

@test "an action that fails is a line in the journal and no failed unit" {
    administer 'exit 7'
    administered 'ostiary@.*status=7' # systemd's own line
    unit_is ostiary.socket active
}

# limited OPTION...: an action with these options, which says that it has begun and goes on while there is /run/enough, as
# the process that ps(1) knows as "staying". Its key is /root/keys/admin.
limited() {
    configure
    inside sed -i "s|,\"0\"$|,\"0\",$(printf '"%s",' "$@" | sed 's/,$//')|" "$CONFIG"
    inside touch /run/enough
    administer 'echo "it has begun"' 'exec /bin/sh -c "while [ -e /run/enough ]; do sleep 0.1; done" staying'
    inside systemctl restart ostiary.socket
    run knock 127.0.0.1 /root/keys/admin
    is "$status" 0 "status of the knock"
    journal_says 'ostiaryd.*: it has begun$'
}

# instance: the unit of the one connection that there is.
instance() {
    inside systemctl list-units --plain --no-legend 'ostiary@*' | cut -d' ' -f1
}

@test "timeout=: an action that takes longer is ended by SIGALRM, and systemd says so of its unit" {
    local unit
    # Long enough to look at it while it runs, on a machine that is slow.
    limited timeout=20s
    unit=$(instance)
    inside systemctl status "$unit" >"$BATS_TEST_TMPDIR/status"
    grep -q 'Active: active (running)' "$BATS_TEST_TMPDIR/status"
    grep -q 'Main PID: .*(sh)' "$BATS_TEST_TMPDIR/status"
    is "$(inside systemctl show --property=MainPID --value "$unit")" "$(inside pgrep -f '^/bin/sh -c .* staying$')" "the unit's process"
    journal_says "systemd.*: $unit: Main process exited, code=killed, status=14/ALRM$"
    journal_says "systemd.*: $unit: Failed with result 'signal'\.$"
    eventually instances_are 0
    # It was no end that it had come to by itself.
    inside test -e /run/enough
    all_is_well
}

@test "single=: while its unit runs an action is busy; it is free when that has ended, been killed or stopped, and after a reboot" {
    local how
    for how in 'rm /run/enough' 'kill --signal=KILL' stop reboot; do
        journal_from_here
        limited single=yes
        run knock 127.0.0.2 /root/keys/admin
        is "$status" 77 "status of a second knock"
        journal_says 'ostiaryd.*: refused source=127\.0\.0\.2 reason=busy action=administer$'
        run knock 127.0.0.2 /root/keys/right
        is "$status" 0 "status of a knock for another action"
        case $how in
            rm*) inside rm /run/enough ;;
            reboot) container_reboot ;;
            *) eval "inside systemctl $how \"\$(instance | head -n 1)\"" ;;
        esac
        eventually instances_are 0
        [ "$how" != reboot ] || journal_from_here
    done
    limited single=yes
    inside rm /run/enough
    eventually instances_are 0
    fails journal_matches 'reason=busy'
    all_is_well
}

@test "the connection is over at once, though the action takes its time and holds a place" {
    administer 'echo begun' 'until [ -e /run/enough ]; do sleep 0.1; done' 'echo ended'
    administered 'ostiaryd.*: begun$'
    instances_are 1
    is "$(inside systemctl list-jobs --no-legend | grep ostiary)" "" "jobs that shutting down would wait for"
    inside touch /run/enough
    journal_says 'ostiaryd.*: ended$'
    eventually instances_are 0
}

@test "secrets as credentials, plain and encrypted; and the action sees the same mounts as everybody" {
    configure 'ACTION="","/usr/local/sbin/report","worker","nogroup","name=vault","credential=vault"'
    write_inside /etc/systemd/system/ostiary@.service.d/credential.conf <<'END'
[Service]
LoadCredential=vault:/root/keys/credential
END
    inside systemctl daemon-reload
    # A socket gets no credentials. It opens all the same.
    inside systemctl restart ostiary.socket
    run knock 127.0.0.7 /root/keys/credential
    is "$status" 0 "status with LoadCredential"
    journal_says 'accepted source=127\.0\.0\.7 action=vault '

    inside systemd-creds setup
    inside systemd-creds encrypt --with-key=host --name=vault /root/keys/credential /etc/vault.cred
    write_inside /etc/systemd/system/ostiary@.service.d/credential.conf <<'END'
[Service]
LoadCredentialEncrypted=vault:/etc/vault.cred
END
    inside systemctl daemon-reload
    run knock 127.0.0.8 /root/keys/credential
    is "$status" 0 "status with LoadCredentialEncrypted"
    journal_says 'accepted source=127\.0\.0\.8 action=vault '

    administer 'mkdir -p /mnt/door' 'mount -t tmpfs -o size=1m none /mnt/door' 'echo mounted'
    administered 'ostiaryd.*: mounted$'
    inside mountpoint -q /mnt/door
    inside umount /mnt/door
    inside rm -r /etc/systemd/system/ostiary@.service.d
    inside systemctl daemon-reload
}

@test "the key of one-time codes as a credential: totp=credential:NAME" {
    configure 'ACTION="","/usr/local/sbin/report","worker","nogroup","name=vault","credential=vault","totp=credential:phone"'
    write_inside /etc/systemd/system/ostiary@.service.d/credential.conf <<'END'
[Service]
LoadCredential=vault:/root/keys/credential
LoadCredential=phone:/root/keys/phone
END
    inside systemctl daemon-reload
    inside rm -f /var/lib/ostiary-root/used
    printf '%s\n' base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ 'period=10 window=0' | write_inside /root/keys/phone 600
    run knock 127.0.0.7 /root/keys/credential
    is "$status" 77 "status without a code"
    # A new record takes the codes until now for used ones.
    run knock 127.0.0.7 /root/keys/credential --totp /root/keys/phone
    is "$status" 77 "status with the code that makes the record"
    journal_says 'refused source=127\.0\.0\.7 reason=used action=vault$'
    sleep 11
    run knock 127.0.0.7 /root/keys/credential --totp /root/keys/phone
    is "$status" 0 "status with one"
    journal_says 'accepted source=127\.0\.0\.7 action=vault '

    # A handler that cannot know all of its secrets knows none.
    write_inside /etc/systemd/system/ostiary@.service.d/credential.conf <<'END'
[Service]
LoadCredential=vault:/root/keys/credential
END
    inside systemctl daemon-reload
    run knock 127.0.0.8 /root/keys/credential --totp /root/keys/phone
    is "$status" 77 "status where the unit has no key"
    journal_says 'ostiary.cfg:5: error: ACTION: the totp= cannot be opened: No such file or directory'
    journal_says 'refused source=127\.0\.0\.8 reason=config$'
    inside rm -r /etc/systemd/system/ostiary@.service.d
    inside systemctl daemon-reload
}

@test "a client's timer and service knock, with the secret as a credential" {
    write_inside /etc/ostiary/127.0.0.9.secret 600 <<<'a secret that opens the door'
    inside systemctl start ostclient@127.0.0.9.service
    journal_says 'ostiaryd.*: accepted source=127\.0\.0\.1 action=report '
    inside systemctl enable --now ostclient@127.0.0.9.timer
    inside systemctl list-timers --no-legend | grep -q 'ostclient@127.0.0.9.service'
    inside systemctl disable --now ostclient@127.0.0.9.timer
    # A knock that is not accepted is a failed unit: that is what somebody looks at.
    write_inside /etc/ostiary/127.0.0.9.secret 600 <<<'a secret that opens nothing'
    run inside systemctl start ostclient@127.0.0.9.service
    [ "$status" -ne 0 ]
    inside systemctl reset-failed
}

@test "ostiaryctl status tells of the listener" {
    run knock 127.0.0.7 /root/keys/right
    run inside ostiaryctl status
    is "$status" 0 "exit status"
    matches "$output" 5018
    run inside ostiaryctl status --json
    inside ostiaryctl status --json | /usr/bin/python3 -ISm json.tool >/dev/null
}
