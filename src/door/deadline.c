/* SPDX-License-Identifier: ISC */
/* See deadline.h. */
#include "deadline.h"

#include <time.h>

#define NS_OF_MS INT64_C(1000000)

static timer_t ending, killing;
static void (*end_process)(void);

/* Our timer's signal ends the process, and nobody else's of the same number. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code == SI_TIMER)
        end_process();
}

/* A launcher may have left the signal blocked, and even sent: then it must not be taken for ours. */
static int catch_signal(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigset_t ours;

    if (signal(DEADLINE_SIGNAL, SIG_IGN) == SIG_ERR)
        return -1;
    sigfillset(&action.sa_mask);
    if (sigaction(DEADLINE_SIGNAL, &action, NULL) != 0)
        return -1;
    sigemptyset(&ours);
    sigaddset(&ours, DEADLINE_SIGNAL);
    return sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

static int make_timer(int signal_number, timer_t *timer)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal_number};

    return timer_create(CLOCK_BOOTTIME, &event, timer);
}

/* So many milliseconds from now. A time of zero would stop it. */
static int set_timer(timer_t timer, int64_t in_ms)
{
    const struct itimerspec when = {.it_value = {.tv_sec = in_ms / 1000, .tv_nsec = in_ms % 1000 * NS_OF_MS + 1}};

    return timer_settime(timer, 0, &when, NULL);
}

static int set_timers(int64_t limit_ms)
{
    const int64_t in_ms = limit_ms > 0 ? limit_ms : 0;

    return set_timer(ending, in_ms) == 0 ? set_timer(killing, in_ms + DEADLINE_GRACE_MS) : -1;
}

int deadline_start(int64_t limit_ms, void (*end)(void))
{
    end_process = end;
    if (catch_signal() != 0 || make_timer(DEADLINE_SIGNAL, &ending) != 0 || make_timer(SIGKILL, &killing) != 0)
        return -1;
    return set_timers(limit_ms);
}

void deadline_set(int64_t limit_ms)
{
    /* What worked for this timer once works again; if not, its last setting holds. */
    if (set_timers(limit_ms) != 0)
        return;
}

int64_t deadline_left_ms(void)
{
    struct itimerspec left = {0};

    /* Of a timer that has run out nothing is left. What cannot be looked at is taken for that. */
    if (timer_gettime(ending, &left) != 0)
        return 0;
    return (int64_t)left.it_value.tv_sec * 1000 + (left.it_value.tv_nsec + NS_OF_MS - 1) / NS_OF_MS;
}

bool deadline_is_over(void)
{
    return deadline_left_ms() == 0;
}
