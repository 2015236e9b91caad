/* SPDX-License-Identifier: ISC */
/*
 * Lines of the unix sockets at which gates are asked for, and answers to them: any bytes, of any length up to a few;
 * a line that is too long for its room, and one of too many fields.
 */
#include "request.h"

#include "any.h"
#include "local.h"
#include "stream.h"

#include <errno.h>

#define LINE_BYTES 8  /* a word, and a field with a byte for its key and its value */
#define ANSWER_MAX 12 /* of which the last line may say no, and why */

static char answer_room[ANSWER_MAX + 1];

/* As far as the text consists of bytes of the set: they may be anything, so that the place may be any up to its end. */
size_t strspn(const char *text, const char *set)
{
    size_t len = 0;

    (void)set;
    while (text[len] != '\0' && any_bool())
        len++;
    //@ split len;
    return len;
}

char *strchr(const char *text, int byte)
{
    size_t place = 0;

    while (text[place] != '\0' && text[place] != (char)byte)
        place++;
    //@ split place;
    return text[place] == (char)byte ? (char *)text + place : NULL;
}

int strcmp(const char *a, const char *b)
{
    size_t same = 0;
    int result;

    while (a[same] != '\0' && a[same] == b[same])
        same++;
    result = a[same] != b[same];
    //@ split result;
    return result;
}

char *strsep(char **rest, const char *set)
{
    char *word = *rest;
    size_t len = 0;

    if (word == NULL)
        return NULL;
    while (word[len] != '\0' && word[len] != set[0])
        len++;
    //@ split len;
    *rest = word[len] == '\0' ? NULL : word + len + 1;
    word[len] = '\0';
    return word;
}

void *memrchr(const void *memory, int byte, size_t len)
{
    const char *bytes = memory;

    for (size_t i = len; i > 0; i--) {
        //@ split i;
        if (bytes[i - 1] == (char)byte)
            return (char *)memory + i - 1;
    }
    return NULL;
}

int local_connect(const char *path, enum local_trust trust, int *fd)
{
    (void)path;
    (void)trust;
    *fd = any_bool() ? 5 : -1;
    errno = Frama_C_interval(1, 133);
    return *fd < 0 ? -1 : 0;
}

struct stream_limit stream_from_now(int64_t milliseconds)
{
    return (struct stream_limit){milliseconds, -1};
}

static enum stream_result any_result(void)
{
    errno = Frama_C_interval(1, 133);
    return (enum stream_result)Frama_C_interval(STREAM_OK, STREAM_FAULT);
}

enum stream_result stream_send(int fd, const uint8_t *bytes, size_t len, struct stream_limit limit)
{
    (void)fd;
    (void)bytes;
    (void)limit;
    //@ assert what_is_sent_is_there: \valid_read(bytes + (0 .. len - 1)) && \initialized(bytes + (0 .. len - 1));
    return any_result();
}

enum stream_result stream_receive(int fd, uint8_t *bytes, size_t len, struct stream_limit limit, size_t *got)
{
    const enum stream_result result = any_result();
    const size_t count = result == STREAM_OK ? len : any_size(0, len - 1);

    (void)fd;
    (void)limit;
    //@ assert there_is_room: \valid(bytes + (0 .. len - 1));
    //@ split result;
    //@ split count;
    any_bytes(bytes, count);
    *got = count;
    return result;
}

int close(int fd)
{
    //@ assert it_was_opened: fd >= 0;
    (void)fd;
    return 0;
}

void *any_malloc(size_t size)
{
    //@ assert room_is_large_enough: size <= sizeof(answer_room);
    return any_bool() ? answer_room : NULL;
}

void any_free(void *block)
{
    //@ assert block_was_given: block == \null || block == answer_room;
    (void)block;
}

int any_snprintf(char *text, size_t size, const char *format, ...)
{
    (void)format;
    any_bytes(text, size - 1);
    text[size - 1] = '\0';
    return Frama_C_interval(1, INT32_MAX);
}

static void ask(void)
{
    static char few[] = "list";
    const bool wanted = any_bool();
    char *answer;
    size_t len;

    //@ split wanted;
    (void)request_ask("socket", few, ANSWER_MAX, wanted ? &answer : NULL, wanted ? &len : NULL);
}

static void parse(void)
{
    static char room[LINE_BYTES];
    static const char many[] = "w a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1";
    static char key[2];
    const size_t len = any_size(0, LINE_BYTES);
    struct request_line line;

    //@ split len;
    any_bytes(room, len);
    if (request_parse(room, len, &line) == 0)
        request_value(&line, any_string(key, sizeof(key)));
    request_parse(room, REQUEST_LINE_MAX, &line);
    request_parse(many, sizeof(many) - 1, &line);
}

int main(void)
{
    if (any_bool())
        ask();
    else
        parse();
    request_reason_word((enum request_reason)Frama_C_interval(REQUEST_DONE, REQUEST_UNREACHABLE));
    return 0;
}
