#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The README's annotated tree is the tree.

load ../lib/common
load ../lib/files

# The lines of the block (indented or fenced) behind the README's heading that speaks of the tree, as full paths.
# A line is: two blanks for each level of depth, a path or pattern, at least two blanks, what it is. A directory ends in "/".
paths_in_readme() {
    awk '
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
                print path
            }
            above[depth] = name[names]
        }' README.md
}

@test "the README has an annotated tree" {
    [ "$(paths_in_readme | wc -l)" -ge 5 ]
}

@test "whatever the README's tree names is there" {
    local pattern
    while read -r pattern; do
        compgen -G "$pattern" >/dev/null || {
            echo "README.md names $pattern, which does not exist"
            return 1
        }
    done < <(paths_in_readme)
}

@test "the README's tree names all there is: the top level, each directory, and each file where it names files" {
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
    done < <(paths_in_readme)
    for file in "${!wanted[@]}"; do
        [ -n "${listed[$file]-}" ] || missing+="$file "
    done
    is "$missing" '' "in the tree, and not in README.md"
}
