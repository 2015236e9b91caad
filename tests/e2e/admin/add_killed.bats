#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiaryctl add and remove, killed behind each of their system calls that others could see: an action is there with all
# that belongs to it, or its line is not.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/ctl
load ../../lib/launch
load ../../lib/add

setup() {
    add_setup
}

teardown() {
    remove_work
}

# stops ARGUMENT...: how often kill-at sees the command stop.
stops() {
    "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" 0 "$OSTIARY_BUILD/src/admin/ostiaryctl" "$@" 2>&1 | sed -n 's/^kill_at: \([0-9]*\) stops$/\1/p'
}

# every_stop ARGUMENT...: the command is killed behind each of its system calls in turn, but for those with which any
# program begins, each time from what `before` makes; after each `after` looks at it.
every_stop() {
    local stop first status
    first=$(($(stops --version) / 2 * 2))
    stop=$first
    while :; do
        rm -rf "${SECRETS%/*}" "$STATE"
        mkdir -m 755 "$WORK/etc"
        mkdir -m 700 "$STATE"
        before
        status=0
        "${NO_LEAK_CHECK[@]}" "$OSTIARY_BUILD/tests/kill-at" "$stop" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@" \
            >"$WORK/said" 2>&1 || status=$?
        after || {
            echo "killed at stop $stop"
            return 1
        }
        [ "$status" -eq 137 ] || break
        stop=$((stop + 2))
    done
    is "$status" 0 "status of the one that was not killed: $(cat "$WORK/said")"
    [ "$((stop - first))" -gt 40 ]
}

quickly() {
    "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@" >"$WORK/said" 2>&1
}

@test "add: killed at any moment all is there or the line is not, and the next try succeeds" {
    before() {
        config 'ACTION="a secret of enough length","/bin/true","root","name=first"'
        count=$(wc -l <"$CONFIG")
    }
    after() {
        if grep -q name=backup "$CONFIG"; then
            is "$(wc -l <"$CONFIG")" "$((count + 1))" lines && [ -s "$SECRETS/backup.secret" ] && ! quickly add backup /bin/true
        else
            is "$(wc -l <"$CONFIG")" "$count" lines && quickly add backup /bin/true
        fi && quickly check && is "$(cat "$WORK/said")" "$CONFIG: good" && no_leftovers_but_marks && quickly add third /bin/true
    }
    # Where only the end was missing, the mark of a secret that has its line is harmless.
    no_leftovers_but_marks() {
        is "$(find "$WORK/etc" -name '.*' ! -samefile "$SECRETS/backup.secret")" '' "what is left"
    }
    every_stop add backup /bin/true
}

@test "remove: killed at any moment the line is there with its secret or is not, and the next try ends it" {
    before() {
        config 'ACTION="a secret of enough length","/bin/true","root","name=first"'
        quickly add backup /bin/true
    }
    after() {
        if grep -q name=backup "$CONFIG"; then
            [ -s "$SECRETS/backup.secret" ] && quickly remove backup
        elif [ -e "$SECRETS/backup.secret" ]; then
            # Not a secret that was to go comes back, but another one.
            cp "$SECRETS/backup.secret" "$WORK/old" && quickly add backup /bin/true &&
                ! cmp -s "$WORK/old" "$SECRETS/backup.secret" && quickly remove backup
        else
            ! quickly remove backup
        fi && [ ! -e "$SECRETS/backup.secret" ] && is "$(grep -c ACTION "$CONFIG")" 1 actions && quickly check && no_leftovers
    }
    every_stop remove backup
}

@test "add and remove with a key: killed at any moment the line has its secret and its key or is not there, and the next try succeeds" {
    (umask 077 && echo 'HOTP/E/6 backup - 3132333435363738393031323334353637383930 5' >"$WORK/users.oath")
    before() {
        config 'ACTION="a secret of enough length","/bin/true","root","name=first"'
    }
    whole() {
        [ -s "$SECRETS/backup.secret" ] && [ -s "$SECRETS/backup.hotp" ] && quickly list --codes && matches "$(cat "$WORK/said")" 'counter 5'
    }
    after() {
        if grep -q name=backup "$CONFIG"; then
            whole
        else
            quickly add backup /bin/true --from-usersfile "$WORK/users.oath" && whole
        fi && quickly check && is "$(cat "$WORK/said")" "$CONFIG: good" && quickly remove backup && is "$(ls -A "$SECRETS" 2>/dev/null)" '' "what is left"
    }
    every_stop add backup /bin/true --from-usersfile "$WORK/users.oath"
    before() {
        config 'ACTION="a secret of enough length","/bin/true","root","name=first"'
        quickly add backup /bin/true --from-usersfile "$WORK/users.oath"
    }
    after() {
        if grep -q name=backup "$CONFIG"; then
            whole && quickly remove backup
        else
            ! quickly remove backup || quickly check
        fi && is "$(grep -c ACTION "$CONFIG")" 1 actions && quickly check && is "$(ls -A "$SECRETS" 2>/dev/null)" '' "what is left"
    }
    every_stop remove backup
}
