/* SPDX-License-Identifier: ISC */
/* The functions of string.h that compare two texts, for one file of an analysis. */
#ifndef OSTIARY_PROOF_TEXT_COMPARE_H
#define OSTIARY_PROOF_TEXT_COMPARE_H

#include "any.h"

#include <string.h>

/* 1 stands for any difference. */
static int compare(const char *a, const char *b, size_t limit)
{
    int result = 0;

    for (size_t i = 0; i < limit; i++) {
        const char left = a[i];
        const char right = b[i];

        if (left != right) {
            result = 1;
            break;
        }
        if (left == '\0')
            break;
    }
    //@ split result;
    return result;
}

int strcmp(const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t len)
{
    return compare(a, b, len);
}

#endif
