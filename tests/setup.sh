#!/bin/sh
# SPDX-License-Identifier: ISC
# Install the Debian packages that building and testing need, and no more than are missing.
#
# usage: sh tests/setup.sh demo|test|bench|proof|coverage
#        sh tests/setup.sh launchers|peers|neighbours DIR
#        sh tests/setup.sh tree PACKAGE...
#
# Called by demo.sh and run.sh. What is already there is left alone, so a machine
# that has everything needs neither root nor the network.
#
# "proof" is apart from "test": it is large, and nothing but tests/assurance/proof/run.sh needs it.
#
# "launchers" unpacks xinetd and openbsd-inetd into DIR, "peers" openssh-server and firewalld, and "neighbours" what
# bench/run.sh compares with besides. Installed as packages, they would conflict with each other and start services on the
# machine. "tree" prints the path of a directory that holds a minimal Debian 12
# with these packages, and with nothing that they only recommend; whoever uses it must not write there.
#
# What is downloaded is kept for the next run in $XDG_CACHE_HOME/ostiary-tests, or where that is not set, root's in
# /var/cache/ostiary-tests and others' in ~/.cache/ostiary-tests: then no network is needed. What is there is compared with
# checksums before it is used, and is only there once it is complete; what is damaged is downloaded again. The directory
# can be removed at any time.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config libgcrypt20-dev libsystemd-dev libqrencode-dev'
demo="$build libnftables-dev libjansson-dev iproute2 util-linux systemd"
test="$demo bats spin clang libclang-rt-14-dev clang-format shellcheck valgrind strace mandoc man-db python3
      curl openssl systemd-container dbus dbus-daemon systemd-journal-remote nftables ipset iptables iproute2 openssh-client
      oathtool python3-zbar procps util-linux ucspi-tcp-ipv6 netbase binutils debootstrap argon2 libnftables-dev libjansson-dev
      libwrap0 libwrap0-dev libselinux1 libtirpc3 libbsd0 libevent-2.1-7 libsystemd0
      spiped swtpm tpm2-tools libtss2-tcti-swtpm0 softhsm2 libsofthsm2 opensc gnutls-bin age pass gnupg"
bench="$demo python3 strace valgrind procps nftables libnftables-dev libjansson-dev iproute2 util-linux ucspi-tcp-ipv6
       netbase musl-tools libgpg-error-dev
       openssh-client dropbear-bin spiped libwrap0 libaudit1 libcom-err2 libcrypt1 libgssapi-krb5-2 libkrb5-3 libpam0g
       libselinux1 libtirpc3 libsystemd0"
proof='frama-c-base ocaml-findlib'
coverage="$test llvm acl"
launchers='xinetd openbsd-inetd'
peers='openssh-server firewalld python3-firewall python3-nftables python3-dbus python3-gi gir1.2-glib-2.0
       libgirepository-1.0-1 libglib2.0-0 libffi8'
neighbours='tinysshd webhook'
release=bookworm

if [ "$(id -u)" -eq 0 ]; then
    cache=${XDG_CACHE_HOME:-/var/cache}/ostiary-tests
else
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ostiary-tests
fi

usage() {
    sed -n 's/^# \(usage:.*\|  *sh tests.*\)/\1/p' "$0" >&2
    exit 64
}

fail() {
    echo "setup.sh: $*" >&2
    exit 69
}

work=
leave() {
    [ -z "$work" ] || rm -rf --one-file-system "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# make_work: a directory beside what is kept, $work. What is made is made in $work/new: see put.
make_work() {
    mkdir -p "$cache" || fail "$cache cannot be made: say XDG_CACHE_HOME="
    work=$(mktemp -d "$cache/part.XXXXXX")
    mkdir -m 755 "$work/new"
}

# quietly COMMAND...: what it says is shown only when it fails.
quietly() {
    "$@" >"$work/said" 2>&1 || {
        cat "$work/said" >&2
        fail "failed: $*"
    }
}

# put NAME: what is complete in $work/new becomes $cache/NAME; where another run was faster, that one's does as well.
put() {
    rm -rf --one-file-system "${cache:?}/$1"
    mv -T "$work/new" "$cache/$1" 2>/dev/null || [ -e "$cache/$1" ]
    leave
    work=
}

# ---- What apt-get keeps ----

# Between these two nobody else uses $cache/archives or makes new lists; apt-get itself does not wait for another. What
# is run between them must not hold descriptor 9: it may start a service.
lock_archives() {
    mkdir -p "$cache/archives/partial"
    exec 9>"$cache/archives.lock"
    flock 9
}

unlock_archives() {
    exec 9>&-
}

# ---- Packages that are unpacked, not installed ----

# The first of them without looking for newer ones, for which there has to be a list.
download() {
    (cd "$work/new" && apt-get -qq download "$@") 2>/dev/null || {
        lock_archives
        quietly apt-get -qq update 9>&-
        unlock_archives
        cd "$work/new"
        quietly apt-get -qq download "$@"
        cd - >/dev/null
    }
}

# is_whole DIR: all files of DIR/SHA256SUMS are there as they were.
is_whole() {
    [ -e "$1/SHA256SUMS" ] && (cd "$1" && sha256sum --quiet --strict -c SHA256SUMS) >/dev/null 2>&1
}

# unpack DIR NAME PACKAGE...: from $cache/NAME, where they are kept.
unpack() {
    dir=$1 name=$2
    shift 2
    if ! is_whole "$cache/$name"; then
        make_work
        download "$@"
        (cd "$work/new" && sha256sum ./*.deb >SHA256SUMS)
        put "$name"
    fi
    mkdir -p "$dir"
    for package in "$cache/$name"/*.deb; do
        dpkg-deb -x "$package" "$dir"
    done
}

# ---- A minimal Debian ----

# as_dpkg_left_it DIR: it is a tree whose packages are all there, and no file of theirs is another. (A line with a "c" is
# about a configuration file.)
as_dpkg_left_it() {
    [ -d "$1/var/lib/dpkg" ] && ! dpkg --root="$1" --verify | grep -qv ' c '
}

# install_in TREE PACKAGE...: with TREE as root, where no service is started; what is downloaded is kept.
install_in() {
    into=$1
    shift
    # shellcheck disable=SC2016 # for the inner shell
    quietly unshare --mount --pid --fork --kill-child sh -euc '
        tree=$1 archives=$2
        shift 2
        mount -t proc proc "$tree/proc"
        mount --bind "$archives" "$tree/var/cache/apt/archives"
        printf "#!/bin/sh\nexit 101\n" >"$tree/usr/sbin/policy-rc.d"
        chmod 755 "$tree/usr/sbin/policy-rc.d"
        cp /etc/resolv.conf "$tree/etc/resolv.conf"
        apt() {
            env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
                chroot "$tree" apt-get -qq "$@"
        }
        # The lists are as old as the tree, and what they name may be gone.
        apt install -y --no-install-recommends "$@" || {
            apt update
            apt install -y --no-install-recommends "$@"
        }
        rm "$tree/usr/sbin/policy-rc.d"' sh "$into" "$cache/archives" "$@" 9>&-
}

# mirror: where apt has this release from, or nothing: debootstrap knows one by itself.
mirror() {
    # shellcheck disable=SC2016 # for apt-get
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v release="$release" '$1 == release && $2 == "main" { print $3; exit }'
}

# make_tree NAME [MINIMAL PACKAGE...]: from the one at MINIMAL.
make_tree() {
    as=$1 minimal=${2:-}
    shift
    make_work
    if [ $# -eq 0 ]; then
        from=$(mirror)
        quietly debootstrap --variant=minbase --cache-dir="$cache/archives" "$release" "$work/new" ${from:+"$from"} 9>&-
    else
        shift
        rmdir "$work/new"
        cp -a "$minimal" "$work/new"
        install_in "$work/new" "$@"
    fi
    put "$as"
}

# tree [PACKAGE...]: prints where it is.
tree() {
    name=tree-$(echo "$release $(printf '%s\n' "$@" | LC_ALL=C sort -u | xargs)" | sha256sum | cut -c 1-12)
    if ! as_dpkg_left_it "$cache/$name"; then
        [ $# -eq 0 ] || set -- "$(sh "$0" tree)" "$@"
        lock_archives
        as_dpkg_left_it "$cache/$name" || make_tree "$name" "$@"
        unlock_archives
    fi
    echo "$cache/$name"
}

# ---- Packages that are installed ----

# install_missing PACKAGE...
install_missing() {
    missing=
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" -eq 0 ] || fail "these packages are missing; install them as root:$missing"
    lock_archives
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update 9>&-
    # shellcheck disable=SC2086 # a list of package names, split on purpose
    apt-get -qq install -y --no-install-recommends -o APT::Keep-Downloaded-Packages=true \
        -o Dir::Cache::archives="$cache/archives" $missing >/dev/null 9>&-
    unlock_archives
}

[ $# -gt 0 ] || usage
wanted=$1
shift
# shellcheck disable=SC2086 # lists of package names, split on purpose
case $wanted:$# in
demo:0) install_missing $demo ;;
test:0) install_missing $test ;;
proof:0) install_missing $proof ;;
coverage:0) install_missing $coverage ;;
bench:0) install_missing $bench ;;
launchers:1)
    if [ ! -x "$1/usr/sbin/xinetd" ] || [ ! -x "$1/usr/sbin/inetd" ]; then
        unpack "$1" launchers $launchers
    fi
    ;;
peers:1)
    if [ ! -x "$1/usr/sbin/sshd" ] || [ ! -x "$1/usr/sbin/firewalld" ]; then
        # What is kept by another name is what other packages were.
        unpack "$1" peers-2 $peers
    fi
    ;;
neighbours:1) [ -x "$1/usr/bin/webhook" ] || unpack "$1" neighbours $neighbours ;;
tree:*)
    [ "$(id -u)" -eq 0 ] || fail 'a tree is made by root'
    tree "$@"
    ;;
*) usage ;;
esac
