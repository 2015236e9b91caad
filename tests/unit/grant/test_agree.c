/* SPDX-License-Identifier: ISC */
/*
 * The tests of deeds.h, lost.h and agree.h: record and firewall, whatever happens in between. The firewall is a
 * stand-in for wall.c that ends its holes by the clock as the kernel does, can be emptied, can refuse, and can be the
 * place where the process is killed; the record is the real one, and the clock is the test's.
 */
#include "agree.h"

#include "address.h"
#include "check.h"
#include "deeds.h"
#include "lost.h"
#include "now.h"
#include "scratch.h"
#include "tell.h"
#include "turn.h"

#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>

#define HOLES_MAX 64
#define STEPS     400
#define MS        1000

/* ---- The clock ---- */

/* What the processes of a test share. */
struct world {
    struct moment now;
    unsigned kill_in; /* at this call of the firewall the process ends; 0: never */
    bool kill_after;  /* when it has been done, not before */
    bool refuses;
    bool is_loaded;
    bool was_in_the_way; /* a command ran while the record was held, or without the turn at its gate */
    unsigned commands;   /* how many ran */
    unsigned loads;
    size_t count;
    struct {
        struct source network;
        unsigned gate;
        uint64_t ends_ms; /* CLOCK_BOOTTIME, at which a kernel ends it */
        uint64_t packets;
    } holes[HOLES_MAX];
};

static struct world *world;

void now_read(struct moment *now)
{
    *now = world->now;
}

/* ---- The firewall ---- */

static unsigned shut_count; /* how often the firewall was told to shut one hole */
static struct gate gates_list[3];
static struct gates gates = {.path = "ostiary-grants.cfg", .list = gates_list, .count = 3};

static unsigned number_of(const struct gate *gate)
{
    return (unsigned)(gate - gates_list);
}

static bool is_live(size_t at)
{
    return world->holes[at].ends_ms > world->now.boot_ms;
}

static size_t hole_at(unsigned gate, const struct source *network)
{
    size_t at = 0;

    while (at < world->count && (!is_live(at) || world->holes[at].gate != gate ||
                                 memcmp(&world->holes[at].network, network, sizeof *network) != 0))
        at++;
    return at;
}

/* Is this the call at which the process is killed? */
static void may_die(void)
{
    if (world->kill_in > 0 && --world->kill_in == 0)
        _exit(7);
}

static char state_dir[SCRATCH_PATH_LEN + 20];
static void (*meanwhile)(void); /* what others do while a command runs; NULL: nothing */

static int open_record(void)
{
    char path[sizeof state_dir + 20];
    int fd;

    snprintf(path, sizeof path, "%s-root/grants", state_dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    scratch_need(fd >= 0, "the record");
    return fd;
}

/* Others can have the record while a command runs, but nobody is at the same gate. */
static void run_command(const struct gate *gate)
{
    const struct turn_order order = {.state_dir = state_dir, .gate = gate->name};
    const struct turn_order other = {.state_dir = state_dir, .gate = "another"};
    const int fd = open_record();
    int turn_fd = -1;
    int other_fd = -1;

    world->commands++;
    world->was_in_the_way |= flock(fd, LOCK_EX | LOCK_NB) != 0;
    world->was_in_the_way |= turn_take_gate(&order, &turn_fd) != TURN_BUSY;
    world->was_in_the_way |= turn_take_gate(&other, &other_fd) != TURN_TAKEN;
    close(fd);
    close(turn_fd);
    close(other_fd);
    if (meanwhile != NULL)
        meanwhile();
}

static enum request_reason change(const struct hole *hole, bool opens)
{
    const unsigned gate = number_of(hole->gate);
    size_t at;

    if (!world->kill_after)
        may_die();
    if (hole->gate->by_commands)
        run_command(hole->gate);
    at = hole_at(gate, &hole->network);
    if (world->refuses)
        return REQUEST_FAILED;
    if (!world->is_loaded)
        return REQUEST_NOT_OPEN;
    if (opens) {
        if (at == world->count)
            world->count++;
        scratch_need(world->count <= HOLES_MAX, "room for holes");
        world->holes[at].network = hole->network;
        world->holes[at].gate = gate;
        world->holes[at].packets = hole->packets;
        world->holes[at].ends_ms = world->now.boot_ms + hole->left_ms;
    } else if (at < world->count) {
        world->holes[at].ends_ms = 0;
    }
    if (world->kill_after)
        may_die();
    return REQUEST_DONE;
}

void wall_end(struct wall *wall)
{
    (void)wall;
}

int wall_compare(const struct gate *gate, const struct source *network, const struct hole *hole)
{
    const int order = memcmp(network, &hole->network, sizeof *network);

    return gate != hole->gate ? (gate < hole->gate ? -1 : 1) : order;
}

static int compare_holes(const void *one, const void *other)
{
    const struct hole *hole = one;

    return wall_compare(hole->gate, &hole->network, other);
}

/* Of one gate by commands; NULL: of all others. */
static void look_at(const struct gate *gate, struct wall_view *view)
{
    *view = (struct wall_view){.holes = calloc(HOLES_MAX, sizeof(struct hole)), .complete = world->is_loaded};
    may_die();
    if (gate != NULL)
        run_command(gate);
    for (size_t i = 0; i < world->count; i++) {
        const struct gate *of = &gates_list[world->holes[i].gate];

        if (is_live(i) && gate == (of->by_commands ? of : NULL))
            view->holes[view->count++] = (struct hole){
                .gate = of,
                .network = world->holes[i].network,
                .left_ms = (world->holes[i].ends_ms - world->now.boot_ms) / MS * MS + 1, /* whole seconds, and not 0 */
                .packets = world->holes[i].packets,
            };
    }
    qsort(view->holes, view->count, sizeof *view->holes, compare_holes);
}

bool wall_sees(const struct wall *wall, const struct wall_view *view, const struct gate *gate)
{
    (void)wall;
    (void)view;
    (void)gate;
    return true;
}

enum request_reason wall_look_at_rules(struct wall *wall, struct wall_view *view)
{
    (void)wall;
    look_at(NULL, view);
    return REQUEST_DONE;
}

void wall_look_at_gate(struct wall *wall, const struct gate *gate, struct wall_view *view)
{
    (void)wall;
    look_at(gate, view);
}

void wall_free(struct wall_view *view)
{
    free(view->holes);
    *view = (struct wall_view){0};
}

const struct hole *wall_find(const struct wall_view *view, const struct gate *gate, const struct source *network)
{
    for (size_t i = 0; i < view->count; i++)
        if (wall_compare(gate, network, &view->holes[i]) == 0)
            return &view->holes[i];
    return NULL;
}

enum request_reason wall_open(struct wall *wall, const struct hole *hole)
{
    wall->ran = hole->gate->by_commands;
    return change(hole, true);
}

enum request_reason wall_shut(struct wall *wall, const struct hole *hole)
{
    const enum request_reason reason = change(hole, false);

    shut_count++;
    (void)wall;
    return reason == REQUEST_NOT_OPEN ? REQUEST_DONE : reason;
}

uint64_t wall_packets(struct wall *wall, const struct gate *gate, const struct source *network)
{
    const size_t at = hole_at(number_of(gate), network);

    (void)wall;
    return at < world->count ? world->holes[at].packets : 0;
}

enum request_reason wall_apply(struct wall *wall, const struct wall_view *view, const struct wall_order *order)
{
    (void)wall;
    (void)view;
    if (world->refuses)
        return REQUEST_FAILED;
    if (order->load) {
        may_die();
        world->is_loaded = true;
        world->loads++;
    }
    for (size_t i = 0; i < order->count; i++)
        order->changes[i].done = change(&order->changes[i].hole, order->changes[i].opens) == REQUEST_DONE;
    return REQUEST_DONE;
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

/* ---- What is done with it ---- */

static uint8_t covered_by; /* the prefix of what covers what was closed last; UINT8_MAX: nothing does */

static struct source network_of(unsigned number)
{
    struct source network = {.address = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 0}, .prefix = 128};

    network.address[15] = (uint8_t)number;
    return network;
}

static void make_world(void)
{
    static const char *const names[] = {"asking", "never", "use"};

    memset(world, 0, sizeof *world);
    world->now = (struct moment){.boot_id = {1}, .boot_ms = 1000000, .wall_ms = UINT64_C(1795800000000)};
    world->is_loaded = true;
    for (unsigned i = 0; i < 3; i++)
        gates_list[i] = (struct gate){
            .name = names[i],
            .lifetime_s = 100,
            .most_s = 300,
            .renew = i == 0   ? GATE_RENEW_ASKING
                     : i == 1 ? GATE_RENEW_NO
                              : GATE_RENEW_USE,
            .ipv6_prefix = 64,
            .size = 65536,
        };
    gates.state_dir = state_dir;
}

enum deed { OPEN, CLOSE, OTHERS, TICK, LOAD };

struct order {
    enum deed deed;
    unsigned gate, host;
    const char *user; /* CLOSE: NULL, of everybody */
    uint64_t lifetime_s;
};

static enum request_reason carry_out(const struct order *order, struct grant *given)
{
    const struct wish wish = {
        .gate = &gates_list[order->gate],
        .network = network_of(order->host),
        .user = order->user,
        .lifetime_s = order->lifetime_s,
        .by = GRANT_BY_KNOCK,
    };
    struct deeds deeds = DEEDS_NONE;
    enum request_reason reason = deeds_begin(&deeds, &gates, HOLD_ALONE);

    if (reason == REQUEST_DONE)
        switch (order->deed) {
        case OPEN:
            reason = deeds_open(&deeds, &wish, given);
            break;
        case CLOSE:
            reason = deeds_close(&deeds, &wish);
            break;
        case OTHERS:
            reason = deeds_close_others(&deeds, &wish);
            break;
        case TICK:
            reason = agree(&deeds, AGREE_TICK);
            break;
        case LOAD:
            reason = agree(&deeds, AGREE_LOAD);
            break;
        }
    deeds_end(&deeds);
    return reason;
}

/* In a process of its own, which may be killed in the middle: then *killed. */
static enum request_reason try(const struct order *order, bool *killed)
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(100 + (int)carry_out(order, NULL));
    scratch_need(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "a child");
    *killed = WEXITSTATUS(status) == 7;
    scratch_need(*killed || WEXITSTATUS(status) >= 100, "a reason");
    return *killed ? REQUEST_FAILED : (enum request_reason)(WEXITSTATUS(status) - 100);
}

static enum request_reason do_it(enum deed deed, unsigned gate, unsigned host, const char *user)
{
    const struct order order = {deed, gate, host, user, 0};

    return carry_out(&order, NULL);
}

static uint64_t left_s(unsigned gate, unsigned host)
{
    const struct source network = network_of(host);
    const size_t at = hole_at(gate, &network);

    return at < world->count ? (world->holes[at].ends_ms - world->now.boot_ms + MS / 2) / MS : 0;
}

static void pass(uint64_t seconds)
{
    world->now.boot_ms += seconds * MS;
    world->now.wall_ms += seconds * MS;
}

/* The packets of whoever is let through there. */
static void use(unsigned gate, unsigned host, uint64_t packets)
{
    const struct source network = network_of(host);

    world->holes[hole_at(gate, &network)].packets += packets;
}

static void boot(uint8_t id, uint64_t wall_ms)
{
    world->now = (struct moment){.boot_id = {id}, .boot_ms = 20000, .wall_ms = wall_ms};
    world->count = 0;
    world->is_loaded = false;
}

/* How many grants the record has. */
static size_t count_grants(void)
{
    const struct grants_options options = {.state_dir = state_dir, .patience_ms = 1000, .read_only = true};
    struct grants record = GRANTS_CLOSED;
    enum grants_fault fault = GRANTS_OK;
    struct grant grant;
    uint64_t at = 0;
    uint64_t slot;
    size_t count = 0;

    if (grants_open(&options, &record) != GRANTS_OK)
        return 0;
    scratch_need(grants_hold(&record, HOLD_SHARED, &world->now) == GRANTS_OK, "hold");
    while (grants_next(&record, &at, &grant, &slot, &fault))
        count++;
    scratch_need(fault == GRANTS_OK, "reading");
    grants_release(&record);
    grants_close(&record);
    return count;
}

static bool has_grant(const char *gate, unsigned host, const char *user)
{
    const struct grants_options options = {.state_dir = state_dir, .patience_ms = 1000, .read_only = true};
    const struct source network = network_of(host);
    const struct grants_key key = {gate, &network, user};
    struct grants record = GRANTS_CLOSED;
    struct grant grant;
    uint64_t slot = GRANTS_MAX;

    scratch_need(grants_open(&options, &record) == GRANTS_OK &&
                     grants_hold(&record, HOLD_SHARED, &world->now) == GRANTS_OK &&
                     grants_find(&record, &key, &grant, &slot) == GRANTS_OK,
                 "reading");
    grants_release(&record);
    grants_close(&record);
    return slot != GRANTS_MAX;
}

static void empty(void)
{
    char path[sizeof state_dir + 20];

    snprintf(path, sizeof path, "%s-root/grants", state_dir);
    unlink(path);
    make_world();
}

static void rmdir_root(void)
{
    char path[sizeof state_dir + 20];

    snprintf(path, sizeof path, "%s-root/" TURN_NAME, state_dir);
    unlink(path);
    snprintf(path, sizeof path, "%s-root", state_dir);
    rmdir(path);
}

/* ---- The tests ---- */

static void test_opening(void)
{
    empty();
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_DONE && left_s(0, 1) == 100, "a gate is open for its lifetime");
    check(left_s(0, 2) == 0 && left_s(1, 1) == 0, "to nobody else, and at no other gate");
    pass(60);
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_DONE && left_s(0, 1) == 100, "who asks again has the lifetime anew");
    pass(99);
    check(left_s(0, 1) == 1, "it is open until then");
    pass(2);
    check(left_s(0, 1) == 0 && do_it(TICK, 0, 0, NULL) == REQUEST_DONE && count_grants() == 0,
          "when its time is up the record forgets it");
    do_it(OPEN, 1, 1, "alice");
    pass(60);
    check(do_it(OPEN, 1, 1, "alice") == REQUEST_DONE && left_s(1, 1) == 40, "renew=no: asking again changes nothing");
    world->count = 0;
    check(do_it(OPEN, 1, 1, "alice") == REQUEST_DONE && left_s(1, 1) == 40, "but it is open when that is said");
    check(do_it(CLOSE, 1, 1, "alice") == REQUEST_DONE && left_s(1, 1) == 0 && count_grants() == 0, "it can be closed");
    check(do_it(CLOSE, 1, 1, "alice") == REQUEST_NOT_OPEN, "and then is not open");
}

static void test_lifetimes(void)
{
    const struct order most = {OPEN, 0, 1, "alice", 300};
    const struct order more = {OPEN, 0, 2, "alice", 301};

    empty();
    check(carry_out(&most, NULL) == REQUEST_DONE && left_s(0, 1) == 300, "a lifetime may be as long as most=");
    check(carry_out(&more, NULL) == REQUEST_BAD_LIFETIME && left_s(0, 2) == 0 && count_grants() == 1, "and no longer");
}

static void test_two_users(void)
{
    const struct order bob = {OPEN, 0, 1, "bob", 200};

    empty();
    do_it(OPEN, 0, 1, "alice");
    carry_out(&bob, NULL);
    check(left_s(0, 1) == 200, "two who have one address: the longer time counts");
    do_it(CLOSE, 0, 1, "bob");
    check(left_s(0, 1) == 100, "closing the one leaves the other's");
    carry_out(&bob, NULL);
    do_it(OPEN, 0, 2, "alice");
    do_it(OPEN, 1, 1, "alice");
    check(do_it(OTHERS, 0, 2, "alice") == REQUEST_DONE && left_s(0, 1) == 200 && left_s(0, 2) == 100 &&
              left_s(1, 1) == 100 && count_grants() == 3,
          "my others: at this gate, of this user, and not the one that is meant");
    check(do_it(CLOSE, 0, 1, NULL) == REQUEST_DONE && left_s(0, 1) == 0, "an administrator closes it to all");
}

static void test_use(void)
{
    empty();
    do_it(OPEN, 2, 1, "alice");
    do_it(OPEN, 0, 1, "alice");
    pass(50);
    use(0, 1, 9);
    do_it(TICK, 0, 0, NULL);
    check(left_s(2, 1) == 50, "without packets nothing is renewed");
    use(2, 1, 5);
    do_it(TICK, 0, 0, NULL);
    check(left_s(2, 1) == 100 && left_s(0, 1) == 50, "renew=use: packets renew it, and at other gates they do not");
    for (unsigned i = 0; i < 10; i++) {
        pass(30);
        use(2, 1, 1);
        do_it(TICK, 0, 0, NULL);
    }
    check(left_s(2, 1) == 0 && count_grants() == 0, "but never beyond most= after it was asked for");
}

static void test_agreement(void)
{
    const struct source stranger = network_of(9);
    struct hole hole = {.gate = &gates_list[0], .network = stranger, .left_ms = 5000000};
    struct wall wall = {0};

    empty();
    do_it(OPEN, 0, 1, "alice");
    pass(30);
    world->count = 0;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 70, "what was flushed is made good, for its rest");
    world->count = 0;
    world->is_loaded = false;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 70 && world->loads == 1,
          "and so is a table that is gone");
    wall_open(&wall, &hole);
    check(left_s(0, 9) == 5000 && do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 9) == 0,
          "what is open without a grant is shut");
    hole.network = network_of(1);
    wall_open(&wall, &hole);
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 70, "what is open for too long is made shorter");
    world->is_loaded = false;
    world->count = 0;
    check(do_it(OPEN, 0, 2, "bob") == REQUEST_DONE && left_s(0, 2) == 100 && left_s(0, 1) == 70,
          "a grant where the table is gone loads it, with all that was granted");
    world->loads = 0;
    do_it(TICK, 0, 0, NULL);
    check(world->loads == 0, "a tick loads nothing that is there");
    do_it(LOAD, 0, 0, NULL);
    check(world->loads == 1 && left_s(0, 1) == 70 && left_s(0, 2) == 100, "a load keeps what is granted");
}

static void test_refusal(void)
{
    empty();
    world->refuses = true;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_FAILED && count_grants() == 0,
          "what the firewall refuses is not in the record");
    world->refuses = false;
    do_it(OPEN, 0, 1, "alice");
    pass(40);
    world->refuses = true;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_FAILED, "nor is a renewal");
    world->refuses = false;
    do_it(TICK, 0, 0, NULL);
    check(left_s(0, 1) == 60, "which then is as it was before");
    world->refuses = true;
    check(do_it(CLOSE, 0, 1, "alice") == REQUEST_FAILED && count_grants() == 1,
          "a closing that failed is not forgotten");
    world->refuses = false;
    check(do_it(OPEN, 1, 5, "bob") == REQUEST_DONE && left_s(0, 1) == 60 && count_grants() == 2,
          "who comes to another gate has nothing to do with it");
    check(do_it(OPEN, 0, 5, "bob") == REQUEST_DONE && left_s(0, 1) == 0 && count_grants() == 2,
          "and who comes to the same one next finishes it");
    world->refuses = true;
    do_it(CLOSE, 0, 5, "bob");
    world->refuses = false;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 5) == 0 && count_grants() == 1, "so does a tick");
}

static void test_boots(void)
{
    empty();
    do_it(OPEN, 0, 1, "alice");
    pass(30);
    boot(2, world->now.wall_ms + 20000);
    check(do_it(LOAD, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 50, "after a reboot it is open for the rest");
    boot(3, 5000);
    check(do_it(LOAD, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 0 && count_grants() == 1,
          "not while the clock begins in 1970");
    pass(10);
    world->now.wall_ms = UINT64_C(1795800000000) + 85000;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 15, "but once it has been set, for the rest");
    boot(4, UINT64_C(1795800000000) + 101000);
    check(do_it(LOAD, 0, 0, NULL) == REQUEST_DONE && left_s(0, 1) == 0 && count_grants() == 0,
          "one whose time was up meanwhile is not opened");
}

/* The first so many bits of 2001:db8::N. */
static struct source network_6(unsigned number, uint8_t prefix)
{
    struct source network = {.address = {0x20, 0x01, 0x0d, 0xb8}, .prefix = prefix};

    if (prefix == 128)
        network.address[15] = (uint8_t)number;
    return network;
}

static enum request_reason do_to(enum deed deed, struct source network, const char *user, enum grant_by by)
{
    const struct wish wish = {.gate = &gates_list[0], .network = network, .user = user, .by = by};
    struct deeds deeds = DEEDS_NONE;
    enum request_reason reason = deeds_begin(&deeds, &gates, HOLD_ALONE);

    if (reason == REQUEST_DONE)
        reason = deed == OPEN ? deeds_open(&deeds, &wish, NULL) : deeds_close(&deeds, &wish);
    covered_by = deeds.cover.left_ms > 0 ? deeds.cover.network.prefix : UINT8_MAX;
    deeds_end(&deeds);
    return reason;
}

/* The /24 of a host of IPv4. */
static struct source wide_of(unsigned number)
{
    struct source network = network_of(number);

    address_widen(&network, 120);
    return network;
}

static void test_wider(void)
{
    empty();
    do_to(OPEN, network_6(0, 64), "alice", GRANT_BY_KNOCK);
    gates_list[0].ipv6_prefix = 128;
    check(do_to(CLOSE, network_6(7, 128), "alice", GRANT_BY_KNOCK) == REQUEST_DONE && count_grants() == 0,
          "who closes for his host closes what was opened to it with another prefix, wider");
    do_to(OPEN, network_6(7, 128), "alice", GRANT_BY_KNOCK);
    gates_list[0].ipv6_prefix = 64;
    check(do_to(CLOSE, network_6(0, 64), "alice", GRANT_BY_KNOCK) == REQUEST_DONE && count_grants() == 0,
          "or narrower");
    do_to(OPEN, network_6(0, 64), "bob", GRANT_BY_KNOCK);
    do_to(OPEN, network_6(0, 48), "alice", GRANT_BY_ADMIN);
    check(do_to(CLOSE, network_6(7, 128), "alice", GRANT_BY_KNOCK) == REQUEST_NOT_OPEN && count_grants() == 2,
          "not what another has, nor what an administrator has opened");
    check(covered_by == 64 || covered_by == 48, "but it is known what still lets him in");
    do_to(OPEN, (struct source){.prefix = 0}, "carol", GRANT_BY_ADMIN);
    do_to(OPEN, network_of(1), "alice", GRANT_BY_KNOCK);
    check(do_to(CLOSE, network_of(1), NULL, GRANT_BY_ADMIN) == REQUEST_DONE && covered_by == UINT8_MAX,
          "and where nothing does, as no network of IPv6 lets in an address of IPv4");
    do_to(CLOSE, (struct source){.prefix = 0}, NULL, GRANT_BY_ADMIN);
    do_to(OPEN, wide_of(1), "alice", GRANT_BY_WEB);
    check(do_to(CLOSE, network_of(1), "alice", GRANT_BY_KNOCK) == REQUEST_NOT_OPEN && covered_by == 120,
          "what is wider than a host of IPv4 was named by an administrator, and stays");
    do_to(CLOSE, wide_of(1), NULL, GRANT_BY_ADMIN);
    check(do_to(CLOSE, network_6(7, 128), NULL, GRANT_BY_ADMIN) == REQUEST_NOT_OPEN && count_grants() == 2,
          "an administrator closes what he names");
}

static void test_many_of_one_network(void)
{
    char user[] = "user-a";

    empty();
    for (; user[5] <= 'e'; user[5]++)
        do_it(OPEN, 0, 1, user);
    do_it(OPEN, 0, 2, "user-a");
    shut_count = 0;
    check(do_to(CLOSE, network_of(1), NULL, GRANT_BY_ADMIN) == REQUEST_DONE && count_grants() == 1 && left_s(0, 2) > 0,
          "all who have a network lose it together");
    check(shut_count == 1, "and the firewall is told once");
}

static void test_many_of_one(void)
{
    empty();
    gates_list[0].size = 8;
    do_it(OPEN, 0, 100, "bob");
    do_to(OPEN, network_of(101), "alice", GRANT_BY_ADMIN);
    for (unsigned i = 1; i <= 6; i++) {
        do_it(OPEN, 0, i, "alice");
        pass(1);
    }
    check(count_grants() == 6 && left_s(0, 1) == 0 && left_s(0, 2) == 0 && left_s(0, 3) > 0 && left_s(0, 6) > 0,
          "one user has half of a gate at most: what ends first is closed for what he opens");
    check(left_s(0, 100) > 0 && left_s(0, 101) > 0, "nobody else's is, nor what an administrator has opened for him");
    do_it(OPEN, 0, 3, "alice");
    check(left_s(0, 4) > 0 && count_grants() == 6, "nor is anything for a renewal");
}

/* What is asked of the record alone. */
static uint64_t give_up(void)
{
    struct deeds deeds = DEEDS_NONE;
    uint64_t count = 99;

    if (deeds_begin(&deeds, &gates, HOLD_ALONE) != REQUEST_DONE || lost_give_up(&deeds, &count) != REQUEST_DONE)
        count = 99;
    deeds_end(&deeds);
    return count;
}

/* Gate 0 has commands, then ports, then commands again; the firewall here is one for both. */
static void test_stranded(void)
{
    empty();
    gates_list[0].by_commands = true;
    do_it(OPEN, 0, 1, "alice");
    gates_list[0].by_commands = false;
    pass(200);
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && count_grants() == 1,
          "what commands have opened is over when they have closed it, and not before");
    check(do_it(CLOSE, 0, 1, "alice") == REQUEST_FAILED && count_grants() == 1, "nobody is told that it is closed");
    do_it(OPEN, 0, 1, "alice");
    check(do_it(CLOSE, 0, 1, "alice") == REQUEST_FAILED && count_grants() == 1,
          "nor is it once it has been opened at the gate that is there now");
    gates_list[0].by_commands = true;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && count_grants() == 0, "but when the commands are there again");
    do_it(OPEN, 0, 1, "alice");
    do_it(OPEN, 0, 2, "alice");
    do_it(OPEN, 1, 1, "alice");
    gates_list[0].name = "other";
    check(give_up() == 0 && count_grants() == 3, "what still runs is not given up");
    pass(200);
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && count_grants() == 2 && do_it(LOAD, 0, 0, NULL) == REQUEST_DONE &&
              count_grants() == 2,
          "where the gate is gone they stay, and those of nftables do not");
    check(give_up() == 2 && count_grants() == 0, "until somebody gives them up");
}

/* Somebody whose configuration has the gate no more gives up what is closing there, and opens another. */
static void give_up_and_open(void)
{
    const bool by_commands = gates_list[0].by_commands;
    const char *const name = gates_list[0].name;

    meanwhile = NULL;
    gates_list[0].by_commands = false;
    gates_list[0].name = "other";
    give_up();
    do_it(OPEN, 0, 7, "bob");
    gates_list[0].name = name;
    gates_list[0].by_commands = by_commands;
}

/* The time of what is being opened is up before that has come to an end. */
static void end_and_open(void)
{
    const bool by_commands = gates_list[0].by_commands;
    const char *const name = gates_list[0].name;

    meanwhile = NULL;
    pass(200);
    gates_list[0].by_commands = false;
    gates_list[0].name = "other";
    do_it(TICK, 0, 0, NULL);
    gates_list[0].name = name;
    gates_list[0].by_commands = by_commands;
    give_up_and_open();
}

static void end_open_and_fail(void)
{
    end_and_open();
    world->refuses = true;
}

static void open_elsewhere(void)
{
    meanwhile = NULL;
    do_it(OPEN, 1, 3, "bob");
}

static void damage_record(void)
{
    const int fd = open_record();

    meanwhile = NULL;
    scratch_need(ftruncate(fd, 10) == 0, "ftruncate");
    close(fd);
}

static off_t record_length(void)
{
    const int fd = open_record();
    struct stat info;

    scratch_need(fstat(fd, &info) == 0, "fstat");
    close(fd);
    return info.st_size;
}

static void test_commands(void)
{
    empty();
    gates_list[0].by_commands = true;
    meanwhile = open_elsewhere;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_DONE && left_s(0, 1) > 0 && left_s(1, 3) > 0 && count_grants() == 2,
          "I9: while a command runs others open what they want");
    pass(50);
    do_it(OPEN, 0, 2, "alice");
    pass(60);
    meanwhile = open_elsewhere;
    check(do_it(TICK, 0, 0, NULL) == REQUEST_DONE && left_s(1, 3) == 100 && left_s(0, 1) == 0 && left_s(0, 2) > 0 &&
              count_grants() == 2,
          "and while a tick has commands run: what was opened meanwhile stays");
    meanwhile = open_elsewhere;
    check(do_it(CLOSE, 0, 2, "alice") == REQUEST_DONE && count_grants() == 1 && left_s(1, 3) > 0,
          "and while one shuts");
    check(world->commands > 4 && !world->was_in_the_way,
          "nobody else has the turn at that gate, everybody that at others");

    empty();
    gates_list[0].by_commands = true;
    do_it(OPEN, 0, 1, "alice");
    meanwhile = give_up_and_open;
    check(do_it(CLOSE, 0, 1, "alice") == REQUEST_DONE && count_grants() == 1 && left_s(0, 7) > 0,
          "what was given up meanwhile, and has another in its place, is not forgotten again");

    empty();
    gates_list[0].by_commands = true;
    meanwhile = end_and_open;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_DONE && count_grants() == 2 && left_s(0, 7) > 0,
          "nor is what such a one has, written over by what has been opened");

    empty();
    gates_list[0].by_commands = true;
    meanwhile = end_open_and_fail;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_FAILED && has_grant("other", 7, "bob"),
          "nor by what could not be opened");

    empty();
    gates_list[0].by_commands = true;
    do_it(OPEN, 0, 1, "alice");
    meanwhile = end_open_and_fail;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_FAILED && has_grant("other", 7, "bob"),
          "nor by what could not be renewed");

    empty();
    gates_list[0].by_commands = true;
    do_it(OPEN, 1, 1, "alice");
    meanwhile = damage_record;
    check(do_it(OPEN, 0, 1, "alice") == REQUEST_FAILED && record_length() == 10,
          "where the record cannot be held again nothing is written");
    empty();
}

/* ---- Whatever comes, in whatever order, killed wherever ---- */

static uint64_t allowed_until[3][4]; /* until when each network was ever granted, CLOCK_BOOTTIME of this boot */

static bool is_within(void)
{
    for (size_t i = 0; i < world->count; i++) {
        const unsigned host = world->holes[i].network.address[15];

        if (is_live(i) && world->holes[i].ends_ms > allowed_until[world->holes[i].gate][host])
            return false;
    }
    return true;
}

static void take_note(const struct order *order)
{
    const struct gate *gate = &gates_list[order->gate];
    const uint64_t most_s = gate->renew == GATE_RENEW_USE ? gate->most_s : order->lifetime_s;
    const uint64_t until_ms = world->now.boot_ms + most_s * MS;

    if (order->deed == OPEN && until_ms > allowed_until[order->gate][order->host])
        allowed_until[order->gate][order->host] = until_ms;
}

static unsigned random_below(unsigned limit)
{
    static uint32_t state = 20261127;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % limit;
}

static struct order random_order(void)
{
    static const char *const users[] = {"alice", "bob", "carol"};

    return (struct order){
        .deed = (enum deed)random_below(5),
        .gate = random_below(3),
        .host = random_below(4),
        .user = users[random_below(3)],
        .lifetime_s = 1 + random_below(300),
    };
}

/* Is what was closed closed, once this has succeeded? */
static bool is_closed(const struct order *order)
{
    return left_s(order->gate, order->host) == 0;
}

static void test_anything(bool by_commands)
{
    unsigned kills = 0;
    bool within = true;
    bool closed = true;
    bool agreed = true;

    empty();
    memset(allowed_until, 0, sizeof allowed_until);
    gates_list[0].by_commands = by_commands;
    gates_list[2].by_commands = by_commands;
    for (unsigned i = 0; i < STEPS; i++) {
        struct order order = random_order();
        bool killed;

        if (order.deed == CLOSE)
            order.user = NULL;
        world->kill_in = random_below(4) == 0 ? 1 + random_below(4) : 0;
        world->kill_after = random_below(2) == 0;
        world->refuses = random_below(8) == 0;
        if (random_below(10) == 0)
            world->count = 0;
        if (random_below(10) == 0)
            world->is_loaded = false;
        take_note(&order);
        const enum request_reason reason = try(&order, &killed);
        kills += killed ? 1 : 0;
        within &= is_within();
        world->kill_in = 0;
        world->refuses = false;
        if (order.deed == CLOSE && !killed && reason == REQUEST_DONE)
            closed &= is_closed(&order);
        if (order.deed == CLOSE && (killed || reason == REQUEST_FAILED)) {
            const struct order tick = {.deed = TICK};

            agreed &= carry_out(&tick, NULL) == REQUEST_DONE;
            within &= is_within();
        }
        if (random_below(5) == 0 && world->count > 0)
            world->holes[random_below((unsigned)world->count)].packets += random_below(9);
        pass(random_below(60));
    }
    check(within, "I15: in no order, killed anywhere (%u times), is anything open for longer than granted", kills);
    check(closed && agreed && kills > 20, "what was closed is closed");
    check(!world->was_in_the_way && (world->commands > 0) == by_commands, "and no command was in the way of others");
}

int main(void)
{
    scratch_begin();
    snprintf(state_dir, sizeof state_dir, "%s/state", scratch_dir);
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_need(world != MAP_FAILED, "shared memory");
    test_opening();
    test_lifetimes();
    test_two_users();
    test_use();
    test_agreement();
    test_refusal();
    test_boots();
    test_stranded();
    test_wider();
    test_many_of_one_network();
    test_many_of_one();
    test_commands();
    test_anything(false);
    test_anything(true);
    empty();
    rmdir_root();
    scratch_end();
    return check_end();
}
