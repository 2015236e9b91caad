# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # single quotes for the shells inside
# Several machines, for what is done between a server and its clients: the container is the server, and each client is a
# network and a few directories of its own, with an sshd in it. Loaded with: load ../lib/machines (after container).
#
#   setup_file:  container_boot; machines_make NAME...; machine_behind NAME
#
# The server is 192.0.2.1 and 2001:db8::1, the clients follow from 192.0.2.11 and 2001:db8::11 on. Root of each may log in
# at all others, and all know each other by name.

# What each client has for itself.
MACHINE_DIRECTORIES=/etc/ostiary

machines_make() {
    MACHINES="server $*"
    export MACHINES
    inside hostname server
    machine_keys
    machine_unit | write_inside /etc/systemd/system/machine@.service
    inside systemctl daemon-reload
    machines_wire "$@"
    inside systemctl start "${@/#/machine@}"
}

# machines_wire NAME...: their network, names and directories.
machines_wire() {
    inside sh -euc 'directories=$1
        shift
        printf "127.0.0.1 localhost\n192.0.2.1 server\n" >/etc/hosts
        ip link add eth0 type bridge
        ip link set eth0 up
        ip address add 192.0.2.1/24 dev eth0
        ip address add 2001:db8::1/64 dev eth0 nodad
        number=11
        for name; do
            echo "192.0.2.$number $name" >>/etc/hosts
            ip netns add "$name"
            ip link add "$name" type veth peer name eth0 netns "$name"
            ip link set "$name" master eth0 up
            ip -netns "$name" -batch - <<END
link set lo up
link set eth0 up
address add 192.0.2.$number/24 dev eth0
address add 2001:db8::$number/64 dev eth0 nodad
END
            for directory in $directories; do
                install -d -m 755 "$directory" "/var/lib/machines/$name$directory"
            done
            number=$((number + 1))
        done' sh "$MACHINE_DIRECTORIES" "$@"
}

# machine_behind NAME: one more, behind the server, which routes to it, as those in front of it know. It is 198.51.100.2 and
# 2001:db8:1::2.
machine_behind() {
    # shellcheck disable=SC2086 # names
    inside sh -euc 'name=$1 directories=$2
        shift 2
        echo "198.51.100.2 $name" >>/etc/hosts
        ip netns add "$name"
        ip link add eth1 type veth peer name eth0 netns "$name"
        ip link set eth1 up
        ip address add 198.51.100.1/24 dev eth1
        ip address add 2001:db8:1::1/64 dev eth1 nodad
        ip -netns "$name" -batch - <<END
link set lo up
link set eth0 up
address add 198.51.100.2/24 dev eth0
address add 2001:db8:1::2/64 dev eth0 nodad
route add default via 198.51.100.1
route add default via 2001:db8:1::1
END
        for other; do
            ip -netns "$other" route add 198.51.100.0/24 via 192.0.2.1
            ip -netns "$other" route add 2001:db8:1::/64 via 2001:db8::1
        done
        for directory in $directories; do
            install -d -m 755 "$directory" "/var/lib/machines/$name$directory"
        done
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        systemctl start "machine@$name"' sh "$1" "$MACHINE_DIRECTORIES" ${MACHINES#server}
    MACHINES+=" $1"
}

# One pair of keys, for hosts and for root, is enough.
machine_keys() {
    inside sh -euc 'install -d -m 700 /root/.ssh
        ssh-keygen -q -t ed25519 -N "" -C root -f /root/.ssh/id_ed25519
        cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
        echo "* $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >/root/.ssh/known_hosts
        printf "HostKeyAlgorithms ssh-ed25519\nKexAlgorithms curve25519-sha256\n" >/root/.ssh/config'
}

machine_unit() {
    local directory
    cat <<'END'
[Service]
Type=exec
NetworkNamespacePath=/run/netns/%i
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/sshd -D -o PidFile=none -o UsePAM=no
END
    for directory in $MACHINE_DIRECTORIES; do
        echo "BindPaths=/var/lib/machines/%i$directory:$directory"
    done
}

# at NAME COMMAND...: run it there as root, in /root.
at() {
    local pid
    [[ " $MACHINES " == *" $1 "* ]] || {
        echo "there is no machine $1"
        return 1
    }
    if [ "$1" = server ]; then
        inside env --chdir=/root "${@:2}"
    else
        pid=$(inside systemctl show --property=MainPID --value "machine@$1.service")
        inside nsenter --target "$pid" --mount --net -- env --chdir=/root "${@:2}"
    fi
}
