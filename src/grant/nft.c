/* SPDX-License-Identifier: ISC */
/*
 * The kernel's firewall by libnftables: see nft.h. It opens what it needs itself, prints into buffers of its own, and
 * runs a script as one transaction.
 */
#include "nft.h"
#include "nft_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define TABLE "inet " NFT_TABLE

struct nft {
    struct nft_ctx *context;
    int null_fd;    /* /dev/null */
    int netlink_fd; /* our own: without netlink libnftables would end the process */
    char said[256];
};

/* libnftables is at work: an exit(3) is its own. */
static bool at_work;
static int kept_stderr_fd = -1; /* meanwhile */
static void (*last_words)(void);

void nft_set_last_words(void (*say)(void))
{
    last_words = say;
}

static void end_as_fault(void)
{
    if (!at_work)
        return;
    if (kept_stderr_fd >= 0)
        dup2(kept_stderr_fd, STDERR_FILENO);
    if (last_words != NULL)
        last_words();
    _exit(EX_OSERR);
}

/* Give *nft a context whose output stays in memory. */
static int start(struct nft *nft)
{
    at_work = true;
    nft->context = nft_ctx_new(NFT_CTX_DEFAULT);
    at_work = false;
    if (nft->context != NULL && nft_ctx_buffer_output(nft->context) == 0 && nft_ctx_buffer_error(nft->context) == 0)
        return 0;
    errno = ENOMEM;
    return -1;
}

static int open_descriptors(struct nft *nft)
{
    nft->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    nft->netlink_fd = nft->null_fd < 0 ? -1 : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    return nft->netlink_fd < 0 ? -1 : 0;
}

struct nft *nft_open(void)
{
    static bool exit_is_watched;
    struct nft *nft = calloc(1, sizeof(*nft));
    int error;

    if (nft == NULL)
        return NULL;
    nft->null_fd = nft->netlink_fd = -1;
    errno = ENOMEM;
    exit_is_watched = exit_is_watched || atexit(end_as_fault) == 0;
    if (exit_is_watched && open_descriptors(nft) == 0 && start(nft) == 0)
        return nft;
    error = errno;
    nft_close(nft);
    errno = error;
    return NULL;
}

void nft_close(struct nft *nft)
{
    if (nft == NULL)
        return;
    if (nft->context != NULL)
        nft_ctx_free(nft->context);
    if (nft->null_fd >= 0)
        close(nft->null_fd);
    if (nft->netlink_fd >= 0)
        close(nft->netlink_fd);
    free(nft);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

/* Keep the first line, without what every line of nft's has at its front. */
static void keep_said(struct nft *nft, const char *said)
{
    static const char front[] = "Error: ";
    const char *begin = strstr(said, front);
    size_t len;

    begin = begin != NULL ? begin + strlen(front) : said;
    len = strcspn(begin, "\n");
    if (len >= sizeof(nft->said))
        len = sizeof(nft->said) - 1;
    for (size_t i = 0; i < len; i++)
        nft->said[i] = (char)(begin[i] >= ' ' && begin[i] <= '~' ? begin[i] : '?');
    nft->said[len] = '\0';
}

/* The kernel's answer is not to be had but as text, in which it is what strerror(3) says. */
static enum nft_result take_fault(struct nft *nft, const char *said)
{
    static const struct {
        int error;
        enum nft_result result;
    } faults[] = {{EPERM, NFT_NOT_PERMITTED}, {ENFILE, NFT_SET_FULL}, {ENOENT, NFT_NOT_LOADED}};

    keep_said(nft, said);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strstr(said, strerror(faults[i].error)) != NULL)
            return faults[i].result;
    return NFT_FAILED;
}

/*
 * What libnftables has to say of a lack of rights goes to standard error, past its buffers, and there it is nobody's: a
 * launcher may have a peer there.
 */
static void silence(const struct nft *nft)
{
    kept_stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (kept_stderr_fd < 0 || dup2(nft->null_fd, STDERR_FILENO) >= 0)
        return;
    close(kept_stderr_fd);
    kept_stderr_fd = -1;
}

static void end_silence(void)
{
    if (kept_stderr_fd < 0)
        return;
    dup2(kept_stderr_fd, STDERR_FILENO);
    close(kept_stderr_fd);
    kept_stderr_fd = -1;
}

static int run_quietly(struct nft *nft, const char *script)
{
    int status;

    silence(nft);
    at_work = true;
    status = nft_run_cmd_from_buffer(nft->context, script);
    at_work = false;
    end_silence();
    return status;
}

/* Run it, with what it prints in *output, which is valid until the next run. */
static enum nft_result run(struct nft *nft, const char *script, unsigned flags, const char **output)
{
    const char *said;
    int status;

    nft->said[0] = '\0';
    nft_ctx_output_set_flags(nft->context, flags);
    status = run_quietly(nft, script);
    /* Asking for a buffer empties it for the next run: both are asked for each time. */
    *output = nft_ctx_get_output_buffer(nft->context);
    said = nft_ctx_get_error_buffer(nft->context);
    return status == 0 ? NFT_OK : take_fault(nft, said);
}

enum nft_result nft_run(struct nft *nft, const char *script)
{
    const char *output;

    return run(nft, script, 0, &output);
}

const char *nft_said(const struct nft *nft)
{
    return nft->said;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static enum nft_result take_table(struct nft *nft, const char *output, struct nft_table *table)
{
    if (nft_parse_table(output, strlen(output), table) == 0)
        return NFT_OK;
    keep_said(nft, "what is listed cannot be read");
    return NFT_FAILED;
}

enum nft_result nft_read_table(struct nft *nft, struct nft_table *table)
{
    const char *output;
    enum nft_result result;

    *table = (struct nft_table){.dormant = nft_is_dormant(nft->netlink_fd)};
    if (table->dormant)
        return NFT_OK;
    result = run(nft, "list table " TABLE "\n", NFT_CTX_OUTPUT_JSON, &output);
    if (result == NFT_NOT_LOADED)
        return NFT_OK;
    return result == NFT_OK ? take_table(nft, output, table) : result;
}

enum nft_result nft_read_element(struct nft *nft, struct nft_element *element, bool *found)
{
    char address[INET6_ADDRSTRLEN];
    struct place place;

    *found = false;
    if (!place_find(element->gate, &element->network, &place, address)) {
        keep_said(nft, "no set can hold this network");
        return NFT_FAILED;
    }
    if (nft_ask_element(nft->netlink_fd, &place, &element->network, element, found) == 0)
        return NFT_OK;
    return take_fault(nft, strerror(errno));
}

enum nft_result nft_read_ruleset(struct nft *nft, char **json, size_t *len)
{
    const char *output;
    const enum nft_result result = run(nft, "list ruleset\n", NFT_CTX_OUTPUT_JSON, &output);

    *json = NULL;
    if (result != NFT_OK)
        return result;
    *len = strlen(output);
    *json = strdup(output);
    if (*json != NULL)
        return NFT_OK;
    keep_said(nft, "out of memory");
    return NFT_FAILED;
}
