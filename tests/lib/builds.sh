# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# Where the scripts that build for themselves do it: build-tests, in the source directory, which they are called in.

# own_builds: it is there, and was made here. One that was not is somebody's own, and is not touched.
own_builds() {
    if [ -e build-tests ] && [ ! -e build-tests/.made-by-the-tests ]; then
        echo "$0: build-tests was not made by the tests: move it elsewhere" >&2
        exit 73
    fi
    mkdir -p build-tests
    : >build-tests/.made-by-the-tests
}
