#!/bin/sh
# SPDX-License-Identifier: ISC
# The first process of the namespaces in which web servers run (lib/web.bash makes them).
#
# usage: web_init.sh DIR TREE CGI PLACE
#
# Makes DIR/root: the Debian of TREE, on which what is written is in memory, with a /dev whose log goes to the file DIR/log
# and the program CGI at its PLACE. The network has the addresses of a server, 192.0.2.1 and 2001:db8::1, and of visitors,
# 192.0.2.7, 198.51.100.8, 2001:db8:7::7; whoever does not choose comes from the first of the family. Then it waits:
# everything else is started by nsenter, and ends with it.
set -eu
dir=$1 tree=$2 cgi=$3 place=$4
root=$dir/root

mkdir "$dir/memory" "$root"
mount -t tmpfs -o mode=755 none "$dir/memory"
mkdir "$dir/memory/upper" "$dir/memory/work"
mount -t overlay -o "lowerdir=$tree,upperdir=$dir/memory/upper,workdir=$dir/memory/work" none "$root"
mount -t proc none "$root/proc"
mount -t tmpfs -o mode=755 none "$root/dev"
for node in null zero full random urandom; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 none "$root/run"
install -D -m 755 "$cgi" "$root$place"
install -d -m 755 "$root/run/ostiary-web"

ip link set lo up
for address in 192.0.2.1/32 192.0.2.7/32 198.51.100.8/32; do
    ip address add "$address" dev lo
done
# A route cannot have one of IPv6 that is tentative still.
for address in 2001:db8::1/128 2001:db8:7::7/128; do
    ip address add "$address" dev lo nodad
done
ip route replace local 192.0.2.1 dev lo table local src 192.0.2.7
# The kernel gives an address its route a moment later than "ip address" ends.
tries=0
until ip -6 route delete local 2001:db8::1 dev lo table local 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 3000 ]
    sleep 0.02
done
ip -6 route add local 2001:db8::1 dev lo table local src 2001:db8:7::7

"${0%/*}/syslog_sink.py" "$root/dev/log" "$dir/log" &
until [ -S "$root/dev/log" ]; do
    sleep 0.02
done
# What runs outside of it logs there as well.
mount --rbind "$root/dev" /dev
: >"$dir/ready"
wait
