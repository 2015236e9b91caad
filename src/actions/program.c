/* SPDX-License-Identifier: ISC */
/* See program.h. Called by check.c for each command. */
#include "program.h"

#include "file.h"
#include "formats.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define HEAD_LEN        FORMATS_HEAD_LEN
#define SCRIPTS_MAX     5 /* scripts that are interpreters of each other, the command counted: one more is ELOOP */
#define ELF_HEADERS_MAX 65536

#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_USER "/usr/local/bin:/usr/bin:/bin"

/* One check, of a command and the interpreters that it needs. */
struct search {
    const char *command;
    const struct account *account;
    const char *user;
    char *problem;
};

/* A file that is to be executed, and how it is named to the administrator. */
struct subject {
    char path[PATH_MAX];
    bool is_interpreter;
};

/* What has been opened of it. */
struct image {
    int fd; /* to read from; -1 where this process may not */
    struct stat status;
    char head[HEAD_LEN]; /* zeros behind the end of the file, as for the kernel */
};

/* This program's own header: what it was made for is what this machine runs. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Say what is wrong with a file: the command's path, and the interpreter's where it is that. */
__attribute__((format(printf, 3, 4))) static int complain(const struct search *search, const struct subject *subject,
                                                          const char *format, ...)
{
    va_list arguments;
    int used;

    if (subject->is_interpreter)
        used =
            snprintf(search->problem, PROGRAM_TEXT_LEN, "'%s': its interpreter '%s'", search->command, subject->path);
    else
        used = snprintf(search->problem, PROGRAM_TEXT_LEN, "'%s'", subject->path);
    if (used < 0 || used >= PROGRAM_TEXT_LEN)
        return -1;
    va_start(arguments, format);
    vsnprintf(search->problem + used, (size_t)(PROGRAM_TEXT_LEN - used), format, arguments);
    va_end(arguments);
    return -1;
}

/* What is wrong on the way to a file: where that is another path than its own, both are named. */
static int complain_way(const struct search *search, const struct subject *subject, enum file_fault fault,
                        const char *culprit)
{
    const char *text = fault == FILE_CANNOT_OPEN ? strerror(errno) : file_fault_text(fault);
    const char *join = fault == FILE_CANNOT_OPEN ? ": " : " ";

    if (strcmp(culprit, subject->path) == 0)
        return complain(search, subject, "%s%s", join, text);
    if (subject->is_interpreter)
        return complain(search, subject, ": '%s'%s%s", culprit, join, text);
    snprintf(search->problem, PROGRAM_TEXT_LEN, "'%s'%s%s", culprit, join, text);
    return -1;
}

/* ---- Getting at a file, with the rights of who is to execute it ---- */

/* With the account's identity. On success the command is open, and image->fd if that identity may read it. */
static int reach_as_account(const struct search *search, const struct subject *subject, struct file_command *command,
                            struct image *image)
{
    char culprit[PATH_MAX];
    struct statvfs mount;
    const enum file_fault fault = file_open_command(subject->path, search->account->uid == 0, command, culprit);

    if (fault != FILE_OK)
        return complain_way(search, subject, fault, culprit);
    if (fstatvfs(command->fd, &mount) == 0 && (mount.f_flag & ST_NOEXEC) != 0)
        return complain(search, subject,
                        " is on a file system that is mounted noexec: put it elsewhere, or mount that without noexec");
    if (faccessat(command->fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) != 0)
        return complain(search, subject, " may not be executed by user '%s': %s: see to its mode and owner",
                        search->user, strerror(errno));
    image->fd = openat(command->dir_fd, command->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return 0;
}

/* The file that was opened must be the one that was judged. */
static int take_head(const struct search *search, const struct subject *subject, const struct file_command *command,
                     struct image *image)
{
    struct stat judged;

    if (fstat(command->fd, &judged) != 0)
        return complain(search, subject, ": %s", strerror(errno));
    image->status = judged;
    if (image->fd < 0)
        return 0;
    if (fstat(image->fd, &image->status) != 0 || image->status.st_ino != judged.st_ino ||
        image->status.st_dev != judged.st_dev)
        return complain(search, subject, " changed while it was looked at: try again");
    if (pread(image->fd, image->head, HEAD_LEN, 0) < 0)
        return complain(search, subject, " cannot be read: %s", strerror(errno));
    return 0;
}

/*
 * Open what is to be executed. What the account may execute and not read, root can read, as the kernel does. The caller
 * closes image->fd.
 */
static int reach(const struct search *search, const struct subject *subject, struct image *image, bool *readable)
{
    struct file_command command = {.dir_fd = -1, .fd = -1};
    struct account_before before;
    int status = -1;

    *image = (struct image){.fd = -1};
    if (account_enter(search->account, &before) != 0)
        return complain(search, subject, " cannot be looked at as user '%s': %s", search->user, strerror(errno));
    status = reach_as_account(search, subject, &command, image);
    *readable = image->fd >= 0;
    if (account_leave(&before) != 0)
        status = complain(search, subject, " cannot be executed: this process cannot become root again: %s",
                          strerror(errno));
    if (status == 0 && image->fd < 0)
        image->fd = openat(command.dir_fd, command.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (status == 0)
        status = take_head(search, subject, &command, image);
    file_close_command(&command);
    return status;
}

static void release(struct image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    image->fd = -1;
}

/* ---- Formats ---- */

/* Our own machine, and the older one that its processors can be as well. */
static bool is_own_machine(unsigned machine)
{
    static const struct {
        unsigned own, older;
    } pairs[] = {{EM_X86_64, EM_386}, {EM_AARCH64, EM_ARM}, {EM_PPC64, EM_PPC}, {EM_SPARCV9, EM_SPARC32PLUS}};

    if (machine == __ehdr_start.e_machine)
        return true;
    /* In both directions: a handler of the older kind may run on the newer machine. */
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if ((pairs[i].own == __ehdr_start.e_machine && pairs[i].older == machine) ||
            (pairs[i].older == __ehdr_start.e_machine && pairs[i].own == machine))
            return true;
    return false;
}

/* What of an ELF header is needed here, of both classes. */
struct elf {
    unsigned type, machine, header_len, header_count;
    uint64_t headers_at;
};

static bool read_elf(const char head[static HEAD_LEN], struct elf *elf)
{
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;

    memcpy(&wide, head, sizeof(wide));
    memcpy(&narrow, head, sizeof(narrow));
    if (head[EI_CLASS] == ELFCLASS64)
        *elf = (struct elf){wide.e_type, wide.e_machine, wide.e_phentsize, wide.e_phnum, wide.e_phoff};
    else if (head[EI_CLASS] == ELFCLASS32)
        *elf = (struct elf){narrow.e_type, narrow.e_machine, narrow.e_phentsize, narrow.e_phnum, narrow.e_phoff};
    else
        return false;
    return head[EI_DATA] == (char)__ehdr_start.e_ident[EI_DATA];
}

/* A program header, of both classes. */
struct segment {
    unsigned type;
    uint64_t at, len;
};

static bool read_segment(const struct image *image, const struct elf *elf, unsigned index, struct segment *segment)
{
    Elf64_Phdr wide;
    Elf32_Phdr narrow;
    const off_t at = (off_t)(elf->headers_at + (uint64_t)index * elf->header_len);

    if (image->head[EI_CLASS] == ELFCLASS64) {
        if (elf->header_len != sizeof(wide) || pread(image->fd, &wide, sizeof(wide), at) != sizeof(wide))
            return false;
        *segment = (struct segment){wide.p_type, wide.p_offset, wide.p_filesz};
    } else {
        if (elf->header_len != sizeof(narrow) || pread(image->fd, &narrow, sizeof(narrow), at) != sizeof(narrow))
            return false;
        *segment = (struct segment){narrow.p_type, narrow.p_offset, narrow.p_filesz};
    }
    return true;
}

/* The program's own loader has to be there and executable, as an interpreter of it. */
static int check_loader(const struct search *search, const struct subject *subject, const struct image *image,
                        const struct segment *segment)
{
    struct subject loader = {.is_interpreter = true};
    struct image opened;
    bool readable;
    int status;

    if (segment->len < 2 || segment->len > sizeof(loader.path) ||
        pread(image->fd, loader.path, segment->len, (off_t)segment->at) != (ssize_t)segment->len ||
        loader.path[segment->len - 1] != '\0')
        return complain(search, subject, " is a damaged program: install it anew");
    status = reach(search, &loader, &opened, &readable);
    release(&opened);
    return status;
}

static int check_segments(const struct search *search, const struct subject *subject, const struct image *image,
                          const struct elf *elf)
{
    const uint64_t len = (uint64_t)image->status.st_size;
    bool loader_seen = false;

    for (unsigned i = 0; i < elf->header_count; i++) {
        struct segment segment;

        if (!read_segment(image, elf, i, &segment))
            return complain(search, subject, " is a damaged program: install it anew");
        if (segment.type == PT_LOAD && (segment.at > len || segment.len > len - segment.at))
            return complain(search, subject, " is a program that has been cut short: install it anew");
        /* The kernel takes the first. */
        if (segment.type == PT_INTERP && !loader_seen && check_loader(search, subject, image, &segment) != 0)
            return -1;
        loader_seen |= segment.type == PT_INTERP;
    }
    return 0;
}

static int check_elf(const struct search *search, const struct subject *subject, const struct image *image)
{
    struct elf elf;

    if (!read_elf(image->head, &elf) || !is_own_machine(elf.machine)) {
        if (formats_take(FORMATS_DIRECTORY, subject->path, image->head))
            return 0;
        return complain(search, subject, " is a program for another kind of machine: install the one for this");
    }
    if (elf.type != ET_EXEC && elf.type != ET_DYN)
        return complain(search, subject, " is an object file, and no program");
    if (elf.header_count == 0 || (uint64_t)elf.header_count * elf.header_len > ELF_HEADERS_MAX)
        return complain(search, subject, " is a damaged program: install it anew");
    return check_segments(search, subject, image, &elf);
}

/* ---- Scripts ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static size_t skip_blanks(const char head[static HEAD_LEN], size_t at, size_t end)
{
    while (at < end && is_blank(head[at]))
        at++;
    return at;
}

/* To the blank or NUL behind a name. */
static size_t skip_name(const char head[static HEAD_LEN], size_t at, size_t end)
{
    while (at < end && !is_blank(head[at]) && head[at] != '\0')
        at++;
    return at;
}

static bool is_env(const struct subject *interpreter)
{
    return strcmp(interpreter->path, "/usr/bin/env") == 0 || strcmp(interpreter->path, "/bin/env") == 0;
}

/*
 * The program that env(1) is to find: all that stands behind it in the line or, behind -S, the first word. False where
 * that is not plain, for it holds options, variables or quotes.
 */
static bool parse_env(const char head[static HEAD_LEN], size_t at, size_t end, char name[static HEAD_LEN])
{
    size_t start = skip_blanks(head, at, end);
    size_t name_end = start + strnlen(head + start, end - start);
    const bool is_split = name_end - start > 2 && memcmp(head + start, "-S", 2) == 0;

    while (name_end > start && is_blank(head[name_end - 1]))
        name_end--;
    if (is_split) {
        start = skip_blanks(head, start + 2, name_end);
        name_end = skip_name(head, start, name_end);
    }
    snprintf(name, HEAD_LEN, "%.*s", (int)(name_end - start), head + start);
    return name[0] != '\0' && name[0] != '-' && strpbrk(name, is_split ? "=\"'\\$#" : "=") == NULL;
}

/* Can the account execute this file? It is env that will, which gives what is no program to a shell. */
static int check_for_env(const struct search *search, const struct subject *found)
{
    struct image image;
    bool readable;
    const int status = reach(search, found, &image, &readable);

    release(&image);
    return status;
}

/* The first of this name in the account's PATH. What root could execute and should not is not passed over. */
static int find_for_env(const struct search *search, const struct subject *subject, const char *name)
{
    const char *path = program_path(search->account);
    struct subject found = {.is_interpreter = true};

    if (strchr(name, '/') != NULL) {
        snprintf(found.path, sizeof(found.path), "%s%s", name[0] == '/' ? "" : "/", name);
        return check_for_env(search, &found);
    }
    for (size_t at = 0, len; path[at] != '\0'; at += len + strspn(path + at + len, ":")) {
        len = strcspn(path + at, ":");
        snprintf(found.path, sizeof(found.path), "%.*s/%s", (int)len, path + at, name);
        if (check_for_env(search, &found) == 0)
            return 0;
        if (search->account->uid == 0 && access(found.path, X_OK) == 0)
            return -1;
    }
    return complain(search, subject,
                    " is a script for '%s', which user '%s' can execute in no directory of its PATH, %s: install it, "
                    "or correct the first line",
                    name, search->user, path);
}

/*
 * The interpreter in a first line, as binfmt_script takes it: behind #! and blanks, up to a blank, a NUL or the line's
 * end. A line that is longer than what the kernel reads counts as far as that goes, unless it cuts the name itself.
 */
static int parse_first_line(const struct search *search, const struct subject *subject,
                            const char head[static HEAD_LEN], struct subject *interpreter)
{
    const size_t text_len = strnlen(head, HEAD_LEN);
    const char *newline = memchr(head, '\n', text_len);
    const size_t line_len = newline != NULL ? (size_t)(newline - head) : text_len;
    const size_t end = line_len < HEAD_LEN ? line_len : HEAD_LEN - 1;
    const size_t start = skip_blanks(head, 2, end);
    const size_t name_end = skip_name(head, start, end);
    char name[HEAD_LEN];

    if (name_end == start)
        return complain(search, subject, " names no interpreter in its first line: write one behind the #!");
    if (line_len == HEAD_LEN && name_end == end && !is_blank(head[end]))
        return complain(
            search, subject,
            " names an interpreter whose path is cut off, for the kernel reads 255 bytes of the first line: "
            "shorten it");
    if (line_len < HEAD_LEN && head[line_len - 1] == '\r')
        return complain(search, subject, ": its first line ends in a carriage return: save it with Unix line ends");
    /* The kernel takes it as it stands, from the directory it is in, which is / for an action. */
    *interpreter = (struct subject){.is_interpreter = true};
    snprintf(interpreter->path, sizeof(interpreter->path), "%s%.*s", head[start] == '/' ? "" : "/",
             (int)(name_end - start), head + start);
    if (is_env(interpreter) && parse_env(head, name_end, end, name))
        return find_for_env(search, subject, name);
    return 0;
}

/* ---- All of it ---- */

/* How a look at one file ends. */
enum look { LOOK_BAD = -1, LOOK_GOOD, LOOK_SCRIPT };

/* What the file is. LOOK_SCRIPT: it needs the interpreter. */
static enum look judge(const struct search *search, const struct subject *subject, const struct image *image,
                       bool readable, struct subject *interpreter)
{
    /* What cannot be read here, the kernel reads all the same. */
    if (image->fd < 0)
        return LOOK_GOOD;
    if (image->status.st_size == 0)
        return complain(search, subject, " is empty: its first line must be #! and an interpreter");
    if (memcmp(image->head, ELFMAG, SELFMAG) == 0)
        return check_elf(search, subject, image) == 0 ? LOOK_GOOD : LOOK_BAD;
    if (memcmp(image->head, "#!", 2) != 0) {
        if (formats_take(FORMATS_DIRECTORY, subject->path, image->head))
            return LOOK_GOOD;
        return complain(search, subject,
                        " is no program: its first line must be #! and an interpreter, such as #!/bin/sh");
    }
    if (!readable)
        return complain(search, subject,
                        " is a script that user '%s' may not read, which its interpreter has to: chmod +r",
                        search->user);
    return parse_first_line(search, subject, image->head, interpreter) == 0 ? LOOK_SCRIPT : LOOK_BAD;
}

static enum look look_at(const struct search *search, const struct subject *subject, struct subject *interpreter)
{
    struct image image;
    bool readable;
    enum look result = LOOK_BAD;

    if (reach(search, subject, &image, &readable) == 0)
        result = judge(search, subject, &image, readable, interpreter);
    release(&image);
    return result;
}

const char *program_path(const struct account *account)
{
    return account->uid == 0 ? PATH_ROOT : PATH_USER;
}

int program_check(const char *command, const struct account *account, const char *user,
                  char problem[static PROGRAM_TEXT_LEN])
{
    const struct search search = {.command = command, .account = account, .user = user, .problem = problem};
    struct subject subject = {.is_interpreter = false};
    struct subject interpreter;
    enum look result;

    if ((size_t)snprintf(subject.path, sizeof(subject.path), "%s", command) >= sizeof(subject.path))
        return complain(&search, &subject, ": %s", strerror(ENAMETOOLONG));
    for (unsigned scripts = 0;; scripts++) {
        result = look_at(&search, &subject, &interpreter);
        if (result != LOOK_SCRIPT)
            return result == LOOK_GOOD ? 0 : -1;
        if (scripts == SCRIPTS_MAX)
            return complain(&search, &subject, " is a script behind five others: let one of them be a program");
        subject = interpreter;
    }
}
