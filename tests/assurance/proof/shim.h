/* SPDX-License-Identifier: ISC */
/* What glibc has and Frama-C's libc has not; included before each file that is analysed. */
#ifndef OSTIARY_PROOF_SHIM_H
#define OSTIARY_PROOF_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLLRDHUP      0x2000
#define NAME_MAX       255
#define TIOCOUTQ       0x5411
#define CLOCK_BOOTTIME 7
#define GRND_NONBLOCK  1
#define TCP_INFO       11

#define le64toh(word) ((uint64_t)(word)) /* the machine of the analysis is x86-64 */
#define htole64(word) ((uint64_t)(word))

#define explicit_bzero(bytes, len) memset(bytes, 0, len)

/* As far as it is used. */
struct tcp_info {
    uint32_t tcpi_last_data_recv;
};
int renameat(int from_fd, const char *from, int to_fd, const char *to);
int unlinkat(int dir_fd, const char *path, int flags);

/* There it has no room for an address. */
#include <sys/socket.h>
struct any_sockaddr {
    sa_family_t ss_family;
    char rest[118];
    unsigned long aligned;
};
#define sockaddr_storage any_sockaddr

/* The analysis takes the length that snprintf returns for any number: the drivers say what it can be. */
#include <stdarg.h>
#include <stdio.h>
int any_snprintf(char *text, size_t size, const char *format, ...);
int any_vsnprintf(char *text, size_t size, const char *format, va_list arguments);
#define snprintf  any_snprintf
#define vsnprintf any_vsnprintf

/* See memory.c. */
void *any_malloc(size_t size);
void *any_calloc(size_t count, size_t size);
void any_free(void *block);
#define malloc any_malloc
#define calloc any_calloc
#define free   any_free

/* Its list is what a driver says. */
void *any_reallocarray(void *block, size_t count, size_t size);
#define reallocarray any_reallocarray

/* Else the analysis would take its own, which know no more of a result than its range (see text.c). */
size_t text_strlen(const char *text);
size_t text_strnlen(const char *text, size_t limit);
char *text_strchr(const char *text, int byte);
void *text_memchr(const void *memory, int byte, size_t len);
#define strlen  text_strlen
#define strnlen text_strnlen
#define strchr  text_strchr
#define memchr  text_memchr

#endif
