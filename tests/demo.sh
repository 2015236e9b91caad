#!/bin/sh
# SPDX-License-Identifier: ISC
# One knock, from beginning to end: build Ostiary, open a door on a free loopback port, knock with the
# right secret and with a wrong one, and show what ran and what was logged. Where it is root, it shows before that how a gate
# in a firewall opens and shuts by itself, in a network of its own. It leaves nothing behind.
#
# usage: sh tests/demo.sh          (as root on a fresh Debian 12; as anybody where the packages are there)
set -eu

# What a client at 192.0.2.7 sees of the server's port 2222.
try_port() {
    if ip netns exec client timeout "$1" bash -c ': </dev/tcp/192.0.2.1/2222' 2>/dev/null; then
        echo 'client: port 2222 answers'
    else
        echo 'client: no answer from port 2222'
    fi
}

# demo.sh gate DIR: in a network that nobody else has.
show_gate() {
    mount -t tmpfs none /run
    ip netns add client
    ip link add lan type veth peer name eth0 netns client
    ip address add 192.0.2.1/24 dev lan
    ip link set lan up
    ip -n client address add 192.0.2.7/24 dev eth0
    ip -n client link set eth0 up
    systemd-socket-activate --listen=192.0.2.1:2222 --accept --inetd /bin/true 2>/dev/null &
    printf '%s\n' "STATE_DIR=\"$1/gates\"" 'GATE="demo","tcp 2222"' >"$1/ostiary-grants.cfg"
    sed "s|$1|HERE|" "$1/ostiary-grants.cfg"
    echo '$ ostgrant load'
    ostgrant -c "$1/ostiary-grants.cfg" load
    try_port 2
    echo '$ ostgrant grant demo 192.0.2.7 5s'
    ostgrant -c "$1/ostiary-grants.cfg" grant demo 192.0.2.7 5s
    try_port 4
    echo '$ sleep 6'
    sleep 6
    try_port 2
}

if [ "${1-}" = gate ]; then
    show_gate "$2"
    exit
fi

source=$(cd "$(dirname "$0")/.." && pwd)
sh "$source/tests/setup.sh" demo

here=$(mktemp -d "${TMPDIR:-/tmp}/ostiary-demo.XXXXXX")
launcher=
leave() {
    [ -z "$launcher" ] || kill "$launcher" 2>/dev/null || :
    rm -rf "$here"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

say() {
    printf '\n== %s\n' "$*"
}

say 'Build'
set -- src/knock/ostiaryd src/client/ostclient
[ "$(id -u)" -ne 0 ] || set -- "$@" src/grant/ostgrant
if ! { meson setup "$here/build" "$source" && ninja -C "$here/build" "$@"; } \
    >"$here/build.log" 2>&1; then
    cat "$here/build.log"
    exit 1
fi
echo "$*"
PATH=$here/build/src/knock:$here/build/src/client:$here/build/src/grant:$PATH

if [ "$(id -u)" -eq 0 ]; then
    say 'A gate: shut, open for five seconds to one address, and shut again by the kernel'
    unshare --net --mount --pid --fork --kill-child -- sh "$0" gate "$here"
fi

say 'A configuration: one action, run as whoever runs this, or as nobody where that is root'
umask 077
mkdir "$here/state"
chmod 711 "$here"
if [ "$(id -u)" -eq 0 ]; then
    user=nobody
else
    user=$(id -un)
fi
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$secret" >"$here/secret"
printf '%s\n' not-the-secret-but-long-enough >"$here/wrong-secret"
cat >"$here/hello" <<'END'
#!/bin/sh
echo "hello $1, this is $OSTIARY_ACTION, run as $(id -un)" >&2
END
chmod 755 "$here/hello"
cat >"$here/ostiary.cfg" <<END
ACTION="$secret","$here/hello","$user"
DELAY=1
STATE_DIR="$here/state"
END
sed -e "s/$secret/(32 random characters)/" -e "s|$here|HERE|" "$here/ostiary.cfg"
ostiaryd -t -c "$here/ostiary.cfg"

say 'A listener on a free loopback port: systemd-socket-activate, which starts ostiaryd for each connection'
port=
attempt=0
while [ -z "$port" ]; do
    attempt=$((attempt + 1))
    [ "$attempt" -le 20 ] || {
        echo 'demo.sh: no free port found' >&2
        cat "$here/log" >&2
        exit 1
    }
    candidate=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000))
    systemd-socket-activate --listen="127.0.0.1:$candidate" --accept --inetd \
        "$here/build/src/knock/ostiaryd" -e -c "$here/ostiary.cfg" 2>"$here/log" &
    launcher=$!
    # It says so when it listens, and ends when it cannot: the port belongs to somebody else.
    while kill -0 "$launcher" 2>/dev/null; do
        if grep -q "^Listening on" "$here/log"; then
            port=$candidate
            break
        fi
        sleep 0.05
    done
done
echo "127.0.0.1:$port"

# What can be seen only a moment later: wait for it, on the busiest machine.
await() {
    for _ in $(seq 6000); do
        ! grep -q "$1" "$here/log" || return 0
        sleep 0.05
    done
    echo "demo.sh: '$1' did not appear in the log:" >&2
    cat "$here/log" >&2
    exit 1
}

say 'Knock with the right secret'
echo "\$ ostclient -w -v -k secret 127.0.0.1:$port"
ostclient -w -v -k "$here/secret" "127.0.0.1:$port"
echo "exit status 0"
await '^hello'

say 'Knock with a wrong one'
echo "\$ ostclient -w -v -k wrong-secret 127.0.0.1:$port"
status=0
ostclient -w -v -k "$here/wrong-secret" "127.0.0.1:$port" || status=$?
echo "exit status $status"
[ "$status" -eq 77 ]
await 'rejected'

say 'What was logged, and what the action said'
grep -E '^(ostiaryd|hello)' "$here/log"
