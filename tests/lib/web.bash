# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # single quotes for the shells inside
# The web form, under real web servers and by itself, with a stand-in for ostgrant (tools/fake_granter.py) at its socket.
# Loaded with: load ../../lib/web (after common). In setup: need_root; make_work. In teardown: web_stop; remove_work.
#
#   web_alone [REASON]        the program alone: cgi VARIABLE=VALUE... <BODY
#   web_begin [REASON]        a Debian with web servers, in namespaces of its own: then start_lighttpd, start_nginx or
#                             start_apache, and visit CURL-OPTION...; users are alice and carol, with the password "open"
#
# $LOG is what is logged, $ASKED what ostgrant was asked, and what it saw of who asked.

CGI=$OSTIARY_BUILD/src/grant/cgi/ostgrant.cgi
# shellcheck disable=SC2034 # the tests read it
WEB_PACKAGES=(lighttpd lighttpd-mod-openssl nginx-light fcgiwrap apache2 chromium-headless-shell)
WEB=
SINK=

web_namespaces() {
    LOG=$WORK/log
    ASKED=$WORK/asked
    : >"$LOG"
    : >"$ASKED"
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc "$@" </dev/null >"$WORK/web.out" 2>&1 3>&- &
    WEB=$!
}

# in_web COMMAND...: in the namespaces, as root.
in_web() {
    nsenter -t "$(pgrep -P "$WEB")" -p -m -n -- "$@"
}

# Ending the namespace's first process ends all in it.
web_stop() {
    [ -n "$WEB" ] || return 0
    kill -KILL "$(pgrep -P "$WEB")" 2>/dev/null || kill -KILL "$WEB" 2>/dev/null || true
    wait "$WEB" 2>/dev/null || true
    WEB=
}

# ---- The program alone ----

stop_sink() {
    [ -n "$SINK" ] || return 0
    kill "$SINK" 2>/dev/null || true
    wait "$SINK" 2>/dev/null || true
    SINK=
}

web_alone() {
    "$TOOLS/syslog_sink.py" "$WORK/log.sock" "$WORK/log" 3>&- &
    SINK=$!
    eventually test -S "$WORK/log.sock"
    # Where the server's user can go, wherever it was built.
    install -m 755 -t "$WORK/bin" "$OSTIARY_BUILD/src/grant/cgi/ostgrant.cgi"
    CGI=$WORK/bin/ostgrant.cgi
    web_namespaces -- "$TOOLS/launcher_init.sh" "$WORK" sh -euc '
        mount -t tmpfs -o mode=755 none /run
        mkdir /run/ostiary-web
        exec "$@"' sh "$TOOLS/fake_granter.py" /run/ostiary-web/grant "$WORK/asked" "$@"
    eventually in_web test -S /run/ostiary-web/grant
}

# cgi VARIABLE=VALUE...: run it as a web server does for alice at 192.0.2.7, who looks at the page unless a variable says
# otherwise; what is said last holds, and NAME alone takes it away. Standard input is the body. Gives $output and $status.
cgi() {
    local variable
    local -A said=([REQUEST_METHOD]=GET [REMOTE_ADDR]=192.0.2.7 [REMOTE_USER]=alice [HTTPS]=on [QUERY_STRING]="")
    for variable; do
        if [[ $variable == *=* ]]; then
            said[${variable%%=*}]=${variable#*=}
        else
            unset "said[$variable]"
        fi
    done
    local words=()
    for variable in "${!said[@]}"; do
        words+=("$variable=${said[$variable]}")
    done
    run in_web setpriv --reuid www-data --regid www-data --clear-groups env -i \
        "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" "${words[@]}" "$CGI"
}

# post BODY VARIABLE=VALUE...: the same for a form of the page.
post() {
    local body=$1
    shift
    cgi REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded "CONTENT_LENGTH=${#body}" \
        HTTP_SEC_FETCH_SITE=same-origin "$@" < <(printf %s "$body")
}

# token_of USER: as the stand-in makes it.
token_of() {
    /usr/bin/python3 -ISc 'import hmac, sys; print(hmac.new(b"a key", sys.argv[1].encode(), "sha256").hexdigest()[:32])' "$1"
}

# ---- Servers ----

# web_begin [REASON]: needs $WEB_TREE, from web_tree in setup_file.
web_begin() {
    web_debian
    in_web "$TOOLS/fake_granter.py" "$WORK/root/run/ostiary-web/grant" "$ASKED" "$@" </dev/null >>"$WORK/web.out" 2>&1 3>&- &
    eventually in_web test -S "$WORK/root/run/ostiary-web/grant"
    web_users
}

# web_begin_for_real LINE...: the same with ostgrant itself at the socket, started for each request, and the firewall of the
# namespaces; LINEs are its configuration, $GRANTS.
web_begin_for_real() {
    web_debian
    GRANTS=$WORK/ostiary-grants.cfg
    printf '%s\n' "STATE_DIR=\"$WORK/state\"" "$@" >"$GRANTS"
    in_web "$OSTIARY_BUILD/src/grant/ostgrant" -c "$GRANTS" load
    in_web systemd-socket-activate --accept --inetd -l "$WORK/root/run/ostiary-web/grant" \
        "$OSTIARY_BUILD/src/grant/ostgrant" -c "$GRANTS" serve </dev/null >>"$WORK/web.out" 2>&1 3>&- &
    eventually in_web test -S "$WORK/root/run/ostiary-web/grant"
    in_web chown www-data "$WORK/root/run/ostiary-web/grant"
    web_users
}

# web_outside: another host, on a link with the server. What comes from the server itself no gate shuts out; what comes
# from there it does. The server is 203.0.113.1 and 2001:db8:f::1 there; the host has 203.0.113.7 and 2001:db8:f::7, and
# besides 203.0.113.200 and 2001:db8:9::7, in networks that an admin can name.
web_outside() {
    in_web unshare --net sh -c 'echo "$$" >"$1.new"; mv "$1.new" "$1"; exec sleep infinity' sh "$WORK/outside" \
        </dev/null >>"$WORK/web.out" 2>&1 3>&- &
    eventually test -e "$WORK/outside"
    outside sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    in_web sh -euc '
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
        ip link add outside type veth peer name eth0 netns "$1"
        ip link set outside up
        ip address add 203.0.113.1/24 dev outside
        ip address add 2001:db8:f::1/64 dev outside
        ip route add 2001:db8:9::/64 dev outside' sh "$(cat "$WORK/outside")"
    outside sh -euc '
        ip link set lo up
        ip link set eth0 up
        for address in 203.0.113.7/24 203.0.113.200/24 2001:db8:f::7/64 2001:db8:9::7/128; do
            ip address add "$address" dev eth0
        done'
}

# outside COMMAND...: there.
outside() {
    in_web nsenter "--net=/proc/$(cat "$WORK/outside")/ns/net" -- "$@"
}

web_debian() {
    : "${OSTIARY_LIBEXECDIR:?is set by meson test}"
    web_namespaces --net -- "$TOOLS/web_init.sh" "$WORK" "$WEB_TREE" "$CGI" "$OSTIARY_LIBEXECDIR/ostiary/ostgrant.cgi"
    eventually test -e "$WORK/ready"
}

web_tree() {
    WEB_TREE=$(sh "$OSTIARY_SOURCE/tests/setup.sh" tree "${WEB_PACKAGES[@]}")
    export WEB_TREE
}

# A certificate and a password file at each place where an example has them.
web_users() {
    local user place
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=gate.example \
        -keyout "$WORK/server.key" -out "$WORK/server.crt" 2>/dev/null
    for user in alice carol mallory; do
        echo "$user:$(openssl passwd -apr1 open)"
    done >"$WORK/ostgrant.htpasswd"
    cat "$WORK/server.crt" "$WORK/server.key" >"$WORK/server.pem"
    for place in lighttpd nginx apache2; do
        in_web install -m 644 -t "$WORK/root/etc/$place" "$WORK"/server.{crt,pem} "$WORK/ostgrant.htpasswd"
        in_web install -m 600 -t "$WORK/root/etc/$place" "$WORK/server.key"
    done
}

# serve COMMAND...: in the Debian, in the background, until all ends.
serve() {
    in_web chroot "$WORK/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null >>"$WORK/web.out" 2>&1 3>&- &
    eventually web_answers || {
        cat "$WORK/web.out"
        return 1
    }
}

# The port on which a server is waited for, at every address or at 127.0.0.1.
PORT=443

# Who shows no certificate may be turned away, but not before somebody is there: 7 is that nobody listens.
web_answers() {
    local answer=0
    in_web curl -sk -o /dev/null "https://127.0.0.1:$PORT/" || answer=$?
    [ "$answer" -ne 7 ]
}

# example SERVER FILE [OPTION...]: the ready configuration, at its place, changed by sed -E with these options.
example() {
    sed -E "${@:3}" -e '' "$OSTIARY_BUILD/src/grant/cgi/ostgrant-$1.conf" >"$WORK/$1.conf"
    in_web install -D -m 644 "$WORK/$1.conf" "$WORK/root$2"
}

start_lighttpd() {
    example lighttpd /etc/lighttpd/conf-available/60-ostgrant.conf "$@"
    in_web chroot "$WORK/root" lighty-enable-mod ostgrant >>"$WORK/web.out"
    # What systemd-tmpfiles makes of Debian's package.
    in_web chroot "$WORK/root" install -d -o www-data -g www-data /run/lighttpd
    serve lighttpd -D -f /etc/lighttpd/lighttpd.conf
}

start_nginx() {
    example nginx /etc/nginx/conf.d/ostgrant.conf "$@"
    in_web systemd-socket-activate -l "$WORK/root/run/fcgiwrap.socket" \
        chroot --userspec=www-data:www-data "$WORK/root" /usr/sbin/fcgiwrap </dev/null >>"$WORK/web.out" 2>&1 3>&- &
    eventually in_web test -S "$WORK/root/run/fcgiwrap.socket"
    in_web chown www-data "$WORK/root/run/fcgiwrap.socket"
    serve nginx -g 'daemon off;'
}

start_apache() {
    example apache /etc/apache2/sites-available/ostgrant.conf "$@"
    in_web chroot "$WORK/root" sh -euc 'a2enmod -q ssl cgid && a2ensite -q ostgrant' >>"$WORK/web.out" 2>&1
    serve sh -c '. /etc/apache2/envvars && mkdir -p /run/lock "$APACHE_RUN_DIR/socks" "$APACHE_LOCK_DIR" && exec apache2 -DFOREGROUND'
}

# visit CURL-OPTION...: ask for the page, or send it a form. Gives $output, the headers and the page, and $code, which is
# 000 where there was no answer. (A server that has refused a form need not take the rest of it.)
visit() {
    run in_web curl -sk -i --max-time 60 -w '\n%{http_code}\n' "$@"
    code=$(tail -n 1 <<<"$output")
}

# What the servers have said, where a test has failed.
web_tell() {
    [ -z "${BATS_TEST_COMPLETED-}" ] && [ -n "$WEB" ] || return 0
    cat "$WORK/web.out" "$LOG"
    in_web sh -c 'tail -n 20 "$1"/var/log/*/error.log' sh "$WORK/root" || true
}

logged() {
    eventually grep -qE -- "$1" "$LOG" || {
        printf 'no line matches %s in the log:\n' "$1"
        cat "$LOG"
        return 1
    }
}
