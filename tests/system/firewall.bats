#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The example's firewall rules, ostiary-flood.nft, with three hosts on one link: the server, an attacker, and a rightful user.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg
RULES=$OSTIARY_DATADIR/doc/ostiary/examples/ostiary-flood.nft

SERVER4=192.0.2.1 SERVER6=2001:db8::1 SERVER64=64:ff9b::c000:201
USER4=192.0.2.2 USER6=2001:db8:b::1 USER64=64:ff9b::c000:202
ATTACKER4=192.0.2.3 ATTACKER64=64:ff9b::c000:203
# Of one /64.
ATTACKER6=2001:db8:a::1,2001:db8:a::2,2001:db8:a::3,2001:db8:a::4,2001:db8:a::5,2001:db8:a::6,2001:db8:a::7,2001:db8:a::8

setup_file() {
    need_container
    container_boot
    container_install
    write_inside "$CONFIG" 600 <<'END'
DELAY=1
ACTION="a secret that opens the door","/bin/true","nobody"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    connect_hosts
    inside systemctl enable --now ostiary.socket
}

teardown_file() {
    container_stop
}

setup() {
    inside sh -c 'rm -f /var/lib/ostiary/* /run/enough'
    inside nft -f "$RULES"
    journal_from_here
}

teardown() {
    inside touch /run/enough
    [ -n "${BATS_TEST_COMPLETED-}" ] || {
        inside nft list ruleset
        journal | tail -n 40
    }
    inside nft flush ruleset
    at user nft flush ruleset
    at attacker nft flush ruleset
}

# One link between the hosts, with IPv6 addresses that can be used at once.
connect_hosts() {
    inside sh -euc '
        host() {
            ip netns add "$1"
            ip link add "to-$1" type veth peer name eth0 netns "$1"
            ip link set "to-$1" master hosts up
            ip -n "$1" link set lo up
            ip -n "$1" link set eth0 up
        }
        ip link add name hosts type bridge mcast_snooping 0
        ip link set hosts up
        host attacker
        host user
        for conf in all hosts; do echo 0 >/proc/sys/net/ipv4/conf/$conf/rp_filter; done'
    give "" hosts "$SERVER4/24" "$SERVER6/32" "$SERVER64/96"
    give user eth0 "$USER4/24" "$USER6/32" "$USER64/96"
    # shellcheck disable=SC2086 # a list of addresses
    give attacker eth0 "$ATTACKER4/24" ${ATTACKER6//,//32 }/32 "$ATTACKER64/96"
}

# give HOST INTERFACE ADDRESS/BITS...
give() {
    local address
    for address in "${@:3}"; do
        if [[ $address == *:* ]]; then
            inside ip ${1:+-n "$1"} address add "$address" dev "$2" nodad
        else
            inside ip ${1:+-n "$1"} address add "$address" dev "$2"
        fi
    done
}

# at HOST COMMAND...: there.
at() {
    inside nsenter --net="/run/netns/$1" -- "${@:2}"
}

# user_knocks SERVER: he is served at his first try.
user_knocks() {
    local start=${EPOCHREALTIME/./}
    run at user "$OSTIARY_BINDIR/ostclient" -w -t 60 -k /root/right "$1"
    echo "# a knock at $1: status $status, $(((${EPOCHREALTIME/./} - start) / 1000)) ms" >&3
    is "$status" 0 "status of the knock, which said: $output"
}

spoof_is_ready() {
    grep -q '^ready' "$BATS_TEST_TMPDIR/spoof"
}

# sources SET: who is in a set of the rules.
sources() {
    inside nft list set inet ostiary "$1" | tr -d '\n\t' | sed -n 's/.*elements = //p'
}

# watch SOURCE: count from here on how many connections are begun in this name.
watch() {
    local family=ip
    [[ $1 != *:* ]] || family=ip6
    inside nft -f - <<END
table inet watch {
    counter begun {}
    chain input {
        type filter hook input priority filter - 20;
        $family saddr $1 tcp dport 5018 tcp flags syn / fin,syn,rst,ack counter name begun
    }
}
END
}

begun() {
    inside nft list counter inet watch begun | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

begun_at_least() {
    [ "$(begun)" -ge "$1" ]
}

# in_the_name_of VICTIM SERVER: connections are begun in his name, and go on while he knocks.
in_the_name_of() {
    local before
    watch "$1"
    at attacker "$TOOLS/spoof.py" "$1" "$2" 5018 /run/enough >"$BATS_TEST_TMPDIR/spoof" 2>&1 3>&- &
    eventually spoof_is_ready
    eventually begun_at_least 300
    before=$(begun)
    user_knocks "$2"
    eventually begun_at_least $((before + 50))
    inside touch /run/enough
    wait
    journal_says "accepted source=$1 "
    is "$(sources often4)$(sources often6)" '' "who has connected too often"
}

@test "connections that somebody begins in a victim's name use up nothing of his: IPv4" {
    in_the_name_of "$USER4" "$SERVER4"
    matches "$(sources rate4)" "$USER4"
}

@test "connections that somebody begins in a victim's name use up nothing of his: IPv6" {
    in_the_name_of "$USER6" "$SERVER6"
    matches "$(sources rate6)" '2001:db8:b::'
}

# without_resets HOST: its kernel says nothing of what it knows nothing of.
without_resets() {
    at "$1" nft -f - <<<'table inet quiet { chain output { type filter hook output priority 0; tcp flags & rst == rst drop; }; }'
}

with_resets() {
    at "$1" nft delete table inet quiet
}

# A victim who does not say that he knows nothing of it: then the server goes on waiting for him.
@test "... nor where the victim is silent about what he has not begun" {
    without_resets user
    in_the_name_of "$USER4" "$SERVER4"
    with_resets user
}

# reached_systemd: how many connections have.
reached_systemd() {
    inside systemctl show --property=NAccepted --property=NRefused ostiary.socket |
        awk -F= '{ sum += $2 } END { print sum }'
}

# too_often SERVER SOURCES: 400 connections; about as many as the rules allow in that time have reached systemd.
too_often() {
    local start=${EPOCHREALTIME/./} before most
    before=$(reached_systemd)
    run at attacker "$TOOLS/burst.py" "$1" 5018 "$2" 400 400 4
    reached=$(($(reached_systemd) - before))
    # 20 at once and 5 a second, and some for what is still under way.
    most=$((20 + 5 * ((${EPOCHREALTIME/./} - start) / 1000000 + 2)))
    echo "# of 400 connections $reached have reached systemd, and $most might have" >&3
    [ "$reached" -ge 10 ]
    [ "$reached" -le "$most" ]
}

nobody_is_in() {
    [ -z "$(sources "$1")" ]
}

@test "who does connect too often is limited, and others are not: IPv4" {
    too_often "$SERVER4" "$ATTACKER4"
    matches "$(sources often4)" "$ATTACKER4"
    user_knocks "$SERVER4"
    # He is heard again when he has stopped.
    eventually nobody_is_in often4
    inside sh -c 'rm -f /var/lib/ostiary/*'
    run at attacker "$OSTIARY_BINDIR/ostclient" -w -t 60 -k /root/right "$SERVER4"
    is "$status" 0 "status of his knock, which said: $output"
}

@test "no packet arrives but behind a handshake that has been counted" {
    local before
    before=$(reached_systemd)
    without_resets attacker
    run at attacker "$TOOLS/spoof.py" "$ATTACKER4" "$SERVER4" 5018 --end=60
    with_resets attacker
    echo "# $output answers, $(($(reached_systemd) - before)) have reached systemd" >&3
    [ "$output" -ge 20 ]
    user_knocks "$SERVER4"
    # His is the only one.
    is "$(($(reached_systemd) - before))" 1 "connections that have reached systemd"
}

@test "who does connect too often is limited, and others are not: IPv6, by the /64" {
    too_often "$SERVER6" "$ATTACKER6"
    matches "$(sources often6)" '2001:db8:a::'
    user_knocks "$SERVER6"
}

@test "who does connect too often is limited, and others are not: two who are behind one translator" {
    too_often "$SERVER64" "$ATTACKER64"
    matches "$(sources often6)" '64:ff9b::c000:203'
    user_knocks "$SERVER64"
}
