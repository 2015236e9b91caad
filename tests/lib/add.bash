# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of ostiaryctl add use. Loaded with: load ../../lib/add (after common, ctl and launch). In teardown:
# stop_launcher, where serve is used, and remove_work.

# add_setup: $CONFIG, which is not there yet, the directory of its $SECRETS, and an action, hello.
add_setup() {
    need_root
    make_work
    mkdir -m 755 "$WORK/etc"
    CONFIG=$WORK/etc/ostiary.cfg
    SECRETS=$WORK/etc/ostiary
    STATE=$WORK/state
    LOG=$WORK/log
    write_action hello "echo hello \$1 >>$WORK/out/hello"
    # shellcheck disable=SC2016 # for the shell inside
    CTL_WITH=(unshare --mount -- sh -c 'mount -t tmpfs ostiary /run && exec "$@"' sh)
}

# config LINE...: these lines, and a place for the state.
config() {
    printf '%s\n' "STATE_DIR=\"$STATE\"" DELAY=1 "$@" >"$CONFIG"
    chmod 600 "$CONFIG"
}

# Everything below etc and the state directories: names, kinds, modes, owners, and what is in the files.
everything() {
    (cd "$WORK" && find etc state* -printf '%p %y %m %U %G %l\n' | sort && find etc state* -type f -exec sha256sum {} + | sort)
}

# split_steps STEP... -- ARGUMENT...: $STEPS, for at_terminal.py, and the $REST.
split_steps() {
    STEPS=()
    while [ "$1" != -- ]; do
        STEPS+=("$1")
        shift
    done
    # shellcheck disable=SC2034 # the tests read it
    REST=("${@:2}")
}

# Nothing of a command's own is left behind: no mark, no text that was to take a place.
no_leftovers() {
    is "$(find "$WORK/etc" -name '.*')" '' "what is left"
}

# serve: the door of $CONFIG.
serve() {
    use_handler
    CONFIG=$WORK/etc/ostiary.cfg
    # shellcheck disable=SC2034 # lib/launch.bash reads it
    SERVER=("$OSTIARYD" -e -c "$CONFIG")
    start_socket_activate
}
