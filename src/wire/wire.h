/* SPDX-License-Identifier: ISC */
/*
 * The sizes and numbers of the wire protocol, byte for byte that of Ostiary 4.0.
 * One knock: the server sends a seed, the client a reply, and after success the server a receipt.
 */
#ifndef OSTIARY_WIRE_H
#define OSTIARY_WIRE_H

#define WIRE_PORT 5018 /* where a listener is expected when nobody says otherwise */

#define SEED_LEN    32
#define REPLY_LEN   32
#define RECEIPT_LEN 32

#endif
