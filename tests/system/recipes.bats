#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ostiary-recipes(7): each recipe is typed as the page prints it, on a minimal Debian 12 with the packages that the page
# names, between a server and its clients; and what the page says of it is seen.
# shellcheck disable=SC2016 # single quotes for the shells inside

load ../lib/common
load ../lib/container
load ../lib/machines
load ../lib/recipes

# What the page names, what its commands are of, and what the programs are linked with.
PACKAGES=(systemd dbus nftables jq dma sudo nagios-nrpe-server prometheus-node-exporter cron
    iproute2 iputils-ping openssh-client openssh-server nagios-nrpe-plugin curl lighttpd lighttpd-mod-openssl openssl
    libgcrypt20 libsystemd0 libqrencode4 tpm2-tools swtpm libtss2-tcti-swtpm0
    tpm2-abrmd libtss2-tcti-tabrmd0)

setup_file() {
    need_container
    recipes_read "$OSTIARY_SOURCE/src/ostiary-recipes.7"
    CONTAINER_LAYERS=$(sh "$OSTIARY_SOURCE/tests/setup.sh" tree "${PACKAGES[@]}")
    export CONTAINER_LAYERS
    container_boot
    # The page says /etc, wherever the build has its configuration.
    [ "$OSTIARY_SYSCONFDIR" = /etc ] || inside mount --mkdir --bind /etc "$OSTIARY_SYSCONFDIR"
    # What is installed is written down there: not over what the user's own installation has left.
    outside mount -t tmpfs none "$OSTIARY_BUILD/meson-logs"
    container_install
    # shellcheck disable=SC2046 # names
    machines_make alice bob nas $(seq -f web%g 20) mallory monitor
    machine_behind desk
}

teardown_file() {
    container_stop
}

setup() {
    journal_from_here
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || journal | tail -n 60
}

@test "ssh for an hour: the port is shut but for who has knocked" {
    recipe 'SSH FOR AN HOUR'
    all_is_well
}

@test "two administrators: the log names each, and who has left gets in no more" {
    recipe 'TWO ADMINISTRATORS, AND ONE LEAVES'
    fails at bob ssh -o ConnectTimeout=2 root@server true
    all_is_well
}

@test "a backup: a knock starts it" {
    echo 'a ledger' | write_inside /srv/ledger
    recipe 'A BACKUP'
    all_is_well
}

# The page takes a sealed door for granted, which has some action.
open_sealed() {
    local config=$OSTIARY_SYSCONFDIR/ostiary-sealed.cfg
    inside systemd-run --quiet --unit=report --socket-property=ListenStream=/run/ostiary/report /bin/cat
    inside ostiaryctl -c "$config" add report socket=/run/ostiary/report
    echo 'LOCAL_IP="::"' | inside tee -a "$config"
    inside systemctl daemon-reload
    inside systemctl start ostiary-sealed.socket
}

@test "mail when a source is locked: at the ordinary door, and behind a socket at the sealed one" {
    recipe 'MAIL WHEN A SOURCE IS LOCKED'
    open_sealed
    recipe 'MAIL WHEN A SOURCE IS LOCKED/The sealed door'
    inside cat /var/mail/root
    all_is_well
}

@test "Nagios: the check says OK, and CRITICAL when the door is closed" {
    # Whom NRPE answers is no part of the recipe.
    echo 'allowed_hosts=192.0.2.0/24' | write_inside /etc/nagios/nrpe_local.cfg
    recipe NAGIOS
    all_is_well
}

# nagios_says STATUS TEXT: the plugin does, as NRPE's user, on standard output.
nagios_says() {
    run inside sudo -u nagios sh -c '/usr/local/lib/nagios/plugins/check_ostiary 2>/dev/null'
    is "$status $output" "$1 OSTIARY $2"
}

@test "Nagios: the check has a word for a warning, for a broken configuration, and for no answer at all" {
    local config=$OSTIARY_SYSCONFDIR/ostiary.cfg
    inside cp -p "$config" /root/ostiary.cfg
    echo 'SKIP_DETACH' | inside tee -a "$config"
    nagios_says 1 'WARNING - ostiaryctl check has warnings|sources=4 locked=0 errors=0c'
    echo 'NONSENSE' | inside tee -a "$config"
    nagios_says 2 'CRITICAL - nobody is served'
    inside cp -p /root/ostiary.cfg "$config"
    inside chmod 0 "$OSTIARY_SBINDIR/ostiaryctl"
    nagios_says 3 'UNKNOWN - ostiaryctl status says nothing'
    inside chmod 755 "$OSTIARY_SBINDIR/ostiaryctl"
    nagios_says 0 'OK - 0 of 4 sources locked|sources=4 locked=0 errors=0c'
}

@test "Prometheus: the collector reads the file" {
    recipe PROMETHEUS
    at monitor curl -s http://server:9100/metrics >"$BATS_TEST_TMPDIR/metrics"
    grep -x 'node_textfile_scrape_error 0' "$BATS_TEST_TMPDIR/metrics"
    all_is_well
}

@test "Prometheus: where nothing can be asked the old file stays, and nothing beside it" {
    local place=/var/lib/prometheus/node-exporter
    inside systemctl stop ostiary-metrics.timer
    inside chmod 0 "$OSTIARY_SBINDIR/ostiaryctl"
    run inside /usr/local/sbin/ostiary-metrics
    inside chmod 755 "$OSTIARY_SBINDIR/ostiaryctl"
    is "$status" 1 "status, and it said: $output"
    inside grep -qx 'ostiary_serving 1' "$place/ostiary.prom"
    is "$(inside ls "$place")" ostiary.prom 'what is there'
}

@test "a probe costs no strike" {
    recipe 'A PROBE WITHOUT A STRIKE'
    all_is_well
}

# is_open ADDRESS: alice reaches sshd there.
is_open() {
    at alice ssh -o ConnectTimeout=1 "root@$1" true
}

@test "ssh for an hour: over IPv6 too" {
    fails is_open 2001:db8::1
    at alice ostclient -w -t 60 -k /etc/ostiary/ssh-alice.secret 2001:db8::1
    is_open 2001:db8::1
}

@test "ssh for an hour: loading other rules shuts the port, and loading these again keeps what is open" {
    local how
    inside systemctl start nftables.service
    inside systemctl restart knocked.service
    # Debian's own rules begin with "flush ruleset".
    for how in reload restart; do
        inside /usr/local/sbin/open-ssh 192.0.2.11
        is_open 192.0.2.1
        inside systemctl "$how" nftables.service
        fails is_open 192.0.2.1
    done
    inside /usr/local/sbin/open-ssh 192.0.2.11
    inside systemctl reload knocked.service
    is_open 192.0.2.1
}

@test "ssh for an hour: who knocks again has an hour again" {
    inside nft 'flush set inet knocked ssh4; add element inet knocked ssh4 { 192.0.2.11 timeout 1h expires 5m }'
    inside /usr/local/sbin/open-ssh 192.0.2.11
    matches "$(inside nft list set inet knocked ssh4)" '192\.0\.2\.11 timeout 1h expires 5[0-9]m'
}

# One of the hosts goes on knocking, from its first secret on, until there is a file "enough"; each failure is a line.
go_on_knocking() {
    local before
    until at web20 test -e /etc/ostiary/deploy.secret; do
        sleep 0.1
    done
    while [ ! -e "$BATS_TEST_TMPDIR/enough" ]; do
        at web20 ostclient -w -t 600 -k /etc/ostiary/deploy.secret server || echo "status $?"
        echo knocked >&4
    done
}

@test "a new secret on twenty hosts: none is shut out meanwhile" {
    local knocking
    go_on_knocking >"$BATS_TEST_TMPDIR/failed" 2>&1 3>&- 4>"$BATS_TEST_TMPDIR/knocked" &
    knocking=$!
    recipe 'A NEW SECRET ON TWENTY HOSTS'
    touch "$BATS_TEST_TMPDIR/enough"
    wait "$knocking"
    is "$(cat "$BATS_TEST_TMPDIR/failed")" '' 'knocks that failed'
    [ "$(wc -l <"$BATS_TEST_TMPDIR/knocked")" -ge 3 ]
    all_is_well
}

@test "Prometheus: cron writes the file, without the timer" {
    inside systemctl disable --now ostiary-metrics.timer
    inside rm /var/lib/prometheus/node-exporter/ostiary.prom
    eventually inside test -e /var/lib/prometheus/node-exporter/ostiary.prom
    is "$(inside ls /var/lib/prometheus/node-exporter)" ostiary.prom 'what is there'
}

@test "each recipe can be undone, and nothing of it is left" {
    local section
    for section in 'A NEW SECRET ON TWENTY HOSTS' 'A PROBE WITHOUT A STRIKE' PROMETHEUS NAGIOS \
        'MAIL WHEN A SOURCE IS LOCKED' 'A BACKUP' 'SSH FOR AN HOUR'; do
        recipe "$section/Undo"
    done
    all_is_well
}

# Two recipes for one port: the other's table is gone by now.
@test "ssh behind a gate: shut but for who has knocked, and ssh can do that itself" {
    recipe 'SSH BEHIND A GATE'
    recipe 'SSH BEHIND A GATE/ssh knocks by itself'
    fails at bob ssh -o ConnectTimeout=2 root@server true
    at alice ostclient -w -t 60 -k /etc/ostiary/alice.secret 2001:db8::1
    is_open 2001:db8::1
    recipe 'SSH BEHIND A GATE/Undo'
    at bob ssh -o ConnectTimeout=10 root@server true
    all_is_well
}

@test "nothing but the door: all else is shut, but for who has knocked, and the server goes on" {
    recipe 'NOTHING BUT THE DOOR'
    fails at bob ssh -o ConnectTimeout=2 root@server true
    fails at bob ping -c 1 -W 1 server
    at alice ping -c 1 -W 5 server
    inside ssh root@bob true
    at alice ostclient -w -t 60 -k /etc/ostiary/alice.secret 2001:db8::1
    is_open 2001:db8::1
    recipe 'NOTHING BUT THE DOOR/Undo'
    at bob ssh -o ConnectTimeout=10 root@server true
    all_is_well
}

@test "a gate from the browser: who has a password opens and shuts it for himself" {
    recipe 'A GATE FROM THE BROWSER'
    is_open 192.0.2.1
    fails at bob ssh -o ConnectTimeout=1 root@server true
    # Neither a wrong password nor none is a way in, and nobody else can read them.
    is "$(at bob curl -s --cacert /root/server.crt -u alice:guess -o /dev/null -w '%{http_code}' https://server/gate)" 401 'status'
    is "$(at bob curl -s --cacert /root/server.crt -o /dev/null -w '%{http_code}' https://server/gate)" 401 'status'
    is "$(inside stat -c %a:%U:%G /root/alice.netrc /etc/lighttpd/server.pem /etc/lighttpd/ostgrant.htpasswd | xargs)" \
        '600:root:root 600:root:root 640:root:www-data' 'modes and owners'
    recipe 'A GATE FROM THE BROWSER/Undo'
    at bob ssh -o ConnectTimeout=10 root@server true
    nothing_of_gates
    all_is_well
}

@test "through a router: who has knocked there gets to the machine behind it, and who has not does not" {
    at bob ssh -o ConnectTimeout=10 root@desk true
    recipe 'THROUGH A ROUTER'
    # What comes from inside goes on, and so do other ports, and the same port of the router.
    at desk ssh -o ConnectTimeout=10 root@192.0.2.12 true
    at bob ping -c 1 -W 5 desk
    at bob ssh -o ConnectTimeout=10 root@server true
    fails at bob ssh -o ConnectTimeout=1 root@desk true
    fails at bob ssh -o ConnectTimeout=1 root@2001:db8:1::2 true
    at alice ostclient -w -t 60 -k /etc/ostiary/alice.secret 2001:db8::1
    at alice ssh -o ConnectTimeout=10 root@2001:db8:1::2 true
    # By a port of the router that is forwarded, it is the same gate.
    inside nft 'table ip forwarded { chain to { type nat hook prerouting priority dstnat; tcp dport 2222 dnat to 198.51.100.2:22; }; }'
    at alice ssh -o ConnectTimeout=10 -p 2222 -o HostKeyAlias=desk root@server true
    fails at bob ssh -o ConnectTimeout=1 -p 2222 -o HostKeyAlias=desk root@server true
    inside nft delete table ip forwarded
    recipe 'THROUGH A ROUTER/Undo'
    at bob ssh -o ConnectTimeout=10 root@desk true
    nothing_of_gates
    all_is_well
}

# No rule, no unit that runs, and none that a boot would start.
nothing_of_gates() {
    fails inside nft list table inet ostiary_grants
    is "$(inside systemctl list-units --no-legend --plain 'ostiary-grant*')" '' 'units that are still there'
    is "$(inside find /etc/systemd/system -name 'ostiary-grant*')" '' 'what a boot would start'
}

# The TPM of nas is a program, and stays what it is over a boot. A resource manager takes the place of the kernel's.
start_tpm() {
    inside systemd-run --quiet --unit=tpm -p Type=exec -p StateDirectory=tpm -p RuntimeDirectory=tpm -p StandardError=null \
        swtpm socket --tpm2 --tpmstate dir=/var/lib/tpm --server type=unixio,path=/run/tpm/socket \
        --ctrl type=unixio,path=/run/tpm/socket.ctrl --flags not-need-init,startup-clear
    eventually inside test -S /run/tpm/socket
    inside systemd-run --quiet --unit=tpm-manager -p Type=exec tpm2-abrmd --allow-root --tcti=swtpm:path=/run/tpm/socket
    eventually inside tpm2_getcap -l >/dev/null
}

# What systemd starts is at the server, but for this.
nightly_is_at_nas() {
    printf '%s\n' '[Service]' NetworkNamespacePath=/run/netns/nas BindPaths=/var/lib/machines/nas/etc/ostiary:/etc/ostiary |
        write_inside /etc/systemd/system/nightly.service.d/at-nas.conf
    # PID 1 reads credentials, and where it is there is the server's.
    inside ln -sf /var/lib/machines/nas/etc/ostiary/nightly.cred /etc/ostiary/nightly.cred
}

# A person who types this PIN when he is asked for it, wherever.
PIN=4711-0815
type_pin() {
    inside sh -c 'until file=$(grep -ls "PIN of the key" /run/systemd/ask-password/ask.*); do sleep 0.1; done
        printf %s "$1" | /lib/systemd/systemd-reply-password 1 "$(sed -n s/^Socket=//p "$file")"' sh "$PIN" 3>&- &
}

# knock_at_night STATUS: the timer's time has come, and its job ends so.
knock_at_night() {
    local before
    before=$(inside systemctl show -p InvocationID --value nightly.service)
    printf '%s\n' '[Timer]' OnActiveSec=0 | write_inside /run/systemd/system/nightly.timer.d/now.conf
    inside systemctl daemon-reload
    inside systemctl restart nightly.timer
    eventually has_knocked "$before"
    is "$(inside systemctl show -p ExecMainStatus --value nightly.service)" "$1" 'status of the job'
    inside rm -r /run/systemd/system/nightly.timer.d
    inside systemctl daemon-reload
    inside systemctl reset-failed
}

has_knocked() {
    [ "$(inside systemctl show -p InvocationID --value nightly.service)" != "$1" ] &&
        [[ $(inside systemctl show -p ActiveState --value nightly.service) =~ ^(inactive|failed)$ ]]
}

# The server and nas start anew; the others are not needed any more.
reboot_all() {
    inside tpm2_shutdown --clear
    # What setup_file has mounted is wanted before anything is mounted at a boot.
    inside sh -c '[ "$1" = /etc ] || [ -h "$1" ] || { umount --lazy "$1" && rm -r "$1" && ln -sr /etc "$1"; }' sh "$OSTIARY_SYSCONFDIR"
    container_reboot
    start_tpm
    machines_wire alice bob nas
    inside systemctl start machine@nas
    journal_from_here
}

@test "a secret in a TPM: the machine knocks every night, also after a boot, and nobody is needed" {
    inside sh -c 'echo DELAY=1 >>/etc/ostiary.cfg'
    start_tpm
    nightly_is_at_nas
    recipe 'A SECRET IN A TPM'
    reboot_all
    is "$(inside systemctl is-active nightly.timer)" active 'the timer after a boot'
    knock_at_night 0
    journal_says 'accepted source=192\.0\.2\.13 action=nightly '
    all_is_well
}

@test "a secret in a TPM, with a PIN that is typed once for each boot, and is on no disk" {
    type_pin
    recipe 'A SECRET IN A TPM/A PIN, once for each boot'
    reboot_all
    # I11: until it has been typed no server is asked.
    knock_at_night 66
    journal_counts 0 'ostiaryd\['
    fails inside test -e /run/nightly-pin/pin
    type_pin
    recipe 'A SECRET IN A TPM/After a boot with a PIN'
    knock_at_night 0
    journal_counts 2 'accepted source=192\.0\.2\.13 action=nightly '
    is "$(inside findmnt -n -o FSTYPE -T /run/nightly-pin/pin)" ramfs 'where the PIN is'
    is "$(inside cat /run/nightly-pin/pin)" "$PIN" 'the PIN'
    is "$(inside grep -rlsF --exclude-dir=tpm -e "$PIN" /etc /home /opt /root /srv /tmp /usr/local /var ||
        :)" '' 'files on a disk that have the PIN, but for the TPM'
    all_is_well
}

@test "a secret as a credential of systemd, that this machine alone can open" {
    recipe 'A SECRET IN A TPM/A credential of systemd'
    fails inside grep -qF -- "$(inside cat /etc/ostiary/nightly.secret)" /var/lib/machines/nas/etc/ostiary/nightly.cred
    inside rm /etc/systemd/system/nightly.service.d/at-nas.conf /etc/ostiary/nightly.cred
    recipe 'A SECRET IN A TPM/Undo'
    all_is_well
}

@test "whatever is in the page has been done" {
    nothing_is_left_out
}
