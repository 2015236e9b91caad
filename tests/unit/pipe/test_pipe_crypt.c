/* SPDX-License-Identifier: ISC */
/* The pipe's cryptography against spiped's values, each of them; and what is no value, no key and no packet. */
#include "check.h"
#include "pipe_crypt.h"
#include "vectors.h"

#include <gcrypt.h>
#include <stdbool.h>

/* Of one run, what the test needs again and again. */
struct run {
    const char *name;
    struct pipe_key key;
    struct pipe_nonces nonces;
    uint8_t shared[PIPE_VALUE_LEN];
};

static void is_value(const struct run *run, const char *name, const uint8_t *got, size_t len)
{
    uint8_t want[PIPE_PACKET_LEN];
    const size_t want_len = vectors_read(run->name, name, want, sizeof(want));

    check(want_len == len && memcmp(got, want, len) == 0, "%s.%s is spiped's", run->name, name);
}

static struct run begin(const char *name)
{
    struct run run = {.name = name};

    vectors_read(name, "K", run.key.bytes, PIPE_KEY_LEN);
    vectors_read(name, "nonce_C", run.nonces.client, PIPE_NONCE_LEN);
    vectors_read(name, "nonce_S", run.nonces.server, PIPE_NONCE_LEN);
    vectors_read(name, "y_SC", run.shared, sizeof(run.shared));
    return run;
}

/* ---- The handshake ---- */

static void test_key(void)
{
    struct pipe_key key;
    uint8_t file[PIPE_KEY_LEN];
    const size_t len = vectors_read("", "key_file", file, sizeof(file));

    pipe_key_make(file, len, &key);
    is_value(&(struct run){.name = "strong"}, "K", key.bytes, PIPE_KEY_LEN);
}

static void test_proofs(const struct run *run)
{
    uint8_t value[PIPE_VALUE_LEN], proof[PIPE_PROOF_LEN];

    vectors_read(run->name, "y_C", value, sizeof(value));
    check(pipe_proof(&run->key, &run->nonces, PIPE_CLIENT, value, proof) == 0, "a proof can be made");
    is_value(run, "h_C", proof, sizeof(proof));
    vectors_read(run->name, "y_S", value, sizeof(value));
    check(pipe_proof(&run->key, &run->nonces, PIPE_SERVER, value, proof) == 0, "by the server too");
    is_value(run, "h_S", proof, sizeof(proof));
}

static void test_values(const struct run *run)
{
    uint8_t x[PIPE_EXPONENT_LEN], theirs[PIPE_VALUE_LEN], value[PIPE_VALUE_LEN];

    vectors_read(run->name, "x_C", x, sizeof(x));
    check(pipe_public_value(x, value) == 0, "a public value can be made");
    is_value(run, "y_C", value, sizeof(value));
    vectors_read(run->name, "y_S", theirs, sizeof(theirs));
    check(pipe_shared_value(x, theirs, value) == 0, "and the shared one");
    is_value(run, "y_SC", value, sizeof(value));
    vectors_read(run->name, "x_S", x, sizeof(x));
    check(pipe_public_value(x, value) == 0, "the server's");
    is_value(run, "y_S", value, sizeof(value));
    vectors_read(run->name, "y_C", theirs, sizeof(theirs));
    check(pipe_shared_value(x, theirs, value) == 0, "and what it shares");
    is_value(run, "y_SC", value, sizeof(value));
}

static void test_one(void)
{
    const struct run run = begin("client_weak");
    uint8_t value[PIPE_VALUE_LEN], shared[PIPE_VALUE_LEN], x[PIPE_EXPONENT_LEN];

    pipe_value_one(value);
    is_value(&run, "y_C", value, sizeof(value));
    vectors_read("strong", "x_S", x, sizeof(x));
    check(pipe_shared_value(x, value, shared) == 0, "who has an exponent shares 1 with who has none");
    is_value(&run, "y_SC", shared, sizeof(shared));
}

/* p + number, or for the smallest ones the number itself. */
static void make_value(bool above, int number, uint8_t value[static PIPE_VALUE_LEN])
{
    memset(value, 0, PIPE_VALUE_LEN);
    if (above)
        vectors_read("", "p", value, PIPE_VALUE_LEN);
    else
        value[PIPE_VALUE_LEN - 1] = (uint8_t)number;
    if (above && number < 0)
        value[PIPE_VALUE_LEN - 1] = (uint8_t)(value[PIPE_VALUE_LEN - 1] + number);
    if (above && number > 0) {
        for (size_t i = PIPE_VALUE_LEN; i-- > 0 && ++value[i] == 0;)
            continue;
    }
}

static void test_kinds(void)
{
    static const struct {
        bool above;
        int number;
        enum pipe_value_kind kind;
        const char *what;
    } cases[] = {
        {false, 0, PIPE_VALUE_WEAK, "0"},         {false, 1, PIPE_VALUE_ONE, "1"},
        {false, 2, PIPE_VALUE_STRONG, "2"},       {true, -2, PIPE_VALUE_STRONG, "p - 2"},
        {true, -1, PIPE_VALUE_WEAK, "p - 1"},     {true, 0, PIPE_VALUE_TOO_LARGE, "p"},
        {true, 1, PIPE_VALUE_TOO_LARGE, "p + 1"},
    };
    uint8_t value[PIPE_VALUE_LEN];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_value(cases[i].above, cases[i].number, value);
        check_number(pipe_value_kind(value), cases[i].kind, cases[i].what);
    }
    memset(value, 0xff, sizeof(value));
    check_number(pipe_value_kind(value), PIPE_VALUE_TOO_LARGE, "2^2048 - 1");
    memset(value, 0, sizeof(value));
    value[0] = 1;
    check_number(pipe_value_kind(value), PIPE_VALUE_STRONG, "2^2040");
    value[PIPE_VALUE_LEN - 1] = 1;
    check_number(pipe_value_kind(value), PIPE_VALUE_STRONG, "2^2040 + 1");
}

/* ---- Several keys ---- */

static void test_keys(void)
{
    const struct run run = begin("strong");
    struct pipe_key keys[5];
    uint8_t hello[PIPE_HELLO_LEN];
    size_t index;

    vectors_read("strong", "y_C", hello, PIPE_VALUE_LEN);
    vectors_read("strong", "h_C", hello + PIPE_VALUE_LEN, PIPE_PROOF_LEN);
    for (size_t right = 0; right <= 5; right++) {
        for (size_t i = 0; i < 5; i++) {
            keys[i] = run.key;
            keys[i].bytes[0] = (uint8_t)(keys[i].bytes[0] ^ (i == right ? 0 : i + 1));
        }
        check(pipe_find_key(keys, 5, &run.nonces, PIPE_CLIENT, hello, &index) == 0 && index == right,
              right < 5 ? "the proof is by key %zu of 5" : "and by none where it is another's (%zu)", right);
    }
    check(pipe_find_key(keys, 0, &run.nonces, PIPE_CLIENT, hello, &index) == 0 && index == 0, "without keys, by none");
    keys[0] = run.key;
    check(pipe_find_key(keys, 1, &run.nonces, PIPE_SERVER, hello, &index) == 0 && index == 1,
          "a client's proof is none of the server's");
    for (size_t i = 0; i < PIPE_HELLO_LEN; i++) {
        hello[i] ^= 1;
        if (pipe_find_key(keys, 1, &run.nonces, PIPE_CLIENT, hello, &index) != 0 || index != 1)
            break;
        hello[i] ^= 1;
        if (i == PIPE_HELLO_LEN - 1)
            check(true, "I1: with any byte changed it is by none");
    }
}

/* ---- Packets ---- */

static const struct {
    enum pipe_side from;
    uint64_t number;
    const char *name;
} packets[] = {
    {PIPE_CLIENT, 0, "C.0"}, {PIPE_CLIENT, 1, "C.1"}, {PIPE_CLIENT, 2, "C.2"},
    {PIPE_SERVER, 0, "S.0"}, {PIPE_SERVER, 1, "S.1"}, {PIPE_CLIENT, 0x0102030405060708, "C.72623859790382856"},
};

static struct pipe_session session_of(const struct run *run, enum pipe_side side)
{
    struct pipe_session session;

    if (pipe_session_begin(&run->key, &run->nonces, run->shared, side, &session) != 0) {
        printf("Bail out! no session\n");
        exit(1);
    }
    return session;
}

static void test_packets(const struct run *run)
{
    struct pipe_session client = session_of(run, PIPE_CLIENT), server = session_of(run, PIPE_SERVER);

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct pipe_session *from = packets[i].from == PIPE_CLIENT ? &client : &server;
        struct pipe_session *to = packets[i].from == PIPE_CLIENT ? &server : &client;
        uint8_t plain[PIPE_DATA_MAX], packet[PIPE_PACKET_LEN], data[PIPE_PLAIN_LEN];
        char name[64];
        size_t len, got = 0;

        snprintf(name, sizeof(name), "plain.%s", packets[i].name);
        len = vectors_read(run->name, name, plain, sizeof(plain));
        from->out.number = to->in.number = packets[i].number;
        check(pipe_seal(&from->out, plain, len, packet) == 0, "a packet can be made");
        snprintf(name, sizeof(name), "packet.%s", packets[i].name);
        is_value(run, name, packet, sizeof(packet));
        check(pipe_open(&to->in, packet, data, &got) == PIPE_OPENED && got == len && memcmp(data, plain, len) == 0,
              "and gives what went in");
        check(from->out.number == packets[i].number + 1 && to->in.number == packets[i].number + 1,
              "the next one has the next number");
    }
    pipe_session_free(&client);
    pipe_session_free(&server);
}

/* A packet as who has the keys could make it, with any length in it, and any padding. */
static void forge(struct pipe_direction *out, uint32_t len, uint8_t padding, uint8_t packet[static PIPE_PACKET_LEN])
{
    uint8_t counter[16] = {0}, number[8];
    const uint8_t *digest;

    memset(packet, padding, PIPE_PACKET_LEN);
    for (unsigned i = 0; i < 4; i++)
        packet[PIPE_DATA_MAX + i] = (uint8_t)(len >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        counter[i] = number[i] = (uint8_t)(out->number >> (56 - 8 * i));
    gcry_cipher_setctr(out->cipher, counter, sizeof(counter));
    gcry_cipher_encrypt(out->cipher, packet, PIPE_PLAIN_LEN, NULL, 0);
    gcry_md_reset(out->md);
    gcry_md_write(out->md, packet, PIPE_PLAIN_LEN);
    gcry_md_write(out->md, number, sizeof(number));
    digest = gcry_md_read(out->md, GCRY_MD_SHA256);
    memcpy(packet + PIPE_PLAIN_LEN, digest, PIPE_PACKET_LEN - PIPE_PLAIN_LEN);
    out->number++;
}

static void test_forged(void)
{
    const struct run run = begin("strong");
    struct pipe_session client = session_of(&run, PIPE_CLIENT), server = session_of(&run, PIPE_SERVER);
    uint8_t first[PIPE_PACKET_LEN], second[PIPE_PACKET_LEN], data[PIPE_PLAIN_LEN];
    unsigned taken = 0;
    size_t len = 0;

    check(pipe_seal(&client.out, (const uint8_t *)"one", 3, first) == 0 &&
              pipe_seal(&client.out, (const uint8_t *)"two", 3, second) == 0,
          "two packets");
    memset(data, 0x55, sizeof(data));
    for (size_t i = 0; i < PIPE_PACKET_LEN; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            first[i] = (uint8_t)(first[i] ^ 1 << bit);
            taken += pipe_open(&server.in, first, data, &len) != PIPE_FORGED;
            first[i] = (uint8_t)(first[i] ^ 1 << bit);
        }
    }
    check_number(taken, 0, "with any bit changed it is forged");
    check(data[0] == 0x55 && len == 0, "and nothing of it is shown");
    check_number(pipe_open(&server.in, second, data, &len), PIPE_FORGED, "so is the second before the first");
    check_number(pipe_open(&client.in, first, data, &len), PIPE_FORGED, "and one that is sent back to who made it");
    check_number(pipe_open(&server.in, first, data, &len), PIPE_OPENED, "the first is good all the same");
    check_number(pipe_open(&server.in, first, data, &len), PIPE_FORGED, "once");
    check(pipe_open(&server.in, second, data, &len) == PIPE_OPENED && len == 3 && memcmp(data, "two", 3) == 0,
          "then the second");

    forge(&client.out, 3, 0x5a, first);
    check(pipe_open(&server.in, first, data, &len) == PIPE_OPENED && len == 3, "nobody looks at the padding");
    forge(&client.out, 0, 0, first);
    check_number(pipe_open(&server.in, first, data, &len), PIPE_ODD, "no packet has the length 0");
    forge(&client.out, PIPE_DATA_MAX + 1, 0, first);
    check_number(pipe_open(&server.in, first, data, &len), PIPE_ODD, "nor 1025");
    forge(&client.out, 0x80000001, 0, first);
    check_number(pipe_open(&server.in, first, data, &len), PIPE_ODD, "nor 2^31 + 1");
    forge(&client.out, PIPE_DATA_MAX, 0x33, first);
    check(pipe_open(&server.in, first, data, &len) == PIPE_OPENED && len == PIPE_DATA_MAX &&
              data[PIPE_DATA_MAX - 1] == 0x33,
          "1024 is the most");
    pipe_session_free(&client);
    pipe_session_free(&server);
    pipe_session_free(&server);
    check(true, "what has been freed can be freed");
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"strong", "client_weak", "both_weak"};

    vectors_path = argc > 1 ? argv[1] : "";
    if (!check(pipe_init() == 0, "libgcrypt is ready") || pipe_init() != 0)
        return check_end();
    test_key();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct run run = begin(names[i]);

        test_proofs(&run);
        test_packets(&run);
    }
    test_values(&(const struct run){.name = "strong"});
    test_one();
    test_kinds();
    test_keys();
    test_forged();
    return check_end();
}
