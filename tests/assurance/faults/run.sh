#!/bin/sh
# SPDX-License-Identifier: ISC
# Every system call and every allocation of ostiaryd, ostclient, ostiaryctl and ostgrant fails once; print what came of it.
#
# usage: sh tests/assurance/faults/run.sh [--all] [--tap] [--jobs N] [--only PROGRAM[/SCENE]]... [BUILD]
#
# faults.py, beside this, has the story and the options; on two processors it takes a minute, with --all three or four.
# BUILD is a build directory without sanitizers, taken as it is; without it, whatever is missing is installed (setup.sh), and
# one is made.
# Everything happens in namespaces of its own: a network that is loopback alone, users and a syslog of our own, no systemd,
# and files in memory; when the first process ends, all do. Needs root; without, or without strace, it is skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}

# inside: the namespaces are ours from here on.
inside() {
    work=$1
    shift
    mount -t tmpfs -o mode=755 none "$work"
    mkdir "$work/etc" "$work/scene"
    cat >"$work/etc/passwd" <<END
root:x:0:0:root:/root:/bin/sh
actor:x:5001:5001:Actor:/:/bin/sh
END
    cat >"$work/etc/group" <<END
root:x:0:
actor:x:5001:
stage:x:5002:actor
light:x:5003:actor
END
    printf '%s\n' 'passwd: files' 'group: files' 'hosts: files' >"$work/etc/nsswitch.conf"
    for file in "$work"/etc/*; do
        mount --bind "$file" "/etc/${file##*/}"
    done
    ip link set lo up
    # launcher_init.sh makes /dev/log a link to log.sock here; sd_booted(3) looks below /run.
    mount -t tmpfs none /run
    exec "$here/../../tools/launcher_init.sh" "$work/scene" "$here/faults.py" "$@" "$work/scene"
}

if [ "${1-}" = inside ]; then
    shift
    inside "$@"
fi

build=
count=$#
while [ "$count" -gt 0 ]; do
    case $1 in
    --jobs | --only)
        set -- "$@" "$1" "$2"
        shift 2
        count=$((count - 2))
        ;;
    -*)
        set -- "$@" "$1"
        shift
        count=$((count - 1))
        ;;
    *)
        build=$1
        shift
        count=$((count - 1))
        ;;
    esac
done
[ "$(id -u)" -eq 0 ] || skip 'needs root'

made=
work=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-faults.XXXXXX")
chmod 755 "$work"
# The mounts end with their namespace.
clean_up() {
    rmdir "$work"
    [ -z "$made" ] || rm -rf "$made"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ -n "$build" ]; then
    build=$(cd "$build" && pwd)
else
    sh "$here/../../setup.sh" test
    made=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-faults-build.XXXXXX")
    chmod 755 "$made"
    build=$made/build
    { meson setup "$build" "$here/../../.." && meson compile -C "$build"; } >"$made/said" 2>&1 || {
        cat "$made/said" >&2
        exit 70
    }
fi
command -v strace >/dev/null || skip 'needs strace: sh tests/setup.sh test'
[ -e "$build/tests/assurance/faults/libno-memory.so" ] || skip "$build has no libno-memory.so: meson compile -C $build"

# unshare --fork blocks SIGTERM and SIGINT while it waits; with it, all in its namespaces are killed. It is $! at once.
stop() {
    [ -z "${!-}" ] || {
        kill -KILL "$!" 2>/dev/null || true
        wait "$!" || true
    }
    exit 143
}
trap stop INT TERM HUP
# Other tests have deadlines, and these have none that is near.
nice -n 5 setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc -- \
    sh "$here/run.sh" inside "$work" "$@" "$build" &
wait "$!"
