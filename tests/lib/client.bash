# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034 # the tests read these variables
# For tests of ostclient: where it is, a server that plays scenes, and a private /etc/hosts.
# Loaded with: load ../lib/client (after common).

ostclient=$OSTIARY_BUILD/src/client/ostclient

client_setup() {
    client_dir=$BATS_TEST_TMPDIR
    key=$client_dir/key
    server_log=$client_dir/server.log
    server_pid=
    (umask 077 && printf 'The\n' >"$key")
}

client_teardown() {
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
}

# start_server [OPTION...] SCENE...: sets port.
start_server() {
    : >"$server_log"
    "$TOOLS/fake_server.py" "$@" >"$server_log" 3>&- &
    server_pid=$!
    eventually grep -q '^port ' "$server_log"
    port=$(sed -n 's/^port //p' "$server_log")
}

# The server has seen this line, or sees it soon.
server_saw() {
    eventually grep -qx "$1" "$server_log"
}

# is_gone PID: it has ended; whoever inherits it may be slow to bury it.
is_gone() {
    ! grep -qs '^State:[[:blank:]]*[^ZX[:blank:]]' "/proc/$1/status"
}

# knock ARGUMENT...: ostclient with the key file, and with a time limit that no test should need where it gives none.
knock() {
    local limit=(-t 600)
    [[ " $* " != *' -t '* ]] || limit=()
    timeout 900 "$ostclient" "${limit[@]}" -k "$key" "$@"
}

# with_hosts LINES COMMAND...: run with these lines for /etc/hosts, and nothing but that to look names up in.
with_hosts() {
    printf '%s\n' "$1" >"$client_dir/hosts"
    echo 'hosts: files' >"$client_dir/nsswitch.conf"
    shift
    # shellcheck disable=SC2016 # for the inner shell
    in_namespace --mount sh -c 'mount --bind "$1/hosts" /etc/hosts &&
        mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && shift && exec "$@"' sh "$client_dir" "$@"
}

# with_silent_dns COMMAND...: run where the only name server takes questions and never answers.
with_silent_dns() {
    echo 'nameserver 127.0.0.1' >"$client_dir/resolv.conf"
    echo 'hosts: dns' >"$client_dir/nsswitch.conf"
    # shellcheck disable=SC2016 # for the inner shell
    in_namespace --mount --net sh -c 'ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf &&
        mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && shift && exec "$@"' sh "$client_dir" \
        /usr/bin/python3 -ISc '
import socket, subprocess, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
sys.exit(subprocess.call(sys.argv[1:]))' "$@"
}

in_namespace() {
    if [ "$(id -u)" -eq 0 ]; then
        unshare "$@"
    else
        unshare --map-root-user "$@"
    fi
}

# Milliseconds that COMMAND... takes, in elapsed_ms; its status and output as run gives them.
timed_run() {
    local start=${EPOCHREALTIME/./}
    run "$@"
    elapsed_ms=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# was_bounded MILLISECONDS: the last timed_run took so long, or longer on a busy machine; but not the ten seconds that are
# the limit where none is given.
was_bounded() {
    [ "$elapsed_ms" -ge "$1" ] && [ "$elapsed_ms" -lt 9900 ] && return
    echo "it took $elapsed_ms ms, not about $1"
    return 1
}
