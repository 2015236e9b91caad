/* SPDX-License-Identifier: ISC */
/*
 * The log: the one way in which ostiaryd says anything, and never to the peer; and how ostiaryctl tells of a change.
 *
 * To standard error with a <N> priority prefix where $JOURNAL_STREAM names it, without one where the -e option asked
 * for it, and else to /dev/log as syslog(3) would, facility auth. One line is one write. Bytes that are not printable
 * ASCII are shown as '?'. The caller never passes a secret, a seed or a reply.
 *
 * No line holds the process up (I13): what the log does not take within LOG_PATIENCE_MS, which all lines of a process
 * share, is dropped, and the next line that it takes is preceded by one that says how many are missing.
 */
#ifndef OSTIARY_LOG_H
#define OSTIARY_LOG_H

#include <stdbool.h>
#include <syslog.h>

#define LOG_PATIENCE_MS 200

/*
 * Choose where the lines of ostiaryd go. Needs fds 1 and 2 made safe (harden_descriptors), and to_stderr only if fd 2
 * is not the peer.
 */
void log_open(bool to_stderr);

/* Lines go to syslog, with this tag, which is kept. */
void log_open_syslog(const char *tag);

/* Connect now to what takes the lines, before this process changes its identity: it may not be allowed to afterwards.
 */
void log_reach(void);

/* Whatever the log has open, let it not be this descriptor: that one is for somebody else from now on. */
void log_make_way(int fd);

/* Lines less urgent than this level (LOG_EMERG to LOG_DEBUG) are dropped; LOG_INFO until it is set. */
void log_set_level(int level);

/* One line, without the newline. */
__attribute__((format(printf, 2, 3))) void log_line(int priority, const char *format, ...);

/* Why the process may be ended in the middle of what it does. For each a few lines are kept ready. */
enum log_end { LOG_END_DEADLINE, LOG_END_ABORT, LOG_ENDS };

#define LOG_END_LINES 5 /* the numbers of lines are below that, and lines are written in their order */

/* Make a line ready. It takes the place of an earlier one of this number. */
__attribute__((format(printf, 4, 5))) void log_prepare_end(enum log_end end, unsigned number, int priority,
                                                           const char *format, ...);

/* Take this line away. */
void log_drop_end(enum log_end end, unsigned number);

/* Write the lines that were made ready. For signal handlers: it waits for nothing. */
void log_write_end(enum log_end end);

#endif
