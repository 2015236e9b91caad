#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The administrator's tool and the gates: it has ostgrant do all of it, and says what that has found.
# shellcheck disable=SC2016,SC2030,SC2031 # single quotes for the shells inside; each test is a subshell by design

load ../../lib/common
load ../../lib/gates

CTL=$OSTIARY_BUILD/src/admin/ostiaryctl

setup() {
    need_grants
    make_work
    gates_start
    printf '%s\n' "STATE_DIR=\"$STATE\"" TABLE_SIZE=64 'ACTION="correct horse battery staple","/bin/true","nobody"' >"$WORK/etc/ostiary.cfg"
    chmod 600 "$WORK/etc/ostiary.cfg"
    gates 'FREE="udp 5018"' 'GATE="ssh","tcp 2222","lifetime=1h"' 'GATE="web","tcp 2223"'
}

teardown() {
    gates_stop
    remove_work
}

# ctl STATUS ARGUMENT...: there, with the configuration beside ostiary-grants.cfg.
ctl() {
    local wanted=$1
    shift
    run inside "${CTL_WITH[@]}" "$CTL" -c "$WORK/etc/ostiary.cfg" "$@"
    is "$status" "$wanted" "status of ostiaryctl $*, which said: $output"
}

# another_ostgrant: standard input takes its place, as far as the server can see.
another_ostgrant() {
    cat >"$WORK/another"
    chmod 755 "$WORK/another"
    inside mount --bind "$WORK/another" "$OSTGRANT"
}

@test "I15: grant, grants and revoke open a gate for a time, show it, and shut it again" {
    ctl 0 grant ssh "$CLIENT4" 10s
    matches "$output" "^gate ssh is open to $CLIENT4 for (10|9)s$"
    sees client open "$SERVER4" tcp/2222
    sees neighbour shut "$SERVER4" tcp/2222
    ctl 0 grants
    matches "$output" "^ADDRESS .* STATE
$CLIENT4 +root +ssh +[0-9]+s +[0-9]+ +open$"
    at client "$TOOLS/probe.py" until shut "$SERVER4" tcp/2222
    ctl 0 grant ssh "$CLIENT4"
    matches "$output" 'for (1h|59m5[0-9]s)$'
    sees client open "$SERVER4" tcp/2222
    ctl 0 revoke ssh "$CLIENT4"
    sees client shut "$SERVER4" tcp/2222
    ctl 1 revoke ssh "$CLIENT4"
}

@test "revoke --user closes all that a user has open at the gate" {
    inside "$OSTGRANT" -c "$CONFIG" grant ssh "$CLIENT4" 1h alice
    inside "$OSTGRANT" -c "$CONFIG" grant ssh "$NEIGHBOUR4" 1h bob
    ctl 0 revoke ssh --user alice
    ctl 0 grants
    is "$(grep -cE ' (alice|bob) ' <<<"$output") $(grep -c ' bob ' <<<"$output")" '1 1' "grants that are left"
}

@test "grant --user says whose it is, with a time and without one; grants --user shows his alone, --json to a program" {
    ctl 0 grant ssh 198.51.100.0/24 10m --user bob
    ctl 0 grant --user alice web 2001:db8::7
    matches "$output" '^gate web is open to 2001:db8::/64 for (25h|24h59m59s)$'
    ctl 0 grants --user alice
    is "$(wc -l <<<"$output")" 2 "lines of alice"
    matches "$output" '2001:db8::/64 +alice +web '
    ctl 0 grants --json --user bob
    is "$(/usr/bin/python3 -ISc 'import json, sys; [grant] = json.loads(sys.argv[1])
print(grant["user"], grant["network"], grant["by"], 590 < grant["left"] <= 600)' "$output")" 'bob 198.51.100.0/24 admin True'
    ctl 64 grant ssh example.org
    ctl 64 grant nothing "$CLIENT4"
    ctl 64 grant ssh "$CLIENT4" 0
    ctl 64 grant ssh "$CLIENT4" 1h --user 'bob mallory'
}

@test "check has what ostgrant finds, counts it, and is good when that is" {
    ctl 78 check
    matches "$output" 'ostiary-grants\.cfg.*: error: the rules are not loaded, .*ostgrant grant ssh YOUR-ADDRESS'
    ostgrant 0 load
    ctl 0 check
    is "$output" "$WORK/etc/ostiary.cfg: good"
    inside nft -f - <<<'table inet other { chain input { type filter hook input priority 10; tcp dport 2222 drop; }; }'
    ctl 0 check
    matches "$output" 'ostiary-grants\.cfg:[0-9]+: warning: .*other'
    gates 'GATE="ssh","tcp 2222","lifetime=never"'
    ctl 78 check
    matches "$output" 'ostiary-grants\.cfg:2: error: GATE'
    refute grep -q ': good' <<<"$output"
    # Where the doors have none any more, and where they have none.
    rm "$CONFIG"
    ctl 0 check
    matches "$output" "ostiary-grants\.cfg: warning: it is not there, and what was loaded from it may still shut ports"
    inside nft delete table inet ostiary_grants
    rm "$STATE-root/ostiary-grants.cfg"
    ctl 0 check
    is "$output" "$WORK/etc/ostiary.cfg: good"
}

@test "a host with gates alone, and no door, is as it has to be" {
    ostgrant 0 load
    rm "$WORK/etc/ostiary.cfg"
    ctl 0 check
    matches "$output" "ostiary\\.cfg: note: it is not there, so that nobody can knock"
    refute grep error <<<"$output"
    matches "$output" "ostiary-grants\\.cfg: good$"
    ctl 0 grant ssh "$CLIENT4"
    ctl 0 status
    matches "$output" $'(^|\n)door +none: there are gates alone\n'
    matches "$output" $'\ngates +2 gates, 1 grant open\n'
    matches "$output" $'\nconfiguration +.*ostiary\\.cfg: not there'
    inside nft flush ruleset
    ctl 1 status
    ctl 78 check
    # Without gates it is what is missing.
    mv "$CONFIG" "$WORK/away.cfg"
    ctl 78 check
    matches "$output" "ostiary\\.cfg: error: .*No such file"
}

@test "check says which gate shuts the door itself to who would knock" {
    local free
    shuts() {
        run inside "$CTL" -c "$WORK/etc/ostiary.cfg" check
        matches "$output" "ostiary-grants\.cfg: warning: gate '$1' shuts port tcp $2, where this door is"
    }
    gates 'FREE="tcp 80"' 'GATE="all","any"'
    shuts all 5018
    gates 'GATE="ssh","tcp 22,5000-5100"'
    shuts ssh 5018
    echo PORT=5020 >>"$WORK/etc/ostiary.cfg"
    shuts ssh 5020
    for free in 'FREE="tcp 5020"' 'FREE="tcp 5000-5100"'; do
        gates "$free" 'GATE="ssh","tcp 22-6000"'
        run inside "$CTL" -c "$WORK/etc/ostiary.cfg" check
        refute matches "$output" 'where this door is'
    done
    gates 'GATE="ssh","tcp 22-6000","hook=forward","interface=lan0"'
    run inside "$CTL" -c "$WORK/etc/ostiary.cfg" check
    refute matches "$output" 'where this door is'
}

@test "status says in a line how the gates stand, and is 1 where they are not as they have to be" {
    ctl 1 status
    matches "$output" "gates +2 gates, 0 grants open; [1-9] errors?, 0 warnings: run 'ostiaryctl -c .* check'"
    ostgrant 0 load
    ctl 0 grant ssh "$CLIENT4"
    ctl 0 status
    matches "$output" $'(^|\n)gates +2 gates, 1 grant open\n'
    ctl 0 status --json
    is "$(/usr/bin/python3 -ISc 'import json, sys; print(json.loads(sys.argv[1])["gates"])' "$output")" \
        "{'count': 2, 'open': 1, 'others': 0, 'errors': 0, 'warnings': 0}"
    inside nft flush ruleset
    ctl 1 status
    matches "$output" "gates +2 gates, 0 grants open, 1 not: run 'ostiaryctl -c .* grants'; "
    rm "$CONFIG"
    ctl 0 status
    refute grep -q '^gates' <<<"$output"
    ctl 0 status --json
    matches "$output" '"gates":null'
}

@test "who is not root is told so, and neither check nor status takes it for a fault" {
    ostgrant 0 load
    chown -R 65534:65534 "$STATE" "$WORK/etc/ostiary.cfg"
    CTL_WITH=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    ctl 0 check
    matches "$output" 'ostiary-grants\.cfg: note: root alone can see the firewall'
    ctl 0 status
    matches "$output" 'gates +unknown: root alone can see the firewall'
    run inside "${CTL_WITH[@]}" "$CTL" -c "$WORK/etc/ostiary.cfg" grant ssh "$CLIENT4"
    [ "$status" -ne 0 ]
    sees client shut "$SERVER4" tcp/2222
}

@test "an ostgrant that is not there, or cannot be run, is an error that says so" {
    inside mount -t tmpfs none "${OSTGRANT%/*}"
    ctl 78 check
    matches "$output" 'ostiary-grants\.cfg: error: its gates are not looked after: .*/ostgrant: No such file or directory'
    ctl 1 status
    matches "$output" 'gates +what is open cannot be said; 1 error, 0 warnings'
    ctl 1 status --json
    matches "$output" '"gates":\{"count":2,"open":null,"others":null,"errors":1,"warnings":0\}'
    ctl 69 grants
    matches "$output" '/ostgrant: it is not installed$'
    inside umount "${OSTGRANT%/*}"
    another_ostgrant <<<'no program'
    inside mount -o remount,noexec,bind "$OSTGRANT"
    ctl 69 grants
    matches "$output" '/ostgrant: Permission denied$'
}

@test "an ostgrant that fails without a word is an error, and what it says of no file is passed on" {
    another_ostgrant <<'END'
#!/bin/sh
case $3 in
check) echo 'a line that is no finding'; exit 75 ;;
list) echo 'HEAD STATE'; echo 'x open'; echo 'y missing'; echo 'z waiting' ;;
esac
END
    ctl 78 check
    matches "$output" $'^a line that is no finding\n.*ostiary-grants\\.cfg: error: ostgrant cannot look at it: run .ostgrant -c .* check.'
    ctl 1 status
    matches "$output" "gates +2 gates, 1 grant open, 2 not: run 'ostiaryctl -c .* grants'; 1 error, 0 warnings"
    another_ostgrant <<<$'#!/bin/sh\nkill -9 $$'
    ctl 78 check
    matches "$output" 'error: ostgrant cannot look at it'
    ctl 1 status
    matches "$output" 'gates +what is open cannot be said'
}

# complete WORD...: what is offered for the last word.
complete_words() {
    inside bash -c 'source "$0/src/completions/$1"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        COMPREPLY=()
        "_$1"
        printf "%s\n" "${COMPREPLY[@]}" | LC_ALL=C sort | xargs' "$OSTIARY_SOURCE" "$@"
}

@test "completion offers gates, what is granted and to whom, and the commands of ostgrant" {
    local PATH=$OSTIARY_BUILD/src/admin:$OSTIARY_BUILD/src/grant:$PATH
    ctl 0 grant ssh "$CLIENT4" 1h --user alice
    is "$(complete_words ostiaryctl -c "$WORK/etc/ostiary.cfg" grant '')" 'ssh web' gates
    is "$(complete_words ostiaryctl -c "$WORK/etc/ostiary.cfg" revoke ssh '')" "$CLIENT4" addresses
    is "$(complete_words ostiaryctl -c "$WORK/etc/ostiary.cfg" grants --user '')" alice users
    is "$(complete_words ostiaryctl grants --)" '--json --user' options
    is "$(complete_words ostgrant -c "$CONFIG" grant '')" 'ssh web' "gates of ostgrant"
    is "$(complete_words ostgrant -c "$CONFIG" revoke ssh '')" "$CLIENT4" "its addresses"
    is "$(complete_words ostgrant -c "$CONFIG" revoke ssh --user '')" alice "whose it closes"
    is "$(complete_words ostiaryctl -c "$WORK/etc/ostiary.cfg" revoke --user '')" alice "whose ostiaryctl closes"
    is "$(complete_words ostgrant -c "$CONFIG" list --user '')" alice "its users"
    is "$(complete_words ostgrant '')" 'check grant list load repair restore revoke rules tick unload' "its commands"
    is "$(complete_words ostgrant -)" '--help --version -c -h' "its options"
}
