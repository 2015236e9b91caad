#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiaryctl add and remove: an action with all that belongs to it, or nothing; and no byte of what was there is lost.
# shellcheck disable=SC2030,SC2031 # each test is a subshell by design

load ../../lib/common
load ../../lib/ctl
load ../../lib/launch
load ../../lib/add

setup() {
    add_setup
}

teardown() {
    stop_launcher
    stop_systemd
    stop_sockets
    remove_work
}

# client_command: what add has printed for the client, with the secret where it is here.
client_command() {
    local command
    command=$(sed -n 's/^    ostclient /ostclient /p' <<<"$output")
    echo "$OSTIARY_BUILD/src/client/${command//\/etc\/ostiary/$SECRETS}"
}

# ---- add ------------------------------------------------------------------------------------------------------------

@test "add: directories, configuration, secret and line are made where they are missing, for root alone" {
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH+=(sh -c 'mount -t tmpfs ostiary /var/lib && umask 077 && "$@" && stat -c "%a %u:%g %n" /var/lib/ostiary' sh)
    ctl 0 add backup "$WORK/bin/hello" root
    matches "$output" "action backup is added in line 2 of $CONFIG, as user root, with its secret in $SECRETS/backup\.secret"
    matches "$output" '700 0:0 /var/lib/ostiary'
    is "$(tail -n +2 "$CONFIG")" "ACTION=\"\",\"$WORK/bin/hello\",\"root\",\"name=backup\",\"secret-file=$SECRETS/backup.secret\""
    is "$(stat -c %a:%u:%g "$CONFIG" "$SECRETS" "$SECRETS/backup.secret" | paste -sd ' ')" "600:0:0 755:0:0 600:0:0" "modes and owners"
    is "$(grep -cxE '[A-HJ-NP-Za-km-z2-9]{32}' "$SECRETS/backup.secret")" 1 "lines of the secret"
    no_leftovers
}

@test "add: what it prints for the client opens the door, as printed, and after remove no more" {
    config LOCAL_IP=127.0.0.1
    serve
    sed -i "\$aPORT=$PORT" "$CONFIG"
    ctl 0 add hello "$WORK/bin/hello" nobody
    matches "$output" "    ssh root@$(hostname) cat $SECRETS/hello\.secret \| install -D -m 400 -o root /dev/stdin /etc/ostiary/hello\.secret"
    matches "$output" "    ostclient -w -k /etc/ostiary/hello\.secret 127\.0\.0\.1:$PORT"
    local command
    command=$(client_command)
    run bash -c "$command"
    is "$status" 0 "status of the knock"
    eventually grep -qx 'hello 127.0.0.1' "$WORK/out/hello"
    ctl 0 add other "$WORK/bin/hello"
    cp "$SECRETS/hello.secret" "$WORK/kept"
    ctl 0 remove hello
    is "$output" "action hello is removed: line 5 of $CONFIG, and its secret, $SECRETS/hello.secret"
    run bash -c "${command/$SECRETS\/hello.secret/$WORK/kept}"
    is "$status" 77 "status of a knock with the secret that is gone"
    run bash -c "${command/hello.secret/other.secret}"
    is "$status" 0 "status of a knock with the other"
}

@test "add: the copy for the client is its user's alone, by the line that is printed for that" {
    config
    ctl 0 add backup /bin/true
    local line
    line=$(sed -n 's/^    ssh root@[^ ]* \(cat .*\)/\1/p' <<<"$output")
    line=${line/ \/etc\/ostiary/ $WORK/client/etc/ostiary}
    (umask 077 && bash -c "${line/-o root/-o nobody}")
    is "$(stat -c %a:%U "$WORK/client/etc/ostiary/backup.secret")" 400:nobody "the copy"
    is "$(stat -c %a "$WORK/client/etc/ostiary")" 755 "mode of its directory"
    cmp "$SECRETS/backup.secret" "$WORK/client/etc/ostiary/backup.secret"
}

@test "add: every byte, the owner and the mode of what is there are kept, with a last line that does not end" {
    local before
    printf 'STATE_DIR="%s"\r\n\n# a comment, \xc3\xa4\nACTION="a secret of enough length","/bin/true","root"' "$STATE" >"$CONFIG"
    chown 0:1 "$CONFIG"
    chmod 440 "$CONFIG"
    cp "$CONFIG" "$WORK/before"
    before=$(wc -c <"$CONFIG")
    ctl 0 add backup /bin/true
    matches "$output" "in line 5 of $CONFIG, as user nobody"
    cmp "$WORK/before" <(head -c "$before" "$CONFIG")
    is "$(tail -c +"$((before + 1))" "$CONFIG")" $'\n'"ACTION=\"\",\"/bin/true\",\"name=backup\",\"secret-file=$SECRETS/backup.secret\""
    is "$(stat -c %a:%u:%g "$CONFIG" "$SECRETS/backup.secret" | paste -sd ' ')" '440:0:1 440:0:1' "modes and owners"
    ctl 0 check
    is "$output" "$CONFIG: good"
    ctl 0 remove backup
    cmp <(cat "$WORK/before" - <<<'') "$CONFIG"
    is "$(stat -c %a:%u:%g "$CONFIG")" 440:0:1 "mode and owner"
    no_leftovers
}

@test "add: whom an action runs as is whom DEFAULT_UID says where nobody is named, and that is said" {
    config DEFAULT_UID=daemon
    ctl 0 add backup /bin/true
    matches "$output" 'as user daemon,'
    ctl 0 add other /bin/true 65534
    matches "$output" 'as user 65534,'
}

# refused STATUS REGEX ARGUMENT...: it ends so, says so, and has changed nothing at all.
refused() {
    local before status_wanted=$1 words=$2
    shift 2
    before=$(everything)
    ctl "$status_wanted" "$@"
    matches "$output" "$words"
    is "$(everything)" "$before" "what is there after $*"
}

@test "add: what is wrong is said, with status 64, 1 or 78, and nothing at all is changed" {
    config 'ACTION="a secret of enough length","/bin/true","root","name=taken"' 'ACTION="another secret, long enough","/bin/true","root"'
    refused 64 'is missing' add backup
    refused 64 'too much' add backup /bin/true root x
    for name in '' . .. .hidden -x a/b 'a b' kill "$(printf 'x%.0s' {1..65})" ä; do
        refused 64 'is no (name|such option)|no such option' add "$name" /bin/true
    done
    refused 64 'absolute path' add backup true
    refused 64 'absolute path' add backup socket=run
    refused 64 'without double quotes' add backup '/bin/"true'
    refused 64 'control characters' add backup $'/bin/true\nDELAY=1'
    refused 64 'backslash' add backup /bin/true\\
    refused 64 'without double quotes' add backup /bin/true '"root'
    refused 64 'decides as which user' add backup socket=/run/x root
    refused 64 'is no name of a gate' add backup grant=Ssh
    refused 64 'is no name of a gate' add backup revoke=
    refused 64 'a gate is opened by root alone' add backup grant=ssh root
    refused 78 "$CONFIG:5: error: ACTION: gate: .*ostiary-grants\.cfg" add backup grant=ssh
    refused 64 "'name=other' cannot stand in an ACTION line as a user" add backup /bin/true name=other
    refused 1 "$CONFIG:3: there is an action taken already" add taken /bin/true
    # A name that is its command's.
    refused 1 "$CONFIG:4: there is an action true already" add true /bin/true
    refused 78 "$CONFIG:5: error: ACTION: .*no-such-command" add backup /no-such-command root
    refused 78 "$CONFIG:5: error: ACTION: user: there is no such user" add backup /bin/true no-such-user
    refused 78 "$CONFIG:5: error: ACTION: socket '/no/socket'" add backup socket=/no/socket
    mkdir -m 755 "$SECRETS"
    echo 'not yours' >"$SECRETS/backup.secret"
    refused 1 "$SECRETS/backup\.secret: it is there, and is not overwritten" add backup /bin/true
    rm "$SECRETS/backup.secret"
    chmod 777 "$SECRETS"
    refused 78 "$SECRETS: secrets are safe there only when nobody else can write to it" add backup /bin/true
    rm -r "$SECRETS"
    ln -s /srv "$SECRETS"
    refused 74 "$SECRETS: secrets are kept in a directory of this name, and not behind a symbolic link" add backup /bin/true
    rm "$SECRETS"
    config NONSENSE=1 'ACTION="a secret of enough length","/bin/true","root"'
    refused 78 "$CONFIG:3: error: the keyword is unknown" add backup /bin/true
    config 'ACTION="a secret of enough length","/no-such-command","root"'
    refused 78 "$CONFIG:3: error: ACTION: .*no-such-command" add backup /bin/true
    { printf '\xef\xbb\xbf' && cat "$CONFIG"; } >"$WORK/marked"
    cat "$WORK/marked" >"$CONFIG"
    refused 78 "$CONFIG:1: error: .*byte order mark" add backup /bin/true
    config
    chmod 644 "$CONFIG"
    refused 78 "$CONFIG: the file is readable by others" add backup /bin/true
    rm "$CONFIG"
    ln -s "$WORK/nowhere/ostiary.cfg" "$CONFIG"
    refused 78 'a symbolic link to nothing' add backup /bin/true
    rm "$CONFIG"
    mkdir "$CONFIG"
    refused 78 'is not a regular file' add backup /bin/true
    CONFIG=$WORK/no/ostiary.cfg refused 74 "$WORK/no/ostiary\.cfg: there is no such directory to make it in" add backup /bin/true
    CONFIG=$WORK/no/ostiary.cfg refused 74 "$WORK/no/ostiary\.cfg: .*no such directory" remove backup
}

@test "add: an action that opens a gate, or shuts it, is made where there is such a gate" {
    config
    echo 'GATE="ssh","tcp 2222"' >"${CONFIG%.cfg}-grants.cfg"
    chmod 644 "${CONFIG%.cfg}-grants.cfg"
    ctl 0 add alice grant=ssh
    is "$(tail -n 1 "$CONFIG")" "ACTION=\"\",\"\",\"name=alice\",\"grant=ssh\",\"secret-file=$SECRETS/alice.secret\""
    matches "$output" $'\nGate ssh opens to the address that knocks, for 25h.\n'
    ctl 0 add alice-away revoke=ssh
    matches "$output" $'\nGate ssh shuts to the address that knocks'
    # Root hears what is missing still, others that they cannot see it.
    [ "$(id -u)" -ne 0 ] || [ ! -x "$OSTIARY_BUILD/src/grant/ostgrant" ] ||
        matches "$output" $'\nStill to be done for the gates, as .ostiaryctl check. says:\n.*ostiary-grants.cfg'
    is "$(tail -n 1 "$CONFIG")" "ACTION=\"\",\"\",\"name=alice-away\",\"revoke=ssh\",\"secret-file=$SECRETS/alice-away.secret\""
    refused 78 'error: ACTION: .*web' add bob grant=web
    ctl 0 remove alice
    no_leftovers
}

@test "add: names and paths that are too long are said to be, and nothing is changed" {
    local long deep
    config
    # The file beside the configuration, and the mark of the secret, have longer names than they.
    long=$(printf 'x%.0s' {1..244})
    CONFIG=$WORK/etc/$long refused 74 "$long: File name too long" add b /bin/true
    long=${long:0:200}
    CONFIG=$WORK/etc/$long refused 74 "$long: File name too long" add "$(printf 'y%.0s' {1..64})" /bin/true
    # And so has the path of the secret.
    deep=$WORK/etc
    while [ "${#deep}" -lt 3800 ]; do deep+=/${long:0:100}; done
    deep+=/$(head -c "$((4070 - ${#deep}))" /dev/zero | tr '\0' z)
    mkdir -p "$deep"
    CONFIG=$deep/ostiary.cfg refused 74 'ostiary\.cfg: File name too long' add backup /bin/true
    rm -r "${WORK:?}/etc/${long:0:100}"
    refused 74 'File name too long' add backup "/$(head -c 20000 /dev/zero | tr '\0' x)"
    # The other door's configuration has a longer name than this one.
    CONFIG=$(printf '%*s' "$((4090 - ${#CONFIG}))" '' | tr ' ' /)$CONFIG ctl 64 remove backup
    matches "$output" 'the path is too long'
}

@test "add: what stands where its own file goes, and another command that takes long, are not in its way for ever" {
    config
    mkfifo -m 600 "$WORK/etc/.ostiary.cfg.ostiaryctl"
    refused 74 'the file beside the configuration, \.ostiary\.cfg\.ostiaryctl: File exists' add backup /bin/true
    rm "$WORK/etc/.ostiary.cfg.ostiaryctl"
    : >"$WORK/etc/.ostiary.cfg.ostiaryctl"
    chmod 600 "$WORK/etc/.ostiary.cfg.ostiaryctl"
    exec 9<"$WORK/etc/.ostiary.cfg.ostiaryctl"
    flock 9
    refused 74 "$CONFIG: another command is changing it: try again" add backup /bin/true
    exec 9<&-
    ctl 0 add backup /bin/true
    no_leftovers
}

# hindered INJECTION ARGUMENT...: the command, where this comes of a system call.
hindered() {
    local injection=$1
    shift
    run "${CTL_WITH[@]}" "${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -e "trace=${injection%%:*}" -e "inject=$injection" \
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" "$@"
}

@test "add: a secret that somebody makes at the last moment stays, and nothing else is made" {
    config
    hindered linkat:error=EEXIST add backup /bin/true
    is "$status" 1 "exit status"
    matches "$output" "$SECRETS/backup\.secret: somebody has just made it"
    refute grep -q ACTION "$CONFIG"
    no_leftovers
}

@test "add and remove: who is not root is told to be, and nothing is changed" {
    config 'ACTION="a secret of enough length","/bin/true","root","name=taken"'
    chown nobody "$CONFIG"
    CTL_WITH+=(setpriv --reuid nobody --regid nogroup --clear-groups)
    refused 77 'run as root' add backup /bin/true
    refused 77 'run as root' remove taken
}

@test "add and remove: a configuration behind a symbolic link is changed where it is, and the link stays" {
    mkdir -m 755 "$WORK/real"
    config
    mv "$CONFIG" "$WORK/real/cfg"
    ln -s ../real/cfg "$CONFIG"
    ctl 0 add backup /bin/true
    matches "$output" "in line 3 of $WORK/real/cfg"
    [ -L "$CONFIG" ]
    [ -f "$SECRETS/backup.secret" ]
    ctl 0 check
    ctl 0 add other /bin/true
    ctl 0 remove backup
    [ -L "$CONFIG" ]
    [ ! -e "$SECRETS/backup.secret" ]
    is "$(grep -c '^ACTION' "$WORK/real/cfg")" 1 "actions"
}

@test "add: of twenty at once each gets its line, and of ten with one name one" {
    local i pids=() done=0
    config
    for i in {1..20}; do
        "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add "action$i" /bin/true >"$WORK/said.$i" 2>&1 3>&- &
        pids+=("$!")
    done
    for i in {1..10}; do
        "${CTL_WITH[@]}" "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add one /bin/true >"$WORK/one.$i" 2>&1 3>&- &
        pids+=("$!")
    done
    for i in "${pids[@]}"; do
        wait "$i" && done=$((done + 1))
    done
    is "$done" 21 "that were added: $(cat "$WORK"/said.* "$WORK"/one.*)"
    is "$(grep -c '^ACTION=' "$CONFIG")" 21 "lines"
    is "$(find "$SECRETS" -type f | wc -l)" 21 "secrets"
    is "$(sort -u "$SECRETS"/* | wc -l)" 21 "secrets that differ"
    ctl 0 check
    no_leftovers
}

@test "add: what somebody has changed meanwhile with an editor is not lost" {
    config
    # Stopped when the new text is to go to the disk: behind the secret and its directory.
    "${CTL_WITH[@]}" "${NO_LEAK_CHECK[@]}" strace -qq -o "$WORK/calls" -e trace=fsync -e inject=fsync:signal=SIGSTOP:when=3 \
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" add backup /bin/true >"$WORK/said" 2>&1 3>&- &
    local adder=$! status=0 pid
    eventually grep -q SIGSTOP "$WORK/calls"
    sed -i '1iMAX_BAD_CONNS=7' "$CONFIG"
    for pid in $(pgrep -f "^$OSTIARY_BUILD/src/admin/ostiaryctl -c $CONFIG add backup"); do
        kill -CONT "$pid"
    done
    wait "$adder" || status=$?
    is "$status" 74 "status"
    matches "$(cat "$WORK/said")" "$CONFIG: somebody has changed it meanwhile: try again"
    grep -qx MAX_BAD_CONNS=7 "$CONFIG"
    refute grep -q ACTION "$CONFIG"
    [ ! -e "$SECRETS" ]
    no_leftovers
    ctl 0 add backup /bin/true
}

@test "remove takes away what an interrupted one has left, also of the last action" {
    config
    ctl 0 add backup /bin/true
    # The line is gone, and the secret has its mark: what is left when it is killed behind the rename.
    run "${CTL_WITH[@]}" "${NO_LEAK_CHECK[@]}" strace -qq -o /dev/null -e trace=fsync -e inject=fsync:signal=SIGKILL:when=3 \
        "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" remove backup
    is "$status" 137 "status of the one that was killed"
    refute grep -q ACTION "$CONFIG"
    [ -e "$SECRETS/backup.secret" ]
    ctl 0 remove backup
    is "$output" "the secret of action backup, which an interrupted command had left in $SECRETS/backup.secret, is removed"
    [ ! -e "$SECRETS/backup.secret" ]
    no_leftovers
}

@test "add and remove: on a full disk nothing is changed, and that is said" {
    # shellcheck disable=SC2016 # for the shell inside
    local full='mount -t tmpfs -o size=64k,mode=755 ostiary "$0/etc" && cp -p "$0/kept" "$0/etc/ostiary.cfg" &&
        mkdir "$0/etc/ostiary" && cp -p "$0/ostiary/"* "$0/etc/ostiary/" && { cat /dev/zero >"$0/etc/filler" 2>/dev/null; :; } &&
        ls -AR "$0/etc" >"$0/before" && cp "$0/etc/ostiary.cfg" "$0/cfg.before"
        "$@"; status=$?; ls -AR "$0/etc" >"$0/after"; cmp "$0/before" "$0/after" && cmp "$0/etc/ostiary.cfg" "$0/cfg.before" || exit 99
        exit $status'
    config 'ACTION="a secret of enough length","/bin/true","root","name=first"'
    ctl 0 add backup /bin/true
    mkdir "$WORK/ostiary"
    cp -p "$CONFIG" "$WORK/kept"
    cp -p "$SECRETS/backup.secret" "$WORK/ostiary"
    CTL_WITH+=(sh -c "$full" "$WORK")
    ctl 74 add other /bin/true
    matches "$output" 'No space left on device'
    ctl 74 remove backup
    matches "$output" 'No space left on device'
}

@test "add says what is still to be done: nothing where the socket listens, else how to enable it; and xinetd" {
    start_systemd
    config
    ctl 0 add one /bin/true
    matches "$output" 'Still to be done here:
    systemctl daemon-reload && systemctl enable --now ostiary\.socket
'
    unit ostiary.socket active enabled '[::]:5018'
    ctl 0 add two /bin/true
    matches "$output" 'ostiary\.socket is listening: nothing has to be restarted\.
'
    mkdir "$WORK/etc/xinetd.d"
    sed 's/disable  *= yes/disable = no/' "$OSTIARY_SOURCE/xinetd/ostiary.in" >"$WORK/etc/xinetd.d/ostiary"
    ctl 0 add three /bin/true
    matches "$output" "xinetd is to listen, by $WORK/etc/xinetd\.d/ostiary: nothing has to be restarted\.
"
    : >"$WORK/units/ostiary.socket/deaf"
    ctl 0 add four /bin/true
    matches "$output" "Still to be done here: start xinetd, or have it read $WORK/etc/xinetd\.d/ostiary anew, for nobody listens there yet\.
"
}

@test "add: a socket that does not listen where the configuration says is to be restarted first" {
    local again='Still to be done here, for ostiary\.socket does not listen there yet:
    systemctl daemon-reload && systemctl restart ostiary\.socket
'
    start_systemd
    config PORT=6000
    unit ostiary.socket active enabled '[::]:5018'
    ctl 0 add one /bin/true
    matches "$output" "$(hostname):6000
$again"
    unit ostiary.socket active enabled '[::]:6000'
    ctl 0 add two /bin/true
    matches "$output" 'ostiary\.socket is listening: '
    : >"$WORK/units/ostiary.socket/deaf"
    ctl 0 add three /bin/true
    matches "$output" "$again"
}

@test "add: a door that is closed is said to be, with how to open it" {
    start_systemd
    config
    ctl 0 add one /bin/true
    ctl 0 close
    unit ostiary.socket inactive enabled '[::]:5018'
    ctl 0 add two /bin/true
    refute grep -q 'enable --now' <<<"$output"
    matches "$output" "The door is closed since 20.*Z: by-hand\. Nobody is served until
    ostiaryctl -c $CONFIG open$"
    unit ostiary.socket inactive disabled '[::]:5018'
    ctl 0 add three /bin/true
    matches "$output" "enable --now ostiary\.socket
.*Nobody is served until"
}

@test "add: of a file that no handler reads as it is installed, that is said" {
    config
    ctl 0 add one /bin/true
    matches "$output" "What listens goes by another file, unless it starts 'ostiaryd -c $CONFIG'\.$"
}

@test "add names the host and port that the client has to knock at" {
    config PORT=2018 LOCAL_IP=2001:db8::7
    ctl 0 add one /bin/true
    matches "$output" '    ostclient -w -k /etc/ostiary/one\.secret \[2001:db8::7\]:2018
'
    config LOCAL_IP=2001:db8::7
    ctl 0 add two /bin/true
    matches "$output" 'two\.secret 2001:db8::7
'
    config LOCAL_IP=::
    ctl 0 add three /bin/true
    matches "$output" "three\.secret $(hostname)
"
    # Where nothing is written it is the port of what listens.
    start_systemd
    unit ostiary.socket active enabled '[::]:7000'
    ctl 0 add four /bin/true
    matches "$output" "four\.secret $(hostname):7000
"
    mkdir "$WORK/etc/xinetd.d"
    printf '%s\n' 'service ostiary' '{' 'port = 7001' '}' >"$WORK/etc/xinetd.d/ostiary"
    ctl 0 add five /bin/true
    matches "$output" "five\.secret $(hostname):7001
"
}

# ---- the sealed door ------------------------------------------------------------------------------------------------

@test "add for the sealed door: its user can read what is made, and nobody else; and the port is another" {
    CONFIG=$WORK/etc/ostiary-sealed.cfg
    mkdir -m 755 "$WORK/run"
    unix_socket "$WORK/run/restart"
    chown root:4711 "$WORK/run/restart"
    chmod 660 "$WORK/run/restart"
    refused 78 "no group ostiary: run 'systemd-sysusers'" add restart "socket=$WORK/run/restart"
    with_sealed_user
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH+=("${NO_LEAK_CHECK[@]}" sh -c 'mount -t tmpfs ostiary /var/lib && "$@"; status=$?
        stat -c "%a %u:%g %n" /var/lib/* 2>/dev/null; exit "$status"' sh)
    chmod 750 "$WORK/run"
    refused 78 "socket '$WORK/run/restart': Permission denied: .*systemd-tmpfiles --create.*the user ostiary meets" add restart "socket=$WORK/run/restart"
    chmod 755 "$WORK/run"
    ctl 0 add restart "socket=$WORK/run/restart"
    matches "$output" "action restart is added in line 5 of $CONFIG, with its secret in $SECRETS/restart\.secret"
    matches "$output" "restart\.secret $(hostname):5019
"
    matches "$output" '700 4711:4711 /var/lib/ostiary-sealed'
    is "$(stat -c %a:%u:%g "$CONFIG" "$SECRETS" "$SECRETS/restart.secret" | paste -sd ' ')" '640:0:4711 755:0:0 640:0:4711' "modes and owners"
    is "$(grep -v '^#' "$CONFIG")" "STATE_DIR=\"/var/lib/ostiary-sealed\"
PORT=5019
ACTION=\"\",\"\",\"name=restart\",\"socket=$WORK/run/restart\",\"secret-file=$SECRETS/restart.secret\""
    # One secret directory for both doors.
    CONFIG=$WORK/etc/ostiary.cfg
    config 'ACTION="a secret of enough length","/bin/true","root"'
    refused 1 'it is there, and is not overwritten' add restart /bin/true
    CONFIG=$WORK/etc/ostiary-sealed.cfg
    chmod 600 "$CONFIG"
    refused 78 'cannot read it: chown root:ostiary, and chmod 640' add second "socket=$WORK/run/restart"
    chmod 640 "$CONFIG"
    chmod 700 "$SECRETS"
    refused 78 "$SECRETS: it is closed to the group that may read the configuration: chmod 755" add second "socket=$WORK/run/restart"
    chmod 755 "$SECRETS"
    ctl 0 add second "socket=$WORK/run/restart"
    ctl 0 remove restart
    [ ! -e "$SECRETS/restart.secret" ]
    is "$(stat -c %a:%u:%g "$CONFIG")" 640:0:4711 "mode and owner"
}

@test "add and check for the sealed door: who cannot become its user says so" {
    CONFIG=$WORK/etc/ostiary-sealed.cfg
    with_sealed_user
    mkdir -m 755 "$WORK/run"
    unix_socket "$WORK/run/restart"
    chown root:4711 "$WORK/run/restart"
    chmod 660 "$WORK/run/restart"
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH+=("${NO_LEAK_CHECK[@]}" sh -c 'mount -t tmpfs ostiary /var/lib && mkdir -m 755 /var/lib/ostiary-sealed && exec "$@"' sh)
    hindered setresuid:error=EPERM:when=1 add restart "socket=$WORK/run/restart"
    is "$status" 78 "exit status"
    matches "$output" 'cannot work as the user ostiary, as whom the handler runs: Operation not permitted'
    [ ! -e "$CONFIG" ]
    # The directory of an interrupted command is root's, and given to whom it is for; or nothing is made.
    hindered '?chown,fchownat:error=EROFS:when=1' add restart "socket=$WORK/run/restart"
    is "$status" 74 "exit status"
    [ ! -e "$CONFIG" ]
    ctl 0 add restart "socket=$WORK/run/restart"
    hindered setresuid:error=EPERM:when=1 check
    is "$status" 78 "exit status of check"
    matches "$output" 'cannot be seen as the user ostiary sees it: Operation not permitted'
    # Who is not root does not even try.
    run "${CTL_WITH[@]}" setpriv --reuid nobody --regid nogroup --clear-groups "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    is "$status" 77 "exit status of check by somebody else"
    refute matches "$output" 'as the user ostiary sees it'
    # Nor has the user himself to become anybody.
    run "${CTL_WITH[@]}" setpriv --reuid ostiary --regid ostiary --clear-groups "$OSTIARY_BUILD/src/admin/ostiaryctl" -c "$CONFIG" check
    is "$status" 78 "exit status of check by the user ostiary"
    matches "$output" 'open to group or others: chmod 0700'
    refute matches "$output" 'as (the )?user ostiary'
    no_leftovers
}

# ---- remove ---------------------------------------------------------------------------------------------------------

@test "remove takes one line and its secret, and keeps every other line, comment and byte" {
    config '# the first' 'ACTION="a secret of enough length","/bin/true","root","name=first"' '' '  # the second'
    ctl 0 add second /bin/true
    printf '# the third\nACTION="another secret, long enough","/bin/false","root"' >>"$CONFIG"
    grep -v name=second "$CONFIG" >"$WORK/wanted"
    ctl 0 remove second
    is "$output" "action second is removed: line 7 of $CONFIG, and its secret, $SECRETS/second.secret"
    cmp <(printf '%s' "$(cat "$WORK/wanted")") "$CONFIG"
    [ ! -e "$SECRETS/second.secret" ]
    # A name that is its command's, in a last line that does not end.
    ctl 0 remove false
    is "$output" "action false is removed: line 8 of $CONFIG; its secret was in that line"
    ctl 0 remove first
    matches "$output" 'It was the last one: without an ACTION or KILL nobody is served'
    is "$(cat "$CONFIG")" "$(printf '%s\n' "STATE_DIR=\"$STATE\"" DELAY=1 '# the first' '' '  # the second' '# the third')"
    # And there can be a first one again.
    ctl 0 add first /bin/true
    ctl 0 check
}

@test "remove: a name that is not there, or of two, and what cannot be read, change nothing" {
    config 'ACTION="a secret of enough length","/bin/true","root","name=twice"' 'ACTION="another secret, long enough","/bin/true","root","name=twice"' \
        'KILL="a secret that closes the door"' 'LOCKOUT_ACTION="","/bin/true","root","name=lockout"'
    refused 64 'is missing' remove
    refused 64 'too much' remove one two
    refused 64 'is no name' remove ''
    refused 64 'is no name' remove ../../etc/passwd
    refused 1 "$CONFIG: no action has the name backup: nothing was removed" remove backup
    refused 1 'no action has the name kill' remove kill
    refused 1 'no action has the name lockout' remove lockout
    refused 1 "$CONFIG: lines 3 and 4 both have the name twice" remove twice
    mkdir -m 755 "$SECRETS"
    echo 'of somebody else' >"$SECRETS/backup.secret"
    refused 1 'nothing was removed' remove backup
    config NONSENSE=1 'ACTION="a secret of enough length","/bin/true","root","name=first"'
    refused 78 "$CONFIG:3: error: .*with these errors nothing was removed" remove first
    rm "$CONFIG"
    refused 78 "$CONFIG: there is no such file" remove first
}

@test "remove keeps a secret that another line or door names, that lies elsewhere, or that is no file, and says so" {
    config
    ctl 0 add one /bin/true
    echo "KILL=\"\",\"secret-file=$SECRETS/one.secret\"" >>"$CONFIG"
    ctl 0 remove one
    is "$output" "action one is removed: line 3 of $CONFIG; its secret, $SECRETS/one.secret, stays as it is: another line names it too"
    [ -e "$SECRETS/one.secret" ]
    config
    ctl 0 add two /bin/true
    echo "ACTION=\"\",\"\",\"socket=/run/two\",\"secret-file=$SECRETS/two.secret\"" >"$WORK/etc/ostiary-sealed.cfg"
    chmod 640 "$WORK/etc/ostiary-sealed.cfg"
    ctl 0 remove two
    matches "$output" "two\.secret, stays as it is: the other door's configuration names it too"
    echo NONSENSE >>"$WORK/etc/ostiary-sealed.cfg"
    config "ACTION=\"\",\"/bin/true\",\"name=two\",\"secret-file=$SECRETS/two.secret\""
    ctl 0 remove two
    matches "$output" "two\.secret, stays as it is: the other door's configuration, which has errors, may name it"
    chmod 666 "$WORK/etc/ostiary-sealed.cfg"
    config "ACTION=\"\",\"/bin/true\",\"name=two\",\"secret-file=$SECRETS/two.secret\""
    ctl 0 remove two
    matches "$output" "two\.secret, stays as it is: the other door's configuration cannot be read"
    rm "$WORK/etc/ostiary-sealed.cfg"
    # The same file by another path.
    config "ACTION=\"\",\"/bin/true\",\"name=two\",\"secret-file=$SECRETS/two.secret\"" \
        "KILL=\"\",\"secret-file=$WORK/etc//ostiary/../ostiary/two.secret\""
    ctl 0 remove two
    matches "$output" "two\.secret, stays as it is: another line names it too"
    cp "$SECRETS/two.secret" "$WORK/elsewhere.secret"
    config "ACTION=\"\",\"/bin/true\",\"name=three\",\"secret-file=$WORK/elsewhere.secret\""
    ctl 0 remove three
    matches "$output" "elsewhere\.secret, stays as it is: it is not where 'add' puts them"
    mkdir "$SECRETS/dir"
    cp "$SECRETS/two.secret" "$SECRETS/dir"
    config "ACTION=\"\",\"/bin/true\",\"name=three\",\"secret-file=$SECRETS/dir/two.secret\""
    ctl 0 remove three
    matches "$output" "it is not where 'add' puts them"
    ln -s two.secret "$SECRETS/link.secret"
    config "ACTION=\"\",\"/bin/true\",\"name=four\",\"secret-file=$SECRETS/link.secret\""
    ctl 0 remove four
    matches "$output" 'it is no regular file'
    config "ACTION=\"\",\"/bin/true\",\"name=five\",\"secret-file=$SECRETS/five.secret\""
    ctl 0 remove five
    matches "$output" 'it is not there'
    [ -e "$WORK/elsewhere.secret" ] && [ -e "$SECRETS/dir/two.secret" ] && [ -L "$SECRETS/link.secret" ] && [ -e "$SECRETS/two.secret" ]
    # And one of another name than the action's goes.
    config "ACTION=\"\",\"/bin/true\",\"name=six\",\"secret-file=$SECRETS/two.secret\""
    ctl 0 remove six
    [ ! -e "$SECRETS/two.secret" ]
    no_leftovers
}

@test "remove: what an interrupted one has left stays where the other door names it" {
    config 'ACTION="a secret of enough length","/bin/true","root","name=taken"'
    mkdir -m 755 "$SECRETS"
    printf '%s\n' "$(printf 'A%.0s' {1..32})" >"$SECRETS/backup.secret"
    cp "$SECRETS/backup.secret" "$SECRETS/.backup.secret.ostiary.cfg"
    chmod 600 "$SECRETS"/{,.}backup.secret*
    printf '%s\n' "STATE_DIR=\"$WORK/sealed\"" PORT=5019 "ACTION=\"\",\"/bin/true\",\"root\",\"name=backup\",\"secret-file=$SECRETS/backup.secret\"" >"$WORK/etc/ostiary-sealed.cfg"
    chmod 600 "$WORK/etc/ostiary-sealed.cfg"
    refused 1 'no action has the name backup: nothing was removed' remove backup
    # A configuration of another name has no other door.
    CONFIG=$WORK/etc/other.cfg
    config 'ACTION="a secret of enough length","/bin/true","root","name=taken"'
    ctl 0 add other /bin/true
    ctl 0 remove other
    [ ! -e "$SECRETS/other.secret" ]
}

@test "remove: a door whose last action has gone, or with other errors, keeps no secret that it does not name" {
    printf '%s\n' "STATE_DIR=\"$WORK/sealed\"" PORT=5019 >"$WORK/etc/ostiary-sealed.cfg"
    chmod 640 "$WORK/etc/ostiary-sealed.cfg"
    config
    ctl 0 add one /bin/true
    ctl 0 remove one
    matches "$output" "action one is removed: line 3 of $CONFIG, and its secret, $SECRETS/one\.secret"
    [ ! -e "$SECRETS/one.secret" ]
    # So that the name can be used again.
    ctl 0 add one /bin/true
}

@test "remove tells of other lines what is an error, and nothing else" {
    config PORT=2018 PORT=2019 'EXEMPT="0.0.0.0/0"'
    ctl 0 add one /bin/true
    ctl 0 remove one
    is "$(wc -l <<<"$output")" 2 "lines: $output"
}

@test "add: a mark that is left does not make a secret fair game that a line or a door names by now" {
    config
    ctl 0 add one /bin/true
    # As killed before its last step; then the action got another name by hand.
    ln "$SECRETS/one.secret" "$SECRETS/.one.secret.ostiary.cfg"
    sed -i s/name=one/name=renamed/ "$CONFIG"
    refused 1 'it is there, and is not overwritten' add one /bin/true
    refused 1 'nothing was removed' remove one
    config
    echo "ACTION=\"\",\"\",\"socket=/run/one\",\"secret-file=$SECRETS/one.secret\"" >"$WORK/etc/ostiary-sealed.cfg"
    chmod 640 "$WORK/etc/ostiary-sealed.cfg"
    refused 1 'it is there, and is not overwritten' add one /bin/true
    rm "$WORK/etc/ostiary-sealed.cfg"
    cp "$SECRETS/one.secret" "$WORK/old"
    ctl 0 add one /bin/true
    matches "$output" "one\.secret: a secret that an interrupted command had left, and nothing used, is removed"
    refute cmp -s "$WORK/old" "$SECRETS/one.secret"
    no_leftovers
}
