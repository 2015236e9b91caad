# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# I9 in a container (load it after container): a thousand connections from one address, and knocks from others meanwhile.
# The door's port is 5018, its right secret in /root/right. In setup and teardown: remove, and touch, /run/enough. For a burst:
# freeze and thaw stop the launcher and let it go on; thaw belongs into teardown as well.

# A knock from elsewhere, which succeeds; prints how long it took.
knock_from() {
    local start=${EPOCHREALTIME/./}
    run knock "$1" /root/right
    is "$status" 0 "status of the knock from $1"
    echo "# a knock $2: $(((${EPOCHREALTIME/./} - start) / 1000)) ms" >&3
}

# flood ADDRESSES HOW...: in the background, as nuisance.py has it.
flood() {
    FLOOD_OUT=$BATS_TEST_TMPDIR/flood
    inside "$TOOLS/nuisance.py" 5018 "$1" 1000 "${@:2}" >"$FLOOD_OUT" 2>&1 3>&- &
    FLOOD=$!
}

flood_is_ready() {
    grep -q '^ready' "$FLOOD_OUT"
}

# To its end; prints what became of it.
flood_ends() {
    wait "$FLOOD"
    echo "# $(tail -n 1 "$FLOOD_OUT")" >&3
}

# As fast as possible.
rush() {
    flood 127.0.0.66 rush
    knock_from 127.0.0.7 "during the rush"
    flood_ends
    knock_from 127.0.0.8 "after it"
}

# They hang until let_go.
hang_on() {
    flood 127.0.0.67 hang /run/enough
    eventually flood_is_ready
    knock_from 127.0.0.9 "while they hang"
    knock_from 127.0.0.10 "again"
}

let_go() {
    inside touch /run/enough
    flood_ends
    knock_from 127.0.0.11 "after it"
}

# How many connections the kernel holds for the launcher.
backlog() {
    inside ss -Hltn 'sport = :5018' | awk '{ print $2 }'
}

backlog_is_empty() {
    [ "$(backlog)" -eq 0 ]
}

# bystander ADDRESS OPTION...: a client with the right secret in the background; its status becomes a line of $BYSTANDERS.
bystander() {
    BYSTANDERS=$BATS_TEST_TMPDIR/bystanders
    inside ip route replace local "$1" dev lo src "$1"
    {
        inside "$OSTIARY_BINDIR/ostclient" -w "${@:2}" -k /root/right "$1" >/dev/null 2>&1 || echo "$1 $?" >>"$BYSTANDERS"
        echo "$1 has ended" >>"$BYSTANDERS"
    } 3>&- &
}

has_ended() {
    grep -qx "$1 has ended" "$BYSTANDERS"
}

# burst MOST: while the launcher does nothing, 9,000 connects from one address, each of which is reset. No more than MOST
# dead connections are left for it, which is what it cannot serve anybody for. Of two bystanders one came before all others
# and has given up, before it was connected (69) where the machine is busy; the other waits until there is room.
burst() {
    local left
    freeze
    bystander 127.0.0.21 -t 2
    eventually has_ended 127.0.0.21
    bystander 127.0.0.22 -t 600
    run inside "$TOOLS/burst.py" 127.0.0.1 5018 127.0.0.66 9000 800 0
    echo "# $output" >&3
    left=$(backlog)
    echo "# dead connections: $left" >&3
    thaw
    # The kernel takes one more than it is told.
    [ "$left" -le $(($1 + 1)) ]
    [ "$left" -ge $(($1 / 2)) ]
    eventually has_ended 127.0.0.22
    matches "$(cat "$BYSTANDERS")" '^127\.0\.0\.21 (69|75)
127\.0\.0\.21 has ended
127\.0\.0\.22 has ended$'
    eventually backlog_is_empty
    knock_from 127.0.0.23 "after the burst"
    knock_from 127.0.0.21 "by whoever gave up"
    journal_says 'accepted source=127\.0\.0\.21 '
    fails journal_matches '(rejected|locked) source=127\.0\.0\.2[123] '
}

# siege SOURCES: from so many addresses, connections that hang, six of each, which are made anew where they are not
# admitted. Each source holds four places. The door is as open as before for others.
siege() {
    local sources
    sources=$(seq -f '127.2.0.%.0f' -s , "$1")
    inside "$TOOLS/nuisance.py" 5018 "$sources" $(($1 * 6)) hang /run/enough 1 >"$BATS_TEST_TMPDIR/siege" 2>&1 3>&- &
    eventually holds $(($1 * 4))
    knock_from 127.0.0.24 "while $1 sources hold $(places) places"
    journal_says 'accepted source=127\.0\.0\.24 '
    # The handler of the knock may be about to end: its place is not one of theirs.
    eventually holds $(($1 * 4))
    inside touch /run/enough
}

holds() {
    [ "$(places)" -eq "$1" ]
}

# Of a crowd of rightful clients none has a strike, and none was told anything but what came of his knock. Lines may be
# missing: what a busy journal does not take at once is dropped (I13).
nobody_was_wronged() {
    journal_matches 'ostiaryd.*: accepted source=127\.1\.'
    is "$(journal | grep -E 'ostiaryd.*: (rejected|locked|refused .* action=)')" '' "lines about rightful clients"
}

# What is worth reading of the journal of a flood: not the lines of which it is made.
odd_lines() {
    journal | grep -vE 'systemd\[1\]: (Started|Starting|Finished) |Deactivated successfully|ostiaryd.*: (accepted|report:|waits) ' |
        tail -n 60
}
