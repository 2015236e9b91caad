#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The annotated trees of README.md and of tests/README.md are the tree.

load ../lib/common
load ../lib/files

# paths_in PAGE DIRECTORY: the lines of the block (indented or fenced) behind the page's heading that speaks of the tree, as
# full paths below DIRECTORY, which ends in "/" or is empty. A line is: two blanks for each level of depth, a path or pattern,
# at least two blanks, what it is. A directory ends in "/".
paths_in() {
    awk -v top="$2" '
        /^#/ { inside = tolower($0) ~ /tree/; started = 0; next }
        !inside { next }
        /^```/ { if (started) exit; fenced = 1; started = 1; next }
        !fenced && /^    [^ ]/ { started = 1 }
        !started { next }
        !fenced && /^[^ ]/ { exit }
        NF == 0 { next }
        {
            line = $0
            if (!fenced) sub(/^    /, "", line)
            match(line, /^ */)
            depth = int(RLENGTH / 2)
            # A line without a path goes on with the explanation of the one before.
            if (RLENGTH > 12) next
            sub(/^ */, "", line)
            count = split(line, parts, /  +/)
            names = split(parts[1], name, /,? +/)
            for (i = 1; i <= names; i++) {
                path = name[i]
                for (d = depth; d > 0; d--) path = above[d - 1] path
                print top path
            }
            above[depth] = name[names]
        }' "$1"
}

paths_in_trees() {
    paths_in README.md ''
    paths_in tests/README.md tests/
}

@test "README.md and tests/README.md have an annotated tree each" {
    [ "$(paths_in README.md '' | wc -l)" -ge 5 ]
    [ "$(paths_in tests/README.md tests/ | wc -l)" -ge 5 ]
}

@test "whatever the trees name is there" {
    local pattern
    while read -r pattern; do
        compgen -G "$pattern" >/dev/null || {
            echo "a tree names $pattern, which does not exist"
            return 1
        }
    done < <(paths_in_trees)
}

@test "the trees name all there is: the top level, each directory, and each file where they name files" {
    local file directory pattern missing=
    local -A wanted=() listed=() seen=()
    while read -r file; do
        [[ $file == .* ]] && continue
        [[ $file == */* ]] || wanted[$file]=1
        directory=$file
        while [[ $directory == */* ]]; do
            directory=${directory%/*}
            wanted[$directory/]=1
        done
    done < <(files_matching '')
    while read -r pattern; do
        while read -r file; do
            [[ ! -d $file || $file == */ ]] || file+=/
            listed[$file]=1
            # One file named: then all its neighbours are to be.
            if [[ $file != */ && $file == */* && -z ${seen[${file%/*}]-} ]]; then
                seen[${file%/*}]=1
                for neighbour in $(files_matching "^${file%/*}/[^/]+$"); do
                    wanted[$neighbour]=1
                done
            fi
        done < <(compgen -G "$pattern")
    done < <(paths_in_trees)
    for file in "${!wanted[@]}"; do
        [ -n "${listed[$file]-}" ] || missing+="$file "
    done
    is "$missing" '' "in neither tree"
}
