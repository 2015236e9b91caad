/* SPDX-License-Identifier: ISC */
/*
 * What ostgrant.cgi does to itself before it reads a byte: it keeps nothing of what the web server had open, can become
 * nothing more than it is, and has an end.
 */
#ifndef OSTIARY_PROCESS_H
#define OSTIARY_PROCESS_H

#define PROCESS_LIMIT_S 60 /* of the whole process: I13 */

/*
 * Descriptors above 2 are closed, and closed ones below filled; no other process, no core, little processor
 * time and no more rights for this one; SIGPIPE is ignored. After PROCESS_LIMIT_S it ends with a line in the log, which
 * has to be open. Returns 0, or -1 with errno.
 */
int process_confine(void);

#endif
