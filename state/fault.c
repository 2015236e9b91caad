/* SPDX-License-Identifier: ISC */
/* See fault.h. */
#include "fault.h"

const char *store_fault_text(enum store_fault fault)
{
    switch (fault) {
    case STORE_OK:
        return "no fault";
    case STORE_NO_DIRECTORY:
        return "the state directory does not exist: run systemd-tmpfiles --create, or create it, mode 0700, owned by "
               "ostiary or root";
    case STORE_DIRECTORY_CANNOT_OPEN:
        return "the state directory cannot be opened: make it a directory, not a link, that the handler may read";
    case STORE_DIRECTORY_OWNER:
        return "the state directory belongs to somebody else: chown it to root, or to ostiary";
    case STORE_DIRECTORY_OPEN:
        return "the state directory is open to group or others: chmod 0700";
    case STORE_CANNOT_BE_OWNER:
        return "root cannot work as the owner of the state directory: it needs CAP_SETUID and CAP_SETGID";
    case STORE_ABSENT:
        return "there is no table yet: the first connection makes it";
    case STORE_CANNOT_OPEN:
        return "the table cannot be opened: see to its owner, its mode and the file system it is on";
    case STORE_NOT_REGULAR:
        return "the table is not a regular file: remove what is in its place";
    case STORE_FOREIGN_OWNER:
        return "the table belongs to somebody else: chown it to the handler's user, or remove it";
    case STORE_WRITABLE:
        return "the table is writable by group or others: chmod go-w, and run ostiaryctl verify";
    case STORE_READABLE:
        return "the table is accessible to others: chmod o-rwx";
    case STORE_CANNOT_CREATE:
        return "the table cannot be created: see to the state directory's mode, its file system and the room on it";
    case STORE_NO_RANDOM:
        return "the system gave no random bytes: see getrandom(2); soon after the start of a machine, wait";
    case STORE_CANNOT_LOCK:
        return "the table or its directory cannot be locked: keep it on a file system with flock(2)";
    case STORE_BUSY:
        return "a lock on the table or its directory was not to be had in time: find who holds it with lslocks(8)";
    case STORE_VANISHED:
        return "the table was deleted again and again: find out by whom";
    case STORE_CANNOT_READ:
        return "the table cannot be read: see to the disk";
    case STORE_CANNOT_WRITE:
        return "the table cannot be written: see to the disk and the room on it";
    case STORE_DAMAGED:
        return "the table is damaged: run ostiaryctl repair";
    case STORE_KEY_LOST:
        return "both headers are damaged, nothing can be kept: remove the table to begin with an empty one";
    case STORE_OLD:
        return "the table was written by Ostiary 5.0: the next connection converts it, or ostiaryctl repair";
    case STORE_FOREIGN:
        return "the table was written by another version: use that version, or remove the table";
    case STORE_REBUILDING:
        return "a repair of the table was interrupted: run ostiaryctl repair";
    case STORE_CLOSED_UNKNOWN:
        return "whether the door is closed cannot be seen: see to the state directory";
    case STORE_CLOSED_FAILED:
        return "the file that closes a door cannot be written or removed: see to the state directory and its disk";
    case STORE_PRIVATE_FAILED:
        return "the seed counter in the directory of root's beside it cannot be read or written: see to the directory "
               "of the same name with -root behind it, and its disk";
    case STORE_PRIVATE_OWNER:
        return "the directory of the same name with -root behind it, or the one above, is not root's alone: chown root "
               "and chmod 0700 the first";
    case STORE_PRIVATE_DAMAGED:
        return "the seed counter in the directory of root's beside it is damaged: remove seed there";
    case STORE_NETWORKS_FULL:
        return "no more networks can be locked: unlock one first";
    }
    return "unknown fault";
}

bool store_fault_has_errno(enum store_fault fault)
{
    switch (fault) {
    case STORE_DIRECTORY_CANNOT_OPEN:
    case STORE_CANNOT_BE_OWNER:
    case STORE_CANNOT_OPEN:
    case STORE_CANNOT_CREATE:
    case STORE_NO_RANDOM:
    case STORE_CANNOT_LOCK:
    case STORE_CANNOT_READ:
    case STORE_CANNOT_WRITE:
    case STORE_CLOSED_UNKNOWN:
    case STORE_CLOSED_FAILED:
    case STORE_PRIVATE_FAILED:
        return true;
    case STORE_OK:
    case STORE_NO_DIRECTORY:
    case STORE_DIRECTORY_OWNER:
    case STORE_DIRECTORY_OPEN:
    case STORE_ABSENT:
    case STORE_NOT_REGULAR:
    case STORE_FOREIGN_OWNER:
    case STORE_WRITABLE:
    case STORE_READABLE:
    case STORE_BUSY:
    case STORE_VANISHED:
    case STORE_DAMAGED:
    case STORE_KEY_LOST:
    case STORE_OLD:
    case STORE_FOREIGN:
    case STORE_REBUILDING:
    case STORE_PRIVATE_OWNER:
    case STORE_PRIVATE_DAMAGED:
    case STORE_NETWORKS_FULL:
        break;
    }
    return false;
}
