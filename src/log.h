/* SPDX-License-Identifier: ISC */
/*
 * The handler's log: the one way in which ostiaryd says anything, and never to the peer.
 *
 * To standard error with a <N> priority prefix where $JOURNAL_STREAM names it, without one where the -e option asked
 * for it, and else to syslog(3), facility auth, tag ostiaryd. One line is one write. Bytes that are not printable ASCII
 * are shown as '?'. The caller never passes a secret, a seed or a reply.
 */
#ifndef OSTIARY_LOG_H
#define OSTIARY_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* Choose where lines go. Needs fds 1 and 2 made safe (harden_descriptors), and to_stderr only if fd 2 is not the peer.
 */
void log_open(bool to_stderr);

/* Lines less urgent than this level (LOG_EMERG to LOG_DEBUG) are dropped; LOG_INFO until it is set. */
void log_set_level(int level);

/* One line, without the newline. */
__attribute__((format(printf, 2, 3))) void log_line(int priority, const char *format, ...);

#endif
