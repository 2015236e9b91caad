#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The scripts that install, build and test: what they leave alone, what they keep, and how they end. In a copy of the
# tree, with an apt-get of our own.

load ../lib/common
load ../lib/files

setup() {
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/tests" "$TREE/.ci"
    cp -r "$OSTIARY_SOURCE/tests/run.sh" "$OSTIARY_SOURCE/tests/setup.sh" "$OSTIARY_SOURCE/tests/lib" "$TREE/tests"
    cp "$OSTIARY_SOURCE/.ci/run" "$TREE/.ci"
    cd "$TREE" || return
}

teardown() {
    rm -rf ${KILLED:+"$KILLED"} ${GOES_ON:+"$GOES_ON"} ${BEGINS:+"$BEGINS"}
}

@test "run.sh leaves a build directory alone that it has not made" {
    mkdir -p build build-tests/gcc
    echo 'of a user' | tee build/mine build-tests/gcc/mine >/dev/null
    run sh tests/run.sh
    is "$status" 73 "status, and it said: $output"
    matches "$output" 'build-tests was not made by the tests: move it elsewhere'
    is "$(cat build/mine build-tests/gcc/mine | sort -u)" 'of a user' "what is there"
    run sh tests/run.sh --everything
    is "$status" 64 "status of an argument"
}

@test "run.sh removes what a run that was killed has left, and nothing of one that goes on" {
    need_root
    KILLED=$(mktemp -d /srv/ostiary-run.XXXXXX)
    GOES_ON=$(mktemp -d /srv/ostiary-run.XXXXXX)
    BEGINS=$(mktemp -d /srv/ostiary-run.XXXXXX)
    echo 1 | tee "$KILLED/running" >"$GOES_ON/running"
    : >"$BEGINS/running"
    exec 7<"$GOES_ON/running"
    flock 7
    # Here is nothing to be built, so it ends soon.
    run sh tests/run.sh
    exec 7<&-
    is "$status" 1 "status, and it said: $output"
    [ ! -e "$KILLED" ]
    [ -d "$GOES_ON" ]
    [ -d "$BEGINS" ]
}

# ci STATUS LINE...: .ci/run, where run.sh is these lines of shell. Its last line is in $last.
ci() {
    local wanted=$1
    printf '%s\n' "${@:2}" >tests/run.sh
    run .ci/run
    is "$status" "$wanted" "status of .ci/run, which said: $output"
    last=$(tail -n 1 <<<"$output")
}

@test ".ci/run ends with the figures, and with a failure where there are none" {
    ci 0 'echo "3 passed, 0 failed"'
    is "$last" '3 passed, 0 failed' "last line"
    ci 1 'echo "3 passed, 1 failed, 2 skipped"; exit 1'
    is "$last" '3 passed, 1 failed, 2 skipped' "last line"
    ci 1 'echo broken off'
    is "$last" '0 passed, 1 failed' "last line where run.sh does not end on figures"
    ci 7 'echo "3 passed, 0 failed"; echo and then; exit 7'
    is "$last" '0 passed, 1 failed' "last line"
}

@test ".ci/run hands a signal on at once, and waits until run.sh has cleaned up" {
    local ci status=0
    # SIGKILL, for the shell that is about to become the sleep takes any other signal as its parent does.
    # shellcheck disable=SC2016 # for the script
    printf '%s\n' 'trap "kill -KILL \$!; echo cleaned up | tee cleaned; exit 143" TERM' 'echo $$ >begun' 'sleep 1000 & wait $!' >tests/run.sh
    .ci/run >said 2>&1 3>&- &
    ci=$!
    eventually test -s begun
    kill "$ci"
    wait "$ci" || status=$?
    is "$status" 143 "status"
    is "$(cat cleaned)" 'cleaned up' "what run.sh did"
    is "$(tail -n 1 said)" '0 passed, 1 failed' "last line"
}

# An apt-get for "download PACKAGE..." alone: each of them has one file, /usr/sbin/PACKAGE. Without $TREE/online, none.
make_apt() {
    mkdir bin
    cat >bin/apt-get <<'END'
#!/bin/sh
set -eu
echo "$*" >>"$TREE/asked"
shift
[ -e "$TREE/online" ] || {
    echo 'E: no network' >&2
    exit 100
}
[ "$1" = download ] || exit 0
shift
for package; do
    mkdir -p "$TREE/made/$package/DEBIAN" "$TREE/made/$package/usr/sbin"
    printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: none\n' "$package" \
        >"$TREE/made/$package/DEBIAN/control"
    echo "$package" >"$TREE/made/$package/usr/sbin/${package#openbsd-}"
    chmod 755 "$TREE/made/$package/usr/sbin/${package#openbsd-}"
    dpkg-deb --root-owner-group --build "$TREE/made/$package" . >/dev/null
done
END
    chmod 755 bin/apt-get
    export TREE PATH=$TREE/bin:$PATH XDG_CACHE_HOME=$TREE/cache
}

@test "setup.sh: what was downloaded is kept, and is enough without a network" {
    make_apt
    : >online
    sh tests/setup.sh launchers first
    is "$(cat first/usr/sbin/xinetd first/usr/sbin/inetd | xargs)" 'xinetd openbsd-inetd' "what was unpacked"
    rm online asked
    sh tests/setup.sh launchers second
    is "$(cat second/usr/sbin/xinetd)" xinetd "what was unpacked from the cache"
    [ ! -e asked ]
    is "$(ls cache/ostiary-tests)" launchers "what is kept"
}

@test "setup.sh: a damaged, shortened or missing package is noticed, and downloaded again" {
    local damage package
    make_apt
    : >online
    sh tests/setup.sh launchers first
    package=$(echo cache/ostiary-tests/launchers/xinetd*.deb)
    for damage in "truncate -s 100 $package" "sed -i s/debian-binary/DEBIAN-BINARY/ $package" "rm $package" \
        "rm cache/ostiary-tests/launchers/SHA256SUMS"; do
        rm -rf asked again
        $damage
        sh tests/setup.sh launchers again
        is "$(cat again/usr/sbin/xinetd)" xinetd "what was unpacked after: $damage"
        grep -q '^-qq download xinetd openbsd-inetd$' asked
    done
}

@test "setup.sh: without what it needs, and without a network, it says so and leaves nothing half done" {
    make_apt
    run sh tests/setup.sh launchers first
    is "$status" 69 "status, and it said: $output"
    matches "$output" 'E: no network'
    matches "$output" 'setup\.sh: failed: apt-get'
    [ ! -e first ]
    is "$(ls --ignore='archives*' cache/ostiary-tests)" '' "what is left in the cache, besides an empty place for packages"
}
