#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What is installed: the files, the units as systemd judges them, a second boot, and what an uninstallation leaves.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../lib/common
load ../lib/container

CONFIG=$OSTIARY_SYSCONFDIR/ostiary.cfg
SEALED_CONFIG=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg
SERVICE=$OSTIARY_SYSCONFDIR/xinetd.d/ostiary
EXAMPLES=$OSTIARY_DATADIR/doc/ostiary/examples

setup_file() {
    need_container
    container_boot
    container_install
    write_inside "$CONFIG" 600 <<<'ACTION="a secret that opens the door","/bin/true","nobody"'
    write_inside "$SEALED_CONFIG" 640 root:ostiary <<'END'
PORT=5019
ACTION="a secret that opens the port","","socket=/run/ostiary/open-port"
END
    echo 'a secret that opens the door' | write_inside /root/right 600
    echo 'a secret that opens the port' | write_inside /root/open-port 600
    inside sh -c 'cp "$1"/ostiary-action-* /etc/systemd/system && install -D "$1/ostiary-open-port" /usr/local/libexec/ostiary-open-port' sh "$EXAMPLES"
    inside systemctl daemon-reload
}

teardown_file() {
    container_stop
}

setup() {
    journal_from_here
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

# The units that are installed, one a line; templates with an instance.
units() {
    inside sh -c 'cd "$1" && ls -d ost* && cd /etc/systemd/system && ls -d ost*.socket ost*.service' sh "$OSTIARY_UNIT_DIR" | sed 's/@\./@test./'
}

# The files in the list of ostiary(7), without the prefix.
files_in_manual() {
    awk '/^\.S[hs] / { inside = /What is installed/ } inside && /^\.It Pa / { print $3 }' "$OSTIARY_SOURCE/src/ostiary.7" | LC_ALL=C sort
}

@test "meson install lays down exactly the files that ostiary(7) lists" {
    local root=$BATS_TEST_TMPDIR/root
    outside env DESTDIR="$CONTAINER_DIR/listed" meson install -C "$OSTIARY_BUILD" --no-rebuild --quiet
    outside find "$CONTAINER_DIR/listed" ! -type d -printf '/%P\n' >"$root"
    # Where libraries go has the machine's name in it.
    is "$(sed "s|^$OSTIARY_PREFIX/||; s|^/||; s|^lib/[^/]*/ostiary/|lib/*/ostiary/|" "$root" | LC_ALL=C sort)" "$(files_in_manual)" "files"
    # Nobody but root can change one, and everybody can read it.
    is "$(outside find "$CONTAINER_DIR/listed" ! -type d \( ! -user root -o -perm /022 -o ! -perm -444 \))" "" "wrong owners and modes"
}

@test "meson install leaves a service file of xinetd that was edited as it is" {
    local directory=$CONTAINER_DIR/edited
    install_there() {
        outside env DESTDIR="$directory" meson install -C "$OSTIARY_BUILD" --no-rebuild --quiet
    }
    names() {
        outside find "$directory$OSTIARY_SYSCONFDIR/xinetd.d" -type f -printf '%f %m\n' | sort | xargs
    }
    install_there
    install_there
    is "$(names)" 'ostiary 644' "files, when nothing was edited"
    outside sed -i 's/= yes/= no/' "$directory$SERVICE"
    install_there
    is "$(names)" 'ostiary 644 ostiary.new 644' "files"
    is "$(outside diff "$directory$SERVICE" "$directory$SERVICE.new" | grep -c '^[<>]')" 2 "lines that differ"
    # Edited back, it is the installed one again.
    outside cp "$directory$SERVICE.new" "$directory$SERVICE"
    install_there
    is "$(names)" 'ostiary 644' "files, when nothing is edited any more"
}

@test "systemd-analyze verify is silent for every unit" {
    local unit
    [ "$(units | wc -l)" -ge 10 ]
    while read -r unit; do
        run inside systemd-analyze verify "$unit"
        is "$output" "" "$unit"
        is "$status" 0 "exit status for $unit"
    done < <(units)
}

@test "systemd-analyze security: the sealed door at most 1.0" {
    local unit
    for unit in ostiary@ ostiary-sealed@ ostclient@ ostiary-action-restart@ ostiary-action-open-port@; do
        run inside systemd-analyze security --offline=true --no-pager --threshold=100 "$unit.service"
        is "$status" 0 "exit status for $unit.service"
        echo "# $(grep -o 'Overall exposure level.*' <<<"$output")" >&3
    done
    run inside systemd-analyze security --offline=true --no-pager --threshold=10 ostiary-sealed@.service
    is "$status" 0 "exit status with the threshold"
}

@test "the state directories and the user are there, for the right ones alone" {
    is "$(inside stat -c %n:%U:%G:%a /var/lib/ostiary /var/lib/ostiary-root /run/ostiary)" \
        "$(printf '%s\n' /var/lib/ostiary:ostiary:ostiary:700 /var/lib/ostiary-root:root:root:700 /run/ostiary:root:ostiary:750)" directories
    is "$(inside getent passwd ostiary | cut -d: -f7)" /usr/sbin/nologin "the user's shell"
}

@test "enabled is all that it takes: on a second boot everything is up, and the system well" {
    inside systemctl enable ostiary.socket ostiary-sealed.socket ostiary-action-restart.socket \
        ostiary-action-open-port.socket ostclient@127.0.0.1.timer
    container_reboot
    local unit
    for unit in ostiary.socket ostiary-closed.path ostiary-sealed.socket \
        ostiary-action-restart.socket ostiary-action-open-port.socket ostclient@127.0.0.1.timer; do
        is "$(inside systemctl is-active "$unit")" active "$unit"
    done
    inside nft -f - <<<'table inet filter { set knocked4 { type ipv4_addr; flags timeout; }; }'
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/right 127.0.0.1
    inside "$OSTIARY_BINDIR/ostclient" -w -k /root/open-port 127.0.0.1:5019
    all_is_well
    run inside journalctl --boot --priority=warning --quiet --unit='ost*'
    is "$output" "" "warnings since the boot"
}

@test "uninstalling leaves the state and the configuration" {
    # It takes away what was put there last.
    container_install
    inside ostiaryctl lock 192.0.2.1
    inside systemctl disable --now ostiary.socket ostiary-sealed.socket ostclient@127.0.0.1.timer
    outside ninja -C "$OSTIARY_BUILD" uninstall >"$BATS_TEST_TMPDIR/uninstall"
    inside systemctl daemon-reload
    inside ls "$CONFIG" "$SEALED_CONFIG" "$SERVICE" /var/lib/ostiary/lockout
    run inside ls "$OSTIARY_SBINDIR/ostiaryd" "$OSTIARY_UNIT_DIR/ostiary.socket"
    [ "$status" -ne 0 ]
    is "$(inside find "$OSTIARY_PREFIX" -name '*ostiary*' ! -type d ! -name '*.cfg' ! -path '*/xinetd.d/*' ! -path '*/libexec/*' ! -path '/usr/share/*')" "" "what is left"
    all_is_well

    container_install
    run inside ostiaryctl list
    matches "$output" '192\.0\.2\.1'
}
