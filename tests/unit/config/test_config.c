/* SPDX-License-Identifier: ISC */
/*
 * config.h. Most cases are files in tests/data/config (its path is the argument): good ones are read, broken ones are
 * refused, and each has the findings that it wants (corpus.h).
 */
#include "config.h"
#include "from.h"

#include "check.h"
#include "corpus.h"
#include "parser.h"
#include "scan.h"
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define MARK  "zz9" /* in every secret and every senseless value of the corpus */
#define ENTRY "ACTION=\"zz9 four words of pure chance\",\"/bin/true\"\n"

static struct config_reader reader_for(struct findings *findings, bool with_secrets)
{
    *findings = (struct findings){0};
    return (struct config_reader){
        .path = "ostiary.cfg", .with_secrets = with_secrets, .report = findings_collect, .context = findings};
}

/* Parse a copy of exactly len bytes and a NUL, so that a sanitizer sees every step beyond it. */
static int parse_bytes(const char *bytes, size_t len, const struct config_reader *reader, struct config *config)
{
    char *text = malloc(len + 1);

    memcpy(text, bytes, len);
    text[len] = '\0';
    const int status = config_parse(text, len, reader, config);
    /* Nothing that is kept may point into the text. */
    memset(text, 0xdb, len + 1);
    free(text);
    return status;
}

static struct findings last; /* of the last parse() */

static int parse(const char *text, bool with_secrets, struct config *config)
{
    const struct config_reader reader = reader_for(&last, with_secrets);

    return parse_bytes(text, strlen(text), &reader, config);
}

/* ---- The corpus ---- */

static void check_file(const char *path, const char *name, bool good, bool with_secrets)
{
    static struct findings findings;
    static char expected[FINDINGS_LEN];
    const struct config_reader reader = reader_for(&findings, with_secrets);
    struct config config;
    size_t len;
    char *content = corpus_read(path, &len);

    corpus_expected(path, content, expected);
    const int status = parse_bytes(content, len, &reader, &config);
    check(status == (good ? 0 : -1), "%s is %s%s", name, good ? "good" : "refused",
          with_secrets ? ", with secrets" : "");
    check_text(findings.text, expected, "and says exactly what was expected");
    check(good || (config.entries == NULL && config.memory == NULL && config.secrets.bytes == NULL),
          "%s leaves nothing", name);
    check(strstr(findings.text, MARK) == NULL, "I10: no finding of %s quotes the file", name);
    config_free(&config);
    free(content);
}

/* Good files may name secret files that are not there. */
static void check_good(const char *path, const char *name)
{
    check_file(path, name, true, false);
}

static void check_broken(const char *path, const char *name)
{
    check_file(path, name, false, false);
    check_file(path, name, false, true);
}

static void test_corpus(const char *corpus)
{
    const unsigned good = corpus_each(corpus, "good", check_good);
    const unsigned broken = corpus_each(corpus, "broken", check_broken);

    check(good >= 10 && broken >= 45, "%u good files and %u broken ones were found", good, broken);
}

static void check_gate(const struct config_entry *entry, const char *name, const char *gate, bool revoke,
                       bool clear_old)
{
    check_text(entry->name, name, "the user of a grant is the action's name");
    check_text(entry->gate != NULL ? entry->gate : "", gate, "the gate is kept");
    check(entry->command == NULL && entry->socket == NULL, "with a gate there is neither command nor socket");
    check(entry->revoke == revoke && entry->clear_old == clear_old, "and it is known what is done at the gate");
}

static void load_good(const char *corpus, const char *name, struct config *config)
{
    const struct config_reader reader = reader_for(&last, true);
    char path[PATH_MAX];
    size_t len;

    snprintf(path, sizeof(path), "%s/good/%s.cfg", corpus, name);
    char *content = corpus_read(path, &len);
    check(parse_bytes(content, len, &reader, config) == 0, "%s is read", name);
    free(content);
}

/* ---- What good files mean ---- */

static void check_secret(const struct config_entry *entry, const char *want)
{
    check(entry->secrets->bytes.len == strlen(want) &&
              memcmp(entry->secrets->bytes.bytes, want, entry->secrets->bytes.len) == 0,
          "the secret of line %u is right", entry->line);
}

static void check_ids(const struct config_entry *entry, const char *user, const char *group)
{
    check_text(entry->user, user, "the user is right");
    check_text(entry->group != NULL ? entry->group : "(none)", group, "the group is right");
}

static void test_limits(const char *corpus)
{
    struct config config;

    load_good(corpus, "limits", &config);
    check(config.entry_count == 3 && !config.entries[0].single && config.entries[1].single && !config.entries[2].single,
          "an action is run as often as somebody knocks, unless it says single=yes");
    check(config.entries[0].timeout == 0 && config.entries[1].timeout == 600 && config.lockout_action.timeout == 1,
          "and for as long as it likes, unless it has a timeout=");
    config_free(&config);
}

static void test_sample(const char *corpus, const char *name, bool uncommented)
{
    struct config config;

    load_good(corpus, name, &config);
    if (!check(config.entry_count == 5 && config.has_lockout_action, "the 4.0 sample has all its entries"))
        return;
    check(config.entries[0].kill && config.entries[0].command == NULL, "KILL comes first, as in the file");
    check_text(config.entries[0].name, "kill", "KILL is called kill");
    check_secret(&config.entries[0], "zz9 shut, the door");
    check_secret(&config.entries[1], "zz9 first words");
    check_text(config.entries[1].command, "/usr/local/sbin/start-sshd", "a command is kept");
    check_text(config.entries[1].name, "start-sshd", "the name is the command's base name");
    check_ids(&config.entries[1], "nobody", uncommented ? "nogroup" : "(none)");
    check_secret(&config.entries[2], "zz9 say \"please\", twice");
    check_ids(&config.entries[2], "0", "0");
    check_secret(&config.entries[3], "zz9 # is no comment");
    check_ids(&config.entries[3], "mail", uncommented ? "nogroup" : "(none)");
    check_secret(&config.entries[4], "zz9 back\\slash \\n stays");
    check_number(strlen(config.entries[4].command), 127, "a command of 127 characters is kept whole");
    check_number(strlen(config.entries[4].name), 64, "its name is cut at 64");
    check_text(config.lockout_action.command, "/bin/false", "the lockout action is kept");
    check_ids(&config.lockout_action, "0", "0");
    check(config.lockout_action.secret_count == 0, "the lockout action has no secret");
    check_number(config.max_total_errs, uncommented ? 100 : 0, "MAX_TOTAL_ERRS is what the file says");
    check(config.close_when_full == uncommented, "EXIT_ON_IPCACHE_FULL is what the file says");
    check_number((uint64_t)config.log_level, uncommented ? LOG_DEBUG : LOG_INFO, "MIN_LOGLEVEL is what the file says");
    check_number(config.port_count, uncommented ? 1 : 0, "PORT is what the file says");
    config_free(&config);
    check(config.secrets.bytes == NULL && config.memory == NULL && config.entry_count == 0,
          "nothing is left when freed");
    config_free(&config);
}

static void test_defaults(void)
{
    struct config config;

    check(parse(ENTRY, false, &config) == 0 && last.count == 0, "one ACTION is enough, and nothing is found");
    check_number(config.delay, 5, "DELAY is 5");
    check_number(config.delay_max_wait, 30, "DELAY_MAX_WAIT is 30");
    check_number(config.waiting_max, 2, "WAITING_MAX is 2");
    check(!config.delay_all, "DELAY_SCOPE is source");
    check_number(config.comm_timeout, 5, "COMM_TIMEOUT is 5");
    check_number(config.max_bad_conns, 3, "MAX_BAD_CONNS is 3");
    check_number(config.max_single_errs, 0, "MAX_SINGLE_ERRS is 0");
    check_number(config.max_total_errs, 0, "MAX_TOTAL_ERRS is 0");
    check(!config.close_when_full, "EXIT_ON_IPCACHE_FULL is off");
    check_number(config.lockout_time, 86400, "LOCKOUT_TIME is a day");
    check_number(config.strike_time, 3600, "STRIKE_TIME is an hour");
    check_number(config.ipv6_prefix, 64, "IPV6_PREFIX is 64");
    check_number(config.exempt_count, 0, "nobody is exempt");
    check_number((uint64_t)config.log_level, LOG_INFO, "MIN_LOGLEVEL is LOG_INFO");
    check(config.port_count == 0 && config.local_ip == NULL, "no PORT and no LOCAL_IP");
    check_text(config.state_dir, "/var/lib/ostiary", "STATE_DIR is /var/lib/ostiary");
    check_number(config.table_size, 65536, "TABLE_SIZE is 65536");
    check(!config.has_lockout_action, "no LOCKOUT_ACTION");
    check_ids(&config.entries[0], "nobody", "(none)");
    config_free(&config);
}

/* Take the # away from each line that has a keyword right behind it. */
static void uncomment(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        const bool starts = in == text || in[-1] == '\n';

        if (!starts || *in != '#' || in[1] < 'A' || in[1] > 'Z')
            *out++ = *in;
    }
    *out = '\0';
}

/* The settings of two configurations, without entries and lists. */
static bool same_settings(const struct config *a, const struct config *b)
{
    return a->delay == b->delay && a->delay_max_wait == b->delay_max_wait && a->waiting_max == b->waiting_max &&
           a->delay_all == b->delay_all && a->comm_timeout == b->comm_timeout && a->max_bad_conns == b->max_bad_conns &&
           a->max_single_errs == b->max_single_errs && a->max_total_errs == b->max_total_errs &&
           a->close_when_full == b->close_when_full && a->lockout_time == b->lockout_time &&
           a->strike_time == b->strike_time && a->ipv6_prefix == b->ipv6_prefix && a->log_level == b->log_level &&
           strcmp(a->state_dir, b->state_dir) == 0 && a->table_size == b->table_size;
}

static void test_example(const char *path)
{
    struct config defaults;
    struct config config;
    size_t len;
    char *text = corpus_read(path, &len);

    check(parse(text, false, &config) != 0, "the sample that is installed is refused as it is");
    check_text(last.text, "0: error: there is no ACTION and no KILL: nothing could ever be accepted\n",
               "for it has no secret, and nothing else is wrong with it");
    uncomment(text);
    check(parse(text, false, &config) == 0 && parse(ENTRY, false, &defaults) == 0,
          "with every keyword uncommented, the sample is good");
    check(same_settings(&config, &defaults), "and it shows the defaults");
    check(config.entry_count == 6 && config.has_lockout_action && config.exempt_count == 1 && config.port_count == 1 &&
              config.local_ip != NULL,
          "and an example of all else");
    config_free(&config);
    config_free(&defaults);
    free(text);
}

static void test_settings(const char *corpus)
{
    struct config config;

    load_good(corpus, "all-new-keywords", &config);
    check_number(config.lockout_time, 0, "LOCKOUT_TIME=0");
    check_number(config.strike_time, UINT64_C(3650) * 86400, "STRIKE_TIME=3650d");
    check_number(config.ipv6_prefix, 48, "IPV6_PREFIX=48");
    check(config.delay_all, "DELAY_SCOPE=all");
    check_number(config.delay_max_wait, 0, "DELAY_MAX_WAIT=0");
    check_number(config.waiting_max, 60, "WAITING_MAX=60");
    check_text(config.state_dir, "/srv/ostiary state", "STATE_DIR with a blank");
    check_number(config.table_size, 16777216, "TABLE_SIZE=16777216");
    check_number((uint64_t)config.log_level, LOG_EMERG, "MIN_LOGLEVEL=LOG_EMERG");
    config_free(&config);

    load_good(corpus, "networks", &config);
    check_number(config.exempt_count, 3, "EXEMPT is repeatable");
    check(config.exempt[0].prefix == 96 + 24 && config.exempt[1].prefix == 32 && config.exempt[2].prefix == 128,
          "each with its prefix");
    config_free(&config);

    load_good(corpus, "crlf", &config);
    check(config.delay == 7 && config.port_count == 1 && config.ports[0] == 5018, "CRLF line ends are accepted");
    check_text(config.entries[0].command, "/bin/true", "and are no part of a value");
    config_free(&config);

    load_good(corpus, "bare-end", &config);
    check_number(config.delay, 7, "a bare value at the end of the file is whole");
    config_free(&config);

    load_good(corpus, "blanks", &config);
    check_text(config.entries[1].name, "blanks", "blanks around = and , are accepted");
    check_ids(&config.entries[1], "33", "www-data");
    check(config.close_when_full, "EXIT_ON_IPCACHE_FULL stands alone");
    config_free(&config);

    load_good(corpus, "defaults-change", &config);
    check_ids(&config.entries[0], "33", "www-data");
    check_ids(&config.entries[1], "backup", "www-data");
    check_ids(&config.entries[2], "root", "www-data");
    config_free(&config);

    load_good(corpus, "users", &config);
    check_ids(&config.entries[0], "a.b-c_9$", "machine$");
    check_ids(&config.entries[1], "Debian-exim", "machine$");
    check_ids(&config.entries[2], "alice@example.org", "domain users@example.org");
    check_ids(&config.entries[3], "DOMAIN\\alice", "DOMAIN\\\\two");
    check_ids(&config.entries[4], "DOMAIN\\alice", "{nobody}");
    config_free(&config);

    load_good(corpus, "delay-zero", &config);
    check_number(config.delay, 5, "DELAY=0 is 5");
    config_free(&config);

    load_good(corpus, "control-in-comment", &config);
    check_number(config.delay, 7, "a line is read up to its comment, whatever is in that");
    config_free(&config);

    load_good(corpus, "port-link-local", &config);
    check_text(config.local_ip, "fe80::1%eth0", "LOCAL_IP with an interface");
    config_free(&config);

    load_good(corpus, "ports", &config);
    check_number(config.port_count, 2, "a PORT that is there already is the same one");
    config_free(&config);

    load_good(corpus, "defaults-late", &config);
    check_ids(&config.entries[0], "nobody", "(none)");
    config_free(&config);

    load_good(corpus, "socket", &config);
    check(config.entries[0].command == NULL, "with a socket there is no command");
    check_text(config.entries[0].socket, "/run/ostiary/restart web", "the socket is kept");
    check_text(config.entries[0].name, "restart_web", "the name is the socket's base name");
    check_text(config.entries[1].name, "web", "a socket's entry can have a name of its own");
    check_text(config.lockout_action.socket, "/run/ostiary/locked", "LOCKOUT_ACTION can tell a socket too");
    config_free(&config);

    load_good(corpus, "gates", &config);
    check_gate(&config.entries[0], "alice", "ssh", false, false);
    check_gate(&config.entries[1], "alice", "ssh-2_b", false, true);
    check_gate(&config.entries[2], "alice", "abcdefghijklmnopqrstuvwx", true, false);
    check_gate(&config.entries[3], "bob", "a", false, false);
    config_free(&config);

    load_good(corpus, "utf-8", &config);
    check_text(config.entries[0].name, "t__r__ffner", "a name has only bytes that a log line may hold");
    check_secret(&config.entries[0], "zz9 Schl\xc3\xbcssel \xe9\x8d\xb5");
    config_free(&config);
}

static bool comes(const struct config_entry *entry, const char *text)
{
    struct address address;

    return address_parse(text, &address) == ADDRESS_OK && from_has(entry->from, &address);
}

static void test_from(const char *corpus)
{
    struct config config;

    load_good(corpus, "from", &config);
    check(comes(&config.entries[0], "192.0.2.7") && comes(&config.entries[0], "::ffff:192.0.2.7") &&
              comes(&config.entries[0], "198.51.100.0") && comes(&config.entries[0], "198.51.100.255") &&
              comes(&config.entries[0], "2001:db8:ffff::1"),
          "from=: who is in one of its networks may come");
    check(!comes(&config.entries[0], "192.0.2.6") && !comes(&config.entries[0], "198.51.101.0") &&
              !comes(&config.entries[0], "2001:db9::1") && !comes(&config.entries[0], "::1"),
          "and nobody else");
    check(config.entries[1].kill && comes(&config.entries[1], "fe80::7%eth0") &&
              !comes(&config.entries[1], "fe80::7%eth1") && !comes(&config.entries[1], "192.0.2.7"),
          "a neighbour comes from his interface");
    check(comes(&config.entries[2], "203.0.113.1") && !comes(&config.entries[2], "2001:db8::1"),
          "all of IPv4 is none of IPv6");
    check(config.entries[3].from == NULL && comes(&config.entries[3], "2001:db8::1"),
          "without from= it is from anywhere");
    config_free(&config);
}

static void test_words(void)
{
    static const char *const levels[] = {"LOG_EMERG",   "LOG_ALERT",  "LOG_CRIT", "LOG_ERR",
                                         "LOG_WARNING", "LOG_NOTICE", "LOG_INFO", "LOG_DEBUG"};
    static const char *const yes[] = {"", "=yes", "=1", "=true", "=on", "=\"yes\""};
    static const char *const no[] = {"=no", "=0", "=false", "=off", "=\"off\""};
    struct config config;
    char text[512];

    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "MIN_LOGLEVEL=%s\n" ENTRY, levels[i]);
        check(parse(text, false, &config) == 0 && config.log_level == i, "%s is level %d", levels[i], i);
        config_free(&config);
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        snprintf(text, sizeof(text), "EXIT_ON_IPCACHE_FULL%s\n" ENTRY, yes[i]);
        check(parse(text, false, &config) == 0 && config.close_when_full, "'%s' is a yes", yes[i]);
        config_free(&config);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        snprintf(text, sizeof(text), "EXIT_ON_IPCACHE_FULL\nEXIT_ON_IPCACHE_FULL%s\n" ENTRY, no[i]);
        check(parse(text, false, &config) == 0 && !config.close_when_full, "'%s' is a no", no[i]);
        config_free(&config);
    }
}

/* ---- Secrets ---- */

static void test_secrets(void)
{
    char text[1024];
    char secret[257];
    struct config config;

    check(parse(ENTRY, false, &config) == 0, "a file is read without its secrets");
    check(config.secrets.bytes == NULL && config.entries[0].secrets->bytes.bytes == NULL &&
              config.entries[0].secrets->bytes.len == 0,
          "I4: then no secret is kept");
    config_free(&config);

    check(parse(ENTRY "KILL=\"zz9\"\n", true, &config) == 0, "a file is read with its secrets");
    check_secret(&config.entries[0], "zz9 four words of pure chance");
    check_secret(&config.entries[1], "zz9");
    check(config.entries[0].secrets->bytes.bytes >= config.secrets.bytes &&
              config.entries[1].secrets->bytes.bytes + 3 <= config.secrets.bytes + config.secrets.len,
          "they are in locked memory");
    config_free(&config);

    memset(secret, 'z', 255);
    secret[255] = '\0';
    snprintf(text, sizeof(text), "KILL=\"%s\"\n", secret);
    check(parse(text, true, &config) == 0 && config.entries[0].secrets->bytes.len == 255,
          "a secret of 255 bytes is good");
    config_free(&config);

    check(parse("KILL=\"a\"\nACTION=\"b\",\"/b\"\nACTION=\"a \",\"/b\"\nACTION=\"A\",\"/b\"\n", true, &config) == 0,
          "secrets that differ in one byte are different");
    config_free(&config);
}

/* ---- Secrets in files, and the configuration as a file ---- */

static char scratch[] = "/tmp/ostiary-test-config-XXXXXX";

static const char *scratch_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void put(const char *name, const char *bytes, size_t len, mode_t mode)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");

    fwrite(bytes, 1, len, file);
    fclose(file);
    chmod(path, mode);
}

/* "@" in the text stands for the scratch directory. */
static int parse_with_files(const char *text, struct config *config)
{
    struct config_reader reader = reader_for(&last, true);
    static char whole[16384];
    size_t used = 0;

    for (; *text != '\0'; text++) {
        if (*text == '@')
            used += (size_t)snprintf(whole + used, sizeof(whole) - used, "%s", scratch);
        else
            whole[used++] = *text;
    }
    reader.credentials_dir = scratch;
    return parse_bytes(whole, used, &reader, config);
}

/* Credentials that are another process': an error for who needs them, a warning for who only looks. */
static void test_no_credentials(void)
{
    static const char content[] = "ACTION=\"\",\"/bin/true\",\"credential=backup\"\nKILL=\"zz9 shut, the door\"\n";
    struct config_reader reader = reader_for(&last, true);
    struct config config;

    check(parse_bytes(content, sizeof(content) - 1, &reader, &config) != 0,
          "a credential without a directory is refused");
    check(strstr(last.text, "error: ACTION: there are no credentials here") != NULL, "and the reason named");
    config_free(&config);
    reader.may_lack_credentials = true;
    check(parse_bytes(content, sizeof(content) - 1, &reader, &config) == 0 &&
              config.entries[0].secrets->bytes.len == 0 && config.entries[1].secrets->bytes.len == 18,
          "who may lack it gets the rest, and no secret for it");
    check(strstr(last.text, "warning: ACTION: the credential= is given to the unit alone") != NULL, "with a warning");
    config_free(&config);
    reader.with_secrets = false;
    reader.may_lack_credentials = false;
    check(parse_bytes(content, sizeof(content) - 1, &reader, &config) == 0, "who wants no secret needs none");
    config_free(&config);
}

static void refused(const char *text, const char *want, const char *what)
{
    struct config config;

    check(parse_with_files(text, &config) != 0, "refused: %s", what);
    check_text(last.text, want, "with the reason");
    config_free(&config);
}

/* All secrets lie in the one block, one behind the other, whatever their files have more. */
static void test_secret_file_sizes(void)
{
    static const char text[] = "ACTION=\"\",\"/b\",\"secret-file=@/a.key\"\nACTION=\"zz9 four words\",\"/b\"\n"
                               "ACTION=\"\",\"/b\",\"secret-file=@/b.key\"\nKILL=\"\",\"secret-file=@/c.key\"\n";
    char longest[1024];
    struct config config;
    unsigned apart = 0;

    memset(longest, 'z', sizeof(longest));
    memset(longest + 255, '\n', sizeof(longest) - 255);
    put("a.key", longest, sizeof(longest), 0600);
    put("b.key", "zz9 short", 9, 0600);
    longest[0] = 'y';
    put("c.key", longest, sizeof(longest), 0600);
    if (!check(parse_with_files(text, &config) == 0 && config.entry_count == 4, "the largest files, and a small one"))
        return;
    check_secret(&config.entries[1], "zz9 four words");
    check_secret(&config.entries[2], "zz9 short");
    check(config.entries[0].secrets->bytes.len == 255 && config.entries[0].secrets->bytes.bytes[254] == 'z' &&
              config.entries[3].secrets->bytes.len == 255 &&
              memcmp(config.entries[3].secrets->bytes.bytes, longest, 255) == 0,
          "each has its secret");
    for (size_t i = 1; i < 4; i++)
        apart += config.entries[i].secrets->bytes.bytes !=
                 config.entries[i - 1].secrets->bytes.bytes + config.entries[i - 1].secrets->bytes.len;
    check_number(apart, 0, "and they lie one behind the other");
    check(config.entries[0].secrets->bytes.bytes == config.secrets.bytes &&
              config.entries[3].secrets->bytes.bytes + sizeof(longest) < config.secrets.bytes + config.secrets.len,
          "in one block that has room for the last file and a byte");
    config_free(&config);
    unlink(scratch_path("a.key"));
    unlink(scratch_path("b.key"));
    unlink(scratch_path("c.key"));
}

/* The settings are read before anybody may knock, and while nothing secret may be in memory. */
static void test_unread_files(void)
{
    static const char content[] = "ACTION=\"\",\"/b\",\"secret-file=/nonexistent/zz9\"\nKILL=\"\",\"credential=zz9\"\n";
    struct config_reader reader = reader_for(&last, false);
    struct config config;

    reader.credentials_dir = "/nonexistent";
    check(parse_bytes(content, sizeof(content) - 1, &reader, &config) == 0 && config.secrets.bytes == NULL,
          "I4: who wants no secrets opens no file that has one");
    config_free(&config);
}

static void test_secret_files(void)
{
    struct config config;

    put("a.key", "zz9 from a file \t\r\n\n", 19, 0600);
    put("b.key", "zz9 credential", 14, 0400);
    check(parse_with_files("ACTION=\"\",\"/bin/true\",\"secret-file=@/a.key\"\nKILL=\"\",\"credential=b.key\"\n" ENTRY,
                           &config) == 0 &&
              config.entry_count == 3,
          "secrets come from files and credentials");
    check_secret(&config.entries[0], "zz9 from a file");
    check_secret(&config.entries[1], "zz9 credential");
    check_secret(&config.entries[2], "zz9 four words of pure chance");
    check(config.entries[0].secrets->origin == CONFIG_SECRET_FILE &&
              config.entries[1].secrets->origin == CONFIG_SECRET_CREDENTIAL,
          "and each entry says where its secret is");
    check_text(config.entries[1].secrets->path, "b.key", "a credential by its name");
    config_free(&config);

    refused("KILL=\"\",\"secret-file=@/none\"\n",
            "1: error: KILL: the secret-file= cannot be opened: No such file or directory\n", "a file that is missing");
    refused("\nKILL=\"\",\"credential=none\"\n",
            "2: error: KILL: the credential= cannot be opened: No such file or directory\n",
            "a credential that is missing");
    {
        static const char content[] = "KILL=\"\",\"credential=none\"\n";
        static char far[PATH_MAX + NAME_MAX];
        struct config_reader reader = reader_for(&last, true);

        memset(far, '/', sizeof(far) - 1);
        reader.credentials_dir = far;
        check(parse_bytes(content, sizeof(content) - 1, &reader, &config) != 0, "a credential too far away is refused");
        check_text(last.text, "1: error: KILL: the credential= cannot be opened: File name too long\n",
                   "with the reason");
        config_free(&config);
    }
    refused("ACTION=\"\",\"/b\",\"secret-file=@/a.key\"\nKILL=\"zz9 from a file\"\n",
            "1: error: ACTION: the secret is the one of line 2: give each line its own\n",
            "the secret of another line");
    refused("ACTION=\"\",\"/b\",\"secret-file=@/a.key\"\nKILL=\"\",\"secret-file=@/a.key\"\n",
            "2: error: KILL: the secret is the one of line 1: give each line its own\n", "one file for two lines");

    put("c.key", "zz9 nul\0nul", 11, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret's file must hold one line of text, without a NUL byte\n", "a NUL byte");
    put("c.key", "zz9\nzz9\n", 8, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret's file must hold one line of text, without a NUL byte\n", "two lines");
    put("c.key", " \n\n", 3, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n", "1: error: KILL: the secret's file is empty: put a secret into it\n",
            "nothing but white space");
    put("c.key",
        "\xef\xbb\xbf"
        "zz9\n",
        7, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret's file starts with a byte order mark, which cannot be seen: save it as UTF-8 "
            "without one\n",
            "a byte order mark, which no other copy of the secret would have");
    put("c.key", "\xff\xfez\0z\0009\0", 8, 0600);
    refused("KILL=\"\",\"credential=c.key\"\n",
            "1: error: KILL: the secret's file starts with a byte order mark, which cannot be seen: save it as UTF-8 "
            "without one\n",
            "UTF-16");
    put("c.key", "weeble\n", 7, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret is one of the published samples: make one, with ostiaryctl keygen\n",
            "a published secret");
    put("c.key", "zz9\n", 4, 0644);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret-file= is readable by others: chmod o-r\n", "I8: a file that others can read");
    put("c.key", "zz9\n", 4, 0660);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret-file= is writable by its group or others: chmod go-w\n",
            "I8: a file that the group can write");

    char large[2048];
    memset(large, 'z', sizeof(large));
    put("c.key", large, 256, 0600);
    refused("KILL=\"\",\"secret-file=@/c.key\"\n",
            "1: error: KILL: the secret in the file has 256 bytes: 255 are the most\n", "256 bytes");
    put("c.key", large, sizeof(large), 0600);
    refused(
        "KILL=\"\",\"secret-file=@/c.key\"\n",
        "1: error: KILL: the secret-file= is too large: 1 MiB is the most for a configuration, 1 KiB for a secret\n",
        "a large file");
    put("c.key", large, 255, 0600);
    check(parse_with_files("KILL=\"\",\"secret-file=@/c.key\"\n", &config) == 0 &&
              config.entries[0].secrets->bytes.len == 255,
          "255 bytes are good");
    config_free(&config);
    unlink(scratch_path("a.key"));
    unlink(scratch_path("b.key"));
    unlink(scratch_path("c.key"));
}

static const char totp_key[] = "hex:3132333435363738393031323334353637383930\ndigits=8 window=2\n";

/* The key of RFC 6238. */
static bool is_totp_key(const struct config_codes *codes)
{
    return codes->key.len == 20 && memcmp(codes->key.bytes, "12345678901234567890", 20) == 0;
}

static void test_codes(void)
{
    struct config config;

    put("a.key", "zz9 from a file", 15, 0600);
    put("t.key", totp_key, sizeof(totp_key) - 1, 0600);
    check(parse_with_files("ACTION=\"\",\"/bin/true\",\"secret-file=@/a.key\",\"totp=@/t.key\"\n"
                           "ACTION=\"zz9 four words\",\"/bin/false\",\"hotp=credential:h.key\"\nKILL=\"zz9\"\n",
                           &config) != 0,
          "a key that is missing");
    put("h.key", "base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 39, 0600);
    check(parse_with_files("ACTION=\"\",\"/bin/true\",\"secret-file=@/a.key\",\"totp=@/t.key\"\n"
                           "ACTION=\"zz9 four words\",\"/bin/false\",\"hotp=credential:h.key\"\nKILL=\"zz9\"\n",
                           &config) == 0,
          "keys come from files and credentials");
    check(is_totp_key(&config.entries[0].codes) && is_totp_key(&config.entries[1].codes), "as they are there");
    check(config.entries[0].codes.way.kind == CODES_TOTP && config.entries[0].codes.way.digits == 8 &&
              config.entries[0].codes.way.window == 2,
          "with what differs from the usual");
    check(config.entries[1].codes.way.kind == CODES_HOTP && config.entries[1].codes.way.digits == 6 &&
              config.entries[1].codes.way.window == 10,
          "or with the usual");
    check(config.entries[2].codes.origin == CONFIG_SECRET_NONE, "KILL can do without");
    check(config.entries[1].codes.key.bytes >= config.secrets.bytes &&
              config.entries[1].codes.key.bytes + 20 <= config.secrets.bytes + config.secrets.len,
          "I4: keys are in locked memory");
    check_secret(&config.entries[0], "zz9 from a file");
    check_secret(&config.entries[1], "zz9 four words");
    config_free(&config);
    check(parse_with_files("ACTION=\"\",\"/bin/true\",\"totp=@/t.key\",\"code-alone=yes\"\n", &config) == 0 &&
              config.entries[0].secret_count == 1 && config.entries[0].secrets->origin == CONFIG_SECRET_NONE,
          "a code alone");
    config_free(&config);

    refused("KILL=\"zz9\",\"totp=@/a.key\"\n", "1: error: KILL: totp= file: the key must begin with base32: or hex:\n",
            "a file that is none of a key");
    put("c.key", totp_key, sizeof(totp_key) - 1, 0604);
    refused("KILL=\"zz9\",\"totp=@/c.key\"\n", "1: error: KILL: the totp= is readable by others: chmod o-r\n",
            "I8: a key that others can read");
    refused(
        "KILL=\"zz9\",\"totp=@/t.key\"\nACTION=\"zz91\",\"/b\"\n",
        "1: error: KILL: its secret and the one of line 2 differ by digits at the end alone, which are a code: write "
        "another secret\n",
        "a secret that continues another one by a digit");
    refused(
        "KILL=\"zz9123456\"\nACTION=\"zz9\",\"/b\",\"totp=@/t.key\"\n",
        "2: error: ACTION: its secret and the one of line 1 differ by digits at the end alone, which are a code: write "
        "another secret\n",
        "one that is another's with what could be its code");
    refused(
        "KILL=\"12345678\"\nACTION=\"\",\"/b\",\"totp=@/t.key\",\"code-alone=yes\"\n",
        "2: error: ACTION: its secret and the one of line 1 differ by digits at the end alone, which are a code: write "
        "another secret\n",
        "one that could be a code alone");
    refused(
        "ACTION=\"\",\"/b\",\"totp=@/t.key\",\"code-alone=yes\"\nKILL=\"\",\"totp=@/t.key\",\"code-alone=yes\"\n",
        "2: error: KILL: code-alone=yes is given already in line 1: two codes can be the same by chance, so write a "
        "secret here\n",
        "two codes alone");
    check(parse_with_files("KILL=\"zz9123456x\"\nACTION=\"zz9\",\"/b\",\"totp=@/t.key\"\n", &config) == 0,
          "one that has a letter behind it is another");
    config_free(&config);
    check(parse_with_files("KILL=\"zz9123456\"\nACTION=\"zz9\",\"/b\"\n", &config) == 0,
          "as 4.0 took it where there are no codes");
    config_free(&config);
    for (unsigned len = 247; len <= 248; len++) {
        char text[512];

        snprintf(text, sizeof(text), "KILL=\"%0*d\",\"totp=@/t.key\"\n", (int)len, 0);
        if (len == 247)
            check(parse_with_files(text, &config) == 0, "a secret that has room for its code");
        else
            refused(text, "1: error: KILL: the secret and its code have more than 255 bytes: write a shorter one\n",
                    "one that has not");
        config_free(&config);
    }
    unlink(scratch_path("a.key"));
    unlink(scratch_path("t.key"));
    unlink(scratch_path("h.key"));
    unlink(scratch_path("c.key"));
}

/* Each day that the calendar has, against timegm(3). */
static void test_days(void)
{
    unsigned days = 0, wrong = 0;

    for (int year = 1969; year <= 2500; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                struct tm want = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
                char text[64];
                uint64_t seconds = 0;
                const time_t begin = timegm(&want);
                const bool real =
                    year >= 1970 && want.tm_year == year - 1900 && want.tm_mon == month - 1 && want.tm_mday == day;

                snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
                wrong += value_end_of_day(text, &seconds) != real || (real && seconds != (uint64_t)begin + 86400);
                days += real;
            }
        }
    }
    check(days > 190000 && wrong == 0, "the end of each day until 2500, and of none that no calendar has");
}

static void test_several_secrets(void)
{
    char text[4096] = "ACTION=\"\",\"/bin/true\"";
    size_t len = strlen(text);
    struct config config;

    put("a.key", "zz9 from a file", 15, 0600);
    put("b.key", "zz9 from another", 16, 0600);
    check(parse_with_files("ACTION=\"zz9 old\",\"/bin/false\",\"label=x.1\",\"expires=2026-12-31\"\n"
                           "ACTION=\"\",\"/bin/true\",\"secret-file=@/a.key\",\"label=old\",\"expires=2030-02-28\","
                           "\"credential=b.key\",\"label=new\"\n",
                           &config) == 0 &&
              config.entry_count == 2 && config.secret_count == 3,
          "an action with two secrets");
    check(config.entries[1].secret_count == 2 && config.entries[1].secrets == &config.secret_list[1],
          "both are its own");
    check_text(config.entries[0].secrets[0].label, "x.1", "a secret in the line has a label");
    check_text(config.entries[1].secrets[0].label, "old", "the first of two");
    check_text(config.entries[1].secrets[1].label, "new", "and the second");
    check_number(config.entries[0].secrets[0].expires_s, 1798761600, "the end of 2026 in UTC, in which it is good");
    check_number(config.entries[1].secrets[0].expires_s, 1898553600, "the end of a February");
    check_number(config.entries[1].secrets[1].expires_s, 0, "one that does not expire");
    check(config.entries[1].secrets[1].bytes.len == 16 &&
              memcmp(config.entries[1].secrets[1].bytes.bytes, "zz9 from another", 16) == 0,
          "each has its bytes");
    config_free(&config);
    refused("ACTION=\"\",\"/b\",\"secret-file=@/a.key\",\"label=a\",\"secret-file=@/a.key\",\"label=b\"\n",
            "1: error: ACTION: a secret of this line is there twice: keep one (secret number 2 of this line)\n",
            "one secret with two labels");
    refused(
        "ACTION=\"\",\"/b\",\"secret-file=@/a.key\",\"label=a\",\"secret-file=@/none\",\"label=b\",\"totp=@/none\"\n",
        "1: error: ACTION: the secret-file= cannot be opened: No such file or directory (secret number 2 of this "
        "line)\n1: error: ACTION: the totp= cannot be opened: No such file or directory\n",
        "of several secrets a finding says which it is about");
    for (unsigned i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%u.key", i);
        put(name, name, strlen(name), 0600);
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                ",\"secret-file=@/%s\",\"label=host%u\",\"expires=2030-01-01\"", name, i);
    }
    snprintf(text + len, sizeof(text) - len, "\n");
    check(parse_with_files(text, &config) == 0 && config.entries[0].secret_count == 20, "twenty hosts with one action");
    config_free(&config);
    for (unsigned i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%u.key", i);
        unlink(scratch_path(name));
    }
    unlink(scratch_path("a.key"));
    unlink(scratch_path("b.key"));
}

static void load_refused(const char *want, const char *what)
{
    struct config_reader reader = reader_for(&last, true);
    struct config config;

    reader.path = scratch_path("ostiary.cfg");
    check(config_load(&reader, &config) != 0 && config.memory == NULL, "I8: refused: %s", what);
    check_text(last.text, want, "with the reason");
}

static void test_load(void)
{
    struct config_reader reader = reader_for(&last, true);
    struct config config;

    load_refused(
        "0: error: the file cannot be opened: No such file or directory: make it, as 'ostiaryctl add' does, or "
        "name another one with -c\n",
        "a missing file");
    put("ostiary.cfg", ENTRY, strlen(ENTRY), 0640);
    reader.path = scratch_path("ostiary.cfg");
    check(config_load(&reader, &config) == 0 && config.entry_count == 1, "a file is loaded");
    check_secret(&config.entries[0], "zz9 four words of pure chance");
    config_free(&config);
    put("ostiary.cfg", ENTRY, strlen(ENTRY), 0644);
    load_refused("0: error: the file is readable by others: chmod o-r\n", "a file that others can read");
    put("ostiary.cfg", ENTRY, strlen(ENTRY), 0620);
    load_refused("0: error: the file is writable by its group or others: chmod go-w\n",
                 "a file that the group can write");
    put("ostiary.cfg", "", 0, 0600);
    load_refused("0: error: there is no ACTION and no KILL: nothing could ever be accepted\n", "an empty file");
    if (geteuid() == 0) {
        put("ostiary.cfg", ENTRY, strlen(ENTRY), 0600);
        check(chown(scratch_path("ostiary.cfg"), 65534, 0) == 0, "the file gets another owner");
        load_refused("0: error: the file is owned by neither root nor the user who reads it: chown root\n",
                     "a file of another user");
    }
    unlink(scratch_path("ostiary.cfg"));
}

/* ---- Every input ends, soon and within bounds ---- */

static double seconds_for(const char *pattern, size_t len)
{
    static struct findings findings;
    const struct config_reader reader = reader_for(&findings, true);
    const size_t pattern_len = strlen(pattern);
    char *text = malloc(len + 1);
    struct timespec start;
    struct timespec end;
    struct config config;

    for (size_t i = 0; i < len; i++)
        text[i] = pattern[i % pattern_len];
    text[len] = '\0';
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    config_parse(text, len, &reader, &config);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    config_free(&config);
    free(text);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

static double best_of_three(const char *pattern, size_t len)
{
    double best = seconds_for(pattern, len);

    for (int i = 0; i < 2; i++) {
        const double again = seconds_for(pattern, len);

        best = again < best ? again : best;
    }
    return best;
}

/* Entries that differ in their secrets, as many as there is room for. */
static double seconds_for_secrets(size_t room)
{
    const struct config_reader reader = reader_for(&last, true);
    struct config config;
    char *text = malloc(room + 1);
    size_t used = 0;
    unsigned lines = 0;
    clock_t begin;

    while (used + 64 < room)
        used += (size_t)snprintf(text + used, 64, "ACTION=\"%x\",/b\n", lines++);
    begin = clock();
    check(config_parse(text, used, &reader, &config) == 0 && config.entry_count == lines, "%u entries are read", lines);
    begin = clock() - begin;
    config_free(&config);
    free(text);
    return (double)begin / CLOCKS_PER_SEC;
}

static void test_linear_time(void)
{
    static const char *const patterns[] = {"ACTION\n",
                                           "\"",
                                           "\\\"",
                                           "KILL=\"\\\"",
                                           ",",
                                           "\n",
                                           "#",
                                           " ",
                                           "A",
                                           "KILL=\"",
                                           "DELAY=5\n",
                                           "PORT=,",
                                           "\r\n",
                                           "PORT=1\n",
                                           "ACTIO\n",
                                           "ACTIO ",
                                           "EXEMPT=::\n",
                                           "KILL=\"x\"\n",
                                           "ACTION=\"q\",/b\n"};

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        const double small = best_of_three(patterns[i], 64 * 1024);
        const double large = best_of_three(patterns[i], CONFIG_SIZE_MAX);

        /*
         * 16 times the size: linear is 16 times the time, quadratic 256 times. What is too fast to be measured counts
         * as a millisecond.
         */
        check(large <= 64 * (small > 0.001 ? small : 0.001), "pattern %zu takes time linear in its length", i);
        printf("# 64 KiB %.4f s, 1 MiB %.4f s\n", small, large);
    }

    /* Different secrets, as many as there can be: the search for equal ones must be linear too. */
    const double few = seconds_for_secrets(CONFIG_SIZE_MAX / 16);
    const double many = seconds_for_secrets(CONFIG_SIZE_MAX);
    check(many <= 64 * (few > 0.001 ? few : 0.001), "different secrets take time linear in their number");
    printf("# 64 KiB of them %.4f s, 1 MiB %.4f s\n", few, many);
}

static void test_texts(void)
{
    unsigned same = 0;

    for (enum scan_fault fault = SCAN_OK; fault <= SCAN_TOO_MANY; fault++)
        for (enum scan_fault other = SCAN_OK; other < fault; other++)
            same += strcmp(scan_fault_text(fault), scan_fault_text(other)) == 0;
    check_number(same, 0, "each fault of a line has a text of its own");
}

/* parser_begin makes room for all that a file can hold; should it not, nothing is written beyond it. */
static void test_room(void)
{
    const struct config_reader reader = reader_for(&last, false);
    char room[8] = "#######";
    struct parser parser = {.reader = &reader, .strings = room, .strings_left = 4};

    check(parser_keep(&parser, "four", 4) == NULL && memcmp(room, "#######", 8) == 0 && parser.errors == 1,
          "what has no room for its NUL is an error, and written nowhere");
    check_text(last.text, "0: error: there is no memory to keep it\n", "with the reason");
    check(parser_keep(&parser, "two", 3) == room && memcmp(room, "two\0###", 8) == 0, "what has is kept");
}

static void test_size(void)
{
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    struct config_reader reader = reader_for(&last, true);
    struct config config;

    memset(text, '\n', CONFIG_SIZE_MAX + 1);
    memcpy(text, ENTRY, strlen(ENTRY));
    check(parse_bytes(text, CONFIG_SIZE_MAX, &reader, &config) == 0, "1 MiB is read");
    config_free(&config);
    reader = reader_for(&last, true);
    check(parse_bytes(text, CONFIG_SIZE_MAX + 1, &reader, &config) != 0, "one byte more is refused");
    check_text(last.text,
               "0: error: the file is too large: 1 MiB is the most for a configuration, 1 KiB for a secret\n",
               "with the reason");
    free(text);
}

static void test_cap(void)
{
    char text[8192];
    struct config config;
    size_t len = 0;

    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "DELAY=5\n");
    len += (size_t)snprintf(text + len, sizeof(text) - len, ENTRY);
    check(parse(text, false, &config) == 0 && last.count == 99, "each of 99 warnings is reported, none is an error");
    config_free(&config);
    for (int i = 0; i < 31; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "DELAY=x\n");
    check(parse(text, false, &config) != 0 && last.count == 101, "after 100 findings there is one more");
    check(strstr(last.text, "\n0: error: and 61 more: mend these first\n") != NULL,
          "which says how many, and is an error when one of them is");
}

/* Parse, without caring for the result: a sanitizer and the end of the test are the judges. */
static void survive(const char *bytes, size_t len)
{
    static struct findings findings;
    const struct config_reader reader = reader_for(&findings, true);
    struct config config;
    const int status = parse_bytes(bytes, len, &reader, &config);

    if (status != 0 && strstr(findings.text, ": error: ") == NULL)
        check(false, "a refusal always has a reason");
    if (status == 0 && strstr(findings.text, ": error: ") != NULL)
        check(false, "an error is always a refusal");
    if (strstr(findings.text, MARK) != NULL)
        check(false, "I10: no finding quotes the file");
    config_free(&config);
}

static void test_damage(const char *corpus)
{
    static const char bytes[] = {'\0', '\n', '\r', '"', '\\', ',', '=', '#', ' ', 'A', '0', '/', '\x80', '\x7f'};
    char path[PATH_MAX];
    size_t len;

    snprintf(path, sizeof(path), "%s/good/sample-uncommented.cfg", corpus);
    char *content = corpus_read(path, &len);
    for (size_t cut = 0; cut <= len; cut++)
        survive(content, cut);
    for (size_t i = 0; i < len; i++) {
        const char kept = content[i];

        for (size_t j = 0; j < sizeof(bytes); j++) {
            content[i] = bytes[j];
            survive(content, len);
        }
        content[i] = kept;
    }
    check(len > 500, "a file that is cut or has one byte changed, at each of %zu places, ends in an answer", len);
    free(content);
}

int main(int argc, char **argv)
{
    const bool exhaustive = argc == 4 && strcmp(argv[3], "exhaustive") == 0;

    if ((argc != 3 && !exhaustive) || mkdtemp(scratch) == NULL)
        return 99;
    test_corpus(argv[1]);
    test_limits(argv[1]);
    test_sample(argv[1], "sample-commented", false);
    test_sample(argv[1], "sample-uncommented", true);
    test_defaults();
    test_example(argv[2]);
    test_settings(argv[1]);
    test_from(argv[1]);
    test_words();
    test_secrets();
    test_secret_files();
    test_codes();
    test_days();
    test_several_secrets();
    test_secret_file_sizes();
    test_unread_files();
    test_no_credentials();
    test_load();
    if (exhaustive)
        test_linear_time();
    test_texts();
    test_room();
    test_size();
    test_cap();
    test_damage(argv[1]);
    rmdir(scratch);
    return check_end();
}
