/* SPDX-License-Identifier: ISC */
/*
 * The bytes of one knock, on the server's side, before the peer is judged: 32 out, 32 in.
 *
 * The peer is not authenticated in any of this, and nothing here knows a secret. What the peer sends beyond its 32
 * bytes is never read.
 */
#ifndef OSTIARY_EXCHANGE_H
#define OSTIARY_EXCHANGE_H

#include "wire.h"

#include <stdint.h>

enum exchange_result {
    EXCHANGE_OK,          /* the seed is on its way; or reply holds all 32 bytes */
    EXCHANGE_LEFT,        /* the peer had left before the seed was sent */
    EXCHANGE_UNREACHED,   /* the seed was sent, and the peer has left without having had it: or it says so */
    EXCHANGE_UNABLE,      /* this machine could not send or wait; errno says why, and the peer has no part in it */
    EXCHANGE_NO_REPLY,    /* the peer closed without a byte */
    EXCHANGE_SHORT_REPLY, /* the peer closed after 1 to 31 bytes */
    EXCHANGE_TIMEOUT,     /* the deadline has passed */
    EXCHANGE_GONE         /* the connection broke */
};

/*
 * Send the seed, and then read the reply, both before deadline_ms (clock_now_ms). What has come by then is read,
 * however late that is. Sending gives OK, LEFT or UNABLE, and reading all but LEFT; reply is zero unless OK.
 *
 * After LEFT, UNREACHED and UNABLE nobody may be blamed (I11). LEFT is a peer whose end of stream or reset came before
 * the seed was sent. UNREACHED is one whose end of stream came while the seed was still on its way, as the kernel's
 * count of unacknowledged bytes says: a peer with a network stack of its own may have read it all the same, so that a
 * seed was given out. Whoever was sent the seed and has acknowledged it, resets or stays silent has had his chance.
 */
enum exchange_result exchange_send_seed(int peer_fd, int64_t deadline_ms, const uint8_t seed[static SEED_LEN]);
enum exchange_result exchange_read_reply(int peer_fd, int64_t deadline_ms, uint8_t reply[static REPLY_LEN]);

/* For how many milliseconds what the peer sent last has been here, by the kernel's account; 0 where that has none. */
int64_t exchange_reply_age_ms(int peer_fd);

#endif
