/* SPDX-License-Identifier: ISC */
/* text.h: a text that grows, and says at the end whether all of it is there. */
#include "text.h"

#include "check.h"

#include <stdlib.h>

void *__real_realloc(void *bytes, size_t len);
void *__wrap_realloc(void *bytes, size_t len);

static size_t memory = SIZE_MAX; /* what realloc(3) gives at most */
static unsigned calls;

void *__wrap_realloc(void *bytes, size_t len)
{
    calls++;
    return len <= memory ? __real_realloc(bytes, len) : NULL;
}

static void test_grows(void)
{
    struct text text = {0};
    bool right = true;

    text_add(&text, "%s", "");
    check(text.len == 0 && text.bytes != NULL && text.bytes[0] == '\0' && !text.failed, "an empty piece is a text");
    calls = 0;
    for (unsigned i = 0; i < 100000; i++)
        text_add(&text, "%05u,", i);
    check_number(text.len, 600000, "what was added is as long as its pieces together");
    check(text.bytes[text.len] == '\0' && !text.failed, "and ends in a NUL");
    for (unsigned i = 0; i < 100000; i++)
        right &= strtoul(text.bytes + (size_t)i * 6, NULL, 10) == i;
    check(right, "each piece is where it was put");
    check(calls < 20, "for 100000 pieces it asks for memory %u times", calls);
    text_free(&text);
    check(text.bytes == NULL && text.len == 0 && text.room == 0, "what was freed is empty");
}

/* One that fills the room to the last byte, for each length about its end. */
static void test_fits(void)
{
    bool right = true;

    for (int len = 250; len < 260; len++) {
        struct text text = {0};

        text_add(&text, "%*s", len, "a");
        text_add(&text, "%s", "b");
        right &= text.len == (size_t)len + 1 && strlen(text.bytes) == text.len && text.bytes[text.len - 1] == 'b';
        text_free(&text);
    }
    check(right, "a piece may fill the room exactly, and another come behind it");
}

static void test_without_memory(void)
{
    struct text text = {0};

    text_add(&text, "kept ");
    memory = 256;
    text_add(&text, "%300s", "lost");
    check(text.failed, "that there was no memory is kept in mind");
    check_text(text.bytes, "kept ", "and what did not fit is not half there");
    memory = SIZE_MAX;
    text_add(&text, "more");
    check_text(text.bytes, "kept ", "what comes later is not added to a text with a gap");
    text_free(&text);
    check(!text.failed, "a text that was freed begins anew");
}

int main(void)
{
    test_grows();
    test_fits();
    test_without_memory();
    return check_end();
}
