# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # client_setup assigns the variables
# Something that keeps a secret: a TPM that is a program (swtpm), and an HSM that is one (SoftHSM). Loaded with:
# load ../../lib/hardware (after client).
#
# In teardown: hardware_teardown.

# start_tpm: a TPM with what it had before, as after a boot; the programs of tpm2-tools find it.
start_tpm() {
    tpm=$client_dir/tpm
    mkdir -p "$tpm/state"
    rm -f "$tpm/pid"
    swtpm socket --tpm2 --tpmstate "dir=$tpm/state" --server "type=unixio,path=$tpm/socket" \
        --ctrl "type=unixio,path=$tpm/socket.ctrl" --flags not-need-init,startup-clear --pid "file=$tpm/pid" >>"$tpm/said" 2>&1 3>&- &
    TPM_PID=$!
    export TPM2TOOLS_TCTI=swtpm:path=$tpm/socket
    eventually test -S "$tpm/socket"
}

# stop_tpm: as when the machine is shut down; a power cut would be "cut_tpm".
stop_tpm() {
    [ -n "${TPM_PID-}" ] || return 0
    tpm2_shutdown --clear || :
    cut_tpm
}

cut_tpm() {
    [ -n "${TPM_PID-}" ] || return 0
    kill "$TPM_PID" 2>/dev/null || :
    wait "$TPM_PID" 2>/dev/null || :
    TPM_PID=
    rm -f "$tpm/socket" "$tpm/socket.ctrl"
}

# tpm COMMAND...: without a resource manager, which a kernel's /dev/tpmrm0 has, nobody takes out what was loaded.
tpm() {
    "tpm2_$1" "${@:2}"
    tpm2_flushcontext -t
}

# tpm_keep FILE HANDLE [OPTION...]: the secret in FILE becomes a key of the TPM.
tpm_keep() {
    tpm createprimary -Q -C o -G ecc -c "$tpm/primary"
    tpm import -Q -C "$tpm/primary" -G hmac -i "$1" -u "$tpm/public" -r "$tpm/private" "${@:3}"
    tpm load -Q -C "$tpm/primary" -u "$tpm/public" -r "$tpm/private" -c "$tpm/key"
    tpm evictcontrol -Q -C o -c "$tpm/key" "$2"
}

# tpm_guesses: how many wrong PINs the TPM has counted, of the three that lock it.
tpm_guesses() {
    echo $(($(tpm2_getcap properties-variable | sed -n 's/^TPM2_PT_LOCKOUT_COUNTER: //p')))
}

# start_hsm PIN: a token "door".
start_hsm() {
    hsm=$client_dir/hsm
    mkdir -p "$hsm/tokens"
    echo "directories.tokendir = $hsm/tokens" >"$hsm/softhsm.conf"
    export SOFTHSM2_CONF=$hsm/softhsm.conf
    HSM_MODULE=$(dpkg -L libsofthsm2 | grep -m 1 '/libsofthsm2\.so$')
    softhsm2-util --init-token --free --label door --pin "$1" --so-pin 87654321 >"$hsm/said"
}

hardware_teardown() {
    cut_tpm
    [ -z "${GNUPGHOME-}" ] || gpgconf --kill all
}
