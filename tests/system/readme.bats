#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Each sequence of commands in README.md and ostiary(7), as printed there, on a minimal Debian 12 that has the packages which
# these name, and no other: one where the project is built and installed, and with what is installed there, one with systemd,
# one with xinetd and cron as well, and one with inetd alone.
# shellcheck disable=SC2016,SC2030,SC2031,SC2046 # single quotes for the shells inside; lists of packages are words

load ../lib/common
load ../lib/container
load ../lib/readme

# What the programs are linked with: the packages that one builds with depend on them.
LIBRARIES=(libgcrypt20 libsystemd0 libqrencode4 libnftables1 libjansson4)

setup_file() {
    need_container
    layer_make $(packages Install)
    copy_source
    WHERE=layer
    follow Install
    make_command "$(command_of Configure)" 'backing up'
    make_command "$(command_of 'By hand')" 'lights on'
    echo "127.0.0.1 localhost $(server)" | layer tee /etc/hosts >/dev/null

    boot_on $(packages 'Under systemd') "${LIBRARIES[@]}"
    SYSTEMD="$CONTAINER $CONTAINER_DIR $CONTAINER_CGROUP"
    configure inside
    boot_on $(packages 'Under systemd') $(packages 'WITHOUT SYSTEMD') $(packages 'FROM CRON') "${LIBRARIES[@]}"
    XINETD="$CONTAINER $CONTAINER_DIR $CONTAINER_CGROUP"
    configure inside
    configure layer
    export SYSTEMD XINETD
}

# configure WHERE: each machine has a configuration of its own, and what add has said of it in a file there.
configure() {
    WHERE=$1
    [ "$WHERE" = layer ] || inside sh -euc "$(in_section Install 'systemd-sysusers.*')"
    follow Configure | "$WHERE" tee /root/added
    follow 'By hand'
}

teardown_file() {
    local machine
    # The last one that was booted is among them, unless it did not come up.
    for machine in "${CONTAINER-} ${CONTAINER_DIR-} ${CONTAINER_CGROUP-}" "${SYSTEMD-}" "${XINETD-}"; do
        on "$machine"
        [ ! -d "$CONTAINER_DIR" ] || container_stop
    done
    layer_remove
}

setup() {
    WHERE=layer
    CONTAINER=
}

teardown() {
    [ -z "${HOST-}" ] || kill "$HOST" "${THERE:-$HOST}"
    [ -n "${BATS_TEST_COMPLETED-}" ] || [ -z "$CONTAINER" ] || inside journalctl --quiet --no-hostname | tail -n 60
}

# on MACHINE: $SYSTEMD or $XINETD, each of three words.
on() {
    read -r CONTAINER CONTAINER_DIR CONTAINER_CGROUP <<<"$1"
    WHERE=inside
    [ -z "${BATS_TEST_NAME-}" ] || journal_from_here
}

# What git tracks, as a clone has it.
copy_source() {
    mkdir -p "$LAYER/upper/root/ostiary"
    (cd "$OSTIARY_SOURCE" && {
        git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
            find . -name 'build*' -prune -o -type f -printf '%P\0'
    } | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
        tar -cf - --null --files-from=-) | tar -xf - --no-same-owner -C "$LAYER/upper/root/ostiary"
}

# The command of a section's action, which the page does not make.
command_of() {
    in_section "$1" '/usr/local/sbin/[a-z]+'
}

# make_command PATH TEXT: it says TEXT, and for whom.
make_command() {
    printf '#!/bin/sh\necho "%s for $1"\n' "$2" | "$WHERE" sh -euc 'mkdir -p "${1%/*}" && cat >"$1" && chmod 755 "$1"' sh "$1"
}

# The client's command in the README.
KNOCK='Under systemd'

server() {
    client "$KNOCK" | awk '{ print $NF }'
}

# secret_of COMMAND: the file behind -k.
secret_of() {
    sed -n 's/.* -k \([^ ]*\).*/\1/p' <<<"$1"
}

@test "Install: with the packages that the README names the programs are built and installed, and only tests are left out" {
    local program
    for program in ostclient ostiaryctl ostiaryd; do
        matches "$(layer "$program" --version)" "^$program 5\\."
    done
    matches "$(layer cat build/meson-logs/meson-log.txt)" 'e2e *: no: without .*bats'
}

@test "Install: where all tests are demanded, the packages that are missing are named" {
    run layer meson setup /tmp/enabled -Dtests=enabled
    [ "$status" -ne 0 ]
    matches "$output" 'the tests need programs of these packages: .*bats.*sh tests/setup\.sh test'
    layer meson setup /tmp/disabled -Dtests=disabled
    is "$(layer find /tmp/disabled -path '*/tests/*')" '' "what is made of the tests"
}

# What nobody can print twice is the name of the machine.
@test "Configure: add prints what the README shows" {
    local shown
    local -a BLOCKS
    blocks Configure
    shown=$(printf '%s\n' "${BLOCKS[@]}" | grep -A 9 '^action ')
    is "$(layer cat /root/added | sed "s/@$(uname -n)\\>/@$(server)/; s/ $(uname -n)\$/ $(server)/" | head -n "$(wc -l <<<"$shown")")" \
        "$shown" "what add has printed"
}

@test "By hand: check says of a missing command what ostiary(7) says that it says" {
    local line
    layer mv "$(command_of 'By hand')" "$(command_of 'By hand').away"
    run layer ostiaryctl check
    layer mv "$(command_of 'By hand').away" "$(command_of 'By hand')"
    is "$status" 78 "status of check"
    line=$(in_section 'By hand' '^    /etc/.*error: .*')
    matches "$output" "$(sed 's/^ *//; s/[].[*^$/\\]/\\&/g' <<<"$line")"
    layer ostiaryctl check
}

@test "Under systemd: the port is open, the knock of the README is accepted, and what is shown can be seen" {
    on "$SYSTEMD"
    follow 'Under systemd'
    knock_as_in "$KNOCK"
    journal_says "accepted source=127\\.0\\.0\\.1 action=$(basename "$(command_of Configure)") "
    journal_says 'backing up for 127\.0\.0\.1'
    see 'Under systemd'
    all_is_well
}

# The gate is of a port that nobody here needs; ssh's is free on this machine.
@test "A door in the firewall in five minutes: the gate is shut and opened as the README says, and what is shown can be seen" {
    on "$SYSTEMD"
    follow 'A door in the firewall in five minutes'
    see 'A door in the firewall in five minutes'
    knock_as_in 'A door in the firewall in five minutes'
    # From this machine itself nothing has to be opened: who comes from elsewhere is in recipes.bats.
    journal_says 'not needed gate=ssh network=127\.0\.0\.1 user=alice by=knock'
    inside systemctl disable --now ostiary-grants.service ostiary-grants.timer
    inside ostgrant unload
    all_is_well
}

# A host on the network of the machine, with two addresses; and somebody at the gate's port, whom it can reach.
wire_a_host() {
    local machine
    machine=$(container_leader)
    nsenter --target "$machine" --net unshare --net sleep infinity 3>&- &
    HOST=$!
    eventually sh -c '[ "$(readlink "/proc/$1/ns/net")" != "$(readlink "/proc/$2/ns/net")" ]' sh "$HOST" "$machine"
    eventually sh -c '[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]' sh "$HOST"
    nsenter --target "$machine" --net ip -batch - <<END
link add lan type veth peer name eth0 netns $HOST
link set lan up
address add 192.0.2.1/24 dev lan
END
    nsenter --target "$HOST" --net ip -batch - <<END
link set eth0 up
address add 192.0.2.7/24 dev eth0
address add 192.0.2.8/24 dev eth0
END
    nsenter --target "$machine" --net /usr/bin/python3 -ISc 'import signal, socket
there = socket.create_server(("192.0.2.1", 22))
print("ready", flush=True)
signal.pause()' >"$BATS_TEST_TMPDIR/there" 3>&- &
    THERE=$!
    eventually grep -q ready "$BATS_TEST_TMPDIR/there"
}

# comes_in ADDRESS SECONDS: who comes from there is answered within this time.
comes_in() {
    nsenter --target "$HOST" --net /usr/bin/python3 -ISc 'import socket, sys
socket.create_connection(("192.0.2.1", 22), float(sys.argv[2]), (sys.argv[1], 0))' "$@" 2>/dev/null
}

@test "Gates: what ostiary(7) says opens and shuts, and there are none again as it says" {
    on "$SYSTEMD"
    wire_a_host
    comes_in 192.0.2.8 60
    follow GATES
    see GATES
    knock_as_in GATES
    journal_says 'not needed gate=ssh network=127\.0\.0\.1 user=carol by=knock'
    inside sh -euc "$(in_section GATES 'systemctl enable --now ostiary-grant\.socket')"
    inside sh -euc "$(in_section GATES 'systemctl enable --now ostiary-grant-web\.socket')"
    # Whom the page grants it to comes in, and who is beside him does not.
    comes_in 192.0.2.7 60
    fails comes_in 192.0.2.8 1

    # That of the README is one of the actions, too.
    inside ostiaryctl remove alice
    follow 'Without gates again'
    comes_in 192.0.2.8 60
    is "$(inside systemctl list-units --no-legend --plain 'ostiary-grant*')" '' 'units that are still there'
    is "$(inside find /etc/systemd/system -name 'ostiary-grant*')" '' 'what a boot would start'
    inside ostiaryctl check
    all_is_well
}

# What the README says in words: which service it is.
prepare_sealed() {
    write_inside /etc/systemd/system/thing.service <<<$'[Service]\nExecStart=/bin/sleep 10000'
    inside sed -i 's/nginx\.service/thing.service/' /etc/systemd/system/ostiary-action-restart@.service
}

@test "A door in five minutes: the action of ostiary(7) is added, its knock is accepted, and it can be removed" {
    on "$SYSTEMD"
    make_command "$(command_of 'A DOOR IN FIVE MINUTES')" 'reporting'
    follow 'A DOOR IN FIVE MINUTES'
    knock_as_in 'A DOOR IN FIVE MINUTES'
    journal_says 'reporting for 127\.0\.0\.1'
    inside sh -euc "$(in_section 'A DOOR IN FIVE MINUTES' 'ostiaryctl remove [a-z]+')"
    run knock_as_in 'A DOOR IN FIVE MINUTES'
    [ "$status" -ne 0 ]
    all_is_well
}

@test "The sealed door: beside the other one, on another port, its knock restarts a service, and its examples are where they say" {
    local program
    on "$SYSTEMD"
    follow 'THE SEALED DOOR' 'enable --now' prepare_sealed
    knock_as_in 'THE SEALED DOOR'
    journal_says 'accepted source=127\.0\.0\.1 action=restart'
    eventually unit_is thing.service active
    for program in $(inside sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' /etc/systemd/system/ostiary-action-restart@.service \
        /etc/systemd/system/ostiary-action-open-port@.service); do
        inside test -x "$program"
    done
    # A secret is for the handler's user and for nobody else.
    is "$(inside sh -c 'stat -c %a:%U:%G /etc/ostiary/restart.secret /etc/ostiary/open-port.secret /etc/ostiary-sealed.cfg' | sort -u)" \
        640:root:ostiary "mode and owners"
    knock_as_in "$KNOCK"
    all_is_well
}

@test "Upgrade: what is installed once more is taken by both doors, and what was configured is good" {
    layer sh -euc "$(in_section UPGRADE 'meson install.*')"
    on "$SYSTEMD"
    inside sh -euc "$(in_section UPGRADE 'systemd-sysusers.*')"
    inside sh -euc "$(in_section UPGRADE 'systemctl daemon-reload &&.*')"
    inside sh -euc "$(in_section UPGRADE 'ostiaryctl check')"
    journal_says 'Stopping ostiary\.socket'
    journal_says 'Stopping ostiary-sealed\.socket'
    knock_as_in "$KNOCK"
    knock_as_in 'THE SEALED DOOR'
    all_is_well
}

@test "Upgrade: the units that 5.0.0 has left behind go as it is said, and no other does" {
    local before
    on "$SYSTEMD"
    before=$(inside ls /usr/local/lib/systemd/system)
    write_inside /usr/local/lib/systemd/system/ostiary-sealed-closed.path <<<$'[Unit]\nPartOf=ostiary-sealed.socket\n[Path]\nPathChanged=/var/lib/ostiary-sealed/closed'
    write_inside /usr/local/lib/systemd/system/ostiary-sealed-closed.service <<<$'[Service]\nType=oneshot\nExecStart=systemctl stop --no-block ostiary-sealed.socket'
    inside systemctl daemon-reload
    inside systemctl start ostiary-sealed-closed.path
    inside sh -euc "$(in_section UPGRADE 'systemctl stop ostiary-sealed-closed.*')"
    inside sh -euc "$(in_section UPGRADE 'rm /usr.*')"
    inside sh -euc "$(in_section UPGRADE '^ *systemctl daemon-reload$')"
    is "$(inside ls /usr/local/lib/systemd/system)" "$before" "the units that are installed"
    is "$(inside systemctl list-units --all --no-legend --plain 'ostiary-sealed-closed*')" "" "what systemd knows of them"
    all_is_well
}

@test "From cron: the timer's service knocks" {
    local there
    on "$SYSTEMD"
    there=$(in_section 'FROM CRON' '/etc/[a-z/]*/server[a-z.]*\.secret')
    follow 'FROM CRON'
    inside sh -euc '[ -e "$2" ] || { mkdir -p "${2%/*}" && install -m 600 "$1" "$2"; }' sh "$(secret_of "$(client "$KNOCK")")" "$there"
    inside systemctl start "ostclient@$(server).service"
    journal_says 'accepted source=127\.0\.0\.1 '
    inside systemctl list-timers --no-legend | grep -q "ostclient@$(server).timer"
    all_is_well
}

@test "Looking after it: what is shown can be seen" {
    on "$SYSTEMD"
    inside ostiaryctl lock 203.0.113.80
    see 'LOOKING AFTER IT'
    eventually unit_is ostiary.socket active
    all_is_well
}

@test "Without systemd: the line for systemd-socket-activate opens a door" {
    local line
    on "$SYSTEMD"
    inside systemctl stop ostiary.socket
    line=$(in_section 'WITHOUT SYSTEMD' 'systemd-socket-activate .*')
    inside sh -c "exec $line" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    eventually grep -q '^Listening on' "$BATS_TEST_TMPDIR/said"
    knock_as_in "$KNOCK"
    eventually grep -q 'accepted source=127\.0\.0\.1 ' "$BATS_TEST_TMPDIR/said"
    inside pkill -x systemd-socket- || inside sh -c 'kill $(grep -lx systemd-socket- /proc/[0-9]*/comm | cut -d / -f 3)'
    inside systemctl start ostiary.socket
}

switch_on() {
    inside sed -i 's/^\(\s*disable\s*= \)yes$/\1no/' /etc/xinetd.d/ostiary
}

@test "Without systemd: switched on, the port is open" {
    on "$XINETD"
    follow 'WITHOUT SYSTEMD' 'xinetd' switch_on
    eventually knock_as_in "$KNOCK"
    journal_says 'accepted source=127\.0\.0\.1 '
}

@test "From cron: the line knocks as its user" {
    local line
    on "$XINETD"
    line=$(in_section 'FROM CRON' '^    [0-9]+ .*ostclient.*' | sed 's/^ *//')
    inside sh -euc "$(in_section 'FROM CRON' '^    install .*' | sed 's/^ *//')"
    # Not at night, but every minute.
    write_inside "$(in_section 'FROM CRON' '/etc/cron\.d/[a-z-]+')" <<<"* * ${line#* * }"
    journal_says 'CRON.*ostclient'
    journal_says 'accepted source=127\.0\.0\.1 '
}

@test "Without systemd: the line for inetd opens a door" {
    local tree line
    tree=$(tree_with openbsd-inetd "${LIBRARIES[@]}")
    line=$(in_section 'WITHOUT SYSTEMD' '[0-9]+ stream tcp nowait root [^`]*')
    on_layer "$tree" sh -euc 'echo "$1" >/tmp/inetd.conf
        inetd -i /tmp/inetd.conf &
        shift
        for try in $(seq 600); do
            ! sh -c "$*" || exit 0
            sleep 0.1
        done
        exit 1' sh "$line" "$(client "$KNOCK")"
}

@test "What is installed: uninstalling leaves the configuration and the state" {
    layer sh -euc "$(in_section 'What is installed' 'ninja -C build uninstall')"
    layer sh -c '! command -v ostiaryd && ! command -v ostclient'
    layer ls /etc/xinetd.d/ostiary /var/lib/ostiary "$(secret_of "$(client "$KNOCK")")" /etc/ostiary.cfg
}
