/* SPDX-License-Identifier: ISC */
/* Who holds what others wait for is not to be stopped meanwhile: a process that a key has stopped keeps its locks. */
#ifndef OSTIARY_STOP_H
#define OSTIARY_STOP_H

/* From now on no key of the terminal stops this process; what it runs is stopped as before only if it resets that. */
void stop_refuse(void);

#endif
