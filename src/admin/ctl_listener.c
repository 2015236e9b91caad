/* SPDX-License-Identifier: ISC */
/*
 * What listens, as systemd knows it, beside what the configurations say of it; and whether two want to listen at one
 * place, of which the second to come would get nothing. Called by check, status and add. See ctl.h.
 */
#include "address.h"
#include "ctl.h"
#include "number.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALED_NAME   "ostiary-sealed.cfg"
#define ORDINARY_NAME "ostiary.cfg"
#define XINETD_NAME   "xinetd.d/ostiary"

const char *const ctl_socket_names[CTL_LAYOUTS] = {
    [CTL_ORDINARY] = UNITS_SOCKET,
    [CTL_SEALED] = UNITS_SEALED_SOCKET,
};

void ctl_read_listeners(struct ctl_listeners *listeners)
{
    struct units units;

    *listeners = (struct ctl_listeners){.problem = ""};
    listeners->fault = units_open(&units);
    for (size_t i = 0; i < CTL_LAYOUTS && listeners->fault == UNITS_OK; i++)
        listeners->fault = units_read(&units, ctl_socket_names[i], &listeners->sockets[i]);
    memcpy(listeners->problem, units.problem, sizeof(listeners->problem));
    units_close(&units);
}

static bool is_used(const struct units_socket *socket)
{
    return socket->enabled || socket->active;
}

static enum ctl_layout other_layout(enum ctl_layout layout)
{
    return layout == CTL_SEALED ? CTL_ORDINARY : CTL_SEALED;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool is_heeded(const struct ctl_listeners *listeners, enum ctl_layout layout, const char *state_dir)
{
    const struct units_socket *socket = &listeners->sockets[layout];

    return listeners->fault == UNITS_OK && is_used(socket) && units_is_at(socket, state_dir);
}

enum ctl_layout ctl_layout_of(const struct ctl_listeners *listeners, const char *config_path, const char *state_dir)
{
    const bool by_name = strcmp(base_name(config_path), SEALED_NAME) == 0;
    const enum ctl_layout likely = by_name ? CTL_SEALED : CTL_ORDINARY;

    if (state_dir != NULL && is_heeded(listeners, likely, state_dir))
        return likely;
    if (state_dir != NULL && is_heeded(listeners, other_layout(likely), state_dir))
        return other_layout(likely);
    return by_name ? CTL_SEALED : CTL_LAYOUT_UNKNOWN;
}

bool ctl_is_set_up(const struct ctl_listeners *listeners, const char *config_path, enum ctl_layout layout)
{
    const bool sealed = layout == CTL_SEALED;
    char path[PATH_MAX];

    if (is_used(&listeners->sockets[layout]) || sealed == (which_door(config_path) == DOOR_SEALED))
        return true;
    ctl_beside(config_path, sealed ? SEALED_NAME : ORDINARY_NAME, path);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* ---- places to listen at --------------------------------------------------------------------------------------- */

/* An address and a port; host "" is every address. */
struct place {
    char host[UNITS_TEXT_LEN];
    uint16_t port;
};

#define PLACES_MAX (UNITS_LISTEN_MAX > CONFIG_PORTS_MAX ? UNITS_LISTEN_MAX : CONFIG_PORTS_MAX)

struct places {
    struct place all[PLACES_MAX];
    size_t count;
};

/* One of a socket's addresses, "[::]:5018", in its parts. False: it is no internet address. */
static bool split_listen(const char *listen, struct place *place)
{
    const char *colon = strrchr(listen, ':');
    const char *start = listen;
    uint64_t port;
    size_t len;

    if (colon == NULL || number_parse(colon + 1, (struct number_range){1, 65535}, &port) != NUMBER_OK)
        return false;
    len = (size_t)(colon - listen);
    if (len >= 2 && listen[0] == '[' && colon[-1] == ']') {
        start++;
        len -= 2;
    }
    place->port = (uint16_t)port;
    snprintf(place->host, sizeof(place->host), "%.*s", (int)len, start);
    return true;
}

static void places_of_socket(const struct units_socket *socket, struct places *places)
{
    places->count = 0;
    for (size_t i = 0; i < socket->listen_count; i++)
        if (split_listen(socket->listen[i], &places->all[places->count]))
            places->count++;
}

static void places_of_config(const struct config *config, struct places *places)
{
    places->count = config->port_count == 0 ? 1 : config->port_count;
    for (size_t i = 0; i < places->count; i++) {
        places->all[i].port = config->port_count == 0 ? CTL_PORT : config->ports[i];
        snprintf(places->all[i].host, sizeof(places->all[i].host), "%s",
                 config->local_ip != NULL ? config->local_ip : "");
    }
}

static bool is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
}

static bool same_host(const char *a, const char *b)
{
    struct address left = {0};
    struct address right = {0};

    if (strcmp(a, b) == 0)
        return true;
    return address_parse(a, &left) != ADDRESS_MALFORMED && address_parse(b, &right) != ADDRESS_MALFORMED &&
           memcmp(left.bytes, right.bytes, sizeof(left.bytes)) == 0 && strcmp(left.interface, right.interface) == 0;
}

/* Can one process alone listen at both? */
static bool collide(const struct place *a, const struct place *b)
{
    return a->port == b->port && (is_any(a->host) || is_any(b->host) || same_host(a->host, b->host));
}

/* The first place of one that collides with one of the other; NULL: none does. */
static const struct place *collision(const struct places *ones, const struct places *others)
{
    for (size_t i = 0; i < ones->count; i++)
        for (size_t j = 0; j < others->count; j++)
            if (collide(&ones->all[i], &others->all[j]))
                return &ones->all[i];
    return NULL;
}

/* ---- is it as it is written? ----------------------------------------------------------------------------------- */

/* Is every PORT listened to, and nothing else? */
static bool ports_agree(const struct config *config, const struct places *places)
{
    bool heard[CONFIG_PORTS_MAX] = {false};
    bool agree = true;

    if (config->port_count == 0)
        return true;
    for (size_t i = 0; i < places->count; i++) {
        bool known = false;

        for (size_t p = 0; p < config->port_count; p++) {
            heard[p] |= config->ports[p] == places->all[i].port;
            known |= config->ports[p] == places->all[i].port;
        }
        agree &= known;
    }
    for (size_t p = 0; p < config->port_count; p++)
        agree &= heard[p];
    return agree;
}

static bool hosts_agree(const struct config *config, const struct places *places)
{
    bool agree = true;

    if (config->local_ip == NULL)
        return true;
    for (size_t i = 0; i < places->count; i++)
        agree &= same_host(places->all[i].host, config->local_ip);
    return agree;
}

bool ctl_listens_as_written(const struct config *config, const struct units_socket *socket)
{
    struct places places;

    places_of_socket(socket, &places);
    return ports_agree(config, &places) && hosts_agree(config, &places);
}

static void join_listen(const struct units_socket *socket, char text[static UNITS_TEXT_LEN])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < socket->listen_count && used < UNITS_TEXT_LEN; i++)
        used += (size_t)snprintf(text + used, UNITS_TEXT_LEN - used, "%s%s", i == 0 ? "" : ", ", socket->listen[i]);
}

static void check_agreement(const struct ctl *ctl, const struct ctl_subject *subject, const char *name,
                            const struct units_socket *socket)
{
    struct places places;
    char listen[UNITS_TEXT_LEN];

    join_listen(socket, listen);
    places_of_socket(socket, &places);
    if (!ports_agree(&ctl->config, &places))
        ctl_find(subject, CONFIG_WARNING,
                 "PORT is not what %s listens on (%s): run 'systemctl daemon-reload && systemctl restart %s'", name,
                 listen, name);
    if (!hosts_agree(&ctl->config, &places))
        ctl_find(subject, CONFIG_WARNING,
                 "LOCAL_IP is not what %s listens on (%s): run 'systemctl daemon-reload && systemctl restart %s'", name,
                 listen, name);
}

/* ---- is there somebody else? ----------------------------------------------------------------------------------- */

/* What is wrong with it is for the check of that one to name. */
enum ctl_other ctl_load_other(const char *config_path, char path[static PATH_MAX], struct config *config)
{
    const struct config_reader reader = {
        .path = path, .report = ctl_take_finding, .context = &(struct ctl_findings){0}};
    const char *base = base_name(config_path);
    const bool sealed = strcmp(base, SEALED_NAME) == 0;

    if (!sealed && strcmp(base, ORDINARY_NAME) != 0)
        return CTL_OTHER_NONE;
    ctl_beside(config_path, sealed ? ORDINARY_NAME : SEALED_NAME, path);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return CTL_OTHER_NONE;
    return config_load(&reader, config) == 0 ? CTL_OTHER_LOADED : CTL_OTHER_BROKEN;
}

/*
 * Each door has a table of its own, as they had before they could share one. How to move is said in commands that can
 * be typed as they stand: into the knock's table, which root or the sealed door's user owns.
 */
static void say_two_tables(const struct ctl *ctl, const struct ctl_subject *subject, const char *other_path,
                           const char *other_dir)
{
    const bool sealed = which_door(ctl->config_path) == DOOR_SEALED;
    const char *sealed_path = sealed ? ctl->config_path : other_path;
    const char *into = sealed ? other_dir : ctl->config.state_dir;
    const char *from = sealed ? ctl->config.state_dir : other_dir;

    ctl_find(subject, CONFIG_NOTE,
             "STATE_DIR: who is locked out here is not at the other door, whose table is in %s: to have one table, run "
             "'systemctl stop " UNITS_SOCKET " " UNITS_SEALED_SOCKET "', 'chown -R " CTL_SEALED_USER ":" CTL_SEALED_USER
             " %s', 'ostiaryctl -c %s merge %s', 'sed -i \"s,^ *STATE_DIR *=.*,STATE_DIR=\\\"%s\\\",\" %s', "
             "'systemctl daemon-reload' and 'systemctl start " UNITS_SOCKET " " UNITS_SEALED_SOCKET "'",
             other_dir, into, sealed ? other_path : ctl->config_path, from, into, sealed_path);
}

/*
 * Two configurations that go by one table, and not by the same numbers. Who is one source is the same for all that is
 * in the table, or it is not found again; in the others each door may have a will of its own.
 */
static void compare_limits(const struct ctl *ctl, const struct ctl_subject *subject, const char *other_path,
                           const struct config *other)
{
    const struct config *own = &ctl->config;
    const struct {
        const char *keyword;
        unsigned ours, theirs;
    } limits[] = {
        {"MAX_BAD_CONNS", own->max_bad_conns, other->max_bad_conns},
        {"LOCKOUT_TIME", own->lockout_time, other->lockout_time},
        {"STRIKE_TIME", own->strike_time, other->strike_time},
        {"MAX_SINGLE_ERRS", own->max_single_errs, other->max_single_errs},
    };

    if (own->ipv6_prefix != other->ipv6_prefix)
        ctl_find(subject, CONFIG_WARNING,
                 "IPV6_PREFIX is %u here and %u in %s, which goes by the same table: who is locked at one door is "
                 "another source at the other: write the same into both",
                 own->ipv6_prefix, other->ipv6_prefix, other_path);
    if (own->table_size != other->table_size)
        ctl_find(subject, CONFIG_WARNING,
                 "TABLE_SIZE is %" PRIu64 " here and %" PRIu64
                 " in %s, which goes by the same table: write the same into "
                 "both",
                 own->table_size, other->table_size, other_path);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i].ours != limits[i].theirs)
            ctl_find(
                subject, CONFIG_NOTE,
                "%s is %u here and %u in %s: strikes at both doors add up in one table, and each door goes by its own "
                "number, also where it forgets or locks for the other, so that who can knock at both has the guesses "
                "of the laxer one: if that is not meant, write the same into both",
                limits[i].keyword, limits[i].ours, limits[i].theirs, other_path);
}

/* False: the other one's has errors. Its socket then does not start, and what it would listen on says nothing. */
static bool check_other_config(const struct ctl *ctl, const struct ctl_subject *subject, const char *other_socket)
{
    char path[PATH_MAX];
    struct config other;
    struct places ours;
    struct places theirs;
    const struct place *place;

    switch (ctl_load_other(ctl->config_path, path, &other)) {
    case CTL_OTHER_NONE:
        return true;
    case CTL_OTHER_BROKEN:
        ctl_find(subject, CONFIG_WARNING, "the configuration of %s has errors: run 'ostiaryctl -c %s check'",
                 other_socket, path);
        return false;
    case CTL_OTHER_LOADED:
        break;
    }
    places_of_config(&ctl->config, &ours);
    places_of_config(&other, &theirs);
    place = collision(&ours, &theirs);
    if (place != NULL)
        ctl_find(subject, CONFIG_ERROR,
                 "PORT: %u is also the port of %s, which is enabled too: write another PORT= into one of the two "
                 "configurations, then run 'systemctl daemon-reload'",
                 place->port, other_socket);
    if (!ctl_is_same_directory(ctl->config.state_dir, other.state_dir))
        say_two_tables(ctl, subject, path, other.state_dir);
    else
        compare_limits(ctl, subject, path, &other);
    config_free(&other);
    return true;
}

/* Two enabled socket units; what each will listen on stands in its configuration, or in a drop-in that nobody but
 * systemd has read. */
static void check_other_socket(const struct ctl *ctl, const struct ctl_subject *subject,
                               const struct ctl_listeners *listeners, enum ctl_layout layout)
{
    const enum ctl_layout other = other_layout(layout);
    const unsigned before = subject->findings->errors;
    struct places ours;
    struct places theirs;
    const struct place *place;

    if (!is_used(&listeners->sockets[other]))
        return;
    if (!check_other_config(ctl, subject, ctl_socket_names[other]))
        return;
    places_of_socket(&listeners->sockets[layout], &ours);
    places_of_socket(&listeners->sockets[other], &theirs);
    place = collision(&ours, &theirs);
    if (place != NULL && subject->findings->errors == before)
        ctl_find(subject, CONFIG_ERROR,
                 "%s and %s are both enabled, and both are to listen on port %u: see "
                 "'systemctl cat %s %s'",
                 ctl_socket_names[layout], ctl_socket_names[other], place->port, ctl_socket_names[layout],
                 ctl_socket_names[other]);
}

/* The service file of xinetd beside the configuration. False: there is none, or it is switched off. */
static bool read_xinetd(const char *config_path, char path[static PATH_MAX], struct place *place)
{
    bool enabled = true;
    char line[LINE_MAX];
    char key[32];
    char value[64];
    uint64_t port;
    FILE *file;

    ctl_beside(config_path, XINETD_NAME, path);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    *place = (struct place){.port = CTL_PORT};
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, " %31[a-z_] = %63s", key, value) != 2)
            continue;
        if (strcmp(key, "disable") == 0)
            enabled = strcmp(value, "yes") != 0;
        else if (strcmp(key, "port") == 0 && number_parse(value, (struct number_range){1, 65535}, &port) == NUMBER_OK)
            place->port = (uint16_t)port;
        else if (strcmp(key, "bind") == 0)
            snprintf(place->host, sizeof(place->host), "%s", value);
    }
    fclose(file);
    return enabled;
}

uint16_t ctl_knock_port(const struct ctl *ctl, const struct units_socket *socket)
{
    char path[PATH_MAX];
    struct place xinetd;
    struct places places;

    if (read_xinetd(ctl->config_path, path, &xinetd))
        return xinetd.port;
    if (ctl->config.port_count != 0)
        return ctl->config.ports[0];
    places_of_socket(socket, &places);
    return units_is_at(socket, ctl->config.state_dir) && places.count != 0 ? places.all[0].port : CTL_PORT;
}

bool ctl_is_default_config(const char *config_path)
{
    const bool sealed = strcmp(base_name(config_path), SEALED_NAME) == 0;
    char path[PATH_MAX] = OSTIARY_CONFIG;
    struct stat ours;
    struct stat named;

    if (sealed)
        ctl_beside(OSTIARY_CONFIG, SEALED_NAME, path);
    return stat(path, &named) == 0 && stat(config_path, &ours) == 0 && named.st_dev == ours.st_dev &&
           named.st_ino == ours.st_ino;
}

static void check_xinetd(const struct ctl *ctl, const struct ctl_subject *subject, const char *socket_name)
{
    struct places ours;
    struct places theirs = {.count = 1};
    char path[PATH_MAX];

    if (!read_xinetd(ctl->config_path, path, &theirs.all[0]))
        return;
    places_of_config(&ctl->config, &ours);
    if (collision(&ours, &theirs) != NULL)
        ctl_find(subject, CONFIG_ERROR,
                 "PORT: %u is given to xinetd too, in %s, while %s is enabled: say 'disable = yes' there, or run "
                 "'systemctl disable --now %s'",
                 theirs.all[0].port, path, socket_name, socket_name);
}

/* Does somebody listen there? Not known: this user may not bind it, or the address is not this machine's now. */
enum tenant { TENANT_NONE, TENANT_SOMEBODY, TENANT_UNKNOWN };

/* Binding a socket, as systemd does it, is the proof; it is never listened on, and closed at once. */
static enum tenant find_tenant(const struct place *place)
{
    const int on = 1;
    const int off = 0;
    struct address address = {0};
    struct sockaddr_in6 bound = {.sin6_family = AF_INET6, .sin6_port = htons(place->port)};
    enum tenant tenant = TENANT_NONE;
    int fd;

    if (!is_any(place->host) && address_parse(place->host, &address) != ADDRESS_OK)
        return TENANT_UNKNOWN;
    memcpy(&bound.sin6_addr, address.bytes, sizeof(bound.sin6_addr));
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TENANT_UNKNOWN;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)&bound, sizeof(bound)) != 0)
        tenant = errno == EADDRINUSE ? TENANT_SOMEBODY : TENANT_UNKNOWN;
    close(fd);
    return tenant;
}

bool ctl_xinetd_is_on(const char *config_path, char path[static PATH_MAX], bool *heard)
{
    struct place place;

    if (!read_xinetd(config_path, path, &place))
        return false;
    *heard = find_tenant(&place) != TENANT_NONE;
    return true;
}

bool ctl_is_deaf(const struct units_socket *socket)
{
    struct places places;

    places_of_socket(socket, &places);
    for (size_t i = 0; socket->active && i < places.count; i++)
        if (find_tenant(&places.all[i]) == TENANT_NONE)
            return true;
    return false;
}

static void check_hearing(const struct ctl_subject *subject, const char *socket_name, const struct units_socket *socket)
{
    char listen[UNITS_TEXT_LEN];

    if (!ctl_is_deaf(socket))
        return;
    join_listen(socket, listen);
    ctl_find(
        subject, CONFIG_ERROR,
        "nobody listens on %s, though systemd takes %s for active, as after a 'systemctl daemon-reload' that found "
        "another PORT or LOCAL_IP: run 'systemctl restart %s'",
        listen, socket_name, socket_name);
}

/* A warning, as what is wrong may have been mended by now, and the socket not been started again. */
static void check_failure(const struct ctl_subject *subject, const char *socket_name, const struct units_socket *socket)
{
    if (strcmp(socket->state, "failed") == 0)
        ctl_find(subject, CONFIG_WARNING, "nobody listens, as %s has failed: 'systemctl status %s' says why",
                 socket_name, socket_name);
}

/* Where the unit listens now nobody else does; where it is to listen somebody may. */
static void check_strangers(const struct ctl *ctl, const struct ctl_subject *subject, const char *socket_name,
                            const struct units_socket *socket)
{
    struct places wanted;
    struct places held;

    places_of_config(&ctl->config, &wanted);
    places_of_socket(socket, &held);
    if (!socket->active)
        held.count = 0;
    for (size_t i = 0; i < wanted.count; i++) {
        struct places one = {.all = {wanted.all[i]}, .count = 1};

        if (collision(&one, &held) == NULL && find_tenant(&wanted.all[i]) == TENANT_SOMEBODY)
            ctl_find(subject, CONFIG_ERROR,
                     "PORT: somebody else listens on %u, so that %s cannot: 'ss -ltnp sport = %u' names who it is",
                     wanted.all[i].port, socket_name, wanted.all[i].port);
    }
}

/* Where systemd cannot be asked, or nothing of Ostiary is enabled, there is nothing to compare with. */
void ctl_check_listeners(const struct ctl *ctl, const struct ctl_listeners *listeners, struct ctl_findings *findings)
{
    const struct ctl_subject subject = {findings, ctl->config_path};
    const enum ctl_layout layout = ctl_layout_of(listeners, ctl->config_path, ctl->config.state_dir);
    const unsigned before = findings->errors;

    if (layout != CTL_LAYOUT_UNKNOWN && is_heeded(listeners, layout, ctl->config.state_dir)) {
        const struct units_socket *socket = &listeners->sockets[layout];

        check_agreement(ctl, &subject, ctl_socket_names[layout], socket);
        check_other_socket(ctl, &subject, listeners, layout);
        check_xinetd(ctl, &subject, ctl_socket_names[layout]);
        if (findings->errors == before) /* else who it is has been said */
            check_strangers(ctl, &subject, ctl_socket_names[layout], socket);
        check_hearing(&subject, ctl_socket_names[layout], socket);
        if (findings->errors == before)
            check_failure(&subject, ctl_socket_names[layout], socket);
    } else if (is_used(&listeners->sockets[CTL_ORDINARY]) || is_used(&listeners->sockets[CTL_SEALED])) {
        ctl_find(&subject, CONFIG_WARNING,
                 "STATE_DIR: no enabled socket unit heeds %s/closed: enable the one that is to listen, and after a "
                 "change of STATE_DIR run 'systemctl daemon-reload'",
                 ctl->config.state_dir);
    }
}
