/* SPDX-License-Identifier: ISC */
/*
 * Working on the state directory as its owner. Handlers without rights own the directory that they share with those
 * that are root. What root creates there they could not use; and whatever has a name there they could have replaced by
 * something else a moment ago. So a process that is root does each of its steps with the owner's rights, and is root
 * again between them. Called by store.c and lockout.c.
 */
#ifndef OSTIARY_OWNER_H
#define OSTIARY_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* All zero: the process works as who it is. */
struct owner {
    bool other; /* the process is root, and the directory belongs to the user and group below */
    uid_t uid;
    gid_t gid;
    bool acting; /* between owner_begin and owner_end */
};

/*
 * From here on the effective user and group are the owner's, and there are no supplementary groups: they do not come
 * back, for root has no use for them, and an action is given its own. Does nothing where there is nobody else to be, or
 * when it has been done. Returns 0, or -1 with errno, and then the process is who it was.
 */
int owner_begin(struct owner *owner);

/*
 * Be root again, as dumpable as before. Keeps errno. Where the kernel refuses it, which it does when it has no memory,
 * the process goes on with fewer rights than it needs: whatever it tries with them fails, and nobody gets in.
 */
void owner_end(struct owner *owner);

#endif
