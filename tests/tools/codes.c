/* SPDX-License-Identifier: ISC */
/*
 * Print the codes of a key, one in a line: those of TOTP from a moment on, or of HOTP from a counter on.
 *
 * usage: codes totp FILE SECONDS COUNT
 *        codes hotp FILE COUNTER COUNT
 */
#include "codes.h"
#include "mac.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    struct codes_file file = {.kind = CODES_HOTP};
    uint8_t key[CODES_KEY_MAX], message[CODES_MESSAGE_LEN], digest[CODES_DIGEST_MAX];
    char text[1024], code[CODES_TEXT_LEN];
    struct codes_way way;
    size_t key_len, len;
    uint64_t first;
    FILE *in;

    if (argc != 5 || mac_init() != 0 || (in = fopen(argv[2], "re")) == NULL)
        errx(EX_USAGE, "usage: codes totp|hotp FILE FIRST COUNT");
    if (strcmp(argv[1], "totp") == 0)
        file.kind = CODES_TOTP;
    file.text = text;
    file.len = fread(text, 1, sizeof text, in);
    fclose(in);
    if (codes_read(&file, &way, key, &key_len) != CODES_OK)
        errx(EX_DATAERR, "%s", argv[2]);
    first = strtoull(argv[3], NULL, 10);
    if (file.kind == CODES_TOTP)
        first = codes_step(&way, first);
    for (unsigned long i = 0; i < strtoul(argv[4], NULL, 10); i++) {
        codes_message(first + i, message);
        if (mac_code((struct secret){key, key_len}, way.hash, message, digest, &len) != 0)
            errx(EX_SOFTWARE, "libgcrypt failed");
        codes_text(&way, digest, len, code);
        puts(code);
    }
    return EX_OK;
}
