#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What becomes of sessions that are open when their grant ends, as established= says: real ones, through a real firewall.

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    # Where sshd is; in_inner_host changes it.
    SSHD=(inside) SSHD4=$SERVER4 SSHD6=$SERVER6
}

teardown() {
    gates_stop
    remove_work
}

# What sshd runs behind the router, of hook=forward.
in_inner_host() {
    with_inner_host
    SSHD=(at inner) SSHD4=198.51.100.2 SSHD6=2001:dc8::2
}

# ---- Sessions, by name ----

declare -gA TO # descriptors

# logs_in NAME FROM [COMMAND [PORT]]: from this address of the client. What is said to the session comes back from COMMAND.
logs_in() {
    local to server=$SSHD4
    [[ $2 != *:* ]] || server=$SSHD6
    mkfifo "$WORK/$1.session"
    client_logs_in "$2" "$server" -p "${4-22}" "${3-cat}" <"$WORK/$1.session" >"$WORK/$1.heard" 2>"$WORK/$1.said" 3>&- &
    exec {to}>"$WORK/$1.session"
    TO[$1]=$to
}

# In such a session, the server goes on to say something by itself.
SPEAKING='while sleep 0.2; do echo; done & cat'

# say NAME WORD; says NAME WORD: and it is heard again.
say() {
    echo "$2" >&"${TO[$1]}"
}

says() {
    say "$@"
    eventually grep -qx "$2" "$WORK/$1.heard" || {
        cat "$WORK/$1.said" "$WORK/sshd"
        return 1
    }
}

unheard() {
    refute grep -qx "$2" "$WORK/$1.heard"
}

# ---- What passes, by name ----

# watch NAME FROM [PORT]: of what is sent from this address of the client to the port, count what reaches the server's link,
# and what is let through; and how often the other side has been taken for the beginning of a connection.
watch() {
    local family=ip port="${3-22}"
    [[ $2 != *:* ]] || family=ip6
    inside nft -f - <<END
table inet watch {
    counter arrived-$1 {}
    counter passed-$1 {}
    counter begun-$1 {}
    chain first {
        type filter hook prerouting priority -400
        $family saddr $2 tcp dport $port counter name arrived-$1
    }
    chain input {
        type filter hook input priority 400
        $family saddr $2 tcp dport $port counter name passed-$1
    }
    chain forward {
        type filter hook forward priority 400
        $family saddr $2 tcp dport $port counter name passed-$1
        $family daddr $2 tcp sport $port ct state new counter name begun-$1
    }
    chain output {
        type filter hook output priority 400
        $family daddr $2 tcp sport $port ct state new counter name begun-$1
    }
}
END
}

counted() {
    inside nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

has_counted() {
    [ "$(counted "$1")" -ge "$2" ]
}

# sent_again NAME ARRIVED PASSED: since then; or something of it was let through.
sent_again() {
    has_counted "arrived-$1" $(($2 + 3)) || has_counted "passed-$1" $(($3 + 1))
}

# are_cut_off WORD NAME...: of what these say from now on, nothing comes through, however often it is sent again.
are_cut_off() {
    local name word=$1
    local -A passed arrived
    shift
    for name; do
        passed[$name]=$(counted "passed-$name")
        arrived[$name]=$(counted "arrived-$name")
        say "$name" "$word"
    done
    for name; do
        eventually sent_again "$name" "${arrived[$name]}" "${passed[$name]}"
        is "$(counted "passed-$name")" "${passed[$name]}" "packets of $name that were let through: $word"
        unheard "$name" "$word"
    done
}

# ---- Until the grant ends ----

@test "established=keep: a session that is open goes on behind the end of its grant, and no other begins" {
    gates 'GATE="ssh","tcp 22,2222"'
    ostgrant 0 load
    sshd_starts "${SSHD[@]}"
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    logs_in alice "$CLIENT4"
    says alice first
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/22 tcp/2222
    says alice second
    # Nor does loading the rules anew end it.
    ostgrant 0 load
    says alice third
}

@test "established=cut: a session that is open is cut off, from one moment to the next" {
    gates 'GATE="ssh","tcp 22,2222","established=cut"'
    ostgrant 0 load
    sshd_starts "${SSHD[@]}"
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    logs_in alice "$CLIENT4"
    says alice first
    ostgrant 0 load
    says alice second
    watch alice "$CLIENT4"
    ostgrant 0 revoke ssh "$CLIENT4"
    are_cut_off third alice
    is "$(counted passed-alice)" 0 "packets of the session that were let through"
    # A grant that comes in time lets it go on.
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    says alice fourth
    grep -qx third "$WORK/alice.heard"
}

nothing_is_open() {
    [ -z "$(kernel)" ]
}

@test "when the time of a grant is up, established=cut cuts an open session off, and with keep it goes on: IPv4 and IPv6" {
    local gate address name
    gates 'GATE="cut","tcp 22","established=cut"' 'GATE="keep","tcp 2022","established=keep"'
    ostgrant 0 load
    sshd_starts "${SSHD[@]}"
    for address in "$CLIENT4" "$CLIENT6"; do
        for gate in cut keep; do
            ostgrant 0 grant "$gate" "$address" 1h alice
        done
    done
    watch cut4 "$CLIENT4"
    watch cut6 "$CLIENT6"
    logs_in cut4 "$CLIENT4"
    logs_in cut6 "$CLIENT6"
    logs_in keep4 "$CLIENT4" cat 2022
    logs_in keep6 "$CLIENT6" cat 2022
    for name in cut4 cut6 keep4 keep6; do
        says "$name" first
    done
    # Nothing is asked of ostgrant any more: it is the kernel that ends it.
    for address in "$CLIENT4" "$CLIENT6"; do
        for gate in cut keep; do
            ostgrant 0 grant "$gate" "$address" 1 alice
        done
    done
    eventually nothing_is_open
    are_cut_off second cut4 cut6
    says keep4 second
    says keep6 second
    sees client shut "$SERVER4" tcp/22 tcp/2022
    sees client shut "$SERVER6" tcp/22 tcp/2022
    not_logged reason=revoked
    ostgrant 0 tick
    logged 'ended gate=.* user=alice reason=expired' 4
}

@test "established=cut: nor does what the server goes on to send let a session in that was begun before the rules" {
    gates 'GATE="ssh","tcp 22,2222","established=cut"'
    sshd_starts "${SSHD[@]}"
    logs_in alice "$CLIENT4" "$SPEAKING"
    says alice first
    watch alice "$CLIENT4"
    ostgrant 0 load
    are_cut_off ports alice
    ostgrant 0 grant ssh "$CLIENT4" 1h
    says alice second
    ostgrant 0 revoke ssh "$CLIENT4"
    # Where all is shut, answers come in, and these are none.
    inside nft delete table inet ostiary_grants
    gates 'GATE="ssh","any","established=cut"' 'FREE="udp 5018"'
    ostgrant 0 load
    are_cut_off any alice
    at neighbour "$TOOLS/probe.py" serve 2223 >"$WORK/neighbour" 2>&1 3>&- &
    eventually grep -q ready "$WORK/neighbour"
    is "$(inside "$TOOLS/probe.py" ask "$NEIGHBOUR4" tcp/2223 udp/2223 | xargs)" 'open open' "what the server begins"
    is "$(inside "$TOOLS/probe.py" ask "$NEIGHBOUR6" tcp/2223 udp/2223 | xargs)" 'open open' "what the server begins"
}

# ---- Packets that were made up ----

# cannot_be_revived LINE...: with these gates, of two that are logged in, in either family, the one whose grant is over is out
# for good, and the other stays in. The reset that is made up does not reach the server, where the session goes on; but
# connection tracking has seen it, forgets the connection, and takes what the server sends for a new one. So it is ten
# seconds later, or at once, as here.
cannot_be_revived() {
    gates "$@"
    ostgrant 0 load
    inside sh -c 'echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close'
    watch out4 "$CLIENT4"
    watch out6 "$CLIENT6"
    watch in4 "$CLIENT4B"
    watch in6 "$CLIENT6B"
    sshd_starts "${SSHD[@]}"
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$CLIENT6/128" 1h alice
    ostgrant 0 grant ssh "$CLIENT4B" 1h bob
    ostgrant 0 grant ssh "$CLIENT6B/128" 1h bob
    logs_in out4 "$CLIENT4" "$SPEAKING"
    logs_in out6 "$CLIENT6" "$SPEAKING"
    logs_in in4 "$CLIENT4B" "$SPEAKING"
    logs_in in6 "$CLIENT6B" "$SPEAKING"
    local name
    local -A passed
    for name in out4 out6 in4 in6; do
        says "$name" first
        is "$(counted "begun-$name")" 0 "what the server has begun with $name"
    done
    ostgrant 0 revoke ssh "$CLIENT4"
    ostgrant 0 revoke ssh "$CLIENT6/128"
    passed[out4]=$(counted passed-out4)
    passed[out6]=$(counted passed-out6)
    at client "$TOOLS/spoof.py" "$CLIENT4" "$SSHD4" 22 --reset=0
    at client "$TOOLS/spoof.py" "$CLIENT6" "$SSHD6" 22 --reset=0
    eventually has_counted begun-out4 1
    eventually has_counted begun-out6 1
    are_cut_off second out4 out6
    # The resets were not let through either.
    is "$(counted passed-out4) $(counted passed-out6)" "${passed[out4]} ${passed[out6]}" "packets that were let through"
    # Here the number was guessed, so that the server asks whether it is meant.
    at client "$TOOLS/spoof.py" "$CLIENT4B" "$SSHD4" 22 --reset=100
    at client "$TOOLS/spoof.py" "$CLIENT6B" "$SSHD6" 22 --reset=100
    says in4 second
    says in6 second
    sees client shut "$SSHD4" tcp/2222
    sees client shut "$SSHD6" tcp/2222
    unheard out4 second
    unheard out6 second
}

@test "established=cut: a reset that was made up revives no session whose grant is over, and ends none that has one: ports" {
    cannot_be_revived 'GATE="ssh","tcp 22,2222","established=cut"'
}

@test "established=cut: a reset that was made up revives no session whose grant is over, and ends none that has one: any" {
    cannot_be_revived 'GATE="ssh","any","established=cut"' 'FREE="udp 5018"'
}

@test "established=cut: a reset that was made up revives nothing behind a router either: ports" {
    in_inner_host
    cannot_be_revived 'GATE="ssh","tcp 22,2222","established=cut","hook=forward"'
}

@test "established=cut: a reset that was made up revives nothing behind a router either: any" {
    in_inner_host
    cannot_be_revived 'GATE="ssh","any","established=cut","hook=forward","interface=lan"' 'FREE="udp 5018"'
}

# send_each_kind: from the client, a packet with each set of flags to each gate.
send_each_kind() {
    local port server
    for port in 22 2222; do
        for server in "$SERVER4" 198.51.100.2; do
            at client "$TOOLS/spoof.py" "$CLIENT4" "$server" "$port" --flags
        done
        for server in "$SERVER6" 2001:dc8::2; do
            at client "$TOOLS/spoof.py" "$CLIENT6" "$server" "$port" --flags
        done
    done
}

@test "no packet of TCP comes through a gate from who has no grant, whatever its flags: by both families, at both hooks" {
    local name gate
    local -A from=([cut4]="$CLIENT4 22" [cut6]="$CLIENT6 22" [keep4]="$CLIENT4 2222" [keep6]="$CLIENT6 2222")
    with_inner_host
    gates 'GATE="cut","tcp 22","established=cut"' 'GATE="keep","tcp 2222"' \
        'GATE="cut-behind","tcp 22","hook=forward","established=cut"' 'GATE="keep-behind","tcp 2222","hook=forward"'
    ostgrant 0 load
    for name in "${!from[@]}"; do
        # shellcheck disable=SC2086 # two words
        watch "$name" ${from[$name]}
    done
    send_each_kind
    for name in "${!from[@]}"; do
        eventually has_counted "arrived-$name" 128
        is "$(counted "passed-$name")" 0 "packets that were let through, of $name"
    done
    # With a grant each of them is.
    for gate in cut keep cut-behind keep-behind; do
        ostgrant 0 grant "$gate" "$CLIENT4" 1h alice
        ostgrant 0 grant "$gate" "$CLIENT6" 1h alice
    done
    send_each_kind
    for name in "${!from[@]}"; do
        eventually has_counted "passed-$name" 128
    done
}
