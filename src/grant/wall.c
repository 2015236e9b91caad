/* SPDX-License-Identifier: ISC */
/* See wall.h. */
#include "wall.h"

#include "address.h"
#include "clock.h"
#include "commands.h"
#include "last.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MS         1000
#define LISTED_MAX 1048576 /* lines of a list= command */

/* ---- nftables ---- */

static struct nft *nft_of(struct wall *wall)
{
    if (wall->nft == NULL)
        wall->nft = nft_open();
    return wall->nft;
}

/* Say what nftables has against it. Gives the reason. */
static enum request_reason blame_nft(struct wall *wall, enum nft_result result)
{
    switch (result) {
    case NFT_OK:
        return REQUEST_DONE;
    case NFT_NOT_LOADED:
        return REQUEST_NOT_OPEN;
    case NFT_NOT_PERMITTED:
        wall->no_right = true;
        tell_wrong(LOG_ERR, "the firewall cannot be changed or read without CAP_NET_ADMIN: %s",
                   geteuid() != 0
                       ? "run this as root"
                       : "a container needs that right, or a network of its own; a unit, CapabilityBoundingSet=");
        return REQUEST_FAILED;
    case NFT_SET_FULL:
        tell_wrong(LOG_ERR,
                   "no more addresses fit into this gate: revoke some, or write a larger size= in %s, and run "
                   "'ostgrant load'",
                   wall->gates->path);
        return REQUEST_FULL;
    case NFT_FAILED:
        break;
    }
    tell_wrong(LOG_ERR, "nftables: %s", wall->nft == NULL ? "no memory" : nft_said(wall->nft));
    return REQUEST_FAILED;
}

static struct nft_element element_of(const struct hole *hole)
{
    struct nft_element element = {.network = hole->network, .left_ms = hole->left_ms, .packets = hole->packets};

    snprintf(element.gate, sizeof element.gate, "%s", hole->gate->name);
    if (hole->user != NULL)
        snprintf(element.user, sizeof element.user, "%s", hole->user);
    return element;
}

static void write_change(struct text *script, const struct hole *hole, bool opens)
{
    const struct nft_element element = element_of(hole);

    if (opens)
        nft_write_open(script, &element);
    else
        nft_write_close(script, &element);
}

static enum nft_result run_script(struct wall *wall, struct text *script)
{
    enum nft_result result = NFT_OK;

    if (script->failed || nft_of(wall) == NULL)
        result = NFT_FAILED;
    else if (script->bytes != NULL)
        result = nft_run(wall->nft, script->bytes);
    text_free(script);
    return result;
}

static enum request_reason change_in_nft(struct wall *wall, const struct hole *hole, bool opens)
{
    struct text script = {0};

    write_change(&script, hole, opens);
    return blame_nft(wall, run_script(wall, &script));
}

/* ---- Commands ---- */

static uint64_t bit_of(const struct wall *wall, const struct gate *gate)
{
    return UINT64_C(1) << (gate - wall->gates->list);
}

/*
 * Has a command of this gate been waited for in vain? Then another one would be, too, and others wait for the record
 * meanwhile.
 */
static bool is_late(const struct wall *wall, const struct gate *gate)
{
    return (wall->late & bit_of(wall, gate)) != 0;
}

static enum request_reason blame_command(struct wall *wall, const struct gate *gate, const char *option,
                                         enum commands_result result, int status)
{
    if (result == COMMANDS_TIME)
        wall->late |= bit_of(wall, gate);
    if (result == COMMANDS_OK)
        return REQUEST_DONE;
    if (result == COMMANDS_CANNOT_RUN)
        tell_wrong(LOG_ERR, "gate '%s': %s= %s: %s", gate->name, option, commands_result_text(result), strerror(errno));
    else if (result == COMMANDS_STATUS || result == COMMANDS_SIGNAL)
        tell_wrong(LOG_ERR, "gate '%s': %s= %s %d", gate->name, option, commands_result_text(result), status);
    else
        tell_wrong(LOG_ERR, "gate '%s': %s= %s", gate->name, option, commands_result_text(result));
    return REQUEST_FAILED;
}

static enum request_reason change_by_command(struct wall *wall, const struct hole *hole, bool opens)
{
    const uint64_t seconds = (hole->left_ms + MS - 1) / MS;
    enum commands_result result;
    int status = 0;

    wall->ran = false;
    if (is_late(wall, hole->gate))
        return REQUEST_FAILED;
    if (opens)
        result = commands_grant(hole->gate, &hole->network, seconds, hole->user, &status);
    else
        result = commands_revoke(hole->gate, &hole->network, hole->user, &status);
    wall->ran = result != COMMANDS_CANNOT_RUN && result != COMMANDS_UNSAFE;
    return blame_command(wall, hole->gate, opens ? "grant" : "revoke", result, status);
}

/* ---- Both ---- */

enum request_reason wall_take_away(struct wall *wall)
{
    static const struct gates none = {0};
    static const struct nft_table nothing = {0};
    static const struct nft_lengths no_lengths;
    struct text script = {0};

    nft_write_table(&script, &none, &no_lengths, &nothing);
    return blame_nft(wall, run_script(wall, &script));
}

void wall_end(struct wall *wall)
{
    if (wall->nft != NULL)
        nft_close(wall->nft);
    wall->nft = NULL;
}

enum request_reason wall_open(struct wall *wall, const struct hole *hole)
{
    return hole->gate->by_commands ? change_by_command(wall, hole, true) : change_in_nft(wall, hole, true);
}

int wall_compare(const struct gate *gate, const struct source *network, const struct hole *hole)
{
    const int order = memcmp(network->address, hole->network.address, SOURCE_ADDRESS_LEN);

    if (gate != hole->gate)
        return gate < hole->gate ? -1 : 1;
    return order != 0 ? order : (int)network->prefix - (int)hole->network.prefix;
}

static int compare_holes(const void *one, const void *other)
{
    const struct hole *hole = one;

    return wall_compare(hole->gate, &hole->network, other);
}

const struct hole *wall_find(const struct wall_view *view, const struct gate *gate, const struct source *network)
{
    const struct hole wanted = {.gate = gate, .network = *network};

    return view->count == 0 ? NULL : bsearch(&wanted, view->holes, view->count, sizeof *view->holes, compare_holes);
}

/* Make room for so many more holes. */
static bool make_room(struct wall_view *view, size_t more)
{
    struct hole *holes = reallocarray(view->holes, view->count + more, sizeof *holes);

    if (holes == NULL && view->count + more > 0) {
        tell_wrong(LOG_ERR, "there is no memory for all that the firewall has");
        return false;
    }
    view->holes = holes;
    return true;
}

static bool take_elements(const struct wall *wall, struct wall_view *view)
{
    if (!make_room(view, view->table.element_count))
        return false;
    for (size_t i = 0; i < view->table.element_count; i++) {
        const struct nft_element *element = &view->table.elements[i];
        const struct gate *gate = gates_find(wall->gates, element->gate);

        if (gate != NULL && !gate->by_commands)
            view->holes[view->count++] = (struct hole){
                .gate = gate, .network = element->network, .left_ms = element->left_ms, .packets = element->packets};
    }
    return true;
}

/* Those that hang would keep who asks from all that he has to do besides. */
static bool may_ask(struct wall *wall, const struct gate *gate)
{
    if (wall->asked_ms < WALL_LISTS_S * MS)
        return true;
    if (!wall->asks_no_more)
        tell_wrong(LOG_ERR,
                   "gate '%s': list= was not run, nor that of any gate behind it: the others have taken %d seconds",
                   gate->name, WALL_LISTS_S);
    wall->asks_no_more = true;
    return false;
}

static enum request_reason ask_command(struct wall *wall, const struct gate *gate, struct wall_view *view)
{
    struct commands_network *list = NULL;
    size_t count = 0;
    int status = 0;
    const int64_t begun_ms = clock_now_ms();

    if (!may_ask(wall, gate))
        return REQUEST_FAILED;
    const enum commands_result result = commands_list(gate, LISTED_MAX, &list, &count, &status);

    wall->asked_ms += clock_now_ms() - begun_ms;
    if (result != COMMANDS_OK)
        return blame_command(wall, gate, "list", result, status);
    if (!make_room(view, count)) {
        free(list);
        return REQUEST_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        view->holes[view->count++] =
            (struct hole){.gate = gate, .network = list[i].network, .packets = list[i].packets};
    free(list);
    return REQUEST_DONE;
}

static void ask_gate(struct wall *wall, const struct gate *gate, struct wall_view *view)
{
    if (gate->list != NULL && ask_command(wall, gate, view) != REQUEST_DONE)
        view->unseen |= bit_of(wall, gate);
}

static bool has_gate_of_nft(const struct gates *gates)
{
    for (size_t i = 0; i < gates->count; i++)
        if (!gates->list[i].by_commands)
            return true;
    return false;
}

/* Has it all that was loaded? What has been changed in the file since is not loaded before somebody says so. */
static bool is_complete(const struct wall *wall, const struct nft_table *table)
{
    struct gates copy;
    bool complete;

    if (last_is(wall->gates))
        return nft_is_complete(table, wall->gates) && nft_has_rules(table, wall->gates);
    if (last_read(wall->gates, &copy) != 0)
        return nft_is_complete(table, wall->gates);
    complete = nft_is_complete(table, &copy) && nft_has_rules(table, &copy);
    gates_free(&copy);
    return complete;
}

static enum request_reason look_at_nft(struct wall *wall, struct wall_view *view)
{
    const enum nft_result result = nft_of(wall) == NULL ? NFT_FAILED : nft_read_table(wall->nft, &view->table);

    if (result != NFT_OK)
        return blame_nft(wall, result);
    if (!take_elements(wall, view))
        return REQUEST_FAILED;
    view->complete = is_complete(wall, &view->table);
    return REQUEST_DONE;
}

static void sort_view(struct wall_view *view)
{
    if (view->count > 0)
        qsort(view->holes, view->count, sizeof *view->holes, compare_holes);
}

static enum request_reason look_at_rules(struct wall *wall, struct wall_view *view)
{
    *view = (struct wall_view){.complete = true};
    return has_gate_of_nft(wall->gates) ? look_at_nft(wall, view) : REQUEST_DONE;
}

enum request_reason wall_look_at_rules(struct wall *wall, struct wall_view *view)
{
    const enum request_reason reason = look_at_rules(wall, view);

    sort_view(view);
    return reason;
}

enum request_reason wall_look(struct wall *wall, struct wall_view *view)
{
    const enum request_reason reason = look_at_rules(wall, view);

    for (size_t i = 0; i < wall->gates->count && reason == REQUEST_DONE; i++)
        ask_gate(wall, &wall->gates->list[i], view);
    sort_view(view);
    return reason;
}

void wall_look_at_gate(struct wall *wall, const struct gate *gate, struct wall_view *view)
{
    *view = (struct wall_view){.complete = true};
    ask_gate(wall, gate, view);
    sort_view(view);
}

bool wall_sees(const struct wall *wall, const struct wall_view *view, const struct gate *gate)
{
    return !gate->by_commands || (gate->list != NULL && (view->unseen & bit_of(wall, gate)) == 0);
}

void wall_free(struct wall_view *view)
{
    nft_free_table(&view->table);
    free(view->holes);
    *view = (struct wall_view){0};
}

enum wall_answer wall_ask(struct wall *wall, const struct gate *gate, const struct source *network, uint64_t *packets)
{
    struct nft_element element = {.network = *network};
    bool found = false;

    if (gate->by_commands || nft_of(wall) == NULL)
        return WALL_UNKNOWN;
    snprintf(element.gate, sizeof element.gate, "%s", gate->name);
    switch (nft_read_element(wall->nft, &element, &found)) {
    case NFT_OK:
        *packets = element.packets;
        return found ? WALL_HAS : WALL_HAS_NOT;
    case NFT_NOT_LOADED:
        return WALL_HAS_NOT;
    case NFT_NOT_PERMITTED:
    case NFT_SET_FULL:
    case NFT_FAILED:
        break;
    }
    return WALL_UNKNOWN;
}

static enum nft_result try_to_shut(struct wall *wall, const struct hole *hole)
{
    struct text script = {0};

    write_change(&script, hole, false);
    return run_script(wall, &script);
}

/* Whatever came of that: is it shut? Where this cannot be asked, what libnftables has said counts. */
static bool is_shut(struct wall *wall, const struct hole *hole, enum nft_result result)
{
    uint64_t packets = 0;

    switch (wall_ask(wall, hole->gate, &hole->network, &packets)) {
    case WALL_HAS_NOT:
        return true;
    case WALL_UNKNOWN:
        return result == NFT_OK;
    case WALL_HAS:
        break;
    }
    return false;
}

/*
 * What is not there is added and deleted in one transaction, which takes a place in its set for a moment: where there
 * is none, it is not there. Nor is it where there is no set. Where libnftables has no memory it may say so though there
 * is one, or that all is done, and have done nothing: so that is seen to.
 */
static enum request_reason shut_in_nft(struct wall *wall, const struct hole *hole)
{
    enum nft_result result = NFT_OK;

    for (int tries = 0; tries < 2 && result != NFT_NOT_PERMITTED; tries++) {
        result = try_to_shut(wall, hole);
        if (is_shut(wall, hole, result))
            return REQUEST_DONE;
    }
    if (result != NFT_OK && result != NFT_NOT_LOADED)
        return blame_nft(wall, result);
    tell_wrong(LOG_ERR, "nftables: what has been shut seems to be open still: is there too little memory?");
    return REQUEST_FAILED;
}

enum request_reason wall_shut(struct wall *wall, const struct hole *hole)
{
    return hole->gate->by_commands ? change_by_command(wall, hole, false) : shut_in_nft(wall, hole);
}

uint64_t wall_packets(struct wall *wall, const struct gate *gate, const struct source *network)
{
    uint64_t packets = 0;

    return wall_ask(wall, gate, network, &packets) == WALL_HAS ? packets : 0;
}

/* Those that open are put together, set by set: a hundred thousand are three commands, not three hundred thousand. */
static void write_changes(struct text *script, const struct wall_order *order, size_t count)
{
    struct nft_element *opened = calloc(count + 1, sizeof *opened);
    size_t opened_count = 0;

    script->failed |= opened == NULL;
    for (size_t i = 0; i < count && !script->failed; i++) {
        const struct wall_change *one = &order->changes[i];

        if (one->hole.gate->by_commands)
            continue;
        if (one->opens)
            opened[opened_count++] = element_of(&one->hole);
        else
            write_change(script, &one->hole, false);
    }
    if (opened != NULL)
        nft_write_open_all(script, opened, opened_count);
    free(opened);
}

/* All that concerns nftables, or with the table alone. */
static enum nft_result apply_together(struct wall *wall, const struct wall_view *view, const struct wall_order *order,
                                      size_t count)
{
    struct text script = {0};
    enum nft_result result;

    if (order->load)
        nft_write_table(&script, wall->gates, order->lengths, &view->table);
    write_changes(&script, order, count);
    result = run_script(wall, &script);
    if (result == NFT_OK && order->load)
        last_keep(wall->gates);
    return result;
}

static void set_done(const struct wall_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        order->changes[i].done = !order->changes[i].hole.gate->by_commands;
}

static enum request_reason apply_in_nft(struct wall *wall, const struct wall_view *view, const struct wall_order *order)
{
    enum request_reason reason = REQUEST_DONE;
    enum nft_result result = apply_together(wall, view, order, order->count);

    if (result == NFT_OK)
        set_done(order);
    if (result == NFT_OK || result == NFT_NOT_PERMITTED || (result == NFT_NOT_LOADED && !order->load))
        return blame_nft(wall, result);
    result = apply_together(wall, view, order, 0);
    if (result != NFT_OK)
        return blame_nft(wall, result);
    for (size_t i = 0; i < order->count; i++) {
        struct wall_change *one = &order->changes[i];

        if (one->hole.gate->by_commands)
            continue;
        one->done = change_in_nft(wall, &one->hole, one->opens) == REQUEST_DONE;
        if (!one->done)
            reason = REQUEST_FAILED;
    }
    return reason;
}

static bool concerns_nft(const struct wall_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        if (!order->changes[i].hole.gate->by_commands)
            return true;
    return order->load;
}

enum request_reason wall_apply(struct wall *wall, const struct wall_view *view, const struct wall_order *order)
{
    enum request_reason reason = concerns_nft(order) ? apply_in_nft(wall, view, order) : REQUEST_DONE;

    if (reason == REQUEST_NOT_OPEN)
        return reason;
    for (size_t i = 0; i < order->count; i++) {
        struct wall_change *one = &order->changes[i];

        if (!one->hole.gate->by_commands)
            continue;
        one->done = change_by_command(wall, &one->hole, one->opens) == REQUEST_DONE;
        if (!one->done)
            reason = REQUEST_FAILED;
    }
    return reason;
}
