/* SPDX-License-Identifier: ISC */
/*
 * ostiary-grants.cfg: which gates there are, how each is opened, for how long, and who may ask for it. The format is in
 * ostiary-grants.cfg(5); its lines are those of ostiary.cfg (scan.h), and findings are reported alike. There is no
 * secret in it. Nothing here asks the firewall or the user database.
 */
#ifndef OSTIARY_GATES_H
#define OSTIARY_GATES_H

#include "address.h"
#include "config.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATES_MAX          64 /* gates of one configuration */
#define GATES_NAME_MAX     24 /* bytes: [a-z][a-z0-9_-]* */
#define GATES_PORTS_MAX    32 /* ports and ranges of one gate, and of FREE */
#define GATES_PREFIX_LEAST 32 /* of ipv6-prefix= */
#define GATES_USER_MAX     64 /* bytes of a user's name: [A-Za-z0-9._@+-], not beginning with - or @ */
#define GATES_SIZE_MAX     4194304
#define GATES_ALWAYS_MAX   256
#define GATES_USERS_MAX    1024 /* USER lines */
#define GATES_ADMINS_MAX   256
#define GATES_STATE_DIR    "/var/lib/ostiary"       /* where no STATE_DIR is written */
#define GATES_NAME         "ostiary-grants.cfg"     /* beside ostiary.cfg */
#define GATES_SOCKET       "/run/ostiary/grant"     /* where the sealed door asks (request.h) */
#define GATES_WEB_SOCKET   "/run/ostiary-web/grant" /* where ostgrant.cgi does */

enum gate_protocol { GATE_TCP, GATE_UDP };

struct gate_ports {
    enum gate_protocol protocol;
    uint16_t first, last; /* 1 to 65535; one port: both alike */
};

enum gate_hook { GATE_INPUT, GATE_FORWARD };

enum gate_renew {
    GATE_RENEW_NO,     /* who asks again while it is open changes nothing */
    GATE_RENEW_ASKING, /* who asks again has its lifetime from then on */
    GATE_RENEW_USE     /* that, and packets renew it too, never beyond most_s after it was last asked for */
};

/* One GATE. Strings belong to the struct gates. */
struct gate {
    unsigned line;
    const char *name;
    bool by_commands; /* another firewall: grant, revoke and list are set, and what is for nftables is not */

    bool any;                                 /* all packets, whatever their protocol: then there are no ports */
    struct gate_ports ports[GATES_PORTS_MAX]; /* no two of them overlap */
    size_t port_count;
    enum gate_hook hook;
    const char *interface; /* packets that come in there; NULL: wherever they do */
    bool cut;              /* established=cut: what is under way ends with the grant */
    unsigned size;         /* addresses in each of its sets, at most */

    const char *grant;  /* absolute paths, run with ADDRESS[/N] SECONDS USER */
    const char *revoke; /* likewise */
    const char *list;   /* prints lines of ADDRESS[/N] COUNT; NULL where there is none */

    uint64_t lifetime_s, most_s; /* 0 < lifetime_s <= most_s */
    enum gate_renew renew;
    uint8_t ipv6_prefix; /* 32 to 128: what is opened for an IPv6 host */
    bool sealed;         /* the sealed door may open it */
    bool web;            /* so may the web form, to users that USER names */
    bool web_admin;      /* and users that ADMIN names may there name others and networks */
};

/* Who a line is about. */
enum gates_who { GATES_USER, GATES_GROUP, GATES_EVERYBODY }; /* "alice", "@wheel", "*" */

struct gates_rule {
    unsigned line;
    enum gates_who who;
    const char *name;       /* without the @; NULL for EVERYBODY */
    const struct gate **to; /* the gates that a USER may open; of ADMIN: NULL */
    size_t to_count;
};

struct gates {
    const char *path; /* where it was read, for messages */
    uint64_t digest;  /* of what was read there (gates_digest) */
    struct gate *list;
    size_t count;
    struct source *always; /* never shut out; none lies within another, and none has an interface */
    size_t always_count;
    struct gate_ports free[GATES_PORTS_MAX]; /* FREE: never shut, by no gate: the doors themselves, and the web form */
    size_t free_count;
    struct gates_rule *users, *admins;
    size_t user_count, admin_count;
    const char *web_user;  /* WEB_USER: as whom the web server runs; default www-data */
    const char *state_dir; /* STATE_DIR, absolute, as in ostiary.cfg, never NULL */
    int log_level;
    void *memory; /* gates.c's own */
};

/*
 * Read the file named by reader->path, which has to be as safe as ostiary.cfg (file.h), but may be readable by others.
 * reader's credentials_dir, with_secrets and may_lack_credentials have no meaning. Returns 0 when no error was found;
 * else -1, with every error reported and *gates empty. The caller frees. A file without any GATE is an error.
 */
int gates_load(const struct config_reader *reader, struct gates *gates);

/* The same for a text in memory, which is changed; text[len] must be a NUL. Ends for every text, in linear time. */
int gates_parse(char *text, size_t len, const struct config_reader *reader, struct gates *gates);

void gates_free(struct gates *gates);

/* Of a text: two that differ have different ones, but by chance. Nobody's guess is kept out by it. */
uint64_t gates_digest(const void *text, size_t len);

/* The gate of that name, or NULL. */
const struct gate *gates_find(const struct gates *gates, const char *name);

bool gates_is_name(const char *text); /* could it be a gate's? */
bool gates_is_user(const char *text); /* could it be a user's? */

/* Could a set of the firewall hold this network? Not a link-local one, nor one of IPv6 that has all of IPv4 within. */
bool gates_can_hold(const struct source *network);

/*
 * Does the firewall let all of narrow in where wide is open? They have to be of one family: ::/0 is none of IPv4 to it.
 */
bool gates_lies_within(const struct source *narrow, const struct source *wide);

bool gates_is_ipv4(const struct source *network);

/*
 * Could a packet from another host have an address of this network? Not where all of it is loopback, multicast, or the
 * addresses that stand for none.
 */
bool gates_has_hosts(const struct source *network);

/*
 * What is opened at a gate for one host: an IPv4 address by itself, an IPv6 one with ipv6_prefix bits, one behind a
 * translator (64:ff9b::/96) by itself. False for a link-local address, which no set can hold.
 */
bool gates_network(const struct gate *gate, const struct address *address, struct source *network);

#endif
