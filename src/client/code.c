/* SPDX-License-Identifier: ISC */
/* See code.h. */
#include "code.h"

#include "clock.h"
#include "codes.h"
#include "file.h"
#include "mac.h"
#include "prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX 1024 /* bytes */
#define ANSWER_ROOM  256
#define GOOD_FOR_MS  30000 /* one period, as telephones have it: servers take the code before the one of now as well */

/* A code, in room for CODES_TEXT_LEN bytes. */
struct code {
    struct locked memory;
    size_t len;
};

/* ---- By a key ---------------------------------------------------------------------------------------------------- */

static uint64_t step_of_now(const struct key_code *code)
{
    return codes_step(&code->way, (uint64_t)clock_wall_ms() / 1000);
}

/* The code of code->step. Returns 0, or -1: then text is what it was. */
static int make(const struct key_code *code, char text[static CODES_TEXT_LEN])
{
    const struct secret key = {.bytes = code->key.bytes, .len = code->key_len};
    uint8_t message[CODES_MESSAGE_LEN], digest[CODES_DIGEST_MAX];
    size_t len;
    int failed;

    codes_message(code->step, message);
    failed = mac_code(key, code->way.hash, message, digest, &len);
    if (failed == 0)
        codes_text(&code->way, digest, len, text);
    explicit_bzero(digest, sizeof(digest));
    return failed;
}

static enum exit_status read_key(const char *path, const struct voice *voice, struct key_code *code)
{
    struct locked text = {0};
    struct codes_file file = {.kind = CODES_TOTP};
    const enum file_fault unread = file_read_private(path, KEY_FILE_MAX, &text, &file.len);
    enum codes_fault fault;

    if (unread == FILE_NO_MEMORY)
        return voice_no_memory(voice);
    if (unread == FILE_CANNOT_OPEN || unread == FILE_CANNOT_READ)
        voice_complain(voice, "%s %s: %s", path, file_fault_text(unread), strerror(errno));
    else if (unread != FILE_OK)
        voice_complain(voice, "%s %s", path, file_fault_text(unread));
    if (unread != FILE_OK)
        return STATUS_NO_SECRET;
    if (locked_new(CODES_KEY_MAX, &code->key) != 0) {
        locked_free(&text);
        return voice_no_memory(voice);
    }
    file.text = (const char *)text.bytes;
    fault = codes_read(&file, &code->way, code->key.bytes, &code->key_len);
    locked_free(&text);
    if (fault == CODES_OK)
        return STATUS_DONE;
    voice_complain(voice, "%s: %s", path, codes_fault_text(fault));
    return STATUS_NO_SECRET;
}

static enum exit_status by_key(const char *path, const struct voice *voice, struct code *made, struct key_code *code)
{
    const enum exit_status status = read_key(path, voice, code);

    if (status != STATUS_DONE)
        return status;
    code->step = step_of_now(code);
    made->len = code->way.digits;
    if (make(code, (char *)made->memory.bytes) == 0)
        return STATUS_DONE;
    voice_complain(voice, "libgcrypt makes no codes of this key: in FIPS mode it has to have 14 bytes or more");
    return STATUS_NO_RESOURCES;
}

bool code_refresh(struct key *key)
{
    struct key_code *code = &key->code;
    const uint64_t step = code->key_len > 0 ? step_of_now(code) : code->step;
    struct key_code newer = *code;
    char text[CODES_TEXT_LEN];
    bool is_other;

    newer.step = step;
    is_other = step != code->step && make(&newer, text) == 0;
    if (is_other) {
        memcpy(key->memory.bytes + key->secret.len - code->len, text, code->len);
        code->step = step;
    }
    explicit_bzero(text, sizeof(text));
    return is_other;
}

/* ---- By whoever has the telephone -------------------------------------------------------------------------------- */

static enum exit_status take_answer(const struct locked *answer, size_t len, const struct voice *voice,
                                    struct code *code)
{
    bool good = true;

    /* Telephones show "123 456". */
    code->len = 0;
    for (size_t i = 0; i < len; i++) {
        const uint8_t byte = answer->bytes[i];

        if (byte == ' ' || byte == '\t')
            continue;
        good &= byte >= '0' && byte <= '9' && code->len < CODES_DIGITS_MAX;
        if (good)
            code->memory.bytes[code->len++] = byte;
    }
    if (good && code->len >= CODES_DIGITS_MIN)
        return STATUS_DONE;
    voice_complain(voice, "terminal: a code has %d to %d digits, and nothing else", CODES_DIGITS_MIN, CODES_DIGITS_MAX);
    return STATUS_NO_SECRET;
}

static enum exit_status ask(const struct options *options, const struct voice *voice, struct code *code)
{
    char question[TARGET_HOST_MAX + 32];
    enum exit_status status = STATUS_NO_SECRET;
    struct locked answer;
    int signal_number = 0;
    size_t len = 0;

    if (locked_new(ANSWER_ROOM, &answer) != 0)
        return voice_no_memory(voice);
    snprintf(question, sizeof(question), "Code%s%s: ", options->has_target ? " for " : "", options->target.host);
    switch (prompt_ask(question, &answer, &len, &signal_number)) {
    case PROMPT_OK:
        status = take_answer(&answer, len, voice, code);
        break;
    case PROMPT_NO_TERMINAL:
        voice_complain(voice, "no terminal to ask for the code: name a file that holds its key with --totp FILE");
        break;
    case PROMPT_FAULT:
        voice_complain(voice, "the terminal failed: %s", strerror(errno));
        break;
    case PROMPT_SIGNAL:
        locked_wipe_all();
        raise(signal_number);
        break;
    }
    locked_free(&answer);
    return status;
}

/* ---- Behind the secret ------------------------------------------------------------------------------------------- */

/* In memory of its own: that of the secret is as large as what it was read from. */
static enum exit_status join(const struct code *code, const struct voice *voice, struct key *key)
{
    const size_t len = key->secret.len + code->len;
    struct locked whole;

    if (len > SECRET_MAX) {
        voice_complain(voice, "the secret and its code have %zu bytes: %d are the most", len, SECRET_MAX);
        return STATUS_NO_SECRET;
    }
    if (locked_new(SECRET_MAX, &whole) != 0)
        return voice_no_memory(voice);
    memcpy(whole.bytes, key->secret.bytes, key->secret.len);
    memcpy(whole.bytes + key->secret.len, code->memory.bytes, code->len);
    locked_free(&key->memory);
    key->memory = whole;
    key->secret = (struct secret){.bytes = whole.bytes, .len = len};
    key->code.len = code->len;
    return STATUS_DONE;
}

enum exit_status code_add(const struct options *options, const struct voice *voice, struct key *key)
{
    struct code code = {0};
    enum exit_status status;

    if (options->totp_file == NULL && !options->asks_code)
        return STATUS_DONE;
    if (locked_new(CODES_TEXT_LEN, &code.memory) != 0)
        return voice_no_memory(voice);
    status =
        options->totp_file != NULL ? by_key(options->totp_file, voice, &code, &key->code) : ask(options, voice, &code);
    key->code.asked_ms = clock_now_ms();
    if (status == STATUS_DONE)
        status = join(&code, voice, key);
    locked_free(&code.memory);
    return status;
}

enum exit_status code_renew(const struct options *options, const struct voice *voice, struct key *key)
{
    if (!options->asks_code || clock_now_ms() - key->code.asked_ms < GOOD_FOR_MS)
        return STATUS_DONE;
    voice_complain(voice, "the code is too old by now: another one is needed");
    key->secret.len -= key->code.len;
    key->code.len = 0;
    return code_add(options, voice, key);
}
