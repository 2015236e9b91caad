/* SPDX-License-Identifier: ISC */
/*
 * Knock at many doors in turn, and tell what each cost: one round visits every case once, so whatever else the machine
 * does meanwhile falls upon all. Since that only ever adds to what a knock takes, the lower quartile is what is told. A
 * knock that does not go as its case says ends the program.
 *
 * usage: knocks ROUNDS <PLAN
 *
 * A plan has one line for each table and each case, words between blanks, - for nothing:
 *
 *   table NAME DIR COUNT                           make a lockout table with so many sources, and one that is locked
 *   case NAME KIND EVERY TABLE FILE COMMAND...     measured in each EVERYth round
 *
 * The kinds:
 *   plain      COMMAND (report.h says how it is started) writes 32 bytes and reads 32
 *   mute       COMMAND writes nothing, and ends by itself
 *   saying     COMMAND writes whatever it likes, and ends by itself
 *   accepted   COMMAND is the handler, FILE has the secret, and the source is one of TABLE
 *   thinking   the same, and the client thinks for 30 ms before it replies
 *   rejected   the same with a wrong reply
 *   locked     the same, and the source is locked in TABLE
 *   client     FILE PORT is a client program for COMMAND, and shall succeed
 *   through    FILE PORT is a forwarder to COMMAND, which is as for plain. It says "SOCKET COUNTER" in a line and then
 *              lives until its input ends; its cost, not that of COMMAND, is measured: COUNTER is the cpu.stat of a
 *              control group that it runs in
 *   resident   COMMAND PORT is a server that says "- COUNTER", and lives likewise; FILE PORT is its client
 *   launcher   as accepted; COMMAND is the port of a launcher that runs already, and, where that is in another network,
 *              a file in /proc that stands for it
 *   rate       as launcher: how many in half a second, from four clients at once
 *
 * Prints for each case: name, rounds, and in us: connect to seed, exec to seed, reply to receipt, exec to end, CPU;
 * then KiB at most, page faults, knocks in a second. Again - for what is not known.
 */
#include "buckets.h"
#include "mac.h"
#include "manage.h"
#include "number.h"
#include "report.h"
#include "table.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX    64
#define TABLES_MAX   4
#define WORDS_MAX    24
#define WARM_ROUNDS  3             /* not counted: files come into memory */
#define FIRST_SOURCE 0x7f010000U   /* 127.1.0.0 */
#define FAR_AWAY     (365 * 86400) /* s: a lock that outlives the run */
#define RATE_CLIENTS 4
#define RATE_NS      500000000
#define THINK_NS     30000000
#define SETTLE_NS    3000000
#define PATIENCE_S   300                                         /* for anything at all */
#define READY_LEN    sizeof(((struct sockaddr_un *)0)->sun_path) /* of what a resident program says */

enum kind {
    PLAIN,
    MUTE,
    SAYING,
    ACCEPTED,
    THINKING,
    REJECTED,
    LOCKED,
    CLIENT,
    THROUGH,
    RESIDENT,
    LAUNCHER,
    RATE,
    KIND_COUNT
};

/* What a kind needs beside its command. */
static const struct {
    const char *name;
    bool has_table;  /* a source of a table, and a secret */
    bool is_started; /* by spawner, once for each connection */
    bool has_client; /* a program of its own */
} kinds[KIND_COUNT] = {
    [PLAIN] = {.name = "plain", .is_started = true},
    [MUTE] = {.name = "mute", .is_started = true},
    [SAYING] = {.name = "saying", .is_started = true},
    [ACCEPTED] = {.name = "accepted", .is_started = true, .has_table = true},
    [THINKING] = {.name = "thinking", .is_started = true, .has_table = true},
    [REJECTED] = {.name = "rejected", .is_started = true, .has_table = true},
    [LOCKED] = {.name = "locked", .is_started = true, .has_table = true},
    [CLIENT] = {.name = "client", .is_started = true, .has_client = true},
    [THROUGH] = {.name = "through", .is_started = true},
    [RESIDENT] = {.name = "resident", .has_client = true},
    [LAUNCHER] = {.name = "launcher", .has_table = true},
    [RATE] = {.name = "rate", .has_table = true},
};

/* What is measured; -1: not known. */
enum value { CONNECT, SEED, RECEIPT_AFTER, TOTAL, CPU, RSS, FAULTS, PER_SECOND, VALUE_COUNT };

struct table {
    char *name;
    char *directory;
    uint32_t count;
    uint32_t *numbers;
    uint32_t locked;
    uint32_t next; /* whose turn it is */
};

struct door {
    char *name;
    enum kind kind;
    unsigned every;
    struct table *table;
    char *file;
    struct secret secret;
    struct sockaddr_storage address;
    socklen_t address_len;
    in_port_t port;
    int network_fd;  /* where the door is; -1: here */
    int report_fd;   /* -1: not started by spawner */
    char *counter;   /* where the CPU time of a program that runs already is read; NULL: there is none */
    int resident_fd; /* that program's input: it ends when this is closed */
    size_t count;
    int64_t *samples[VALUE_COUNT];
};

static struct table tables[TABLES_MAX];
static size_t table_count;
static struct door doors[CASES_MAX];
static size_t door_count;
static char *spawner; /* beside this program */
static int home_fd;   /* our own network */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t number_of(const char *text)
{
    uint64_t number;

    if (number_parse(text, (struct number_range){1, UINT32_MAX}, &number) != NUMBER_OK)
        errx(EX_DATAERR, "no number: %s", text);
    return number;
}

/* ---- Tables ---- */

static void add_table(char **words, size_t count)
{
    struct table *table = &tables[table_count];
    struct table_plan plan = {.first = FIRST_SOURCE, .seen = (uint64_t)time(NULL) - 3600};
    struct manage_target target = {0};
    struct moment now;
    struct store store;

    if (count != 4 || table_count == TABLES_MAX)
        errx(EX_DATAERR, "table: NAME DIR COUNT, and %d at the most", TABLES_MAX);
    table->name = strdup(words[1]);
    table->directory = strdup(words[2]);
    table->count = (uint32_t)number_of(words[3]);
    plan.directory = table->directory;
    plan.count = table->count;
    table->numbers = table_make(&plan);
    table->locked = table->numbers[table->count - 1] + 1;
    target.source = table_source(table->locked);
    table_open(table->directory, &store);
    moment_read(&now);
    table_check(manage_lock(&store, &target, now.wall_ms / 1000 + FAR_AWAY, &now), "manage_lock");
    store_close(&store);
    table_count++;
}

/* Give the source back its pace and its strikes: the next knock of it shall find what the first one found. */
static void rest(const struct table *table, uint32_t number)
{
    const struct source source = table_source(number);
    struct buckets buckets;
    struct store store;

    table_open(table->directory, &store);
    table_check(store_hold(&store, HOLD_ALONE, NULL), "store_hold");
    table_check(buckets_read(&store, &source, &buckets), "buckets_read");
    if (buckets.own != NULL) {
        buckets.own->pace = (struct record_pace){0};
        buckets.own->strikes = 0;
        table_check(buckets_write(&store, &buckets, buckets.own), "buckets_write");
    }
    store_release(&store);
    store_close(&store);
}

/* The next source of a table, in no order that the machine could foresee. */
static uint32_t next_source(struct table *table)
{
    return table->numbers[(uint64_t)table->next++ * 7368787 % table->count];
}

/* ---- Starting ---- */

static int open_network(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        err(EX_NOINPUT, "%s", path);
    return fd;
}

static int listen_anywhere(struct door *door)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        err(EX_OSERR, "cannot listen");
    memcpy(&door->address, &address, sizeof(address));
    door->address_len = sizeof(address);
    door->port = ntohs(address.sin_port);
    return fd;
}

static pid_t fork_with_us(void)
{
    const pid_t pid = fork();

    if (pid < 0)
        err(EX_OSERR, "fork");
    if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        _exit(EX_OSERR);
    return pid;
}

static void start_spawner(struct door *door, char **command)
{
    const int listen_fd = listen_anywhere(door);
    char *argv[WORDS_MAX + 2] = {spawner};
    int report[2];

    for (size_t i = 0; command[i] != NULL; i++)
        argv[i + 1] = command[i];
    if (pipe2(report, O_CLOEXEC) != 0)
        err(EX_OSERR, "pipe");
    if (fork_with_us() == 0) {
        /* Out of the way of the two numbers first. */
        const int high_listen = fcntl(listen_fd, F_DUPFD, 10);
        const int high_report = fcntl(report[1], F_DUPFD, 10);

        if (high_listen < 0 || high_report < 0 || dup2(high_listen, REPORT_LISTEN_FD) < 0 ||
            dup2(high_report, REPORT_FD) < 0 || close_range(REPORT_FD + 1, ~0U, 0) != 0)
            _exit(EX_OSERR);
        execv(spawner, argv);
        _exit(127);
    }
    close(listen_fd);
    close(report[1]);
    door->report_fd = report[0];
}

/* Start a program that stays while all is measured, with the door's port as its argument: it ends with its input, not
 * with us, since it has children of its own to end. Gives the first of the two words that it says once it is ready. */
static void start_resident(struct door *door, char **command, char ready_at[static READY_LEN])
{
    char port[8], line[READY_LEN + PATH_MAX], counter[PATH_MAX];
    char *argv[WORDS_MAX + 2] = {NULL};
    int input[2], output[2];
    size_t count = 0;
    FILE *said;

    for (; command[count] != NULL; count++)
        argv[count] = command[count];
    argv[count] = port;
    snprintf(port, sizeof(port), "%u", door->port);
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
        err(EX_OSERR, "pipe");
    const pid_t pid = fork();
    if (pid < 0)
        err(EX_OSERR, "fork");
    if (pid == 0) {
        if (dup2(input[0], STDIN_FILENO) >= 0 && dup2(output[1], STDOUT_FILENO) >= 0)
            execv(argv[0], argv);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    door->resident_fd = input[1];
    said = fdopen(output[0], "r");
    if (said == NULL || fgets(line, sizeof(line), said) == NULL || sscanf(line, "%107s %4095s", ready_at, counter) != 2)
        errx(EX_UNAVAILABLE, "%s: %s did not start", door->name, argv[0]);
    fclose(said);
    door->counter = strdup(counter);
}

static void start_forwarder(struct door *door)
{
    char *command[] = {door->file, NULL};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    start_resident(door, command, address.sun_path);
    memcpy(&door->address, &address, sizeof(address));
    door->address_len = sizeof(address);
}

/* A server that listens by itself gets a port that was free a moment ago. */
static void start_server(struct door *door, char **command)
{
    char nothing[READY_LEN];

    close(listen_anywhere(door));
    start_resident(door, command, nothing);
}

static void use_launcher(struct door *door, char **command)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons((in_port_t)number_of(command[0]))};

    if (command[1] != NULL)
        door->network_fd = open_network(command[1]);
    memcpy(&door->address, &address, sizeof(address));
    door->address_len = sizeof(address);
}

static void read_secret(struct door *door)
{
    static char line[SECRET_MAX + 2];
    FILE *in = fopen(door->file, "r");

    if (in == NULL || fgets(line, sizeof(line), in) == NULL)
        err(EX_NOINPUT, "%s", door->file);
    fclose(in);
    line[strcspn(line, "\n")] = '\0';
    door->secret.len = strlen(line);
    door->secret.bytes = (const uint8_t *)strdup(line);
}

static enum kind kind_of(const char *name)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (strcmp(name, kinds[kind].name) == 0)
            return kind;
    errx(EX_DATAERR, "no kind of case: %s", name);
}

static struct table *table_of(const char *name)
{
    for (size_t i = 0; i < table_count; i++)
        if (strcmp(name, tables[i].name) == 0)
            return &tables[i];
    return NULL;
}

static void add_case(char **words, size_t count, size_t rounds)
{
    struct door *door = &doors[door_count];

    if (count < 7 || door_count == CASES_MAX)
        errx(EX_DATAERR, "case: NAME KIND EVERY TABLE FILE COMMAND, and %d at the most", CASES_MAX);
    *door = (struct door){.name = strdup(words[1]), .kind = kind_of(words[2]), .network_fd = -1, .report_fd = -1};
    door->every = (unsigned)number_of(words[3]);
    door->table = table_of(words[4]);
    door->file = strdup(words[5]);
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        door->samples[i] = calloc(rounds, sizeof(int64_t));
        if (door->samples[i] == NULL)
            err(EX_OSERR, "calloc");
    }
    if (kinds[door->kind].is_started)
        start_spawner(door, words + 6);
    else if (door->kind == RESIDENT)
        start_server(door, words + 6);
    else
        use_launcher(door, words + 6);
    if (door->kind == THROUGH)
        start_forwarder(door);
    if (!kinds[door->kind].has_table) {
        door->table = NULL;
    } else {
        if (door->table == NULL)
            errx(EX_DATAERR, "%s: no such table: %s", door->name, words[4]);
        read_secret(door);
    }
    door_count++;
}

static void read_plan(size_t rounds)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        char *words[WORDS_MAX + 1] = {NULL};
        char *rest_of_line = line;
        size_t count = 0;

        for (char *word = strsep(&rest_of_line, " \n"); word != NULL; word = strsep(&rest_of_line, " \n"))
            if (*word != '\0' && count < WORDS_MAX)
                words[count++] = word;
        if (count == 0)
            continue;
        if (strcmp(words[0], "table") == 0)
            add_table(words, count);
        else
            add_case(words, count, rounds);
    }
    free(line);
}

/* ---- One knock ---- */

/* A socket belongs to the network that it is made in. */
static int socket_for(const struct door *door)
{
    if (door->network_fd >= 0 && setns(door->network_fd, CLONE_NEWNET) != 0)
        err(EX_OSERR, "%s: setns", door->name);
    const int fd = socket(door->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door->network_fd >= 0 && setns(home_fd, CLONE_NEWNET) != 0)
        err(EX_OSERR, "setns");
    return fd;
}

/* From this source (0: any) to the door. */
static int connect_from(const struct door *door, uint32_t number)
{
    const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(number)};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int on = 1;
    const int fd = socket_for(door);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
        err(EX_OSERR, "socket");
    if (number != 0 && bind(fd, (const struct sockaddr *)&source, sizeof(source)) != 0)
        err(EX_OSERR, "bind");
    if (connect(fd, (const struct sockaddr *)&door->address, door->address_len) != 0)
        err(EX_UNAVAILABLE, "%s: connect", door->name);
    return fd;
}

/* Some bytes, and when the kernel had them. */
static ssize_t receive(int fd, uint8_t *bytes, size_t room, int64_t *when_ns)
{
    struct iovec piece = {.iov_base = bytes, .iov_len = room};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    const ssize_t got = recvmsg(fd, &message, 0);
    const struct cmsghdr *mark = CMSG_FIRSTHDR(&message);

    *when_ns = now_ns();
    if (got > 0 && mark != NULL && mark->cmsg_level == SOL_SOCKET && mark->cmsg_type == SO_TIMESTAMPNS) {
        struct timespec time;

        memcpy(&time, CMSG_DATA(mark), sizeof(time));
        *when_ns = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    }
    return got;
}

/* Up to 32 bytes; fewer when the door closes. */
static size_t receive_all(int fd, uint8_t bytes[static SEED_LEN], int64_t *when_ns)
{
    size_t got = 0;

    while (got < SEED_LEN) {
        const ssize_t count = receive(fd, bytes + got, SEED_LEN - got, when_ns);

        if (count < 0 && errno != ECONNRESET)
            err(EX_UNAVAILABLE, "recvmsg");
        if (count <= 0)
            break;
        got += (size_t)count;
    }
    return got;
}

static void expect(bool as_it_should, const struct door *door, const char *what)
{
    if (!as_it_should)
        errx(EX_PROTOCOL, "%s: %s", door->name, what);
}

/* When the kernel had what a client sees of an exchange. */
struct seen {
    int64_t seed_ns;    /* or the end, where there is no seed */
    int64_t reply_ns;   /* 0: none was sent */
    int64_t receipt_ns; /* 0: there was none */
};

static void take_receipt(const struct door *door, int fd, const uint8_t wanted[static RECEIPT_LEN], struct seen *seen)
{
    uint8_t receipt[RECEIPT_LEN];
    int64_t end_ns;
    const size_t got = receive_all(fd, receipt, &seen->receipt_ns);

    expect(got == RECEIPT_LEN && memcmp(receipt, wanted, RECEIPT_LEN) == 0, door, "there is no receipt");
    expect(receive_all(fd, receipt, &end_ns) == 0, door, "there is more than a receipt");
}

/* The client's side of an exchange. What it has to compute is not counted as the door's. */
static void exchange(const struct door *door, int fd, struct seen *seen)
{
    uint8_t seed[SEED_LEN], reply[REPLY_LEN] = {0}, wanted[RECEIPT_LEN];
    const size_t got = receive_all(fd, seed, &seen->seed_ns);
    int64_t end_ns;

    if (door->kind == SAYING) {
        while (receive_all(fd, seed, &end_ns) > 0)
            ;
        return;
    }
    if (door->kind == LOCKED || door->kind == MUTE) {
        expect(got == 0, door, "there are bytes where none should be");
        return;
    }
    expect(got == SEED_LEN, door, "there is no seed");
    if (door->secret.len != 0 && door->kind != REJECTED)
        expect(mac_reply(door->secret, seed, reply) == 0 && mac_receipt(door->secret, seed, reply, wanted) == 0, door,
               "libgcrypt failed");
    if (door->kind == THINKING)
        nanosleep(&(struct timespec){.tv_nsec = THINK_NS}, NULL);
    seen->reply_ns = now_ns();
    expect(send(fd, reply, REPLY_LEN, MSG_NOSIGNAL) == REPLY_LEN, door, "the reply was not taken");
    if (door->kind == REJECTED)
        expect(receive_all(fd, seed, &end_ns) == 0, door, "a wrong reply got a receipt");
    else if (door->secret.len != 0)
        take_receipt(door, fd, wanted, seen);
}

static void run_client(const struct door *door)
{
    char port[8];
    char *argv[] = {door->file, port, NULL};
    pid_t pid;
    int status;

    snprintf(port, sizeof(port), "%u", door->port);
    if (posix_spawn(&pid, door->file, NULL, NULL, argv, environ) != 0)
        err(EX_UNAVAILABLE, "%s", door->file);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        errx(EX_UNAVAILABLE, "%s: the client failed", door->name);
}

/* How many us of processor time a control group has had: the first line of its cpu.stat. */
static int64_t cpu_of(const char *counter)
{
    int64_t cpu_us = 0;
    FILE *in = fopen(counter, "r");

    if (in == NULL || fscanf(in, "usage_usec %" SCNd64, &cpu_us) != 1)
        err(EX_UNAVAILABLE, "%s", counter);
    fclose(in);
    return cpu_us;
}

static void read_report(const struct door *door, struct report *report)
{
    struct pollfd pollfd = {.fd = door->report_fd, .events = POLLIN};

    if (poll(&pollfd, 1, PATIENCE_S * 1000) != 1 || read(door->report_fd, report, sizeof(*report)) != sizeof(*report))
        errx(EX_UNAVAILABLE, "%s: %s does not end, or did not start", door->name, "the command");
}

/* Wait until a resident program has nothing left to do. */
static void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
}

/* What the client sees of one visit. */
static void visit_once(const struct door *door, uint32_t number, struct seen *seen)
{
    if (kinds[door->kind].has_client) {
        run_client(door);
        return;
    }
    const int fd = connect_from(door, number);
    exchange(door, fd, seen);
    close(fd);
}

/* What spawner says of it. */
static void take_report(const struct door *door, const struct seen *seen, int64_t values[static VALUE_COUNT])
{
    struct report report;

    read_report(door, &report);
    /* Behind a forwarder, that one's cost is what is asked for. */
    if (door->kind == THROUGH)
        return;
    values[TOTAL] = (report.end_ns - report.exec_ns) / 1000;
    values[CPU] = report.cpu_us;
    values[RSS] = report.rss_kib;
    values[FAULTS] = report.faults;
    if (seen->reply_ns != 0)
        values[SEED] = (seen->seed_ns - report.exec_ns) / 1000;
}

static void knock(struct door *door, int64_t values[static VALUE_COUNT])
{
    const bool has_source = door->table != NULL;
    const uint32_t number = !has_source ? 0 : door->kind == LOCKED ? door->table->locked : next_source(door->table);
    const int64_t cpu_before = door->counter != NULL ? cpu_of(door->counter) : 0;
    const int64_t start_ns = now_ns();
    struct seen seen = {0};

    visit_once(door, number, &seen);
    if (seen.seed_ns != 0)
        values[CONNECT] = (seen.seed_ns - start_ns) / 1000;
    if (seen.receipt_ns != 0)
        values[RECEIPT_AFTER] = (seen.receipt_ns - seen.reply_ns) / 1000;
    if (door->report_fd >= 0)
        take_report(door, &seen, values);
    else
        settle();
    if (door->counter != NULL) {
        settle();
        values[CPU] = cpu_of(door->counter) - cpu_before;
    }
    if (has_source && door->kind != LOCKED)
        rest(door->table, number);
}

/* ---- Many at once ---- */

static unsigned knock_for(const struct door *door, uint32_t first, int64_t end_ns)
{
    const struct table *table = door->table;
    unsigned count = 0;

    while (now_ns() < end_ns) {
        struct seen seen = {0};

        visit_once(door, table->numbers[(first + count) % table->count], &seen);
        count++;
    }
    return count;
}

static void measure_rate(struct door *door, int64_t values[static VALUE_COUNT])
{
    const int64_t start_ns = now_ns();
    const uint32_t share = door->table->count / RATE_CLIENTS;
    unsigned total = 0;
    pid_t clients[RATE_CLIENTS];
    int counts[2];

    if (pipe2(counts, O_CLOEXEC) != 0)
        err(EX_OSERR, "pipe");
    for (uint32_t i = 0; i < RATE_CLIENTS; i++) {
        clients[i] = fork_with_us();
        if (clients[i] == 0) {
            const unsigned count = knock_for(door, door->table->next + i * share, start_ns + RATE_NS);

            _exit(write(counts[1], &count, sizeof(count)) == (ssize_t)sizeof(count) ? 0 : EX_IOERR);
        }
    }
    close(counts[1]);
    for (unsigned i = 0; i < RATE_CLIENTS; i++) {
        unsigned count;

        if (read(counts[0], &count, sizeof(count)) != (ssize_t)sizeof(count))
            errx(EX_UNAVAILABLE, "%s: a client failed", door->name);
        total += count;
    }
    values[PER_SECOND] = (int64_t)total * 1000000000 / (now_ns() - start_ns);
    close(counts[0]);
    for (unsigned i = 0; i < RATE_CLIENTS; i++)
        waitpid(clients[i], NULL, 0);
    /* Nobody comes again before his pace lets him. */
    door->table->next += 10000;
    settle();
}

/* ---- The whole ---- */

static void visit(struct door *door, bool counts)
{
    int64_t values[VALUE_COUNT];

    for (size_t i = 0; i < VALUE_COUNT; i++)
        values[i] = -1;
    if (door->kind == RATE)
        measure_rate(door, values);
    else
        knock(door, values);
    if (!counts)
        return;
    for (size_t i = 0; i < VALUE_COUNT; i++)
        door->samples[i][door->count] = values[i];
    door->count++;
}

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* Which of so many samples in order stands for all. */
static size_t rank(enum value value, size_t count)
{
    if (value == RSS)
        return count - 1;
    return value == PER_SECOND ? count / 2 : count / 4;
}

static void print(const struct door *door)
{
    printf("%s %zu", door->name, door->count);
    for (enum value i = 0; i < VALUE_COUNT; i++) {
        int64_t *samples = door->samples[i];

        qsort(samples, door->count, sizeof(*samples), compare);
        if (door->count == 0 || samples[0] < 0)
            printf(" -");
        else
            printf(" %" PRId64, samples[rank(i, door->count)]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(EX_USAGE, "usage: knocks ROUNDS <PLAN");
    const size_t rounds = number_of(argv[1]);
    const char *slash = strrchr(argv[0], '/');
    if (slash == NULL || asprintf(&spawner, "%.*s/spawner", (int)(slash - argv[0]), argv[0]) < 0)
        errx(EX_USAGE, "start it by its path");
    if (mac_init() != 0)
        errx(EX_SOFTWARE, "libgcrypt cannot be used");
    signal(SIGPIPE, SIG_IGN);
    home_fd = open_network("/proc/self/ns/net");
    read_plan(rounds);
    for (size_t round = 0; round < WARM_ROUNDS + rounds; round++)
        for (size_t i = 0; i < door_count; i++) {
            /* Each time another one goes first. */
            struct door *door = &doors[(i + round) % door_count];

            if (round < WARM_ROUNDS || (round - WARM_ROUNDS) % door->every == 0)
                visit(door, round >= WARM_ROUNDS);
        }
    for (size_t i = 0; i < door_count; i++)
        print(&doors[i]);
    free(spawner);
    return 0;
}
