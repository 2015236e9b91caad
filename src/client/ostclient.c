/* SPDX-License-Identifier: ISC */
/*
 * ostclient: prove to an Ostiary server that one knows a secret. Here is how it starts, how often it tries, and how it
 * ends; the options are usage.c, where the secret comes from is key.c, and the knock itself knock.c. See ostclient(1).
 */
#include "abrupt.h"
#include "clock.h"
#include "code.h"
#include "descriptors.h"
#include "key.h"
#include "knock.h"
#include "mac.h"
#include "passphrase.h"
#include "status.h"
#include "usage.h"
#include "voice.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_FIRST_MS 2000 /* the longest first pause; each further one may be twice as long */
#define PAUSE_MAX_MS   60000

/* What knock.c has to tell. A fault that will be tried again is a step on the way, not an error yet. */
static void on_note(void *context, enum knock_result result, const char *text)
{
    const struct voice *voice = context;
    const bool is_error = result != KNOCK_GOES_ON && !(voice->tries_left && knock_may_repeat(result));

    if (is_error || voice->verbose)
        voice_complain(voice, "%s", text);
}

/* ---- Starting ---- */

/* Between half of the longest pause and all of it, so that many clients of one server do not come together again. */
static void pause_before(uint64_t next_try, const struct options *options, const struct voice *voice)
{
    uint64_t longest = PAUSE_FIRST_MS;
    uint64_t dice = 0;

    for (uint64_t i = 1; i < next_try && longest < PAUSE_MAX_MS; i++)
        longest *= 2;
    if (longest > PAUSE_MAX_MS)
        longest = PAUSE_MAX_MS;
    if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
        dice = (uint64_t)clock_now_ms();

    const uint64_t pause_ms = longest - dice % (longest / 2 + 1);
    struct timespec left = {.tv_sec = (time_t)(pause_ms / 1000), .tv_nsec = (long)(pause_ms % 1000) * 1000000};

    if (voice->verbose)
        voice_complain(voice, "try %ju of %ju follows in %ju.%ju s", (uintmax_t)next_try + 1,
                       (uintmax_t)options->retries + 1, (uintmax_t)pause_ms / 1000, (uintmax_t)pause_ms % 1000 / 100);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

static enum exit_status status_of(enum knock_result result)
{
    switch (result) {
    case KNOCK_SENT:
    case KNOCK_ACCEPTED:
        return STATUS_DONE;
    case KNOCK_UNKNOWN_HOST:
    case KNOCK_NO_LOOKUP:
        return STATUS_NO_HOST;
    case KNOCK_NO_CONNECTION:
        return STATUS_NO_CONNECTION;
    case KNOCK_NO_SEED:
        return STATUS_NO_SEED;
    case KNOCK_BAD_PROTOCOL:
        return STATUS_PROTOCOL;
    case KNOCK_NOT_ACCEPTED:
        return STATUS_NOT_ACCEPTED;
    case KNOCK_NO_REPLIER:
        return STATUS_COMMAND;
    case KNOCK_NO_REPLY:
        return STATUS_NO_REPLY;
    case KNOCK_GOES_ON:
    case KNOCK_NO_RESOURCES:
    case KNOCK_INTERRUPTED:
        break;
    }
    return STATUS_NO_RESOURCES;
}

static bool refresh(void *key)
{
    return code_refresh(key);
}

static enum exit_status begin_anew(const struct options *options, const struct voice *voice, struct key *key,
                                   int64_t *deadline_ms)
{
    const enum exit_status status = code_renew(options, voice, key);

    *deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    return status;
}

static enum exit_status knock(const struct options *options, struct voice *voice, struct key *key, int64_t deadline_ms)
{
    const struct target *target = &options->target;
    const struct replier_command command = key_command(options);
    struct knock_plan plan = {
        .host = {.name = target->host,
                 .port = options->has_port  ? options->port
                         : target->has_port ? target->port
                                            : WIRE_PORT,
                 .family = options->family},
        .refresh = refresh,
        .secret_of = key,
        .command = options->from == FROM_REPLY_COMMAND ? &command : NULL,
        .wait = options->wait,
        .note = on_note,
        .context = voice,
        .too_late = abrupt_end_lookup,
    };

    for (uint64_t try = 0;; try++) {
        enum exit_status status = STATUS_DONE;
        enum knock_result result;

        voice->tries_left = try < options->retries;
        plan.secret = key->secret;
        result = knock_try(&plan, deadline_ms);
        /* It was stopped, and goes on: the time in between is not the server's, and nothing has been tried. */
        while (result == KNOCK_INTERRUPTED && (status = begin_anew(options, voice, key, &deadline_ms)) == STATUS_DONE) {
            plan.secret = key->secret;
            result = knock_try(&plan, deadline_ms);
        }
        if (status != STATUS_DONE)
            return status;
        if (!voice->tries_left || !knock_may_repeat(result))
            return status_of(result);
        pause_before(try + 1, options, voice);
        status = begin_anew(options, voice, key, &deadline_ms);
        if (status != STATUS_DONE)
            return status;
    }
}

static enum exit_status run(const struct options *options, struct voice *voice)
{
    struct key own = {0};
    int64_t deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    struct key *const key = &own;
    enum exit_status status = key_fetch(options, voice, &deadline_ms, key);

    if (status == STATUS_DONE && options->has_label) {
        status = passphrase_stretch(&options->label, voice, key);
        /* How long that takes is the label's affair, and not the server's. */
        deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    }
    if (status == STATUS_DONE) {
        status = code_add(options, voice, key);
        if (options->asks_code)
            deadline_ms = clock_now_ms() + (int64_t)options->timeout * 1000;
    }
    if (status == STATUS_DONE && options->is_check)
        status = key_check(options, voice, key);
    else if (status == STATUS_DONE)
        status = knock(options, voice, key, deadline_ms);
    key_free(key);
    return status;
}

static enum exit_status show(const char *first, const char *second)
{
    return printf("%s%s", first, second) >= 0 && fflush(stdout) == 0 ? STATUS_DONE : STATUS_NO_RESOURCES;
}

/* From the command line to the exit status. */
static enum exit_status start(const struct options *options, struct voice *voice)
{
    if (options->fault[0] != '\0') {
        voice_complain(voice, "%s", options->fault);
        if (!voice->quiet)
            fputs(usage_line, stderr);
        return STATUS_USAGE;
    }
    if (options->help)
        return show(usage_line, usage_help);
    if (options->version)
        return show("ostclient " OSTIARY_VERSION, "\n");
    if (locked_hide_process() != 0) {
        voice_complain(voice, "cannot keep the secret out of core files: %s", strerror(errno));
        return STATUS_NO_RESOURCES;
    }
    mac_on_fatal(abrupt_end_libgcrypt, NULL);
    if (abrupt_start_libgcrypt(mac_init) != 0) {
        voice_complain(voice, "libgcrypt is too old, or has no locked memory: raise the limit (ulimit -l)");
        return STATUS_NO_RESOURCES;
    }
    return run(options, voice);
}

int main(int argc, char *argv[])
{
    struct options options;
    struct voice voice;

    usage_parse(argc, argv, &options);
    voice = (struct voice){.quiet = options.quiet, .verbose = options.verbose};
    abrupt_begin("ostclient", options.quiet);
    if (descriptors_fill() != 0) {
        voice_complain(&voice, "/dev/null cannot be opened: %s", strerror(errno));
        return (int)STATUS_NO_RESOURCES;
    }
    return (int)start(&options, &voice);
}
