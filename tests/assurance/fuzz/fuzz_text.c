/* SPDX-License-Identifier: ISC */
/*
 * The small parsers and formatters, each with any text: numbers, times, addresses, networks, targets, calendar times,
 * log lines, lines of ostiary.cfg, JSON, requests to ostgrant, labels of stretched passphrases. The first byte chooses
 * which.
 */
#include "address.h"
#include "codes.h"
#include "fuzz.h"
#include "json.h"
#include "logline.h"
#include "number.h"
#include "request.h"
#include "scan.h"
#include "secret_input.h"
#include "stretch_label.h"
#include "target.h"
#include "valid_json.h"
#include "when.h"

#include <errno.h>

#define NOW UINT64_C(1795293540)

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* What the text means, found in another way. False: it is no number, or one beyond 64 bits. */
static bool plain_number(const char *text, size_t digits, uint64_t *number)
{
    char copy[64];

    while (digits > 1 && *text == '0') {
        text++;
        digits--;
    }
    if (digits == 0 || digits >= sizeof(copy))
        return false;
    memcpy(copy, text, digits);
    copy[digits] = '\0';
    errno = 0;
    *number = strtoull(copy, NULL, 10);
    return errno == 0;
}

static void test_number(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    const struct number_range all = {0, UINT64_MAX}, some = {7, 3600};
    uint64_t number = 1, expected = 0;
    enum number_result result = number_parse(text, all, &number);

    DEMAND((result != NUMBER_MALFORMED) == (digits > 0 && text[digits] == '\0'));
    if (result == NUMBER_OK && plain_number(text, digits, &expected))
        DEMAND(number == expected);
    number = 1;
    result = number_parse(text, some, &number);
    DEMAND(result == NUMBER_OK ? number >= some.low && number <= some.high : number == 1);
}

/*
 * A time is digits alone, or digits and a unit up to four times, the larger one first. Gives how many seconds, where
 * that is no more than the limit; *fits says whether it is.
 */
static bool is_time(const char *text, uint64_t limit, uint64_t *seconds, bool *fits)
{
    static const char units[] = "dhms";
    static const uint64_t lengths[] = {86400, 3600, 60, 1};
    size_t next = 0;

    *seconds = 0;
    *fits = true;
    do {
        const size_t digits = strspn(text, "0123456789");
        const char *unit = text[digits] != '\0' ? strchr(units, text[digits]) : NULL;
        const size_t at = unit != NULL ? (size_t)(unit - units) : sizeof(units) - 2;
        uint64_t number = 0;

        if (digits == 0 || at < next || (unit == NULL && (text[digits] != '\0' || next > 0)))
            return false;
        *fits = *fits && plain_number(text, digits, &number) && number <= (limit - *seconds) / lengths[at];
        if (*fits)
            *seconds += number * lengths[at];
        next = at + 1;
        text += digits + (unit != NULL ? 1 : 0);
    } while (*text != '\0');
    return true;
}

static void test_time(const char *text)
{
    const struct number_range range = {0, UINT64_C(3650) * 86400};
    uint64_t seconds = 0, expected, again;
    const enum number_result result = number_parse_time(text, range, &seconds);
    char formatted[NUMBER_TIME_LEN];
    bool fits;

    if (!is_time(text, range.high, &expected, &fits)) {
        DEMAND(result == NUMBER_MALFORMED);
        return;
    }
    DEMAND(result == (fits ? NUMBER_OK : NUMBER_OUT_OF_RANGE));
    if (result != NUMBER_OK)
        return;
    DEMAND(seconds == expected);
    number_format_time(seconds, formatted);
    DEMAND(number_parse_time(formatted, range, &again) == NUMBER_OK && again == seconds);
}

/* ---- addresses -------------------------------------------------------------------------------------------------- */

static void test_network(const char *text)
{
    char formatted[ADDRESS_TEXT_LEN], again[ADDRESS_TEXT_LEN];
    struct source network, reread;

    if (address_parse_network(text, &network) != 0)
        return;
    DEMAND(network.prefix <= 128);
    for (unsigned bit = network.prefix; bit < 128; bit++)
        DEMAND((network.address[bit / 8] & (0x80 >> bit % 8)) == 0);
    DEMAND(address_covers(&network, &network));
    address_is_vast(&network);
    address_format_source(&network, formatted);
    DEMAND(address_parse_network(formatted, &reread) == 0);
    DEMAND(reread.prefix == network.prefix && memcmp(reread.address, network.address, SOURCE_ADDRESS_LEN) == 0);
    address_format_source(&reread, again);
    DEMAND(strcmp(formatted, again) == 0);
}

static void test_address(const char *text)
{
    char formatted[ADDRESS_TEXT_LEN];
    struct address address, reread;

    if (address_parse(text, &address) != 0)
        return;
    address_format(&address, formatted);
    DEMAND(address_parse(formatted, &reread) == 0 && memcmp(&reread, &address, sizeof(address)) == 0);
    for (unsigned prefix = 32; prefix <= 128; prefix += 8) {
        const struct source source = address_source(&address, (uint8_t)prefix);

        DEMAND(address_within(&address, &source));
        DEMAND(source.prefix == 128 || source.prefix == 48 || source.prefix == prefix);
        DEMAND(source.prefix == 128 || !address_is_ipv4(&address));
        DEMAND(source.prefix == 128 || address.interface[0] == '\0');
    }
}

static void test_target(const char *text)
{
    struct target target = {.port = 1};
    const enum target_fault fault = target_parse(text, &target);

    DEMAND(target_fault_text(fault)[0] != '\0');
    if (fault != TARGET_OK) {
        DEMAND(target.host[0] == '\0' && target.port == 1);
        return;
    }
    DEMAND(target.host[0] != '\0' && strstr(text, target.host) != NULL);
    DEMAND(!target.has_port || target.port != 0);
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

static void test_since(const char *text)
{
    char formatted[WHEN_TEXT_LEN];
    uint64_t moment;

    if (when_parse_since(text, NOW, &moment) != 0)
        return;
    if (text[strspn(text, "0123456789smhd")] == '\0') {
        DEMAND(moment <= NOW);
        return;
    }
    when_format_local(moment, formatted);
    DEMAND(strncmp(formatted, text, strlen(text)) == 0);
}

static void test_moments(struct fuzz_input *input)
{
    const uint64_t now = fuzz_number(input, 8), moment = fuzz_number(input, 8);
    char text[WHEN_TEXT_LEN];

    when_format_span(now, text);
    DEMAND(text[0] >= '0' && text[0] <= '9');
    when_format_past(now, moment, text);
    DEMAND(text[0] != '\0');
    when_format_local(now, text);
    DEMAND(strlen(text) >= strlen("2026-11-21 21:39:00")); /* east of Greenwich the last year is 10000 */
    when_format_utc(now, text);
    DEMAND(strlen(text) == strlen("2026-11-21T21:39:00Z"));
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void test_logline(const char *bytes, size_t len)
{
    static struct logline line;
    char word[LOGLINE_LEN + 1];

    if (logline_parse_grant(bytes, len, &line) == 0) {
        DEMAND(!line.has_source && logline_value(&line, "gate") != NULL);
        DEMAND(line.has_network || strcmp(line.outcome, "refused") == 0);
    } else if (logline_parse(bytes, len, &line) == 0) {
        DEMAND(!line.has_network && (line.has_source || strcmp(line.outcome, "closed") == 0));
    } else {
        return;
    }
    DEMAND(len < LOGLINE_LEN && line.field_count <= LOGLINE_FIELDS);
    DEMAND(strncmp(line.outcome, bytes, strlen(line.outcome)) == 0);
    DEMAND((line.who != NULL) == (line.has_source || line.has_network));
    for (size_t i = 0; i < line.field_count; i++) {
        snprintf(word, sizeof(word), "%s=%s", line.fields[i].key, line.fields[i].value);
        DEMAND(memmem(bytes, len, word, strlen(word)) != NULL);
        DEMAND(logline_value(&line, line.fields[i].key) == line.fields[i].value);
        DEMAND(strcmp(line.fields[i].key, "source") != 0);
    }
}

/* What is taken apart is what was there: put together again it is the same, byte for byte. */
static void test_request(const char *bytes, size_t len)
{
    static struct request_line line;
    char again[REQUEST_LINE_MAX + 1];
    size_t used;

    if (request_parse(bytes, len, &line) != 0)
        return;
    DEMAND(len < REQUEST_LINE_MAX && line.field_count <= REQUEST_FIELDS_MAX);
    used = (size_t)snprintf(again, sizeof(again), "%s", line.word);
    for (size_t i = 0; i < line.field_count; i++) {
        DEMAND(request_value(&line, line.fields[i].key) == line.fields[i].value);
        used +=
            (size_t)snprintf(again + used, sizeof(again) - used, " %s=%s", line.fields[i].key, line.fields[i].value);
    }
    DEMAND(used == len && memcmp(again, bytes, len) == 0);
    DEMAND(request_reason_of(line.word) > REQUEST_DONE && request_reason_of(line.word) < REQUEST_UNREACHABLE);
}

static void test_scan(const char *bytes, size_t len)
{
    char *text = malloc(len + 1);
    struct scan_line line;
    enum scan_fault fault;

    DEMAND(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\n';
    fault = scan_line(text, len, &line);
    DEMAND(scan_fault_text(fault)[0] != '\0');
    DEMAND(line.field_count <= SCAN_FIELDS_MAX);
    DEMAND(line.keyword != NULL || line.field_count == 0);
    for (size_t i = 0; i < line.field_count; i++) {
        const struct scan_field *field = &line.fields[i];

        DEMAND(field->text >= text && field->text + field->len <= text + len);
        DEMAND(strlen(field->text) == field->len);
        DEMAND(field->quoted || field->len > 0);
    }
    free(text);
}

static void test_secret(const char *bytes, size_t len)
{
    const size_t trimmed = secret_input_trim((const uint8_t *)bytes, len);
    const enum secret_input_fault fault =
        secret_input_check((struct secret){.bytes = (const uint8_t *)bytes, .len = trimmed});

    DEMAND(trimmed <= len &&
           (trimmed == 0 || strchr(" \t\n\v\f\r", bytes[trimmed - 1]) == NULL || bytes[trimmed - 1] == '\0'));
    DEMAND(fault != SECRET_INPUT_OK || (trimmed > 0 && trimmed <= SECRET_MAX));
    DEMAND(secret_input_fault_text(fault)[0] != '\0');
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void test_json(struct fuzz_input *input)
{
    char levels[32];
    unsigned depth = 0;
    char *text = NULL, *value, *name;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct json json = {.out = out};

    DEMAND(out != NULL);
    json_open_array(&json, NULL);
    levels[depth++] = '[';
    while (input->left > 0) {
        const uint8_t step = fuzz_byte(input);
        const bool named = levels[depth - 1] == '{';

        name = named ? fuzz_line(input) : NULL;
        if (named && name == NULL)
            break;
        switch (step % 6) {
        case 0:
            value = fuzz_line(input);
            json_text(&json, name, value);
            free(value);
            break;
        case 1:
            json_number(&json, name, fuzz_number(input, 8));
            break;
        case 2:
            json_bool(&json, name, step > 128);
            break;
        case 3:
        case 4:
            if (depth == sizeof(levels))
                break;
            levels[depth++] = step % 6 == 3 ? '[' : '{';
            if (step % 6 == 3)
                json_open_array(&json, name);
            else
                json_open_object(&json, name);
            break;
        default:
            if (depth == 1)
                break;
            if (levels[--depth] == '[')
                json_close_array(&json);
            else
                json_close_object(&json);
            break;
        }
        free(name);
    }
    while (depth > 0)
        if (levels[--depth] == '[')
            json_close_array(&json);
        else
            json_close_object(&json);
    json_end(&json);
    DEMAND(fclose(out) == 0);
    DEMAND(valid_json_lines(text));
    free(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    /* Half an hour off, and with summer time. */
    setenv("TZ", "ADT-10:30ADT-11,M10.1.0,M4.1.0", 1);
    return 0;
}

/* ---- labels ----------------------------------------------------------------------------------------------------- */

/* Nothing that a label can say costs more, or less, than ostclient(1) promises; and what is none is said why. */
static void test_label(const char *text)
{
    struct stretch_label label;
    char problem[STRETCH_PROBLEM_LEN] = "";
    size_t name_len;

    if (stretch_label_parse(text, &label, problem) != 0) {
        DEMAND(problem[0] != '\0' && strlen(problem) < sizeof(problem));
        return;
    }
    name_len = strlen(label.name);
    DEMAND(name_len >= STRETCH_NAME_MIN && name_len <= STRETCH_NAME_MAX && strlen(text) >= name_len);
    DEMAND(strcmp(text + strlen(text) - name_len, label.name) == 0);
    switch (label.kind) {
    case STRETCH_ARGON2ID:
        DEMAND(label.memory_mib >= 64 && label.memory_mib <= 1024 && label.passes >= 3 && label.passes <= 20);
        break;
    case STRETCH_SCRYPT:
        DEMAND(label.blocks >= 32768 && label.blocks <= 1048576 && label.rounds >= 3 && label.rounds <= 16);
        DEMAND((label.blocks & (label.blocks - 1)) == 0);
        break;
    case STRETCH_PBKDF2:
        DEMAND(label.iterations >= 600000 && label.iterations <= 100000000);
        break;
    }
    DEMAND(stretch_label_memory(&label) <= 1024);
}

/* The file of a key: no byte beyond len is looked at, and what is taken is within all limits and reads the same again.
 */
static void test_codes(const char *bytes, size_t len)
{
    char *exact = malloc(len + 1), again[CODES_BASE32_LEN + 8], base32[CODES_BASE32_LEN];
    uint8_t key[CODES_KEY_MAX], same[CODES_KEY_MAX];
    size_t key_len, same_len;
    struct codes_way way;

    DEMAND(exact != NULL);
    memcpy(exact, bytes, len);
    for (int kind = CODES_HOTP; kind <= CODES_TOTP; kind++) {
        const struct codes_file file = {.kind = (enum codes_kind)kind, .text = exact, .len = len};
        const enum codes_fault fault = codes_read(&file, &way, key, &key_len);

        DEMAND(codes_fault_text(fault)[0] != '\0');
        if (fault != CODES_OK) {
            DEMAND(key_len == 0 && key[0] == 0 && key[CODES_KEY_MAX - 1] == 0);
            continue;
        }
        DEMAND(key_len >= CODES_KEY_MIN && key_len <= CODES_KEY_MAX);
        DEMAND(way.digits >= CODES_DIGITS_MIN && way.digits <= CODES_DIGITS_MAX && way.hash <= CODES_SHA512);
        DEMAND(kind == CODES_TOTP ? way.period_s >= CODES_PERIOD_MIN && way.period_s <= CODES_PERIOD_MAX &&
                                        way.window <= CODES_STEPS_MAX
                                  : way.period_s == 0 && way.window <= CODES_AHEAD_MAX);
        codes_format_key(key, key_len, base32);
        snprintf(again, sizeof(again), "base32:%s", base32);
        DEMAND(codes_parse_key(again, strlen(again), same, &same_len) == CODES_OK && same_len == key_len &&
               memcmp(same, key, key_len) == 0);
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_input input = {bytes, len};
    const uint8_t choice = fuzz_byte(&input);
    char *text = malloc(input.left + 1);
    const size_t text_len = input.left;

    DEMAND(text != NULL);
    memcpy(text, input.bytes, text_len);
    text[text_len] = '\0';
    switch (choice % 14) {
    case 0:
        test_number(text);
        break;
    case 1:
        test_time(text);
        break;
    case 2:
        test_network(text);
        break;
    case 3:
        test_address(text);
        break;
    case 4:
        test_target(text);
        break;
    case 5:
        test_since(text);
        break;
    case 6:
        test_moments(&input);
        break;
    case 7:
        test_logline(text, text_len);
        break;
    case 8:
        test_scan(text, text_len);
        break;
    case 9:
        test_secret(text, text_len);
        break;
    case 10:
        test_json(&input);
        break;
    case 11:
        test_request(text, text_len);
        break;
    case 12:
        test_codes(text, text_len);
        break;
    default:
        test_label(text);
        break;
    }
    free(text);
    return 0;
}
