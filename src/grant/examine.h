/* SPDX-License-Identifier: ISC */
/*
 * "ostgrant check": what is wrong with gates, record and firewall, beyond what the parser can see. Findings are printed
 * as "file:line: severity: text", and nothing is changed.
 */
#ifndef OSTIARY_EXAMINE_H
#define OSTIARY_EXAMINE_H

#include "gates.h"

/* Print a finding; the parser's go the same way. */
void examine_print(const struct config_finding *finding);

/* Look at everything. Gives the status to exit with: 0, or EX_CONFIG where there is an error. */
int examine(const struct gates *gates);

#endif
