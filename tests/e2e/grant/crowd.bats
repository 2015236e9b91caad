#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Hundreds of calls of ostgrant at once, while the rules are loaded again and again.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    mkdir "$WORK/ended"
}

teardown() {
    gates_stop
    remove_work
}

# persistently ARGUMENT...: a line of shell that runs ostgrant, and again for as long as others keep it from the record. What
# it ends with is a line of $WORK/ended/NUMBER.
persistently() {
    crowd=$((crowd + 1))
    printf 'while :; do "%s" -c "%s" %s >"%s/ended/%s" 2>&1; s=$?; [ $s -eq 75 ] || break; done; echo $s >>"%s/ended/%s"\0' \
        "$OSTGRANT" "$CONFIG" "$*" "$WORK" "$crowd" "$WORK" "$crowd"
}

# all_at_once FILE: the lines of it, each as a process of its own. Returns when all have ended.
all_at_once() {
    inside xargs -0 -n 1 -P 200 sh -c 'eval "$1"' sh <"$1"
}

all_have_ended_with_0() {
    local file
    for file in "$WORK"/ended/*; do
        is "$(tail -n 1 "$file")" 0 "status of a call, which said: $(cat "$file")"
    done
}

# reloads: load the rules until $WORK/enough is there. How often is in $WORK/loads.
reloads() {
    inside sh -c 'n=0
        until [ -e "$1/enough" ]; do
            "$2" -c "$3" load >>"$1/load.out" 2>&1
            s=$?
            case $s in 0) n=$((n + 1)) ;; 75) ;; *) echo "status $s" >>"$1/load.wrong" ;; esac
        done
        echo $n >"$1/loads"' sh "$WORK" "$OSTGRANT" "$CONFIG" </dev/null 3>&- &
    RELOADS=$!
}

reloads_end() {
    touch "$WORK/enough"
    wait "$RELOADS"
    [ ! -e "$WORK/load.wrong" ] || {
        cat "$WORK/load.wrong" "$WORK/load.out"
        return 1
    }
    echo "# the rules were loaded $(cat "$WORK/loads") times meanwhile" >&3
    [ "$(cat "$WORK/loads")" -gt 0 ]
}

# Each packet that comes to the gate from the client's address is counted before our rules, and behind them.
count_packets() {
    inside nft -f - <<END
table inet watch {
    counter arrived {}
    counter passed {}
    chain first {
        type filter hook input priority -400
        ip saddr $CLIENT4 udp dport 2222 counter name arrived
    }
    chain last {
        type filter hook input priority 400
        ip saddr $CLIENT4 udp dport 2222 counter name passed
    }
}
END
}

counted() {
    inside nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# A packet every millisecond, until the test says so; each one is looked up, for established=cut.
prober_begins() {
    mkfifo "$WORK/probing"
    at client "$TOOLS/probe.py" stream "$SERVER4" 2222 <"$WORK/probing" 3>&- &
    PROBER=$!
    exec 8>"$WORK/probing"
    eventually prober_has_sent 100
}

prober_has_sent() {
    [ "$(counted arrived)" -ge "$1" ]
}

prober_was_never_shut_out() {
    exec 8>&-
    wait "$PROBER"
    echo "# $(counted arrived) packets of the prober's, $(counted passed) let through" >&3
    is "$(counted passed)" "$(counted arrived)" "packets let through, of all that arrived"
}

@test "200 grants, renewals and revocations at once while the rules are loaded: record and kernel agree, nobody is shut out" {
    local i wanted
    crowd=0
    gates 'GATE="ssh","tcp 2222 udp 2222","established=cut","most=50h"' 'GATE="web","tcp 2223"'
    ostgrant 0 load
    count_packets
    ostgrant 0 grant ssh "$CLIENT4" 1h alice
    # What is revoked and renewed is there before.
    for i in {1..60}; do
        persistently grant ssh "198.51.100.$i" 1h old
        persistently grant ssh "2001:db8:$i::/48" 1h old
    done >"$WORK/first"
    all_at_once "$WORK/first"
    all_have_ended_with_0
    record_and_kernel_agree
    prober_begins
    reloads
    for i in {1..40}; do
        # 40 new ones of two gates, 40 renewed by address and 40 by network, 40 revoked, and the prober's own renewed 40 times.
        persistently grant "$([ $((i % 2)) -eq 0 ] && echo ssh || echo web)" "203.0.113.$i" 2h new
        persistently grant ssh "198.51.100.$i" 2h old
        persistently revoke ssh "2001:db8:$i::/48"
        persistently grant ssh "$CLIENT4" "$((i + 60))m" alice
        persistently grant ssh "2001:db8:$((i % 20 + 41))::/48" 3h old
    done >"$WORK/second"
    all_at_once "$WORK/second"
    reloads_end
    all_have_ended_with_0
    prober_was_never_shut_out
    record_and_kernel_agree
    wanted=$({
        echo "ssh $CLIENT4"
        for i in {1..40}; do echo "$([ $((i % 2)) -eq 0 ] && echo ssh || echo web) 203.0.113.$i"; done
        for i in {1..60}; do echo "ssh 198.51.100.$i"; done
        for i in {41..60}; do echo "ssh 2001:db8:$i::/48"; done
    } | sort)
    is "$(kernel | cut -d ' ' -f 1,2 | sort)" "$wanted" "what is open"
    is "$(kernel | awk '$2 ~ /^198/ && $4 > 7000' | wc -l)" 40 "renewals"
    logged 'granted gate=(ssh|web) network=203.0.113' 40
    logged 'ended gate=ssh network=2001:db8:.* reason=revoked' 40
    logged 'renewed gate=ssh network=198.51.100' 40
}

@test "one address, granted and revoked by 100 at once: the last word of each is the same in record and kernel" {
    local i
    crowd=0
    gates 'GATE="ssh","tcp 2222"'
    ostgrant 0 load
    for i in {1..50}; do
        persistently grant ssh "$CLIENT4" 1h "user$i"
        persistently "revoke ssh $CLIENT4 || [ \$? -eq 1 ]"
    done >"$WORK/first"
    reloads
    inside xargs -0 -n 1 -P 100 sh -c 'eval "$1"' sh <"$WORK/first"
    reloads_end
    all_have_ended_with_0
    record_and_kernel_agree
    ostgrant 0 tick
    record_and_kernel_agree
}
