/* SPDX-License-Identifier: ISC */
/* What grants.h has for people: its faults, and the words of a grant. */
#include "grants.h"

const char *grants_fault_text(enum grants_fault fault)
{
    switch (fault) {
    case GRANTS_OK:
        return "no fault";
    case GRANTS_ABSENT:
        return "there is no record of grants yet: the first grant makes it";
    case GRANTS_DIRECTORY:
        return "the directory of the record of grants cannot be used: see to its owner, its rights and its disk; who "
               "is not "
               "root cannot";
    case GRANTS_DIRECTORY_OWNER:
        return "the directory of the record of grants, or the one above, is not root's alone: chown root and chmod "
               "0700 it";
    case GRANTS_CANNOT_OPEN:
        return "the record of grants cannot be opened: see to the file grants and the file system it is on";
    case GRANTS_UNSAFE:
        return "the record of grants is not a regular file that is root's alone: chown root, chmod 0600, or remove "
               "what is in its place";
    case GRANTS_CANNOT_CREATE:
        return "the record of grants cannot be created: see to its directory, the file system and the room on it";
    case GRANTS_CANNOT_LOCK:
        return "the record of grants cannot be locked: keep it on a file system with flock(2)";
    case GRANTS_BUSY:
        return "the lock on the record of grants was not to be had in time: find who holds it with lslocks(8)";
    case GRANTS_CANNOT_READ:
        return "the record of grants cannot be read: see to the disk";
    case GRANTS_CANNOT_WRITE:
        return "the record of grants cannot be written: see to the disk and the room on it";
    case GRANTS_DAMAGED:
        return "the record of grants is damaged, and nothing in it can be checked: remove the file grants, and grant "
               "anew";
    case GRANTS_FOREIGN:
        return "the record of grants was written by another version: use that version, or remove the file grants";
    case GRANTS_FULL:
        return "the record of grants is full: revoke some first";
    }
    return "unknown fault";
}

bool grants_fault_has_errno(enum grants_fault fault)
{
    switch (fault) {
    case GRANTS_DIRECTORY:
    case GRANTS_CANNOT_OPEN:
    case GRANTS_CANNOT_CREATE:
    case GRANTS_CANNOT_LOCK:
    case GRANTS_CANNOT_READ:
    case GRANTS_CANNOT_WRITE:
        return true;
    case GRANTS_OK:
    case GRANTS_ABSENT:
    case GRANTS_DIRECTORY_OWNER:
    case GRANTS_UNSAFE:
    case GRANTS_BUSY:
    case GRANTS_DAMAGED:
    case GRANTS_FOREIGN:
    case GRANTS_FULL:
        break;
    }
    return false;
}

const char *grant_end_text(enum grant_end end)
{
    static const char *const texts[] = {"none", "expired", "revoked", "cleared"};

    return texts[end];
}

const char *grant_by_text(enum grant_by by)
{
    static const char *const texts[] = {"admin", "knock", "sealed", "web"};

    return texts[by];
}
