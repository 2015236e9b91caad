#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154,SC2030,SC2031 # client_setup and run assign the variables; each test by itself
# ostclient --reply-command: a secret that the client never has, in something that answers with HMACs.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client
load ../../lib/launch
load ../../lib/door

setup() {
    client_setup
    device=$client_dir/device
    mkdir "$device"
    cp "$key" "$device/secret"
}

teardown() {
    client_teardown
    stop_launcher
    stop_sink
    remove_work
}

# replying SCENES ARGUMENT...: ostclient with the device, which plays these scenes.
replying() {
    rm -f "$device/asked"
    timeout 900 "$ostclient" -t 600 --reply-command "$TOOLS/fake_device.py $device $1" "${@:2}"
}

# How many bytes it was asked each time.
asked() {
    awk '{ printf "%s%d", (NR > 1 ? " " : ""), length($0) / 2 }' "$device/asked"
}

# The device's Nth question, in hex.
question() {
    sed -n "$1p" "$device/asked"
}

# has_been_asked N: that often.
has_been_asked() {
    [ -e "$device/asked" ] && [ "$(wc -l <"$device/asked")" -eq "$1" ]
}

nobody_has_come() {
    run ! grep -q '^scene' "$server_log"
}

@test "a challenge, then the seed, and with -w the receipt: 32, 32 and 79 bytes" {
    local seed=7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d challenge
    local reply=cc21c31b860d32571f72ab21f9688d99bbbb85e7d1bf1a7f9a54f42820892e56
    start_server --seed "$seed" good
    run replying good "127.0.0.1:$port"
    is "$status $output" '0 '
    is "$(asked)" '32 32' 'bytes asked, without -w'
    server_saw "reply $reply"
    challenge=$(question 1)
    run replying good -w "127.0.0.1:$port"
    is "$status $output" '0 '
    is "$(asked)" '32 32 79' 'bytes asked, with -w'
    is "$(question 2)" "$seed" 'what is asked second'
    is "$(question 3)" "$(printf 'ostiary receipt' | od -An -tx1 -v | tr -d ' \n')$seed$reply" 'what is asked third'
    [ "$(question 1)" != "$challenge" ]
    [ "$challenge" != "$seed" ]
}

@test "66: who does not answer the challenge rightly is told of, and no server has been asked, nor is it tried again" {
    local scene text
    start_server good
    while IFS='|' read -r scene text; do
        run replying "$scene" -w -r 3 --command-timeout 2 "127.0.0.1:$port"
        is "$status" 66 "status of $scene"
        is "${lines[-1]}" "ostclient: $TOOLS/fake_device.py: $text: no server has been asked" "$scene"
        # A wrong PIN that is tried again is one more.
        is "$(asked)" 32 "bytes asked: $scene"
    done <<'CASES'
locked|ended with status 1
short|printed less bytes than a reply's 32, which it must print as they are
empty|printed less bytes than a reply's 32, which it must print as they are
long|printed more bytes than a reply's 32, which it must print as they are
hex|printed more bytes than a reply's 32, which it must print as they are
CASES
    run replying locked "127.0.0.1:$port"
    is "${lines[0]}" "ostclient: $TOOLS/fake_device.py says: ?[31mthe card is locked"
    is "${lines[1]}" "ostclient: $TOOLS/fake_device.py says: PIN tries left: 2"
    run replying locked -q "127.0.0.1:$port"
    is "$status $output" '66 '
    run "$ostclient" --reply-command cat "127.0.0.1:$port"
    is "$status $output" '66 ostclient: cat: printed what it was given in place of a reply: no server has been asked'
    run "$ostclient" --reply-command /nonexistent/command "127.0.0.1:$port"
    is "$status" 66
    matches "$output" 'cannot be run: No such file or directory: no server has been asked'
    nobody_has_come
}

@test "what takes long once, as a PIN that is asked for, is well; what always does is found before there is a server" {
    start_server good
    run replying 'slow good' -w --command-timeout 2 "127.0.0.1:$port"
    is "$status $output" '0 '
    is "$(asked)" '32 32 32 79' 'bytes asked'
    run replying slow -w --command-timeout 2 "127.0.0.1:$port"
    is "$status" 66
    is "$output" "ostclient: $TOOLS/fake_device.py: takes longer than the 2 seconds that a server may wait: no server has been asked"
    is "$(asked)" '32 32' 'bytes asked'
    is "$(grep -c '^scene' "$server_log")" 1 'how many have come'
}

@test "74: what answers the challenge and not the seed is ended with what it has started, and nothing is sent" {
    local scene text
    start_server good
    while IFS='|' read -r scene text; do
        run replying "good $scene" -w -r 3 --command-timeout 2 "127.0.0.1:$port"
        is "$status" 74 "status of $scene"
        is "${lines[-1]}" "ostclient: 127.0.0.1 port $port: $TOOLS/fake_device.py: $text: the seed is left unanswered, which costs a strike"
        is "$(asked)" '32 32' 'bytes asked'
    done <<'CASES'
locked|ended with status 1
hang|was not done within its time limit, and was ended
short|printed less bytes than a reply's 32, which it must print as they are
CASES
    matches "$(cat "$server_log")" '^port [0-9]+(.scene good.unacknowledged [0-9]+.reply .wrong reply.end eof 0){3}$'
    eventually is_gone "$(cat "$device/pid")"
    eventually is_gone "$(cat "$device/child")"
}

@test "74: a receipt that cannot be checked is no success, and a wrong one is told as ever" {
    start_server good wrong-receipt
    run replying 'good good locked' -w "127.0.0.1:$port"
    is "$status" 74
    matches "${lines[-1]}" "ended with status 1: the receipt has come, and could not be checked: look at the server's log"
    run replying good -w "127.0.0.1:$port"
    is "$status" 76
    matches "$output" 'the receipt is wrong'
}

@test "the challenge comes anew before each try, and its time is not the knock's" {
    start_server close good
    run replying good -w -r 1 "127.0.0.1:$port"
    is "$status $output" '0 '
    is "$(asked)" '32 32 32 79' 'bytes asked'
    rm "$device/asked"
    run "$ostclient" --reply-command "$TOOLS/fake_device.py $device slow good" -t 1 "127.0.0.1:$port"
    third_has_come() { [ "$(grep -c '^scene' "$server_log")" -eq 3 ]; }
    eventually third_has_come
}

@test "a command is started with the user's environment, no signal blocked, and no descriptor of the client's, even while it is connected" {
    start_server good
    # bats has descriptors of its own.
    # shellcheck disable=SC2016 # for the inner shell
    bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done; exec "$@"' bash \
        env -i KEPT=here PATH=/nowhere /usr/bin/timeout 900 "$ostclient" -t 600 --reply-command "$TOOLS/fake_device.py $device good look" "127.0.0.1:$port"
    cat "$device/looked"
    is "$(sed -n 1p "$device/looked")" '0 1 2' descriptors
    is "$(sed -n 2p "$device/looked")" 0 'signals that are blocked'
    # I10: not a variable more than what the client has.
    is "$(sed -n 3p "$device/looked")" 'KEPT=here PATH=/nowhere' 'the environment'
}

@test "a signal while the command has the seed waits until the reply is out; none is left behind" {
    start_server good
    replying 'good gated' -v --command-timeout 600 "127.0.0.1:$port" >"$client_dir/said" 2>&1 3>&- &
    local pid=$! client status=0
    eventually has_been_asked 2
    client=$(pgrep -P "$pid")
    kill -TERM "$client"
    touch "$device/gate"
    wait "$pid" || status=$?
    is "$status" 143 status
    eventually grep -qE '^reply [0-9a-f]{64}$' "$server_log"
    run ! grep -q 'wrong reply' "$server_log"
    is_gone "$(cat "$device/pid")"
}

# ended_while SCENE...: a device that plays these, the last of which hangs, and a SIGTERM then: it has ended with what it has
# started, and so has the client.
ended_while() {
    local pid status=0
    rm -f "$device/asked"
    # What is ended here is ostclient, and timeout would stand in between.
    "$ostclient" -w --reply-command "$TOOLS/fake_device.py $device $*" "127.0.0.1:$port" 3>&- &
    pid=$!
    eventually test -e "$device/child"
    kill -TERM "$pid"
    wait "$pid" || status=$?
    is "$status" 143 status
    eventually is_gone "$(cat "$device/pid")"
    eventually is_gone "$(cat "$device/child")"
}

@test "a signal while it has the challenge ends it, with what it has started, and the client" {
    start_server good
    ended_while hang
    nobody_has_come
}

@test "a signal while it computes the receipt ends it, and the client, which has knocked by then" {
    start_server good
    ended_while good good hang
}

@test "it has no terminal to ask at while a server may wait, and ^C does not reach it there" {
    start_server good
    run "$TOOLS/at_terminal.py" -- "$ostclient" --reply-command "$TOOLS/fake_device.py $device ask" "127.0.0.1:$port"
    echo "$output"
    matches "$output" "No such device or address: '/dev/tty'"
    is "${lines[-1]}" 'exit 66'
    nobody_has_come
    rm "$device/asked"
    "$TOOLS/at_terminal.py" exists="$device/waits" 'type=\x03' touch="$device/gate" -- "$ostclient" -v -t 600 \
        --command-timeout 600 --reply-command "$TOOLS/fake_device.py $device good gated" "127.0.0.1:$port" >"$client_dir/shown"
    cat "$client_dir/shown"
    tail -n 1 "$client_dir/shown" | grep -qx 'signal 2'
    eventually grep -qE '^reply [0-9a-f]{64}$' "$server_log"
}

@test "I4, I10: the client has nothing of the secret in its memory, its arguments, its environment or what it says" {
    local pid status=0
    echo 'Xyzzy-Plugh-of-the-device' >"$device/secret"
    start_server --secret 'Xyzzy-Plugh-of-the-device' good
    rm -f "$device/asked"
    "$ostclient" -v -w -t 600 --command-timeout 600 --reply-command "$TOOLS/fake_device.py $device good gated" \
        "127.0.0.1:$port" >"$client_dir/said" 2>&1 3>&- &
    pid=$!
    eventually has_been_asked 2
    run "$TOOLS/memory_scan.py" "$pid" Xyzzy-Plugh-of-the-device keys-of:Xyzzy-Plugh-of-the-device hex:"$(question 2)"
    cat "/proc/$pid/cmdline" "/proc/$pid/environ" "/proc/$(cat "$device/pid")/cmdline" "/proc/$(cat "$device/pid")/environ" >"$client_dir/shown"
    touch "$device/gate"
    wait "$pid" || status=$?
    is "$status" 0 status
    echo "$output"
    # The seed is there, or nothing has been looked at.
    [[ ${lines[-1]} == [1-9]*' hex:'* ]]
    is "$(grep -cv '^0 ' <<<"$output")" 1 'what was found besides the seed'
    run ! grep -aq Xyzzy "$client_dir/shown" "$client_dir/said"
}

# real_door: an Ostiary whose action's secret is the device's.
real_door() {
    door_setup
    write_door
    echo sesame >"$device/secret"
    start_socket_activate
    # shellcheck disable=SC2153 # it is set by lib/launch.bash
    port=$PORT
}

@test "I11: too few descriptors are found with the challenge, and never with the seed" {
    local limit statuses=
    start_server good
    for limit in {8..20}; do
        # shellcheck disable=SC2016 # for the inner shell
        run sh -c 'ulimit -n "$0" && exec "$@"' "$limit" timeout 900 "$ostclient" -w -t 600 \
            --reply-command "$TOOLS/fake_device.py $device good" "127.0.0.1:$port"
        statuses+=" $status"
    done
    matches "$statuses" '^( 71)+( 66)*( 0)+$'
    is "$(grep -c '^scene' "$server_log")" "$(grep -o ' 0' <<<"$statuses" | wc -l)" visits
}

@test "I11: a locked card costs no strike, however often it is tried; one that fails with the seed costs one (I1)" {
    local i
    real_door
    for i in 1 2 3 4 5; do
        run replying locked -w "127.0.0.1:$port"
        is "$status" 66 status
    done
    is "$(handler_lines | wc -l)" 0 'lines of the handler'
    run replying 'good locked' -w "127.0.0.1:$port"
    is "$status" 74 status
    eventually logged 'rejected source=127\.0\.0\.1 reason=no-reply strikes=1 '
    is "$(in_slot 127.0.0.1 strikes)" 1 'strikes of who left with a seed'
    run replying good -w "127.0.0.1:$port"
    is "$status $output" '0 '
    eventually logged 'accepted source=127\.0\.0\.1 action=knock '
}
