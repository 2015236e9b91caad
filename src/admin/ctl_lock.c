/* SPDX-License-Identifier: ISC */
/* ostiaryctl lock, unlock and flush: what an administrator does to single sources. See ctl.h. */
#include "address.h"
#include "ctl.h"
#include "enclosing.h"
#include "number.h"
#include "slot.h"
#include "when.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What ADDR[/PREFIX] means with this IPV6_PREFIX, and what it is called. False: it is a part of one source. */
static bool parse_target(const struct ctl *ctl, const char *text, struct manage_target *target,
                         char name[static ADDRESS_TEXT_LEN])
{
    const uint8_t ipv6_prefix = ctl->config.ipv6_prefix;
    uint8_t whole;

    ctl_parse_network(text, &target->source);
    whole = address_source_prefix(&target->source, ipv6_prefix);
    if (target->source.prefix == SOURCE_ADDRESS_LEN * 8)
        address_widen(&target->source, whole);
    target->network = target->source.prefix < whole;
    address_format_source(&target->source, name);
    if (strstr(name, ADDRESS_ELSEWHERE) != NULL && strstr(text, ADDRESS_ELSEWHERE) == NULL)
        warnx("'%s': there is no such interface here now: if it is misspelt, 'ip link' shows those that are", text);
    return target->source.prefix <= whole;
}

_Noreturn static void refuse_part(const struct ctl *ctl, const struct source *part)
{
    const uint8_t ipv6_prefix = ctl->config.ipv6_prefix;
    const uint8_t whole = address_source_prefix(part, ipv6_prefix);
    char name[ADDRESS_TEXT_LEN];

    address_format_source(part, name);
    if (whole == ipv6_prefix)
        errx(CTL_USAGE, "%s is a part of one source: with IPV6_PREFIX=%u only the whole /%u can be locked", name, whole,
             whole);
    errx(CTL_USAGE, "%s is a part of one source: of 6to4 addresses only a whole /%u can be locked", name, whole);
}

/* Does the network hold every IPv4 address there is, or every address? */
static bool is_everybody(const struct source *network)
{
    struct address first_ipv4 = {0};

    address_parse("0.0.0.0", &first_ipv4);
    return network->prefix <= 96 && address_within(&first_ipv4, network);
}

static uint64_t parse_lock_time(const char *text)
{
    uint64_t seconds = 0;

    switch (number_parse_time(text, (struct number_range){0, CTL_SPAN_MAX}, &seconds)) {
    case NUMBER_OK:
        break;
    case NUMBER_MALFORMED:
        ctl_usage("lock: '%s' is no time: write it as 600, 10m, 12h or 7d, or 0 for until unlocked", text);
    case NUMBER_OUT_OF_RANGE:
        ctl_usage("lock: %s is too long: ten years (3650d) is the most, and 0 is until unlocked", text);
    }
    return seconds;
}

enum ctl_status ctl_lock(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const struct moment now = ctl_now();
    struct manage_target target;
    char name[ADDRESS_TEXT_LEN];
    char until_text[WHEN_TEXT_LEN];
    char span[WHEN_TEXT_LEN];
    uint64_t seconds = 0;
    enum store_fault fault;
    char **arguments;

    ctl_option(argc, argv, ":", options);
    arguments = ctl_arguments(argc, argv, 1, 2);
    if (arguments[1] != NULL)
        seconds = parse_lock_time(arguments[1]);
    ctl_load(ctl);
    if (arguments[1] == NULL)
        seconds = ctl->config.lockout_time;
    if (!parse_target(ctl, arguments[0], &target, name))
        refuse_part(ctl, &target.source);
    if (is_everybody(&target.source))
        errx(CTL_USAGE, "%s is everybody: to shut everybody out, use '%s close'", name, ctl->self);

    ctl_open_table(ctl, false);
    fault = manage_lock(&ctl->store, &target, seconds == 0 ? LOCKOUT_FOREVER : now.wall_ms / 1000 + seconds, &now);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    if (seconds == 0) {
        ctl_changed("%s is locked until unlocked", name);
    } else {
        when_format_utc(now.wall_ms / 1000 + seconds, until_text);
        when_format_span(seconds, span);
        ctl_changed("%s is locked until %s (%s)", name, until_text, span);
    }
    return CTL_OK;
}

/* Networks in force around a source: one that binds it whoever it is, and one that binds it unless it is known. */
struct cover {
    struct source source;
    uint64_t now;
    bool enclosed; /* the networks of strikes around it bind it, those that are wider than it is */
    bool known;
    bool found, found_provider;
    struct source network, provider;
};

static bool find_cover(void *context, const struct manage_entry *entry)
{
    struct cover *cover = context;
    const struct record_slot *slot = entry->slot;

    if (slot_is(slot, &cover->source))
        cover->known = slot_is_known(slot, cover->now);
    if (!entry->network || !slot_in_force(slot, cover->now) || !slot_covers(slot, &cover->source))
        return true;
    if (slot->source.is_network && (!cover->enclosed || slot->source.prefix >= cover->source.prefix))
        return true;
    if (enclosing_spares_known(&slot->source)) {
        cover->provider = slot->source;
        cover->found_provider = true;
    } else {
        cover->network = slot->source;
        cover->found = true;
    }
    return true;
}

/* Which network still locks it, or NULL. */
static const struct source *cover_of(const struct cover *cover)
{
    if (cover->found)
        return &cover->network;
    return cover->found_provider && !cover->known ? &cover->provider : NULL;
}

static bool is_exempt(const struct ctl *ctl, const struct source *source)
{
    for (size_t i = 0; i < ctl->config.exempt_count; i++)
        if (address_covers(&ctl->config.exempt[i], source))
            return true;
    return false;
}

/* A record of just this prefix, be it a source's or a network's. */
struct search {
    struct source source;
    bool found;
};

static bool find_record(void *context, const struct manage_entry *entry)
{
    struct search *search = context;
    const struct source *source = &entry->slot->source;

    search->found |= source->prefix == search->source.prefix && address_covers(source, &search->source);
    return !search->found;
}

/* What is a part of a source by now may be in the table from when it was none. Changes nothing. */
static bool is_recorded(struct ctl *ctl, const struct source *part, const struct moment *now)
{
    struct search search = {.source = *part};
    enum store_fault fault;

    if (!ctl_open_table(ctl, true))
        return false;
    fault = manage_each(&ctl->store, now, find_record, &search, NULL);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    store_close(&ctl->store);
    return search.found;
}

/* One address that is no whole source by now: unlocked by itself, where the table has it so. Gives whether it has. */
static bool unlock_address(struct ctl *ctl, const char *text, const struct source *whole, const struct moment *now)
{
    char name[ADDRESS_TEXT_LEN];
    struct source address;
    enum store_fault fault;
    bool found;

    ctl_parse_network(text, &address);
    if (address.prefix != SOURCE_ADDRESS_LEN * 8 || address.prefix == whole->prefix || !is_recorded(ctl, &address, now))
        return false;
    ctl_open_table(ctl, false);
    fault = manage_unlock(&ctl->store, &address, now, &found);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    store_close(&ctl->store);
    address_format_source(&address, name);
    if (found)
        ctl_changed("%s is unlocked, and its strikes are forgotten", name);
    return found;
}

static enum ctl_status unlock_one(struct ctl *ctl, const char *text, const struct moment *now)
{
    struct manage_target target;
    struct cover cover = {.now = now->wall_ms / 1000};
    char name[ADDRESS_TEXT_LEN];
    char network[ADDRESS_TEXT_LEN];
    enum store_fault fault;
    bool found, found_address;

    if (!parse_target(ctl, text, &target, name) && !is_recorded(ctl, &target.source, now))
        refuse_part(ctl, &target.source);
    found_address = unlock_address(ctl, text, &target.source, now);
    ctl_open_table(ctl, false);
    fault = manage_unlock(&ctl->store, &target.source, now, &found);
    cover.source = target.source;
    cover.enclosed = address_is_allocated(&target.source) && !is_exempt(ctl, &target.source);
    if (fault == STORE_OK)
        fault = manage_each(&ctl->store, now, find_cover, &cover, NULL);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);

    if (found)
        ctl_changed("%s is unlocked, and its strikes are forgotten", name);
    if (cover_of(&cover) != NULL) {
        address_format_source(cover_of(&cover), network);
        warnx("%s is still locked, with its network: run '%s unlock %s'", name, ctl->self, network);
    } else if (!found && !found_address) {
        warnx("%s was not locked and had no strikes: there was nothing to do", name);
    }
    return (found || found_address) && cover_of(&cover) == NULL ? CTL_OK : CTL_NOT_SO;
}

static enum ctl_status unlock_all(struct ctl *ctl, const struct moment *now)
{
    enum store_fault fault;
    uint64_t count;

    ctl_open_table(ctl, false);
    fault = manage_unlock_all(&ctl->store, now, &count);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    ctl_changed("nobody is locked now (%" PRIu64 " %s), and all strikes are forgotten", count,
                count == 1 ? "was" : "were");
    return CTL_OK;
}

enum ctl_status ctl_unlock(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"all", no_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
    const struct moment now = ctl_now();
    bool all = false;
    char **arguments;

    while (ctl_option(argc, argv, ":", options) != -1)
        all = true;
    arguments = ctl_arguments(argc, argv, all ? 0 : 1, all ? 0 : 1);
    ctl_load(ctl);
    return all ? unlock_all(ctl, &now) : unlock_one(ctl, arguments[0], &now);
}

enum ctl_status ctl_flush(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const struct moment now = ctl_now();
    enum store_fault fault;
    uint64_t count;

    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    ctl_load(ctl);
    ctl_open_table(ctl, false);
    fault = manage_flush(&ctl->store, &now, &count);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    ctl_changed("%" PRIu64 " %s forgotten; locks are as they were", count, count == 1 ? "source is" : "sources are");
    return CTL_OK;
}
