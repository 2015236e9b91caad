#!/bin/sh
# SPDX-License-Identifier: ISC
# Build everything in each way and run every test.
#
# usage: sh tests/run.sh [quick]
#
# Installs what is missing (setup.sh, which keeps what it downloads), and leaves one directory behind, build-tests, with a
# build in each way: gcc, clang, asan (the address and undefined behaviour sanitizers), libwrap, and static (a handler that
# is linked statically). No other build directory is touched. Prints the figures at the end; the last line is their sum:
# "N passed, N failed", and where anything was left out, "N skipped". With CI=true a skip is a failure.
#
# What runs on which build:
#
#   gcc      every test there is, but those that take minutes by themselves (meson test --suite long). The proofs of assurance/proof are no test of meson's: they need Frama-C, a gigabyte of
#            packages, and judge the source alone, so they have a command of their own (sh tests/assurance/proof/run.sh)
#   asan     unit tests, and end-to-end tests but those of the suites slow and again. A sanitizer finds what is wrong in
#            code that is reached, and reaching it once is enough: the slow ones reach it again at each of some hundred
#            moments, for many clients at once, or after a long wait; those of again in another story. So do a booted
#            system, soak, faults and bench; and fuzzing has sanitizers of its own. Optimised less, it compiles in two
#            thirds of the time, and leaves more for a sanitizer to see.
#   clang    unit tests but the slow ones; that everything compiles without a warning is a test as well
#   memory   unit tests but the slow ones under valgrind, on gcc's build: it sees the use of values that were never set,
#            which the sanitizers do not
#   libwrap, static   what is different there, and only what that needs is compiled; these and clang's without what a debugger
#            needs, which takes up to a sixth of the time
#
# gcc's tests, the sanitizers' and those of the other builds run at the same time; what measures time (suite "alone") comes
# last, and has the machine for itself.
#
# "quick" is for whoever changes something and wants to know soon: unit and end-to-end tests but the slow ones, and lint, on
# gcc, in build-tests/quick, which is kept so that the next time only what has changed is compiled. Whatever is to be
# merged needs all of it.
#
# Run as root. An ordinary user is told which kinds of tests are left out, each of which counts as skipped.
#
# Whatever happens, a signal too, nothing is left behind but build-tests: what tests make is in one directory, which is
# removed, and what they start and mount is in namespaces of this run, which end with it. Where this script itself was
# killed by SIGKILL the directory stays, and the next run removes it.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '== %s\n' "$*"
}

# ---- Inside the namespaces ----

# set_up NAME OPTION...: build-tests/NAME with these options, whatever it was before.
set_up() {
    name=$1
    shift
    rm -rf "build-tests/$name"
    meson setup "build-tests/$name" --werror "-Dtests=$tests" "$@" >"$logs/setup-$name.txt" 2>&1 || {
        cat "$logs/setup-$name.txt"
        exit 1
    }
}

# compile NAME [TARGET...]: all of build-tests/NAME, or these.
compile() {
    name=$1
    shift
    say "compile $name"
    meson compile -C "build-tests/$name" "$@" >"$logs/compile-$name.txt" 2>&1 || {
        cat "$logs/compile-$name.txt"
        exit 1
    }
}

# build NAME OPTION...: set up and compile all of it.
build() {
    set_up "$@"
    compile "$1"
}

# More at once than there are processors: most tests wait for somebody most of the time.
processes=$(($(nproc) * 3))
[ "$processes" -ge 6 ] || processes=6

# run_tests NAME BUILD ARGUMENT...: meson test; a failure shows in the figures, and does not stop the rest. NAME is before
# each line, for others may run beside it.
run_tests() {
    name=$1 directory=build-tests/$2
    shift 2
    say "test $name"
    # A signal that our caller ignores would be ignored by the programs under test as well.
    env --default-signal meson test -C "$directory" --no-rebuild --num-processes "$processes" --logbase "$name" "$@" 2>&1 |
        sed -u "s/^./$name: &/" || true
    # A wrapper's name is added to the file's.
    echo "$directory/meson-logs/$name"*.json >>"$logs/results"
}

# leave_out KIND WHY
leave_out() {
    say "left out: $1: $2"
    left_out=$((left_out + 1))
}

valgrind='valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'

# As many at once as half of gcc's: it has most to do.
run_sanitizers() {
    processes=$(((processes + 1) / 2))
    build asan -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
    sh tests/setup.sh launchers build-tests/asan/launchers
    sh tests/setup.sh peers build-tests/asan/peers
    run_tests sanitizers asan --suite unit
    run_tests sanitizers-e2e asan --suite e2e --no-suite slow --no-suite again
}

# What gcc's build is not needed for, or is needed for only to read it.
run_others() {
    processes=$(((processes + 1) / 2))
    CC=clang build clang -Ddebug=false
    run_tests clang clang --suite unit --no-suite slow
    run_tests memory gcc --suite unit --no-suite slow --wrapper "$valgrind"
    set_up libwrap -Ddebug=false -Dlibwrap=enabled
    compile libwrap src/knock/ostiaryd ostclient src/admin/ostiaryctl interpose frozen
    run_tests libwrap libwrap --suite libwrap
    set_up static -Ddebug=false -Dstatic_handler=true
    compile static src/knock/ostiaryd ostclient src/admin/ostiaryctl interpose dump-self
    sh tests/setup.sh launchers build-tests/static/launchers
    run_tests static static static launchers
}

run_all() {
    build gcc
    sh tests/setup.sh launchers build-tests/gcc/launchers
    sh tests/setup.sh peers build-tests/gcc/peers
    run_sanitizers &
    sanitizers=$!
    run_others &
    others=$!
    run_tests gcc gcc --no-suite alone --no-suite long
    for part in "$sanitizers" "$others"; do
        wait "$part" || {
            say 'a build has failed: see above'
            exit 1
        }
    done
    run_tests alone gcc --suite alone
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
        run_tests clang clang --suite unit --no-suite slow
    }
    build asan -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
    run_tests sanitizers asan --suite unit
    without valgrind 'unit tests under valgrind' || run_tests memory gcc --suite unit --no-suite slow --wrapper "$valgrind"
    leave_out 'end to end, but for the client' 'needs root: launchers with a /dev/log and processes of their own'
    leave_out 'system tests' 'needs root: a systemd in a container'
    leave_out 'libwrap and the static handler' 'needs root: end to end alone'
    leave_out faults 'needs root: users and a network of their own'
    leave_out soak 'needs root: xinetd in a network of its own'
    leave_out bench 'needs root: actions of root'
}

# What a developer waits for. What is there is not set up again: meson sees by itself what has changed.
run_quick() {
    [ -e build-tests/quick/build.ninja ] || set_up quick
    compile quick
    set -- --suite unit --suite lint --no-suite slow
    if [ "$(id -u)" -eq 0 ]; then
        sh tests/setup.sh launchers build-tests/quick/launchers
        sh tests/setup.sh peers build-tests/quick/peers
        set -- "$@" --suite e2e
    else
        leave_out 'end to end' 'needs root: launchers with a /dev/log and processes of their own'
    fi
    run_tests quick quick "$@"
}

inside() {
    left_out=0
    # In memory, where thousands of synchronous writes cost nothing, and from where all is gone with the namespace.
    [ "$(id -u)" -ne 0 ] || mount -t tmpfs -o mode=755 none "$OSTIARY_TEST_ROOT"
    mkdir -m 1777 "$OSTIARY_TEST_ROOT/tmp"
    export TMPDIR="$OSTIARY_TEST_ROOT/tmp"
    logs=$OSTIARY_TEST_ROOT/logs
    mkdir "$logs"
    tests=auto
    [ "$(id -u)" -ne 0 ] || tests=enabled
    if [ "${1-}" = quick ]; then
        run_quick
    elif [ "$(id -u)" -eq 0 ]; then
        run_all
    else
        run_some
    fi
    say figures
    skip_fails=
    [ "${CI-}" != true ] || skip_fails=--skip-fails
    # shellcheck disable=SC2046 # a list of files, split on purpose
    tests/tools/count_results.py $skip_fails --left-out="$left_out" $(cat "$logs/results")
}

if [ "${1-}" = inside ]; then
    inside "${2-}"
    exit
fi

# ---- Outside ----

case $* in
'' | quick) what=${1-} ;;
*)
    sed -n 's/^# \(usage:.*\)/\1/p' "$0" >&2
    exit 64
    ;;
esac

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
    [ -z "$OSTIARY_TEST_ROOT" ] || remove_run "$OSTIARY_TEST_ROOT"
}

# remove_run DIRECTORY: what a run has made, all of whose processes have ended.
remove_run() {
    remove_cgroups "$1"
    rm -rf --one-file-system "$1"
}

# remove_cgroups DIRECTORY: those of containers, which are empty now, and named after it. An own mount finds them whatever
# this machine mounts where.
remove_cgroups() {
    [ "$(id -u)" -eq 0 ] || return 0
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t cgroup2 none "$1" && cd "$1" || exit 0
        for group in *"${1##*/}"*; do
            [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +
        done' sh "$1" 2>/dev/null || true
}

# A directory for this run, and away with those of runs that were killed without a chance to remove them: whose process has
# ended has no lock on the file "running" any more. It is empty until it is locked.
make_root() {
    for left in /srv/ostiary-run.*; do
        [ ! -s "$left/running" ] || ! flock --nonblock "$left/running" true || remove_run "$left" || true
    done
    OSTIARY_TEST_ROOT=$(mktemp -d /srv/ostiary-run.XXXXXX)
    chmod 755 "$OSTIARY_TEST_ROOT"
    exec 9>"$OSTIARY_TEST_ROOT/running"
    flock 9
    echo "$$" >&9
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ "$(id -u)" -eq 0 ]; then
    sh tests/setup.sh test
    make_root
    set -- setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc --
else
    sh tests/setup.sh test || say 'going on with what is there'
    OSTIARY_TEST_ROOT=$(mktemp -d)
    set -- setsid
fi
export OSTIARY_TEST_ROOT

# In the background, so that a signal is heeded at once. The lock is this process's alone.
"$@" sh "$0" inside "$what" 9>&- &
child=$!
status=0
wait "$child" || status=$?
child=
[ "$status" -eq 0 ]
