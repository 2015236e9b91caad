/* SPDX-License-Identifier: ISC */
/*
 * Network interfaces, as a link-local address needs one behind it: fe80::1%eth0. Text has the interface's name; the
 * lockout table has six bytes that are made of the name and of nothing else, so that they are the same after a reboot,
 * whatever number the kernel gives the interface then, and while it is not there.
 *
 * A name that could not stand in a log line, and six bytes that are no interface's here, are written ":" and twelve
 * hexadecimal digits; no interface can have such a name.
 */
#ifndef OSTIARY_INTERFACE_H
#define OSTIARY_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_TEXT_LEN 16 /* IF_NAMESIZE of Linux: 15 bytes and the NUL */
#define INTERFACE_ID_LEN   6

/*
 * Is it the text of an interface: a name of 1 to 15 of A-Z a-z 0-9 . _ - @ + that is not a number, or ":" and twelve
 * hexadecimal digits? A number is none, for it would mean another interface tomorrow.
 */
bool interface_is_text(const char *text);

/* The bytes that stand for it in the table. The text must be one. */
void interface_id(const char *text, uint8_t id[static INTERFACE_ID_LEN]);

/* The interface with these bytes, by its name where this host has it now. */
void interface_find(const uint8_t id[static INTERFACE_ID_LEN], char text[static INTERFACE_TEXT_LEN]);

/*
 * The interface with this number where the socket is, which need not be where the process is. One that has gone is
 * ":000000000000".
 */
void interface_of_socket(int fd, uint32_t number, char text[static INTERFACE_TEXT_LEN]);

#endif
