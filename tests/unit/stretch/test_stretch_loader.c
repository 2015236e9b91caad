/* SPDX-License-Identifier: ISC */
/*
 * stretch.h by way of the loader: a secret comes out of the module as well, and what is no module of ours is said to be
 * none. The file itself is included, for the path is part of it.
 * Arguments: the module, one of another version, and a shared object that is none.
 */
static const char *module_path;

#define OSTIARY_STRETCH_MODULE module_path
#include "../../../src/stretch/stretch_loader.c"

#include "check.h"

/* The cheapest of the examples of ostclient(1). */
static const struct stretch_label label = {
    .kind = STRETCH_PBKDF2, .iterations = 600000, .name = "gate.example.org/alice"};
static const struct secret passphrase = {(const uint8_t *)"correct horse battery staple", 28};

static void test_broken(const char *path, const char *cause, const char *what)
{
    static const uint8_t nothing[STRETCH_SECRET_LEN];
    uint8_t secret[STRETCH_SECRET_LEN];

    module_path = path;
    memset(secret, 7, sizeof(secret));
    check(stretch_run(&label, passphrase, secret) == STRETCH_NO_LIBRARY && loaded == NULL, "I8: %s is not used", what);
    check(memcmp(secret, nothing, sizeof(secret)) == 0, "and there is no secret");
    check(strstr(stretch_problem(), cause) != NULL && strstr(stretch_problem(), path) != NULL,
          "and both the path and the cause are said");
    check_show("said", stretch_problem());
}

static const char *say_problem(void)
{
    return "too old";
}

static void test_passed_on(void)
{
    static const struct stretch_functions spy = {.problem = say_problem};

    loaded = &spy;
    check_text(stretch_problem(), "too old", "the module says why there is no library");
}

int main(int argc, char **argv)
{
    uint8_t secret[STRETCH_SECRET_LEN + 1] = {0};

    if (!check(argc == 4, "there are three arguments"))
        return check_end();
    test_broken("/nonexistent/stretch.so", "No such file", "a module that is not there");
    test_broken("/dev/null", "file too short", "an empty one");
    test_broken(argv[2], "is of version 0.0.0, and this is " OSTIARY_VERSION, "one of another version");
    test_broken(argv[3], "undefined symbol: " STRETCH_MODULE_SYMBOL, "another shared object");
    module_path = argv[1];
    check(stretch_run(&label, passphrase, secret) == STRETCH_OK, "the module is loaded, and makes a secret");
    check_text((const char *)secret, "G-ZwAjccmjG_VionJik2iiHTfC7zY18CeuC0ww5e-KY", "which is the one of ostclient(1)");
    test_passed_on();
    return check_end();
}
