#!/bin/sh
# SPDX-License-Identifier: ISC
# Let libFuzzer look for inputs that break what the harnesses here demand.
#
# usage: sh tests/assurance/fuzz/run.sh [--keep] [SECONDS [HARNESS]...]
#        sh tests/assurance/fuzz/run.sh --smoke
#
# Installs what is missing (setup.sh), runs each harness (config, gates, table, grants, exchange, client, text, ctl, form,
# page, nft, foreign, serve) for SECONDS (default 600), one after the other, and prints a table: executions, and how many of the
# edges between basic blocks were reached.
# Exit status 1 if a harness reaches less than the tree's inputs for it do, or if an input broke something; that one is kept
# in build-fuzz/crashes, and belongs into tests/assurance/fuzz/corpus/HARNESS once it is understood: whatever is there is run
# each time. --keep puts what was found and reaches something new into tests/assurance/fuzz/corpus.
#
# --smoke is for meson test: the whole corpus and what two seconds find, of each harness, and TAP. Whatever ends it, the
# building too, is a point that has failed, with what was said. It runs beside others, and may wait for its turn: so it is
# no nicer than they are, and an input that does not end is given more time.
#
# Builds with clang in build-fuzz, or where OSTIARY_FUZZ_BUILD says, which also holds what was found so far.
set -eu
cd "$(dirname "$0")/../../.."

harnesses='config gates table grants exchange client text ctl form page nft foreign serve'
kept_max=1024 # bytes: the tree's corpus is for small inputs

usage() {
    sed -n 's/^# \(usage:.*\|  *sh tests.*\)/\1/p' "$0" >&2
    exit 64
}

smoke=false keep=false seconds=600 patience=20 nice='nice -n 10'
case ${1-} in
--smoke)
    [ $# -eq 1 ] || usage
    smoke=true seconds=2 patience=300 nice=
    shift
    ;;
--keep)
    keep=true
    shift
    ;;
esac
if [ $# -gt 0 ]; then
    case $1 in
    *[!0-9]* | '') usage ;;
    esac
    seconds=$1
    shift
fi
[ $# -eq 0 ] || harnesses=$*

build=${OSTIARY_FUZZ_BUILD:-$PWD/build-fuzz}
# In memory; tests/run.sh has a place there, and elsewhere /dev/shm may be a small one that others fill.
place=${TMPDIR:-/tmp}
[ -n "${OSTIARY_TEST_ROOT-}" ] || [ ! -w /dev/shm ] || place=/dev/shm
work=$(mktemp -d "$place/ostiary-fuzz.XXXXXX")
running='' doing='the fuzzing begins' why='' failed=0 number=0
clean_up() {
    code=$?
    [ -z "$running" ] || kill "$running" 2>/dev/null || true
    if $smoke && [ -n "$doing" ]; then
        echo "not ok $((number + 1)) - $doing: it has ended with status $code"
        [ -z "$why" ] || show_why | sed 's/^/# /'
        echo "1..$((number + 1))"
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# show_why: what tells the reason in the file $why, or where nothing there does, its end.
show_why() {
    grep -E 'broken:|ERROR|[Ee]rror:|SUMMARY|FAILED:|Killed|No space|Test unit written|    #[0-9]+ .* in .*\.c:' "$why" >"$work/reasons" || true
    { head -n 20 "$work/reasons" && [ -s "$work/reasons" ]; } || tail -n 20 "$why"
}

say() {
    if $smoke; then
        echo "# $*"
    else
        echo "$*"
    fi
}

# Where memory is short a compiler may be ended: once more then, with one at a time. What is wrong in the source is said twice.
make_harnesses() {
    [ -f "$build/build.ninja" ] ||
        CC=clang meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false || return
    # shellcheck disable=SC2046,SC2086 # a list of targets, split on purpose
    set -- $(printf 'fuzz-%s ' $harnesses)
    meson compile -C "$build" "$@" || meson compile -C "$build" -j 1 "$@"
}

build_harnesses() {
    doing='the harnesses are built'
    make_harnesses >"$work/build.txt" 2>&1 || {
        $smoke || cat "$work/build.txt" >&2
        why=$work/build.txt
        exit 1
    }
}

# What a harness is run with, besides the time.
options_of() {
    case $1 in
    config) echo "-dict=tests/assurance/fuzz/config.dict -max_len=8192" ;;
    gates) echo "-dict=tests/assurance/fuzz/gates.dict -max_len=8192" ;;
    nft | foreign) echo "-dict=tests/assurance/fuzz/nft.dict -max_len=16384" ;;
    # A program that ends itself in the middle is brought back by longjmp, and leaves what it had.
    ctl) echo "-detect_leaks=0" ;;
    esac
}

# Inputs that the tree has for other tests too.
more_inputs_of() {
    case $1 in
    config) echo "tests/data/config/good tests/data/config/broken" ;;
    gates) echo "tests/data/gates/good tests/data/gates/broken" ;;
    esac
}

# The edges that the tree's inputs reach at least. With fewer each run ends before it has begun, and finds nothing.
least_of() {
    case $1 in
    config) echo 500 ;;
    gates) echo 500 ;;
    table) echo 1000 ;;
    grants) echo 350 ;;
    exchange) echo 120 ;;
    client) echo 240 ;;
    text) echo 400 ;;
    ctl) echo 1200 ;;
    nft) echo 250 ;;
    foreign) echo 400 ;;
    form) echo 170 ;;
    serve) echo 190 ;;
    page) echo 210 ;;
    esac
}

# run HARNESS: for so many seconds; says what came of it in $log. The harness' own status.
run() {
    log=$work/$1.txt
    if $smoke; then
        found=$work/found-$1
    else
        found=$build/corpus/$1
    fi
    mkdir -p "$found" "$build/crashes" "$work/tmp"
    # shellcheck disable=SC2046,SC2086 # lists of words, split on purpose
    TMPDIR=$work/tmp $nice "$build/tests/assurance/fuzz/fuzz-$1" -max_total_time="$seconds" -timeout="$patience" -rss_limit_mb=3072 \
        -print_final_stats=1 -artifact_prefix="$build/crashes/$1-" $(options_of "$1") \
        "$found" "tests/assurance/fuzz/corpus/$1" $(more_inputs_of "$1") >"$log" 2>&1 &
    running=$!
    status=0
    wait "$running" || status=$?
    running=
    return "$status"
}

# figures HARNESS: executions, executions per second, edges reached, edges there are, features, from $log.
figures() {
    awk '
        /inline 8-bit counters\)/ { for (i = 1; i < NF; i++) if ($i ~ /^\(/) edges = substr($i, 2) }
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") features = $(i + 1) } }
        /^stat::number_of_executed_units:/ { runs = $2 }
        /^stat::average_exec_per_sec:/ { speed = $2 }
        END { print runs + 0, speed + 0, cov + 0, edges + 0, features + 0 }' "$log"
}

# keep_new HARNESS: into the tree, what is small and reaches something that nothing in the tree reaches.
keep_new() {
    mkdir -p "$work/small-$1"
    find "$found" -type f -size -"$kept_max"c -exec cp -t "$work/small-$1" {} +
    # shellcheck disable=SC2046 # lists of words, split on purpose
    TMPDIR=$work/tmp "$build/tests/assurance/fuzz/fuzz-$1" -merge=1 -use_counters=0 $(options_of "$1") "tests/assurance/fuzz/corpus/$1" "$work/small-$1" \
        >"$work/merge.txt" 2>&1 || cat "$work/merge.txt" >&2
}

$smoke || sh tests/setup.sh test
say "building in $build"
build_harnesses
$smoke || printf '%-9s %12s %8s %16s %9s  %s\n' harness executions per-s edges features result

for harness in $harnesses; do
    doing=fuzz-$harness
    result=ok
    run "$harness" || {
        failed=$((failed + 1))
        result=BROKEN
    }
    number=$((number + 1)) doing=
    # shellcheck disable=SC2046 # five figures, split on purpose
    set -- $(figures "$harness")
    if [ "$result" = ok ] && [ "$3" -lt "$(least_of "$harness")" ]; then
        failed=$((failed + 1))
        result="TOO FEW EDGES: less than $(least_of "$harness")"
    fi
    if $smoke; then
        point=ok
        [ "$result" = ok ] || point='not ok'
        echo "$point $number - fuzz-$harness: $1 inputs, $3 of $4 edges"
    else
        printf '%-9s %12s %8s %7s of %5s %9s  %s\n' "$harness" "$1" "$2" "$3" "$4" "$5" "$result"
    fi
    if [ "$result" != ok ]; then
        echo "# $result; its status is $status, and it says:"
        why=$log
        show_why | sed 's/^/# /'
        why=
    fi
    ! $keep || keep_new "$harness"
done
doing=
! $smoke || echo "1..$number"
[ "$failed" -eq 0 ]
