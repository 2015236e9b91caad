# SPDX-License-Identifier: ISC
# usage: awk -f calls.awk MODEL SOURCE...
#
# For each line "C: NAME = CALLS" of the model: does the C function NAME make these calls, in this order? Of the calls that
# it makes those count that have a line of their own, or are named in one. And a step of the model in small letters is named
# after a function that is in these lines. Prints a line for each that is not so.

# The first file is the model.
NR == FNR {
    if ($0 ~ /^inline [a-z]/) {
        sub(/\(.*/, "", $2)
        steps[$2] = 1
    }
    if ($0 !~ /C: [a-z_]+ =/)
        next
    sub(/.*C: /, "")
    sub(/ *\*\/ *$/, "")
    name = $1
    $1 = $2 = ""
    gsub(/^ +| +$/, "")
    gsub(/ +/, " ")
    wanted[name] = $0
    known[name] = 1
    count = split($0, calls, " ")
    for (i = 1; i <= count; i++)
        known[calls[i]] = 1
    next
}

# A definition begins in the first column with a type, and ends with a brace there.
/^[a-z].*[ *][a-z_]+\(/ && !/;[ ]*$/ && !/^static inline/ {
    head = $0
    sub(/\(.*/, "", head)
    sub(/.*[ *]/, "", head)
    inside = head
    if (head in wanted) {
        found[head]++
        file_of[head] = FILENAME
        made[head] = ""
    }
    next
}
/^}/ {
    inside = ""
}
inside in wanted {
    line = $0
    gsub(/"([^"\\]|\\.)*"/, "", line)
    sub(/\/\*.*/, "", line)
    while (match(line, /[a-z_0-9]+\(/)) {
        call = substr(line, RSTART, RLENGTH - 1)
        line = substr(line, RSTART + RLENGTH)
        if (call in known)
            made[inside] = made[inside] (made[inside] == "" ? "" : " ") call
    }
}

END {
    for (name in wanted) {
        if (!found[name])
            print name ": the model speaks of it, and no source has it"
        else if (found[name] > 1)
            print name ": there are " found[name] " of this name"
        else if (made[name] != wanted[name])
            print name " (" file_of[name] ") calls: " made[name] "; the model says: " wanted[name]
        lines++
    }
    for (name in steps)
        if (!(name in known))
            print name ": a step of the model, and no line says whose"
    if (lines == 0)
        print "the model names no function"
}
