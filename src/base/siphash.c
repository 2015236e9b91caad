/* SPDX-License-Identifier: ISC */
/* See siphash.h; the names are those of the paper. */
#include "siphash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t get_le64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

/* Three of these are made for each connection and slot: inline, for the state to stay in registers. */
static inline __attribute__((always_inline)) struct state sip_round(struct state s)
{
    s.v0 += s.v1;
    s.v1 = rotate(s.v1, 13) ^ s.v0;
    s.v0 = rotate(s.v0, 32);
    s.v2 += s.v3;
    s.v3 = rotate(s.v3, 16) ^ s.v2;
    s.v0 += s.v3;
    s.v3 = rotate(s.v3, 21) ^ s.v0;
    s.v2 += s.v1;
    s.v1 = rotate(s.v1, 17) ^ s.v2;
    s.v2 = rotate(s.v2, 32);
    return s;
}

static inline __attribute__((always_inline)) struct state compress(struct state s, uint64_t m)
{
    s.v3 ^= m;
    s = sip_round(sip_round(s));
    s.v0 ^= m;
    return s;
}

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_LEN], const uint8_t *bytes, size_t len)
{
    const uint64_t k0 = get_le64(key);
    const uint64_t k1 = get_le64(key + 8);
    const size_t whole = len - len % 8;
    uint8_t last[8] = {0};
    struct state s = {
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };

    for (size_t i = 0; i < whole; i += 8)
        s = compress(s, get_le64(bytes + i));
    for (size_t i = whole; i < len; i++)
        last[i - whole] = bytes[i];
    last[7] = (uint8_t)len;
    s = compress(s, get_le64(last));
    s.v2 ^= 0xff;
    s = sip_round(sip_round(sip_round(sip_round(s))));
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
