#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostgrant.cgi by itself, run as a web server runs it: what it goes by, what it refuses, and what it leaves of itself. At its
# socket is a stand-in for ostgrant.

load ../../lib/common
load ../../lib/web

setup() {
    need_root
    make_work
}

teardown() {
    web_stop
    stop_sink
    remove_work
}

# asked N: so many requests have reached ostgrant.
asked() {
    is "$(grep -c '^asked' "$ASKED")" "$1" "requests"
}

# answers CODE REGEX: the answer has this status and says this.
answers() {
    is "$status" 0 "exit status, and it said: $output"
    matches "$output" "^Status: $1 "
    matches "$output" "$2"
}

# refuses CODE REASON: with a page and one line in the log, and ostgrant hears nothing of it.
refuses() {
    answers "$1" 'role="alert"'
    logged "refused seen=[0-9a-f.:?]+ user=[a-z?]+ reason=$2: "
    is "$(grep -c 'ostgrant\.cgi' "$LOG")" 1 "lines of the log"
    asked 0
    : >"$LOG"
}

@test "the page is shown to whom the server has authenticated, for the address that it has seen" {
    web_alone
    cgi
    answers 200 'Signed in as alice'
    matches "$output" '<p class="address">192\.0\.2\.7</p>'
    grep -qx 'asked show user=alice seen=192.0.2.7' "$ASKED"
    cgi REMOTE_ADDR=::ffff:192.0.2.9 REMOTE_USER=alice
    grep -qx 'asked show user=alice seen=192.0.2.9' "$ASKED"
    cgi REMOTE_USER=mallory
    answers 403 'You may not do this'
    is "$(cat "$LOG")" '' "what is logged of it, besides by ostgrant"
}

@test "each answer is for this moment and this site alone" {
    local header
    web_alone
    for header in 'Cache-Control: no-store' 'X-Content-Type-Options: nosniff' 'X-Frame-Options: DENY' \
        'Referrer-Policy: same-origin' "Content-Security-Policy: default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]*'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"; do
        cgi
        matches "$output" "$header"
        cgi REMOTE_USER=
        matches "$output" "$header"
    done
    post "token=$(token_of alice)&do=open&gate=ssh"
    matches "$output" 'Cache-Control: no-store'
    # The hash of the style is that of the style.
    cgi
    is "$(sed -n 's,.*<style>\(.*\)</style>.*,\1,p' <<<"$output" | tr -d '\n' | openssl dgst -sha256 -binary | base64)" \
        "$(sed -n "s/.*'sha256-\([^']*\)'.*/\1/p" <<<"$output")" "hash of the style"
}

@test "a form is asked for once, and leads to a page that can be loaded again" {
    local token
    web_alone
    token=token=$(token_of alice)
    post "$token&do=open&gate=ssh&hours=2%2C4"
    answers 303 $'\nLocation: [?]done=open&gate=ssh\r'
    is "$(grep '^asked' "$ASKED")" "asked open gate=ssh user=alice seen=192.0.2.7 $token address=192.0.2.7 lifetime=8640" "what was asked"
    cgi 'QUERY_STRING=done=open&gate=ssh' HTTP_SEC_FETCH_SITE=same-origin
    answers 200 'ssh is open\.'
    # A link of another site can say what it wants.
    cgi 'QUERY_STRING=done=close&gate=ssh' HTTP_SEC_FETCH_SITE=cross-site
    answers 200 'Signed in as alice'
    refute grep -F 'has been closed' <<<"$output"
    is "$(grep -c '^asked open' "$ASKED")" 1 "how often it was asked for"
}

@test "what is not of our page is refused, with one line in the log, and ostgrant does not hear of it" {
    local form
    web_alone
    form="token=$(token_of alice)&do=open&gate=ssh"
    post "$form" HTTP_SEC_FETCH_SITE=cross-site
    refuses 403 site
    post "$form" HTTP_SEC_FETCH_SITE=same-site HTTP_ORIGIN=https://gate.example HTTP_HOST=gate.example
    refuses 403 site
    post "$form" HTTP_SEC_FETCH_SITE HTTP_ORIGIN=https://evil.example HTTP_HOST=gate.example
    refuses 403 site
    post "$form" HTTP_SEC_FETCH_SITE HTTP_ORIGIN=null HTTP_HOST=gate.example
    refuses 403 site
    post "$form" HTTP_SEC_FETCH_SITE HTTP_REFERER=https://gate.example/gate HTTP_HOST=gate.example
    refuses 403 site
    post "$form" CONTENT_TYPE=multipart/form-data
    refuses 415 type
    post "$form" CONTENT_TYPE=application/x-www-form-urlencoded-or-not
    refuses 415 type
    post "$form" CONTENT_TYPE
    refuses 415 type
    post "$form" 'QUERY_STRING=do=close'
    refuses 400 query
    post 'do=open&gate=ssh'
    refuses 400 form
    post "$form&more=1"
    refuses 400 form
    post "$form&gate=web"
    refuses 400 form
    post "$form%"
    refuses 400 form
    post "$form" HTTP_SEC_FETCH_SITE HTTP_ORIGIN=https://gate.example HTTP_HOST=gate.example
    answers 303 'Location'
}

@test "a length that is missing, in each of three ways, none or too large; and a body that ends early" {
    local form length
    web_alone
    form="token=$(token_of alice)&do=open&gate=ssh"
    for length in CONTENT_LENGTH CONTENT_LENGTH= CONTENT_LENGTH=0; do
        post "$form" "$length"
        refuses 411 no-body
    done
    for length in -1 0x10 1e3 ' 5' '5 ' five; do
        post "$form" "CONTENT_LENGTH=$length"
        refuses 400 length
    done
    for length in 4097 1048576 18446744073709551617; do
        post "$form" "CONTENT_LENGTH=$length"
        refuses 413 size
    done
    post "$form" "CONTENT_LENGTH=$((${#form} + 1))"
    refuses 400 short
    # What is behind it is no part of the form.
    post "$form&gate=web" "CONTENT_LENGTH=${#form}"
    answers 303 'Location'
}

@test "1 MiB of form is refused before it is read" {
    web_alone
    head -c 1048576 /dev/zero | tr '\0' a >"$WORK/large"
    chmod 644 "$WORK/large"
    cgi REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=1048576 \
        HTTP_SEC_FETCH_SITE=same-origin <"$WORK/large"
    refuses 413 size
}

@test "only GET and POST: a HEAD gets no page, and a GET changes nothing, whatever its query is" {
    local query
    web_alone
    cgi REQUEST_METHOD=HEAD
    is "$status" 0 "exit status"
    matches "$output" '^Status: 405 '
    matches "$output" 'Allow: GET, POST'
    refute grep -F '<' <<<"$output"
    logged 'reason=method: '
    : >"$LOG"
    for query in PUT DELETE OPTIONS get ''; do
        cgi "REQUEST_METHOD=$query"
        refuses 405 method
    done
    for query in "token=$(token_of alice)&do=open&gate=ssh" 'do=open&gate=ssh' 'done=open' 'done=destroy&gate=ssh' \
        'done=open&gate=SSH' 'done=open&gate=ssh&gate=web' 'done=open&gate=<b>' --help '%00' '='; do
        cgi "QUERY_STRING=$query"
        refuses 400 query
    done
}

@test "who is no user, comes from no address or without TLS is told how the server has to be set up" {
    local user
    web_alone
    cgi REMOTE_USER
    refuses 500 no-user
    matches "$output" 'REMOTE_USER'
    cgi REMOTE_USER=
    refuses 403 nobody
    for user in 'alice bob' $'alice\nrefused' 'alice=x' '../alice' '-alice' '@wheel' 'alice"' "alice'" '<b>' $'\xff' $'al\xc3\xafce' \
        "$(printf 'a%.0s' {1..65})" 'user=root'; do
        cgi "REMOTE_USER=$user"
        refuses 403 user
    done
    cgi REMOTE_ADDR
    refuses 500 seen
    cgi REMOTE_ADDR=localhost
    refuses 500 seen
    cgi HTTPS
    refuses 403 https
    cgi HTTPS=off
    refuses 403 https
    cgi HTTPS REMOTE_ADDR=127.0.0.1
    answers 200 'on the machine itself'
}

# with_both VARIABLE=VALUE...: started with all of these, also where a name comes twice, which no mapping can hold.
with_both() {
    run in_web setpriv --reuid www-data --regid www-data --clear-groups /usr/bin/python3 -ISc '
import ctypes, sys
words = [word.encode() for word in sys.argv[2:]]
path = sys.argv[1].encode()
ctypes.CDLL(None).execve(path, (ctypes.c_char_p * 2)(path, None), (ctypes.c_char_p * (len(words) + 1))(*words, None))' \
        "$CGI" REQUEST_METHOD=GET QUERY_STRING= "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" "$@"
}

@test "who is named in two ways is nobody" {
    web_alone
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTPS=on
    answers 200 'Signed in as alice'
    : >"$ASKED"
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTPS=on REMOTE_USER=carol
    refuses 500 twice
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER= HTTPS=on REMOTE_USER=carol
    refuses 500 twice
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTPS=on REMOTE_ADDR=203.0.113.9
    refuses 500 twice
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTPS=off HTTPS=on
    refuses 500 twice
    # What differs in nothing can mean one alone; and this is another name.
    with_both REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice REMOTE_USER=alice REMOTE_USERS=carol HTTPS=on
    answers 200 'Signed in as alice'
}

@test "what is refused has been read to its end, so that no server loses the answer" {
    local how
    web_alone
    printf 'x%.0s' {1..9000} >"$WORK/form"
    for how in HTTPS=off REMOTE_USER= REQUEST_METHOD=PUT CONTENT_TYPE=text/plain QUERY_STRING=x HTTP_SEC_FETCH_SITE=cross-site HTTP_HOST=x; do
        {
            cgi REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=9000 \
                HTTP_SEC_FETCH_SITE=same-origin "$how" <&7
            answers 4.. 'role="alert"'
            is "$(wc -c <&7)" 0 "bytes that are left with $how"
        } 7<"$WORK/form"
    done
}

@test "behind a proxy of this machine no gate is opened for the proxy, and page and log say why" {
    local address
    web_alone
    for address in 127.0.0.1 ::1 ::ffff:127.0.0.1; do
        cgi "REMOTE_ADDR=$address"
        answers 200 'stands behind a proxy'
        post "token=$(token_of alice)&do=open&gate=ssh" "REMOTE_ADDR=$address"
        answers 403 'role="alert"'
    done
    logged 'refused seen=[0-9.:]+ user=alice reason=here: ' 3
    refute grep -q 'asked open' "$ASKED"
    is "$(grep -c 'let the web server put it right' "$LOG")" 6 "lines that say how to mend it"
}

@test "what the browser or anybody says of an address or a user decides nothing" {
    web_alone
    cgi HTTP_X_FORWARDED_FOR=203.0.113.9 HTTP_X_REAL_IP=203.0.113.9 HTTP_FORWARDED=for=203.0.113.9 HTTP_CLIENT_IP=203.0.113.9 \
        HTTP_REMOTE_USER=carol HTTP_REMOTE_ADDR=203.0.113.9 HTTP_HTTPS=off HTTP_X_REMOTE_USER=carol HTTP_PROXY=carol
    answers 200 'Signed in as alice'
    is "$(grep '^asked' "$ASKED")" 'asked show user=alice seen=192.0.2.7' "what was asked"
}

@test "the token is ostgrant's to know: with another's or an old one the page comes anew" {
    web_alone
    post "token=$(token_of carol)&do=open&gate=ssh"
    answers 403 'This page was too old for that'
    matches "$output" "value=\"$(token_of alice)\""
    is "$(cat "$LOG")" '' "what is logged of it, besides by ostgrant"
}

@test "what was mistyped is shown again, with what to do" {
    local token
    web_alone
    token=token=$(token_of carol)
    post "$token&do=open&gate=ssh&hours=%3Cb%3E" REMOTE_USER=carol
    answers 400 'Write the hours as a number'
    matches "$output" 'value="&lt;b&gt;"'
    logged 'reason=hours: '
    post "$token&do=open&gate=web&address=localhost&user=bob&hours=" REMOTE_USER=carol
    answers 400 'That is not an address or a network'
    matches "$output" 'value="localhost"'
    matches "$output" '<option selected>web</option>'
    post "$token&do=open&gate=web&address=192.0.2.9&user=b+b&hours=" REMOTE_USER=carol
    answers 400 'That cannot be a user'
    refute grep -E '^asked (open|close|others)' "$ASKED"
    # And what ostgrant refuses.
    post "token=$(token_of alice)&do=open&gate=ssh&address=198.51.100.1"
    answers 403 'You may not do this'
    post "token=$(token_of alice)&do=open&gate=ssh&hours=51"
    answers 400 'longer than this gate may be open'
}

# answers_for REASON CODE REGEX: what the page says where ostgrant answers so.
answers_for() {
    web_alone "$1"
    post "token=$(token_of alice)&do=open&gate=ssh"
    answers "$2" "$3"
    web_stop
    stop_sink
    rm -f "$WORK/log.sock"
    rm -rf "${WORK:?}/dev"
}

@test "each reason of ostgrant's is told, with what to do" {
    answers_for gate 400 'There is no such gate any more'
    answers_for address 400 'cannot be opened for that address'
    answers_for none 409 'not open any more'
    answers_for full 503 'The gate is full'
    answers_for busy 503 'Try again in a moment'
    answers_for config 503 'has an error just now'
    answers_for failed 500 'its log says why'
    answers_for malformed 400 'Go back to the page'
    answers_for unheard-of 500 'its log says why'
}

@test "without an answer, with one that is none, and without anybody there, the page says so and the log why" {
    web_alone silence
    cgi
    answers 503 'does not answer'
    logged 'reason=unreachable: '
    web_stop
    stop_sink
    rm -rf "${WORK:?}/dev" "$WORK/log.sock"
    web_alone nonsense
    cgi
    answers 502 'does not answer'
    logged 'reason=answer: '
    in_web rm /run/ostiary-web/grant
    cgi
    answers 503 'does not answer'
    logged '/run/ostiary-web/grant: No such file'
}

@test "I7: it keeps nothing of the server's: no password, no descriptor, no rights, and has limits" {
    web_alone
    run in_web setpriv --reuid www-data --regid www-data --clear-groups env -i REQUEST_METHOD=GET REMOTE_ADDR=192.0.2.7 \
        REMOTE_USER=alice HTTPS=on HTTP_AUTHORIZATION='Basic b3Blbg==' "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" "$CGI" \
        5</etc/passwd 77</etc/passwd 251</etc/passwd
    answers 200 'Signed in as alice'
    grep -qx "environment b''" "$ASKED"
    # The last is the socket.
    is "$(sed -n 's/^descriptors //p' "$ASKED")" '0 1 2 3' "descriptors"
    grep -qx 'limit Max processes 0 0' "$ASKED"
    grep -qx 'limit Max core file size 0 0' "$ASKED"
    grep -qx 'limit Max open files 16 16' "$ASKED"
    grep -qE '^NoNewPrivs:[[:space:]]1$' "$ASKED"
}

@test "I13: a body that never comes and a service that never answers have an end" {
    web_alone late
    mkfifo "$WORK/body"
    sleep 600 >"$WORK/body" 3>&- &
    local sleeper=$! begin=$SECONDS
    cgi REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=20 HTTP_SEC_FETCH_SITE=same-origin \
        <"$WORK/body"
    kill "$sleeper"
    answers 400 'role="alert"'
    logged 'reason=short: '
    [ $((SECONDS - begin)) -ge 9 ]
    cgi
    answers 503 'does not answer'
}

@test "I13: whatever it hangs at, an alarm ends it with a line in the log" {
    web_alone
    mkfifo "$WORK/body"
    sleep 600 >"$WORK/body" 3>&- &
    local sleeper=$!
    in_web env -i REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=20 HTTPS=on \
        REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTP_SEC_FETCH_SITE=same-origin sh -c "echo \$\$ >'$WORK/pid'; exec '$CGI'" \
        <"$WORK/body" >"$WORK/said" 2>&1 3>&- &
    local request=$!
    # It reads what does not come, and has no other time limit than its own.
    eventually in_web sh -c "grep -qs ostgrant.cgi /proc/\$(cat '$WORK/pid')/comm && grep -q poll /proc/\$(cat '$WORK/pid')/wchan"
    in_web sh -c "kill -ALRM \$(cat '$WORK/pid')"
    local ended=0
    wait "$request" || ended=$?
    kill "$sleeper"
    is "$ended" 75 "its status"
    logged 'ended after [0-9]+ s, in the middle of it'
}

@test "it links nothing but the C library" {
    is "$(readelf -d "$CGI" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^lib(c|asan|ubsan)\.so')" '' "libraries"
}

@test "by hand it says what it is, and what a browser sends is never taken for an option" {
    run "$CGI" --version
    is "$status" 0 "status"
    matches "$output" '^ostgrant\.cgi [0-9]'
    run "$CGI" --help
    is "$status" 0 "status of --help"
    matches "$output" '^usage: '
    run "$CGI"
    is "$status" 64 "status without a server"
    web_alone
    run in_web env -i REQUEST_METHOD=GET REMOTE_ADDR=192.0.2.7 REMOTE_USER=alice HTTPS=on \
        "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" "$CGI" --help
    answers 200 'Signed in as alice'
}

@test "each reason for a refusal is in the manual" {
    local reason count=0
    while read -r reason; do
        sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh SEE/p' "$OSTIARY_SOURCE/src/grant/cgi/ostgrant.cgi.8" |
            grep -qE "^\.Sy (.* )?$reason( |$)|reason=$reason" || {
            echo "ostgrant.cgi(8), DIAGNOSTICS, has no word of $reason"
            return 1
        }
        count=$((count + 1))
    done < <(tr -d '\n' <"$OSTIARY_SOURCE/src/grant/cgi/refusal.c" | grep -oE '\{[0-9]{3}, *"[a-z-]+"' | cut -d '"' -f 2)
    [ "$count" -ge 15 ]
}
