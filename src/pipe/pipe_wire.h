/* SPDX-License-Identifier: ISC */
/*
 * The sizes of the pipe's wire, byte for byte that of spiped: all numbers on it are big-endian.
 *
 *     each side       nonce                       32 bytes, as soon as the connection stands
 *     the client      its public value, proof     288 bytes; the server answers none that is wrong
 *     the server      its public value, proof     288 bytes
 *     each side       packets                     1060 bytes each, 1 to 1024 of them the stream's
 *
 * The client is the side that connects and encrypts what comes to it: spipe, or spiped -e.
 */
#ifndef OSTIARY_PIPE_WIRE_H
#define OSTIARY_PIPE_WIRE_H

#define PIPE_KEY_LEN   32
#define PIPE_NONCE_LEN 32
#define PIPE_VALUE_LEN 256 /* a number below the prime of group 14 of RFC 3526 */
#define PIPE_PROOF_LEN 32
#define PIPE_HELLO_LEN (PIPE_VALUE_LEN + PIPE_PROOF_LEN)

#define PIPE_DATA_MAX   1024
#define PIPE_PLAIN_LEN  (PIPE_DATA_MAX + 4) /* with the length behind it */
#define PIPE_PACKET_LEN (PIPE_PLAIN_LEN + 32)

#endif
