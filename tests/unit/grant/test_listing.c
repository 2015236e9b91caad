/* SPDX-License-Identifier: ISC */
/*
 * The tests of listing.c: what "list" and the form show of the record beside what the firewall has, as rows, as columns
 * and as JSON. The firewall is a stand-in for wall.c, the record is the real one, and the clock is the test's.
 */
#include "listing.h"

#include "check.h"
#include "firewall.h"
#include "now.h"
#include "scratch.h"
#include "tell.h"

#include <jansson.h>
#include <stdarg.h>

#define MS        1000
#define HOLES_MAX 8
#define TEXT_LEN  4096
#define HEAD      "ADDRESS                     USER            GATE         LEFT           USE  STATE\n"

static char state_dir[SCRATCH_PATH_LEN + 10];
static struct gate gates_list[2];
static struct gates gates = {.path = "ostiary-grants.cfg", .list = gates_list, .count = 2, .state_dir = state_dir};
static struct moment clocks;

void now_read(struct moment *now)
{
    *now = clocks;
}

void tell_done(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

void tell_wrong(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

/* ---- The firewall ---- */

static struct {
    struct hole holes[HOLES_MAX];
    size_t count;
    bool refuses;     /* to be looked at */
    bool cannot_tell; /* what is open at the gate "ssh" */
} firewall;

enum request_reason wall_look(struct wall *wall, struct wall_view *view)
{
    (void)wall;
    *view = (struct wall_view){.complete = true};
    if (firewall.refuses)
        return REQUEST_FAILED;
    view->holes = calloc(HOLES_MAX, sizeof *view->holes);
    scratch_need(view->holes != NULL, "calloc");
    memcpy(view->holes, firewall.holes, sizeof firewall.holes);
    view->count = firewall.count;
    return REQUEST_DONE;
}

enum request_reason wall_look_at_rules(struct wall *wall, struct wall_view *view)
{
    return wall_look(wall, view);
}

/* Of agree.c, which no test here needs. */
void wall_look_at_gate(struct wall *wall, const struct gate *gate, struct wall_view *view)
{
    (void)gate;
    (void)wall_look(wall, view);
}

void wall_free(struct wall_view *view)
{
    free(view->holes);
    *view = (struct wall_view){0};
}

int wall_compare(const struct gate *gate, const struct source *network, const struct hole *hole)
{
    return gate != hole->gate ? (gate < hole->gate ? -1 : 1) : memcmp(network, &hole->network, sizeof *network);
}

const struct hole *wall_find(const struct wall_view *view, const struct gate *gate, const struct source *network)
{
    for (size_t i = 0; i < view->count; i++)
        if (wall_compare(gate, network, &view->holes[i]) == 0)
            return &view->holes[i];
    return NULL;
}

bool wall_sees(const struct wall *wall, const struct wall_view *view, const struct gate *gate)
{
    (void)wall;
    (void)view;
    return gate != &gates_list[0] || !firewall.cannot_tell;
}

enum wall_answer wall_ask(struct wall *wall, const struct gate *gate, const struct source *network, uint64_t *packets)
{
    const struct wall_view view = {.holes = firewall.holes, .count = firewall.count};
    const struct hole *hole = wall_find(&view, gate, network);

    if (!wall_sees(wall, &view, gate))
        return WALL_UNKNOWN;
    if (hole == NULL)
        return WALL_HAS_NOT;
    *packets = hole->packets;
    return WALL_HAS;
}

/* Whoever looks changes nothing. */
_Noreturn static void is_changed(void)
{
    scratch_need(false, "the firewall was to be changed");
    abort();
}

void wall_end(struct wall *wall)
{
    (void)wall;
}

uint64_t wall_packets(struct wall *wall, const struct gate *gate, const struct source *network)
{
    (void)wall;
    (void)gate;
    (void)network;
    is_changed();
}

enum request_reason wall_open(struct wall *wall, const struct hole *hole)
{
    (void)wall;
    (void)hole;
    is_changed();
}

enum request_reason wall_shut(struct wall *wall, const struct hole *hole)
{
    (void)wall;
    (void)hole;
    is_changed();
}

enum request_reason wall_apply(struct wall *wall, const struct wall_view *view, const struct wall_order *order)
{
    (void)wall;
    (void)view;
    (void)order;
    is_changed();
}

static void put_hole(const char *network, uint64_t left_s, uint64_t packets)
{
    firewall.holes[firewall.count++] = (struct hole){
        .gate = &gates_list[0], .network = firewall_network(network), .left_ms = left_s * MS, .packets = packets};
}

/* ---- The record ---- */

static struct deeds deeds;

static void begin(void)
{
    firewall.count = 0;
    firewall.refuses = firewall.cannot_tell = false;
    /* 2026-11-27 22:40:00 */
    clocks = (struct moment){.boot_id = {1}, .boot_ms = 1000000, .wall_ms = UINT64_C(1795819200000)};
    gates_list[0] = firewall_gate("ssh", 22);
    gates_list[1] = firewall_gate("a-gate-of-greatest-length", 80);
    deeds = DEEDS_NONE;
    scratch_need(deeds_begin(&deeds, &gates, HOLD_ALONE) == REQUEST_DONE, "deeds_begin");
}

static void remove_record(void)
{
    char path[SCRATCH_PATH_LEN + 60];

    deeds_end(&deeds);
    snprintf(path, sizeof path, "%s-root/" GRANTS_NAME, state_dir);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s-root", state_dir);
    (void)rmdir(path);
}

/* A grant at the gate "ssh" that has just been opened. */
static struct grant granted(const char *user, const char *network, uint64_t lifetime_s)
{
    struct grant grant = {.gate = "ssh",
                          .network = firewall_network(network),
                          .step = GRANT_OPEN,
                          .lifetime_s = lifetime_s,
                          .since_wall_ms = clocks.wall_ms};

    snprintf(grant.user, sizeof grant.user, "%s", user);
    grant_set_times(&grant,
                    &(struct grant_order){.lifetime_s = lifetime_s, .most_s = lifetime_s, .latest_ms = clocks.wall_ms},
                    &clocks);
    return grant;
}

static void record(const struct grant *grant)
{
    uint64_t slot = GRANTS_MAX;

    scratch_need(grants_put(&deeds.record, grant, &slot) == GRANTS_OK, "grants_put");
}

static void put(const char *user, const char *network, uint64_t lifetime_s)
{
    const struct grant grant = granted(user, network, lifetime_s);

    record(&grant);
}

/* All of it, as "list" asks. */
static struct listing look(void)
{
    struct listing listing;

    scratch_need(listing_read(&deeds, NULL, &listing) == REQUEST_DONE, "listing_read");
    scratch_need(listing_look(&deeds, &listing) == REQUEST_DONE, "listing_look");
    return listing;
}

/* "USER STATE PACKETS, " of each row, in their order. */
static void check_rows(const struct listing *listing, const char *want, const char *what)
{
    char text[TEXT_LEN] = "";

    for (size_t i = 0; i < listing->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s %ju, ", listing->rows[i].grant.user,
                 listing->rows[i].state, (uintmax_t)listing->rows[i].packets);
    check_text(text, want, what);
}

/* ---- What is printed ---- */

/* The caller has room for TEXT_LEN. */
static void print(const struct listing *listing, const char *user, bool as_json, char *text)
{
    FILE *out = fmemopen(text, TEXT_LEN, "w");

    scratch_need(out != NULL, "fmemopen");
    if (as_json)
        scratch_need(listing_print_json(listing, user, out) == 0, "listing_print_json");
    else
        listing_print(listing, user, out);
    scratch_need(fclose(out) == 0, "fclose");
}

static void check_printed(const char *user, const char *want, const char *what)
{
    struct listing listing = look();
    char text[TEXT_LEN];

    print(&listing, user, false, text);
    check_text(text, want, what);
    listing_free(&listing);
}

static void check_json(const char *user, const char *want, const char *what)
{
    struct listing listing = look();
    char text[TEXT_LEN];
    json_t *got, *wanted = json_loads(want, 0, NULL);

    scratch_need(wanted != NULL, "what is wanted");
    print(&listing, user, true, text);
    got = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!check(got != NULL && json_equal(got, wanted), "%s", what))
        check_show("got", text);
    check(text[strlen(text) - 1] == '\n', "it ends with a line feed");
    json_decref(got);
    json_decref(wanted);
    listing_free(&listing);
}

static void test_nothing(void)
{
    begin();
    check_printed(NULL, HEAD, "nothing is granted: the heads of the columns, and no line");
    check_json(NULL, "[]", "nothing is granted: an empty list, which is JSON as well");
    put("alice", "192.0.2.7", 60);
    check_printed("bob", HEAD, "nothing of his is granted: the heads of the columns");
    check_json("bob", "[]", "nothing of his is granted: an empty list");
    remove_record();
}

static void test_columns(void)
{
    struct grant longest;
    char user[GATES_USER_MAX + 1], want[TEXT_LEN];

    begin();
    put("alice", "192.0.2.7", 60);
    put("alice", "2001:db8:1234:5678::/64", 90000);
    put("a.b", "203.0.113.0/24", 3 * 86400 + 7200 + 59);
    put("-", "0.0.0.0/0", 59);
    put("root", "198.51.100.200", 3599);
    put_hole("192.0.2.7", 60, 7);
    put_hole("2001:db8:1234:5678::/64", 90000, 12345678);
    put_hole("203.0.113.0/24", 3 * 86400, 0);
    put_hole("0.0.0.0/0", 59, 1);
    check_printed(NULL,
                  HEAD "192.0.2.7                   alice           ssh          1m 0s            7  open\n"
                       "2001:db8:1234:5678::/64     alice           ssh          1d 1h     12345678  open\n"
                       "203.0.113.0/24              a.b             ssh          3d 2h            0  open\n"
                       "0.0.0.0/0                   -               ssh          59s              1  open\n"
                       "198.51.100.200              root            ssh          59m 59s          0  missing\n",
                  "each column begins under its head, and the time that is left is told in its two largest units");
    check_printed("alice",
                  HEAD "192.0.2.7                   alice           ssh          1m 0s            7  open\n"
                       "2001:db8:1234:5678::/64     alice           ssh          1d 1h     12345678  open\n",
                  "those of one user");
    remove_record();

    begin();
    memset(user, 'u', GATES_USER_MAX);
    user[GATES_USER_MAX] = '\0';
    longest = granted(user, "2001:db8:1234:5678:9abc:def0:1234:5678", 1);
    record(&longest);
    put_hole("2001:db8:1234:5678:9abc:def0:1234:5678", 1, UINT64_MAX);
    snprintf(want, sizeof want, HEAD "2001:db8:1234:5678:9abc:def0:1234:5678 %s ssh          1s        %ju  open\n",
             user, UINTMAX_MAX);
    check_printed(NULL, want, "what is wider than its column is whole, and parted from the next by a blank");
    remove_record();
}

static void test_json(void)
{
    struct grant grant;

    begin();
    grant = granted("alice", "2001:db8::/64", 100);
    grant.by = GRANT_BY_WEB;
    record(&grant);
    grant.since_wall_ms = 0;
    grant.by = GRANT_BY_KNOCK;
    grant.network = firewall_network("192.0.2.7");
    record(&grant);
    put_hole("2001:db8::/64", 100, 5);
    put_hole("192.0.2.7", 100, 0);
    put_hole("198.51.100.9", 0, 2);
    deeds.now.boot_ms += 100; /* a part of a second counts as a whole one */
    check_json(NULL,
               "[{\"gate\":\"ssh\",\"network\":\"2001:db8::/64\",\"user\":\"alice\",\"left\":100,"
               "\"since\":\"2026-11-27T22:40:00Z\",\"packets\":5,\"state\":\"open\",\"by\":\"web\"},"
               "{\"gate\":\"ssh\",\"network\":\"192.0.2.7\",\"user\":\"alice\",\"left\":100,"
               "\"since\":null,\"packets\":0,\"state\":\"open\",\"by\":\"knock\"},"
               "{\"gate\":\"ssh\",\"network\":\"198.51.100.9\",\"user\":\"-\",\"left\":0,"
               "\"since\":null,\"packets\":2,\"state\":\"unrecorded\",\"by\":\"admin\"}]",
               "as JSON: each field, and null for a time that nobody knows");
    remove_record();
}

/* ---- What the rows say ---- */

static void test_two_users(void)
{
    struct listing listing;

    begin();
    put("alice", "192.0.2.7", 7200);
    put("bob", "192.0.2.7", 3600);
    put_hole("192.0.2.7", 7200, 9);
    listing = look();
    check_rows(&listing, "alice open 9, bob open 9, ",
               "two users at one network: each has a row, and both have its hole");
    check_number(listing.rows[0].left_ms, 7200 * MS, "the time of the one");
    check_number(listing.rows[1].left_ms, 3600 * MS, "the time of the other");
    listing_free(&listing);
    firewall.count = 0;
    listing = look();
    check_rows(&listing, "alice missing 0, bob missing 0, ", "where the hole is not there, both miss it");
    listing_free(&listing);
    remove_record();
}

static void test_over(void)
{
    struct listing listing;

    begin();
    put("alice", "192.0.2.7", 10);
    put("bob", "192.0.2.7", 3600);
    put("carol", "192.0.2.8", 10);
    put_hole("192.0.2.7", 3600, 4);
    deeds.now.boot_ms += 10 * MS;
    listing = look();
    check_rows(&listing, "alice over 4, bob open 4, carol over 0, ",
               "whose time is up is over, at once and not missing, though another has the hole");
    check_number(listing.rows[0].left_ms, 0, "nothing is left");
    listing_free(&listing);
    check_printed("carol", HEAD "192.0.2.8                   carol           ssh          -                0  over\n",
                  "no time is shown of what is over");
    remove_record();
}

static void test_steps(void)
{
    struct grant grant;
    struct listing listing;

    begin();
    grant = granted("opening", "192.0.2.1", 60);
    grant.step = GRANT_OPENING;
    record(&grant);
    grant = granted("closing", "192.0.2.2", 60);
    grant.step = GRANT_CLOSING;
    record(&grant);
    grant = granted("stranded", "192.0.2.3", 60);
    grant.step = GRANT_CLOSING;
    grant.by_commands = true;
    record(&grant);
    grant = granted("nogate", "192.0.2.4", 60);
    snprintf(grant.gate, sizeof grant.gate, "gone");
    record(&grant);
    grant = granted("waiting", "192.0.2.5", 60);
    grant.boot_id[0] = 2;
    record(&grant);
    deeds.now.wall_ms = 20 * MS; /* 1970 */
    deeds.now.boot_ms = 20 * MS;
    listing = look();
    check_rows(&listing,
               "opening opening 0, closing closing 0, stranded stranded 0, nogate nogate 0, waiting waiting 0, ",
               "what is not simply open says why, and none of it is missing");
    listing_free(&listing);
    remove_record();
}

static void test_unrecorded(void)
{
    struct listing listing;

    begin();
    put("alice", "192.0.2.7", 60);
    put_hole("192.0.2.7", 60, 0);
    put_hole("192.0.2.8", 30, 1);
    put_hole("192.0.2.0/24", 0, 2);
    listing = look();
    check_rows(&listing, "alice open 0, - unrecorded 1, - unrecorded 2, ",
               "what nobody was granted is shown behind the rest");
    listing_free(&listing);
    check_printed(NULL,
                  HEAD "192.0.2.7                   alice           ssh          1m 0s            0  open\n"
                       "192.0.2.8                   -               ssh          30s              1  unrecorded\n"
                       "192.0.2.0/24                -               ssh          no end           2  unrecorded\n",
                  "and that it would not end by itself");
    check_printed("alice", HEAD "192.0.2.7                   alice           ssh          1m 0s            0  open\n",
                  "it is nobody's");
    remove_record();
}

static void test_counts(void)
{
    struct grant grant;
    struct listing listing;

    begin();
    grant = granted("alice", "192.0.2.7", 60);
    grant.packets = 100;
    grant.last_packets = 40;
    record(&grant);
    put_hole("192.0.2.7", 60, 45);
    listing = look();
    check_rows(&listing, "alice open 105, ", "what is new at the counter comes on top of what the record has");
    listing_free(&listing);
    firewall.holes[0].packets = 3;
    listing = look();
    check_rows(&listing, "alice open 103, ", "and all of it where the counter has begun anew");
    listing_free(&listing);
    remove_record();
}

static void test_blind(void)
{
    struct listing listing;

    begin();
    put("alice", "192.0.2.7", 60);
    firewall.cannot_tell = true;
    listing = look();
    check_rows(&listing, "alice open 0, ", "a firewall that cannot tell what is open: what the record says");
    listing_look_at_each(&deeds, &listing);
    check_rows(&listing, "alice open 0, ", "the same where it is asked for each");
    listing_free(&listing);
    firewall.refuses = true;
    scratch_need(listing_read(&deeds, NULL, &listing) == REQUEST_DONE, "listing_read");
    check_number(listing_look(&deeds, &listing), REQUEST_FAILED, "a firewall that cannot be looked at is a failure");
    listing_free(&listing);
    remove_record();
}

/* As the form asks for a user: his alone, one by one. */
static void test_each(void)
{
    struct listing listing;

    begin();
    put("alice", "192.0.2.7", 60);
    put("bob", "192.0.2.7", 60);
    put("alice", "192.0.2.8", 60);
    put_hole("192.0.2.7", 60, 6);
    put_hole("192.0.2.9", 60, 1);
    scratch_need(listing_read(&deeds, "alice", &listing) == REQUEST_DONE, "listing_read");
    listing_look_at_each(&deeds, &listing);
    check_rows(&listing, "alice open 6, alice missing 0, ",
               "of one user: his rows, and nothing of others or that nobody was granted");
    listing_free(&listing);
    remove_record();
}

static void test_many(void)
{
    char network[32];
    struct listing listing;

    begin();
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(network, sizeof network, "10.0.%u.%u", i / 250, i % 250);
        put("alice", network, 60);
    }
    put_hole("10.0.3.249", 60, 8);
    listing = look();
    check_number(listing.count, 1000, "a row for each of a thousand");
    check_text(listing.rows[999].state, "open", "the last of them has its hole");
    check_text(listing.rows[998].state, "missing", "and the one before it has none");
    listing_free(&listing);
    remove_record();
}

int main(void)
{
    scratch_begin();
    snprintf(state_dir, sizeof state_dir, "%s/g", scratch_dir);
    test_nothing();
    test_columns();
    test_json();
    test_two_users();
    test_over();
    test_steps();
    test_unrecorded();
    test_counts();
    test_blind();
    test_each();
    test_many();
    scratch_end();
    return check_end();
}
