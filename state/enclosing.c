/* SPDX-License-Identifier: ISC */
/* See enclosing.h. */
#include "enclosing.h"

#include <string.h>

const struct enclosing_rule enclosing_rules[ENCLOSING_MAX] = {
    {.prefix = 56, .factor = 4},                         /* a household */
    {.prefix = 48, .factor = 16},                        /* a site */
    {.prefix = 32, .factor = 256, .spares_known = true}, /* a provider */
};

/* All prefixes are whole bytes. */
static struct source around(const struct source *source, uint8_t prefix)
{
    struct source network = {.prefix = prefix, .is_network = true};

    for (size_t i = 0; i < prefix / 8u; i++)
        network.address[i] = source->address[i];
    return network;
}

unsigned enclosing_of(const struct source *source, struct enclosing networks[static ENCLOSING_MAX])
{
    unsigned count = 0;

    for (unsigned i = 0; i < ENCLOSING_MAX; i++)
        if (enclosing_rules[i].prefix < source->prefix)
            networks[count++] = (struct enclosing){
                .rule = &enclosing_rules[i],
                .source = around(source, enclosing_rules[i].prefix),
            };
    return count;
}

uint64_t enclosing_strike_time(uint64_t strike_time, uint64_t lockout_time)
{
    return lockout_time != 0 && lockout_time < strike_time ? lockout_time : strike_time;
}

uint64_t enclosing_limit(const struct enclosing *network, uint64_t max_bad_conns)
{
    const uint64_t most = UINT32_MAX; /* that are counted */

    return max_bad_conns > most / network->rule->factor ? most : max_bad_conns * network->rule->factor;
}

bool enclosing_spares_known(const struct source *network)
{
    bool spares = false;

    for (unsigned i = 0; i < ENCLOSING_MAX; i++)
        spares |= enclosing_rules[i].prefix == network->prefix && enclosing_rules[i].spares_known;
    return spares && network->is_network;
}

bool enclosing_binds(const struct enclosing *network, bool known, uint64_t now)
{
    return slot_in_force(&network->slot, now) && !(known && network->rule->spares_known);
}
