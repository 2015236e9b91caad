#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the sealed door and the web form may ask for over their sockets, and what they may not. Who asks is told by the
# kernel; so each test asks as another user.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

WEB=33 # www-data, whose number is the same wherever there is Debian's base-passwd
SEALED=61234
OTHER=65534

setup() {
    need_grants
    make_work
    gates_start
    # A machine with a user "ostiary", and a group of administrators.
    users "ostiary:x:$SEALED:$SEALED::/:/bin/false" carol:x:61235:61235::/:/bin/false
    cp /etc/group "$WORK/etc/group"
    echo 'gatekeepers:x:61240:carol' >>"$WORK/etc/group"
    inside mount --bind "$WORK/etc/group" /etc/group
    gates 'GATE="ssh","tcp 2222","web=yes","web-admin=yes"' \
        'GATE="mail","tcp 2223","web=yes","lifetime=1h","most=2h"' \
        'GATE="vpn","tcp 2224","sealed=yes","lifetime=1h","most=2h"' \
        'USER="alice","ssh","mail"' 'USER="bob","mail"' 'ADMIN="@gatekeepers"'
    ostgrant 0 load
}

teardown() {
    gates_stop
    remove_work
}

# ask UID REQUEST: $output has the answer.
ask() {
    run inside "$TOOLS/ask_as.py" "$1" "$2\\n" "$OSTGRANT" -c "$CONFIG" serve
    is "$status" 0 "status of serve, which said: $output"
}

# web REQUEST: as the form asks, with a token for the user.
web() {
    local user
    user=$(sed -n 's/.*user=\([^ ]*\).*/\1/p' <<<"$1")
    ask "$WEB" "show user=$user seen=$CLIENT4"
    ask "$WEB" "$1 token=$(sed -n 's/^token value=//p' <<<"$output")"
}

refused() {
    is "$output" "no reason=$1" "the answer"
}

@test "the form shows a user his gates, what would be opened to him, and nothing of others" {
    ostgrant 0 grant ssh 198.51.100.9 1h dave
    web "open gate=mail address=$CLIENT4 user=alice seen=$CLIENT4"
    matches "$output" '^ok until=[0-9]+ left=3600$'
    ask "$WEB" "show user=alice seen=$CLIENT6"
    matches "$output" $'\ngate name=ssh lifetime=90000 most=180000 renew=asking network=2001:db8:a::/64 admin=no\n'
    matches "$output" $'\ngate name=mail lifetime=3600 most=7200 '
    matches "$output" $'\ngrant gate=mail network=192.0.2.7 user=alice left=3[56][0-9][0-9] packets=0 state=open mine=yes\n'
    refute grep -q -e vpn -e dave -e admin=yes -e count <<<"$output"
    is "$(tail -n 1 <<<"$output")" ok "its end"
}

@test "the form shows an admin what is open at his gates alone, and whom no gate can be opened to that" {
    ostgrant 0 grant ssh 198.51.100.9 1h dave
    ostgrant 0 grant mail 198.51.100.9 1h dave
    ask "$WEB" "show user=carol seen=$CLIENT4"
    matches "$output" $'\ngrant gate=ssh network=198.51.100.9 user=dave .* mine=no\n'
    refute grep 'grant gate=mail' <<<"$output"
    # From the link itself.
    ask "$WEB" "show user=alice seen=fe80::7%lan"
    matches "$output" 'gate name=ssh .* network=- admin=no'
}

@test "a user of the form opens his gates to the address that is seen, and to no other" {
    web "open gate=ssh address=$CLIENT4 user=alice lifetime=600 seen=$CLIENT4"
    matches "$output" '^ok until=[0-9]+ left=600$'
    sees client open "$SERVER4" tcp/2222
    web "open gate=ssh address=$NEIGHBOUR4 user=alice seen=$CLIENT4"
    refused permission
    web "open gate=ssh address=0.0.0.0/0 user=alice seen=$CLIENT4"
    refused permission
    web "open gate=ssh address=$CLIENT4 user=alice for=bob seen=$CLIENT4"
    refused permission
    web "open gate=ssh address=$CLIENT4 user=bob seen=$CLIENT4"
    refused permission
    web "open gate=vpn address=$CLIENT4 user=alice seen=$CLIENT4"
    refused permission
    web "open gate=ssh address=$CLIENT4 user=mallory seen=$CLIENT4"
    refused permission
    sees neighbour shut "$SERVER4" tcp/2222
    logged 'refused request=open gate=vpn user=alice reason=permission uid=33'
    is "$(kernel | wc -l)" 1 "what is open"
}

@test "a user of the form closes what is his, wherever he is now" {
    ostgrant 0 grant ssh 198.51.100.9 1h alice
    ostgrant 0 grant ssh 198.51.100.10 1h bob
    web "close gate=ssh address=198.51.100.10 user=alice for=bob seen=$CLIENT4"
    refused permission
    web "close gate=ssh address=198.51.100.9 user=alice seen=$CLIENT4"
    is "$output" ok "the answer"
    kernel_lacks ssh.*198.51.100.9
    kernel_has ssh.*198.51.100.10
    web "close gate=ssh address=198.51.100.9 user=alice seen=$CLIENT4"
    refused none
}

@test "my others: all that I have opened at the gate, but for the address that is seen" {
    local away=198.51.100.9
    # What an administrator has opened for her is not hers to clear, as it is not with close.
    ostgrant 0 grant ssh 203.0.113.0/24 1h alice
    ostgrant 0 grant ssh 198.51.100.10 1h bob
    web "open gate=ssh address=$away user=alice seen=$away"
    web "open gate=mail address=$away user=alice seen=$away"
    web "open gate=ssh address=$CLIENT4 user=alice seen=$CLIENT4 others=close"
    matches "$output" '^ok until='
    is "$(kernel | wc -l)" 4 "what is open: $(kernel)"
    web "open gate=ssh address=$away user=alice seen=$away"
    web "others gate=ssh user=alice seen=$CLIENT4"
    is "$output" ok "the answer"
    is "$(kernel | wc -l)" 4 "what is open: $(kernel)"
    kernel_has 'ssh 203.0.113.0/24'
    logged "ended gate=ssh network=$away user=alice reason=cleared" 2
}

@test "an admin of the form names other addresses, networks and users, where the gate has web-admin=yes" {
    web "open gate=ssh address=203.0.113.0/24 user=carol for=dave lifetime=600 seen=$CLIENT4"
    matches "$output" '^ok until=[0-9]+ left=600$'
    ask "$WEB" "show user=carol seen=$CLIENT4"
    matches "$output" $'\ngrant gate=ssh network=203.0.113.0/24 user=dave left=[0-9]+ packets=0 state=open mine=no\n'
    matches "$output" $'\nadmin value=yes\n'
    matches "$output" $'\ncount gate=ssh shut=[0-9]+\n'
    refute grep -q 'gate name=mail' <<<"$output"
    web "open gate=mail address=203.0.113.0/24 user=carol seen=$CLIENT4"
    refused permission
    web "close gate=ssh address=203.0.113.0/24 user=carol for=dave seen=$CLIENT4"
    is "$output" ok "the answer"
    for address in 127.0.0.1 127.0.0.0/8 ff02::1; do
        web "open gate=ssh address=$address user=carol seen=$CLIENT4"
        refused address
    done
}

@test "without a token that was made for this user nothing is changed" {
    ask "$WEB" "open gate=ssh address=$CLIENT4 user=alice seen=$CLIENT4"
    refused token
    ask "$WEB" "show user=bob seen=$CLIENT4"
    ask "$WEB" "open gate=ssh address=$CLIENT4 user=alice seen=$CLIENT4 token=$(sed -n 's/^token value=//p' <<<"$output")"
    refused token
    ask "$WEB" "open gate=ssh address=$CLIENT4 user=alice seen=$CLIENT4 token=0000000000000000"
    refused token
    is "$(kernel)" "" "what is open"
}

@test "a lifetime beyond the gate's most, or none, is refused" {
    web "open gate=mail address=$CLIENT4 user=alice lifetime=7201 seen=$CLIENT4"
    refused lifetime
    web "open gate=mail address=$CLIENT4 user=alice lifetime=0 seen=$CLIENT4"
    refused lifetime
    web "open gate=mail address=$CLIENT4 user=alice lifetime=7200 seen=$CLIENT4"
    matches "$output" '^ok until=[0-9]+ left=7200$'
}

@test "the sealed door opens what is sealed=yes, to one host, for no longer than the lifetime" {
    ask "$SEALED" "open gate=vpn address=$CLIENT4 user=phone"
    matches "$output" '^ok until=[0-9]+ left=3600$'
    logged 'granted gate=vpn network=192.0.2.7 user=phone left=3600 by=sealed'
    ask "$SEALED" "open gate=vpn address=$CLIENT6 user=phone others=close"
    matches "$output" '^ok until='
    kernel_has 'vpn.*2001:db8:a::/64'
    kernel_lacks 'vpn.*192.0.2.7'
    ask "$SEALED" "open gate=ssh address=$CLIENT4 user=phone"
    refused permission
    ask "$SEALED" "open gate=vpn address=10.0.0.0/8 user=phone"
    refused permission
    ask "$SEALED" "open gate=vpn address=$CLIENT4 user=phone lifetime=7200"
    refused permission
    ask "$SEALED" "open gate=vpn address=$CLIENT4 user=phone for=alice"
    refused permission
    ask "$SEALED" "show user=phone seen=$CLIENT4"
    refused permission
    ask "$SEALED" "close gate=vpn address=$CLIENT6 user=phone"
    is "$output" ok "the answer"
    ask "$SEALED" "close gate=vpn address=$CLIENT6 user=phone"
    is "$output" ok "the answer where it is closed already"
    is "$(kernel)" "" "what is open"
}

@test "who has come from this machine itself by the sealed door has nothing to have opened" {
    local address
    for address in 127.0.0.1 ::1; do
        ask "$SEALED" "open gate=vpn address=$address user=phone others=close"
        is "$output" ok "the answer"
        ask "$SEALED" "close gate=vpn address=$address user=phone"
        is "$output" ok "the answer"
    done
    logged 'not needed gate=vpn network=127.0.0.1 user=phone by=sealed' 2
    ostgrant 0 list
    refute matches "$output" 'vpn'
}

@test "with an error in the configuration it is said that this is why" {
    gates 'GATE="vpn","tcp 2224","lifetime=never"'
    run inside "$TOOLS/ask_as.py" "$SEALED" "open gate=vpn address=$CLIENT4 user=phone\\n" "$OSTGRANT" -c "$CONFIG" serve
    is "$status" 78 "status of serve"
    refused config
    logged 'ostiary-grants.cfg:2: error: '
}

@test "nobody else is heard, whatever he says" {
    ask "$OTHER" "open gate=ssh address=$CLIENT4 user=alice seen=$CLIENT4"
    refused permission
    ask "$OTHER" "show user=alice seen=$CLIENT4"
    refused permission
    logged 'refused request=- gate=- user=- reason=permission uid=65534' 2
}

@test "what is no request is refused, and changes nothing" {
    local long
    long=$(printf '%0600d' 0)
    for request in '' ' ' open 'open gate=ssh' "open gate=nosuch address=$CLIENT4 user=phone" "open gate=vpn address=localhost user=phone" \
        "open gate=vpn address=fe80::1 user=phone" "open gate=vpn address=$CLIENT4 user=a/b" "open gate=vpn gate=vpn address=$CLIENT4 user=phone" \
        "open  gate=vpn address=$CLIENT4 user=phone" "$long" "open gate=vpn address=$CLIENT4 user=phone"$'\xff' "close gate=vpn address=$CLIENT4" \
        "open gate=vpn address=$CLIENT4 user=phone others=keep"; do
        ask "$SEALED" "$request"
        matches "$output" '^no reason=(malformed|gate|address)$'
    done
    is "$(kernel)" "" "what is open"
}

@test "I9: who is looked for in a group that cannot be read keeps nobody waiting" {
    local token
    ask "$WEB" "show user=carol seen=$CLIENT4"
    token=$(sed -n 's/^token value=//p' <<<"$output")
    # For this one ostgrant the name service does not answer: who opens a FIFO to read waits for who writes.
    mkfifo "$WORK/etc/unanswered"
    in_background "$WORK/asked" unshare --mount sh -c 'mount --bind "$0" /etc/group && exec "$@"' "$WORK/etc/unanswered" \
        "$TOOLS/ask_as.py" "$WEB" "open gate=ssh address=203.0.113.9 user=carol seen=$CLIENT4 token=$token\\n" \
        "$OSTGRANT" -c "$CONFIG" serve
    # It waits for somebody to open the FIFO, which nobody does: it is asleep, and asleep again when looked at once more.
    eventually inside sh -c 'for turn in 1 2; do
        pid=$(pgrep -x ostgrant) && grep -q "^State:.S" "/proc/$pid/status" && sleep 0.2 || exit 1
    done'
    ask "$SEALED" "open gate=vpn address=$CLIENT4 user=phone"
    matches "$output" '^ok until='
}

@test "who looks keeps nobody's grant waiting, however long the firewall takes to answer" {
    # shellcheck disable=SC2016 # for the shell inside
    printf '%s\n' '#!/bin/sh' 'touch "${0%/*}/begun"' 'while [ ! -e "${0%/*}/go" ]; do sleep 0.05; done' >"$WORK/bin/list"
    printf '%s\n' '#!/bin/sh' >"$WORK/bin/other"
    chmod 755 "$WORK/bin/list" "$WORK/bin/other"
    gates 'GATE="ssh","tcp 2222","web=yes","web-admin=yes"' 'USER="alice","ssh"' 'ADMIN="@gatekeepers"' \
        "GATE=\"slow\",\"grant=$WORK/bin/other\",\"revoke=$WORK/bin/other\",\"list=$WORK/bin/list\",\"web=yes\",\"web-admin=yes\""
    inside "$TOOLS/ask_as.py" "$WEB" "show user=carol seen=$CLIENT4\\n" "$OSTGRANT" -c "$CONFIG" serve >"$WORK/shown" 3>&- &
    eventually test -e "$WORK/bin/begun"
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    # Who is no admin has no command run, and waits for nobody.
    ask "$WEB" "show user=alice seen=$CLIENT4"
    matches "$output" $'\ngrant gate=ssh network=192.0.2.7 user=alice left=[0-9]+ packets=0 state=open mine=yes\n'
    kill -0 $! # the first is still reading
    # A second one that would read all of it is told what the record says.
    ask "$WEB" "show user=carol seen=$CLIENT4"
    matches "$output" $'\ngrant gate=ssh network=192.0.2.7 user=alice left=[0-9]+ packets=0 state=open mine=no\n'
    refute grep -q count <<<"$output"
    touch "$WORK/bin/go"
    wait $!
    grep -q '^count gate=ssh' "$WORK/shown"
}

@test "what the firewall has lost is shown so to whose it is" {
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    inside nft flush ruleset
    ask "$WEB" "show user=alice seen=$CLIENT4"
    matches "$output" ' state=missing mine=yes'
}

@test "who connects and leaves, or says nothing, ends it" {
    run inside "$TOOLS/ask_as.py" "$SEALED" '' "$OSTGRANT" -c "$CONFIG" serve
    is "$status" 0 status
    logged 'refused request=- gate=- user=- reason=malformed'
}

busy_answers() {
    [ "$(cat "$WORK"/answer.* | grep -c 'reason=busy')" -ge "$1" ]
}

@test "I9: of those who ask over a socket not all can wait for a gate whose command does not answer, and no user often" {
    printf '#!/bin/sh\n: >"%s/begun"\nuntil [ -e "%s/go" ]; do sleep 0.1; done\n' "$WORK" "$WORK" >"$WORK/bin/slow"
    chmod 755 "$WORK/bin/slow"
    gates 'GATE="vpn","tcp 2224","sealed=yes","web=yes"' \
        "GATE=\"dmz\",\"grant=$WORK/bin/slow\",\"revoke=/usr/bin/true\",\"sealed=yes\",\"web=yes\"" 'USER="alice","dmz","vpn"'
    ask "$WEB" "show user=alice seen=$CLIENT4"
    token=$(sed -n 's/^token value=//p' <<<"$output")
    for ((i = 1; i <= 6; i++)); do
        in_background "$WORK/answer.$i" "$TOOLS/ask_as.py" "$WEB" \
            "open gate=dmz address=$CLIENT4 user=alice seen=$CLIENT4 token=$token\\n" "$OSTGRANT" -c "$CONFIG" serve
    done
    eventually test -e "$WORK/begun"
    eventually busy_answers 2
    logged "gate 'dmz': too many wait for its commands" 2
    ask "$SEALED" "open gate=vpn address=$CLIENT4 user=bob"
    matches "$output" '^ok '
    # Who asks waits for 20 s: nobody waits in his place for longer, and a command may take 10.
    eventually busy_answers 3
    logged "gate 'dmz': others were at work there for too long"
    : >"$WORK/go"
}
