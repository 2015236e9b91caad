#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154,SC2030,SC2031 # client_setup and run assign the variables; each test by itself
# The client with a secret that is in a TPM, an HSM or an encrypted file: the commands that its manual and SECURITY.md name.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client
load ../../lib/hardware
load ../../lib/launch
load ../../lib/door

SECRET=Xyzzy-Plugh-in-a-device-of-its-own
PIN=4711-0815

setup() {
    client_setup
    (
        umask 077
        printf %s "$SECRET" >"$client_dir/secret"
        printf %s "$PIN" >"$client_dir/pin"
        printf %s 0000-0000 >"$client_dir/wrong-pin"
    )
}

teardown() {
    hardware_teardown
    client_teardown
    stop_launcher
    stop_sink
    remove_work
}

# from OPTION COMMAND ARGUMENT...: ostclient, with a limit that no busy machine reaches.
from() {
    timeout 900 "$ostclient" -t 600 --command-timeout 600 "$1" "$2" "${@:3}"
}

# witnessed OPTION COMMAND ARGUMENT...: the same; each program that is started, with its arguments and variables, becomes a
# line of $client_dir/started.
witnessed() {
    "${NO_LEAK_CHECK[@]}" strace -f -v -s 65536 -e trace=execve -o "$client_dir/started" \
        timeout 900 "$ostclient" -t 600 --command-timeout 600 "$1" "$2" "${@:3}"
}

# nothing_shown WORD...: none of them was an argument or a variable.
nothing_shown() {
    local word
    grep -q 'execve(' "$client_dir/started"
    for word; do
        run ! grep -qF -- "$word" "$client_dir/started"
    done
}

@test "I10: a TPM answers, from a handle that outlives a boot, with a PIN from a file: right ones trip no lockout" {
    local i
    local reply="tpm2_hmac -c 0x81010010 -p file:$client_dir/pin"
    start_tpm
    tpm_keep "$client_dir/secret" 0x81010010 -p "file:$client_dir/pin"
    start_server --secret "$SECRET" good
    run witnessed --reply-command "$reply" -w "127.0.0.1:$port"
    is "$status $output" '0 '
    nothing_shown "$SECRET" "$PIN"
    stop_tpm
    start_tpm
    rm "$client_dir/secret"
    for i in 1 2 3 4; do
        run from --reply-command "$reply" -w "127.0.0.1:$port"
        is "$status $output" '0 ' "knock $i after the boot"
    done
    is "$(tpm_guesses)" 0 'wrong PINs that are counted'
    run "$ostclient" --check-secret --reply-command "$reply"
    is "$status $output" '0 tpm2_hmac: answers'
    # Whoever cuts the power could hide a guess so: the TPM counts one.
    cut_tpm
    start_tpm
    is "$(tpm_guesses)" 1 'wrong PINs that are counted after a power cut'
    run "$ostclient" --check-secret --reply-command "$reply"
    is "$status $output" '0 tpm2_hmac: answers'
}

@test "I11: a wrong PIN is one guess for each knock, and no strike; nor is a TPM that is locked, or not there" {
    local i
    local reply="tpm2_hmac -c 0x81010010 -p file:$client_dir/pin" wrong="tpm2_hmac -c 0x81010010 -p file:$client_dir/wrong-pin"
    door_setup
    printf %s sesame >"$client_dir/secret"
    start_tpm
    tpm_keep "$client_dir/secret" 0x81010010 -p "file:$client_dir/pin"
    start_socket_activate
    run from --reply-command "$reply" -w "127.0.0.1:$PORT"
    is "$status $output" '0 '
    eventually logged 'accepted source=127\.0\.0\.1 '
    run from --reply-command "$wrong" -w -r 5 "127.0.0.1:$PORT"
    is "$status" 66 'status with a wrong PIN'
    matches "$output" 'tpm2_hmac says: .*authorization.*tpm2_hmac: ended with status [0-9]*: no server has been asked'
    is "$(tpm_guesses)" 1 'wrong PINs that are counted'
    for i in 2 3; do
        run from --reply-command "$wrong" -w "127.0.0.1:$PORT"
        is "$status" 66 'status with a wrong PIN'
    done
    # By now it takes no PIN.
    run from --reply-command "$reply" -w "127.0.0.1:$PORT"
    is "$status" 66 'status of a TPM that is locked'
    matches "$output" 'lockout'
    stop_tpm
    run from --reply-command "$reply" -w "127.0.0.1:$PORT"
    is "$status" 66 'status without a TPM'
    is "$(handler_lines | wc -l)" 1 'lines of the handler'
    is "$(in_slot 127.0.0.1 strikes)" 0 'strikes'
    start_tpm
    tpm2_dictionarylockout -c
    run from --reply-command "$reply" -w "127.0.0.1:$PORT"
    is "$status $output" '0 '
    eventually logged_times 2 'accepted source=127\.0\.0\.1 '
}

@test "a key that is exempt from the TPM's lockout (noda) locks nothing else, and without a PIN there is none to guess" {
    local i
    start_tpm
    tpm_keep "$client_dir/secret" 0x81010010 -p "file:$client_dir/pin" -a 'userwithauth|sign|noda'
    tpm_keep "$client_dir/secret" 0x81010011
    start_server --secret "$SECRET" good
    for i in 1 2 3 4; do
        run from --reply-command "tpm2_hmac -c 0x81010010 -p file:$client_dir/wrong-pin" -w "127.0.0.1:$port"
        is "$status" 66 'status with a wrong PIN'
    done
    is "$(tpm_guesses)" 0 'wrong PINs that are counted'
    run from --reply-command "tpm2_hmac -c 0x81010010 -p file:$client_dir/pin" -w "127.0.0.1:$port"
    is "$status $output" '0 '
    run from --reply-command 'tpm2_hmac -c 0x81010011' -w "127.0.0.1:$port"
    is "$status $output" '0 '
}

@test "a secret of more than 64 bytes, of which no TPM takes more, is imported as its SHA-256" {
    local long
    long=$(printf 'long-secret-%.0s' {1..21})
    is "${#long}" 252
    printf %s "$long" >"$client_dir/secret"
    start_tpm
    tpm createprimary -Q -C o -G ecc -c "$tpm/primary"
    run tpm2_import -Q -C "$tpm/primary" -G hmac -i "$client_dir/secret" -u "$tpm/public" -r "$tpm/private"
    [ "$status" -ne 0 ]
    tpm2_flushcontext -t
    openssl dgst -sha256 -binary "$client_dir/secret" >"$client_dir/short"
    tpm_keep "$client_dir/short" 0x81010010
    start_server --secret "$long" good
    run from --reply-command 'tpm2_hmac -c 0x81010010' -w "127.0.0.1:$port"
    is "$status $output" '0 '
}

@test "I10: an HSM answers (PKCS #11), with a PIN from the environment, and what its tool chatters is not passed on" {
    local reply
    start_hsm "$PIN"
    GNUTLS_PIN=$PIN p11tool --provider "$HSM_MODULE" --login --write --label backup pkcs11:token=door \
        --secret-key="$(od -An -tx1 -v <"$client_dir/secret" | tr -d ' \n')" >"$client_dir/said" 2>&1
    rm "$client_dir/secret"
    reply="pkcs11-tool --module $HSM_MODULE --token-label door --login --pin env:DOOR_PIN --sign -m SHA256-HMAC --label backup"
    start_server --secret "$SECRET" good
    DOOR_PIN=$PIN run witnessed --reply-command "$reply" -w "127.0.0.1:$port"
    is "$status $output" '0 '
    nothing_shown "$SECRET"
    # It is in the environment, where the user has put it; no argument has it.
    sed 's/\["DOOR_PIN=[^]]*\]//; s/"DOOR_PIN=[^"]*"//g' "$client_dir/started" >"$client_dir/started.less"
    mv "$client_dir/started.less" "$client_dir/started"
    nothing_shown "$PIN"
    DOOR_PIN=1234 run from --reply-command "$reply" -w "127.0.0.1:$port"
    is "$status" 66
    matches "$output" 'pkcs11-tool says: .*CKR_PIN_INCORRECT'
    run from --reply-command "$reply" -w "127.0.0.1:$port"
    is "$status" 66 'status without a PIN'
    is "$(grep -c '^scene' "$server_log")" 1 'how many have come'
}

@test "a key that was born in an HSM is in no file at all: its secret is nobody's to copy" {
    local reply
    start_hsm "$PIN"
    export DOOR_PIN=$PIN
    pkcs11-tool --module "$HSM_MODULE" --token-label door --login --pin env:DOOR_PIN --keygen --key-type GENERIC:32 \
        --label born --id 01 >"$client_dir/said" 2>&1
    grep -q 'never extractable' "$client_dir/said"
    reply="pkcs11-tool --module $HSM_MODULE --token-label door --login --pin env:DOOR_PIN --sign -m SHA256-HMAC --id 01"
    run "$ostclient" --check-secret --reply-command "$reply"
    is "$status $output" '0 pkcs11-tool: answers'
}

@test "systemd-creds opens what only this TPM can" {
    start_tpm
    systemd-creds encrypt --quiet --with-key=tpm2 --tpm2-device="$TPM2TOOLS_TCTI" --name=backup "$client_dir/secret" \
        "$client_dir/backup.cred" 2>"$client_dir/said"
    rm "$client_dir/secret"
    start_server --secret "$SECRET" good
    local open="systemd-creds decrypt --tpm2-device=$TPM2TOOLS_TCTI --name=backup $client_dir/backup.cred -"
    run witnessed --secret-command "$open" -q -w "127.0.0.1:$port"
    is "$status $output" '0 '
    nothing_shown "$SECRET"
    # Another TPM.
    stop_tpm
    rm -r "$tpm"
    start_tpm
    run from --secret-command "$open" -q -w "127.0.0.1:$port"
    is "$status" 66
}

@test "age opens a file, and gives nothing without its key" {
    age-keygen -o "$client_dir/backup.key" 2>"$client_dir/said"
    age -r "$(age-keygen -y "$client_dir/backup.key")" -o "$client_dir/backup.age" "$client_dir/secret"
    rm "$client_dir/secret"
    start_server --secret "$SECRET" good
    run witnessed --secret-command "age -d -i $client_dir/backup.key $client_dir/backup.age" -w "127.0.0.1:$port"
    is "$status $output" '0 '
    nothing_shown "$SECRET"
    age-keygen -o "$client_dir/other.key" 2>"$client_dir/said"
    run from --secret-command "age -d -i $client_dir/other.key $client_dir/backup.age" -w "127.0.0.1:$port"
    is "$status" 66
    matches "$output" 'age: error: .*ostclient: age: ended with status 1'
}

@test "age asks for the passphrase of its key at the terminal" {
    age-keygen -o "$client_dir/backup.key" 2>"$client_dir/said"
    age -r "$(age-keygen -y "$client_dir/backup.key")" -o "$client_dir/backup.age" "$client_dir/secret"
    "$TOOLS/at_terminal.py" expect='nter passphrase' echo=off 'type=open sesame\r' expect='onfirm passphrase' echo=off \
        'type=open sesame\r' -- age -p -o "$client_dir/backup.key.age" "$client_dir/backup.key"
    start_server --secret "$SECRET" good
    run "$TOOLS/at_terminal.py" expect='nter passphrase' echo=off 'type=open sesame\r' -- \
        "$ostclient" -t 600 -w --secret-command "age -d -i $client_dir/backup.key.age $client_dir/backup.age" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on exit 0'
}

@test "pass shows an entry of several lines, of which the first is the secret" {
    export GNUPGHOME=$client_dir/gnupg PASSWORD_STORE_DIR=$client_dir/store
    mkdir -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key door@example.org future-default default never 2>"$client_dir/said"
    pass init door@example.org >"$client_dir/said"
    printf '%s\nuser: alice\nurl: example.org\n' "$SECRET" | pass insert --multiline ostiary/backup >"$client_dir/said"
    start_server --secret "$SECRET" good
    run witnessed --secret-command 'pass show ostiary/backup' -w "127.0.0.1:$port"
    is "$status $output" '0 '
    nothing_shown "$SECRET"
    run from --secret-command 'pass show ostiary/other' -w "127.0.0.1:$port"
    is "$status" 66
}
