#!/bin/sh
# SPDX-License-Identifier: ISC
# Build everything in each way and run every test.
#
# usage: sh tests/run.sh
#
# Installs what is missing (setup.sh, which keeps what it downloads), and leaves one directory behind, build-tests, with a
# build in each way: gcc, clang, asan (the address and undefined behaviour sanitizers), libwrap, and static (a handler that
# is linked statically). No other build directory is touched. All tests run on gcc, the proofs of proof/run.sh where
# frama-c is installed; unit and end-to-end tests on asan; unit tests on clang, and once more under valgrind; on the last
# two, what is different there. Prints the figures at the end; the last line is their sum: "N passed, N failed", and where
# anything was left out, "N skipped". With CI=true a skip is a failure.
#
# Run as root. An ordinary user is told which kinds of tests are left out, each of which counts as skipped.
#
# Whatever happens, a signal too, nothing is left behind but build-tests: what tests make is in one directory, which is
# removed, and what they start and mount is in namespaces of this run, which end with it.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '== %s\n' "$*"
}

# ---- Inside the namespaces ----

# build NAME OPTION...: build-tests/NAME with these options, whatever it was before.
build() {
    name=$1
    shift
    rm -rf "build-tests/$name"
    meson setup "build-tests/$name" --werror "-Dtests=$tests" "$@" >"$logs/setup-$name.txt" 2>&1 || {
        cat "$logs/setup-$name.txt"
        exit 1
    }
    say "compile $name"
    meson compile -C "build-tests/$name" >"$logs/compile-$name.txt" 2>&1 || {
        cat "$logs/compile-$name.txt"
        exit 1
    }
}

# run_tests NAME BUILD ARGUMENT...: meson test; a failure shows in the figures, and does not stop the rest.
run_tests() {
    name=$1 directory=build-tests/$2
    shift 2
    say "test $name"
    # More at once than there are processors: most tests wait for somebody most of the time.
    # A signal that our caller ignores would be ignored by the programs under test as well.
    env --default-signal meson test -C "$directory" --no-rebuild --num-processes 6 --logbase "$name" "$@" || true
    # A wrapper's name is added to the file's.
    results="$results $(echo "$directory/meson-logs/$name"*.json)"
}

# leave_out KIND WHY
leave_out() {
    say "left out: $1: $2"
    left_out=$((left_out + 1))
}

valgrind='valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'

run_all() {
    build gcc
    CC=clang build clang
    build asan -Db_sanitize=address,undefined -Db_lundef=false
    build libwrap -Dlibwrap=enabled
    build static -Dstatic_handler=true
    for name in gcc asan static; do
        sh tests/setup.sh launchers "build-tests/$name/launchers"
    done
    run_tests gcc gcc
    run_tests clang clang --suite unit
    run_tests sanitizers asan --no-suite lint
    run_tests libwrap libwrap --suite libwrap
    run_tests static static static launchers
    run_tests memory gcc --suite unit --wrapper "$valgrind"
}

# without PROGRAM KIND: is it missing here? Then that kind is left out.
without() {
    ! command -v "$1" >/dev/null || return 1
    leave_out "$2" "$1 is not installed (sh tests/setup.sh test, as root)"
}

# What an ordinary user can: whoever is to have launchers, namespaces and other users' actions has to be root.
run_some() {
    build gcc
    run_tests gcc gcc --suite unit --suite proof --suite fuzz --suite lint
    if without bats 'the client end to end'; then :; else
        run_tests client gcc ostclient
    fi
    without clang 'unit tests, built with clang' || {
        CC=clang build clang
        run_tests clang clang --suite unit
    }
    build asan -Db_sanitize=address,undefined -Db_lundef=false
    run_tests sanitizers asan --suite unit
    without valgrind 'unit tests under valgrind' || run_tests memory gcc --suite unit --wrapper "$valgrind"
    leave_out 'end to end, but for the client' 'needs root: launchers with a /dev/log and processes of their own'
    leave_out 'system tests' 'needs root: a systemd in a container'
    leave_out 'libwrap and the static handler' 'needs root: end to end alone'
    leave_out faults 'needs root: users and a network of their own'
    leave_out soak 'needs root: xinetd in a network of its own'
    leave_out bench 'needs root: actions of root'
}

inside() {
    results='' left_out=0
    logs=$OSTIARY_TEST_ROOT/logs
    mkdir "$logs"
    if [ "$(id -u)" -eq 0 ]; then
        tests=enabled
        run_all
    else
        tests=auto
        run_some
    fi
    say figures
    skip_fails=
    [ "${CI-}" != true ] || skip_fails=--skip-fails
    # shellcheck disable=SC2086 # a list of files, split on purpose
    tests/tools/count_results.py $skip_fails --left-out="$left_out" $results
}

if [ "${1-}" = inside ]; then
    inside
    exit
fi

# ---- Outside ----

[ $# -eq 0 ] || {
    sed -n 's/^# \(usage:.*\)/\1/p' "$0" >&2
    exit 64
}

. tests/lib/builds.sh
own_builds

OSTIARY_TEST_ROOT=
# A signal can come when the child has begun and its number is not yet known as $child, but only as $!.
unset child
clean_up() {
    child=${child-${!-}}
    [ -z "$child" ] || {
        # The first process of the namespace takes along all others, and the mounts, before unshare sees its end. Where there
        # is no namespace, meson ends its tests. It has a group of its own, or is about to.
        if [ "$(id -u)" -eq 0 ]; then
            kill -KILL "$(pgrep -P "$child")" 2>/dev/null || kill -KILL "$child" 2>/dev/null || true
        else
            kill -- "-$child" 2>/dev/null || kill "$child" 2>/dev/null || true
        fi
        wait "$child" 2>/dev/null || true
    }
    [ -z "$OSTIARY_TEST_ROOT" ] || {
        remove_cgroups
        rm -rf --one-file-system "$OSTIARY_TEST_ROOT"
    }
}

# The groups of containers are empty now, and named after their directory. An own mount finds them whatever this machine
# mounts where.
remove_cgroups() {
    [ "$(id -u)" -eq 0 ] || return 0
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t cgroup2 none "$1" && cd "$1" || exit 0
        for group in *"${1##*/}"*; do
            [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +
        done' sh "$OSTIARY_TEST_ROOT" 2>/dev/null || true
}

if [ "$(id -u)" -eq 0 ]; then
    sh tests/setup.sh test
    OSTIARY_TEST_ROOT=$(mktemp -d /srv/ostiary-run.XXXXXX)
    chmod 755 "$OSTIARY_TEST_ROOT"
    set -- setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc --
else
    sh tests/setup.sh test || say 'going on with what is there'
    OSTIARY_TEST_ROOT=$(mktemp -d)
    set -- setsid
fi
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export OSTIARY_TEST_ROOT
mkdir -m 1777 "$OSTIARY_TEST_ROOT/tmp"
export TMPDIR="$OSTIARY_TEST_ROOT/tmp"

# In the background, so that a signal is heeded at once.
"$@" sh "$0" inside &
child=$!
status=0
wait "$child" || status=$?
child=
[ "$status" -eq 0 ]
