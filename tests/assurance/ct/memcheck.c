/* SPDX-License-Identifier: ISC */
/*
 * I6 under valgrind's memcheck: every secret, and the reply of a peer who holds one, is marked as undefined. What
 * memcheck then reports is a branch or an address that depends on a secret. Nothing is stubbed and nothing suppressed:
 * the secret goes through libgcrypt's SHA-256 too.
 *
 * match_reply may show one thing, its final answer. It makes that out of its masks after it has wiped what it
 * computed, so the wrapper of explicit_bzero here is where the secret ends. This is linked with the objects as they are
 * shipped.
 */
#include "../../unit/check.h"
#include "leaky.h"

#include <stddef.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

#define ENTRIES_MAX 40
#define NOW_S       1111111111

static uint8_t secrets[ENTRIES_MAX][SECRET_MAX];
static struct config_secret listed[ENTRIES_MAX];
static struct config_entry entries[ENTRIES_MAX];
static struct config config = {.entries = entries};
static uint8_t seed[SEED_LEN];
static uint8_t reply[REPLY_LEN];

static const char *stack_base; /* everything below belongs to what main calls */
static unsigned wiped_secret;  /* how often memory was wiped that held a secret, to its last bit */

void __real_explicit_bzero(void *bytes, size_t len);
void __wrap_explicit_bzero(void *bytes, size_t len);
void __wrap___explicit_bzero_chk(void *bytes, size_t len, size_t room);

/* Is every bit of it secret? */
static bool is_secret(const void *bytes, size_t len)
{
    uint8_t bits[REPLY_LEN];

    if (len > sizeof(bits) || VALGRIND_GET_VBITS(bytes, bits, len) != 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bits[i] != 0xff)
            return false;
    return true;
}

/*
 * Behind the wipe of a reply the caller may show what it has found. Its variables are on the stack, or in registers
 * that a callee has to save, which the builtin makes this function do. What mac.c wipes in between, the stack below it,
 * is longer, and ends no secret.
 */
__attribute__((noinline)) void __wrap_explicit_bzero(void *bytes, size_t len)
{
    char here = 0;

    __builtin_unwind_init();
    if (len == REPLY_LEN) {
        wiped_secret += is_secret(bytes, len);
        (void)VALGRIND_MAKE_MEM_DEFINED(&here, (size_t)(stack_base - &here));
    }
    __real_explicit_bzero(bytes, len);
}

/* The same under _FORTIFY_SOURCE. */
void __wrap___explicit_bzero_chk(void *bytes, size_t len, size_t room)
{
    if (len > room)
        abort();
    __wrap_explicit_bzero(bytes, len);
}

static void fill(uint8_t *bytes, size_t len, size_t salt)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(1 + (i * 31 + salt * 7) % 255);
}

/* count secrets of this length, and what a peer sends who holds the one at this place, or one that is not there. */
static void prepare(size_t count, size_t len, size_t place)
{
    uint8_t other[SECRET_MAX];
    struct secret right = {.bytes = other, .len = len};

    fill(other, sizeof(other), 211);
    fill(seed, sizeof(seed), place);
    config.entry_count = count;
    for (size_t i = 0; i < count; i++) {
        (void)VALGRIND_MAKE_MEM_DEFINED(secrets[i], sizeof(secrets[i]));
        fill(secrets[i], len, i);
        listed[i].bytes = (struct secret){.bytes = secrets[i], .len = len};
        entries[i] =
            (struct config_entry){.secrets = &listed[i], .secret_count = 1, .codes.origin = CONFIG_SECRET_NONE};
        if (i == place)
            right = listed[i].bytes;
    }
    if (mac_reply(right, seed, reply) != 0)
        abort();
    for (size_t i = 0; i < count; i++)
        (void)VALGRIND_MAKE_MEM_UNDEFINED(secrets[i], sizeof(secrets[i]));
    (void)VALGRIND_MAKE_MEM_UNDEFINED(reply, sizeof(reply));
}

/* The number of reports that a choice raises. *right: it chose well. */
static unsigned reports_of_choice(choose_function *choose, size_t place, bool *right)
{
    const unsigned before = VALGRIND_COUNT_ERRORS;
    const struct match_question question = {&config, seed, NOW_S};
    struct match match;
    const int status = choose(&question, reply, &match);
    const unsigned reports = VALGRIND_COUNT_ERRORS - before;

    (void)VALGRIND_MAKE_MEM_DEFINED(&match, sizeof(match));
    *right = status == 0 && match.entry == (place < config.entry_count ? &entries[place] : NULL);
    return reports;
}

static void test_choice(void)
{
    static const size_t counts[] = {1, 2, ENTRIES_MAX};
    static const size_t lengths[] = {1, 16, 63, 64, 65, SECRET_MAX};
    unsigned reports = 0, wrong = 0, choices = 0;
    bool right;

    wiped_secret = 0;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
            /* The first, the last, none. */
            const size_t places[] = {0, counts[c] - 1, counts[c]};

            for (size_t p = 0; p < 3; p++) {
                prepare(counts[c], lengths[l], places[p]);
                reports += reports_of_choice(match_reply, places[p], &right);
                wrong += !right;
                choices++;
            }
        }
    }
    check_number(reports, 0, "I6: match_reply has no branch and no address that depends on a secret");
    check_number(wrong, 0, "and chooses the first, the last or none, as it should");
    check_number(wiped_secret, choices, "and what it compared was secret in every bit, until it was wiped");
}

/*
 * The same where codes follow each secret: their key is as secret as the secret, and so are the codes. The reply is of
 * a holder of the secret at this place, with the code of the step behind the clock's, or of nobody.
 */
static void prepare_codes(size_t count, enum codes_hash hash, size_t place)
{
    static uint8_t key[20];
    uint8_t message[CODES_MESSAGE_LEN], digest[CODES_DIGEST_MAX], whole[SECRET_MAX];
    char text[CODES_TEXT_LEN];
    size_t len;

    prepare(count, 20, place);
    (void)VALGRIND_MAKE_MEM_DEFINED(key, sizeof(key));
    fill(key, sizeof(key), 7);
    for (size_t i = 0; i < count; i++) {
        entries[i].codes = (struct config_codes){
            .origin = CONFIG_SECRET_FILE, .way = codes_usual(CODES_TOTP), .key = {.bytes = key, .len = sizeof(key)}};
        entries[i].codes.way.hash = hash;
    }
    codes_message(NOW_S / 30 + 1, message);
    if (mac_code(entries[0].codes.key, hash, message, digest, &len) != 0)
        abort();
    codes_text(&entries[0].codes.way, digest, len, text);
    fill(whole, 20, place);
    memcpy(whole + 20, text, 6);
    if (mac_reply((struct secret){.bytes = whole, .len = 26}, seed, reply) != 0)
        abort();
    (void)VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof(key));
    (void)VALGRIND_MAKE_MEM_UNDEFINED(reply, sizeof(reply));
}

static void test_codes(void)
{
    unsigned reports = 0, wrong = 0;
    bool right;

    for (unsigned hash = CODES_SHA1; hash <= CODES_SHA512; hash++) {
        for (size_t place = 0; place < 4; place++) {
            prepare_codes(3, (enum codes_hash)hash, place);
            reports += reports_of_choice(match_reply, place, &right);
            wrong += !right;
        }
    }
    check_number(reports, 0,
                 "I6: with codes match_reply has no branch and no address that depends on secret, key or code");
    check_number(wrong, 0, "and chooses the first, the last or none, as it should");
}

static void test_macs(void)
{
    uint8_t receipt[RECEIPT_LEN];
    uint8_t again[REPLY_LEN];
    uint32_t same, different;
    unsigned before;

    prepare(2, 20, 0);
    before = VALGRIND_COUNT_ERRORS;
    const int status = mac_reply(listed[0].bytes, seed, again) | mac_receipt(listed[0].bytes, seed, reply, receipt);
    check_number(VALGRIND_COUNT_ERRORS - before, 0, "I6: mac_reply and mac_receipt have none");
    check(status == 0 && is_secret(again, sizeof(again)) && is_secret(receipt, sizeof(receipt)),
          "and what they make is as secret as what they were given");

    before = VALGRIND_COUNT_ERRORS;
    same = mac_same(reply, again);
    different = mac_same(reply, receipt);
    check_number(VALGRIND_COUNT_ERRORS - before, 0, "I6: mac_same has none");
    check(is_secret(&same, sizeof(same)) && is_secret(&different, sizeof(different)), "and gives a secret mask");
    (void)VALGRIND_MAKE_MEM_DEFINED(&same, sizeof(same));
    (void)VALGRIND_MAKE_MEM_DEFINED(&different, sizeof(different));
    check(same == UINT32_MAX && different == 0, "which is right");
}

/* Without these, a memcheck that sees nothing would pass. */
static void test_leaks(void)
{
    static const struct {
        const char *what;
        choose_function *choose;
        same_function *same;
    } leaks[] = {
        {"a choice that stops at the first that fits", leaky_choose_first, NULL},
        {"a choice that branches on what fits", leaky_choose_branch, NULL},
        {"a comparison that stops at the first byte that differs", NULL, leaky_same_bytes},
        {"a comparison by memcmp", NULL, leaky_same_memcmp},
        {"a comparison through a table", NULL, leaky_same_table},
    };
    uint8_t expected[REPLY_LEN];
    bool right;

    puts("# memcheck's reports from here on are those of code that leaks on purpose");
    fflush(stdout);
    for (size_t i = 0; i < sizeof(leaks) / sizeof(leaks[0]); i++) {
        unsigned reports;

        prepare(3, 20, 1);
        if (leaks[i].choose != NULL) {
            reports = reports_of_choice(leaks[i].choose, 1, &right);
        } else {
            const unsigned before = VALGRIND_COUNT_ERRORS;

            right = mac_reply(listed[1].bytes, seed, expected) == 0;
            uint32_t mask = leaks[i].same(expected, reply);
            (void)VALGRIND_MAKE_MEM_DEFINED(&mask, sizeof(mask));
            right = right && mask == UINT32_MAX;
            reports = VALGRIND_COUNT_ERRORS - before;
        }
        check(right && reports > 0, "%s is reported", leaks[i].what);
    }
}

int main(void)
{
    char base = 0;

    if (!check(RUNNING_ON_VALGRIND != 0, "this runs under valgrind") || !check(mac_init() == 0, "libgcrypt is ready"))
        return check_end();
    stack_base = &base;
    test_choice();
    test_codes();
    test_macs();
    test_leaks();
    return check_end();
}
