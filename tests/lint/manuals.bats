#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The manuals: without a fault, and one with the programs.

load ../lib/common
load ../lib/files

manuals() {
    files_matching '^(src|units)/.*\.[1-8]$'
}

@test "mandoc finds no fault in any manual" {
    local page
    [ -n "$(manuals)" ]
    for page in $(manuals); do
        run mandoc -T lint -W warning "$page"
        is "$output" '' "$page"
        is "$status" 0 "$page: status"
    done
}

@test "man --warnings is silent on every manual" {
    local page
    for page in $(manuals); do
        LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings --encoding=UTF-8 --local-file "$page" 2>"$BATS_TEST_TMPDIR/said" >/dev/null
        is "$(cat "$BATS_TEST_TMPDIR/said")" '' "$page"
    done
}

# One option a line, sorted; letters in one word (-46q) are each an option.
each_option() {
    sed -E ':again; s/^(-[A-Za-z0-9])([A-Za-z0-9])/\1\n-\2/; P; /\n/!d; s/^[^\n]*\n//; b again' | sort -u
}

# The options that a manual documents: those in its synopsis and those that head an entry of a list.
options_in_manual() {
    awk '/^\.Sh / { section = $2 } section == "SYNOPSIS" || /^\.It /' "$1" | awk '
        {
            dashes = ""
            for (i = 1; i <= NF; i++) {
                if ($i == "Fl" || $i == ".Fl") dashes = dashes "-"
                else if ($i == "|") continue
                # Another macro, or a comma, ends the flags.
                else if ($i ~ /^\.?[A-Z][a-z]$/ || $i == ",") dashes = ""
                else if (dashes != "") {
                    print dashes $i
                    # What follows in the same line has one dash from the macro, and its own where it has any.
                    dashes = $(i + 1) == "|" && $(i + 2) != "Fl" ? "-" : ""
                }
            }
        }' | each_option
}

options_in_help() {
    "$1" --help | grep -oE '(^|[][ ,|(])--?[A-Za-z0-9][A-Za-z0-9-]*' | grep -oE -- '--?[A-Za-z0-9][A-Za-z0-9-]*' | each_option
}

@test "every option of --help is in the manual, and the other way round" {
    local page program
    for page in $(manuals); do
        program=$OSTIARY_BUILD/${page%.*}
        [ -x "$program" ] || continue
        is "$(options_in_help "$program")" "$(options_in_manual "$page")" "$page against --help"
        checked=1
    done
    is "$checked" 1 "was any program checked?"
}

@test "every program has a manual" {
    local program
    for program in "$OSTIARY_BUILD"/src/*/ost*; do
        [ -f "$program" ] && [ -x "$program" ] || continue
        compgen -G "${program#"$OSTIARY_BUILD/"}.[18]" >/dev/null || {
            echo "$program has none"
            return 1
        }
    done
}

@test "secrets have one place, wherever they are spoken of but in HISTORY: /etc/ostiary/NAME.secret" {
    local odd
    odd=$(cd "$OSTIARY_SOURCE" &&
        awk 'FNR == 1 { history = 0 } /^\.Sh / { history = /HISTORY/ } !history { print FILENAME ":" FNR ":" $0 }' \
            README.md src/*.[1578] src/*/*.[1578] src/*/*.example units/*.in units/examples/* xinetd/* |
        sed 's,/etc/ostiary/[A-Za-z0-9_.*%-]*\.secret,,g' |
            grep -E '/etc/[A-Za-z0-9_./*-]*\.(key|secret)|/etc/ostclient' || true)
    is "$odd" '' "secrets elsewhere"
}

@test "shellcheck has nothing to say on any script of the recipes" {
    local section kind where text shown count=0
    while IFS= read -r -d '' section && IFS= read -r -d '' kind && IFS= read -r -d '' where &&
        IFS= read -r -d '' text && IFS= read -r -d '' shown; do
        [[ $kind == file && $text == '#!'* ]] || continue
        run shellcheck - <<<"$text"
        is "$output" '' "$where"
        count=$((count + 1))
    done < <("$TOOLS/recipe_blocks.py" steps src/ostiary-recipes.7)
    [ "$count" -gt 0 ]
}

# The names in the tables of a source: keywords, or options.
names_in() {
    grep -oE '\.name = "[A-Za-z0-9_-]+"' "$1" | cut -d '"' -f 2
}

@test "every keyword of the configuration is in ostiary.cfg(5), in the example, and known to its proof and its fuzzing" {
    local keyword count=0
    while read -r keyword; do
        grep -qE "^\.It Cm (.* )?$keyword( |$)" src/config/ostiary.cfg.5 || {
            echo "ostiary.cfg(5) has no entry for $keyword"
            return 1
        }
        grep -qw -- "$keyword" src/config/ostiary.cfg.example || {
            echo "ostiary.cfg.example does not show $keyword"
            return 1
        }
        grep -qF "\"$keyword\"" tests/assurance/proof/config.c && grep -qE "^\"${keyword}[=\"]" tests/assurance/fuzz/config.dict || {
            echo "tests/assurance does not know $keyword"
            return 1
        }
        count=$((count + 1))
    done < <(names_in src/config/config.c)
    [ "$count" -ge 20 ]
}

# missing_lines DIRECTORY, with a pattern for each name on stdin: those that no good or no broken file of it has.
missing_lines() {
    local pattern kind
    while read -r pattern; do
        for kind in good broken; do
            grep -rqE "$pattern" "$1/$kind" || echo "$pattern in $kind"
        done
    done
}

@test "every keyword of the configuration has a right line and a wrong one in tests/data/config" {
    is "$(names_in src/config/config.c | sed 's/.*/^ *&( *=|$)/' | missing_lines tests/data/config)" '' "lines that are missing"
}

@test "every keyword and option of ostiary-grants.cfg is in its manual, in the example, and known to its fuzzing" {
    local name missing=
    while read -r name; do
        grep -qE "^\.It Cm $name( |$)" src/gates/ostiary-grants.cfg.5 || missing+="$name in the manual; "
        grep -qE "(^#|\")$name=" src/gates/ostiary-grants.cfg.example || missing+="$name in the example; "
        grep -qE "$name=" tests/assurance/fuzz/gates.dict || missing+="$name in gates.dict; "
    done < <(names_in src/gates/gates.c && names_in src/gates/gate.c)
    is "$missing" '' "names that are missing"
    [ "$(names_in src/gates/gates.c | wc -l)" -ge 8 ] && [ "$(names_in src/gates/gate.c | wc -l)" -ge 14 ]
}

@test "and nothing is in the manual of ostiary-grants.cfg that it does not have" {
    local odd
    odd=$(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh FILES/s/^\.It Cm \([A-Za-z0-9_-]*\).*/\1/p' src/gates/ostiary-grants.cfg.5 | sort -u |
        comm -23 - <({ names_in src/gates/gates.c && names_in src/gates/gate.c; } | sort -u))
    is "$odd" '' "entries"
}

@test "every keyword and option of ostiary-grants.cfg has a right line and a wrong one in tests/data/gates" {
    is "$(names_in src/gates/gates.c | sed 's/.*/^ *&( *=|$)/' | missing_lines tests/data/gates)" '' "lines that are missing"
    is "$(names_in src/gates/gate.c | sed 's/.*/^GATE=.*"&=/' | missing_lines tests/data/gates)" '' "options that are missing"
}

reasons() {
    {
        grep -hoE 'visit_refuse\([^"]*"[a-z-]+"' src/*/*.c
        sed -n '/_reason(enum .*)$/,/^}/p' src/door/visit.c src/knock/*.c | grep -oE 'return "[a-z-]+"'
    } | grep -oE '"[a-z-]+"' | tr -d '"' | sort -u
}

@test "every reason for which a visitor is refused or rejected is in ostiaryd(8)" {
    local reason count=0
    while read -r reason; do
        sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh SEE/p' src/knock/ostiaryd.8 | grep -qE "^\.Sy (.* )?$reason( |$)|reason=$reason( |$)" || {
            echo "ostiaryd(8), DIAGNOSTICS, has no word of $reason"
            return 1
        }
        count=$((count + 1))
    done < <(reasons)
    [ "$count" -ge 10 ]
}

# What ostgrant says in the log, and what its check finds: the first words of each, up to what differs.
said_by_ostgrant() {
    /usr/bin/python3 - src/grant/*.c <<'END'
import re, sys

call = re.compile(r'\b(?:tell_wrong|tell_done)\(\s*LOG_\w+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)|'
                  r'\b(?:find|report)\([^";]*CONFIG_(?:ERROR|WARNING),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
for path in sys.argv[1:]:
    with open(path) as source:
        text = source.read()
    for found in call.finditer(text):
        said = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[1] or found[2]))
        words = re.sub(r"^(gate '%s': |GATE: |%s:%u: )", "", said).split("%")[0].split(":")[0]
        if len(words) > 3:
            print(" ".join(words.split()[:5]))
END
}

@test "every line that ostgrant logs, and all that its check finds, is in ostgrant(8)" {
    local said count=0 manual
    manual=$(sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh RESTARTING/p' src/grant/ostgrant.8 | tr '\n' ' ')
    while read -r said; do
        [[ $manual == *"$said"* ]] || {
            echo "ostgrant(8), DIAGNOSTICS, has no word of: $said"
            return 1
        }
        count=$((count + 1))
    done < <(said_by_ostgrant)
    [ "$count" -ge 20 ]
}

@test "for every reason for which a visitor is refused or rejected a test at a door asks" {
    local reason missing=
    while read -r reason; do
        grep -rqE "reason=(\([a-z|-]*)?$reason" tests/e2e || missing+="$reason "
    done < <(reasons)
    is "$missing" '' "reasons that no test has seen"
}
