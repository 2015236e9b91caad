#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The configuration as an administrator meets it: what a line means when its action runs, and what is said of it.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    cp "$OSTIARY_BUILD/tests/dump-self" "$WORK/bin/dump"
}

teardown() {
    stop_launcher
    stop_sink
    remove_work
}

# use LINE...: these lines, and what a test needs.
use() {
    printf '%s\n' "STATE_DIR=\"$WORK/state\"" DELAY=1 "$@" >"$CONFIG"
    chmod 600 "$CONFIG"
}

# act SECRET: a right knock, and the dump of its action in $DUMP.
act() {
    rm -f "$WORK"/out/dump.*
    rm -f "$WORK/state/lockout" # and with it the pace
    knock "127.0.0.1=$1"
    is "$(of 1 receipt)" right "receipt for $1"
    take_dump
}

take_dump() {
    eventually have_dump
    DUMP=$(cat "$WORK"/out/dump.*)
}

have_dump() {
    compgen -G "$WORK/out/dump.*" >/dev/null
}

# runs_as UID GID GROUP...: these, and no other groups.
runs_as() {
    is "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' <<<"$DUMP")" "$1 $1 $1 $1" "uids"
    is "$(awk '/^Gid:/ { print $2, $3, $4, $5 }' <<<"$DUMP")" "$2 $2 $2 $2" "gids"
    shift 2
    is "$(sed -n 's/^Groups:\t//p' <<<"$DUMP" | tr ' ' '\n' | sort -n | xargs)" "$(printf '%s\n' "$@" | sort -n | xargs)" groups
}

# with_database: the handler and the tools see the passwd and group that are in $WORK.
with_database() {
    # shellcheck disable=SC2016 # for the inner shell
    BESIDE=(unshare --mount sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && exec "$@"' "$WORK")
    HANDLER=("${BESIDE[@]}" "${HANDLER[@]}")
}

ctl() {
    run "${BESIDE[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
}

# says REGEX, and says_not REGEX: of what is in $output.
says() {
    grep -qE -- "$1" <<<"$output" && return
    printf 'no line matches %s in:\n%s\n' "$1" "$output"
    return 1
}

says_not() {
    refute grep -E -- "$1" <<<"$output"
}

## Users and groups

@test "DEFAULT_GID, where it is written, is the group of an action that names its user, too" {
    write_database
    use "ACTION=\"before\",\"$WORK/bin/dump\",\"carol\"" DEFAULT_GID=dump-group "ACTION=\"by name\",\"$WORK/bin/dump\",\"carol\"" \
        "ACTION=\"root\",\"$WORK/bin/dump\",\"0\"" "ACTION=\"a number\",\"$WORK/bin/dump\",\"54321\"" \
        "ACTION=\"its own\",\"$WORK/bin/dump\",\"carol\",\"7000\"" "ACTION=\"neither\",\"$WORK/bin/dump\""
    act before
    runs_as 7001 7001 7001 7777
    act 'by name'
    runs_as 7001 7100 7100 7777
    act root
    runs_as 0 7100 7100
    act 'a number'
    runs_as 54321 7100 7100
    act 'its own'
    runs_as 7001 7000 7000 7777
    act neither
    runs_as 65534 7100 7100
}

@test "DEFAULT_GID is the group of a LOCKOUT_ACTION that names its user, too" {
    write_database
    use MAX_BAD_CONNS=1 DEFAULT_GID=dump-group "LOCKOUT_ACTION=\"\",\"$WORK/bin/dump\",\"carol\"" "$ACTION"
    knock 127.0.0.1=wrong
    take_dump
    runs_as 7001 7100 7100 7777
}

@test "I7: a user and a group that are both numbers are taken as they are, and nobody is asked of them" {
    write_database
    use "ACTION=\"numbers\",\"$WORK/bin/dump\",\"7001\",\"7100\"" "ACTION=\"a number\",\"$WORK/bin/dump\",\"7001\"" \
        "ACTION=\"a name\",\"$WORK/bin/dump\",\"7001\",\"dump-group\"" DEFAULT_UID=7001 DEFAULT_GID=7100 \
        "ACTION=\"defaults\",\"$WORK/bin/dump\"" "LOCKOUT_ACTION=\"\",\"$WORK/bin/dump\"" MAX_BAD_CONNS=1
    witnessed_by strace -f -o "$WORK/trace" -e trace=open,openat,connect
    for secret in numbers defaults; do
        act "$secret"
        runs_as 7001 7100 7100
        is "$(sed -n 's/^env \(HOME\|USER\|LOGNAME\|SHELL\)=/\1 /p' <<<"$DUMP" | sort | xargs)" \
            'HOME / LOGNAME 7001 SHELL /bin/sh USER 7001' "environment"
        refute grep -E '/etc/(passwd|group|nsswitch\.conf)' "$WORK/trace"
        grep -q "\"$CONFIG\"" "$WORK/trace"
    done
    act 'a number'
    runs_as 7001 7001 7001 7777
    grep -qE '/etc/(passwd|group|nsswitch\.conf)' "$WORK/trace"
    grep -Fqx 'env USER=carol' <<<"$DUMP"
    act 'a name'
    runs_as 7001 7100 7100 7777
    rm "$WORK"/out/dump.* "$WORK/state/lockout"
    knock 127.0.0.1=wrong
    take_dump
    runs_as 7001 7100 7100
    refute grep -E '/etc/(passwd|group|nsswitch\.conf)' "$WORK/trace"
}

@test "check: a note of the groups that an action by numbers does not have, where its user has them" {
    write_database
    use 'ACTION="by its numbers","/bin/true","7001","7001"' 'ACTION="a number of nobody","/bin/true","54321","54321"' \
        'ACTION="without other groups","/bin/true","7002","0"' 'ACTION="one is a name...","/bin/true","7001","root"' \
        'ACTION="in that group already","/bin/true","7001","7777"'
    for command in "$OSTIARYD -t" "$OSTIARY_BUILD/src/admin/ostiaryctl check"; do
        read -r program argument <<<"$command"
        run "${BESIDE[@]}" "$program" -c "$CONFIG" "$argument"
        is "$status" 0 "status of $command"
        is "$(grep -o 'cfg:[0-9]*: note: ACTION: its user.*' <<<"$output")" \
            "cfg:3: note: ACTION: its user and group are numbers, so that it has no other group, where user 'carol' has 1 more: write names if it needs more" \
            "notes of $command"
    done
}

# carol, dave whose group is root's, and names of directory services.
write_database() {
    cat >"$WORK/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534::/:/bin/sh
carol:x:7001:7001::/:/bin/sh
dave:x:7002:0::/:/bin/sh
Debian-exim:x:7003:7003::/:/bin/sh
alice@example.org:x:7004:7004::/:/bin/sh
DOMAIN\alice:x:7005:7005::/home/DOMAIN/alice:/bin/sh
Jürgen:x:7006:7006::/:/bin/sh
END
    cat >"$WORK/group" <<'END'
root:x:0:
dump-group:x:7100:
more:x:7777:carol
DOMAIN\domain users:x:7200:DOMAIN\alice
END
    with_database
}

@test "check: a group 0 that nobody has written is warned of, and no other" {
    write_database
    use 'ACTION="a number and no group","/bin/true","0"' 'ACTION="a user with roots group","/bin/true","dave"' \
        'LOCKOUT_ACTION="","/bin/true","dave"' 'ACTION="by the name of root","/bin/true","root"' \
        'ACTION="zero by its number","/bin/true","0","0"' 'ACTION="zero by its name...","/bin/true","dave","root"' \
        'KILL="a long enough secret"' DEFAULT_GID=0 'ACTION="zero by the default","/bin/true","0"'
    for command in "$OSTIARYD -t" "$OSTIARY_BUILD/src/admin/ostiaryctl check"; do
        read -r program argument <<<"$command"
        run "${BESIDE[@]}" "$program" -c "$CONFIG" "$argument"
        is "$status" 0 "status of $command"
        is "$(grep -oE 'cfg:[0-9]+: warning: [A-Z_]+: its group is 0' <<<"$output" | sort -t: -k2n)" \
            'cfg:3: warning: ACTION: its group is 0
cfg:4: warning: ACTION: its group is 0
cfg:5: warning: LOCKOUT_ACTION: its group is 0' "warnings of $command"
    done
}

@test "users and groups are named as the user database has them" {
    write_database
    use "ACTION=\"one\",\"$WORK/bin/dump\",\"Debian-exim\"" "ACTION=\"two\",\"$WORK/bin/dump\",\"alice@example.org\"" \
        "ACTION=\"three\",\"$WORK/bin/dump\",\"DOMAIN\\alice\"" "ACTION=\"four\",\"$WORK/bin/dump\",Debian-exim,\"DOMAIN\\domain users\"" \
        "ACTION=\"five\",\"$WORK/bin/dump\",\"Jürgen\"" 'DEFAULT_UID=DOMAIN\alice' "ACTION=\"six\",\"$WORK/bin/dump\""
    act one
    runs_as 7003 7003 7003
    act two
    runs_as 7004 7004 7004
    act three
    runs_as 7005 7005 7005 7200
    grep -Fqx 'env USER=DOMAIN\alice' <<<"$DUMP"
    grep -Fqx 'env HOME=/home/DOMAIN/alice' <<<"$DUMP"
    act four
    runs_as 7003 7200 7200
    act five
    runs_as 7006 7006 7006
    act six
    runs_as 7005 7005 7005 7200
    logged 'accepted source=127\.0\.0\.1 action=dump uid=7005 gid=7005'
    # Two backslashes are two: another name, which nobody has.
    use 'ACTION="seven","/bin/true","DOMAIN\\alice"'
    run "${BESIDE[@]}" "$OSTIARYD" -t -c "$CONFIG"
    is "$status" 78 status
    # shellcheck disable=SC1003 # two backslashes
    says 'ACTION: user: there is no such user'
}

## Old files, and other people's editors

@test "check and status: PORT= alone is good, with a note that LOCAL_IP takes away" {
    local ip
    use 'ACTION="a secret that is long","/bin/true","nobody","nogroup"' PORT=5018
    ctl check
    is "$status" 0 "status of check"
    is "$(grep -c 'PORT' <<<"$output")" 1 "lines about PORT"
    says '^.*ostiary\.cfg:4: note: PORT: is open to IPv6 as well'
    ctl status
    is "$status" 0 "status of status"
    says '^configuration .*: good$'
    ctl status --json
    says '"warnings": ?0'
    for ip in 0.0.0.0 ::; do
        use 'ACTION="a secret that is long","/bin/true","nobody","nogroup"' PORT=5018 "LOCAL_IP=\"$ip\""
        ctl check
        is "$status" 0 "status of check"
        says_not 'PORT|note'
    done
    use 'ACTION="a secret that is long","/bin/true","nobody","nogroup"' PORT=5018 PORT=5019 'LOCAL_IP="0.0.0.0"'
    ctl check
    is "$status" 0 "status of check"
    says '^.*ostiary\.cfg:5: warning: PORT: all 2 ports are opened, where Ostiary 4\.0 opened the last one alone'
    ctl status
    is "$status" 0 "status of status"
    says '^configuration .*: 0 errors, 1 warning'
}

@test "DELAY=0 is DELAY=5: the next seed is five seconds away" {
    use DELAY=0 MIN_LOGLEVEL=LOG_DEBUG "$ACTION"
    at_noon 127.0.0.1=sesame
    # The second is not kept waiting: its source has been away for five seconds.
    at_noon 127.0.0.1=sesame@5
    logged_times 0 'waits [0-9]* ms'
    at_noon 127.0.0.1=sesame@9
    logged_times 1 'waits 1000 ms for its slot'
    ctl check
    says 'ostiary\.cfg:[0-9]*: warning: DELAY: 0 is taken as 5'
}

# tested OPTION STATUS
tested() {
    run "$OSTIARYD" "$1" -c "$CONFIG"
    is "$status" "$2" "status of $1, which said: $output"
}

@test "-T, as the units ask before they open the port: a fault of one action keeps nobody else out" {
    local good='ACTION="a secret that opens it","/usr/bin/true","0","0"' broken='ACTION="another that opens it","/usr/bin/gone","0","0"'
    use "$good" "$broken" 'LOCKOUT_ACTION="","/usr/bin/gone","0"'
    tested -t 78
    tested -T 0
    says ':4: error: ACTION: .*/usr/bin/gone.*No such file'
    says ':5: error: LOCKOUT_ACTION: .*/usr/bin/gone.*No such file'
    use "$good"
    tested -T 0
    is "$output" '' "what is said of what is good"
    use "$broken" 'KILL="so long"'
    tested -T 78
    use "$good" 'DELAY=never'
    tested -T 78
    says ':4: error: DELAY'
    use 'KILL="a secret that shuts it"'
    tested -T 0
    # Who stands behind a socket may come later than the door.
    use 'ACTION="a secret that tells somebody","","name=told","socket=/run/nobody"'
    tested -t 78
    tested -T 0
    run "$OSTIARYD" -t -T -c "$CONFIG"
    is "$status" 64 "status of -t -T"
    matches "$output" 'exclude each other'
}

@test "I10: -t and check warn of secrets that people choose, and quote nothing of them" {
    local command
    use 'ACTION="zz9 zz9 zz9 zz9 zz9","/usr/bin/true","0","0"' \
        'ACTION="zz9 is the Password of my bicycle","/usr/bin/true","0","0"' \
        'ACTION="ZZ9 is the password of my Bicycle","/usr/bin/true","0","0"' \
        'ACTION="qwertyuiopasdfgh","/usr/bin/true","0","0"' \
        'KILL="My Password 2024 !"' \
        'ACTION="zz9","/usr/bin/true","0","0"'
    for command in "$OSTIARYD -t" "$OSTIARY_BUILD/src/admin/ostiaryctl check"; do
        read -r program argument <<<"$command"
        run "$program" -c "$CONFIG" "$argument"
        says 'cfg:3: warning: ACTION: the secret has the same few characters again and again and could be guessed'
        says 'cfg:5: warning: ACTION: the secret is the one of line 4 but for upper and lower case'
        says 'cfg:6: warning: ACTION: the secret is a walk over the keyboard, or through the alphabet and could'
        says 'cfg:7: warning: KILL: the secret is made of words that everybody tries and could be guessed'
        says 'cfg:8: warning: ACTION: the secret is shorter than 16 characters and could be guessed'
        says_not 'cfg:4: '
        says_not '[zZ][zZ]9|icycle|qwerty|2024'
    done
}

@test "a byte order mark is named, in the file and in a secret's file, and serves nobody" {
    use "$ACTION"
    sed -i '1s/^/\xef\xbb\xbf/' "$CONFIG"
    ctl check
    is "$status" 78 status
    says '^[^ ]*ostiary\.cfg:1: error: a byte order mark, which cannot be seen, is at the start of this line: save the file as UTF-8 without one$'
    knock 127.0.0.1=sesame
    is "$(of 1 length)" 0 "bytes for a right knock"
    logged 'ostiary\.cfg:1: error: a byte order mark'
    # As the manual says.
    sed -i 's/^\xef\xbb\xbf//' "$CONFIG"
    ctl check
    is "$status" 0 "status once it is mended"

    printf '\xef\xbb\xbfsesame, open\n' >"$WORK/secret"
    chmod 600 "$WORK/secret"
    use "ACTION=\"\",\"/bin/true\",\"65534\",\"65534\",\"secret-file=$WORK/secret\""
    ctl check
    is "$status" 78 status
    says "^[^ ]*ostiary\\.cfg:3: error: ACTION: the secret's file starts with a byte order mark"
    iconv -f UTF-8 -t UTF-16 "$CONFIG" >"$WORK/utf-16"
    cat "$WORK/utf-16" >"$CONFIG"
    ctl check
    is "$status" 78 status
    is "$(grep -c error <<<"$output")" 1 "errors"
    says '^[^ ]*ostiary\.cfg: error: the file is in UTF-16, with a byte order mark: save it as UTF-8 without one$'
}

@test "EXEMPT of everybody is warned of" {
    local network
    for network in 0.0.0.0/0 ::/0 64:ff9b::/96 0.0.0.0/1; do
        use "$ACTION" "EXEMPT=\"$network\""
        ctl check
        is "$status" 0 "status"
        says '^[^ ]*ostiary\.cfg:4: warning: EXEMPT: so many addresses are as good as everybody'
    done
    use "$ACTION" 'EXEMPT="10.0.0.0/8"' 'EXEMPT="fd00::/8"'
    ctl check
    says_not EXEMPT
}

## Changing it

# The commands of ostiary.cfg(5), "Changing it", for a file in $WORK.
recipe() {
    awk '/^\.Ss Changing it/ { here = 1 } here && /^\.Ed/ { exit } here && sub(/^# /, "")' "$OSTIARY_SOURCE/src/config/ostiary.cfg.5" |
        sed -e "s|/etc/|$WORK/|g" -e "s|ostiaryctl|$OSTIARY_BUILD/src/admin/ostiaryctl|"
}

# edit_with LINE...: what the editor of the recipe does, to the file that it is given.
edit_with() {
    write_action editor "$@"
    # shellcheck disable=SC2046 # words
    run env EDITOR="$WORK/bin/editor" sh -ec "$(recipe)"
}

@test "the way to change the file: beside it, checked, renamed; with an error it stays as it was" {
    is "$(recipe | wc -l)" 3 "commands in the manual"
    use "$ACTION"
    # shellcheck disable=SC2016 # for the script
    edit_with 'echo "MAX_BAD_CONNS=4" >>"$1"'
    is "$status" 0 "status, after: $output"
    grep -q '^MAX_BAD_CONNS=4$' "$CONFIG"
    is "$(stat -c %a "$CONFIG")" 600 mode
    # shellcheck disable=SC2016
    edit_with 'echo "MAX_BAD_CONNS=four" >>"$1"'
    is "$status" 78 status
    says 'ostiary\.cfg\.new:5: error: MAX_BAD_CONNS: '
    refute grep -q four "$CONFIG"
}

@test "knocks meanwhile are all served, however often the file is changed in that way" {
    local changer
    use DELAY=1 "$ACTION"
    cp -p "$CONFIG" "$WORK/original"
    # shellcheck disable=SC2016 # for the inner shell
    sh -c 'n=0; while [ ! -e "$1/enough" ]; do
        cp -p "$1/original" "$1/ostiary.cfg.new"; echo "# $((n += 1))" >>"$1/ostiary.cfg.new"; mv "$1/ostiary.cfg.new" "$1/ostiary.cfg"
        done; echo "$n" >"$1/changes"' sh "$WORK" 3>&- &
    changer=$!
    # shellcheck disable=SC2046 # a list of knocks
    knock --width=8 $(printf '127.0.1.%s=sesame ' {1..60})
    : >"$WORK/enough"
    wait "$changer"
    is "$(how_many receipt right)" 60 "receipts"
    [ "$(cat "$WORK/changes")" -gt 10 ]
    not_logged 'error|config'
}

@test "a knock is served whose handler has read of an action that is removed, with its secret, in this moment" {
    echo barley-barley-barley >"$WORK/barley.secret"
    chmod 600 "$WORK/barley.secret"
    use "$ACTION"
    cp -p "$CONFIG" "$WORK/without"
    echo "ACTION=\"\",\"/bin/true\",\"65534\",\"secret-file=$WORK/barley.secret\"" >>"$CONFIG"
    # The secret has gone when it is to be opened, and the line is away when the handler goes on.
    stopped_by -P "$WORK/barley.secret" -e trace=openat -e inject=openat:error=ENOENT:signal=SIGSTOP:when=1 127.0.0.2=sesame
    mv "$WORK/without" "$CONFIG"
    go_on
    is "$(KNOCKS=$WORK/stopped-knocks of 1 receipt)" right receipt
    not_logged 'error|config'

    # Where the line is still there, it is an error, said once.
    use "$ACTION" "ACTION=\"\",\"/bin/true\",\"65534\",\"secret-file=$WORK/barley.secret\""
    rm "$WORK/barley.secret"
    knock 127.0.0.3=sesame
    is "$(of 1 receipt)" none receipt
    logged_times 1 'error: .*the secret-file= cannot be opened'
    logged_times 1 'refused source=127\.0\.0\.3 reason=config'
}
