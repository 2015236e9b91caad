/* SPDX-License-Identifier: ISC */
/*
 * Who computes the reply and the receipt of a knock: libgcrypt with a secret that is in our memory; or a command of the
 * user's, with a secret that is elsewhere, in a TPM, say. A command is asked on its standard input, the seed's 32 bytes
 * or the receipt's 79, and answers with 32 bytes on its standard output.
 */
#ifndef OSTIARY_REPLIER_H
#define OSTIARY_REPLIER_H

#include "command.h"
#include "mac.h"

#include <signal.h>
#include <stdint.h>

/* A command that answers, and how long it may take. */
struct replier_command {
    const struct command *command;
    int64_t first_ms;  /* while nothing is connected: somebody may have to be asked for a PIN */
    int64_t answer_ms; /* while a server waits */
};

enum replier_fault {
    REPLIER_OK,
    REPLIER_REFUSED, /* libgcrypt refuses the secret */
    REPLIER_FAILED,  /* the command did */
    REPLIER_LENGTH,  /* it answered with less than 32 bytes, or with more */
    REPLIER_ECHO,    /* it gave back what it was asked */
    REPLIER_SLOW     /* it takes longer than a server may wait */
};

struct replier {
    struct mac_key key;                    /* of a secret */
    const struct replier_command *command; /* NULL: the key answers */
    sigset_t mask;                         /* of signals, as the command is to have them */
    enum replier_fault fault;
    struct command_ending ending; /* of its last run */
};

/* With a secret: then nothing but this can fail. The caller gives it back with replier_free, whatever the result. */
enum replier_fault replier_with_secret(struct secret secret, struct replier *replier);

/*
 * Another secret in the place of the first one, as long as that, when the seed is there: the same was done before, and
 * libgcrypt has the room for it. REPLIER_REFUSED all the same: then it answers nothing.
 */
enum replier_fault replier_change_secret(struct replier *replier, struct secret secret);

/*
 * With a command, which has to answer a random challenge first: so that one that is locked is found while no server has
 * counted it. If that takes it longer than answer_ms, perhaps since it had to ask for a PIN, it has to answer one more
 * in that time. A signal for us that ends the command ends this process.
 */
enum replier_fault replier_with_command(const struct replier_command *command, struct replier *replier);

/* As mac_reply and mac_receipt. On a fault, the output is all zero and must not be used. */
enum replier_fault replier_reply(struct replier *replier, const uint8_t seed[static SEED_LEN],
                                 uint8_t reply[static REPLY_LEN]);
enum replier_fault replier_receipt(struct replier *replier, const uint8_t seed[static SEED_LEN],
                                   const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN]);

void replier_free(struct replier *replier);

/*
 * What a command has said on standard error in its last run, line by line from *at (0) on, with what is no ASCII text
 * replaced. False: there is no more.
 */
#define REPLIER_LINE_LEN 200
bool replier_said(const struct replier *replier, size_t *at, char line[static REPLIER_LINE_LEN]);

/* What the last fault was and what to do about it: a sentence without its full stop. */
#define REPLIER_TEXT_LEN 512
void replier_fault_text(const struct replier *replier, char text[static REPLIER_TEXT_LEN]);

#endif
