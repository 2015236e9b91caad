#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A knock opens a gate of a real firewall: shut before, open when the receipt is there, for that address alone.

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222","lifetime=1h"' 'GATE="vpn","tcp 2223","lifetime=1h","sealed=yes"'
    KNOCKED=$WORK/etc/ostiary.cfg
    settings 'ACTION="open sesame","","name=alice","grant=ssh"' 'ACTION="shut sesame","","name=alice","revoke=ssh"' \
        'ACTION="my new address","","name=alice","grant=ssh","clear-old=yes"' >"$KNOCKED"
    chmod 600 "$KNOCKED"
    ostgrant 0 load
    in_background "$WORK/door" systemd-socket-activate --accept --inetd -l '[::]:5020' "$OSTIARYD" -e -c "$KNOCKED"
    eventually listens 5020
}

# settings LINE...: of a door.
settings() {
    printf '%s\n' "STATE_DIR=\"$STATE\"" DELAY=1 COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 MIN_LOGLEVEL=LOG_DEBUG "$@"
}

teardown() {
    gates_stop
    remove_work
}

listens() {
    inside ss -Hltn "sport = :$1" | grep -q .
}

# knock SERVER ADDRESS SECRET LENGTH RECEIPT [OPTION...]: from the client, at $PORT; LENGTH is what it got in all.
knock() {
    run at client "$TOOLS/peer.py" "${PORT-5020}" --server "$1" --source "$2" --secret "$3" "${@:6}"
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
    ostgrant 0 grant ssh "$CLIENT4" 1h bob
    knock "$SERVER4" "$CLIENT4B" 'open sesame' 32 none
    logged 'refused gate=ssh network=192\.0\.2\.207 user=alice reason=full by=knock'
    sees client shut "$SERVER4" tcp/2222 -- "$CLIENT4B"
}

# ---- Others at the record, so that ostgrant has to wait ----

# hold_record: somebody does.
hold_record() {
    # shellcheck disable=SC2016 # for the inner shell
    in_background "$WORK/holder" flock "$RECORD" sh -c ': >"$0/held"; until [ -e "$0/enough" ]; do sleep 0.05; done' "$WORK"
    eventually test -e "$WORK/held"
}

waits_for_record() {
    inside grep -q -- "-> FLOCK.*:$(stat -c %i "$RECORD") " /proc/locks
}

# knock_while_held: a right knock at $PORT, in the background, until ostgrant waits for the record.
knock_while_held() {
    hold_record
    at client "$TOOLS/peer.py" "$PORT" --server "$SERVER4" --source "$CLIENT4" --secret 'open sesame' >"$WORK/seen" 3>&- &
    KNOCK=$!
    eventually waits_for_record
}

# ends_with_receipt: it goes on, and has it.
ends_with_receipt() {
    : >"$WORK/enough"
    wait "$KNOCK"
    output=$(cat "$WORK/seen")
    is "$(field length) $(field receipt) $(field end)" '64 right eof' "bytes, receipt and end of $output"
}

# waits_for_gate TCP-PORT: meanwhile the peer has no more than the seed; with the receipt, the gate is open.
waits_for_gate() {
    knock_while_held
    matches "$(at client ss -Htin "dport = :$PORT")" 'bytes_received:32 '
    is "$(kernel)" '' "what the kernel has"
    ends_with_receipt
    sees client open "$SERVER4" "tcp/$1"
    sees neighbour shut "$SERVER4" "tcp/$1"
    record_and_kernel_agree
}

start_xinetd() {
    local launchers=${OSTIARY_LAUNCHERS:-$OSTIARY_BUILD/launchers}
    [ -x "$launchers/usr/sbin/xinetd" ] || skip "needs: sh tests/setup.sh launchers $launchers"
    PORT=5021
    cat >"$WORK/xinetd.conf" <<END
service ostiary
{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    flags = IPv6
    port = $PORT
    bind = ::
    wait = no
    user = root
    server = $OSTIARYD
    server_args = -c $KNOCKED
}
END
    in_background "$WORK/xinetd" "$launchers/usr/sbin/xinetd" -dontfork -f "$WORK/xinetd.conf" -pidfile "$WORK/xinetd.pid"
    eventually listens "$PORT"
}

@test "I12: under xinetd the receipt comes when the gate is open, and not before" {
    start_xinetd
    waits_for_gate 2222
    logged 'granted gate=ssh network=192\.0\.2\.7 user=alice left=3600 by=knock'
    logged 'accepted source=192\.0\.2\.7 action=alice gate=ssh$'
}

@test "I4, I10: no secret and no reply is in ostgrant's memory, argv, environment or log" {
    local pid text reply
    PORT=5020
    knock_while_held
    pid=$(inside pgrep -x ostgrant)
    run inside "$TOOLS/memory_scan.py" "$pid" 'open sesame' 'shut sesame' 'my new address' "$KNOCKED" \
        "$CONFIG" alice
    is "$status" 0 "status, and it said: $output"
    for text in 'open sesame' 'shut sesame' 'my new address' "$KNOCKED"; do
        grep -Fqx "0 $text" <<<"$output"
    done
    # The scan sees what is there.
    grep -qE "^[1-9][0-9]* $CONFIG$" <<<"$output"
    grep -qE '^[1-9][0-9]* alice$' <<<"$output"
    inside cat "/proc/$pid/cmdline" "/proc/$pid/environ" | tr '\0' '\n' >"$WORK/shown"
    grep -Fqx OSTIARY_ACTION=alice "$WORK/shown"
    ends_with_receipt
    reply=$(/usr/bin/python3 -ISc 'import hashlib, hmac, sys
print(hmac.new(b"open sesame", bytes.fromhex(sys.argv[1])[:32], hashlib.sha256).hexdigest())' "$(field received)")
    logged 'granted gate=ssh network=192\.0\.2\.7 user=alice '
    refute grep -aiF -e sesame -e 'my new address' -e "$reply" -e "$(field received | cut -c65-)" "$WORK/shown" "$LOG" "$WORK/door"
}

# ---- The sealed door ----

SEALED=61234

# start_sealed: the sealed door at $PORT, whose handler asks ostgrant at its socket. Its secrets open ssh and vpn.
start_sealed() {
    users "ostiary:x:$SEALED:$SEALED::/:/bin/false"
    chown -R "$SEALED:$SEALED" "$STATE"
    KNOCKED=$WORK/etc/ostiary-sealed.cfg
    settings 'ACTION="open sesame","","name=phone","grant=vpn"' 'ACTION="open ssh","","name=alice","grant=ssh"' >"$KNOCKED"
    chown "0:$SEALED" "$KNOCKED"
    chmod 640 "$KNOCKED"
    inside mkdir /run/ostiary
    in_background "$WORK/served" systemd-socket-activate --accept --inetd -l /run/ostiary/grant "$OSTGRANT" -c "$CONFIG" serve
    eventually inside test -S /run/ostiary/grant
    inside chown "0:$SEALED" /run/ostiary/grant
    inside chmod 660 /run/ostiary/grant
    PORT=5022
    in_background "$WORK/sealed" systemd-socket-activate --accept --inetd -l "[::]:$PORT" \
        setpriv --reuid "$SEALED" --regid "$SEALED" --clear-groups "$OSTIARYD" -e -c "$KNOCKED"
    eventually listens "$PORT"
}

@test "I12: at the sealed door the receipt comes when the gate is open, and not before" {
    start_sealed
    waits_for_gate 2223
    logged 'granted gate=vpn network=192\.0\.2\.7 user=phone left=3600 by=sealed'
    knock "$SERVER6" "$CLIENT6" 'open sesame' 64 right
    sees client open "$SERVER6" tcp/2223
    knock "$SERVER4" "$CLIENT4B" 'open sesame' 32 none --reply wrong
    sees client shut "$SERVER4" tcp/2223 -- "$CLIENT4B"
}

@test "at the sealed door, a gate without sealed=yes stays shut, without a strike" {
    start_sealed
    knock "$SERVER4" "$CLIENT4" 'open ssh' 32 none
    grep -qE "error: gate 'ssh': $CONFIG keeps it from handlers without rights" "$WORK/sealed"
    # Where the handler cannot see it beforehand, ostgrant says so.
    chmod 600 "$CONFIG"
    knock "$SERVER4" "$CLIENT4" 'open ssh' 32 none
    logged "refused request=open gate=ssh user=alice reason=permission uid=$SEALED"
    grep -qE "action=alice gate 'ssh': .*needs sealed=yes" "$WORK/sealed"
    grep -qE 'refused source=192\.0\.2\.7 reason=grant action=alice$' "$WORK/sealed"
    is "$(kernel)" '' "what the kernel has"
    run inside setpriv --reuid "$SEALED" --regid "$SEALED" --clear-groups "$OSTIARY_BUILD/tests/table-dump" "$STATE"
    is "$status" 0 "whether the table is whole, of which table-dump says: $output"
    grep -qF 'source=192.0.2.7/' <<<"$output"
    refute grep -E 'strikes=[1-9]' <<<"$output"
}
