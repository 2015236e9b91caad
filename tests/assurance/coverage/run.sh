#!/bin/sh
# SPDX-License-Identifier: ISC
# Which lines and branches of src and state the tests reach.
#
# usage: sh tests/assurance/coverage/run.sh
#
# Installs what is missing (setup.sh), builds without optimisation and with libwrap in build-tests/assurance/coverage, runs the unit tests,
# the end-to-end tests and those of tests/assurance/faults there, and prints gcovr's tables, the lines that were not reached, each
# with its reason (known.txt), and the branches that were not taken. Exit status 1 if a line is neither reached nor excused, if an excuse has become
# untrue, or if fewer branches are taken than is promised here. Takes three to six minutes. Run as root: without, the
# end-to-end tests are skipped, and most of it fails.
#
# A test that fails does not fail this: some judge a program by what gcc's counting adds to it. They are named.
# Not run: the tests in the container, whose counts stay in it, and those that measure or read but call nothing.
# Left out of the branches: those on lines without code of their own (a brace), where gcc puts what leaves a scope.
set -eu
cd "$(dirname "$0")/../../.."

# Per cent. Measured were 93.5: what is left are mostly the errors of single calls in what ostiaryctl does and in what I12
# checks, where one line has many: tests/assurance/faults takes one error of a call in its turn, or known.txt excuses the line.
branches_min=93

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

build='build-tests/assurance/coverage'
counts=$OSTIARY_TEST_ROOT/counts
log=$OSTIARY_TEST_ROOT/log

say "compile $build"
rm -rf "$build"
mkdir "$build"
hand_over="$PWD/$build/append.o"
{
    gcc -O2 -fPIC -D_GNU_SOURCE -DCOUNTS="\"$counts\"" -c tests/assurance/coverage/append.c -o "$hand_over"
    # Of the calls that end a program or make it another, gcc calls append.c for execve(2), and the linker for _exit(2).
    CC=gcc meson setup "$build" -Db_coverage=true -Doptimization=0 -Dlibwrap=enabled \
        -Dc_args='-fno-builtin-fork -fno-builtin-execv -fno-builtin-execvp -fno-builtin-execl' \
        -Dc_link_args="$hand_over -lgcov -Wl,--wrap=_exit"
    meson compile -C "$build"
} >"$log" 2>&1 || {
    cat "$log"
    exit 1
}
sh tests/setup.sh launchers "$build/launchers"

# run_tests SUITE TEST...: all of the suite where none is named.
run_tests() {
    suite=$1
    shift
    say "test $suite"
    : >"$counts"
    # A handler that becomes an action is somebody else by then.
    chmod 666 "$counts"
    # What makes a test fail is in the log that is read below.
    env --default-signal meson test -C "$build" --no-rebuild --num-processes 4 --timeout-multiplier 2 \
        --logbase "$suite" --suite "$suite" "$@" >"$log" 2>&1 || true
    # One test has a limit for the size of files.
    mv "$counts" "$counts.$suite"
}

# Not the one of the suite that builds.
end_to_end=$(meson test -C "$build" --list --no-rebuild --suite e2e 2>/dev/null | sed 's/.* //' | grep -vx demo)
run_tests unit
# shellcheck disable=SC2086 # a list of names, split on purpose
run_tests e2e $end_to_end
run_tests libwrap
run_tests faults
tests/tools/count_results.py "$build"/meson-logs/*.json || true

tests/assurance/coverage/gather.py "$counts".*
# Processes that are killed leave counts that do not add up: gcov then says of a call that it returned -1 times.
gcovr --root . --object-directory "$build" --filter 'src/' --filter 'state/' --gcov-ignore-parse-errors \
    --exclude-directories '.*tests/(bench|ct|fuzz)' --exclude-unreachable-branches --json "$build/coverage.json" "$build"
say lines
gcovr --root . --add-tracefile "$build/coverage.json" --txt -
say branches
gcovr --root . --add-tracefile "$build/coverage.json" --branches --txt -
say missing
tests/assurance/coverage/judge.py "$build/coverage.json" tests/assurance/coverage/known.txt "$branches_min"
