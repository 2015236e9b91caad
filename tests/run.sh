#!/bin/sh
# SPDX-License-Identifier: ISC
# Build everything in each way and run every test.
#
# usage: sh tests/run.sh
#
# Installs what is missing (setup.sh), and leaves build, build-clang, build-asan, build-libwrap and build-static behind:
# with gcc, with clang, with the address and undefined behaviour sanitizers, with libwrap, and with a handler that is
# linked statically. All tests run on the first, the proofs of proof/run.sh where frama-c is installed; unit and end-to-end
# tests on the third; unit tests on the second, and once more under valgrind; on the last two, what is different there.
# Prints the figures at the end; the last line is their sum. With CI=true a skipped test is a failed one. Run as root:
# without, the end-to-end tests are skipped.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '== %s\n' "$*"
}

# Everything that tests make is in here; launchers and their children die with the test that started them. A mount that
# a broken test has left is taken away first, so that nothing is removed through it.
OSTIARY_TEST_ROOT=
clean_up() {
    [ -n "$OSTIARY_TEST_ROOT" ] || return 0
    while grep -q " $OSTIARY_TEST_ROOT/" /proc/self/mounts; do
        umount -l "$(grep -m 1 -o " $OSTIARY_TEST_ROOT/[^ ]*" /proc/self/mounts | cut -c 2-)" || return 0
    done
    rm -rf --one-file-system "$OSTIARY_TEST_ROOT"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ "$(id -u)" -eq 0 ]; then
    OSTIARY_TEST_ROOT=$(mktemp -d /srv/ostiary-run.XXXXXX)
    chmod 755 "$OSTIARY_TEST_ROOT"
else
    OSTIARY_TEST_ROOT=$(mktemp -d)
fi
export OSTIARY_TEST_ROOT
mkdir -m 1777 "$OSTIARY_TEST_ROOT/tmp"
export TMPDIR="$OSTIARY_TEST_ROOT/tmp"

# build DIR OPTION...: a build directory with these options, whatever it was before.
build() {
    directory=$1
    shift
    rm -rf "$directory"
    meson setup "$directory" "$@" >"$logs/setup-$directory.txt" || {
        cat "$logs/setup-$directory.txt"
        exit 1
    }
    say "compile $directory"
    meson compile -C "$directory" >"$logs/compile-$directory.txt" 2>&1 || {
        cat "$logs/compile-$directory.txt"
        exit 1
    }
}

# run_tests NAME DIR ARGUMENT...: meson test; a failure shows in the figures, and does not stop the rest.
run_tests() {
    name=$1 directory=$2
    shift 2
    say "test $name"
    # More at once than there are processors: most tests wait for a deadline most of the time.
    # A signal that our caller ignores would be ignored by the programs under test as well.
    env --default-signal meson test -C "$directory" --no-rebuild --num-processes 4 --logbase "$name" "$@" || true
    # A wrapper's name is added to the file's.
    results="$results $(echo "$directory/meson-logs/$name"*.json)"
}

sh tests/setup.sh test

logs=$OSTIARY_TEST_ROOT/logs
mkdir "$logs"
results=

build build --werror
CC=clang build build-clang --werror
build build-asan --werror -Db_sanitize=address,undefined -Db_lundef=false
build build-libwrap --werror -Dlibwrap=enabled
build build-static --werror -Dstatic_handler=true
for directory in build build-asan build-static; do
    sh tests/setup.sh launchers "$directory/launchers"
done

run_tests gcc build
run_tests clang build-clang --suite unit
run_tests sanitizers build-asan --no-suite lint
run_tests libwrap build-libwrap --suite libwrap
run_tests static build-static static launchers
run_tests memory build --suite unit --timeout-multiplier 10 \
    --wrapper 'valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'

say figures
skip_fails=
[ "${CI-}" != true ] || skip_fails=--skip-fails
# shellcheck disable=SC2086 # a list of files, split on purpose
tests/tools/count_results.py $skip_fails $results
