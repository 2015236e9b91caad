/* SPDX-License-Identifier: ISC */
/* See siphash.h; the names are those of the paper. */
#include "siphash.h"

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t get_le(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void rounds(uint64_t v[static 4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t siphash(const uint8_t key[static SIPHASH_KEY_LEN], const uint8_t *bytes, size_t len)
{
    const uint64_t k0 = get_le(key, 8);
    const uint64_t k1 = get_le(key + 8, 8);
    uint64_t v[4] = {
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };
    const size_t whole = len - len % 8;

    for (size_t i = 0; i < whole; i += 8) {
        const uint64_t m = get_le(bytes + i, 8);

        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
    }

    const uint64_t last = get_le(bytes + whole, len % 8) | (uint64_t)(len & 0xff) << 56;
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
