# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # single quotes for shells elsewhere, and for Markdown
# The commands of README.md and ostiary(7), and where they are run: a minimal Debian, with the packages that these name.
# Loaded with: load ../lib/readme (after container).
#
#   follow SECTION [REGEX FUNCTION]...   type what the section says
#
# Only what is said in words has to be done here: FUNCTION is called once, before the first block that matches REGEX.
# A block is typed if its first word is a command where it is run, $WHERE: layer or inside. One with ostclient is typed at
# the client (knock_as_in); one with systemd-socket-activate is another way to do the same, and goes on for ever; one with
# "# " before some of its lines, commands, shows what they print (see). Whatever follows a heading, up to the next one, is
# its section, of whichever page has that heading.

README=$OSTIARY_SOURCE/README.md
OVERVIEW=$OSTIARY_SOURCE/src/ostiary.7

# overview: ostiary(7) as if it were written like README.md: headings behind "#", blocks indented, and words of commands in
# backquotes. Where all lines of a block are behind "# " they are to be typed, and go without it, as there.
overview() {
    awk '
        function end_block(line) {
            print ""
            for (line = 1; line <= count; line++) {
                if (all_typed) sub(/^# /, "", block[line])
                print "    " block[line]
            }
            print ""
            inside = 0
        }
        /^\.\\"/ { next }
        /^\.S[hs] / { sub(/^\.S[hs] /, "# "); print; next }
        /^\.Bd / { inside = 1; count = 0; all_typed = 1; next }
        /^\.Ed/ { end_block(); next }
        inside { block[++count] = $0; if ($0 !~ /^# /) all_typed = 0; next }
        /^\.(Ql|Sy|Pa|Cm) / { sub(/^\.[A-Za-z]+ /, ""); sub(/ [.,:;]$/, ""); print "`" $0 "`"; next }
        { print }' "$OVERVIEW"
}

section() {
    { cat "$README"; overview; } | awk -v wanted="$1" '/^#/ { sub(/^#+ +/, ""); inside = $0 == wanted; next } inside'
}

# blocks SECTION: sets BLOCKS, an array of its indented blocks, without the indentation. An empty line ends one.
blocks() {
    mapfile -d '' BLOCKS < <(section "$1" | awk '
        /^    / { sub(/^    /, ""); printf "%s%s", inside ? "\n" : "", $0; inside = 1; next }
        inside { printf "%c", 0; inside = 0 }
        END { if (inside) printf "%c", 0 }')
    [ "${#BLOCKS[@]}" -gt 0 ] || {
        echo "there is no block in section '$1'"
        return 1
    }
}

# packages SECTION: the Debian packages that it names: "package `one`", "packages `one another`".
packages() {
    section "$1" | tr '\n' ' ' | grep -oE 'packages? `[^`]*`' | cut -d '`' -f 2 | tr '\n' ' '
}

# in_section SECTION REGEX: what stands there, inline or in a block: the first match.
in_section() {
    section "$1" | grep -oE -- "$2" | head -n 1 | grep .
}

# typed BLOCK: is it one? "(umask 077; ...)" is as well.
typed() {
    local word=${1%%[[:space:]]*}
    word=${word#(}
    [[ $word =~ ^[a-z][a-z0-9-]*$ ]] && "$WHERE" sh -c 'command -v "$1"' sh "$word" >/dev/null
}

follow() {
    local block typed=0 i
    local -a BLOCKS words=("${@:2}")
    blocks "$1"
    for block in "${BLOCKS[@]}"; do
        typed "$block" || continue
        for ((i = 0; i < ${#words[@]}; i += 2)); do
            if [ -n "${words[i]}" ] && grep -qE -- "${words[i]}" <<<"$block"; then
                "${words[i + 1]}" || return
                words[i]=
            fi
        done
        [[ $block != @(ostclient|systemd-socket-activate)\ * ]] || continue
        typed=$((typed + 1))
        "$WHERE" sh -euc "$block" </dev/null || {
            printf 'section "%s": this fails:\n%s\n' "$1" "$block"
            return 1
        }
    done
    [ "$typed" -gt 0 ] || {
        echo "there is nothing to type in section '$1'"
        return 1
    }
}

# client SECTION: the first command of a client there.
client() {
    local -a BLOCKS
    blocks "$1"
    printf '%s\n' "${BLOCKS[@]}" | grep -m 1 '^ostclient '
}

knock_as_in() {
    "$WHERE" sh -euc "$(client "$1")"
}

# shown SECTION: the commands of its blocks that show what is printed, one a line.
shown() {
    section "$1" | sed -n 's/^    # \([a-z]\)/\1/p'
}

# see SECTION: they work, and print something. What the page shows of it has other times and addresses.
see() {
    local command count=0
    while read -r command; do
        run "$WHERE" sh -euc "$command"
        is "$status" 0 "status of $command, which said: $output"
        [ -n "$output" ]
        count=$((count + 1))
    done < <(shown "$1")
    [ "$count" -gt 0 ]
}

# The tree of a build, with these packages; a layer on it has what is done there.
layer_make() {
    LAYER=$(mktemp -d "${OSTIARY_TEST_ROOT:-/srv}/ostiary-readme.XXXXXX")
    mkdir "$LAYER/upper" "$LAYER/work" "$LAYER/root"
    LAYER_TREE=$(tree_with "$@")
    export LAYER LAYER_TREE
}

layer_remove() {
    [ -z "${LAYER-}" ] || rm -rf --one-file-system "$LAYER"
}

# tree_with PACKAGE...: where it is.
tree_with() {
    sh "$OSTIARY_SOURCE/tests/setup.sh" tree "$@"
}

# on_layer TREE COMMAND...: it runs there as root, in the source directory, where no systemd is and no network.
on_layer() {
    unshare --mount --net --pid --fork --kill-child -- sh -euc 'place=$1 tree=$2
        shift 2
        mount -t overlay -o "lowerdir=$tree,upperdir=$place/upper,workdir=$place/work" none "$place/root"
        mount -t proc proc "$place/root/proc"
        ip link set lo up
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            CFLAGS="-O1 -g0" chroot "$place/root" sh -c "cd /root/ostiary && exec \"\$@\"" sh "$@"' sh "$LAYER" "$@"
}

# layer COMMAND...: on the tree of the build. Whatever is compiled there is what others have tried out compiled well: here it
# need not be.
layer() {
    on_layer "$LAYER_TREE" "$@"
}

# boot_on PACKAGE...: a machine with them, and with what has been done on the layer.
boot_on() {
    CONTAINER_LAYERS=$LAYER/upper:$(tree_with "$@")
    export CONTAINER_LAYERS
    container_boot
}
