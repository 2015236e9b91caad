#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2154,SC2030,SC2031,SC2016 # client_setup and run assign the variables; each test by itself; shells inside
# Where the client's secret comes from when it is in no file of its own: a credential, and what a command prints.

bats_require_minimum_version 1.5.0
load ../../lib/common
load ../../lib/client

setup() {
    client_setup
}

teardown() {
    client_teardown
}

# script NAME LINE...: a command $client_dir/NAME.
script() {
    printf '%s\n' '#!/bin/sh' "${@:2}" >"$client_dir/$1"
    chmod 755 "$client_dir/$1"
}

# asking ARGUMENT...: ostclient without a key file.
asking() {
    timeout 900 "$ostclient" -t 600 "$@"
}

# --- credentials ------------------------------------------------------------------------------------------------

@test "--credential: the secret is a file in \$CREDENTIALS_DIRECTORY" {
    mkdir "$client_dir/credentials"
    cp "$key" "$client_dir/credentials/door"
    start_server good
    CREDENTIALS_DIRECTORY=$client_dir/credentials run asking -w --credential door "127.0.0.1:$port"
    is "$status $output" '0 '
}

@test "78: --credential without credentials, and one that is not there, or that others can read" {
    run env -u CREDENTIALS_DIRECTORY "$ostclient" --credential door 127.0.0.1:1
    is "$status" 78
    is "$output" "ostclient: credential door: there are none (\$CREDENTIALS_DIRECTORY): in a unit, say LoadCredential=door:FILE"
    CREDENTIALS_DIRECTORY=. run "$ostclient" --credential door 127.0.0.1:1
    is "$status" 78
    matches "$output" 'there are none'
    mkdir "$client_dir/credentials"
    export CREDENTIALS_DIRECTORY=$client_dir/credentials
    run "$ostclient" --credential door 127.0.0.1:1
    is "$status" 78
    matches "$output" "$client_dir/credentials/door cannot be opened: No such file"
    install -m 644 "$key" "$client_dir/credentials/door"
    run "$ostclient" --credential door 127.0.0.1:1
    is "$status" 78
    matches "$output" 'is readable by others'
    CREDENTIALS_DIRECTORY=/$(printf 'a%.0s' {1..5000}) run "$ostclient" --credential door 127.0.0.1:1
    is "$status" 78
    matches "$output" 'is too long'
}

# --- commands ---------------------------------------------------------------------------------------------------

@test "--secret-command: its first line is the secret, and what it prints besides is dropped" {
    start_server good
    local command
    for command in 'printf The' 'echo The' "printf 'The \\t\\r\\n'" "printf 'The\\nuser: alice\\n'" \
        'sh -c "echo The; head -c 60000 /dev/zero"'; do
        run asking -w --secret-command "$command" "127.0.0.1:$port"
        is "$status $output" '0 ' "$command"
    done
}

@test "--secret-command: blanks separate words but between quotes, and nothing else has a meaning: there is no shell" {
    script show "printf '<%s>' \"\$@\" >$client_dir/words" 'echo The'
    start_server good
    asking --secret-command "  $client_dir/show a  'b c'	\"d 'e\"f'\"g' \\ \$HOME * ~ ; | && > x #
 '' \"\" " "127.0.0.1:$port"
    is "$(cat "$client_dir/words")" "<a><b c><d 'ef\"g><\\><\$HOME><*><~><;><|><&&><>><x><#><><>" words
    # It is found as a shell finds it.
    PATH=$client_dir:$PATH asking --secret-command 'show once' "127.0.0.1:$port"
    is "$(cat "$client_dir/words")" '<once>'
}

@test "66: each way in which a command gives no secret is told, and nothing has been connected by then" {
    local command text
    start_server good
    # shellcheck disable=SC2016 # for the script
    script dies 'kill -KILL $$'
    while IFS='|' read -r command text; do
        run asking --secret-command "$command" "127.0.0.1:$port"
        is "$status" 66 "status of $command"
        is "$output" "ostclient: $text" "$command"
    done <<CASES
false|false: ended with status 1
sh -c "echo The; exit 3"|sh: ended with status 3
true|true: printed no secret: it must be in its first line
echo|echo: printed no secret: it must be in its first line
printf '\\nThe\\n'|printf: printed no secret: it must be in its first line
/nonexistent/command|/nonexistent/command: cannot be run: No such file or directory
$key|$key: cannot be run: Permission denied
$client_dir/dies|$client_dir/dies: was ended by signal 9 (Killed)
yes|yes: printed too much, and was ended
head -c 4096 /dev/zero|head: printed too much, and was ended
CASES
    run asking --secret-command 'sh -c "echo why not >&2; exit 1"' "127.0.0.1:$port"
    is "$output" $'why not\nostclient: sh: ended with status 1'
    run asking -q --secret-command 'sh -c "echo why not >&2; exit 1"' "127.0.0.1:$port"
    is "$status $output" '66 '
    run ! grep -q '^scene' "$server_log"
}

@test "78: what a command prints can be no secret" {
    local command
    for command in "printf 'a\\0b'" 'head -c 256 /dev/zero' "printf '\\357\\273\\277The'" "printf 'a\\rb'"; do
        run "$ostclient" --secret-command "$command" 127.0.0.1:1
        is "$status" 78 "status of $command"
    done
}

@test "64: a command or a credential that cannot be one, and two places for one secret" {
    local -a cases=(--secret-command '' --secret-command ' ' --secret-command "a 'b" --secret-command 'a "' --secret-command "'' a"
        --secret-command "$(printf 'a%.0s' {1..4096})" --secret-command "$(printf 'a %.0s' {1..65})"
        --credential '' --credential a/b --credential . --credential .. --credential "$(printf 'a%.0s' {1..256})")
    local -i i
    for ((i = 0; i < ${#cases[@]}; i += 2)); do
        run "$ostclient" "${cases[i]}" "${cases[i + 1]}" host
        is "$status" 64 "status of ${cases[*]:i:2}"
        matches "$output" "${cases[i]} '"
    done
    while IFS='|' read -r options text; do
        # shellcheck disable=SC2086 # words on purpose
        run "$ostclient" $options host
        is "$status" 64 "status of $options"
        is "${lines[0]}" "ostclient: $text"
    done <<'CASES'
-k a -f 0|-k and -f exclude each other
--credential a -k a|--credential and -k exclude each other
--secret-command a --credential a|--secret-command and --credential exclude each other
--reply-command a --secret-command a|--reply-command and --secret-command exclude each other
--secret-command a --secret-command a|--secret-command is given twice
--command-timeout 5|--command-timeout is for --secret-command and --reply-command
--secret-command a --command-timeout 0|--command-timeout '0' is not a number from 1 to 3600
CASES
    run "$ostclient" host --secret-command
    is "$status ${lines[0]}" '64 ostclient: --secret-command needs an argument'
}

@test "the command has the user's environment, /dev/null to read from, and no descriptor of the client's" {
    cat >"$client_dir/look" <<'END'
#!/usr/bin/python3 -IS
import os, sys
place = os.path.dirname(sys.argv[0])
with os.scandir("/proc/self/fd") as entries:
    held = sorted(entry.name for entry in entries if "/fd" not in os.readlink(entry.path))
with open("/proc/self/status") as status:
    signals = [line for line in status if line.startswith(("SigBlk", "SigIgn"))]
with open(place + "/looked", "w") as looked:
    print(os.readlink("/proc/self/fd/0"), *held, file=looked)
    print(os.environ.get("KEPT"), os.environ.get("PATH"), os.getcwd(), file=looked)
    looked.writelines(signals)
print("The")
END
    chmod 755 "$client_dir/look"
    start_server good
    cd "$client_dir"
    # bats has descriptors of its own.
    # shellcheck disable=SC2016 # for the inner shell
    KEPT=here bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done; exec "$@"' bash \
        timeout 900 "$ostclient" --secret-command "$client_dir/look" "127.0.0.1:$port" <"$key"
    cat "$client_dir/looked"
    is "$(sed -n 1p "$client_dir/looked")" '/dev/null 0 1 2'
    is "$(sed -n 2p "$client_dir/looked")" "here $PATH $client_dir"
    # Python itself ignores SIGPIPE and SIGXFSZ.
    grep -qE '^SigBlk:\s0+$' "$client_dir/looked"
    grep -qE '^SigIgn:\s0+1001000$' "$client_dir/looked"
}

@test "the time that the command takes is not the knock's" {
    start_server good
    # A busy machine may be slower than -t says; but with no time left there would be no connection.
    run "$ostclient" -t 1 --secret-command 'sh -c "sleep 1.5; echo The"' "127.0.0.1:$port"
    server_saw 'scene good'
}

@test "--command-timeout: a command that is not done is ended, with what it has started, even where it ignores SIGTERM" {
    script lingers "trap '' TERM" "echo \$\$ >$client_dir/pid" 'sleep 3600 &' "echo \$! >$client_dir/child" 'wait'
    run asking --secret-command "$client_dir/lingers" --command-timeout 1 127.0.0.1:1
    is "$status" 66
    is "$output" "ostclient: $client_dir/lingers: was not done within its time limit, and was ended"
    is_gone "$(cat "$client_dir/pid")"
    eventually is_gone "$(cat "$client_dir/child")"
}

@test "SIGINT, SIGTERM and SIGHUP end the command with the client, which ends as the signal says; so does SIGKILL" {
    local signal pid
    script lingers "echo \$\$ >$client_dir/pid" 'sleep 3600 &' "echo \$! >$client_dir/child.new" \
        "mv $client_dir/child.new $client_dir/child" 'wait'
    for signal in INT TERM HUP KILL; do
        rm -f "$client_dir/child"
        # A shell has its background commands ignore SIGINT.
        /usr/bin/python3 -ISc 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$ostclient" --secret-command "$client_dir/lingers" 127.0.0.1:1 3>&- &
        pid=$!
        eventually test -e "$client_dir/child"
        kill -s "$signal" "$pid"
        status=0
        wait "$pid" || status=$?
        is "$status" $((128 + $(kill -l "$signal"))) "status after SIG$signal"
        eventually is_gone "$(cat "$client_dir/pid")"
        [ "$signal" = KILL ] || eventually is_gone "$(cat "$client_dir/child")"
        kill -KILL "$(cat "$client_dir/child")" 2>/dev/null || :
    done
}

@test "no process is left behind while the client knocks, alive or dead, and SIGCHLD that is ignored does no harm" {
    start_server --gate "$client_dir/gate" gated
    env --ignore-signal=CHLD "$ostclient" -t 600 -w --secret-command 'echo The' "127.0.0.1:$port" 3>&- &
    local pid=$!
    eventually grep -q '^scene' "$server_log"
    is "$(pgrep -P "$pid" || :)" '' children
    touch "$client_dir/gate"
    wait "$pid"
}

@test "71: no process can be started" {
    local as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --clear-groups --regid 65534)
    exec 7<"$ostclient"
    run "${NO_LEAK_CHECK[@]}" "${as[@]}" prlimit --nproc=0:0 /proc/self/fd/7 --secret-command 'echo The' 127.0.0.1:1
    exec 7<&-
    is "$status" 71
    matches "$output" 'echo: could not be started: .*ulimit'
}

@test "I10: the secret that a command prints is in no argument, variable or message" {
    # shellcheck disable=SC2016 # for the script
    script tells 'cat "$0.secret"'
    echo 'Xyzzy-Plugh-from-the-command' >"$client_dir/tells.secret"
    start_server --gate "$client_dir/gate" gated
    "$ostclient" -v -w -t 600 --secret-command "$client_dir/tells" "127.0.0.1:$port" >"$client_dir/said" 2>&1 3>&- &
    local pid=$!
    eventually grep -q '^scene' "$server_log"
    cat "/proc/$pid/cmdline" "/proc/$pid/environ" >"$client_dir/shown"
    touch "$client_dir/gate"
    run wait "$pid"
    run ! grep -aq Xyzzy "$client_dir/shown"
    run ! grep -q Xyzzy "$client_dir/said"
    grep -q 'reply sent' "$client_dir/said"
}

# --- at a terminal ----------------------------------------------------------------------------------------------

# Asks as programs ask for a passphrase, without echo.
asker() {
    cat >"$client_dir/asks" <<'END'
#!/bin/bash
exec 5<>/dev/tty
stty -echo <&5
printf 'Passphrase: ' >&5
read -r answer <&5
stty echo <&5
[ "$answer" = open ] && echo The
END
    chmod 755 "$client_dir/asks"
}

@test "a command may ask at the terminal, and its ^C is the client's" {
    asker
    start_server good
    run "$TOOLS/at_terminal.py" expect='Passphrase: ' echo=off 'type=open\r' -- \
        "$ostclient" -w -t 600 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on exit 0'
    run "$TOOLS/at_terminal.py" expect='Passphrase: ' echo=off 'type=\x03' -- \
        "$ostclient" -w -t 600 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on signal 2'
}

@test "a command that asks can be stopped with the client, which goes on with it; and none that is ended leaves no echo" {
    asker
    start_server good
    run "$TOOLS/at_terminal.py" expect='Passphrase: ' echo=off 'type=\x1a' stopped echo=on continue echo=off 'type=open\r' -- \
        "$ostclient" -w -t 600 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on exit 0'
    run "$TOOLS/at_terminal.py" expect='Passphrase: ' echo=off -- \
        "$ostclient" -w -t 600 --command-timeout 1 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on exit 66'
    run "$TOOLS/at_terminal.py" expect='Passphrase: ' echo=off signal=TERM -- \
        "$ostclient" -w -t 600 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on signal 15'
}

@test "a command that asks while the client is in the background is stopped with it, and has the terminal when it is back" {
    asker
    start_server good
    # shellcheck disable=SC2016 # for the other shell
    run "$TOOLS/at_terminal.py" background "touch=$client_dir/asked" stopped continue expect='Passphrase: ' echo=off 'type=open\r' -- \
        sh -c 'while [ ! -e "$0" ]; do sleep 0.01; done; exec "$@"' "$client_dir/asked" \
        "$ostclient" -w -t 600 --secret-command "$client_dir/asks" "127.0.0.1:$port"
    echo "$output"
    is "${lines[-2]} ${lines[-1]}" 'echo on exit 0'
}

@test "what is to end the client while it is stopped ends the command as well, with what it has started" {
    # shellcheck disable=SC2016 # for the other shell
    printf '%s\n' '#!/bin/sh' 'trap "" HUP TERM' 'sleep 600 & echo $! >"$0.child"' 'kill -TSTP $$' 'wait' >"$client_dir/stops"
    chmod 755 "$client_dir/stops"
    run "$TOOLS/at_terminal.py" stopped signal=TERM continue -- "$ostclient" --check-secret --secret-command "$client_dir/stops"
    echo "$output"
    is "${lines[-1]}" 'signal 15'
    is_gone "$(cat "$client_dir/stops.child")"
}

@test "I13: what a command has left in the background, and what goes on writing, is not waited for" {
    # shellcheck disable=SC2016 # for the other shell
    printf '%s\n' '#!/bin/sh' 'cat /dev/zero >&2 &' 'echo $! >"$0.child"' 'echo The' >"$client_dir/floods"
    chmod 755 "$client_dir/floods"
    run -0 "${NO_LEAK_CHECK[@]}" timeout 300 strace -o "$client_dir/calls" -e trace=read "$ostclient" -q --check-secret --secret-command "$client_dir/floods"
    kill "$(cat "$client_dir/floods.child")" 2>/dev/null || :
    # Not by luck: each read is one of what a pipe can hold.
    [ "$(wc -l <"$client_dir/calls")" -lt 3000 ]
}

@test "a signal that is ignored here, and ends a command that asks, is told" {
    printf '%s\n' '#!/bin/sh' 'exec /usr/bin/python3 -ISc "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)"' \
        >"$client_dir/ends"
    chmod 755 "$client_dir/ends"
    run "$TOOLS/at_terminal.py" -- sh -c 'trap "" INT; exec "$@"' sh "$ostclient" --check-secret --secret-command "$client_dir/ends"
    echo "$output"
    is "${lines[-1]}" 'exit 66'
    matches "$output" 'was ended by signal 2 \(Interrupt\), which is ignored here'
}

# --- without a knock --------------------------------------------------------------------------------------------

# checked STATUS LINE OPTION...: --check-secret says so, with an address and without one.
checked() {
    local place
    for place in "" "127.0.0.1:$port"; do
        # shellcheck disable=SC2086 # none or one
        run --separate-stderr "$ostclient" --check-secret "${@:3}" $place
        is "$status" "$1" "status of ${*:3}: $stderr"
        if [ "$1" -eq 0 ]; then
            is "$output $stderr" "$2 " "${*:3}"
        else
            is "$output $stderr" " ostclient: $2" "${*:3}"
        fi
    done
}

@test "--check-secret: one line and a status say whether the secret can be had, from wherever, and nobody is asked" {
    start_server good
    mkdir "$client_dir/credentials"
    cp "$key" "$client_dir/credentials/door"
    cp "$key" "$client_dir/credentials/secret"
    export CREDENTIALS_DIRECTORY=$client_dir/credentials
    checked 0 "$key: the secret can be had" -k "$key"
    checked 0 'credential door: the secret can be had' --credential door
    checked 0 'printf: the secret can be had' --secret-command 'printf The'
    checked 0 "$TOOLS/fake_device.py: answers" --reply-command "$TOOLS/fake_device.py $client_dir/credentials"
    checked 78 "$key.no cannot be opened: No such file or directory" -k "$key.no"
    checked 78 "$client_dir/credentials/window cannot be opened: No such file or directory" --credential window
    checked 78 'printf: the secret has a NUL, CR or LF byte inside: give it as one line of text' --secret-command "printf 'a\\rb'"
    checked 66 'false: ended with status 1' --secret-command false
    checked 66 'false: ended with status 1' --reply-command false
    run "$ostclient" --check-secret -f 0 <"$key"
    is "$status $output" '0 descriptor 0: the secret can be had'
    run "$ostclient" --check-secret -q -k "$key"
    is "$status $output" '0 '
    run "$ostclient" --check-secret -q --secret-command false
    is "$status $output" '66 '
    run bash -c '"$@" >/dev/full' bash "$ostclient" --check-secret -k "$key"
    is "$status" 71
    run "$TOOLS/at_terminal.py" expect='Secret: ' echo=off 'type=The\r' -- "$ostclient" --check-secret
    is "${lines[1]}|${lines[-1]}" 'terminal: the secret can be had|exit 0'
    run setsid -w "$ostclient" --check-secret
    is "$status" 78
    run ! grep -q '^scene' "$server_log"
}
