/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl grants, grant and revoke, and what check and status say of the gates. All of it is ostgrant's to do and to
 * know: nothing here touches the firewall or the record. See ctl.h.
 */
#include "ctl.h"
#include "gates.h"
#include "granter.h"
#include "number.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 10
#define LINE_LEN      1024

extern char **environ;

/* What ostgrant is called with. */
struct errand {
    char config_path[PATH_MAX];
    const char *arguments[ARGUMENTS_MAX + 1]; /* the last one is NULL */
    size_t count;
};

static void add_argument(struct errand *errand, const char *argument)
{
    errand->arguments[errand->count++] = argument;
}

static void begin(struct errand *errand, const char *config_path, const char *command)
{
    *errand = (struct errand){.count = 0};
    ctl_beside(config_path, GATES_NAME, errand->config_path);
    add_argument(errand, "ostgrant");
    add_argument(errand, "-c");
    add_argument(errand, errand->config_path);
    add_argument(errand, command);
}

/* exec(3) takes char *const[], though it changes nothing. */
static char *const *argv_of(const struct errand *errand)
{
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = errand->arguments};

    return arguments.out;
}

static _Noreturn void become(const struct errand *errand)
{
    execv(granter_path, argv_of(errand));
    if (errno == ENOENT)
        errx(CTL_UNAVAILABLE, "%s: it is not installed", granter_path);
    err(CTL_UNAVAILABLE, "%s", granter_path);
}

/* ---- the commands ---------------------------------------------------------------------------------------------- */

enum ctl_status ctl_grants(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"user", required_argument, NULL, 'u'},
        {NULL, 0, NULL, 0},
    };
    struct errand errand;
    int option;

    begin(&errand, ctl->config_path, "list");
    while ((option = ctl_option(argc, argv, ":", options)) != -1) {
        if (option == 'j') {
            add_argument(&errand, "--json");
            continue;
        }
        add_argument(&errand, "--user");
        add_argument(&errand, optarg);
    }
    ctl_arguments(argc, argv, 0, 0);
    become(&errand);
}

enum ctl_status ctl_grant(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"user", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
    const char *user = NULL;
    struct errand errand;
    char **arguments;

    while (ctl_option(argc, argv, ":", options) != -1)
        user = optarg;
    arguments = ctl_arguments(argc, argv, 2, 3);
    begin(&errand, ctl->config_path, "grant");
    add_argument(&errand, arguments[0]);
    add_argument(&errand, arguments[1]);
    if (arguments[2] != NULL)
        add_argument(&errand, arguments[2]);
    else if (user != NULL)
        add_argument(&errand, "-"); /* the gate's own lifetime */
    if (user != NULL)
        add_argument(&errand, user);
    become(&errand);
}

enum ctl_status ctl_revoke(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"user", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
    const char *user = NULL;
    struct errand errand;
    char **arguments;

    while (ctl_option(argc, argv, ":", options) != -1)
        user = optarg;
    arguments = user != NULL ? ctl_arguments(argc, argv, 1, 1) : ctl_arguments(argc, argv, 2, 2);
    begin(&errand, ctl->config_path, "revoke");
    add_argument(&errand, arguments[0]);
    add_argument(&errand, user != NULL ? "--user" : arguments[1]);
    if (user != NULL)
        add_argument(&errand, user);
    become(&errand);
}

/* ---- what ostgrant says ---------------------------------------------------------------------------------------- */

/* Start it, with the pipe as its standard output. Returns 0, or an error number. */
static int start(const struct errand *errand, const int pipe_fds[static 2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn(pid, granter_path, &actions, NULL, argv_of(errand), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Its exit status; one that a signal has ended has none. */
static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            err(CTL_OS, "ostgrant");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct audience {
    void (*take)(void *context, char *line);
    void *context;
};

/* Run it, and hand over each line that it prints. *status becomes its exit status. Returns 0, or -1 with errno. */
static int listen_to(const struct errand *errand, const struct audience *audience, int *status)
{
    char line[LINE_LEN];
    int pipe_fds[2];
    FILE *said;
    pid_t pid;
    int error;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        err(CTL_OS, "pipe");
    said = fdopen(pipe_fds[0], "r");
    if (said == NULL)
        err(CTL_OS, "pipe");
    error = start(errand, pipe_fds, &pid);
    close(pipe_fds[1]);
    while (error == 0 && fgets(line, sizeof(line), said) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        audience->take(audience->context, line);
    }
    fclose(said);
    if (error == 0)
        *status = wait_for(pid);
    errno = error;
    return error == 0 ? 0 : -1;
}

/* ---- check ------------------------------------------------------------------------------------------------------ */

bool ctl_has_gates(const char *config_path, char path[static PATH_MAX])
{
    ctl_beside(config_path, GATES_NAME, path);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* "file:line: severity: text", or without the line. What is none is passed on as it is. */
static void take_finding(void *context, char *line)
{
    static const enum config_severity severities[] = {CONFIG_ERROR, CONFIG_WARNING, CONFIG_NOTE};
    struct ctl_findings *findings = context;

    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
        char mark[32];

        snprintf(mark, sizeof(mark), ": %s: ", config_severity_text(severities[i]));
        if (strstr(line, mark) == NULL)
            continue;
        findings->errors += severities[i] == CONFIG_ERROR;
        findings->warnings += severities[i] == CONFIG_WARNING;
        break;
    }
    if (findings->out != NULL)
        fprintf(findings->out, "%s\n", line);
}

void ctl_check_gates(const struct ctl *ctl, struct ctl_findings *findings)
{
    const unsigned before = findings->errors;
    const struct audience audience = {take_finding, findings};
    char path[PATH_MAX];
    const struct ctl_subject subject = {findings, path};
    struct errand errand;
    int status;

    if (!ctl_has_gates(ctl->config_path, path))
        return;
    if (geteuid() != 0) {
        ctl_find(&subject, CONFIG_NOTE, "root alone can see the firewall: nothing of the gates was looked at");
        return;
    }
    begin(&errand, ctl->config_path, "check");
    fflush(stdout); /* what stands before it was said before it */
    if (listen_to(&errand, &audience, &status) != 0)
        ctl_find(&subject, CONFIG_ERROR, "its gates are not looked after: %s: %s", granter_path, strerror(errno));
    else if (status != CTL_OK && findings->errors == before)
        ctl_find(&subject, CONFIG_ERROR, "ostgrant cannot look at it: run 'ostgrant -c %s check'", path);
}

/* ---- add ----------------------------------------------------------------------------------------------------------
 */

static void print_findings(const struct ctl *ctl)
{
    struct ctl_findings findings = {.out = NULL};
    char *text = NULL;
    size_t len = 0;

    findings.out = open_memstream(&text, &len);
    if (findings.out == NULL)
        err(CTL_OS, "memory");
    ctl_check_gates(ctl, &findings);
    fclose(findings.out);
    if (findings.errors + findings.warnings > 0)
        printf("Still to be done for the gates, as 'ostiaryctl check' says:\n%s", text);
    free(text);
}

void ctl_print_gate(const struct ctl *ctl, const char *name, bool shuts)
{
    char path[PATH_MAX];
    struct ctl_findings findings = {.out = NULL};
    const struct config_reader reader = {.path = path, .report = ctl_take_finding, .context = &findings};
    const struct gate *gate = NULL;
    char lifetime[NUMBER_TIME_LEN];
    struct gates gates = {0};

    ctl_beside(ctl->config_path, GATES_NAME, path);
    if (gates_load(&reader, &gates) == 0)
        gate = gates_find(&gates, name);
    if (gate != NULL) {
        number_format_time(gate->lifetime_s, lifetime);
        printf(shuts ? "Gate %s shuts to the address that knocks.\n"
                     : "Gate %s opens to the address that knocks, for %s.\n",
               name, lifetime);
    }
    gates_free(&gates);
    print_findings(ctl);
}

/* ---- status ----------------------------------------------------------------------------------------------------- */

/* One grant: its state is the last word. */
static void take_grant(void *context, char *line)
{
    struct ctl_gates *gates = context;
    const char *state = strrchr(line, ' ');

    if (state == NULL || strcmp(state, " STATE") == 0)
        return;
    if (strcmp(state, " open") == 0)
        gates->open++;
    else
        gates->others++;
}

static void count_gates(const char *path, struct ctl_gates *gates)
{
    const struct config_reader reader = {
        .path = path,
        .report = ctl_take_finding,
        .context = &(struct ctl_findings){.out = NULL},
    };
    struct gates read;

    if (gates_load(&reader, &read) != 0)
        return;
    gates->count = read.count;
    gates_free(&read);
}

void ctl_read_gates(const struct ctl *ctl, struct ctl_gates *gates)
{
    const struct audience audience = {take_grant, gates};
    char path[PATH_MAX];
    struct errand errand;

    *gates = (struct ctl_gates){.there = ctl_has_gates(ctl->config_path, path)};
    if (!gates->there)
        return;
    ctl_check_gates(ctl, &gates->findings);
    count_gates(path, gates);
    gates->list_status = CTL_NOT_PERMITTED;
    if (geteuid() != 0)
        return;
    begin(&errand, ctl->config_path, "list");
    if (listen_to(&errand, &audience, &gates->list_status) != 0)
        gates->list_status = CTL_UNAVAILABLE;
}

bool ctl_gates_are_well(const struct ctl_gates *gates)
{
    return gates->findings.errors == 0 && (gates->list_status == CTL_OK || gates->list_status == CTL_NOT_PERMITTED);
}
