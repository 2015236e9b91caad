/* SPDX-License-Identifier: ISC */
/*
 * The label of a stretched passphrase: how it is stretched, and what its salt is made of. STRETCHED PASSPHRASES in
 * ostclient(1) has the syntax. Both ends of a knock have to read a label alike, for ever: a version that has been
 * released is not changed, neither its syntax nor its defaults; another way to stretch is another version.
 */
#ifndef OSTIARY_STRETCH_LABEL_H
#define OSTIARY_STRETCH_LABEL_H

#include <stdint.h>

enum stretch_kind { STRETCH_ARGON2ID, STRETCH_SCRYPT, STRETCH_PBKDF2 };
#define STRETCH_KINDS 3

#define STRETCH_NAME_MIN 8 /* characters: a salt that is nobody else's needs some */
#define STRETCH_NAME_MAX 128

struct stretch_label {
    enum stretch_kind kind;
    /* Each within its limits, which are in stretch_label.c; zero where the kind has no such cost. */
    uint32_t memory_mib; /* Argon2id: m */
    uint32_t passes;     /* Argon2id: t */
    uint32_t blocks;     /* scrypt: N, a power of two; each is 1 KiB, as r is 8 */
    uint32_t rounds;     /* scrypt: p */
    uint32_t iterations; /* PBKDF2: c */
    char name[STRETCH_NAME_MAX + 1];
};

/* Read a label. Returns 0, or -1 with what is wrong and what to do, for "'LABEL': PROBLEM"; label is then undefined. */
#define STRETCH_PROBLEM_LEN 256
int stretch_label_parse(const char *text, struct stretch_label *label, char problem[static STRETCH_PROBLEM_LEN]);

/* What a label begins with that asks for this kind: "argon2id". */
const char *stretch_label_kind(enum stretch_kind kind);

/* How much memory it takes to make the secret, in MiB; 0: next to none. */
uint32_t stretch_label_memory(const struct stretch_label *label);

#endif
