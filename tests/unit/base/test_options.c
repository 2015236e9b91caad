/* SPDX-License-Identifier: ISC */
/* options.h: every option once, and none of them in the way of another. */
#include "check.h"
#include "options.h"

int main(void)
{
    struct options_seen seen = {0};
    unsigned first = 0, second = 0;

    for (int option = 0; option < 256; option++)
        first += options_first(&seen, option);
    check_number(first, 256, "each of 256 options may be given once");
    for (int option = 0; option < 256; option++)
        second += options_first(&seen, option);
    check_number(second, 0, "and none of them twice");
    check(options_first(&seen, 256) && options_first(&seen, 256) && options_first(&seen, -1),
          "what is no letter is nobody's");
    return check_end();
}
