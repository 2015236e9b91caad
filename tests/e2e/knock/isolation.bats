#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Where secrets are, and where they are not: in memory, in logs, in what others can see.

load ../../lib/common
load ../../lib/launch

SECRET='Xylophones-quietly-vex-6130'
FILE_SECRET='Jackdaws-love-sphinx-of-quartz-8842'

setup() {
    need_root
    make_work
    use_handler
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/dump"
    echo "$FILE_SECRET" >"$WORK/key"
    chmod 600 "$WORK/key"
    write_config MIN_LOGLEVEL=LOG_DEBUG \
        "ACTION=\"$SECRET\",\"$WORK/bin/dump\",\"65534\",\"65534\"" \
        "ACTION=\"\",\"$WORK/bin/dump\",\"65534\",\"65534\",\"name=from-file\",\"secret-file=$WORK/key\""
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# Start a connection that waits after its seed; gives the handler's pid, in the launcher's namespace.
open_and_wait() {
    "$TOOLS/peer.py" "$PORT" --source "$1" --reply none --tell "$WORK/seed-came" >/dev/null 3>&- &
    eventually test -e "$WORK/seed-came"
    rm "$WORK/seed-came"
    HANDLER=$(inside pgrep -x ostiaryd)
}

@test "I4: no secret is in the handler's memory while it waits for the reply" {
    start_socket_activate
    open_and_wait 127.0.0.2
    # Halves as well: a buffer that was used again may have lost its beginning.
    run inside "$TOOLS/memory_scan.py" "$HANDLER" "$SECRET" "${SECRET:14}" "${SECRET:0:12}" "$FILE_SECRET" "${FILE_SECRET:20}" \
        "$CONFIG" "$WORK/bin/dump" from-file
    is "$status" 0
    echo "$output"
    grep -Fqx "0 $SECRET" <<<"$output"
    grep -Fqx "0 ${SECRET:14}" <<<"$output"
    grep -Fqx "0 ${SECRET:0:12}" <<<"$output"
    grep -Fqx "0 $FILE_SECRET" <<<"$output"
    grep -Fqx "0 ${FILE_SECRET:20}" <<<"$output"
    # The scan sees what is there: an argument, and what was kept of the same lines of the configuration.
    grep -qE "^[1-9][0-9]* $CONFIG$" <<<"$output"
    grep -qE "^[1-9][0-9]* from-file$" <<<"$output"
    grep -qE "^[1-9][0-9]* $WORK/bin/dump$" <<<"$output"
}

@test "I4: the handler can leave no core file" {
    LAUNCH_WITH=(prlimit --core=unlimited)
    start_socket_activate
    open_and_wait 127.0.0.3
    matches "$(inside cat "/proc/$HANDLER/limits")" 'Max core file size +0 '
}

# keys_tried SECRET: how many HMAC keys the handler used for one knock with it.
keys_tried() {
    rm -f "$WORK/tally"
    sources=$((sources + 1))
    peer --source "127.0.3.$sources" --secret "$1"
    eventually has_lines "$WORK/status" "$sources"
    wc -l <"$WORK/tally"
}

@test "I6: every secret is compared, whichever fits: first, middle, last or none" {
    local sources=0
    write_action knock :
    write_config "ACTION=\"first of five\",\"$WORK/bin/knock\",\"65534\",\"65534\"" \
        "ACTION=\"second of five\",\"$WORK/bin/knock\",\"65534\",\"65534\"" \
        "ACTION=\"third of five\",\"$WORK/bin/knock\",\"65534\",\"65534\"" \
        "ACTION=\"fourth of five\",\"$WORK/bin/knock\",\"65534\",\"65534\"" \
        "ACTION=\"last of five\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    SERVER=(/usr/bin/env LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_TALLY="$WORK/tally" "${SERVER[@]}")
    record_status
    start_socket_activate
    # Of the five, the one that fits is used once more, for the receipt.
    is "$(keys_tried 'first of five')" 6 "keys, the first fits"
    is "$(keys_tried 'third of five')" 6 "keys, one in the middle fits"
    is "$(keys_tried 'last of five')" 6 "keys, the last fits"
    is "$(keys_tried 'none of these')" 5 "keys, none fits"
    is "$(head -n 5 "$WORK/tally")" "$(printf 'setkey %s\n' 13 14 13 14 12)" "lengths of the keys"
}

# The texts that must not be seen anywhere: secrets, and the reply of the last knock.
is_clean() {
    local text
    for text in "$SECRET" "$FILE_SECRET" "$(printf %s "$SECRET" | od -An -tx1 | tr -d ' \n')" "$(printf %s "$SECRET" | base64)" \
        "$REPLY"; do
        if grep -qaF -- "$text" "$1"; then
            echo "$1 holds $text"
            return 1
        fi
    done
}

two_dumps() {
    [ "$(cat "$WORK"/out/dump.* 2>/dev/null | grep -c '^cwd')" -eq 2 ]
}

reply_to() {
    /usr/bin/python3 -ISc 'import hashlib, hmac, sys
print(hmac.new(sys.argv[1].encode(), bytes.fromhex(sys.argv[2])[:32], hashlib.sha256).hexdigest())' "$1" "$(field received)"
}

@test "I10: neither secret nor reply is in a log at LOG_DEBUG, in argv, in the environment or with the action" {
    record_status
    start_socket_activate
    peer --source 127.0.0.4 --secret "$SECRET"
    is "$(field receipt)" right
    ended 0
    REPLY=$(reply_to "$SECRET")
    is_clean "$LOG"
    peer --source 127.0.0.5 --secret "$FILE_SECRET"
    is "$(field receipt)" right
    ended 0 2
    REPLY=$(reply_to "$FILE_SECRET")
    is_clean "$LOG"
    eventually two_dumps
    for dump in "$WORK"/out/dump.*; do
        is_clean "$dump"
    done
    peer --source 127.0.0.6 --secret "$SECRET" --reply wrong
    ended 0 3
    REPLY=$(reply_to "$SECRET")
    is_clean "$LOG"
    open_and_wait 127.0.0.7
    inside cat "/proc/$HANDLER/cmdline" "/proc/$HANDLER/environ" >"$WORK/seen"
    [ -s "$WORK/seen" ]
    is_clean "$WORK/seen"
    handler_lines | grep -q 'accepted source=127\.0\.0\.5 action=from-file '
}

@test "I10: no error message about the configuration shows a secret" {
    local line tried=0
    REPLY='no reply in this test'
    record_status
    start_socket_activate
    while read -r line; do
        tried=$((tried + 1))
        write_config MIN_LOGLEVEL=LOG_DEBUG "ACTION=\"$SECRET\",\"/bin/true\",\"65534\",\"65534\"" "$line"
        peer --source "127.0.3.$tried" --secret "$SECRET"
        ended 78 "$tried"
        is_clean "$LOG"
        run "$OSTIARYD" -t -c "$CONFIG"
        is "$status" 78 "$line: status"
        echo "$output" >"$WORK/said"
        is_clean "$WORK/said"
    done <<END
ACTION="$SECRET","/bin/false","65534","65534"
ACTION="$SECRET"
ACTION="$SECRET,"/bin/true"
ACTION="$SECRET","/bin/true" trailing "$SECRET"
ACTION=$SECRET,"/bin/true"
ACTION="$SECRET","relative/path"
ACTION "$SECRET","/bin/true"
"$SECRET"
$SECRET=1
ACTION="/bin/true","$SECRET"
ACTION="other","/bin/true","0","0","$SECRET"
ACTION="other","/bin/true","0","0","$SECRET=1"
KILL="$SECRET"
KILL=$SECRET
DELAY="$SECRET"
END
    is "$tried" 15 "lines tried"
    # A secret in the field of the user or the group could be a name: that nobody has it is found out with the action.
    for line in "$SECRET" "65534\",\"$SECRET"; do
        tried=$((tried + 1))
        write_config MIN_LOGLEVEL=LOG_DEBUG "ACTION=\"other\",\"/bin/true\",\"$line\""
        peer --source "127.0.3.$tried" --secret other
        ended 78 "$tried"
        logged 'error: (user|group): there is no such'
        is_clean "$LOG"
        run "$OSTIARYD" -t -c "$CONFIG"
        is "$status" 78 "$line: status"
        echo "$output" >"$WORK/said"
        is_clean "$WORK/said"
    done
}
