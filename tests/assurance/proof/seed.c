/* SPDX-License-Identifier: ISC */
/* The seed, of any parts. */
#include "seed.h"

#include "any.h"

int main(void)
{
    struct seed_parts parts;
    uint8_t seed[SEED_LEN];

    any_bytes(&parts, sizeof(parts));
    seed_make(&parts, seed);
    //@ assert every_byte_is_set: \initialized(seed + (0 .. 31));
    return 0;
}
