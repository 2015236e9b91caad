/* SPDX-License-Identifier: ISC */
/*
 * Can a command be executed, as whom it is to run? All that execve(2) looks at and that can be seen beforehand is
 * looked at here (I12): with that user's rights, through open descriptors, as the kernel would: binfmt_script,
 * binfmt_elf. Of a script for env(1) the program that env is to find is looked for as well.
 *
 * What cannot be seen is taken for good: what an interpreter of binfmt_misc does, the inside of a file that this
 * process may not read, and what a security module, the memory or somebody's writing to the file will say to execve(2).
 */
#ifndef OSTIARY_PROGRAM_H
#define OSTIARY_PROGRAM_H

#include "account.h"

#define PROGRAM_TEXT_LEN 4800

/*
 * Can this process execute the command as that account? With root's rights it takes the account's identity on for a
 * while, effectively; without, it is taken to have it. user is the account's name in problem. Returns 0; or -1, with
 * problem saying what is wrong, with which file, and what to do about it.
 */
int program_check(const char *command, const struct account *account, const char *user,
                  char problem[static PROGRAM_TEXT_LEN]);

/* Where the account's programs are looked for: its PATH. */
const char *program_path(const struct account *account);

#endif
