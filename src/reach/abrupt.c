/* SPDX-License-Identifier: ISC */
/* See abrupt.h. */
#include "abrupt.h"

#include "locked.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *name = "";
static bool is_quiet;

void abrupt_begin(const char *program, bool quiet)
{
    name = program;
    is_quiet = quiet;
}

/* With calls that a signal handler may make. Where it cannot be said there is nobody to tell. */
static void say_at_once(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

void abrupt_end(const char *text, enum exit_status status)
{
    locked_wipe_all();
    if (!is_quiet) {
        say_at_once(name);
        say_at_once(": ");
        say_at_once(text);
        say_at_once("\n");
    }
    _exit((int)status);
}

void abrupt_end_lookup(const char *text)
{
    abrupt_end(text, STATUS_NO_HOST);
}

static const char libgcrypt_failed[] =
    "libgcrypt could not start or go on: is there too little memory, or are too few files allowed (ulimit -n)?";

void abrupt_end_libgcrypt(void *context, int code, const char *text)
{
    (void)context;
    (void)code;
    (void)text;
    abrupt_end(libgcrypt_failed, STATUS_NO_RESOURCES);
}

static void on_abort(int number)
{
    (void)number;
    abrupt_end(libgcrypt_failed, STATUS_NO_RESOURCES);
}

int abrupt_start_libgcrypt(int (*init)(void))
{
    const struct sigaction handler = {.sa_handler = on_abort};
    struct sigaction before;
    int status;

    sigaction(SIGABRT, &handler, &before);
    status = init();
    sigaction(SIGABRT, &before, NULL);
    return status;
}
