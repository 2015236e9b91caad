/* SPDX-License-Identifier: ISC */
/*
 * The user to whom a state directory belongs that doors with and without rights share: "ostiary", as whom handlers
 * without rights run. A handler that is root works there as that user (state/owner.h), and in nobody else's directory.
 */
#ifndef OSTIARY_KEEPER_H
#define OSTIARY_KEEPER_H

#include <sys/types.h>

#define KEEPER_NAME "ostiary"

/*
 * The number of that user, for struct store_options: as it stands in /etc/passwd, since no server may have a say in who
 * keeps the table. 0: there is none, or nobody has to know, for the directory is root's or this process is not root.
 */
uid_t keeper_of(const char *state_dir);

#endif
