/* SPDX-License-Identifier: ISC */
/* answer.h, page.h, visitor.h: what ostgrant says, as a person reads it; and who that person is. */
#include "answer.h"
#include "check.h"
#include "markup.h"
#include "page.h"
#include "words.h"

#include <stdlib.h>
#include <unistd.h>

#define NOW UINT64_C(1795293540) /* 2026-11-21 20:39:00 UTC */

static struct answer answer;

static const char gate_ssh[] = "gate name=ssh lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=no\n";
static const char rest[] = "token value=abc123\nok\n";

static int parse(const char *first, const char *second)
{
    char *text;
    int len, status;

    len = asprintf(&text, "%s%s%s", first, second, rest);
    status = answer_parse(text, (size_t)len, &answer);
    free(text);
    return status;
}

/* ---- Answers ---- */

static void test_answer(void)
{
    check(parse(gate_ssh, "grant gate=ssh network=2001:db8::/64 user=bob left=60 packets=1 state=closing mine=no\n"
                          "grant gate=ssh network=192.0.2.7 user=alice left=3600 packets=9 state=open mine=yes\n"
                          "count gate=ssh shut=4711\nadmin value=yes\nnews of=tomorrow\n") == 0,
          "an answer with everything, and a word of a later version");
    check(answer.gate_count == 1 && answer.gates[0].lifetime_s == 90000 && answer.gates[0].most_s == 180000 &&
              answer.gates[0].renew == GATE_RENEW_ASKING && !answer.gates[0].admin,
          "the gate");
    check(answer.grant_count == 2 && answer.grants[0].mine && answer.grants[0].left_s == 3600 &&
              answer.grants[0].packets == 9 && answer.grants[0].state == ANSWER_OPEN,
          "one's own grant comes first");
    check(!answer.grants[1].mine && answer.grants[1].state == ANSWER_CLOSING, "the other behind it");
    check(answer.count_count == 1 && answer.counts[0].shut == 4711 && answer.admin,
          "counters, and that it is an admin");
    check_text(answer.token, "abc123", "the token");
    check(answer_parse("token value=b2\nok", strlen("token value=b2\nok"), &answer) == 0 && answer.token[0] == 'b',
          "a last line without an end");
}

static void test_bad_answers(void)
{
    static const char *const lines[] = {
        "grant gate=ssh network=192.0.2.7 user=alice left=60 packets=1 state=open\n",
        "grant gate=ssh network=192.0.2.7 user=alice left=-1 packets=1 state=open mine=yes\n",
        "grant gate=ssh network=nowhere user=alice left=60 packets=1 state=open mine=yes\n",
        "grant gate=ssh network=- user=alice left=60 packets=1 state=open mine=yes\n",
        "grant gate=SSH network=192.0.2.7 user=alice left=60 packets=1 state=open mine=yes\n",
        "gate name=web lifetime=1 most=2 renew=maybe network=192.0.2.7 admin=no\n",
        "gate name=web lifetime=1 most=2 renew=no network=192.0.2.7/24 admin=no\n",
        "gate name=web lifetime=1 most=2 renew=no network=192.0.2.7\n",
        "count gate=ssh\n",
        "token value=xyz\n",
        "token\n",
        "admin value=perhaps\n",
        "no line  at all\n",
        "\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check(parse(gate_ssh, lines[i]) == -1, "no answer with %.*s", (int)strcspn(lines[i], "\n"), lines[i]);
}

/* An answer with this many lines of others, and one of one's own at its end. */
static void test_large_answer(void)
{
    struct text text = {0};

    for (unsigned i = 0; i < 10 * ANSWER_GRANTS_MAX; i++)
        text_add(&text, "grant gate=ssh network=10.0.%u.%u user=bob left=60 packets=1 state=open mine=no\n", i / 256,
                 i % 256);
    text_add(&text, "grant gate=ssh network=192.0.2.7 user=alice left=60 packets=1 state=open mine=yes\n");
    check(answer_parse(text.bytes, text.len, &answer) == 0 && answer.grant_count == ANSWER_GRANTS_MAX &&
              answer.left_out == 9 * ANSWER_GRANTS_MAX + 1 && answer.grants[0].mine,
          "of very many, one's own are there, and it is known how many are not");
    text_free(&text);
}

/* ---- Pages ---- */

static char *html;

static struct page page_of(const struct visitor *visitor)
{
    return (struct page){.visitor = visitor, .answer = &answer, .now_s = NOW};
}

static void write_page(const struct page *page)
{
    struct text text = {0};

    page_write(&text, page);
    free(html);
    html = text.failed ? NULL : text.bytes;
    check(html != NULL, "a page is written");
}

static void has(const char *part)
{
    check(strstr(html, part) != NULL, "it has %s", part);
}

static void has_not(const char *part)
{
    check(strstr(html, part) == NULL, "it has not %s", part);
}

static const struct visitor alice = {.user = "alice", .seen = "192.0.2.7"};

static void test_shut(void)
{
    const struct page page = page_of(&alice);

    parse(gate_ssh, "");
    write_page(&page);
    has("Signed in as alice");
    has("<p class=\"address\">192.0.2.7</p>");
    has("<span class=\"state\">Shut</span>");
    has("value=\"25\"");
    has("at most 50");
    has("<button name=\"do\" value=\"open\"");
    has("<input type=\"hidden\" name=\"token\" value=\"abc123\">");
    has_not("value=\"close\"");
    has_not("value=\"renew\"");
    has_not(WORDS_FOR_OTHERS);
    has_not(WORDS_ALL);
    has_not("<script");
    has_not("src=");
    has_not("http");
}

static void test_open(void)
{
    const struct page page = page_of(&alice);

    parse(gate_ssh, "grant gate=ssh network=192.0.2.7 user=alice left=8640 packets=0 state=open mine=yes\n"
                    "grant gate=ssh network=198.51.100.1 user=alice left=90 packets=0 state=open mine=yes\n");
    write_page(&page);
    has("<span class=\"state\">Open</span>");
    has("2 h 24 min left <span class=\"until\">until 23:03 UTC");
    has("value=\"renew\"");
    has("value=\"close\"");
    has("Also open for you");
    has("198.51.100.1");
    has("1 min left");
    has("<input type=\"checkbox\" name=\"others\" value=\"close\">");
    has("<button name=\"do\" value=\"others\"");
}

/* What is open at another gate, or for another address, is not what is asked about. */
static void test_open_elsewhere(void)
{
    const struct page page = page_of(&alice);

    parse(gate_ssh, "grant gate=web network=192.0.2.7 user=alice left=8640 packets=0 state=open mine=yes\n"
                    "grant gate=ssh network=198.51.100.1 user=alice left=90 packets=0 state=open mine=yes\n"
                    "grant gate=ssh network=192.0.2.7 user=bob left=90 packets=0 state=open mine=no\n");
    write_page(&page);
    has("<span class=\"state\">Shut</span>");
    has_not("value=\"renew\"");
    has("Also open for you");
}

static void test_states(void)
{
    struct page page = page_of(&alice);
    const struct visitor here = {.user = "alice", .seen = "127.0.0.1", .is_here = true};

    parse("gate name=ssh lifetime=60 most=60 renew=no network=2001:db8::/64 admin=no\n",
          "grant gate=ssh network=2001:db8::/64 user=alice left=90000 packets=0 state=waiting mine=yes\n");
    write_page(&page);
    has(WORDS_WAITING);
    has(WORDS_WAITS);
    has(WORDS_WHOLE);
    has(WORDS_NO_RENEWAL);
    has_not("value=\"renew\"");
    parse(gate_ssh, "grant gate=ssh network=192.0.2.7 user=alice left=0 packets=0 state=closing mine=yes\n");
    write_page(&page);
    has(WORDS_CLOSING);
    has("value=\"open\"");
    parse(gate_ssh, "grant gate=ssh network=192.0.2.7 user=alice left=60 packets=0 state=missing mine=yes\n");
    write_page(&page);
    has(WORDS_UNSETTLED);
    has(WORDS_UNSETTLES);
    parse("gate name=ssh lifetime=60 most=60 renew=no network=- admin=no\n", "");
    write_page(&page);
    has(WORDS_NOT_FOR_YOU);
    has_not("value=\"open\"");
    parse("", "");
    write_page(&page);
    has("There is no gate that you may open here.");
    parse(gate_ssh, "");
    page.visitor = &here;
    write_page(&page);
    has("so there is nothing to open for you");
    has_not("value=\"open\"");
}

static void test_admin(void)
{
    const struct visitor carol = {.user = "carol", .seen = "192.0.2.7"};
    const struct page page = page_of(&carol);

    parse("gate name=ssh lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=yes\n",
          "grant gate=ssh network=2001:db8::1 user=bob left=200000 packets=1 state=open mine=no\n"
          "grant gate=ssh network=0.0.0.0/0 user=dave left=10 packets=12 state=open mine=no\n"
          "count gate=ssh shut=4711\nadmin value=yes\n");
    write_page(&page);
    has(WORDS_FOR_OTHERS);
    has("<option>ssh</option>");
    has("name=\"address\" value=\"2001:db8::1/128\"");
    has("name=\"address\" value=\"0.0.0.0/0\"");
    has("name=\"user\" value=\"bob\"");
    has("2 d 7 h left <span class=\"until\">until 2026-11-24 04:12 UTC");
    has("12 packets");
    has("1 packet<");
    has("less than a minute left");
    has("aria-label=\"Close ssh for 2001:db8::1, bob\"");
    has("<dt>ssh</dt><dd>4711</dd>");
    parse(gate_ssh, "gate name=web lifetime=1 most=2 renew=no network=192.0.2.7 admin=yes\nadmin value=yes\n");
    write_page(&page);
    has("<option>web</option>");
    has_not("<option>ssh</option>");
    parse(gate_ssh, "admin value=yes\n");
    write_page(&page);
    has(WORDS_ALL);
    has_not(WORDS_FOR_OTHERS);
}

static void test_refusals(void)
{
    char typed[] = "gate=ssh&hours=<b>\"&";
    struct form form;
    struct page page = page_of(&alice);

    typed[strlen(typed) - 1] = '\0';
    form_parse(typed, strlen(typed), &form);
    parse(gate_ssh, "");
    page.refusal = REFUSAL_HOURS;
    page.typed = &form;
    write_page(&page);
    has("role=\"alert\"");
    has("Write the hours as a number above 0");
    has("value=\"&lt;b&gt;&quot;\"");
    has_not("<b>");
    page.answer = NULL;
    for (enum refusal refusal = REFUSAL_NONE + 1; refusal <= REFUSAL_MEMORY; refusal++) {
        page.refusal = refusal;
        write_page(&page);
        check(refusal_text(refusal)->said[0] != '\0' && refusal_text(refusal)->status >= 400, "refusal %d is told",
              (int)refusal);
        has("<a href=\"?\">");
    }
}

static void test_typed_for_others(void)
{
    char typed[] = "gate=web&address=nowhere&user=bob&hours=3";
    struct form form;
    struct page page = page_of(&alice);

    form_parse(typed, strlen(typed), &form);
    parse("gate name=ssh lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=yes\n"
          "gate name=web lifetime=90000 most=180000 renew=asking network=192.0.2.7 admin=yes\n",
          "admin value=yes\n");
    page.refusal = REFUSAL_ADDRESS;
    page.typed = &form;
    write_page(&page);
    has("value=\"nowhere\"");
    has("value=\"bob\"");
    has("<option selected>web</option>");
    has_not("id=\"hours-web\" name=\"hours\" inputmode=\"decimal\" maxlength=\"12\" aria-describedby=\"most-web\" "
            "value=\"3\"");
}

static void test_done(void)
{
    struct page page = page_of(&alice);

    parse(gate_ssh, "");
    page.is_done = true;
    snprintf(page.done_gate, sizeof(page.done_gate), "ssh");
    for (unsigned deed = WISH_OPEN; deed <= WISH_OTHERS; deed++) {
        static const char *const words[] = {"ssh is open.", "ssh has been renewed.", "ssh has been closed.",
                                            "ssh has been closed for your other addresses."};

        page.done = (enum wish_deed)deed;
        write_page(&page);
        has("role=\"status\"");
        has(words[deed]);
    }
}

/* Whatever somebody's name is, it ends no text and no attribute. */
static void test_escapes(void)
{
    struct text text = {0};

    markup_say(&text, "%s", "a&b<c>d\"e'f&amp;");
    check_text(text.bytes, "a&amp;b&lt;c&gt;d&quot;e&#39;f&amp;amp;", "what means something in HTML is escaped");
    text_free(&text);
}

static void test_times(void)
{
    static const struct {
        uint64_t seconds;
        const char *words;
    } spans[] = {{0, "less than a minute"}, {59, "less than a minute"}, {60, "1 min"},       {3599, "59 min"},
                 {3600, "1 h 0 min"},       {172799, "47 h 59 min"},    {172800, "2 d 0 h"}, {UINT64_MAX, NULL}};
    char text[MARKUP_TIME_LEN];

    for (size_t i = 0; spans[i].words != NULL; i++) {
        markup_span(spans[i].seconds, text);
        check_text(text, spans[i].words, "a time that is left");
    }
    markup_time(NOW, NOW, text);
    check_text(text, "20:39 UTC", "a time of today");
    markup_time(NOW + 86400, NOW, text);
    check_text(text, "2026-11-22 20:39 UTC", "one of tomorrow");
    markup_time(UINT64_MAX, NOW, text);
    check_text(text, "", "one that no calendar has");
}

/* ---- Visitors ---- */

static enum refusal visit(const char *user, const char *address, const char *https)
{
    struct visitor visitor = {.variables = {.remote_user = user, .remote_addr = address, .https = https}};

    return visitor_check(&visitor);
}

static void test_visitors(void)
{
    static const char *const users[] = {
        "a b", "a\nb",     "-a",
        "@a",  "a=b",      "a\"",
        "<a>", "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    check(visit("alice", "192.0.2.7", "on") == REFUSAL_NONE, "a user by TLS");
    check(visit("alice@example.net", "2001:db8::1", "on") == REFUSAL_NONE, "one by IPv6");
    check(visit("alice", "127.0.0.1", NULL) == REFUSAL_NONE, "one on the machine itself, without TLS");
    check(visit("alice", "::1", "off") == REFUSAL_NONE, "the same by IPv6");
    check(visit("alice", "192.0.2.7", NULL) == REFUSAL_HTTPS, "one without TLS");
    check(visit("alice", "192.0.2.7", "off") == REFUSAL_HTTPS, "one with TLS off");
    check(visit("alice", "::2", NULL) == REFUSAL_HTTPS, "one who is nearly on the machine");
    check(visit(NULL, "192.0.2.7", "on") == REFUSAL_NO_USER, "nobody");
    check(visit("", "192.0.2.7", "on") == REFUSAL_NOBODY, "an empty name");
    check(visit("alice", NULL, "on") == REFUSAL_SEEN, "no address");
    check(visit("alice", "client.example.net", "on") == REFUSAL_SEEN, "a name as address");
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        check(visit(users[i], "192.0.2.7", "on") == REFUSAL_USER, "odd name %zu", i);
}

static void from(const char *site, const char *origin, const char *host, bool ours)
{
    const struct visitor visitor = {.variables = {.sec_fetch_site = site, .origin = origin, .host = host},
                                    .by_tls = true};

    check(visitor_is_on_our_page(&visitor) == ours, "site %s, origin %s, host %s: %s", site != NULL ? site : "-",
          origin != NULL ? origin : "-", host != NULL ? host : "-", ours ? "ours" : "not ours");
}

static void test_sites(void)
{
    from("same-origin", NULL, NULL, true);
    from("none", NULL, NULL, true);
    from("cross-site", "https://gate.example", "gate.example", false);
    from("same-site", "https://gate.example", "gate.example", false);
    from("", NULL, NULL, false);
    from(NULL, "https://gate.example", "gate.example", true);
    from(NULL, "https://gate.example:8443", "gate.example:8443", true);
    from(NULL, "http://gate.example", "gate.example", false);
    from(NULL, "https://gate.example.evil.example", "gate.example", false);
    from(NULL, "https://evil.example", "gate.example", false);
    from(NULL, "null", "gate.example", false);
    from(NULL, "https://", "", false);
    from(NULL, NULL, "gate.example", false);
    from(NULL, NULL, NULL, false);
}

static void test_environment(void)
{
    static char password[] = "HTTP_AUTHORIZATION=Basic secret", user[] = "REMOTE_USER=alice";
    static char *variables[] = {password, user, NULL};
    struct visitor_variables taken;

    environ = variables;
    check(visitor_read_environment(&taken) == 0, "the environment is read");
    check_text(taken.remote_user, "alice", "what is wanted of it is kept");
    check(taken.remote_addr == NULL, "what is not there is missing");
    check(environ == NULL || environ[0] == NULL, "nothing of it is left");
    check(memcmp(password, (char[sizeof(password)]){0}, sizeof(password)) == 0, "a password in it is wiped");
    free((char *)(uintptr_t)taken.remote_user);
}

int main(void)
{
    test_answer();
    test_bad_answers();
    test_large_answer();
    test_shut();
    test_open();
    test_open_elsewhere();
    test_states();
    test_admin();
    test_refusals();
    test_typed_for_others();
    test_done();
    test_escapes();
    test_times();
    test_visitors();
    test_sites();
    test_environment();
    free(html);
    return check_end();
}
