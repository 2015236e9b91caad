/* SPDX-License-Identifier: ISC */
/*
 * Where ostgrant is, the one program that may change the firewall. A program has this from one of two libraries
 * (meson.build): the one for those that run where they were built, or the one for those that are installed.
 */
#ifndef OSTIARY_GRANTER_H
#define OSTIARY_GRANTER_H

extern const char granter_path[]; /* absolute */

#endif
