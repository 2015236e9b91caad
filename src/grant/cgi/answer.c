/* SPDX-License-Identifier: ISC */
/* See answer.h. */
#include "answer.h"

#include "number.h"
#include "request.h"

#include <stdio.h>
#include <string.h>

/* ---- Values. Each returns false where the field is missing, or is not what it has to be ---- */

static bool take_number(const struct request_line *line, const char *key, uint64_t *number)
{
    const struct number_range any = {0, UINT64_MAX};
    const char *value = request_value(line, key);

    return value != NULL && number_parse(value, any, number) == NUMBER_OK;
}

/* One of count words, by its number. */
static bool take_word(const char *value, const char *const words[], unsigned count, unsigned *number)
{
    for (*number = 0; value != NULL && *number < count; (*number)++)
        if (strcmp(value, words[*number]) == 0)
            return true;
    return false;
}

static bool take_yes(const struct request_line *line, const char *key, bool *yes)
{
    static const char *const words[] = {"no", "yes"};
    unsigned number;

    if (!take_word(request_value(line, key), words, 2, &number))
        return false;
    *yes = number == 1;
    return true;
}

static bool take_gate_name(const struct request_line *line, const char *key, char name[static GATES_NAME_MAX + 1])
{
    const char *value = request_value(line, key);

    if (value == NULL || !gates_is_name(value))
        return false;
    snprintf(name, GATES_NAME_MAX + 1, "%s", value);
    return true;
}

/* "-" where there is none. */
static bool take_network(const struct request_line *line, char network[static ADDRESS_TEXT_LEN])
{
    const char *value = request_value(line, "network");
    struct source parsed;

    if (value != NULL && strcmp(value, "-") == 0) {
        network[0] = '\0';
        return true;
    }
    if (value == NULL || strlen(value) >= ADDRESS_TEXT_LEN || address_parse_network(value, &parsed) != ADDRESS_OK)
        return false;
    snprintf(network, ADDRESS_TEXT_LEN, "%s", value);
    return true;
}

/* ---- Lines ---- */

static bool take_gate(const struct request_line *line, struct answer *answer)
{
    static const char *const renewals[] = {"no", "asking", "use"};
    struct answer_gate *gate = &answer->gates[answer->gate_count];
    unsigned renew;

    if (answer->gate_count == GATES_MAX || !take_gate_name(line, "name", gate->name) ||
        !take_network(line, gate->network) || !take_number(line, "lifetime", &gate->lifetime_s) ||
        !take_number(line, "most", &gate->most_s) || !take_word(request_value(line, "renew"), renewals, 3, &renew) ||
        !take_yes(line, "admin", &gate->admin))
        return false;
    gate->renew = (enum gate_renew)renew;
    answer->gate_count++;
    return true;
}

static bool read_grant(const struct request_line *line, struct answer_grant *grant)
{
    static const char *const states[] = {"opening", "open", "closing", "waiting"};
    const char *user = request_value(line, "user"), *word = request_value(line, "state");
    unsigned state;

    if (!take_gate_name(line, "gate", grant->gate) || !take_network(line, grant->network) ||
        grant->network[0] == '\0' || (user != NULL && strlen(user) > GATES_USER_MAX) ||
        !take_number(line, "left", &grant->left_s) || !take_number(line, "packets", &grant->packets) || word == NULL ||
        !take_yes(line, "mine", &grant->mine))
        return false;
    (void)take_word(word, states, ANSWER_UNSETTLED, &state);
    snprintf(grant->user, sizeof(grant->user), "%s", user != NULL ? user : "");
    grant->state = (enum answer_state)state;
    return true;
}

/* The visitor's own, or all others: of those that do not fit any more it is counted how many they are. */
static bool take_grant(const struct request_line *line, bool mine, struct answer *answer)
{
    struct answer_grant grant = {0};

    if (!read_grant(line, &grant))
        return false;
    if (grant.mine != mine)
        return true;
    if (answer->grant_count < ANSWER_GRANTS_MAX)
        answer->grants[answer->grant_count++] = grant;
    else
        answer->left_out++;
    return true;
}

static bool take_count(const struct request_line *line, struct answer *answer)
{
    struct answer_count *count = &answer->counts[answer->count_count];

    if (answer->count_count == GATES_MAX || !take_gate_name(line, "gate", count->gate) ||
        !take_number(line, "shut", &count->shut))
        return false;
    answer->count_count++;
    return true;
}

static bool take_token(const struct request_line *line, struct answer *answer)
{
    const char *value = request_value(line, "value");

    if (value == NULL || value[0] == '\0' || strlen(value) >= ANSWER_TOKEN_LEN ||
        strspn(value, "0123456789abcdef") != strlen(value))
        return false;
    snprintf(answer->token, sizeof(answer->token), "%s", value);
    return true;
}

/* Grants are read in two rounds, the visitor's own before all others, and everything else in the first. */
static bool take_line(const struct request_line *line, bool first_round, struct answer *answer)
{
    if (strcmp(line->word, "grant") == 0)
        return take_grant(line, first_round, answer);
    if (!first_round)
        return true;
    if (strcmp(line->word, "gate") == 0)
        return take_gate(line, answer);
    if (strcmp(line->word, "count") == 0)
        return take_count(line, answer);
    if (strcmp(line->word, "token") == 0)
        return take_token(line, answer);
    return strcmp(line->word, "admin") != 0 || take_yes(line, "value", &answer->admin);
}

static int take_lines(const char *bytes, size_t len, bool first_round, struct answer *answer)
{
    const char *const end = bytes + len;
    struct request_line line;
    const char *feed;

    for (; bytes < end; bytes = feed + 1) {
        feed = memchr(bytes, '\n', (size_t)(end - bytes));
        if (feed == NULL)
            feed = end;
        if (request_parse(bytes, (size_t)(feed - bytes), &line) != 0 || !take_line(&line, first_round, answer))
            return -1;
    }
    return 0;
}

int answer_parse(const char *bytes, size_t len, struct answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    if (take_lines(bytes, len, true, answer) != 0)
        return -1;
    return take_lines(bytes, len, false, answer);
}
