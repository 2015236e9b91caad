# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034 # lib/door.bash reads what is set here
# A door whose action, "knock", has codes behind its secret, "sesame". The codes are oathtool's. Loaded with:
# load ../../lib/codes (after door and ctl). In setup: codes_setup. In teardown: end_helpers; remove_work.

KEY=3132333435363738393031323334353637383930

# codes_setup: codes by TOTP, of which none is used; the record of them is a day old.
codes_setup() {
    door_setup
    (umask 077 && echo "hex:$KEY" >"$WORK/key")
    write_action other "echo \"\$1\" >>$WORK/out/other"
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"totp=$WORK/key\""
    write_door
    begin_codes "127.0.0.2=sesame$(totp -86400)"
}

# totp SECONDS [OPTION...]: the code that a phone shows so long after noon.
totp() {
    oathtool --totp "${@:2}" -N "$(date -ud "@$((NOON + $1))" '+%F %T UTC')" "$KEY"
}

# hotp COUNTER [OPTION...]
hotp() {
    oathtool --hotp -c "$1" "${@:2}" "$KEY"
}

# use_hotp [NEXT]: the action has codes by HOTP, of which NEXT is the next.
use_hotp() {
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"hotp=$WORK/key\""
    write_door "${@:2}"
    [ -z "${1-}" ] || ctl 0 codes --counter "$1" knock
}
