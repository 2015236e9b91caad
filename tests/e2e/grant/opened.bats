#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A knock opens a gate of a real firewall: shut before, open when the receipt is there, for that address alone.

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222","lifetime=1h"'
    KNOCKED=$WORK/etc/ostiary.cfg
    printf '%s\n' "STATE_DIR=\"$STATE\"" DELAY=1 COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 \
        'ACTION="open sesame","","name=alice","grant=ssh"' 'ACTION="shut sesame","","name=alice","revoke=ssh"' \
        'ACTION="my new address","","name=alice","grant=ssh","clear-old=yes"' >"$KNOCKED"
    chmod 600 "$KNOCKED"
    ostgrant 0 load
    in_background "$WORK/door" systemd-socket-activate --accept --inetd -l '[::]:5020' "$OSTIARYD" -e -c "$KNOCKED"
    eventually listens
}

teardown() {
    gates_stop
    remove_work
}

listens() {
    inside ss -Hltn 'sport = :5020' | grep -q .
}

# knock SERVER ADDRESS SECRET LENGTH RECEIPT [OPTION...]: from the client; LENGTH is what it got in all.
knock() {
    run at client "$TOOLS/peer.py" 5020 --server "$1" --source "$2" --secret "$3" "${@:6}"
    is "$(field length) $(field receipt) $(field end)" "$4 $5 eof" "bytes, receipt and end, of $output, with $(tail -n 5 "$WORK/door" "$LOG")"
}

@test "I12: when the receipt is there the gate is open, for that address alone, in both families" {
    sees client shut "$SERVER4" tcp/2222
    knock "$SERVER4" "$CLIENT4" 'open sesame' 64 right
    sees client open "$SERVER4" tcp/2222
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
    sees neighbour shut "$SERVER4" tcp/2222
    sees client shut "$SERVER6" tcp/2222
    knock "$SERVER6" "$CLIENT6" 'open sesame' 64 right
    sees client open "$SERVER6" tcp/2222
    sees neighbour shut "$SERVER6" tcp/2222
    record_and_kernel_agree
    logged 'granted gate=ssh network=192\.0\.2\.7 user=alice left=3600 by=knock'
}

@test "I1: a wrong reply opens nothing" {
    knock "$SERVER4" "$CLIENT4" 'open sesame' 32 none --reply wrong
    sees client shut "$SERVER4" tcp/2222
    is "$(kernel)" '' "what the kernel has"
}

@test "a knock closes the gate, or what is open for the same name elsewhere" {
    knock "$SERVER4" "$CLIENT4" 'open sesame' 64 right
    knock "$SERVER4" "$CLIENT4B" 'my new address' 64 right
    sees client open "$SERVER4" tcp/2222 -- "$CLIENT4B"
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4"
    knock "$SERVER4" "$CLIENT4B" 'shut sesame' 64 right
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
}

@test "I12: where the firewall does not do it, there is no receipt" {
    inside nft delete table inet ostiary_grants
    sed -i 's/,"lifetime/,"size=1","lifetime/' "$CONFIG"
    ostgrant 0 load
    knock "$SERVER4" "$CLIENT4" 'open sesame' 64 right
    knock "$SERVER4" "$CLIENT4B" 'open sesame' 32 none
    logged 'refused gate=ssh network=192\.0\.2\.207 user=alice reason=full by=knock'
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
}
