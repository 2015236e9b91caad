/* SPDX-License-Identifier: ISC */
/*
 * What the commands of ostiaryctl have in common. Unlike the modules below them they speak to the administrator: a
 * function here that says so prints its error and ends the program.
 */
#ifndef OSTIARY_CTL_H
#define OSTIARY_CTL_H

#include "closed.h"
#include "config.h"
#include "json.h"
#include "keeper.h"
#include "lockout.h"
#include "manage.h"
#include "store.h"
#include "units.h"
#include "which.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

/* Exit status; ostiaryctl(8) has the meaning of each. */
enum ctl_status {
    CTL_OK = EX_OK,
    CTL_NOT_SO = 1, /* asked for, and not so: nothing to unlock, not serving */
    CTL_USAGE = EX_USAGE,
    CTL_UNAVAILABLE = EX_UNAVAILABLE, /* no journal, or systemd did not do it */
    CTL_OS = EX_OSERR,
    CTL_STATE = EX_IOERR,
    CTL_NOT_PERMITTED = EX_NOPERM,
    CTL_CONFIG = EX_CONFIG
};

#define CTL_SEALED_USER KEEPER_NAME /* as whom the handler of the sealed door runs */
#define CTL_PORT        5018        /* where no PORT is written */
#define CTL_PATIENCE_MS 10000       /* how long a command waits for the table's lock */

#define CTL_SPAN_MAX (UINT64_C(3650) * 24 * 60 * 60) /* s: the longest TIME, ten years */

#define CTL_SELF_LEN (PATH_MAX + 16)

/* What main gives to a command. Zero but for config_path and self; the descriptors of a closed store are -1. */
struct ctl {
    const char *config_path;
    char self[CTL_SELF_LEN]; /* how to call this program for the same door, in what people are told to type */
    struct config config;    /* after ctl_load */
    struct store store;      /* after ctl_open_table */
};

/* The commands: argv[0] is the command's name. Each gives the exit status. */
enum ctl_status ctl_codes(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_check(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_list(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_lock(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_unlock(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_flush(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_merge(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_close(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_open(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_verify(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_repair(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_keygen(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_add(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_remove(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_status(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_log(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_grants(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_grant(struct ctl *ctl, int argc, char **argv);
enum ctl_status ctl_revoke(struct ctl *ctl, int argc, char **argv);

/* For ctl_list: "list --codes", or "list --secrets". */
enum ctl_status ctl_list_used(struct ctl *ctl, bool of_codes, bool as_json);

/* Say what is wrong with the command line, and exit. */
_Noreturn __attribute__((format(printf, 1, 2))) void ctl_usage(const char *format, ...);

/*
 * The next option of a command, as getopt_long(3) gives it, -1 at the end; exits when it is not one of them, or is
 * given for the second time.
 */
int ctl_option(int argc, char **argv, const char *letters, const struct option *options);

/* Exit unless the arguments behind the options are at least low and at most high; gives the first of them. */
char **ctl_arguments(int argc, char **argv, int low, int high);

/* DIRECTORY/NAME for a name beside the configuration; exits when that is too long. */
void ctl_beside(const char *config_path, const char *name, char path[static PATH_MAX]);

/* Are these two one directory, by whatever names? One that cannot be looked at has its name alone. */
bool ctl_is_same_directory(const char *one, const char *other);

/* The directory that the configuration is in, without links. Returns 0, or -1 with errno. */
int ctl_real_directory(const char *config_path, char real[static PATH_MAX]);

/* Say what errno means for this file, and give the exit status for it. */
enum ctl_status ctl_complain(const char *path);

/* The same after ctl_real_directory. */
enum ctl_status ctl_complain_of_directory(const char *config_path);

/* No core file, and no debugger of the same user: a secret is in this memory from now on. Exits when that fails. */
void ctl_hide_memory(void);

/* Exit when this user may not read the configuration. */
void ctl_require_readable(const struct ctl *ctl);

/* Read the configuration, without secrets; exits, with all errors said, when it cannot be used. */
void ctl_load(struct ctl *ctl);

/*
 * Open the table in the configuration's STATE_DIR; exits when it cannot be used. False: there is none yet, which only a
 * read-only opening says. As root this takes on the identity of STATE_DIR's owner, until ctl_be_root.
 */
bool ctl_open_table(struct ctl *ctl, bool read_only);

/* Open STATE_DIR alone, likewise. The caller closes the descriptor. */
int ctl_open_directory(const struct ctl *ctl);

/* As these two, but the fault is the caller's to deal with, unless it is that this user may not look. */
enum store_fault ctl_try_table(struct ctl *ctl, bool read_only);
enum store_fault ctl_try_directory(const struct ctl *ctl, int *dir_fd);

/*
 * Can a handler that is root count its seeds, where STATE_DIR belongs to somebody else? Changes nothing. STORE_OK where
 * it counts in the table, and to anybody but root, who cannot see it.
 */
enum store_fault ctl_prove_private(const struct ctl *ctl);

/*
 * Can the handler write and lock the table, or make one where there is none? Opens it for writing, takes its lock,
 * looks for room on the disk, and changes nothing. dir_fd is from ctl_try_directory.
 */
enum store_fault ctl_prove_table(int dir_fd);

/*
 * As root, take on the identity of the sealed door's handler, until ctl_be_root. Returns 0, or -1 with errno, which is
 * ENOENT where there is no such user.
 */
int ctl_be_sealed(void);

/* Take back root's identity, where the process began with it. */
void ctl_be_root(void);

/* Say what is wrong with the table, what to do about it, and exit. errno as the fault left it. */
_Noreturn void ctl_state_fault(const struct ctl *ctl, enum store_fault fault);

/* The same as a line of text, without the program's name. */
#define CTL_FAULT_LEN 5000
void ctl_fault_text(const struct ctl *ctl, enum store_fault fault, char text[static CTL_FAULT_LEN]);

/* Say what has been changed, one line: on standard output, and to syslog, where the next administrator looks for it. */
__attribute__((format(printf, 1, 2))) void ctl_changed(const char *format, ...);

/* ---- what listens ---------------------------------------------------------------------------------------------- */

/* How a configuration's handler is started: as root, or as the sealed door's user. */
enum ctl_layout { CTL_ORDINARY, CTL_SEALED, CTL_LAYOUT_UNKNOWN };
#define CTL_LAYOUTS 2

/* What systemd says of the socket unit of each layout. */
struct ctl_listeners {
    enum units_fault fault;
    char problem[UNITS_TEXT_LEN]; /* of NO_BUS and FAILED */
    struct units_socket sockets[CTL_LAYOUTS];
};

extern const char *const ctl_socket_names[CTL_LAYOUTS];

void ctl_read_listeners(struct ctl_listeners *listeners);

/*
 * Which layout a configuration belongs to: that of the socket unit that is enabled or listens, and heeds its STATE_DIR;
 * else, by its name, ostiary-sealed.cfg to the sealed one. state_dir NULL: only the name is known.
 */
enum ctl_layout ctl_layout_of(const struct ctl_listeners *listeners, const char *config_path, const char *state_dir);

/*
 * Has anybody set up this layout's door? Its socket is enabled or listens, its configuration lies beside this one, or
 * this one is, by its name, its own.
 */
bool ctl_is_set_up(const struct ctl_listeners *listeners, const char *config_path, enum ctl_layout layout);

/*
 * Is the service file of xinetd, beside the configuration, there and not switched off? path gets its name, and heard
 * whether somebody listens on its port, as far as can be known.
 */
bool ctl_xinetd_is_on(const char *config_path, char path[static PATH_MAX], bool *heard);

/* The port at which a client has to knock: xinetd's where it listens, else the first PORT, else where the socket is. */
uint16_t ctl_knock_port(const struct ctl *ctl, const struct units_socket *socket);

/* Is this the file that the handler of its layout reads, as it is installed? */
bool ctl_is_default_config(const char *config_path);

/* The other layout's configuration, beside this one: path gets its name, and where it is LOADED the caller frees it. */
enum ctl_other { CTL_OTHER_NONE, CTL_OTHER_BROKEN, CTL_OTHER_LOADED };
enum ctl_other ctl_load_other(const char *config_path, char path[static PATH_MAX], struct config *config);

/* Does this socket listen on each PORT, and on LOCAL_IP, where the configuration has them, and on nothing else? */
bool ctl_listens_as_written(const struct config *config, const struct units_socket *socket);

/*
 * Does systemd take this socket for active while at one of its places nobody listens? A daemon-reload brings that
 * about: it closes the port of a socket whose ListenStream= has changed, and leaves the new one shut until a restart.
 */
bool ctl_is_deaf(const struct units_socket *socket);

/* ---- what is wrong --------------------------------------------------------------------------------------------- */

/* What was found about a configuration. */
struct ctl_findings {
    FILE *out;      /* to print them to; NULL: only count them */
    const char *as; /* as which user it was found, where that is not who asks; else NULL */
    unsigned errors;
    unsigned warnings;
};

/* Who and what a finding is about. */
struct ctl_subject {
    struct ctl_findings *findings;
    const char *file;
};

__attribute__((format(printf, 3, 4))) void ctl_find(const struct ctl_subject *subject, enum config_severity severity,
                                                    const char *format, ...);

/* The same for the parser and its like; context is a struct ctl_findings. */
void ctl_take_finding(void *context, const struct config_finding *finding);

/*
 * Read the configuration and check all of it, as the user that the handler will be: the parser's findings, users,
 * commands, and secrets, which are wiped again. False: it could not be used at all, and ctl->config is empty. Exits
 * when this user may not read it.
 */
bool ctl_examine(struct ctl *ctl, const struct ctl_listeners *listeners, struct ctl_findings *findings);

/* Whether a file with a secret or a key, where add puts them, is named by no line. After ctl_examine. */
void ctl_check_unused(const struct ctl *ctl, struct ctl_findings *findings);

/* Whether what listens is what the configuration says, and whether two want to listen at one place. */
void ctl_check_listeners(const struct ctl *ctl, const struct ctl_listeners *listeners, struct ctl_findings *findings);

/* ---- gates ------------------------------------------------------------------------------------------------------- */

/* Is there an ostiary-grants.cfg beside the configuration? path gets its name. */
bool ctl_has_gates(const char *config_path, char path[static PATH_MAX]);

/* Gates alone: no configuration of a door is there, and nobody knocks at this host. */
bool ctl_has_no_door(const struct ctl *ctl);

/* Where there is one, what ostgrant finds wrong with it, the firewall and the record. */
void ctl_check_gates(const struct ctl *ctl, struct ctl_findings *findings);

/* For who has an action that opens this gate, or shuts it: for how long it is, and what is still wrong with it. */
void ctl_print_gate(const struct ctl *ctl, const char *name, bool shuts);

struct ctl_gates {
    bool there; /* else nothing below is set */
    struct ctl_findings findings;
    size_t count;          /* of gates; 0 where the file has errors */
    int list_status;       /* CTL_OK, or why ostgrant could not say what is granted */
    unsigned open, others; /* grants: those that are open, and those that wait or are not there as they have to be */
};
void ctl_read_gates(const struct ctl *ctl, struct ctl_gates *gates);

/* Nothing that could be seen is otherwise than it has to be; also where there are none. */
bool ctl_gates_are_well(const struct ctl_gates *gates);

/* What the clocks of the machine say. Ends the program where the wall clock cannot be read, or stands before 1970. */
struct moment ctl_now(void);

/* What the file says that closes a door, in its parts. */
struct ctl_closed {
    bool closed;
    bool has_since;
    char line[CLOSED_LINE_LEN];
    const char *since;  /* RFC 3339; "" unless has_since */
    const char *reason; /* never NULL */
};
enum store_fault ctl_read_closed(int dir_fd, enum doors which, struct ctl_closed *door);

/*
 * Where no file closes it: does the table say that it has to be closed? Handlers heed that alike. The table has to be
 * open; of a door that is closed already nothing changes.
 */
enum store_fault ctl_read_promise(struct ctl *ctl, enum doors which, struct ctl_closed *door);

/*
 * The same of all doors on one table: that of the configuration, and each other one that is closed by itself. Where all
 * of them are closed at once, that is said of the configuration's own. Another door of which nothing can be seen counts
 * as closed, without a reason, and is no fault.
 */
struct ctl_closings {
    struct ctl_closed own;
    bool every; /* they are closed all at once, or whether they are cannot be seen: then others are not looked at */
    struct ctl_closed others[DOOR_EVERY]; /* by their numbers; where closed is false the rest is not set */
};
enum store_fault ctl_read_closings(int dir_fd, enum doors own, struct ctl_closings *closings);

/* What the table adds to it, as ctl_read_promise for each. */
enum store_fault ctl_read_promises(struct ctl *ctl, enum doors own, struct ctl_closings *closings);

/* What people call a door: "ordinary", "sealed". */
const char *ctl_door_name(enum doors door);

/* Why it is closed, for people. */
const char *ctl_closed_reason(const struct ctl_closed *door);

/*
 * As two members: "closed", null or an object with since and reason, and "others_closed", an array of such objects that
 * have the name of their door as well.
 */
void ctl_closings_json(struct json *json, const struct ctl_closings *closings);

/* ADDR or ADDR/PREFIX from the command line; exits when it is neither. */
void ctl_parse_network(const char *text, struct source *network);

/* Is it a network in which strikes are counted, and not locked at this time of the wall clock? It is no news then. */
bool ctl_is_free_network(const struct manage_entry *entry, uint64_t now);

#endif
