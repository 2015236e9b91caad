/* SPDX-License-Identifier: ISC */
/* See secret_input.h. */
#include "secret_input.h"

#include "scan.h"
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Byte by byte: what follows the newline belongs to whoever reads the descriptor next. */
enum secret_input_fault secret_input_read(int input_fd, int64_t deadline_ms, const struct locked *room, size_t *len)
{
    const struct stream_limit limit = stream_until(deadline_ms);

    *len = 0;
    while (*len < room->len) {
        const enum stream_result ready = stream_wait(input_fd, POLLIN, limit);
        ssize_t count;

        if (ready == STREAM_TIMEOUT)
            return SECRET_INPUT_TIMEOUT;
        if (ready != STREAM_OK)
            return SECRET_INPUT_UNREADABLE;
        count = read(input_fd, room->bytes + *len, 1);
        if (count == 0 || (count > 0 && room->bytes[*len] == '\n'))
            return SECRET_INPUT_OK;
        if (count > 0)
            (*len)++;
        else if (errno != EINTR && errno != EAGAIN)
            return SECRET_INPUT_UNREADABLE;
    }
    return SECRET_INPUT_LONG;
}

size_t secret_input_trim(const uint8_t *text, size_t len)
{
    /* Not isspace(3), which asks the locale. */
    while (len > 0 && (text[len - 1] == ' ' || (text[len - 1] >= '\t' && text[len - 1] <= '\r')))
        len--;
    return len;
}

enum secret_input_fault secret_input_check(struct secret secret)
{
    if (secret.len == 0)
        return SECRET_INPUT_EMPTY;
    /* Whoever wrote the text did not mean it, cannot see it, and would wonder why each reply is wrong. */
    if (scan_has_mark((const char *)secret.bytes, secret.len))
        return SECRET_INPUT_MARKED;
    for (size_t i = 0; i < secret.len; i++)
        if (secret.bytes[i] == '\0' || secret.bytes[i] == '\r' || secret.bytes[i] == '\n')
            return SECRET_INPUT_FORBIDDEN;
    return secret.len > SECRET_MAX ? SECRET_INPUT_LONG : SECRET_INPUT_OK;
}

const char *secret_input_fault_text(enum secret_input_fault fault)
{
    switch (fault) {
    case SECRET_INPUT_OK:
        return "the secret is good";
    case SECRET_INPUT_EMPTY:
        return "no secret there: it must have at least one byte";
    case SECRET_INPUT_LONG:
        return "the secret is too long: at most 255 bytes, as on the server";
    case SECRET_INPUT_FORBIDDEN:
        return "the secret has a NUL, CR or LF byte inside: give it as one line of text";
    case SECRET_INPUT_MARKED:
        return "the secret begins with a byte order mark: save the file as UTF-8 without one";
    case SECRET_INPUT_TIMEOUT:
        return "no whole secret within the time limit: end it with a newline, or give more time with -t";
    case SECRET_INPUT_UNREADABLE:
        return "cannot be read";
    }
    return "is not understood";
}
