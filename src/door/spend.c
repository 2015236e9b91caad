/* SPDX-License-Identifier: ISC */
/* See spend.h. */
#include "spend.h"

#include "clock.h"
#include "codes.h"
#include "keeper.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that is root works at a directory that is neither root's nor the sealed door's for whoever has it. */
static bool is_shared(const struct spend_place *place)
{
    struct stat status;

    if (geteuid() != 0 || place->door == DOOR_SEALED)
        return true;
    return stat(place->state_dir, &status) == 0 && status.st_uid != 0 && status.st_uid != keeper_of(place->state_dir);
}

struct used_options spend_options(const struct spend_place *place, bool read_only)
{
    return (struct used_options){
        .state_dir = place->state_dir,
        .shared = is_shared(place),
        .patience_ms = place->patience_ms,
        .read_only = read_only,
        .floor_s = (uint64_t)clock_wall_ms() / 1000,
    };
}

/* FORMAT.md: the algorithm, the period, the key. */
struct used_name spend_codes_name(const struct config_codes *codes, uint8_t text[static USED_TEXT_MAX])
{
    _Static_assert(3 + CODES_KEY_MAX <= USED_TEXT_MAX, "the longest key has a name");

    size_t key_len = codes->key.len;

    /* To HMAC zeros at the end of a key are nothing: with and without them it makes the same codes. */
    while (key_len > 0 && codes->key.bytes[key_len - 1] == 0)
        key_len--;
    text[0] = (uint8_t)codes->way.hash;
    text[1] = (uint8_t)codes->way.period_s;
    text[2] = (uint8_t)(codes->way.period_s >> 8);
    memcpy(text + 3, codes->key.bytes, codes->key.len);
    return (struct used_name){
        .kind = codes->way.kind == CODES_TOTP ? USED_TOTP : USED_HOTP, .bytes = text, .len = 3 + key_len};
}

struct used_name spend_secret_name(const char *action, const char *label, uint8_t text[static USED_TEXT_MAX])
{
    const size_t action_len = strlen(action), label_len = strlen(label);

    memcpy(text, action, action_len + 1);
    memcpy(text + action_len + 1, label, label_len);
    return (struct used_name){.kind = USED_SECRET, .bytes = text, .len = action_len + 1 + label_len};
}

static struct used_mark mark_of(const struct spend_use *use, uint64_t next)
{
    struct used_mark mark = {.next = next, .when_s = use->when_s};

    if (use->from != NULL)
        memcpy(mark.address, use->from->bytes, sizeof(mark.address));
    return mark;
}

static bool has_hotp(const struct config *config)
{
    for (size_t i = 0; i < config->entry_count; i++) {
        if (config->entries[i].codes.origin != CONFIG_SECRET_NONE && config->entries[i].codes.way.kind == CODES_HOTP)
            return true;
    }
    return false;
}

enum used_fault spend_look(const struct spend_place *place, struct config *config, const struct config_entry **unknown)
{
    struct used_options options = spend_options(place, true);
    enum used_fault fault, found = USED_OK;
    uint8_t text[USED_TEXT_MAX];
    struct used used;

    *unknown = NULL;
    if (!has_hotp(config))
        return USED_OK;
    options.unlocked = true;
    fault = used_open(&options, &used);
    if (fault == USED_OK)
        fault = used_hold(&used, HOLD_SHARED);
    for (size_t i = 0; (fault == USED_OK || fault == USED_ABSENT) && i < config->entry_count; i++) {
        struct config_codes *codes = &config->entries[i].codes;
        struct used_mark mark = {0};
        enum used_fault one = USED_UNKNOWN;

        if (codes->origin == CONFIG_SECRET_NONE || codes->way.kind != CODES_HOTP)
            continue;
        const struct used_name name = spend_codes_name(codes, text);
        if (fault == USED_OK)
            one = used_find(&used, &name, &mark);
        codes->next = mark.next;
        if (one == USED_OK || *unknown != NULL)
            continue;
        *unknown = &config->entries[i];
        found = one;
    }
    explicit_bzero(text, sizeof(text));
    used_close(&used);
    return fault == USED_OK || fault == USED_ABSENT ? found : fault;
}

/*
 * The lowest that has not been used up. Of a key of TOTP that is not there it is the first one of all, but where
 * something has been lost: then it is the first one that cannot have been used before that.
 */
static enum spend_result find_next(const struct used *used, const struct config_codes *codes,
                                   const struct used_name *name, uint64_t *next, enum used_fault *fault)
{
    struct used_mark mark;

    *fault = used_find(used, name, &mark);
    *next = mark.next;
    if (*fault == USED_OK)
        return SPEND_DONE;
    if (*fault != USED_UNKNOWN)
        return SPEND_FAILED;
    if (codes->way.kind == CODES_HOTP)
        return SPEND_UNKNOWN;
    *next = used->floor_s == 0 ? 0 : codes_step(&codes->way, used->floor_s) + codes->way.window + 1;
    return SPEND_DONE;
}

static enum spend_result spend(struct used *used, const struct config_codes *codes, uint64_t counter,
                               const struct spend_use *use, enum used_fault *fault)
{
    const struct used_mark mark = mark_of(use, counter + 1);
    uint8_t text[USED_TEXT_MAX];
    const struct used_name name = spend_codes_name(codes, text);
    uint64_t next;
    enum spend_result result = find_next(used, codes, &name, &next, fault);

    if (result == SPEND_DONE && counter < next)
        result = SPEND_USED;
    if (result == SPEND_DONE) {
        *fault = used_put(used, &name, &mark);
        if (*fault == USED_OK)
            *fault = used_sync(used);
        if (*fault != USED_OK)
            result = SPEND_FAILED;
    }
    explicit_bzero(text, sizeof(text));
    return result;
}

enum spend_result spend_code(const struct spend_place *place, const struct config_codes *codes, uint64_t counter,
                             const struct spend_use *use, enum used_fault *fault)
{
    const struct used_options options = spend_options(place, false);
    enum spend_result result = SPEND_FAILED;
    struct used used;

    *fault = used_open(&options, &used);
    if (*fault == USED_OK)
        *fault = used_hold(&used, HOLD_ALONE);
    if (*fault == USED_OK)
        result = spend(&used, codes, counter, use, fault);
    used_close(&used);
    return result;
}

enum used_fault spend_note(const struct spend_place *place, const struct used_name *name, const struct spend_use *use)
{
    const struct used_options options = spend_options(place, false);
    const struct used_mark mark = mark_of(use, 0);
    struct used used;
    enum used_fault fault = used_open(&options, &used);

    if (fault == USED_OK)
        fault = used_hold(&used, HOLD_ALONE);
    if (fault == USED_OK)
        fault = used_put(&used, name, &mark);
    used_close(&used);
    return fault;
}
