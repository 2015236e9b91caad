/* SPDX-License-Identifier: ISC */
/* See request.h. */
#include "request.h"

#include "local.h"
#include "stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Lines --------------------------------------------------------------------------------------------------------
 */

/* Lower-case letters and nothing else. */
static bool is_word(const char *text)
{
    return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static int take_field(struct request_line *line, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL || line->field_count == REQUEST_FIELDS_MAX)
        return -1;
    *value++ = '\0';
    if (!is_word(word) || *value == '\0' || request_value(line, word) != NULL)
        return -1;
    line->fields[line->field_count++] = (struct request_field){word, value};
    return 0;
}

int request_parse(const char *bytes, size_t len, struct request_line *line)
{
    char *rest = line->text;
    char *word;

    line->word = "";
    line->field_count = 0;
    if (len >= sizeof(line->text))
        return -1;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return -1;
    memcpy(line->text, bytes, len);
    line->text[len] = '\0';

    word = strsep(&rest, " ");
    if (!is_word(word))
        return -1;
    line->word = word;
    while ((word = strsep(&rest, " ")) != NULL)
        if (take_field(line, word) != 0)
            return -1;
    return 0;
}

const char *request_value(const struct request_line *line, const char *key)
{
    for (size_t i = 0; i < line->field_count; i++)
        if (strcmp(line->fields[i].key, key) == 0)
            return line->fields[i].value;
    return NULL;
}

/* ---- Reasons ------------------------------------------------------------------------------------------------------
 */

const char *request_reason_word(enum request_reason reason)
{
    switch (reason) {
    case REQUEST_DONE:
        return "done";
    case REQUEST_MALFORMED:
        return "malformed";
    case REQUEST_NOT_PERMITTED:
        return "permission";
    case REQUEST_NO_GATE:
        return "gate";
    case REQUEST_BAD_ADDRESS:
        return "address";
    case REQUEST_BAD_LIFETIME:
        return "lifetime";
    case REQUEST_NOT_OPEN:
        return "none";
    case REQUEST_TOKEN:
        return "token";
    case REQUEST_FULL:
        return "full";
    case REQUEST_BUSY:
        return "busy";
    case REQUEST_CONFIG:
        return "config";
    case REQUEST_FAILED:
        break;
    case REQUEST_UNREACHABLE:
        return "unreachable";
    }
    return "failed";
}

enum request_reason request_reason_of(const char *word)
{
    for (enum request_reason reason = REQUEST_MALFORMED; reason < REQUEST_FAILED; reason++)
        if (strcmp(word, request_reason_word(reason)) == 0)
            return reason;
    return REQUEST_FAILED;
}

/* ---- Asking -------------------------------------------------------------------------------------------------------
 */

/*
 * What the last line of an answer says, which has bytes. One that was cut short has no line feed at its end, and is
 * none.
 */
static enum request_reason judge(const char *answer, size_t len)
{
    const char *last = len > 1 ? memrchr(answer, '\n', len - 1) : NULL;
    struct request_line line;
    const char *word;

    last = last != NULL ? last + 1 : answer;
    errno = EPROTO;
    if (answer[len - 1] != '\n' || request_parse(last, (size_t)(answer + len - 1 - last), &line) != 0)
        return REQUEST_UNREACHABLE;
    if (strcmp(line.word, "ok") == 0)
        return REQUEST_DONE;
    word = request_value(&line, "reason");
    return strcmp(line.word, "no") == 0 && word != NULL ? request_reason_of(word) : REQUEST_UNREACHABLE;
}

/* errno says what has ended an exchange that had not come to its end. */
static enum request_reason stopped(enum stream_result result)
{
    if (result == STREAM_TIMEOUT)
        errno = ETIMEDOUT;
    return REQUEST_UNREACHABLE;
}

/* room has limit + 1 bytes: who has sent that many has sent too many, else there is room for the NUL. */
static enum request_reason converse(int fd, const char *line, size_t limit, char *room, size_t *len)
{
    const struct stream_limit patience = stream_from_now(REQUEST_LIMIT_MS);
    char text[REQUEST_LINE_MAX + 1];
    const int text_len = snprintf(text, sizeof(text), "%s\n", line);
    enum stream_result result;

    errno = EMSGSIZE;
    if (text_len > REQUEST_LINE_MAX)
        return REQUEST_UNREACHABLE;
    result = stream_send(fd, (const uint8_t *)text, (size_t)text_len, patience);
    if (result != STREAM_OK)
        return stopped(result);
    result = stream_receive(fd, (uint8_t *)room, limit + 1, patience, len);
    errno = result == STREAM_OK ? EMSGSIZE : errno;
    if (result != STREAM_END)
        return stopped(result);
    room[*len] = '\0';
    errno = ECONNRESET;
    return *len == 0 ? REQUEST_UNREACHABLE : judge(room, *len);
}

enum request_reason request_ask(const char *path, const char *line, size_t limit, char **answer, size_t *len)
{
    enum request_reason reason = REQUEST_UNREACHABLE;
    char *room = malloc(limit + 1);
    size_t got = 0;
    int error, fd = -1;

    if (answer != NULL)
        *answer = NULL;
    if (room != NULL && local_connect(path, LOCAL_ROOT, &fd) == 0)
        reason = converse(fd, line, limit, room, &got);
    error = errno;
    if (fd >= 0)
        close(fd);
    if (answer != NULL && reason != REQUEST_UNREACHABLE) {
        *answer = room;
        *len = got;
        room = NULL;
    }
    free(room);
    errno = error;
    return reason;
}
