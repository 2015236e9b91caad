/* SPDX-License-Identifier: ISC */
/* ostiaryctl verify and repair: is the table whole, and the record of used codes, and make them so. See ctl.h. */
#include "ctl.h"
#include "ctl_used.h"
#include "repair.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_MAX 20 /* damaged records that are named one by one */

struct damage {
    const struct ctl *ctl;
    uint64_t count;
};

static void print_damaged(void *context, uint64_t where)
{
    struct damage *damage = context;

    if (++damage->count > SHOWN_MAX)
        return;
    if (where >= RECORD_WHERE_NETWORKS)
        printf("%s/lockout: network %" PRIu64 " is damaged\n", damage->ctl->config.state_dir,
               where - RECORD_WHERE_NETWORKS);
    else
        printf("%s/lockout: place %" PRIu64 " (at byte %" PRIu64 ") is damaged\n", damage->ctl->config.state_dir, where,
               store_slot_at(where));
}

static void print_part(const struct ctl *ctl, bool damaged, const char *text)
{
    if (damaged)
        printf("%s/lockout: %s\n", ctl->config.state_dir, text);
}

static void print_findings(const struct ctl *ctl, const struct repair_findings *findings, uint64_t records)
{
    const bool no_key = findings->header_damaged && findings->header_copy_damaged;

    if (records > SHOWN_MAX)
        printf("%s/lockout: and %" PRIu64 " more\n", ctl->config.state_dir, records - SHOWN_MAX);
    print_part(ctl, findings->head == STORE_FOREIGN, "the header is of another version");
    print_part(ctl, findings->head == STORE_REBUILDING, "a repair was interrupted");
    print_part(ctl, findings->header_damaged, "the header is damaged");
    print_part(ctl, findings->header_copy_damaged, "the copy of the header is damaged");
    print_part(ctl, findings->counters_damaged, "the counters are damaged");
    print_part(ctl, findings->zeros_damaged, "bytes of the head that must be zero are not");
    print_part(ctl, findings->length_wrong, "the file has the wrong length");

    if (findings->head == STORE_OLD)
        printf("%s/lockout: %s, and then it can be verified\n", ctl->config.state_dir, store_fault_text(STORE_OLD));
    else if (findings->head == STORE_FOREIGN)
        puts("Nobody gets in. Use the ostiaryctl of the version that wrote the table, or move it away.");
    else if (no_key)
        printf("Nobody gets in, and nothing can be saved: run '%s repair --empty' to start anew.\n", ctl->self);
    else if (findings->head != STORE_OK)
        printf("Nobody gets in: run '%s repair'.\n", ctl->self);
    else
        printf("Damaged places count as empty: run '%s repair' to have them so.\n", ctl->self);
}

enum ctl_status ctl_verify(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct damage damage = {.ctl = ctl};
    struct repair_findings findings;
    enum store_fault fault;
    enum ctl_status status;

    ctl_option(argc, argv, ":", options);
    ctl_arguments(argc, argv, 0, 0);
    ctl_load(ctl);
    status = ctl_used_verify(ctl) ? CTL_OK : CTL_STATE;
    if (!ctl_open_table(ctl, true)) {
        printf("%s/lockout: there is no table yet\n", ctl->config.state_dir);
        return status;
    }
    fault = repair_verify(&ctl->store, print_damaged, &damage, &findings);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);
    if (!repair_is_clean(&findings)) {
        print_findings(ctl, &findings, damage.count);
        return CTL_STATE;
    }
    printf("%s/lockout: good: %" PRIu64 " of %" PRIu64 " places used\n", ctl->config.state_dir, findings.whole,
           findings.places);
    return status;
}

enum ctl_status ctl_repair(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"empty", no_argument, NULL, 'e'}, {NULL, 0, NULL, 0}};
    struct repair_order order = {.moment = ctl_now()};
    struct repair_report report;
    enum store_fault fault;

    while (ctl_option(argc, argv, ":", options) != -1)
        order.give_up = true;
    ctl_arguments(argc, argv, 0, 0);
    ctl_load(ctl);
    order.places = ctl->config.table_size;
    ctl_open_table(ctl, false);
    fault = repair_table(&ctl->store, &order, &report);
    if (fault == STORE_KEY_LOST)
        errx(CTL_STATE,
             "%s: both headers are damaged, so that no place can be read any more: nothing was changed. "
             "'%s repair --empty' starts an empty table: all locks and strikes are lost",
             ctl->config.state_dir, ctl->self);
    if (fault != STORE_OK)
        ctl_state_fault(ctl, fault);

    if (report.finished_earlier)
        ctl_changed("%s/lockout: an interrupted repair is finished", ctl->config.state_dir);
    ctl_changed("%s/lockout: %" PRIu64 " kept, %" PRIu64 " lost with their damage, %" PRIu64
                " dropped for want of room; %" PRIu64 " places",
                ctl->config.state_dir, report.kept, report.damaged, report.dropped, report.places);
    if (report.counters_lost)
        ctl_changed("%s/lockout: the counters were damaged: errors count from 0 again", ctl->config.state_dir);
    store_close(&ctl->store);
    ctl_be_root();
    ctl_used_repair(ctl, order.give_up);
    return CTL_OK;
}
