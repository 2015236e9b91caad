/* SPDX-License-Identifier: ISC */
/* See replier.h. Called by knock.c, for each try anew. */
#include "replier.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char receipt_context[] = "ostiary receipt";

#define CONTEXT_LEN (sizeof(receipt_context) - 1)
#define ASKED_MAX   (CONTEXT_LEN + SEED_LEN + REPLY_LEN)

#define CONNECTED_FDS 2 /* the connection's, and that of struct signals */

_Static_assert(ASKED_MAX <= COMMAND_INPUT_MAX, "one run takes all of it");
_Static_assert(REPLY_LEN == RECEIPT_LEN, "the command's answers are alike");

/* One run. The room is a byte larger than an answer, so that a longer one does not fit. */
static enum replier_fault ask(struct replier *replier, const uint8_t *asked, size_t len, int64_t limit_ms,
                              uint8_t answer[static REPLY_LEN])
{
    uint8_t room[REPLY_LEN + 1];
    struct command_ending *ending = &replier->ending;
    const struct command_run run = {.command = replier->command->command,
                                    .input = asked,
                                    .input_len = len,
                                    .room = room,
                                    .room_len = sizeof(room),
                                    .deadline_ms = clock_now_ms() + limit_ms,
                                    .mask = &replier->mask};

    memset(answer, 0, REPLY_LEN);
    command_run(&run, ending);
    replier->fault = REPLIER_OK;
    if (ending->result == COMMAND_TOO_MUCH || (ending->result == COMMAND_DONE && ending->len != REPLY_LEN))
        replier->fault = REPLIER_LENGTH;
    else if (ending->result != COMMAND_DONE)
        replier->fault = REPLIER_FAILED;
    else if (memcmp(room, asked, REPLY_LEN) == 0)
        replier->fault = REPLIER_ECHO;
    else
        memcpy(answer, room, REPLY_LEN);
    explicit_bzero(room, sizeof(room));
    return replier->fault;
}

/*
 * As many descriptors as are open besides when the seed is there: what has too few of them then, and answers the
 * challenge, would cost a strike.
 */
static int take_places(int places[static CONNECTED_FDS])
{
    for (size_t i = 0; i < CONNECTED_FDS; i++)
        places[i] = -1;
    for (size_t i = 0; i < CONNECTED_FDS; i++) {
        places[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (places[i] < 0)
            return -1;
    }
    return 0;
}

static void leave_places(const int places[static CONNECTED_FDS])
{
    for (size_t i = 0; i < CONNECTED_FDS; i++)
        if (places[i] >= 0)
            close(places[i]);
}

/* What has ended the command was meant for us, too. Nothing is here that would have to be wiped. */
static void pass_signal_on(const struct replier *replier)
{
    if (replier->ending.result == COMMAND_INTERRUPTED)
        raise(replier->ending.number);
}

static enum replier_fault challenge(struct replier *replier, int64_t limit_ms)
{
    uint8_t random[SEED_LEN];
    uint8_t answer[REPLY_LEN];
    int places[CONNECTED_FDS];
    const bool ready = take_places(places) == 0;
    const ssize_t got = ready ? getrandom(random, sizeof(random), 0) : -1;

    if (got != (ssize_t)sizeof(random)) {
        replier->ending = (struct command_ending){.result = COMMAND_UNABLE, .number = got < 0 ? errno : EIO};
        replier->fault = REPLIER_FAILED;
    } else {
        ask(replier, random, sizeof(random), limit_ms, answer);
        explicit_bzero(answer, sizeof(answer));
    }
    leave_places(places);
    pass_signal_on(replier);
    return replier->fault;
}

enum replier_fault replier_with_secret(struct secret secret, struct replier *replier)
{
    *replier = (struct replier){0};
    if (mac_key_new(secret, &replier->key) != 0)
        replier->fault = REPLIER_REFUSED;
    return replier->fault;
}

enum replier_fault replier_change_secret(struct replier *replier, struct secret secret)
{
    const uint8_t seed[SEED_LEN] = {0};
    uint8_t reply[REPLY_LEN];

    if (mac_key_try(&replier->key, secret, seed, reply) != 0)
        replier->fault = REPLIER_REFUSED;
    explicit_bzero(reply, sizeof(reply));
    return replier->fault;
}

enum replier_fault replier_with_command(const struct replier_command *command, struct replier *replier)
{
    const int64_t begin_ms = clock_now_ms();

    *replier = (struct replier){.command = command};
    sigprocmask(SIG_BLOCK, NULL, &replier->mask);
    if (challenge(replier, command->first_ms) == REPLIER_OK && clock_now_ms() - begin_ms > command->answer_ms &&
        challenge(replier, command->answer_ms) == REPLIER_FAILED && replier->ending.result == COMMAND_TIME)
        replier->fault = REPLIER_SLOW;
    return replier->fault;
}

enum replier_fault replier_reply(struct replier *replier, const uint8_t seed[static SEED_LEN],
                                 uint8_t reply[static REPLY_LEN])
{
    if (replier->command != NULL)
        return ask(replier, seed, SEED_LEN, replier->command->answer_ms, reply);
    mac_key_reply(&replier->key, seed, reply);
    return REPLIER_OK;
}

enum replier_fault replier_receipt(struct replier *replier, const uint8_t seed[static SEED_LEN],
                                   const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN])
{
    uint8_t asked[ASKED_MAX];

    if (replier->command == NULL) {
        mac_key_receipt(&replier->key, seed, reply, receipt);
        return REPLIER_OK;
    }
    memcpy(asked, receipt_context, CONTEXT_LEN);
    memcpy(asked + CONTEXT_LEN, seed, SEED_LEN);
    memcpy(asked + CONTEXT_LEN + SEED_LEN, reply, REPLY_LEN);
    ask(replier, asked, sizeof(asked), replier->command->answer_ms, receipt);
    explicit_bzero(asked, sizeof(asked));
    pass_signal_on(replier);
    return replier->fault;
}

void replier_free(struct replier *replier)
{
    mac_key_free(&replier->key);
}

bool replier_said(const struct replier *replier, size_t *at, char line[static REPLIER_LINE_LEN])
{
    const struct command_ending *ending = &replier->ending;
    size_t len = 0;

    if (*at >= ending->said_len)
        return false;
    for (; *at < ending->said_len && ending->said[*at] != '\n'; (*at)++) {
        const char character = ending->said[*at];

        /* What it may do to a terminal is not ours to pass on. */
        if (len < REPLIER_LINE_LEN - 1)
            line[len++] = character < ' ' || character > '~' ? '?' : character;
    }
    line[len] = '\0';
    (*at)++;
    return true;
}

void replier_fault_text(const struct replier *replier, char text[static REPLIER_TEXT_LEN])
{
    const char *name = replier->command != NULL ? replier->command->command->words[0] : "";
    char why[COMMAND_TEXT_LEN];

    switch (replier->fault) {
    case REPLIER_OK:
        break;
    case REPLIER_REFUSED:
        snprintf(text, REPLIER_TEXT_LEN, "the reply could not be computed: libgcrypt refuses the secret");
        return;
    case REPLIER_FAILED:
        command_ending_text(&replier->ending, why);
        snprintf(text, REPLIER_TEXT_LEN, "%.200s: %s", name, why);
        return;
    case REPLIER_LENGTH:
        snprintf(text, REPLIER_TEXT_LEN, "%.200s: printed %s bytes than a reply's 32, which it must print as they are",
                 name, replier->ending.result == COMMAND_TOO_MUCH ? "more" : "less");
        return;
    case REPLIER_ECHO:
        snprintf(text, REPLIER_TEXT_LEN, "%.200s: printed what it was given in place of a reply", name);
        return;
    case REPLIER_SLOW:
        snprintf(text, REPLIER_TEXT_LEN, "%.200s: takes longer than the %jd seconds that a server may wait", name,
                 (intmax_t)replier->command->answer_ms / 1000);
        return;
    }
    snprintf(text, REPLIER_TEXT_LEN, "the reply could be computed");
}
