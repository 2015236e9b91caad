/* SPDX-License-Identifier: ISC */
/* See units.h. */
#include "units.h"

#include "doors.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT    "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SOCKET  "org.freedesktop.systemd1.Socket"
#define SYSTEMD_PRIVATE "unix:path=/run/systemd/private"
#define PATIENCE_USEC   (10 * 1000000ULL)
#define JOB_PATIENCE_MS (30 * 1000)

static enum units_fault problem(struct units *units, enum units_fault fault, const sd_bus_error *error, int code)
{
    if (error != NULL && error->message != NULL)
        snprintf(units->problem, sizeof(units->problem), "%s", error->message);
    else
        snprintf(units->problem, sizeof(units->problem), "%s", strerror(-code));
    return fault;
}

/* Without a bus daemon, as on a small machine, root can still talk to systemd itself. */
static int open_private(sd_bus **bus)
{
    int result = sd_bus_new(bus);

    if (result >= 0)
        result = sd_bus_set_address(*bus, SYSTEMD_PRIVATE);
    if (result >= 0)
        result = sd_bus_start(*bus);
    return result;
}

enum units_fault units_open(struct units *units)
{
    int result;

    *units = (struct units){.bus = NULL};
    result = sd_booted();
    if (result < 0)
        return problem(units, UNITS_FAILED, NULL, result);
    if (result == 0)
        return UNITS_NO_SYSTEMD;
    result = sd_bus_open_system(&units->bus);
    if (result < 0 && geteuid() == 0) {
        units->bus = sd_bus_unref(units->bus);
        result = open_private(&units->bus);
    }
    if (result < 0)
        return problem(units, UNITS_NO_BUS, NULL, result);
    sd_bus_set_method_call_timeout(units->bus, PATIENCE_USEC);
    return UNITS_OK;
}

void units_close(struct units *units)
{
    units->bus = sd_bus_flush_close_unref(units->bus);
}

/* A property that is a string, into a text of the usual length. */
static int read_text(struct units *units, const char *path, const char *property, sd_bus_error *error,
                     char text[static UNITS_TEXT_LEN])
{
    char *value = NULL;
    const int result =
        sd_bus_get_property_string(units->bus, SYSTEMD_NAME, path, SYSTEMD_UNIT, property, error, &value);

    if (result >= 0)
        snprintf(text, UNITS_TEXT_LEN, "%s", value);
    free(value);
    return result;
}

static int read_count(struct units *units, const char *path, const char *property, sd_bus_error *error, uint32_t *count)
{
    return sd_bus_get_property_trivial(units->bus, SYSTEMD_NAME, path, SYSTEMD_SOCKET, property, error, 'u', count);
}

/* Listen is an array of kind and address; all but streams are left out. */
static int read_listen(struct units *units, const char *path, sd_bus_error *error, struct units_socket *socket)
{
    sd_bus_message *reply = NULL;
    const char *kind;
    const char *address;
    int result = sd_bus_get_property(units->bus, SYSTEMD_NAME, path, SYSTEMD_SOCKET, "Listen", error, &reply, "a(ss)");

    if (result >= 0)
        result = sd_bus_message_enter_container(reply, 'a', "(ss)");
    while (result >= 0 && (result = sd_bus_message_read(reply, "(ss)", &kind, &address)) > 0)
        if (strcmp(kind, "Stream") == 0 && socket->listen_count < UNITS_LISTEN_MAX)
            snprintf(socket->listen[socket->listen_count++], UNITS_TEXT_LEN, "%s", address);
    sd_bus_message_unref(reply);
    return result;
}

/* Is "[fe80::1]:5018" in a socket's list a link-local address, without its interface? */
static bool lacks_interface(const char *listen)
{
    return strncasecmp(listen, "[fe", 3) == 0 && strchr("89abAB", listen[3]) != NULL && strchr(listen, '%') == NULL;
}

/* The generator puts the interface of a link-local address into BindToDevice=: here it stands in the address again. */
static int read_interface(struct units *units, const char *path, sd_bus_error *error, struct units_socket *socket)
{
    char *interface = NULL;
    const int result =
        sd_bus_get_property_string(units->bus, SYSTEMD_NAME, path, SYSTEMD_SOCKET, "BindToDevice", error, &interface);

    for (size_t i = 0; result >= 0 && interface[0] != '\0' && i < socket->listen_count; i++) {
        char listen[UNITS_TEXT_LEN];
        const size_t len = strcspn(socket->listen[i], "]");

        memcpy(listen, socket->listen[i], sizeof(listen));
        if (lacks_interface(listen))
            snprintf(socket->listen[i], UNITS_TEXT_LEN, "%.*s%%%.15s%s", (int)len, listen, interface, listen + len);
    }
    free(interface);
    return result;
}

/* Is it STATE_DIR/closed? */
static bool is_for_all_doors(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && strcmp(slash + 1, doors_closed_name(DOOR_EVERY)) == 0;
}

/*
 * Conditions is an array of kind, trigger, negate, parameter and state. Of the files with which the socket stays shut,
 * the one that shuts all doors says whose table it is.
 */
static int read_door(struct units *units, const char *path, sd_bus_error *error, struct units_socket *socket)
{
    sd_bus_message *reply = NULL;
    const char *kind;
    const char *parameter;
    int trigger;
    int negate;
    int32_t state;
    int result =
        sd_bus_get_property(units->bus, SYSTEMD_NAME, path, SYSTEMD_UNIT, "Conditions", error, &reply, "a(sbbsi)");

    if (result >= 0)
        result = sd_bus_message_enter_container(reply, 'a', "(sbbsi)");
    while (result >= 0 &&
           (result = sd_bus_message_read(reply, "(sbbsi)", &kind, &trigger, &negate, &parameter, &state)) > 0)
        if (strcmp(kind, "ConditionPathExists") == 0 && negate != 0 && is_for_all_doors(parameter))
            snprintf(socket->door, sizeof(socket->door), "%s", parameter);
    sd_bus_message_unref(reply);
    return result;
}

/* Where the unit is on the bus. Asking makes systemd load it. */
static int find(struct units *units, const char *name, sd_bus_error *error, char path[static UNITS_TEXT_LEN])
{
    sd_bus_message *reply = NULL;
    const char *found;
    int result = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "LoadUnit", error, &reply,
                                    "s", name);

    if (result >= 0)
        result = sd_bus_message_read(reply, "o", &found);
    if (result >= 0)
        snprintf(path, UNITS_TEXT_LEN, "%s", found);
    sd_bus_message_unref(reply);
    return result;
}

static int read_socket(struct units *units, const char *name, sd_bus_error *error, struct units_socket *socket)
{
    char path[UNITS_TEXT_LEN];
    char word[UNITS_TEXT_LEN];
    int result = find(units, name, error, path);

    if (result >= 0)
        result = read_text(units, path, "LoadState", error, word);
    if (result < 0 || strcmp(word, "not-found") == 0)
        return result;
    result = read_text(units, path, "UnitFileState", error, word);
    socket->enabled = result >= 0 && strncmp(word, "enabled", strlen("enabled")) == 0;
    if (result >= 0)
        result = read_text(units, path, "ActiveState", error, socket->state);
    if (result >= 0)
        result = read_count(units, path, "NAccepted", error, &socket->accepted);
    if (result >= 0)
        result = read_count(units, path, "NConnections", error, &socket->connected);
    if (result >= 0)
        result = read_count(units, path, "NRefused", error, &socket->refused);
    if (result >= 0)
        result = read_listen(units, path, error, socket);
    if (result >= 0)
        result = read_interface(units, path, error, socket);
    if (result >= 0)
        result = read_door(units, path, error, socket);
    socket->active = strcmp(socket->state, "active") == 0;
    socket->installed = result >= 0;
    return result;
}

bool units_is_at(const struct units_socket *socket, const char *state_dir)
{
    const size_t len = strlen(state_dir);

    return socket->installed && strncmp(socket->door, state_dir, len) == 0 &&
           strcmp(socket->door + len, "/closed") == 0;
}

enum units_fault units_read(struct units *units, const char *name, struct units_socket *socket)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    enum units_fault fault = UNITS_OK;
    int result;

    *socket = (struct units_socket){.installed = false};
    result = read_socket(units, name, &error, socket);
    if (result < 0)
        fault = problem(units, UNITS_FAILED, &error, result);
    sd_bus_error_free(&error);
    return fault;
}

enum units_fault units_ask_enabled(struct units *units, const char *name, bool *enabled)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    enum units_fault fault = UNITS_OK;
    char path[UNITS_TEXT_LEN];
    char word[UNITS_TEXT_LEN] = "";
    int result = find(units, name, &error, path);

    if (result >= 0)
        result = read_text(units, path, "UnitFileState", &error, word);
    if (result < 0)
        fault = problem(units, UNITS_FAILED, &error, result);
    *enabled = strncmp(word, "enabled", strlen("enabled")) == 0;
    sd_bus_error_free(&error);
    return fault;
}

/* A job that was asked for, and what systemd said at its end. */
struct job {
    char path[UNITS_TEXT_LEN];
    char result[UNITS_TEXT_LEN]; /* "" until then */
};

static int take_job_end(sd_bus_message *message, void *context, sd_bus_error *error)
{
    struct job *job = context;
    const char *path;
    const char *unit;
    const char *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && strcmp(path, job->path) == 0)
        snprintf(job->result, sizeof(job->result), "%s", result);
    return 0;
}

/* Handle what systemd says until the job has ended. */
static int wait_for(struct units *units, const struct job *job)
{
    const int64_t deadline_ms = clock_now_ms() + JOB_PATIENCE_MS;

    while (job->result[0] == '\0') {
        const int left_ms = clock_left_ms(deadline_ms);
        int result = sd_bus_process(units->bus, NULL);

        if (result < 0)
            return result;
        if (result > 0)
            continue;
        if (left_ms == 0)
            return -ETIMEDOUT;
        result = sd_bus_wait(units->bus, (uint64_t)left_ms * 1000);
        if (result < 0 && result != -EINTR)
            return result;
    }
    return 0;
}

/* Once for each connection: a second time is an error to systemd. */
static int subscribe(struct units *units, sd_bus_error *error)
{
    int result;

    if (units->subscribed)
        return 0;
    result =
        sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", error, NULL, NULL);
    units->subscribed = result >= 0;
    return result;
}

static int start(struct units *units, const char *name, sd_bus_error *error, struct job *job)
{
    sd_bus_message *reply = NULL;
    sd_bus_slot *slot = NULL;
    const char *path;
    int result;

    /* Listening before the job is made, so that its end cannot be missed. */
    result = sd_bus_match_signal(units->bus, &slot, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved",
                                 take_job_end, job);
    if (result >= 0)
        result = subscribe(units, error);
    if (result >= 0)
        result = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit", error, &reply,
                                    "ss", name, "replace");
    if (result >= 0)
        result = sd_bus_message_read(reply, "o", &path);
    if (result >= 0) {
        snprintf(job->path, sizeof(job->path), "%s", path);
        result = wait_for(units, job);
    }
    sd_bus_slot_unref(slot);
    sd_bus_message_unref(reply);
    return result;
}

/* A start of what is starting already is its end to wait for; a start of what is not changes nothing. */
void units_await_closer(struct units *units)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    struct job job = {.result = ""};

    (void)start(units, UNITS_CLOSER, &error, &job);
    sd_bus_error_free(&error);
}

enum units_fault units_start(struct units *units, const char *name)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    struct job job = {.result = ""};
    struct units_socket socket;
    enum units_fault fault;
    const int result = start(units, name, &error, &job);

    if (result < 0) {
        fault = problem(units, UNITS_FAILED, &error, result);
        sd_bus_error_free(&error);
        return fault;
    }
    if (strcmp(job.result, "done") != 0) {
        snprintf(units->problem, sizeof(units->problem), "its start ended as '%.200s'", job.result);
        return UNITS_FAILED;
    }
    /* "done" is also said of a unit whose condition was not met. */
    fault = units_read(units, name, &socket);
    if (fault == UNITS_OK && !socket.active) {
        snprintf(units->problem, sizeof(units->problem), "it is '%.200s' after its start", socket.state);
        return UNITS_FAILED;
    }
    return fault;
}
