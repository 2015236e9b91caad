/* SPDX-License-Identifier: ISC */
/*
 * nftables, by libnftables: the table "inet ostiary_grants" as text for it, and what it answers. Everything in the
 * table is ours; no other table is ever written.
 *
 * For each gate, address family and prefix length that is in use there is a hash set of its own, GATE_4_32, GATE_6_64,
 * GATE_4_8, ..., whose elements are network addresses, with a timeout, a counter and the user as comment. A packet's
 * address is looked up with the bits behind the length cleared. So networks may overlap, each ends by itself, and what
 * is open to all for an hour (GATE_4_0) does not disturb what is open to one. (Interval sets with timeouts refuse
 * overlaps, and auto-merge loses times.)
 *
 * Per gate a chain gate_GATE, in which "return" lets a packet through: a rule for each set, so that all packets of who
 * has a grant are counted; ALWAYS; what is under way (established=cut: nothing, and where the gate is "any" only
 * answers to what was begun from inside, for which the chain output, or forward, labels each connection of TCP that
 * begins); where the gate is "any", what a host cannot live without: neighbour discovery, ICMP errors, MLD and IGMP,
 * DHCP; then the counter GATE_shut and drop. The chains input and forward jump there for the gate's ports, but for
 * loopback and FREE. A packet that meets several gates has to pass each of them.
 */
#ifndef OSTIARY_NFT_H
#define OSTIARY_NFT_H

#include "gates.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NFT_TABLE "ostiary_grants"

/* Which prefix lengths have a set at each gate, besides those of hosts: 32, ipv6_prefix and 128. */
struct nft_lengths {
    bool ipv4[33];
    bool ipv6[129];
};

/* One open network, as it is told to the kernel, or read from it. */
struct nft_element {
    char gate[GATES_NAME_MAX + 1];
    struct source network;
    uint64_t left_ms; /* what is left; read from the kernel in whole seconds, 1 in the last; 0: it would never end */
    uint64_t packets; /* its counter */
    char user[GATES_USER_MAX + 1]; /* "": it has none */
};

/* ---- Text for libnftables ---------------------------------------------------------------------------------------- */

/*
 * Nothing here returns a fault: what has no memory, and an element with a name that could be no gate's or user's, with
 * a network that no set can hold, or with a time that is 0 or more than the kernel takes, makes the text one that has
 * failed (text.h), which must not be run.
 */

/*
 * The whole table, in one transaction, so that it can be loaded over one that is there (now, as nft_read_table gave
 * it): what is granted stays. What is in the kernel and belongs to no gate of these any more, or to no length, is
 * removed; a set whose size or kind is another is made anew with its elements. A dormant table is made anew, and empty.
 * lengths has one element for each gate. Without any gate of nftables the table is removed.
 */
struct nft_table;
void nft_write_table(struct text *script, const struct gates *gates, const struct nft_lengths *lengths,
                     const struct nft_table *now);

/*
 * Open, or give a new end, whether it is there or not: add, delete, add in one transaction, the only way in which older
 * kernels change a timeout. The counter goes on from packets. left_ms is rounded down to 0.1 s, and never 0.
 */
void nft_write_open(struct text *script, const struct nft_element *element);
/* The same for many, in a third of the time. Of those with one gate and network the one that lasts longest is taken. */
void nft_write_open_all(struct text *script, const struct nft_element *elements, size_t count);
/* Close, whether it is there or not. Where it is not, and the set is full, the kernel says NFT_SET_FULL. */
void nft_write_close(struct text *script, const struct nft_element *element);

/* ---- What the kernel has ----------------------------------------------------------------------------------------- */

struct nft_counter {
    char gate[GATES_NAME_MAX + 1];
    uint64_t shut; /* packets that were dropped */
};

struct nft_set {
    char *name;
    uint64_t size;
    bool usual; /* as this program makes them, but for the size */
};

struct nft_table {
    bool loaded;  /* the table is there, with rules at a hook */
    bool dormant; /* it is there, and somebody has switched it off: what is in it cannot be told, and shuts nothing */
    struct nft_element *elements;
    size_t element_count;
    struct nft_counter *counters;
    size_t counter_count;
    struct nft_set *sets;
    char **chains; /* names of all that are in the table */
    size_t set_count, chain_count;
    char *gists; /* of all rules, for nft_has_rules; NULL: none */
};

/*
 * Read what "list table inet ostiary_grants" prints as JSON; "list ruleset" will do as well. Any bytes are safe.
 * Returns 0, or -1: it is none, or there is no memory.
 */
int nft_parse_table(const char *json, size_t len, struct nft_table *table);
void nft_free_table(struct nft_table *table);

/*
 * Read the attributes of the kernel's answer about one element: what is left of it, in milliseconds, its counter and
 * user. Any bytes are safe. Returns 0, or -1: there is none in it.
 */
int nft_parse_element(const uint8_t *bytes, size_t len, struct nft_element *element);

/* Is all there that these gates need: rules at a hook, their chains, sets for hosts? Yes where none is of nftables. */
bool nft_is_complete(const struct nft_table *table, const struct gates *gates);

/*
 * Are the rules in each of their chains just those that nft_write_table would write, in their order? False where one is
 * missing, has been added, or does something else; the networks of ALWAYS are not compared.
 */
bool nft_has_rules(const struct nft_table *table, const struct gates *gates);

/* ---- The kernel -------------------------------------------------------------------------------------------------- */

struct nft; /* libnftables' context */

/*
 * NULL with errno. libnftables ends the process where it has no memory or netlink; while it is at work that is made an
 * exit with EX_OSERR.
 */
struct nft *nft_open(void);

/* Have this called before that exit, with standard error as the caller has it; nothing it calls may exit. */
void nft_set_last_words(void (*say)(void));

void nft_close(struct nft *nft);

enum nft_result {
    NFT_OK,
    NFT_NOT_PERMITTED, /* no CAP_NET_ADMIN */
    NFT_NOT_LOADED,    /* the table, or the set, is not there */
    NFT_SET_FULL,      /* ENFILE */
    NFT_FAILED         /* nft_said has its words */
};

/* Run a script as one transaction: all of it, or nothing. */
enum nft_result nft_run(struct nft *nft, const char *script);

/* The first line of what nft has said of the last fault, printable, without "Error:". */
const char *nft_said(const struct nft *nft);

/* All of the table: one that is not there is no fault (loaded false). */
enum nft_result nft_read_table(struct nft *nft, struct nft_table *table);
/* One element, by its gate and network: *found says whether it is there. It costs the same however many there are. */
enum nft_result nft_read_element(struct nft *nft, struct nft_element *element, bool *found);

/* The whole ruleset of this machine as JSON, for check (foreign.h). The caller frees. */
enum nft_result nft_read_ruleset(struct nft *nft, char **json, size_t *len);

#endif
