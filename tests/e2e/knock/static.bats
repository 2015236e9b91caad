#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A handler that was linked statically: it has to load nothing, for what it would load belongs to another C library.

load ../../lib/common
load ../../lib/launch

setup() {
    need_root
    make_work
    use_handler
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/dump"
    write_config "ACTION=\"open sesame\",\"$WORK/bin/dump\",\"daemon\""
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

have_dump() {
    compgen -G "$WORK/out/dump.*" >/dev/null
}

@test "static: the program names no interpreter and needs no library" {
    readelf --program-headers "$OSTIARYD" >"$WORK/headers"
    grep -q LOAD "$WORK/headers"
    refute grep -q INTERP "$WORK/headers"
    readelf --dynamic "$OSTIARYD" >"$WORK/dynamic"
    grep -q 'FLAGS_1.*PIE' "$WORK/dynamic"
    refute grep -q NEEDED "$WORK/dynamic"
}

@test "I9: static: nothing that stretches a passphrase is in it: no stranger can ask for that work" {
    is "$(grep -aoE 'stretch_[a-z]+|ostiary-stretch' "$OSTIARYD" | sort -u | xargs)" '' "what is in it"
}

@test "static: an action has the groups of /etc/group, and nothing was loaded or asked for them" {
    (cat /etc/group && echo 'late:x:54399:bin,daemon') >"$WORK/group"
    # shellcheck disable=SC2016 # for the inner shell
    SERVER=(unshare --mount sh -c 'mount --bind "$0" /etc/group && exec "$@"' "$WORK/group"
        "$(command -v strace)" -qq -o "$WORK/trace" "${SERVER[@]}")
    start_socket_activate
    peer --source 127.0.0.2 --secret 'open sesame'
    is "$(field receipt)" right receipt
    eventually have_dump
    is "$(sed -n 's/^Groups:\t//p' "$WORK"/out/dump.* | xargs)" "$( (id -G daemon | tr ' ' '\n' && echo 54399) | sort -n | xargs)" groups

    sed '/^execve("[^"]*\/dump"/q' "$WORK/trace" >"$WORK/calls"
    grep -q '"/etc/group"' "$WORK/calls"
    # One for each of the two files, where there were as many as lines.
    is "$(grep -c '^lseek(' "$WORK/calls")" 2 lseek
    is "$(grep -E '\.so|nsswitch|connect\(' "$WORK/calls" | grep -vE '"/dev/log"|ld-linux')" '' "libraries and servers"
}
