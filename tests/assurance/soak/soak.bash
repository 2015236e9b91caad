#!/bin/bash
# SPDX-License-Identifier: ISC
# The soak itself, for run.sh: the door under xinetd, the clients, who watches, and who judges.
#
# usage: soak.bash WORK SECONDS RATE TAP      (in a network namespace of its own, as root)
#
# WORK is the caller's to remove; whatever is started here has ended when this does. TAP: not empty for meson.
# shellcheck disable=SC2034,SC2154 # the libraries read and set these variables
set -eu
load() {
    # shellcheck disable=SC1090 # named below
    . "$OSTIARY_SOURCE/tests/assurance/soak/$1.bash"
}
exec 3>&1
load ../../lib/common
load ../../lib/launch
load ../../lib/door

place=$1 seconds=$2 rate=$3 tap=$4
here=$OSTIARY_SOURCE/tests/assurance/soak
watcher=

clean_up() {
    [ -z "$watcher" ] || {
        kill "$watcher" 2>/dev/null || true
        wait "$watcher" || true
    }
    stop_launcher
    stop_sink
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

ip link set lo up
ip -6 route add local fd00::/8 dev lo

# Whatever the door and its actions might leave behind is in $WORK; what watches them is not.
WORK=$place/door
mkdir "$WORK" "$WORK/bin"
mkdir -m 700 "$WORK/state"
mkdir -m 1777 "$WORK/tmp"
chmod 755 "$WORK"
: >"$place/acted"
chmod 666 "$place/acted"
use_handler
LOG=$place/log
: >"$LOG"
write_action knock "echo \"knock \$1\" >>$place/acted"
write_action linger "echo \"linger \$1\" >>$place/acted" 'exec sleep 2'
key=$place/key
(umask 077 && head -c 18 /dev/urandom | base64 >"$key")

# The deadline leaves a right knock time on a machine that does other things; a lock is so short that it ends meanwhile.
CONFIG=$place/ostiary.cfg
cat >"$CONFIG" <<END
STATE_DIR="$WORK/state"
DELAY=1
COMM_TIMEOUT=15
MAX_BAD_CONNS=3
LOCKOUT_TIME=40
STRIKE_TIME=30d
EXEMPT="127.18.0.0/16"
EXEMPT="fd02::/16"
ACTION="$(cat "$key")","$WORK/bin/knock","65534","65534"
ACTION="$(head -c 18 /dev/urandom | base64)","$WORK/bin/linger","65534","65534"
END
chmod 600 "$CONFIG"
SERVER=("$OSTIARYD" -c "$CONFIG")

LAUNCHERS_DIR=${OSTIARY_LAUNCHERS:-$OSTIARY_BUILD/launchers}
# One that holds what is run here must stay in sight.
watched=()
for dir in /tmp /var/tmp; do
    [[ $place/ == $dir/* || $OSTIARY_BUILD/ == $dir/* || $OSTIARY_SOURCE/ == $dir/* || $LAUNCHERS_DIR/ == $dir/* ]] ||
        watched+=("$dir")
done
# shellcheck disable=SC2016 # for the shell inside
LAUNCH_WITH=(sh -c 'for dir in $1; do mount --bind "$0" "$dir" || exit; done; shift; exec "$@"' "$WORK/tmp" "${watched[*]}")
launch shipped_xinetd 6 >&2

# The first knock makes the table, and xinetd ready; what is there from now on must not grow.
"$OSTIARY_BUILD/src/client/ostclient" -w -k "$key" "127.0.0.1:$PORT"
logged 'accepted source=127\.0\.0\.1 action=knock' >&2
eventually test -s "$place/acted"
: >"$place/acted"
before=$(stat -c %s "$LOG")

init=$(pgrep -P "$LAUNCHER")
setpriv --pdeathsig TERM "$here/watch.py" "$WORK" "$init" "$place/samples" \
    "$OSTIARY_BUILD/tests/assurance/soak/soak-clients" "$CONFIG" "$PORT" "$seconds" "$rate" >"$place/journal" 3>&- &
watcher=$!
wait "$watcher"
watcher=

tail -c "+$((before + 1))" "$LOG" >"$place/lines"
"$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" list --json >"$place/list"
date +%s >"$place/listed"
"$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" verify >"$place/verified" 2>&1 && : >"$place/verified"
"$here/judge.py" "$place" "$seconds" "$rate" "$tap"
