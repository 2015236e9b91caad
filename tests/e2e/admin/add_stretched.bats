#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiaryctl add --stretch and keygen --stretch: a passphrase is asked for twice, what it becomes is stored, it itself is
# not, and it opens the door.
# shellcheck disable=SC2030,SC2031,SC2034,SC2153 # each test is a subshell by design; variables are of lib/add.bash, and read by lib/launch.bash

load ../../lib/common
load ../../lib/ctl
load ../../lib/launch
load ../../lib/add

NAME=gate.example.org/alice
PASSPHRASE='correct horse battery staple'
SECRET=lzfjSziwayPyZJJHmSBoowX1P2DAJeNosWrNbBXLBHw # ostclient(1) has it; of stretched.bats, argon2(1) makes it
OSTCLIENT=$OSTIARY_BUILD/src/client/ostclient

setup() {
    add_setup
    config LOCAL_IP=127.0.0.1
}

teardown() {
    stop_launcher
    remove_work
}

# typing STATUS KEYS... -- ARGUMENT...: ostiaryctl at a terminal, where these are typed in answer to its questions in turn.
typing() {
    local wanted=$1 steps=() question='Passphrase: '
    shift
    while [ "$1" != -- ]; do
        steps+=("expect=$question" echo=off "type=$1")
        question='The same again: '
        shift
    done
    shift
    run "$TOOLS/at_terminal.py" "${steps[@]}" -- "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
    matches "$output" "exit $wanted\$"
    matches "$output" 'echo on'
}

# strikes_of ADDRESS: as ostiaryctl list has it; 0 where it is not there.
strikes_of() {
    ctl 0 list --json "$1"
    json 'sources.0.strikes' 2>/dev/null || echo 0
}

@test "add --stretch: the passphrase is asked for twice, and its secret alone is stored; what is printed opens the door, typed and by -k" {
    serve
    sed -i "\$aPORT=$PORT" "$CONFIG"
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice "$WORK/bin/hello" nobody --stretch "$NAME"
    matches "$output" "action alice is added in line 5 of $CONFIG, as user nobody, with its secret in $SECRETS/alice\.secret"
    matches "$output" "The secret is made of the passphrase by the label $NAME. Who knows both knocks with"
    matches "$output" "    ostclient -w --stretch $NAME 127\.0\.0\.1:$PORT"
    # Two parts of this want to make libgcrypt ready, which has words for that.
    [[ $output != *'memory pool'* ]]
    [[ $output != *ssh* && $output != *horse* && $output != *"$SECRET"* ]]
    is "$(cat "$SECRETS/alice.secret")" "$SECRET" "what is stored"
    is "$(stat -c '%a %s' "$SECRETS/alice.secret")" '600 44' "its mode and length"
    local command
    command=$(sed -n 's/^    ostclient //p' <<<"$output")
    # shellcheck disable=SC2086 # words on purpose
    run "$TOOLS/at_terminal.py" 'expect=Passphrase for 127.0.0.1: ' echo=off "type=$PASSPHRASE\\r" -- "$OSTCLIENT" -t 600 $command
    matches "$output" 'exit 0$'
    eventually grep -qx 'hello 127.0.0.1' "$WORK/out/hello"
    (umask 077 && echo "$PASSPHRASE" >"$WORK/passphrase")
    # shellcheck disable=SC2086 # words on purpose
    run "$OSTCLIENT" -t 600 -k "$WORK/passphrase" $command
    is "$status $output" '0 ' "a knock with -k"
    # The secret is one like others, for who has a copy of it.
    run "$OSTCLIENT" -t 600 -w -k "$SECRETS/alice.secret" "127.0.0.1:$PORT"
    is "$status $output" '0 ' "a knock with the secret itself"
    is "$(strikes_of 127.0.0.1)" 0 strikes
}

@test "add --stretch: a wrong passphrase, and the right one by another label, are a strike" {
    serve
    sed -i "\$aPORT=$PORT" "$CONFIG"
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice "$WORK/bin/hello" nobody --stretch "$NAME"
    (umask 077 && echo 'correct horse battery stapler' >"$WORK/wrong" && echo "$PASSPHRASE" >"$WORK/right")
    run "$OSTCLIENT" -t 600 -w -k "$WORK/wrong" --stretch "$NAME" "127.0.0.1:$PORT"
    is "$status" 77 "status with a wrong passphrase"
    is "$(strikes_of 127.0.0.1)" 1 strikes
    run "$OSTCLIENT" -t 600 -w -k "$WORK/right" --stretch "${NAME}x" "127.0.0.1:$PORT"
    is "$status" 77 "status by another label"
    is "$(strikes_of 127.0.0.1)" 2 strikes
    # What the client finds wrong itself costs none.
    run "$OSTCLIENT" -w -k "$WORK/right" --stretch alice "127.0.0.1:$PORT"
    is "$status" 64 "status by no label"
    is "$(strikes_of 127.0.0.1)" 2 strikes
    run "$OSTCLIENT" -t 600 -w -k "$WORK/right" --stretch "$NAME" "127.0.0.1:$PORT"
    is "$status" 0 "status with the right one"
}

@test "I10: add --stretch: the passphrase is read from the terminal twice, and given to no file, no log and nobody else" {
    CTL_WITH=("${NO_LEAK_CHECK[@]}" strace -f -qq -s 65536 -o "$WORK/trace")
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
    is "$(grep -c horse "$WORK/trace")" 2 "system calls that have it"
    is "$(grep horse "$WORK/trace" | grep -cE 'read\([0-9]+, "correct horse battery staple\\n"')" 2 "those that read it"
    # The secret is written, and read again by the check of all that is made.
    is "$(grep "$SECRET" "$WORK/trace" | grep -oE '[a-z0-9]+\(' | paste -sd ' ')" 'write( read(' "system calls that have the secret"
    is "$(grep -rl horse "$WORK/etc" "$WORK/state" || true)" '' "files that have the passphrase"
}

@test "add --stretch: what is no passphrase, or not the same twice, or not typed at all, makes nothing" {
    everything >"$WORK/before"
    typing 1 '\r' -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'no passphrase there: it must have at least 8 bytes'
    typing 1 'seven77\r' -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the passphrase is too short: at least 8 bytes'
    typing 1 'correct horse \r' -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the passphrase begins or ends with a blank: leave it out'
    typing 1 'correct\x1b[Dhorse\r' -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the passphrase has a control character inside'
    typing 1 "$(printf 'a%.0s' {1..256})\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the passphrase is too long: at most 255 bytes'
    typing 1 "$PASSPHRASE\\r" "${PASSPHRASE}r\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the two are not the same: nothing is changed'
    typing 1 "$PASSPHRASE\\r" '\r' -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the two are not the same: nothing is changed'
    run timeout 300 setsid --wait "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add alice /bin/true --stretch "$NAME" </dev/null
    is "$status" 69 "status without a terminal"
    matches "$output" 'no terminal to ask for the passphrase: run this at one'
    run "$TOOLS/at_terminal.py" expect=Passphrase echo=off "type=$PASSPHRASE\\r" 'expect=The same again' echo=off 'type=half\x03' -- \
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add alice /bin/true --stretch "$NAME"
    matches "$output" 'echo on'
    matches "$output" 'signal 2'
    everything >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

@test "add --stretch: a passphrase that everybody tries, or whose bytes depend on the terminal, is warned of, and taken" {
    typing 0 'password1\r' 'password1\r' -- add a /bin/true --stretch "$NAME/a"
    matches "$output" 'warning: the passphrase is shorter than 16 characters: .*five words'
    typing 0 'passwordpassword1\r' 'passwordpassword1\r' -- add b /bin/true --stretch "$NAME/b"
    matches "$output" 'warning: the passphrase is made of words that everybody tries'
    typing 0 'gr\xc3\xbc\xc3\x9f Gott alle beisammen\r' 'gr\xc3\xbc\xc3\x9f Gott alle beisammen\r' -- add c /bin/true --stretch "$NAME/c"
    matches "$output" 'warning: the passphrase has letters beyond ASCII'
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add d /bin/true --stretch "$NAME"
    [[ $output != *warning* ]]
    is "$(find "$SECRETS" -name '?.secret' | wc -l)" 4 "secrets"
}

@test "check, -t and add have nothing to say against a secret that was stretched, whatever it was made of" {
    local i
    for i in 1 2 3 4 5 6; do
        typing 0 'passwordpassword1\r' 'passwordpassword1\r' -- add "a$i" /bin/true root --stretch "pbkdf2-sha256:v1:$NAME/$i"
        # Of the passphrase there is something to say.
        [[ $output != *"$CONFIG:"* ]]
    done
    ctl 0 check
    is "$output" "$CONFIG: good"
    run "$OSTIARYD" -t -c "$CONFIG"
    [[ $output != *warning* ]]
    # It would be warned of as it stands.
    printf '%s\n' 'ACTION="passwordpassword1","/bin/true","root"' >>"$CONFIG"
    ctl 0 check
    matches "$output" 'warning: .*made of words that everybody tries'
}

@test "add --stretch: each algorithm, and what stands in front of its place" {
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add --stretch "scrypt:v1:$NAME" a /bin/true
    is "$(cat "$SECRETS/a.secret")" KLoUR28svEqN2AM6MgHCnurpZ-YbxqSvQcR7DnGRcDY
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add b "--stretch=pbkdf2-sha256:v1:$NAME" /bin/true
    is "$(cat "$SECRETS/b.secret")" G-ZwAjccmjG_VionJik2iiHTfC7zY18CeuC0ww5e-KY
    matches "$output" "ostclient -w --stretch pbkdf2-sha256:v1:$NAME 127.0.0.1"
}

@test "add and keygen: 64 for a label that is none, before anything is asked" {
    local label said command
    for command in 'add alice /bin/true' keygen; do
        while IFS='|' read -r label said; do
            # shellcheck disable=SC2086 # words on purpose
            run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" $command --stretch "$label"
            is "$status" 64 "status of $command with $label"
            matches "$output" "${command%% *}: --stretch '$label': $said"
        done <<'CASES'
alice|its name must have 8 to 128 characters
argon2id:v1:m=2097152MiB,t=3:gate.example.org|m=2097152MiB is from m=64MiB to m=1024MiB
argon2id:v1:m=64MiB,t=1:gate.example.org|t=1 is from t=3 to t=20
CASES
        # shellcheck disable=SC2086 # words on purpose
        run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" $command --stretch
        is "$status" 64 "status of $command without a label"
    done
}

@test "keygen --stretch writes what add would store" {
    # shellcheck disable=SC2016 # for the shell inside
    run "$TOOLS/at_terminal.py" 'expect=Passphrase: ' echo=off "type=$PASSPHRASE\\r" 'expect=The same again: ' echo=off "type=$PASSPHRASE\\r" -- \
        sh -c 'umask 077 && "$0" keygen --stretch "$1" >"$2"' "$OSTIARY_BUILD/src/admin/ostiaryctl" "$NAME" "$WORK/secret"
    matches "$output" 'exit 0$'
    is "$(cat "$WORK/secret")" "$SECRET"
    is "$(wc -c <"$WORK/secret")" 44
}

@test "add --stretch: where libgcrypt or its memory cannot be had nothing is made, and ostiaryctl works otherwise" {
    local module=$OSTIARY_BUILD/src/stretch/stretch.so
    everything >"$WORK/before"
    if [ -e "$module" ]; then
        # shellcheck disable=SC2016 # for the shell inside
        CTL_WITH=(unshare --mount -- sh -c 'mount --bind /dev/null "$0" && exec "$@"' "$module")
        typing 71 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
        matches "$output" "libgcrypt cannot be loaded: $module: .*: install Ostiary anew, or libgcrypt"
        ctl 0 keygen
    fi
    if ! nm -D "$OSTIARY_BUILD/src/admin/ostiaryctl" | grep -q ' __asan_init'; then
        CTL_WITH=(prlimit "--as=$((48 << 20))")
        typing 71 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
        matches "$output" 'not enough memory: to make a secret by this label takes 65 MiB'
    fi
    CTL_WITH=(env LIBGCRYPT_FORCE_FIPS_MODE=1)
    typing 71 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" "argon2id is not approved, and libgcrypt is in FIPS mode: use the label pbkdf2-sha256:v1:$NAME, on both sides"
    rm -f "$STATE"/*
    everything >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
    typing 0 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "pbkdf2-sha256:v1:$NAME"
    is "$(cat "$SECRETS/alice.secret")" G-ZwAjccmjG_VionJik2iiHTfC7zY18CeuC0ww5e-KY "what is approved"
}

# broken NAME: from now on ostiaryctl runs where this fails: tests/tools/interpose.c.
broken() {
    CTL_WITH=(env ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_BREAK="$1")
}

@test "add --stretch: where memory cannot be locked, or the terminal not silenced, nothing is asked that would not be safe, or made" {
    everything >"$WORK/before"
    broken mlock
    typing 71 -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'no locked memory for a passphrase'
    broken tcsetattr
    typing 69 -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'the terminal failed: Input/output error'
    broken mlock-2
    typing 71 "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'no locked memory for a passphrase'
    broken mlock-3
    typing 71 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'no locked memory for a secret'
    broken mlock-4
    typing 71 "$PASSPHRASE\\r" "$PASSPHRASE\\r" -- add alice /bin/true --stretch "$NAME"
    matches "$output" 'libgcrypt cannot be initialised: it must be 1.10 or later'
    everything >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

@test "completion: --stretch, and nothing behind it" {
    # shellcheck disable=SC1090,SC1091
    . "$OSTIARY_SOURCE/src/completions/ostiaryctl"
    local words
    for words in 'add alice --s' 'add alice /bin/true --s' 'keygen --s' 'keygen '; do
        IFS=' ' read -ra COMP_WORDS <<<"ostiaryctl $words"
        [[ $words != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _ostiaryctl
        is "${COMPREPLY[*]}" --stretch "what completes $words"
    done
    COMP_WORDS=(ostiaryctl add alice --stretch '') COMP_CWORD=4 COMPREPLY=()
    _ostiaryctl
    is "${#COMPREPLY[@]}" 0 "completions of a label"
}
