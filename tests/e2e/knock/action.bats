#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I7: what an action starts with. The action here, dump-self, writes down all that it finds.

load ../../lib/common
load ../../lib/launch

setup() {
    need_root
    make_work
    use_handler
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/dump"
    write_config "ACTION=\"open sesame\",\"$WORK/bin/dump\",\"65534\",\"65534\"" \
        "ACTION=\"as daemon\",\"$WORK/bin/dump\",\"daemon\"" \
        "ACTION=\"as root\",\"$WORK/bin/dump\",\"root\",\"root\",\"name=by-root\"" \
        "ACTION=\"as no one\",\"$WORK/bin/dump\",\"54321\",\"54322\""
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# knock SECRET SOURCE: a knock, and the dump of its action in $DUMP.
knock() {
    rm -f "$WORK"/out/dump.*
    peer --source "$2" --secret "$1"
    is "$(field receipt)" right receipt
    eventually have_dump
    DUMP=$(cat "$WORK"/out/dump.*)
}

have_dump() {
    compgen -G "$WORK/out/dump.*" >/dev/null
}

# has LINE: the dump has this line, tabs taken for blanks.
has() {
    tr '\t' ' ' <<<"$DUMP" | sed 's/ *$//' | grep -Fqx -- "$1" && return
    printf 'no line "%s" in:\n%s\n' "$1" "$DUMP"
    return 1
}

variables() {
    sed -n 's/^env \([^=]*\)=.*/\1/p' <<<"$DUMP" | sort | tr '\n' ' '
}

# Everything that must be so under each launcher, for a handler with rights and groups that the action must not have.
clean_start() {
    SERVER=("$TOOLS/burden.py" keys -- /usr/bin/setpriv --groups '4,27,42' --inh-caps '+net_raw' --ambient-caps '+net_raw' "${SERVER[@]}")
    "start_$1"
    knock 'open sesame' 127.0.0.2

    has 'Uid: 65534 65534 65534 65534'
    has 'Gid: 65534 65534 65534 65534'
    has 'Groups: 65534'
    has 'CapPrm: 0000000000000000'
    has 'CapEff: 0000000000000000'
    has 'CapInh: 0000000000000000'
    has 'CapAmb: 0000000000000000'
    has 'key none'
    has 'terminal none'

    is "$(grep '^arg ' <<<"$DUMP")" "$(printf 'arg %s\n' "$WORK/bin/dump" 127.0.0.2)" "argv"
    is "$(grep '^fd ' <<<"$DUMP" | cut -d' ' -f2 | sort | tr '\n' ' ')" '0 1 2 ' "descriptors"
    has 'fd 0 /dev/null'
    refute grep '^fd .*socket:' <<<"$DUMP"

    has 'SigBlk: 0000000000000000'
    has 'SigIgn: 0000000000000000'
    has 'umask 022'
    has 'cwd /'

    is "$(variables)" 'HOME LANG LOGNAME OSTIARY_ACTION OSTIARY_ADDRESS OSTIARY_PORT PATH SHELL USER ' "environment"
    has 'env OSTIARY_ACTION=dump'
    has 'env OSTIARY_ADDRESS=127.0.0.2'
    has 'env LANG=C.UTF-8'
    has 'env USER=65534'
    has 'env LOGNAME=65534'
}

@test "I7: the action starts clean under systemd-socket-activate" { clean_start socket_activate; }
@test "I7: the action starts clean under xinetd" { clean_start xinetd; }
@test "I7: the action starts clean under inetd" { clean_start inetd; }
@test "I7: the action starts clean under tcpserver" { clean_start tcpserver; }

@test "I7: nothing of the launcher's environment comes through but what systemd sets" {
    export EVIL=1 IFS_='x' BASH_ENV=/tmp/x LD_LIBRARY_PATH=/tmp TCPREMOTEIP=192.0.2.1 OSTIARY_ADDRESS=192.0.2.1
    export HOME=/tmp/home USER=mallory INVOCATION_ID=0123456789abcdef JOURNAL_STREAM=1:2
    export CREDENTIALS_DIRECTORY=/tmp
    LAUNCH_ENV=(EVIL IFS_ BASH_ENV LD_LIBRARY_PATH TCPREMOTEIP OSTIARY_ADDRESS HOME USER INVOCATION_ID JOURNAL_STREAM CREDENTIALS_DIRECTORY)
    start_socket_activate
    knock 'open sesame' 127.0.0.3
    is "$(variables)" \
        'HOME INVOCATION_ID JOURNAL_STREAM LANG LOGNAME OSTIARY_ACTION OSTIARY_ADDRESS OSTIARY_PORT PATH SHELL USER ' "environment"
    has 'env OSTIARY_ADDRESS=127.0.0.3'
    has 'env INVOCATION_ID=0123456789abcdef'
    has 'env JOURNAL_STREAM=1:2'
    has 'env USER=65534'
    has 'env HOME=/'
}

@test "I7: OSTIARY_PORT is the peer's port" {
    start_socket_activate
    knock 'open sesame' 127.0.0.4
    port=$(sed -n 's/^env OSTIARY_PORT=//p' <<<"$DUMP")
    matches "$port" '^[0-9]+$'
    # The launcher says from where a connection came.
    grep -q "127\.0\.0\.4:$port" "$LOG"
}

@test "I7: signals that the launcher ignores or blocks, its umask and its directory do not reach the action" {
    # env resets nothing but what it is told to, and what is ignored or blocked stays so across exec.
    SERVER=(/usr/bin/env '--ignore-signal=PIPE,HUP,TERM,USR1,CHLD' '--block-signal=INT,USR2' --chdir=/tmp
        /bin/sh -c 'umask 0; exec "$@"' sh "${SERVER[@]}")
    start_socket_activate
    knock 'open sesame' 127.0.0.5
    has 'SigBlk: 0000000000000000'
    has 'SigIgn: 0000000000000000'
    has 'umask 022'
    has 'cwd /'
}

@test "I7: the action has the limits that the launcher gave, for core files too" {
    # In dump-self's own words, from the same launcher and without the handler between.
    LAUNCH_WITH=(prlimit --core=100000:2000000 --nofile=512:1024 --)
    local handler=("${SERVER[@]}")
    SERVER=("$WORK/bin/dump")
    start_socket_activate
    peer --source 127.0.0.6
    eventually have_dump
    given=$(cat "$WORK"/out/dump.* | grep '^Max ')
    matches "$given" 'Max core file size +100000 +2000000'
    stop_launcher
    SERVER=("${handler[@]}")
    start_socket_activate
    knock 'open sesame' 127.0.0.7
    is "$(grep '^Max ' <<<"$DUMP")" "$given" "limits"
}

@test "I7: a user by name has its own group, its own supplementary groups, its home and shell" {
    start_socket_activate
    knock 'as daemon' 127.0.0.8
    has 'Uid: 1 1 1 1'
    has 'Gid: 1 1 1 1'
    is "$(sed -n 's/^Groups:\t//p' <<<"$DUMP" | tr ' ' '\n' | sort | xargs)" "$(id -G daemon | tr ' ' '\n' | sort | xargs)" groups
    has 'env USER=daemon'
    has "env HOME=$(getent passwd daemon | cut -d: -f6)"
    has "env SHELL=$(getent passwd daemon | cut -d: -f7)"
}

@test "I7: root's action has root's groups, not the launcher's, and name= in its environment" {
    SERVER=(/usr/bin/setpriv --groups '4,27,42' "${SERVER[@]}")
    start_socket_activate
    knock 'as root' 127.0.0.9
    has 'Uid: 0 0 0 0'
    has 'Groups: 0'
    has 'env OSTIARY_ACTION=by-root'
    matches "$DUMP" 'env PATH=[^ ]*/usr/sbin'
}

@test "I7: numbers without an account: these and no more" {
    start_socket_activate
    knock 'as no one' 127.0.0.10
    has 'Uid: 54321 54321 54321 54321'
    has 'Gid: 54322 54322 54322 54322'
    has 'Groups: 54322'
    has 'env HOME=/'
}

# burdened KIND: the action as root, who could do the most with it, and as another.
burdened() {
    local handler=("${SERVER[@]}")
    # In dump-self's own words: without the handler between, it is all there.
    SERVER=("$TOOLS/burden.py" keys "$1" -- "$WORK/bin/dump")
    start_socket_activate
    peer --source 127.0.0.20
    eventually have_dump
    DUMP=$(cat "$WORK"/out/dump.*)
    has 'key found'
    has 'terminal pushed'
    stop_launcher
    SERVER=("$TOOLS/burden.py" keys "$1" -- "${handler[@]}")
    start_socket_activate
    knock 'as root' 127.0.0.21
    has 'key none'
    has 'terminal none'
    knock 'open sesame' 127.0.0.22
    has 'key none'
    has 'terminal none'
}

@test "I7: root's own keys and terminal are not the action's, where the handler leads a session" { burdened leader; }
@test "I7: root's own keys and terminal are not the action's, where the handler leads a group" { burdened member; }

@test "I7: a handler that is not root does not hand its capabilities on" {
    write_config "ACTION=\"open sesame\",\"$WORK/bin/dump\",\"65534\",\"65534\""
    chown 65534 "$CONFIG" "$WORK/state"
    chmod 1777 "$WORK"
    SERVER=(/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps '+net_raw' --ambient-caps '+net_raw' "${SERVER[@]}")
    start_socket_activate
    knock 'open sesame' 127.0.0.23
    has 'CapInh: 0000000000000000'
    has 'CapPrm: 0000000000000000'
    has 'CapEff: 0000000000000000'
    has 'CapAmb: 0000000000000000'
}

# A kernel or library that says "done" and has not done it: the action must not run.
not_believed() {
    SERVER=(/usr/bin/env LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_BREAK="$1"
        /usr/bin/setpriv --groups '4,27,42' "${SERVER[@]}")
    record_status
    start_socket_activate
    peer --source 127.0.0.11 --secret 'open sesame'
    is "$(field receipt)" none receipt
    ended 126
    refute have_dump
    logged 'error|cannot'
}

@test "I7: identity is verified: a setgroups that does nothing is found out" { not_believed setgroups; }
@test "I7: identity is verified: a setresgid that does nothing is found out" { not_believed setresgid; }
@test "I7: identity is verified: a setresuid that does nothing is found out" { not_believed setresuid; }
