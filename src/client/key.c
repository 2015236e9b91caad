/* SPDX-License-Identifier: ISC */
/* See key.h. */
#include "key.h"

#include "clock.h"
#include "file.h"
#include "prompt.h"
#include "secret_input.h"
#include "target.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int make_room(const struct voice *voice, struct key *key)
{
    if (locked_new(SECRET_INPUT_MAX, &key->memory) == 0)
        return 0;
    voice_complain(voice, "no locked memory for the secret: %s: raise the limit (ulimit -l)", strerror(errno));
    return -1;
}

static enum exit_status take_secret(const struct voice *voice, const char *from, size_t len, struct key *key)
{
    enum secret_input_fault fault;

    key->secret = (struct secret){.bytes = key->memory.bytes, .len = len};
    fault = secret_input_check(key->secret);
    if (fault == SECRET_INPUT_OK)
        return STATUS_DONE;
    voice_complain(voice, "%s: %s", from, secret_input_fault_text(fault));
    return STATUS_NO_SECRET;
}

static enum exit_status secret_from_file(const struct options *options, const struct voice *voice, struct key *key)
{
    size_t len = 0;
    const enum file_fault fault = file_read_private(options->key_file, SECRET_INPUT_MAX, &key->memory, &len);

    if (fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ || fault == FILE_NO_MEMORY) {
        voice_complain(voice, "%s %s: %s", options->key_file, file_fault_text(fault), strerror(errno));
        return STATUS_NO_SECRET;
    }
    if (fault != FILE_OK) {
        voice_complain(voice, "%s %s", options->key_file, file_fault_text(fault));
        return STATUS_NO_SECRET;
    }
    return take_secret(voice, options->key_file, secret_input_trim(key->memory.bytes, len), key);
}

static enum exit_status secret_from_fd(const struct options *options, const struct voice *voice, int64_t deadline_ms,
                                       struct key *key)
{
    enum secret_input_fault fault;
    char from[32];
    size_t len;

    if (make_room(voice, key) != 0)
        return STATUS_NO_RESOURCES;
    snprintf(from, sizeof(from), "descriptor %d", options->fd);
    fault = secret_input_read(options->fd, deadline_ms, &key->memory, &len);
    if (fault == SECRET_INPUT_OK)
        return take_secret(voice, from, secret_input_trim(key->memory.bytes, len), key);
    if (fault == SECRET_INPUT_UNREADABLE)
        voice_complain(voice, "%s: %s: %s", from, secret_input_fault_text(fault), strerror(errno));
    else
        voice_complain(voice, "%s: %s", from, secret_input_fault_text(fault));
    return STATUS_NO_SECRET;
}

static enum exit_status secret_from_terminal(const struct options *options, const struct voice *voice, struct key *key)
{
    char question[TARGET_HOST_MAX + 32];
    int signal_number = 0;
    size_t len = 0;

    if (make_room(voice, key) != 0)
        return STATUS_NO_RESOURCES;
    snprintf(question, sizeof(question), "Secret for %s: ", options->target.host);
    switch (prompt_ask(question, &key->memory, &len, &signal_number)) {
    case PROMPT_OK:
        return take_secret(voice, "terminal", len, key);
    case PROMPT_NO_TERMINAL:
        voice_complain(voice, "no terminal to ask for the secret: name a file that holds it with -k FILE");
        break;
    case PROMPT_FAULT:
        voice_complain(voice, "the terminal failed: %s: name a file that holds the secret with -k FILE",
                       strerror(errno));
        break;
    case PROMPT_SIGNAL:
        /* Nothing was typed that is not wiped by now: end as the signal ends any other program. */
        raise(signal_number);
        break;
    }
    return STATUS_NO_SECRET;
}

enum exit_status key_fetch(const struct options *options, const struct voice *voice, int64_t *deadline_ms,
                           struct key *key)
{
    enum exit_status status;

    if (options->key_file != NULL)
        return secret_from_file(options, voice, key);
    if (options->has_fd)
        return secret_from_fd(options, voice, *deadline_ms, key);
    status = secret_from_terminal(options, voice, key);
    /* A person may take all the time in the world to type; a pipe may not. */
    *deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    return status;
}
