#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The ordinary and the sealed door on one table, on a real systemd; and how two tables of an earlier version become one.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

ORDINARY=$OSTIARY_SYSCONFDIR/ostiary.cfg
SEALED=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg
STATE=/var/lib/ostiary
OLD_SEALED=/var/lib/ostiary-sealed

setup_file() {
    need_container
    container_boot
    container_install
    echo 'a secret that opens a door' | write_inside /root/right 600
    echo 'a secret that closes a door' | write_inside /root/kill 600
    echo 'a secret that is wrong' | write_inside /root/wrong 600
    inside systemd-run --quiet --unit=test-report "$TOOLS/listener.py" /run/ostiary/report /run/reports
    ordinary
    sealed
    inside systemctl daemon-reload
    inside systemctl enable ostiary.socket ostiary-sealed.socket
}

teardown_file() {
    container_stop
}

# ordinary LINE...: the ordinary door's configuration; sealed LINE...: the sealed one's.
ordinary() {
    write_inside "$ORDINARY" 600 < <(printf '%s\n' DELAY=1 'ACTION="a secret that opens a door","/bin/true","nobody"' \
        'KILL="a secret that closes a door"' "$@")
}

sealed() {
    write_inside "$SEALED" 640 root:ostiary < <(printf '%s\n' DELAY=1 PORT=5019 'KILL="a secret that closes a door"' \
        'ACTION="a secret that opens a door","","socket=/run/ostiary/report"' "$@")
}

setup() {
    inside systemctl stop ostiary.socket ostiary-sealed.socket
    inside systemctl reset-failed
    inside sh -c 'rm -f /var/lib/ostiary/* /var/lib/ostiary-root/*'
    journal_from_here
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

# knock_at PORT ADDRESS KEY STATUS: from that address, and the client ends with that status.
knock_at() {
    inside ip route replace local "$2" dev lo src "$2"
    run inside "$OSTIARY_BINDIR/ostclient" -w -t 600 -k "/root/$3" "$2:$1"
    is "$status" "$4" "status of the knock of $2 at port $1"
}

lock_out() {
    local i
    for i in 1 2 3; do
        knock_at "$1" "$2" wrong 77
    done
}

are() {
    eventually unit_is ostiary.socket "$1"
    eventually unit_is ostiary-sealed.socket "$2"
}

# The table is the user's, whoever made it, and nothing of root's lies there.
table_is_ostiarys() {
    is "$(inside find "$STATE" ! -user ostiary -o ! -group ostiary)" "" "what is not ostiary's"
    is "$(inside stat -c %U:%G:%a "$STATE" "$STATE/lockout")" "$(printf 'ostiary:ostiary:700\nostiary:ostiary:600')" "the state"
}

@test "I2: the ordinary door comes first: who is locked out there is at the sealed one" {
    inside systemctl start ostiary.socket
    knock_at 5018 127.0.0.7 right 0
    table_is_ostiarys
    inside systemctl start ostiary-sealed.socket
    knock_at 5019 127.0.0.8 right 0
    lock_out 5018 127.0.0.9
    knock_at 5019 127.0.0.9 right 75
    journal_says 'ostiaryd.*: refused source=127\.0\.0\.9 reason=locked'
    table_is_ostiarys
    all_is_well
}

@test "I2: the sealed door comes first: who is locked out there is at the ordinary one, and unlocked at both" {
    inside systemctl start ostiary-sealed.socket
    knock_at 5019 127.0.0.7 right 0
    table_is_ostiarys
    inside systemctl start ostiary.socket
    knock_at 5018 127.0.0.8 right 0
    lock_out 5019 127.0.0.9
    knock_at 5018 127.0.0.9 right 75
    inside ostiaryctl unlock 127.0.0.9
    knock_at 5018 127.0.0.9 right 0
    knock_at 5019 127.0.0.9 right 0
    inside ostiaryctl lock 127.0.0.10
    inside ostiaryctl repair
    knock_at 5019 127.0.0.10 right 75
    table_is_ostiarys
    all_is_well
}

@test "I5: the ordinary door's seeds are counted where the user ostiary has no say" {
    inside systemctl start ostiary.socket
    knock_at 5018 127.0.0.7 right 0
    is "$(inside stat -c %U:%G:%a:%s /var/lib/ostiary-root /var/lib/ostiary-root/seed | cut -d: -f1-3)" \
        "$(printf 'root:root:700\nroot:root:600')" "the counter"
    local before
    before=$(inside od -An -td8 -j8 -N8 /var/lib/ostiary-root/seed)
    knock_at 5018 127.0.0.7 right 0
    is "$(inside od -An -td8 -j8 -N8 /var/lib/ostiary-root/seed | tr -d ' ')" "$((before + 1))" "the next number"
}

@test "KILL at either door closes both, over a reboot too, and open opens both" {
    inside systemctl start ostiary.socket ostiary-sealed.socket
    knock_at 5019 127.0.0.7 kill 0
    are inactive inactive
    is "$(inside sh -c 'cd /var/lib/ostiary && echo closed*')" closed "what closes them"
    container_reboot
    inside systemd-run --quiet --unit=test-report "$TOOLS/listener.py" /run/ostiary/report /run/reports
    are inactive inactive
    inside ostiaryctl open
    are active active
    knock_at 5018 127.0.0.8 kill 0
    are inactive inactive
    inside ostiaryctl -c "$SEALED" open
    are active active
    knock_at 5018 127.0.0.9 right 0
    knock_at 5019 127.0.0.9 right 0
    table_is_ostiarys
    all_is_well
}

@test "ostiaryctl close closes both, with either configuration, and status says so at both" {
    inside systemctl start ostiary.socket ostiary-sealed.socket
    inside ostiaryctl close
    are inactive inactive
    run inside ostiaryctl -c "$SEALED" status
    matches "$output" 'door +closed since .*by-hand'
    inside ostiaryctl open
    are active active
    inside ostiaryctl -c "$SEALED" close moving
    are inactive inactive
    run inside ostiaryctl status
    matches "$output" 'door +closed since .*moving'
    inside ostiaryctl open
    are active active
    table_is_ostiarys
    all_is_well
}

@test "what was to stop the ports of closed doors does not stop those that open has opened" {
    write_inside /etc/systemd/system/ostiary-closed.service.d/slow.conf < <(printf '%s\n' '[Service]' ExecStart= \
        "ExecStart=/bin/sh -c '[ -e $STATE/closed ] || exit 0; sleep 2; exec systemctl stop --no-block ostiary.socket ostiary-sealed.socket'")
    inside systemctl daemon-reload
    inside systemctl start ostiary.socket ostiary-sealed.socket
    inside ostiaryctl close
    eventually unit_is ostiary-closed.service activating
    inside ostiaryctl open
    unit_is ostiary-closed.service inactive
    are active active
    knock_at 5018 127.0.0.9 right 0
    knock_at 5019 127.0.0.9 right 0
    inside rm -r /etc/systemd/system/ostiary-closed.service.d
    inside systemctl daemon-reload
    all_is_well
}

@test "a limit of the sealed door closes that one alone, and the other way round" {
    sealed MAX_TOTAL_ERRS=2
    ordinary MAX_SINGLE_ERRS=1
    inside systemctl start ostiary.socket ostiary-sealed.socket
    knock_at 5019 127.0.0.7 wrong 77
    knock_at 5019 127.0.0.8 wrong 77
    are active inactive
    is "$(inside sh -c 'cd /var/lib/ostiary && echo closed*')" closed-sealed "what closes it"
    knock_at 5018 127.0.0.9 right 0
    run inside ostiaryctl status
    is "$status" 0 "status of the ordinary door's status"
    matches "$output" 'door +open.*sealed door +closed since .*max-total-errs'
    matches "$(inside ostiaryctl list)" '; the sealed door is closed since .*max-total-errs$'
    run inside ostiaryctl -c "$SEALED" status
    is "$status" 1 "status of the sealed door's status"
    matches "$output" 'door +closed since .*max-total-errs'
    # The table says it as well, as where the file could not be written.
    inside rm /var/lib/ostiary/closed-sealed
    matches "$(inside ostiaryctl list)" '; the sealed door is closed: max-total-errs$'
    inside ostiaryctl open
    are active active
    knock_at 5018 127.0.0.10 wrong 77
    are inactive active
    knock_at 5019 127.0.0.9 right 0
    # And the second of them is seen as the first was.
    knock_at 5019 127.0.0.7 wrong 77
    knock_at 5019 127.0.0.8 wrong 77
    are inactive inactive
    inside ostiaryctl open
    are active active
    sealed
    ordinary
    table_is_ostiarys
    all_is_well
}

# Both doors as they were set up with version 5.0.0: each with a table of its own.
old_tables() {
    inside sh -ec 'rm -rf "$1" "$2" "$1-root"
        mkdir -m 700 "$1" "$2"
        cp "$3/table-1-networks" "$1/lockout"
        cp "$3/table-1" "$2/lockout"
        chmod 600 "$1/lockout" "$2/lockout"
        chown -R root:root "$1"
        chown -R ostiary:ostiary "$2"' sh "$STATE" "$OLD_SEALED" "$OSTIARY_SOURCE/tests/data/golden"
    sealed "STATE_DIR=\"$OLD_SEALED\"" TABLE_SIZE=64
    ordinary TABLE_SIZE=64
    # What an upgrade does.
    inside systemd-sysusers
    inside systemd-tmpfiles --create
    inside systemctl daemon-reload
}

# Locks that are in force in a table, from its door's configuration.
locked() {
    inside ostiaryctl -c "$1" list --json | /usr/bin/python3 -ISc 'import json, sys
print(*sorted(row["source"] for row in json.load(sys.stdin)["sources"] if row["locked"]))'
}

@test "two tables of version 5.0.0 go on as they are, and by what check says become one that has the locks of both" {
    old_tables
    inside systemctl start ostiary.socket ostiary-sealed.socket
    knock_at 5018 127.0.0.7 right 0
    knock_at 5019 127.0.0.8 right 0
    is "$(inside stat -c %U "$STATE" "$STATE/lockout" "$OLD_SEALED" "$OLD_SEALED/lockout" | paste -sd ' ')" \
        'root root ostiary ostiary' "whose they are"
    matches "$(locked "$ORDINARY")" '2001:db8:1:2::/64.*203\.0\.113\.0/24'
    matches "$(locked "$SEALED")" '2001:db8:1:2::/64'
    lock_out 5019 127.0.0.9
    lock_out 5018 127.0.0.10
    knock_at 5018 127.0.0.9 right 0

    run inside ostiaryctl -c "$SEALED" check
    is "$status" 0 "status of the sealed door's check"
    local said=$output
    run inside ostiaryctl check
    is "$status" 0 "status of check"
    # The same commands, whichever door is asked.
    is "$(grep -o "'.*" <<<"$output" | head -n 1)" "$(grep -o "'.*" <<<"$said" | head -n 1)" "what both say"
    local command
    while read -r command; do
        echo "# $command"
        inside sh -c "$command"
    done < <(grep 'note: STATE_DIR' <<<"$output" | grep -o "'[^']*'" | tr -d "'")

    are active active
    table_is_ostiarys
    matches "$(locked "$ORDINARY")" '127\.0\.0\.10 127\.0\.0\.9 2001:db8:1:2::/64 203\.0\.113\.0/24'
    is "$(locked "$SEALED")" "$(locked "$ORDINARY")" "the locks at both doors"
    knock_at 5018 127.0.0.9 right 75
    knock_at 5019 127.0.0.10 right 75
    knock_at 5018 127.0.0.11 right 0
    knock_at 5019 127.0.0.11 right 0
    run inside ostiaryctl check
    is "$output" "$ORDINARY: good" "check afterwards"
    all_is_well
}

@test "an ordinary door alone goes on with a directory of root's, and its limits and KILL close it" {
    old_tables
    inside systemctl disable ostiary-sealed.socket
    inside rm "$SEALED"
    inside systemctl daemon-reload
    inside systemctl start ostiary.socket
    knock_at 5018 127.0.0.7 right 0
    lock_out 5018 127.0.0.9
    knock_at 5018 127.0.0.9 right 75
    knock_at 5018 127.0.0.8 kill 0
    eventually unit_is ostiary.socket inactive
    inside ostiaryctl open
    eventually unit_is ostiary.socket active
    is "$(inside find "$STATE" ! -user root)" "" "what is not root's"
    is "$(inside find /var/lib/ostiary-root -type f)" "" "what lies beside it"
    run inside ostiaryctl check
    is "$output" "$ORDINARY: good" "check"
    inside systemctl enable ostiary-sealed.socket
}

@test "a sealed door alone goes on with the directory that it had" {
    old_tables
    inside sh -c 'echo closed of old >"$1/closed" && chown ostiary:ostiary "$1/closed"' sh "$OLD_SEALED"
    inside systemctl start ostiary-sealed.socket
    unit_is ostiary-sealed.socket inactive
    inside ostiaryctl -c "$SEALED" open
    eventually unit_is ostiary-sealed.socket active
    lock_out 5019 127.0.0.9
    knock_at 5019 127.0.0.9 right 75
    knock_at 5019 127.0.0.8 kill 0
    eventually unit_is ostiary-sealed.socket inactive
    is "$(inside find "$OLD_SEALED" ! -user ostiary)" "" "what is not ostiary's"
}
