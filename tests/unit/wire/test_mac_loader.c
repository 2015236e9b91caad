/* SPDX-License-Identifier: ISC */
/*
 * mac.h by way of the loader: the vectors of the wire protocol come out of the module as well, and what is no module of
 * ours is said to be none. The file itself is included, for the path is part of it.
 * Arguments: the module, one of another version, and a shared object that is none.
 */
static const char *module_path;

#define OSTIARY_MAC_MODULE module_path
#include "../../../src/wire/mac_loader.c"

#include "check.h"

static void test_broken(const char *path, const char *cause, const char *what)
{
    module_path = path;
    check(mac_init() != 0 && loaded == NULL, "I8: %s is not used", what);
    check(strstr(mac_problem(), cause) != NULL && strstr(mac_problem(), path) != NULL,
          "and both the path and the cause are said");
    check_show("said", mac_problem());
}

/* What 4.0's client replied (the secret is "The"), and a receipt. */
static void test_vectors(void)
{
    static const char seed_text[] = "7173eee039a3587a0aa36b6ac5dbe0a6427f2c97dd2189b0158e8aeb2819942d";
    static const char reply_text[] = "cc21c31b860d32571f72ab21f9688d99bbbb85e7d1bf1a7f9a54f42820892e56";
    static const char receipt_text[] = "b4c37f765d46974be8b1cd47b2a49156ea379a8b410428514eeebadfbf4b9656";
    const struct secret secret = {(const uint8_t *)"The", 3};
    uint8_t seed[SEED_LEN], out[REPLY_LEN], receipt[RECEIPT_LEN];
    struct mac_key key;

    check_unhex(seed_text, seed, sizeof(seed));
    check(mac_reply(secret, seed, out) == 0, "a reply is computed");
    check_hex(out, sizeof(out), reply_text, "and is the one that 4.0's client gave");
    check(mac_receipt(secret, seed, out, receipt) == 0, "a receipt is computed");
    check_hex(receipt, sizeof(receipt), receipt_text, "and is the one that the client expects");
    memset(out, 0, sizeof(out));
    check(mac_key_empty(&key) == 0 && mac_key_try(&key, secret, seed, out) == 0, "a key takes a secret");
    check_hex(out, sizeof(out), reply_text, "and gives the same reply");
    mac_key_free(&key);
    check(key.md == NULL, "it is given back");
}

static int fatal_context;

/* Never called: what is looked at is whether the module is given it. */
static void on_fatal(void *context, int code, const char *text)
{
    (void)context;
    (void)code;
    (void)text;
}

/* What the module is told, where libgcrypt would tell it. */
static void (*told_end)(void *context, int code, const char *text);
static void *told_context;

static void tell_fatal(void (*end)(void *context, int code, const char *text), void *context)
{
    told_end = end;
    told_context = context;
}

static int fail_init(void)
{
    return -1;
}

static const char *say_problem(void)
{
    return "no room";
}

static void test_passed_on(void)
{
    static const struct mac_functions spy = {.init = fail_init, .on_fatal = tell_fatal, .problem = say_problem};

    loaded = &spy;
    check(mac_init() != 0, "I8: a libgcrypt that cannot be initialised is said to be so");
    check(told_end == on_fatal && told_context == &fatal_context, "and has been told first what to call at its end");
    check_text(mac_problem(), "no room", "the module says why");
}

int main(int argc, char **argv)
{
    if (!check(argc == 4, "there are three arguments"))
        return check_end();
    mac_on_fatal(on_fatal, &fatal_context);
    test_broken("/nonexistent/mac.so", "No such file", "a module that is not there");
    test_broken("/dev/null", "file too short", "an empty one");
    test_broken(argv[2], "is of version 0.0.0, and this is " OSTIARY_VERSION, "one of another version");
    test_broken(argv[3], "undefined symbol: " MAC_MODULE_SYMBOL, "another shared object");
    module_path = argv[1];
    if (check(mac_init() == 0, "the module is loaded"))
        test_vectors();
    test_passed_on();
    return check_end();
}
