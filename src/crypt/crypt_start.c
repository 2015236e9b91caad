/* SPDX-License-Identifier: ISC */
/* See crypt_start.h. */
#include "crypt_start.h"

#include <gcrypt.h>

int crypt_start(const char *least, size_t secure_len)
{
    if (gcry_check_version(least) == NULL)
        return -1;
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) != 0)
        return 0;
    if (gcry_control(GCRYCTL_INIT_SECMEM, secure_len, 0) != 0)
        return -1;
    return gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0 ? 0 : -1;
}
