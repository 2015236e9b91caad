/* SPDX-License-Identifier: ISC */
/* A mac.so of another Ostiary: nothing of it but the version may be looked at. */
#include "mac_module.h"

extern const struct mac_functions ostiary_mac;

const struct mac_functions ostiary_mac = {.version = "0.0.0"};
