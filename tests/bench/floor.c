/* SPDX-License-Identifier: ISC */
/*
 * The floor: a program that only writes 32 random bytes and reads 32. What an exchange costs that does nothing at all
 * about who is there.
 */
#include <sys/random.h>
#include <unistd.h>

int main(void)
{
    char bytes[32];
    size_t got = 0;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
        write(1, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
        return 1;
    while (got < sizeof(bytes)) {
        const ssize_t count = read(0, bytes + got, sizeof(bytes) - got);

        if (count <= 0)
            return 1;
        got += (size_t)count;
    }
    return 0;
}
