#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostpipe against Debian's spiped: what goes through, in each mode of both; and every way in which it ends.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

bats_require_minimum_version 1.5.0
load ../../lib/common

OSTPIPE=$OSTIARY_BUILD/src/pipe/ostpipe

setup() {
    PIPE_DIR=$BATS_TEST_TMPDIR
    KEY=$PIPE_DIR/key
    PIDS=()
    (umask 077 && head -c 32 /dev/urandom >"$KEY" && head -c 32 /dev/urandom >"$PIPE_DIR/other")
}

teardown() {
    local pid
    for pid in "${PIDS[@]}"; do
        # spiped would wait for its connections.
        kill -KILL "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
}

# start_target WHAT: what the pipe leads to, a server in Python: echo, which answers what comes until it ends; $TARGET.
start_target() {
    : >"$PIPE_DIR/target"
    "$TOOLS/pipe_target.py" "$1" >>"$PIPE_DIR/target" 3>&- &
    PIDS+=($!)
    eventually grep -q '^port ' "$PIPE_DIR/target"
    TARGET=$(sed -n 's/^port //p' "$PIPE_DIR/target")
}

# A port of this host that nobody listens at.
free_port() {
    python3 -ISc 'import socket
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1])'
}

# start_spiped [OPTION...]: spiped in front of it; $PORT.
start_spiped() {
    PORT=$(free_port)
    spiped -d -F -s "[127.0.0.1]:$PORT" -t "[127.0.0.1]:$TARGET" -k "$KEY" "$@" 3>&- &
    PIDS+=($!)
    eventually is_listening "$PORT"
}

is_listening() {
    [ -n "$(ss -Hltn "sport = :$1")" ]
}

# pipe OPTION...: ostpipe there. Nothing takes as long as the limit.
pipe() {
    timeout 300 "$OSTPIPE" -o 60 -t "127.0.0.1:$PORT" -k "$KEY" "$@"
}

@test "with spiped: what goes in comes back, 0 bytes, 1, 1024, 1025 and 16 MiB" {
    local size
    start_target echo
    start_spiped
    for size in 0 1 1024 1025 16777216; do
        head -c "$size" /dev/urandom >"$PIPE_DIR/in"
        pipe <"$PIPE_DIR/in" >"$PIPE_DIR/out"
        cmp "$PIPE_DIR/in" "$PIPE_DIR/out"
    done
}

@test "with spiped: with and without forward secrecy, on each side" {
    local ours theirs got
    start_target echo
    for theirs in '' -f -g; do
        # shellcheck disable=SC2086 # an option, or none
        start_spiped $theirs
        for ours in '' -f -g; do
            # shellcheck disable=SC2086 # an option, or none
            got=$(pipe $ours <<<hello 2>"$PIPE_DIR/said") && status=0 || status=$?
            case "$theirs $ours" in
            '-g -f') is "$status $got" '77 ' "spiped $theirs, ostpipe $ours" ;;
            '-f -g')
                is "$status $got" '76 ' "spiped $theirs, ostpipe $ours"
                matches "$(cat "$PIPE_DIR/said")" 'does without forward secrecy, which -g forbids'
                ;;
            *) is "$status $got" '0 hello' "spiped $theirs, ostpipe $ours" ;;
            esac
        done
    done
}

@test "with spiped: each half ends by itself" {
    start_target count
    start_spiped
    # It says how much came when that has ended, so the way back is open then.
    is "$(head -c 100000 /dev/zero | pipe)" '100000 bytes' "answer"
    start_target greet
    start_spiped
    # It ends its half first.
    is "$( (sleep 0.5 && echo late) | pipe)" 'welcome' "greeting"
    eventually grep -qx 'got late' "$PIPE_DIR/target"
}

@test "with another key it is not accepted, and nothing comes" {
    start_target echo
    start_spiped
    KEY=$PIPE_DIR/other
    run -77 pipe <<<hello
    matches "$output" '^ostpipe: 127\.0\.0\.1 port [0-9]+: not accepted: is its key another one\? see its log$'
}

@test "who answers without the key is told from who has it, and gets no byte of the stream" {
    start_target impostor
    PORT=$TARGET
    run -76 pipe <<<hello
    matches "$output" 'whoever answers there does not hold this key$'
    eventually grep -qx '320 bytes' "$PIPE_DIR/target"
}

@test "what ends without a word, or says nothing, is no pipe" {
    start_target close
    PORT=$TARGET
    run -75 pipe <<<hello
    matches "$output" 'closed without a word: is there a pipe'
    start_target silent
    PORT=$TARGET
    run -75 timeout 300 "$OSTPIPE" -o 0.5 -t "127.0.0.1:$PORT" -k "$KEY" <<<hello
    matches "$output" 'nothing came within the time limit'
    start_target greet
    PORT=$TARGET
    run -76 timeout 300 "$OSTPIPE" -o 0.5 -t "127.0.0.1:$PORT" -k "$KEY" <<<hello
    matches "$output" 'what answers there is no pipe: it has sent 8 bytes, and not 32$'
    PORT=$(free_port)
    run -69 pipe <<<hello
    matches "$output" 'connection refused'
}

@test "where nobody reads what comes it ends, though what goes would go on for ever" {
    local status=0
    start_target echo
    start_spiped
    # shellcheck disable=SC2016 # for the inner shell
    timeout 300 bash -c '(yes 2>/dev/null || :) | { "$@"; echo "$?" >"$0"; } | head -n 1 >/dev/null' "$PIPE_DIR/status" \
        "$OSTPIPE" -o 60 -t "127.0.0.1:$PORT" -k "$KEY" || status=$?
    is "$(cat "$PIPE_DIR/status")" 74 "status"
}

@test "what this machine lacks is told as that, and not as the other side's fault" {
    start_target echo
    start_spiped
    run -71 "${NO_LEAK_CHECK[@]}" strace -o /dev/null -e trace=sendto -e inject=sendto:error=ENOBUFS:when=1 \
        "$OSTPIPE" -t "127.0.0.1:$PORT" -k "$KEY" <<<hello
    matches "$output" 'this machine could not send or wait: No buffer space available'
}

@test "a key file that is missing, open to others, or none is refused before anything is connected" {
    PORT=1
    chmod 644 "$KEY"
    run -78 pipe <<<hello
    is "$output" "ostpipe: $KEY is readable by others: chmod o-r" "what it says of a key that others can read"
    chmod 600 "$KEY"
    : >"$KEY"
    run -78 pipe <<<hello
    matches "$output" "^ostpipe: $KEY is no key: it has less than 16 bytes"
    rm "$KEY"
    run -78 pipe <<<hello
    matches "$output" "^ostpipe: $KEY cannot be opened: No such file or directory"
}

@test "its command line: what is wrong is named, with what to write" {
    local option
    while IFS='|' read -r option want; do
        # shellcheck disable=SC2086 # options, split on purpose
        run -64 "$OSTPIPE" $option
        matches "$output" "^ostpipe: $want"
        matches "$output" 'usage: ostpipe -t TARGET -k KEYFILE'
    done <<'CASES'
-k key|no -t: where to\?
-t host:1|no -k: which key\?
-t host -k key|-t 'host': which port\?
-t host:99999 -k key|-t 'host:99999': 
-t host:1 -k -|-k -: standard input is the stream
-t host:1 -k key -f -g|-f and -g exclude each other
-t host:1 -k key -o 0|-o '0': must be seconds
-t host:1 -k key -o 1e3|-o '1e3': must be seconds
-t host:1 -k key -b host|-b 'host': must be an IPv4 or IPv6 address
-t ::1:1 -k key|-t
-t /run/x -k key -b 127.0.0.1|-b is for addresses
-t 127.0.0.1:1 -k key -b ::1|-b and -t must both be IPv4
-t host:1 -k key -t host:2|-t is given twice
-t host:1 -k key more|'more': there are no arguments
-x|unknown option or wrong use: -x
-xf|unknown option or wrong use: -x
--x|unknown option or wrong use: --x
CASES
    run -0 "$OSTPIPE" --help
    matches "$output" 'Connect standard input and output'
    run -0 "$OSTPIPE" -v
    matches "$output" '^ostpipe [0-9.]+$'
}

@test "bash completes options, the key's file and a socket; the manual, the help and the completion have the same options" {
    local option page
    complete_after() {
        COMP_WORDS=(ostpipe "$@")
        COMP_CWORD=$#
        COMPREPLY=()
        _ostpipe
    }
    # shellcheck source=/dev/null
    . "$OSTIARY_SOURCE/src/completions/ostpipe"
    complete_after -
    page=$(mandoc -T ascii "$OSTIARY_SOURCE/src/pipe/ostpipe.1" | sed "s/.$(printf "\b")//g")
    for option in "${COMPREPLY[@]}"; do
        "$OSTPIPE" --help | grep -qE -- "(^| )$option( |,|$)"
        grep -qE -- "(^|[ ,])$option( |,|$)" <<<"$page"
    done
    is "${#COMPREPLY[@]}" "$("$OSTPIPE" --help | grep -oE '^  (-[a-zA-Z], )?--?[a-z]+|^  -[a-zA-Z]' | grep -oE -- '--?[a-zA-Z]+' | wc -l)" options
    complete_after -k "$PIPE_DIR/ke"
    is "${COMPREPLY[*]}" "$PIPE_DIR/key" "a key's file"
    complete_after -t "$PIPE_DIR/oth"
    is "${COMPREPLY[*]}" "$PIPE_DIR/other" "a socket"
}

@test "-b: it comes from the address that is given; and a target can be a unix socket" {
    start_target peer
    PORT=$TARGET
    run -75 pipe -b 127.0.0.9 <<<hello
    eventually grep -qx 'from 127.0.0.9' "$PIPE_DIR/target"
    run -69 pipe -b 192.0.2.1 <<<hello
    start_target echo
    spiped -d -F -s "$PIPE_DIR/socket" -t "[127.0.0.1]:$TARGET" -k "$KEY" 3>&- &
    PIDS+=($!)
    eventually test -S "$PIPE_DIR/socket"
    is "$("$OSTPIPE" -t "$PIPE_DIR/socket" -k "$KEY" <<<hello)" hello "what comes by a unix socket"
}

@test "I10: once the session is there the key is nowhere in memory" {
    start_target echo
    start_spiped
    mkfifo "$PIPE_DIR/fifo"
    "$OSTPIPE" -o 60 -t "127.0.0.1:$PORT" -k "$KEY" <"$PIPE_DIR/fifo" >"$PIPE_DIR/out" 3>&- &
    PIDS+=($!)
    exec 9>"$PIPE_DIR/fifo"
    echo hello >&9
    eventually grep -qx hello "$PIPE_DIR/out"
    run "$TOOLS/memory_scan.py" "${PIDS[-1]}" "hex:$(od -An -v -tx1 "$KEY" | tr -d ' \n')" "hex:$(sha256sum "$KEY" | cut -d' ' -f1)" hello
    exec 9>&-
    echo "$output"
    matches "$output" '^0 hex:[0-9a-f]+
0 hex:[0-9a-f]+
[1-9][0-9]* hello$'
}
