/* SPDX-License-Identifier: ISC */
/* One line of any bytes, of up to LINE_LEN. */
#include "scan.h"

#include "any.h"

#ifndef LINE_LEN
#define LINE_LEN 8
#endif

/* A line with so many fields that one more is too many can be no short one. */
#define TEN      "0,1,2,3,4,5,6,7,8,9,"
#define FIELDS   "A=" TEN TEN TEN TEN TEN TEN "0,1,2,"
#define REST_LEN 3
#define LONG_LEN (sizeof(FIELDS) - 1 + REST_LEN)
#define ROOM_LEN 132
_Static_assert(sizeof(FIELDS) - 1 == 2 + 2 * (SCAN_FIELDS_MAX - 1), "one more field is still good");
_Static_assert(LONG_LEN <= ROOM_LEN && LINE_LEN <= ROOM_LEN, "each line fits into the room");

static char room[ROOM_LEN + 1];
static bool is_long;
static struct scan_line line;

/*
 * Nothing that is read later is in the fields that are done, nor is anything known of the bytes: one state for all. Of
 * a line with many fields it would have too much to forget, and there are few states of that.
 */
void hook_enter(void)
{
    if (is_long)
        return;
    //@ assert line_still_ends: room[ROOM_LEN] == 0;
    any_bytes(room, ROOM_LEN);
    for (size_t i = 0; i < line.field_count; i++)
        line.fields[i] = (struct scan_field){.text = room + any_size(0, ROOM_LEN), .len = any_size(0, ROOM_LEN)};
}

void hook_leave(const char *at)
{
    const ptrdiff_t place = at - room;
    //@ split place;
}

static void scan_short(void)
{
    const size_t len = any_size(0, LINE_LEN);
    //@ split len;

    any_bytes(room, ROOM_LEN);
    scan_line(room + ROOM_LEN - len, len, &line);
}

static void scan_long(void)
{
    is_long = true;
    memcpy(room + ROOM_LEN - LONG_LEN, FIELDS, sizeof(FIELDS) - 1);
    any_bytes(room + ROOM_LEN - REST_LEN, REST_LEN);
    scan_line(room + ROOM_LEN - LONG_LEN, LONG_LEN, &line);
}

static void look_for_mark(void)
{
    const size_t len = any_size(0, LINE_LEN);
    //@ split len;

    any_bytes(room, ROOM_LEN);
    scan_has_mark(room + ROOM_LEN - len, len);
    scan_is_utf_16(room + ROOM_LEN - len, len);
}

int main(void)
{
    switch (Frama_C_interval(0, 2)) {
    case 0:
        scan_short();
        break;
    case 1:
        scan_long();
        break;
    default:
        look_for_mark();
        break;
    }
    scan_fault_text((enum scan_fault)Frama_C_interval(SCAN_OK, SCAN_TOO_MANY));
    return 0;
}
