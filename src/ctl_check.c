/* SPDX-License-Identifier: ISC */
/* ostiaryctl check: everything that can be found wrong before somebody stands before the door. See ctl.h. */
#include "address.h"
#include "check.h"
#include "ctl.h"
#include "number.h"
#include "repair.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void take_finding(void *context, const struct config_finding *finding)
{
    struct ctl_findings *findings = context;

    if (finding->severity == CONFIG_ERROR)
        findings->errors++;
    else if (finding->severity == CONFIG_WARNING)
        findings->warnings++;
    if (findings->out != NULL)
        ctl_print_finding(findings->out, finding);
}

/* Who and what a finding is about. */
struct subject {
    struct ctl_findings *findings;
    const char *file;
    unsigned line;
};

__attribute__((format(printf, 3, 4))) static void find(const struct subject *subject, enum config_severity severity,
                                                       const char *format, ...)
{
    char text[CHECK_TEXT_LEN + 256];
    const struct config_finding finding = {
        .file = subject->file,
        .line = subject->line,
        .severity = severity,
        .text = text,
    };
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    take_finding(subject->findings, &finding);
}

/* ---- the configuration ----------------------------------------------------------------------------------------- */

bool ctl_examine(struct ctl *ctl, struct ctl_findings *findings)
{
    const struct config_reader reader = {
        .path = ctl->config_path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = true,
        .may_lack_credentials = true,
        .report = take_finding,
        .context = findings,
    };

    ctl_require_readable(ctl);
    if (config_load(&reader, &ctl->config) != 0)
        return false;
    check_config(&reader, &ctl->config);
    locked_free(&ctl->config.secrets);
    return true;
}

/* ---- the listener ---------------------------------------------------------------------------------------------- */

/* One of a socket's addresses, "[::]:5018", in its parts. False: it is no internet address. */
static bool split_listen(const char *listen, char host[static UNITS_TEXT_LEN], uint64_t *port)
{
    const char *colon = strrchr(listen, ':');
    const char *start = listen;
    size_t len;

    if (colon == NULL || number_parse(colon + 1, (struct number_range){1, 65535}, port) != NUMBER_OK)
        return false;
    len = (size_t)(colon - listen);
    if (len >= 2 && listen[0] == '[' && colon[-1] == ']') {
        start++;
        len -= 2;
    }
    snprintf(host, UNITS_TEXT_LEN, "%.*s", (int)len, start);
    return true;
}

/* systemd names the interface of a link-local address apart from it, if at all. */
static bool same_host(const char *a, const char *b)
{
    struct address left;
    struct address right;

    return address_parse(a, &left) != ADDRESS_MALFORMED && address_parse(b, &right) != ADDRESS_MALFORMED &&
           memcmp(left.bytes, right.bytes, sizeof(left.bytes)) == 0;
}

/* Is every PORT listened to, and nothing else? */
static bool ports_agree(const struct config *config, const struct units_socket *socket)
{
    bool wanted[CONFIG_PORTS_MAX] = {false};
    char host[UNITS_TEXT_LEN];
    bool agree = true;

    for (size_t i = 0; i < socket->listen_count; i++) {
        bool known = false;
        uint64_t port;

        if (!split_listen(socket->listen[i], host, &port))
            continue;
        for (size_t p = 0; p < config->port_count; p++) {
            wanted[p] |= config->ports[p] == port;
            known |= config->ports[p] == port;
        }
        agree &= known;
    }
    for (size_t p = 0; p < config->port_count; p++)
        agree &= wanted[p];
    return agree;
}

static bool hosts_agree(const struct config *config, const struct units_socket *socket)
{
    char host[UNITS_TEXT_LEN];
    bool agree = true;
    uint64_t port;

    for (size_t i = 0; i < socket->listen_count; i++)
        if (split_listen(socket->listen[i], host, &port))
            agree &= same_host(host, config->local_ip);
    return agree;
}

static void join_listen(const struct units_socket *socket, char text[static UNITS_TEXT_LEN])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < socket->listen_count && used < UNITS_TEXT_LEN; i++)
        used += (size_t)snprintf(text + used, UNITS_TEXT_LEN - used, "%s%s", i == 0 ? "" : ", ", socket->listen[i]);
}

static void check_socket(const struct ctl *ctl, struct ctl_findings *findings, const char *name,
                         const struct units_socket *socket)
{
    const struct config *config = &ctl->config;
    const struct subject subject = {findings, ctl->config_path, 0};
    char listen[UNITS_TEXT_LEN];

    join_listen(socket, listen);
    if (config->port_count != 0 && !ports_agree(config, socket))
        find(&subject, CONFIG_WARNING,
             "PORT is not what %s listens on (%s): run 'systemctl daemon-reload && systemctl restart %s'", name, listen,
             name);
    if (config->local_ip != NULL && !hosts_agree(config, socket))
        find(&subject, CONFIG_WARNING,
             "LOCAL_IP is not what %s listens on (%s): run 'systemctl daemon-reload && systemctl restart %s'", name,
             listen, name);
}

/* What listens at this door, as far as systemd knows. */
enum listener { LISTENER_UNKNOWN, LISTENER_PLAIN, LISTENER_SEALED };

/* Where systemd cannot be asked, or nothing of ostiary is enabled, there is nothing to compare with. */
static enum listener check_listener(const struct ctl *ctl, struct ctl_findings *findings)
{
    static const struct {
        const char *name;
        enum listener kind;
    } known[] = {{UNITS_SOCKET, LISTENER_PLAIN}, {UNITS_SEALED_SOCKET, LISTENER_SEALED}};
    const struct subject subject = {findings, ctl->config_path, 0};
    struct units_socket socket;
    struct units units;
    bool elsewhere = false;
    enum listener listener = LISTENER_UNKNOWN;

    if (units_open(&units) == UNITS_OK) {
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (units_read(&units, known[i].name, &socket) != UNITS_OK || !(socket.enabled || socket.active))
                continue;
            if (units_is_at(&socket, ctl->config.state_dir)) {
                listener = known[i].kind;
                check_socket(ctl, findings, known[i].name, &socket);
            } else {
                elsewhere = true;
            }
        }
    }
    units_close(&units);
    if (elsewhere && listener == LISTENER_UNKNOWN)
        find(&subject, CONFIG_WARNING,
             "STATE_DIR: no enabled socket unit heeds %s/closed: after a change run 'systemctl daemon-reload'",
             ctl->config.state_dir);
    return listener;
}

/* ---- the state directory --------------------------------------------------------------------------------------- */

/* The handler uses a directory of root's, or of the user that it runs as itself. */
static void check_owner(const struct subject *subject, enum listener listener)
{
    const struct passwd *owner;
    struct stat status;
    const char *name;

    if (geteuid() != 0 || stat(subject->file, &status) != 0)
        return;
    owner = getpwuid(status.st_uid);
    name = owner != NULL ? owner->pw_name : "a user without a name";
    if (listener == LISTENER_SEALED && strcmp(name, CTL_SEALED_USER) != 0)
        find(subject, CONFIG_ERROR,
             "it belongs to %s, and the handler of " UNITS_SEALED_SOCKET " runs as " CTL_SEALED_USER
             ": set STATE_DIR to a directory of that user's",
             name);
    else if (listener == LISTENER_PLAIN && status.st_uid != 0)
        find(subject, CONFIG_ERROR,
             "it belongs to %s, and the handler of " UNITS_SOCKET " runs as root: chown it to root", name);
    else if (listener == LISTENER_UNKNOWN && status.st_uid != 0)
        find(subject, CONFIG_WARNING, "it belongs to %s, and only a handler that runs as that user can use it", name);
}

static void check_door(const struct subject *subject, int dir_fd)
{
    struct ctl_door door;

    if (ctl_read_door(dir_fd, &door) != STORE_OK)
        find(subject, CONFIG_ERROR, "whether the door is closed cannot be seen: %s", strerror(errno));
    else if (door.closed)
        find(subject, CONFIG_WARNING, "the door is closed%s%s, and nobody is served: %s: run 'ostiaryctl open'",
             door.has_since ? " since " : "", door.since, door.reason);
}

static void check_table(struct ctl *ctl, const struct subject *subject)
{
    const uint64_t bucket = RECORD_BUCKET_SLOTS;
    const uint64_t wanted = (ctl->config.table_size + bucket - 1) / bucket * bucket;
    struct repair_findings found;
    enum store_fault fault = ctl_try_table(ctl, true);

    if (fault == STORE_ABSENT) /* the first connection makes it */
        return;
    if (fault == STORE_OK)
        fault = repair_verify(&ctl->store, NULL, NULL, &found);
    if (fault != STORE_OK && store_fault_has_errno(fault))
        find(subject, CONFIG_ERROR, "%s: %s", store_fault_text(fault), strerror(errno));
    else if (fault != STORE_OK)
        find(subject, CONFIG_ERROR, "%s", store_fault_text(fault));
    else if (found.head != STORE_OK)
        find(subject, CONFIG_ERROR, "%s", store_fault_text(found.head));
    else if (!repair_is_clean(&found))
        find(subject, CONFIG_WARNING, "%" PRIu64 " places of the table are damaged: run 'ostiaryctl verify'",
             found.damaged);
    else if (found.places != wanted)
        find(subject, CONFIG_WARNING,
             "TABLE_SIZE asks for %" PRIu64 " places, and the table has %" PRIu64 ": run 'ostiaryctl repair'", wanted,
             found.places);
}

static void check_state(struct ctl *ctl, struct ctl_findings *findings, enum listener listener)
{
    const struct subject subject = {findings, ctl->config.state_dir, 0};
    enum store_fault fault;
    int dir_fd;

    check_owner(&subject, listener);
    fault = ctl_try_directory(ctl, &dir_fd);
    if (fault != STORE_OK && store_fault_has_errno(fault)) {
        find(&subject, CONFIG_ERROR, "%s: %s", store_fault_text(fault), strerror(errno));
    } else if (fault != STORE_OK) {
        find(&subject, CONFIG_ERROR, "%s", store_fault_text(fault));
    } else {
        check_door(&subject, dir_fd);
        close(dir_fd);
        check_table(ctl, &subject);
    }
}

enum ctl_status ctl_check(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct ctl_findings findings = {.out = stdout};

    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    if (ctl_examine(ctl, &findings)) {
        const enum listener listener = check_listener(ctl, &findings);

        check_state(ctl, &findings, listener);
    }
    if (findings.errors != 0)
        return CTL_CONFIG;
    printf("%s: good\n", ctl->config_path);
    return CTL_OK;
}
