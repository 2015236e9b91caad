/* SPDX-License-Identifier: ISC */
/*
 * fake-systemd DIR: answers on the bus of $DBUS_SYSTEM_BUS_ADDRESS as systemd's manager does, for the few calls that
 * ostiaryctl makes. DIR/UNIT/PROPERTY holds a unit's properties, Listen one address a line, Conditions a path that must
 * not exist; a unit without a directory is not installed. StartUnit's job ends as DIR/UNIT/start says; after "done"
 * ActiveState is what is in DIR/UNIT/after. With "never" it does not end, and DIR/started is created. Creates DIR/ready
 * when it can be asked. The property that DIR/UNIT/broken names cannot be read.
 *
 * Where a unit that is active listens, it does so itself, for nobody, from the moment it is asked where; run it in a
 * network of its own. With DIR/UNIT/deaf it does not.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"
#define UNIT_PREFIX  MANAGER_PATH "/unit"
#define TEXT_LEN     512
#define HELD_MAX     16

static const char *directory;

/* The content of a unit's file without its last line feed; "" when there is none. */
static void read_property(const char *unit, const char *property, char text[static TEXT_LEN])
{
    char path[TEXT_LEN];
    FILE *file;
    size_t len = 0;

    snprintf(path, sizeof(path), "%s/%s/%s", directory, unit, property);
    file = fopen(path, "re");
    if (file != NULL) {
        len = fread(text, 1, TEXT_LEN - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
}

static void write_property(const char *unit, const char *property, const char *value)
{
    char path[TEXT_LEN];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s/%s", directory, unit, property);
    file = fopen(path, "we");
    if (file == NULL || fputs(value, file) == EOF || fclose(file) == EOF)
        err(74, "%s", path);
}

static void create(const char *name)
{
    char path[TEXT_LEN];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "we");
    if (file == NULL || fclose(file) != 0)
        err(74, "%s", path);
}

static int load_unit(sd_bus_message *call)
{
    char *path = NULL;
    const char *unit;
    int result = sd_bus_message_read(call, "s", &unit);

    if (result >= 0)
        result = sd_bus_path_encode(UNIT_PREFIX, unit, &path);
    if (result >= 0)
        result = sd_bus_reply_method_return(call, "o", path);
    free(path);
    return result;
}

static int start_unit(sd_bus_message *call)
{
    sd_bus *bus = sd_bus_message_get_bus(call);
    char end[TEXT_LEN];
    char after[TEXT_LEN];
    const char *unit;
    const char *mode;
    int result = sd_bus_message_read(call, "ss", &unit, &mode);

    if (result < 0)
        return result;
    read_property(unit, "start", end);
    if (end[0] == '\0')
        return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitMasked", "Unit %s is masked.", unit);
    result = sd_bus_reply_method_return(call, "o", MANAGER_PATH "/job/7");
    if (strcmp(end, "never") == 0) {
        create("started");
        return result;
    }
    if (strcmp(end, "done") == 0) {
        read_property(unit, "after", after);
        write_property(unit, "ActiveState", after);
    }
    /* Somebody else's job first: it must not be taken for the one that was asked for. */
    if (result >= 0)
        result = sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "JobRemoved", "uoss", 6, MANAGER_PATH "/job/6", unit,
                                    "canceled");
    if (result >= 0)
        result =
            sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "JobRemoved", "uoss", 7, MANAGER_PATH "/job/7", unit, end);
    return result;
}

/* Once for each connection. */
static int subscribe(sd_bus_message *call)
{
    static char subscriber[64];
    const char *sender = sd_bus_message_get_sender(call);

    if (sender != NULL && strcmp(sender, subscriber) == 0)
        return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.AlreadySubscribed",
                                          "Client is already subscribed.");
    snprintf(subscriber, sizeof subscriber, "%s", sender != NULL ? sender : "");
    return sd_bus_reply_method_return(call, NULL);
}

static int manager(sd_bus_message *call, void *context, sd_bus_error *error)
{
    (void)context;
    (void)error;
    if (sd_bus_message_is_method_call(call, MANAGER, "LoadUnit"))
        return load_unit(call);
    if (sd_bus_message_is_method_call(call, MANAGER, "StartUnit"))
        return start_unit(call);
    if (sd_bus_message_is_method_call(call, MANAGER, "Subscribe"))
        return subscribe(call);
    return 0;
}

/* The sockets that are listened on, and whose they are. */
static struct held {
    char unit[TEXT_LEN];
    int fd; /* 0: none */
} held[HELD_MAX];

static bool is_active(const char *unit)
{
    char state[TEXT_LEN];

    read_property(unit, "ActiveState", state);
    return strcmp(state, "active") == 0;
}

/* What this unit held, as it will be listened for anew, and what is held for one that is not active any more. */
static void let_go(const char *unit)
{
    for (size_t i = 0; i < HELD_MAX; i++)
        if (held[i].fd != 0 && (strcmp(held[i].unit, unit) == 0 || !is_active(held[i].unit))) {
            close(held[i].fd);
            held[i].fd = 0;
        }
}

/* Listen at "[::]:5018" or "127.0.0.1:5018". What is not of this kind, or cannot be listened at, is left out. */
static void hold(const char *unit, const char *listen_at)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    char host[TEXT_LEN];
    unsigned short port;
    const int on = 1;
    bool is_six = sscanf(listen_at, "[%511[^]]]:%hu", host, &port) == 2;
    struct held *place = held;
    int fd;

    if (!is_six && sscanf(listen_at, "%511[0-9.]:%hu", host, &port) != 2)
        return;
    six.sin6_port = four.sin_port = htons(port);
    if (is_six ? inet_pton(AF_INET6, host, &six.sin6_addr) != 1 : inet_pton(AF_INET, host, &four.sin_addr) != 1)
        return;
    while (place < held + HELD_MAX && place->fd != 0)
        place++;
    fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
    if (place == held + HELD_MAX ||
        bind(fd, is_six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four,
             is_six ? sizeof(six) : sizeof(four)) != 0 ||
        listen(fd, 1) != 0) {
        close(fd);
        return;
    }
    place->fd = fd;
    snprintf(place->unit, sizeof(place->unit), "%s", unit);
}

static void listen_for(const char *unit, const char *lines)
{
    char path[TEXT_LEN];
    char copy[TEXT_LEN];
    char *rest = copy;
    const char *line;

    let_go(unit);
    snprintf(path, sizeof(path), "%s/%s/deaf", directory, unit);
    if (!is_active(unit) || access(path, F_OK) == 0)
        return;
    snprintf(copy, sizeof(copy), "%s", lines);
    while ((line = strsep(&rest, "\n")) != NULL)
        hold(unit, line);
}

static int append_listen(sd_bus_message *reply, char *lines)
{
    const char *line;
    int result = sd_bus_message_open_container(reply, 'v', "a(ss)");

    if (result >= 0)
        result = sd_bus_message_open_container(reply, 'a', "(ss)");
    while (result >= 0 && (line = strsep(&lines, "\n")) != NULL)
        result = sd_bus_message_append(reply, "(ss)", "Stream", line);
    if (result >= 0)
        result = sd_bus_message_close_container(reply);
    return result >= 0 ? sd_bus_message_close_container(reply) : result;
}

static int append_condition(sd_bus_message *reply, const char *path)
{
    return sd_bus_message_append(reply, "v", "a(sbbsi)", 2, "ConditionPathExists", 0, 0, "/etc/passwd", 1,
                                 "ConditionPathExists", 0, 1, path, 0);
}

/* Properties.Get of one unit. */
static int unit_property(sd_bus_message *call, void *context, sd_bus_error *error)
{
    sd_bus_message *reply = NULL;
    char *unit = NULL;
    char value[TEXT_LEN];
    const char *interface;
    const char *property;
    int result;

    (void)context;
    (void)error;
    if (!sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get"))
        return 0;
    result = sd_bus_message_read(call, "ss", &interface, &property);
    if (result >= 0)
        result = sd_bus_path_decode(sd_bus_message_get_path(call), UNIT_PREFIX, &unit);
    if (result <= 0)
        return result;
    read_property(unit, "broken", value);
    if (strcmp(property, value) == 0) {
        free(unit);
        return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.Failed", "No %s today.", property);
    }
    read_property(unit, property, value);
    if (strcmp(property, "Listen") == 0)
        listen_for(unit, value);
    if (strcmp(property, "LoadState") == 0 && value[0] == '\0')
        snprintf(value, sizeof(value), "not-found");
    free(unit);
    result = sd_bus_message_new_method_return(call, &reply);
    if (result >= 0 && strcmp(property, "Listen") == 0)
        result = append_listen(reply, value);
    else if (result >= 0 && strcmp(property, "Conditions") == 0)
        result = append_condition(reply, value);
    else if (result >= 0 && property[0] == 'N')
        result = sd_bus_message_append(reply, "v", "u", (uint32_t)strtoul(value, NULL, 10));
    else if (result >= 0)
        result = sd_bus_message_append(reply, "v", "s", value);
    if (result >= 0)
        result = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return result < 0 ? result : 1;
}

static void expect(int result, const char *what)
{
    if (result < 0) {
        errno = -result;
        err(69, "%s", what);
    }
}

int main(int argc, char **argv)
{
    sd_bus *bus;

    if (argc != 2)
        errx(64, "usage: fake-systemd DIR");
    directory = argv[1];
    expect(sd_bus_open_system(&bus), "bus");
    expect(sd_bus_add_object(bus, NULL, MANAGER_PATH, manager, NULL), "manager");
    expect(sd_bus_add_fallback(bus, NULL, UNIT_PREFIX, unit_property, NULL), "units");
    expect(sd_bus_request_name(bus, "org.freedesktop.systemd1", 0), "name");
    create("ready");
    for (;;) {
        const int result = sd_bus_process(bus, NULL);

        expect(result, "process");
        if (result == 0)
            expect(sd_bus_wait(bus, UINT64_MAX), "wait");
    }
}
