#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What README.md and the other pages in Markdown say of the tree: lengths, links, and files that they name.
# shellcheck disable=SC2016 # backquotes of Markdown

load ../lib/common
load ../lib/files

@test "README.md can be read in one sitting: at most 200 lines" {
    [ "$(wc -l <README.md)" -le 200 ]
}

# The targets of a page's links that are in the tree, as paths from the top.
links_in() {
    local directory=
    [[ $1 != */* ]] || directory=${1%/*}/
    grep -oE '\]\([^)#]+' "$1" | cut -c 3- | grep -vE '^[a-z]+:' | sed "s|^|$directory|"
}

@test "each link of a page leads to a file" {
    local page target count=0
    while read -r page; do
        while read -r target; do
            [ -e "$target" ] || {
                echo "$page: $target is not there"
                return 1
            }
            count=$((count + 1))
        done < <(links_in "$page")
    done < <(files_matching '\.md$')
    [ "$count" -ge 5 ]
}

@test "tests/README.md names files and functions that are there" {
    local word missing=
    # Whole paths, and those below tests; words with a capital letter (LAYER, DOOR) stand for any name.
    while read -r word; do
        [[ $word =~ [A-Z] && $word != *.md ]] || [ -e "$word" ] || [ -e "tests/$word" ] || missing+="$word "
    done < <(grep -oE '`[A-Za-z0-9_./-]+/[A-Za-z0-9_./-]*`' tests/README.md | tr -d '`' | sort -u)
    is "$missing" '' "files that are named and not there"
    while read -r word; do
        grep -rqw --include='*.[ch]' -- "$word" src state || missing+="$word "
    done < <(grep -oE '`(enum |struct )?[a-z]+(_[a-z]+)+`' tests/README.md | tr -d '`' | sort -u)
    is "$missing" '' "functions and types that are named and not there"
}
