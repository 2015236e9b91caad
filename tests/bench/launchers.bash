#!/bin/bash
# SPDX-License-Identifier: ISC
# Start the handler under each launcher, for run.sh.
#
# usage: launchers.bash HANDLER CONFIG HOLD PORTS
#
# Writes a line "LAUNCHER PORT" for each into the file PORTS when all of them listen, and ends them when nobody has the
# FIFO HOLD open for writing any more. The last of them is systemd's PID 1, with the units as they are installed, in a
# container: behind its port stands the file in /proc that is its network. There the handler is the one of
# $OSTIARY_BUILD, with a copy of CONFIG but for its table. Where no container can be booted, it says so and goes on.
set -eu
load() {
    # shellcheck disable=SC1090 # named below
    . "$OSTIARY_SOURCE/tests/bench/$1.bash"
}
exec 3>&1
load ../lib/common
load ../lib/launch
# shellcheck disable=SC2034 # what lib/launch.bash is told
SERVER=("$1" -e -c "$2")
config=$2 hold=$3 ports=$4
# shellcheck disable=SC2034
LAUNCH_WITH=() LAUNCH_ENV=()
started=()

clean_up() {
    for LAUNCHER in "${started[@]}"; do
        stop_launcher
    done
    stop_sink
    [ -z "${CONTAINER-}" ] || container_stop
}
trap clean_up EXIT

for name in xinetd tcpserver socket_activate; do
    WORK=${ports%/*}/$name
    mkdir "$WORK" "$WORK/state"
    LOG=$WORK/log
    : >"$LOG"
    "start_$name"
    stop_sink
    started+=("$LAUNCHER")
    echo "$name $PORT" >>"$ports.new"
done

# option NAME: a build option's value.
option() {
    meson introspect --buildoptions "$OSTIARY_BUILD" | /usr/bin/python3 -ISc '
import json, sys
print(next(option["value"] for option in json.load(sys.stdin) if option["name"] == sys.argv[1]))' "$1"
}

start_systemd() {
    local prefix
    prefix=$(option prefix)
    export OSTIARY_SBINDIR=$prefix/sbin OSTIARY_BINDIR=$prefix/bin OSTIARY_UNIT_DIR=$prefix/lib/systemd/system
    OSTIARY_SYSCONFDIR=$(cd / && realpath -m "$prefix/$(option sysconfdir)")
    [[ $(option sysconfdir) != /* ]] || OSTIARY_SYSCONFDIR=$(option sysconfdir)
    export OSTIARY_SYSCONFDIR
    load ../lib/container
    container_boot && container_install || return
    grep -v '^STATE_DIR=' "$config" | write_inside "$OSTIARY_SYSCONFDIR/ostiary.cfg" 600
    inside systemctl daemon-reload
    inside systemctl start ostiary.socket || return
    echo "systemd 5018 /proc/$(container_leader)/ns/net" >>"$ports.new"
}

start_systemd >&2 || echo 'launchers.bash: systemd cannot be booted in a container here: it is left out' >&2
mv "$ports.new" "$ports"
cat "$hold" >/dev/null
