/* SPDX-License-Identifier: ISC */
/* The tests of which.c and of the names in doors.c: which door a configuration is that of. */
#include "check.h"
#include "which.h"

int main(void)
{
    check(which_door("/etc/ostiary.cfg") == DOOR_KNOCK, "ostiary.cfg is the knock's");
    check(which_door("/etc/ostiary-sealed.cfg") == DOOR_SEALED, "ostiary-sealed.cfg is the sealed door's");
    check(which_door("ostiary-sealed.cfg") == DOOR_SEALED, "without a directory as well");
    check(which_door("/etc/ostiary-sealed.cfg/other") == DOOR_KNOCK, "a directory of that name says nothing");
    check(which_door("/etc/my-ostiary-sealed.cfg") == DOOR_KNOCK &&
              which_door("/etc/ostiary-sealed.cfg.bak") == DOOR_KNOCK,
          "nor a part of a name");
    check_text(doors_name(DOOR_KNOCK), "knock", "the knock");
    check_text(doors_name(DOOR_SEALED), "sealed", "the sealed door");
    check_text(doors_closed_name(DOOR_SEALED), "closed-sealed", "what closes it");
    check_text(doors_closed_name(DOOR_EVERY), "closed", "what closes every door");
    return check_end();
}
