# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of ostiaryctl use. Loaded with: load ../lib/ctl (after common). In teardown: stop_systemd, and stop_sockets where unix_socket is used.
#
# Whatever the machine is: ostiaryctl sees it as one without systemd, and after start_systemd with a false one. It is
# in a mount namespace of its own then, with an empty /run; sd_booted(3) looks for a directory there.

# use_ctl LINE...: a configuration with one action, a state directory and these lines: $CONFIG.
use_ctl() {
    CONFIG=$WORK/ostiary.cfg
    STATE=$WORK/state
    TABLE=$STATE/lockout
    printf '%s\n' "STATE_DIR=\"$STATE\"" TABLE_SIZE=64 'ACTION="correct horse battery staple","/bin/true","root"' \
        "$@" >"$CONFIG"
    chmod 600 "$CONFIG"
    [ -z "${SYSTEMD-}" ] || return 0
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=(unshare --mount -- sh -c 'mount -t tmpfs ostiary /run && exec "$@"' sh)
}

# ctl STATUS ARGUMENT...: run ostiaryctl with $CONFIG; $output has what it says. Fails when it exits otherwise.
ctl() {
    local wanted=$1
    shift
    run "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
    is "$status" "$wanted" "status of ostiaryctl $*, which said: $output"
}

# strikes ADDRESS COUNT AGO: that many wrong knocks, so many seconds ago.
strikes() {
    "$OSTIARY_BUILD/tests/make-strikes" "$STATE" "$@"
}

# json PATH: one value of the JSON document in $output, as Python writes it; fails when it is no JSON.
json() {
    /usr/bin/python3 -ISc 'import json, sys
value = json.loads(sys.argv[1])
for step in sys.argv[2].split("."):
    value = value[int(step) if isinstance(value, list) else step]
print(value)' "$output" "$1"
}

# damage OFFSET...: flip all bits of the bytes at these places of the table.
damage() {
    /usr/bin/python3 -ISc 'import sys
with open(sys.argv[1], "r+b") as table:
    for offset in map(int, sys.argv[2:]):
        table.seek(offset)
        byte = table.read(1)[0]
        table.seek(offset)
        table.write(bytes([byte ^ 255]))' "$TABLE" "$@"
}

# From now on ostiaryctl finds a systemd to ask: fake-systemd, on a bus of its own. unit sets what it knows.
start_systemd() {
    mkdir -p "$WORK/units"
    cat >"$WORK/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=$WORK/bus</listen>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
    # It prints its address once it listens; the socket's name is there a moment earlier.
    : >"$WORK/bus.address"
    dbus-daemon --nofork --nopidfile --print-address --config-file="$WORK/bus.conf" </dev/null \
        >"$WORK/bus.address" 2>"$WORK/bus.out" 3>&- &
    BUS=$!
    eventually test -s "$WORK/bus.address"
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/bus
    # It listens where an active unit does, on ports that this machine may use otherwise: in a network of its own, which
    # is ostiaryctl's as well and outlives it.
    unshare --net sleep infinity </dev/null 3>&- &
    NETWORK=$!
    eventually has_own_network "$NETWORK"
    IN_NETWORK=(nsenter "--net=/proc/$NETWORK/ns/net" --)
    "${IN_NETWORK[@]}" ip link set lo up
    "${IN_NETWORK[@]}" "$OSTIARY_BUILD/tests/fake-systemd" "$WORK/units" </dev/null >"$WORK/systemd.out" 2>&1 3>&- &
    SYSTEMD=$!
    eventually test -e "$WORK/units/ready"
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=("${IN_NETWORK[@]}" unshare --mount -- sh -c 'mount -t tmpfs ostiary /run && mkdir -p /run/systemd/system && exec "$@"' sh)
}

has_own_network() {
    [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

stop_systemd() {
    local pid
    for pid in ${SYSTEMD-} ${BUS-} ${NETWORK-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    SYSTEMD='' BUS='' NETWORK=''
}

# unit NAME STATE FILE_STATE LISTEN...: an installed socket unit, which heeds $STATE/closed.
unit() {
    local at=$WORK/units/$1
    mkdir -p "$at"
    echo loaded >"$at/LoadState"
    echo "$2" >"$at/ActiveState"
    echo "$3" >"$at/UnitFileState"
    printf '%s\n' "${@:4}" >"$at/Listen"
    echo "$STATE/closed" >"$at/Conditions"
    echo 12 >"$at/NAccepted"
    echo 1 >"$at/NConnections"
    echo 5 >"$at/NRefused"
    echo 'done' >"$at/start"
    echo active >"$at/after"
}

# with_sealed_user: from now on there is a user ostiary, with the number 4711.
with_sealed_user() {
    printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/:/bin/false ostiary:x:4711:4711::/:/bin/false >"$WORK/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: ostiary:x:4711: >"$WORK/group"
    printf '%s\n' 'passwd: files' 'group: files' >"$WORK/nsswitch.conf"
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=("${CTL_WITH[@]}" sh -c 'for file in passwd group nsswitch.conf; do
        mount --bind "$0/$file" "/etc/$file" || exit; done; exec "$@"' "$WORK")
}

# sealed_config LINE...: ostiary-sealed.cfg as it has to be, in the place of $CONFIG.
sealed_config() {
    CONFIG=$WORK/ostiary-sealed.cfg
    printf '%s\n' "STATE_DIR=\"$STATE\"" TABLE_SIZE=64 "$@" >"$CONFIG"
    chown root:4711 "$CONFIG"
    chmod 640 "$CONFIG"
    chown -R 4711:4711 "$STATE"
}

# unix_socket PATH: something listens there, until stop_sockets.
unix_socket() {
    /usr/bin/python3 -ISc 'import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
time.sleep(1000)' "$1" 3>&- &
    SOCKETS+=("$!")
    eventually test -S "$1"
}

stop_sockets() {
    local pid
    for pid in "${SOCKETS[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    SOCKETS=()
}

# entry SECOND UID IDENTIFIER MESSAGE: one entry of a journal in $WORK/journal, at this second since 1970.
# make_journal makes it from all of them.
entry() {
    ENTRIES=$((${ENTRIES-0} + 1))
    printf '%s\n' "__REALTIME_TIMESTAMP=${1}500000" "__MONOTONIC_TIMESTAMP=$((1000000 * ENTRIES))" \
        _BOOT_ID=0123456789abcdef0123456789abcdef _TRANSPORT=syslog "_UID=$2" PRIORITY=5 \
        "SYSLOG_IDENTIFIER=$3" "MESSAGE=$4" '' >>"$WORK/entries"
}

make_journal() {
    mkdir -p "$WORK/journal"
    /lib/systemd/systemd-journal-remote --output="$WORK/journal/ostiary.journal" "$WORK/entries" >"$WORK/journal.out" 2>&1 || {
        cat "$WORK/journal.out"
        return 1
    }
}
