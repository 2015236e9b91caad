# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# Others that run one fixed command as root for whoever proves who he is, or carry what is proved. Sourced by run.sh, whose
# $work, $bin, $plan and functions are used here; each function adds its lines to the plan.

# script NAME: standard input becomes a program, $work/NAME.
script() {
    {
        echo '#!/bin/bash'
        cat
    } >"$work/$1"
    chmod 755 "$work/$1"
}

# can_count: can what a group of processes costs be told? That takes a control group of version 2.
can_count() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount -t cgroup2 none "$1" && [ -e "$1/cgroup.procs" ]' sh "$work/cgroup" 2>/dev/null
}

# counted NAME: for a script: $group, a control group of its own, and "in_group", which moves whoever calls it there. run.sh
# ends what is in it, and removes it.
counted() {
    cat <<END
group=$work/cgroup/${work##*/}-$1
mkdir "\$group"
in_group() { echo "\$BASHPID" >"\$group/cgroup.procs"; }
END
}

# ---- With SSH ----

# sshd wants a user of its own, and root a home in which a key is authorized: a user database with these is seen by what is
# measured alone.
make_users() {
    mkdir -m 700 "$work/home" "$work/home/.ssh"
    quietly ssh-keygen -q -t ed25519 -N '' -f "$work/id"
    sed -E "s|^(root:[^:]*:0:0:[^:]*):[^:]*:[^:]*|\1:$work/home:/bin/sh|; /^sshd:/d" /etc/passwd >"$work/passwd"
    echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >>"$work/passwd"
    cp -r /etc/pam.d "$work/pam.d"
    cp "$work/others/etc/pam.d/sshd" "$work/pam.d"
    # tinysshd has its command in an option, knows no options of keys, and runs its command for who asks for a shell.
    {
        echo "command=\"$bin/nothing\" $(cat "$work/id.pub")"
        cat "$work/id.pub"
    } >"$work/home/.ssh/authorized_keys"
    script ssh <<END
exec ssh -F none -i $work/id -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \\
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p "\$1" -T root@127.0.0.1 </dev/null >/dev/null
END
}

# Each as Debian configures it, with a key of each kind that it makes.
make_ssh() {
    make_users
    for type in rsa ecdsa ed25519; do
        quietly ssh-keygen -q -t "$type" -N '' -f "$work/host-$type"
        quietly dropbearkey -t "$type" -f "$work/dropbear-$type"
        echo "HostKey $work/host-$type" >>"$work/sshd_config"
    done
    cat "$work/others/usr/share/openssh/sshd_config" >>"$work/sshd_config"
    quietly "$work/others/usr/sbin/tinysshd-makekey" "$work/tinysshd-keys"
    dropbear=$(command -v dropbear || echo /usr/sbin/dropbear)
    {
        echo "case sshd client 10 - $work/ssh $work/others/usr/sbin/sshd -i -f $work/sshd_config"
        printf %s "case dropbear client 10 - $work/ssh $dropbear -i -s"
        printf ' -r %s' "$work/dropbear-rsa" "$work/dropbear-ecdsa" "$work/dropbear-ed25519"
        echo
        echo "case tinysshd client 10 - $work/ssh $work/others/usr/sbin/tinysshd -e $bin/nothing $work/tinysshd-keys"
    } >>"$plan"
}

# ---- Residents ----

make_spiped() {
    head -c 32 /dev/urandom >"$work/spiped.key"
    script spiped <<END
$(counted spiped)
(in_group && exec spiped -F -d -s $work/far.sock -t "127.0.0.1:\$1" -k $work/spiped.key >/dev/null 2>&1) &
spiped -F -e -s $work/near.sock -t $work/far.sock -k $work/spiped.key >/dev/null 2>&1 &
until [ -S $work/near.sock ] && [ -S $work/far.sock ]; do sleep 0.02; done
echo "$work/near.sock \$group/cpu.stat"
cat >/dev/null
END
    echo "case spiped through 1 - $work/spiped $bin/floor-dynamic" >>"$plan"
}

# A request that is signed once and for all: nothing in it changes, and it may come again.
make_request() {
    /usr/bin/python3 -IS - "$1" >"$work/request.http" <<'END'
import hashlib, hmac, sys
body = b'{"run": "it"}'
signature = hmac.new(sys.argv[1].encode(), body, hashlib.sha256).hexdigest()
sys.stdout.write("POST /hooks/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 f"X-Signature: {signature}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body.decode()}")
END
}

# It answers when the command has ended. A request that is not signed is answered with 403.
make_webhook() {
    secret=$(head -c 18 /dev/urandom | base64)
    make_request "$secret"
    cat >"$work/hooks.json" <<END
[{"id": "run", "execute-command": "$bin/nothing", "include-command-output-in-response": true,
  "trigger-rule-mismatch-http-response-code": 403,
  "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": "$secret",
                             "parameter": {"source": "header", "name": "X-Signature"}}}}]
END
    script webhook <<END
$(counted webhook)
(in_group && exec $work/others/usr/bin/webhook -ip 127.0.0.1 -port "\$1" -hooks $work/hooks.json >/dev/null 2>&1) &
until (exec 3<>"/dev/tcp/127.0.0.1/\$1") 2>/dev/null; do sleep 0.02; done
echo "- \$group/cpu.stat"
cat >/dev/null
END
    script request <<END
exec 3<>"/dev/tcp/127.0.0.1/\$1"
cat $work/request.http >&3
read -r _ status _ <&3
cat <&3 >/dev/null
[ "\$status" = 200 ]
END
    echo "case webhook resident 1 - $work/request $work/webhook" >>"$plan"
}

# ---- All of them ----

make_others() {
    sh "$source/tests/setup.sh" peers "$work/others"
    sh "$source/tests/setup.sh" neighbours "$work/others"
    make_ssh
    # What nobody can do without who has a shell started for each connection.
    echo "case bash mute 1 - - /bin/bash -c :" >>"$plan"
    mkdir "$work/cgroup"
    if can_count; then
        make_spiped
        make_webhook
    else
        say 'no control groups of version 2 here: spiped and webhook are left out'
    fi
}
