# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# The files of the source tree, for the lint tests. Loaded with: load ../lib/files. Leaves the test in the source directory.

cd "$OSTIARY_SOURCE" || exit 1

# files_matching REGEX: what git tracks or would track; of an unpacked archive, everything but build directories. It is looked
# up once for each file of tests.
files_matching() {
    local list=$BATS_FILE_TMPDIR/files-of-the-tree
    local new=$list.$BASHPID
    [ -e "$list" ] || {
        {
            git ls-files --cached --others --exclude-standard 2>/dev/null ||
                find . -name 'build*' -prune -o -type f -printf '%P\n'
        } | sort -u | while read -r file; do
            [ ! -f "$file" ] || echo "$file"
        done >"$new"
        mv "$new" "$list"
    }
    grep -E -- "$1" "$list"
}
