/* SPDX-License-Identifier: ISC */
/*
 * ostpipe: standard input and output through an encrypted pipe to who has the same key: ostpiped, or spiped. For ssh's
 * ProxyCommand, and as what a launcher starts for a connection of a program that knows no such thing. See ostpipe(1).
 */
#include "abrupt.h"
#include "approach.h"
#include "clock.h"
#include "descriptors.h"
#include "ostpipe_options.h"
#include "pipe_key_file.h"
#include "reach.h"
#include "shuttle.h"
#include "stream.h"
#include "voice.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG_PAUSE_MS 50

/* The way to the other side. */
struct way {
    int peer_fd;
    char place[APPROACH_PLACE_LEN];
};

/* ---- Connecting ---- */

static void on_note(void *context, enum approach_result result, const char *text)
{
    const struct voice *voice = context;

    if (result != APPROACH_GOES_ON || voice->verbose)
        voice_complain(voice, "%s", text);
}

static enum exit_status status_of(enum approach_result result)
{
    switch (result) {
    case APPROACH_GOES_ON:
        return STATUS_DONE;
    case APPROACH_UNKNOWN_HOST:
    case APPROACH_NO_LOOKUP:
        return STATUS_NO_HOST;
    case APPROACH_NO_CONNECTION:
        return STATUS_NO_CONNECTION;
    case APPROACH_INTERRUPTED:
        break;
    }
    return STATUS_NO_RESOURCES;
}

static enum exit_status connect_host(const struct ostpipe_options *options, struct voice *voice, struct way *way)
{
    const struct approach_plan plan = {
        .host = {.name = options->target.host, .port = options->target.port, .family = options->target.family},
        .source = options->has_source ? &options->source : NULL,
        .note = on_note,
        .context = voice,
        .too_late = abrupt_end_lookup,
    };
    int64_t deadline_ms = clock_now_ms() + options->timeout_ms;
    struct resolve_answer answer;
    struct approach approach;
    enum approach_result result = approach_find(&plan, deadline_ms, &answer);

    if (result == APPROACH_GOES_ON)
        result = approach_connect(&plan, &answer, deadline_ms, &approach);
    /* It was stopped, and goes on: nothing has been lost but time, of which it has as much as before. */
    while (result == APPROACH_INTERRUPTED) {
        deadline_ms = clock_now_ms() + options->timeout_ms;
        result = approach_connect(&plan, &answer, deadline_ms, &approach);
    }
    if (result != APPROACH_GOES_ON)
        return status_of(result);
    way->peer_fd = approach.server_fd;
    memcpy(way->place, approach.place, sizeof(way->place));
    signals_release(&approach.held);
    return STATUS_DONE;
}

static enum exit_status connect_socket(const struct ostpipe_options *options, const struct voice *voice,
                                       struct way *way)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct connect_address address = {.len = sizeof(name)};
    const struct stream_limit limit = stream_from_now(options->timeout_ms);
    enum stream_result result;

    memcpy(name.sun_path, options->socket_path, strlen(options->socket_path) + 1);
    memcpy(&address.name, &name, sizeof(name));
    snprintf(way->place, sizeof(way->place), "%s", options->socket_path);
    /* With EAGAIN there is no place among those that wait for who listens there. */
    while ((result = connect_to(&address, NULL, limit, &way->peer_fd)) == STREAM_FAULT && errno == EAGAIN &&
           clock_now_ms() < limit.deadline_ms)
        poll(NULL, 0, BACKLOG_PAUSE_MS);
    if (result == STREAM_OK)
        return STATUS_DONE;
    voice_complain(voice, "%s: %s", way->place, strerror(result == STREAM_TIMEOUT ? ETIMEDOUT : errno));
    return STATUS_NO_CONNECTION;
}

static void set_socket_options(const struct ostpipe_options *options, int fd)
{
    const int on = 1;

    /* Of a unix socket both are refused, and nothing is lost. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (options->keepalive)
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* ---- The handshake ---- */

static enum exit_status complain_of(enum handshake_fault fault, const struct voice *voice)
{
    switch (fault) {
    case HANDSHAKE_OK:
        return STATUS_DONE;
    case HANDSHAKE_NO_RANDOM:
        voice_complain(voice, "the kernel gives no random bytes: %s: soon after the start of a machine, wait",
                       strerror(errno));
        break;
    case HANDSHAKE_NO_MEMORY:
        return voice_no_memory(voice);
    case HANDSHAKE_REFUSED:
        voice_complain(voice, "libgcrypt could not compute the handshake: is there too little memory (ulimit -l)?");
        break;
    }
    return STATUS_NO_RESOURCES;
}

/* Nothing has come that could be judged: before its nonce, or in place of its answer to what we have said. */
static enum exit_status complain_of_silence(const struct way *way, const struct voice *voice, bool has_said_hello,
                                            enum stream_result result, size_t got)
{
    const bool is_late = result == STREAM_TIMEOUT;

    if (result == STREAM_UNABLE || (result == STREAM_FAULT && (errno == ENOMEM || errno == ENOBUFS))) {
        voice_complain(voice, "%s: this machine could not send or wait: %s", way->place, strerror(errno));
        return STATUS_NO_RESOURCES;
    }
    if (!has_said_hello && got > 0) {
        voice_complain(voice, "%s: what answers there is no pipe: it has sent %zu bytes, and not 32", way->place, got);
        return STATUS_PROTOCOL;
    }
    if (has_said_hello)
        voice_complain(voice, "%s: %s: is its key another one? see its log", way->place,
                       is_late ? "no answer within the time limit" : "not accepted");
    else
        voice_complain(voice, "%s: %s: is there a pipe (ostpiped, spiped -d)? or is this host locked out there?",
                       way->place, is_late ? "nothing came within the time limit" : "closed without a word");
    return has_said_hello ? STATUS_NOT_ACCEPTED : STATUS_NO_SEED;
}

static enum exit_status complain_of_peer(const struct way *way, const struct voice *voice,
                                         enum handshake_judgement judgement)
{
    switch (judgement) {
    case HANDSHAKE_KNOWN:
        return STATUS_DONE;
    case HANDSHAKE_STRANGER:
        voice_complain(voice, "%s: whoever answers there does not hold this key", way->place);
        break;
    case HANDSHAKE_NO_SECRECY:
        voice_complain(voice, "%s: does without forward secrecy, which -g forbids: take -f away there", way->place);
        break;
    case HANDSHAKE_NO_NUMBER:
        voice_complain(voice, "%s: holds this key, and sends a public value that no pipe has", way->place);
        break;
    case HANDSHAKE_UNDETERMINED:
        return complain_of(HANDSHAKE_REFUSED, voice);
    }
    return STATUS_PROTOCOL;
}

static enum exit_status shake(const struct ostpipe_options *options, const struct voice *voice, const struct way *way,
                              struct handshake *handshake, const struct pipe_key *key, struct pipe_session *session)
{
    const struct stream_limit limit = stream_from_now(options->timeout_ms);
    uint8_t mine[PIPE_HELLO_LEN], theirs[PIPE_HELLO_LEN];
    enum handshake_fault fault = handshake_begin(PIPE_CLIENT, options->secrecy, handshake);
    enum handshake_judgement judgement;
    enum stream_result result;
    size_t got = 0, index;

    if (fault != HANDSHAKE_OK)
        return complain_of(fault, voice);
    result = stream_send(way->peer_fd, handshake->nonces.client, PIPE_NONCE_LEN, limit);
    fault = handshake_prepare(handshake); /* while the other side's nonce is on its way */
    if (fault != HANDSHAKE_OK)
        return complain_of(fault, voice);
    if (result == STREAM_OK)
        result = stream_receive(way->peer_fd, handshake->nonces.server, PIPE_NONCE_LEN, limit, &got);
    if (result != STREAM_OK)
        return complain_of_silence(way, voice, false, result, got);
    fault = handshake_hello(handshake, key, mine);
    if (fault != HANDSHAKE_OK)
        return complain_of(fault, voice);
    got = 0;
    result = stream_send(way->peer_fd, mine, sizeof(mine), limit);
    if (result == STREAM_OK)
        result = stream_receive(way->peer_fd, theirs, sizeof(theirs), limit, &got);
    if (result != STREAM_OK)
        return complain_of_silence(way, voice, true, result, got);
    judgement = handshake_judge(handshake, key, 1, theirs, &index);
    if (judgement != HANDSHAKE_KNOWN)
        return complain_of_peer(way, voice, judgement);
    return complain_of(handshake_end(handshake, key, theirs, session), voice);
}

/* ---- What goes through ---- */

/* Where it is no clean end, nobody is to take what has come for all. */
static enum exit_status carry(const struct way *way, const struct voice *voice, struct pipe_session *session)
{
    const struct shuttle shuttle = {
        .peer_fd = way->peer_fd,
        .in_fd = STDIN_FILENO,
        .out_fd = STDOUT_FILENO,
        .session = session,
        .signal_fd = -1,
    };
    uint64_t out, in;
    const enum shuttle_result result = shuttle_run(&shuttle, &out, &in);
    const int error = errno;

    if (voice->verbose)
        voice_complain(voice, "%s: %ju bytes there, %ju bytes back", way->place, (uintmax_t)out, (uintmax_t)in);
    if (result == SHUTTLE_DONE)
        return STATUS_DONE;
    if (result != SHUTTLE_DEAF)
        shuttle_reset(way->peer_fd);
    shuttle_reset(STDOUT_FILENO);
    switch (result) {
    case SHUTTLE_CUT:
        voice_complain(voice, "%s: ended within a packet: what has come is not all", way->place);
        break;
    case SHUTTLE_FORGED:
        voice_complain(voice, "%s: a packet is not by who holds the key, or not the next: nothing of it was taken",
                       way->place);
        break;
    case SHUTTLE_ODD:
        voice_complain(voice, "%s: a packet has a length that there is not", way->place);
        break;
    case SHUTTLE_LEFT:
        voice_complain(voice, "%s: the connection broke: %s", way->place, strerror(error));
        break;
    case SHUTTLE_DEAF:
    case SHUTTLE_BROKE:
        if (voice->verbose || error != EPIPE)
            voice_complain(voice, "standard input or output: %s", strerror(error));
        break;
    case SHUTTLE_UNABLE:
        voice_complain(voice, "cannot go on: %s", error != 0 ? strerror(error) : "libgcrypt refused");
        return STATUS_NO_RESOURCES;
    case SHUTTLE_DONE:
    case SHUTTLE_IDLE:
    case SHUTTLE_SIGNAL:
        break;
    }
    return STATUS_NO_REPLY;
}

/* ---- All of it ---- */

static enum exit_status read_key(const struct ostpipe_options *options, const struct voice *voice, struct pipe_key *key)
{
    const char *text;
    const enum file_fault fault = pipe_key_file_read(options->key_file, key, &text);

    if (fault == FILE_NO_MEMORY)
        return voice_no_memory(voice);
    if (text == NULL)
        return STATUS_DONE;
    if (fault == FILE_CANNOT_OPEN || fault == FILE_CANNOT_READ)
        voice_complain(voice, "%s %s: %s", options->key_file, text, strerror(errno));
    else
        voice_complain(voice, "%s %s", options->key_file, text);
    return STATUS_NO_SECRET;
}

/* The key is in memory from before the connection until the session is there. */
static enum exit_status open_pipe(const struct ostpipe_options *options, struct voice *voice, struct way *way,
                                  struct pipe_session *session)
{
    struct handshake handshake = HANDSHAKE_UNBEGUN;
    enum exit_status status;
    struct locked memory;

    if (locked_new(sizeof(struct pipe_key), &memory) != 0)
        return voice_no_memory(voice);
    status = read_key(options, voice, (struct pipe_key *)(void *)memory.bytes);
    if (status == STATUS_DONE) {
        status = options->socket_path != NULL ? connect_socket(options, voice, way) : connect_host(options, voice, way);
    }
    if (status == STATUS_DONE) {
        set_socket_options(options, way->peer_fd);
        status = shake(options, voice, way, &handshake, (const struct pipe_key *)(void *)memory.bytes, session);
    }
    handshake_free(&handshake);
    locked_free(&memory);
    return status;
}

static enum exit_status run(const struct ostpipe_options *options, struct voice *voice)
{
    struct pipe_session session = PIPE_SESSION_NONE;
    struct way way = {.peer_fd = -1};
    enum exit_status status;

    if (locked_hide_process() != 0) {
        voice_complain(voice, "cannot keep the key out of core files: %s", strerror(errno));
        return STATUS_NO_RESOURCES;
    }
    pipe_on_fatal(abrupt_end_libgcrypt, NULL);
    if (abrupt_start_libgcrypt(pipe_init) != 0) {
        voice_complain(voice, "%s", pipe_problem());
        return STATUS_NO_RESOURCES;
    }
    status = open_pipe(options, voice, &way, &session);
    if (status == STATUS_DONE && voice->verbose)
        voice_complain(voice, "%s: holds the key", way.place);
    if (status == STATUS_DONE)
        status = carry(&way, voice, &session);
    pipe_session_free(&session);
    if (way.peer_fd >= 0)
        close(way.peer_fd);
    return status;
}

static enum exit_status show(const char *first, const char *second)
{
    return printf("%s%s", first, second) >= 0 && fflush(stdout) == 0 ? STATUS_DONE : STATUS_NO_RESOURCES;
}

int main(int argc, char *argv[])
{
    struct ostpipe_options options;
    struct voice voice = {0};

    ostpipe_options_parse(argc, argv, &options);
    voice.verbose = options.verbose;
    abrupt_begin("ostpipe", false);
    (void)signal(SIGPIPE, SIG_IGN);
    if (descriptors_fill() != 0) {
        voice_complain(&voice, "/dev/null cannot be opened: %s", strerror(errno));
        return (int)STATUS_NO_RESOURCES;
    }
    if (options.fault[0] != '\0') {
        voice_complain(&voice, "%s", options.fault);
        fputs(ostpipe_usage_line, stderr);
        return (int)STATUS_USAGE;
    }
    if (options.help)
        return (int)show(ostpipe_usage_line, ostpipe_usage_help);
    if (options.version)
        return (int)show("ostpipe " OSTIARY_VERSION, "\n");
    return (int)run(&options, &voice);
}
