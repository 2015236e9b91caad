/* SPDX-License-Identifier: ISC */
/*
 * A service of this machine, reached by a socket in the file system. Whoever may make a file in its directory could
 * listen there instead, so the listener is looked at before anything is said.
 */
#ifndef OSTIARY_LOCAL_H
#define OSTIARY_LOCAL_H

#define LOCAL_PATH_MAX 107 /* bytes in the path of a socket, without the NUL: sun_path of unix(7) */

/* Whom may the listener be? It is the one who called listen(2): of a systemd socket unit that is PID 1. */
enum local_trust { LOCAL_ROOT, LOCAL_ROOT_OR_SELF };

/*
 * Connect to the stream socket at this path, or fail at once: EPERM where the listener is somebody else. Returns 0, or
 * -1 with errno and *fd -1; the caller closes *fd, which does not block.
 */
int local_connect(const char *path, enum local_trust trust, int *fd);

#endif
