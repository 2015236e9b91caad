# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# The launchers, for real: start one on a free loopback port, knock at it, read its log, take it down.
# Loaded with: load ../lib/launch (after common). In setup: need_root; make_work. In teardown: stop_launcher; remove_work.
#
# Each launcher lives in a pid and a mount namespace of its own. Its death, or that of the test, ends everything that
# was started below it, and its /dev/log is $WORK/log.sock. The network is the machine's: 127.0.0.1 and ::1.
#
#   start_socket_activate | start_xinetd | start_inetd | start_tcpserver   [4|6]
#
# 4 (default) listens on 127.0.0.1, 6 on [::] for IPv6 and IPv4. Gives $PORT. What is started for a connection is the
# array $SERVER: the handler with $CONFIG unless a test says otherwise. LAUNCH_WITH (array) goes before the launcher.

LAUNCHERS_DIR=${OSTIARY_LAUNCHERS:-$OSTIARY_BUILD/launchers}
LAUNCHER=
SINK=

# use_handler OPTION...: each connection gets the handler, with these options and the configuration $CONFIG. Its log,
# standard error of the launcher and syslog both, is $LOG.
use_handler() {
    CONFIG=$WORK/ostiary.cfg
    LOG=$WORK/log
    : >"$LOG"
    SERVER=("$OSTIARYD" -c "$CONFIG" "$@")
    LAUNCH_WITH=()
    LAUNCH_ENV=()
}

# write_config LINE...: the configuration, with a short pace, and a deadline that no peer misses because the machine is
# busy; LINEs come last and so hold. A test of the deadline says COMM_TIMEOUT for that connection alone.
write_config() {
    printf '%s\n' "STATE_DIR=\"$WORK/state\"" DELAY=1 COMM_TIMEOUT=3600 MAX_BAD_CONNS=1000 "$@" >"$CONFIG"
    chmod 600 "$CONFIG"
}

# write_action NAME LINE...: a shell script as an action, $WORK/bin/NAME.
write_action() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$WORK/bin/$name"
    chmod 755 "$WORK/bin/$name"
}

# From now on the handler's exit status is appended to $WORK/status, one line for each connection; an action's
# status takes its place. The shell that waits for it holds the connection too, as systemd does.
record_status() {
    record_status_of "${SERVER[@]}"
}

record_status_of() {
    printf '#!/bin/sh\n' >"$WORK/server"
    printf '%q ' "$@" >>"$WORK/server"
    # shellcheck disable=SC2016 # for the script, not for here
    printf '\necho $? >>%q\n' "$WORK/status" >>"$WORK/server"
    chmod 755 "$WORK/server"
    SERVER=("$WORK/server")
}

# ended STATUS [N]: is the status of the Nth connection (default: 1) this one? Waits for it.
ended() {
    eventually has_lines "$WORK/status" "${2:-1}" || {
        echo "no exit status was recorded"
        return 1
    }
    is "$(sed -n "${2:-1}p" "$WORK/status")" "$1" "exit status"
}

has_lines() {
    [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

# logged REGEX: a line of the handler's log matches; waits for it.
logged() {
    eventually grep -qE -- "$1" "$LOG" || {
        printf 'no line matches %s in the log:\n' "$1"
        cat "$LOG"
        return 1
    }
}

# not_logged REGEX: no line does, now. Wait for what must come before with logged.
not_logged() {
    refute grep -E -- "$1" "$LOG"
}

# The handler's own lines. Each launcher adds its own to the log; the handler's bear its name, or a <N> where it takes
# standard error for the journal.
handler_lines() {
    grep -E '^(<[0-9]+> )?ostiaryd(\[[0-9]+\])?: |^<[0-9]>' "$LOG"
}

# peer ARGS: one connection to $PORT; the report in $output.
peer() {
    run "$TOOLS/peer.py" "$PORT" "$@"
    [ "$status" -eq 0 ] || {
        echo "$output"
        return 1
    }
}

# inside COMMAND...: run it in the launcher's namespaces, where pids are the launcher's.
inside() {
    nsenter -t "$(pgrep -P "$LAUNCHER")" -p -m -- "$@"
}

free_port() {
    /usr/bin/python3 -ISc 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Does a process of our launcher listen on $PORT? Somebody else's listener must not be taken for ours.
is_listening() {
    local pid space
    space=$(readlink "/proc/$(pgrep -P "$LAUNCHER")/ns/pid") || return 1
    for pid in $(ss -Hltnp "sport = :$PORT" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
        [ "$(readlink "/proc/$pid/ns/pid")" = "$space" ] && return
    done
    return 1
}

is_listening_or_gone() {
    local state
    is_listening && return
    # PID (NAME) STATE ...: a zombie has ended.
    state=$(cat "/proc/$LAUNCHER/stat") || return 0
    [[ $state == *') Z '* ]]
}

# launch NAME FAMILY: find a port, write the launcher's configuration, start it; another port if that one was taken.
launch() {
    local try
    if [ -z "$SINK" ]; then
        "$TOOLS/syslog_sink.py" "$WORK/log.sock" "$LOG" 3>&- &
        SINK=$!
        eventually test -S "$WORK/log.sock"
    fi
    for try in 1 2 3 4 5; do
        PORT=$(free_port)
        "arguments_of_$1" "$2"
        setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc -- \
            "$TOOLS/launcher_init.sh" "$WORK" "${LAUNCH_WITH[@]}" "${ARGUMENTS[@]}" </dev/null >"$WORK/$1.out" 2>>"$LOG" 3>&- &
        LAUNCHER=$!
        eventually is_listening_or_gone
        is_listening && return
        echo "$1, try $try, port $PORT:"
        cat "$WORK/$1.out" "$LOG"
        stop_launcher
    done
    return 1
}

# Ending the namespace's first process ends all in it, and unshare returns when the last is gone.
stop_launcher() {
    [ -n "$LAUNCHER" ] || return 0
    kill -KILL "$(pgrep -P "$LAUNCHER")" 2>/dev/null || kill -KILL "$LAUNCHER" 2>/dev/null || true
    wait "$LAUNCHER" 2>/dev/null || true
    LAUNCHER=
    # The mounts have ended with their namespace.
    rm -rf "${WORK:?}/dev"
}

stop_sink() {
    [ -n "$SINK" ] || return 0
    kill "$SINK" 2>/dev/null || true
    wait "$SINK" 2>/dev/null || true
    SINK=
}

# fds 0 and 1 are the connection; standard error is the launcher's own, our log.
arguments_of_socket_activate() {
    local address=127.0.0.1 name
    [ "$1" = 4 ] || address='[::]'
    ARGUMENTS=(systemd-socket-activate --accept --inetd -l "$address:$PORT")
    # It passes no variable that is not named.
    for name in ASAN_OPTIONS UBSAN_OPTIONS "${LAUNCH_ENV[@]}"; do
        ARGUMENTS+=(-E "$name")
    done
    ARGUMENTS+=("${SERVER[@]}")
}

# fds 0, 1 and 2 are the connection, and the environment is the launcher's.
arguments_of_xinetd() {
    local address=127.0.0.1 more=
    [ "$1" = 4 ] || address=:: more=$'flags = IPv6\n'
    # An attribute without a value is an error.
    [ ${#SERVER[@]} -eq 1 ] || more+="server_args = ${SERVER[*]:1}"
    cat >"$WORK/xinetd.conf" <<END
service ostiary
{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    port = $PORT
    bind = $address
    wait = no
    user = root
    server = ${SERVER[0]}
    $more
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 10000 1
}
END
    ARGUMENTS=("$LAUNCHERS_DIR/usr/sbin/xinetd" -dontfork -f "$WORK/xinetd.conf" -pidfile "$WORK/xinetd.pid")
}

arguments_of_inetd() {
    local address=127.0.0.1 protocol=tcp
    [ "$1" = 4 ] || address=:: protocol=tcp6
    echo "$address:$PORT stream $protocol nowait root ${SERVER[0]} ${SERVER[*]}" >"$WORK/inetd.conf"
    ARGUMENTS=("$LAUNCHERS_DIR/usr/sbin/inetd" -i -R 10000 "$WORK/inetd.conf")
}

# fds 0 and 1 are the connection; standard error is the launcher's own.
arguments_of_tcpserver() {
    local address=127.0.0.1
    [ "$1" = 4 ] || address=0
    ARGUMENTS=(tcpserver -q -H -R -l 0 -c 1000 "$address" "$PORT" "${SERVER[@]}")
}

start_socket_activate() {
    launch socket_activate "${1:-4}"
}

start_xinetd() {
    need_launchers
    launch xinetd "${1:-4}"
}

start_inetd() {
    need_launchers
    launch inetd "${1:-4}"
}

start_tcpserver() {
    launch tcpserver "${1:-4}"
}

need_launchers() {
    [ -x "$LAUNCHERS_DIR/usr/sbin/xinetd" ] || skip "needs: sh tests/setup.sh launchers $LAUNCHERS_DIR"
}
