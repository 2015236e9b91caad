/* SPDX-License-Identifier: ISC */
/* What spawner tells knocks of each process that it has started and seen end. */
#ifndef OSTIARY_BENCH_REPORT_H
#define OSTIARY_BENCH_REPORT_H

#include <stdint.h>

#define REPORT_LISTEN_FD 3 /* where spawner takes connections */
#define REPORT_FD        4 /* where it writes one report for each */

/* Times of CLOCK_REALTIME: that is how the kernel marks what arrives. */
struct report {
    int64_t exec_ns; /* when execve was called */
    int64_t end_ns;  /* when the process, and all that it left behind, had ended */
    int64_t cpu_us;  /* user and system, of all of them */
    int64_t rss_kib; /* the most that one of them had */
    int64_t faults;  /* page faults of all of them */
};

#endif
