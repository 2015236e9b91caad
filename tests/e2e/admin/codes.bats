#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiaryctl codes, list --codes, list --secrets, and what verify and repair do with the record of used codes.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door
load ../../lib/ctl

KEY=3132333435363738393031323334353637383930

setup() {
    door_setup
    (umask 077 && echo "hex:$KEY" >"$WORK/key" && echo "base32:GEZDGNBVGY3TQOJQ" >"$WORK/token" && echo second >"$WORK/second.secret" &&
        echo first >"$WORK/first.secret")
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"totp=$WORK/key\""
    write_door "ACTION=\"barley\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"name=token\",\"hotp=$WORK/token\"" \
        "ACTION=\"\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"name=hosts\",\"secret-file=$WORK/first.secret\",\"label=first\",\"secret-file=$WORK/second.secret\",\"label=second\",\"expires=2030-12-31\""
    RECORD=$WORK/state-root/used
    begin_codes "127.0.0.2=sesame$(totp -86400)"
}

teardown() {
    remove_work
}

totp() {
    oathtool --totp -N "$(date -ud "@$((NOON + $1))" '+%F %T UTC')" "$KEY"
}

@test "list --codes says for each action what its codes are and which is the next, and never a key" {
    ctl 0 list --codes
    matches "$output" 'knock +totp, 6 digits, 30 s, sha1 +- +- +any'
    matches "$output" 'token +hotp, 6 digits, sha1 +- +- +counter not known'
    mv "$RECORD" "$WORK/kept"
    ctl 0 list --codes
    [ ! -e "$RECORD" ] # whoever looks makes none
    mv "$WORK/kept" "$RECORD"
    ctl 0 codes --counter 7 token
    is "$output" 'action token: its next code is the one of counter 7' "what is said"
    one_by_one "127.0.0.2=sesame$(totp 0)"
    ctl 0 list --codes
    matches "$output" "knock +totp, 6 digits, 30 s, sha1 +([0-9]+ d ago|in the future) +127\.0\.0\.2 +$(date -d "@$((NOON + 30))" '+%F %T')"
    matches "$output" 'token +hotp, 6 digits, sha1 +- +- +counter 7'
    run grep -E 'GEZD|3132|12345' <<<"$output"
    is "$status" 1 "status of grep for the keys"
    ctl 0 list --codes --json
    is "$(python3 -c 'import json, sys; print([(c["action"], c["kind"], c["known"], c["next"], c["source"], c["last_used"]) for c in json.load(sys.stdin)["codes"]])' <<<"$output")" \
        "[('knock', 'totp', True, $((NOON / 30 + 1)), '127.0.0.2', '2026-11-21T12:00:00Z'), ('token', 'hotp', True, 7, None, None)]" JSON
}

@test "list --secrets says of each label when it was last accepted and from where, so that an old one can be taken out" {
    ctl 0 list --secrets
    matches "$output" 'hosts +first +- +- +never'
    matches "$output" 'hosts +second +- +- +in [0-9]+ d'
    matches "$output" 'knock +- +not recorded +- +never'
    one_by_one 127.0.0.2=second "127.0.0.3=sesame$(totp 0)" 127.0.0.4=wrong
    is "$(lengths)" '64 64 32' "bytes"
    logged_times 1 'accepted source=127\.0\.0\.2 action=hosts label=second uid='
    ctl 0 list --secrets --json
    is "$(python3 -c 'import json, sys; print([(s["action"], s["label"], s["source"], s["last_used"], s["expires"]) for s in json.load(sys.stdin)["secrets"]])' <<<"$output")" \
        "[('knock', None, None, None, None), ('token', None, None, None, None), ('hosts', 'first', None, None, None), ('hosts', 'second', '127.0.0.2', '2026-11-21T12:00:00Z', '2031-01-01T00:00:00Z')]" JSON
}

@test "a secret that has expired is refused, without a strike, and the one beside it is good" {
    sed -i 's/label=first"/label=first","expires=2026-11-20"/' "$CONFIG"
    one_by_one 127.0.0.2=first 127.0.0.2=second
    is "$(lengths)" '32 64' "bytes"
    logged_times 1 'refused source=127\.0\.0\.2 reason=expired action=hosts label=first$'
    is "$(in_slot 127.0.0.2 strikes)" 0 strikes
    sed -i 's/expires=2026-11-20/expires=2026-11-21/' "$CONFIG"
    one_by_one 127.0.0.3=first
    is "$(lengths)" 64 "bytes on the last day"
}

@test "check warns of a secret a week before it expires, and afterwards" {
    local day STATUS=()
    for day in '+3 days' '-3 days' '+30 days'; do
        sed -i "s/label=second\",\"expires=[0-9-]*/label=second\",\"expires=$(date -ud "$day" +%F)/" "$CONFIG"
        run "$OSTIARYD" -t -c "$CONFIG"
        case $day in
            '+3 days') matches "$output" 'warning: ACTION: the secret second expires in [0-9]+ hours: write another one beside it' ;;
            '-3 days') matches "$output" 'warning: ACTION: the secret second has expired: write another one, or take it out' ;;
            *) is "$(grep -c expire <<<"$output")" 0 "warnings a month before" ;;
        esac
        run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" status
        STATUS+=("$(grep '^configuration ' <<<"$output")")
    done
    # status counts the warnings: there is one more while it is so.
    [ "${STATUS[0]}" = "${STATUS[1]}" ] && [ "${STATUS[0]}" != "${STATUS[2]}" ] || is "${STATUS[*]}" "" "what status says"
}

@test "codes --forget: a code that was used at a wrong clock keeps nobody out, and none that was used is good again" {
    local now
    one_by_one "127.0.0.2=sesame$(totp 0)"
    # A clock that was ten years ahead.
    NOON=$((NOON + 315360000)) one_by_one "127.0.0.2=sesame$(NOON=$((NOON + 315360000)) totp 0)"
    is "$(lengths)" 64 "bytes at the wrong clock"
    one_by_one "127.0.0.2=sesame$(totp 600)@600"
    is "$(lengths)" 32 "bytes behind it"
    logged_times 1 'refused source=127\.0\.0\.2 reason=used action=knock$'
    now=$(date +%s)
    ctl 0 codes --forget knock
    matches "$output" 'action knock: what was used is forgotten; its first code that is good is the one of '
    ctl 0 list --codes --json
    [ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["codes"][0]["next"])' <<<"$output")" -ge $((now / 30 + 2)) ]
}

@test "check says where nobody gets in by a code, and which secrets and keys no line names" {
    mkdir "$WORK/ostiary"
    echo "# anybody may read it" >"$WORK/ostiary-grants.cfg.old"
    touch "$WORK/ostiary/old.secret" "$WORK/ostiary/old.totp" "$WORK/ostiary/.old.secret.ostiary.cfg" "$WORK/ostiary/README"
    (umask 077 && echo "base32:GEZDGNBVGY3TQOJR" >"$WORK/ostiary/in-use.hotp")
    sed -i "s,hotp=$WORK/token,hotp=$WORK/ostiary/in-use.hotp," "$CONFIG"
    ctl 78 check
    matches "$output" "error: which codes of 'token' have been used is not known, so that nobody gets in by it: run '.* codes --counter NUMBER token'"
    matches "$output" "$WORK/ostiary/old.secret: note: no line of $CONFIG names it: remove it, unless a client"
    matches "$output" "$WORK/ostiary/old.totp: note: no line of"
    is "$(grep -c 'names it' <<<"$output")" 2 "files that no line names"
    run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" status
    matches "$output" 'configuration .*: 1 error'
    ctl 0 codes --counter 0 token
    ctl 0 check
    is "$(grep -c 'codes of' <<<"$output")" 0 "errors about codes"
    printf x | dd of="$RECORD" bs=1 seek=150 conv=notrunc status=none
    ctl 78 check
    matches "$output" "error: 1 slots of the record of used codes are damaged"
    printf x | dd of="$RECORD" bs=1 seek=20 conv=notrunc status=none
    printf x | dd of="$RECORD" bs=1 seek=84 conv=notrunc status=none
    ctl 78 check
    matches "$output" 'error: the record of used codes is damaged: run ostiaryctl repair'
    # Another configuration beside it names one, which is not the other door's.
    echo "ACTION=\"\",\"/bin/true\",\"secret-file=$WORK/ostiary/old.secret\"" >"$WORK/ostiary-sealed.cfg.new"
    chmod 600 "$WORK/ostiary-sealed.cfg.new"
    ctl 78 check
    is "$(grep 'names it' <<<"$output" | grep -c old.totp) $(grep -c 'names it' <<<"$output")" '1 1' "files that no line names"
    # Credentials are of a unit, which may name any of them.
    sed -i "s,\"secret-file=$WORK/first.secret\",\"credential=first\"," "$CONFIG"
    run "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    is "$(grep -c 'names it' <<<"$output")" 0 "files of which nothing is known"
}

@test "check warns of a code that is enough by itself, and of a key that another door has as well" {
    sed -i 's,"sesame"\(.*\)"totp=\([^"]*\)",""\1"totp=\2"\,"code-alone=yes",' "$CONFIG"
    ctl 0 codes --counter 0 token
    ctl 0 check
    matches "$output" 'warning: ACTION: with code-alone=yes one guess in 333333 is right'
    refute grep 'each door knows its own codes' <<<"$output"
    echo "ACTION=\"\",\"\",\"socket=/run/two\",\"hotp=$WORK/token\",\"code-alone=yes\"" >"$WORK/ostiary-sealed.cfg"
    chmod 640 "$WORK/ostiary-sealed.cfg"
    run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    matches "$output" "warning: the key of the codes of 'token' is in $WORK/ostiary-sealed.cfg as well: each door knows its own codes"
    is "$(grep -c 'each door knows its own codes' <<<"$output")" 1 "keys that both have"
}

@test "list --codes and list --secrets: a secret that has expired, and no action with codes" {
    sed -i 's,expires=2030-12-31,expires=2026-11-20,; /totp=/d' "$CONFIG"
    ctl 0 list --secrets
    matches "$output" 'hosts +second +- +- +has expired'
    sed -i '/hotp=/d' "$CONFIG"
    ctl 0 list --codes
    matches "$output" 'no action has codes'
}

@test "a key that the unit alone has is said to be there, and where its codes are looked after" {
    sed -i "s,hotp=$WORK/token,hotp=credential:token," "$CONFIG"
    ctl 0 list --codes
    matches "$output" 'token +hotp.* the unit alone has the key'
    ctl 78 codes --counter 1 token
    matches "$output" 'the unit alone has the key of action token: run this with the same LoadCredential='
    mkdir "$WORK/ostiary"
    touch "$WORK/ostiary/old.secret"
    ctl 0 check
    refute grep 'names it' <<<"$output"
}

@test "codes: what cannot be is said, with what to do instead" {
    ctl 64 codes knock
    matches "$output" 'takes one of --forget and --counter NUMBER'
    ctl 64 codes --forget --counter 1 knock
    ctl 64 codes --counter minus token
    matches "$output" '--counter takes a number from 0 on'
    ctl 64 codes --forget token
    matches "$output" 'say with --counter NUMBER which is the next'
    ctl 64 codes --counter 1 knock
    matches "$output" 'totp=, which has no counter'
    ctl 1 codes --counter 1 nobody
    matches "$output" 'has no action nobody with totp= or hotp='
    ctl 64 list --codes --secrets
    ctl 64 list --codes 192.0.2.7
}

@test "verify finds damage of the record, and repair forgets what was lost without making any code good again" {
    local clock
    one_by_one "127.0.0.2=sesame$(totp 0)"
    ctl 0 codes --counter 3 token
    ctl 0 verify
    printf x | dd of="$RECORD" bs=1 seek=150 conv=notrunc status=none
    ctl 74 verify
    matches "$output" '1 slots of the record of used codes are damaged'
    ctl 0 repair
    matches "$output" '1 damaged slots of the record of used codes are forgotten'
    ctl 0 verify
    clock=$(date +%s)
    knock --clock="$clock" "127.0.0.3=sesame$(oathtool --totp -N "$(date -ud "@$clock" '+%F %T UTC')" "$KEY")"
    is "$(lengths)" 32 "bytes for a code that may have been used"
    logged_times 1 'refused source=127\.0\.0\.3 reason=used action=knock$'
    knock --clock="$((clock + 120))" "127.0.0.3=sesame$(oathtool --totp -N "$(date -ud "@$((clock + 120))" '+%F %T UTC')" "$KEY")"
    is "$(lengths)" 64 "bytes two minutes later"
    ctl 0 list --codes
    matches "$output" 'token .* counter 3'

    printf xx | dd of="$RECORD" bs=1 seek=20 conv=notrunc status=none
    printf xx | dd of="$RECORD" bs=1 seek=84 conv=notrunc status=none
    ctl 74 verify
    matches "$output" 'the record of used codes is damaged: run ostiaryctl repair; until then nobody gets in who needs a code'
    ctl 74 repair
    matches "$output" 'nothing was changed'
    ctl 0 repair --empty
    ctl 0 verify
    ctl 0 list --codes
    matches "$output" 'token .* counter not known'
}
