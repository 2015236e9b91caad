#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154 # client_setup and run assign the variables
# ostclient --totp and --code: a one-time code behind the secret, which has to be good when it is sent. What the server
# makes of one is in ../knock/codes.bats.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client

SEED=7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d

setup() {
    client_setup
    codes_key=$client_dir/codes
    # RFC 6238's, with the shortest period there is.
    (umask 077 && printf '%s\n' base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ period=10 >"$codes_key")
}

teardown() {
    client_teardown
}

step() {
    echo $(($(date +%s) / 10))
}

# replies CODE...: what the secret "The" replies to the seed with each of them behind it, a line each.
replies() {
    /usr/bin/python3 -ISc '
import hashlib, hmac, sys
for code in sys.argv[2:]:
    print("reply", hmac.new(b"The" + code.encode(), bytes.fromhex(sys.argv[1]), hashlib.sha256).hexdigest())' "$SEED" "$@"
}

# codes FIRST LAST: the codes of these steps, a line each.
codes() {
    oathtool --totp -b -s 10 -N "@$(($1 * 10))" -w $(($2 - $1)) GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
}

# has_replied_of FIRST LAST: the server has had a reply with the code of one of these steps, once.
has_replied_of() {
    # shellcheck disable=SC2046 # a word for each
    replies $(codes "$1" "$2") >"$client_dir/replies"
    is "$(grep -c '^reply .' "$server_log")" 1 replies
    grep -qxFf "$client_dir/replies" "$server_log"
}

# step_is_over N: another step has come.
step_is_over() {
    [ "$(step)" -ne "$1" ]
}

@test "--totp: the code is the one of the moment in which the seed comes, however long the server has held it back (I11)" {
    local before after pid
    start_server --seed "$SEED" --gate "$client_dir/gate" gated
    before=$(step)
    "$ostclient" -t 600 -k "$key" --totp "$codes_key" "127.0.0.1:$port" 3>&- &
    pid=$!
    server_saw 'scene gated'
    # Perhaps it was begun at the end of one.
    before=$(step)
    eventually step_is_over "$before"
    after=$(step)
    touch "$client_dir/gate"
    wait "$pid"
    has_replied_of "$after" "$(step)"
}

@test "--code: one that was typed half a minute ago is not sent, but another one is asked for (I11)" {
    start_server --seed "$SEED" --gate "$client_dir/gate" gated
    run "$TOOLS/at_terminal.py" 'expect=Code for 127.0.0.1: ' 'type=111 111\r' pause=2 'type=\x1a' stopped pause=31 \
        "touch=$client_dir/gate" continue expect='too old by now' 'expect=Code for 127.0.0.1: ' 'type=222222\r' -- \
        "$ostclient" -w -t 600 -k "$key" --code "127.0.0.1:$port"
    echo "$output"
    is "$(grep '^reply .' "$server_log")" "$(replies 222222)" replies
}

@test "a key at the prompt of --code ends it as it would anything else, and the terminal is as it was" {
    run "$TOOLS/at_terminal.py" 'expect=Code for 127.0.0.1: ' echo=off 'type=111\x03' -- \
        "$ostclient" -w -t 600 -k "$key" --code 127.0.0.1:1
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on signal 2'
}
