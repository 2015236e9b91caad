#!/bin/sh
# SPDX-License-Identifier: ISC
# One knock, from beginning to end: build Ostiary, open a door on a free loopback port, knock with the
# right secret and with a wrong one, and show what ran and what was logged. It leaves nothing behind.
#
# usage: sh tests/demo.sh          (as root on a fresh Debian 12; as anybody where the packages are there)
set -eu

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
if ! { meson setup "$here/build" "$source" && ninja -C "$here/build" src/knock/ostiaryd src/client/ostclient; } \
    >"$here/build.log" 2>&1; then
    cat "$here/build.log"
    exit 1
fi
echo "src/knock/ostiaryd, src/client/ostclient"
PATH=$here/build/src/knock:$here/build/src/client:$PATH

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
