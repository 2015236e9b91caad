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

# Of src/SECURITY.md: each `file` below tests, and behind it the titles of tests that stand there "in quotes", a pair a line.
tests_in_security() {
    tr '\n' ' ' <src/SECURITY.md | grep -oE '`[a-z0-9_]+/[a-z0-9_/]+(\.bats|\.c|\.sh)?`( "[^"]+")*' | awk -F '"' '{
        gsub(/[` ]/, "", $1)
        print $1 "\t"
        for (i = 2; i < NF; i += 2) print $1 "\t" $i
    }'
}

@test "SECURITY.md: each test that it names is there, under this title" {
    local file title titles=0
    while IFS=$'\t' read -r file title; do
        [ -e "tests/$file" ] || {
            echo "tests/$file is not there"
            return 1
        }
        [ -n "$title" ] || continue
        grep -qF -- "$title" "tests/$file" || {
            echo "tests/$file has no test '$title'"
            return 1
        }
        titles=$((titles + 1))
    done < <(tests_in_security)
    [ "$titles" -ge 50 ]
}

@test "SECURITY.md: its matrix has each invariant that it states, and says something in each cell" {
    local stated rows
    stated=$(grep -oE '^- \*\*I[0-9]+ ' src/SECURITY.md | tr -d ' *-')
    rows=$(awk -F ' \\| ' '/^\| I[0-9]+ \|/ && NF == 4 && $2 != "" && $3 != "" && $4 !~ /^ *\|$/ { print substr($1, 3) }' src/SECURITY.md)
    is "$rows" "$stated" "the rows of the matrix"
    [ "$(wc -l <<<"$rows")" -ge 14 ]
}
