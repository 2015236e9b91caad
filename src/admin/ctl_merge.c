/* SPDX-License-Identifier: ISC */
/* ostiaryctl merge: take the locks of a table elsewhere into this one, so that both doors can use it. See ctl.h. */
#include "closed.h"
#include "ctl.h"
#include "slot.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* A lock, with times of the wall clock. */
struct lock {
    struct record_slot slot;
    bool network;
};

struct locks {
    struct lock *all;
    size_t count;
    size_t room;
    uint64_t now;             /* of the wall clock, s */
    struct ctl_closed closed; /* a door there that is closed, if any is */
};

static bool keep(void *context, const struct manage_entry *entry)
{
    struct locks *locks = context;

    if (!slot_in_force(entry->slot, locks->now))
        return true;
    if (locks->count == locks->room) {
        locks->room = locks->room == 0 ? 64 : 2 * locks->room;
        locks->all = reallocarray(locks->all, locks->room, sizeof(*locks->all));
        if (locks->all == NULL)
            err(CTL_OS, "the locks do not fit into memory");
    }
    locks->all[locks->count++] = (struct lock){*entry->slot, entry->network};
    return true;
}

/* A table of version 1 is converted, which takes the right to write. False: it is one, and was opened to be read. */
static bool read_locks(struct ctl *from, const struct moment *now, bool read_only, struct locks *locks)
{
    enum store_fault fault;

    if (!ctl_open_table(from, read_only))
        return true;
    locks->count = 0;
    fault = manage_each(&from->store, now, keep, locks, NULL);
    if (fault == STORE_OLD)
        return false;
    for (unsigned door = 0; door < DOOR_EVERY && fault == STORE_OK; door++)
        fault = ctl_read_promise(from, (enum doors)door, &locks->closed);
    if (fault != STORE_OK)
        ctl_state_fault(from, fault);
    return true;
}

/* Does a file close any door there? Then its reason is in *closed. */
static void read_closed(const struct ctl *from, struct ctl_closed *closed)
{
    const int dir_fd = ctl_open_directory(from);

    closed->closed = false;
    for (unsigned door = 0; door < DOOR_EVERY && !closed->closed; door++) {
        const enum store_fault fault = ctl_read_closed(dir_fd, (enum doors)door, closed);

        if (fault != STORE_OK)
            ctl_state_fault(from, fault);
    }
    close(dir_fd);
}

static void take(struct ctl *ctl, const struct locks *locks, const struct moment *now)
{
    for (size_t i = 0; i < locks->count; i++) {
        const enum store_fault fault = manage_take(&ctl->store, &locks->all[i].slot, locks->all[i].network, now);

        if (fault != STORE_OK)
            ctl_state_fault(ctl, fault);
    }
}

/* Whoever closed a door meant it: that it moves does not open it. First of all, whatever becomes of the locks. */
static void close_too(struct ctl *ctl, const struct ctl_closed *closed, const struct moment *now)
{
    const enum store_fault fault = lockout_close(&ctl->store, ctl_closed_reason(closed), now, NULL);

    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    ctl_changed("every door is closed, as one was there: %s; nobody is served until '%s open'",
                ctl_closed_reason(closed), ctl->self);
}

enum ctl_status ctl_merge(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const struct moment now = ctl_now();
    struct locks locks = {.now = now.wall_ms / 1000};
    struct ctl from = {.config_path = ctl->config_path, .store = {.dir_fd = -1, .table_fd = -1}};

    ctl_option(argc, argv, ":", options);
    argv = ctl_arguments(argc, argv, 1, 1);
    ctl_load(ctl);
    from.config = ctl->config; /* of which nothing but these two is used, and nothing freed */
    from.config.state_dir = argv[0];
    if (argv[0][0] != '/')
        ctl_usage("merge: a state directory is an absolute path");
    if (ctl_is_same_directory(argv[0], ctl->config.state_dir))
        ctl_usage("merge: %s is this table itself", argv[0]);

    read_closed(&from, &locks.closed);
    ctl_be_root();
    if (!read_locks(&from, &now, true, &locks)) {
        store_close(&from.store);
        read_locks(&from, &now, false, &locks);
    }
    store_close(&from.store);
    ctl_be_root();

    ctl_open_table(ctl, false);
    if (locks.closed.closed)
        close_too(ctl, &locks.closed, &now);
    take(ctl, &locks, &now);
    ctl_changed("%zu %s of %s %s here too", locks.count, locks.count == 1 ? "lock" : "locks", argv[0],
                locks.count == 1 ? "is" : "are");
    free(locks.all);
    return CTL_OK;
}
