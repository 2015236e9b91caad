/* SPDX-License-Identifier: ISC */
/* See match.h. */
#include "match.h"

#include "codes.h"
#include "locked.h"

#include <string.h>

/* One that is tried. */
struct candidate {
    size_t entry; /* its number, from 1 */
    size_t secret;
    uint64_t counter;
};

/* A comparison that goes on. */
struct trial {
    const struct match_question *question;
    const uint8_t *reply;
    struct mac_key key;
    struct locked whole; /* room for a secret with its code; none where there are no codes */
    uint8_t expected[REPLY_LEN];
    struct candidate chosen; /* the one that fits, the last of several; entry 0: none does */
    int failed;              /* 0, or anything else */
};

static uint64_t either(uint64_t mask, uint64_t then, uint64_t otherwise)
{
    return (then & mask) | (otherwise & ~mask);
}

static void try_secret(struct trial *trial, const struct candidate *candidate, struct secret secret)
{
    struct candidate *chosen = &trial->chosen;
    uint64_t fits; /* all ones, or 0 */

    trial->failed |= mac_key_try(&trial->key, secret, trial->question->seed, trial->expected);
    fits = (uint64_t)(int64_t)(int32_t)mac_same(trial->expected, trial->reply);
    chosen->entry = (size_t)either(fits, candidate->entry, chosen->entry);
    chosen->secret = (size_t)either(fits, candidate->secret, chosen->secret);
    chosen->counter = either(fits, candidate->counter, chosen->counter);
}

/* The code of this counter as text. Returns 0, or -1 where libgcrypt refused. */
static int make_code(const struct config_codes *codes, uint64_t counter, char text[static CODES_TEXT_LEN])
{
    uint8_t message[CODES_MESSAGE_LEN];
    uint8_t digest[CODES_DIGEST_MAX];
    size_t len;
    int failed;

    codes_message(counter, message);
    failed = mac_code(codes->key, codes->way.hash, message, digest, &len);
    codes_text(&codes->way, digest, len, text);
    explicit_bzero(digest, sizeof(digest));
    return failed;
}

/* The secret and a code behind it, in room for SECRET_MAX bytes. */
static struct secret join(const struct config_secret *secret, const struct config_codes *codes, const char *text,
                          uint8_t *room)
{
    if (secret->bytes.len > 0)
        memcpy(room, secret->bytes.bytes, secret->bytes.len);
    memcpy(room + secret->bytes.len, text, codes->way.digits);
    return (struct secret){.bytes = room, .len = secret->bytes.len + codes->way.digits};
}

static void try_codes(struct trial *trial, const struct config_entry *entry, struct candidate *candidate)
{
    const struct config_codes *codes = &entry->codes;
    const struct codes_range range = codes_range(&codes->way, codes->next, trial->question->now_s);
    char text[CODES_TEXT_LEN];

    for (unsigned i = 0; i < range.count; i++) {
        candidate->counter = range.first + i;
        trial->failed |= make_code(codes, candidate->counter, text);
        for (candidate->secret = 0; candidate->secret < entry->secret_count; candidate->secret++)
            try_secret(trial, candidate, join(&entry->secrets[candidate->secret], codes, text, trial->whole.bytes));
    }
    explicit_bzero(text, sizeof(text));
}

static bool has_codes(const struct config *config)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        if (config->entries[i].codes.origin != CONFIG_SECRET_NONE)
            return true;
    }
    return false;
}

static void try_all(struct trial *trial)
{
    const struct config *config = trial->question->config;

    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];
        struct candidate candidate = {.entry = i + 1};

        if (entry->codes.origin != CONFIG_SECRET_NONE) {
            try_codes(trial, entry, &candidate);
            continue;
        }
        for (; candidate.secret < entry->secret_count; candidate.secret++)
            try_secret(trial, &candidate, entry->secrets[candidate.secret].bytes);
    }
}

int match_reply(const struct match_question *question, const uint8_t reply[static REPLY_LEN], struct match *match)
{
    struct trial trial = {.question = question, .reply = reply};
    const struct candidate *chosen = &trial.chosen;

    *match = (struct match){0};
    if (has_codes(question->config) && locked_new(SECRET_MAX, &trial.whole) != 0)
        return -1;
    if (mac_key_empty(&trial.key) != 0) {
        locked_free(&trial.whole);
        return -1;
    }
    try_all(&trial);
    mac_key_free(&trial.key);
    locked_free(&trial.whole);
    explicit_bzero(trial.expected, sizeof(trial.expected));
    if (trial.failed != 0 || chosen->entry == 0)
        return trial.failed;
    match->entry = &question->config->entries[chosen->entry - 1];
    match->secret = &match->entry->secrets[chosen->secret];
    match->counter = chosen->counter;
    return 0;
}

int match_receipt(const struct match_question *question, const struct match *match,
                  const uint8_t reply[static REPLY_LEN], uint8_t receipt[static RECEIPT_LEN])
{
    const struct config_codes *codes = &match->entry->codes;
    struct secret secret = match->secret->bytes;
    struct locked whole = {0};
    char text[CODES_TEXT_LEN];
    int status = 0;

    if (codes->origin != CONFIG_SECRET_NONE) {
        status = locked_new(SECRET_MAX, &whole);
        if (status == 0)
            status = make_code(codes, match->counter, text);
        if (status == 0)
            secret = join(match->secret, codes, text, whole.bytes);
        explicit_bzero(text, sizeof(text));
    }
    if (status == 0)
        status = mac_receipt(secret, question->seed, reply, receipt);
    locked_free(&whole);
    return status;
}
