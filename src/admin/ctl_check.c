/* SPDX-License-Identifier: ISC */
/* ostiaryctl check: everything that can be found wrong before somebody stands before the door. See ctl.h. */
#include "address.h"
#include "check.h"
#include "ctl.h"
#include "ctl_used.h"
#include "from.h"
#include "gates.h"
#include "ports.h"
#include "repair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ctl_take_finding(void *context, const struct config_finding *finding)
{
    struct ctl_findings *findings = context;
    char text[CHECK_TEXT_LEN + 256];
    struct config_finding shown = *finding;

    if (finding->severity == CONFIG_ERROR)
        findings->errors++;
    else if (finding->severity == CONFIG_WARNING)
        findings->warnings++;
    if (findings->out == NULL)
        return;
    if (findings->as != NULL && finding->severity == CONFIG_ERROR) {
        snprintf(text, sizeof(text), "%s (as user %s)", finding->text, findings->as);
        shown.text = text;
    }
    check_print(findings->out, &shown);
}

void ctl_find(const struct ctl_subject *subject, enum config_severity severity, const char *format, ...)
{
    char text[CHECK_TEXT_LEN + 256];
    const struct config_finding finding = {.file = subject->file, .severity = severity, .text = text};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ctl_take_finding(subject->findings, &finding);
}

/* ---- the configuration ----------------------------------------------------------------------------------------- */

/* What the layout is goes by STATE_DIR, for which the file has to be read once before; what is wrong is said later. */
static enum ctl_layout find_layout(struct ctl *ctl, const struct ctl_listeners *listeners)
{
    const struct config_reader reader = {
        .path = ctl->config_path,
        .report = ctl_take_finding,
        .context = &(struct ctl_findings){.out = NULL},
    };
    enum ctl_layout layout;

    if (config_load(&reader, &ctl->config) != 0)
        return ctl_layout_of(listeners, ctl->config_path, NULL);
    layout = ctl_layout_of(listeners, ctl->config_path, ctl->config.state_dir);
    config_free(&ctl->config);
    return layout;
}

/* Become who the handler of the sealed door is, and so meet what it will meet. False: as root there is more to see. */
static bool become_handler(const struct ctl *ctl, struct ctl_findings *findings)
{
    const struct ctl_subject subject = {findings, ctl->config_path};

    if (geteuid() != 0)
        return false;
    if (ctl_be_sealed() != 0) {
        if (errno == ENOENT)
            ctl_find(&subject, CONFIG_ERROR,
                     "there is no user " CTL_SEALED_USER ", as whom the handler runs: run 'systemd-sysusers'");
        else
            ctl_find(&subject, CONFIG_ERROR, "it cannot be seen as the user " CTL_SEALED_USER " sees it: %s",
                     strerror(errno));
        return false;
    }
    if (faccessat(AT_FDCWD, ctl->config_path, R_OK, AT_EACCESS) != 0 && errno == EACCES) {
        ctl_be_root();
        ctl_find(&subject, CONFIG_ERROR,
                 "the user " CTL_SEALED_USER ", as whom the handler runs, cannot read it: chown root:" CTL_SEALED_USER
                 ", and chmod 640");
        return false;
    }
    findings->as = CTL_SEALED_USER;
    return true;
}

bool ctl_has_no_door(const struct ctl *ctl)
{
    char path[PATH_MAX];

    return access(ctl->config_path, F_OK) != 0 && errno == ENOENT && ctl_has_gates(ctl->config_path, path);
}

bool ctl_examine(struct ctl *ctl, const struct ctl_listeners *listeners, struct ctl_findings *findings)
{
    enum check_result result;

    if (ctl_has_no_door(ctl)) {
        ctl_find(&(const struct ctl_subject){findings, ctl->config_path}, CONFIG_NOTE,
                 "it is not there, so that nobody can knock: the gates are for the web form and for ostiaryctl");
        return false;
    }
    ctl_require_readable(ctl);
    if (find_layout(ctl, listeners) == CTL_SEALED)
        become_handler(ctl, findings);
    result = check_file(ctl->config_path, ctl_take_finding, findings, &ctl->config);
    ctl_be_root();
    findings->as = NULL;
    return result != CHECK_UNUSABLE;
}

/* ---- interfaces ------------------------------------------------------------------------------------------------- */

/* A link-local address is of an interface, which may be misspelt, or come and go. */
static bool is_elsewhere(const struct source *network)
{
    char text[ADDRESS_TEXT_LEN];

    address_format_source(network, text);
    return strstr(text, ADDRESS_ELSEWHERE) != NULL;
}

static bool has_elsewhere(const struct config_entry *entry)
{
    const char *rest = entry->from;
    struct source network;

    while (rest != NULL && from_next(&rest, &network))
        if (is_elsewhere(&network))
            return true;
    return false;
}

static void check_interfaces(const struct ctl *ctl, struct ctl_findings *findings)
{
    const struct ctl_subject subject = {findings, ctl->config_path};
    const struct config *config = &ctl->config;
    const char *zone = config->local_ip == NULL ? NULL : strchr(config->local_ip, '%');

    if (zone != NULL && if_nametoindex(zone + 1) == 0)
        ctl_find(&subject, CONFIG_WARNING,
                 "LOCAL_IP: there is no interface %s here now, and no port is opened until there is: 'ip link' shows "
                 "those that are",
                 zone + 1);
    for (size_t i = 0; i < config->exempt_count; i++)
        if (is_elsewhere(&config->exempt[i]))
            ctl_find(
                &subject, CONFIG_NOTE,
                "EXEMPT: an address has an interface that is not here now: if it is misspelt, 'ip link' shows those "
                "that are");
    for (size_t i = 0; i < config->entry_count; i++)
        if (has_elsewhere(&config->entries[i]))
            ctl_find(&subject, CONFIG_NOTE,
                     "the from= of '%s' has an address of an interface that is not here now: if it is misspelt, 'ip "
                     "link' shows those that are",
                     config->entries[i].name);
}

/* ---- the state directory --------------------------------------------------------------------------------------- */

/* A directory of root's serves handlers that are root alone; all others want one of the sealed door's user. */
static void check_owner(const struct ctl_subject *subject, enum ctl_layout layout)
{
    const struct passwd *owner;
    struct stat status;
    const char *name;

    if (geteuid() != 0 || stat(subject->file, &status) != 0)
        return;
    owner = getpwuid(status.st_uid);
    name = owner != NULL ? owner->pw_name : "a user without a name";
    if (layout == CTL_SEALED && strcmp(name, CTL_SEALED_USER) != 0)
        ctl_find(subject, CONFIG_ERROR,
                 "it belongs to %s, and the handler of " UNITS_SEALED_SOCKET " runs as " CTL_SEALED_USER
                 ": run 'chown -R " CTL_SEALED_USER ":" CTL_SEALED_USER
                 " %s', which a handler that is root can use as well",
                 name, subject->file);
    else if (layout == CTL_ORDINARY && status.st_uid != 0 && strcmp(name, CTL_SEALED_USER) != 0)
        ctl_find(subject, CONFIG_ERROR,
                 "it belongs to %s, and the handler of " UNITS_SOCKET " uses one of " CTL_SEALED_USER
                 "'s or root's alone: run 'chown -R " CTL_SEALED_USER ":" CTL_SEALED_USER " %s'",
                 name, subject->file);
    else if (layout == CTL_LAYOUT_UNKNOWN && status.st_uid != 0 && strcmp(name, CTL_SEALED_USER) != 0)
        ctl_find(subject, CONFIG_WARNING, "it belongs to %s, and only a handler that runs as that user can use it",
                 name);
}

static void say_fault(const struct ctl_subject *subject, enum config_severity severity, enum store_fault fault)
{
    if (store_fault_has_errno(fault))
        ctl_find(subject, severity, "%s: %s", store_fault_text(fault), strerror(errno));
    else
        ctl_find(subject, severity, "%s", store_fault_text(fault));
}

/* As root, before anything is done as the directory's owner. */
static void check_private(const struct ctl *ctl, const struct ctl_subject *subject, enum ctl_layout layout)
{
    const enum store_fault fault = layout == CTL_SEALED ? STORE_OK : ctl_prove_private(ctl);

    if (fault != STORE_OK)
        say_fault(subject, layout == CTL_ORDINARY ? CONFIG_ERROR : CONFIG_WARNING, fault);
}

static void say_closed(const struct ctl *ctl, const struct ctl_subject *subject, const struct ctl_closed *door)
{
    if (door->closed)
        ctl_find(subject, CONFIG_WARNING, "the door is closed%s%s, and nobody is served: %s: run '%s open'",
                 door->has_since ? " since " : "", door->since, ctl_closed_reason(door), ctl->self);
}

static void check_door(const struct ctl *ctl, const struct ctl_subject *subject, int dir_fd, struct ctl_closed *door)
{
    if (ctl_read_closed(dir_fd, which_door(ctl->config_path), door) != STORE_OK)
        ctl_find(subject, CONFIG_ERROR, "whether the door is closed cannot be seen: %s", strerror(errno));
    else
        say_closed(ctl, subject, door);
}

/* Without the file the table may say that it is closed. Whether that can be read is for check_table to say. */
static void check_promise(struct ctl *ctl, const struct ctl_subject *subject, struct ctl_closed *door)
{
    if (!door->closed && ctl->store.table_fd >= 0 &&
        ctl_read_promise(ctl, which_door(ctl->config_path), door) == STORE_OK)
        say_closed(ctl, subject, door);
}

static void check_table(struct ctl *ctl, const struct ctl_subject *subject)
{
    const uint64_t bucket = RECORD_BUCKET_SLOTS;
    const uint64_t wanted = (ctl->config.table_size + bucket - 1) / bucket * bucket;
    struct repair_findings found;
    enum store_fault fault = ctl_try_table(ctl, true);

    if (fault == STORE_ABSENT) /* the first connection makes it */
        return;
    if (fault == STORE_OK)
        fault = repair_verify(&ctl->store, NULL, NULL, &found);
    if (fault == STORE_OK)
        fault = found.head;
    if (fault == STORE_OLD) /* which keeps nobody out */
        ctl_find(subject, CONFIG_WARNING, "%s", store_fault_text(fault));
    else if (fault != STORE_OK)
        say_fault(subject, CONFIG_ERROR, fault);
    else if (!repair_is_clean(&found))
        ctl_find(subject, CONFIG_WARNING, "%" PRIu64 " places of the table are damaged: run '%s verify'", found.damaged,
                 ctl->self);
    else if (found.places != wanted)
        ctl_find(subject, CONFIG_WARNING,
                 "TABLE_SIZE asks for %" PRIu64 " places, and the table has %" PRIu64 ": run '%s repair'", wanted,
                 found.places, ctl->self);
}

static void check_state(struct ctl *ctl, struct ctl_findings *findings, enum ctl_layout layout)
{
    const struct ctl_subject subject = {findings, ctl->config.state_dir};
    struct ctl_closed door;
    enum store_fault fault;
    int dir_fd;

    check_owner(&subject, layout);
    check_private(ctl, &subject, layout);
    fault = ctl_try_directory(ctl, &dir_fd);
    if (fault != STORE_OK) {
        say_fault(&subject, CONFIG_ERROR, fault);
        return;
    }
    check_door(ctl, &subject, dir_fd, &door);
    fault = ctl_prove_table(dir_fd);
    if (fault != STORE_OK) {
        say_fault(&subject, CONFIG_ERROR, fault);
    } else {
        check_table(ctl, &subject);
        check_promise(ctl, &subject, &door);
    }
    close(dir_fd);
}

/* ---- the gates ------------------------------------------------------------------------------------------------- */

/* Which gate shuts this port to who wants to knock; NULL: none. */
static const struct gate *find_shut(const struct gates *gates, uint16_t port)
{
    if (ports_have(gates->free, gates->free_count, GATE_TCP, port))
        return NULL;
    for (size_t i = 0; i < gates->count; i++) {
        const struct gate *gate = &gates->list[i];

        if (!gate->by_commands && gate->hook == GATE_INPUT &&
            (gate->any || ports_have(gate->ports, gate->port_count, GATE_TCP, port)))
            return gate;
    }
    return NULL;
}

/* Who has removed the file has not taken its rules away. */
static void check_leftovers(const struct ctl *ctl, struct ctl_findings *findings)
{
    char path[PATH_MAX], copy[PATH_MAX];
    const struct ctl_subject subject = {findings, path};

    snprintf(copy, sizeof(copy), "%s-root/" GATES_NAME, ctl->config.state_dir);
    if (geteuid() == 0 && !ctl_has_gates(ctl->config_path, path) && access(copy, F_OK) == 0)
        ctl_find(&subject, CONFIG_WARNING,
                 "it is not there, and what was loaded from it may still shut ports, until the next boot: put it back, "
                 "or run 'ostgrant unload'");
}

/* Can who is to open a gate come to the door? What is wrong in the file itself, ostgrant has said. */
static void check_way_in(const struct ctl *ctl, struct ctl_findings *findings)
{
    static const uint16_t usual[] = {CTL_PORT};
    const uint16_t *ports = ctl->config.port_count > 0 ? ctl->config.ports : usual;
    const size_t count = ctl->config.port_count > 0 ? ctl->config.port_count : 1;
    char path[PATH_MAX];
    const struct ctl_subject subject = {findings, path};
    const struct config_reader reader = {
        .path = path,
        .report = ctl_take_finding,
        .context = &(struct ctl_findings){.out = NULL},
    };
    struct gates gates;

    if (!ctl_has_gates(ctl->config_path, path) || gates_load(&reader, &gates) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct gate *gate = find_shut(&gates, ports[i]);

        if (gate != NULL)
            ctl_find(&subject, CONFIG_WARNING,
                     "gate '%s' shuts port tcp %u, where this door is: nobody can knock who has no grant; write "
                     "FREE=\"tcp %u\"",
                     gate->name, ports[i], ports[i]);
    }
    gates_free(&gates);
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat one_status, other_status;

    return stat(one, &one_status) == 0 && stat(other, &other_status) == 0 && one_status.st_dev == other_status.st_dev &&
           one_status.st_ino == other_status.st_ino;
}

/* Of the file that is looked after at boot alone. Where there is no systemd, nobody can say what happens then. */
static void check_boot(const struct ctl *ctl, struct ctl_findings *findings)
{
    char installed[PATH_MAX], path[PATH_MAX];
    const struct ctl_subject subject = {findings, path};
    struct units units;
    bool enabled = true;

    ctl_beside(OSTIARY_CONFIG, GATES_NAME, installed);
    if (!ctl_has_gates(ctl->config_path, path) || !is_same_file(path, installed))
        return;
    if (units_open(&units) == UNITS_OK && units_ask_enabled(&units, UNITS_GATES, &enabled) == UNITS_OK && !enabled)
        ctl_find(&subject, CONFIG_WARNING,
                 "a boot leaves open what the gates shut, until somebody loads the rules: run 'systemctl enable "
                 "--now " UNITS_GATES "', which loads them before the network is there");
    units_close(&units);
}

enum ctl_status ctl_check(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct ctl_findings findings = {.out = stdout};
    struct ctl_listeners listeners;
    char gates_path[PATH_MAX];
    bool usable;

    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    (void)ctl_has_gates(ctl->config_path, gates_path);
    ctl_read_listeners(&listeners);
    usable = ctl_examine(ctl, &listeners, &findings);
    if (usable) {
        ctl_check_listeners(ctl, &listeners, &findings);
        check_interfaces(ctl, &findings);
    }
    ctl_check_gates(ctl, &findings); /* as root */
    if (usable) {
        check_leftovers(ctl, &findings);
        ctl_used_check(ctl, &findings);
        ctl_check_unused(ctl, &findings);
        check_way_in(ctl, &findings);
    }
    check_boot(ctl, &findings);
    if (usable)
        check_state(ctl, &findings, ctl_layout_of(&listeners, ctl->config_path, ctl->config.state_dir));
    if (findings.errors != 0)
        return CTL_CONFIG;
    printf("%s: good\n", ctl_has_no_door(ctl) ? gates_path : ctl->config_path);
    return CTL_OK;
}
