/* SPDX-License-Identifier: ISC */
/* See stretch_passphrase.h. */
#include "stretch_passphrase.h"

enum stretch_passphrase_fault stretch_passphrase_check(struct secret passphrase)
{
    if (passphrase.len == 0)
        return STRETCH_PASSPHRASE_EMPTY;
    if (passphrase.len > STRETCH_PASSPHRASE_MAX)
        return STRETCH_PASSPHRASE_LONG;
    for (size_t i = 0; i < passphrase.len; i++)
        if (passphrase.bytes[i] < ' ' || passphrase.bytes[i] == 0x7f)
            return STRETCH_PASSPHRASE_CONTROL;
    if (passphrase.bytes[0] == ' ' || passphrase.bytes[passphrase.len - 1] == ' ')
        return STRETCH_PASSPHRASE_BLANK;
    return passphrase.len < STRETCH_PASSPHRASE_MIN ? STRETCH_PASSPHRASE_SHORT : STRETCH_PASSPHRASE_OK;
}

const char *stretch_passphrase_text(enum stretch_passphrase_fault fault)
{
    switch (fault) {
    case STRETCH_PASSPHRASE_OK:
        return "the passphrase is good";
    case STRETCH_PASSPHRASE_EMPTY:
        return "no passphrase there: it must have at least 8 bytes";
    case STRETCH_PASSPHRASE_SHORT:
        return "the passphrase is too short: at least 8 bytes, and better five words that chance has chosen";
    case STRETCH_PASSPHRASE_LONG:
        return "the passphrase is too long: at most 255 bytes";
    case STRETCH_PASSPHRASE_CONTROL:
        return "the passphrase has a control character inside, such as a Tab or what an arrow key sends: leave it out";
    case STRETCH_PASSPHRASE_BLANK:
        return "the passphrase begins or ends with a blank: leave it out";
    }
    return "is not understood";
}
