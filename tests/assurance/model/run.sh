#!/bin/sh
# SPDX-License-Identifier: ISC
# Look at every order in which handlers and an administrator can come at the table, with a kill behind every step.
#
# usage: sh tests/assurance/model/run.sh [--tap] [--all] [NAME...]
#
#   table.pml   the model, for spin
#   calls.awk   compares the functions that it speaks of with the sources
#   README.md   what the properties mean, and how a door or a record adds its own
#
# First the model as it is, in several sizes, each of them to the last state: nothing may be found. Then with one mistake
# in it at a time: the property that forbids it has to be what is found. Prints TAP, with the number of states. NAME is a
# size or a mistake, as they are named there; --all takes larger sizes as well, for six minutes and up to a gigabyte.
# Without, it is half a minute and a quarter of that. What is missing is installed (setup.sh), or with --tap,
# which is for meson, skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)

tap='' all=''
while :; do
    case ${1-} in
    --tap) tap=yes ;;
    --all) all=yes ;;
    -*)
        sed -n 's/^# \(usage:.*\)/\1/p' "$0" >&2
        exit 64
        ;;
    *) break ;;
    esac
    shift
done
wanted=" $* "

[ -n "$tap" ] || sh "$source/tests/setup.sh" test
for program in spin gcc prlimit; do
    command -v "$program" >/dev/null || {
        echo "1..0 # SKIP needs $program: sh tests/setup.sh test"
        exit 0
    }
done

place=$(mktemp -d)
child=
stop() {
    [ -z "$child" ] || kill "$child" 2>"$place/gone" || true
    wait
    rm -rf "$place"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

number=0
status=0

# say RESULT LINE: "ok" or "not ok".
say() {
    number=$((number + 1))
    echo "$1 $number - $2"
    [ "$1" = ok ] || status=1
}

# is_wanted NAME
is_wanted() {
    [ "$wanted" = '  ' ] || case $wanted in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# waited_for COMMAND...: in the background, so that a signal is heeded at once.
waited_for() {
    "$@" &
    child=$!
    code=0
    wait "$child" || code=$?
    child=
    return "$code"
}

# search KIND GIGABYTES OPTION...: what spin finds in the model with these -D. KIND is "states", where every state is looked
# at for itself, or "ends", where a search is made for what can go on for ever.
search() {
    kind=$1 gigabytes=$2
    shift 2
    rm -rf "$place/search"
    mkdir "$place/search"
    cd "$place/search"
    case $kind in
    states) how='-DSAFETY' options='' ;;
    ends) how='-DNP' options='-l' ;;
    esac
    waited_for spin -a "$@" "$here/table.pml" >said 2>&1 || return 1
    # shellcheck disable=SC2086 # lists of options
    waited_for nice gcc $optimised -w $how -DCOLLAPSE -DMEMLIM=$((gigabytes * 1000)) -o pan pan.c >said 2>&1 || return 1
    # shellcheck disable=SC2086
    waited_for nice prlimit --as=$((gigabytes * 1000000000)) ./pan -n -w24 -m100000 $options >found 2>said
}

# The states of a search that was made to its end, or nothing.
states() {
    awk '/errors: 0$/ { whole = 1 } / states, stored/ { states = $1 }
        /max search depth too small|out of memory|Search not completed/ { whole = 0 }
        END { if (whole) print states }' found
}

# What a search has found, in a word.
finding() {
    awk '/assertion violated/ { match($0, /[a-z]+_[a-z_]+\|\|/); print substr($0, RSTART, RLENGTH - 2); exit }
        /invalid end state/ && /^pan/ { print "waits_for_ever"; exit }
        /non-progress cycle/ && /^pan/ { print "never_ends"; exit }' found
}

# whole NAME KIND GIGABYTES WORDS OPTION...: nothing is found.
whole() {
    name=$1 kind=$2 gigabytes=$3 words=$4
    shift 4
    is_wanted "$name" || return 0
    optimised=-O1
    started=$(date +%s)
    if search "$kind" "$gigabytes" "$@" && [ -n "$(states)" ] && [ -z "$(finding)" ]; then
        say ok "$name: $words: $(states) states, $(($(date +%s) - started)) s"
    else
        say 'not ok' "$name: $words: $(finding)"
        cat said found | sed 's/^/# /'
        show "$@"
    fi
    rm -f pan
}

# show OPTION...: the steps that lead to what was found, where it is anything.
show() {
    [ -e table.pml.trail ] || return 0
    spin -t -p -g "$@" -k table.pml.trail "$here/table.pml" | grep -v 'sub-sequence\|goto)' | sed 's/^/# /'
}

# broken MISTAKE PROPERTY KIND OPTION...: with that mistake in it, the property is found not to hold.
broken() {
    name=$1 property=$2 kind=$3
    shift 3
    is_wanted "$name" || return 0
    optimised=-O0
    if ! search "$kind" 2 "-DBROKEN_$name" "$@"; then
        say 'not ok' "$name: could not be tried out"
        sed 's/^/# /' said
    elif [ "$(finding)" = "$property" ]; then
        say ok "$name: found by $property"
    else
        say 'not ok' "$name: to be found by $property, and found was: $(finding)"
    fi
}

if is_wanted calls; then
    awk -f "$here/calls.awk" "$here/table.pml" "$source"/state/*.c "$source/src/door/visit.c" \
        "$source/src/knock/handler.c" "$source/src/knock/ostiaryd.c" >"$place/calls"
    if [ -s "$place/calls" ]; then
        say 'not ok' 'calls: the functions are those of the sources, and make the calls that the model has as steps'
        sed 's/^/# /' "$place/calls"
    else
        say ok 'calls: the functions are those of the sources, and make the calls that the model has as steps'
    fi
fi

whole four states 2 'four handlers and an administrator, who gives one command' -DHANDLERS=4 -DCOMMANDS=1
whole commands states 2 'three handlers, and two commands' -DHANDLERS=3 -DCOMMANDS=2
whole doubt states 2 'three handlers, a command, patience that ends and a full disk' -DHANDLERS=3 -DCOMMANDS=1 -DDOUBT=1
whole first_strike states 2 'the first strike locks: three handlers, two commands' -DHANDLERS=3 -DCOMMANDS=2 -DMAX_BAD_CONNS=1
whole third_strike states 2 'the third strike locks: four handlers, no command' -DHANDLERS=4 -DCOMMANDS=0 -DMAX_BAD_CONNS=3
whole numbers states 2 'seed numbers and networks: two handlers, two commands' -DHANDLERS=2 -DCOMMANDS=2 -DSEEDS=1 -DNETWORKS=1
whole enclosed states 2 'a network that counts the strikes too: three handlers, two commands' -DHANDLERS=3 -DCOMMANDS=2 -DMAX_BAD_CONNS=3 -DENCLOSED=1
whole enclosed_many states 2 'the same: four handlers, no command' -DHANDLERS=4 -DCOMMANDS=0 -DMAX_BAD_CONNS=4 -DENCLOSED=1
whole ends ends 2 'all of it ends: three handlers, a command' -DHANDLERS=3 -DCOMMANDS=1
if [ -n "$all" ]; then
    whole four_commands states 8 'four handlers, and two commands' -DHANDLERS=4 -DCOMMANDS=2
    whole four_doubt states 8 'four handlers, a command, patience that ends and a full disk' -DHANDLERS=4 -DCOMMANDS=1 -DDOUBT=1
    whole more_commands states 8 'three handlers, and three commands' -DHANDLERS=3 -DCOMMANDS=3
    whole four_ends ends 8 'all of it ends: four handlers, a command' -DHANDLERS=4 -DCOMMANDS=1
fi

small='-DHANDLERS=2 -DCOMMANDS=1'
# shellcheck disable=SC2086 # a list of options
{
    broken COMPARE_BEFORE_CHARGE guess_without_strike states $small
    broken LOOK_THEN_CHARGE too_many_guesses states -DHANDLERS=3 -DCOMMANDS=0
    broken FORGIVE_ANY strike_of_another states $small -DMAX_BAD_CONNS=3
    broken GENERATION_FROM_SEED strike_of_another states -DHANDLERS=2 -DCOMMANDS=2 -DMAX_BAD_CONNS=3 -DSEEDS=1
    broken FORGIVE_NOT strike_not_returned states $small
    broken FORGIVE_ANY_LOCK lock_of_another states $small
    broken FORGIVE_WHEN_CLOSED let_in_while_closed states $small
    broken LOST_CLOSE closing_lost states $small -DDOUBT=1
    broken CLOSED_UNSEEN let_in_while_closed states $small
    broken LOCKED_UNSEEN let_in_while_locked states $small
    broken FLUSH lock_lost states $small
    broken STALE_JUDGEMENT refusal_before_judgement states -DHANDLERS=3 -DCOMMANDS=1 -DMAX_BAD_CONNS=1
    broken REPAIR_UNMARKED damaged_by_kill states $small
    broken NETWORK_ORDER damaged_by_kill states $small -DNETWORKS=1
    broken NETWORK_LAST guess_without_strike states $small -DENCLOSED=1
    broken FORGIVE_SOURCE_ALONE strike_not_returned states $small -DENCLOSED=1
    broken SEED_LATE seed_twice states $small -DSEEDS=1
    broken KEPT_LOCK waits_for_ever states $small
    broken LOCK_ORDER waits_for_ever states $small
    broken WAIT_WITH_LOCK waits_for_ever states $small
    broken WAIT_WITHOUT_DEADLINE waits_for_ever states $small
    broken ENDLESS_POLLING never_ends ends $small
}
echo "1..$number"
[ "$status" -eq 0 ]
