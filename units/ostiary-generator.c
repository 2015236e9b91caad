/* SPDX-License-Identifier: ISC */
/*
 * ostiary-generator: what ostiary.cfg says of the listener (PORT, LOCAL_IP) and of the place of the closed door
 * (STATE_DIR) becomes drop-ins for the units. systemd runs it early at boot and at each daemon-reload, see
 * systemd.generator(7); by hand: "ostiary-generator DIR" writes to DIR.
 *
 * It reads with the handler's own parser and keeps no secret. It opens no port and starts nothing, and whatever it
 * finds it lets the boot go on: for a configuration with an error it writes a drop-in with which the socket cannot be
 * started, for without one the socket would listen where the configuration may not want it.
 */
#include "config.h"

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

/* One layout: a configuration and the units that go by it. */
struct layout {
    const char *config_path;
    const char *socket;
    const char *path;
    const char *service;
};

static const struct layout layouts[] = {
    {
        .config_path = OSTIARY_CONFIG,
        .socket = "ostiary.socket",
        .path = "ostiary-closed.path",
        .service = "ostiary-closed.service",
    },
    {
        .config_path = OSTIARY_SEALED_CONFIG,
        .socket = "ostiary-sealed.socket",
        .path = "ostiary-sealed-closed.path",
        .service = "ostiary-sealed-closed.service",
    },
};

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
                           "[Unit]\nConditionPathExists=\nConditionPathExists=!%s/closed\n"
                           "[Socket]\nListenStream=\n%s%s",
                           state_dir, listeners, config->local_ip != NULL ? "FreeBind=yes\n" : "");
    status |= write_drop_in(dir, layout->path, "[Path]\nPathChanged=\nPathChanged=%s/closed\n", state_dir);
    status |= write_drop_in(dir, layout->service,
                            "[Unit]\nConditionPathExists=\nConditionPathExists=%s/closed\n"
                            "[Service]\nExecStart=\nExecStart=/bin/cat %s/closed\n",
                            state_dir, state_dir);
    return status;
}

/* The socket cannot be started, and this is why; plain words, without quotes or dollars. */
static int write_bar(const char *dir, const struct layout *layout, const char *why)
{
    return write_drop_in(dir, layout->socket,
                         "[Socket]\nExecStartPre=/bin/sh -c 'echo \"%s: error: %s\" >&2; exit %d'\n",
                         layout->config_path, why, EX_CONFIG);
}

static int generate(const char *dir, const struct layout *layout)
{
    /* The socket's own test comes before this, and says what is wrong; this is for when it has been mended. */
    static const char stale[] = "was missing or broken when systemd last read it: run systemctl daemon-reload";
    static const char no_name[] = "STATE_DIR: under systemd it may hold letters, digits and /._-+:@,= alone";
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
    } else {
        say("%s: error: %s", layout->config_path, no_name);
        status = write_bar(dir, layout, no_name);
    }
    config_free(&config);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc != 2 && argc != 4) {
        fputs("usage: ostiary-generator DIR [EARLY-DIR LATE-DIR]\n", stderr);
        return EX_USAGE;
    }
    umask(022);
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        status |= generate(argv[1], &layouts[i]);
    return status == 0 ? EX_OK : EX_CANTCREAT;
}
