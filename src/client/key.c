/* SPDX-License-Identifier: ISC */
/* See key.h. */
#include "key.h"

#include "clock.h"
#include "command.h"
#include "file.h"
#include "prompt.h"
#include "secret_input.h"
#include "target.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_TIMEOUT 120 /* seconds: somebody may have to type a passphrase */
#define REPLY_TIMEOUT   4   /* seconds: less than a server waits, which is 5 where nothing else is said */

#define SOURCE_LEN (PATH_MAX + 32)

static enum exit_status make_room(const struct voice *voice, struct key *key)
{
    return locked_new(SECRET_INPUT_MAX, &key->memory) == 0 ? STATUS_DONE : voice_no_memory(voice);
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

static enum exit_status secret_from_file(const char *path, const struct voice *voice, struct key *key)
{
    size_t len = 0;
    const enum file_fault fault = file_read_private(path, SECRET_INPUT_MAX, &key->memory, &len);

    if (fault == FILE_NO_MEMORY)
        return voice_no_memory(voice);
    if (fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ) {
        voice_complain(voice, "%s %s: %s", path, file_fault_text(fault), strerror(errno));
        return STATUS_NO_SECRET;
    }
    if (fault != FILE_OK) {
        voice_complain(voice, "%s %s", path, file_fault_text(fault));
        return STATUS_NO_SECRET;
    }
    return take_secret(voice, path, secret_input_trim(key->memory.bytes, len), key);
}

static enum exit_status secret_from_credential(const char *name, const struct voice *voice, struct key *key)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (directory == NULL || directory[0] != '/') {
        voice_complain(voice,
                       "credential %s: there are none ($CREDENTIALS_DIRECTORY): in a unit, say LoadCredential=%s:FILE",
                       name, name);
        return STATUS_NO_SECRET;
    }
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
        voice_complain(voice, "credential %s: $CREDENTIALS_DIRECTORY is too long", name);
        return STATUS_NO_SECRET;
    }
    return secret_from_file(path, voice, key);
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
    snprintf(question, sizeof(question), "%s%s%s: ", options->has_label ? "Passphrase" : "Secret",
             options->has_target ? " for " : "", options->target.host);
    switch (prompt_ask(question, &key->memory, &len, &signal_number)) {
    case PROMPT_OK:
        return take_secret(voice, "terminal", len, key);
    case PROMPT_NO_TERMINAL:
        voice_complain(voice, "no terminal to ask for the %s: name a file that holds it with -k FILE",
                       options->has_label ? "passphrase" : "secret");
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

static enum exit_status secret_from_command(const struct options *options, const struct voice *voice, struct key *key)
{
    const char *name = options->command.words[0];
    const uint64_t limit_s = options->command_timeout != 0 ? options->command_timeout : COMMAND_TIMEOUT;
    struct command_ending ending;
    char text[COMMAND_TEXT_LEN];
    sigset_t mask;

    if (make_room(voice, key) != 0)
        return STATUS_NO_RESOURCES;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    const struct command_run run = {.command = &options->command,
                                    .room = key->memory.bytes,
                                    .room_len = key->memory.len,
                                    .is_line = true,
                                    .is_asking = true,
                                    .is_heard = !options->quiet,
                                    .deadline_ms = clock_now_ms() + (int64_t)limit_s * 1000,
                                    .mask = &mask};

    command_run(&run, &ending);
    if (ending.result == COMMAND_DONE) {
        const size_t len = secret_input_trim(key->memory.bytes, ending.len);

        if (len > 0)
            return take_secret(voice, name, len, key);
        voice_complain(voice, "%s: printed no secret: it must be in its first line", name);
        return STATUS_COMMAND;
    }
    /* Nothing is here by now that is not wiped: end as the signal ends any other program. */
    if (ending.result == COMMAND_INTERRUPTED)
        raise(ending.number);
    command_ending_text(&ending, text);
    voice_complain(voice, "%s: %s", name, text);
    return ending.result == COMMAND_UNABLE ? STATUS_NO_RESOURCES : STATUS_COMMAND;
}

enum exit_status key_fetch(const struct options *options, const struct voice *voice, int64_t *deadline_ms,
                           struct key *key)
{
    enum exit_status status = STATUS_NO_SECRET;

    switch (options->from) {
    case FROM_FILE:
        return secret_from_file(options->key_file, voice, key);
    case FROM_CREDENTIAL:
        return secret_from_credential(options->credential, voice, key);
    case FROM_FD:
        return secret_from_fd(options, voice, *deadline_ms, key);
    case FROM_REPLY_COMMAND:
        return STATUS_DONE;
    case FROM_COMMAND:
        status = secret_from_command(options, voice, key);
        break;
    case FROM_TERMINAL:
        status = secret_from_terminal(options, voice, key);
        break;
    }
    /* A person may take all the time in the world to type, and a command has a limit of its own; a pipe may not. */
    *deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    return status;
}

void key_free(struct key *key)
{
    locked_free(&key->memory);
    locked_free(&key->code.key);
    *key = (struct key){0};
}

struct replier_command key_command(const struct options *options)
{
    const uint64_t answer_s = options->command_timeout != 0 ? options->command_timeout : REPLY_TIMEOUT;
    const uint64_t first_s = answer_s > COMMAND_TIMEOUT ? answer_s : COMMAND_TIMEOUT;

    return (struct replier_command){
        .command = &options->command, .first_ms = (int64_t)first_s * 1000, .answer_ms = (int64_t)answer_s * 1000};
}

/* What is checked, as people know it. */
static void name_source(const struct options *options, char name[static SOURCE_LEN])
{
    switch (options->from) {
    case FROM_FILE:
        snprintf(name, SOURCE_LEN, "%s", options->key_file);
        return;
    case FROM_CREDENTIAL:
        snprintf(name, SOURCE_LEN, "credential %s", options->credential);
        return;
    case FROM_FD:
        snprintf(name, SOURCE_LEN, "descriptor %d", options->fd);
        return;
    case FROM_COMMAND:
    case FROM_REPLY_COMMAND:
        snprintf(name, SOURCE_LEN, "%s", options->command.words[0]);
        return;
    case FROM_TERMINAL:
        break;
    }
    snprintf(name, SOURCE_LEN, "terminal");
}

enum exit_status key_check(const struct options *options, const struct voice *voice, const struct key *key)
{
    const bool is_command = options->from == FROM_REPLY_COMMAND;
    const struct replier_command command = key_command(options);
    char text[REPLIER_TEXT_LEN], line[REPLIER_LINE_LEN], source[SOURCE_LEN];
    struct replier replier;
    size_t at = 0;
    const enum replier_fault fault =
        is_command ? replier_with_command(&command, &replier) : replier_with_secret(key->secret, &replier);

    replier_free(&replier);
    if (fault != REPLIER_OK) {
        while (replier_said(&replier, &at, line))
            voice_complain(voice, "%s says: %s", options->command.words[0], line);
        replier_fault_text(&replier, text);
        voice_complain(voice, "%s", text);
        return is_command && replier.ending.result != COMMAND_UNABLE ? STATUS_COMMAND : STATUS_NO_RESOURCES;
    }
    name_source(options, source);
    if (!voice->quiet &&
        (printf("%s: %s\n", source, is_command ? "answers" : "the secret can be had") < 0 || fflush(stdout) != 0))
        return STATUS_NO_RESOURCES;
    return STATUS_DONE;
}
