/* SPDX-License-Identifier: ISC */
/* stretch_text: see stretch.h. It needs no libgcrypt, and so is the same for who loads that and who is linked with it.
 */
#include "stretch.h"

#include <stdio.h>

void stretch_text(enum stretch_fault fault, const struct stretch_label *label, char text[static STRETCH_TEXT_LEN])
{
    switch (fault) {
    case STRETCH_OK:
        snprintf(text, STRETCH_TEXT_LEN, "the secret is made");
        return;
    case STRETCH_NO_LIBRARY:
        snprintf(text, STRETCH_TEXT_LEN, "%s", stretch_problem());
        return;
    case STRETCH_NO_MEMORY:
        snprintf(text, STRETCH_TEXT_LEN,
                 "not enough memory: to make a secret by this label takes %u MiB: raise the limit (ulimit -v, "
                 "MemoryMax=), or on a small machine use pbkdf2-sha256, on both sides",
                 (unsigned)stretch_label_memory(label) + 1);
        return;
    case STRETCH_FIPS_KIND:
        snprintf(text, STRETCH_TEXT_LEN,
                 "%s is not approved, and libgcrypt is in FIPS mode: use the label pbkdf2-sha256:v1:%s, on both sides",
                 stretch_label_kind(label->kind), label->name);
        return;
    case STRETCH_FIPS_SHORT:
        snprintf(text, STRETCH_TEXT_LEN,
                 "libgcrypt is in FIPS mode, and takes no passphrase of less than 14 bytes: take a longer one, on both "
                 "sides");
        return;
    case STRETCH_FAILED:
        break;
    }
    snprintf(text, STRETCH_TEXT_LEN, "libgcrypt failed to compute %s", stretch_label_kind(label->kind));
}
