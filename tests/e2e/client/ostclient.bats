#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154,SC2030,SC2031 # client_setup, run and completion assign the variables; each test by itself
# The client against a scripted server: exit statuses, options, and what it says.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client

setup() {
    client_setup
}

teardown() {
    client_teardown
}

# The reply that the server has received, when it has.
check_reply() {
    server_saw "reply $1"
}

# is_said TEXT: that is all that was said, of the server.
is_said() {
    echo "$output"
    [ "$output" = "ostclient: 127.0.0.1 port $port: $1" ]
}

secret_file() {
    (umask 077 && cat >"$client_dir/secret")
}

# --- the wire ---------------------------------------------------------------------------------------------------

@test "vector of the 4.0 C client" {
    start_server --seed 7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d good
    knock 127.0.0.1 -p "$port"
    check_reply cc21c31b860d32571f72ab21f9688d99bbbb85e7d1bf1a7f9a54f42820892e56
}

@test "vector of pyostiary" {
    start_server --seed 9aa9907b6b8cf42a4b9ecaf2c7441d91c3f43a105f60badfb9f30cb5f6b81c46 good
    knock 127.0.0.1 -p "$port"
    check_reply 98d8041a1c83dc15457b61f0a671b2459ea57c0a3db9eef886028c3f261dc1d1
}

@test "vector with a longer secret" {
    echo 'correct horse battery staple' | secret_file
    start_server --seed 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f good
    "$ostclient" -k "$client_dir/secret" "127.0.0.1:$port"
    check_reply 56b06bb5232be4a6d34999fc2225c6fa8e85259a45d586e0fb9465171fb34a74
}

@test "a secret of 255 bytes, of every value but NUL, CR and LF, ends in the receipt" {
    /usr/bin/python3 -ISc 'import sys
s = bytes(b for b in range(255, 0, -1) if b not in (13, 10)) + b"zz"
assert len(s) == 255
sys.stdout.buffer.write(s + b"\n")' | secret_file
    start_server --secret "$(cat "$client_dir/secret")" good
    "$ostclient" -w -k "$client_dir/secret" "127.0.0.1:$port"
}

@test "exactly 32 bytes are sent, and the connection ends with FIN" {
    # A receipt that meets a client which has gone is answered with a reset: let there be none.
    start_server late-receipt
    knock "127.0.0.1:$port"
    server_saw 'end eof 0'
}

@test "silent on success, with and without --wait" {
    start_server good
    run knock "127.0.0.1:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run knock -w "127.0.0.1:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a seed that comes byte by byte" {
    start_server dribble
    knock --wait "127.0.0.1:$port"
    run ! grep -q 'wrong reply' "$server_log"
}

# --- exit statuses ----------------------------------------------------------------------------------------------

@test "64: each wrong command line, with what is wrong and the usage" {
    local arguments
    local -i count=0
    while IFS= read -r arguments; do
        count+=1
        # shellcheck disable=SC2086 # words on purpose
        run "$ostclient" $arguments
        echo "$arguments: $status: $output"
        [ "$status" -eq 64 ]
        [[ $output == 'ostclient: '*'usage: ostclient [-46qvw]'* ]]
    done <<'CASES'

-k key
-x host
--nonsense host
--wait=yes host
host -p
host --port
-p 0 host
-p 65536 host
-p -1 host
-p 50x host
-p ssh host
host:
host:0
host:65536
host:ssh
host:1:2
:5018
[::1
[::1]5018
[::1]:
[host]:5018
::1]
::zz
[127.0.0.1]
-p 1 host:2
-p 1 -a [::1]:2
-a host other
host other
-a host -a host
-4 -4 host
-4 -6 host
-4 ::1
-4 [::1]:7
-6 127.0.0.1
-w -w host
-w --wait host
-v -v host
-t 0 host
-t 3601 host
-t 1.5 host
-t 5s host
-t 5 -t 5 host
-r 101 host
-r -1 host
-r 1 -r 1 host
-f x host
-f -1 host
-f 99999999999 host
-f 0 -f 0 host
-k a -k a host
-f 0 -k a host
-p 1 -p 1 host
CASES
    [ "$count" -ge 50 ]
}

@test "64: a host name of 256 bytes" {
    run knock "$(printf 'a%.0s' {1..256})"
    [ "$status" -eq 64 ]
    [[ $output == *'too long'* ]]
}

@test "64 with -q says nothing, wherever the -q is" {
    run "$ostclient" -v -p 0 host -q
    [ "$status" -eq 64 ]
    [ -z "$output" ]
    run "$ostclient" -q -p 0 host
    [ "$status" -eq 64 ]
    [ -z "$output" ]
}

@test "68: unknown host, and not tried again" {
    run with_hosts '127.0.0.1 localhost' timeout 900 "$ostclient" -r 3 -k "$key" no-such-host
    [ "$status" -eq 68 ]
    [ "$output" = 'ostclient: no-such-host: host unknown: check the spelling' ]
    run with_hosts '127.0.0.1 localhost' timeout 900 "$ostclient" -v -r 3 -k "$key" no-such-host
    [[ $output != *'try 2'* ]]
}

@test "68: no address of the wanted family" {
    run with_hosts '127.0.0.9 only4' timeout 900 "$ostclient" -6 -k "$key" only4
    [ "$status" -eq 68 ]
    [[ $output == *'in IPv6 (-6)'* ]]
}

@test "68: a name server that never answers is bounded by -t" {
    timed_run with_silent_dns timeout 900 "$ostclient" -t 1 -k "$key" host.test
    [ "$status" -eq 68 ]
    [[ $output == 'ostclient: host.test: no answer from the name servers'* ]]
    was_bounded 1000
}

# What comes before the client's arguments when it is that of a user who may not start any process. He may not come to
# where the client and the secret are, and finds them open.
be_without_processes() {
    local as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --clear-groups --regid 65534)
    # shellcheck disable=SC2016 # for the inner shell
    without_processes=("${NO_LEAK_CHECK[@]}" timeout 900 sh -c 'exec 7<"$1" 9<"$2" && shift 2 && exec "$@"' sh "$ostclient" "$key"
        "${as[@]}" prlimit --nproc=0:0 /proc/self/fd/7 -f 9)
}

@test "a name is looked up where no process and no thread can be started, and its time is bounded too" {
    be_without_processes
    start_server good
    run with_hosts '127.0.0.1 here' "${without_processes[@]}" -w "here:$port"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    timed_run with_silent_dns "${without_processes[@]}" -t 1 -r 3 host.test
    echo "$output"
    [ "$status" -eq 68 ]
    [ "$output" = 'ostclient: host.test: no answer from the name servers within the time limit: try later, or give a numeric address' ]
    was_bounded 1000
    run with_silent_dns "${without_processes[@]}" -q -t 1 host.test
    [ "$status" -eq 68 ]
    [ -z "$output" ]
}

@test "the process that looks a name up has nothing of the secret, and ends with the client" {
    echo 'Xyzzy-Plugh-of-the-parent' | secret_file
    cat >"$client_dir/look" <<'END'
"$1" -t 900 -k "$2/secret" host.test &
client=$!
until child=$(pgrep -P "$client"); do sleep 0.02; done
# Until it waits for the name server.
until grep -q poll "/proc/$child/wchan" || grep -q '^7 ' "/proc/$child/syscall"; do sleep 0.02; done
echo "child $("$3/tests/tools/memory_scan.py" "$child" Xyzzy-Plugh-of-the-parent)"
echo "client $("$3/tests/tools/memory_scan.py" "$client" Xyzzy-Plugh-of-the-parent)"
kill -KILL "$client"
# Whoever inherits it may be slow to bury it: a zombie has ended.
while grep -qs '^State:[[:blank:]]*[^ZX[:blank:]]' "/proc/$child/status"; do sleep 0.02; done
echo ended
END
    run with_silent_dns timeout 900 bash "$client_dir/look" "$ostclient" "$client_dir" "$OSTIARY_SOURCE"
    echo "$output"
    [ "${lines[0]}" = 'child 0 Xyzzy-Plugh-of-the-parent' ]
    [ "${lines[1]}" = 'client 1 Xyzzy-Plugh-of-the-parent' ]
    [ "${lines[-1]}" = ended ]
}

@test "69: connection refused" {
    start_server --deaf 127.0.0.2 good
    run knock "127.0.0.2:$port"
    [ "$status" -eq 69 ]
    [ "$output" = "ostclient: 127.0.0.2 port $port: connection refused: is the listener up?" ]
}

@test "69: nobody answers the connection, bounded by -t" {
    start_server --full 127.0.0.2 good
    timed_run knock -t 1 "127.0.0.2:$port"
    [ "$status" -eq 69 ]
    [[ $output == "ostclient: 127.0.0.2 port $port: no answer: "* ]]
    was_bounded 1000
}

@test "69: every address refuses, and each is named" {
    start_server --deaf 127.0.0.2 good
    run with_hosts $'127.0.0.2 two\n127.0.0.2 two\n::1 two' timeout 900 "$ostclient" -k "$key" "two:$port"
    [ "$status" -eq 69 ]
    [[ $output == *"127.0.0.2 port $port: connection refused"* ]]
    [[ $output == *"::1 port $port: connection refused"* ]]
}

@test "75: closed before the seed" {
    start_server close
    run knock "127.0.0.1:$port"
    [ "$status" -eq 75 ]
    [[ $output == "ostclient: 127.0.0.1 port $port: closed without a seed: "*'try later' ]]
    server_saw 'end eof 0'
}

@test "75: reset before the seed" {
    start_server reset
    run knock "127.0.0.1:$port"
    [ "$status" -eq 75 ]
}

@test "75: a silent server, bounded by -t" {
    start_server silent
    timed_run knock -t 1 "127.0.0.1:$port"
    [ "$status" -eq 75 ]
    [[ $output == *'no seed within the time limit'*'-t' ]]
    was_bounded 1000
    server_saw 'end eof 0'
}

@test "76: 31 bytes of seed and then the end get no reply, and no second try" {
    start_server short
    run knock -r 3 "127.0.0.1:$port"
    [ "$status" -eq 76 ]
    [[ $output == *'31 bytes in place of a seed of 32'* ]]
    server_saw 'end eof 0'
    [ "$(grep -c '^scene' "$server_log")" -eq 1 ]
}

@test "76: 31 bytes of seed and then silence, bounded by -t" {
    start_server stalled
    timed_run knock -t 3 "127.0.0.1:$port"
    [ "$status" -eq 76 ]
    was_bounded 3000
}

@test "76: who says more than a seed before the reply gets none, and is told for what it is" {
    local options
    start_server ssh ssh extra extra
    for options in '' -w; do
        # shellcheck disable=SC2086 # none or one
        run knock $options "127.0.0.1:$port"
        [ "$status" -eq 76 ]
        is_said "40 bytes in place of a seed of 32: it looks like an SSH server: is the port right?"
    done
    for options in '' -w; do
        # shellcheck disable=SC2086 # none or one
        run knock $options "127.0.0.1:$port"
        [ "$status" -eq 76 ]
        is_said "1032 bytes in place of a seed of 32: is it Ostiary that listens there?"
    done
    ended_four_times() { [ "$(grep -c '^end [a-z]* 0$' "$server_log")" -eq 4 ]; }
    eventually ended_four_times
}

@test "76: a server that ends the connection between seed and reply" {
    start_server half-close
    run knock "127.0.0.1:$port"
    [ "$status" -eq 76 ]
    is_said 'closed before the reply: is COMM_TIMEOUT on the server too short?'
}

@test "76: a wrong receipt, and one that only plays back the reply" {
    start_server wrong-receipt replayed-receipt
    run knock -w "127.0.0.1:$port"
    [ "$status" -eq 76 ]
    [[ $output == *'the receipt is wrong'* ]]
    run knock -w "127.0.0.1:$port"
    [ "$status" -eq 76 ]
}

@test "77: no receipt, a short one, a reset in its place; without -w each is a success" {
    local scene
    for scene in no-receipt short-receipt reset-after-reply; do
        start_server "$scene"
        run knock -w "127.0.0.1:$port"
        echo "$scene: $status: $output"
        [ "$status" -eq 77 ]
        [[ $output == *'not accepted: check the secret'* ]]
        run knock "127.0.0.1:$port"
        [ "$status" -eq 0 ]
        [ -z "$output" ]
        kill "$server_pid"
    done
}

@test "77: a wrong secret" {
    start_server --secret Other good
    run knock -w "127.0.0.1:$port"
    [ "$status" -eq 77 ]
    server_saw 'wrong reply'
}

@test "77: a receipt that never comes, bounded by -t, says that the outcome is unknown" {
    start_server late-receipt
    timed_run knock -w -t 3 "127.0.0.1:$port"
    [ "$status" -eq 77 ]
    [[ $output == *'no receipt within the time limit'*log ]]
    was_bounded 3000
}

# Whether the seed is still readable after the reset is a matter of time: it may count as none (75).
@test "a server that resets after its seed: 0 or 76 or 75, with -w 77 or 76 or 75, never a signal" {
    start_server hangup
    for _ in 1 2 3 4 5; do
        run knock "127.0.0.1:$port"
        [[ $status == @(0|75|76) ]]
        run knock -w "127.0.0.1:$port"
        [[ $status == @(75|76|77) ]]
    done
}

# --- I11: no strike by one's own doing ---------------------------------------------------------------------------
#
# The server counts a strike for a seed that arrived and was not answered. It can tell: what has not arrived is not
# acknowledged. So there must be a reply, or 32 bytes must be unacknowledged when the connection ends.

# start_client ARGUMENT...: in the background, in client_pid; what it says goes to $client_dir/said. bash has its background
# jobs ignore some signals.
start_client() {
    env --default-signal "$ostclient" -k "$key" "$@" >"$client_dir/said" 2>&1 3>&- &
    client_pid=$!
}

# client_state_is LETTER: as in proc(5): T is stopped.
client_state_is() {
    local state
    state=$(sed 's/.*) //' "/proc/$client_pid/stat" 2>/dev/null) || state=Z
    [[ $state == "$1"* ]]
}

# The client's exit status, or 128 and the signal that ended it, is this one.
client_ends() {
    local ended=0
    wait "$client_pid" || ended=$?
    echo "the client ended with $ended, not $1"
    cat "$client_dir/said"
    [ "$ended" -eq "$1" ]
}

# with_seed_while_stopped ARGUMENT...: start a client, and stop it; its seed comes with let_seed_come.
with_seed_while_stopped() {
    start_server --gate "$client_dir/gate" gated
    start_client "$@" "127.0.0.1:$port"
    server_saw 'scene gated'
    kill -STOP "$client_pid"
    eventually client_state_is T
}

let_seed_come() {
    touch "$client_dir/gate"
    server_saw 'seed sent'
    server_has_an_ack() { [ "$(ss -Htn state established "sport = :$port" | awk '{ print $2 }')" = 0 ]; }
    eventually server_has_an_ack
}

@test "I11: stopped for longer than -t when the seed arrives, it answers, and is accepted" {
    with_seed_while_stopped -w -t 1
    let_seed_come
    sleep 1.5
    kill -CONT "$client_pid"
    client_ends 0
}

@test "I11: stopped for longer than -t without a seed, it leaves in peace" {
    with_seed_while_stopped -w -t 1
    sleep 1.5
    kill -CONT "$client_pid"
    client_ends 75
    grep -q 'no seed within the time limit' "$client_dir/said"
}

@test "I11: signals that end it do so when the reply is out" {
    local name
    for name in INT TERM HUP QUIT ALRM USR1 PIPE; do
        rm -f "$client_dir/gate"
        with_seed_while_stopped -t 20
        kill -"$name" "$client_pid"
        let_seed_come
        kill -CONT "$client_pid"
        client_ends $((128 + $(kill -l "$name")))
        server_saw 'reply [0-9a-f]\{64\}'
        run ! grep -q 'wrong reply' "$server_log"
        kill "$server_pid"
    done
}
@test "I11: a signal while no seed is there ends it at once, and a seed that comes after it has not arrived" {
    local name
    for name in INT TERM; do
        rm -f "$client_dir/gate"
        start_server --gate "$client_dir/gate" gated
        start_client -t 20 "127.0.0.1:$port"
        server_saw 'scene gated'
        kill -"$name" "$client_pid"
        client_ends $((128 + $(kill -l "$name")))
        touch "$client_dir/gate"
        server_saw 'seed sent'
        eventually grep -q '^broken\|^unacknowledged' "$server_log"
        run ! grep '^unacknowledged 0$' "$server_log"
        kill "$server_pid"
    done
}

# Skip where this user may give a socket no filter, without which the client cannot refuse what arrives: some kernels ask
# for CAP_NET_ADMIN.
need_socket_filter() {
    /usr/bin/python3 -ISc 'import ctypes, socket, struct
SO_ATTACH_FILTER = 26
take_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFFFFFF))
filters = struct.pack("HP", 1, ctypes.addressof(take_all))
socket.socket().setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filters)' 2>/dev/null ||
        skip 'this kernel lets this user attach no socket filter'
}

# with_slow_close N COMMAND...: where N seconds pass between the last look at a connection and its end.
with_slow_close() {
    OSTIARY_TEST_TALLY=$client_dir/tally with_broken "close-$1" "${@:2}"
}

# What comes between the last look and the end comes now.
closing_now() {
    eventually grep -qs '^close' "$client_dir/tally"
}

@test "I11: a seed that comes when the time is over, and the connection has not ended yet, has not arrived" {
    need_socket_filter
    start_server --gate "$client_dir/gate" gated
    with_slow_close 2 "$ostclient" -k "$key" -t 1 "127.0.0.1:$port" 2>"$client_dir/said" 3>&- &
    client_pid=$!
    closing_now
    touch "$client_dir/gate"
    client_ends 75
    server_saw 'unacknowledged 32'
    server_saw 'end eof 0'
}

@test "I11: the same when a signal ends it" {
    need_socket_filter
    start_server --gate "$client_dir/gate" gated
    with_slow_close 2 env --default-signal "$ostclient" -k "$key" -t 900 "127.0.0.1:$port" 2>"$client_dir/said" 3>&- &
    client_pid=$!
    server_saw 'scene gated'
    kill -TERM "$(pgrep -f -x -- "$ostclient -k $key -t 900 127.0.0.1:$port")"
    closing_now
    touch "$client_dir/gate"
    client_ends 143
    server_saw 'unacknowledged 32'
    server_saw 'end eof 0'
}

# The first address takes no connection until the client is about to leave it: SYN is sent again after 1, 3 and 7 s.
@test "I11: a connection that is made when the time is over gets no seed" {
    need_socket_filter
    start_server --gate "$client_dir/gate" full good
    with_slow_close 6 "$ostclient" -k "$key" -t 2 "127.0.0.1:$port" 2>"$client_dir/said" 3>&- &
    client_pid=$!
    closing_now
    touch "$client_dir/gate"
    client_ends 69
    server_saw 'unacknowledged 32'
}

@test "I11: stopped from the terminal before the seed it leaves, and begins anew when it goes on" {
    start_server --gate "$client_dir/gate" gated
    # In a process group of its own, with a parent in another: an orphaned group is not stopped by SIGTSTP.
    set -m
    start_client -v -w -t 3600 "127.0.0.1:$port"
    set +m
    server_saw 'scene gated'
    kill -TSTP "$client_pid"
    eventually client_state_is T
    touch "$client_dir/gate"
    server_saw 'unacknowledged 32'
    kill -CONT "$client_pid"
    client_ends 0
    [ "$(grep -c 'connecting$' "$client_dir/said")" -eq 2 ]
    [ "$(grep -c '^scene' "$server_log")" -eq 2 ]
}

@test "a signal ends it while it connects" {
    start_server --full 127.0.0.2 good
    start_client -v -t 60 "127.0.0.2:$port"
    eventually grep -q connecting "$client_dir/said"
    sleep 0.2
    kill -TERM "$client_pid"
    client_ends 143
}

@test "I11: whoever does not read what -v says does not keep the reply from going out" {
    start_server --gate "$client_dir/gate" gated
    mkfifo "$client_dir/unread"
    exec 8<>"$client_dir/unread"
    "$ostclient" -v -k "$key" "127.0.0.1:$port" >&8 2>&8 3>&- 8>&- &
    client_pid=$!
    server_saw 'scene gated'
    # From here on there is no room for another byte.
    timeout 1 dd if=/dev/zero of="$client_dir/unread" bs=1 oflag=append conv=notrunc 2>/dev/null || :
    touch "$client_dir/gate"
    server_saw 'reply [0-9a-f]\{64\}'
    run ! grep -q 'wrong reply' "$server_log"
    kill -KILL "$client_pid" 2>/dev/null || :
    wait "$client_pid" || :
    exec 8>&-
}

# --- the secret -------------------------------------------------------------------------------------------------

@test "78: a key file that is missing, too open, not a file, or has no good secret in it; no knock is made" {
    local file=$client_dir/bad
    start_server good

    refused() {
        run timeout 900 "$ostclient" -k "$file" "127.0.0.1:$port"
        echo "$1: $status: $output"
        [ "$status" -eq 78 ]
        [[ $output == "ostclient: $file"*"$1"* ]]
    }
    refused 'No such file'
    umask 077
    echo secret >"$file"
    chmod 644 "$file" && refused 'readable'
    chmod 620 "$file" && refused 'writable'
    chmod 600 "$file"
    : >"$file" && refused 'no secret'
    printf ' \t\r\n\n' >"$file" && refused 'no secret'
    printf 'one\ntwo\n' >"$file" && refused 'inside'
    printf 'one\rtwo\n' >"$file" && refused 'inside'
    printf 'one\0two\n' >"$file" && refused 'inside'
    printf 'a%.0s' {1..256} >"$file" && refused 'too long'
    head -c 5000 /dev/zero >"$file" && refused ''
    rm "$file" && mkfifo "$file" && refused ''
    rm "$file" && mkdir "$file" && refused ''
    run ! grep -q '^scene' "$server_log"
}

@test "78: a secret that begins with a byte order mark, from a file, a descriptor or the terminal; no knock is made" {
    local said='the secret begins with a byte order mark: save the file as UTF-8 without one'
    start_server good
    printf '\xef\xbb\xbfThe\n' | secret_file
    run timeout 900 "$ostclient" -k "$client_dir/secret" "127.0.0.1:$port"
    [ "$status" -eq 78 ]
    [ "$output" = "ostclient: $client_dir/secret: $said" ]
    run timeout 900 "$ostclient" -f 0 "127.0.0.1:$port" <"$client_dir/secret"
    [ "$status" -eq 78 ]
    [ "$output" = "ostclient: descriptor 0: $said" ]
    run at_terminal 'expect=Secret' echo=off 'type=\xef\xbb\xbfThe\r' -- "$ostclient" "127.0.0.1:$port"
    [[ $output == *"$said"*'exit 78' ]]
    run ! grep -q '^scene' "$server_log"
    # Elsewhere it is a character like others, and so is a part of it.
    kill "$server_pid"
    start_server --secret $'The \xef\xbb\xbf' good
    printf 'The \xef\xbb\xbf\n' | secret_file
    "$ostclient" -w -k "$client_dir/secret" "127.0.0.1:$port"
    kill "$server_pid"
    start_server --secret $'\xef\xbb' good
    printf '\xef\xbb' | secret_file
    "$ostclient" -w -k "$client_dir/secret" "127.0.0.1:$port"
}

@test "white space at the end of a key file is no part of the secret, at the beginning it is" {
    start_server good
    printf 'The \t\v\f\r\n\n' | secret_file
    "$ostclient" -w -k "$client_dir/secret" "127.0.0.1:$port"
    printf ' The' | secret_file
    run "$ostclient" -w -k "$client_dir/secret" "127.0.0.1:$port"
    [ "$status" -eq 77 ]
}

@test "-f reads one line, without its white space, and leaves the rest to the next reader" {
    start_server good
    printf 'The \r\nnext\n' | {
        timeout 900 "$ostclient" -w -f 0 "127.0.0.1:$port"
        [ "$(cat)" = next ]
    }
    timeout 900 "$ostclient" -w -f 9 "127.0.0.1:$port" 9< <(printf 'The')
}

@test "-f does not wait for the end of a pipe once it has its line" {
    start_server good
    mkfifo "$client_dir/pipe"
    exec 8<>"$client_dir/pipe"
    printf 'The\n' >&8
    run timeout 900 "$ostclient" -w -f 8 "127.0.0.1:$port"
    exec 8>&-
    [ "$status" -eq 0 ]
}

@test "78: -f on a pipe that stays open without a line, bounded by -t" {
    mkfifo "$client_dir/pipe"
    exec 8<>"$client_dir/pipe"
    printf 'The' >&8
    timed_run timeout 900 "$ostclient" -t 1 -f 8 127.0.0.1:1
    exec 8>&-
    [ "$status" -eq 78 ]
    [[ $output == *'descriptor 8: no whole secret within the time limit'* ]]
    was_bounded 1000
}

@test "78: -f with no secret, a bad one, or no such descriptor" {
    run timeout 900 "$ostclient" -f 0 127.0.0.1:1 </dev/null
    [ "$status" -eq 78 ]
    [[ $output == *'no secret'* ]]
    run timeout 900 "$ostclient" -f 0 127.0.0.1:1 < <(printf 'a%.0s' {1..256})
    [ "$status" -eq 78 ]
    [[ $output == *'too long'* ]]
    run timeout 900 "$ostclient" -f 0 127.0.0.1:1 < <(head -c 100000 /dev/zero)
    [ "$status" -eq 78 ]
    [[ $output == *'too long'* ]]
    run timeout 900 "$ostclient" -f 0 127.0.0.1:1 < <(printf 'a\0b\n')
    [ "$status" -eq 78 ]
    [[ $output == *'inside'* ]]
    run timeout 900 "$ostclient" -f 77 127.0.0.1:1
    [ "$status" -eq 78 ]
    [[ $output == *'descriptor 77: cannot be read: Bad file descriptor' ]]
}

@test "78: without a terminal it does not ask and names -k" {
    run timeout 900 setsid --wait "$ostclient" 127.0.0.1:1 </dev/null
    [ "$status" -eq 78 ]
    [[ $output == *'no terminal'*'-k FILE' ]]
}

# with_broken NAME COMMAND...: run the client where NAME fails: tests/tools/interpose.c.
with_broken() {
    env ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" \
        OSTIARY_TEST_BREAK="$1" "${@:2}"
}

# The first locked memory is libgcrypt's.
@test "71: no locked memory for what would be typed; 78: a terminal that cannot be silenced. Nothing is asked then" {
    local name
    for name in 'mlock-2 71 no locked memory for the secret' 'tcsetattr 78 the terminal failed: Input/output error'; do
        # shellcheck disable=SC2086 # words on purpose
        set -- $name
        run at_terminal -- env ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
            LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_BREAK="$1" "$ostclient" 127.0.0.1:1
        echo "$output"
        [[ $output == *"${*:3}"*'echo on'*"exit $2" ]]
        [[ $output != *'Secret for'* ]]
    done
}

@test "71: libgcrypt that ends the process while it starts is told of, and leaves no core" {
    # The client cannot be dumped: its memory, where the path is, can be read by a tracer with rights alone.
    run in_namespace --mount "${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -P /proc/sys/crypto/fips_enabled \
        -e trace=openat -e inject=openat:error=EMFILE "$ostclient" -k "$key" 127.0.0.1:1
    echo "$output"
    [ "$status" -eq 71 ]
    [[ ${lines[-1]} == 'ostclient: libgcrypt could not start or go on: '*'(ulimit -n)?' ]]
}

@test "four descriptors are enough, and so is each number above" {
    local count
    start_server good
    for count in 4 5 6 7 8; do
        for host in 127.0.0.1 localhost; do
            # shellcheck disable=SC2016 # for the inner shell
            run sh -c 'exec 3>&- && ulimit -n "$0" && exec "$@"' "$count" timeout 900 "$ostclient" -4 -w -k "$key" "$host:$port"
            echo "$count descriptors, $host: $output"
            [ "$status" -eq 0 ]
        done
    done
}

at_terminal() {
    "$TOOLS/at_terminal.py" "$@"
}

@test "at a terminal it asks without echo, and takes the line as it is" {
    start_server --secret 'The ' good
    run at_terminal 'expect=Secret for 127.0.0.1: ' echo=off 'type=The \r' -- "$ostclient" -w "127.0.0.1:$port"
    echo "$output"
    [ "${lines[0]}" = 'Secret for 127.0.0.1: ' ]
    [ "${lines[1]}" = 'echo on' ]
    [ "${lines[2]}" = 'exit 0' ]
}

@test "the terminal's time is not the knock's: -t 3 and a slow person" {
    start_server good
    run at_terminal 'expect=Secret' echo=off 'type=The' 'pause=3.5' 'type=\r' -- "$ostclient" -w -t 3 "127.0.0.1:$port"
    echo "$output"
    [[ $output == *'exit 0' ]]
}

@test "the prompt does not touch standard input and output" {
    start_server good
    # shellcheck disable=SC2016 # for the inner shell
    run at_terminal 'expect=Secret' echo=off 'type=The\r' -- \
        sh -c '"$1" -w "$2" </dev/null >"$3" 2>&1' sh "$ostclient" "127.0.0.1:$port" "$client_dir/out"
    [[ $output == *'exit 0' ]]
    [ ! -s "$client_dir/out" ]
}

@test "78: nothing, or too much, typed at the terminal" {
    run at_terminal 'expect=Secret' echo=off 'type=\r' -- "$ostclient" 127.0.0.1:1
    [[ $output == *'no secret'*'echo on'*'exit 78' ]]
    run at_terminal 'expect=Secret' echo=off 'type=\x04' -- "$ostclient" 127.0.0.1:1
    [[ $output == *'no secret'*'echo on'*'exit 78' ]]
    run at_terminal 'expect=Secret' echo=off "type=$(printf 'a%.0s' {1..256})\r" -- "$ostclient" 127.0.0.1:1
    [[ $output == *'too long'*'echo on'*'exit 78' ]]
    [[ $output != *aaa* ]]
}

@test "the echo is back after each signal that ends the prompt, and the signal is what ends it" {
    local name
    for name in INT TERM HUP QUIT; do
        run at_terminal 'expect=Secret' echo=off 'type=half' "signal=$name" -- "$ostclient" 127.0.0.1:1
        echo "$name: $output"
        [[ $output == *'echo on'*"signal $(kill -l "$name")" ]]
    done
    run at_terminal 'expect=Secret' echo=off 'type=half\x03' -- "$ostclient" 127.0.0.1:1
    [[ $output == *'echo on'*'signal 2' ]]
}

@test "the echo is back while the prompt is stopped, and the question comes again" {
    start_server good
    run at_terminal 'expect=Secret' echo=off 'type=half\x1a' stopped echo=on continue \
        'expect=Secret' echo=off 'type=The\r' -- "$ostclient" -w "127.0.0.1:$port"
    echo "$output"
    [[ $output == *'echo on'*'exit 0' ]]
}

@test "a signal that was ignored from the start does not end the prompt" {
    start_server good
    # shellcheck disable=SC2016 # for the inner shell
    run at_terminal 'expect=Secret' echo=off signal=HUP 'type=The\r' -- \
        sh -c 'trap "" HUP; exec "$@"' sh "$ostclient" -w "127.0.0.1:$port"
    [[ $output == *'exit 0' ]]
}

@test "I10: neither secret, seed, reply nor receipt is in what -v says" {
    local seed=7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d
    echo 'Xyzzy-Plugh' | secret_file
    start_server --secret Xyzzy-Plugh --seed "$seed" good wrong-receipt no-receipt
    for _ in 1 2 3; do
        run timeout 900 "$ostclient" -v -w -k "$client_dir/secret" "127.0.0.1:$port"
        [[ $output == *'reply sent'* ]]
        [[ $output != *Xyzzy* && $output != *Plugh* ]]
        # No run of hexadecimal digits that could be eight bytes, and nothing but printable text.
        run ! grep -Eiq '[0-9a-f]{16}' <<<"$output"
        run ! LC_ALL=C grep -q '[^[:print:]]' <<<"$output"
    done
}

@test "the process is not dumpable and may not leave a core, before it has the secret" {
    start_server silent
    mkfifo "$client_dir/pipe"
    cp "$ostclient" "$client_dir/ostclient"
    chmod 755 "$client_dir" "$client_dir/ostclient"
    exec 8<>"$client_dir/pipe"
    # As root, /proc/PID belongs to root either way: be somebody else.
    local as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --clear-groups --regid 65534)
    # BATS_TEST_TMPDIR's parents may be closed to others: run it from an open descriptor.
    exec 7<"$client_dir/ostclient"
    "${as[@]}" /proc/self/fd/7 -t 30 -f 8 "127.0.0.1:$port" 3>&- &
    local pid=$!
    # What it does is nobody else's business by then: its name (that of the descriptor), its state and its owner are all that
    # can be seen of it.
    waits() {
        [ "$(cat "/proc/$pid/comm")" = 7 ] && grep -q '^State:.S' "/proc/$pid/status" && [ "$(stat -c %u "/proc/$pid/mem")" = 0 ]
    }
    eventually waits
    local owner core
    owner=$(stat -c %u "/proc/$pid/mem")
    core=$(grep 'Max core' "/proc/$pid/limits")
    kill "$pid"
    exec 7<&- 8>&-
    [ "$owner" = 0 ]
    [[ $core =~ Max\ core\ file\ size\ +0\ +0\  ]]
}

# --- addresses --------------------------------------------------------------------------------------------------

@test "IPv4 and IPv6, bare and in brackets, with -p, :port or both" {
    start_server good
    knock -w "127.0.0.1:$port"
    knock -w -a "127.0.0.1:$port"
    knock -w -4 -p "$port" 127.0.0.1
    knock -w -p "$port" "127.0.0.1:$port"
    knock -w --address=127.0.0.1 --port="$port" --ipv4
    kill "$server_pid"
    start_server --address ::1 good
    knock -w "[::1]:$port"
    knock -w -a "[::1]" -p "$port"
    knock -w -6 -p "$port" ::1
    knock -w --ipv6 -p "$port" "[::1]:$port"
}

@test "port 5018 when none is given" {
    # In a network of its own, where nobody listens.
    # shellcheck disable=SC2016 # for the inner shell
    run in_namespace --net sh -c 'ip link set lo up && exec "$@"' sh "$ostclient" -k "$key" 127.0.0.1
    [ "$status" -eq 69 ]
    [[ $output == *'127.0.0.1 port 5018: connection refused'* ]]
}

@test "a name whose first address refuses: the next is taken, and nothing is said" {
    start_server --deaf ::1 good
    run with_hosts $'::1 both\n127.0.0.1 both' timeout 900 "$ostclient" -w -k "$key" "both:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run with_hosts $'::1 both\n127.0.0.1 both' timeout 900 "$ostclient" -6 -w -k "$key" "both:$port"
    [ "$status" -eq 69 ]
    kill "$server_pid"
    start_server --address ::1 --deaf 127.0.0.1 good
    run with_hosts $'::1 both\n127.0.0.1 both' timeout 900 "$ostclient" -w -k "$key" "both:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run with_hosts $'::1 both\n127.0.0.1 both' timeout 900 "$ostclient" -4 -w -k "$key" "both:$port"
    [ "$status" -eq 69 ]
}

# knock_at_dead N ARGUMENT...: knock at a name with N addresses that never answer, and one behind them that does.
knock_at_dead() {
    local hosts='' i
    for ((i = 1; i <= $1; i++)); do
        hosts+="127.0.1.$i many"$'\n'
    done
    cat >"$client_dir/among_the_dead" <<'END'
n=$1 server=$2 log=$3
shift 3
ip link set lo up
nft add table ip dead
nft add chain ip dead input '{ type filter hook input priority 0; }'
nft add rule ip dead input ip daddr "127.0.1.1-127.0.1.$n" drop
"$server" --address 127.0.1.200 good >"$log" 3>&- &
until grep -q '^port ' "$log" 2>/dev/null; do sleep 0.02; done
"$@" "many:$(sed -n 's/^port //p' "$log")"
status=$?
kill %%
exit "$status"
END
    with_hosts "${hosts}127.0.1.200 many" unshare --net timeout 900 bash "$client_dir/among_the_dead" "$1" \
        "$TOOLS/fake_server.py" "$server_log" "$ostclient" -w -v -k "$key" "${@:2}"
}

@test "an address that does not answer has two seconds, whatever -t says, while others are left" {
    timed_run knock_at_dead 1 -t 60
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'127.0.1.1 port '*': no answer'*'127.0.1.200 port '*': accepted' ]]
    [ "$elapsed_ms" -lt 20000 ]
}

@test "nine addresses that do not answer leave time for the tenth" {
    run knock_at_dead 9
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c ': no answer' <<<"$output")" -eq 9 ]
    [[ $output == *'127.0.1.200 port '*': accepted' ]]
}

@test "the last address has all the time that is left" {
    start_server --full 127.0.0.2 good
    timed_run with_hosts $'127.0.0.3 two\n127.0.0.2 two' timeout 900 "$ostclient" -t 4 -k "$key" "two:$port"
    echo "$output"
    [ "$status" -eq 69 ]
    [[ $output == *'127.0.0.3 port '*': connection refused'*'127.0.0.2 port '*': no answer'* ]]
    [ "$elapsed_ms" -ge 4000 ]
}

# on_a_link COMMAND...: where one interface, "lo", has fe80::7.
on_a_link() {
    # shellcheck disable=SC2016 # for the inner shell
    in_namespace --net sh -c 'ip link set lo up && ip address add fe80::7/64 dev lo nodad && exec "$@"' sh "$@"
}

@test "64: an address of the local link without its interface, and which there are; or one with a needless interface" {
    local address
    for address in fe80::7 '[fe80::7]:5018' fe80::7% febf::1; do
        run on_a_link "$ostclient" -k "$key" "$address"
        echo "$output"
        [ "$status" -eq 64 ]
        [[ ${lines[0]} == "ostclient: address '$address' needs its interface, as in fe80::1%eth0 or [fe80::1%eth0]:5018; here it can be: lo" ]]
    done
    run in_namespace --net "$ostclient" -k "$key" fe80::7
    [[ ${lines[0]} == *'here it can be: none, for no interface has such an address' ]]
    for address in 2001:db8::7%eth0 '[::1%lo]' fec0::1%1; do
        run on_a_link "$ostclient" -k "$key" "$address"
        [ "$status" -eq 64 ]
        [[ $output == *'has an interface and needs none'* ]]
    done
}

@test "69: an interface that is not there is named, also where a name leads to the address" {
    run on_a_link "$ostclient" -k "$key" fe80::7%eth9
    [ "$status" -eq 69 ]
    [ "$output" = 'ostclient: fe80::7%eth9: there is no such interface; here it can be: lo' ]
    run on_a_link "$ostclient" -k "$key" fe80::7%4711
    [ "$status" -eq 69 ]
    [[ $output == *'there is no such interface; here it can be: lo' ]]
    echo 'fe80::7 gate' >"$client_dir/hosts"
    # shellcheck disable=SC2016 # for the inner shell
    run on_a_link unshare --mount sh -c 'mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"' sh "$client_dir" \
        "$ostclient" -k "$key" gate
    [ "$status" -eq 69 ]
    [ "$output" = 'ostclient: fe80::7 port 5018: an interface is missing, as in fe80::1%eth0; here it can be: lo' ]
}

@test "an address of the local link with its interface" {
    cat >"$client_dir/link" <<'END'
"$1" --address fe80::7%lo good >"$2" 3>&- &
until grep -q '^port ' "$2" 2>/dev/null; do sleep 0.02; done
port=$(sed -n 's/^port //p' "$2")
shift 2
timeout 900 "$@" "[fe80::7%lo]:$port" && timeout 900 "$@" -p "$port" fe80::7%lo
status=$?
kill %%
exit "$status"
END
    run on_a_link timeout 900 bash "$client_dir/link" "$TOOLS/fake_server.py" "$server_log" "$ostclient" -w -k "$key"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

# --- the other options ------------------------------------------------------------------------------------------

@test "-q silences errors too" {
    start_server close short no-receipt wrong-receipt
    local wanted
    for wanted in 75 76 77 76; do
        run knock -q -w "127.0.0.1:$port"
        [ "$status" -eq "$wanted" ]
        [ -z "$output" ]
    done
    run "$ostclient" -q -k /nonexistent/key 127.0.0.1:1
    [ "$status" -eq 78 ]
    [ -z "$output" ]
}

@test "-v tells each step on standard error" {
    start_server good
    run --separate-stderr knock -v -w "127.0.0.1:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    local place="ostclient: 127.0.0.1 port $port"
    [ "$stderr" = "$place: connecting
$place: seed arrived
$place: reply sent
$place: accepted" ]
}

@test "-r tries again after two refusals, with growing pauses" {
    start_server --listen-when "$client_dir/listen" good
    knock -v -w -r 9 "127.0.0.1:$port" 2>"$client_dir/said" 3>&- &
    local pid=$!
    refused_twice() { [ "$(grep -c 'connection refused' "$client_dir/said")" -ge 2 ]; }
    eventually refused_twice
    touch "$client_dir/listen"
    wait "$pid"
    # Between half of 2 s and all of it, then between half of 4 s and all of it.
    grep -Eq 'try 2 of 10 follows in (1|2)\.[0-9] s' "$client_dir/said"
    grep -Eq 'try 3 of 10 follows in (2|3|4)\.[0-9] s' "$client_dir/said"
}

@test "-r tries again after a close before the seed, in silence, and the last failure is told once" {
    start_server close good
    run knock -w -r 1 "127.0.0.1:$port"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    kill "$server_pid"
    start_server close
    run knock -w --retries=1 "127.0.0.1:$port"
    [ "$status" -eq 75 ]
    [ "${#lines[@]}" -eq 1 ]
    [ "$(grep -c '^scene' "$server_log")" -eq 2 ]
}

@test "-r: the pauses grow up to a minute and no further, chance or not, and an interruption ends none" {
    local longest=2000 pause name
    start_server close
    # shellcheck disable=SC2030 # for this test alone
    export OSTIARY_TEST_TALLY=$client_dir/tally
    run with_broken sleep timeout 900 "$ostclient" -v -k "$key" -r 60 "127.0.0.1:$port"
    [ "$status" -eq 75 ]
    # As many as the tries, and none of them twice for having been interrupted.
    [ "$(grep -c '^sleep' "$client_dir/tally")" -eq 60 ]
    while read -r name pause; do
        [ "$name" = sleep ] || continue
        echo "pause of $pause ms, at most $longest"
        [ "$pause" -le "$longest" ]
        [ "$pause" -ge $((longest / 2)) ]
        longest=$((longest * 2 > 60000 ? 60000 : longest * 2))
    done <"$client_dir/tally"
    [ "$longest" -eq 60000 ]
    run with_broken getrandom timeout 900 "$ostclient" -k "$key" -r 1 "127.0.0.1:$port"
    [ "$status" -eq 75 ]
}

@test "-r does not try again once a seed has arrived" {
    start_server no-receipt
    run knock -w -r 3 "127.0.0.1:$port"
    [ "$status" -eq 77 ]
    [ "$(grep -c '^scene' "$server_log")" -eq 1 ]
}

@test "I3 for the client: with standard descriptors closed, the server still gets the reply alone" {
    start_server late-receipt good
    # -v has something to say both before and after the reply.
    run sh -c '"$@" 2>&-' sh timeout 900 "$ostclient" -v -w -t 3 -k "$key" "127.0.0.1:$port"
    [ "$status" -eq 77 ]
    sh -c '"$@" 2>&-' sh timeout 900 "$ostclient" -v -w -k "$key" "127.0.0.1:$port"
    sh -c '"$@" <&- >&- 2>&-' sh timeout 900 "$ostclient" -v -w -k "$key" "127.0.0.1:$port"
    ended_thrice() { [ "$(grep -c '^end' "$server_log")" -eq 3 ]; }
    eventually ended_thrice
    [ "$(grep -c '^end eof 0$' "$server_log")" -eq 3 ]
    run ! grep -q 'wrong reply' "$server_log"
}

@test "--help and --version" {
    run --separate-stderr "$ostclient" --version
    [ "$status" -eq 0 ]
    [[ $output == 'ostclient 5.'* ]]
    [ -z "$stderr" ]
    run --separate-stderr "$ostclient" --help
    [ "$status" -eq 0 ]
    [[ $output == 'usage: ostclient '* ]]
    [ -z "$stderr" ]
    run bash -c '"$1" --help >/dev/full' bash "$ostclient"
    [ "$status" -eq 71 ]
}

# --- the documents ----------------------------------------------------------------------------------------------

# Options as "-x" and "--long", one a line, sorted.
help_options() {
    "$ostclient" --help | sed -n 's/^  *\(-.*\)/\1/p' | sed 's/   .*//' | grep -Eo -- '(^|[ ,])--?[a-z0-9][a-z0-9-]*' | tr -d ' ,' | sort -u
}

@test "--help, the manual and the completion have the same options, and the same defaults" {
    local manual=$OSTIARY_SOURCE/src/client/ostclient.1 completion=$OSTIARY_SOURCE/src/completions/ostclient
    help_options >"$client_dir/help"
    [ "$(wc -l <"$client_dir/help")" -eq 32 ]
    # The option list of the manual: .It Fl 4 , Fl -ipv4
    sed -n 's/^\.It Fl/Fl/p' "$manual" | grep -Eo 'Fl -?[a-z0-9][a-z0-9-]*' | sed 's/^Fl /-/' | sort -u >"$client_dir/manual"
    diff "$client_dir/help" "$client_dir/manual"
    # shellcheck disable=SC1090
    . "$completion"
    COMP_WORDS=(ostclient -) COMP_CWORD=1 COMPREPLY=()
    _ostclient
    printf '%s\n' "${COMPREPLY[@]}" | sort -u >"$client_dir/completion"
    diff "$client_dir/help" "$client_dir/completion"

    "$ostclient" --help >"$client_dir/text"
    grep -q -- '--port.*default 5018' "$client_dir/text"
    grep -q -- '--timeout.*default 10' "$client_dir/text"
    grep -q -- '--retries.*default 0' "$client_dir/text"
    grep -q -- 'limit for the command (default 120, for a reply 4)' "$client_dir/text"
    grep -q '^The default is 120 with$' "$manual"
    grep -q 'each answer to a server, and the default is 4:' "$manual"
    [ "$(sed -n 's/^The default is \(.*\)\.$/\1/p' "$manual" | tr '\n' ' ')" = '5018 0 10 ' ]
}

@test "each exit status that a test here expects is in the manual" {
    local manual=$OSTIARY_SOURCE/src/client/ostclient.1 status
    for status in 0 64 66 68 69 71 74 75 76 77 78; do
        grep -q "^\.It $status\$" "$manual"
    done
    [ "$(grep -c '^\.It [0-9]*$' "$manual")" -eq 11 ]
}

@test "each message of the programs is in the manual's DIAGNOSTICS" {
    local text
    # Format strings that are told to people, up to the first part that varies within.
    sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh COMPATIBILITY/p' "$OSTIARY_SOURCE/src/client/ostclient.1" >"$client_dir/diagnostics"
    while IFS= read -r text; do
        echo "$text"
        grep -qF "$text" "$client_dir/diagnostics"
    done <<'MESSAGES'
host unknown
no answer from the name servers
connection refused
no answer: is the address right
unreachable
forbidden by this machine
cannot connect
no seed within the time limit
closed without a seed
bytes in place of a seed of 32: is it Ostiary
bytes in place of a seed of 32: it looks like an SSH server: is the port right?
needs its interface, as in fe80::1%eth0 or [fe80::1%eth0]:5018; here it can be:
an interface is missing, as in fe80::1%eth0; here it can be:
there is no such interface; here it can be:
the reply could not be sent in 5 seconds
the secret begins with a byte order mark: save the file as UTF-8 without one
libgcrypt could not start or go on
libgcrypt refuses the secret
closed before the reply
the receipt is wrong
not accepted
no receipt within the time limit
no terminal to ask
the passphrase is too short
the passphrase has a control character inside
the passphrase begins or ends with a blank
not enough memory: to make a secret by this label takes
is not approved, and libgcrypt is in FIPS mode: use the label pbkdf2-sha256:v1:NAME, on both sides
libgcrypt is in FIPS mode, and takes no passphrase of less than 14 bytes
libgcrypt cannot be initialised
libgcrypt failed to compute
there are none ($CREDENTIALS_DIRECTORY): in a unit, say LoadCredential=NAME:FILE
$CREDENTIALS_DIRECTORY is too long
cannot be run: TEXT
ended with status
was ended by signal
was not done within its time limit, and was ended
printed too much, and was ended
printed no secret: it must be in its first line
are too few processes or files allowed (ulimit)?
printed less bytes than a reply's 32, which it must print as they are
printed more bytes than a reply's 32, which it must print as they are
printed what it was given in place of a reply
seconds that a server may wait
: no server has been asked
the seed is left unanswered, which costs a strike
the receipt has come, and could not be checked: look at the server's log
says: TEXT
no secret there
the secret is too long
NUL, CR or LF byte inside
no whole secret within the time limit
no locked memory for the secret
libgcrypt is too old
MESSAGES
}

@test "the manual is clean mdoc" {
    run mandoc -T lint -W warning "$OSTIARY_SOURCE/src/client/ostclient.1"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run man --warnings -l "$OSTIARY_SOURCE/src/client/ostclient.1"
    [ "$status" -eq 0 ]
    [ -z "$(man --warnings -l "$OSTIARY_SOURCE/src/client/ostclient.1" 2>&1 >/dev/null)" ]
}

@test "completion: files after -k, hosts after -a, nothing after a number's option" {
    # shellcheck disable=SC1090
    . "$OSTIARY_SOURCE/src/completions/ostclient"
    cd "$client_dir"
    COMP_WORDS=(ostclient -k ke) COMP_CWORD=2 COMPREPLY=()
    _ostclient
    [ "${COMPREPLY[*]}" = key ]
    COMP_WORDS=(ostclient -t '') COMP_CWORD=2 COMPREPLY=()
    _ostclient
    [ "${#COMPREPLY[@]}" -eq 0 ]
    mkdir "$client_dir/credentials"
    touch "$client_dir/credentials/door"
    CREDENTIALS_DIRECTORY=$client_dir/credentials
    COMP_WORDS=(ostclient --credential d) COMP_CWORD=2 COMPREPLY=()
    _ostclient
    [ "${COMPREPLY[*]}" = door ]
    COMP_WORDS=(ostclient --secret-command ostclien) COMP_CWORD=2 COMPREPLY=()
    PATH=${ostclient%/*} _ostclient
    [ "${COMPREPLY[*]}" = ostclient ]
    COMP_WORDS=(ostclient --wa) COMP_CWORD=1 COMPREPLY=()
    _ostclient
    [ "${COMPREPLY[*]}" = --wait ]
}
