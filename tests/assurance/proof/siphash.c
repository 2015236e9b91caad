/* SPDX-License-Identifier: ISC */
/* SipHash of any bytes under any key; the bytes end where their memory ends. */
#include "siphash.h"

#include "any.h"

#define BYTES_MAX 128

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];
    uint8_t bytes[BYTES_MAX];
    const size_t len = any_size(0, BYTES_MAX);
    //@ split len;

    any_bytes(key, sizeof(key));
    any_bytes(bytes + BYTES_MAX - len, len);
    siphash(key, bytes + BYTES_MAX - len, len);
    return 0;
}
