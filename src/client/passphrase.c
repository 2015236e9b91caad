/* SPDX-License-Identifier: ISC */
/* See passphrase.h. Called by ostclient.c, once. */
#include "passphrase.h"

#include "stretch.h"
#include "stretch_passphrase.h"

#include <errno.h>
#include <string.h>

static void say_what_comes(const struct stretch_label *label, const struct voice *voice)
{
    const unsigned memory = (unsigned)stretch_label_memory(label);

    if (voice->verbose && memory > 0)
        voice_complain(voice, "the secret is made of the passphrase by %s, with %u MiB",
                       stretch_label_kind(label->kind), memory);
    else if (voice->verbose)
        voice_complain(voice, "the secret is made of the passphrase by %s", stretch_label_kind(label->kind));
}

enum exit_status passphrase_stretch(const struct stretch_label *label, const struct voice *voice, struct key *key)
{
    const enum stretch_passphrase_fault bad = stretch_passphrase_check(key->secret);
    struct locked made;
    enum stretch_fault fault;
    char text[STRETCH_TEXT_LEN];

    if (bad != STRETCH_PASSPHRASE_OK) {
        voice_complain(voice, "%s", stretch_passphrase_text(bad));
        return STATUS_NO_SECRET;
    }
    if (locked_new(STRETCH_SECRET_LEN, &made) != 0)
        return voice_no_memory(voice);
    say_what_comes(label, voice);
    fault = stretch_run(label, key->secret, made.bytes);
    locked_free(&key->memory);
    key->memory = made;
    key->secret = (struct secret){.bytes = made.bytes, .len = STRETCH_SECRET_LEN};
    if (fault == STRETCH_OK)
        return STATUS_DONE;
    stretch_text(fault, label, text);
    voice_complain(voice, "%s", text);
    return STATUS_NO_RESOURCES;
}
