#!/bin/sh
# SPDX-License-Identifier: ISC
# Install the Debian packages that building and testing need, and no more than are missing.
#
# usage: sh tests/setup.sh demo|test|bench|proof|coverage
#        sh tests/setup.sh launchers|peers DIR
#
# Called by demo.sh and run.sh. What is already there is left alone, so a machine
# that has everything needs neither root nor the network.
#
# "proof" is apart from "test": it is large, and nothing but tests/proof/run.sh needs it.
#
# "launchers" unpacks xinetd and openbsd-inetd into DIR, "peers" openssh-server. Installed as packages, they would conflict
# with each other and start services on the machine.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config libgcrypt20-dev libsystemd-dev'
demo="$build systemd"
test="$demo bats clang libclang-rt-14-dev clang-format shellcheck valgrind strace mandoc man-db python3
      systemd-container dbus dbus-daemon systemd-journal-remote nftables iproute2 procps util-linux ucspi-tcp-ipv6
      netbase libwrap0 libwrap0-dev libselinux1 libtirpc3 libbsd0 libevent-2.1-7 libsystemd0"
bench="$demo python3 strace procps iproute2 util-linux ucspi-tcp-ipv6 netbase musl-tools libgpg-error-dev
       openssh-client dropbear-bin spiped libwrap0 libaudit1 libcom-err2 libcrypt1 libgssapi-krb5-2 libkrb5-3 libpam0g
       libselinux1 libtirpc3 libsystemd0"
proof='frama-c-base ocaml-findlib'
coverage="$test gcovr"
launchers='xinetd openbsd-inetd'
peers='openssh-server'

usage() {
    sed -n 's/^# \(usage:.*\|  *sh tests.*\)/\1/p' "$0" >&2
    exit 64
}

# unpack DIR PACKAGE...
unpack() {
    dir=$1
    shift
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    chmod 755 "$packages"
    (cd "$packages" && {
        apt-get -qq download "$@" 2>/dev/null || {
            apt-get -qq update
            apt-get -qq download "$@"
        }
    }) 2>"$packages/errors" || {
        cat "$packages/errors" >&2
        exit 69
    }
    mkdir -p "$dir"
    for package in "$packages"/*.deb; do
        dpkg-deb -x "$package" "$dir"
    done
}

case ${1-} in
demo) wanted=$demo ;;
test) wanted=$test ;;
proof) wanted=$proof ;;
coverage) wanted=$coverage ;;
bench) wanted=$bench ;;
launchers)
    [ $# -eq 2 ] || usage
    if [ ! -x "$2/usr/sbin/xinetd" ] || [ ! -x "$2/usr/sbin/inetd" ]; then
        # shellcheck disable=SC2086 # a list of package names, split on purpose
        unpack "$2" $launchers
    fi
    exit 0
    ;;
peers)
    [ $# -eq 2 ] || usage
    [ -x "$2/usr/sbin/sshd" ] || unpack "$2" "$peers"
    exit 0
    ;;
*) usage ;;
esac
[ $# -eq 1 ] || usage

missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup.sh: these packages are missing; install them as root:$missing" >&2
    exit 69
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # a list of package names, split on purpose
apt-get -qq install -y --no-install-recommends $missing >/dev/null
