#!/bin/bash
# SPDX-License-Identifier: ISC
# The first process of a container's own pid and mount namespace (lib/container.bash makes both).
#
# usage: container_init.sh DIR CGROUP
#
# Boots the systemd of this machine on an overlay of its root, with nothing of its own services, users' settings or
# network: DIR/root, writable, its changes in memory. Boots it again whenever it reboots. The source and build directories
# are there too, wherever they are on this machine. With CONTAINER_LAYERS, a list as the mount option lowerdir= of an
# overlay takes it, it boots the systemd that is there, with nothing added. CGROUP is a name below the
# root of the cgroup2 tree. All mounts belong to this namespace, and all processes to this one: when it is killed,
# nothing is left but empty cgroups.
set -eu
umask 022
dir=$1
cgroup=$2

mount -t tmpfs -o mode=755 none "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
layers=${CONTAINER_LAYERS:-/}
mount -t overlay -o "lowerdir=$layers,upperdir=$dir/upper,workdir=$dir/work" none "$dir/root"
cd "$dir/root"

shared=()
if [ "$layers" = / ]; then
    # What this machine starts, mounts and remembers is no part of the test. Generators are masked one by one: systemd
    # would run those of any package that happens to be installed.
    rm -rf etc/systemd/system etc/systemd/system-generators run/systemd var/log/journal var/lib/systemd/coredump
    mkdir -p etc/systemd/system etc/systemd/system-generators
    ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
    for generator in usr/lib/systemd/system-generators/* usr/local/lib/systemd/system-generators/*; do
        [ ! -e "$generator" ] || ln -sf /dev/null "etc/systemd/system-generators/${generator##*/}"
    done
    rm -rf var/lib/ostiary var/lib/ostiary-sealed etc/ostiary* usr/local/etc/ostiary*
    # Every line of a flood is to be seen: it is what the tests read.
    mkdir -p etc/systemd/journald.conf.d
    printf '[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n' >etc/systemd/journald.conf.d/test.conf

    # "meson install" writes down what it has installed: not over what the user's own installation has left there.
    mount -t tmpfs -o mode=755 none "$OSTIARY_BUILD/meson-logs"
    shared=(--bind-ro="$OSTIARY_SOURCE" --bind-ro="$OSTIARY_BUILD")
fi
: >etc/fstab
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id

# nspawn takes its locks below /run. It wants to see cgroup2, and nothing above its own group.
mount -t tmpfs -o mode=755 none /run
mount -t cgroup2 none /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$cgroup"

# As on a machine: root may lock memory, and systemd may load the filters of IPAddressDeny=.
boot() {
    local clocks=() up
    if [ "${CONTAINER_CLOCKS-}" = own ]; then
        # It cannot be set back to before this machine was started, nor to 0.
        up=$(cut -d . -f 1 /proc/uptime)
        clocks=(unshare --time --boottime "-$((up - 10))" --monotonic "-$((up - 10))")
    fi
    "${clocks[@]}" systemd-nspawn --boot --directory="$dir/root" --machine=ostiary-test --register=no --keep-unit --private-network \
        --capability=CAP_IPC_LOCK,CAP_BPF --system-call-filter=bpf --link-journal=no --resolv-conf=off --timezone=off \
        --console=pipe --quiet "$@" </dev/null
}

# 133: it has rebooted. Anything else ends it.
run() {
    local status=133
    umount /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    while [ "$status" -eq 133 ]; do
        status=0
        boot "$@" || status=$?
    done
    return "$status"
}

export -f boot run
export dir SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
echo 0 >"/sys/fs/cgroup/$cgroup/cgroup.procs"
exec unshare --cgroup bash -ec 'run "$@"' bash "${shared[@]}"
