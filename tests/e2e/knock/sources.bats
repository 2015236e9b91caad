#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Who is one source, where addresses are handed out in a way of their own: nobody is locked for a stranger.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    HELPERS=()
    door_setup
}

teardown() {
    local helper
    for helper in "${HELPERS[@]}"; do
        kill "$helper" 2>/dev/null || true
    done
    stop_launcher
    stop_sink
    remove_work
}

# ctl ARGUMENT...: ostiaryctl, in a network with the same interfaces; what it says is in $output.
ctl() {
    run "${DOOR_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
}

@test "NAT64: strangers behind one translator are two sources" {
    with_addresses 64:ff9b::c000:{201,202}
    knock 64:ff9b::c000:201=wrongx4 64:ff9b::c000:202=sesame
    is "$(lengths)" '32 32 32 0 64' "bytes received"
    logged 'locked source=64:ff9b::c000:201 '
    ctl list
    matches "$output" '64:ff9b::c000:201 +3 '
}

@test "6to4: all of one host's addresses are one source, and the next host is another" {
    with_addresses 2002:c000:201:{1..3}::1 2002:c000:202:1::1
    knock 2002:c000:201:1::1=wrong 2002:c000:201:2::1=wrong 2002:c000:201:3::1=wrong 2002:c000:201:1::1=sesame \
        2002:c000:202:1::1=sesame
    is "$(lengths)" '32 32 32 0 64' "bytes received"
    ctl unlock 2002:c000:201::1
    is "$status $output" '0 2002:c000:201::/48 is unlocked, and its strikes are forgotten' "unlock"
    ctl lock 2002:c000:201:1::/64
    matches "$status $output" '^64 .*2002:c000:201:1::/64 is a part of one source: of 6to4 addresses only a whole /48 can be locked$'
}

@test "link-local: one address on two interfaces is two sources, whatever numbers they have next time" {
    with_links fe80::5
    one_by_one fe80::5%knock0=wrongx4 fe80::5%knock1=sesame
    is "$(lengths)" '32 32 32 0 64' "bytes received"
    logged 'locked source=fe80::5%knock0 '
    logged 'accepted source=fe80::5%knock1 '
    with_links renumbered fe80::5
    one_by_one fe80::5%knock0=sesame fe80::5%knock1=sesame
    is "$(lengths)" '0 64' "bytes received where the interfaces have other numbers"
    logged 'refused source=fe80::5%knock0 reason=locked'
}

@test "link-local: neighbours on one interface are sources of their own, with any IPV6_PREFIX" {
    write_door IPV6_PREFIX=48
    with_links fe80::5 fe80::6
    one_by_one fe80::5%knock0=wrongx4 fe80::6%knock0=sesame
    is "$(lengths)" '32 32 32 0 64' "bytes received"
}

@test "link-local: the addresses that no host should have are one source, and nobody else's" {
    with_links fe80::5 fe80:1::5 fe80:2::5 fe80:3::6
    knock fe80:1::5%knock0=wrong fe80:2::5%knock0=wrong fe80:3::6%knock0=wrong fe80:1::5%knock0=sesame \
        fe80::5%knock0=sesame fe80:1::5%knock1=sesame
    is "$(lengths)" '32 32 32 0 64 64' "bytes received"
    logged 'locked source=fe80:3::6%knock0 '
    ctl list
    matches "$output" 'fe80::%knock0 +3 '
    ctl unlock fe80:2::5%knock0
    is "$status $output" '0 fe80::%knock0 is unlocked, and its strikes are forgotten' "unlock"
}

@test "link-local: the action gets the plain address, and the interface in OSTIARY_INTERFACE; others get none" {
    # shellcheck disable=SC2016 # for the action
    write_action knock 'echo "$1 $OSTIARY_ADDRESS ${OSTIARY_INTERFACE-none}" >>'"$WORK/out/knock"
    with_links fe80::5
    knock fe80::5%knock0=sesame
    eventually has_lines "$WORK/out/knock" 1
    knock fe80::5%knock1=sesame
    eventually has_lines "$WORK/out/knock" 2
    knock ::1=sesame
    eventually has_lines "$WORK/out/knock" 3
    is "$(cat "$WORK/out/knock")" $'fe80::5 fe80::5 knock0\nfe80::5 fe80::5 knock1\n::1 ::1 none' "what actions were given"
}

@test "link-local: a socket is told the interface with the address" {
    ACTION="ACTION=\"sesame\",\"\",\"socket=$WORK/out/told\""
    write_door
    "$TOOLS/listener.py" "$WORK/out/told" "$WORK/told" 3>&- &
    HELPERS+=($!)
    eventually test -S "$WORK/out/told"
    with_links fe80::5
    knock fe80::5%knock1=sesame
    eventually has_lines "$WORK/told" 1
    is "$(cat "$WORK/told")" "b'fe80::5%knock1\\n'" "what was told"
}

@test "link-local: a handler in another network, as at the sealed door, knows the interface by the connection" {
    with_links fe80::5
    HANDLER=(unshare --net "${HANDLER[@]}")
    knock fe80::5%knock1=sesame
    is "$(of 1 receipt)" right receipt
    logged 'accepted source=fe80::5%knock1 '
}

@test "link-local: EXEMPT with an interface is of that interface, and fe80::/10 of all" {
    write_door 'EXEMPT="fe80::5%knock0"'
    with_links fe80::5 fe80::6
    one_by_one fe80::5%knock0=wrongx5 fe80::5%knock1=wrongx4 fe80::6%knock0=wrongx4
    is "$(lengths)" '32 32 32 32 32 32 32 32 0 32 32 32 0' "bytes received"
    rm "$WORK/state/lockout"
    write_door 'EXEMPT="fe80::%knock1/64"'
    one_by_one fe80::6%knock1=wrongx5 fe80::6%knock0=wrongx4
    is "$(lengths)" '32 32 32 32 32 32 32 32 0' "bytes received where a link is exempt"
    rm "$WORK/state/lockout"
    write_door 'EXEMPT="fe80::/10"'
    one_by_one fe80::6%knock1=wrongx4 fe80::6%knock0=wrongx4
    is "$(lengths)" '32 32 32 32 32 32 32 32' "bytes received where all links are exempt"
}

@test "link-local: an administrator locks, lists and unlocks it with its interface, and not without" {
    with_links fe80::5 fe80::6
    ctl lock fe80::5%knock0 1h
    matches "$status $output" '^0 fe80::5%knock0 is locked until '
    knock fe80::5%knock0=sesame fe80::5%knock1=sesame
    is "$(lengths)" '0 64' "bytes received"
    ctl list --json fe80::5%knock0
    matches "$output" '"source": ?"fe80::5%knock0"'
    refute grep -q knock1 <<<"$output"
    # Where there is no such interface any more.
    DOOR_WITH=(unshare --net)
    ctl list
    matches "$output" 'fe80::5%:[0-9a-f]{12} '
    ctl unlock "$(grep -oE 'fe80::5%:[0-9a-f]{12} .* left' <<<"$output" | cut -d' ' -f1)"
    is "$status" 0 "status of unlock, which said: $output"
    ctl unlock fe80::5%knock0
    matches "$status $output" "^1 ostiaryctl: 'fe80::5%knock0': there is no such interface here now.*fe80::5%:[0-9a-f]{12} was not locked"

    with_links fe80::5 fe80::6
    ctl lock fe80::%knock0/64 1h
    matches "$output" '^fe80::%knock0/64 is locked until '
    knock fe80::6%knock0=sesame fe80::6%knock1=sesame
    is "$(lengths)" '0 64' "bytes received where a link is locked"
    ctl unlock fe80::%knock0/64
    is "$status" 0 "status of unlock, which said: $output"
    for address in fe80::5 fe80::5/128 fe80::/96; do
        ctl lock "$address"
        matches "$status $output" "^64 .*'$address' is link-local, and means nothing without its interface: write it as fe80::1%eth0"
    done
    ctl lock fe80::5%3
    matches "$status $output" "^64 .*'fe80::5%3': an interface can stand behind a link-local address alone, and by its name, not its number"
    # A name that is misspelt locks nobody, and one that is not is not spoken of.
    ctl lock fe80::5%knoc0 1h
    matches "$status $output" "^0 ostiaryctl: 'fe80::5%knoc0': there is no such interface here now: if it is misspelt, 'ip link' shows those that are"
    ctl lock fe80::5%knock1 1h
    refute grep -q 'no such interface' <<<"$output"
}

@test "link-local: LOCAL_IP and EXEMPT without an interface are refused by -t, with what to write" {
    write_door 'LOCAL_IP="fe80::5"' 'EXEMPT="fe80::5"'
    run "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status"
    matches "$output" 'error: LOCAL_IP: a link-local address means nothing without its interface: write it as in LOCAL_IP="fe80::1%eth0"'
    matches "$output" 'error: EXEMPT: a link-local address means nothing without its interface: write it as in EXEMPT="fe80::1%eth0"'
    write_door 'LOCAL_IP="fe80::5%eth0"' 'EXEMPT="fe80::5%eth0"'
    run "$OSTIARYD" -t -c "$CONFIG"
    refute grep -qE 'LOCAL_IP|EXEMPT' <<<"$output"
}

@test "check tells of an interface behind LOCAL_IP or EXEMPT that is not here" {
    with_links fe80::5
    echo 'LOCAL_IP="fe80::7%knoc0"' >>"$CONFIG"
    echo 'EXEMPT="fe80::5%knoc0"' >>"$CONFIG"
    ctl check
    is "$status" 0 "status: $output"
    matches "$output" "warning: LOCAL_IP: there is no interface knoc0 here now, and no port is opened until there is: 'ip link' shows those that are"
    matches "$output" "note: EXEMPT: an address has an interface that is not here now: if it is misspelt, 'ip link' shows those that are"
    sed -i s/knoc0/knock0/ "$CONFIG"
    ctl check
    refute grep -q interface <<<"$output"
}
