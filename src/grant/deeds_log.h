/* SPDX-License-Identifier: ISC */
/* What is done, as the log has it: one line each. */
#ifndef OSTIARY_DEEDS_LOG_H
#define OSTIARY_DEEDS_LOG_H

#include "deeds.h"

#include <stdint.h>

/* word: "granted" or "renewed". */
void deeds_log_grant(const char *word, const struct grant *grant, uint64_t left_ms);

/* A renewal by use, and an end, whose reason is in the grant. */
void deeds_log_renewal(const struct grant *grant, uint64_t left_ms);
void deeds_log_end(const struct grant *grant);

/* What still lets in a network that was closed, if anything does. */
void deeds_log_cover(const struct wish *wish, const struct cover *cover);

#endif
