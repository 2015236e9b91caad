/* SPDX-License-Identifier: ISC */
/* See from.h. */
#include "from.h"

#include <string.h>

bool from_next(const char **rest, struct source *network)
{
    const size_t len = strcspn(*rest, ",");
    char item[ADDRESS_TEXT_LEN];

    if (len >= sizeof(item))
        return false;
    memcpy(item, *rest, len);
    item[len] = '\0';
    if (address_parse_network(item, network) != ADDRESS_OK)
        return false;
    *rest = (*rest)[len] == ',' ? *rest + len + 1 : NULL;
    return true;
}

bool from_has(const char *text, const struct address *address)
{
    struct source network;
    bool has = text == NULL;

    while (text != NULL && !has && from_next(&text, &network))
        has = address_within(address, &network);
    return has;
}
