#!/bin/sh
# SPDX-License-Identifier: ISC
# Does anything grow, and is anybody turned away, while thousands of sources knock through xinetd: right, wrong, short,
# slow, silent, with bytes behind the reply, resetting at any moment, and while they are locked out?
#
# usage: sh tests/assurance/soak/run.sh [--tap] [--rate=N] [SECONDS [BUILD]]
#
# SECONDS: 1800 when not given; below 60 there is too little to see. At most N connections a second (default 50, which
# take a quarter of one processor; up to 1000), and 32 at a time. xinetd runs with the service file that is shipped, in
# a network of its own. Prints what came and what became of it, peaks and growth, and one line for each claim; the
# status is 1 when one does not hold. Needs root.
#
# BUILD is a build directory to be taken as it is; without it, whatever is missing is installed (setup.sh) and the
# programs are built. --tap is for meson: what cannot run is skipped. Everything made is in one directory, removed at
# the end, and everything started ends with it.
set -eu
source=$(cd "$(dirname "$0")/../../.." && pwd)

usage() {
    sed -n 's/^# \(usage:.*\)/\1/p' "$0" >&2
    exit 64
}

# whole NUMBER: digits alone, and not 0.
whole() {
    case $1 in
    '' | 0* | *[!0-9]*) usage ;;
    esac
}

tap='' rate=50
while :; do
    case ${1-} in
    --tap) tap=yes ;;
    --rate=*) rate=${1#*=} ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
done
[ $# -le 2 ] || usage
seconds=${1:-1800}
whole "$seconds"
whole "$rate"
build=
[ $# -lt 2 ] || build=$(cd "$2" && pwd)

# cannot REASON
cannot() {
    [ -z "$tap" ] || {
        echo "1..0 # SKIP $1"
        exit 0
    }
    echo "run.sh: $1" >&2
    exit 69
}
[ "$(id -u)" -eq 0 ] || cannot 'needs root'

# Not below /tmp: root runs a command only where root alone can write.
work=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-soak.XXXXXX")
# A signal can come when it has begun and its number is not yet known as $soak, but only as $!.
unset soak
clean_up() {
    soak=${soak-${!-}}
    [ -z "$soak" ] || {
        kill "$soak" 2>/dev/null || true
        wait "$soak" || true
    }
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$work"

# quietly COMMAND...: what it says is shown only if it fails.
quietly() {
    "$@" >"$work/said" 2>&1 || {
        cat "$work/said" >&2
        exit 70
    }
}

if [ -z "$build" ]; then
    sh "$source/tests/setup.sh" test
    build=$work/build
    quietly meson setup "$build" "$source"
    quietly meson compile -C "$build"
fi
if [ ! -x "$build/launchers/usr/sbin/xinetd" ]; then
    [ -z "$tap" ] || cannot "needs: sh tests/setup.sh launchers $build/launchers"
    quietly sh "$source/tests/setup.sh" launchers "$work/launchers"
    export OSTIARY_LAUNCHERS="$work/launchers"
fi

# Waited for in the background, so that a signal is heeded at once.
OSTIARY_BUILD=$build OSTIARY_SOURCE=$source \
    setpriv --pdeathsig TERM unshare --net -- bash "$source/tests/assurance/soak/soak.bash" "$work" "$seconds" "$rate" "$tap" &
soak=$!
status=0
wait "$soak" || status=$?
soak=
[ "$status" -eq 0 ]
