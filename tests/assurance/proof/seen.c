/* SPDX-License-Identifier: ISC */
/* The set of secrets: made for any number up to LIMIT_MAX, made larger or not, asked for a few of any bytes. */
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

static void add(struct seen *seen, const uint8_t *bytes, unsigned line)
{
    const size_t len = any_size(1, SECRET_LEN);
    //@ split len;
    const struct secret secret = {.bytes = bytes + SECRET_LEN - len, .len = len};
    unsigned earlier;

    seen_add(seen, secret, line, &earlier);
}

/* One is in it before, and one comes. */
static void grow(struct seen *seen, const uint8_t *bytes)
{
    static const size_t limits[] = {LIMIT_MAX, 2 * LIMIT_MAX};
    const struct secret secret = {.bytes = bytes, .len = 1};
    const bool is_more = any_bool();
    unsigned earlier;

    //@ split is_more;
    seen_add(seen, secret, 1, &earlier);
    if (seen_reserve(seen, limits[is_more]) == 0)
        seen_add(seen, secret, 2, &earlier);
}

int main(void)
{
    struct seen seen;
    uint8_t bytes[SECRET_LEN];
    const bool grows = any_bool();
    const size_t limit = any_size(0, LIMIT_MAX);
    //@ split limit;

    any_bytes(bytes, sizeof(bytes));
    if (seen_new(limit, &seen) == 0) {
        if (grows) {
            grow(&seen, bytes);
        } else {
            for (unsigned i = 0; i < ADDED; i++)
                add(&seen, bytes, i);
        }
    }
    seen_free(&seen);
    //@ assert nothing_is_left: seen.slots == \null;
    return 0;
}
