/* SPDX-License-Identifier: ISC */
/* See ctl_enrol.h. Called by add, before it holds anything that others wait for. */
#include "ctl_enrol.h"

#include "ctl_ask.h"
#include "file.h"
#include "mac.h"
#include "number.h"
#include "qr.h"
#include "when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_LEN      20 /* bytes: RFC 4226, R6, and what telephones expect */
#define FILE_ROOM    512
#define URI_ROOM     1024
#define ANSWER_ROOM  256
#define ATTEMPTS     3
#define STRANGE_MAX  20            /* answers that can be no code */
#define USERS_MAX    (1024 * 1024) /* bytes of a file of pam_oath */
#define USERS_FIELDS 6             /* those that are looked at: type, user, PIN, key, counter, last code */

/* ---- The file ---------------------------------------------------------------------------------------------------- */

/* The key, and behind it what differs from the usual. */
static enum ctl_status write_file(const uint8_t *key, size_t len, struct ctl_enrol *enrol)
{
    const struct codes_way usual = codes_usual(enrol->way.kind);
    char base32[CODES_BASE32_LEN];
    char *at;

    if (locked_new(FILE_ROOM, &enrol->file) != 0) {
        warn("no locked memory for a key");
        return CTL_OS;
    }
    codes_format_key(key, len, base32);
    at = (char *)enrol->file.bytes;
    enrol->len = (size_t)snprintf(at, FILE_ROOM, "base32:%s\n", base32);
    if (enrol->way.digits != usual.digits)
        enrol->len += (size_t)snprintf(at + enrol->len, FILE_ROOM - enrol->len, "digits=%u\n", enrol->way.digits);
    if (enrol->way.period_s != usual.period_s)
        enrol->len += (size_t)snprintf(at + enrol->len, FILE_ROOM - enrol->len, "period=%u\n", enrol->way.period_s);
    explicit_bzero(base32, sizeof(base32));
    return CTL_OK;
}

/* ---- A new key --------------------------------------------------------------------------------------------------- */

/* What stands in a URI for a name that has only what names and host names have. */
static void format_uri(const struct ctl_enrol *enrol, const char *name, char uri[static URI_ROOM])
{
    const char *key = (const char *)enrol->file.bytes + strlen("base32:");
    char host[256] = "";
    int len;

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        snprintf(host, sizeof(host), "ostiary");
    /* What is left out is what each telephone takes for granted, so that the QR code fits a small terminal. */
    len = snprintf(uri, URI_ROOM, "otpauth://%s/%s:%s?secret=%.*s&issuer=%s",
                   enrol->way.kind == CODES_TOTP ? "totp" : "hotp", host, name, (int)strcspn(key, "\n"), key, host);
    if (enrol->way.kind == CODES_HOTP)
        snprintf(uri + len, URI_ROOM - (size_t)len, "&counter=0");
}

static int write_all(int fd, const char *text)
{
    const size_t len = strlen(text);

    return write(fd, text, len) == (ssize_t)len ? 0 : -1;
}

/* Where there is no QR code, the URI says the same to who types it in. */
static int write_key(int tty_fd, const char *uri)
{
    if (write_all(tty_fd, "Let the telephone see this, or type it in:\n\n") != 0)
        return -1;
    if (qr_write(tty_fd, uri) != 0 && errno != ENOTSUP)
        warn("the QR code cannot be shown, and the key has to be typed in");
    if (write_all(tty_fd, "\n") != 0 || write_all(tty_fd, uri) != 0)
        return -1;
    return write_all(tty_fd, "\n\n");
}

/* At the terminal alone: standard output may go to a file, which would keep the key. */
static enum ctl_status show(const struct ctl_enrol *enrol, const char *name)
{
    const int tty_fd = open("/dev/tty", O_WRONLY | O_CLOEXEC);
    struct locked uri = {0};
    enum ctl_status status = CTL_OK;

    if (tty_fd < 0) {
        warnx("no terminal to show the key at: run this at one (ssh -t), or write the file of the key by hand, see "
              "ostiary.cfg(5)");
        return CTL_UNAVAILABLE;
    }
    if (locked_new(URI_ROOM, &uri) != 0) {
        warn("no locked memory for a key");
        close(tty_fd);
        return CTL_OS;
    }
    format_uri(enrol, name, (char *)uri.bytes);
    if (write_key(tty_fd, (const char *)uri.bytes) != 0) {
        warn("the terminal failed");
        status = CTL_UNAVAILABLE;
    }
    locked_free(&uri);
    close(tty_fd);
    return status;
}

/* Telephones show "123 456". Returns how many digits are left, or 0 where it can be no code. */
static size_t digits_of(const struct ctl_enrol *enrol, const struct locked *answer, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        const uint8_t byte = answer->bytes[i];

        if (byte == ' ' || byte == '\t')
            continue;
        if (byte < '0' || byte > '9')
            return 0;
        answer->bytes[count++] = byte;
    }
    return count == enrol->way.digits ? count : 0;
}

/* Is it a code of the key? Then enrol->next is behind it. */
static bool is_right(struct ctl_enrol *enrol, struct secret key, const struct locked *answer, size_t len)
{
    const struct codes_range range = codes_range(&enrol->way, 0, ctl_now().wall_ms / 1000);
    uint8_t message[CODES_MESSAGE_LEN], digest[CODES_DIGEST_MAX];
    char text[CODES_TEXT_LEN];
    size_t digest_len;
    bool right = false;

    for (unsigned i = 0; i < range.count; i++) {
        codes_message(range.first + i, message);
        if (mac_code(key, enrol->way.hash, message, digest, &digest_len) != 0)
            continue;
        codes_text(&enrol->way, digest, digest_len, text);
        if (len != enrol->way.digits || memcmp(text, answer->bytes, len) != 0)
            continue;
        enrol->next = range.first + i + 1;
        right = true;
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(digest, sizeof(digest));
    return right;
}

static void complain(const struct ctl_enrol *enrol, unsigned left)
{
    char now[WHEN_TEXT_LEN];

    when_format_local(ctl_now().wall_ms / 1000, now);
    if (enrol->way.kind == CODES_TOTP)
        warnx("that is none of its codes: is the clock of the telephone right, and this host's, which says %s? %u "
              "attempts are left",
              now, left);
    else
        warnx("that is none of its codes: %u attempts are left", left);
}

/* Nothing is in force before the two agree: a telephone with another clock, or another key, would keep its owner out.
 */
static enum ctl_status try_out(struct ctl_enrol *enrol, struct secret key)
{
    struct locked answer;
    enum ctl_status status = CTL_OK;
    unsigned strange = 0;
    size_t len = 0;

    if (mac_init() != 0) {
        warnx("%s", mac_problem());
        return CTL_OS;
    }
    if (locked_new(ANSWER_ROOM, &answer) != 0) {
        warn("no locked memory for a code");
        return CTL_OS;
    }
    for (unsigned left = ATTEMPTS; left > 0;) {
        status = ctl_ask("A code of it: ", "the first code", &answer, &len);
        if (status != CTL_OK)
            break;
        len = digits_of(enrol, &answer, len);
        if (len == 0 && ++strange < STRANGE_MAX) {
            warnx("a code has %u digits, and nothing else", enrol->way.digits);
            continue;
        }
        if (len > 0 && is_right(enrol, key, &answer, len))
            break;
        status = CTL_NOT_SO;
        complain(enrol, --left);
    }
    if (status == CTL_NOT_SO)
        warnx("nothing is changed");
    locked_free(&answer);
    return status;
}

enum ctl_status ctl_enrol_new(enum codes_kind kind, const char *name, struct ctl_enrol *enrol)
{
    struct locked key;
    enum ctl_status status;

    *enrol = (struct ctl_enrol){.way = codes_usual(kind)};
    if (locked_new(KEY_LEN, &key) != 0) {
        warn("no locked memory for a key");
        return CTL_OS;
    }
    if (getrandom(key.bytes, KEY_LEN, 0) != KEY_LEN) {
        warn("no random numbers for a key");
        locked_free(&key);
        return CTL_OS;
    }
    status = write_file(key.bytes, KEY_LEN, enrol);
    if (status == CTL_OK)
        status = show(enrol, name);
    if (status == CTL_OK)
        status = try_out(enrol, (struct secret){.bytes = key.bytes, .len = KEY_LEN});
    locked_free(&key);
    if (status != CTL_OK)
        locked_free(&enrol->file);
    return status;
}

/* ---- One of pam_oath --------------------------------------------------------------------------------------------- */

/* Cut a line at its blanks. Returns how many fields it has, of those that are looked at. */
static size_t split(char *line, char *fields[static USERS_FIELDS])
{
    size_t count = 0;
    char *field;

    while (count < USERS_FIELDS && (field = strsep(&line, " \t\r")) != NULL) {
        if (*field != '\0')
            fields[count++] = field;
    }
    return count;
}

/* "HOTP", "HOTP/E/6", "HOTP/T30", "HOTP/T60/8". */
static bool take_type(const char *text, struct codes_way *way)
{
    const struct number_range periods = {CODES_PERIOD_MIN, CODES_PERIOD_MAX};
    char type[32], *rest = type, *part;
    uint64_t number;

    if (snprintf(type, sizeof(type), "%s", text) >= (int)sizeof(type) || strcmp(strsep(&rest, "/"), "HOTP") != 0)
        return false;
    *way = codes_usual(CODES_HOTP);
    part = strsep(&rest, "/");
    if (part != NULL && part[0] == 'T') {
        if (number_parse(part + 1, periods, &number) != NUMBER_OK)
            return false;
        *way = codes_usual(CODES_TOTP);
        way->period_s = (unsigned)number;
    } else if (part != NULL && strcmp(part, "E") != 0) {
        return false;
    }
    part = strsep(&rest, "/");
    if (part == NULL)
        return true;
    if (number_parse(part, (struct number_range){CODES_DIGITS_MIN, CODES_DIGITS_MAX}, &number) != NUMBER_OK)
        return false;
    way->digits = (unsigned)number;
    return rest == NULL;
}

/* What of its codes may have been used there: of TOTP all up to now, of HOTP those before its counter. */
static bool take_next(const char *counter, const char *last_code, struct ctl_enrol *enrol)
{
    if (enrol->way.kind == CODES_TOTP) {
        enrol->next = codes_step(&enrol->way, ctl_now().wall_ms / 1000) + enrol->way.window + 1;
        return true;
    }
    enrol->next = 0;
    if (counter != NULL &&
        number_parse(counter, (struct number_range){0, CODES_COUNTER_MAX - 1}, &enrol->next) != NUMBER_OK)
        return false;
    /* Where there is a last code, the counter is of that one, and not of the next. */
    enrol->next += last_code != NULL;
    return true;
}

/* The line of the user: fault says what is wrong with it, or NULL. */
static enum ctl_status take_line(char *fields[static USERS_FIELDS], size_t count, struct ctl_enrol *enrol,
                                 const char **fault)
{
    char hex[sizeof("hex:") + 2 * CODES_KEY_MAX];
    uint8_t key[CODES_KEY_MAX];
    enum ctl_status status = CTL_OK;
    enum codes_fault bad;
    size_t len = 0;

    if (!take_type(fields[0], &enrol->way)) {
        *fault = "the type of its codes is none that is known here: HOTP, HOTP/E/6, HOTP/T30 and the like are";
        return CTL_CONFIG;
    }
    if (count < 4 || snprintf(hex, sizeof(hex), "hex:%s", fields[3]) >= (int)sizeof(hex)) {
        *fault = "its fourth field must be the key, in hexadecimal digits";
        return CTL_CONFIG;
    }
    bad = codes_parse_key(hex, strlen(hex), key, &len);
    explicit_bzero(hex, sizeof(hex));
    if (bad != CODES_OK) {
        *fault = codes_fault_text(bad);
        status = CTL_CONFIG;
    } else if (!take_next(count > 4 ? fields[4] : NULL, count > 5 ? fields[5] : NULL, enrol)) {
        *fault = "its fifth field must be the counter";
        status = CTL_CONFIG;
    } else {
        status = write_file(key, len, enrol);
    }
    explicit_bzero(key, sizeof(key));
    return status;
}

enum ctl_status ctl_enrol_import(const char *path, const char *user, struct ctl_enrol *enrol)
{
    struct locked text;
    size_t len;
    const enum file_fault unread = file_read_private(path, USERS_MAX, &text, &len);
    enum ctl_status status = CTL_NOT_SO;
    const char *fault = NULL;
    char *rest, *line;
    unsigned number = 0;

    *enrol = (struct ctl_enrol){0};
    if (unread == FILE_CANNOT_OPEN || unread == FILE_CANNOT_READ || unread == FILE_NO_MEMORY)
        warn("%s: %s", path, file_fault_text(unread));
    else if (unread != FILE_OK)
        warnx("%s: %s", path, file_fault_text(unread));
    if (unread != FILE_OK)
        return CTL_CONFIG;
    rest = (char *)text.bytes;
    while (status == CTL_NOT_SO && (line = strsep(&rest, "\n")) != NULL) {
        char *fields[USERS_FIELDS];
        const size_t count = split(line, fields);

        number++;
        if (count >= 2 && fields[0][0] != '#' && strcmp(fields[1], user) == 0)
            status = take_line(fields, count, enrol, &fault);
    }
    if (fault != NULL)
        warnx("%s:%u: %s", path, number, fault);
    else if (status == CTL_NOT_SO)
        warnx("%s: there is no line of user %s: the action has to have the name of the user", path, user);
    locked_free(&text);
    return status;
}
