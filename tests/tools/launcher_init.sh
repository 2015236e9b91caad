#!/bin/sh
# SPDX-License-Identifier: ISC
# The first process of a launcher's own pid and mount namespace (lib/launch.bash makes both).
#
# usage: launcher_init.sh DIR COMMAND...
#
# Puts a /dev in place whose log is the socket DIR/log.sock, so that syslog(3) goes to the test and nowhere else;
# the machine's own /dev is not touched. Then runs COMMAND. When it ends, or this process is killed, the
# kernel ends every process that was started below it, daemons and background children too.
set -eu
dir=$1
shift

mkdir "$dir/dev"
mount -t tmpfs -o mode=755 none "$dir/dev"
for node in null zero full random urandom tty; do
    : >"$dir/dev/$node"
    mount --bind "/dev/$node" "$dir/dev/$node"
done
mkdir "$dir/dev/pts"
mount --bind /dev/pts "$dir/dev/pts"
ln -s pts/ptmx "$dir/dev/ptmx"
ln -s /proc/self/fd "$dir/dev/fd"
ln -s "$dir/log.sock" "$dir/dev/log"
mount --rbind "$dir/dev" /dev

# Not exec: process 1 inherits every orphan, and must be one that puts up with it. fd 0 stays as it is: & would change it.
"$@" <&0 &
wait $!
