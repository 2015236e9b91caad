/* SPDX-License-Identifier: ISC */
/*
 * Shared objects of our own, for what needs a large library: a program that is not linked with that library loads them
 * when it needs them.
 */
#ifndef OSTIARY_MODULE_H
#define OSTIARY_MODULE_H

#define MODULE_PROBLEM_LEN 1024

/*
 * What the object at this absolute path exports by this name: a struct whose first member is a const char *, the
 * version of the Ostiary that the object belongs to. NULL, and in problem why and what to do, where there is no such
 * object, or it belongs to another version than this. library is what it was to bring, for that text.
 *
 * The object stays loaded, whether it can be used or not. What it needs itself the dynamic linker looks for by name, as
 * it has looked for libc: also where LD_LIBRARY_PATH says, if whoever started the program has set that.
 */
const void *module_load(const char *path, const char *symbol, const char *library,
                        char problem[static MODULE_PROBLEM_LEN]);

#endif
