/* SPDX-License-Identifier: ISC */
/* JSON: structure, and that no bytes whatever break it. */
#include "check.h"
#include "json.h"

#include <stdlib.h>

static char *text;
static size_t text_len;

static struct json begin(void)
{
    return (struct json){.out = open_memstream(&text, &text_len)};
}

static void expect(struct json *json, const char *want, const char *what)
{
    fclose(json->out);
    check_text(text, want, what);
    free(text);
}

static void check_string(const char *value, const char *want, const char *what)
{
    struct json json = begin();

    json_text(&json, NULL, value);
    expect(&json, want, what);
}

/* Is it a string of UTF-8 with no byte in it that JSON forbids there? */
static bool is_json_string(const unsigned char *at)
{
    if (*at++ != '"')
        return false;
    for (; *at != '"'; at++) {
        if (*at < 0x20)
            return false;
        if (*at == '\\' && *++at != '"' && *at != '\\' && *at != 'u')
            return false;
        if (*at >= 0x80) {
            const int more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;

            if (*at < 0xc2 || *at > 0xf4)
                return false;
            for (int i = 0; i < more; i++)
                if ((*++at & 0xc0) != 0x80)
                    return false;
        }
    }
    return at[1] == '\0';
}

/* Every string of one and two bytes, and many of three and four, comes out as a JSON string. */
static void check_all_bytes(void)
{
    unsigned bad = 0;

    for (uint32_t bytes = 1; bytes != 0 && bytes < UINT32_C(0xffff0000); bytes += bytes < 0x10000 ? 1 : 65521) {
        const char value[] = {(char)(bytes & 255), (char)(bytes >> 8 & 255), (char)(bytes >> 16 & 255),
                              (char)(bytes >> 24), '\0'};
        struct json json = begin();

        json_text(&json, NULL, value);
        fclose(json.out);
        bad += is_json_string((const unsigned char *)text) ? 0 : 1;
        free(text);
        if (bytes > UINT32_C(0xffff0000) - 65521)
            break;
    }
    check_number(bad, 0, "strings that are not JSON, of 131,000 with all kinds of bytes");
}

int main(void)
{
    struct json json = begin();

    json_open_object(&json, NULL);
    json_open_array(&json, "list");
    json_number(&json, NULL, 1);
    json_number(&json, NULL, UINT64_MAX);
    json_open_object(&json, NULL);
    json_close_object(&json);
    json_close_array(&json);
    json_bool(&json, "yes", true);
    json_bool(&json, "no", false);
    json_null(&json, "none");
    json_text(&json, "text", "a");
    json_text(&json, "absent", NULL);
    json_close_object(&json);
    json_end(&json);
    json_number(&json, NULL, 2);
    json_end(&json);
    expect(&json,
           "{\"list\":[1,18446744073709551615,{}],\"yes\":true,\"no\":false,\"none\":null,\"text\":\"a\",\"absent\":"
           "null}\n2\n",
           "objects, arrays, values, and a second text");

    check_string("", "\"\"", "an empty string");
    check_string("a\"b\\c/d", "\"a\\\"b\\\\c/d\"", "quotation mark and backslash");
    check_string("a\nb\t\x01\x1f\x7f", "\"a\\u000ab\\u0009\\u0001\\u001f\\u007f\"", "control characters");
    check_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91\"", "UTF-8 as it is");
    check_string("\xff", "\"\\ufffd\"", "a byte that is never UTF-8");
    check_string("\xc3", "\"\\ufffd\"", "half a character at the end");
    check_string("\xc0\x80", "\"\\ufffd\\ufffd\"", "a NUL in two bytes");
    check_string("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "a surrogate");
    check_string("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", "beyond Unicode");
    check_string("\xe2\x82"
                 "a",
                 "\"\\ufffd\\ufffda\"", "what follows a broken character is kept");
    check_all_bytes();
    return check_end();
}
