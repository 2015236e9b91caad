/* SPDX-License-Identifier: ISC */
/*
 * What the harnesses share: the entry that libFuzzer calls, what a harness demands, and reading its input as numbers.
 * Each harness is one file, drives the code through its headers, and demands what these promise.
 */
#ifndef OSTIARY_FUZZ_H
#define OSTIARY_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Something that must hold for every input. What does not is a crash, which libFuzzer keeps. */
#define DEMAND(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
    abort();
}

/* The input, from front to back. Behind its end everything is 0. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

/* len bytes (at most 8), the first of them the lowest. */
static inline uint64_t fuzz_number(struct fuzz_input *input, unsigned len)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < len; i++)
        value |= (uint64_t)fuzz_byte(input) << (8 * i);
    return value;
}

/* Up to len bytes; returns how many there were. */
static inline size_t fuzz_take(struct fuzz_input *input, uint8_t *bytes, size_t len)
{
    const size_t some = len < input->left ? len : input->left;

    if (some > 0)
        memcpy(bytes, input->bytes, some);
    input->bytes += some;
    input->left -= some;
    return some;
}

/* The next line as a string of its own, without its newline; NULL at the end. The caller frees it. */
static inline char *fuzz_line(struct fuzz_input *input)
{
    const uint8_t *newline;
    size_t len;
    char *line;

    if (input->left == 0)
        return NULL;
    newline = memchr(input->bytes, '\n', input->left);
    len = newline != NULL ? (size_t)(newline - input->bytes) : input->left;
    line = malloc(len + 1);
    DEMAND(line != NULL);
    fuzz_take(input, (uint8_t *)line, len);
    line[len] = '\0';
    if (newline != NULL)
        fuzz_byte(input);
    return line;
}

#endif
