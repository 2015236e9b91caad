#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A layer knows the layers below it, and a program no other program: whatever else there is, the compiler does not find it.

load ../lib/common
load ../lib/files

# A folder, and the folders whose headers it may include besides its own.
LAYERS='
src/base
state           src/base
src/codes       src/base
src/config      src/base src/codes
src/gates       src/base src/codes src/config
src/door        src/base src/codes src/config state
src/crypt
src/wire        src/base src/codes src/crypt
src/stretch     src/base src/crypt
src/reach       src/base
src/actions     src/base src/codes src/config state src/gates src/door src/wire
src/knock       src/base src/codes src/config state src/gates src/door src/wire src/actions
src/client      src/base src/codes src/config src/reach src/wire src/stretch
src/pipe        src/base src/codes src/crypt src/reach src/wire
src/grant       src/base src/codes src/config src/gates state src/door src/actions
src/admin       src/base src/codes src/config src/gates state src/door src/wire src/stretch src/actions
src/grant/cgi   src/base src/codes src/config src/gates
units           src/base src/codes src/config src/gates state
'

HEADERS=$(files_matching '^(src|state|units)/.*\.h$')

# A line "FOLDER HEADER" for all that is found, and may be.
visible() {
    # shellcheck disable=SC2086 # no name has blanks
    "$TOOLS/visible_headers.py" "$OSTIARY_BUILD" $HEADERS
}

allowed() {
    awk 'NR == FNR { header[$1] = 1; next }
        {
            for (i = 1; i <= NF; i++)
                for (path in header)
                    if (path ~ "^" $i "/[^/]*$") print $1 " " path
        }' <(echo "$HEADERS") <(echo "$LAYERS") | LC_ALL=C sort
}

@test "a library or program can include headers of its own and of lower layers, and no other" {
    is "$(visible | LC_ALL=C comm -23 - <(allowed) | sed 's/ / can include /')" '' "headers of another program or a higher layer"
}

@test "the layers are all there is: each folder of code has its place among them, and finds its own headers" {
    local folder seen odd=
    seen=$(visible)
    while read -r folder; do
        grep -qE "^$folder( |$)" <<<"$LAYERS" || odd+="$folder has no place; "
        grep -qE "^$folder/" <<<"$HEADERS" || continue
        grep -qE "^$folder $folder/" <<<"$seen" || odd+="$folder does not find its own; "
    done < <(files_matching '^(src|state|units)/.*\.c$' | sed 's,/[^/]*$,,' | sort -u)
    is "$odd" '' "folders"
    is "$(xargs -n 1 basename <<<"$HEADERS" | sort | uniq -d)" '' "names that two headers have, so that one could hide the other"
}

@test "no source includes a file by the folder that it is in, whereby it would find any" {
    local files
    mapfile -t files < <(files_matching '^(src|state|units)/.*\.[ch]$')
    is "$(grep -nE '^ *# *include +"[^"]*/' "${files[@]}" || true)" '' "paths"
}
