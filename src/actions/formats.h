/* SPDX-License-Identifier: ISC */
/*
 * The formats that an administrator has told the kernel, besides scripts and ELF: binfmt_misc. What they make of a file
 * cannot be known here, but which files they take can.
 */
#ifndef OSTIARY_FORMATS_H
#define OSTIARY_FORMATS_H

#include <stdbool.h>

#define FORMATS_DIRECTORY "/proc/sys/fs/binfmt_misc"
#define FORMATS_HEAD_LEN  256 /* as much of a file as the kernel looks at to see what it is (BINPRM_BUF_SIZE) */

/*
 * Does an enabled format take the file with this path, whose first bytes are head (zeros behind its end)? directory is
 * FORMATS_DIRECTORY; where that is not mounted there are none that could be seen. Under systemd a look may mount it.
 */
bool formats_take(const char *directory, const char *path, const char head[static FORMATS_HEAD_LEN]);

#endif
