# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # single quotes for the shells inside
# A server with a firewall, and hosts that want to come in. Loaded with: load ../../lib/gates (after common).
# In setup: need_grants; make_work; gates_start. In teardown: gates_stop; remove_work.
#
# All of it is in mount, pid and network namespaces of its own, which end with the test (tools/gates_world.sh has the
# network): rules, processes and what is mounted there are nobody else's. The server's /dev/log is $WORK/log.sock, and what
# is said there is in $LOG. $CONFIG is ostiary-grants.cfg, $STATE its STATE_DIR, $RECORD the record.
#
#   inside COMMAND...             on the server
#   at client|neighbour COMMAND...
#   ostgrant STATUS ARGUMENT...   there with $CONFIG; $output has what it says; fails when it exits otherwise

OSTGRANT=$OSTIARY_BUILD/src/grant/ostgrant
WORLD=
SINK=

# Addresses, as gates_world.sh gives them. CLIENT6B is in the /64 of CLIENT6; NEIGHBOUR6 is not.
# shellcheck disable=SC2034 # the tests read them
SERVER4=192.0.2.1 SERVER6=2001:db8::1 CLIENT4=192.0.2.7 CLIENT4B=192.0.2.207 CLIENT6=2001:db8:a::7 CLIENT6B=2001:db8:a::8 \
    NEIGHBOUR4=192.0.2.8 NEIGHBOUR6=2001:db8:b::7

need_grants() {
    need_root
    [ -x "$OSTGRANT" ] || skip "this build has no ostgrant"
}

# gates_start PORT...: the network, with somebody who listens on these ports of the server (default: 2222 and 2223).
gates_start() {
    CONFIG=$WORK/etc/ostiary-grants.cfg
    STATE=$WORK/var/state
    RECORD=$WORK/var/state-root/grants
    LOG=$WORK/log
    : >"$LOG"
    mkdir -m 755 "$WORK/etc" "$WORK/var"
    mkdir -m 700 "$STATE"
    "$TOOLS/syslog_sink.py" "$WORK/log.sock" "$LOG" 3>&- &
    SINK=$!
    eventually test -S "$WORK/log.sock"
    setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc -- \
        "$TOOLS/launcher_init.sh" "$WORK" "$TOOLS/gates_world.sh" "$WORK" </dev/null >"$WORK/world.out" 2>&1 3>&- &
    WORLD=$!
    eventually test -e "$WORK/ready" || {
        cat "$WORK/world.out"
        return 1
    }
    WORLD_INIT=$(pgrep -P "$WORLD")
    in_background "$WORK/serve" "$TOOLS/probe.py" serve "${@:-2222}" 2223
    eventually grep -q ready "$WORK/serve"
}

# The first process of the namespace takes along all others, and the mounts.
gates_stop() {
    [ -z "$WORLD" ] || {
        kill -KILL "$(pgrep -P "$WORLD")" 2>/dev/null || kill -KILL "$WORLD" 2>/dev/null || true
        wait "$WORLD" 2>/dev/null || true
    }
    [ -z "$SINK" ] || {
        kill "$SINK" 2>/dev/null || true
        wait "$SINK" 2>/dev/null || true
    }
    WORLD='' SINK=''
    rm -rf "${WORK:?}/dev"
}

inside() {
    nsenter -t "$WORLD_INIT" -n -m -p -- "$@"
}

at() {
    nsenter -t "$WORLD_INIT" -m -p "--net=/proc/$WORLD_INIT/root/run/netns/$1" -- "${@:2}"
}

# in_background OUTPUT COMMAND...: on the server, as long as the network is there.
in_background() {
    inside "${@:2}" </dev/null >"$1" 2>&1 3>&- &
}

# users LINE...: the server has these users, as lines of passwd(5), besides its own.
users() {
    sed '/^ostiary:/d' /etc/passwd >"$WORK/etc/passwd"
    printf '%s\n' "$@" >>"$WORK/etc/passwd"
    inside mount --bind "$WORK/etc/passwd" /etc/passwd
}

# gates LINE...: the configuration.
gates() {
    printf '%s\n' "STATE_DIR=\"$STATE\"" "$@" >"$CONFIG"
    chmod 644 "$CONFIG"
}

ostgrant() {
    local wanted=$1
    shift
    run inside "${OSTGRANT_WITH[@]}" "$OSTGRANT" -c "$CONFIG" "$@"
    is "$status" "$wanted" "status of ostgrant $*, which said: $output"
}

# From now on ostgrant is started so. No variable says that nothing is.
ostgrant_with() {
    OSTGRANT_WITH=(env "$@")
}

# sshd_starts [inside | at HOST]: at ports 22 and 2022 of the server or of that host, where root may log in from the client
# (client_logs_in).
sshd_starts() {
    local sshd=$OSTIARY_BUILD/peers/usr/sbin/sshd
    [ -x "$sshd" ] || skip "needs: sh tests/setup.sh peers $OSTIARY_BUILD/peers"
    mkdir -m 700 "$WORK/ssh"
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/key"
    cp "$WORK/ssh/key.pub" "$WORK/ssh/authorized"
    getent passwd >"$WORK/passwd"
    grep -q '^sshd:' "$WORK/passwd" || echo 'sshd:x:4712:65534::/run/sshd:/usr/sbin/nologin' >>"$WORK/passwd"
    inside mount --bind "$WORK/passwd" /etc/passwd
    "${@:-inside}" "$sshd" -D -e -f /dev/null -p 22 -p 2022 -h "$WORK/ssh/key" -o PidFile=none -o UsePAM=no -o StrictModes=no \
        -o "AuthorizedKeysFile=$WORK/ssh/authorized" -o PermitRootLogin=yes </dev/null >"$WORK/sshd" 2>&1 3>&- &
    eventually grep -q listening "$WORK/sshd"
}

# client_logs_in FROM SERVER [OPTION...] COMMAND...: with a real ssh, from this address of the client.
client_logs_in() {
    at client ssh -F none -i "$WORK/ssh/key" -b "$1" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o ConnectTimeout=300 "root@$2" "${@:3}"
}

# Behind the server, a network of its own with one host, 198.51.100.2 and 2001:dc8::2, who listens as the server does.
with_inner_host() {
    inside sh -euc '
        ip netns add inner
        ip netns exec inner sh -c "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
        ip link add inside type veth peer name eth0 netns inner
        ip link set inside up
        ip address add 198.51.100.1/24 dev inside
        ip address add 2001:dc8::1/32 dev inside nodad
        ip -n inner -batch - <<END
link set lo up
link set eth0 up
address add 198.51.100.2/24 dev eth0
address add 2001:dc8::2/32 dev eth0 nodad
route add default via 198.51.100.1
route add default via 2001:dc8::1
END
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    at client ip route add 2001:dc8::/32 via "$SERVER6"
    at neighbour ip route add 2001:dc8::/32 via "$SERVER6"
    at inner "$TOOLS/probe.py" serve 2222 2223 >"$WORK/inner" 2>&1 3>&- &
    eventually grep -q ready "$WORK/inner"
}

# sees HOST STATE SERVER PROTO/PORT... [-- ADDRESS]: from that host, each of these ports is open, shut or refused; coming
# from ADDRESS, where that is said. Each host's own addresses are the default.
sees() {
    local host=$1 wanted=$2 server=$3 ports=() from=()
    shift 3
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then
            from=(--from "$2")
            break
        fi
        ports+=("$1")
        shift
    done
    is "$(at "$host" "$TOOLS/probe.py" ask "${from[@]}" "$server" "${ports[@]}" | sort -u | xargs)" "$wanted" \
        "what $host sees at $server ${ports[*]} ${from[*]}"
}

# kernel: what is open there, see granted.py. kernel_has REGEX | kernel_lacks REGEX: one of these lines.
kernel() {
    inside "$TOOLS/granted.py" kernel
}

kernel_has() {
    matches "$(kernel)" "(^|"$'\n'")$1"
}

kernel_lacks() {
    local now
    now=$(kernel)
    [[ ! $now =~ (^|$'\n')$1 ]] || {
        printf 'the kernel should not have %s:\n%s\n' "$1" "$now"
        return 1
    }
}

# kernel_ends GATE NETWORK: by when it is over, by the kernel's own account, in ms; up to 1.5 s more.
kernel_ends() {
    inside "$TOOLS/granted.py" ends "$@"
}

# later_by MS BEFORE AFTER: the second end is later by so much, or more. Each is up to 1.5 s later than it really is, so one
# that has not changed can seem to be apart by that.
later_by() {
    [ $(($3 - $2)) -ge "$1" ] || {
        echo "the end was $2 and is $3: not later by $1"
        return 1
    }
}

# record_and_kernel_agree: each grant is in both, for the same user and as long.
record_and_kernel_agree() {
    run inside "$TOOLS/granted.py" agree "${OSTGRANT_WITH[@]}" "$OSTGRANT" -c "$CONFIG"
    is "$status" 0 "whether they agree: $output"
}

# left GATE NETWORK: seconds, as "list" says; nothing where it does not know it.
left() {
    inside "${OSTGRANT_WITH[@]}" "$OSTGRANT" -c "$CONFIG" list --json | /usr/bin/python3 -ISc 'import json, sys
for grant in json.load(sys.stdin):
    if [grant["gate"], grant["network"]] == sys.argv[1:]:
        print(grant["left"])' "$1" "$2"
}

boottime_ms() {
    /usr/bin/python3 -ISc 'import time; print(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000)'
}

# logged REGEX [COUNT]: so many lines of the log match, at least one; waits for the first.
logged() {
    eventually grep -qE -- "$1" "$LOG" || {
        printf 'no line matches %s in the log:\n' "$1"
        cat "$LOG"
        return 1
    }
    [ -z "${2-}" ] || is "$(grep -cE -- "$1" "$LOG")" "$2" "lines that match $1"
}

not_logged() {
    refute grep -E -- "$1" "$LOG"
}
