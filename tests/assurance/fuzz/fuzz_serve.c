/* SPDX-License-Identifier: ISC */
/*
 * ostgrant's socket: any bytes, from anybody who may ask. Record, firewall and user database are stand-ins; whatever
 * comes to be done must be allowed to who asks, as it is written down here once more. The input: a byte that says who
 * asks and whether the right token follows what he says, and what he says.
 */
#include "fuzz.h"

#include "../../../src/grant/serve.c"

#include <fcntl.h>
#include <unistd.h>

#define ASKERS    4
#define HAS_TOKEN 0x04
#define OF_CAROL  0x08
#define BOOT_MS   (UINT64_C(77) * TOKEN_HOUR)

static struct gate list[] = {
    {.name = "both",
     .lifetime_s = 3600,
     .most_s = 7200,
     .ipv6_prefix = 64,
     .sealed = true,
     .web = true,
     .web_admin = true},
    {.name = "mine", .lifetime_s = 60, .most_s = 60, .ipv6_prefix = 128, .web = true},
    {.name = "shut", .lifetime_s = 60, .most_s = 60, .ipv6_prefix = 48, .sealed = true},
    {.name = "none", .lifetime_s = 60, .most_s = 60, .ipv6_prefix = 64},
};
static struct gates gates = {.path = "ostiary-grants.cfg", .list = list, .count = sizeof list / sizeof list[0]};

/* Who asks, and his line as request.h takes it apart. */
static struct {
    enum rights_asker asker;
    bool is_line;
    struct request_line line;
    unsigned deeds;
    bool shows_all;
} asking;

/* ---- Who may ---- */

enum rights_asker rights_asker_of(const struct gates *all, uid_t uid)
{
    (void)all, (void)uid;
    return asking.asker;
}

bool rights_may_all(const struct gates *all, const struct gate *gate, const char *user)
{
    (void)all;
    return gate->web && gate->web_admin && strcmp(user, "carol") == 0;
}

bool rights_may_open(const struct gates *all, const struct gate *gate, const char *user)
{
    return rights_may_all(all, gate, user) || (gate->web && strcmp(user, "alice") == 0);
}

uint64_t __wrap_grants_tag(const struct grants *grants, const char *text);
uint64_t __wrap_grants_tag(const struct grants *grants, const char *text)
{
    uint64_t tag = 5381;

    (void)grants;
    for (; *text != '\0'; text++)
        tag = tag * 33 + (uint8_t)*text;
    return tag;
}

static void write_token(const char *user, char token[static TOKEN_LEN])
{
    char text[TOKEN_TEXT];

    snprintf(text, sizeof text, "%d %s", 77, user);
    snprintf(token, TOKEN_LEN, "%016" PRIx64, __wrap_grants_tag(NULL, text));
}

/* ---- What is done ---- */

static bool is_host_of(const struct wish *wish, const char *text)
{
    struct address host;
    struct source network;

    return text != NULL && address_parse(text, &host) == ADDRESS_OK && gates_network(wish->gate, &host, &network) &&
           memcmp(&network, &wish->network, sizeof network) == 0;
}

static void demand_web(const struct wish *wish, bool opens)
{
    const char *user = request_value(&asking.line, "user");
    const char *token = request_value(&asking.line, "token");
    char right[TOKEN_LEN];
    char late[TOKEN_LEN];
    char text[TOKEN_TEXT];

    DEMAND(user != NULL && token != NULL);
    write_token(user, right);
    snprintf(text, sizeof text, "%d %s", 76, user);
    snprintf(late, sizeof late, "%016" PRIx64, __wrap_grants_tag(NULL, text));
    DEMAND(strcmp(token, right) == 0 || strcmp(token, late) == 0);
    DEMAND(rights_may_open(&gates, wish->gate, user));
    DEMAND(!opens || gates_has_hosts(&wish->network));
    if (rights_may_all(&gates, wish->gate, user))
        return;
    DEMAND(strcmp(wish->user, user) == 0);
    DEMAND(!opens || is_host_of(wish, request_value(&asking.line, "seen")));
}

static void demand_allowed(const struct wish *wish, bool opens)
{
    DEMAND(asking.is_line && wish->gate != NULL && wish->user != NULL && gates_is_user(wish->user));
    DEMAND(wish->lifetime_s <= LIFETIME_MAX && gates_can_hold(&wish->network));
    asking.deeds++;
    switch (asking.asker) {
    case RIGHTS_ROOT:
        DEMAND(wish->by == GRANT_BY_ADMIN);
        return;
    case RIGHTS_SEALED:
        DEMAND(wish->by == GRANT_BY_SEALED && wish->gate->sealed && wish->lifetime_s <= wish->gate->lifetime_s);
        DEMAND(strcmp(wish->user, request_value(&asking.line, "user")) == 0);
        DEMAND(wish->network.prefix == 128 || wish->network.prefix == wish->gate->ipv6_prefix);
        return;
    case RIGHTS_WEB:
        DEMAND(wish->by == GRANT_BY_WEB);
        demand_web(wish, opens);
        return;
    case RIGHTS_NOBODY:
        break;
    }
    DEMAND(asking.asker != RIGHTS_NOBODY);
}

enum request_reason deeds_begin(struct deeds *deeds, const struct gates *all, enum hold_way way)
{
    DEMAND(asking.asker != RIGHTS_NOBODY && all == &gates && way == HOLD_ALONE);
    deeds->now = (struct moment){.boot_ms = BOOT_MS};
    return REQUEST_DONE;
}

void deeds_end(struct deeds *deeds)
{
    (void)deeds;
}

enum request_reason deeds_open(struct deeds *deeds, const struct wish *wish, struct grant *given)
{
    (void)deeds;
    demand_allowed(wish, true);
    *given = (struct grant){.lifetime_s = wish->lifetime_s};
    return REQUEST_DONE;
}

enum request_reason deeds_close(struct deeds *deeds, const struct wish *wish)
{
    (void)deeds;
    demand_allowed(wish, false);
    return REQUEST_NOT_OPEN;
}

enum request_reason deeds_close_others(struct deeds *deeds, const struct wish *wish)
{
    (void)deeds;
    demand_allowed(wish, false);
    return REQUEST_DONE;
}

/* Who has come from this machine itself by the sealed door. */
bool deeds_is_needless(const struct wish *wish)
{
    demand_allowed(wish, false);
    return !gates_has_hosts(&wish->network);
}

/* ---- What is shown: one grant of each user, at each gate ---- */

/* Only who may do all is shown what others have. */
enum request_reason listing_read(struct deeds *deeds, const char *user, struct listing *listing)
{
    static const char *const users[] = {"alice", "bob"};

    (void)deeds;
    DEMAND(asking.asker == RIGHTS_WEB || asking.asker == RIGHTS_ROOT);
    asking.shows_all = user == NULL;
    *listing = (struct listing){.rows = calloc(8, sizeof *listing->rows)};
    DEMAND(listing->rows != NULL);
    for (size_t i = 0; i < 8; i++) {
        struct listing_row *row = &listing->rows[listing->count];

        if (user != NULL && strcmp(user, users[i / 4]) != 0)
            continue;
        listing->count++;
        *row = (struct listing_row){.left_ms = 5000, .state = "open", .grant.network = {.prefix = 128}};
        snprintf(row->grant.gate, sizeof row->grant.gate, "%s", list[i % 4].name);
        snprintf(row->grant.user, sizeof row->grant.user, "%s", users[i / 4]);
    }
    return REQUEST_DONE;
}

enum request_reason listing_look(struct deeds *deeds, struct listing *listing)
{
    (void)deeds, (void)listing;
    DEMAND(asking.shows_all);
    return REQUEST_DONE;
}

void listing_look_at_each(struct deeds *deeds, struct listing *listing)
{
    (void)deeds, (void)listing;
    DEMAND(!asking.shows_all);
}

int turn_take(const char *state_dir, unsigned limit_ms)
{
    (void)state_dir, (void)limit_ms;
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void listing_free(struct listing *listing)
{
    free(listing->rows);
}

void tell_done(int priority, const char *format, ...)
{
    (void)priority, (void)format;
}

void tell_wrong(int priority, const char *format, ...)
{
    (void)priority, (void)format;
}

/* ---- The connection ---- */

static bool is_carol(void)
{
    const char *user = request_value(&asking.line, "user");

    return user != NULL && strcmp(user, "carol") == 0;
}

/* Whole lines, the last of which says how it ended; and to the sealed door, nothing of what others have. */
static void judge_answer(int fd)
{
    char answer[8192];
    ssize_t len = read(fd, answer, sizeof answer - 1);

    DEMAND(len > 0 && answer[len - 1] == '\n');
    answer[len] = '\0';
    DEMAND(strstr(answer, "ok") != NULL || strstr(answer, "no reason=") != NULL);
    DEMAND(asking.asker != RIGHTS_NOBODY || asking.deeds == 0);
    DEMAND(asking.asker == RIGHTS_WEB || asking.asker == RIGHTS_ROOT || strstr(answer, "user=") == NULL);
    DEMAND(asking.asker != RIGHTS_WEB || is_carol() || strstr(answer, "mine=no") == NULL);
}

/* What he says, and behind it perhaps the token that is right for one of the users. */
static size_t write_said(const uint8_t *bytes, size_t len, char *said, size_t room)
{
    char token[TOKEN_LEN];
    size_t said_len = len - 1;

    memcpy(said, bytes + 1, said_len);
    if ((bytes[0] & HAS_TOKEN) == 0)
        return said_len;
    write_token(bytes[0] & OF_CAROL ? "carol" : "alice", token);
    return said_len + (size_t)snprintf(said + said_len, room - said_len, " token=%s\n", token);
}

static void begin(uint8_t who, const char *said, size_t len)
{
    static const enum rights_asker askers[ASKERS] = {RIGHTS_NOBODY, RIGHTS_SEALED, RIGHTS_WEB, RIGHTS_ROOT};
    const char *end = memchr(said, '\n', len);

    asking.asker = askers[who % ASKERS];
    asking.deeds = 0;
    asking.line.word = "";
    asking.line.field_count = 0;
    asking.is_line = end != NULL && request_parse(said, (size_t)(end - said), &asking.line) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char said[2 * REQUEST_LINE_MAX] = "";
    size_t said_len;
    int fds[2];

    if (len == 0 || len > REQUEST_LINE_MAX + 1)
        return 0;
    said_len = write_said(bytes, len, said, sizeof said);
    begin(bytes[0], said, said_len);
    DEMAND(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    DEMAND(send(fds[1], said, said_len, MSG_NOSIGNAL) == (ssize_t)said_len);
    shutdown(fds[1], SHUT_WR);
    DEMAND(serve(&gates, fds[0]) == EX_OK);
    close(fds[0]);
    judge_answer(fds[1]);
    close(fds[1]);
    return 0;
}
