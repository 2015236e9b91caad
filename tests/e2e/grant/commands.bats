#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Another firewall than nftables, by commands: a router that is only told, ipset with iptables, and firewalld.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the scripts; each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    ROUTER=$WORK/router
    mkdir "$ROUTER"
}

teardown() {
    gates_stop
    remove_work
}

# script NAME LINE...: a shell script, $WORK/bin/NAME, which is in $ROUTER.
script() {
    printf '%s\n' '#!/bin/sh' "cd '$ROUTER' || exit 1" "${@:2}" >"$WORK/bin/$1"
    chmod 755 "$WORK/bin/$1"
}

# A router that does as it is told, and has a file for each address that it lets in. Everything it is told is in "told".
router() {
    script grant 'echo "grant $*" >>told' 'echo "${count-0}" >"open,$(echo "$1" | tr / ,)"'
    script revoke 'echo "revoke $*" >>told' 'rm -f "open,$(echo "$1" | tr / ,)"'
    script list 'for file in open,*; do
        [ -e "$file" ] || continue
        echo "$(echo "${file#open,}" | tr , /) $(cat "$file")"
    done'
}

# router_gate OPTION...: a gate of this router.
router_gate() {
    gates "GATE=\"ssh\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\",\"list=$WORK/bin/list\"$1"
}

lets_in() {
    is "$(cd "$ROUTER" && printf '%s\n' open,* | sed -n 's/open,//p' | grep -v '^\*$' | tr , / | xargs)" "$1" "whom the router lets in"
}

told() {
    grep -qE -- "$1" "$ROUTER/told" || {
        printf 'nobody has told it %s, but\n' "$1"
        cat "$ROUTER/told"
        return 1
    }
}

is_over() {
    [ "$(left "$1" "$2")" = 0 ] || [ -z "$(left "$1" "$2")" ]
}

@test "a command is given address, seconds and user, and nothing of whoever has asked" {
    router
    script grant 'printf "%s|" "$@" >argv' 'env | sort >environment' \
        'now=$(readlink /proc/$$/fd/0 /proc/$$/fd/1)' 'echo "$now" >null' 'echo 0 >"open,$1"'
    router_gate ''
    ostgrant 0 load
    export SECRET_OF_THE_CALLER=1 LD_DEBUG_OUTPUT=/nowhere IFS_X=1
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    is "$(cat "$ROUTER/argv")" "$CLIENT4|3600|alice|" "arguments"
    refute grep -E 'SECRET_OF_THE_CALLER|LD_|IFS_X|SSH_|HOME=/root/\.' "$ROUTER/environment"
    is "$(xargs <"$ROUTER/null")" '/dev/null /dev/null' "descriptors 0 and 1"
    # No shell reads them.
    script grant 'printf "%s|" "$@" >argv'
    ostgrant 64 grant ssh "$NEIGHBOUR4" 1h '$(id)'
    ostgrant 0 grant ssh "$CLIENT6" 30m a.b+c@d_e-f
    is "$(cat "$ROUTER/argv")" '2001:db8:a::/64|1800|a.b+c@d_e-f|' "arguments"
    ostgrant 0 grant ssh 198.51.100.0/24 30m bob
    is "$(cat "$ROUTER/argv")" '198.51.100.0/24|1800|bob|' "arguments"
}

@test "a mock router: open, renewed, revoked, and closed by a tick when the time is up" {
    router
    router_gate ''
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    told "^grant $CLIENT4 3600 alice$"
    lets_in "$CLIENT4"
    ostgrant 0 list
    matches "$output" "$CLIENT4 +alice +ssh .*open"
    ostgrant 0 grant ssh "$CLIENT4" 2h alice
    told "^grant $CLIENT4 7200 alice$"
    logged "renewed gate=ssh network=$CLIENT4 user=alice left=7200 by=admin" 1
    ostgrant 0 revoke ssh "$CLIENT4"
    told "^revoke $CLIENT4( |$)"
    lets_in ''
    ostgrant 0 grant ssh "$CLIENT4" 2s alice
    lets_in "$CLIENT4"
    eventually is_over ssh "$CLIENT4"
    ostgrant 0 tick
    lets_in ''
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired" 1
    # It has no nftables to be loaded.
    is "$(kernel 2>/dev/null)" '' "what is open in nftables"
}

@test "a tick finds and closes what a crash left open, and opens what the router has forgotten" {
    router
    router_gate ''
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    echo 0 >"$ROUTER/open,198.51.100.9"
    echo 0 >"$ROUTER/open,203.0.113.0,24"
    ostgrant 0 tick
    lets_in "$CLIENT4"
    told '^revoke 198.51.100.9( |$)'
    told '^revoke 203.0.113.0/24( |$)'
    # So much of its time has passed as can be told.
    sleep 1.1
    rm "$ROUTER"/open,* "$ROUTER/told"
    ostgrant 0 tick
    lets_in "$CLIENT4"
    # For the rest of its time, and no longer.
    told "^grant $CLIENT4 3[0-9]{3} alice$"
    refute told "^grant $CLIENT4 3600 "
}

@test "a command that fails: nothing is promised, and nothing is left open that is not shown" {
    router
    router_gate ''
    ostgrant 0 load
    script grant 'echo 0 >"open,$1"' 'exit 3'
    ostgrant 69 grant ssh "$CLIENT4" 1h alice
    matches "$output" "grant"
    matches "$output" '3'
    ostgrant 0 tick
    lets_in ''
    # One that cannot close: it is still shown, and tried again.
    router
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    script revoke 'exit 1'
    ostgrant 69 revoke ssh "$CLIENT4"
    lets_in "$CLIENT4"
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*closing"
    router
    ostgrant 0 tick
    lets_in ''
    ostgrant 0 list
    refute grep -F "$CLIENT4" <<<"$output"
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=revoked" 1
    # Nor one that is not there.
    rm "$WORK/bin/grant"
    ostgrant 69 grant ssh "$CLIENT4" 1h alice
    lets_in ''
}

@test "a command that does not end is killed with all that it has started, and others can go on" {
    router
    router_gate ''
    ostgrant 0 load
    script grant 'sleep 4711 &' 'sleep 4711'
    ostgrant 69 grant ssh "$CLIENT4" 1h alice
    refute inside pgrep -f 'sleep 4711'
    router
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    lets_in "$CLIENT4"
}

# In the command's group: killed with it. In a session of its own: nobody finds it, so it must not have the lock.
@test "what a command has started keeps nobody from the record, though ostgrant is killed" {
    router
    router_gate ''
    ostgrant 0 load
    script grant 'sleep 4711 &' 'setsid sleep 4712 &' 'echo >begun' 'sleep 4713'
    in_background "$WORK/killed" sh -c 'echo $$ >"$0"; exec "$@"' "$WORK/pid" \
        "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h alice
    eventually test -e "$ROUTER/begun"
    inside kill -KILL "$(cat "$WORK/pid")"
    router
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h bob
    # What it had begun is done by the next one.
    lets_in "$CLIENT4 $NEIGHBOUR4"
    refute inside pgrep -f 'sleep 471[13]'
    inside pgrep -f 'sleep 4712'
}

@test "a gate whose commands are gone: what they have opened is shown until revoke= was run, or it is given up" {
    router
    router_gate ''
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1s alice
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    eventually is_over ssh "$CLIENT4"
    ostgrant 0 tick
    logged "the other firewall may still let in $CLIENT4 at gate 'ssh'.*revoke="
    ostgrant 0 list
    matches "$output" "$CLIENT4 +alice +ssh .*stranded"
    lets_in "$CLIENT4"
    router_gate ''
    ostgrant 0 tick
    lets_in ''
    ostgrant 0 grant ssh "$CLIENT4" 1s alice
    gates 'GATE="site","tcp 2222"'
    eventually is_over ssh "$CLIENT4"
    ostgrant 0 tick
    ostgrant 0 list
    matches "$output" "$CLIENT4 .*stranded"
    # What may be open elsewhere is not forgotten as what is open nowhere is.
    ostgrant 69 revoke ssh "$CLIENT4"
    matches "$output" "the other firewall may still let in $CLIENT4 at gate 'ssh'"
    ostgrant 0 repair
    matches "$output" "1 grants were given up that no revoke="
    logged "given up gate=ssh network=$CLIENT4 user=alice" 1
    ostgrant 0 list
    refute grep -F "$CLIENT4" <<<"$output"
}

@test "I15: on a full disk a tick shuts what is over, and what is open can be revoked" {
    router
    inside mount -t tmpfs -o size=1m,mode=755 full "$WORK/var"
    inside mkdir -m 700 "$STATE"
    router_gate ''
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1s alice
    ostgrant 0 grant ssh "$CLIENT4B" 1h bob
    run inside dd if=/dev/zero of="$WORK/var/filler" bs=4k
    matches "$output" 'No space left on device'
    eventually is_over ssh "$CLIENT4"
    ostgrant 0 tick
    lets_in "$CLIENT4B"
    logged "ended gate=ssh network=$CLIENT4 user=alice reason=expired" 1
    ostgrant 0 revoke ssh "$CLIENT4B"
    lets_in ''
}

@test "what list= prints is believed only if all of it is such lines" {
    local line
    router
    router_gate ''
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    for line in 'no address 1' '198.51.100.9' '198.51.100.9 x' '198.51.100.9/33 1' '198.51.100.9 1 2' '198.51.100.9 -1' \
        '198.51.100.9 99999999999999999999' '; rm 1'; do
        : >"$ROUTER/told"
        script list "echo 203.0.113.5 1" "echo '$line'"
        ostgrant 69 tick
        is "$(cat "$ROUTER/told")" '' "what the router was told by '$line'"
        lets_in "$CLIENT4"
    done
    # Nor if it fails behind good ones: else all that is missing would be opened anew.
    script list 'exit 1'
    ostgrant 69 tick
    is "$(cat "$ROUTER/told")" '' "what the router was told"
}

@test "a gate that is turned from ports into commands is opened by them to whom it is granted, and shut again" {
    router
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    gates "GATE=\"ssh\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\""
    ostgrant 0 load
    matches "$(cat "$ROUTER/told")" "^grant $CLIENT4 3[56][0-9]{2} alice$"
    ostgrant 0 tick
    is "$(wc -l <"$ROUTER/told")" 1 "how often the router was told"
    ostgrant 0 revoke ssh "$CLIENT4"
    matches "$(tail -n 1 "$ROUTER/told")" "^revoke $CLIENT4"
}

# hanging_gates NUMBER: lines of so many gates whose router does not answer, the one after the other.
hanging_gates() {
    local i
    for ((i = 1; i <= $1; i++)); do
        script "list$i" "echo >asked$i" 'exec sleep 60'
        echo "GATE=\"router$i\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\",\"list=$WORK/bin/list$i\""
    done
}

@test "before a router that does not answer is asked, our own ports are shut, and open to whom they were granted" {
    local routers restoring
    router
    mapfile -t routers < <(hanging_gates 4)
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    gates 'GATE="ssh","tcp 2222"' "${routers[@]}"
    inside nft flush ruleset
    sees neighbour open "$SERVER4" tcp/2222
    in_background "$WORK/restored" "$OSTGRANT" -c "$CONFIG" restore
    restoring=$!
    eventually test -e "$ROUTER/asked1"
    sees neighbour shut "$SERVER4" tcp/2222
    sees client open "$SERVER4" tcp/2222
    # All that do not answer have one limit together; what they would have said is not known.
    refute wait "$restoring"
    is "$(cd "$ROUTER" && echo asked*)" 'asked1 asked2' "whom it has asked"
    grep -q "gate 'router3': list= was not run, nor that of any gate behind it" "$WORK/restored"
    sees client open "$SERVER4" tcp/2222
}

@test "renewal by use: the counts of list= have risen" {
    router
    router_gate ',"renew=use","lifetime=10m","most=1h"'
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" - alice
    : >"$ROUTER/told"
    ostgrant 0 tick
    refute told '^grant '
    not_logged renewed
    # A renewal by which hardly anything is won is not worth a command.
    sleep 10
    echo 5 >"$ROUTER/open,$CLIENT4"
    ostgrant 0 tick
    told "^grant $CLIENT4 600 alice$"
    logged "renewed gate=ssh network=$CLIENT4 user=alice left=600 by=use" 1
    # The mock's count begins anew when it is told again.
    ostgrant 0 tick
    logged "renewed gate=ssh" 1
}

@test "without list= a grant ends all the same" {
    router
    gates "GATE=\"ssh\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\""
    ostgrant 0 load
    ostgrant 0 grant ssh "$CLIENT4" 1s
    eventually is_over ssh "$CLIENT4"
    ostgrant 0 tick
    lets_in ''
}

# ---- ipset and iptables ---------------------------------------------------------------------------------------------

@test "ipset and iptables by commands: shut, open for that address alone, renewed, and shut again by itself" {
    inside sh -euc 'ipset create door4 hash:net timeout 30 counters comment
        ipset create door6 hash:net family inet6 timeout 30 counters comment
        for tables in iptables:4 ip6tables:6; do
            ${tables%:*} -A INPUT -m set --match-set door${tables#*:} src -p tcp --dport 2222 -j ACCEPT
            ${tables%:*} -A INPUT -p tcp --dport 2222 -j DROP
        done'
    script grant 'case $1 in *:*) set=door6;; *) set=door4;; esac' \
        'exec ipset add -exist "$set" "$1" timeout "$2" comment "$3"'
    script revoke 'case $1 in *:*) set=door6;; *) set=door4;; esac' 'exec ipset del -exist "$set" "$1"'
    script list 'for set in door4 door6; do
        ipset list "$set" | sed -nE "s/^([0-9a-f.:\/]+) timeout [0-9]+ packets ([0-9]+) .*/\1 \2/p"
    done'
    router_gate ',"renew=use","lifetime=10m","most=1h"'
    ostgrant 0 load
    sees client shut "$SERVER4" tcp/2222
    sees client shut "$SERVER6" tcp/2222
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    ostgrant 0 grant ssh "$CLIENT6" - alice
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
    sees client open "$SERVER6" tcp/2222 -- "$CLIENT6B"
    sees neighbour shut "$SERVER4" tcp/2222
    sees neighbour shut "$SERVER6" tcp/2222
    # What wins less than three seconds is not renewed.
    sleep 4
    ostgrant 0 tick
    logged "renewed gate=ssh network=2001:db8:a::/64 user=alice left=600 by=use" 1
    ostgrant 0 grant ssh "$NEIGHBOUR4" 5s
    at neighbour "$TOOLS/probe.py" until shut "$SERVER4" tcp/2222
    ostgrant 0 tick
    ostgrant 0 revoke ssh "$CLIENT4"
    ostgrant 0 revoke ssh "$CLIENT6"
    sees client shut "$SERVER4" tcp/2222
    sees client shut "$SERVER6" tcp/2222
    is "$(inside ipset list | grep -c ' timeout [0-9]* packets')" 0 "elements"
}

# ---- firewalld ------------------------------------------------------------------------------------------------------

# firewalld on a bus of its own, with a zone that lets in what the probes need and nothing else. It is asked over the bus, as
# firewall-cmd does, which takes half a second of a processor for each question.
start_firewalld() {
    local peers=$OSTIARY_BUILD/peers
    [ -x "$peers/usr/sbin/firewalld" ] || skip "needs: sh tests/setup.sh peers $peers"
    cp -r "$peers/etc/firewalld" "$WORK/firewalld"
    cat >"$WORK/firewalld/zones/public.xml" <<<'<zone><short>p</short><port port="5018" protocol="udp"/></zone>'
    cat >"$WORK/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=$WORK/bus</listen>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
    : >"$WORK/bus.address"
    inside dbus-daemon --nofork --nopidfile --print-address --config-file="$WORK/bus.conf" </dev/null \
        >"$WORK/bus.address" 2>"$WORK/bus.out" 3>&- &
    eventually test -s "$WORK/bus.address"
    in_background "$WORK/firewalld.out" env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$WORK/bus" \
        PYTHONPATH="$peers/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$(echo "$peers"/usr/lib/*-linux-gnu)" \
        GI_TYPELIB_PATH="$(echo "$peers"/usr/lib/*-linux-gnu/girepository-1.0)" /usr/bin/python3 "$peers/usr/sbin/firewalld" \
        --nofork --nopid --system-config="$WORK/firewalld" --default-config="$peers/usr/lib/firewalld" --log-file="$WORK/firewalld.log"
    eventually asks_firewalld getDefaultZone || {
        cat "$WORK/firewalld.out" "$WORK/firewalld.log"
        return 1
    }
}

asks_firewalld() {
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/bus inside dbus-send --system --print-reply --dest=org.fedoraproject.FirewallD1 \
        /org/fedoraproject/FirewallD1 "org.fedoraproject.FirewallD1.$1" >/dev/null 2>&1
}

# A rule that is there is not given a new end by adding it again: it has to be removed first.
@test "firewalld by commands: shut, open for that address alone, renewed, and shut again by itself" {
    start_firewalld
    script firewalld "export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/bus" 'method=$1 family=ipv4' \
        'case $2 in *:*) family=ipv6;; esac' \
        'rule="rule family=\"$family\" source address=\"$2\" port port=\"2222\" protocol=\"tcp\" accept"' \
        'exec dbus-send --system --print-reply --dest=org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 \
            "org.fedoraproject.FirewallD1.zone.$method" string:public string:"$rule" ${3+"$3"}'
    script grant "$WORK/bin/firewalld removeRichRule \"\$1\"" "exec $WORK/bin/firewalld addRichRule \"\$1\" \"int32:\$2\""
    # It may have ended it before.
    script revoke "$WORK/bin/firewalld removeRichRule \"\$1\" 2>&1 | grep -qE 'method return|NOT_ENABLED'"
    gates "GATE=\"ssh\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\",\"lifetime=1h\""
    ostgrant 0 load
    sees client shut "$SERVER4" tcp/2222
    sees client shut "$SERVER6" tcp/2222
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
    sees neighbour shut "$SERVER4" tcp/2222
    ostgrant 0 grant ssh "$CLIENT6" 1h alice
    sees client open "$SERVER6" tcp/2222 -- "$CLIENT6B"
    sees neighbour shut "$SERVER6" tcp/2222
    # What is renewed does not end when it first would have.
    ostgrant 0 grant ssh "$NEIGHBOUR4" 20s
    ostgrant 0 grant ssh "$NEIGHBOUR4" 1h
    ostgrant 0 grant ssh 198.51.100.7 5s
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
    eventually is_over ssh 198.51.100.7
    sleep 20
    sees neighbour open "$SERVER4" tcp/2222
    # firewalld ends it by itself, or a tick does; both is no fault.
    ostgrant 0 tick
    refute grep -F 198.51.100.7 <<<"$(inside nft list table inet firewalld)"
    ostgrant 0 list
    refute grep -F 198.51.100.7 <<<"$output"
}
