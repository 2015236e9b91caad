#!/bin/sh
# SPDX-License-Identifier: ISC
# Which lines and branches of src and state the tests reach.
#
# usage: sh tests/assurance/coverage/run.sh
#
# Installs what is missing (setup.sh), builds with clang, without optimisation and with libwrap, in build-tests/coverage,
# runs the unit tests, the end-to-end tests and those of the faults there, and prints what was reached of each file, the
# lines that were not, each with its reason (known.txt), and the branches that were not taken. Exit status 1 if a line is
# neither reached nor excused, if an excuse has become untrue, or if fewer branches are taken than is promised here. Takes
# eight to fifteen minutes. Run as root: without, the end-to-end tests are skipped, and most of it fails.
#
# How it is counted: clang's counters lie in files that each process maps as it starts ("continuous mode"), one file for
# each program. So nothing is lost when a process is killed or becomes another program, and nothing has to be written at an
# end. The place of the files is compiled in, as a handler's environment is not ours; and whoever a handler runs as may
# write there. Not counted is a process that cannot see the place, as in a container.
#
# A line counts as reached when the way to it was taken: what follows a call that did not return, as execve(2) does not
# when it succeeds, counts with the call. The errors of those calls are for tests of their own, whatever is said here.
#
# A test that fails does not fail this, as the counting takes time and calls of its own, and complains to standard error
# where one of those fails. They are named.
# Not run: the tests in the container, those that measure or read but call nothing, and most of the suite "slow".
set -eu
cd "$(dirname "$0")/../../.."

# Per cent, of what clang counts: each way of each condition, also within a line. Measured were 92.5: what is left are mostly
# the errors of single calls in what ostiaryctl and ostgrant do and in what I12 checks: the tests of the faults take one error
# of a call in its turn.
branches_min=92.4

say() {
    printf '== %s\n' "$*"
}

if [ "$(id -u)" -eq 0 ]; then
    OSTIARY_TEST_ROOT=$(mktemp -d /srv/ostiary-coverage.XXXXXX)
else
    OSTIARY_TEST_ROOT=$(mktemp -d)
fi
chmod 755 "$OSTIARY_TEST_ROOT"
trap 'rm -rf --one-file-system "$OSTIARY_TEST_ROOT"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export OSTIARY_TEST_ROOT
mkdir -m 1777 "$OSTIARY_TEST_ROOT/tmp"
export TMPDIR="$OSTIARY_TEST_ROOT/tmp"

. tests/lib/builds.sh
own_builds
sh tests/setup.sh coverage

here=tests/assurance/coverage
build='build-tests/coverage'
counts=$OSTIARY_TEST_ROOT/counts
log=$OSTIARY_TEST_ROOT/log

# Root's handlers and those of other users count in the same files, whatever umask the first of them had. Without the
# sticky bit, under which Linux lets nobody open another's file for writing as a new one (protected_regular).
mkdir -m 777 "$counts"
setfacl --default --modify u::rwx,g::rwx,o::rwx "$counts"

say "compile $build"
rm -rf "$build"
mkdir "$build"
# %m: one file for each program, which all of its processes share, so that they have to add atomically; %c: continuous mode,
# for which the counters have to be relocated. "meson setup" runs a program that is only linked for it.
{
    CC=clang LLVM_PROFILE_FILE=$OSTIARY_TEST_ROOT/setup.profraw meson setup "$build" -Doptimization=0 -Dlibwrap=enabled \
        -Dc_args="-fprofile-instr-generate=$counts/%m%c.profraw -fcoverage-mapping -fprofile-update=atomic
            -mllvm -runtime-counter-relocation" \
        -Dc_link_args=-fprofile-instr-generate
    meson compile -C "$build"
    # The action that tells what it was given: nothing may be added to that.
    clang -D_GNU_SOURCE tests/tools/dump_self.c -o "$build/tests/dump-self"
} >"$log" 2>&1 || {
    cat "$log"
    exit 1
}
sh tests/setup.sh launchers "$build/launchers"
sh tests/setup.sh peers "$build/peers"

# run_tests SUITE: but for those of its tests that reach what others reach, only more often.
run_tests() {
    say "test $1"
    # What makes a test fail is in the log that is read below. More at once than processors: most tests wait.
    env --default-signal meson test -C "$build" --no-rebuild --num-processes 4 --timeout-multiplier 2 \
        --logbase "$1" --suite "$1" --no-suite slow >"$log" 2>&1 || true
}

run_tests unit
run_tests e2e
run_tests libwrap
run_tests faults
say 'test what is slow elsewhere'
# They are no longer than others here, and reach what nothing else does: they are slow for Valgrind, or have many faults.
meson test -C "$build" --no-rebuild --logbase slow --suite unit commands kernel turn >"$log" 2>&1 || true
sh tests/assurance/faults/run.sh --only ostgrant "$build" >"$log" 2>&1 || tail -n 1 "$log"
tests/tools/count_results.py "$build"/meson-logs/*.json || true

# One -object for each program and library that the tests have called.
objects=$(find "$build/src" "$build/tests" -type f \( -perm -u+x -o -name '*.so' \) -printf '-object=%p\n')
llvm-profdata merge -o "$build/coverage.profdata" "$counts"/*.profraw
# shellcheck disable=SC2086 # a list of options, split on purpose
llvm-cov export --format=lcov --instr-profile "$build/coverage.profdata" $objects >"$build/coverage.lcov"
"$here/judge.py" "$build/coverage.lcov" "$here/known.txt" "$branches_min"
