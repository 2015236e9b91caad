#!/bin/sh
# SPDX-License-Identifier: ISC
# What a knock costs, beside the least that a program can cost and beside others that run one fixed command as root.
#
# usage: sh tests/bench/run.sh [--smoke] [BUILD]
#
# Installs what is missing (setup.sh), builds the handler in each way it can be built, and measures all of it in turn
# (knocks.c), in about six minutes. Prints the machine, what was measured, and each goal with what was found: a goal that
# is missed is no failure, since other work on the machine can miss it. Everything it makes is in one directory, removed
# at the end. Needs root.
#
# BUILD is a build directory with the default options, to be measured as it is. --smoke is the tests': it installs nothing,
# takes seconds, leaves out the static handler and all others' programs, and tells in TAP whether there is a figure for each
# goal that is left; it needs BUILD.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)

smoke=
if [ "${1-}" = --smoke ]; then
    smoke=yes
    shift
fi
case $#:${1-} in
0:) build= ;;
1:[!-]*) build=$(cd "$1" && pwd) ;;
*)
    sed -n 's/^# \(usage:.*\)/\1/p' "$0" >&2
    exit 64
    ;;
esac
if [ -n "$smoke" ] && [ -z "$build" ]; then
    echo 'run.sh: --smoke needs a build directory' >&2
    exit 64
fi
if [ "$(id -u)" -ne 0 ]; then
    [ -z "$smoke" ] || echo '1..0 # SKIP needs root'
    echo 'run.sh: needs root' >&2
    [ -n "$smoke" ]
    exit
fi
[ -n "$smoke" ] || sh "$source/tests/setup.sh" bench

# Not below /tmp: root runs a command only where root alone can write.
work=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-bench.XXXXXX")
launchers=
clean_up() {
    # The launchers end when nobody holds the other end of their input.
    exec 9>&-
    [ -z "$launchers" ] || wait "$launchers" || true
    [ ! -d "$work/cgroup" ] || remove_groups
    rm -rf "$work"
}
# What was in them ended with measure.
remove_groups() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t cgroup2 none "$1/cgroup" && cd "$1/cgroup" || exit 0
        for group in "${1##*/}"-*; do
            [ ! -d "$group" ] || rmdir "$group"
        done' sh "$work" 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$work"

say() {
    [ -n "$smoke" ] || printf '== %s\n' "$*"
}

# quietly COMMAND...: what it says is shown only if it fails.
quietly() {
    "$@" >"$work/said" 2>&1 || {
        cat "$work/said" >&2
        exit 70
    }
}

# variant NAME TARGET OPTION...: a build of its own.
variant() {
    name=$1 target=$2
    shift 2
    say "build $name"
    quietly meson setup "$@" "$work/build-$name" "$source"
    quietly meson compile -C "$work/build-$name" "$target"
}

if [ -z "$build" ]; then
    say 'build default'
    quietly meson setup "$work/build-default" "$source"
    quietly meson compile -C "$work/build-default"
    build=$work/build-default
fi
[ -n "$smoke" ] || variant static ostiaryd -Dstatic_handler=true

# What is measured is started from here, with names that say which it is.
bin=$work/bin
mkdir "$bin"
cp "$build/src/knock/ostiaryd" "$bin/default"
cp "$build/tests/bench/knocks" "$bin/knocks"
[ -n "$smoke" ] || cp "$work/build-static/src/knock/ostiaryd" "$bin/static"
# What an action of the same command costs a program that knows nothing of doors, and has libgcrypt loaded.
cc -O2 -o "$bin/floor-libgcrypt" "$here/floor.c" -Wl,--no-as-needed -lgcrypt
small='cc -static -O2'
if command -v musl-gcc >/dev/null; then
    small='musl-gcc -static -O2'
    $small -o "$bin/floor-musl" "$here/floor.c"
fi
$small -o "$bin/spawner" "$here/spawner.c"
$small -o "$bin/nothing" "$here/nothing.c"
cc -O2 -o "$bin/floor-dynamic" "$here/floor.c"
cc -O2 -static -o "$bin/floor-static" "$here/floor.c"

# ---- Doors ----

key=$work/key
head -c 18 /dev/urandom | base64 >"$key"

# action SECRET USER OPTIONS: a line, quoted but for the outermost quotes of its words.
action() {
    echo "ACTION=\"$1\",\"$bin/nothing\",\"$2\",\"$3\""
}

# config TABLE ACTIONS [files|numbers]: $work/TABLE-ACTIONS[files|numbers].cfg, on the table TABLE: with secrets inline or in
# files, and with a user's name or with numbers. The secret that is used is the last one.
config() {
    file=$work/$1-$2${3-}.cfg
    {
        echo "STATE_DIR=\"$work/$1\""
        echo 'DELAY=1'
        echo 'MAX_BAD_CONNS=1000000'
        i=1
        while [ "$i" -le "$2" ]; do
            secret=$(printf 'secret-of-action-%07d' "$i")
            [ "$i" -lt "$2" ] || secret=$(cat "$key")
            case ${3-} in
            files)
                echo "$secret" >"$work/secrets/$i"
                action '' root "name=action-$i\",\"secret-file=$work/secrets/$i"
                ;;
            numbers) action "$secret" '0","0' "name=action-$i" ;;
            *) action "$secret" root "name=action-$i" ;;
            esac
            i=$((i + 1))
        done
    } >"$file"
}

umask 077
for table in ten million; do
    mkdir "$work/$table"
    config "$table" 1
done
mkdir "$work/secrets"
config ten 1 numbers
config ten 500
config ten 500 files
umask 022

plan=$work/plan
echo "table ten $work/ten 10" >"$plan"
[ -n "$smoke" ] || echo "table million $work/million 1000000" >>"$plan"

# plain NAME [COMMAND]: a floor.
plain() {
    [ ! -x "$bin/$1" ] || echo "case $1 plain 1 - - $bin/$*" >>"$plan"
}

# handler BUILD KIND TABLE ACTIONS
handler() {
    echo "case $1/$2/$3/$4 $2 1 $3 $key $bin/$1 -e -c $work/$3-$4.cfg" >>"$plan"
}

plain floor-musl
plain floor-static
plain floor-dynamic
plain floor-libgcrypt "$bin/nothing"
for kind in accepted thinking rejected locked; do
    handler default "$kind" ten 1
    [ -n "$smoke" ] || handler static "$kind" ten 1
done
handler default accepted ten 1numbers
[ -n "$smoke" ] || handler static accepted ten 1numbers
handler default accepted ten 500
handler default accepted ten 500files
if [ -z "$smoke" ]; then
    for kind in accepted rejected locked; do
        handler default "$kind" million 1
    done
fi

# ---- Launchers and others ----

# They run until descriptor 9 is closed.
make_launchers() {
    sh "$source/tests/setup.sh" launchers "$work/launchers"
    mkfifo "$work/hold"
    OSTIARY_BUILD=$build OSTIARY_SOURCE=$source OSTIARY_LAUNCHERS=$work/launchers \
        bash "$here/launchers.bash" "$bin/default" "$work/million-1.cfg" "$work/hold" "$work/ports" &
    launchers=$!
    exec 9>"$work/hold"
    until [ -e "$work/ports" ]; do
        kill -0 "$launchers" || exit 69
        sleep 0.05
    done
    while read -r name place; do
        echo "case $name launcher 1 million $key $place"
        echo "case $name:4 rate 20 million $key $place"
    done <"$work/ports" >>"$plan"
}

rounds=5
if [ -z "$smoke" ]; then
    rounds=400
    say 'launchers and others'
    # shellcheck source=tests/bench/others.sh
    . "$here/others.sh"
    make_others
    make_launchers
fi

# ---- Measuring ----

# measure ROUNDS PLAN RESULTS: whatever it starts ends with it.
measure() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child sh -euc '
        work=$1 rounds=$2
        if [ -e "$work/passwd" ]; then
            mount --bind "$work/passwd" /etc/passwd
            mount --bind "$work/pam.d" /etc/pam.d
            [ -d /run/sshd ] || { mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd; }
        fi
        [ ! -d "$work/cgroup" ] || mount -t cgroup2 none "$work/cgroup"
        exec "$work/bin/knocks" "$rounds"' sh "$work" "$1" <"$2" >"$3" 2>"$work/log" 9>&- || {
        # What the handlers say of themselves is long, and only its end can tell why one did what it should not.
        tail -n 5 "$work/log" >&2
        exit 70
    }
}

# What a grant costs: in a network of its own, whose firewall is nobody else's, with the table that ostgrant makes. It is
# renewed each time, beside one "nft add element" that adds what is there; a whole renewal by nft, of which the first
# "add" is only that "delete" may not fail; and a list.
measure_grants() {
    mkdir -m 700 "$work/grants" "$work/grants/state"
    printf '%s\n' "STATE_DIR=\"$work/grants/state\"" 'GATE="ssh","tcp 22"' >"$work/grants/ostiary-grants.cfg"
    element='inet ostiary_grants ssh_4_32 { 192.0.2.7'
    printf '%s element %s %s }\n' add "$element" 'timeout 1h' delete "$element" '' \
        add "$element" 'counter packets 5 bytes 0 timeout 1h comment "alice"' >"$work/grants/renewal.nft"
    ostgrant="$build/src/grant/ostgrant -c $work/grants/ostiary-grants.cfg"
    nft=$(PATH=$PATH:/usr/sbin:/sbin command -v nft)
    printf 'case %s saying 1 - - %s\n' nft/add "$nft add element $element timeout 1h }" nft/renewal "$nft -f $work/grants/renewal.nft" \
        ostgrant/grant "$ostgrant grant ssh 192.0.2.7 1h alice" ostgrant/tick "$ostgrant tick" >"$work/plan-grants"
    # shellcheck disable=SC2016 # for the inner shell
    unshare --net sh -euc 'ip link set lo up && $1 load && $1 grant ssh 192.0.2.7 1h alice && exec "$2" "$3"' sh \
        "$ostgrant" "$bin/knocks" "$1" <"$work/plan-grants" >>"$work/results" 2>"$work/log" || {
        tail -n 5 "$work/log" >&2
        exit 70
    }
}

# under TOOL: the floors and doors of the plan once more, with ten sources; each case under a tool, "TOOL FILE", which
# writes into files whose names begin with $work/TOOL/CASE (a comma for each slash).
under() {
    mkdir "$work/$1"
    # A table is made where there is none.
    rm -f "$work/ten/lockout"
    {
        grep '^table ten ' "$plan"
        grep '^case [^ ]* \(plain\|accepted\|rejected\|locked\) 1 [^m]' "$plan" |
            while read -r _ name kind every table secret command; do
                echo "case $name $kind $every $table $secret $("$1" "$work/$1/$(echo "$name" | tr / ,)") $command"
            done
    } >"$work/plan-$1"
    measure 1 "$work/plan-$1" "$work/results-$1"
}

calls() {
    echo "$(command -v strace) -qq -o $1"
}

# What is left of the process after execve is the command, which callgrind does not follow.
instructions() {
    echo "$(command -v valgrind) -q --tool=callgrind --dump-before=execve --callgrind-out-file=$1,%p"
}

# How many system calls of each.
count_calls() {
    under calls
    for trace in "$work/calls"/*; do
        echo "calls $(basename "$trace" | tr , /) $(grep -c -v '^+++' "$trace")"
    done
}

# A few knocks from an IPv6 source, whose strike is counted for three networks as well, in a network of its own.
knock_from_ipv6() {
    # shellcheck disable=SC2046 # a list of options, split on purpose
    unshare --net sh -euc 'ip link set lo up && ip -6 address add 2001:db8::1/128 dev lo nodad && exec "$@"' sh \
        "$source/tests/tools/door.py" --log="$work/log" -- \
        $(instructions "$work/instructions/default,accepted-ipv6,ten,1numbers") "$bin/default" -e -c "$work/ten-1numbers.cfg" \
        -- "2001:db8::1=$(cat "$key")x3" >"$work/results-ipv6"
}

# How many thousand instructions of each, the mean of the few rounds. A process has one file for each part of its life.
count_instructions() {
    under instructions
    knock_from_ipv6
    for profile in "$work/instructions"/*,[0-9]*; do
        name=$(basename "$profile")
        echo "$(echo "${name%,*}" | tr , /) ${name##*,} $(sed -n 's/^totals: //p' "$profile")"
    done | awk '
        { sub(/\..*/, "", $2); sum[$1] += $3; if (!(($1, $2) in seen)) { seen[$1, $2]; processes[$1]++ } }
        END { for (name in sum) printf "instructions %s %.0f\n", name, sum[name] / processes[name] / 1000 }'
}

say measure
measure "$rounds" "$plan" "$work/results"
has_grants=
if [ -x "$build/src/grant/ostgrant" ]; then
    has_grants=yes
    measure_grants "$rounds"
fi
: >"$work/counts"
if [ -z "$smoke" ]; then
    say 'count system calls and instructions'
    count_calls >>"$work/counts"
    count_instructions >>"$work/counts"
fi

machine() {
    processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    memory=$(awk '/MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)
    release=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
    echo "$(uname -srm), $(nproc) x $processor, $memory, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
    echo "$release, $(ldd --version | head -n 1), $(cc --version | head -n 1)"
    date -u '+%Y-%m-%dT%H:%M:%SZ'
}
machine >"$work/machine"
awk -v smoke="$smoke" -v has_grants="$has_grants" -f "$here/report.awk" "$work/machine" "$work/counts" "$work/results"
