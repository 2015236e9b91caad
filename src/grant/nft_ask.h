/* SPDX-License-Identifier: ISC */
/* Between nft.c and nft_element.c. */
#ifndef OSTIARY_NFT_ASK_H
#define OSTIARY_NFT_ASK_H

#include "nft.h"
#include "place.h"

/*
 * Ask the kernel over this netlink socket (NETLINK_NETFILTER) for an element. Returns 0 with *found; or -1 with errno:
 * ENOENT where the set is not there, EPERM.
 */
int nft_ask_element(int fd, const struct place *place, const struct source *network, struct nft_element *element,
                    bool *found);

/* Is the table there, and dormant? False also where it cannot be asked, which whoever reads the table finds out. */
bool nft_is_dormant(int fd);

#endif
