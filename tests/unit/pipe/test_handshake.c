/* SPDX-License-Identifier: ISC */
/* Both sides of a handshake with each other, and with spiped's values: who is known, who is not, and what both then
 * share. */
#include "check.h"
#include "handshake.h"
#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* What getrandom(2) gives, in turn; NULL: what the kernel does. */
static const uint8_t *given[2];
static size_t next_given;
static int random_error;

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);
ssize_t __real_getrandom(void *bytes, size_t len, unsigned flags);

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
    if (random_error != 0) {
        errno = random_error;
        return random_error == EINTR ? 1 : -1;
    }
    if (given[0] == NULL)
        return __real_getrandom(bytes, len, flags);
    memcpy(bytes, given[next_given++], len);
    return (ssize_t)len;
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s\n", what);
    exit(1);
}

static struct pipe_key key_of(uint8_t byte)
{
    const uint8_t file[] = {byte, 2, 3};
    struct pipe_key key;

    pipe_key_make(file, sizeof(file), &key);
    return key;
}

/* ---- With spiped's values ---- */

static void is_value(const char *run, const char *name, const uint8_t *got, size_t len)
{
    uint8_t want[PIPE_VALUE_LEN];

    check(vectors_read(run, name, want, sizeof(want)) == len && memcmp(got, want, len) == 0, "%s.%s is spiped's", run,
          name);
}

/* One side of a run of spiped's, as it is with that nonce and that exponent; the other side is the vectors. */
static void test_side(const char *run, enum pipe_side side, enum handshake_secrecy secrecy)
{
    const bool is_client = side == PIPE_CLIENT;
    uint8_t nonce[PIPE_NONCE_LEN], x[PIPE_EXPONENT_LEN], hello[PIPE_HELLO_LEN], theirs[PIPE_HELLO_LEN];
    uint8_t plain[PIPE_DATA_MAX], packet[PIPE_PACKET_LEN];
    struct handshake handshake;
    struct pipe_session session;
    struct pipe_key key;
    size_t index, len;

    vectors_read(run, "K", key.bytes, sizeof(key.bytes));
    vectors_read(run, is_client ? "nonce_C" : "nonce_S", nonce, sizeof(nonce));
    vectors_read(run, is_client ? "x_C" : "x_S", x, sizeof(x));
    vectors_read(run, is_client ? "y_S" : "y_C", theirs, PIPE_VALUE_LEN);
    vectors_read(run, is_client ? "h_S" : "h_C", theirs + PIPE_VALUE_LEN, PIPE_PROOF_LEN);
    given[0] = nonce;
    given[1] = x;
    next_given = 0;
    need(handshake_begin(side, secrecy, &handshake) == HANDSHAKE_OK, "begin");
    vectors_read(run, is_client ? "nonce_S" : "nonce_C", is_client ? handshake.nonces.server : handshake.nonces.client,
                 PIPE_NONCE_LEN);
    check(handshake_hello(&handshake, &key, hello) == HANDSHAKE_OK, "%s %s: a hello", run,
          is_client ? "client" : "server");
    given[0] = NULL;
    is_value(run, is_client ? "y_C" : "y_S", hello, PIPE_VALUE_LEN);
    is_value(run, is_client ? "h_C" : "h_S", hello + PIPE_VALUE_LEN, PIPE_PROOF_LEN);
    check(handshake_judge(&handshake, &key, 1, theirs, &index) == HANDSHAKE_KNOWN && index == 0,
          "the other side is known");
    check(handshake_end(&handshake, &key, theirs, &session) == HANDSHAKE_OK, "and there is a session");
    len = vectors_read(run, is_client ? "plain.C.0" : "plain.S.0", plain, sizeof(plain));
    need(pipe_seal(&session.out, plain, len, packet) == 0, "seal");
    vectors_read(run, is_client ? "packet.C.0" : "packet.S.0", theirs, sizeof(theirs));
    check(memcmp(packet, theirs, PIPE_HELLO_LEN) == 0, "whose first packet is spiped's");
    pipe_session_free(&session);
}

/* ---- With each other ---- */

struct pair {
    struct handshake client, server;
    uint8_t of_client[PIPE_HELLO_LEN], of_server[PIPE_HELLO_LEN];
};

/* As far as the client's hello. */
static struct pair meet(enum handshake_secrecy of_client, enum handshake_secrecy of_server, const struct pipe_key *key)
{
    struct pair pair;

    need(handshake_begin(PIPE_CLIENT, of_client, &pair.client) == HANDSHAKE_OK &&
             handshake_begin(PIPE_SERVER, of_server, &pair.server) == HANDSHAKE_OK,
         "begin");
    memcpy(pair.client.nonces.server, pair.server.nonces.server, PIPE_NONCE_LEN);
    memcpy(pair.server.nonces.client, pair.client.nonces.client, PIPE_NONCE_LEN);
    need(handshake_hello(&pair.client, key, pair.of_client) == HANDSHAKE_OK, "hello");
    return pair;
}

static void part(struct pair *pair)
{
    handshake_free(&pair->client);
    handshake_free(&pair->server);
}

static bool can_talk(struct pipe_session *from, struct pipe_session *to)
{
    uint8_t packet[PIPE_PACKET_LEN], data[PIPE_PLAIN_LEN];
    size_t len = 0;

    return pipe_seal(&from->out, (const uint8_t *)"hello", 5, packet) == 0 &&
           pipe_open(&to->in, packet, data, &len) == PIPE_OPENED && len == 5 && memcmp(data, "hello", 5) == 0;
}

static void test_pair(enum handshake_secrecy of_client, enum handshake_secrecy of_server,
                      enum handshake_judgement by_server, enum handshake_judgement by_client)
{
    const struct pipe_key keys[] = {key_of(1), key_of(2), key_of(3)};
    struct pair pair = meet(of_client, of_server, &keys[1]);
    struct pipe_session client, server;
    size_t index = 9;

    check(handshake_judge(&pair.server, keys, 3, pair.of_client, &index) == by_server && index == 1,
          "client %d, server %d: what the server thinks", (int)of_client, (int)of_server);
    if (by_server == HANDSHAKE_KNOWN) {
        need(handshake_hello(&pair.server, &keys[index], pair.of_server) == HANDSHAKE_OK, "hello");
        check(handshake_judge(&pair.client, &keys[1], 1, pair.of_server, &index) == by_client, "what the client does");
    }
    if (by_server == HANDSHAKE_KNOWN && by_client == HANDSHAKE_KNOWN) {
        need(handshake_end(&pair.client, &keys[1], pair.of_server, &client) == HANDSHAKE_OK &&
                 handshake_end(&pair.server, &keys[1], pair.of_client, &server) == HANDSHAKE_OK,
             "sessions");
        check(can_talk(&client, &server) && can_talk(&server, &client), "they talk");
        check(pair.client.secrets.bytes == NULL && pair.server.secrets.bytes == NULL, "I10: the secrets are gone");
        pipe_session_free(&client);
        pipe_session_free(&server);
    }
    part(&pair);
}

static void test_strangers(void)
{
    const struct pipe_key key = key_of(1), other = key_of(2);
    struct pair pair = meet(HANDSHAKE_PREFERRED, HANDSHAKE_REQUIRED, &key), again;
    size_t index;

    check(handshake_judge(&pair.server, &other, 1, pair.of_client, &index) == HANDSHAKE_STRANGER,
          "who has another key is a stranger");
    check(handshake_judge(&pair.client, &key, 1, pair.of_client, &index) == HANDSHAKE_STRANGER,
          "so is one who says to the client what it has said itself");
    again = meet(HANDSHAKE_PREFERRED, HANDSHAKE_REQUIRED, &key);
    check(handshake_judge(&again.server, &key, 1, pair.of_client, &index) == HANDSHAKE_STRANGER,
          "I5: and one who says what somebody has said before");
    part(&again);
    part(&pair);
}

/* Who has the key, with a public value of his choice. */
static void test_value(uint8_t first, uint8_t last, bool is_prime, int beyond, enum handshake_judgement want,
                       const char *what)
{
    const struct pipe_key key = key_of(1);
    struct pair pair = meet(HANDSHAKE_PREFERRED, HANDSHAKE_REQUIRED, &key);
    uint8_t *value = pair.of_client;
    size_t index;

    memset(value, first, PIPE_VALUE_LEN);
    if (is_prime)
        vectors_read("", "p", value, PIPE_VALUE_LEN);
    else
        value[PIPE_VALUE_LEN - 1] = last;
    value[PIPE_VALUE_LEN - 1] = (uint8_t)(value[PIPE_VALUE_LEN - 1] + beyond);
    need(pipe_proof(&key, &pair.server.nonces, PIPE_CLIENT, value, value + PIPE_VALUE_LEN) == 0, "proof");
    check_number(handshake_judge(&pair.server, &key, 1, pair.of_client, &index), want, what);
    part(&pair);
}

static void test_faults(void)
{
    const struct pipe_key key = key_of(1);
    struct handshake handshake;
    uint8_t hello[PIPE_HELLO_LEN];

    random_error = ENOSYS;
    check(handshake_begin(PIPE_CLIENT, HANDSHAKE_PREFERRED, &handshake) == HANDSHAKE_NO_RANDOM && errno == ENOSYS,
          "I8: without random bytes nothing begins");
    random_error = EINTR;
    check(handshake_begin(PIPE_CLIENT, HANDSHAKE_PREFERRED, &handshake) == HANDSHAKE_NO_RANDOM && errno == EAGAIN,
          "I8: nor with a few");
    random_error = 0;
    handshake_free(&handshake);
    need(handshake_begin(PIPE_CLIENT, HANDSHAKE_PREFERRED, &handshake) == HANDSHAKE_OK, "begin");
    random_error = ENOSYS;
    check(handshake_hello(&handshake, &key, hello) == HANDSHAKE_NO_RANDOM, "I8: and no exponent is made of none");
    random_error = 0;
    check(handshake_hello(&handshake, &key, hello) == HANDSHAKE_OK, "but of those that come later");
    handshake_free(&handshake);
    handshake_free(&handshake);
}

int main(int argc, char **argv)
{
    vectors_path = argc > 1 ? argv[1] : "";
    need(pipe_init() == 0, "libgcrypt");
    test_side("strong", PIPE_CLIENT, HANDSHAKE_REQUIRED);
    test_side("strong", PIPE_SERVER, HANDSHAKE_PREFERRED);
    test_side("client_weak", PIPE_CLIENT, HANDSHAKE_NONE);
    test_side("client_weak", PIPE_SERVER, HANDSHAKE_PREFERRED);
    test_side("both_weak", PIPE_CLIENT, HANDSHAKE_NONE);
    test_side("both_weak", PIPE_SERVER, HANDSHAKE_NONE);

    test_pair(HANDSHAKE_PREFERRED, HANDSHAKE_PREFERRED, HANDSHAKE_KNOWN, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_NONE, HANDSHAKE_PREFERRED, HANDSHAKE_KNOWN, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_PREFERRED, HANDSHAKE_NONE, HANDSHAKE_KNOWN, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_NONE, HANDSHAKE_NONE, HANDSHAKE_KNOWN, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_REQUIRED, HANDSHAKE_REQUIRED, HANDSHAKE_KNOWN, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_NONE, HANDSHAKE_REQUIRED, HANDSHAKE_NO_SECRECY, HANDSHAKE_KNOWN);
    test_pair(HANDSHAKE_REQUIRED, HANDSHAKE_NONE, HANDSHAKE_KNOWN, HANDSHAKE_NO_SECRECY);
    test_strangers();
    test_value(0, 0, false, 0, HANDSHAKE_NO_NUMBER, "y = 0");
    test_value(0, 1, false, 0, HANDSHAKE_NO_SECRECY, "y = 1");
    test_value(0, 2, false, 0, HANDSHAKE_KNOWN, "y = 2");
    test_value(0, 0, true, -2, HANDSHAKE_KNOWN, "y = p - 2");
    test_value(0, 0, true, -1, HANDSHAKE_NO_NUMBER, "y = p - 1");
    test_value(0, 0, true, 0, HANDSHAKE_NO_NUMBER, "y = p");
    test_value(0xff, 0xff, false, 0, HANDSHAKE_NO_NUMBER, "y = 2^2048 - 1");
    test_faults();
    return check_end();
}
