#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiaryctl add --totp, --hotp and --from-usersfile: a key is made and shown, tried out, and in force; and remove.
# The codes are oathtool's, and the QR code is read by zbar.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034 # each test is a subshell by design; some text is for another shell

load ../../lib/common
load ../../lib/ctl
load ../../lib/launch
load ../../lib/add

OSTCLIENT=$OSTIARY_BUILD/src/client/ostclient

# Of what the terminal has shown, the key; and a code of it.
KEY_SHOWN='sed -nE "s/^otpauth:.*secret=([A-Z2-7]+)&.*/\1/p" | tr -d "\r" | tail -n 1'

setup() {
    add_setup
    config LOCAL_IP=127.0.0.1
}

teardown() {
    stop_launcher
    remove_work
}

# typing STATUS STEP... -- ARGUMENT...: ostiaryctl at a terminal.
typing() {
    split_steps "${@:2}"
    run "$TOOLS/at_terminal.py" "${STEPS[@]}" -- "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "${REST[@]}"
    matches "$output" "exit $1"
    matches "$output" 'echo on'
}

add_totp() {
    typing 0 'expect=A code of it: ' echo=off "answer=oathtool --totp -b \$($KEY_SHOWN) | sed 's/.../& /'" -- add door "$WORK/bin/hello" root --totp
}

client() {
    local wanted=$1
    shift
    run "$OSTCLIENT" -w -t 60 "$@" "127.0.0.1:$PORT"
    is "$status" "$wanted" "status of ostclient $*, which said: $output"
}

@test "add --totp shows a key as a URI and as a QR code that says the same, and puts it in force with its first code" {
    local uri
    add_totp
    uri=$(grep -o 'otpauth:.*' <<<"$output" | tr -d '\r')
    matches "$uri" "^otpauth://totp/$(hostname):door\?secret=[A-Z2-7]{32}&issuer=$(hostname)\$"
    is "$("$TOOLS/read_qr.py" <<<"$output")" "$uri" "what the QR code says"
    is "$(cat "$SECRETS/door.totp")" "base32:$(sed -E 's/.*secret=([A-Z2-7]+)&.*/\1/' <<<"$uri")" "the file of the key"
    is "$(stat -c '%a %u' "$SECRETS/door.totp")" '600 0' "its mode and owner"
    is "$(ls -A "$SECRETS")" $'door.secret\ndoor.totp' "files, and no mark"
    matches "$(tail -n 1 "$CONFIG")" "\"name=door\",\"secret-file=$SECRETS/door.secret\",\"totp=$SECRETS/door.totp\"\$"
    matches "$output" "ostclient -w -k /etc/ostiary/door.secret --code 127.0.0.1"
    # It fits on a terminal of 24 lines, with what is around it.
    [ "$(grep -c $'\e\[30;107m' <<<"$output")" -le 21 ]
    ctl 0 list --codes
    matches "$output" 'door +totp, 6 digits, 30 s, sha1'
    run "$OSTIARY_BUILD/src/knock/ostiaryd" -t -c "$CONFIG"
    is "$output" '' "what -t has to say"
}

@test "ostclient makes the code of the key's file, and asks for it with --code; its first code was used up by add" {
    local key secret
    add_totp
    key=$(sed 's/base32://' "$SECRETS/door.totp")
    secret=$(<"$SECRETS/door.secret")
    serve
    client 77 -k "$SECRETS/door.secret"
    # What add was told is used up: of the record without it, the code of now is good, and good once.
    is "$(stat -c %s "$STATE-root/used")" $((128 + 64)) "bytes of the record"
    cp "$OSTIARY_SOURCE/tests/data/golden/used-1" "$STATE-root/used"
    chmod 600 "$STATE-root/used"
    client 0 -k "$SECRETS/door.secret" --totp "$SECRETS/door.totp"
    logged 'accepted .*action=door'
    # A code that a person reads from the telephone, of the step behind the clock's.
    run "$TOOLS/at_terminal.py" 'expect=Code for 127.0.0.1: ' echo=off \
        "answer=oathtool --totp -b -N \"\$(date -ud '+30 seconds' '+%F %T UTC')\" $key | sed 's/.../& /'" -- "$OSTCLIENT" -w -k "$SECRETS/door.secret" --code "127.0.0.1:$PORT"
    matches "$output" 'exit 0'
    run grep -E "$key|$secret" "$LOG"
    is "$status" 1 "status of grep for key and secret in the log"
}

@test "a code that is wrong three times, or a terminal that goes away, changes nothing" {
    local before
    before=$(everything)
    typing 1 'expect=A code of it: ' 'type=000000\r' 'expect=none of its codes' 'expect=A code of it: ' 'type=\r' 'expect=6 digits' 'expect=A code of it: ' 'type=123 455\r' 'expect=1 attempts' \
        'expect=A code of it: ' 'type=12345678\r' 'expect=6 digits' 'expect=A code of it: ' 'type=123456\r' \
        -- add door "$WORK/bin/hello" root --totp
    matches "$output" 'is the clock of the telephone right, and this host'
    matches "$output" 'nothing is changed'
    is "$(everything)" "$before" "what there is"
    run "$TOOLS/at_terminal.py" 'expect=A code of it: ' 'type=\x03' -- "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add door "$WORK/bin/hello" root --totp
    matches "$output" 'signal 2'
    run setsid -w "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add door "$WORK/bin/hello" root --totp </dev/null
    is "$status" 69 "status without a terminal"
    matches "$output" 'no terminal to show the key at'
    is "$(everything)" "$before" "what there is"
}

@test "I10: the key is shown at the terminal alone, and stands in no argument, environment or output" {
    run "${NO_LEAK_CHECK[@]}" "$TOOLS/at_terminal.py" 'expect=A code of it: ' "answer=oathtool --totp -b \$($KEY_SHOWN)" -- \
        sh -c "exec strace -f -qq -e trace=execve,write,sendto,sendmsg -s 4096 -o '$WORK/trace' '$OSTIARY_BUILD/src/admin/ostiaryctl' -c '$CONFIG' add door '$WORK/bin/hello' root --totp >'$WORK/stdout' 2>'$WORK/stderr'"
    local key
    key=$(sed 's/base32://' "$SECRETS/door.totp")
    [ "${#key}" -eq 32 ]
    run grep -l "$key" "$WORK/stdout" "$WORK/stderr"
    is "$output" '' "outputs with the key"
    # Three writes have it: to the child that draws the QR code, the URI's to the terminal, and that of the file.
    is "$(grep -c "$key" "$WORK/trace")" 3 "calls with the key"
    is "$(grep "$key" "$WORK/trace" | grep -cE ' write\(')" 3 "writes with the key"
}

@test "I10: while a code is waited for, the key is in locked memory alone, as text, in a URI and as bytes" {
    cat >"$WORK/look" <<END
key=\$($KEY_SHOWN)
raw=\$(base32 -d <<<"\$key" | od -An -v -tx1 | tr -d ' \n')
# Halves as well: a buffer that was used again may have lost its beginning.
needles=("\$key" "\${key:0:16}" "\${key:16}" "hex:\$raw" "hex:\${raw:0:20}" "hex:\${raw:20}" "secret=\${key:0:12}" "\${key:20}&issuer=")
pid=\$(pgrep -P "\$1" -x ostiaryctl)
"$TOOLS/memory_scan.py" "\$pid" "\${needles[@]}" >>"$WORK/all"
"$TOOLS/memory_scan.py" --unlocked "\$pid" "\${needles[@]}" >>"$WORK/unlocked"
case \$2 in right) oathtool --totp -b "\$key" ;; *) echo "\$2" ;; esac
END
    typing 0 'expect=A code of it: ' "answer=bash '$WORK/look' \$PPID 12" 'expect=6 digits' 'expect=A code of it: ' \
        "answer=bash '$WORK/look' \$PPID right" -- add door "$WORK/bin/hello" root --totp
    cat "$WORK/all" "$WORK/unlocked"
    # The file that is to be written and the key that codes are made with are there, or nothing has been looked at.
    is "$(awk '{ print $1 }' "$WORK/all" | paste -sd ' ')" '1 1 1 1 1 1 0 0 1 1 1 1 1 1 0 0' "how often these are in memory"
    is "$(awk '{ print $1 }' "$WORK/unlocked" | paste -sd ' ')" '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0' "how often outside of locked memory"
}

# drawing INJECTION STEP... -- PREFIX...: add --totp at a terminal, where a call for the QR code, or of the child that draws
# it, meets that.
drawing() {
    split_steps "${@:2}"
    run "${NO_LEAK_CHECK[@]}" "$TOOLS/at_terminal.py" "${STEPS[@]}" -- "${CTL_WITH[@]}" strace -f -qq -o "$WORK/trace" \
        -e "trace=${1%%:*}" -e "inject=$1" \
        "${REST[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add door "$WORK/bin/hello" root --totp
}

@test "where the QR code cannot be drawn that is said, and the URI is there; ^C ends the drawing too; SIGCHLD may be ignored" {
    local before code=("expect=A code of it: " "answer=oathtool --totp -b \$($KEY_SHOWN)")
    drawing clone,?fork:error=EAGAIN "${code[@]}" --
    matches "$output" 'the QR code cannot be shown, and the key has to be typed in: Resource temporarily unavailable'
    matches "$output" 'exit 0'
    ctl 0 remove door
    drawing getppid:signal=SIGKILL "${code[@]}" --
    matches "$output" 'the QR code cannot be shown, and the key has to be typed in: Operation canceled'
    matches "$output" 'exit 0'
    ctl 0 remove door
    # Who may lock little has one all the same.
    drawing mlockall:error=ENOMEM "${code[@]}" -- env --ignore-signal=CHLD
    [ -n "$("$TOOLS/read_qr.py" <<<"$output")" ]
    [[ $output != *'cannot be shown'* ]]
    matches "$output" 'exit 0'
    ctl 0 remove door
    before=$(everything)
    # strace waits for the child as well.
    drawing getppid:signal=SIGSTOP 'expect=type it in:' "answer=until grep -q 'stopped by SIGSTOP' '$WORK/trace'; do sleep 0.02; done; printf '\003'" --
    matches "$output" 'signal 2'
    is "$(everything)" "$before" "what there is"
}

@test "add --hotp: the first code is used up, and the next is good" {
    typing 0 'expect=A code of it: ' "answer=oathtool --hotp -c 0 -b \$($KEY_SHOWN)" -- add door "$WORK/bin/hello" root --hotp
    matches "$output" 'otpauth://hotp/.*&counter=0'
    ctl 0 list --codes
    matches "$output" 'door +hotp, 6 digits, sha1 .* counter 1'
    serve
    local key
    key=$(sed 's/base32://' "$SECRETS/door.hotp")
    (umask 077 && echo "$(<"$SECRETS/door.secret")$(oathtool --hotp -c 0 -b "$key")" >"$WORK/first" &&
        echo "$(<"$SECRETS/door.secret")$(oathtool --hotp -c 1 -b "$key")" >"$WORK/second")
    client 77 -k "$WORK/first"
    logged 'refused .*reason=used action=door'
    client 0 -k "$WORK/second"
}

@test "a thousand codes, made by oathtool and by ostclient in turn, are each accepted once" {
    local n key=3132333435363738393031323334353637383930
    mkdir -p "$SECRETS"
    (umask 077 && echo "hex:$key" >"$SECRETS/door.hotp" && echo sesame >"$SECRETS/door.secret")
    "$OSTIARY_BUILD/tests/codes" hotp "$SECRETS/door.hotp" 0 1000 >"$WORK/ours"
    oathtool --hotp -w 999 "$key" >"$WORK/theirs"
    is "$(wc -l <"$WORK/ours")" 1000 "codes"
    cmp "$WORK/ours" "$WORK/theirs"
    for n in sha1 sha256 sha512; do
        printf 'hex:%s\ndigits=8 period=60 algorithm=%s\n' "$key" "$n" >"$WORK/key"
        "$OSTIARY_BUILD/tests/codes" totp "$WORK/key" 1795262400 1000 >"$WORK/ours"
        oathtool "--totp=$n" -d 8 -s 60s -w 999 -N '2026-11-21 12:00:00 UTC' "$key" >"$WORK/theirs"
        cmp "$WORK/ours" "$WORK/theirs"
    done
}

@test "--from-usersfile takes the key of pam_oath's file, its kind and its counter, and no code that may have been used there" {
    printf '%s\n' '# type user pin key counter' 'HOTP/T30/6 alice - 3132333435363738393031323334353637383930 0 287082 2026-11-21T12:00:00L' \
        'HOTP/E/8 bob 1234 3132333435363738393031323334353637383930 17 12345678 2026-11-21T12:00:00L' 'HOTP carol - 31323334353637383930' \
        'HOTP/X dave - 31323334353637383930' 'HOTP/T30 erin - 3132' 'HOTP frank - 31323334353637383930 many' >"$WORK/users.oath"
    printf '%s\n' 'HOTP/T60/8 heidi - 3132333435363738393031323334353637383930' 'HOTP/T5 ivan - 31323334353637383930' \
        'HOTP/E/5 judy - 31323334353637383930' 'TOTP kim - 31323334353637383930' 'HOTP leo -' >>"$WORK/users.oath"
    chmod 600 "$WORK/users.oath"
    ctl 0 add alice "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    is "$(cat "$SECRETS/alice.totp")" base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ "her key"
    ctl 0 add bob "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    is "$(cat "$SECRETS/bob.hotp")" $'base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\ndigits=8' "his key"
    ctl 0 list --codes --json
    is "$(python3 -c 'import json, sys, time; print([(c["action"], c["kind"], c["digits"], c["next"] if c["kind"] == "hotp" else 1 <= c["next"] - time.time() // 30 <= 2) for c in json.load(sys.stdin)["codes"]])' <<<"$output")" \
        "[('alice', 'totp', 6, True), ('bob', 'hotp', 8, 18)]" "what is kept of their codes"
    # A key that is in use already has used up what it has: another import takes nothing back.
    ctl 0 codes --counter 40 bob
    ctl 0 remove bob
    ctl 0 add bob "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    ctl 0 list --codes
    matches "$output" 'bob +hotp, 8 digits, sha1 .* counter 40'
    ctl 0 add carol "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    ctl 78 add dave "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'users.oath:5: the type of its codes is none that is known here'
    ctl 78 add erin "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'users.oath:6: the key is shorter than 10 bytes'
    ctl 78 add frank "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'users.oath:7: its fifth field must be the counter'
    ctl 0 add heidi "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    is "$(cat "$SECRETS/heidi.totp")" $'base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\ndigits=8\nperiod=60' "a key with a period of its own"
    local user
    for user in ivan judy kim; do
        ctl 78 add "$user" "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
        matches "$output" 'the type of its codes is none that is known here'
    done
    ctl 78 add leo "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'its fourth field must be the key'
    ctl 1 add nobody "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'there is no line of user nobody'
    chmod 644 "$WORK/users.oath"
    ctl 78 add grace "$WORK/bin/hello" root --from-usersfile "$WORK/users.oath"
    matches "$output" 'is readable by others: chmod o-r'
    ctl 64 add grace "$WORK/bin/hello" root --totp --hotp
    matches "$output" 'one of --totp, --hotp and --from-usersfile'
}

@test "remove takes the key along, and says what it leaves" {
    add_totp
    ctl 0 remove door
    matches "$output" "the key of its codes, $SECRETS/door.totp, is removed"
    is "$(ls -A "$SECRETS")" '' "what is left"
    add_totp
    cp "$SECRETS/door.totp" "$WORK/elsewhere.totp"
    sed -i "s,totp=$SECRETS/door.totp,totp=$WORK/elsewhere.totp," "$CONFIG"
    ctl 0 remove door
    matches "$output" "the key of its codes, $WORK/elsewhere.totp, stays as it is: it is not where 'add' puts them"
    [ -e "$WORK/elsewhere.totp" ]
    # What an interrupted add had left.
    ln "$SECRETS/door.totp" "$SECRETS/.door.totp.ostiary.cfg"
    ctl 0 remove door
    matches "$output" "the key of the codes of action door, which an interrupted command had left in $SECRETS/door.totp, is removed"
    is "$(ls -A "$SECRETS")" '' "what is left"
}

@test "ostclient: what cannot be about codes is said" {
    local key=$WORK/key
    (umask 077 && echo sesame >"$WORK/secret" && echo base32:GEZDGNBVGY3TQOJQ >"$key" && echo GEZDGNBVGY3TQOJQ >"$WORK/bad")
    PORT=9
    client 64 -k "$WORK/secret" --code --totp "$key"
    matches "$output" '--code and --totp exclude each other'
    client 64 --reply-command true --totp "$key"
    matches "$output" 'a code goes behind the secret'
    client 78 -k "$WORK/secret" --totp "$WORK/none"
    matches "$output" "$WORK/none cannot be opened: No such file"
    client 78 -k "$WORK/secret" --totp "$WORK/bad"
    matches "$output" "$WORK/bad: the key must begin with base32: or hex:"
    chmod 644 "$key"
    client 78 -k "$WORK/secret" --totp "$key"
    matches "$output" 'is readable by others'
    (umask 077 && printf '%0250d' 0 >"$WORK/long")
    chmod 600 "$key"
    client 78 -k "$WORK/long" --totp "$key"
    matches "$output" 'the secret and its code have 256 bytes: 255 are the most'
    run "$TOOLS/at_terminal.py" 'expect=Code for 127.0.0.1: ' 'type=abcdef\r' -- "$OSTCLIENT" -k "$WORK/secret" --code 127.0.0.1:9
    matches "$output" 'a code has 6 to 8 digits, and nothing else'
    matches "$output" 'exit 78'
    run setsid -w "$OSTCLIENT" -k "$WORK/secret" --code 127.0.0.1:9 </dev/null
    is "$status" 78 "status without a terminal"
    matches "$output" 'no terminal to ask for the code'
    run "$OSTCLIENT" --check-secret -k "$WORK/secret" --totp "$key"
    is "$status" 0 "status of --check-secret"
}
