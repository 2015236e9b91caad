/* SPDX-License-Identifier: ISC */
/*
 * ostiary.cfg: one parser for the handler and the tools; the format is in ostiary.cfg(5).
 *
 * It reads bytes, reports findings through the caller's function, and fills a struct config. It looks up no user
 * and no command (see check.h), and it never prints, logs or exits. A finding never holds a byte of a secret:
 * it names the line, the keyword and the field, and quotes nothing of the file.
 *
 * The text lives in locked memory from the read to the wipe. What the struct keeps is copied out of it, secrets
 * only on request and into locked memory of their own: a process that waits for the network has none.
 */
#ifndef OSTIARY_CONFIG_H
#define OSTIARY_CONFIG_H

#include "codes.h"
#include "locked.h"
#include "secret.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_SIZE_MAX  (1024 * 1024) /* bytes; a longer file is refused */
#define CONFIG_PORTS_MAX 16

/*
 * An error: nobody is served. A warning: it works, and hardly as it was meant. A note: worth knowing once, and nothing
 * has to be done about it.
 */
enum config_severity { CONFIG_NOTE, CONFIG_WARNING, CONFIG_ERROR };

/* One thing to say about the configuration; valid during the call of the report function. */
struct config_finding {
    const char *file; /* reader->path */
    unsigned line;    /* from 1; 0: the file as a whole */
    enum config_severity severity;
    const char *text; /* what is wrong, and what to write instead */
};

/* "error", "warning" or "note". */
const char *config_severity_text(enum config_severity severity);

/* How to read, and who hears of the findings. */
struct config_reader {
    const char *path;            /* the file, as it is named in findings */
    const char *credentials_dir; /* $CREDENTIALS_DIRECTORY, or NULL */
    bool with_secrets;           /* keep inline secrets, and read those in files and credentials */
    bool may_lack_credentials;   /* without credentials_dir warn of each credential=, whose secret is then empty */
    void (*report)(void *context, const struct config_finding *finding);
    void *context;
};

/* Where a secret is. NONE: there is none, and a code alone is good (code-alone=yes). */
enum config_secret_origin { CONFIG_SECRET_NONE, CONFIG_SECRET_INLINE, CONFIG_SECRET_FILE, CONFIG_SECRET_CREDENTIAL };

/* One of the secrets of an ACTION or KILL. Strings belong to the struct config. */
struct config_secret {
    enum config_secret_origin origin;
    const char *path;    /* for FILE its path, for CREDENTIAL its name; else NULL */
    const char *label;   /* for logs, as a name is; NULL: none */
    uint64_t expires_s;  /* CLOCK_REALTIME, s, from which on it is refused; 0: never */
    struct secret bytes; /* in config.secrets; empty without with_secrets, and for NONE */
};

/* The one-time codes that follow each secret of an entry. */
struct config_codes {
    enum config_secret_origin origin; /* NONE: there are none. Never INLINE */
    const char *path;                 /* as of a secret; else NULL */
    struct codes_way way;             /* without with_secrets the kind alone is known */
    struct secret key;                /* in config.secrets; empty without with_secrets */
    uint64_t next; /* of HOTP, the lowest counter that is not used up: 0, until who compares says it */
};

/* One ACTION, KILL or LOCKOUT_ACTION. Strings belong to the struct config. */
struct config_entry {
    unsigned line;
    const char *name;    /* for logs, [A-Za-z0-9_.-]: name=, else the command's base name; "kill" for KILL */
    const char *command; /* absolute path; NULL for KILL, and where there is a socket or a gate */
    const char *socket;  /* absolute path of a socket that is told instead (relay.h); else NULL */
    const char *gate;    /* that is opened instead for the peer, or closed (value.h has its form); else NULL */
    bool revoke;         /* it is closed */
    bool clear_old;      /* when it is open, what is open there for this name at other addresses is closed */
    unsigned timeout;    /* seconds after which SIGALRM ends the command; 0: it may take as long as it likes */
    bool single;         /* while the command runs it is not started again */
    const char *from;    /* the networks from which its secret is taken (from.h); NULL: from anywhere */
    const char *user;    /* number or name, never NULL: as written, else the DEFAULT_UID in force at this line */
    const char *group;   /* number or name, likewise of DEFAULT_GID; NULL where neither is written: the user's own */
    bool kill;
    struct config_secret *secrets; /* each of them is good for it; none for LOCKOUT_ACTION */
    size_t secret_count;
    struct config_codes codes;
};

struct config {
    /* What a peer's reply can fit: every ACTION, and KILL where given, in the order of the file. */
    struct config_entry *entries;
    size_t entry_count;
    bool has_lockout_action;
    struct config_entry lockout_action;

    unsigned delay;          /* seconds */
    unsigned delay_max_wait; /* seconds */
    unsigned waiting_max;    /* connections of one source */
    bool delay_all;          /* DELAY_SCOPE=all */
    unsigned comm_timeout;   /* seconds */
    unsigned max_bad_conns;
    unsigned max_single_errs; /* 0: never */
    unsigned max_total_errs;  /* 0: never */
    bool close_when_full;     /* EXIT_ON_IPCACHE_FULL */
    unsigned lockout_time;    /* seconds; 0: until unlocked */
    unsigned strike_time;     /* seconds */
    uint8_t ipv6_prefix;
    struct source *exempt;
    size_t exempt_count;

    int log_level; /* LOG_EMERG to LOG_DEBUG: the least urgent that is logged */

    uint16_t ports[CONFIG_PORTS_MAX]; /* PORT, in the order of the file */
    size_t port_count;                /* 0: none given */
    const char *local_ip;             /* LOCAL_IP, a valid address, a link-local one with %interface; NULL: any */

    const char *state_dir; /* absolute path, never NULL */
    uint64_t table_size;   /* places */

    struct config_secret *secret_list; /* of all entries, in their order: memory of its own */
    size_t secret_count;
    struct locked secrets; /* the bytes of every secret and key */
    void *memory;          /* all other strings and arrays: config.c's own */
};

/*
 * Read the file named by reader->path. It must be a regular file, owned by root or the effective user, not writable by
 * group or others and not readable by others, as its open descriptor says (file.h). Returns 0 when no error
 * was found (warnings may have been reported); else -1, with every error reported and *config empty. The caller frees.
 */
int config_load(const struct config_reader *reader, struct config *config);

/*
 * The same for a text in memory, which is changed by the call (values are decoded in place) and remains the caller's
 * to wipe. text[len] must be a NUL. Ends for every text, in time linear in its length. Secret files are read when
 * with_secrets is set.
 */
int config_parse(char *text, size_t len, const struct config_reader *reader, struct config *config);

/* Wipe the secrets and give all memory back; *config is then empty. Of an empty one, it does nothing. */
void config_free(struct config *config);

#endif
