#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The house style, as far as a program can judge it.

load ../lib/common
load ../lib/files

@test "all C is formatted as .clang-format says" {
    files_matching '\.[ch]$' | xargs -r clang-format --dry-run -Werror
}

@test "shellcheck has nothing to say on any shell code" {
    # Left out: bats runs each test in a subshell and sets variables of its own; helpers are written for other files.
    # The scripts that a manual shows are looked at by manuals.bats.
    local scripts
    scripts=$(files_matching '\.(sh|bash|bats)$' && files_matching '' | grep -v '\.[1-8]$' |
        xargs grep -lE '^#!/(bin/sh|usr/bin/env (ba)?sh|bin/bash)')
    sort -u <<<"$scripts" | xargs -r shellcheck -e SC1091,SC2030,SC2031,SC2034,SC2154
}

@test "every file that can bear one has a licence line" {
    # Not: prose, data for tests, and files whose format has no comments.
    local without
    without=$(files_matching '' | grep -vE '^(LICENSE|README\.md|\.gitignore|.*\.md|\.clang-format|tests/(data|assurance/fuzz/corpus)/.*)$' |
        xargs grep -L 'SPDX-License-Identifier: ISC' || true)
    is "$without" '' "files without SPDX-License-Identifier"
}

@test "no function that has a safer neighbour: atoi, strcpy, sprintf, system, popen, alloca and theirs" {
    local found
    found=$(files_matching '\.[ch]$' |
        xargs grep -nE '\b(ato[ifl]l?|strcat|strcpy|stpcpy|sprintf|vsprintf|gets|system|popen|alloca|strtok|tmpnam|mktemp)\(' || true)
    is "$found" '' "calls"
}

@test "each script that is meant to be run as a program can be" {
    local script
    for script in $(files_matching '^(tests/tools/.*\.(py|sh)|\.ci/run)$'); do
        [ -x "$script" ] || {
            echo "$script is not executable"
            return 1
        }
    done
}
