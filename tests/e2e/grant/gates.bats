#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Gates, in a real firewall, as real packets see them: who comes in, for how long, and who does not.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
}

teardown() {
    gates_stop
    remove_work
}

# One gate, "ssh", at a port for which nobody needs to be root, and these options.
ssh_gate() {
    gates "GATE=\"ssh\",\"tcp 2222 udp 2222\"$1" "${@:2}"
    ostgrant 0 load
}

# ---- who comes in ---------------------------------------------------------------------------------------------------

@test "a gate is shut, and a grant opens it for that address alone: IPv4" {
    ssh_gate ''
    sees client shut "$SERVER4" tcp/2222 udp/2222
    sees neighbour shut "$SERVER4" tcp/2222 udp/2222
    # What is no gate's is not touched.
    sees client open "$SERVER4" tcp/2223 udp/2223
    sees client refused "$SERVER4" tcp/99
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    sees client open "$SERVER4" tcp/2222 udp/2222 -- "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222 udp/2222 -- "$CLIENT4B"
    sees neighbour shut "$SERVER4" tcp/2222 udp/2222
    sees client shut "$SERVER6" tcp/2222 udp/2222
    kernel_has "ssh $CLIENT4 3[56][0-9]{2} 3(599|600) [0-9]+ alice"
    record_and_kernel_agree
    logged "granted gate=ssh network=$CLIENT4 user=alice left=3600 by=admin" 1
}

@test "a grant for an IPv6 address opens its /64, by a masked look-up and not by an interval" {
    ssh_gate ''
    sees client shut "$SERVER6" tcp/2222 udp/2222
    ostgrant 0 grant ssh "$CLIENT6" 1h alice
    sees client open "$SERVER6" tcp/2222 udp/2222 -- "$CLIENT6"
    sees client open "$SERVER6" tcp/2222 udp/2222 -- "$CLIENT6B"
    sees neighbour shut "$SERVER6" tcp/2222 udp/2222
    sees client shut "$SERVER4" tcp/2222 udp/2222
    kernel_has 'ssh 2001:db8:a::/64 '
    record_and_kernel_agree
    matches "$(inside nft list table inet ostiary_grants)" 'ip6 saddr & ffff:ffff:ffff:ffff:: (== )?@ssh_6_64'
    refute grep -E 'interval|auto-merge' <<<"$(inside nft list table inet ostiary_grants)"
}

@test "ipv6-prefix=128 opens one address, and a network that is named is opened as it is" {
    ssh_gate ',"ipv6-prefix=128"'
    ostgrant 0 grant ssh "$CLIENT6"
    sees client open "$SERVER6" tcp/2222 -- "$CLIENT6"
    sees client shut "$SERVER6" tcp/2222 -- "$CLIENT6B"
    ostgrant 0 grant ssh 2001:db8:b::/48 10m
    sees neighbour open "$SERVER6" tcp/2222
    sees client shut "$SERVER6" tcp/2222 -- "$CLIENT6B"
    record_and_kernel_agree
}

@test "an IPv4 address in its IPv6 form is the IPv4 address" {
    ssh_gate ''
    ostgrant 0 grant ssh "::ffff:$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    kernel_has "ssh $CLIENT4 "
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
}

@test "each gate has its own ports, and a grant at one opens no other" {
    gates 'GATE="ssh","tcp 2222"' 'GATE="media","tcp 2000-2100,2223 udp 2223"'
    ostgrant 0 load
    ostgrant 0 grant media "$CLIENT4"
    sees client open "$SERVER4" tcp/2223 udp/2223
    sees client refused "$SERVER4" tcp/2050
    sees client shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" udp/2222
    sees neighbour shut "$SERVER4" tcp/2223 udp/2223 tcp/2000 tcp/2100
    sees neighbour refused "$SERVER4" tcp/1999 tcp/2101
}

# ---- when it ends ---------------------------------------------------------------------------------------------------

# in_time GRANTED SECONDS ENDS LAST SHUT, in ms but for SECONDS: the last time it was seen open is not behind what the kernel
# itself has said; and it was seen shut within 20 s behind its time.
in_time() {
    [ "$4" -le "$3" ] || {
        echo "it was open at $4, and should have ended at $3"
        return 1
    }
    [ "$5" -le $(($1 + $2 * 1000 + 20000)) ] || {
        echo "it was shut at $5 only, granted at $1 for $2 s"
        return 1
    }
}

nothing_of_ours_runs() {
    refute inside pgrep -f 'ostgrant|ostiaryd|ostiaryctl'
}

ticked_away() {
    ostgrant 0 tick
    ostgrant 0 list
    [[ $output != *"$CLIENT4"* ]]
}

@test "I15: shut again when its time is up, though every process of ours is dead and the disk is full" {
    local lifetime begun ends last shut
    inside mount -t tmpfs -o size=1m,mode=755 full "$WORK/var"
    inside mkdir -m 700 "$STATE"
    ssh_gate ''
    run inside dd if=/dev/zero of="$WORK/var/filler" bs=4k
    matches "$output" 'No space left on device'
    # On a busy machine a short grant can be over before anybody has looked.
    for lifetime in 5 20 80 320; do
        inside truncate -s -64k "$WORK/var/filler"
        ostgrant 0 grant ssh "$CLIENT4" "$lifetime"
        begun=$(boottime_ms)
        ends=$(kernel_ends ssh "$CLIENT4")
        run inside dd if=/dev/zero of="$WORK/var/more" bs=4k
        nothing_of_ours_runs
        at client "$TOOLS/probe.py" until shut "$SERVER4" tcp/2222 >"$WORK/until"
        read -r last shut <"$WORK/until"
        inside rm "$WORK/var/more"
        [ "$last" -eq 0 ] || break
        ostgrant 0 tick
    done
    [ "$last" -gt 0 ]
    in_time "$begun" "$lifetime" "$ends" "$last" "$shut"
    inside dd if=/dev/zero of="$WORK/var/more" bs=4k || true
    sees client shut "$SERVER4" tcp/2222 udp/2222
    nothing_of_ours_runs
    # On a full disk its end is found as well. The kernel may have ended it a moment before the record does.
    eventually ticked_away
    logged "ended gate=ssh network=$CLIENT4 user=[^ ]* reason=expired"
}

@test "a full disk: what cannot be recorded is not granted, and what was can be revoked" {
    local count=0
    inside mount -t tmpfs -o size=1m,mode=755 full "$WORK/var"
    inside mkdir -m 700 "$STATE"
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 1h
    run inside dd if=/dev/zero of="$WORK/var/filler" bs=4k
    # There may be room left in the last block of the file.
    while [ "$count" -lt 100 ]; do
        count=$((count + 1))
        run inside "$OSTGRANT" -c "$CONFIG" grant ssh "198.51.100.$count" 1h
        [ "$status" -eq 0 ] || break
    done
    is "$status" 74 "status, and it said: $output"
    matches "$output" '[Nn]o space left|full'
    kernel_lacks "ssh 198.51.100.$count "
    record_and_kernel_agree
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
    record_and_kernel_agree
    # And there is its place again.
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
}

@test "an end is logged once, with its reason and how many packets came through" {
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 2s alice
    at client "$TOOLS/probe.py" until shut "$SERVER4" tcp/2222
    # The kernel's end is that of the record, rounded down to a tenth of a second.
    sleep 0.2
    ostgrant 0 tick
    ostgrant 0 tick
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired packets=[0-9]+" 1
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    sees neighbour open "$SERVER4" udp/2222
    ostgrant 0 revoke ssh "$NEIGHBOUR4"
    sees neighbour shut "$SERVER4" udp/2222
    logged "ended gate=ssh network=$NEIGHBOUR4 user=bob reason=revoked packets=[1-9]" 1
    ostgrant 1 revoke ssh "$NEIGHBOUR4"
    logged "ended gate=ssh network=$NEIGHBOUR4 " 1
    record_and_kernel_agree
}

# ---- what is refused ------------------------------------------------------------------------------------------------

finds_room() {
    inside "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h alice >"$WORK/said" 2>&1
}

@test "a set that is full is said in plain words, and nothing is recorded that has no effect" {
    ssh_gate ',"size=2"'
    ostgrant 0 grant ssh 198.51.100.1 1h
    ostgrant 0 grant ssh 198.51.100.2 1h
    ostgrant 69 grant ssh "$CLIENT4" 1h alice
    matches "$output" 'full|no more addresses fit'
    refute grep -i 'open files' <<<"$output"
    kernel_lacks "ssh $CLIENT4"
    record_and_kernel_agree
    ostgrant 0 list
    refute grep -F "$CLIENT4" <<<"$output"
    # One that is there can be renewed, and the place of one that is gone is free.
    ostgrant 0 grant ssh 198.51.100.2 2h
    kernel_has 'ssh 198.51.100.2 7[0-9]{3} '
    ostgrant 0 revoke ssh 198.51.100.1
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    sees client open "$SERVER4" tcp/2222
    record_and_kernel_agree
    # One that has ended by itself, in a set that others have filled since, is closed without a place in it.
    ostgrant 0 revoke ssh "$CLIENT4"
    ostgrant 0 grant ssh 198.51.100.3 1s
    # Its place is free when the kernel has cleared it away.
    eventually finds_room
    ostgrant 0 revoke ssh 198.51.100.3
    logged 'ended gate=ssh network=198\.51\.100\.3 .* reason=revoked' 1
    kernel_has "ssh $CLIENT4 "
    record_and_kernel_agree
}

@test "a name, or whatever is no address, is refused before anybody is asked for it" {
    local address
    ssh_gate ''
    printf '192.0.2.7 client\n' >"$WORK/hosts"
    inside mount --bind "$WORK/hosts" /etc/hosts
    for address in localhost client client.example.net 192.0.2 0xc0000207 3221225991 192.0.2.7/33 192.0.2.7/ 192.0.2.7/-1 \
        192.0.2.7/x '192.0.2.7 ' 192.0.2.07 2001:db8::1/129 2001:db8:::1 fe80::1%lan fe80::1 '' '*' '192.0.2.7,192.0.2.8' \
        192.0.2.1-192.0.2.9 '192.0.2.7 timeout 1h'; do
        ostgrant 64 grant ssh "$address" 1h
        ostgrant 64 revoke ssh "$address"
    done
    for address in 127.0.0.1 ::1 0.0.0.0 ff02::1; do
        ostgrant 64 grant ssh "$address" 1h
        matches "$output" 'no other host sends packets from there'
    done
    ostgrant 64 grant nosuch "$CLIENT4" 1h
    ostgrant 64 grant '' "$CLIENT4" 1h
    is "$(kernel)" '' "what is open"
    record_and_kernel_agree
}

@test "a lifetime of nothing, or of more than the gate's most, is refused: nothing is ever open for good" {
    local lifetime
    ssh_gate ',"lifetime=1h","most=2h"'
    for lifetime in 0 0s 0h -1 -1s '' 1x 1.5.2h 3h 7201 100000000d 99999999999999999999 'never'; do
        ostgrant 64 grant ssh "$CLIENT4" "$lifetime"
        is "$(kernel)" '' "what is open with a lifetime of '$lifetime'"
    done
    record_and_kernel_agree
    ostgrant 0 grant ssh "$CLIENT4" 2h
    kernel_lacks '.*never'
    # Without one, it is the gate's own.
    ostgrant 0 grant ssh "$NEIGHBOUR4"
    kernel_has "ssh $NEIGHBOUR4 [0-9]+ 3(599|600) "
}

@test "a user's name with odd bytes is refused, and one of the greatest length is kept" {
    local user long
    ssh_gate ''
    long=$(printf 'u%.0s' {1..64})
    for user in 'a b' 'a"b' $'a\nb' -a @a 'a;b' 'ä' "${long}u"; do
        ostgrant 64 grant ssh "$CLIENT4" 1h "$user"
    done
    is "$(kernel)" '' "what is open"
    ostgrant 0 grant ssh "$CLIENT4" 1h "$long"
    kernel_has "ssh $CLIENT4 .* $long"
    record_and_kernel_agree
}

@test "two users behind one address: it is open as long as one of them has it" {
    local bobs
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 2h alice
    ostgrant 0 grant ssh "$CLIENT4" 1h bob
    record_and_kernel_agree
    kernel_has "ssh $CLIENT4 7[0-9]{3} "
    ostgrant 0 list --user bob
    bobs=$(grep -cF "$CLIENT4" <<<"$output")
    is "$bobs" 1 "grants of bob's, of: $output"
    ostgrant 0 list
    is "$(grep -cF "$CLIENT4" <<<"$output")" 2 "all grants, of: $output"
}

@test "by hand it says what it is, and what it does not know it says" {
    ostgrant 0 --version
    matches "$output" '^ostgrant [0-9]'
    ostgrant 0 -h
    matches "$output" 'usage: ostgrant .*revoke GATE --user USER'
    ostgrant 64 --nosuch
    matches "$output" 'unknown option'
    ostgrant 64 -c "$CONFIG" list
    matches "$output" 'an option is given twice'
    ostgrant 64 nosuch
    matches "$output" 'there is no such command'
    ostgrant 64
    matches "$output" 'a command is missing'
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 64 list --json --json
    ostgrant 64 list --user
    matches "$output" 'list takes \[--json\] \[--user USER\], each once'
    ostgrant 64 knock open ssh "$CLIENT4" alice all
    matches "$output" 'knock takes open|close'
    ostgrant_with SUDO_USER=carol
    ostgrant 0 grant ssh "$CLIENT4" 1h
    ostgrant 0 list
    matches "$output" "$CLIENT4 +carol +ssh"
}

@test "revoke --user closes all that a user has open at the gate, and nothing of others or at others" {
    gates 'GATE="ssh","tcp 2222"' 'GATE="web","tcp 2223"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h30m alice
    matches "$output" '^gate ssh is open to 192.0.2.7 for 1h(30m|29m5[0-9]s)$'
    ostgrant 0 grant ssh "$NEIGHBOUR4" - alice
    ostgrant 0 grant ssh 198.51.100.9 - bob
    ostgrant 0 grant web "$CLIENT4" - alice
    ostgrant 0 revoke ssh --user alice
    is "$output" 'gate ssh is closed to alice' "what is said"
    is "$(kernel | cut -d ' ' -f 1,2 | sort | xargs)" "ssh 198.51.100.9 web $CLIENT4" "what is open"
    logged 'ended gate=ssh network=.* user=alice reason=revoked' 2
    ostgrant 1 revoke ssh --user alice
    ostgrant 64 revoke ssh "$CLIENT4" alice
    ostgrant 64 revoke ssh --user
    record_and_kernel_agree
}

@test "what is typed amiss is answered with how to write it: a gate, a lifetime, a user" {
    gates 'GATE="ssh","tcp 2222"' 'GATE="site","tcp 2223"'
    ostgrant 64 grant shs "$CLIENT4"
    matches "$output" "there is no gate 'shs' in $CONFIG; there are: ssh, site\$"
    ostgrant 64 grant ssh "$CLIENT4" 51h
    matches "$output" 'from 1s to its most=, 50h$'
    ostgrant 64 grant ssh "$CLIENT4" alice
    matches "$output" 'a user stands behind the lifetime, which - leaves to the gate: grant ssh 192.0.2.7 - alice$'
    gates 'GATE="ssh","tcp 2222","most=1h"'
    ostgrant 78 load
    matches "$output" 'may have is 1h, and the lifetime 25h; write lifetime=1h as well, or a longer most='
    gates 'GATE="ssh","tcp ssh"'
    ostgrant 78 load
    matches "$output" 'their numbers, not the names of services, .*"tcp 22"'
}

# ---- networks -------------------------------------------------------------------------------------------------------

@test "what is closed, and still open by what is wider: the one who closes it is told by what" {
    gates 'GATE="ssh","tcp 2222"' 'ALWAYS="203.0.113.0/24"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh 192.0.2.0/24 1h carol
    ostgrant 0 revoke ssh "$CLIENT4"
    matches "$output" "still open to $CLIENT4 by 192.0.2.0/24 of carol, for (1h|59m[0-9]+s) more"
    refute grep -F "is closed" <<<"$output"
    logged "still open gate=ssh network=$CLIENT4 by=192.0.2.0/24 user=carol" 1
    ostgrant 1 revoke ssh "$CLIENT4"
    matches "$output" "nothing was closed.*still open to $CLIENT4 by 192.0.2.0/24 of carol"
    ostgrant 0 revoke ssh 192.0.2.0/24
    is "$output" "gate ssh is closed to 192.0.2.0/24" "what it said"
    ostgrant 1 revoke ssh 203.0.113.9
    matches "$output" "still open to 203.0.113.9: ALWAYS="
}

@test "networks that overlap: each ends by itself, and none takes another's time" {
    local ends
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh 192.0.2.0/25 2h bob
    ostgrant 0 grant ssh 192.0.2.0/24 6s carol
    ends=$(kernel_ends ssh 192.0.2.0/24)
    record_and_kernel_agree
    at client "$TOOLS/probe.py" until shut --from "$CLIENT4B" "$SERVER4" tcp/2222 >"$WORK/until"
    [ "$(cut -d ' ' -f 1 "$WORK/until")" -le "$ends" ]
    sees neighbour open "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    kernel_has "ssh $CLIENT4 3[0-9]{3} 3(599|600) [0-9]+ alice"
    kernel_has 'ssh 192.0.2.0/25 [67][0-9]{3} 7(199|200) [0-9]+ bob'
    kernel_lacks 'ssh 192.0.2.0/24'
    # A part that was not granted cannot be revoked, and the whole does not take its parts along.
    ostgrant 1 revoke ssh "$NEIGHBOUR4"
    ostgrant 0 revoke ssh 192.0.2.0/25
    sees neighbour shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    ostgrant 0 tick
    record_and_kernel_agree
    logged 'ended gate=ssh network=192.0.2.0/24 user=carol reason=expired' 1
}

@test "open to all for a while, 0.0.0.0/0 and ::/0, does not disturb single grants" {
    local before after
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$CLIENT6" 1h alice
    before=$(kernel_ends ssh "$CLIENT4")
    sees neighbour shut "$SERVER4" tcp/2222
    ostgrant 0 grant ssh 0.0.0.0/0 20m carol
    sees neighbour open "$SERVER4" tcp/2222 udp/2222
    sees neighbour shut "$SERVER6" tcp/2222
    ostgrant 0 grant ssh ::/0 20m carol
    sees neighbour open "$SERVER6" tcp/2222 udp/2222
    record_and_kernel_agree
    # Another host can be granted meanwhile.
    ostgrant 0 grant ssh 198.51.100.9 1h
    ostgrant 0 revoke ssh 0.0.0.0/0
    ostgrant 0 revoke ssh ::/0
    sees neighbour shut "$SERVER4" tcp/2222
    sees neighbour shut "$SERVER6" tcp/2222
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    sees client open "$SERVER6" tcp/2222
    after=$(kernel_ends ssh "$CLIENT4")
    refute later_by 2000 "$before" "$after"
    later_by -2000 "$before" "$after"
    record_and_kernel_agree
}

# ---- renewal --------------------------------------------------------------------------------------------------------

@test "renew=no: who asks again while it is open changes nothing; renew=asking: he has his lifetime from then on" {
    local no asking
    gates 'GATE="no","tcp 2222","lifetime=1h","renew=no"' 'GATE="asking","tcp 2223","lifetime=1h","renew=asking"'
    ostgrant 0 load
    ostgrant 0 grant no "$CLIENT4"
    ostgrant 0 grant asking "$CLIENT4"
    no=$(kernel_ends no "$CLIENT4")
    asking=$(kernel_ends asking "$CLIENT4")
    sleep 4
    ostgrant 0 grant no "$CLIENT4"
    ostgrant 0 grant asking "$CLIENT4"
    refute later_by 2000 "$no" "$(kernel_ends no "$CLIENT4")"
    later_by 2000 "$asking" "$(kernel_ends asking "$CLIENT4")"
    record_and_kernel_agree
    logged "renewed gate=asking network=$CLIENT4 user=[^ ]* left=3600 by=admin" 1
    not_logged 'renewed gate=no '
    # By asking, nothing comes back by itself.
    sees client open "$SERVER4" tcp/2223
    asking=$(kernel_ends asking "$CLIENT4")
    sleep 4
    ostgrant 0 tick
    refute later_by 2000 "$asking" "$(kernel_ends asking "$CLIENT4")"
}

@test "renew=use: packets renew it at the next tick, silence does not, and never beyond most" {
    local begun ends now
    ssh_gate ',"lifetime=600","most=605","renew=use"'
    ostgrant 0 grant ssh "$CLIENT4"
    begun=$(boottime_ms)
    ends=$(kernel_ends ssh "$CLIENT4")
    sleep 4
    ostgrant 0 tick
    refute later_by 2000 "$ends" "$(kernel_ends ssh "$CLIENT4")"
    not_logged renewed
    sees client open "$SERVER4" tcp/2222
    ostgrant 0 tick
    now=$(kernel_ends ssh "$CLIENT4")
    later_by 2000 "$ends" "$now"
    logged "renewed gate=ssh network=$CLIENT4 user=[^ ]* left=[0-9]+ by=use" 1
    record_and_kernel_agree
    # The counter has begun anew: what has been counted counts once.
    sleep 4
    ostgrant 0 tick
    refute later_by 2000 "$now" "$(kernel_ends ssh "$CLIENT4")"
    logged "renewed gate=ssh" 1
    # More use: it ends when most is up, where nobody asks.
    for _ in 1 2 3; do
        sleep 2
        sees client open "$SERVER4" tcp/2222
        ostgrant 0 tick
    done
    now=$(kernel_ends ssh "$CLIENT4")
    # The kernel's seconds are whole ones.
    [ "$now" -le $((begun + 605000 + 2000)) ] || {
        echo "it was granted at $begun for at most 605 s, and ends at $now"
        return 1
    }
    record_and_kernel_agree
    # Whoever asks has all of it again.
    ostgrant 0 grant ssh "$CLIENT4"
    later_by 1000 "$now" "$(kernel_ends ssh "$CLIENT4")"
}

@test "a strange packet renews nothing: neither another's, nor one that the gate has dropped" {
    local ends
    gates 'GATE="ssh","tcp 2222","lifetime=10m","most=1h","renew=use"' 'GATE="web","tcp 2223"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4"
    ends=$(kernel_ends ssh "$CLIENT4")
    sleep 4
    sees neighbour shut "$SERVER4" tcp/2222
    sees client shut "$SERVER4" tcp/2223
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
    ostgrant 0 tick
    refute later_by 2000 "$ends" "$(kernel_ends ssh "$CLIENT4")"
    not_logged renewed
}

@test "a renewal is one transaction that adds, deletes and adds, and carries the new user and the count along" {
    local told
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    sees client open "$SERVER4" tcp/2222 udp/2222
    in_background "$WORK/monitor" nft monitor
    # It says nothing when it has begun: so until it has seen something.
    monitor_sees() {
        inside nft add table inet seen
        inside nft delete table inet seen
        grep -q 'inet seen' "$WORK/monitor"
    }
    eventually monitor_sees
    ostgrant 0 grant ssh "$CLIENT4" 2h alice
    inside nft add table inet over
    eventually grep -q 'inet over' "$WORK/monitor"
    told=$(sed 's/inet seen//' "$WORK/monitor" | grep -E "element inet ostiary_grants" | sed 's/ element .*//' | xargs)
    # A kernel may leave the first "add" out of what it tells, for it changes nothing.
    matches " $told " '^ (add )?delete add $'
    # The last one and the "delete" are of one generation of the ruleset.
    matches "$(tr '\n' ' ' <"$WORK/monitor")" 'delete element inet ostiary_grants [^#]*add element inet ostiary_grants [^#]*# new generation'
    kernel_has "ssh $CLIENT4 7[0-9]{3} 7(199|200) [1-9][0-9]* alice"
    record_and_kernel_agree
}

# ---- always, free, any ----------------------------------------------------------------------------------------------

@test "ALWAYS= is never shut out, at no gate, and nobody has to grant it anything" {
    gates 'GATE="ssh","tcp 2222"' 'GATE="web","tcp 2223"' "ALWAYS=\"$NEIGHBOUR4\"" 'ALWAYS="2001:db8:b::/48"'
    ostgrant 0 load
    sees neighbour open "$SERVER4" tcp/2222 tcp/2223
    sees neighbour open "$SERVER6" tcp/2222 tcp/2223
    sees client shut "$SERVER4" tcp/2222 tcp/2223
    sees client shut "$SERVER6" tcp/2222 tcp/2223
    is "$(kernel)" '' "what is open"
}

@test "a gate that is any: everything is shut but what is FREE, and a grant opens everything" {
    gates 'GATE="all","any"' 'FREE="udp 5018"' 'FREE="tcp 2223"'
    ostgrant 0 load
    # As neighbour discovery goes on, IPv6 is reached at all.
    inside ip -6 neighbour flush all
    sees neighbour open "$SERVER6" tcp/2223
    sees neighbour shut "$SERVER6" tcp/2222 udp/2222 udp/2223 tcp/99
    sees client open "$SERVER4" tcp/2223
    sees client shut "$SERVER4" tcp/2222 udp/2222 udp/2223 tcp/99
    # And the server's own way out is open: what it has begun is answered.
    at neighbour "$TOOLS/probe.py" serve 2222 >"$WORK/neighbour" 2>&1 3>&- &
    eventually grep -q ready "$WORK/neighbour"
    is "$(inside "$TOOLS/probe.py" ask "$NEIGHBOUR4" tcp/2222 udp/2222 | xargs)" 'open open' "what the server sees"
    # So is loopback.
    is "$(inside "$TOOLS/probe.py" ask 127.0.0.1 tcp/2222 udp/2222 | xargs)" 'open open' "what the server sees of itself"
    ostgrant 0 grant all "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222 tcp/2223 udp/2222 udp/2223
    sees client refused "$SERVER4" tcp/99
    sees neighbour shut "$SERVER4" tcp/2222 udp/2222
    record_and_kernel_agree
}

@test "what would shut the knock itself out, or cannot be meant, is an error of the configuration" {
    local lines
    # One configuration each; a bar parts its lines.
    while read -r lines; do
        gates "${lines//|/$'\n'}"
        ostgrant 78 load
        matches "$output" 'ostiary-grants\.cfg:[0-9]+: '
    done <<'END'
GATE="all","any"
GATE="ssh","tcp 2222"|FREE="tcp 2222"
GATE="a","tcp 22"|GATE="b","tcp 20-30"
GATE="ssh","tcp 22"|GATE="ssh","tcp 23"
GATE="ssh","tcp 22","lifetime=3h","most=2h"
GATE="ssh","tcp 22","lifetime=0"
GATE="ssh","tcp 22","lifetime=0s"
GATE="ssh","tcp 0"
GATE="ssh","tcp 70000"
GATE="ssh","tcp 9-1"
GATE="ssh","icmp 8"
GATE="Ssh","tcp 22"
GATE="ssh"
GATE="ssh","tcp 22","renew=maybe"
GATE="ssh","tcp 22","colour=red"
GATE="ssh","tcp 22","renew=no","renew=use"
GATE="ssh","tcp 22"|ALWAYS="localhost"
GATE="ssh","grant=/bin/true","revoke=/bin/true","renew=use"
GATE="ssh","grant=/bin/true"
GATE="ssh","grant=true","revoke=true"
END
    gates 'ALWAYS="192.0.2.0/24"'
    ostgrant 78 load
    inside nft list tables >"$WORK/tables"
    is "$(cat "$WORK/tables")" '' "tables"
}

# ---- a router -------------------------------------------------------------------------------------------------------

@test "hook=forward: on a router, the way to the hosts behind it is shut, and its own ports are not" {
    with_inner_host
    ssh_gate ',"hook=forward"'
    sees client shut 198.51.100.2 tcp/2222 udp/2222
    sees client shut 2001:dc8::2 tcp/2222 udp/2222
    sees client open 198.51.100.2 tcp/2223
    sees client open "$SERVER4" tcp/2222 udp/2222
    ostgrant 0 grant ssh "$CLIENT4"
    ostgrant 0 grant ssh "$CLIENT6"
    sees client open 198.51.100.2 tcp/2222 udp/2222 -- "$CLIENT4"
    sees client shut 198.51.100.2 tcp/2222 udp/2222 -- "$CLIENT4B"
    sees client open 2001:dc8::2 tcp/2222 udp/2222
    sees neighbour shut 198.51.100.2 tcp/2222 udp/2222
    sees neighbour shut 2001:dc8::2 tcp/2222 udp/2222
    record_and_kernel_agree
    # Where all is shut, those behind it are answered, also with what would be cut.
    gates 'GATE="all","any","hook=forward","interface=lan","established=cut"'
    ostgrant 0 load
    at neighbour "$TOOLS/probe.py" serve 2223 >"$WORK/neighbour" 2>&1 3>&- &
    eventually grep -q ready "$WORK/neighbour"
    sees inner open "$NEIGHBOUR4" tcp/2223 udp/2223
}

@test "hook=input leaves the hosts behind a router alone, and interface= what comes in elsewhere" {
    with_inner_host
    ssh_gate ',"interface=lan"'
    sees client open 198.51.100.2 tcp/2222 udp/2222
    sees client shut "$SERVER4" tcp/2222 udp/2222
    sees inner open 198.51.100.1 tcp/2222 udp/2222
    sees inner open 2001:dc8::1 tcp/2222 udp/2222
    ostgrant 0 grant ssh "$CLIENT4"
    sees client open "$SERVER4" tcp/2222 udp/2222
}

@test "one port at both hooks is two gates" {
    with_inner_host
    gates 'GATE="own","tcp 2222"' 'GATE="behind","tcp 2222","hook=forward"'
    ostgrant 0 load
    ostgrant 0 grant behind "$CLIENT4"
    sees client open 198.51.100.2 tcp/2222
    sees client shut "$SERVER4" tcp/2222
    ostgrant 0 grant own "$NEIGHBOUR4"
    sees neighbour shut 198.51.100.2 tcp/2222
    sees neighbour open "$SERVER4" tcp/2222
}

# ---- loading --------------------------------------------------------------------------------------------------------

@test "a reload keeps what is granted with the rest of its time, and a gate that is gone is gone" {
    local before after
    gates 'GATE="ssh","tcp 2222"' 'GATE="web","tcp 2223"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh 2001:db8:a::/48 1h alice
    ostgrant 0 grant web "$CLIENT4" 1h alice
    sees client open "$SERVER4" tcp/2222
    before=$(kernel_ends ssh "$CLIENT4")
    sleep 4
    # It is ssh's port that changes.
    gates 'GATE="ssh","tcp 2223"'
    ostgrant 0 load
    matches "$output" "a grant at gate 'web', which .* has not: it lets nobody in"
    after=$(kernel_ends ssh "$CLIENT4")
    refute later_by 2000 "$before" "$after"
    later_by -2000 "$before" "$after"
    sees client open "$SERVER4" tcp/2222 tcp/2223
    sees neighbour open "$SERVER4" tcp/2222
    sees neighbour shut "$SERVER4" tcp/2223
    kernel_lacks 'web '
    refute grep web <<<"$(inside nft list table inet ostiary_grants)"
    sees client open "$SERVER6" tcp/2223
    ostgrant 0 tick
    is "$output" '' 'what the next tick says of it'
    record_and_kernel_agree
    # What was granted there is shown, and not as if it were open.
    ostgrant 0 list
    matches "$output" "$CLIENT4 +alice +web .*nogate"
    # It can be forgotten, so that another gate of this name does not let in whom the old one did.
    ostgrant 64 revoke web "$CLIENT4B"
    matches "$output" "there is no gate 'web'"
    ostgrant 64 revoke web localhost
    matches "$output" "names are not looked up"
    ostgrant 64 revoke web --user bob
    ostgrant 0 revoke web "$CLIENT4"
    logged "ended gate=web network=$CLIENT4 user=alice reason=revoked" 1
    gates 'GATE="ssh","tcp 2223"' 'GATE="web","tcp 2222"'
    ostgrant 0 load
    sees client shut "$SERVER4" tcp/2222
    ostgrant 0 grant web "$CLIENT6" 1h alice
    ostgrant 0 grant web "$NEIGHBOUR6" 1h alice
    gates 'GATE="ssh","tcp 2223"'
    ostgrant 0 load
    # What was opened to the whole network of a host is forgotten for the host; and all of a user.
    ostgrant 0 revoke web "$CLIENT6"
    matches "$output" "what $CLIENT6 had at gate web, which .* has not, is forgotten"
    ostgrant 0 list
    refute grep "2001:db8:a::/64 .*web" <<<"$output"
    matches "$output" "2001:db8:b::/64 +alice +web .*nogate"
    ostgrant 0 revoke web --user alice
    ostgrant 0 list
    refute grep nogate <<<"$output"
}

@test "no other table is written, and what is wrong in the file changes nothing of what is loaded" {
    local before rules
    inside nft -f - <<<'table inet mine { set here { type ipv4_addr; elements = { 192.0.2.9 } }; chain in { type filter hook input priority 5; ip saddr @here drop; }; }'
    before=$(inside nft list table inet mine)
    ssh_gate ''
    ostgrant 0 grant ssh "$CLIENT4" 1h
    rules=$(inside nft -s list table inet ostiary_grants | sed 's/packets [0-9]* bytes [0-9]*//')
    gates 'GATE="ssh","tcp 2222 tcp tcp"'
    ostgrant 78 load
    ostgrant 78 grant ssh "$NEIGHBOUR4" 1h
    is "$(inside nft -s list table inet ostiary_grants | sed 's/packets [0-9]* bytes [0-9]*//')" "$rules" "our table"
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 revoke ssh "$CLIENT4"
    ostgrant 0 load
    is "$(inside nft list table inet mine)" "$before" "another's table"
}

@test "who is not root gets nothing, and is told so" {
    ssh_gate ''
    chmod 755 "$WORK" "$WORK/etc"
    run inside setpriv --reuid 65534 --regid 65534 --clear-groups "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h
    is "$status" 77 "status, and it said: $output"
    run inside setpriv --reuid 65534 --regid 65534 --clear-groups "$OSTGRANT" -c "$CONFIG" list
    is "$status" 77 "status, and it said: $output"
    # Nor without the one capability that it needs.
    run inside setpriv --bounding-set -net_admin --inh-caps -net_admin "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h
    is "$status" 77 "status, and it said: $output"
    is "$(kernel)" '' "what is open"
    record_and_kernel_agree
}
