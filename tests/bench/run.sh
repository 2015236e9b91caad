#!/bin/sh
# SPDX-License-Identifier: ISC
# What a knock costs, beside the least that a program can cost and beside others that run one fixed command as root.
#
# usage: sh tests/bench/run.sh [--quick] [BUILD]
#
# Installs what is missing (setup.sh), builds the handler in each way it can be built, and measures all of it in turn
# (knocks.c), in about three minutes. Prints the machine, one table, and what is promised with what was found; the
# status is 1 when a promise is not kept. Everything it makes is in one directory, removed at the end. Needs root.
#
# BUILD is a build directory with the default options, to be measured as it is. --quick installs
# nothing, takes less than a minute, leaves out the peers and launchers, and tells in TAP whether limits hold that leave
# room for a machine that does other things meanwhile; it needs BUILD.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)

quick=
if [ "${1-}" = --quick ]; then
    quick=yes
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
if [ -n "$quick" ] && [ -z "$build" ]; then
    echo 'run.sh: --quick needs a build directory' >&2
    exit 64
fi
if [ "$(id -u)" -ne 0 ]; then
    [ -z "$quick" ] || echo '1..0 # SKIP needs root'
    echo 'run.sh: needs root' >&2
    [ -n "$quick" ]
    exit
fi
[ -n "$quick" ] || sh "$source/tests/setup.sh" bench

# Not below /tmp: root runs a command only where root alone can write.
work=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-bench.XXXXXX")
launchers=
clean_up() {
    # The launchers end when nobody holds the other end of their input.
    exec 9>&-
    [ -z "$launchers" ] || wait "$launchers" || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$work"

say() {
    [ -n "$quick" ] || printf '== %s\n' "$*"
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
[ -n "$quick" ] || variant static ostiaryd -Dstatic_handler=true

# What is measured is started from here, with names that say which it is.
bin=$work/bin
mkdir "$bin"
cp "$build/src/knock/ostiaryd" "$bin/default"
cp "$build/tests/bench/knocks" "$bin/knocks"
[ -n "$quick" ] || cp "$work/build-static/src/knock/ostiaryd" "$bin/static"
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

# config NAME ACTIONS: $work/NAME-ACTIONS.cfg, on the table NAME. The secret that is used is the last one.
config() {
    file=$work/$1-$2.cfg
    {
        echo "STATE_DIR=\"$work/$1\""
        echo 'DELAY=1'
        echo 'MAX_BAD_CONNS=1000000'
        i=1
        while [ "$i" -lt "$2" ]; do
            echo "ACTION=\"$(printf 'secret-of-action-%07d' "$i")\",\"$bin/nothing\",\"root\",\"name=action-$i\""
            i=$((i + 1))
        done
        echo "ACTION=\"$(cat "$key")\",\"$bin/nothing\",\"root\",\"name=used\""
    } >"$file"
    chmod 600 "$file"
}

for table in ten million; do
    mkdir -m 700 "$work/$table"
    config "$table" 1
done
config ten 8
config ten 500

plan=$work/plan
cat >"$plan" <<END
table ten $work/ten 10
table million $work/million 1000000
END

# plain NAME: a floor.
plain() {
    [ ! -x "$bin/$1" ] || echo "case $1 plain 1 - - $bin/$1" >>"$plan"
}

# handler BUILD KIND TABLE ACTIONS
handler() {
    echo "case $1/$2/$3/$4 $2 1 $3 $key $bin/$1 -e -c $work/$3-$4.cfg" >>"$plan"
}

plain floor-musl
plain floor-static
plain floor-dynamic
for kind in accepted rejected locked; do
    handler default "$kind" ten 1
    handler default "$kind" million 1
    [ -n "$quick" ] || handler static "$kind" ten 1
done
handler default accepted ten 8
handler default accepted ten 500

# ---- Peers and launchers ----

# script NAME: standard input becomes a program, $work/NAME.
script() {
    {
        echo '#!/bin/sh'
        cat
    } >"$work/$1"
    chmod 755 "$work/$1"
}

# Both as Debian configures them, with a key of each kind that it makes. sshd wants a user of its own, and root a home
# in which a key is authorized: a user database with these is seen by what is measured alone.
make_ssh() {
    sh "$source/tests/setup.sh" peers "$work/peers"
    mkdir -m 700 "$work/home" "$work/home/.ssh"
    quietly ssh-keygen -q -t ed25519 -N '' -f "$work/id"
    for type in rsa ecdsa ed25519; do
        quietly ssh-keygen -q -t "$type" -N '' -f "$work/host-$type"
        quietly dropbearkey -t "$type" -f "$work/dropbear-$type"
        echo "HostKey $work/host-$type" >>"$work/sshd_config"
    done
    cat "$work/peers/usr/share/openssh/sshd_config" >>"$work/sshd_config"
    cp -r /etc/pam.d "$work/pam.d"
    cp "$work/peers/etc/pam.d/sshd" "$work/pam.d"
    echo "command=\"$bin/nothing\" $(cat "$work/id.pub")" >"$work/home/.ssh/authorized_keys"
    sed -E "s|^(root:[^:]*:0:0:[^:]*):[^:]*:[^:]*|\1:$work/home:/bin/sh|; /^sshd:/d" /etc/passwd >"$work/passwd"
    echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >>"$work/passwd"
    script ssh <<END
exec ssh -F none -i $work/id -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \\
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p "\$1" root@127.0.0.1 x </dev/null >/dev/null
END
    {
        echo "case sshd client 10 - $work/ssh $work/peers/usr/sbin/sshd -i -f $work/sshd_config"
        printf %s "case dropbear client 10 - $work/ssh $(command -v dropbear || echo /usr/sbin/dropbear) -i -s"
        printf ' -r %s' "$work/dropbear-rsa" "$work/dropbear-ecdsa" "$work/dropbear-ed25519"
        echo
    } >>"$plan"
}

make_spiped() {
    head -c 32 /dev/urandom >"$work/spiped.key"
    script spiped <<END
trap 'kill "\$far" "\$near"' EXIT
spiped -F -d -s $work/far.sock -t "127.0.0.1:\$1" -k $work/spiped.key >/dev/null 2>&1 &
far=\$!
spiped -F -e -s $work/near.sock -t $work/far.sock -k $work/spiped.key >/dev/null 2>&1 &
near=\$!
until [ -S $work/near.sock ] && [ -S $work/far.sock ]; do sleep 0.02; done
echo "$work/near.sock \$far"
cat >/dev/null
END
    echo "case spiped through 1 - $work/spiped $bin/floor-dynamic" >>"$plan"
}

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

rounds=200
if [ -z "$quick" ]; then
    rounds=400
    say 'peers and launchers'
    make_ssh
    make_spiped
    make_launchers
fi

# ---- Measuring ----

# measure ROUNDS PLAN RESULTS
measure() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -euc '
        work=$1 rounds=$2
        if [ -e "$work/passwd" ]; then
            mount --bind "$work/passwd" /etc/passwd
            mount --bind "$work/pam.d" /etc/pam.d
            [ -d /run/sshd ] || { mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd; }
        fi
        exec "$work/bin/knocks" "$rounds"' sh "$work" "$1" <"$2" >"$3" 2>"$work/log" 9>&- || {
        grep -v '^ostiaryd' "$work/log" >&2
        exit 70
    }
}

# How many system calls: the same plan once more, traced.
count_calls() {
    grep '^case [^ ]* \(plain\|accepted\|rejected\|locked\) ' "$plan" | while read -r word name how command; do
        trace=$work/trace/$(echo "$name" | tr / ,)
        # KIND EVERY TABLE FILE, and then the command.
        for _ in 1 2 3; do
            how="$how ${command%% *}" command=${command#* }
        done
        echo "$word $name $how $(command -v strace) -qq -o $trace $command"
    done >"$work/plan-traced.cases"
    mkdir "$work/trace"
    # A table is made where there is none.
    rm -f "$work/ten/lockout" "$work/million/lockout"
    {
        grep '^table ' "$plan"
        cat "$work/plan-traced.cases"
    } >"$work/plan-traced"
    measure 1 "$work/plan-traced" "$work/results-traced"
    for trace in "$work/trace"/*; do
        echo "calls $(basename "$trace" | tr , /) $(grep -c -v '^+++' "$trace")"
    done
}

say measure
measure "$rounds" "$plan" "$work/results"
[ -n "$quick" ] || count_calls >"$work/calls"
touch "$work/calls"

machine() {
    processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    memory=$(awk '/MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)
    release=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
    echo "$(uname -srm), $(nproc) x $processor, $memory, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
    echo "$release, $(ldd --version | head -n 1), $(cc --version | head -n 1)"
    date -u '+%Y-%m-%dT%H:%M:%SZ'
}
machine >"$work/machine"
awk -v quick="$quick" -f "$here/report.awk" "$work/machine" "$work/calls" "$work/results"
