/* SPDX-License-Identifier: ISC */
/*
 * What does a guess at a passphrase cost, beside one at a secret that is not stretched? The latter is an HMAC. CPU time
 * of this implementation; an attacker's is faster (see SECURITY CONSIDERATIONS of ostclient(1)). The figures are for
 * people: judged is only what no machine can make of stretching that works.
 */
#include "../unit/check.h"
#include "mac.h"
#include "stretch.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#define HMACS      100000
#define GUESSES    3
#define LEAST_TIME 10000 /* HMACs: what PBKDF2 takes besides its 600,000 pairs of blocks is not much */

static const char *const labels[] = {
    "argon2id:v1:gate.example.org/alice",
    "scrypt:v1:gate.example.org/alice",
    "pbkdf2-sha256:v1:gate.example.org/alice",
};

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* One guess at a secret that stands in ostiary.cfg, for a seed and a reply that were captured. */
static double hmac_us(void)
{
    uint8_t seed[SEED_LEN] = {0}, reply[REPLY_LEN], text[32] = {0};
    struct mac_key key;
    double begin;

    if (mac_key_empty(&key) != 0)
        errx(EX_SOFTWARE, "libgcrypt cannot be used");
    begin = now_us();
    for (uint32_t i = 0; i < HMACS; i++) {
        memcpy(text, &i, sizeof(i));
        if (mac_key_try(&key, (struct secret){text, sizeof(text)}, seed, reply) != 0)
            errx(EX_SOFTWARE, "no HMAC is computed");
    }
    begin = now_us() - begin;
    mac_key_free(&key);
    return begin / HMACS;
}

static double guess_us(const struct stretch_label *label)
{
    const struct secret passphrase = {(const uint8_t *)"correct horse battery staple", 28};
    uint8_t secret[STRETCH_SECRET_LEN];
    const double begin = now_us();

    for (unsigned i = 0; i < GUESSES; i++)
        if (stretch_run(label, passphrase, secret) != STRETCH_OK)
            errx(EX_SOFTWARE, "no secret is made");
    return (now_us() - begin) / GUESSES;
}

int main(void)
{
    double hmac;

    if (mac_init() != 0)
        errx(EX_SOFTWARE, "libgcrypt cannot be used");
    hmac = hmac_us();
    printf("# an HMAC: %.2f us\n", hmac);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        struct stretch_label label;
        char problem[STRETCH_PROBLEM_LEN];
        double guess;

        if (stretch_label_parse(labels[i], &label, problem) != 0)
            errx(EX_SOFTWARE, "%s: %s", labels[i], problem);
        guess = guess_us(&label);
        printf("# %s: %.0f ms of CPU, %u MiB, as much as %.0f HMACs\n", stretch_label_kind(label.kind), guess / 1e3,
               (unsigned)stretch_label_memory(&label), guess / hmac);
        check(guess / hmac > LEAST_TIME, "%s costs more than %d HMACs", labels[i], LEAST_TIME);
    }
    return check_end();
}
