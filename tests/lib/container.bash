# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A real systemd, booted in a container on an overlay of this machine's root, with a network of its own: for tests of
# what only PID 1 can show. Loaded with: load ../lib/container (after common).
#
#   setup_file:     need_container; container_boot; container_install
#   teardown_file:  container_stop
#
# It takes about a second to boot, so one container serves all tests of a file. Loopback is all of its network, and
# every port there is free. Whatever a test changes in it is in memory, and gone with it. A test that dies takes it along.

# Places inside, as the build was configured; tests/system/meson.build gives them.
: "${OSTIARY_SBINDIR:?is set by meson test}" "${OSTIARY_BINDIR:?}" "${OSTIARY_SYSCONFDIR:?}" "${OSTIARY_UNIT_DIR:?}"

need_container() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
}

container_boot() {
    CONTAINER_DIR=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-container.XXXXXX")
    # The name tells run.sh whose it is.
    CONTAINER_CGROUP=${OSTIARY_TEST_ROOT:+${OSTIARY_TEST_ROOT##*/}.}${CONTAINER_DIR##*/}
    : >"$CONTAINER_DIR.log"
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc -- \
        "$TOOLS/container_init.sh" "$CONTAINER_DIR" "$CONTAINER_CGROUP" </dev/null >>"$CONTAINER_DIR.log" 2>&1 3>&- &
    CONTAINER=$!
    export CONTAINER CONTAINER_DIR CONTAINER_CGROUP
    container_wait
}

# Wait until it is up. "running" is what a healthy one says.
container_wait() {
    if ! eventually container_is_up_or_gone || ! container_is_up; then
        echo "the container did not come up:"
        cat "$CONTAINER_DIR.log"
        inside systemctl list-jobs || true
        return 1
    fi
    is "$(inside systemctl is-system-running)" running "the system, where these have failed: $(
        inside systemctl --failed --no-legend --plain)"
    container_leader >"$CONTAINER_DIR.leader"
}

container_is_up() {
    local state
    # While it boots or goes down there may be nobody to answer, and yet somebody to wait for.
    state=$(INSIDE_LIMIT=10 inside systemctl is-system-running 2>/dev/null)
    [ "$state" = running ] || [ "$state" = degraded ]
}

container_is_up_or_gone() {
    container_is_up || ! kill -0 "$CONTAINER" 2>/dev/null
}

# The pid of PID 1 inside: unshare, container_init.sh, nspawn, systemd.
container_leader() {
    local pid=$CONTAINER step
    for step in init nspawn systemd; do
        pid=$(pgrep -n -P "$pid") || {
            echo "no $step yet" >&2
            return 1
        }
    done
    echo "$pid"
}

# inside COMMAND...: run it there as root, with little environment, for at most INSIDE_LIMIT seconds (default: 1800). Who
# leads is not looked up each time, which would cost as much as the command; but before the container is up, and where it
# has been rebooted since.
inside() {
    local leader=
    read -r leader 2>/dev/null <"$CONTAINER_DIR.leader" || true
    [ -n "$leader" ] && [ -e "/proc/$leader/ns" ] || leader=$(container_leader) || return 1
    timeout --kill-after=1 "${INSIDE_LIMIT:-1800}" nsenter --target "$leader" --all -- \
        /usr/bin/env --chdir=/ -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER='' SYSTEMD_COLORS=0 "$@"
}

# outside COMMAND...: here, but where $CONTAINER_DIR/root is the root of the container.
outside() {
    nsenter --target "$(pgrep -P "$CONTAINER")" --mount -- "$@"
}

# Put the project there, as "meson install" does, and do what a package's scripts would.
container_install() {
    outside env DESTDIR="$CONTAINER_DIR/root" meson install -C "$OSTIARY_BUILD" --no-rebuild --quiet
    inside systemd-sysusers
    inside systemd-tmpfiles --create
    inside systemctl daemon-reload
}

# write_inside FILE [MODE [OWNER]]: standard input becomes the file.
write_inside() {
    # shellcheck disable=SC2016 # for the inner shell
    inside sh -c 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1" && chown "$3" "$1"' sh "$1" "${2:-644}" "${3:-root:root}"
}

# journal_from_here: later questions to the journal are about what comes from now on.
journal_from_here() {
    CURSOR=$(inside journalctl --quiet --lines=0 --show-cursor | sed -n 's/^-- cursor: //p')
}

# Lines as "Nov 21 20:00:00 host ostiaryd[123]: text". No filters here: with them, --after-cursor loses the first match.
journal() {
    inside journalctl --quiet --after-cursor="$CURSOR"
}

# journal_says REGEX: a line of it matches; waits for it.
journal_says() {
    eventually journal_matches "$1" && return
    printf 'no match for %s in the journal, which ends so:\n' "$1"
    journal | tail -n 40
    return 1
}

journal_matches() {
    journal | grep -qE -- "$1"
}

# journal_counts N REGEX: that many of its lines match, and no more; waits for them: who has ended need not be logged yet.
journal_counts() {
    eventually journal_has "$1" "$2" && is "$(journal | grep -cE -- "$2")" "$1" "lines that match $2"
}

journal_has() {
    [ "$(journal | grep -cE -- "$2")" -ge "$1" ]
}

# knock ADDRESS KEY-FILE [OPTION...]: as ostclient -w does, from ADDRESS (127.0.0.0/8), which is connected to as well. The
# limit is one that a slow machine does not reach.
knock() {
    inside ip route replace local "$1" dev lo src "$1"
    inside "$OSTIARY_BINDIR/ostclient" -w -t 600 -k "$2" "${@:3}" "$1"
}

# No unit has failed, and the system is well.
all_is_well() {
    eventually system_is running || true
    is "$(inside systemctl --failed --no-legend --plain)" "" "failed units"
    is "$(inside systemctl is-system-running)" running "the system"
}

system_is() {
    [ "$(inside systemctl is-system-running)" = "$1" ]
}

# fails COMMAND...: it does not succeed. (A plain ! fails no test but in its last line.)
fails() {
    if "$@"; then
        echo "succeeds: $*"
        return 1
    fi
}

unit_is() {
    [ "$(inside systemctl is-active "$1")" = "$2" ]
}

container_reboot() {
    local before
    before=$(container_leader)
    # It may go down with the question unanswered.
    INSIDE_LIMIT=60 inside systemctl reboot || true
    eventually container_has_changed "$before"
    container_wait
}

container_has_changed() {
    local now
    now=$(container_leader 2>/dev/null) && [ "$now" != "$1" ]
}

container_stop() {
    [ -n "${CONTAINER-}" ] || return 0
    kill -KILL "$CONTAINER" 2>/dev/null || true
    wait "$CONTAINER" 2>/dev/null || true
    eventually container_cgroup_removed
    rm -f "$CONTAINER_DIR.log" "$CONTAINER_DIR.leader"
    rmdir "$CONTAINER_DIR"
    CONTAINER=
}

# Its groups are empty once all its processes have ended. An own mount finds them whatever this machine mounts where.
container_cgroup_removed() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t cgroup2 none "$1" && cd "$1" && [ -d "$2" ] || exit 0
        find "$2" -depth -type d -exec rmdir {} + 2>/dev/null' sh "$CONTAINER_DIR" "$CONTAINER_CGROUP"
}
