/* SPDX-License-Identifier: ISC */
/*
 * ostiary-generator: what ostiary.cfg says of the listener (PORT, LOCAL_IP) and of the place of the closed door
 * (STATE_DIR), and ostiary-grants.cfg of the place of the record (STATE_DIR) and of who asks (WEB_USER), becomes
 * drop-ins for the units. systemd runs it early at boot and at each daemon-reload, see systemd.generator(7); by hand:
 * "ostiary-generator DIR" writes to DIR.
 *
 * It reads with the handler's own parser and keeps no secret. It opens no port and starts nothing, and whatever it
 * finds it lets the boot go on: for a configuration with an error it writes a drop-in with which the socket cannot be
 * started, for without one the socket would listen where the configuration may not want it.
 */
#include "config.h"
#include "doors.h"
#include "gates.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define DROP_IN      "50-ostiary.conf" /* "systemctl edit" makes override.conf, which sorts behind it and so holds */
#define DEFAULT_PORT 5018

#define WATCHER   "ostiary-closed.path"
#define STOPPER   "ostiary-closed.service"
#define STATE_DIR "/var/lib/ostiary" /* where nothing else is said */

/* One door: a configuration and the units that go by it. */
struct layout {
    const char *config_path;
    const char *socket;
    const char *sandbox; /* the handler's unit, where that says which directory it may write; else NULL */
    enum doors door;
};

static const struct layout layouts[] = {
    {
        .config_path = OSTIARY_CONFIG,
        .socket = "ostiary.socket",
        .door = DOOR_KNOCK,
    },
    {
        .config_path = OSTIARY_SEALED_CONFIG,
        .socket = "ostiary-sealed.socket",
        .sandbox = "ostiary-sealed@.service",
        .door = DOOR_SEALED,
    },
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* What works on the record of grants, in STATE_DIR-root; the first one is first at a boot, too. */
static const char *const granters[] = {
    "ostiary-grants.service",
    "ostiary-grants-tick.service",
    "ostiary-grant@.service",
    "ostiary-grant-web@.service",
};

#define WEB_SOCKET "ostiary-grant-web.socket"

/* To whoever runs it by hand, and to the kernel's log: the journal may not be there yet. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    static int kmsg_fd = -1;
    char text[LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "ostiary-generator: %s\n", text);

    if (kmsg_fd < 0)
        kmsg_fd = open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (kmsg_fd >= 0)
        dprintf(kmsg_fd, "<3>ostiary-generator: %s\n", text);
}

static void say_finding(void *context, const struct config_finding *finding)
{
    (void)context;
    if (finding->severity != CONFIG_ERROR)
        return;
    if (finding->line != 0)
        say("%s:%u: error: %s", finding->file, finding->line, finding->text);
    else
        say("%s: error: %s", finding->file, finding->text);
}

/* DIR/UNIT.d/50-ostiary.conf with this text. Returns 0 or -1. */
__attribute__((format(printf, 3, 4))) static int write_drop_in(const char *dir, const char *unit, const char *format,
                                                               ...)
{
    char name[PATH_MAX];
    va_list arguments;
    FILE *file;
    int status = -1;

    snprintf(name, sizeof(name), "%s/%s.d", dir, unit);
    if (mkdir(name, 0755) != 0 && errno != EEXIST) {
        say("%s: %s", name, strerror(errno));
        return -1;
    }
    snprintf(name, sizeof(name), "%s/%s.d/" DROP_IN, dir, unit);
    file = fopen(name, "we");
    if (file != NULL) {
        fputs("# Made by ostiary-generator; changes are lost.\n", file);
        va_start(arguments, format);
        vfprintf(file, format, arguments);
        va_end(arguments);
        status = ferror(file) != 0 ? -1 : 0;
        if (fclose(file) != 0)
            status = -1;
    }
    if (status != 0)
        say("%s: %s", name, strerror(errno));
    return status;
}

/*
 * "ListenStream=" lines, one for each port. The interface of a link-local address is looked up by name when the socket
 * is started, and systemd waits for it; in the address itself it would have to be there when the unit is read.
 */
static void format_listeners(const struct config *config, char *text, size_t len)
{
    const bool any = config->local_ip == NULL;
    const bool brackets = !any && strchr(config->local_ip, ':') != NULL;
    const char *percent = any ? NULL : strchr(config->local_ip, '%');
    const int ip_len = any ? 0 : (int)strcspn(config->local_ip, "%");
    size_t used = 0;

    text[0] = '\0';
    if (percent != NULL)
        used = (size_t)snprintf(text, len, "BindToDevice=%s\n", percent + 1);
    for (size_t i = 0; i < config->port_count || i == 0; i++) {
        const unsigned port = config->port_count == 0 ? DEFAULT_PORT : config->ports[i];

        if (any)
            used += (size_t)snprintf(text + used, len - used, "ListenStream=%u\n", port);
        else
            used += (size_t)snprintf(text + used, len - used, "ListenStream=%s%.*s%s:%u\n", brackets ? "[" : "", ip_len,
                                     config->local_ip, brackets ? "]" : "", port);
    }
}

/* Can it stand in a unit as it is? Specifiers, quotes and white space would need quoting, each line in its own way. */
static bool is_plain(const char *path)
{
    return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@,=")] == '\0';
}

static int write_units(const char *dir, const struct layout *layout, const struct config *config)
{
    const char *state_dir = config->state_dir;
    char listeners[CONFIG_PORTS_MAX * 96];
    int status;

    format_listeners(config, listeners, sizeof(listeners));
    /* Sockets open before the network is up: an address of its own may not be there yet. */
    status = write_drop_in(dir, layout->socket,
                           "[Unit]\nConditionPathExists=\nConditionPathExists=!%s/%s\nConditionPathExists=!%s/%s\n"
                           "[Socket]\nListenStream=\n%s%s",
                           state_dir, doors_closed_name(DOOR_EVERY), state_dir, doors_closed_name(layout->door),
                           listeners, config->local_ip != NULL ? "FreeBind=yes\n" : "");
    if (layout->sandbox != NULL)
        status |= write_drop_in(dir, layout->sandbox, "[Service]\nReadWritePaths=\nReadWritePaths=-%s\n", state_dir);
    return status;
}

static const char no_name[] = "STATE_DIR: under systemd it may hold letters, digits and /._-+:@,= alone";

/* One unit watches for what closes each of the doors, and one stops its socket, wherever their STATE_DIR is. */
static int write_watcher(const char *dir, char *const state_dirs[static LAYOUTS])
{
    char watched[LAYOUTS * (2 * PATH_MAX + 64)] = "";
    char commands[LAYOUTS * (2 * PATH_MAX + 256)] = "";
    size_t watched_len = 0;
    size_t commands_len = 0;

    for (size_t i = 0; i < LAYOUTS; i++) {
        const char *state_dir = state_dirs[i] != NULL ? state_dirs[i] : STATE_DIR;
        const char *every = doors_closed_name(DOOR_EVERY);
        const char *one = doors_closed_name(layouts[i].door);

        watched_len += (size_t)snprintf(watched + watched_len, sizeof(watched) - watched_len,
                                        "PathChanged=%s/%s\nPathChanged=%s/%s\n", state_dir, every, state_dir, one);
        commands_len += (size_t)snprintf(commands + commands_len, sizeof(commands) - commands_len,
                                         "ExecStart=/bin/sh -c '[ -e %s/%s ] || [ -e %s/%s ] || exit 0; "
                                         "exec systemctl stop --no-block %s'\n",
                                         state_dir, every, state_dir, one, layouts[i].socket);
    }
    return write_drop_in(dir, WATCHER, "[Path]\nPathChanged=\n%s", watched) |
           write_drop_in(dir, STOPPER, "[Service]\nExecStart=\n%s", commands);
}

/* The socket cannot be started, and this is why; plain words, without quotes or dollars. */
static int write_bar(const char *dir, const struct layout *layout, const char *why)
{
    return write_drop_in(dir, layout->socket,
                         "[Socket]\nExecStartPre=/bin/sh -c 'echo \"%s: error: %s\" >&2; exit %d'\n",
                         layout->config_path, why, EX_CONFIG);
}

/* *state_dir becomes where its door is closed, which the caller frees; it stays NULL where that is not known. */
static int generate(const char *dir, const struct layout *layout, char **state_dir)
{
    /* The socket's own test comes before this, and says what is wrong; this is for when it has been mended. */
    static const char stale[] = "was missing or broken when systemd last read it: run systemctl daemon-reload";
    const struct config_reader reader = {
        .path = layout->config_path,
        .with_secrets = false,
        .report = say_finding,
    };
    struct config config;
    int status;

    /* A layout that nobody has set up is nothing to complain of. */
    if (access(layout->config_path, F_OK) != 0 && errno == ENOENT)
        return write_bar(dir, layout, stale);
    if (config_load(&reader, &config) != 0)
        return write_bar(dir, layout, stale);
    if (is_plain(config.state_dir)) {
        status = write_units(dir, layout, &config);
        *state_dir = strdup(config.state_dir);
    } else {
        say("%s: error: %s", layout->config_path, no_name);
        status = write_bar(dir, layout, no_name);
    }
    config_free(&config);
    return status;
}

/* The directory is made where it is missing: nobody else makes one that is not the usual. */
static int write_grants(const char *dir, const struct gates *gates)
{
    const char *state_dir = gates->state_dir;
    char prepare[PATH_MAX + 64];
    int status = write_drop_in(dir, WEB_SOCKET, "[Socket]\nSocketUser=%s\n", gates->web_user);

    if (strcmp(state_dir, STATE_DIR) == 0)
        return status;
    snprintf(prepare, sizeof(prepare), "ExecStartPre=-+mkdir -p -m 700 %s-root\n", state_dir);
    for (size_t i = 0; i < sizeof(granters) / sizeof(granters[0]); i++)
        status |= write_drop_in(dir, granters[i],
                                "[Unit]\nRequiresMountsFor=%s-root\n[Service]\n%sReadWritePaths=\n"
                                "ReadWritePaths=-%s-root\n",
                                state_dir, i == 0 ? prepare : "", state_dir);
    return status;
}

/* With an error in its configuration ostgrant says what it is, at its start, and does nothing. */
static int generate_grants(const char *dir)
{
    const struct config_reader reader = {.path = OSTIARY_GRANTS_CONFIG, .report = say_finding};
    struct gates gates;
    int status = 0;

    if (access(reader.path, F_OK) != 0 && errno == ENOENT)
        return 0;
    if (gates_load(&reader, &gates) != 0)
        return 0;
    if (is_plain(gates.state_dir))
        status = write_grants(dir, &gates);
    else
        say("%s: error: %s", reader.path, no_name);
    gates_free(&gates);
    return status;
}

int main(int argc, char **argv)
{
    char *state_dirs[LAYOUTS] = {NULL};
    int status = 0;

    if (argc != 2 && argc != 4) {
        fputs("usage: ostiary-generator DIR [EARLY-DIR LATE-DIR]\n", stderr);
        return EX_USAGE;
    }
    umask(022);
    for (size_t i = 0; i < LAYOUTS; i++)
        status |= generate(argv[1], &layouts[i], &state_dirs[i]);
    status |= write_watcher(argv[1], state_dirs);
    status |= generate_grants(argv[1]);
    for (size_t i = 0; i < LAYOUTS; i++)
        free(state_dirs[i]);
    return status == 0 ? EX_OK : EX_CANTCREAT;
}
