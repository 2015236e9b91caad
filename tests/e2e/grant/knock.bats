#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A knock that opens a gate: what ostgrant is run with, or asked, and what the peer gets of it. Here something stands in for
# ostgrant (tools/granter.py), and no firewall is touched.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/launch.bash

load ../../lib/common
load ../../lib/launch

OSTGRANT=$OSTIARY_BUILD/src/grant/ostgrant

setup() {
    need_root
    [ -e "$OSTGRANT" ] || skip "this build has no ostgrant"
    make_work
    use_handler
    cp "$TOOLS/granter.py" "$WORK/bin/ostgrant"
    beside "$WORK/bin/ostgrant"
    write_config 'ACTION="open sesame","","name=alice","grant=ssh"' 'ACTION="shut sesame","","name=alice","revoke=ssh"' \
        'ACTION="my new address","","name=alice.b","grant=ssh","clear-old=yes"' 'ACTION="no gate","","name=bob","grant=none"'
    write_gates 'GATE="ssh","tcp 22","sealed=yes"'
    play open
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# beside PROGRAM: in the launcher's namespace this is ostgrant, and /run is empty but for ostiary/.
beside() {
    # shellcheck disable=SC2016 # for the inner shell
    LAUNCH_WITH=(sh -c 'mount --bind "$0" "$1" && mount -t tmpfs none /run && mkdir /run/ostiary && shift && exec "$@"'
        "$1" "$OSTGRANT")
}

write_gates() {
    printf '%s\n' "STATE_DIR=\"$WORK/state\"" "$@" >"$WORK/ostiary-grants.cfg"
    chmod 644 "$WORK/ostiary-grants.cfg"
}

play() {
    echo "$1" >"$WORK/play"
}

# A right knock from ADDRESS with SECRET, until its end; and what ostgrant was started with, in $GRANTED.
knock() {
    rm -f "$WORK/out/granted"
    peer --source "$1" --secret "$2" "${@:3}"
    GRANTED=$(cat "$WORK/out/granted" 2>/dev/null || true)
}

# has LINE: ostgrant found this, tabs taken for blanks.
has() {
    tr '\t' ' ' <<<"$GRANTED" | sed 's/ *$//' | grep -Fqx -- "$1" && return
    printf 'no line "%s" in:\n%s\n' "$1" "$GRANTED"
    return 1
}

words() {
    sed -n "s/^$1 //p" <<<"$GRANTED" | tr '\n' ' '
}

# What the peer got with a right reply, and the handler's or ostgrant's status.
peer_got() {
    is "$(field length) $(field end) $(field receipt)" "$1" "bytes, end and receipt"
}

# Everything that must be so under each launcher, for a handler with groups, capabilities and keys that ostgrant must not
# have; but root's own, which it needs. Nor is it to log into the handler's stream to the journal, which has the handler's name.
clean_start() {
    SERVER=(/usr/bin/env INVOCATION_ID=0123 JOURNAL_STREAM=1:2 "$TOOLS/burden.py" keys -- /usr/bin/setpriv --groups '4,27,42' --inh-caps '+net_raw' --ambient-caps '+net_raw' "${SERVER[@]}")
    record_status
    "start_$1"
    knock 127.0.0.2 'my new address'
    peer_got '64 eof right'
    ended 0

    is "$(words arg)" "$OSTGRANT -c $WORK/ostiary-grants.cfg knock open ssh 127.0.0.2 alice.b others " "argv"
    is "$(words fd | sed 's/ [0-9]* directory//')" "$2" "descriptors"
    has 'peer 127.0.0.2'
    is "$(words receipt)" "$(field received | cut -c65-) " "the receipt"
    is "$(words rest)" ' ' "what stands behind the receipt"

    has 'Uid: 0 0 0 0'
    has 'Gid: 0 0 0 0'
    has 'Groups: 0'
    has "CapEff: $(sed -n 's/^CapBnd:\t//p' /proc/self/status)"
    has 'CapInh: 0000000000000000'
    has 'CapAmb: 0000000000000000'
    has 'SigBlk: 0000000000000000'
    has 'umask 022'
    has 'cwd /'
    is "$(sed -n 's/^env \([^=]*\)=.*/\1/p' <<<"$GRANTED" | grep -v '^LC_CTYPE$' | sort | xargs)" \
        'HOME INVOCATION_ID LANG LOGNAME OSTIARY_ACTION OSTIARY_ADDRESS OSTIARY_PORT PATH SHELL USER' "environment"
    logged 'accepted source=127\.0\.0\.2 action=alice\.b gate=ssh$'
}

@test "I7: ostgrant starts clean under systemd-socket-activate, with the receipt and the connection" {
    clean_start socket_activate '0 pipe 1 device 2 file 3 socket '
}

@test "I7: ostgrant starts clean under xinetd, with the receipt and the connection" {
    clean_start xinetd '0 pipe 1 device 2 device 3 socket '
}

@test "what is asked for is what the line says: open, or close" {
    start_socket_activate
    knock 127.0.0.2 'open sesame'
    peer_got '64 eof right'
    is "$(words arg)" "$OSTGRANT -c $WORK/ostiary-grants.cfg knock open ssh 127.0.0.2 alice " "argv"
    knock 127.0.0.3 'shut sesame'
    peer_got '64 eof right'
    is "$(words arg)" "$OSTGRANT -c $WORK/ostiary-grants.cfg knock close ssh 127.0.0.3 alice " "argv"
}

@test "I12: the receipt comes when the gate is open, and not before" {
    play wait
    record_status
    start_socket_activate
    "$TOOLS/peer.py" "$PORT" --source 127.0.0.2 --secret 'open sesame' >"$WORK/seen" 3>&- &
    eventually test -e "$WORK/out/granted"
    # All that it would send by itself it has sent by now, if it is a seed alone.
    is "$(ss -Htn "sport = :$PORT" | awk '{ print $3 }')" 0 "bytes that wait for the peer"
    is "$(cat "$WORK/seen")" '' "what the peer has seen"
    : >"$WORK/go"
    wait $!
    output=$(cat "$WORK/seen")
    peer_got '64 eof right'
    ended 0
}

@test "I12: where the gate is not opened, the peer gets no receipt, and no strike" {
    local try sources=1
    record_status
    start_socket_activate
    for try in 'no reason=failed' die; do
        play "$try"
        sources=$((sources + 1))
        knock "127.0.0.$sources" 'open sesame'
        peer_got '32 eof none'
    done
    ended 69 1
    ended 137 2
    run "$OSTIARY_BUILD/tests/table-dump" "$WORK/state"
    refute grep -E 'strikes=[1-9]' <<<"$output"
}

@test "I1: a wrong reply starts no ostgrant, and is a strike" {
    record_status
    start_socket_activate
    knock 127.0.0.2 'open sesame' --reply wrong
    peer_got '32 eof none'
    ended 0
    is "$GRANTED" '' "what ostgrant was started with"
    logged 'rejected source=127\.0\.0\.2 reason=wrong-reply strikes=1 '
}

# refused SOURCE SECRET REASON STATUS REGEX [N]: a right reply, no receipt, the reason and the line before it.
refused() {
    knock "$1" "$2"
    peer_got '32 eof none'
    ended "$4" "${6:-1}"
    is "$GRANTED" '' "what ostgrant was started with"
    logged "$5"
    logged "refused source=$1 reason=$3 action="
    not_logged "accepted source=$1 "
}

# rehearsed REGEX: -t says the same of the ACTION, in the launcher's namespaces.
rehearsed() {
    run inside "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    matches "$output" "ostiary\.cfg:[0-9]+: error: ACTION: $1"
}

# warned REGEX: -t warns of it, and the door opens for all other actions.
warned() {
    run inside "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 0 "status of -t"
    matches "$output" "ostiary\.cfg:[0-9]+: warning: ACTION: $1"
}

@test "I12: a gate that is not there, and a configuration of gates that is none, is a refusal, and -t says so" {
    local none="gate 'none': there is none of this name in $WORK/ostiary-grants\.cfg"
    record_status
    start_socket_activate
    refused 127.0.0.2 'no gate' config 78 "ostiary\.cfg:[0-9]+: error: $none"
    rehearsed "$none"
    write_gates 'GATE="ssh","tcp 99999"'
    refused 127.0.0.3 'open sesame' config 78 "ostiary\.cfg:[0-9]+: error: gate: $WORK/ostiary-grants\.cfg:2: GATE" 2
    warned "gate: $WORK/ostiary-grants\.cfg has an error in line 2, .*until that is mended"
    chmod 666 "$WORK/ostiary-grants.cfg"
    warned "gate: $WORK/ostiary-grants\.cfg: .* writable by"
    rm "$WORK/ostiary-grants.cfg"
    refused 127.0.0.4 'open sesame' config 78 "ostiary\.cfg:[0-9]+: error: gate: $WORK/ostiary-grants\.cfg: .*No such file" 3
    rehearsed "gate: $WORK/ostiary-grants\.cfg: .*No such file"
}

@test "I12: an ostgrant that cannot be run is a refusal, and -t says so" {
    chmod 644 "$WORK/bin/ostgrant"
    record_status
    start_socket_activate
    refused 127.0.0.2 'open sesame' config 78 "ostiary\.cfg:[0-9]+: error: gate: $OSTGRANT: Permission denied: install Ostiary"
    rehearsed "gate: $OSTGRANT: Permission denied"
}

@test "a link-local peer is refused, for no firewall could hold its address" {
    # shellcheck disable=SC2016 # for the inner shell
    run unshare --mount --net sh -c 'mount --bind "$0" "$1" && ip link set lo up &&
        ip link add knock0 type veth peer name knock1 && ip link set knock0 up && ip link set knock1 up &&
        ip -6 address add fe80::a/64 dev knock0 nodad && shift && exec "$@"' "$WORK/bin/ostgrant" "$OSTGRANT" \
        "$TOOLS/door.py" --log="$LOG" -- "$OSTIARYD" -e -c "$CONFIG" -- 'fe80::a%knock0=open sesame'
    matches "$output" '"length": 32'
    logged "action=alice gate 'ssh': no firewall can hold a link-local address"
    logged 'refused source=fe80::a%knock0 reason=grant action=alice'
    refute test -e "$WORK/out/granted"
}

# ---- A handler without rights ----

# without_rights [OPTION]: the handler is another user, and granter.py listens, as OPTION says; or nobody does.
without_rights() {
    chown 64000:64000 "$WORK/state"
    chown 0:64000 "$CONFIG"
    chmod 640 "$CONFIG"
    SERVER=(/usr/bin/setpriv --reuid 64000 --regid 64000 --clear-groups "${SERVER[@]}")
    record_status
    start_socket_activate
    [ "${1-}" != nobody ] || return 0
    inside "$TOOLS/granter.py" listen "$@" /run/ostiary/grant "$WORK" 3>&- &
    eventually test -e "$WORK/listens"
}

@test "a handler without rights asks, and the receipt comes when ostgrant has said that the gate is open" {
    play wait
    without_rights
    "$TOOLS/peer.py" "$PORT" --source 127.0.0.2 --secret 'my new address' >"$WORK/seen" 3>&- &
    eventually test -e "$WORK/out/granted"
    is "$(cat "$WORK/seen")" '' "what the peer has seen"
    not_logged accepted
    : >"$WORK/go"
    wait $!
    output=$(cat "$WORK/seen")
    peer_got '64 eof right'
    ended 0
    is "$(cat "$WORK/out/granted")" 'asked open gate=ssh address=127.0.0.2 user=alice.b others=close' "what it asked"
    logged 'accepted source=127\.0\.0\.2 action=alice\.b gate=ssh$'
    play open
    knock 127.0.0.3 'shut sesame'
    peer_got '64 eof right'
    is "$GRANTED" 'asked close gate=ssh address=127.0.0.3 user=alice' "what it asked"
}

@test "what ostgrant does not do is a refusal, with its reason and no strike" {
    local n=0 play text
    without_rights
    while IFS='|' read -r play text; do
        n=$((n + 1))
        play "$play"
        knock "127.0.0.$((n + 1))" 'open sesame'
        peer_got '32 eof none'
        ended 126 "$n"
        logged "action=alice gate 'ssh': .*$text"
        logged "refused source=127\.0\.0\.$((n + 1)) reason=grant action=alice$"
    done <<'END'
no reason=permission|needs sealed=yes
no reason=gate|there is no such gate
no reason=full|raise the size=
no reason=busy|busy for too long
no reason=failed|its own lines in the log say why
no reason=none|is not open for this address
no reason=config|has an error: .ostiaryctl check. says which
no reason=malformed|its own lines in the log say why
nonsense|has not answered.*Protocol error
die|has not answered.*Connection reset
END
    is "$n" 10 "refusals"
    not_logged accepted
    run "$OSTIARY_BUILD/tests/table-dump" "$WORK/state"
    refute grep -E 'strikes=[1-9]' <<<"$output"
}

@test "I13: an ostgrant that does not answer is a refusal at the deadline" {
    play hang
    sed -i 's/COMM_TIMEOUT=.*/COMM_TIMEOUT=2/' "$CONFIG"
    without_rights
    knock 127.0.0.2 'open sesame'
    peer_got '32 eof none'
    ended 75
    logged 'refused source=127\.0\.0\.2 reason=deadline action=alice step=grant'
}

@test "where another than root listens, nobody is asked" {
    without_rights --user=65534
    knock 127.0.0.2 'open sesame'
    peer_got '32 eof none'
    is "$GRANTED" '' "what was asked"
    logged "action=alice gate 'ssh': .*has not answered.*Operation not permitted"
}

@test "I12: a gate that is not for handlers without rights, and a socket that is not there, is a refusal, and -t says so" {
    without_rights nobody
    knock 127.0.0.2 'open sesame'
    ended 78
    logged "ostiary\.cfg:[0-9]+: error: socket '/run/ostiary/grant': No such file or directory: start the socket unit"
    write_gates 'GATE="ssh","tcp 22"'
    knock 127.0.0.3 'open sesame'
    peer_got '32 eof none'
    ended 78 2
    logged "ostiary\.cfg:[0-9]+: error: gate 'ssh': $WORK/ostiary-grants\.cfg keeps it from handlers without rights"
    # What it cannot read is for ostgrant to say.
    chmod 600 "$WORK/ostiary-grants.cfg"
    knock 127.0.0.4 'open sesame'
    ended 78 3
    is "$(grep -c 'keeps it from' "$LOG")" 1 "lines about what cannot be read"
}
