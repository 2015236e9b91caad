/* SPDX-License-Identifier: ISC */
/* See wish.h. */
#include "wish.h"

#include "hours.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const fields[] = {WISH_FIELD_DEED,   WISH_FIELD_GATE,    WISH_FIELD_TOKEN, WISH_FIELD_HOURS,
                                     WISH_FIELD_OTHERS, WISH_FIELD_ADDRESS, WISH_FIELD_USER};

const char *wish_deed_word(enum wish_deed deed)
{
    static const char *const words[] = {"open", "renew", "close", "others"};

    return words[deed];
}

bool wish_deed_of(const char *word, enum wish_deed *deed)
{
    for (unsigned i = WISH_OPEN; i <= WISH_OTHERS; i++) {
        if (strcmp(word, wish_deed_word((enum wish_deed)i)) != 0)
            continue;
        *deed = (enum wish_deed)i;
        return true;
    }
    return false;
}

/* ---- From the form ---- */

static bool is_token(const char *text)
{
    const size_t len = strlen(text);

    return len > 0 && len <= WISH_TOKEN_MAX && strspn(text, "0123456789abcdef") == len;
}

/* What no visitor types: which button of which part of our page it was. */
static bool take_button(const struct form *form, struct wish *wish)
{
    const char *deed = form_value(form, WISH_FIELD_DEED), *gate = form_value(form, WISH_FIELD_GATE);
    const char *others = form_value(form, WISH_FIELD_OTHERS);

    if (deed == NULL || gate == NULL || !gates_is_name(gate) ||
        (others != NULL && strcmp(others, WISH_OTHERS_CLOSE) != 0))
        return false;
    snprintf(wish->gate, sizeof(wish->gate), "%s", gate);
    wish->closes_others = others != NULL;
    return wish_deed_of(deed, &wish->deed);
}

/*
 * An address or a network, in the one way in which it is written. An IPv6 host with "/128" behind it means that address
 * alone, and without, what the gate opens for a host: that stays as it was typed.
 */
static bool take_address(const char *typed, char address[static ADDRESS_TEXT_LEN])
{
    static const char one_host[] = "/128";
    struct source network;

    if (address_parse_network(typed, &network) != ADDRESS_OK)
        return false;
    address_format_source(&network, address);
    if (strchr(typed, '/') != NULL && strchr(address, '/') == NULL && strchr(address, ':') != NULL) {
        const size_t len = strlen(address);

        snprintf(address + len, ADDRESS_TEXT_LEN - len, one_host);
    }
    return strpbrk(address, "% ") == NULL;
}

static enum refusal take_typed(const struct form *form, struct wish *wish)
{
    const char *address = form_value(form, WISH_FIELD_ADDRESS), *user = form_value(form, WISH_FIELD_USER);
    const char *hours = form_value(form, WISH_FIELD_HOURS);

    if (address != NULL && !take_address(address, wish->address))
        return REFUSAL_ADDRESS;
    if (user != NULL && user[0] != '\0' && !gates_is_user(user))
        return REFUSAL_WHOM;
    if (user != NULL)
        snprintf(wish->user, sizeof(wish->user), "%s", user);
    if (hours != NULL && hours[0] != '\0' && wish->deed <= WISH_RENEW && hours_parse(hours, &wish->lifetime_s) != 0)
        return REFUSAL_HOURS;
    return REFUSAL_NONE;
}

enum refusal wish_take(const struct form *form, struct wish *wish)
{
    const char *token = form_value(form, WISH_FIELD_TOKEN);

    *wish = (struct wish){0};
    if (!form_has_only(form, fields, sizeof(fields) / sizeof(fields[0])) || token == NULL || !is_token(token) ||
        !take_button(form, wish))
        return REFUSAL_FORM;
    snprintf(wish->token, sizeof(wish->token), "%s", token);
    return take_typed(form, wish);
}

/* ---- To ostgrant ---- */

struct line {
    char *bytes;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(line->bytes + line->len, REQUEST_LINE_MAX + 1 - line->len, format, arguments);
    va_end(arguments);
    if (len > 0)
        line->len += (size_t)len;
    if (line->len > REQUEST_LINE_MAX)
        line->len = REQUEST_LINE_MAX + 1;
}

int wish_line(const struct wish *wish, const struct visitor *visitor, char bytes[static REQUEST_LINE_MAX + 1])
{
    struct line line = {.bytes = bytes};
    const bool opens = wish->deed == WISH_OPEN || wish->deed == WISH_RENEW;

    add(&line, "%s gate=%s user=%s seen=%s token=%s", opens ? "open" : wish_deed_word(wish->deed), wish->gate,
        visitor->user, visitor->seen, wish->token);
    if (wish->deed != WISH_OTHERS)
        add(&line, " address=%s", wish->address[0] != '\0' ? wish->address : visitor->seen);
    if (wish->user[0] != '\0')
        add(&line, " for=%s", wish->user);
    if (opens && wish->lifetime_s > 0)
        add(&line, " lifetime=%" PRIu64, wish->lifetime_s);
    if (opens && wish->closes_others)
        add(&line, " others=close");
    return line.len <= REQUEST_LINE_MAX ? 0 : -1;
}
