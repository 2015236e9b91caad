# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What every bats file uses: places, a work directory, waiting, and reading what peer.py says.
# Loaded with: load ../lib/common

: "${OSTIARY_BUILD:?is set by meson test; by hand: the build directory}"
: "${OSTIARY_SOURCE:?is set by meson test; by hand: the source directory}"
OSTIARYD=$OSTIARY_BUILD/src/knock/ostiaryd
# What it loads when it has sent the seed.
# shellcheck disable=SC2034 # the tests read it
MAC_MODULE=$OSTIARY_BUILD/src/wire/mac.so
TOOLS=$OSTIARY_SOURCE/tests/tools
# meson sets it for the module that some tests load into the handler; nothing else here needs it.
unset LD_LIBRARY_PATH
# As a user who is not root has no sbin directories in PATH.
PATH=$PATH:/usr/sbin:/sbin

# Skip the test unless it runs as root: launchers get namespaces of their own, actions run as other users.
need_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
}

# Before a command: the sanitizers look at it, but not for leaks. To find those they stop the process with ptrace(2), which
# they cannot where a tracer has it already, where it has changed its user, and where its user may start no process.
# shellcheck disable=SC2034 # the tests read it
NO_LEAK_CHECK=(env LSAN_OPTIONS=detect_leaks=0)

# A directory for one test, $WORK, whose every parent root alone can write to, as the command of a root action needs
# it (so not below /tmp). Everything a test makes is in it. run.sh sets OSTIARY_TEST_ROOT, to remove what is left.
make_work() {
    WORK=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-test.XXXXXX")
    chmod 755 "$WORK"
    mkdir -m 700 "$WORK/state"
    mkdir "$WORK/bin"
    mkdir -m 1777 "$WORK/out" "$WORK/sanitizer"
    # Where a sanitizer finds something it must not say so to the peer, whoever the process has become; remove_work looks here.
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}abort_on_error=1:disable_coredump=0:verify_asan_link_order=0:log_path=$WORK/sanitizer/report"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:abort_on_error=1:print_stacktrace=1:log_path=$WORK/sanitizer/report"
}

# Remove it, and fail the test if a sanitizer has reported anything.
remove_work() {
    local report found=0
    [ -n "${WORK-}" ] || return 0
    for report in "$WORK"/sanitizer/*; do
        [ -e "$report" ] || continue
        cat "$report"
        found=1
    done
    rm -rf "$WORK"
    return "$found"
}

# Seconds until a test gives up on what never comes. It is no deadline: whatever is waited for comes long before, on the
# slowest and the busiest machine.
PATIENCE=300

# eventually COMMAND...: poll until the command succeeds; fail when PATIENCE has ended. How soon it has to be is for the
# bench to measure, for that depends on the machine. The pauses grow with the time that has passed, an eighth of it up to
# half a second: whoever asks all the time keeps a busy machine from what he waits for.
eventually() {
    local begin=${EPOCHREALTIME/./} passed pause
    [[ $1 != [0-9]* ]] || {
        echo "eventually takes no number of seconds: $*"
        return 1
    }
    until "$@"; do
        passed=$((${EPOCHREALTIME/./} - begin))
        [ "$passed" -lt $((PATIENCE * 1000000)) ] || {
            echo "gave up waiting for: $*"
            return 1
        }
        pause=$((passed / 8000))
        printf -v pause '0.%03d' $((pause < 20 ? 20 : pause > 500 ? 500 : pause))
        sleep "$pause"
    done
}

# refute COMMAND...: the command must fail. (A plain ! does not end a test.)
refute() {
    if "$@"; then
        echo "this should have failed: $*"
        return 1
    fi
}

# field NAME: the value of one member of the flat JSON object in $output, without quotes.
field() {
    sed -nE 's/.*"'"$1"'": ("([^"]*)"|([^,}]*)).*/\2\3/p' <<<"$output"
}

# is TEXT WANTED [WHAT]: equal, or say how not.
is() {
    [ "$1" = "$2" ] && return
    printf '%s: got "%s", want "%s"\n' "${3:-value}" "$1" "$2"
    return 1
}

# matches TEXT REGEX: an extended regular expression somewhere in the text, or say so.
matches() {
    [[ $1 =~ $2 ]] && return
    printf 'no match for %s in:\n%s\n' "$2" "$1"
    return 1
}
