/* SPDX-License-Identifier: ISC */
/* See qr.h. */
#include "qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MARGIN    2 /* modules around it, which cameras need: the norm has 4, and they do with 2 */
#define WIDTH_MAX 177
#define LINE_LEN  (32 + (WIDTH_MAX + 2 * MARGIN) * 3)

/* Is the module dark? What is around the code is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

/* Two rows of modules in one of text: the upper half is the foreground, black on white in any case. */
static int write_rows(int fd, const QRcode *code, int y)
{
    static const char *const blocks[2][2] = {{" ", "\xe2\x96\x84"}, {"\xe2\x96\x80", "\xe2\x96\x88"}};
    char line[LINE_LEN];
    int len = snprintf(line, sizeof(line), "\033[0m\033[30;107m");

    for (int x = -MARGIN; x < code->width + MARGIN; x++)
        len += snprintf(line + len, sizeof(line) - (size_t)len, "%s",
                        blocks[is_dark(code, x, y)][is_dark(code, x, y + 1)]);
    len += snprintf(line + len, sizeof(line) - (size_t)len, "\033[0m\n");
    return write(fd, line, (size_t)len) == len ? 0 : -1;
}

int qr_write(int fd, const char *text)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    int status = 0;

    if (code == NULL)
        return -1;
    for (int y = -MARGIN; status == 0 && y < code->width + MARGIN; y += 2)
        status = write_rows(fd, code, y);
    /* Its bytes are the key's, in another order. */
    explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return status;
}
