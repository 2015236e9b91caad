#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# I8, doubt denies: whatever is wrong with the table, its directory, the clock or chance, nobody gets in, nothing hangs,
# and the log says what to do.
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell by design; variables are read by lib/door.bash

load ../../lib/common
load ../../lib/launch
load ../../lib/door

setup() {
    door_setup
    write_door TABLE_SIZE=64
}

teardown() {
    remove_work
}

# The same door, put right: it works.
everybody_gets_in() {
    rm -f "$WORK/out/knock"
    at_noon 127.0.0.3=sesame@120
    is "$(of 1 receipt)" right "receipt when it was put right"
    rm -f "$WORK/out/knock"
}

@test "I8: a table that the handler cannot open" {
    HANDLER=(setpriv --reuid 65534 --regid 65534 --clear-groups "${HANDLER[@]}")
    chown 65534 "$CONFIG" "$WORK/state"
    at_noon 127.0.0.9=leave
    is "$(of 1 length)" 32 "bytes to a seed from a handler that is not root"
    chown 0 "$WORK/state/lockout"
    nobody_gets_in 'the table cannot be opened: see to its owner.*Permission denied'
    chown 65534 "$WORK/state/lockout"
    chmod 0 "$WORK/state/lockout"
    nobody_gets_in 'the table cannot be opened: see to its owner.*Permission denied'
}

@test "I8: a table that is a directory, a symbolic link, a FIFO or a socket" {
    make_table
    mv "$WORK/state/lockout" "$WORK/state/kept"
    mkdir "$WORK/state/lockout"
    nobody_gets_in 'the table is not a regular file: remove'
    rmdir "$WORK/state/lockout"
    ln -s kept "$WORK/state/lockout"
    nobody_gets_in 'the table is not a regular file: remove'
    ln -sf nowhere "$WORK/state/lockout"
    nobody_gets_in 'the table is not a regular file: remove'
    [ ! -e "$WORK/state/nowhere" ]
    rm "$WORK/state/lockout"
    mkfifo -m 600 "$WORK/state/lockout"
    nobody_gets_in 'the table is not a regular file: remove'
    rm "$WORK/state/lockout"
    (cd "$WORK/state" && /usr/bin/python3 -ISc 'import socket; socket.socket(socket.AF_UNIX).bind("lockout")')
    nobody_gets_in 'the table (is not a regular file|cannot be opened)'
    rm "$WORK/state/lockout"
    mv "$WORK/state/kept" "$WORK/state/lockout"
    everybody_gets_in
}

@test "I8: a table with a mode that lets others at it, or of another owner" {
    make_table
    chmod 620 "$WORK/state/lockout"
    nobody_gets_in 'the table is writable by group or others: chmod go-w'
    chmod 602 "$WORK/state/lockout"
    nobody_gets_in 'the table is writable by group or others: chmod go-w'
    chmod 604 "$WORK/state/lockout"
    nobody_gets_in 'the table is accessible to others: chmod o-rwx'
    chmod 600 "$WORK/state/lockout"
    chown 65533 "$WORK/state/lockout"
    nobody_gets_in 'the table belongs to somebody else: chown'
    chown 0 "$WORK/state/lockout"
    everybody_gets_in
}

@test "I8: a state directory that is missing, a link, writable by others, or of another owner" {
    make_table
    mv "$WORK/state" "$WORK/kept"
    nobody_gets_in 'the state directory does not exist: run systemd-tmpfiles --create, or create it'
    ln -s kept "$WORK/state"
    nobody_gets_in 'the state directory cannot be opened: make it a directory, not a link'
    rm "$WORK/state"
    : >"$WORK/state"
    nobody_gets_in 'the state directory cannot be opened: make it a directory'
    rm "$WORK/state"
    mv "$WORK/kept" "$WORK/state"
    chmod 720 "$WORK/state"
    nobody_gets_in 'the state directory is open to group or others: chmod 0700'
    chmod 702 "$WORK/state"
    nobody_gets_in 'the state directory is open to group or others: chmod 0700'
    chmod 700 "$WORK/state"
    chown 65533 "$WORK/state"
    nobody_gets_in 'the state directory belongs to somebody else: chown'
    chown 0 "$WORK/state"
    everybody_gets_in
}

# Who has locked himself out at one door, which makes the table, finds himself locked at the other, and others do not.
locked_at_both() {
    local first=$1 second=$2
    rm -f "$WORK/state/"*
    "$first" 127.0.0.4=wrong@10 127.0.0.4=wrong@20 127.0.0.4=wrong@30
    is "$(lengths)" '32 32 32' "bytes at the first door"
    "$second" 127.0.0.4=sesame@40 127.0.0.5=idle@50
    is "$(lengths)" '0 32' "bytes at the second door"
    is "$(stat -c %u:%g:%a "$WORK/state/"* | sort -u)" 64000:64000:600 "whose the files are"
}

@test "I2: in a directory of the user ostiary a handler that is root and one of his have one table" {
    two_doors
    printf 'COMM_TIMEOUT=1\n' | tee -a "$CONFIG" >>"$WORK/ostiary-sealed.cfg"
    sed -i '/COMM_TIMEOUT=3600/d' "$CONFIG" "$WORK/ostiary-sealed.cfg"
    chown 64000:64000 "$WORK/state"
    locked_at_both at_roots at_ostiarys
    locked_at_both at_ostiarys at_roots
    is "$(grep -c 'refused source=127\.0\.0\.4 reason=locked' "$LOG")" 2 "refusals"
}

@test "I5, I8: in a directory of the user ostiary nobody gets a seed of root's without a number that only root can set" {
    two_doors
    chown 64000:64000 "$WORK/state"
    at_roots 127.0.0.9=wrong@10
    is "$(lengths)" 32 "bytes before anything was wrong"
    HANDLER=("${AT_ROOTS[@]}")
    chmod 750 "$WORK/state-root"
    nobody_gets_in "-root behind it, or the one above, is not root's alone: chown root"
    chmod 700 "$WORK/state-root"
    printf x >>"$WORK/state-root/seed"
    nobody_gets_in 'the seed counter in .* is damaged: remove seed there'
    rm "$WORK/state-root/seed"
    mkdir "$WORK/state-root/seed"
    nobody_gets_in 'the seed counter in .* cannot be read or written: .*: Is a directory'
    rmdir "$WORK/state-root/seed"
    at_roots 127.0.0.5=wrong@50
    is "$(lengths)" 32 "bytes when all is well again"
}

@test "I8: a state directory of root's is none for the user ostiary, and one of a third user is none for either" {
    two_doors
    HANDLER=("${AT_OSTIARYS[@]}")
    nobody_gets_in 'the state directory cannot be opened'
    chown 64001 "$WORK/state"
    nobody_gets_in 'the state directory cannot be opened'
    HANDLER=("${AT_ROOTS[@]}")
    nobody_gets_in 'the state directory belongs to somebody else: chown'
    # Not even where everybody could work in it.
    chmod 777 "$WORK/state"
    nobody_gets_in 'the state directory belongs to somebody else: chown'
    HANDLER=("${AT_OSTIARYS[@]}")
    nobody_gets_in 'the state directory belongs to somebody else: chown'
    is "$(ls -A "$WORK/state")" '' "what was made there"
}

@test "I8: a table of the wrong length" {
    local length
    make_table
    cp "$WORK/state/lockout" "$WORK/kept"
    for length in 0 1 127 128 1023 1024 4096 8191 8192 16256 16383 16385 17408; do
        truncate -s "$length" "$WORK/state/lockout"
        nobody_gets_in 'the table is damaged: run ostiaryctl repair'
        is "$(stat -c %s "$WORK/state/lockout")" "$length" "length of the damaged table"
        cp "$WORK/kept" "$WORK/state/lockout"
    done
    everybody_gets_in
}

# damage OFFSET: change one byte of the table, in one bit.
damage() {
    /usr/bin/python3 -ISc '
import sys
with open(sys.argv[1], "r+b") as table:
    table.seek(int(sys.argv[2]))
    byte = table.read(1)[0]
    table.seek(int(sys.argv[2]))
    table.write(bytes([byte ^ 1]))' "$WORK/state/lockout" "$1"
}

@test "I8: one bit of the head is wrong: in the magic, size, key, check, counters, zeros, the second header" {
    local at
    make_table
    for at in 0 8 24 32 56 64 127 128 136 171 224 255 256 895 896 1023; do
        damage "$at"
        nobody_gets_in 'the table is damaged: run ostiaryctl repair'
        damage "$at"
    done
    everybody_gets_in
}

# damage_slots ADDRESS: each slot in use but this IPv4 address' own. Prints how many that are.
damage_slots() {
    /usr/bin/python3 -ISc '
import socket, sys
with open(sys.argv[1], "r+b") as table:
    data = bytearray(table.read())
    count = 0
    for at in range(8192, len(data), 128):
        if any(data[at : at + 128]) and data[at + 20 : at + 24] != socket.inet_aton(sys.argv[2]):
            data[at + 54] ^= 1
            count += 1
    table.seek(0)
    table.write(data)
print(count)' "$WORK/state/lockout" "$1"
}

# The damaged slots that were reported, all lines together.
reported() {
    sed -nE "s/.*lockout: ([0-9]+) damaged slots are taken for free: run 'ostiaryctl verify'/\\1/p" "$LOG" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

@test "slots that are damaged are free, and reported once; others keep what they hold" {
    at_noon 127.0.0.2=wrong
    # shellcheck disable=SC2046 # a list of knocks: so many that some share its buckets
    at_noon --width=10 $(printf '127.0.20.%s=sesame ' {1..40})
    local damaged
    damaged=$(damage_slots 127.0.0.2)
    at_noon 127.0.0.2={wrong@60,sesame@62}
    is "$(lengths)" '32 64' "bytes received"
    logged_times 0 'damaged slots'
    logged_times 1 'rejected source=127\.0\.0\.2 reason=wrong-reply strikes=2 of=3'
    # Among so many that are new each bucket has some, who see what is wrong there.
    # shellcheck disable=SC2046
    at_noon --width=10 $(printf '127.0.21.%s=sesame@64 ' {1..100})
    is "$(reported)" "$damaged" "damaged slots that were reported"
    is "$(in_slot 127.0.0.2 strikes)" 2 "strikes of the one that was not damaged"
}

@test "a locked source whose slot is damaged is not locked: the log tells of it" {
    write_door TABLE_SIZE=64 MAX_BAD_CONNS=1
    at_noon 127.0.0.2=wrong
    damage_slots 127.0.0.3
    at_noon 127.0.0.2=sesame@60
    is "$(of 1 receipt)" right
    logged_times 1 'lockout: 1 damaged slots are taken for free'
}

@test "I8: a table that is damaged between seed and reply: the right reply is not compared" {
    make_table
    at_noon --tally="$WORK/tally" --between="truncate -s 100 $WORK/state/lockout" 127.0.0.2=sesame@60
    is "$(of 1 length)" 32 "bytes received"
    is "$(of 1 status)" 74 "exit status"
    is "$(compared 127.0.0.2)" 0 "keys used"
    is "$(acted)" 0 actions
    logged 'the table is damaged: run ostiaryctl repair'
}

# with_state_on OPTIONS [SCRIPT]: the state directory is a tmpfs of its own; then SCRIPT, for the shell, in it.
with_state_on() {
    DOOR_WITH=(unshare --mount sh -c "mount -t tmpfs -o mode=700,$1 none $WORK/state && (cd $WORK/state && ${2:-:})"' && exec "$@"' sh)
}

@test "I8: a full disk when the table has to be made" {
    with_state_on size=4k 'head -c 4096 /dev/zero >filler'
    nobody_gets_in 'the table cannot be created: .*: No space left on device'
}

@test "I8: a full disk when a strike has to be written" {
    # One page: the head has room, and no slot.
    with_state_on size=4k
    nobody_gets_in 'the table cannot be written: .*: No space left on device'
}

# Room for the table, and none for the file that closes the door: none in it, or not even one for its name.
NO_ROOM=(size=8k nr_inodes=2)

@test "I8: a full disk when the door has to be closed: nobody gets in all the same" {
    local room
    write_door TABLE_SIZE=64 MAX_TOTAL_ERRS=1
    for room in "${NO_ROOM[@]}"; do
        with_state_on "$room"
        at_noon 127.0.0.2=wrong 127.0.0.3=sesame 127.0.0.4=sesame
        is "$(lengths)" '32 0 0' "bytes received, $room"
        is "$(acted)" 0 actions
    done
    logged 'closed reason=max-total-errs source=127\.0\.0\.2'
    logged 'the file that closes a door cannot be written or removed: .*: No space left on device'
}

@test "I8: a full disk when KILL has to close the door: it is closed all the same" {
    local room
    write_door TABLE_SIZE=64 'KILL="shut"'
    for room in "${NO_ROOM[@]}"; do
        with_state_on "$room"
        at_noon 127.0.0.2=shut 127.0.0.3=sesame 127.0.0.4=sesame
        is "$(of 2 length) $(of 3 length)" '0 0' "bytes received after KILL, $room"
        is "$(acted)" 0 actions
    done
    logged 'closed reason=kill-secret source=127\.0\.0\.2'
}

@test "I8: a disk that is mounted read-only" {
    make_table
    DOOR_WITH=(unshare --mount sh -c "mount --bind $WORK/state $WORK/state && mount -o remount,bind,ro $WORK/state"' && exec "$@"' sh)
    nobody_gets_in 'the table cannot be opened: .*: Read-only file system'
    rm "$WORK/state/lockout"
    nobody_gets_in 'the table cannot be created: .*: Read-only file system'
    DOOR_WITH=()
    everybody_gets_in
}

@test "I8: no random bytes: for the parser's hash, for a new table, for a new slot, for a seed" {
    REASON=config nobody_gets_in 'no random number' 78 --env=OSTIARY_TEST_CHANCE=0
    nobody_gets_in 'the system gave no random bytes: see getrandom.*: Input/output error' 74 --env=OSTIARY_TEST_CHANCE=1
    make_table
    nobody_gets_in 'the system gave no random bytes: see getrandom.*: Input/output error' 74 --env=OSTIARY_TEST_CHANCE=1
    nobody_gets_in 'the kernel gives no random bytes: see getrandom' 71 --env=OSTIARY_TEST_CHANCE=2
    everybody_gets_in
}

# Each of them reads the wall clock for the table, for the seed, for the strike, and for what comes of it. Table time
# does not need it; the seed does.
@test "I8: a wall clock that cannot be read: no seed, and where there is one no strike is lost for it" {
    local n reply source i=10
    write_door TABLE_SIZE=64 'KILL="shut"'
    for reply in sesame wrong shut; do
        for n in 1 2 3 4; do
            rm -f "$WORK"/state/* "$WORK/out/knock"
            knock 127.0.0.9=wrong
            : >"$LOG"
            source=127.0.0.$((i++))
            knock --env="OSTIARY_TEST_BREAK=clock-$n" "$source=$reply"
            is "$(of 1 end)" eof "the end, $reply, reading $n"
            if [ "$n" -eq 2 ]; then
                is "$(of 1 length) $(of 1 status)" '0 71' "bytes and exit status, $reply, reading $n"
                logged 'the clock cannot be read'
                not_logged 'accepted|closed reason'
                [ ! -e "$WORK/state/closed" ]
                continue
            fi
            not_logged 'the clock cannot be read'
            case $reply in
                sesame) is "$(of 1 receipt)" right "receipt, reading $n" ;;
                wrong) is "$(in_slot "$source" strikes)" 1 "strikes, reading $n" ;;
                shut) [ -e "$WORK/state/closed" ] ;;
            esac
        done
    done
}

@test "I8: a table that is damaged while a source waits for its slot: no seed" {
    write_door TABLE_SIZE=64 DELAY=8 MIN_LOGLEVEL=LOG_DEBUG
    # Both at once, so that one has to wait on the busiest machine too; the other replies when that one has its end.
    knock --width=2 127.0.0.2=sesamex2 3>&- &
    eventually grep -q 'waits [0-9]* ms for its slot' "$LOG"
    truncate -s 100 "$WORK/state/lockout"
    wait $!
    is "$(how_many length 0) $(how_many end eof)" '1 2' "peers that got no seed, and that saw the end"
    is "$(how_many receipt right)" 0 "peers that were let in"
    logged_times 2 'refused source=127\.0\.0\.2 reason=state'
    is "$(acted)" 0 actions
}

# Half a second before, and a day.
@test "a clock that stands before 1970 keeps nobody out, and the locks hold" {
    local ms
    write_door TABLE_SIZE=64 MAX_BAD_CONNS=1
    for ms in -500 -86400000; do
        rm -f "$WORK"/state/* "$LOG"
        make_table
        at_noon --env=OSTIARY_TEST_CLOCK=$ms 127.0.0.2=sesame 127.0.0.3=wrong 127.0.0.3=sesame
        is "$(lengths)" '64 32 0' "bytes received at $ms ms"
        at_noon 127.0.0.3=sesame@60 127.0.0.4=sesame@60
        is "$(lengths)" '0 64' "bytes received with the clock right"
    done
}
