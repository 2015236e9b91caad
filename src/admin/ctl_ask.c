/* SPDX-License-Identifier: ISC */
/* See ctl_ask.h. */
#include "ctl_ask.h"

#include "prompt.h"

#include <err.h>
#include <signal.h>

enum ctl_status ctl_ask(const char *question, const char *what, const struct locked *room, size_t *len)
{
    int signal_number = 0;

    switch (prompt_ask(question, room, len, &signal_number)) {
    case PROMPT_OK:
        return CTL_OK;
    case PROMPT_NO_TERMINAL:
        warnx("no terminal to ask for %s: run this at one (ssh -t)", what);
        return CTL_UNAVAILABLE;
    case PROMPT_FAULT:
        warn("the terminal failed");
        return CTL_UNAVAILABLE;
    case PROMPT_SIGNAL:
        break;
    }
    /* What was typed is wiped by now. End as the signal ends any other program, but for what another question got. */
    locked_wipe_all();
    raise(signal_number);
    return CTL_UNAVAILABLE;
}
