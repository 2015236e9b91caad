#!/bin/sh
# SPDX-License-Identifier: ISC
# Prove that the code which handles bytes from outside or from disk has no undefined behaviour.
#
# usage: sh tests/assurance/proof/run.sh [SUBJECT...]
#
# Frama-C's Eva interprets the C for all inputs at once. One SUBJECT is one analysis: a driver (SUBJECT.c in this
# directory) that calls the functions with any input, the files that are proved, and bodies for what they call in the
# system or in other modules, which return whatever a caller may ever see. An alarm is a place where Eva cannot exclude
# an overflow, an access out of bounds or to memory that was never set, a bad shift and so on, or where one of
# the drivers' own assertions may be false. A statement that nothing reaches has not been proved; it is counted
# as well.
#
#   SUBJECT.c           the drivers; each says what "any" means there
#   any.h, any_*.h      any values
#   inet.h, memory.c, text.c, text_loose.c, text_compare.h
#                       bodies for functions of libc
#   shim.h              what glibc has and Frama-C's libc has not
#   ostiary_report.ml   the findings of an analysis, a line each
#   known.txt           the findings that are known, with their reasons: each one more is a failure, and each one less
#
# What is assumed: a two's complement machine with 64 bits (x86-64), the bodies above, and that gcc and Eva mean the same C.
# What is bounded: the length of texts, as the drivers say. Prints TAP: a line for each subject, with its alarms, its
# statements and its seconds.
#
# It installs Frama-C where that is missing (setup.sh), a gigabyte of packages, so it is run by hand: tests/run.sh does not.
#
# OSTIARY_PROOF_LINE: the length of the longest line that scan is proved for; each byte more takes twice as long.
# OSTIARY_PROOF_JOBS: how many analyses run at once.
set -eu
cd "$(dirname "$0")/../../.."
proof=tests/assurance/proof
: "${OSTIARY_PROOF_LINE:=10}" "${OSTIARY_PROOF_JOBS:=2}"
subjects='number clock address from scan parser seen config entry secrets codes exchange seed siphash record head form1
    moment pace table rebuild convert lockout grants_bytes grant_time used_bytes request'
minutes_max=10
includes='-Isrc/base -Isrc/codes -Isrc/config -Isrc/wire -Isrc/knock -Isrc/gates -Istate'
memory_max=4000000000 # bytes, of each analysis

# choose SUBJECT: its files, what they and the driver need, and how precise Eva has to be there. That costs time, and never
# hides anything.
#   states    how many states it keeps apart before it joins them; limits: FUNCTION:STATES, where that is another number
#   inlined   functions that are analysed anew wherever they are called
#   merged    functions in whose loops it joins the states after each turn
#   returned  FUNCTION:RESULT, where it keeps apart what returns with this result
#   hooked    see ostiary_report.ml
#   turns     how many turns of each loop it keeps apart at least
choose() {
    needed='' states=1000 inlined='' merged='' hooked='' limits='' returned='' turns=64
    case $1 in
    number) files=src/base/number.c needed=$proof/text.c states=10000 ;;
    clock) files=src/base/clock.c ;;
    address) files=src/base/address.c needed=$proof/text.c states=10000 ;;
    from) files=src/config/from.c needed=$proof/text_loose.c states=20000 ;;
    scan)
        files=src/config/scan.c needed=$proof/text.c states=10000
        inlined=scan_quoted,scan_bare,scan_field merged=skip_word,skip_blanks hooked=skip_word,skip_blanks
        ;;
    parser) files=src/config/parser.c needed="$proof/text.c $proof/memory.c" states=1000 ;;
    seen) files=src/config/seen.c needed="src/base/siphash.c $proof/memory.c" ;;
    config)
        files='src/config/config.c src/config/keyword.c src/config/value.c' needed="$proof/text_loose.c $proof/memory.c" states=50
        limits=distance:0,least:0,find_nearest:0,report_unknown:0,config_parse:5000,config_load:5000,main:5000,read_options:20000
        limits=$limits,keyword_read_options:50000,text_memchr:500,find:500,report_no_option:50000,take_option_0:500,value_is_name:500
        returned=config_parse:0,config_load:0
        ;;
    entry)
        files=src/config/entry.c needed="src/config/value.c $proof/text_loose.c" states=5000 returned=take_ids:2:3
        turns=0 limits=take_from:0
        inlined=take_options,take_what_is_run,value_is_path,take_command,take_socket
        merged=span,default_name,value_is_gate
        ;;
    secrets)
        files=src/config/secrets.c needed="src/config/value.c $proof/text_loose.c" states=5000 turns=0 limits=continues:0
        inlined=value_is_path,secret_at,make_room,add_secret,secrets_take_option,secrets_take,take_secrets
        inlined=$inlined,read_named,load_from_file,load,load_key,load_all merged=trimmed
        ;;
    codes)
        files=src/codes/codes.c needed=$proof/text.c states=5000 limits=codes_parse_key:5
        inlined=next_word merged=take_digits
        ;;
    exchange) files='src/knock/exchange.c src/base/stream.c' needed=src/base/clock.c states=10000 ;;
    seed) files=src/knock/seed.c needed=src/base/siphash.c ;;
    siphash) files=src/base/siphash.c ;;
    record) files=state/record.c needed=src/base/siphash.c ;;
    head) files=state/head.c needed='state/record.c src/base/siphash.c' states=10000 returned=record_decode_header:2 ;;
    form1) files=state/form1.c needed='state/record.c src/base/siphash.c' ;;
    moment) files=state/moment.c needed="$proof/text.c src/base/clock.c" ;;
    pace) files=state/pace.c ;;
    rebuild) files=state/rebuild.c ;;
    convert) files=state/convert.c states=0 turns=0 ;;
    table) files='state/buckets.c state/slot.c state/networks.c' needed='state/record.c src/base/siphash.c' states=20 inlined=read_own ;;
    grants_bytes) files=state/grants_bytes.c needed="state/record.c src/base/siphash.c $proof/text_loose.c" states=150 returned=decode_header:2 ;;
    used_bytes) files=state/used_bytes.c needed='state/record.c src/base/siphash.c' states=150 returned=decode_header:2 ;;
    grant_time) files=state/grant_time.c needed='state/moment.c state/record.c' ;;
    request)
        files=src/gates/request.c states=20000
        ;;
    lockout) files='state/lockout.c state/enclosing.c' needed='state/slot.c state/pace.c' inlined=inspect,look_around,take_slot,find_slot,turn_to ;;
    *) return 1 ;;
    esac
}

# analyse SUBJECT, which is chosen: what Eva finds, in $mine/found.
analyse() {
    # What is loaded is compiled beside its source.
    cp $proof/ostiary_report.ml "$mine"
    # shellcheck disable=SC2086 # lists of files, split on purpose
    OSTIARY_SUBJECT=$files OSTIARY_DRIVER=$proof/$1.c OSTIARY_INLINED=$inlined OSTIARY_HOOKED=$hooked TMPDIR=$mine \
        nice prlimit --as="$memory_max" timeout "${minutes_max}m" frama-c -machdep gcc_x86_64 -c11 \
        -cpp-extra-args="-std=gnu17 -D_GNU_SOURCE -DLINE_LEN=$OSTIARY_PROOF_LINE $includes -I$proof -include $proof/shim.h" \
        -kernel-warn-key annot:missing-spec=abort ${inlined:+-inline-calls "$inlined"} \
        -eva -eva-verbose 0 -eva-slevel "$states" -eva-min-loop-unroll "$turns" ${merged:+-eva-slevel-merge-after-loop "$merged"} \
        ${limits:+-eva-slevel-function "$limits"} ${returned:+-eva-split-return-function "$returned"} \
        -eva-interprocedural-splits -eva-split-return auto -eva-split-limit 1000 \
        -load-script "$mine/ostiary_report.ml" "$proof/$1.c" $files $needed >"$mine/log" 2>&1 &
    child=$!
    wait "$child" || return 1
    child=
    grep -P '^(alarms|statements|unproved|unreached|uncalled)\t' "$mine/log" >"$mine/found"
}

# Findings and known ones as "SUBJECT: KIND: FILE: FUNCTION: SOURCE LINE".
list_findings() {
    awk -F '\t' -v subject="$1" '/^u/ { print subject ": " $1 ": " $2 ": " $3 ": " $4 }' "$mine/found" | sort -u
}
# An entry without a reason is none.
list_known() {
    awk -v start="$1: " '/^ / && index(entry, start) == 1 { print entry } { entry = /^ / ? "" : $0 }' $proof/known.txt | sort -u
}
reason_for() {
    awk -v entry="$1" '/^ / && inside { sub(/^ +/, ""); print } !/^ / { inside = $0 == entry }' $proof/known.txt
}

# Was every file of the subject analysed at all? The driver calls what is in it, so it cannot be without statements.
is_complete() {
    grep -q '^alarms' "$mine/found" || return 1
    for file in $files; do
        awk -F '\t' -v file="$file" '$1 == "statements" && $2 == file && $4 > 0 { found = 1 } END { exit !found }' \
            "$mine/found" || return 1
    done
}

# judge SUBJECT: its lines of TAP, but for the number.
judge() {
    choose "$1"
    started=$(date +%s)
    if ! analyse "$1" || ! is_complete; then
        echo "not ok - $1: could not be analysed"
        tail -n 20 "$mine/log" | sed 's/^/# /'
        return
    fi
    list_findings "$1" >"$mine/findings"
    list_known "$1" >"$mine/known"
    line=$(awk -F '\t' -v name="$1" '$1 == "alarms" { alarms = $2 }
        $1 == "statements" { reached += $3; total += $4 }
        END { printf "%s: %d alarms, %d of %d statements reached", name, alarms, reached, total }' "$mine/found")
    line="$line, $(($(date +%s) - started)) s"
    if cmp -s "$mine/findings" "$mine/known"; then
        echo "ok - $line"
    else
        echo "not ok - $line"
    fi
    comm -12 "$mine/findings" "$mine/known" | while IFS= read -r finding; do
        echo "# known: $finding"
        reason_for "$finding" | sed 's/^/#   because: /'
    done
    comm -23 "$mine/findings" "$mine/known" | sed 's/^/# new: /'
    comm -13 "$mine/findings" "$mine/known" | sed 's/^/# no longer there: /'
    awk -F '\t' '/^u/ && $5 != "" { print "# " $1 " in " $2 ", " $3 ": " $5 }' "$mine/found"
}

# A worker takes the next subject that nobody has taken, until there is none.
work() {
    trap - EXIT
    trap '[ -z "$child" ] || kill "$child"; exit 143' TERM
    for subject in $wanted; do
        mine=$place/$subject
        mkdir "$mine" 2>"$place/taken" || continue
        judge "$subject" >"$mine/judging"
        mv "$mine/judging" "$mine/judged"
    done
}

wanted=${*:-$subjects}
for subject in $wanted; do
    choose "$subject" || {
        echo "run.sh: $subject is none of: $subjects" >&2
        exit 64
    }
done

sh tests/setup.sh proof

place=$(mktemp -d)
child=
workers=
stop() {
    for worker in $workers; do
        kill "$worker" 2>"$place/gone" || true
    done
    wait
    rm -rf "$place"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
while [ "$OSTIARY_PROOF_JOBS" -gt 0 ]; do
    work &
    workers="$workers $!"
    OSTIARY_PROOF_JOBS=$((OSTIARY_PROOF_JOBS - 1))
done

is_working() {
    for worker in $workers; do
        ! kill -0 "$worker" 2>"$place/gone" || return 0
    done
    return 1
}

# In their order, each as soon as it is there.
number=0
status=0
for subject in $wanted; do
    number=$((number + 1))
    while [ ! -e "$place/$subject/judged" ] && is_working; do
        sleep 0.2
    done
    sed "1s/ - / $number - /" "$place/$subject/judged" || echo "not ok $number - $subject"
    grep -q '^ok' "$place/$subject/judged" || status=1
done
echo "1..$number"
[ "$status" -eq 0 ]
