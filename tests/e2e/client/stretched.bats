#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154,SC2030,SC2031 # client_setup and run assign the variables; each test by itself
# ostclient --stretch: the secret that it makes of a passphrase is the one that others make, it is made before anything is
# connected, and where it cannot be made nothing is.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client

NAME=gate.example.org/alice
PASSPHRASE='correct horse battery staple'
MANUAL=$OSTIARY_SOURCE/src/client/ostclient.1

setup() {
    client_setup
    client_passphrase "$PASSPHRASE"
}

teardown() {
    client_teardown
}

# client_passphrase TEXT: what is in the file that the client reads.
client_passphrase() {
    (umask 077 && printf '%s\n' "$1" >"$client_dir/passphrase")
}

# stretching LABEL ARGUMENT...: ostclient with the passphrase file.
stretching() {
    timeout 900 "$ostclient" -t 600 -k "$client_dir/passphrase" --stretch "$@"
}

# made_by_others LABEL [PASSPHRASE]: the secret that they make of this; once for all tests here, for it takes its time.
made_by_others() {
    local made
    made=$BATS_FILE_TMPDIR/$(printf '%s\n' "$1" "${2-$PASSPHRASE}" | sha256sum | cut -c 1-64)
    [ -s "$made" ] || "$TOOLS/stretched.py" "$1" "${2-$PASSPHRASE}" >"$made"
    cat "$made"
}

# serve LABEL [PASSPHRASE]: a server that has the secret that others make of this.
serve() {
    local secret
    secret=$(made_by_others "$@")
    is "${#secret}" 43 "length of the secret of $1"
    start_server --secret "$secret" good
}

# nothing_connected: the server has seen nobody.
nothing_connected() {
    run ! grep -q '^scene' "$server_log"
}

# in_manual SECTION: the commands that stand there behind a "$ ", each with its further lines, and what they print.
in_manual() {
    sed -n "/^\.Ss $1/,/^\.S[hs] [^H]/p" "$MANUAL" | sed -n '/^\.Bd/,/^\.Ed/{/^\.[BE]d/!p}'
}

# --- what is made -----------------------------------------------------------------------------------------------

@test "--stretch: of each label the secret is what argon2(1) or Python makes of it, and gets the receipt" {
    local label
    for label in "$NAME" "argon2id:v1:$NAME" "argon2id:v1:m=64MiB,t=3:$NAME" "argon2id:v1:m=65MiB,t=4:$NAME" "argon2id:v1:$NAME@b.c_d-e+f" \
        "scrypt:v1:$NAME" "scrypt:v1:N=65536,p=4:$NAME" "pbkdf2-sha256:v1:$NAME" "pbkdf2-sha256:v1:c=600001:$NAME"; do
        serve "$label"
        run stretching "$label" -w "127.0.0.1:$port"
        is "$status $output" '0 ' "$label"
        kill "$server_pid"
    done
}

@test "--stretch: bytes of a passphrase are taken as they are, and as many as may be" {
    local passphrase
    for passphrase in 'grüß Gott alle' $'\xe9\xe8\xea\xeb latin' "$(printf 'a%.0s' {1..255})" '"quoted" \here; #'; do
        client_passphrase "$passphrase"
        # argon2(1) takes 127 bytes at most.
        serve "pbkdf2-sha256:v1:$NAME" "$passphrase"
        run stretching "pbkdf2-sha256:v1:$NAME" -w "127.0.0.1:$port"
        is "$status $output" '0 ' "$passphrase"
        kill "$server_pid"
    done
}

@test "--stretch: another passphrase, name, algorithm or cost makes another secret" {
    local label
    serve "argon2id:v1:$NAME"
    for label in "argon2id:v1:${NAME}x" "scrypt:v1:$NAME" "pbkdf2-sha256:v1:$NAME" "argon2id:v1:m=65MiB,t=3:$NAME" "argon2id:v1:m=64MiB,t=4:$NAME"; do
        run stretching "$label" -w "127.0.0.1:$port"
        is "$status" 77 "status with $label"
    done
    client_passphrase 'correct horse battery stapler'
    run stretching "$NAME" -w "127.0.0.1:$port"
    is "$status" 77 "status with another passphrase"
    client_passphrase "$PASSPHRASE"
    run stretching "$NAME" -w "127.0.0.1:$port"
    is "$status" 0 "status with the right one"
}

@test "--stretch: the vector of the manual is right, and its commands print what stands behind them" {
    local kind secret text
    text=$(in_manual 'How it is computed')
    for kind in argon2id scrypt pbkdf2-sha256; do
        secret=$(sed -n "s/^$kind  *//p" <<<"$text")
        is "$secret" "$(made_by_others "$kind:v1:$NAME")" "$kind"
        serve "$kind:v1:$NAME"
        stretching "$kind:v1:$NAME" -w "127.0.0.1:$port"
        kill "$server_pid"
    done
    # Two commands, each of which ends in a line that is its output.
    sed -n '/^\$ /,$p' <<<"$text" | sed -E '/^\$ |\|$/!{/^    /!d}' | sed 's/^\$ //' >"$client_dir/commands"
    sed -n '/^\$ /,$p' <<<"$text" | sed -E '/^\$ |^    /d' >"$client_dir/printed"
    is "$(wc -l <"$client_dir/printed")" 2 "lines that the manual says are printed"
    bash -euo pipefail "$client_dir/commands" | diff - "$client_dir/printed"
}

@test "--stretch: what the manual says of the short form, the defaults and the limits is so" {
    local text cost low high
    text=$(sed -n '/^\.Ss The label/,/^\.Ss The pass/p' "$MANUAL")
    grep -qF '.It Li NAME , argon2id:v1:NAME Ta Li argon2id:v1:m=64MiB,t=3:NAME Ta Argon2id' <<<"$text"
    grep -qF '.It Li scrypt:v1:NAME Ta Li scrypt:v1:N=32768,p=3:NAME Ta scrypt' <<<"$text"
    grep -qF '.It Li pbkdf2-sha256:v1:NAME Ta Li pbkdf2-sha256:v1:c=600000:NAME Ta PBKDF2' <<<"$text"
    # The first test here has made the same secrets of both forms. The limits are said where one is broken.
    while read -r cost low high; do
        case $cost in
        m=*) set -- argon2id "m=1MiB,t=3" MiB ;;
        t=*) set -- argon2id "m=64MiB,t=1" '' ;;
        N=*) set -- scrypt "N=1024,p=3" '' ;;
        p=*) set -- scrypt "N=32768,p=1" '' ;;
        c=*) set -- pbkdf2-sha256 "c=1" '' ;;
        esac
        run stretching "$1:v1:$2:$NAME" 127.0.0.1:1
        is "$status" 64 "status with $2"
        matches "${lines[0]}" " is from ${cost%%=*}=$low$3 to ${cost%%=*}=$high$3$"
        is "$cost" "${cost%%=*}=$low$3" "the default is the lower limit"
    done < <(sed -nE 's/^\.It Li ([a-zA-Z]=[0-9MiB]+) Ta ([0-9]+) to ([0-9]+).*/\1 \2 \3/p' <<<"$text")
    is "$(grep -cE '^\.It Li [a-zA-Z]=[0-9MiB]+ Ta' <<<"$text")" 5 "costs in the manual"
}

# --- where the passphrase comes from ----------------------------------------------------------------------------

@test "--stretch: a passphrase is asked for at the terminal, without echo; and comes from all places that a secret comes from" {
    serve "$NAME"
    run "$TOOLS/at_terminal.py" 'expect=Passphrase for 127.0.0.1: ' echo=off "type=$PASSPHRASE\\r" -- \
        "$ostclient" -t 600 -w --stretch "$NAME" "127.0.0.1:$port"
    echo "$output"
    is "${lines[*]}" 'Passphrase for 127.0.0.1:  echo on exit 0'
    "$ostclient" -t 600 -w --stretch "$NAME" -f 0 "127.0.0.1:$port" <"$client_dir/passphrase"
    CREDENTIALS_DIRECTORY=$client_dir "$ostclient" -t 600 -w --stretch "$NAME" --credential passphrase "127.0.0.1:$port"
    "$ostclient" -t 600 -w --stretch "$NAME" --secret-command "cat $client_dir/passphrase" "127.0.0.1:$port"
    run timeout 900 setsid --wait "$ostclient" --stretch "$NAME" 127.0.0.1:1 </dev/null
    is "$status $output" '78 ostclient: no terminal to ask for the passphrase: name a file that holds it with -k FILE'
}

@test "78: what can be no passphrase, from a file or typed, is said to be none; nothing is connected" {
    local keys said
    start_server good
    while IFS='|' read -r keys said; do
        # shellcheck disable=SC2059 # these are formats
        (umask 077 && printf "$keys" >"$client_dir/passphrase")
        run stretching "$NAME" "127.0.0.1:$port"
        is "$status" 78 "status with '$keys'"
        matches "$output" "$said"
        [[ $keys != *[a-z]* || $output != *"$keys"* ]]
    done <<'CASES'
|no secret there
seven77|^ostclient: the passphrase is too short: at least 8 bytes
 correct horse|^ostclient: the passphrase begins or ends with a blank
correct\thorse|^ostclient: the passphrase has a control character inside
correct\033[Dhorse|^ostclient: the passphrase has a control character inside
correct horse\ncorrect horse|the secret has a NUL, CR or LF byte inside
CASES
    client_passphrase "$(printf 'a%.0s' {1..256})"
    run stretching "$NAME" "127.0.0.1:$port"
    is "$status" 78 "status with 256 bytes"
    matches "$output" 'too long: at most 255 bytes'
    for keys in '\\r' 'seven77\\r' 'correct horse \\r' 'correct\\033[Chorse\\r'; do
        run "$TOOLS/at_terminal.py" expect=Passphrase echo=off "type=${keys//\\\\/\\}" -- "$ostclient" --stretch "$NAME" "127.0.0.1:$port"
        matches "$output" 'exit 78'
        [[ $output != *horse* && $output != *seven77* ]]
    done
    nothing_connected
}

@test "64: a label that is none, or given twice, is said to be wrong before anything is asked" {
    local label said
    while IFS='|' read -r label said; do
        run "$TOOLS/at_terminal.py" -- "$ostclient" --stretch "$label" 127.0.0.1:1
        [[ $output == "ostclient: --stretch '$label': $said"*'exit 64' && $output != *Passphrase* ]] || {
            echo "$output"
            return 1
        }
    done <<'CASES'
|its name must have 8 to 128 characters
alice|its name must have 8 to 128 characters
Gate.example.org/alice|its name must have a-z 0-9
argon2id:v1:m=2097152MiB,t=3:gate.example.org|m=2097152MiB is from m=64MiB to m=1024MiB
argon2id:v2:gate.example.org|behind argon2id: stands the version, and this Ostiary knows v1 alone
bcrypt:v1:gate.example.org|it begins with 'bcrypt'
CASES
    run "$ostclient" --stretch "$NAME" --stretch "$NAME" 127.0.0.1:1
    is "$status ${lines[0]}" '64 ostclient: --stretch is given twice'
    run "$ostclient" --stretch "$NAME" --reply-command cat 127.0.0.1:1
    is "$status ${lines[0]}" '64 ostclient: --stretch makes a secret here, and --reply-command has one elsewhere: leave one of them out'
    run "$ostclient" 127.0.0.1:1 --stretch
    is "$status ${lines[0]}" '64 ostclient: --stretch needs an argument'
}

# --- what it takes ----------------------------------------------------------------------------------------------

# with_little_memory COMMAND...: an allocation of 32 MiB fails. A sanitizer needs much itself, and has a limit of its own.
with_little_memory() {
    if nm -D "$ostclient" 2>/dev/null | grep -q ' __asan_init'; then
        ASAN_OPTIONS="${ASAN_OPTIONS-}:allocator_may_return_null=1:max_allocation_size_mb=24" "$@"
    else
        (ulimit -v 32768 && "$@")
    fi
}

@test "71: where the memory cannot be had that is said, with how much it takes, and nothing is connected; PBKDF2 needs none" {
    local label
    serve "pbkdf2-sha256:v1:$NAME"
    for label in "65 $NAME" "65 argon2id:v1:$NAME" "1025 argon2id:v1:m=1024MiB,t=3:$NAME" "33 scrypt:v1:$NAME"; do
        run with_little_memory stretching "${label#* }" "127.0.0.1:$port"
        is "$status" 71 "status with ${label#* }"
        matches "$output" "ostclient: not enough memory: to make a secret by this label takes ${label%% *} MiB: raise the limit \\(ulimit -v, MemoryMax=\\), or"
    done
    nothing_connected
    with_little_memory stretching "pbkdf2-sha256:v1:$NAME" -w "127.0.0.1:$port"
}

@test "71: no locked memory for the secret that is to be made, and nothing is connected" {
    start_server good
    # The first is libgcrypt's, the second the passphrase's.
    run env ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" \
        OSTIARY_TEST_BREAK=mlock-3 "$ostclient" -k "$client_dir/passphrase" --stretch "$NAME" "127.0.0.1:$port"
    is "$status" 71
    matches "$output" 'no locked memory for the secret'
    nothing_connected
}

@test "the time that stretching takes is not the knock's, and -v says what is done" {
    serve "argon2id:v1:m=64MiB,t=20:$NAME"
    # A busy machine may be slower than -t says; but with no time left there would be no connection.
    run "$ostclient" -v -t 1 -k "$client_dir/passphrase" --stretch "argon2id:v1:m=64MiB,t=20:$NAME" "127.0.0.1:$port"
    server_saw 'scene good'
    is "${lines[0]}" 'ostclient: the secret is made of the passphrase by argon2id, with 64 MiB'
    run "$ostclient" -v -t 1 -k "$client_dir/passphrase" --stretch "pbkdf2-sha256:v1:$NAME" 127.0.0.1:1
    is "${lines[0]}" 'ostclient: the secret is made of the passphrase by pbkdf2-sha256'
    [[ $output != *horse* ]]
}

@test "I4: once it is connected the passphrase and the bytes of the key are nowhere in memory; the secret is, until it ends" {
    local label secret key_bytes pid
    for label in "$NAME" "scrypt:v1:$NAME" "pbkdf2-sha256:v1:$NAME"; do
        secret=$(made_by_others "$label")
        key_bytes=$(tr -- -_ +/ <<<"$secret=" | base64 -d | od -An -v -tx1 | tr -d ' \n')
        start_server silent
        "$ostclient" -t 600 -k "$client_dir/passphrase" --stretch "$label" "127.0.0.1:$port" 3>&- &
        pid=$!
        server_saw 'scene silent'
        # Halves as well: a buffer that was used again may have lost its beginning.
        run "$TOOLS/memory_scan.py" "$pid" "$PASSPHRASE" 'correct horse ba' 'ttery staple' "$secret" \
            "hex:$key_bytes" "hex:${key_bytes:0:32}" "hex:${key_bytes:32}"
        kill "$pid"
        wait "$pid" || true
        kill "$server_pid"
        echo "$label: $output"
        is "$(awk '{ print $1 }' <<<"$output" | paste -sd ' ')" '0 0 0 1 0 0 0' "how often these are in memory with $label"
    done
}

@test "--check-secret makes the secret as well, and says what a knock would" {
    run stretching "pbkdf2-sha256:v1:$NAME" --check-secret
    is "$status $output" "0 $client_dir/passphrase: the secret can be had"
    run with_little_memory stretching "$NAME" --check-secret
    is "$status" 71 "status without the memory"
    matches "$output" 'not enough memory'
    client_passphrase seven77
    run stretching "$NAME" --check-secret
    is "$status" 78 "status with a passphrase that is too short"
}

# --- FIPS mode --------------------------------------------------------------------------------------------------

# refused_in_fips_mode COMMAND...: run with it, the client makes what is approved and refuses the rest.
refused_in_fips_mode() {
    local kind
    serve "pbkdf2-sha256:v1:$NAME"
    for kind in argon2id scrypt; do
        run "$@" "$ostclient" -k "$client_dir/passphrase" --stretch "$kind:v1:$NAME" "127.0.0.1:$port"
        is "$status" 71 "status of $kind, which said $output"
        is "$output" "ostclient: $kind is not approved, and libgcrypt is in FIPS mode: use the label pbkdf2-sha256:v1:$NAME, on both sides"
    done
    client_passphrase '13 bytes long'
    run "$@" "$ostclient" -k "$client_dir/passphrase" --stretch "pbkdf2-sha256:v1:$NAME" "127.0.0.1:$port"
    is "$status" 71 "status with 13 bytes, which said $output"
    is "$output" 'ostclient: libgcrypt is in FIPS mode, and takes no passphrase of less than 14 bytes: take a longer one, on both sides'
    nothing_connected
    client_passphrase "$PASSPHRASE"
    run "$@" "$ostclient" -t 600 -w -k "$client_dir/passphrase" --stretch "pbkdf2-sha256:v1:$NAME" "127.0.0.1:$port"
    is "$status $output" '0 ' "with what is approved"
}

@test "FIPS mode: PBKDF2 with 14 bytes or more works, all else is refused, with what to use instead" {
    refused_in_fips_mode env LIBGCRYPT_FORCE_FIPS_MODE=1
}

@test "FIPS mode: the same where /etc/gcrypt/fips_enabled asks for it" {
    mkdir -p "$client_dir/etc/gcrypt"
    touch "$client_dir/etc/gcrypt/fips_enabled"
    cp /etc/ld.so.cache /etc/nsswitch.conf "$client_dir/etc/"
    # shellcheck disable=SC2016 # for the inner shell
    refused_in_fips_mode in_namespace --mount sh -c 'mount --bind "$0" /etc && exec "$@"' "$client_dir/etc"
}
