/* SPDX-License-Identifier: ISC */
/* The part of mac.h that needs no libgcrypt, and so is in every program that compares. */
#include "mac.h"

uint32_t mac_same(const uint8_t a[static REPLY_LEN], const uint8_t b[static REPLY_LEN])
{
    uint32_t difference = 0;

    for (size_t i = 0; i < REPLY_LEN; i++)
        difference |= (uint32_t)(a[i] ^ b[i]);
    /* difference is 0 to 255: only 0 - 1 has its high bits set. */
    return (uint32_t)0 - ((difference - 1) >> 31);
}
