/* SPDX-License-Identifier: ISC */
/* See owner.h. */
#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The kernel sets this anew whenever the effective user changes, and not to what it was (proc(5), suid_dumpable). */
static void set_dumpable(int dumpable)
{
    if (dumpable == 0)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void become_root(int dumpable)
{
    const int error = errno;

    (void)!seteuid(0); /* before the group, which takes root's rights */
    (void)!setegid(getgid());
    set_dumpable(dumpable);
    errno = error;
}

int owner_begin(struct owner *owner)
{
    int dumpable;

    if (!owner->other || owner->acting)
        return 0;
    dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (setgroups(0, NULL) != 0 || setegid(owner->gid) != 0 || seteuid(owner->uid) != 0) {
        become_root(dumpable);
        return -1;
    }
    set_dumpable(dumpable);
    owner->acting = true;
    return 0;
}

void owner_end(struct owner *owner)
{
    if (!owner->acting)
        return;
    become_root(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    owner->acting = false;
}
