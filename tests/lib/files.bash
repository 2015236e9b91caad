# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# The files of the source tree, for the lint tests. Loaded with: load ../lib/files. Leaves the test in the source directory.

cd "$OSTIARY_SOURCE" || exit 1

# files_matching REGEX: what git tracks or would track; of an unpacked archive, everything but build directories.
files_matching() {
    {
        git ls-files --cached --others --exclude-standard 2>/dev/null ||
            find . -name 'build*' -prune -o -type f -printf '%P\n'
    } | sort -u | while read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done | grep -E -- "$1"
}
