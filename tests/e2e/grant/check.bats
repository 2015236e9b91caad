#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostgrant check: what stands in the way of a gate, and who would be shut out. It is said before it hurts.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    ostgrant_with -u SSH_CONNECTION -u SSH_CLIENT
}

teardown() {
    gates_stop
    remove_work
}

rules() {
    inside nft -f -
}

# finds REGEX: a finding matches. An error is status 78, a warning is none.
finds() {
    run inside "${OSTGRANT_WITH[@]}" "$OSTGRANT" -c "$CONFIG" check
    matches "$output" "(warning|error): .*($1)"
    is "$status" "$(grep -q 'error: ' <<<"$output" && echo 78 || echo 0)" "status of check, which said: $output"
}

finds_nothing() {
    ostgrant 0 check
    is "$output" '' "what check says"
}

@test "check: nothing to say of a gate that opens and shuts" {
    finds_nothing
    ostgrant 0 grant ssh "$CLIENT4"
    finds_nothing
}

@test "check: the rules that shut the port are not loaded, or not all of them" {
    inside nft flush ruleset
    finds 'ostiary_grants.*not loaded|not loaded.*ostiary_grants|not loaded'
    # As it would seem to whoever looks at nothing but the table's name.
    inside nft add table inet ostiary_grants
    finds 'not loaded|load'
    ostgrant 0 load
    finds_nothing
    inside nft flush chain inet ostiary_grants input
    sees neighbour open "$SERVER4" tcp/2222
    finds 'load'
    ostgrant 0 load
    # What is in a chain can be lost alone, and so can one rule of it.
    inside nft flush chain inet ostiary_grants gate_ssh
    sees neighbour open "$SERVER4" tcp/2222
    finds 'somebody else has changed the rules .*ostgrant load'
    ostgrant 0 load
    inside nft insert rule inet ostiary_grants gate_ssh ip saddr "$NEIGHBOUR4" return
    finds 'somebody else has changed the rules .*ostgrant load'
    ostgrant 0 load
    # All that a gate can have is found again as it was written, also with nothing but a network open.
    gates 'GATE="ssh","tcp 2222,22,80-85,86-90 udp 60000-61000","interface=lan"' 'GATE="all","any","hook=forward","established=cut"' \
        'GATE="cut","udp 2223","established=cut","ipv6-prefix=56"' 'FREE="tcp 5018 udp 5018"' \
        'ALWAYS="192.0.2.128/26"' 'ALWAYS="192.0.2.192/26"' 'ALWAYS="2001:db8:ffff::/48"'
    ostgrant 0 load
    ostgrant 0 grant cut 198.51.100.0/24
    ostgrant 0 check
    refute grep error <<<"$output"
    gates 'GATE="all","any","established=cut"' 'FREE="tcp 5018 udp 5018,2223"'
    ostgrant 0 load
    ostgrant 0 check
    refute grep error <<<"$output"
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    # The file has changed since.
    gates 'GATE="ssh","tcp 2222-2223"'
    finds 'load'
    gates 'GATE="ssh","tcp 2222","interface=nosuch0"'
    ostgrant 0 load
    finds "no interface 'nosuch0' now"
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    finds_nothing
}

@test "check: another table drops what a gate opens" {
    ostgrant 0 grant ssh "$CLIENT4" 1h
    rules <<<'table inet filter { chain input { type filter hook input priority filter; tcp dport 2222 drop; }; }'
    sees client shut "$SERVER4" tcp/2222
    finds 'filter.*input|input.*filter'
    matches "$output" 'ssh|2222'
    inside nft flush ruleset
    ostgrant 0 load
    # A policy drops what no rule lets through.
    rules <<<'table inet mine { chain in { type filter hook input priority 10; policy drop; ct state established,related accept; iif lo accept; tcp dport 5018 accept; udp dport 5018 accept; }; }'
    sees client shut "$SERVER4" tcp/2222
    finds 'mine'
    inside nft delete table inet mine
    # Before ours as well, of one family alone, by reject, in a chain that is jumped to, and by a set of ports.
    rules <<<'table ip old { chain in { type filter hook input priority -200; tcp dport { 25, 2222 } reject; }; }'
    finds 'old'
    inside nft delete table ip old
    rules <<<'table inet deep { chain ports { tcp dport 2000-3000 counter drop; }; chain in { type filter hook input priority 0; jump ports; }; }'
    sees client shut "$SERVER4" tcp/2222
    finds 'deep'
    inside nft delete table inet deep
    finds_nothing
}

@test "check: tables that let a gate's port through are no finding" {
    local table
    while read -r table; do
        inside nft flush ruleset
        ostgrant 0 load
        ostgrant 0 grant ssh "$CLIENT4" 1h
        rules <<<"$table"
        sees client open "$SERVER4" tcp/2222 || {
            echo "$table"
            return 1
        }
        finds_nothing || {
            echo "$table"
            return 1
        }
    done <<'END'
table inet mine { chain in { type filter hook input priority 10; policy drop; tcp dport 2222 accept; udp dport 5018 accept; meta l4proto ipv6-icmp accept; }; }
table inet mine { chain in { type filter hook input priority 10; tcp dport 2223 drop; }; }
table inet mine { chain in { type filter hook input priority 10; policy drop; ct state invalid drop; iif lo accept; tcp dport { 22, 80, 2000-2300 } accept; udp dport 5018 accept; meta l4proto ipv6-icmp accept; }; }
table inet mine { chain out { type filter hook output priority 10; tcp dport 2222 drop; }; }
table inet mine { chain way { type filter hook forward priority 10; policy drop; }; }
table inet mine { chain unused { tcp dport 2222 drop; }; chain in { type filter hook input priority 10; }; }
END
}

@test "check: rules of iptables are looked at as well" {
    inside iptables-nft -A INPUT -p tcp --dport 2222 -j DROP
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client shut "$SERVER4" tcp/2222
    finds 'filter|INPUT'
}

# The steps of a session, as a script: what check says is in $WORK/said.STEP.
session() {
    cat >"$WORK/session" <<END
ostgrant() { "$OSTGRANT" -c "$CONFIG" "\$@"; }
check() { ostgrant check >"$WORK/said.\$1" 2>&1; }
gates() { printf '%s\n' 'STATE_DIR="$STATE"' "\$@" >"$CONFIG"; ostgrant load; }
END
    cat >>"$WORK/session"
}

says_nothing() {
    local step
    for step; do
        is "$(cat "$WORK/said.$step")" '' "what check says when $step"
    done
}

@test "check: your own ssh session would be shut out, and it is said who you are" {
    sshd_starts
    gates 'GATE="ssh","tcp 22,2222"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h
    session <<END
check granted
ostgrant revoke ssh $CLIENT4
check revoked
ostgrant grant ssh 192.0.2.0/24 1h
check network
ostgrant revoke ssh 192.0.2.0/24
gates 'GATE="ssh","tcp 22,2222"' 'ALWAYS="192.0.2.0/24"'
check always
gates 'GATE="ssh","tcp 2222"'
check elsewhere
gates 'GATE="all","any"' 'FREE="tcp 5018"'
check any
gates 'GATE="all","any"' 'FREE="tcp 22"'
check free
END
    client_logs_in "$CLIENT4" "$SERVER4" sh "$WORK/session"
    says_nothing granted network always elsewhere free
    matches "$(cat "$WORK/said.revoked")" "(warning|error): .*$CLIENT4"
    matches "$(cat "$WORK/said.any")" "(warning|error): .*$CLIENT4"
}

@test "check: your own ssh session by IPv6, and its /64" {
    sshd_starts
    gates 'GATE="ssh","tcp 22"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT6" 1h
    session <<END
check granted
ostgrant revoke ssh $CLIENT6
check revoked
END
    client_logs_in "$CLIENT6B" "$SERVER6" sh "$WORK/session"
    says_nothing granted
    matches "$(cat "$WORK/said.revoked")" "(warning|error): .*$CLIENT6B"
}

@test "check: what is in SSH_CONNECTION is somebody else's word, and any bytes of it are safe" {
    local words
    for words in '' 'x' '192.0.2.7' '192.0.2.7 1 192.0.2.1' '192.0.2.7 1 192.0.2.1 99999' 'client 1 server 22' \
        "$(printf 'a%.0s' {1..5000})" $'192.0.2.7\n1 192.0.2.1 2222'; do
        ostgrant_with "SSH_CONNECTION=$words"
        finds_nothing
    done
}

@test "check: a command that is not there, that nobody may run, or that others can change" {
    cp /bin/true "$WORK/bin/good"
    cp /bin/true "$WORK/bin/bad"
    chmod 777 "$WORK/bin/bad"
    gates "GATE=\"router\",\"grant=$WORK/bin/good\",\"revoke=$WORK/bin/nosuch\""
    finds 'nosuch'
    gates "GATE=\"router\",\"grant=$WORK/bin/bad\",\"revoke=$WORK/bin/good\""
    finds 'bin/bad'
    chmod 644 "$WORK/bin/bad"
    finds 'bin/bad'
    gates "GATE=\"router\",\"grant=$WORK/bin/good\",\"revoke=$WORK/bin/good\""
    ostgrant 0 load
    finds_nothing
}

@test "check: users and groups that this machine does not have" {
    gates 'WEB_USER="nosuch"' 'USER="@nobodies","ssh"' 'ADMIN="@chiefs","ssh"' 'GATE="ssh","tcp 2222","web=yes"'
    ostgrant 0 load
    finds "web=yes, but there is no user 'nosuch' as whom a web server could run"
    matches "$output" "warning: USER: there is no group 'nobodies' on this machine"
    matches "$output" "warning: ADMIN: there is no group 'chiefs' on this machine"
}

@test "check: a record that is damaged, of another version, or of a later time, and no copy of what was loaded" {
    ostgrant 0 grant ssh "$CLIENT4" 1h
    rm "$STATE-root/ostiary-grants.cfg"
    finds "there is no copy beside the record of what was loaded"
    ostgrant 0 load
    finds_nothing
    ostgrant_with -u SSH_CONNECTION -u SSH_CLIENT "LD_PRELOAD=$OSTIARY_BUILD/tests/libfrozen.so" OSTIARY_TEST_CLOCK=1000000000000
    finds 'the clock of this machine stands before a time that it has shown before, 20'
    ostgrant_with -u SSH_CONNECTION -u SSH_CLIENT
    printf x | dd of="$RECORD" bs=1 seek=40 conv=notrunc status=none
    finds 'the record .*/grants is damaged in 1 places: run .ostgrant repair.'
    ostgrant 0 repair
    finds_nothing
    printf x | dd of="$RECORD" bs=1 count=1 conv=notrunc status=none
    truncate -s 100 "$RECORD"
    finds 'the record .*/grants: '
}

@test "check: the record is for root alone, and who is another is told so" {
    run inside setpriv --reuid nobody --clear-groups "$OSTGRANT" -c "$CONFIG" check
    is "$status" 77 "status, and it said: $output"
    matches "$output" 'check needs root'
}

@test "check: a file that root alone could read by force is none for the units" {
    chmod 0 "$CONFIG"
    finds 'its owner may not read it, and so the units cannot'
}

@test "check changes nothing" {
    local rules before
    ostgrant 0 grant ssh "$CLIENT4" 1h
    inside nft delete element inet ostiary_grants ssh_4_32 "{ $CLIENT4 }"
    rules=$(inside nft list ruleset)
    before=$(sha256sum "$RECORD")
    run inside "$OSTGRANT" -c "$CONFIG" check
    is "$(inside nft list ruleset)" "$rules" rules
    is "$(sha256sum "$RECORD")" "$before" "the record"
}
