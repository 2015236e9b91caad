# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # single quotes for the shells inside
# A page of recipes, typed as it is printed. Loaded with: load ../lib/recipes (after machines).
#
#   setup_file:  recipes_read PAGE
#   recipe SECTION        type its commands and write its files, in the order of the page; what is printed is compared.
#                         A subsection is called SECTION/SUBSECTION.
#   nothing_is_left_out   whatever is in the page has been done

# Commands that change nothing, and so can be given again.
RECIPE_LOOKS='^(curl|grep|journalctl|nft list|ostiaryctl (grants|list|log|status)|tar -t|[a-z/]*/check_nrpe)'

recipes_read() {
    RECIPES=$BATS_FILE_TMPDIR
    export RECIPES
    "$TOOLS/recipe_blocks.py" steps "$1" >"$RECIPES/steps"
    : >"$RECIPES/done"
}

recipe() {
    local section kind where text shown number=0 count=0
    while IFS= read -r -d '' section && IFS= read -r -d '' kind && IFS= read -r -d '' where &&
        IFS= read -r -d '' text && IFS= read -r -d '' shown; do
        number=$((number + 1))
        [ "$section" = "$1" ] || continue
        "recipe_$kind" "$where" "$text" "$shown" </dev/null || {
            printf '%s: this fails at %s:\n%s\n' "$section" "$where" "$text"
            return 1
        }
        echo "$number" >>"$RECIPES/done"
        count=$((count + 1))
    done <"$RECIPES/steps"
    [ "$count" -gt 0 ] || {
        echo "there is nothing to do in section '$1'"
        return 1
    }
}

# A file that is there keeps its mode, as with an editor.
recipe_file() {
    printf '%s' "$2" | inside sh -c 'mkdir -p "${1%/*}" && cat >"$1"' sh "$1"
}

# Where something happens in the background, what shows it is asked until it has happened.
recipe_command() {
    printf '%s\n' "$3" >"$RECIPES/shown"
    if [[ $2 =~ $RECIPE_LOOKS ]]; then
        eventually recipe_says "$1" "$2" && return
    else
        recipe_says "$1" "$2" && return
    fi
    cat "$RECIPES/difference"
    return 1
}

# One shell after the other, and yet as in one: each begins in the directory where the one before has ended.
# The build under test may have its configuration elsewhere than the page.
recipe_says() {
    local status
    at "$1" sh -c 'cd "$(cat "$1" 2>/dev/null || echo /root)"
        trap '\''pwd >"$1"'\'' EXIT
        eval "$2"' sh "/run/recipe-$1" "$2" 2>&1 | sed "s|$OSTIARY_SYSCONFDIR/|/etc/|g" >"$RECIPES/said"
    status=${PIPESTATUS[0]}
    { is "$status" 0 status && "$TOOLS/recipe_blocks.py" same "$RECIPES/shown" "$RECIPES/said"; } >"$RECIPES/difference"
}

nothing_is_left_out() {
    local -a fields
    local i number=0 left=
    mapfile -d '' fields <"$RECIPES/steps"
    for ((i = 0; i < ${#fields[@]}; i += 5)); do
        number=$((number + 1))
        grep -qx "$number" "$RECIPES/done" || left+="${fields[i]}: ${fields[i + 3]}"$'\n'
    done
    is "$left" '' 'what is in the page and was not done'
}
