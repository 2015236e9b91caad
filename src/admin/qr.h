/* SPDX-License-Identifier: ISC */
/* A QR code for a terminal: blocks of text, dark on light whatever the terminal's colours are. */
#ifndef OSTIARY_QR_H
#define OSTIARY_QR_H

/*
 * Write it to the descriptor, in a child, which has ended when this returns: nothing of the text is left in memory, but
 * where the caller has it. SIGCHLD must not be ignored. Returns 0, or -1 with errno: ECANCELED where a signal has ended
 * the child; ENOTSUP where this was built without libqrencode.
 */
int qr_write(int fd, const char *text);

#endif
