/* SPDX-License-Identifier: ISC */
/*
 * The floor: a program that only writes 32 random bytes, reads 32, and then becomes the command that it is given, if
 * any. What an exchange costs that does nothing at all about who is there. run.sh links it in several ways.
 *
 * usage: floor [COMMAND]
 */
#include <sys/random.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
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
    if (argc == 1)
        return 0;
    execve(argv[1], argv + 1, environ);
    return 1;
}
