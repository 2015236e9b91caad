/* SPDX-License-Identifier: ISC */
/* The one name that mac.so exports: see mac_module.h. */
#include "mac_module.h"

extern const struct mac_functions ostiary_mac;

__attribute__((visibility("default"))) const struct mac_functions ostiary_mac = {
    .version = OSTIARY_VERSION,
    .init = mac_init,
    .on_fatal = mac_on_fatal,
    .problem = mac_problem,
    .reply = mac_reply,
    .receipt = mac_receipt,
    .key_empty = mac_key_empty,
    .key_try = mac_key_try,
    .key_free = mac_key_free,
    .code = mac_code,
};
