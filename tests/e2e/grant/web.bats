#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The web form under real web servers, set up by the ready configurations, and in a real browser.
# shellcheck disable=SC2016 # variables of the servers, and of shells inside

load ../../lib/common
load ../../lib/web

setup_file() {
    need_root
    web_tree
}

setup() {
    need_root
    make_work
}

teardown() {
    web_tell
    web_stop
    remove_work
}

# As alice, and a form as the page sends it.
as_alice() {
    visit --interface 192.0.2.7 -u alice:open "$@" https://192.0.2.1/gate
}

as_carol() {
    visit --interface 198.51.100.8 -u carol:open "$@" https://192.0.2.1/gate
}

form() {
    as_alice -H 'Sec-Fetch-Site: same-origin' "$@"
}

# What must be so under each server.
looks() {
    local before
    visit --interface 192.0.2.7 https://192.0.2.1/gate
    is "$code" 401 "status without a password"
    visit --interface 192.0.2.7 -u alice:shut https://192.0.2.1/gate
    is "$code" 401 "status with a wrong one"
    is "$(cat "$ASKED")" '' "what was asked"

    visit --interface 192.0.2.7 -u alice:open https://192.0.2.1/gate
    is "$code" 200 "status of the page"
    matches "$output" 'Signed in as alice'
    matches "$output" '<p class="address">192\.0\.2\.7</p>'
    matches "$output" "[Cc]ontent-[Ss]ecurity-[Pp]olicy: default-src 'none'; style-src 'sha256-"
    visit --interface 2001:db8:7::7 -u alice:open 'https://[2001:db8::1]/gate'
    matches "$output" 'Opens for 2001:db8:7::/64'
    grep -qx 'uid 33' "$ASKED"
    refute grep -E "^environment b'.+'" "$ASKED"
}

changes() {
    local token
    token=token=$(token_of alice)
    form -d "$token&do=open&gate=ssh&hours=2.4"
    is "$code" 303 "status of a form"
    matches "$output" $'[Ll]ocation: (https://192[.]0[.]2[.]1/gate)?[?]done=open&gate=ssh\r'
    form -L -d "$token&do=renew&gate=ssh&hours=3"
    is "$code" 200 "status of the page to which a form leads"
    matches "$output" 'ssh has been renewed'
    matches "$output" '2 h 59 min left'
    form -L -d "$token&do=close&gate=ssh&hours=3"
    matches "$output" 'ssh has been closed'
    form -d "$token&do=close&gate=ssh"
    is "$code" 409 "status of what was not open"
    matches "$output" 'It was not open any more'
}

# refused CODE OPTION...: nothing is asked of ostgrant but what to show.
refused() {
    local wanted=$1
    shift
    as_alice "$@"
    is "$code" "$wanted" "status of $*"
    refute grep -E '^asked (open|close|others)' "$ASKED"
}

refuses() {
    local token ours='Sec-Fetch-Site: same-origin'
    token=token=$(token_of alice)
    head -c 1048576 /dev/zero | tr '\0' a >"$WORK/large"
    : >"$ASKED"
    refused 403 -H 'Sec-Fetch-Site: cross-site' -H 'Origin: https://evil.example' -d "$token&do=open&gate=ssh"
    refused 403 -H 'Origin: https://evil.example' -d "$token&do=open&gate=ssh"
    refused 403 -d "$token&do=open&gate=ssh"
    # Who waits for the server's word before he sends it all.
    refused 413 --http1.1 -H 'Expect: 100-continue' -H "$ours" --data-binary "@$WORK/large"
    refused 415 -H "$ours" -H 'Content-Type: text/plain' -d "$token&do=open&gate=ssh"
    refused 400 -H "$ours" -d 'do=open&gate=ssh'
    refused 411 -H "$ours" -d ''
    refused 405 -H "$ours" -X PUT
    refused 405 -I
    refused 400 -G -d "$token&do=open&gate=ssh"
    logged 'refused seen=192\.0\.2\.7 user=alice reason=site: '
    logged 'reason=type: '
    logged 'reason=form: '
    logged 'reason=query: '
    form -d "token=$(token_of carol)&do=open&gate=ssh"
    is "$code" 403 "status with another's token"
    matches "$output" 'This page was too old'
}

# What anybody may send decides nothing.
disbelieves() {
    : >"$ASKED"
    visit --interface 192.0.2.7 -u alice:open -H 'X-Forwarded-For: 203.0.113.9' -H 'X-Real-IP: 203.0.113.9' \
        -H 'Forwarded: for=203.0.113.9' -H 'Client-IP: 203.0.113.9' -H 'Remote_User: carol' -H 'Remote-User: carol' \
        -H 'X-Remote-User: carol' -H 'Proxy: carol' https://192.0.2.1/gate
    matches "$output" 'Signed in as alice'
    matches "$output" '<p class="address">192\.0\.2\.7</p>'
    is "$(grep -c '^asked' "$ASKED")" 1 "requests"
    grep -qx 'asked show user=alice seen=192.0.2.7' "$ASKED"
    visit --interface 192.0.2.7 -u mallory:open https://192.0.2.1/gate
    is "$code" 403 "status for who may nothing"
    matches "$output" 'You may not do this'
}

@test "lighttpd: who is let in by a password opens, renews and closes; what is forged is refused and changes nothing" {
    web_begin
    start_lighttpd
    looks
    changes
    refuses
    disbelieves
}

@test "nginx with fcgiwrap: the same" {
    web_begin
    start_nginx
    looks
    changes
    refuses
    disbelieves
}

@test "Apache: the same" {
    web_begin
    start_apache
    looks
    changes
    refuses
    disbelieves
}

# Client certificates in place of passwords, as the ready configurations say.

# certificate NAME SUBJECT [AUTHORITY]: $WORK/NAME.key and .crt.
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 -subj "$2" -keyout "$WORK/$1.key" \
        -out "$WORK/$1.csr" 2>/dev/null
    openssl x509 -req -in "$WORK/$1.csr" -days 2 -CA "$WORK/${3-clients}.crt" -CAkey "$WORK/${3-clients}.key" \
        -out "$WORK/$1.crt" 2>/dev/null
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$WORK/$1.key" \
        -out "$WORK/$1.crt" 2>/dev/null
}

# with NAME CURL-OPTION...: the visitor shows this certificate.
with() {
    visit --interface 192.0.2.7 --cert "$WORK/$1.crt" --key "$WORK/$1.key" "${@:2}" https://192.0.2.1/gate
}

web_begin_with_certificates() {
    local place
    web_begin
    authority clients
    authority strangers
    certificate alice '/CN=alice/O=Example, Inc.'
    certificate odd '/CN=al ice'
    certificate forged /CN=alice strangers
    for place in lighttpd nginx apache2; do
        in_web install -m 644 "$WORK/clients.crt" "$WORK/root/etc/$place/clients.pem"
    done
}

knows_by_certificate() {
    local subject
    with alice
    is "$code" 200 "status of the page"
    matches "$output" 'Signed in as alice'
    matches "$output" '<p class="address">192\.0\.2\.7</p>'
    is "$(grep '^asked' "$ASKED")" 'asked show user=alice seen=192.0.2.7' "what was asked"
    with alice -H 'Sec-Fetch-Site: same-origin' -L -d "token=$(token_of alice)&do=open&gate=ssh&hours=2.4"
    is "$code" 200 "status of the page to which a form leads"
    matches "$output" 'ssh is open'
    # A name that he says besides, with whatever password, is not his.
    with alice -u carol:open
    matches "$output" 'Signed in as alice'
    # Nor is what stands elsewhere in the subject, which the authority may let him choose; and a comma that is escaped
    # begins no other name.
    for subject in '/CN=alice/O=x,CN=carol' '/O=x,CN=carol/CN=alice' '/O=x\\,CN=carol/CN=alice' '/CN=alice/O=x\+CN=carol' \
        '/CN=alice+O=x,CN=carol' '/CN=alice,CN=carol' '/O=x,CN=carol' '/O=CN=carol' '/CN=carol\\/O=x' '/CN=carol,x' '/CN= carol' \
        '/CN=Carol' '/CN=carolä' /UID=carol; do
        certificate other "$subject"
        with other
        if grep '^asked show user=carol ' "$ASKED"; then
            echo "who has a certificate for $subject is taken for carol"
            return 1
        fi
    done
    # What cannot be a user is none, whoever has signed it.
    with odd
    is "$code" 403 "status of a user with a blank"
    logged 'refused seen=192\.0\.2\.7 user=\?* reason=user: '
    : >"$ASKED"
    with forged
    [ "$code" != 200 ]
    as_alice
    [ "$code" != 200 ]
    as_alice -H 'Remote-User: alice' -H 'SSL_CLIENT_S_DN_CN: alice' -H 'SSL-Client-Verify: SUCCESS'
    [ "$code" != 200 ]
    is "$(cat "$ASKED")" '' "what was asked without a certificate, and with another authority's"
}

@test "lighttpd, with client certificates: who has one of ours is its common name, and nobody else comes in" {
    web_begin_with_certificates
    start_lighttpd -e '/auth\./d' -e 's/^#(ssl\.)/\1/'
    knows_by_certificate
}

@test "nginx, with client certificates: the same" {
    web_begin_with_certificates
    start_nginx -e '/auth_basic/d' -e '/REMOTE_USER .remote_user/d' -e 's/#(map|ssl_client|ssl_verify|fastcgi_param)/\1/'
    knows_by_certificate
    # Of two common names none is his.
    certificate two /CN=alice/CN=carol
    : >"$ASKED"
    with two
    is "$code $(cat "$ASKED")" '403 ' "status with two common names, and what was asked"
}

@test "Apache, with client certificates: the same" {
    web_begin_with_certificates
    start_apache -e '/^ *(Auth|Require valid-user)/d' -e 's/#(SSL|Require)/\1/'
    knows_by_certificate
}

# Where there is a TLS server already, and behind a proxy that ends the TLS.

# part FROM TO SERVER FILE: what the head of an example says is to be put into a TLS server, at its place.
part() {
    sed -n "\\|^ *$1|,\\|^ *$2|p" "$OSTIARY_BUILD/src/grant/cgi/ostgrant-$3.conf" >"$WORK/part.conf"
    grep -q . "$WORK/part.conf"
    in_web install -D -m 644 "$WORK/part.conf" "$WORK/root$4"
}

fits_in() {
    as_alice
    is "$code" 200 "status of the page"
    matches "$output" 'Signed in as alice'
    visit --interface 192.0.2.7 https://192.0.2.1/gate
    is "$code" 401 "status without a password"
}

@test "lighttpd: the form fits in beside Debian's own TLS server" {
    web_begin
    in_web chroot "$WORK/root" lighty-enable-mod ssl >>"$WORK/web.out"
    start_lighttpd -e '/^ssl\.pemfile/,/\[::\]:443/d'
    fits_in
}

@test "nginx: the form's part fits into another TLS server" {
    web_begin
    part 'location = /gate' '# End of the location' nginx /etc/nginx/snippets/gate.conf
    in_web sh -euc 'echo "server { listen 443 ssl default_server; ssl_certificate server.crt; ssl_certificate_key server.key;
        include snippets/gate.conf; }" >"$1"' sh "$WORK/root/etc/nginx/conf.d/other.conf"
    start_nginx -e '/^server/,$d'
    fits_in
}

@test "Apache: the form's part fits into Debian's own TLS server" {
    web_begin
    part ScriptAliasMatch '</Directory>' apache /etc/apache2/gate.conf
    in_web sed -i -e 's|^\(.*CertificateFile\).*|\1 /etc/apache2/server.crt|' -e 's|^\(.*CertificateKeyFile\).*|\1 /etc/apache2/server.key|' \
        -e '/<.VirtualHost>/i Include gate.conf' "$WORK/root/etc/apache2/sites-available/default-ssl.conf"
    in_web chroot "$WORK/root" a2ensite -q default-ssl >>"$WORK/web.out" 2>&1
    start_apache -e d
    fits_in
}

# The proxy is a visitor at the machine itself.
behind_a_proxy() {
    local address
    : >"$ASKED"
    for address in 127.0.0.1 '[::1]'; do
        visit -u alice:open -H 'X-Forwarded-For: 192.0.2.7' -H 'X-Forwarded-Proto: https' "http://$address:8080/gate"
        is "$code" 200 "status of the page by $address"
        matches "$output" '<p class="address">192\.0\.2\.7</p>'
        visit -u alice:open -H 'X-Forwarded-For: 192.0.2.7' -H 'X-Forwarded-Proto: https' -H 'Host: gate.example' \
            -H 'Origin: https://gate.example' -d "token=$(token_of alice)&do=open&gate=ssh&hours=2" "http://$address:8080/gate"
        is "$code" 303 "status of a form by $address"
    done
    refute grep -v 'seen=192\.0\.2\.7' < <(grep ^asked "$ASKED")
    visit -H 'X-Forwarded-For: 192.0.2.7' -H 'X-Forwarded-Proto: https' http://127.0.0.1:8080/gate
    is "$code" 401 "status without a password"
    # Nobody else reaches it.
    visit --interface 192.0.2.7 -u alice:open -H 'X-Forwarded-Proto: https' http://192.0.2.1:8080/gate
    is "$code" 000 "status from elsewhere"
}

@test "lighttpd: behind a proxy that ends the TLS the visitor's address counts" {
    web_begin
    PORT=8080
    start_lighttpd -e '/^(ssl\.|\$SERVER)/d' -e 's/^#(server\.modules|\$SERVER|extforward)/\1/'
    behind_a_proxy
}

@test "nginx: behind a proxy, the same" {
    web_begin
    PORT=8080
    start_nginx -e '/^ *(listen|ssl_)/d' -e '/HTTPS .https/d' -e 's/#(listen|set_real|real_ip|fastcgi_param HTTPS)/\1/'
    behind_a_proxy
}

@test "Apache: behind a proxy, the same" {
    web_begin
    PORT=8080
    in_web chroot "$WORK/root" a2enmod -q remoteip >>"$WORK/web.out" 2>&1
    start_apache -e '/^ *SSL/d' -e 's/#(Listen|SetEnv|RemoteIP)/\1/' -e 's/VirtualHost .*>/VirtualHost 127.0.0.1:8080 [::1]:8080>/'
    behind_a_proxy
}

# open_at GATE: the networks that the firewall lets through there.
open_at() {
    in_web nft -j list table inet ostiary_grants | /usr/bin/python3 -ISc 'import json, sys
for item in json.load(sys.stdin)["nftables"]:
    one = item.get("set", {})
    if one.get("name", "").startswith(sys.argv[1] + "_"):
        for element in one.get("elem", []):
            print(element["elem"]["val"], element["elem"]["comment"])' "$1" | sort | xargs
}

@test "with ostgrant itself at the socket the firewall opens and shuts, for whom the configuration names" {
    [ -x "$OSTIARY_BUILD/src/grant/ostgrant" ] || skip 'needs ostgrant, which needs libnftables'
    local token
    web_begin_for_real 'FREE="tcp 443"' 'GATE="ssh","tcp 22","web=yes","web-admin=yes"' 'GATE="mail","tcp 25"' \
        'USER="alice","ssh","mail"' 'USER="carol","ssh"' 'ADMIN="carol"'
    start_lighttpd
    as_alice
    is "$code" 200 "status of the page"
    matches "$output" 'hours-ssh'
    refute grep -F 'hours-mail' <<<"$output"
    token=$(sed -n 's/.*name="token" value="\([0-9a-f]*\)".*/\1/p' <<<"$output" | head -n 1)

    form -L -d "token=$token&do=open&gate=ssh&hours=2.4"
    matches "$output" 'ssh is open'
    is "$(open_at ssh)" '192.0.2.7 alice' "what is open"
    logged 'granted gate=ssh network=192\.0\.2\.7 user=alice .*by=web'
    form -d "token=$token&do=open&gate=mail"
    is "$code" 403 "status for a gate that is not for the web"
    form -d "token=$token&do=open&gate=ssh&address=198.51.100.9"
    is "$code" 403 "status for another's address"
    form -d "token=${token//[0-7]/8}&do=open&gate=ssh"
    is "$code" 403 "status with a wrong token"
    form -d "token=$token&do=open&gate=ssh&hours=1000"
    is "$code" 400 "status for too long"
    as_carol -H 'Sec-Fetch-Site: same-origin' -d "token=$token&do=close&gate=ssh&address=192.0.2.7&user=alice"
    is "$code" 403 "status with another user's token"
    is "$(open_at ssh)" '192.0.2.7 alice' "what is open after that"

    as_carol
    token=$(sed -n 's/.*name="token" value="\([0-9a-f]*\)".*/\1/p' <<<"$output" | head -n 1)
    matches "$output" '192\.0\.2\.7</span> <strong>alice'
    as_carol -H 'Sec-Fetch-Site: same-origin' -d "token=$token&do=open&gate=ssh&address=2001:db8:9::/64&user=bob&hours=1"
    is "$code" 303 "status for an admin"
    is "$(open_at ssh)" '192.0.2.7 alice 2001:db8:9:: bob' "what is open"
    as_carol -H 'Sec-Fetch-Site: same-origin' -d "token=$token&do=close&gate=ssh&address=192.0.2.7&user=alice"
    is "$code" 303 "status for an admin who closes"
    is "$(open_at ssh)" '2001:db8:9:: bob' "what is open at the end"
    logged 'ended gate=ssh network=192\.0\.2\.7 user=alice reason=revoked'
}

# Another site has a form for ours, and has even come by alice's token; and who is led there is signed in. The browser sends
# his password along all the same, and says whose page it was.
foreign_form() {
    : >"$ASKED"
    run in_web "$TOOLS/browser.py" "$WORK/root" "$SHOTS" <<END
size 390 844
open https://alice:open@192.0.2.1/gate
sees 'Signed in as alice'
open 'data:text/html,<section><h2>A prize</h2><form method=post action=https://192.0.2.1/gate><input type=hidden name=token value=$(token_of alice)><input type=hidden name=do value=open><input type=hidden name=gate value=ssh><button>Take it</button></form></section>'
press 'A prize' 'Take it'
sees 'That was not done'
END
    is "$output" '' "what went wrong with another site's form"
    logged 'refused seen=192\.0\.2\.7 user=alice reason=site: '
    is "$(grep -cE '^asked (open|renew|close|others)' "$ASKED")" 0 "changes that were asked for"
}

@test "a user and an admin do by clicking all that the page is for, on a phone and on a screen, by day and by night" {
    SHOTS=$OSTIARY_BUILD/meson-logs/web
    mkdir -p "$SHOTS"
    web_begin
    start_lighttpd
    run in_web "$TOOLS/browser.py" "$WORK/root" "$SHOTS" <<'END'
size 390 844
scheme light
open https://alice:open@192.0.2.1/gate
sees 'Signed in as alice'
sees '192\.0\.2\.7'
misses 'somebody else'
shot phone-shut
fits
fill ssh Hours 2,4
press ssh Open
sees 'ssh is open\.'
sees '2 h 2[34] min left\s+until'
shot phone-open
fits
whole phone-open-whole
reload
sees '2 h 2[34] min left\s+until'
scheme dark
shot phone-open-dark
scheme light
fill ssh Hours 8
press ssh Renew
sees 'ssh has been renewed'
sees '(8 h 0|7 h 59) min left'
# From another network.
open https://alice:open@[2001:db8::1]/gate
sees 'Opens for 2001:db8:7::/64'
sees 'Also open for you\s+192\.0\.2\.7'
tick ssh 'Close my other addresses'
press ssh Open
sees 'Open for 2001:db8:7::/64'
misses 'Also open for you'
open https://192.0.2.1/gate
sees 'Also open for you\s+2001:db8:7::/64'
shot phone-others
fits
press ssh 'Close my others'
sees 'ssh has been closed for your other addresses'
misses '2001:db8'
fill ssh Hours soon
press ssh Open
sees 'That was not done'
sees 'Write the hours as a number above 0'
shot phone-wrong
fits
fill ssh Hours 51
press ssh Open
sees 'longer than this gate may be open'
fill ssh Hours 1
press ssh Open
press ssh Close
sees 'ssh has been closed'
size 1280 800
shot screen-shut
scheme dark
shot screen-shut-dark
END
    is "$output" '' "what went wrong for the user"
    foreign_form
    run in_web "$TOOLS/browser.py" "$WORK/root" "$SHOTS" <<'END'
size 1280 800
open https://carol:open@192.0.2.1/gate
press ssh Open
fill 'Open for somebody else' 'Address or network' nowhere.example
fill 'Open for somebody else' User bob
press 'Open for somebody else' Open
sees 'That is not an address or a network'
fill 'Open for somebody else' 'Address or network' 198.51.100.0/24
fill 'Open for somebody else' Gate web
fill 'Open for somebody else' Hours 1.5
press 'Open for somebody else' Open
sees 'web is open'
sees '198\.51\.100\.0/24\s+bob'
sees 'web · 7 packets\s+1 h (30|29) min left'
fill 'Open for somebody else' 'Address or network' 0.0.0.0/0
press 'Open for somebody else' Open
sees '0\.0\.0\.0/0\s+carol'
sees 'Packets that were shut out\s+ssh\s+4711'
fits
shot screen-admin
whole screen-admin-whole
scheme dark
whole screen-admin-dark
size 390 844
fits
whole phone-admin-dark
scheme light
shot phone-admin
whole phone-admin-whole
press 'All that is open' Close
sees 'ssh has been closed'
press 'All that is open' Close
press 'All that is open' Close
sees 'Nothing is open'
END
    is "$output" '' "what went wrong for the admin"
    is "$(grep '^asked' "$ASKED" | tail -n 2 | head -n 1 | sed 's/ token=[^ ]*//')" \
        'asked close gate=web user=carol seen=192.0.2.7 address=198.51.100.0/24 for=bob' "the last that was closed"
}

@test "a gate of a real firewall is open to packets from when a user or an admin has clicked until they click again" {
    [ -x "$OSTIARY_BUILD/src/grant/ostgrant" ] || skip 'needs ostgrant, which needs libnftables'
    local ask="$TOOLS/probe.py ask"
    web_begin_for_real 'GATE="ssh","tcp 2222","web=yes","web-admin=yes"' 'USER="alice","ssh"' 'USER="carol","ssh"' 'ADMIN="carol"'
    web_outside
    start_lighttpd
    in_web "$TOOLS/probe.py" serve 2222 </dev/null >"$WORK/serve" 2>&1 3>&- &
    eventually grep -q ready "$WORK/serve"
    run outside "$TOOLS/browser.py" "$WORK/root" "$WORK" <<END
size 390 844
open https://alice:open@203.0.113.1/gate
sees 'Shut\s+Opens for 203\.0\.113\.7'
runs shut $ask 203.0.113.1 tcp/2222
press ssh Open
sees 'ssh is open\.'
runs open $ask 203.0.113.1 tcp/2222
runs shut $ask --from 203.0.113.200 203.0.113.1 tcp/2222
press ssh Close
sees 'ssh has been closed\.'
runs shut $ask 203.0.113.1 tcp/2222
open https://carol:open@203.0.113.1/gate
sees 'Nothing is open\.'
fill 'Open for somebody else' 'Address or network' 203.0.113.128/25
fill 'Open for somebody else' User bob
press 'Open for somebody else' Open
sees '203\.0\.113\.128/25\s+bob'
fill 'Open for somebody else' 'Address or network' 2001:db8:9::/64
fill 'Open for somebody else' User bob
press 'Open for somebody else' Open
sees '2001:db8:9::/64\s+bob'
runs open $ask --from 203.0.113.200 203.0.113.1 tcp/2222
runs shut $ask 203.0.113.1 tcp/2222
runs open $ask --from 2001:db8:9::7 2001:db8:f::1 tcp/2222
runs shut $ask 2001:db8:f::1 tcp/2222
press 'All that is open' Close
press 'All that is open' Close
sees 'Nothing is open\.'
runs shut $ask --from 203.0.113.200 203.0.113.1 tcp/2222
runs shut $ask --from 2001:db8:9::7 2001:db8:f::1 tcp/2222
END
    is "$output" '' "what went wrong"
    logged 'granted gate=ssh network=203\.0\.113\.7 user=alice .*by=web'
    logged 'ended gate=ssh network=203\.0\.113\.7 user=alice reason=revoked'
    logged 'ended gate=ssh network=203\.0\.113\.128/25 user=bob reason=revoked'
    logged 'ended gate=ssh network=2001:db8:9::/64 user=bob reason=revoked'
}
