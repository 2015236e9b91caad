/* SPDX-License-Identifier: ISC */
/* See stop.h. */
#include "stop.h"

#include <signal.h>

void stop_refuse(void)
{
    static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

    for (unsigned i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
        (void)signal(stops[i], SIG_IGN);
}
