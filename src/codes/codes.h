/* SPDX-License-Identifier: ISC */
/*
 * One-time codes: HOTP (RFC 4226) and TOTP (RFC 6238). Pure functions; the HMAC that a code is made of is the caller's
 * to compute (mac.h), so that this meets no library.
 */
#ifndef OSTIARY_CODES_H
#define OSTIARY_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODES_DIGITS_MIN  6
#define CODES_DIGITS_MAX  8
#define CODES_TEXT_LEN    (CODES_DIGITS_MAX + 1)
#define CODES_MESSAGE_LEN 8
#define CODES_DIGEST_MAX  64 /* bytes of SHA-512 */
#define CODES_KEY_MIN     10 /* bytes: what the oldest phone apps made */
#define CODES_KEY_GOOD    16 /* RFC 4226, R6: no key should be shorter */
#define CODES_KEY_MAX     64 /* bytes: of a longer one HMAC takes the hash, and so two would be one */
#define CODES_AHEAD_MAX   50 /* the window of HOTP */
#define CODES_STEPS_MAX   10 /* the window of TOTP */
#define CODES_BEHIND      10 /* used codes of HOTP that are still known as such */
#define CODES_PERIOD_MIN  10 /* seconds */
#define CODES_PERIOD_MAX  300
#define CODES_COUNTER_MAX ((UINT64_C(1) << 48) - 1)

enum codes_kind { CODES_HOTP, CODES_TOTP };

enum codes_hash { CODES_SHA1, CODES_SHA256, CODES_SHA512 };

/* How codes are made, and which of them are taken. The server alone says so, never who types one. */
struct codes_way {
    enum codes_kind kind;
    enum codes_hash hash;
    unsigned digits;
    unsigned period_s; /* of TOTP */
    unsigned window;   /* HOTP: codes ahead of the counter; TOTP: steps on either side of the clock's */
};

/* Counters: from first on, count of them. 0: none. */
struct codes_range {
    uint64_t first;
    unsigned count;
};

/* The step of TOTP at a time, in seconds since 1970. */
uint64_t codes_step(const struct codes_way *way, uint64_t now_s);

/*
 * Which counters' codes are known: CODES_TOTP's steps within the window of the clock, CODES_HOTP's from CODES_BEHIND
 * before next to the window behind it, where next is the lowest that has not been used up. Those that have been used
 * are among them, so that whoever sends one twice hears of that. now_s counts for CODES_TOTP alone, next for
 * CODES_HOTP.
 */
struct codes_range codes_range(const struct codes_way *way, uint64_t next, uint64_t now_s);

/* What the HMAC is of: the counter, most significant byte first. */
void codes_message(uint64_t counter, uint8_t message[static CODES_MESSAGE_LEN]);

/* The code of an HMAC of len bytes, 20, 32 or 64, as text with its NUL: RFC 4226, 5.3. In constant time. */
void codes_text(const struct codes_way *way, const uint8_t *digest, size_t len, char text[static CODES_TEXT_LEN]);

/* ---- Keys ---- */

enum codes_fault {
    CODES_OK,
    CODES_KEY_FORM,   /* it begins with neither "base32:" nor "hex:" */
    CODES_KEY_DIGIT,  /* a character that such a key does not have; in base32 0, 1, 8 and 9 are none */
    CODES_KEY_LENGTH, /* cut: no whole number of bytes */
    CODES_KEY_SHORT,  /* fewer than CODES_KEY_MIN bytes */
    CODES_KEY_LONG,   /* more than CODES_KEY_MAX */
    CODES_WORD,       /* behind the key is something else than what a way has */
    CODES_TWICE,
    CODES_DIGITS, /* not CODES_DIGITS_MIN to CODES_DIGITS_MAX */
    CODES_PERIOD, /* not CODES_PERIOD_MIN to CODES_PERIOD_MAX, or of HOTP, which has none */
    CODES_WINDOW, /* beyond CODES_STEPS_MAX or CODES_AHEAD_MAX */
    CODES_ALGORITHM
};

/* What is wrong, and what to write instead. */
const char *codes_fault_text(enum codes_fault fault);

/*
 * "base32:GEZD GNBV..." (RFC 4648; either case, blanks and hyphens between its characters, '=' at its end or not) or
 * "hex:3132...". key has *len bytes then. Its time and the memory it touches depend on the text: it is for who reads a
 * configuration, not for what a peer sends.
 */
enum codes_fault codes_parse_key(const char *text, size_t text_len, uint8_t key[static CODES_KEY_MAX], size_t *len);

/* The way of codes whose key stands there alone: six digits by SHA-1, every 30 s, with a window of 1 step or 10 codes.
 */
struct codes_way codes_usual(enum codes_kind kind);

/* A file with a key, for the server and for who makes codes: the text need not end in a NUL. */
struct codes_file {
    enum codes_kind kind; /* for which it is read: the file does not say it */
    const char *text;
    size_t len;
};

/*
 * Its first line is a key, and in the others is, with blanks between, what differs from the usual: "digits=8",
 * "period=60" (seconds), "window=2", "algorithm=sha256". On a fault *len is 0, and key is all zero.
 */
enum codes_fault codes_read(const struct codes_file *file, struct codes_way *way, uint8_t key[static CODES_KEY_MAX],
                            size_t *len);

#define CODES_BASE32_LEN (CODES_KEY_MAX * 8 / 5 + 2)

/* The key in base32, without '=': as phone apps want it. */
void codes_format_key(const uint8_t *key, size_t len, char text[static CODES_BASE32_LEN]);

#endif
