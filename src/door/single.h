/* SPDX-License-Identifier: ISC */
/*
 * Not twice: an action with single=yes is not started while it runs. Whoever is about to become the action writes down
 * which process it is, in the record of ../../state/used.h (spend.h says which one), unless one that is written there
 * is running still.
 *
 * What runs is a process, from the handler that it was to the end of the command that it has become: not what the
 * command has started. So nothing has to be taken back. Where the action cannot be started, where the handler or the
 * command is killed, and after a reboot, there is no such process any more, and that is all that is asked. A number
 * that has been given to another process is told by its start.
 *
 * It never logs, and leaves no descriptor to the action (I7).
 */
#ifndef OSTIARY_SINGLE_H
#define OSTIARY_SINGLE_H

#include "moment.h"
#include "spend.h"
#include "used.h"

enum single_result {
    SINGLE_MINE,    /* from now on it runs, until this process has ended */
    SINGLE_RUNS,    /* it does already */
    SINGLE_HIDDEN,  /* so it may, in a process that cannot be looked at */
    SINGLE_UNKNOWN, /* which process this one is cannot be told: errno says why, or 0: which boot it is */
    SINGLE_FAILED   /* *fault says why */
};

/*
 * Take the action of this name for this process. One of many at once gets it. It need not be on the disk, for no
 * process outlives a crash of the machine: nothing waits for one.
 */
enum single_result single_take(const struct spend_place *place, const char *action, const struct moment *now,
                               enum used_fault *fault);

#endif
