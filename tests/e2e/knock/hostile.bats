#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Launchers, users, disks and libraries that are not as they should be: each does no harm, and the log says what it was.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
}

teardown() {
    end_helpers
    stop_sink
    remove_work
}

# ---- Descriptors ----

# odd [--secret=SECRET] 0=KIND 1=KIND 2=KIND -- OPTION...: see odd_fds.py; its report is in $output.
odd() {
    local words=()
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    run "${DOOR_WITH[@]}" "$TOOLS/odd_fds.py" "${words[@]}" -- "${HANDLER[@]}" "$@"
    is "$status" 0 "status of odd_fds.py, which said: $output"
}

@test "I3: fds 1 and 2 are the connection, and fd 0 is not: not one byte, whatever the handler is asked for" {
    local zero argument
    for zero in null closed; do
        for argument in '' -e -t -h --version --nonsense -c 'no option'; do
            odd "0=$zero" 1=peer 2=peer -- ${argument:+"$argument"}
            is "$(field peer)" 0 "bytes, fd 0 is $zero, argument '$argument'"
            odd "0=$zero" 1=other 2=peer -- ${argument:+"$argument"}
            is "$(field peer) $(field other)" '0 0' "bytes on two connections, fd 0 is $zero, argument '$argument'"
        done
        odd "0=$zero" 1=peer 2=peer --
        is "$(field status)" 64 "exit status, fd 0 is $zero"
    done
    # It is the network that is kept from it: another stream has all that there is to say.
    odd 0=null 1=unix 2=unix -- --nonsense
    matches "$output" 'usage: ostiaryd'
    odd 0=null 1=unix 2=unix -- --help
    matches "$output" 'read the configuration from'
}

@test "I3: fd 2 is another connection: nothing on it, not with -e, and the log is in syslog" {
    log_syslog_too
    odd --secret=sesame 0=peer 1=other 2=other --
    is "$(field peer) $(field other)" '64 0' "bytes for a right reply"
    logged '^<3[78]> ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.1 '
    odd --secret=barley 0=peer 1=peer 2=other --
    is "$(field peer) $(field other)" '32 0' "bytes for a wrong reply"
    logged '^<3[78]> ostiaryd\[[0-9]+\]: rejected source=127\.0\.0\.1 reason=wrong-reply'
    write_door NONSENSE=1
    odd --secret=sesame 0=peer 1=peer 2=other --
    is "$(field peer) $(field other)" '0 0' "bytes with a broken configuration"
    logged '^<3[0-9]> ostiaryd\[[0-9]+\]: .*ostiary\.cfg:[0-9]+: error: '
    odd 0=peer 1=peer 2=other -- --nonsense
    is "$(field peer) $(field other)" '0 0' "bytes for an option that does not exist"
    logged '^<3[0-9]> ostiaryd\[[0-9]+\]: unknown option.*: correct the launcher'\''s entry'
}

@test "-e with fd 2 closed: the log is in syslog" {
    log_syslog_too
    odd --secret=sesame 0=peer 1=null 2=closed --
    is "$(field peer)" 64 "bytes"
    logged '^<3[78]> ostiaryd\[[0-9]+\]: accepted source=127\.0\.0\.1 '
    odd --secret=barley 0=peer 1=closed 2=closed --
    is "$(field peer)" 32 "bytes"
    logged '^<3[78]> ostiaryd\[[0-9]+\]: rejected source=127\.0\.0\.1 '
}

@test "fd 2 is a local stream, such as the journal's: it has the log" {
    HANDLER=("$OSTIARYD" -c "$CONFIG")
    odd --secret=sesame 0=peer 1=unix 2=unix --
    is "$(field peer)" 64 "bytes"
    matches "$(field unix_text)" '^<[56]>accepted source=127\.0\.0\.1 '
}

# ---- KILL and the disk ----

# The state directory is a small file system, for all that DOOR_WITH starts until it is called again.
state_on() {
    rm -f "$WORK/mounted"
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t tmpfs -o "mode=700,$1" none "$2/state" && : >"$2/mounted" && exec sleep 3600' \
        sh "$1" "$WORK" 3>&- &
    HELPERS+=($!)
    DOOR_WITH=(nsenter --target $! --mount --)
    eventually test -e "$WORK/mounted"
}

# Room for the table, and none for the file that closes the door: none in it, or not even one for its name; and enough.
ROOMS=(size=12k nr_inodes=2 size=1m)

@test "KILL closes the door for everybody, and for a right reply whose strike was charged before, on a full disk too" {
    local room
    write_door TABLE_SIZE=64 'KILL="shut"'
    for room in "${ROOMS[@]}"; do
        : >"$LOG"
        state_on "$room"
        knock 127.0.0.9=leave
        # It locks the table to be admitted and unlocks it, and again to be charged.
        stopped_by -e trace=flock -e inject=flock:signal=SIGSTOP:when=4 127.0.0.2=sesame
        knock 127.0.0.3=shut
        is "$(of 1 receipt)" right "receipt for KILL, $room"
        logged_times 1 'closed reason=kill-secret source=127\.0\.0\.3$'
        go_on
        is "$(KNOCKS=$WORK/stopped-knocks of 1 length)" 32 "bytes for who was charged before, $room"
        logged_times 1 'refused source=127\.0\.0\.2 reason=closed'
        knock 127.0.0.4=sesame 127.0.0.5=shut
        is "$(lengths)" '0 0' "bytes for those who came later, $room"
        # Where the file is still missing, that is what is wrong.
        if [ "$room" = nr_inodes=2 ]; then
            logged_times 1 'refused source=127\.0\.0\.4 reason=state'
            logged 'the file that closes a door cannot be written or removed: .*: No space left on device'
        else
            logged_times 1 'refused source=127\.0\.0\.4 reason=closed'
        fi
        not_logged accepted
        is "$(acted)" 0 actions
    done
}

@test "KILL that can write neither the table nor the file: no receipt, and the log says that the door is open" {
    write_door TABLE_SIZE=64 'KILL="shut"'
    state_on nr_inodes=2
    knock 127.0.0.9=leave
    local handler=("${HANDLER[@]}")
    DOOR_PRELOAD=
    # Of its writes, two are to be admitted, one is the strike, one takes it back; the fifth would close the door.
    witnessed_by strace -o "$WORK/trace" -e trace=pwrite64 -e inject=pwrite64:error=EIO:when=5+
    knock 127.0.0.2=shut
    is "$(of 1 length)" 32 "bytes"
    is "$(of 1 status)" 74 "exit status"
    logged_times 1 'the KILL secret was given, and the door is STILL OPEN: run '\''ostiaryctl close'\'
    logged_times 1 'refused source=127\.0\.0\.2 reason=state'
    not_logged 'closed reason='
    HANDLER=("${handler[@]}")
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right "receipt at the open door"
}

@test "I8: a state directory that anybody but its owner may open, and so hold its lock" {
    local mode
    knock 127.0.0.9=leave
    for mode in 755 750 740 710 705 701; do
        : >"$LOG"
        chmod "$mode" "$WORK/state"
        knock 127.0.0.2=sesame
        is "$(of 1 length) $(of 1 status)" '0 74' "bytes and exit status, mode $mode"
        logged_times 1 'the state directory is open to group or others: chmod 0700'
        logged_times 1 'refused source=127\.0\.0\.2 reason=state'
    done
    chmod 700 "$WORK/state"
    knock 127.0.0.2=sesame
    is "$(of 1 receipt)" right "receipt, mode 700"
}

# ---- libgcrypt ----

@test "I8: libgcrypt refuses to use one of the secrets: nobody gets in, whoever is right is not said to be wrong" {
    local line secret='sixteen letters and more'
    ACTION="ACTION=\"$secret\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    write_door "ACTION=\"short\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    knock --env=LIBGCRYPT_FORCE_FIPS_MODE=1 "127.0.0.2=$secret" 127.0.0.3=short 127.0.0.4=wrong
    is "$(lengths)" '32 32 32' "bytes"
    is "$(how_many status 71)" 3 "exit statuses of 71"
    logged_times 3 'libgcrypt failed to compute an HMAC: see what '\''ostiaryd -t'\'' says'
    logged_times 3 'refused source=127\.0\.0\.[234] reason=state$'
    not_logged 'wrong-reply|accepted'
    is "$(acted)" 0 actions
    run env LIBGCRYPT_FORCE_FIPS_MODE=1 "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 "status of -t"
    line=$(grep -n '"short"' "$CONFIG" | cut -d: -f1)
    matches "$output" "ostiary\.cfg:$line: error: ACTION: libgcrypt takes no HMAC key like this"
    is "$(grep -c 'error: ' <<<"$output")" 1 "errors that -t finds"
    # The other action could be run, but nobody is served.
    run env LIBGCRYPT_FORCE_FIPS_MODE=1 "$OSTIARYD" -T -c "$CONFIG"
    is "$status" 78 "status of -T"

    knock "127.0.0.5=$secret"
    is "$(of 1 receipt)" right "receipt without FIPS mode"
}

@test "two secrets that are the same HMAC key: one of their actions is run" {
    local long i
    write_action other "echo \"\$1\" >>$WORK/out/other"
    # A key longer than a block is hashed first. The hash must be bytes that a secret may hold.
    long=$(/usr/bin/python3 -ISc 'import hashlib, sys
for number in range(10000):
    text = f"{number:070}"
    key = hashlib.sha256(text.encode()).digest()
    if not set(key) & {0, 10, 13} and not key[-1:].isspace():
        break
with open(sys.argv[1], "wb") as file:
    file.write(key)
print(text)' "$WORK/key")
    chmod 600 "$WORK/key"
    ACTION="ACTION=\"$long\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    write_door "ACTION=\"\",\"$WORK/bin/other\",\"65534\",\"65534\",\"secret-file=$WORK/key\""
    for i in 2 3 4; do
        knock "127.0.0.$i=$long"
        is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status"
    done
    logged_times 3 'accepted source=127\.0\.0\.[234] action=(knock|other) '
    eventually has_lines "$WORK/out/other" 3
    is "$(acted)" 0 "actions of the earlier one"
}

# ---- A strike that cannot be taken back ----

# not_forgiven TEXT INJECTION: with it a right reply's own strike stays, and locks its source.
not_forgiven() {
    write_door MAX_BAD_CONNS=1
    knock 127.0.0.9=sesame
    eventually test -e "$WORK/out/knock"
    rm "$WORK/out/knock"
    local handler=("${HANDLER[@]}")
    DOOR_PRELOAD=
    witnessed_by strace -o "$WORK/trace" -e "trace=${2%%:*}" -e "inject=$2"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 status)" '32 74' "bytes and exit status"
    logged_times 1 "$1"
    logged_times 1 'locked source=127\.0\.0\.2 strikes=1 until=20[0-9-]*T[0-9:]*Z reason=state$'
    HANDLER=("${handler[@]}")
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 0 "bytes for the locked source"
    logged_times 1 'refused source=127\.0\.0\.2 reason=locked until='
    is "$(acted)" 0 actions
}

@test "I8: a right reply whose strike cannot be taken back for want of the lock: the log has the lock that it leaves" {
    not_forgiven 'cannot be locked: .*Input/output error' flock:error=EIO:when=5
}

@test "I8: a right reply whose strike cannot be taken back for want of a write: the log has the lock that it leaves" {
    not_forgiven 'the table cannot be written: .*Input/output error' pwrite64:error=EIO:when=4
}

# ---- A handler without root's rights ----

# as_user SETPRIV-OPTION...: the handler as nobody, who owns what it needs.
as_user() {
    HANDLER=(setpriv --reuid 65534 --regid 65534 "$@" "$OSTIARYD" -e -c "$CONFIG")
    chown 65534 "$CONFIG" "$WORK/state"
    # For what a sanitizer has to say.
    chmod 1777 "$WORK"
}

@test "I7: a handler that is not root, in a group that is not its user's: refused before anybody is told accepted" {
    local groups problem='only root can change them'
    for groups in 4 65534,4 0; do
        : >"$LOG"
        as_user --groups "$groups"
        knock 127.0.0.2=sesame
        is "$(of 1 length) $(of 1 status)" '32 78' "bytes and exit status, groups $groups"
        logged_times 1 "error: user '65534': it would run with uid 65534, gid 65534 and no other group; .*$problem"
        logged_times 1 'refused source=127\.0\.0\.2 reason=config action=knock'
        not_logged accepted
    done
    is "$(acted)" 0 actions
    run "${HANDLER[@]}" -t
    is "$status" 78 "status of -t"
    matches "$output" "$problem"
}

@test "I7: a handler that is not root, in its user's groups or in none: its action is run as itself" {
    local groups i=2
    write_action knock "id -u >>$WORK/out/knock; id -g >>$WORK/out/knock; id -G >>$WORK/out/knock"
    for groups in --init-groups --clear-groups; do
        as_user "$groups"
        knock "127.0.0.$i=sesame"
        is "$(of 1 receipt)" right "receipt, $groups"
        logged "accepted source=127\.0\.0\.$i action=knock uid=65534 gid=65534"
        eventually has_lines "$WORK/out/knock" 3
        is "$(xargs <"$WORK/out/knock")" '65534 65534 65534' "uid, gid and groups, $groups"
        rm "$WORK/out/knock"
        i=$((i + 1))
    done
}

@test "I7: a launcher whose securebits let root's rights outlive the change of user: the action is not run" {
    HANDLER=(setpriv --securebits +no_setuid_fixup "${HANDLER[@]}")
    knock 127.0.0.2=sesame
    is "$(of 1 status)" 126 "exit status"
    logged "action=knock command '.*': cannot take on its user and groups: Operation not permitted"
    is "$(acted)" 0 actions
}

# ---- What a launcher leaves behind in a process ----

# with_timers SECONDS: the handler inherits all three timers, each to fire once.
with_timers() {
    HANDLER=(/usr/bin/python3 -ISc 'import os, signal, sys
for timer in signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF:
    signal.setitimer(timer, float(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])' "$1" "${HANDLER[@]}")
}

@test "an alarm of the launcher ends no handler" {
    write_door COMM_TIMEOUT=4
    with_timers 2
    knock 127.0.0.2=idle
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 0' "bytes, end and exit status"
    logged_times 1 'rejected source=127\.0\.0\.2 reason=timeout'
    [ "$(of 1 end_ms)" -ge 3900 ]
}

@test "I7: an alarm of the launcher does not reach the action" {
    with_timers 600
    cat >"$WORK/bin/knock" <<END
#!/usr/bin/python3 -ISB
import signal
with open("$WORK/out/knock", "w") as out:
    for timer in signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF:
        print(signal.getitimer(timer), file=out)
END
    knock 127.0.0.2=sesame
    eventually has_lines "$WORK/out/knock" 3
    is "$(sort -u "$WORK/out/knock")" '(0.0, 0.0)' "timers of the action"
}

# A pipe for the log: the limit holds for files.
with_no_file_size() {
    # shellcheck disable=SC2016 # for the inner shell
    HANDLER=(bash -c 'exec prlimit --fsize=0 -- "${@:2}" 2> >(exec cat >>"$1")' bash "$LOG" "${HANDLER[@]}")
}

@test "I8: a launcher's file size limit of 0 is a fault of the table, and no death without a word" {
    with_no_file_size
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 status)" '0 74' "bytes and exit status without a table"
    logged 'refused source=127\.0\.0\.2 reason=state'
    logged_times 1 'the table cannot be created: .*File too large'
    HANDLER=("${SERVER[@]}")
    knock 127.0.0.9=leave
    with_no_file_size
    knock 127.0.0.3=sesame
    is "$(of 1 length) $(of 1 status)" '0 74' "bytes and exit status with a table"
    logged 'refused source=127\.0\.0\.3 reason=state'
    logged_times 1 'the table cannot be written: .*File too large'
}

@test "I7: the action has default signals, SIGXFSZ among them, and the launcher's file size limit" {
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/knock"
    HANDLER=(prlimit --fsize=100000000 "${HANDLER[@]}")
    knock 127.0.0.2=sesame
    eventually compgen -G "$WORK/out/dump.*"
    is "$(sed -n 's/^SigIgn:[[:space:]]*//p' "$WORK"/out/dump.*)" 0000000000000000 "signals that the action ignores"
    matches "$(cat "$WORK"/out/dump.*)" 'Max file size +100000000 '
}

# ---- socket= ----

# use_socket [LINE...]: the action is told to whoever listens at $SOCKET.
use_socket() {
    SOCKET=$WORK/out/told
    TOLD=$WORK/told
    ACTION="ACTION=\"sesame\",\"\",\"socket=$SOCKET\""
    write_door "$@"
}

# listen [OPTION...]: see listener.py; what it was told is in $TOLD.
listen() {
    : >"$TOLD"
    "$TOOLS/listener.py" "$@" "$SOCKET" "$TOLD" 3>&- &
    HELPERS+=($!)
    eventually test -S "$SOCKET"
}

# not_told REGEX: a right secret is refused, without a receipt, for this reason.
not_told() {
    : >"$LOG"
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 receipt) $(of 1 status)" '32 none 78' "bytes, receipt and exit status"
    logged_times 1 "error: socket '$SOCKET': $1"
    logged_times 1 'refused source=127\.0\.0\.2 reason=config action=told'
    not_logged accepted
    rm -f "$SOCKET"
}

@test "socket=: the line is the address and a newline, from IPv4, IPv4 in IPv6, and IPv6; and the receipt is sent" {
    use_socket
    listen
    knock 127.0.0.2=sesame ::ffff:127.0.0.3=sesame ::1=sesame
    is "$(how_many receipt right) $(how_many status 0)" '3 3' "receipts and exit statuses"
    eventually has_lines "$TOLD" 3
    is "$(cat "$TOLD")" "$(printf "b'%s\\\\n'\n" 127.0.0.2 127.0.0.3 ::1)" "what was told"
    logged_times 1 "accepted source=::1 action=told socket=$SOCKET"
    knock 127.0.0.4=wrong
    is "$(of 1 length)" 32 "bytes for a wrong reply"
    is "$(wc -l <"$TOLD")" 3 "lines told"
}

@test "socket=: a listener that is neither root's nor the handler's own is told nothing" {
    use_socket
    listen --user=65533
    not_told 'Operation not permitted: root must listen there'
    is "$(grep -c "[^b']" "$TOLD" || true)" 0 "what it was told: $(cat "$TOLD")"
}

@test "socket=: a handler that is not root tells root and its own user, and no other" {
    use_socket
    as_user --clear-groups
    listen --user=65533
    not_told 'Operation not permitted: root must listen there'
    listen --user=65534
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" right "receipt from its own user"
    eventually grep -qF 127.0.0.3 "$TOLD"
    rm "$SOCKET"
    listen
    knock 127.0.0.4=sesame
    is "$(of 1 receipt)" right "receipt from root"
    eventually grep -qF 127.0.0.4 "$TOLD"
}

@test "socket=: nobody listens, there is no socket, it is none, or it is busy: refused" {
    use_socket
    not_told 'No such file or directory: start the socket unit'
    : >"$SOCKET"
    not_told 'is not a socket'
    /usr/bin/python3 -ISc 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SOCKET"
    not_told 'Connection refused: root must listen there'
    listen --busy
    not_told 'Resource temporarily unavailable: root must listen there, and not be too busy'
}

@test "I12: socket=: who knocked is told accepted when the line has been read, and not when it is dropped" {
    use_socket COMM_TIMEOUT=2
    listen --drop
    knock 127.0.0.2=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 126' "bytes, end and exit status for one that is dropped"
    logged_times 1 "action=told socket '$SOCKET': (Connection reset by peer|Broken pipe): the line was dropped unread: the action runs already, or ends without reading it"
    logged_times 1 'refused source=127\.0\.0\.2 reason=busy action=told'
    rm "$SOCKET"
    listen --deaf
    knock 127.0.0.3=sesame
    is "$(of 1 length) $(of 1 end) $(of 1 status)" '32 eof 75' "bytes, end and exit status for one that is not read"
    logged_times 1 'refused source=127\.0\.0\.3 reason=deadline action=told step=socket'
    not_logged accepted
    rm "$SOCKET"
    write_door COMM_TIMEOUT=600
    listen --after=0.5
    knock 127.0.0.4=sesame
    is "$(of 1 receipt) $(of 1 status)" 'right 0' "receipt and exit status for one that is read late"
    [ "$(of 1 end_ms)" -ge 500 ]
    logged_times 1 "accepted source=127\.0\.0\.4 action=told socket=$SOCKET"
    is "$(in_slot 127.0.0.2 strikes) $(in_slot 127.0.0.3 strikes)" '0 0' "strikes"
}

@test "socket=: LOCKOUT_ACTION is told of the locked source, once" {
    use_socket MAX_BAD_CONNS=2 "LOCKOUT_ACTION=\"\",\"\",\"socket=$WORK/out/told\",\"name=alarm\""
    listen
    one_by_one 127.0.0.2=wrongx2 127.0.0.2=sesame
    is "$(lengths)" '32 32 0' "bytes"
    is "$(how_many status 0)" 3 "exit statuses of 0"
    logged_times 1 'locked source=127\.0\.0\.2 '
    logged_times 1 'LOCKOUT_ACTION=alarm is run'
    eventually has_lines "$TOLD" 1
    at_noon 127.0.0.3=sesame@100
    eventually has_lines "$TOLD" 2
    is "$(cat "$TOLD")" "$(printf "b'%s\\\\n'\n" 127.0.0.2 127.0.0.3)" "what was told"
}

@test "socket=: LOCKOUT_ACTION that nobody listens for: the lock stands, and the log says why" {
    use_socket MAX_BAD_CONNS=1 "LOCKOUT_ACTION=\"\",\"\",\"socket=$WORK/out/told\",\"name=alarm\""
    knock 127.0.0.2=wrong
    is "$(of 1 length) $(of 1 status)" '32 78' "bytes and exit status"
    logged_times 1 'locked source=127\.0\.0\.2 '
    logged_times 1 "error: socket '$SOCKET': No such file"
    not_logged 'LOCKOUT_ACTION=alarm is run'
    knock 127.0.0.2=sesame
    is "$(of 1 length)" 0 "bytes for the locked source"
}

# ---- Looking up users ----

@test "I4: no secret is in memory while users are looked up, which may load libraries and ask servers" {
    local secret='Xylophones-quietly-vex-6130' in_file='Jackdaws-love-sphinx-of-quartz-8842' wanted
    echo "$in_file" >"$WORK/key"
    chmod 600 "$WORK/key"
    ACTION="ACTION=\"$secret\",\"$WORK/bin/knock\",\"daemon\""
    write_door 'KILL="quick zephyrs blow vexing Daft Jim"' \
        "ACTION=\"\",\"$WORK/bin/knock\",\"65534\",\"65534\",\"name=other\",\"secret-file=$WORK/key\""
    stopped_by -P /etc/nsswitch.conf -e trace=openat -e inject=openat:signal=SIGSTOP:when=1 "127.0.0.2=$secret"
    not_logged .
    run "$TOOLS/memory_scan.py" "$STOPPED" "$secret" "${secret:14}" "${secret:0:12}" "$in_file" "${in_file:20}" \
        "${in_file:0:16}" 'quick zephyrs' 'vexing Daft Jim' "$CONFIG" "$WORK/bin/knock"
    is "$status" 0 "status of memory_scan.py, which said: $output"
    for wanted in "$secret" "${secret:14}" "${secret:0:12}" "$in_file" "${in_file:20}" "${in_file:0:16}" \
        'quick zephyrs' 'vexing Daft Jim'; do
        is "$(grep -F " $wanted" <<<"$output" | head -n 1 | cut -d' ' -f1)" 0 "how often it is in memory: $wanted"
    done
    # The scan sees what is there.
    matches "$output" "(^|"$'\n'")[1-9][0-9]* $CONFIG"
    matches "$output" "(^|"$'\n'")[1-9][0-9]* $WORK/bin/knock"
    go_on
    logged 'accepted source=127\.0\.0\.2 action=knock uid=1 '
}

# letters COUNT MARK: a secret of so many, which stand nowhere else.
letters() {
    local text=
    while [ ${#text} -lt "$1" ]; do
        text+="$2${#text}-Quizzical-$2-Wombat"
    done
    echo "${text:0:$1}"
}

# Keys: what could take a secret's place stays nowhere, the stack below the comparison included.
@test "I4: nothing that HMAC makes of a secret is in memory when the reply has been found wrong" {
    local secret secrets=() lines=()
    for secret in "$(letters 28 a)" "$(letters 64 b)" "$(letters 65 c)" "$(letters 200 d)" "$(letters 255 e)"; do
        secrets+=("$secret" "keys-of:$secret")
        lines+=("ACTION=\"$secret\",\"$WORK/bin/knock\",\"65534\",\"65534\"")
    done
    ACTION=${lines[0]}
    write_door "${lines[@]:1}"
    knock 127.0.0.9=leave
    # It ends the connection at once: nothing that comes later has used the stack yet.
    stopped_by -e trace=shutdown -e inject=shutdown:signal=SIGSTOP:when=1 127.0.0.2=wrong
    run "$TOOLS/memory_scan.py" "$STOPPED" "${secrets[@]}" "$CONFIG"
    is "$status" 0 "status of memory_scan.py, which said: $output"
    is "$(wc -l <<<"$output")" 61 "what it looked for"
    is "$(grep -v '^0 ' <<<"$output" | grep -v " $CONFIG$")" '' "what is in memory"
    matches "$output" "(^|"$'\n'")[1-9][0-9]* $CONFIG"
    go_on
    logged 'rejected source=127\.0\.0\.2 reason=wrong-reply'
}

@test "I4: nor when it was right, and the user is looked up" {
    local secret
    secret=$(letters 100 f)
    ACTION="ACTION=\"$secret\",\"$WORK/bin/knock\",\"daemon\""
    write_door
    stopped_by -P /etc/nsswitch.conf -e trace=openat -e inject=openat:signal=SIGSTOP:when=1 "127.0.0.2=$secret"
    run "$TOOLS/memory_scan.py" "$STOPPED" "$secret" "keys-of:$secret"
    is "$(grep -c '^0 ' <<<"$output") $(wc -l <<<"$output")" '12 12' "what is not in memory: $output"
    go_on
    logged 'accepted source=127\.0\.0\.2 '
}
