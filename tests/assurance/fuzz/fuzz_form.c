/* SPDX-License-Identifier: ISC */
/* Any bytes as a form of the web page, and what ostgrant is asked for it. The input is the form. */
#include "form.h"
#include "fuzz.h"
#include "hours.h"
#include "request.h"
#include "wish.h"

static const struct visitor visitor = {.user = "alice", .seen = "2001:db8::7"};

static void demand_form(const struct form *form)
{
    DEMAND(form->count <= FORM_FIELDS_MAX);
    for (size_t i = 0; i < form->count; i++) {
        const char *name = form->fields[i].name, *value = form->fields[i].value;

        DEMAND(name[0] != '\0');
        for (const char *at = name; *at != '\0'; at++)
            DEMAND(*at >= ' ' && *at <= '~');
        for (const char *at = value; *at != '\0'; at++)
            DEMAND(*at >= ' ' && *at <= '~');
        DEMAND(value[0] != ' ' && (value[0] == '\0' || value[strlen(value) - 1] != ' '));
        DEMAND(form_value(form, name) == value);
    }
}

static void demand_hours(const char *text)
{
    char formatted[HOURS_TEXT_LEN];
    uint64_t seconds = 0, again = 0;

    if (hours_parse(text, &seconds) != 0)
        return;
    DEMAND(seconds > 0 && seconds <= UINT64_C(87601) * 3600);
    hours_format(seconds, formatted);
    /* What is written with the longest whole part may be rounded to more than that. */
    if (seconds < UINT64_C(87600) * 3600)
        DEMAND(hours_parse(formatted, &again) == 0 && again == seconds);
}

/* What is asked for is a request, which says of who asks what is known of him, and nothing besides. */
static void demand_wish(const struct wish *wish)
{
    static const char *const keys[] = {"gate", "user", "seen", "token", "address", "for", "lifetime", "others"};
    char text[REQUEST_LINE_MAX + 1];
    struct request_line line;
    size_t known = 0;

    DEMAND(wish_line(wish, &visitor, text) == 0);
    DEMAND(request_parse(text, strlen(text), &line) == 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        known += request_value(&line, keys[i]) != NULL ? 1 : 0;
    DEMAND(known == line.field_count);
    DEMAND(strcmp(request_value(&line, "user"), visitor.user) == 0);
    DEMAND(strcmp(request_value(&line, "seen"), visitor.seen) == 0);
    DEMAND(strcmp(request_value(&line, "gate"), wish->gate) == 0 && gates_is_name(wish->gate));
    DEMAND(wish->user[0] == '\0' || gates_is_user(wish->user));
    if (request_value(&line, "address") != NULL) {
        struct source network;

        DEMAND(address_parse_network(request_value(&line, "address"), &network) == ADDRESS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    /* No byte behind the NUL: the sanitizers see whoever goes there. */
    char *text = malloc(len + 1);
    struct form form;
    struct wish wish;

    DEMAND(text != NULL);
    if (len > 0)
        memcpy(text, bytes, len);
    text[len] = '\0';
    if (form_parse(text, len, &form) == 0) {
        demand_form(&form);
        if (form_value(&form, WISH_FIELD_HOURS) != NULL)
            demand_hours(form_value(&form, WISH_FIELD_HOURS));
        if (wish_take(&form, &wish) == REFUSAL_NONE)
            demand_wish(&wish);
    } else {
        DEMAND(form.count == 0);
    }
    free(text);
    return 0;
}
