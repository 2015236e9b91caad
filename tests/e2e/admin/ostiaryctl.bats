#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The administrator's tool: what it shows, what it changes, and above all what it leaves alone.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/ctl

setup() {
    need_root
    make_work
    use_ctl
}

teardown() {
    stop_systemd
    stop_sockets
    remove_work
}

# ---- the command line -----------------------------------------------------------------------------------------------

@test "a wrong command line is status 64, says why, and touches nothing" {
    local line
    # One command line each; blanks part the words.
    while read -r line; do
        # shellcheck disable=SC2086 # words on purpose
        ctl 64 $line
        matches "$output" '^ostiaryctl: '
    done <<'END'

frob
list --frob
list --json --json
list 192.0.2.7 192.0.2.8
lock
lock 192.0.2.7 1d 1d
unlock
unlock --all 192.0.2.7
unlock --all --all
flush all
verify all
repair all
repair --empty --empty
check all
open all
keygen all
add
add name
remove
close one two
status all
log 192.0.2.7
log -n
log -n 1 -n 1
log -n -1
log -n 1000001
log -f -f
log --since 1d --since 1d
log --source 192.0.2.7 --source 192.0.2.7
log --action a --action a
log --door sealed --door sealed
log --door front
log --since yesterday
log --since 2026-02-30
log --source example.org
grants ssh
grants --json --json
grants --user
grant ssh
grant ssh 192.0.2.7 1h alice
grant ssh 192.0.2.7 --user a --user b
revoke ssh
revoke ssh 192.0.2.7 alice
-c /dev/null list
END
    [ ! -e "$TABLE" ]
}

@test "an address that is not wholly one is an error, never a wildcard" {
    local address
    for address in '' 192.0.2 192.0.2.7/33 192.0.2.7/24 192.0.2.0/ 192.0.2.0/2x 192.0.2.256 0300.0.2.7 192.0.2.7. ' 192.0.2.7' '*' all \
        localhost 2001:db8::7/48 2001:db8:::7 fe80::1 2001:db8::7%lo 2001:db8::/129 '::ffff:192.0.2.0/24' /24 2001:db8::/96; do
        ctl 64 lock "$address"
        ctl 64 unlock "$address"
    done
    for address in 192.0.2.7/24 localhost '' fe80::1; do
        ctl 64 list "$address"
    done
    [ ! -e "$TABLE" ]
}

@test "who asks to lock everybody is told of close, and nobody is locked" {
    local network
    for network in 0.0.0.0/0 ::/0 ::/64 ::ffff:0.0.0.0/96; do
        ctl 64 lock "$network"
        matches "$output" "use 'ostiaryctl -c $CONFIG close'"
    done
    [ ! -e "$TABLE" ]
    ctl 0 lock 0.0.0.0/1
}

@test "who is neither root nor the owner is told to run it as root, with status 77" {
    local command
    ctl 0 lock 192.0.2.7
    # Where the configuration cannot be read, and where only the table cannot.
    for mode in 600 644; do
        cp "$CONFIG" "$WORK/other.cfg"
        chmod "$mode" "$WORK/other.cfg"
        [ "$mode" = 600 ] || chown nobody "$WORK/other.cfg"
        chmod 600 "$WORK/other.cfg"
        for command in list 'lock 192.0.2.8' 'unlock 192.0.2.7' 'unlock --all' flush open close verify repair check status; do
            # shellcheck disable=SC2086 # words on purpose
            run setpriv --reuid nobody --regid nogroup --clear-groups "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$WORK/other.cfg" $command
            is "$status" 77 "status of $command: $output"
            matches "$output" 'run as root'
        done
    done
    ctl 0 list
    is "$(tail -n 1 <<<"$output")" '1 source, 1 locked'
}

@test "--version says which it is, and --help what there is" {
    ctl 0 --version
    matches "$output" '^ostiaryctl 5\.'
    ctl 0 --help
    matches "$output" '^usage: ostiaryctl'
}

# ctl_with NAME STATUS ARGUMENT...: the same where NAME fails: tests/tools/interpose.c.
ctl_with() {
    local CTL_WITH=("${CTL_WITH[@]}" env LD_PRELOAD="$OSTIARY_BUILD/tests/libinterpose.so" OSTIARY_TEST_BREAK="$1")
    ctl "${@:2}"
}

@test "without a clock nothing is said of times and nothing is changed" {
    ctl 0 lock 192.0.2.7
    cp "$TABLE" "$WORK/before"
    ctl_with clock-1 71 list
    ctl_with clock-1 71 unlock 192.0.2.7
    matches "$output" 'the clock cannot be read'
    cmp "$TABLE" "$WORK/before"
}

@test "an answer that cannot be written is not taken for given" {
    run bash -c '"$1" -c "$2" list >/dev/full' bash "$OSTIARY_BUILD/src/admin/ostiaryctl" "$CONFIG"
    is "$status" 74 status
    run bash -c '"$1" keygen >/dev/full' bash "$OSTIARY_BUILD/src/admin/ostiaryctl"
    is "$status" 74 "status of keygen"
}

# ---- list -----------------------------------------------------------------------------------------------------------

@test "list: no table yet is no source, status 0, and none is made" {
    ctl 0 list
    is "$output" 'no sources'
    ctl 0 list --json
    is "$(json sources)" '[]'
    is "$(ls -A "$STATE")" '' "files in the state directory"
}

@test "list shows strikes, refusals, last seen and locks: the longest lock first, then the strikes, then totals" {
    strikes 192.0.2.1 1 600
    strikes 192.0.2.2 2 60
    strikes 192.0.2.3 5 7200
    strikes 192.0.2.4 2 7200
    strikes 2001:db8::5 3 0
    ctl 0 lock 198.51.100.0/24 7d
    ctl 0 lock 203.0.113.9 0
    ctl 0 list
    is "$(sed -E 's/(just now|[0-9]+ s ago) +/now            /' <<<"$output")" "\
SOURCE           STRIKES  REFUSED  LAST SEEN      LOCKED
203.0.113.9            0        0  -              until unlocked
198.51.100.0/24        0        0  -              7 d left
2001:db8::/64          3        0  now            1 d left
192.0.2.3              3        2  2 h ago        22 h left
192.0.2.2              2        0  1 min ago      -
192.0.2.1              1        0  10 min ago     -
192.0.2.4              0        0  2 h ago        -
7 sources, 4 locked"
}

@test "list: of those with equal strikes the one seen last comes first, and the rest in the order of their addresses" {
    # Seen in the same second, that is: tried again where one has ended while a strike was made.
    local address second seen_at together
    seen_at=$(($(date +%s) - 600))
    for _ in {1..60}; do
        rm -f "$TABLE"
        together=yes
        for address in 192.0.2.9 192.0.2.1 192.0.2.5; do
            second=$(date +%s)
            strikes "$address" 1 $((second - seen_at))
            [ "$(date +%s)" = "$second" ] || together=no
        done
        [ "$together" = no ] || break
    done
    strikes 192.0.2.7 1 60
    ctl 0 list
    is "$(sed -nE 's/^(192[0-9.]*) .*/\1/p' <<<"$output" | xargs)" '192.0.2.7 192.0.2.1 192.0.2.5 192.0.2.9'
}

@test "list ADDR shows its source and every lock that covers it" {
    strikes 192.0.2.1 1 60
    strikes 192.0.2.2 1 60
    strikes 2001:db8::5 1 60
    ctl 0 lock 192.0.2.0/24 7d
    ctl 0 list --json 192.0.2.1
    is "$(json totals.sources)" 2
    is "$(json sources.0.source)" 192.0.2.0/24
    is "$(json sources.1.source)" 192.0.2.1
    ctl 0 list --json ::ffff:192.0.2.2
    is "$(json sources.1.source)" 192.0.2.2
    ctl 0 list --json 2001:db8::ffff
    is "$(json totals.sources)" 1
    is "$(json sources.0.source)" 2001:db8::/64
    ctl 0 list 203.0.113.1
    is "$output" 'no such source'
}

@test "list of an IPv4 address does not show the source of ::1, though ::/64 is how that is written" {
    strikes 192.0.2.1 1 60
    strikes ::1 1 60
    ctl 0 list --json 192.0.2.1
    is "$(json totals.sources) $(json sources.0.source)" '1 192.0.2.1'
    ctl 0 list --json ::1
    is "$(json sources.0.source)" ::/64
    ctl 0 list --json ::/0
    is "$(json totals.sources)" 2
}

@test "list --json is JSON, with moments in RFC 3339 and numbers" {
    strikes 192.0.2.3 4 7200
    ctl 0 lock 203.0.113.9 0
    ctl 0 close 'a "quoted" \ reason'
    ctl 0 list --json
    /usr/bin/python3 -m json.tool <<<"$output" >/dev/null
    is "$(json sources.0)" "{'source': '203.0.113.9', 'network': False, 'strikes': 0, 'refused': 0, 'last_seen': None, 'locked': True, 'locked_until': None, 'by_hand': True}"
    is "$(json sources.1.strikes)" 3
    is "$(json sources.1.refused)" 1
    is "$(json sources.1.by_hand)" False
    matches "$(json sources.1.last_seen)" '^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$'
    is "$(($(date -d "$(json sources.1.locked_until)" +%s) - $(date -d "$(json sources.1.last_seen)" +%s)))" 86400 "length of the lock"
    is "$(json closed.reason)" 'a "quoted" \ reason'
    is "$(json totals.locked)" 2
    is "$(json totals.places)" 64
}

# Names, inodes, sizes, modes, owners and all times of what is in the state directory. The time of the last access to
# `closed` is left out.
everything() {
    (cd "$STATE" && stat -c '%n %i %s %a %u %g %y %z' . ./* && stat -c '%n %x' . lockout)
}

@test "list, verify, check and status leave bytes, times and locks as they were" {
    local before command
    strikes 192.0.2.3 4 7200
    ctl 0 close
    cp -a "$STATE" "$WORK/copy"
    # Long before the last change: the kernel would otherwise not move the time of access at all.
    touch -a -d 2001-01-01 "$STATE" "$STATE"/*
    before=$(everything)
    for command in list 'list --json' 'list 192.0.2.3' verify check 'status --json'; do
        # shellcheck disable=SC2086 # words on purpose
        run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" $command
        is "$(everything)" "$before" "after $command"
    done
    diff -r "$STATE" "$WORK/copy"
}

@test "list works while another process has the table's shared lock, and waits for one that writes" {
    strikes 192.0.2.3 1 60
    flock -s "$TABLE" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" list
    flock -x "$TABLE" sh -c "touch $WORK/held; while [ ! -e $WORK/go ]; do sleep 0.02; done; touch $WORK/released" 3>&- &
    local holder=$!
    eventually test -e "$WORK/held"
    { "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" list >"$WORK/listed"; [ -e "$WORK/released" ] && touch "$WORK/waited"; } 3>&- &
    local lister=$!
    eventually grep -q "^[0-9]*: -> FLOCK .*:$(stat -c %i "$TABLE") " /proc/locks
    touch "$WORK/go"
    wait "$holder" "$lister"
    [ -e "$WORK/waited" ]
}

# ---- lock, unlock, flush --------------------------------------------------------------------------------------------

@test "lock locks the source that an address counts as, for LOCKOUT_TIME, a given time, or until unlocked" {
    use_ctl LOCKOUT_TIME=12h
    ctl 0 lock 192.0.2.7
    matches "$output" '^192\.0\.2\.7 is locked until 20.*Z \(12 h\)$'
    ctl 0 lock 2001:db8::7 10m
    matches "$output" '^2001:db8::/64 is locked until 20.*Z \(10 min\)$'
    ctl 0 lock ::ffff:192.0.2.8 0
    is "$output" '192.0.2.8 is locked until unlocked'
    use_ctl LOCKOUT_TIME=0
    ctl 0 lock 192.0.2.9
    is "$output" '192.0.2.9 is locked until unlocked'
    ctl 0 list
    is "$(tail -n 1 <<<"$output")" '4 sources, 4 locked'
    for time in -1 1w 3651d 1.5h '' 99999999999999999999; do
        ctl 64 lock 192.0.2.10 "$time"
    done
    ctl 0 lock 192.0.2.10 3650d
}

@test "unlock lifts the lock and forgets the strikes of one source and of no other" {
    strikes 192.0.2.1 3 60
    strikes 192.0.2.2 3 60
    strikes 192.0.2.3 2 60
    ctl 0 unlock 192.0.2.1
    is "$output" '192.0.2.1 is unlocked, and its strikes are forgotten'
    ctl 0 unlock 192.0.2.3
    ctl 0 list --json
    is "$(json totals.locked)" 1
    is "$(json totals.with_strikes)" 1
    is "$(json sources.0.source)" 192.0.2.2
    ctl 1 unlock 192.0.2.1
    matches "$output" 'was not locked'
}

@test "unlock says so when a locked network still covers the address" {
    ctl 0 lock 192.0.2.0/24
    ctl 0 lock 192.0.2.7
    ctl 1 unlock 192.0.2.7
    matches "$output" "still locked, with its network: run 'ostiaryctl -c $CONFIG unlock 192\.0\.2\.0/24'"
    ctl 0 unlock 192.0.2.0/24
    ctl 1 unlock 192.0.2.7
    matches "$output" 'was not locked'
}

@test "what is changed by hand is told to syslog too, word for word, and what is only looked at is not" {
    local said=$WORK/said wanted=$WORK/wanted sink
    setpriv --pdeathsig KILL "$OSTIARY_SOURCE/tests/tools/syslog_sink.py" "$WORK/log.sock" "$said" 3>&- &
    sink=$!
    all_is_said() {
        [ "$(wc -l <"$said")" -eq 8 ]
    }
    eventually test -S "$WORK/log.sock"
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=(unshare --mount -- sh -c 'mount -t tmpfs ostiary /run && mount -t tmpfs ostiary /dev && ln -s "$0" /dev/log &&
        exec "$@"' "$WORK/log.sock")
    for command in 'lock 192.0.2.7' 'lock 198.51.100.0/24 0' 'unlock 192.0.2.7' 'unlock --all' flush close open repair; do
        # shellcheck disable=SC2086 # words
        ctl 0 $command
        head -n 1 <<<"$output" >>"$wanted"
        ctl 0 list
        ctl 0 verify
    done
    is "$(wc -l <"$wanted")" 8 "commands that changed something"
    eventually all_is_said
    kill "$sink"
    wait "$sink" || true
    is "$(sed 's/^<37> ostiaryctl\[[0-9]*\]: //' "$said")" "$(cat "$wanted")" "lines in syslog"
}

@test "unlock --all leaves nobody locked, networks neither, and flush only forgets those who are not" {
    strikes 192.0.2.1 1 60
    strikes 192.0.2.2 3 60
    ctl 0 lock 198.51.100.0/24
    ctl 0 flush
    matches "$output" '^1 source is forgotten'
    ctl 0 list
    is "$(tail -n 1 <<<"$output")" '2 sources, 2 locked'
    ctl 0 unlock --all
    matches "$output" '\(2 were\)'
    ctl 0 list --json
    is "$(json totals.locked)" 0
}

# ---- close and open -------------------------------------------------------------------------------------------------

@test "close writes the reason, a second one keeps the first, and open ends it, without systemd too" {
    ctl 0 close
    matches "$output" '^the door is closed since 20.*Z: by-hand; nobody is served'
    matches "$(cat "$STATE/closed")" '^20.*Z by-hand$'
    ctl 0 close maintenance
    matches "$output" '^the door was and remains closed since 20.*Z: by-hand;'
    ctl 0 list
    matches "$output" 'the door is closed since 20.*Z: by-hand$'
    ctl 0 open
    matches "$output" '^the door is open;'
    matches "$output" 'systemd does not run here'
    [ ! -e "$STATE/closed" ]
    ctl 0 open
    matches "$output" '^the door was open already;'
    ctl 64 close $'two\nlines'
    ctl 64 close ''
    [ ! -e "$STATE/closed" ]
}

@test "close works where the table is beyond use" {
    ctl 0 lock 192.0.2.7
    damage 0 896
    ctl 74 list
    ctl 0 close
    [ -e "$STATE/closed" ]
    rm "$STATE/closed" "$TABLE"
    mkdir "$TABLE"
    ctl 74 list
    ctl 0 close
    [ -e "$STATE/closed" ]
}

@test "open starts the socket that is enabled, and no other, and says when that fails" {
    start_systemd
    unit ostiary.socket inactive enabled '[::]:5018'
    unit ostiary-sealed.socket inactive disabled '[::]:5019'
    ctl 0 close
    ctl 0 open
    matches "$output" 'ostiary\.socket is listening'
    is "$(cat "$WORK/units/ostiary.socket/ActiveState")" active
    is "$(cat "$WORK/units/ostiary-sealed.socket/ActiveState")" inactive
    # Both, where both are.
    unit ostiary.socket inactive enabled '[::]:5018'
    unit ostiary-sealed.socket inactive enabled '[::]:5019'
    ctl 0 open
    matches "$output" 'ostiary\.socket is listening'
    matches "$output" 'ostiary-sealed\.socket is listening'
    is "$(cat "$WORK/units/ostiary.socket/ActiveState") $(cat "$WORK/units/ostiary-sealed.socket/ActiveState")" 'active active'
    unit ostiary-sealed.socket inactive disabled '[::]:5019'
    unit ostiary.socket inactive enabled '[::]:5018'
    echo inactive >"$WORK/units/ostiary.socket/after"
    ctl 69 open
    matches "$output" "ostiary\.socket is not started: it is 'inactive' after its start"
    echo failed >"$WORK/units/ostiary.socket/start"
    ctl 69 open
    matches "$output" "its start ended as 'failed'"
    : >"$WORK/units/ostiary.socket/start"
    ctl 69 open
    matches "$output" 'Unit ostiary\.socket is masked'
    unit ostiary.socket inactive disabled '[::]:5018'
    ctl 0 open
    matches "$output" "no enabled socket unit heeds $STATE/closed"
    is "$(cat "$WORK/units/ostiary.socket/ActiveState")" inactive
    # Another door's.
    unit ostiary.socket inactive enabled '[::]:5018'
    echo /elsewhere/closed >"$WORK/units/ostiary.socket/Conditions"
    ctl 0 open
    is "$(cat "$WORK/units/ostiary.socket/ActiveState")" inactive
}

@test "open: a systemd that cannot be asked, or goes away meanwhile, is status 69, and the door is open" {
    start_systemd
    unit ostiary.socket inactive enabled '[::]:5018'
    ctl 0 close
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/nowhere ctl 69 open
    matches "$output" 'systemd cannot be asked to start the socket: '
    [ ! -e "$STATE/closed" ]
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/nowhere ctl 0 status
    matches "$output" 'listener +unknown: systemd cannot be asked: '

    echo never >"$WORK/units/ostiary.socket/start"
    "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" open >"$WORK/opened" 2>&1 3>&- &
    local opener=$! status=0
    eventually test -e "$WORK/units/started"
    kill "$BUS"
    wait "$opener" || status=$?
    is "$status" 69 "status where the bus goes away"
    matches "$(cat "$WORK/opened")" 'ostiary\.socket is not started: '
}

@test "open: a bus on which nobody is systemd is status 69, and the door is open" {
    start_systemd
    unit ostiary.socket inactive enabled '[::]:5018'
    ctl 0 close
    kill "$SYSTEMD"
    wait "$SYSTEMD" || true
    ctl 69 open
    [ ! -e "$STATE/closed" ]
    matches "$output" '^ostiaryctl: ostiary\.socket: '
}

@test "open: a unit of which systemd does not say all is none to rely on: status 69" {
    local property
    start_systemd
    unit ostiary.socket inactive enabled '[::]:5018'
    for property in LoadState UnitFileState ActiveState NAccepted NConnections NRefused Listen BindToDevice Conditions; do
        echo "$property" >"$WORK/units/ostiary.socket/broken"
        ctl 69 open
        matches "$output" "ostiary\.socket: No $property today"
        ctl 0 check
        refute grep -q 'PORT' <<<"$output"
    done
    is "$(cat "$WORK/units/ostiary.socket/ActiveState")" inactive
}

@test "a door that was closed with an empty file, or a strange one, is closed, and that is said" {
    local content
    strikes 192.0.2.1 1 60
    for content in '' 'out for lunch' 'a line as long as a moment, but no moment' '2026-11-21T20:39:00Y not in UTC'; do
        printf '%s' "$content" >"$STATE/closed"
        ctl 0 list
        matches "$output" "the door is closed: ${content:-no reason is given}"
        ctl 1 status
        matches "$output" "door +closed: ${content:-no reason is given}"
        ctl 1 status --json
        is "$(json closed.since)" None
        is "$(json closed.reason)" "$content"
        ctl 0 check
        matches "$output" "warning: the door is closed, and nobody is served: ${content:-no reason is given}: run"
    done
    # Whoever owns the directory cannot speak to an administrator's terminal.
    printf 'out\e[2J\n' >"$STATE/closed"
    for command in list 'close again'; do
        # shellcheck disable=SC2086 # words
        ctl 0 $command
        matches "$output" 'closed.*: out\?\[2J'
        refute grep -q $'\e' <<<"$output"
    done
}

# As handlers see it: the counters hold the door too, and the file may not have been written, or not yet.
@test "a door that the table alone says is closed is closed, and that is said" {
    ctl 0 close moving
    rm "$STATE/closed"
    ctl 0 list
    matches "$output" 'the door is closed: by-order'
    ctl 1 status
    matches "$output" 'door +closed: by-order'
    ctl 1 status --json
    is "$(json serving)" False
    is "$(json closed.since)" None
    is "$(json closed.reason)" by-order
    ctl 0 check
    matches "$output" 'warning: the door is closed, and nobody is served: by-order: run'
    [ ! -e "$STATE/closed" ]
    ctl 0 open
    matches "$output" 'the door is open'
    ctl 0 status
    matches "$output" 'door +open'
}

# ---- check ----------------------------------------------------------------------------------------------------------

@test "check: a good configuration ends with one line that says so; errors are status 78 with file and line" {
    ctl 0 check
    is "$output" "$CONFIG: good"
    use_ctl 'ACTION="a secret of enough length","/nonexistent/command","nobody"' 'KILL="short"' 'NONSENSE=1'
    ctl 78 check
    matches "$output" "$CONFIG:6: error: "
    use_ctl 'ACTION="a secret of enough length","/nonexistent/command","nobody"' 'KILL="short"'
    ctl 78 check
    matches "$output" "$CONFIG:4: error: .*/nonexistent"
    matches "$output" "$CONFIG:5: warning: .*shorter"
    run grep -c 'enough length' <<<"$output"
    is "$output" 0 "secrets shown"
    rm "$CONFIG"
    ctl 78 check
}

@test "check: a secret that 4.0 cannot send, a level that hides faults, and a LOCKOUT_ACTION that cannot be run" {
    use_ctl "ACTION=\"$(printf 'x%.0s' {1..63})\",\"/bin/true\",\"root\"" MIN_LOGLEVEL=LOG_CRIT
    ctl 0 check
    matches "$output" "$CONFIG:4: warning: ACTION: the secret is longer than 62 characters"
    matches "$output" "$CONFIG: warning: MIN_LOGLEVEL: above LOG_ERR nobody will be told"
    use_ctl 'LOCKOUT_ACTION="","/nonexistent/command","root"'
    ctl 78 check
    matches "$output" "$CONFIG:4: error: LOCKOUT_ACTION: .*/nonexistent"
}

@test "check: places of the table that are damaged are a warning, a table that others can write to is an error" {
    ctl 0 lock 192.0.2.7
    # Somewhere in the slots, which are empty but for one.
    damage 8196
    ctl 0 check
    matches "$output" "$STATE: warning: 1 places of the table are damaged: run 'ostiaryctl -c $CONFIG verify'"
    chmod 622 "$TABLE"
    ctl 78 check
    matches "$output" "$STATE: error: .*writable"
}

@test "check: the state directory, the table in it, and the door" {
    ctl 0 lock 192.0.2.7
    use_ctl TABLE_SIZE=128
    ctl 0 check
    matches "$output" "$STATE: warning: TABLE_SIZE asks for 128 places, and the table has 64: run 'ostiaryctl -c $CONFIG repair'"
    ctl 0 repair
    ctl 0 check
    is "$(wc -l <<<"$output")" 2 "findings with the good line" # TABLE_SIZE is there twice
    ctl 0 close
    ctl 0 check
    matches "$output" 'warning: the door is closed since .*: by-hand'
    ctl 0 open
    damage 134
    ctl 78 check
    matches "$output" "$STATE: error: .*repair"
    chmod 777 "$STATE"
    ctl 78 check
    matches "$output" "$STATE: error: "
    chmod 700 "$STATE"
    mv "$STATE" "$STATE.away"
    ctl 78 check
    matches "$output" "$STATE: error: "
}

@test "check: a credential that only the unit has is a warning, and all other commands work" {
    use_ctl 'ACTION="","/bin/true","root","credential=backup"'
    ctl 0 check
    matches "$output" "$CONFIG:4: warning: ACTION: the credential= is given to the unit alone"
    ctl 0 list
    mkdir -m 700 "$WORK/credentials"
    printf 'short' >"$WORK/credentials/backup"
    chmod 600 "$WORK/credentials/backup"
    export CREDENTIALS_DIRECTORY=$WORK/credentials
    ctl 0 check
    matches "$output" "$CONFIG:4: warning: .*shorter"
}

# with_state_read_only: from now on ostiaryctl sees the state directory on a file system that nothing can be written to.
with_state_read_only() {
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=("${CTL_WITH[@]}" sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$STATE")
}

@test "check and status: a disk without room for the table, or for what is to be written to it, is an error" {
    local plain=("${CTL_WITH[@]}") full
    ctl 0 lock 192.0.2.7
    mv "$TABLE" "$WORK/kept"
    # No byte is left, or no name; and then none for what is to be written into the holes of a table.
    for full in 'size=64k /dev/zero /dev/null' 'nr_inodes=2 /dev/null /dev/null' 'size=64k /dev/zero kept'; do
        # shellcheck disable=SC2016,SC2206 # for the shell inside; three words
        CTL_WITH=("${plain[@]}" sh -c 'cd "$0" && mount -t tmpfs -o "mode=700,$1" none state &&
            { [ "$3" != kept ] || cp -p --sparse=always kept state/lockout; } && { cat "$2" >state/filler 2>/dev/null || :; } &&
            shift 3 && exec "$@"' "$WORK" $full)
        ctl 78 check
        matches "$output" "$STATE: error: the table cannot be $([[ $full == *kept ]] && echo written || echo created): .*No space left on device"
        ctl 1 status
        matches "$output" 'door +nobody gets in: .*: No space left on device'
    done
    # With room, also where a disk does not say how much it has.
    for full in size=8m size=0,nr_inodes=0; do
        # shellcheck disable=SC2016 # for the shell inside
        CTL_WITH=("${plain[@]}" sh -c 'mount -t tmpfs -o "mode=700,$1" none "$0" && shift && exec "$@"' "$STATE" "$full")
        ctl 0 check
        ctl 0 status
    done
}

@test "I8: a table of Ostiary 5.0 keeps nobody out, and nothing that looks at it says so, or converts it" {
    local told='the table was written by Ostiary 5\.0: the next connection converts it, or ostiaryctl repair'
    cp "$OSTIARY_SOURCE/tests/data/golden/table-1" "$TABLE"
    chmod 600 "$TABLE"
    ctl 0 check
    matches "$output" "$STATE: warning: $told"
    ctl 0 status
    matches "$output" "door +open
table +$STATE: $told"
    ctl 0 status --json
    is "$(json serving) $(json table)" "True None"
    ctl 74 list
    matches "$output" "$told"
    ctl 74 verify
    matches "$output" "$TABLE: $told"
    cmp "$OSTIARY_SOURCE/tests/data/golden/table-1" "$TABLE"
    ctl 0 close
    ctl 1 status
    matches "$output" 'door +closed since'
}

@test "check and status: a table that can be read but not written, locked or made is an error, for nobody gets in" {
    local plain=("${CTL_WITH[@]}")
    with_state_read_only
    ctl 78 check
    matches "$output" "$STATE: error: the table cannot be created: .*Read-only file system"
    ctl 1 status
    matches "$output" 'door +nobody gets in: .*cannot be created'
    CTL_WITH=("${plain[@]}")
    ctl 0 lock 192.0.2.7
    with_state_read_only
    ctl 0 list
    ctl 78 check
    matches "$output" "$STATE: error: the table cannot be opened: .*Read-only file system"
    ctl 1 status
    matches "$output" 'door +nobody gets in: .*cannot be opened'
    ctl 1 status --json
    is "$(json serving)" False
    matches "$(json fault)" 'cannot be opened'
    # The first lock is the one for writing.
    CTL_WITH=("${plain[@]}" "${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK:when=1)
    ctl 78 check
    matches "$output" "$STATE: error: the table or its directory cannot be locked: .*No locks available"
    CTL_WITH=("${plain[@]}" "${NO_LEAK_CHECK[@]}" strace -qq -o "$WORK/calls" -e trace=flock)
    ctl 0 check
    is "$(grep -c LOCK_EX "$WORK/calls")" 1 "locks as for writing"
}

@test "check sees the sealed door as the user of its handler does: configuration, secrets, sockets" {
    CTL_WITH+=("${NO_LEAK_CHECK[@]}")
    mkdir -m 755 "$WORK/run" "$WORK/ostiary"
    unix_socket "$WORK/run/restart"
    chown root:4711 "$WORK/run/restart"
    chmod 660 "$WORK/run/restart"
    sealed_config "ACTION=\"a secret of enough length\",\"\",\"socket=$WORK/run/restart\""
    ctl 78 check
    matches "$output" "$CONFIG: error: there is no user ostiary, as whom the handler runs: run 'systemd-sysusers'"
    with_sealed_user
    ctl 0 check
    is "$output" "$CONFIG: good"
    chmod 600 "$CONFIG"
    ctl 78 check
    matches "$output" "$CONFIG: error: the user ostiary, as whom the handler runs, cannot read it: chown root:ostiary, and chmod 640"
    ctl 1 status
    chmod 640 "$CONFIG"
    chmod 600 "$WORK/run/restart"
    ctl 78 check
    matches "$output" "$CONFIG:3: error: ACTION: socket '$WORK/run/restart': Permission denied: .*SocketGroup=.*\(as user ostiary\)"
    chmod 660 "$WORK/run/restart"
    # As a socket unit leaves it where systemd-tmpfiles has not been run.
    chmod 750 "$WORK/run"
    ctl 78 check
    matches "$output" "socket '$WORK/run/restart': Permission denied: .*run 'systemd-tmpfiles --create'"
    chmod 755 "$WORK/run"
    (umask 077 && "$OSTIARY_BUILD/src/admin/ostiaryctl" keygen >"$WORK/ostiary/restart.secret")
    sealed_config "ACTION=\"\",\"\",\"socket=$WORK/run/restart\",\"secret-file=$WORK/ostiary/restart.secret\""
    ctl 78 check
    matches "$output" "$CONFIG:3: error: ACTION: the secret-file= cannot be opened: Permission denied \(as user ostiary\)"
    chown root:4711 "$WORK/ostiary/restart.secret"
    chmod 640 "$WORK/ostiary/restart.secret"
    ctl 0 check
}

@test "check: two doors that are enabled on one port cannot both be served; on one STATE_DIR they can, and how to have one is said" {
    start_systemd
    with_sealed_user
    unit ostiary.socket active enabled '[::]:5018'
    unit ostiary-sealed.socket inactive enabled '[::]:5018'
    echo "$WORK/sealed/closed" >"$WORK/units/ostiary-sealed.socket/Conditions"
    printf '%s\n' "STATE_DIR=\"$WORK/sealed\"" 'ACTION="another secret of enough length","","socket=/run/ostiary/restart"' >"$WORK/ostiary-sealed.cfg"
    chmod 640 "$WORK/ostiary-sealed.cfg"
    ctl 78 check
    matches "$output" "$CONFIG: error: PORT: 5018 is also the port of ostiary-sealed.socket, which is enabled too: write another PORT= into one of the two configurations, then run 'systemctl daemon-reload'"
    # With errors its socket does not start, wherever that would listen.
    cp -p "$WORK/ostiary-sealed.cfg" "$WORK/sound"
    echo NONSENSE >>"$WORK/ostiary-sealed.cfg"
    ctl 0 check
    is "$output" "$CONFIG: warning: the configuration of ostiary-sealed.socket has errors: run 'ostiaryctl -c $WORK/ostiary-sealed.cfg check'
$CONFIG: good"
    mv "$WORK/sound" "$WORK/ostiary-sealed.cfg"
    # It is the second of the two that is not served.
    ctl 0 status
    matches "$output" "configuration +$CONFIG: 1 error, 0 warnings"
    echo PORT=5019 >>"$WORK/ostiary-sealed.cfg"
    # Until systemd has read it, or where a drop-in says otherwise.
    ctl 78 check
    matches "$output" "$CONFIG: error: ostiary.socket and ostiary-sealed.socket are both enabled, and both are to listen on port 5018: see 'systemctl cat ostiary.socket ostiary-sealed.socket'"
    unit ostiary-sealed.socket inactive enabled '[::]:5019'
    ctl 0 check
    matches "$output" "$CONFIG: note: STATE_DIR: .* whose table is in $WORK/sealed: .*'chown -R ostiary:ostiary $STATE', 'ostiaryctl -c $CONFIG merge $WORK/sealed'"
    # The other way round the same commands, and nothing of this where the table is one.
    CONFIG=$WORK/ostiary-sealed.cfg
    echo "$WORK/sealed/closed" >"$WORK/units/ostiary-sealed.socket/Conditions"
    ctl 78 check
    matches "$output" "$CONFIG: note: STATE_DIR: .* whose table is in $STATE: .*'chown -R ostiary:ostiary $STATE', 'ostiaryctl -c $WORK/ostiary.cfg merge $WORK/sealed'"
    sed -i "s,$WORK/sealed,$STATE/," "$WORK/ostiary-sealed.cfg"
    echo "$STATE//closed" >"$WORK/units/ostiary-sealed.socket/Conditions"
    ctl 78 check
    [[ $output != *'whose table is'* ]]
    sed -i "s,$STATE/,$STATE," "$WORK/ostiary-sealed.cfg"
    rm "$WORK/units/ostiary-sealed.socket/Conditions"
    echo TABLE_SIZE=64 >>"$WORK/ostiary-sealed.cfg"
    ctl 78 check
    [[ $output != *'whose table is'* ]]
    unit ostiary-sealed.socket inactive enabled '[::]:5019'
    CONFIG=$WORK/ostiary.cfg
    ctl 0 check
    is "$output" "$CONFIG: good"
    # One table, and two wills.
    cp -p "$WORK/ostiary-sealed.cfg" "$WORK/sound"
    sed -i 's/TABLE_SIZE=64/TABLE_SIZE=4096/' "$WORK/ostiary-sealed.cfg"
    printf '%s\n' IPV6_PREFIX=56 MAX_BAD_CONNS=5 LOCKOUT_TIME=1h STRIKE_TIME=2h MAX_SINGLE_ERRS=7 >>"$WORK/ostiary-sealed.cfg"
    ctl 0 check
    matches "$output" "$CONFIG: warning: IPV6_PREFIX is 64 here and 56 in $WORK/ostiary-sealed.cfg, which goes by the same table: .* write the same into both"
    matches "$output" "$CONFIG: warning: TABLE_SIZE is [0-9]* here and 4096 in $WORK/ostiary-sealed.cfg, which goes by the same table: write the same into both"
    matches "$output" "$CONFIG: note: MAX_BAD_CONNS is 3 here and 5 in $WORK/ostiary-sealed.cfg: strikes at both doors add up"
    matches "$output" "$CONFIG: note: LOCKOUT_TIME is 86400 here and 3600 in"
    matches "$output" "$CONFIG: note: STRIKE_TIME is 3600 here and 7200 in .* has the guesses of the laxer one"
    matches "$output" "$CONFIG: note: MAX_SINGLE_ERRS is [0-9]* here and 7 in"
    mv "$WORK/sound" "$WORK/ostiary-sealed.cfg"
    # On addresses that meet nowhere.
    CONFIG=$WORK/ostiary-sealed.cfg
    use_ctl PORT=5018 LOCAL_IP=127.0.0.1
    printf '%s\n' "STATE_DIR=\"$WORK/sealed\"" PORT=5018 LOCAL_IP=127.0.0.2 'KILL="another secret of enough length"' >"$WORK/ostiary-sealed.cfg"
    unit ostiary.socket active enabled 127.0.0.1:5018
    unit ostiary-sealed.socket active enabled 127.0.0.2:5018
    ctl 0 check
    matches "$output" "$CONFIG: good"
    # One that nobody has enabled takes nothing away.
    use_ctl PORT=5018 LOCAL_IP=::
    unit ostiary.socket active enabled '[::]:5018'
    unit ostiary-sealed.socket inactive disabled '[::]:5018'
    ctl 0 check
    is "$output" "$CONFIG: good"
}

@test "check: a port that is xinetd's too is an error, unless the file is switched off or of another port" {
    start_systemd
    mkdir "$WORK/xinetd.d"
    sed 's/disable  *= yes/disable = no/' "$OSTIARY_SOURCE/xinetd/ostiary.in" >"$WORK/xinetd.d/ostiary"
    ctl 0 check
    unit ostiary.socket active enabled '[::]:5018'
    ctl 78 check
    is "$output" "$CONFIG: error: PORT: 5018 is given to xinetd too, in $WORK/xinetd.d/ostiary, while ostiary.socket is enabled: say 'disable = yes' there, or run 'systemctl disable --now ostiary.socket'"
    sed -i 's/port  *= 5018/port = 5019/' "$WORK/xinetd.d/ostiary"
    ctl 0 check
    sed 's/disable  *= no/disable = yes/' "$OSTIARY_SOURCE/xinetd/ostiary.in" >"$WORK/xinetd.d/ostiary"
    ctl 0 check
    is "$output" "$CONFIG: good"
    printf '%s\n' 'service ostiary' '{' 'port = 5018' 'bind = 127.0.0.9' '}' >"$WORK/xinetd.d/ostiary"
    ctl 78 check
    use_ctl LOCAL_IP=127.0.0.1
    unit ostiary.socket active enabled 127.0.0.1:5018
    ctl 0 check
}

@test "check: somebody else who listens on the port is named as the reason why the socket cannot" {
    local port
    start_systemd
    "${IN_NETWORK[@]}" /usr/bin/python3 -ISc 'import socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
time.sleep(1000)' >"$WORK/port" 3>&- &
    local stranger=$!
    eventually test -s "$WORK/port"
    port=$(cat "$WORK/port")
    use_ctl "PORT=$port" LOCAL_IP=::
    unit ostiary.socket failed enabled "[::]:$port"
    ctl 78 check
    is "$output" "$CONFIG: error: PORT: somebody else listens on $port, so that ostiary.socket cannot: 'ss -ltnp sport = $port' names who it is"
    # Whom the unit listens for it is that is heard there.
    unit ostiary.socket active enabled "[::]:$port"
    ctl 0 check
    # Before a change takes effect.
    unit ostiary.socket active enabled '[::]:5018'
    ctl 78 check
    matches "$output" "warning: PORT is not what .*error: PORT: somebody else listens on $port"
    use_ctl "PORT=$port" LOCAL_IP=127.0.0.2
    unit ostiary.socket failed enabled "127.0.0.2:$port"
    ctl 0 check
    kill "$stranger"
    wait "$stranger" || true
    use_ctl "PORT=$port" LOCAL_IP=::
    unit ostiary.socket failed enabled "[::]:$port"
    ctl 0 check
    is "$output" "$CONFIG: warning: nobody listens, as ostiary.socket has failed: 'systemctl status ostiary.socket' says why
$CONFIG: good"
}

@test "check and status: a link-local LOCAL_IP is compared with its interface" {
    start_systemd
    use_ctl LOCAL_IP=fe80::1%eth0
    unit ostiary.socket inactive enabled '[fe80::1]:5018'
    echo eth0 >"$WORK/units/ostiary.socket/BindToDevice"
    ctl 0 check
    refute grep 'LOCAL_IP is not' <<<"$output"
    echo eth1 >"$WORK/units/ostiary.socket/BindToDevice"
    ctl 0 check
    matches "$output" 'LOCAL_IP is not what ostiary\.socket listens on \(\[fe80::1%eth1\]:5018\): run'
    ctl 1 status
    matches "$output" 'on \[fe80::1%eth1\]:5018'
    : >"$WORK/units/ostiary.socket/BindToDevice"
    ctl 0 check
    matches "$output" 'LOCAL_IP is not what ostiary\.socket listens on \(\[fe80::1\]:5018\): run'
    # What is bound to an interface says nothing of an address that needs none.
    use_ctl LOCAL_IP=2001:db8::1
    unit ostiary.socket inactive enabled '[2001:db8::1]:5018'
    echo eth1 >"$WORK/units/ostiary.socket/BindToDevice"
    ctl 0 check
    refute grep 'LOCAL_IP is not' <<<"$output"
}

@test "status: the door that nobody has set up is not shown; configured, enabled or listening it is" {
    start_systemd
    unit ostiary.socket active enabled '[::]:5018'
    # As it is installed: with the port of the other one.
    unit ostiary-sealed.socket inactive disabled '[::]:5018'
    ctl 0 status
    is "$output" "\
ostiary.socket         listening on [::]:5018: 12 accepted, 1 connected, 5 refused
door                   open
table                  0 sources, 0 locked, 0 with strikes
configuration          $CONFIG: good"
    ctl 0 status --json
    is "$(json listeners | grep -o "'unit'" | wc -l)" 1 "listeners"
    # Nor where the configuration cannot be read.
    echo NONSENSE >>"$CONFIG"
    ctl 1 status
    refute grep -q ostiary-sealed.socket <<<"$output"
    use_ctl
    unit ostiary-sealed.socket active disabled '[::]:5019'
    ctl 0 status
    matches "$output" 'ostiary-sealed\.socket  listening on \[::\]:5019'
    unit ostiary-sealed.socket inactive enabled '[::]:5019'
    ctl 0 status
    matches "$output" 'ostiary-sealed\.socket  not listening \(inactive, enabled\), on \[::\]:5019'
    unit ostiary-sealed.socket inactive disabled '[::]:5019'
    : >"$WORK/ostiary-sealed.cfg"
    ctl 0 status
    matches "$output" 'ostiary-sealed\.socket  not listening \(inactive, not enabled\), on \[::\]:5019'
    # Of the sealed door it is the ordinary one that may not be there.
    unit ostiary.socket inactive disabled '[::]:5018'
    mv "$CONFIG" "$WORK/ostiary-sealed.cfg"
    CONFIG=$WORK/ostiary-sealed.cfg
    run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" status
    refute grep -q ostiary.socket <<<"$output"
    matches "$output" 'ostiary-sealed\.socket  not listening \(inactive, not enabled\)'
}

@test "status and list: of another door on the table it is said that it is closed by itself" {
    strikes 192.0.2.1 1 60
    echo '2026-11-21T20:39:00Z max-total-errs' >"$STATE/closed-sealed"
    ctl 0 list
    matches "$output" $'\n1 source, 0 locked; the sealed door is closed since 2026-11-21T20:39:00Z: max-total-errs$'
    ctl 0 list --json
    is "$(json closed) $(json others_closed)" "None [{'door': 'sealed', 'since': '2026-11-21T20:39:00Z', 'reason': 'max-total-errs'}]"
    ctl 0 status
    matches "$output" $'\ndoor +open\nsealed door +closed since 2026-11-21T20:39:00Z: max-total-errs\ntable '
    ctl 0 status --json
    is "$(json serving) $(json closed) $(json others_closed.0.door)" 'True None sealed'
    # Both by themselves, each for its reason.
    echo '2026-11-21T20:40:00Z max-single-errs' >"$STATE/closed-knock"
    ctl 1 status
    matches "$output" $'\ndoor +closed since 2026-11-21T20:40:00Z: max-single-errs\nsealed door +closed since 2026-11-21T20:39:00Z: max-total-errs\n'
    ctl 0 list
    matches "$output" '; the door is closed since .*: max-single-errs; the sealed door is closed since .*: max-total-errs$'
    # What closes every door is said once.
    ctl 0 close moving
    ctl 1 status
    matches "$output" $'\ndoor +closed since [^ ]*: moving\ntable '
    ctl 0 list --json
    is "$(json closed.reason) $(json others_closed)" 'moving []'
    # Also where the table alone says so.
    rm "$STATE"/closed*
    ctl 0 list
    matches "$output" '; the door is closed: by-order$'
    ctl 0 open
    # The other way round.
    echo '2026-11-21T20:40:00Z max-single-errs' >"$STATE/closed-knock"
    cp "$CONFIG" "$WORK/ostiary-sealed.cfg"
    CONFIG=$WORK/ostiary-sealed.cfg
    ctl 0 list
    matches "$output" $'\n1 source, 0 locked; the ordinary door is closed since 2026-11-21T20:40:00Z: max-single-errs$'
    ctl 0 open
    ctl 0 list
    matches "$output" $'\n1 source, 0 locked$'
}

@test "status: a PORT or LOCAL_IP at which nobody listens is shown, and is status 1" {
    start_systemd
    use_ctl PORT=6000
    unit ostiary.socket active enabled '[::]:5018'
    ctl 1 status
    is "$output" "\
ostiary.socket         listening on [::]:5018: 12 accepted, 1 connected, 5 refused
                       not where PORT and LOCAL_IP say: run 'systemctl daemon-reload && systemctl restart ostiary.socket'
door                   open
table                  0 sources, 0 locked, 0 with strikes
configuration          $CONFIG: 0 errors, 1 warning: run 'ostiaryctl -c $CONFIG check'"
    ctl 1 status --json
    is "$(json serving)" False
    is "$(json listeners.0.as_written)" False
    unit ostiary.socket active enabled '[::]:6000'
    ctl 0 status
    matches "$output" "configuration +$CONFIG: good"
    use_ctl LOCAL_IP=192.0.2.1
    unit ostiary.socket active enabled '[::]:5018'
    ctl 1 status
    matches "$output" 'not where PORT and LOCAL_IP say'
}

@test "check, status and open: a socket that systemd takes for active, and at which nobody listens, serves nobody" {
    start_systemd
    unit ostiary.socket active enabled '[::]:6000'
    use_ctl PORT=6000 LOCAL_IP=::
    ctl 0 check
    : >"$WORK/units/ostiary.socket/deaf"
    ctl 78 check
    is "$output" "$CONFIG: error: nobody listens on [::]:6000, though systemd takes ostiary.socket for active, as after a 'systemctl daemon-reload' that found another PORT or LOCAL_IP: run 'systemctl restart ostiary.socket'"
    ctl 1 status
    is "$output" "\
ostiary.socket         not listening, though systemd takes it for active, on [::]:6000
                       run 'systemctl restart ostiary.socket'
door                   open
table                  0 sources, 0 locked, 0 with strikes
configuration          $CONFIG: 1 error, 0 warnings: run 'ostiaryctl -c $CONFIG check'"
    ctl 1 status --json
    is "$(json serving)" False
    is "$(json listeners.0.heard)" False
    ctl 69 open
    matches "$output" "ostiary\.socket does not listen, though systemd takes it for active: run 'systemctl restart ostiary\.socket'"
    rm "$WORK/units/ostiary.socket/deaf"
    ctl 0 status
    # What cannot be found out is not held against anybody.
    use_ctl LOCAL_IP=192.0.2.1
    unit ostiary.socket active enabled 192.0.2.1:5018
    : >"$WORK/units/ostiary.socket/deaf"
    ctl 0 check
    ctl 0 status
}

@test "check compares PORT and LOCAL_IP with what the enabled socket listens on" {
    start_systemd
    unit ostiary.socket active enabled '[::]:5018'
    ctl 0 check
    is "$output" "$CONFIG: good"
    use_ctl PORT=5018 LOCAL_IP=::
    ctl 0 check
    is "$output" "$CONFIG: good"
    use_ctl PORT=6000
    ctl 0 check
    matches "$output" 'warning: PORT is not what ostiary\.socket listens on \(\[::\]:5018\): run .systemctl daemon-reload && systemctl restart ostiary\.socket'
    use_ctl PORT=5018 PORT=6000
    ctl 0 check
    matches "$output" 'warning: PORT is not what'
    unit ostiary.socket active enabled '[::]:5018' '[::]:6000'
    ctl 0 check
    refute grep -F 'PORT is not what' <<<"$output"
    use_ctl PORT=5018 LOCAL_IP=::
    ctl 0 check
    matches "$output" 'warning: PORT'
    unit ostiary.socket active enabled /run/ostiary.sock '[::]:5018'
    ctl 0 check
    is "$output" "$CONFIG: good" "a socket that listens at a path besides"
    use_ctl 'LOCAL_IP="192.0.2.1"'
    ctl 0 check
    matches "$output" 'warning: LOCAL_IP'
    unit ostiary.socket active enabled '192.0.2.1:5018'
    ctl 0 check
    is "$output" "$CONFIG: good"
    use_ctl PORT=6000 LOCAL_IP=::
    unit ostiary.socket inactive disabled '[::]:5018'
    ctl 0 check
    is "$output" "$CONFIG: good"
    unit ostiary.socket active enabled '[::]:6000'
    echo /elsewhere/closed >"$WORK/units/ostiary.socket/Conditions"
    ctl 0 check
    matches "$output" "warning: STATE_DIR: no enabled socket unit heeds $STATE/closed: enable the one that is to listen, and after a change"
    echo "$STATE/closed" >"$WORK/units/ostiary.socket/Conditions"
    unit ostiary-sealed.socket active enabled '[::]:5018'
    echo /elsewhere/closed >"$WORK/units/ostiary-sealed.socket/Conditions"
    ctl 0 check
    is "$output" "$CONFIG: good"
}

# ---- verify and repair ----------------------------------------------------------------------------------------------

@test "verify names each damaged place, and repair keeps all that is whole" {
    local i slots
    for i in 1 2 3 4 5; do
        ctl 0 lock "192.0.2.$i"
    done
    ctl 0 verify
    matches "$output" 'good: 5 of 64 places used'
    slots=$(/usr/bin/python3 -ISc 'import sys
table = open(sys.argv[1], "rb").read()
print(*[at for at in range(8192, len(table), 128) if table[at + 25] & 1][:2])' "$TABLE")
    # shellcheck disable=SC2086 # two numbers
    damage $slots
    ctl 74 verify
    for i in $slots; do
        matches "$output" "place $(((i - 8192) / 128)) \(at byte $i\) is damaged"
    done
    matches "$output" "run 'ostiaryctl -c $CONFIG repair'"
    ctl 0 list
    matches "$output" '3 sources, 3 locked'
    ctl 0 repair
    matches "$output" '3 kept, 2 lost with their damage, 0 dropped for want of room; 64 places'
    ctl 0 verify
}

@test "repair: the counters and one header are mended, both headers only when told to, a new TABLE_SIZE is taken" {
    ctl 0 lock 192.0.2.1
    damage 20
    ctl 74 verify
    matches "$output" 'the header is damaged'
    ctl 74 list
    ctl 0 repair
    matches "$output" '1 kept, 0 lost'
    damage 134
    ctl 74 verify
    matches "$output" 'the counters are damaged'
    ctl 0 repair
    matches "$output" '1 kept.*errors count from 0 again|1 kept'
    use_ctl TABLE_SIZE=256
    ctl 0 repair
    matches "$output" '1 kept, .*; 256 places'
    damage 20 916
    ctl 74 verify
    matches "$output" "repair --empty"
    ctl 74 repair
    matches "$output" 'nothing was changed'
    ctl 0 repair --empty
    matches "$output" '0 kept'
    ctl 0 verify
}

# It counts its seeds beside a table that is not root's.
@test "check and status say what keeps a handler of root's from counting its seeds" {
    chown -R nobody:nogroup "$STATE"
    mkdir -m 750 "$STATE-root"
    CTL_WITH+=("${NO_LEAK_CHECK[@]}")
    ctl 0 check
    matches "$output" "$STATE: warning: the directory of the same name with -root behind it"
    start_systemd
    CTL_WITH+=("${NO_LEAK_CHECK[@]}")
    unit ostiary.socket active enabled '[::]:5018'
    ctl 78 check
    matches "$output" "$STATE: error: the directory of the same name with -root behind it"
    ctl 1 status
    matches "$output" "nobody gets in: $STATE: the directory of the same name with -root behind it"
    chmod 700 "$STATE-root"
    echo damage >"$STATE-root/seed"
    ctl 78 check
    matches "$output" "$STATE: error: .*seed"
    rm -r "$STATE-root"
    ctl 78 check
    refute grep -q -- '-root\|seed' <<<"$output"
    [ ! -e "$STATE-root" ]
}

@test "a table and a directory of another user's are worked on as that user" {
    CTL_WITH+=("${NO_LEAK_CHECK[@]}")
    chown -R nobody:nogroup "$STATE"
    strikes_as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$OSTIARY_BUILD/tests/make-strikes" "$STATE" "$@"; }
    strikes_as_nobody 192.0.2.7 3 60
    ctl 0 list
    matches "$output" '1 source, 1 locked'
    ctl 0 lock 192.0.2.8
    ctl 0 close
    is "$(stat -c %U "$TABLE" "$STATE/closed" | sort -u)" nobody owner
    ctl 0 check
    matches "$output" "$STATE: warning: it belongs to nobody"
    ctl 0 open
    start_systemd
    CTL_WITH+=("${NO_LEAK_CHECK[@]}")
    unit ostiary.socket active enabled '[::]:5018'
    ctl 78 check
    matches "$output" "$STATE: error: it belongs to nobody, and the handler of ostiary\.socket uses one of ostiary's or root's alone: run 'chown -R ostiary:ostiary $STATE'"
    chown root:root "$STATE"
    chown root:root "$TABLE"
    ctl 0 check
    rm -r "$WORK/units/ostiary.socket"
    unit ostiary-sealed.socket active enabled '[::]:5018'
    ctl 78 check
    matches "$output" "$STATE: error: it belongs to root, and the handler of ostiary-sealed\.socket runs as ostiary"
}

# other_table LINE...: with $OTHER, a configuration with a table of its own, do these things.
other_table() {
    OTHER=$WORK/elsewhere/ostiary.cfg
    mkdir -p "$WORK/elsewhere/state"
    chmod 700 "$WORK/elsewhere" "$WORK/elsewhere/state"
    printf '%s\n' "STATE_DIR=\"$WORK/elsewhere/state\"" TABLE_SIZE=64 'ACTION="any secret","/bin/true","nobody"' >"$OTHER"
    chmod 600 "$OTHER"
    local line
    for line in "$@"; do
        # shellcheck disable=SC2086 # words
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$OTHER" $line
    done
}

locks() {
    /usr/bin/python3 -ISc 'import json, sys
for row in sorted(json.load(sys.stdin)["sources"], key=lambda row: row["source"]):
    if row["locked"]:
        print(row["source"], "hand" if row["by_hand"] else "strikes", "limited" if row["locked_until"] else "forever", sep=":")'
}

@test "merge takes over the locks that are in force in another table, and no more" {
    other_table 'lock 192.0.2.7 0' 'lock 192.0.2.8 2h' 'lock 203.0.113.0/24' 'lock 192.0.2.20' 'unlock 192.0.2.20'
    "$OSTIARY_BUILD/tests/make-strikes" "$WORK/elsewhere/state" 192.0.2.9 3 60
    "$OSTIARY_BUILD/tests/make-strikes" "$WORK/elsewhere/state" 192.0.2.10 2 60
    ctl 0 lock 192.0.2.7 1h
    ctl 0 lock 192.0.2.11 1h
    cp "$WORK/elsewhere/state/lockout" "$WORK/before"
    ctl 0 merge "$WORK/elsewhere/state"
    is "$output" "4 locks of $WORK/elsewhere/state are here too"
    cmp "$WORK/elsewhere/state/lockout" "$WORK/before"
    ctl 0 list --json
    is "$(locks <<<"$output")" '192.0.2.11:hand:limited
192.0.2.7:hand:forever
192.0.2.8:hand:limited
192.0.2.9:strikes:limited
203.0.113.0/24:hand:limited' "what is locked"
    # Twice is once.
    ctl 0 merge "$WORK/elsewhere/state"
    ctl 0 list
    matches "$output" '5 locked'
}

@test "merge closes first, and also where the table there alone says that a door is closed" {
    local i
    other_table 'close moving' 'lock 203.0.113.0/24'
    rm "$WORK/elsewhere/state/closed"
    for ((i = 0; i < 56; i++)); do
        ctl 0 lock "198.18.$i.0/24"
    done
    ctl 74 merge "$WORK/elsewhere/state"
    matches "$output" 'every door is closed, as one was there: by-order; nobody is served until'
    matches "$(cat "$STATE/closed")" 'Z by-order$'
}

@test "merge: a door that is closed there closes all here; no table there is no lock; its mistakes" {
    local itself
    other_table
    ctl 0 merge "$WORK/elsewhere/state"
    is "$output" "0 locks of $WORK/elsewhere/state are here too"
    [ ! -e "$WORK/elsewhere/state/lockout" ]
    other_table 'close moving'
    ctl 0 merge "$WORK/elsewhere/state"
    matches "$output" 'every door is closed, as one was there: moving; nobody is served until'
    matches "$(cat "$STATE/closed")" 'Z moving$'
    ctl 64 merge state
    matches "$output" 'absolute path'
    for itself in "$STATE" "$STATE/" "$WORK/elsewhere/../state"; do
        ctl 64 merge "$itself"
        matches "$output" 'this table itself'
    done
    ctl 74 merge /nonexistent
    matches "$output" '/nonexistent: the state directory does not exist'
    ctl 64 merge
}

@test "merge converts a table of Ostiary 5.0 there, and takes over its locks; of a damaged one it takes nothing" {
    local there=$WORK/elsewhere/state
    other_table
    cp "$OSTIARY_SOURCE/tests/data/golden/table-1-networks" "$there/lockout"
    chmod 600 "$there/lockout"
    ctl 0 merge "$there"
    is "$output" "2 locks of $there are here too"
    ctl 0 list --json
    is "$(locks <<<"$output")" '2001:db8:1:2::/64:hand:forever
203.0.113.0/24:hand:forever' "what is locked"
    cp "$TABLE" "$WORK/before"
    dd if=/dev/zero of="$there/lockout" bs=4096 count=1 conv=notrunc status=none
    ctl 74 merge "$there"
    matches "$output" "$there: the table is damaged"
    cmp "$TABLE" "$WORK/before"
}

@test "list shows more sources than there are lines on a screen, each once" {
    local i
    use_ctl TABLE_SIZE=1024
    for ((i = 1; i <= 70; i++)); do
        printf 'lock 192.0.2.%s\n' "$i"
    done | while read -r i; do
        # shellcheck disable=SC2086 # two words
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" $i >/dev/null
    done
    ctl 0 list
    is "$(tail -n 1 <<<"$output")" '70 sources, 70 locked'
    is "$(grep -oE '^192[0-9.]*' <<<"$output" | sort -u | wc -l)" 70 "addresses"
    ctl 0 flush
    matches "$output" '^0 sources are forgotten'
    ctl 0 list
    is "$(tail -n 1 <<<"$output")" '70 sources, 70 locked'
    strikes 198.51.100.1 1 60
    ctl 0 flush
    matches "$output" '1 source is forgotten'
}

@test "verify: no table yet; damaged networks by number; of very many places the first twenty; another version" {
    local i
    ctl 0 verify
    matches "$output" 'there is no table yet'
    [ ! -e "$TABLE" ]
    ctl 0 lock 198.51.100.0/24
    # The first network's record is at byte 1024.
    damage 1032
    ctl 74 verify
    matches "$output" 'network 0 is damaged'
    ctl 0 repair
    damage $(seq 8196 128 $((8196 + 24 * 128)))
    ctl 74 verify
    is "$(grep -c 'place [0-9]* (at byte [0-9]*) is damaged' <<<"$output")" 20 "places that are named"
    matches "$output" 'and 5 more'
    ctl 0 repair
    /usr/bin/python3 -ISBc 'import runpy, sys
path, maker = sys.argv[1:3]
del sys.argv[1:3]
siphash = runpy.run_path(maker)["siphash"]
with open(path, "r+b") as table:
    head = bytearray(table.read(64))
    head[8] = 3
    seal = siphash(bytes(head[32:48]), bytes(head[:56]))
    table.seek(0)
    table.write(bytes(head[:56]) + seal.to_bytes(8, "little"))' "$TABLE" "$OSTIARY_SOURCE/tests/data/golden/make.py" "$WORK"
    ctl 74 verify
    matches "$output" 'the header is of another version'
    matches "$output" 'Use the ostiaryctl of the version that wrote the table'
    ctl 74 repair --empty
    ctl 74 list
}

@test "repair: one that was killed half-way lets nobody in, and the next one finishes it" {
    ctl 0 lock 192.0.2.7
    # Its fourth fsync is the one that puts the mark on the disk.
    run "${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -e trace=fsync -e inject=fsync:signal=SIGKILL:when=4 \
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" repair
    is "$status" 137 "status of the one that was killed"
    ctl 74 list
    ctl 74 verify
    matches "$output" 'a repair was interrupted'
    ctl 0 repair
    matches "$output" 'an interrupted repair is finished'
    ctl 0 list
    matches "$output" '1 source, 1 locked'
}

@test "who cannot become root again after working as the owner starts nothing" {
    chown -R nobody:nogroup "$STATE"
    CTL_WITH+=("${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -e trace=setresuid -e inject=setresuid:error=EPERM:when=2)
    ctl 71 open
    matches "$output" 'cannot become root again'
}

# ---- keygen ---------------------------------------------------------------------------------------------------------

@test "keygen: 32 characters that need no quoting, another one each time, good for ostiary.cfg and 4.0 clients" {
    local i
    for i in {1..200}; do
        "$OSTIARY_BUILD/src/admin/ostiaryctl" keygen
    done >"$WORK/keys" 2>/dev/null
    is "$(grep -cE '^[A-Za-z0-9]{32}$' "$WORK/keys")" 200 "lines of 32 letters and digits"
    is "$(sort -u "$WORK/keys" | wc -l)" 200 "different ones"
    # Of 6400 characters every one of the alphabet is there, and nothing that can be mistaken for another.
    is "$(fold -w 1 "$WORK/keys" | sort -u | tr -d '\n' | LC_ALL=C sed 's/./&\n/g' | LC_ALL=C sort | tr -d '\n')" \
        23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz "characters"
    use_ctl "ACTION=\"$(head -n 1 "$WORK/keys")\",\"/bin/true\",\"root\""
    ctl 0 check
    is "$output" "$CONFIG: good"
}

@test "keygen warns when others can read the file that it writes to" {
    run bash -c 'umask 022; "$1" keygen >"$2"' bash "$OSTIARY_BUILD/src/admin/ostiaryctl" "$WORK/readable"
    is "$status" 0 status
    matches "$output" 'others than you may read the file: chmod 600'
    run bash -c 'umask 077; "$1" keygen >"$2"' bash "$OSTIARY_BUILD/src/admin/ostiaryctl" "$WORK/private"
    is "$output" '' "warning for a private file"
}

# ---- status ---------------------------------------------------------------------------------------------------------

@test "status: listener, door, table and configuration, and status 1 as soon as nobody is served" {
    strikes 192.0.2.3 3 60
    strikes 192.0.2.4 1 60
    ctl 0 status
    matches "$output" 'listener +unknown: systemd does not run here'
    start_systemd
    ctl 0 status
    matches "$output" 'no socket unit heeds this door'
    unit ostiary.socket active enabled '[::]:5018' '127.0.0.1:6000'
    ctl 0 status
    is "$output" "\
ostiary.socket         listening on [::]:5018, 127.0.0.1:6000: 12 accepted, 1 connected, 5 refused
door                   open
table                  2 sources, 1 locked, 2 with strikes
configuration          $CONFIG: good"
    unit ostiary.socket failed enabled '[::]:5018'
    ctl 1 status
    matches "$output" "ostiary\\.socket +not listening \\(failed, enabled\\), on \\[::\\]:5018
 +'systemctl status ostiary\\.socket' says why"
    unit ostiary.socket active enabled '[::]:5018'
    ctl 0 close
    ctl 1 status
    matches "$output" 'door +closed since 20.*Z: by-hand'
    rm "$STATE/closed"
    damage 134
    ctl 1 status
    matches "$output" 'door +nobody gets in: .*repair'
    use_ctl NONSENSE=1
    ctl 1 status
    matches "$output" "configuration +$CONFIG: 1 error, 0 warnings"
    # What the parser cannot see: the others could be served, and not this action.
    rm -r "$TABLE"
    use_ctl 'ACTION="a secret of enough length","/nonexistent/command","root"'
    ctl 1 status
    matches "$output" "configuration +$CONFIG: 1 error, 0 warnings"
}

@test "status --json is JSON in every case" {
    ctl 0 status --json
    is "$(json systemd)" False
    is "$(json serving)" True
    start_systemd
    unit ostiary.socket active enabled '[::]:5018'
    ctl 0 close
    ctl 1 status --json
    is "$(json listeners)" "[{'unit': 'ostiary.socket', 'enabled': True, 'active': True, 'state': 'active', 'listen': ['[::]:5018'], 'heard': True, 'as_written': True, 'accepted': 12, 'connected': 1, 'refused': 5}]"
    is "$(json closed.reason)" by-hand
    is "$(json serving)" False
    chmod 777 "$STATE"
    ctl 1 status --json
    matches "$(json fault)" "$STATE: "
    use_ctl NONSENSE=1
    ctl 1 status --json
    is "$(json configuration.good)" False
    is "$(json table)" None
}

# ---- log ------------------------------------------------------------------------------------------------------------

# Verdicts of 2026-11-21, one a minute from 20:00:00 UTC on, among what else is in a journal.
three_knocks() {
    export TZ=UTC
    AT=1795291200
    entry "$AT" 0 ostiaryd 'accepted source=192.0.2.7 action=backup uid=33 gid=33'
    entry "$((AT + 60))" 0 ostiaryd 'rejected source=2001:db8::7 reason=wrong-reply strikes=2 of=3'
    entry "$((AT + 60))" 0 sshd 'accepted source=192.0.2.66 action=forged uid=0 gid=0'
    entry "$((AT + 60))" 1000 ostiaryd 'accepted source=192.0.2.66 action=forged uid=0 gid=0'
    entry "$((AT + 60))" 0 ostiaryd 'backup: 12 files saved'
    entry "$((AT + 120))" 0 ostiaryd 'closed reason=kill-secret source=192.0.2.9'
    make_journal
}

@test "log shows the outcomes, aligned, and neither other lines nor what a user has forged" {
    three_knocks
    ctl 0 log --directory "$WORK/journal"
    is "$output" "\
2026-11-21 20:00:00  accepted  192.0.2.7        action=backup uid=33 gid=33
2026-11-21 20:01:00  rejected  2001:db8::7      reason=wrong-reply strikes=2 of=3
2026-11-21 20:02:00  closed    192.0.2.9        reason=kill-secret"
}

@test "log: -n, --since, --source and --action choose, and --json is one JSON text a line" {
    three_knocks
    ctl 0 log --directory "$WORK/journal" -n 1
    is "$output" '2026-11-21 20:02:00  closed    192.0.2.9        reason=kill-secret'
    ctl 0 log --directory "$WORK/journal" -n 2
    is "$(wc -l <<<"$output")" 2 "lines of -n 2"
    ctl 0 log --directory "$WORK/journal" --since '2026-11-21 20:01'
    is "$(wc -l <<<"$output")" 2 "lines since 20:01"
    ctl 0 log --directory "$WORK/journal" --since '2026-11-21 20:01:01'
    is "$(wc -l <<<"$output")" 1 "lines since 20:01:01"
    ctl 0 log --directory "$WORK/journal" --since 2026-11-21 -n 2
    matches "$output" '^2026-11-21 20:01:00 '
    ctl 0 log --directory "$WORK/journal" --source 192.0.2.0/24
    is "$(wc -l <<<"$output")" 2 "lines of the network"
    ctl 0 log --directory "$WORK/journal" --source 2001:db8::7 --json
    is "$output" '{"time":"2026-11-21T20:01:00.500Z","door":"ordinary","verdict":"rejected","source":"2001:db8::7","reason":"wrong-reply","strikes":2,"of":3}'
    ctl 0 log --directory "$WORK/journal" --action backup
    matches "$output" '^2026-11-21 20:00:00  accepted'
    is "$(wc -l <<<"$output")" 1 "lines of the action"
    ctl 0 log --directory "$WORK/journal" --action none
    is "$output" 'ostiaryctl: nothing found'
    ctl 0 log --directory "$WORK/journal" -n 0
    ctl 69 log --directory "$WORK/nowhere"
}

@test "log: what the user of the sealed door has logged counts, and an entry without a message does not" {
    three_knocks
    printf '%s\n' "__REALTIME_TIMESTAMP=$((AT + 180))500000" __MONOTONIC_TIMESTAMP=99000000 \
        _BOOT_ID=0123456789abcdef0123456789abcdef _UID=0 SYSLOG_IDENTIFIER=ostiaryd CODE_LINE=1 '' >>"$WORK/entries"
    entry "$((AT + 240))" 4711 ostiaryd 'accepted source=192.0.2.77 action=sealed socket=/run/sealed'
    rm -r "$WORK/journal"
    make_journal
    ctl 0 log --directory "$WORK/journal"
    is "$(wc -l <<<"$output")" 3 "lines where there is no such user"
    with_sealed_user
    ctl 0 log --directory "$WORK/journal"
    is "$(wc -l <<<"$output")" 4 "lines where there is"
    matches "$output" '192\.0\.2\.77 +action=sealed socket=/run/sealed door=sealed$'
}

@test "log tells the doors apart by who has logged, whatever the line says, and --door chooses" {
    three_knocks
    entry "$((AT + 180))" 4711 ostiaryd 'accepted source=192.0.2.77 door=ordinary action=restart'
    entry "$((AT + 240))" 4711 ostiaryd 'closed'
    entry "$((AT + 300))" 0 ostiaryd 'accepted source=192.0.2.78 door=pipe'
    rm -r "$WORK/journal"
    make_journal
    ctl 0 log --directory "$WORK/journal" --door sealed
    is "$output" 'ostiaryctl: nothing found' "what there is without the user"
    with_sealed_user
    ctl 0 log --directory "$WORK/journal" --door sealed
    is "$output" "\
2026-11-21 20:03:00  accepted  192.0.2.77       action=restart door=sealed
2026-11-21 20:04:00  closed    -                door=sealed"
    ctl 0 log --directory "$WORK/journal" --door sealed --json -n 2
    is "$(head -n 1 <<<"$output")" '{"time":"2026-11-21T20:03:00.500Z","door":"sealed","verdict":"accepted","source":"192.0.2.77","action":"restart"}'
    ctl 0 log --directory "$WORK/journal" --door ordinary
    is "$(wc -l <<<"$output")" 4 "lines of the ordinary door"
    refute grep -q sealed <<<"$output"
    matches "$output" '192\.0\.2\.78 +door=pipe$'
    ctl 0 log --directory "$WORK/journal"
    is "$(wc -l <<<"$output")" 6 "lines of both"
}

@test "log shows what ostgrant has granted, renewed, ended and refused, as root alone can have said it" {
    three_knocks
    entry "$((AT + 180))" 0 ostgrant 'granted gate=ssh network=192.0.2.7 user=alice left=90000 by=knock'
    entry "$((AT + 240))" 0 ostgrant 'renewed gate=ssh network=2001:db8:0:7::/64 user=7 left=90000 by=use'
    entry "$((AT + 300))" 0 ostgrant 'ended gate=ssh network=10.0.0.0/8 user=alice reason=expired packets=12'
    entry "$((AT + 360))" 0 ostgrant 'refused gate=ssh user=mallory reason=address by=web'
    # What is none: of the sealed door's user, of a handler, of a local user, and prose.
    entry "$((AT + 420))" 4711 ostgrant 'granted gate=ssh network=192.0.2.66 user=forged left=90000 by=knock'
    entry "$((AT + 420))" 0 ostiaryd 'granted gate=ssh network=192.0.2.66 user=forged left=90000 by=knock'
    entry "$((AT + 420))" 0 ostgrant 'accepted source=192.0.2.66 action=forged uid=0 gid=0'
    entry "$((AT + 420))" 1000 ostgrant 'granted gate=ssh network=192.0.2.66 user=forged left=90000 by=knock'
    entry "$((AT + 420))" 0 ostgrant 'the table is loaded'
    rm -r "$WORK/journal"
    make_journal
    with_sealed_user
    ctl 0 log --directory "$WORK/journal" -n 5
    is "$output" "\
2026-11-21 20:02:00  closed    192.0.2.9        reason=kill-secret
2026-11-21 20:03:00  granted   192.0.2.7        gate=ssh user=alice left=90000 by=knock
2026-11-21 20:04:00  renewed   2001:db8:0:7::/64  gate=ssh user=7 left=90000 by=use
2026-11-21 20:05:00  ended     10.0.0.0/8       gate=ssh user=alice reason=expired packets=12
2026-11-21 20:06:00  refused   -                gate=ssh user=mallory reason=address by=web"
    ctl 0 log --directory "$WORK/journal" --json -n 3
    is "$(head -n 1 <<<"$output")" '{"time":"2026-11-21T20:04:00.500Z","door":null,"verdict":"renewed","source":null,"network":"2001:db8:0:7::/64","gate":"ssh","user":"7","left":90000,"by":"use"}'
    # A network is shown to who asks for a part of it, or for one around it.
    ctl 0 log --directory "$WORK/journal" --source 10.1.2.3
    matches "$output" '^2026-11-21 20:05:00  ended '
    is "$(wc -l <<<"$output")" 1 "lines of a host within"
    ctl 0 log --directory "$WORK/journal" --source 2001:db8::/32
    is "$(awk '{ print $3 }' <<<"$output" | xargs)" 'rejected renewed' "lines of a network around"
    # They are at no door, and of no action.
    ctl 0 log --directory "$WORK/journal" --door ordinary
    is "$(wc -l <<<"$output")" 3 "lines of the ordinary door"
    ctl 0 log --directory "$WORK/journal" --action alice
    is "$output" 'ostiaryctl: nothing found'
}

@test "log: a visit that was refused with a network, or has locked one, says which" {
    three_knocks
    entry "$((AT + 180))" 0 ostiaryd 'locked source=2001:db8:5:6::1 network=2001:db8:5::/48 strikes=48 until=2026-11-22T20:03:00Z reason=wrong-reply'
    entry "$((AT + 240))" 0 ostiaryd 'refused source=2001:db8:5:7::1 reason=locked until=2026-11-22T20:03:00Z network=2001:db8:5::/48'
    rm -r "$WORK/journal"
    make_journal
    ctl 0 log --directory "$WORK/journal" -n 2
    is "$output" "\
2026-11-21 20:03:00  locked    2001:db8:5:6::1  network=2001:db8:5::/48 strikes=48 until=2026-11-22T20:03:00Z reason=wrong-reply
2026-11-21 20:04:00  refused   2001:db8:5:7::1  reason=locked until=2026-11-22T20:03:00Z network=2001:db8:5::/48"
    ctl 0 log --directory "$WORK/journal" -n 1 --json
    is "$output" '{"time":"2026-11-21T20:04:00.500Z","door":"ordinary","verdict":"refused","source":"2001:db8:5:7::1","reason":"locked","until":"2026-11-22T20:03:00Z","network":"2001:db8:5::/48"}'
}

@test "log: an outcome without a source is shown as that, and is of no source that is asked for" {
    three_knocks
    entry "$((AT + 180))" 0 ostiaryd 'closed reason=by-order'
    rm -r "$WORK/journal"
    make_journal
    ctl 0 log --directory "$WORK/journal" -n 1
    matches "$output" '^2026-11-21 20:03:00  closed    - +reason=by-order$'
    ctl 0 log --directory "$WORK/journal" -n 1 --json
    is "$(json source)" None
    ctl 0 log --directory "$WORK/journal" --source ::/0
    refute grep -q by-order <<<"$output"
    ctl 0 log --directory "$WORK/journal" --action none --json
    is "$output" '' "what is said of nothing to a program"
}

@test "log: an empty answer is explained: no journal, one that may not be read; and a fault is no empty answer" {
    local call
    three_knocks
    run bash -c '"$1" log --directory "$2" >/dev/full' bash "$OSTIARY_BUILD/src/admin/ostiaryctl" "$WORK/journal"
    is "$status" 74 "status of a full disk"
    for call in add_match seek_tail next; do
        ctl_with "sd_journal_$call" 69 log --directory "$WORK/journal"
        matches "$output" 'the journal cannot be read: Input/output error'
    done
    ctl_with sd_journal_wait 69 log --directory "$WORK/journal" -f
    matches "$output" '192\.0\.2\.9 .*the journal cannot be read'
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=(unshare --mount -- sh -c 'mount -t tmpfs none /run && mount -t tmpfs none /var/log && exec "$@"' sh)
    ctl 0 log
    matches "$output" 'there is no journal here'
    CTL_WITH+=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    ctl 0 log
    matches "$output" 'nothing found: root and the group systemd-journal can read the journal'
}

@test "log -f shows what comes in later" {
    three_knocks
    "$OSTIARY_BUILD/src/admin/ostiaryctl" log --directory "$WORK/journal" -n 1 -f >"$WORK/followed" 2>&1 3>&- &
    local follower=$!
    eventually grep -q kill-secret "$WORK/followed"
    : >"$WORK/entries"
    entry "$((AT + 180))" 0 ostiaryd 'refused source=192.0.2.10 reason=locked'
    # A journal is appended to in place only by its own daemon; another file in the directory is seen as well.
    mv "$WORK/journal/ostiary.journal" "$WORK/journal/ostiary-old.journal"
    make_journal
    eventually grep -q 'refused   192.0.2.10 ' "$WORK/followed"
    is "$(wc -l <"$WORK/followed")" 2 "lines"
    kill "$follower"
    wait "$follower" || true
}

# ---- completion -----------------------------------------------------------------------------------------------------

# complete WORD...: what the completion offers for the last word.
complete_words() {
    (
        # shellcheck source=/dev/null
        source "$OSTIARY_SOURCE/src/completions/$1"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        COMPREPLY=()
        "_$1"
        printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
    )
}

@test "completion offers link-local sources with their interface, and users with what the shell needs" {
    need_root
    ctl 0 lock fe80::5%lo
    ctl 0 lock fe80::%lo/64
    ctl 0 lock 192.0.2.7
    local PATH=$OSTIARY_BUILD/src/admin:$PATH
    is "$(complete_words ostiaryctl -c "$CONFIG" unlock '' | xargs -n 1 | LC_ALL=C sort | paste -sd ' ')" \
        '--all 192.0.2.7 fe80::%lo/64 fe80::5%lo'
    with_sealed_user
    printf '%s\n' 'DOMAIN\alice:x:903:903::/:/bin/sh' 'al ice@example.org:x:904:904::/:/bin/sh' >>"$WORK/passwd"
    is "$("${CTL_WITH[@]}" bash -c "$(declare -f complete_words)
        complete_words ostiaryctl add name /bin/true DOM; complete_words ostiaryctl add name /bin/true al")" \
        'DOMAIN\\alice
al\ ice@example.org'
}

@test "completion knows every command and option of --help, and the handler's" {
    local words
    words=$("$OSTIARY_BUILD/src/admin/ostiaryctl" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort -u | paste -sd ' ')
    is "$(complete_words ostiaryctl '')" "$words" "commands"
    is "$(complete_words ostiaryctl -c x l)" 'list lock log' "commands after -c"
    is "$(complete_words ostiaryctl log --)" \
        "$("$OSTIARY_BUILD/src/admin/ostiaryctl" --help | grep -A1 '^  log' | grep -oE -- '--[a-z]+' | sort | paste -sd ' ')" "options of log"
    is "$(complete_words ostiaryctl unlock --)" --all
    is "$(complete_words ostiaryctl add name /bin/fals)" /bin/false
    is "$(complete_words ostiaryctl add name /bin/true nobod)" nobody
    use_ctl 'ACTION="another secret","/bin/true","name=one"' 'ACTION="a third secret","/bin/true","root","name=two","socket=/x"'
    is "$(complete_words ostiaryctl -c "$CONFIG" remove '')" 'one two'
    is "$(complete_words ostiaryctl repair --)" --empty
    is "$(complete_words ostiaryctl list --)" "--codes --json --secrets"
    is "$(complete_words ostiaryd --)" '--help --version'
    is "$(complete_words ostiaryd -)" '--help --version -T -c -e -h -t'
}
