#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# However ostgrant is started: with descriptors closed, from a terminal that would stop it, with a limit of what files may
# hold, or into a reader that does not read. The record stays what it is, and nobody else waits for it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # each test is a subshell by design

load ../../lib/common
load ../../lib/gates

setup() {
    need_grants
    make_work
    gates_start 2222
    gates 'GATE="ssh","tcp 2222"' 'GATE="dmz","grant=/usr/bin/true","revoke=/usr/bin/false","lifetime=1h"'
    ostgrant 0 load
}

teardown() {
    gates_stop
    remove_work
}

@test "I8: with standard descriptors closed nothing of what is said gets into the record" {
    local closed count=0
    ostgrant 0 grant ssh "$CLIENT4" 1h bob
    while [ "$count" -lt 40 ]; do
        count=$((count + 1))
        ostgrant 0 grant dmz "198.51.100.$count" 1s bob
    done
    sleep 1.2
    # The commands of forty grants fail, and each of them is a line.
    for closed in '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        inside sh -c "\"\$0\" -c \"\$1\" tick $closed" "$OSTGRANT" "$CONFIG" || true
        inside sh -c "\"\$0\" -c \"\$1\" revoke dmz 198.51.100.200 $closed" "$OSTGRANT" "$CONFIG" || true
        inside sh -c "\"\$0\" -c \"\$1\" list $closed" "$OSTGRANT" "$CONFIG" || true
    done
    ostgrant 0 list
    matches "$output" "$CLIENT4 +bob +ssh .* open"
    ostgrant 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
}

@test "I9: who lists into a reader that does not read keeps nobody waiting" {
    inside "$OSTIARY_BUILD/tests/make-grants" "$STATE" ssh 2000 86400
    mkfifo "$WORK/unread"
    exec 8<>"$WORK/unread"
    in_background "$WORK/said" sh -c 'exec "$0" -c "$1" list >"$2"' "$OSTGRANT" "$CONFIG" "$WORK/unread"
    # It has begun to print, of which a pipe holds no more than a third.
    read -r -u 8 _
    ostgrant 0 grant ssh "$CLIENT4" 1h
    exec 8<&-
}

@test "I13: a key of the terminal stops nobody who holds the record" {
    # Its parent is the keeper, whose parent is ostgrant.
    printf '#!/bin/sh\ncut -d " " -f 4 "/proc/$PPID/stat" >"%s/begun.new"\nmv "%s/begun.new" "%s/begun"\nsleep 2\n' \
        "$WORK" "$WORK" "$WORK" >"$WORK/bin/slow"
    chmod 755 "$WORK/bin/slow"
    gates 'GATE="ssh","tcp 2222"' "GATE=\"dmz\",\"grant=$WORK/bin/slow\",\"revoke=/usr/bin/true\""
    in_background "$WORK/said" "$OSTGRANT" -c "$CONFIG" grant dmz 198.51.100.7 1h
    eventually test -e "$WORK/begun"
    inside kill -TSTP "$(cat "$WORK/begun")"
    inside kill -TTOU "$(cat "$WORK/begun")"
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
    eventually grep -q 'gate dmz is open' "$WORK/said"
}

@test "where standard error is the journal's, each line is said once" {
    local said=$WORK/said
    ostgrant 0 grant dmz 198.51.100.7 1h
    : >"$said"
    run inside sh -c 'JOURNAL_STREAM=$(stat -c %d:%i "$2") exec "$0" -c "$1" revoke dmz 198.51.100.7 2>"$2"' "$OSTGRANT" "$CONFIG" "$said"
    is "$status" 69 "status"
    is "$(cat "$said")" '' "what is said there"
    logged "gate 'dmz': revoke= has failed" 1
    run inside sh -c 'JOURNAL_STREAM=1:1 exec "$0" -c "$1" revoke dmz 198.51.100.7' "$OSTGRANT" "$CONFIG"
    matches "$output" "gate 'dmz': revoke= has failed"
}

@test "I8: a limit of what files may hold is a fault that is said, and no end without a word" {
    run inside prlimit --fsize=0 "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h
    is "$status" 74 "status, and it said: $output"
    matches "$output" 'cannot be (created|written)|full'
    sees client shut "$SERVER4" tcp/2222
}

# slow NAME LINE...: a command, $WORK/bin/NAME, that says that it has begun ($WORK/NAME.begun), waits for $WORK/go, and then
# does the lines. It is killed when it has taken 10 s.
slow() {
    printf '%s\n' '#!/bin/sh' "cd '$WORK' || exit 1" ": >$1.begun" 'until [ -e go ]; do sleep 0.02; done' "${@:2}" >"$WORK/bin/$1"
    chmod 755 "$WORK/bin/$1"
}

@test "I9: while a command is waited for, others go on at all other gates, and a tick shuts what is over" {
    slow grant 'echo granted >>told'
    gates 'GATE="ssh","tcp 2222"' "GATE=\"dmz\",\"grant=$WORK/bin/grant\",\"revoke=/usr/bin/true\"" \
        'GATE="lan","grant=/usr/bin/true","revoke=/usr/bin/true"'
    ostgrant 0 grant ssh 198.51.100.9 1s bob
    in_background "$WORK/said" "$OSTGRANT" -c "$CONFIG" grant dmz 198.51.100.7 1h alice
    eventually test -e "$WORK/grant.begun"
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
    ostgrant 0 revoke ssh "$CLIENT4"
    ostgrant 0 grant lan 198.51.100.8 1h
    ostgrant 0 list
    matches "$output" '198\.51\.100\.7 +alice +dmz .* opening'
    is "$(cat "$WORK/said")" '' "what is said by the one whose command runs"
    sleep 1.2
    in_background "$WORK/ticked" "$OSTGRANT" -c "$CONFIG" tick
    logged 'ended gate=ssh network=198\.51\.100\.9 user=bob reason=expired' 1
    : >"$WORK/go"
    eventually grep -q 'gate dmz is open to 198.51.100.7 for ' "$WORK/said"
    is "$(cat "$WORK/told")" granted "what the command was told, by both"
    ostgrant 0 list
    matches "$output" '198\.51\.100\.7 +alice +dmz .* open'
}

@test "who opens a gate while a tick asks its list= waits for that alone, and is not taken for somebody unknown" {
    slow list 'echo listed >>told'
    printf '#!/bin/sh\necho "$0 $1" | sed "s/.*[/]//" >>"%s/told"\n' "$WORK" >"$WORK/bin/grant"
    cp "$WORK/bin/grant" "$WORK/bin/revoke"
    chmod 755 "$WORK/bin/grant" "$WORK/bin/revoke"
    gates 'GATE="ssh","tcp 2222"' "GATE=\"dmz\",\"grant=$WORK/bin/grant\",\"revoke=$WORK/bin/revoke\",\"list=$WORK/bin/list\""
    in_background "$WORK/ticked" "$OSTGRANT" -c "$CONFIG" tick
    eventually test -e "$WORK/list.begun"
    in_background "$WORK/said" "$OSTGRANT" -c "$CONFIG" grant dmz 198.51.100.7 1h
    ostgrant 0 grant ssh "$CLIENT4" 1h
    sees client open "$SERVER4" tcp/2222
    [ ! -e "$WORK/told" ]
    : >"$WORK/go"
    eventually grep -q 'gate dmz is open' "$WORK/said"
    is "$(xargs <"$WORK/told")" 'listed grant 198.51.100.7' "what was told, in this order"
    not_logged unrecorded
}

@test "killed while its command runs: the command ends, and a tick does the rest" {
    slow grant 'echo granted >>told'
    gates 'GATE="ssh","tcp 2222"' "GATE=\"dmz\",\"grant=$WORK/bin/grant\",\"revoke=/usr/bin/true\""
    inside sh -c 'echo $$ >"$3"; exec "$0" -c "$1" grant dmz "$2" 1h alice' "$OSTGRANT" "$CONFIG" 198.51.100.7 "$WORK/pid" 3>&- &
    eventually test -e "$WORK/grant.begun"
    inside kill -KILL "$(cat "$WORK/pid")"
    wait "$!" || true
    : >"$WORK/go"
    ostgrant 0 tick
    is "$(cat "$WORK/told")" granted "what the command was told: once, by the tick"
    ostgrant 0 list
    matches "$output" '198\.51\.100\.7 +alice +dmz .* open'
}

@test "where the turns cannot be taken, the gates of nftables are looked after all the same" {
    rm -f "$WORK/var/state-root/turns"
    mkdir "$WORK/var/state-root/turns"
    ostgrant 69 grant dmz 198.51.100.7 1h
    matches "$output" "state-root/turns: Is a directory"
    ostgrant 0 grant ssh 198.51.100.9 1s bob
    sleep 1.2
    ostgrant 69 tick
    logged 'ended gate=ssh network=198\.51\.100\.9 user=bob reason=expired' 1
    rmdir "$WORK/var/state-root/turns"
    ostgrant 0 grant dmz 198.51.100.7 1h
}
