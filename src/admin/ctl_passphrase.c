/* SPDX-License-Identifier: ISC */
/* See ctl_passphrase.h. Called by add and keygen, before they hold anything that others wait for. */
#include "ctl_passphrase.h"

#include "ctl_ask.h"
#include "stretch_passphrase.h"
#include "weak.h"

#include <err.h>
#include <errno.h>
#include <string.h>

#define ROOM 4096 /* bytes: more than a terminal gives of one line */

/* What has been typed. */
struct answer {
    struct locked memory;
    size_t len;
};

void ctl_passphrase_label(const char *command, const char *text, struct stretch_label *label)
{
    char problem[STRETCH_PROBLEM_LEN];

    if (stretch_label_parse(text, label, problem) != 0)
        ctl_usage("%s: --stretch '%.100s': %s", command, text, problem);
}

static enum ctl_status ask(const char *question, struct answer *answer)
{
    if (locked_new(ROOM, &answer->memory) != 0) {
        warn("no locked memory for a passphrase");
        return CTL_OS;
    }
    return ctl_ask(question, "the passphrase", &answer->memory, &answer->len);
}

static bool is_ascii(struct secret passphrase)
{
    for (size_t i = 0; i < passphrase.len; i++)
        if (passphrase.bytes[i] > 0x7e)
            return false;
    return true;
}

/* It is taken all the same: who has typed it twice may know better. */
static void warn_of(struct secret passphrase)
{
    const enum weak_kind weak = weak_judge(passphrase);

    if (weak != WEAK_NOT_SEEN)
        warnx("warning: the passphrase %s: a guess at it is dear, but few are needed; let chance choose five words",
              weak_text(weak));
    if (!is_ascii(passphrase))
        warnx("warning: the passphrase has letters beyond ASCII: a terminal that is set otherwise sends other bytes");
}

static enum ctl_status judge(const struct answer *first, const struct answer *second)
{
    const struct secret passphrase = {.bytes = first->memory.bytes, .len = first->len};

    if (second->len == first->len && memcmp(second->memory.bytes, first->memory.bytes, first->len) == 0) {
        warn_of(passphrase);
        return CTL_OK;
    }
    warnx("the two are not the same: nothing is changed");
    return CTL_NOT_SO;
}

static enum ctl_status ask_twice(struct answer *first, struct answer *second)
{
    enum ctl_status status = ask("Passphrase: ", first);

    if (status == CTL_OK) {
        const struct secret passphrase = {.bytes = first->memory.bytes, .len = first->len};
        const enum stretch_passphrase_fault bad = stretch_passphrase_check(passphrase);

        if (bad != STRETCH_PASSPHRASE_OK) {
            warnx("%s", stretch_passphrase_text(bad));
            return CTL_NOT_SO;
        }
        status = ask("The same again: ", second);
    }
    return status == CTL_OK ? judge(first, second) : status;
}

static enum ctl_status stretch(const struct stretch_label *label, const struct answer *answer, struct locked *line)
{
    const struct secret passphrase = {.bytes = answer->memory.bytes, .len = answer->len};
    char text[STRETCH_TEXT_LEN];
    enum stretch_fault fault;

    if (locked_new(CTL_PASSPHRASE_LINE, line) != 0) {
        warn("no locked memory for a secret");
        return CTL_OS;
    }
    fault = stretch_run(label, passphrase, line->bytes);
    line->bytes[STRETCH_SECRET_LEN] = '\n';
    if (fault == STRETCH_OK)
        return CTL_OK;
    stretch_text(fault, label, text);
    warnx("%s", text);
    locked_free(line);
    return CTL_OS;
}

enum ctl_status ctl_passphrase_secret(const struct stretch_label *label, struct locked *line)
{
    struct answer first = {0};
    struct answer second = {0};
    enum ctl_status status = ask_twice(&first, &second);

    locked_free(&second.memory);
    if (status == CTL_OK)
        status = stretch(label, &first, line);
    locked_free(&first.memory);
    return status;
}
