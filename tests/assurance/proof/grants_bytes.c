/* SPDX-License-Identifier: ISC */
/* The record of grants: any bytes of its head and of a slot in, any grant out. */
#include "grants_bytes.h"

#include "any_grant.h"

static void encode(const uint8_t *key)
{
    struct grants_header header = {.latest_ms = any_number()};
    uint8_t head[GRANTS_BYTES_HEAD_LEN];
    uint8_t bytes[GRANTS_BYTES_SLOT_LEN];
    const struct grant grant = any_grant();

    any_bytes(header.key, sizeof(header.key));
    grants_bytes_encode_head(&header, head);
    grants_bytes_encode_slot(&grant, key, any_number(), bytes);
}

static void decode(const uint8_t *key)
{
    uint8_t head[GRANTS_BYTES_HEAD_LEN];
    uint8_t bytes[GRANTS_BYTES_SLOT_LEN];
    char gate[GRANTS_GATE_LEN + 2]; /* there may be longer ones than fit */
    char user[GRANTS_USER_LEN];
    const struct source network = {.prefix = (uint8_t)any_size(0, UINT8_MAX)};
    const struct grants_key wanted = {.gate = gate, .network = &network, .user = user};
    struct grants_header header;
    struct grant grant;
    bool one_damaged;

    any_bytes(head, sizeof(head));
    any_bytes(bytes, sizeof(bytes));
    any_bytes(gate, sizeof(gate));
    any_bytes(user, sizeof(user));
    gate[sizeof(gate) - 1] = '\0';
    user[sizeof(user) - 1] = '\0';
    grants_bytes_decode_head(head, &header, &one_damaged);
    grants_bytes_decode_slot(bytes, key, any_number(), &grant);
    //@ assert grant_is_set_always: \initialized(&grant.lifetime_s) && \initialized(&grant.network.prefix);
    //@ assert gate_is_a_string: grant.gate[GRANTS_GATE_LEN - 1] == 0;
    //@ assert user_is_a_string: grant.user[GRANTS_USER_LEN - 1] == 0;
    grants_bytes_slot_names(bytes, &wanted);
}

int main(void)
{
    uint8_t key[SIPHASH_KEY_LEN];

    any_bytes(key, sizeof(key));
    if (any_bool())
        encode(key);
    else
        decode(key);
    return 0;
}
