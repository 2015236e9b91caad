#!/bin/sh
# SPDX-License-Identifier: ISC
# A small network, wholly in namespaces (lib/gates.bash): what launcher_init.sh runs there.
#
# usage: gates_world.sh DIR
#
# This network is the server's, 192.0.2.1 and 2001:db8::1. On one link with it are two more hosts, "client" and
# "neighbour". The client has a second address in each family, of the same /24 and /64, and the neighbour has another /64.
# Needs mount, pid and network namespaces of its own. Everything is there as soon as DIR/ready is.
set -eu
dir=$1

mount -t tmpfs -o mode=755 none /run
mkdir -m 755 /run/sshd
# What is asked of the network's own settings has to be this one's.
mount -t sysfs sysfs /sys 2>/dev/null || true
ip netns add client
ip netns add neighbour
# No address has to be waited for.
no_dad='echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
sh -c "$no_dad"
ip netns exec client sh -c "$no_dad"
ip netns exec neighbour sh -c "$no_dad"
ip -batch - <<END
link add lan type bridge mcast_snooping 0
link add to-client type veth peer name eth0 netns client
link add to-neighbour type veth peer name eth0 netns neighbour
link set to-client master lan up
link set to-neighbour master lan up
link set lo up
link set lan up
address add 192.0.2.1/24 dev lan
address add 2001:db8::1/32 dev lan nodad
END
ip -n client -batch - <<END
link set lo up
link set eth0 up
address add 192.0.2.7/24 dev eth0
address add 192.0.2.207/24 dev eth0
address add 2001:db8:a::8/32 dev eth0 nodad
address add 2001:db8:a::7/32 dev eth0 nodad
route add default via 192.0.2.1
END
ip -n neighbour -batch - <<END
link set lo up
link set eth0 up
address add 192.0.2.8/24 dev eth0
address add 2001:db8:b::7/32 dev eth0 nodad
route add default via 192.0.2.1
END
: >"$dir/ready"
exec sleep infinity
