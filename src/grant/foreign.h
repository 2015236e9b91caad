/* SPDX-License-Identifier: ISC */
/*
 * What else there is in a machine's firewall that a gate depends on, and who would be shut out: for "ostgrant check".
 * Pure functions over what nft and the kernel say; any bytes are safe.
 *
 * nftables asks the chains of each table, and one that drops is enough: what another table drops no gate can open.
 * Rules are followed for a new connection from outside, as far as they can be without a packet; what is left open is
 * said with "may". Tables of iptables-nft are tables too; those of the old iptables are not seen.
 */
#ifndef OSTIARY_FOREIGN_H
#define OSTIARY_FOREIGN_H

#include "config.h"
#include "gates.h"
#include "nft.h"

#include <stddef.h>

#define FOREIGN_TEXT_LEN 1024 /* of a finding, with the NUL */

/* Who hears of the findings: file is gates->path, line the gate's. */
struct foreign_hearer {
    void (*report)(void *context, const struct config_finding *finding);
    void *context;
};

/*
 * What "list ruleset" prints as JSON (nft_read_ruleset): are the rules of these gates there, and is there a table that
 * drops what they let in? Returns 0; or -1: it is none, or there is no memory.
 */
int foreign_check_ruleset(const char *json, size_t len, const struct gates *gates, const struct foreign_hearer *hearer);

/* Who is connected. */
struct foreign_sockets {
    const char *ssh_connection; /* $SSH_CONNECTION, or NULL; one that is not in the next two is not believed */
    const char *tcp, *tcp6;     /* /proc/net/tcp and tcp6; "" where there is none */
};

/*
 * Would the administrator's own session be shut out? Is there a gate at hook=input for its port, and its address
 * neither granted (in now), nor in ALWAYS, nor the port in FREE? Where no session is known, as sudo(8) hides it, the
 * same is asked of all who are connected to a gate's ports, with one finding for each gate.
 */
void foreign_check_sessions(const struct foreign_sockets *sockets, const struct gates *gates,
                            const struct nft_table *now, const struct foreign_hearer *hearer);

#endif
