/* SPDX-License-Identifier: ISC */
/* The set of secrets: made for any number up to LIMIT_MAX, asked for a few of any bytes. */
#include "seen.h"

#include "any.h"

#include <sys/random.h>

#define LIMIT_MAX  20
#define SECRET_LEN 20
#define ADDED      2

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    (void)flags;
    if (any_bool())
        return -1;
    any_bytes(bytes, len);
    return (ssize_t)len;
}

int main(void)
{
    struct seen seen;
    uint8_t bytes[SECRET_LEN];
    unsigned earlier;
    const size_t limit = any_size(0, LIMIT_MAX);
    //@ split limit;

    any_bytes(bytes, sizeof(bytes));
    if (seen_new(limit, &seen) == 0) {
        for (unsigned i = 0; i < ADDED; i++) {
            const size_t len = any_size(1, SECRET_LEN);
            //@ split len;
            const struct secret secret = {.bytes = bytes + SECRET_LEN - len, .len = len};

            seen_add(&seen, secret, i, &earlier);
        }
    }
    seen_free(&seen);
    //@ assert nothing_is_left: seen.slots == \null;
    return 0;
}
