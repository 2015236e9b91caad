/* SPDX-License-Identifier: ISC */
/* The handler's outcome lines, read back; and what only looks like one. */
#include "check.h"
#include "logline.h"

static void check_none(const char *bytes, const char *what)
{
    struct logline line;

    check(logline_parse(bytes, strlen(bytes), &line) == -1, "no outcome line: %s", what);
}

static void check_fields(const char *bytes, const char *want)
{
    struct logline line;
    char text[LOGLINE_LEN] = "";
    size_t used;

    if (!check(logline_parse(bytes, strlen(bytes), &line) == 0, "an outcome line: %s", bytes))
        return;
    used = (size_t)snprintf(text, sizeof(text), "%s|%s", line.outcome, line.has_source ? line.who : "-");
    for (size_t i = 0; i < line.field_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "|%s=%s", line.fields[i].key, line.fields[i].value);
    check_text(text, want, "its parts");
}

static void check_grant(const char *bytes, const char *want)
{
    struct logline line;
    char text[LOGLINE_LEN] = "";
    size_t used;

    if (!check(logline_parse(bytes, strlen(bytes), &line) == -1, "it is no handler's line") ||
        !check(logline_parse_grant(bytes, strlen(bytes), &line) == 0, "but a grant's")) {
        check_show("line", bytes);
        return;
    }
    used = (size_t)snprintf(text, sizeof(text), "%s|%s|%d", line.outcome, line.who == NULL ? "-" : line.who,
                            line.has_network ? line.network.prefix : -1);
    for (size_t i = 0; i < line.field_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "|%s=%s", line.fields[i].key, line.fields[i].value);
    check_text(text, want, "its parts");
}

static void check_no_grant(const char *bytes, const char *what)
{
    struct logline line;

    check(logline_parse_grant(bytes, strlen(bytes), &line) == -1, "no grant's line: %s", what);
}

static void check_grants(void)
{
    check_grant("granted gate=ssh network=192.0.2.7 user=alice left=90000 by=knock",
                "granted|192.0.2.7|128|gate=ssh|user=alice|left=90000|by=knock");
    check_grant("renewed gate=ssh network=2001:db8::/64 user=alice left=90000 by=use",
                "renewed|2001:db8::/64|64|gate=ssh|user=alice|left=90000|by=use");
    check_grant("ended gate=ssh network=10.0.0.0/8 user=alice reason=expired packets=12",
                "ended|10.0.0.0/8|104|gate=ssh|user=alice|reason=expired|packets=12");
    check_grant("refused gate=ssh network=192.0.2.7 user=alice reason=permission by=web",
                "refused|192.0.2.7|128|gate=ssh|user=alice|reason=permission|by=web");
    check_grant("refused gate=ssh user=alice reason=address by=web",
                "refused|-|-1|gate=ssh|user=alice|reason=address|by=web");

    check_no_grant("granted gate=ssh user=alice left=90000 by=knock", "to nobody");
    check_no_grant("granted network=192.0.2.7 user=alice left=90000 by=knock", "nothing");
    check_no_grant("granted gate=ssh network=192.0.2.7/24 user=alice left=90000 by=knock", "bits behind the prefix");
    check_no_grant("granted gate=ssh network=192.0.2.7 network=192.0.2.8", "two networks");
    check_no_grant("granted gate=ssh source=192.0.2.7 network=192.0.2.8", "a source as well");
    check_no_grant("refused gate=ssh source=192.0.2.7 reason=address", "a source alone");
    check_no_grant("accepted gate=ssh network=192.0.2.7", "a handler's word");
}

int main(void)
{
    struct logline line;
    char longest[LOGLINE_LEN + 1];

    check_fields("refused source=2001:db8:5:6::1 reason=locked until=2026-11-22T20:39:00Z network=2001:db8:5::/48",
                 "refused|2001:db8:5:6::1|reason=locked|until=2026-11-22T20:39:00Z|network=2001:db8:5::/48");
    check_fields("accepted source=192.0.2.7 action=backup uid=33 gid=33",
                 "accepted|192.0.2.7|action=backup|uid=33|gid=33");
    check_fields("rejected source=2001:db8::7 reason=wrong-reply strikes=2 of=3",
                 "rejected|2001:db8::7|reason=wrong-reply|strikes=2|of=3");
    check_fields("locked source=192.0.2.7 strikes=3 until=2026-11-22T20:39:00Z reason=timeout",
                 "locked|192.0.2.7|strikes=3|until=2026-11-22T20:39:00Z|reason=timeout");
    check_fields("refused source=192.0.2.7 reason=locked", "refused|192.0.2.7|reason=locked");
    check_fields("closed reason=kill-secret source=192.0.2.7", "closed|192.0.2.7|reason=kill-secret");
    check_fields("refused source=fe80::1%eth0 reason=locked", "refused|fe80::1%eth0|reason=locked");
    check_fields("refused source=fe80::1 reason=locked", "refused|fe80::1|reason=locked");
    check_fields("closed reason=by-hand", "closed|-|reason=by-hand");
    check_fields("accepted source=192.0.2.7 action=a=b", "accepted|192.0.2.7|action=a=b");

    check_none("", "nothing");
    check_none("accepted", "a word alone");
    check_none("accepted action=backup", "nobody accepted");
    check_none("accepting source=192.0.2.7", "another word");
    check_none("accepted  source=192.0.2.7", "two blanks");
    check_none("accepted source=192.0.2.7 ", "a blank at the end");
    check_none(" accepted source=192.0.2.7", "a blank in front");
    check_none("accepted source=192.0.2.7 and more", "prose");
    check_none("accepted source=example.org", "a name for an address");
    check_none("accepted source=192.0.2.7 source=192.0.2.8", "two sources");
    check_none("accepted source=192.0.2.7 uid=0 uid=33", "a key twice");
    check_none("accepted source=192.0.2.7 =x", "no key");
    check_none("accepted source=192.0.2.7 uid=", "no value");
    check_none("accepted source=192.0.2.7 UID=0", "a key in capitals");
    check_none("accepted source=192.0.2.7 action=\x1b[2J", "an escape sequence");
    check_none("accepted source=192.0.2.7 action=\xc3\xa4", "no ASCII");
    check_none("accepted source=192.0.2.7 a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", "more fields than any line has");
    check(logline_parse("refused source=192.0.2.7\0 reason=x", 34, &line) == -1, "no outcome line: a NUL in it");

    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "refused source=192.0.2.7 reason=", 32);
    check(logline_parse(longest, LOGLINE_LEN, &line) == -1, "no outcome line: too long by one");
    check(logline_parse(longest, LOGLINE_LEN - 1, &line) == 0, "an outcome line of the greatest length");

    /* len says where the line ends, whatever stands behind it in memory. */
    check(logline_parse("refused source=192.0.2.7 reason=locked and more", 38, &line) == 0, "a line without its end");
    check_text(logline_value(&line, "reason"), "locked", "a value by its key");
    check(logline_value(&line, "action") == NULL, "no value for a key that is not there");
    check_grants();
    return check_end();
}
