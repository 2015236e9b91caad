# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154 # variables and functions shared with bats and the tests
# The handler without a launcher, as one process of a test sees it: many knocks, each with a clock and an environment of
# its own, and a look into the table behind them.
# Loaded with: load ../lib/door (after common and launch). In setup: door_setup. In teardown: remove_work.

DOOR_PRELOAD=$OSTIARY_BUILD/tests/libinterpose.so:$OSTIARY_BUILD/tests/libfrozen.so
NOON=1795262400 # 2026-11-21T12:00:00Z

# An action that anybody may run, and a door with a short memory. Tests add to it: write_config "$ACTION" LINE...
door_setup() {
    need_root
    make_work
    use_handler -e
    mkdir "$WORK/tally"
    write_action knock "echo \"\$1\" >>$WORK/out/knock"
    ACTION="ACTION=\"sesame\",\"$WORK/bin/knock\",\"65534\",\"65534\""
    HANDLER=("${SERVER[@]}")
    DOOR_WITH=()
    HELPERS=()
    KNOCKS=$WORK/knocks
    write_door
}

# write_door LINE...: the configuration, strict where write_config is lenient.
write_door() {
    write_config MAX_BAD_CONNS=3 "$ACTION" "$@"
}

# knock [OPTION...] KNOCK...: see door.py; the handlers' clocks are real, unless --clock is among the options. What
# became of each is a line of $KNOCKS.
knock() {
    local options=()
    while [[ ${1-} == --* ]]; do
        options+=("$1")
        shift
    done
    "${DOOR_WITH[@]}" "$TOOLS/door.py" --log="$LOG" --preload="$DOOR_PRELOAD" "${options[@]}" -- "${HANDLER[@]}" -- "$@" >"$KNOCKS"
}

# at_noon [OPTION...] KNOCK...: the same with clocks that stand at noon, or at KNOCK's @SECONDS from it.
at_noon() {
    knock --clock="$NOON" "$@"
}

# one_by_one [OPTION...] KNOCK...: the same with a clock for each that lets the last one's DELAY be over.
one_by_one() {
    knock --clock="$NOON" --step=2 "$@"
}

# wall_clock_ahead SECONDS: from now on the wall clock stands so far before what at_noon says, or behind it.
wall_clock_ahead() {
    export OSTIARY_TEST_AHEAD=$(($1 * 1000))
}

# two_doors: from now on there is a user ostiary, of number 64000. at_roots and at_ostiarys are one_by_one at the ordinary
# door, whose handler is root, and at the sealed one, whose handler is this user. Both have the same settings.
two_doors() {
    printf '%s\n' root:x:0:0:root:/root:/bin/sh ostiary:x:64000:64000::/:/bin/false >"$WORK/passwd"
    sed 's/"65534","65534"/"64000","64000"/' "$CONFIG" >"$WORK/ostiary-sealed.cfg"
    chmod 640 "$WORK/ostiary-sealed.cfg"
    chown 0:64000 "$WORK/ostiary-sealed.cfg"
    # shellcheck disable=SC2016 # for the inner shell
    BESIDE=(unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$WORK/passwd")
    AT_ROOTS=("${BESIDE[@]}" "$OSTIARYD" -e -c "$CONFIG")
    AT_OSTIARYS=("${BESIDE[@]}" setpriv --reuid 64000 --regid 64000 --clear-groups "$OSTIARYD" -e -c "$WORK/ostiary-sealed.cfg")
}

at_roots() {
    HANDLER=("${AT_ROOTS[@]}")
    one_by_one "$@"
}

at_ostiarys() {
    HANDLER=("${AT_OSTIARYS[@]}")
    one_by_one "$@"
}

# another_boot: from now on the machine has started once more.
another_boot() {
    BOOTS=$((${BOOTS-0} + 1))
    printf '00000000-0000-0000-0000-%012d\n' "$BOOTS" >"$WORK/boot_id"
    DOOR_WITH=(unshare --mount sh -c "mount --bind $WORK/boot_id /proc/sys/kernel/random/boot_id"' && exec "$@"' sh)
}

# with_addresses ADDRESS...: from now on the door is in a network of its own, with these on lo.
with_addresses() {
    local address add='ip link set lo up'
    for address in "$@"; do
        add+=" && ip -6 address add $address/128 dev lo nodad"
    done
    DOOR_WITH=(unshare --net sh -c "$add"' && exec "$@"' sh)
}

# with_links ADDRESS...: the same, with interfaces knock0 and knock1 that both have these link-local addresses. After
# "renumbered" as the first word, their numbers are exchanged.
with_links() {
    local address link first=knock0 second=knock1 add
    if [ "$1" = renumbered ]; then
        first=knock1 second=knock0
        shift
    fi
    add="ip link set lo up && ip link add $first type veth peer name $second"
    for link in knock0 knock1; do
        add+=" && ip link set $link up"
        for address in "$@"; do
            add+=" && ip -6 address add $address/64 dev $link nodad"
        done
    done
    DOOR_WITH=(unshare --net sh -c "$add"' && exec "$@"' sh)
}

# of N NAME: one member of what became of knock N.
of() {
    local output
    output=$(sed -n "$1p" "$KNOCKS")
    field "$2"
}

# how_many NAME VALUE: how many knocks ended so. Lengths: 0 no seed, 32 rejected, 64 accepted.
how_many() {
    grep -cE "\"$1\": \"?$2\"?[,}]" "$KNOCKS" || true
}

# begin_codes KNOCK: the record of used codes is made by this knock, the day before: what is older than a record counts as
# used. Nothing else of it is left.
begin_codes() {
    knock --clock=$((NOON - 86400)) "$1"
    [ -s "$WORK/state-root/used" ]
    rm -rf "${WORK:?}/state/"* "$WORK/tally/"* "$WORK/out/"*
    : >"$LOG"
}

# lengths: those of all knocks in turn, as one word list.
lengths() {
    local output list=
    while read -r output; do
        list+="${list:+ }$(field length)"
    done <"$KNOCKS"
    echo "$list"
}

# compared [SOURCE]: how many HMAC keys were used on replies of this source, or of all.
compared() {
    grep -rhc '^setkey' "$WORK/tally${1:+/$1}" 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}

# dump [STATE_DIR]: the table, in $output; fails when any of it is damaged.
dump() {
    run "$OSTIARY_BUILD/tests/table-dump" "${1:-$WORK/state}"
    [ "$status" -eq 0 ] || {
        echo "$output"
        return 1
    }
}

# in_table NAME [STATE_DIR]: one value of the table's last line.
in_table() {
    dump "${@:2}" && sed -nE 's/^table .*\b'"$1"'=([0-9]+).*/\1/p' <<<"$output"
}

# in_slot SOURCE NAME [STATE_DIR]: one value of the source's slot; "none" where it has no slot. IPv6: PREFIX::/64.
in_slot() {
    local source=$1 line
    [[ $source == */* ]] || source+=/128
    dump "${@:3}" || return
    line=$(grep -F "source=$source " <<<"$output") || {
        echo none
        return
    }
    sed -nE 's/.*\b'"$2"'=([^ ]+).*/\1/p' <<<"$line"
}

# logged_times N REGEX: just so many lines of the log match.
logged_times() {
    local times
    times=$(grep -cE -- "$2" "$LOG" || true)
    [ "$times" -eq "$1" ] || {
        printf '%s lines, not %s, match %s in:\n' "$times" "$1" "$2"
        head -n 100 "$LOG"
        return 1
    }
}

# witnessed_by TRACER...: the handler runs under it from now on.
witnessed_by() {
    HANDLER=("${NO_LEAK_CHECK[@]}" "$@" "${HANDLER[@]}")
}

# stopped_by CONDITION KNOCK: the knock goes on in the background until its handler has met the condition of strace(1)
# to stop. Gives its pid, $STOPPED. Then: go_on, which waits for its end.
stopped_by() {
    rm -f "$WORK/trace" "$WORK/stopped"
    # shellcheck disable=SC2016 # for the inner shell
    (
        KNOCKS=$WORK/stopped-knocks
        HANDLER=(/bin/sh -c 'echo $$ >"$0" && exec "$@"' "$WORK/stopped" "${NO_LEAK_CHECK[@]}"
            strace -D -o "$WORK/trace" "${@:1:$#-1}" "${HANDLER[@]}")
        DOOR_PRELOAD=
        knock "${!#}"
    ) 3>&- &
    STOPPED_KNOCK=$!
    HELPERS+=($!)
    eventually grep -qs 'stopped by SIGSTOP' "$WORK/trace" || {
        cat "$WORK/trace" "$LOG"
        return 1
    }
    STOPPED=$(<"$WORK/stopped")
}

go_on() {
    rm "$WORK/stopped"
    kill -CONT "$STOPPED"
    wait "$STOPPED_KNOCK"
}

# all_below PID...: the processes that these have started, and those that they have.
all_below() {
    local pid child
    for pid; do
        for child in $(pgrep -P "$pid"); do
            echo "$child"
            all_below "$child"
        done
    done
}

# end_helpers: what a test has left in the background.
end_helpers() {
    local pid
    # First what is stopped, for others wait for it. What a helper has started would go on after it.
    for pid in $(cat "$WORK/stopped" 2>/dev/null) $(all_below "${HELPERS[@]}") "${HELPERS[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# Syslog is part of $LOG from now on.
log_syslog_too() {
    "$TOOLS/syslog_sink.py" "$WORK/log.sock" "$LOG" 3>&- &
    SINK=$!
    eventually test -S "$WORK/log.sock"
    DOOR_WITH=(with_syslog)
}

with_syslog() {
    local status=0
    unshare --mount --pid --fork --kill-child --mount-proc -- "$TOOLS/launcher_init.sh" "$WORK" "$@" || status=$?
    rmdir "$WORK/dev"
    return "$status"
}

# is_locked SOURCE [SECONDS]: it gets not one byte, at so many seconds from noon.
is_locked() {
    at_noon "$1=sesame@${2:-1000}"
    is "$(of 1 length)" 0 "bytes to $1, ${2:-1000} s from noon"
    is "$(of 1 status)" 0 "exit status"
}

# is_free SOURCE [SECONDS]: its right reply is accepted.
is_free() {
    at_noon "$1=sesame@${2:-1000}"
    is "$(of 1 receipt)" right "receipt for $1, ${2:-1000} s from noon"
}

# A table that works, with one source in it.
make_table() {
    at_noon 127.0.0.9=wrong
    is "$(of 1 length)" 32 "bytes before anything was wrong"
}

# nobody_gets_in REGEX [STATUS [OPTION...]]: not one byte for a right secret, long before the deadline; and just one line that says why.
nobody_gets_in() {
    : >"$LOG"
    at_noon "${@:3}" 127.0.0.2=sesame@60
    is "$(of 1 length) $(of 1 end)" '0 eof' "bytes received, and the end"
    is "$(of 1 status)" "${2:-74}" "exit status"
    is "$(acted)" 0 actions
    logged_times 1 "$1"
    logged_times 1 'refused source=127\.0\.0\.2 reason='"${REASON:-state}"
    is "$(handler_lines | wc -l)" 2 "lines in the log"
}

# acted: how often the action ran. It is on its own when the connection has ended, so: poll for what is expected.
acted() {
    [ -e "$WORK/out/knock" ] || {
        echo 0
        return
    }
    wc -l <"$WORK/out/knock"
}

# For launch: xinetd with the file that is shipped. What an administrator fills in is filled in, and nothing else.
arguments_of_shipped_xinetd() {
    sed -e 's/^\( *disable *= \).*/\1no/' -e "s/^\( *port *= \).*/\1$PORT/" \
        -e "s|^\( *server *= \).*|\1${SERVER[0]}\n        server_args = ${SERVER[*]:1}|" \
        "$OSTIARY_SOURCE/xinetd/ostiary.in" >"$WORK/xinetd.conf"
    ARGUMENTS=("$LAUNCHERS_DIR/usr/sbin/xinetd" -dontfork -f "$WORK/xinetd.conf" -pidfile "$WORK/xinetd.pid")
}

start_shipped_xinetd() {
    need_launchers
    launch shipped_xinetd 6
}

# stops COMMAND...: how often kill-at sees it stop: before and behind each system call.
stops() {
    "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$@" 2>&1 | sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p'
}

# kill_everywhere REPLY LINE...: one handler for each such system call, which is killed behind it, each with a door of its own,
# $WORK/kill.N, that has no table yet. $KILLS is how many. Nothing happens between one call and the next that could be seen
# from outside, so there is no need to kill before them as well; and the calls with which any program begins, whatever it
# is asked for, are left out. {n} in a LINE is the number of the door.
kill_everywhere() {
    local reply=$1 n text first last
    shift
    write_door "$@" TABLE_SIZE=64
    text=$(<"$CONFIG")
    first=$(($(stops "$OSTIARYD" --version) / 2 * 2))
    HANDLER=("${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$OSTIARYD" -e -c "$CONFIG")
    at_noon --env=OSTIARY_TEST_TALLY=/dev/null "127.0.0.2=$reply"
    last=$(sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p' "$LOG")
    KILLS=$(((last - first) / 2 + 1))
    for ((n = 1; n <= KILLS; n++)); do
        mkdir -m 700 "$WORK/kill.$n" "$WORK/kill.$n/state"
        [ ! -e "$WORK/used" ] || install -D -m 600 "$WORK/used" "$WORK/kill.$n/state-root/used"
        [ ! -e "$WORK/used" ] || chmod 700 "$WORK/kill.$n/state-root"
        (umask 077 && printf '%s\n' "${text//"$WORK/state"/"$WORK/kill.$n/state"}" | sed "s/{n}/$n/" >"$WORK/kill.$n/cfg")
    done
    # shellcheck disable=SC2016 # for the inner shell
    HANDLER=("${NO_LEAK_CHECK[@]}" sh -c 'kill_at=$1 stop=$(($2 + 2 * ($3 - 1))) && shift 3 && exec "$kill_at" "$stop" "$@"'
        sh "$OSTIARY_BUILD/tests/kill-at" "$first" '{n}' "$OSTIARYD" -e -c "$WORK/kill.{n}/cfg")
    at_noon --width=2 --env="OSTIARY_TEST_TALLY=$WORK/kill.{n}/tally" "127.0.0.2=${reply}x$KILLS"
    # Some more or less may have been needed: files that the C library looks for, a lock that had to be waited for, a
    # sanitizer's memory.
    local killed
    killed=$(how_many status 137)
    [ "$killed" -ge $((KILLS - KILLS / 10)) ] || is "$killed" "nearly $KILLS" "handlers that were killed"
}

# knock_again [REPLY]: another comes to each of these doors, from 127.0.0.3.
knock_again() {
    HANDLER=("$OSTIARYD" -e -c "$WORK/kill.{n}/cfg")
    at_noon --width=2 "127.0.0.3=${1-sesame}x$KILLS"
}
