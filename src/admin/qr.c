/* SPDX-License-Identifier: ISC */
/*
 * See qr.h. libqrencode copies the text into ordinary memory and gives that back as it is, so it is called in a child,
 * whose memory ends with it.
 */
#include "qr.h"

#include <errno.h>
#include <fcntl.h>
#include <qrencode.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX  2953 /* bytes: no QR code holds more; a pipe takes as many at once */
#define MARGIN    2    /* modules around it, which cameras need: the norm has 4, and they do with 2 */
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

static int write_code(int fd, const char *text)
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

/* The child: its exit status is 0, or the number of an error. */
_Noreturn static void draw(int fd, int text_fd, size_t len, pid_t parent)
{
    char text[TEXT_MAX + 1] = "";
    int status = -1;

    /* It must not outlive who asked; if he has ended before this, somebody else is the parent already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(ECANCELED);
    /* Who may not lock that much draws all the same: the text is there for a moment, and longer at the terminal. */
    (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    errno = EIO; /* for a call that does a part, and sets none */
    if (read(text_fd, text, len) == (ssize_t)len)
        status = write_code(fd, text);
    /* With a limit that is just enough for what there was, what comes is too much. Nothing has been drawn then. */
    if (status != 0 && errno == ENOMEM && munlockall() == 0)
        status = write_code(fd, text);
    explicit_bzero(text, sizeof(text));
    _exit(status == 0 ? 0 : errno);
}

/* Returns 0, or the number of an error. */
static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECANCELED;
}

int qr_write(int fd, const char *text)
{
    const pid_t parent = getpid();
    const size_t len = strlen(text);
    pid_t child = -1;
    int pipe_fds[2];
    int error;

    if (len > TEXT_MAX) {
        errno = ERANGE;
        return -1;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return -1;
    errno = EIO; /* as above */
    /* By a pipe, for locked memory is not there in a child. */
    if (write(pipe_fds[1], text, len) == (ssize_t)len)
        child = fork();
    if (child == 0)
        draw(fd, pipe_fds[0], len, parent);
    error = child < 0 ? errno : wait_for(child);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    errno = error;
    return error == 0 ? 0 : -1;
}
