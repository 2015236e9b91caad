/* SPDX-License-Identifier: ISC */
/* SipHash-2-4 against the vectors published with it: key 00 01 .. 0f, messages 00 01 .. of length 0 to 63. */
#include "check.h"
#include "siphash.h"

/* The first sixteen and a few beyond, as the eight bytes of the output. */
static const struct {
    unsigned len;
    const char *hash;
} vectors[] = {
    {0, "310e0edd47db6f72"},  {1, "fd67dc93c539f874"},  {2, "5a4fa9d909806c0d"},  {3, "2d7efbd796666785"},
    {4, "b7877127e09427cf"},  {5, "8da699cd64557618"},  {6, "cee3fe586e46c9cb"},  {7, "37d1018bf50002ab"},
    {8, "6224939a79f5f593"},  {9, "b0e4a90bdf82009e"},  {10, "f3b9dd94c5bb5d7a"}, {11, "a7ad6b22462fb3f4"},
    {12, "fbe50e86bc8f1e75"}, {13, "903d84c02756ea14"}, {14, "eef27a8e90ca23f7"}, {15, "e545be4961ca29a1"},
    {16, "db9bc2577fcc2a3f"}, {17, "9447be2cf5e99a69"}, {18, "9cd38d96f0b3c14b"}, {19, "bd6179a71dc96dbb"},
    {63, "724506eb4c328a95"},
};

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];
    uint8_t message[64];
    uint8_t hash[8];
    char what[64];

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const uint64_t value = siphash(key, message, vectors[i].len);

        for (unsigned k = 0; k < sizeof hash; k++)
            hash[k] = (uint8_t)(value >> (8 * k));
        snprintf(what, sizeof what, "the published hash of %u bytes", vectors[i].len);
        check_hex(hash, sizeof hash, vectors[i].hash, what);
    }
    check_number(siphash(key, message, 15), UINT64_C(0xa129ca6149be45e5), "the paper's own example");
    return check_end();
}
