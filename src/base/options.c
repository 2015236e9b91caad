/* SPDX-License-Identifier: ISC */
/* See options.h. */
#include "options.h"

#include <getopt.h>

bool options_first(struct options_seen *seen, int option)
{
    uint64_t bit;
    bool is_first;

    if (option < 0 || option >= 256)
        return true;
    bit = UINT64_C(1) << (option % 64);
    is_first = (seen->words[option / 64] & bit) == 0;
    seen->words[option / 64] |= bit;
    return is_first;
}

const char *options_unknown(char *const *argv)
{
    static char letter[] = "-X";

    if (optopt <= ' ' || optopt >= 127)
        return argv[optind - 1];
    letter[1] = (char)optopt;
    return letter;
}
