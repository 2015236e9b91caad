#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# libgcrypt behind the door: who may not reply never makes the handler load it, who may does not wait for it, and where it
# cannot be loaded nobody gets in and nobody is blamed.
# shellcheck disable=SC2034 # variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    # Nothing of the tests' own, which are linked with libgcrypt.
    DOOR_PRELOAD=
}

teardown() {
    remove_work
}

# The handler's system calls from here on, in $WORK/trace.
watched() {
    : >"$WORK/trace"
    witnessed_by strace -f -o "$WORK/trace"
}

# line_of PATTERN: which call of the trace is the first to match.
line_of() {
    grep -nE "$1" "$WORK/trace" | head -n 1 | cut -d : -f 1
}

# nothing_loaded WHO: the trace has a whole handler, and no libgcrypt.
nothing_loaded() {
    grep -q 'shutdown(0, SHUT_RDWR)' "$WORK/trace"
    is "$(grep -E 'mac\.so|libgcrypt' "$WORK/trace")" '' "traces of libgcrypt at $1"
    : >"$WORK/trace"
}

# with_module SCRIPT: from now on the door is in a mount namespace of its own, in which the shell has run this first.
with_module() {
    DOOR_WITH=(unshare --mount sh -c "$1"' && exec "$@"' sh)
}

# nobody_gets_in CAUSE: a right reply is refused for this cause, which -t says as well; nothing is held against anybody.
nobody_gets_in() {
    : >"$LOG"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 71' "bytes, end and exit status"
    logged_times 1 "$1"
    logged_times 1 'refused source=127\.0\.0\.2 reason=state$'
    is "$(in_slot 127.0.0.2 strikes)" 0 "strikes"
    refute test -e "$WORK/out/knock"
    run "${DOOR_WITH[@]}" "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    matches "$output" "error: .*$1"
}

@test "a packager sees it: the handler needs no libgcrypt, and what it loads from libdir/ostiary does" {
    readelf --dynamic "$OSTIARYD" >"$WORK/handler"
    readelf --dynamic "$MAC_MODULE" >"$WORK/module"
    grep -q NEEDED "$WORK/handler"
    refute grep libgcrypt "$WORK/handler"
    grep -q 'NEEDED.*libgcrypt\.so' "$WORK/module"
    refute grep -E 'RPATH|RUNPATH' "$WORK/handler" "$WORK/module"
    is "$(nm --dynamic --defined-only "$MAC_MODULE" | grep -vE ' (__|_init|_fini|_edata|_end)' | awk '{ print $3 }' | xargs)" \
        ostiary_mac "names that the module exports"
}

@test "I9: nothing that stretches a passphrase is in the handler, or in what it loads: no stranger can ask for that work" {
    local file
    for file in "$OSTIARYD" "$MAC_MODULE"; do
        is "$(grep -aoE 'stretch_[a-z]+|gcry_kdf_[a-z]+|argon2[a-z]*|ostiary-stretch' "$file" | sort -u | xargs)" '' "in $file"
    done
    # These words are in who does it.
    for file in "$OSTIARY_BUILD/src/client/ostclient" "$OSTIARY_BUILD/src/stretch/stretch.so"; do
        grep -qa gcry_kdf_open "$file"
        grep -qa ostiary-stretch "$file"
    done
}

@test "libgcrypt is loaded when the seed has been sent, and before any secret is read" {
    local sent loaded replied again
    watched
    knock 127.0.0.2=sesame
    is "$(of 1 receipt)" right
    sent=$(line_of 'sendto\(0,')
    loaded=$(line_of "openat\\(.*\"$MAC_MODULE\"")
    replied=$(line_of 'recvfrom\(0, ')
    again=$(grep -nE "openat\\(.*\"$CONFIG\"" "$WORK/trace" | sed -n '2s/:.*//p')
    echo "seed sent: $sent, library: $loaded, waiting for the reply: $replied, secrets: $again"
    [ "$sent" -lt "$loaded" ] && [ "$loaded" -lt "$replied" ] && [ "$replied" -lt "$again" ]
}

@test "no environment says from where: the module is opened by one absolute path" {
    watched
    mkdir "$WORK/evil"
    : >"$WORK/evil/mac.so"
    cd "$WORK/evil"
    knock --env=LD_LIBRARY_PATH="$WORK/evil" 127.0.0.2=sesame
    is "$(of 1 receipt)" right
    grep -q "openat(.*\"$MAC_MODULE\"" "$WORK/trace"
    is "$(grep 'mac\.so' "$WORK/trace" | grep -vF "\"$MAC_MODULE\"")" '' "other places in which it was looked for"
}

@test "I2: a locked source, a closed door and who comes too soon do not make the handler load libgcrypt" {
    write_door MAX_BAD_CONNS=1 DELAY=3600 DELAY_MAX_WAIT=1
    knock 127.0.0.2=sesame 127.0.0.3=wrong
    is "$(of 1 receipt)" right
    watched
    knock 127.0.0.2=sesame
    logged_times 1 'refused source=127\.0\.0\.2 reason=too-soon'
    nothing_loaded 'one who comes too soon'
    knock 127.0.0.3=sesame
    logged_times 1 'refused source=127\.0\.0\.3 reason=locked'
    nothing_loaded 'a locked one'
    : >"$WORK/state/closed"
    knock 127.0.0.4=sesame
    logged_times 1 'refused source=127\.0\.0\.4 reason=closed'
    nothing_loaded 'a closed door'
}

@test "I11: nor does a peer who has left before the seed; one who says nothing does" {
    write_door COMM_TIMEOUT=2
    watched
    unshare --net "$TOOLS/leaver.py" --log="$LOG" -- "${HANDLER[@]}" -- 127.0.0.2=early 127.0.0.2=early-half >"$KNOCKS"
    logged_times 2 'refused source=127\.0\.0\.2 reason=gone$'
    nothing_loaded 'one who has left'
    knock 127.0.0.2=idle
    logged_times 1 'rejected source=127\.0\.0\.2 reason=timeout'
    grep -q "openat(.*\"$MAC_MODULE\"" "$WORK/trace"
}

@test "I8: without the module nobody gets in, and the cause is said" {
    with_module "mount --bind /dev/null $MAC_MODULE"
    nobody_gets_in "libgcrypt cannot be loaded: $MAC_MODULE: .*: install Ostiary anew, or libgcrypt"
    # When it is there again.
    DOOR_WITH=()
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right
}

@test "I8: nor without libgcrypt itself" {
    local library
    library=$(ldd "$MAC_MODULE" | awk '/libgcrypt/ { print $3 }')
    with_module "mount --bind /dev/null $(readlink -f "$library")"
    nobody_gets_in "libgcrypt cannot be loaded: .*libgcrypt\.so[.0-9]*: .*: install Ostiary anew, or libgcrypt"
}

@test "I8: nor with the module of another version, as in the middle of an upgrade" {
    with_module "mount --bind $OSTIARY_BUILD/tests/unit/wire/mac-other.so $MAC_MODULE"
    nobody_gets_in "libgcrypt cannot be loaded: $MAC_MODULE is of version 0\.0\.0, and this is [0-9.]*: install Ostiary anew"
}

@test "what ostiaryctl check loads is what the handler will: it says what is wrong with the module" {
    local -a check=("$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check)
    run unshare --mount -- sh -c "mount --bind /dev/null $MAC_MODULE && exec \"\$@\"" sh "${check[@]}"
    is "$status" 78 "status, of a check that said: $output"
    matches "$output" "error: libgcrypt cannot be loaded: $MAC_MODULE: .*: install Ostiary anew, or libgcrypt"
    run unshare --mount -- sh -c "mount --bind $OSTIARY_BUILD/tests/unit/wire/mac-other.so $MAC_MODULE && exec \"\$@\"" sh "${check[@]}"
    is "$status" 78 "status, of a check that said: $output"
    matches "$output" "error: libgcrypt cannot be loaded: $MAC_MODULE is of version 0\.0\.0, and this is [0-9.]*: install Ostiary anew"
}

@test "I8: nor where libgcrypt gets no locked memory" {
    DOOR_PRELOAD=$OSTIARY_BUILD/tests/libinterpose.so
    # The first is for the configuration.
    knock --env=OSTIARY_TEST_BREAK=mlock-2 127.0.0.2=sesame
    is "$(of 1 length) $(in_slot 127.0.0.2 strikes)" '32 0' "bytes and strikes"
    logged_times 1 'libgcrypt cannot be initialised: it must be 1\.8 or later, and RLIMIT_MEMLOCK'
    logged_times 1 'refused source=127\.0\.0\.2 reason=state$'
}

@test "I13: a module that takes for ever to load ends at the deadline" {
    mkfifo "$WORK/fifo"
    write_door COMM_TIMEOUT=1
    with_module "mount --bind $WORK/fifo $MAC_MODULE"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end)" '32 eof' "bytes and end"
    logged_times 1 'refused source=127\.0\.0\.2 reason=deadline step=exchange$'
    is "$(in_slot 127.0.0.2 strikes)" 0 "strikes"
}
