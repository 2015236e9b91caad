/* SPDX-License-Identifier: ISC */
/*
 * ostiaryctl add: an action, its secret, and whatever is missing around them. See ctl.h.
 *
 * All is looked at before anything is in its place. Then the secret gets its name, and then the configuration its line:
 * killed between the two, what is left is a secret that nothing uses, and the next try takes it away (ctl_secret.h).
 */
#include "check.h"
#include "ctl_edit.h"
#include "ctl_enrol.h"
#include "ctl_passphrase.h"
#include "ctl_secret.h"
#include "ctl_used.h"
#include "gates.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACTION_NAME_MAX  64
#define SOCKET_PREFIX    "socket="
#define GRANT_PREFIX     "grant="
#define REVOKE_PREFIX    "revoke="
#define CLIENT_DIRECTORY "/etc/ostiary" /* where a secret is, on whatever machine */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* How a configuration that has to be made begins. */
static const char ordinary_start[] = "# What Ostiary's handler goes by: see ostiary.cfg(5).\n";
static const char sealed_start[] = "# What the handler of Ostiary's sealed door goes by: see ostiary.cfg(5).\n"
                                   "STATE_DIR=\"/var/lib/ostiary-sealed\"\n"
                                   "# The ordinary door has 5018.\n"
                                   "PORT=5019\n";

struct add {
    struct ctl *ctl;
    const char *name;
    const char *command; /* NULL where something else is done instead */
    const char *instead; /* the option that says what: "socket=/run/x", "grant=ssh"; else NULL */
    const char *user;    /* NULL: DEFAULT_UID */
    const char *stretch; /* the label of the passphrase that the secret is made of; NULL: it is random */
    struct stretch_label label;
    const char *users_file; /* of pam_oath, from which a key of codes comes; NULL: from none */
    bool has_codes;
    enum codes_kind kind;
    char file_name[ACTION_NAME_MAX + sizeof(".secret")];
    char key_name[ACTION_NAME_MAX + sizeof(".totp")];

    struct ctl_listeners listeners;
    enum ctl_layout layout;
    struct ctl_edit edit;
    struct ctl_secret secret;
    struct ctl_secret key; /* of its codes */
    struct ctl_enrol enrol;
    struct locked line; /* the secret itself */
    size_t line_len;
    struct locked text; /* the configuration that is to be */
    size_t len;
    unsigned number;                  /* of its new line */
    const struct config_entry *entry; /* the same, as parsed last */
    bool quiet;                       /* of warnings */
    char state_dir[PATH_MAX];
    bool made_state_dir;
    bool swept;
};

/* ---- what is asked for ----------------------------------------------------------------------------------------- */

/* What stands in quotes, and is no path in another's eyes. */
static void require_plain(const char *what, const char *text)
{
    const size_t len = strlen(text);

    for (const char *at = text; *at != '\0'; at++)
        if (*at == '"' || (unsigned char)*at < ' ' || *at == 0x7f)
            ctl_usage("add: the %s must be without double quotes and control characters", what);
    if (len == 0 || text[len - 1] == '\\')
        ctl_usage("add: the %s must not be empty, nor end in a backslash", what);
}

/* What stands behind the prefix; NULL where that is not the text's. */
static const char *behind(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : NULL;
}

static const char *gate_of(const char *text)
{
    const char *gate = behind(text, GRANT_PREFIX);

    return gate != NULL ? gate : behind(text, REVOKE_PREFIX);
}

static void require_name(const char *name)
{
    const size_t len = strlen(name);

    if (len == 0 || len > ACTION_NAME_MAX || strspn(name, letters) == 0 || strcmp(name, "kill") == 0)
        ctl_usage("add: '%s' is no name: it has 1 to %d of A-Z a-z 0-9 _ . -, a letter or digit first, and is not kill",
                  name, ACTION_NAME_MAX);
    for (size_t i = 0; i < len; i++)
        if (strchr(letters, name[i]) == NULL && strchr("_.-", name[i]) == NULL)
            ctl_usage("add: '%s' is no name: it has A-Z a-z 0-9 _ . - alone", name);
}

/* A command, or what is done instead of one. */
static void take_deed(struct add *add, const char *text)
{
    const char *socket = behind(text, SOCKET_PREFIX);
    const char *gate = gate_of(text);

    require_plain("command", text);
    if (gate != NULL && !gates_is_name(gate))
        ctl_usage("add: '%s' is no name of a gate: it has a-z 0-9 _ -, a letter first", gate);
    if (gate == NULL && (socket != NULL ? socket : text)[0] != '/')
        ctl_usage("add: '%s' must be an absolute path: a command, or " SOCKET_PREFIX "PATH; or " GRANT_PREFIX
                  "GATE, or " REVOKE_PREFIX "GATE",
                  text);
    if (socket != NULL || gate != NULL)
        add->instead = text;
    else
        add->command = text;
}

static void read_arguments(struct add *add, int argc, char **argv)
{
    static const struct option options[] = {{"stretch", required_argument, NULL, 's'},
                                            {"totp", no_argument, NULL, 't'},
                                            {"hotp", no_argument, NULL, 'h'},
                                            {"from-usersfile", required_argument, NULL, 'u'},
                                            {NULL, 0, NULL, 0}};
    char **arguments;
    int option;

    while ((option = ctl_option(argc, argv, ":", options)) != -1) {
        if (option == 's') {
            add->stretch = optarg;
            continue;
        }
        if (add->has_codes)
            ctl_usage("add: an action has one of --totp, --hotp and --from-usersfile");
        add->has_codes = true;
        add->kind = option == 'h' ? CODES_HOTP : CODES_TOTP;
        add->users_file = option == 'u' ? optarg : NULL;
    }
    if (add->stretch != NULL)
        ctl_passphrase_label("add", add->stretch, &add->label);
    arguments = ctl_arguments(argc, argv, 2, 3);
    add->name = arguments[0];
    add->user = arguments[2];
    require_name(add->name);
    take_deed(add, arguments[1]);
    if (add->user != NULL && behind(add->instead, SOCKET_PREFIX) != NULL)
        ctl_usage("add: what listens at a socket decides as which user it runs: leave '%s' out", add->user);
    if (add->user != NULL && add->instead != NULL)
        ctl_usage("add: a gate is opened by root alone, and for whom is the name: leave '%s' out", add->user);
    if (add->user != NULL)
        require_plain("user", add->user);
    if (add->user != NULL && strchr(add->user, '=') != NULL)
        ctl_usage("add: '%s' cannot stand in an ACTION line as a user, as it has a '=': write the user's number",
                  add->user);
    snprintf(add->file_name, sizeof(add->file_name), "%s.secret", add->name);
}

/* ---- the configuration that is to be --------------------------------------------------------------------------- */

static const char *option_of(const struct add *add)
{
    return add->kind == CODES_TOTP ? "totp=" : "hotp=";
}

/* For a configuration that is not there yet: who may read it. */
static enum ctl_status choose_owner(struct add *add)
{
    const struct group *group;

    add->edit.uid = geteuid();
    add->edit.gid = getegid();
    add->edit.mode = 0600;
    if (add->layout != CTL_SEALED || geteuid() != 0)
        return CTL_OK;
    group = getgrnam(CTL_SEALED_USER);
    if (group == NULL) {
        warnx("there is no group " CTL_SEALED_USER ": run 'systemd-sysusers'");
        return CTL_CONFIG;
    }
    add->edit.gid = group->gr_gid;
    add->edit.mode = 0640;
    return CTL_OK;
}

/* The new line, with the secret at this path, and the key at the other, goes behind what is there, which may lack its
 * last line feed. */
static enum ctl_status compose(struct add *add, const char *secret_path, const char *key_path)
{
    const struct ctl_edit *edit = &add->edit;
    const char *start = edit->exists ? "" : add->layout == CTL_SEALED ? sealed_start : ordinary_start;
    const char *gap = edit->len > 0 && edit->text.bytes[edit->len - 1] != '\n' ? "\n" : "";
    const size_t room = edit->len + strlen(start) + 4 * (size_t)PATH_MAX;
    char *at;

    locked_free(&add->text);
    if (locked_new(room, &add->text) != 0) {
        warn("no locked memory for the configuration");
        return CTL_OS;
    }
    if (edit->len > 0)
        memcpy(add->text.bytes, edit->text.bytes, edit->len);
    at = (char *)add->text.bytes + edit->len;
    add->len = edit->len;
    add->len += (size_t)snprintf(
        at, room - edit->len, "%s%sACTION=\"\",\"%s\"%s%s%s,\"name=%s\",%s%s%s\"secret-file=%s\"%s%s%s%s\n", start, gap,
        add->command != NULL ? add->command : "", add->user != NULL ? ",\"" : "", add->user != NULL ? add->user : "",
        add->user != NULL ? "\"" : "", add->name, add->instead != NULL ? "\"" : "",
        add->instead != NULL ? add->instead : "", add->instead != NULL ? "\"," : "", secret_path,
        add->has_codes ? ",\"" : "", add->has_codes ? option_of(add) : "", add->has_codes ? key_path : "",
        add->has_codes ? "\"" : "");
    if (add->len >= room) {
        errno = ENAMETOOLONG;
        return ctl_complain(add->command != NULL ? add->command : add->instead);
    }
    add->number = 0;
    for (size_t i = 0; i < add->len; i++)
        add->number += add->text.bytes[i] == '\n';
    return CTL_OK;
}

/* Of the lines that were there before, only what is an error concerns us. */
static void take_finding(void *context, const struct config_finding *finding)
{
    struct add *add = context;
    struct ctl_findings findings = {.out = stderr};

    if (finding->severity == CONFIG_ERROR || (finding->line == add->number && !add->quiet))
        ctl_take_finding(&findings, finding);
}

static int parse(struct add *add, bool with_secrets)
{
    const struct config_reader reader = {
        .path = add->edit.path,
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
        .with_secrets = with_secrets,
        .may_lack_credentials = true,
        .report = take_finding,
        .context = add,
    };
    struct config *config = &add->ctl->config;
    struct locked copy; /* the parser takes it apart */
    int status;

    add->quiet = !with_secrets; /* it will be parsed once more */
    config_free(config);
    if (locked_new(add->len + 1, &copy) != 0) {
        warn("no locked memory for the configuration");
        return -1;
    }
    memcpy(copy.bytes, add->text.bytes, add->len);
    status = config_parse((char *)copy.bytes, add->len, &reader, config);
    if (status == 0 && with_secrets && check_config(&reader, config) != CHECK_GOOD)
        status = -1;
    locked_free(&copy);
    return status;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Is it what was asked for? */
static bool does_it(const struct add *add, const struct config_entry *entry)
{
    return same(entry->command, add->command) && same(entry->socket, behind(add->instead, SOCKET_PREFIX)) &&
           same(entry->gate, gate_of(add->instead)) && entry->revoke == (behind(add->instead, REVOKE_PREFIX) != NULL) &&
           (add->user == NULL || same(entry->user, add->user));
}

/* The line must say what was asked for, and its name must be its own. */
static enum ctl_status find_entry(struct add *add)
{
    const struct config *config = &add->ctl->config;

    add->entry = NULL;
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entries[i];

        if (entry->line == add->number) {
            add->entry = entry;
        } else if (!entry->kill && strcmp(entry->name, add->name) == 0) {
            warnx("%s:%u: there is an action %s already: remove it first, or take another name", add->edit.path,
                  entry->line, add->name);
            return CTL_NOT_SO;
        }
    }
    if (add->entry != NULL && same(add->entry->name, add->name) && does_it(add, add->entry))
        return CTL_OK;
    warnx("%s: the line for it would not say what you have asked for", add->edit.path);
    return CTL_CONFIG;
}

/* As whoever the handler will be. */
static enum ctl_status examine(struct add *add)
{
    int status;

    if (add->layout == CTL_SEALED && geteuid() == 0 && ctl_be_sealed() != 0) {
        warn("cannot work as the user " CTL_SEALED_USER ", as whom the handler runs");
        return CTL_CONFIG;
    }
    if (add->layout == CTL_SEALED && add->edit.exists && faccessat(AT_FDCWD, add->edit.path, R_OK, AT_EACCESS) != 0) {
        ctl_be_root();
        warnx("%s: the user " CTL_SEALED_USER ", as whom the handler runs, cannot read it: chown root:" CTL_SEALED_USER
              ", and chmod 640",
              add->edit.path);
        return CTL_CONFIG;
    }
    status = parse(add, true);
    ctl_be_root();
    if (status == 0)
        return find_entry(add);
    warnx("with these errors the configuration stays as it was%s",
          add->layout == CTL_SEALED ? "; they are what the user " CTL_SEALED_USER " meets" : "");
    return CTL_CONFIG;
}

/* ---- what is around it ----------------------------------------------------------------------------------------- */

/* Where it is missing. An empty one of root's is what an interrupted command has left of the sealed door's. */
static enum ctl_status make_state_dir(struct add *add)
{
    const struct passwd *sealed = add->layout == CTL_SEALED && geteuid() == 0 ? getpwnam(CTL_SEALED_USER) : NULL;
    struct stat status;

    if (sealed != NULL && lstat(add->state_dir, &status) == 0 && status.st_uid == 0)
        rmdir(add->state_dir);
    if (mkdir(add->state_dir, 0700) != 0)
        return errno == EEXIST ? CTL_OK : ctl_complain(add->state_dir);
    add->made_state_dir = true;
    if (sealed != NULL && chown(add->state_dir, sealed->pw_uid, sealed->pw_gid) != 0)
        return ctl_complain(add->state_dir);
    return CTL_OK;
}

static enum ctl_status make_file(struct add *add, struct ctl_secret *secret, const uint8_t *bytes, size_t len)
{
    enum ctl_status status = ctl_secret_make_directory(secret, &add->edit);
    bool swept = false;

    if (status == CTL_OK && ctl_secret_shared(add->ctl, secret->path, add->number) == NULL)
        status = ctl_secret_sweep(secret, &swept);
    add->swept |= swept;
    if (status == CTL_OK && ctl_secret_exists(secret)) {
        warnx("%s: it is there, and is not overwritten: take another name, or remove it if nothing uses it",
              secret->path);
        return CTL_NOT_SO;
    }
    if (status == CTL_OK)
        status = ctl_secret_write(secret, &add->edit, bytes, len);
    return status;
}

static enum ctl_status make_secrets(struct add *add)
{
    enum ctl_status status = make_file(add, &add->secret, add->line.bytes, add->line_len);

    if (status == CTL_OK && add->has_codes)
        status = make_file(add, &add->key, add->enrol.file.bytes, add->enrol.len);
    return status;
}

/* A new one, which is tried out, or one that is in use already. */
static enum ctl_status think_of_key(struct add *add)
{
    enum ctl_status status;

    if (!add->has_codes)
        return CTL_OK;
    status = add->users_file != NULL ? ctl_enrol_import(add->users_file, add->name, &add->enrol)
                                     : ctl_enrol_new(add->kind, add->name, &add->enrol);
    if (status == CTL_OK)
        add->kind = add->enrol.way.kind;
    snprintf(add->key_name, sizeof(add->key_name), "%s.%s", add->name, add->kind == CODES_TOTP ? "totp" : "hotp");
    return status;
}

/* A new one, or that of a passphrase, which is asked for. */
static enum ctl_status think_of_secret(struct add *add)
{
    if (add->stretch != NULL) {
        add->line_len = CTL_PASSPHRASE_LINE;
        return ctl_passphrase_secret(&add->label, &add->line);
    }
    add->line_len = CTL_SECRET_LINE;
    ctl_secret_new(&add->line);
    return CTL_OK;
}

/* ---- the steps ------------------------------------------------------------------------------------------------- */

/* Nothing is made here. */
static enum ctl_status prepare(struct add *add)
{
    const char *config_path = add->ctl->config_path;
    enum ctl_status status = ctl_edit_begin(config_path, &add->edit);

    add->layout = ctl_layout_of(&add->listeners, config_path, NULL);
    if (status == CTL_OK && !add->edit.exists)
        status = choose_owner(add);
    if (status == CTL_OK)
        status = compose(add, add->secret.path, add->key.path);
    if (status == CTL_OK && parse(add, false) != 0)
        status = CTL_CONFIG;
    if (status != CTL_OK)
        return status;
    snprintf(add->state_dir, sizeof(add->state_dir), "%s", add->ctl->config.state_dir);
    add->layout = ctl_layout_of(&add->listeners, config_path, add->state_dir);
    return find_entry(add);
}

/* The secret is under its mark only while all is looked at, and then the line that names it there is written anew. */
static enum ctl_status make(struct add *add)
{
    enum ctl_status status = make_secrets(add);

    if (status == CTL_OK)
        status = make_state_dir(add);
    if (status == CTL_OK)
        status = compose(add, add->secret.mark_path, add->key.mark_path);
    if (status == CTL_OK)
        status = examine(add);
    if (status == CTL_OK && add->has_codes)
        ctl_used_begin(add->ctl, &add->entry->codes, add->enrol.next);
    if (status == CTL_OK)
        status = compose(add, add->secret.path, add->key.path);
    if (status == CTL_OK)
        status = ctl_secret_publish(&add->secret);
    if (status == CTL_OK && add->has_codes)
        status = ctl_secret_publish(&add->key);
    if (status == CTL_OK)
        status = ctl_edit_replace(&add->edit, add->text.bytes, add->len);
    return status;
}

static void undo(struct add *add)
{
    if (add->has_codes)
        ctl_secret_undo(&add->key);
    ctl_secret_undo(&add->secret);
    if (add->made_state_dir)
        rmdir(add->state_dir);
}

/* ---- what to say of it ----------------------------------------------------------------------------------------- */

static enum ctl_layout layout_of(const struct add *add)
{
    return add->layout == CTL_SEALED ? CTL_SEALED : CTL_ORDINARY;
}

/* ADDR[:PORT] as the client takes it. */
static void format_target(const struct add *add, char text[static 512])
{
    const unsigned port = ctl_knock_port(add->ctl, &add->listeners.sockets[layout_of(add)]);
    const char *ip = add->ctl->config.local_ip;
    char host[256] = "";
    bool brackets;

    /* An address with a zone is one on this machine's link, and means nothing elsewhere. */
    if (ip != NULL && strcmp(ip, "::") != 0 && strcmp(ip, "0.0.0.0") != 0 && strchr(ip, '%') == NULL)
        snprintf(host, sizeof(host), "%s", ip);
    else if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        snprintf(host, sizeof(host), "HOST");
    brackets = strchr(host, ':') != NULL && port != CTL_PORT;
    snprintf(text, 512, "%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "");
    if (port != CTL_PORT)
        snprintf(text + strlen(text), 512 - strlen(text), ":%u", port);
}

/* With which commands the socket serves this door, if it does not. That of a closed door cannot be started. */
static void print_socket(const struct add *add, bool closed)
{
    const struct units_socket *socket = &add->listeners.sockets[layout_of(add)];
    const char *name = ctl_socket_names[layout_of(add)];
    const bool here = units_is_at(socket, add->state_dir);

    if (here && socket->active && (ctl_is_deaf(socket) || !ctl_listens_as_written(&add->ctl->config, socket)))
        printf("Still to be done here, for %s does not listen there yet:\n"
               "    systemctl daemon-reload && systemctl restart %s\n",
               name, name);
    else if (here && socket->active)
        printf("%s is listening: nothing has to be restarted.\n", name);
    else if (!here || !socket->enabled || !closed)
        printf("Still to be done here:\n    systemctl daemon-reload && systemctl enable --now %s\n", name);
}

static bool is_closed(const struct add *add, struct ctl_closed *door)
{
    enum store_fault fault;
    int dir_fd;

    if (ctl_try_directory(add->ctl, &dir_fd) != STORE_OK)
        return false;
    fault = ctl_read_closed(dir_fd, which_door(add->ctl->config_path), door);
    close(dir_fd);
    return fault == STORE_OK && door->closed;
}

static void print_listener(const struct add *add)
{
    struct ctl_closed door;
    const bool closed = is_closed(add, &door);
    char xinetd[PATH_MAX];
    bool heard;

    if (ctl_xinetd_is_on(add->ctl->config_path, xinetd, &heard))
        printf(heard ? "xinetd is to listen, by %s: nothing has to be restarted.\n"
                     : "Still to be done here: start xinetd, or have it read %s anew, for nobody listens there yet.\n",
               xinetd);
    else if (add->listeners.fault == UNITS_NO_SYSTEMD)
        puts("Still to be done, if nothing listens yet: let xinetd or inetd start ostiaryd, see ostiaryd(8).");
    else
        print_socket(add, closed);
    if (!ctl_is_default_config(add->edit.path))
        printf("What listens goes by another file, unless it starts 'ostiaryd -c %s'.\n", add->edit.path);
    if (closed)
        printf("The door is closed%s%s: %s. Nobody is served until\n    ostiaryctl -c %s open\n",
               door.has_since ? " since " : "", door.since, ctl_closed_reason(&door), add->edit.path);
}

static void report(const struct add *add)
{
    const char *code = add->has_codes ? " --code" : "";
    char target[512];
    char host[256] = "HOST";

    format_target(add, target);
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        snprintf(host, sizeof(host), "HOST");
    if (add->swept)
        printf("%s: a secret that an interrupted command had left, and nothing used, is removed\n", add->secret.path);
    if (add->command != NULL)
        ctl_changed("action %s is added in line %u of %s, as user %s, with its secret in %s", add->name, add->number,
                    add->edit.path, add->entry->user, add->secret.path);
    else
        ctl_changed("action %s is added in line %u of %s, with its secret in %s", add->name, add->number,
                    add->edit.path, add->secret.path);
    if (add->stretch != NULL)
        printf("The secret is made of the passphrase by the label %s. Who knows both knocks with\n"
               "    ostclient -w --stretch %s%s %s\n",
               add->stretch, add->stretch, code, target);
    else
        printf("The client has to have a copy of the secret. There, as root, with who is to knock behind -o:\n"
               "    ssh root@%s cat %s | install -D -m 400 -o root /dev/stdin " CLIENT_DIRECTORY "/%s\n"
               "Then he knocks with\n"
               "    ostclient -w -k " CLIENT_DIRECTORY "/%s%s %s\n",
               host, add->secret.path, add->file_name, add->file_name, code, target);
    if (add->has_codes)
        puts("and a code of the telephone or token, for which --code asks; the one that was typed here is used up.");
    if (add->has_codes && add->kind == CODES_TOTP)
        printf("A cron job can make it of a copy of %s: --totp " CLIENT_DIRECTORY "/%s in place of --code.\n",
               add->key.path, add->key_name);
    print_listener(add);
    if (gate_of(add->instead) != NULL)
        ctl_print_gate(add->ctl, gate_of(add->instead), behind(add->instead, REVOKE_PREFIX) != NULL);
}

enum ctl_status ctl_add(struct ctl *ctl, int argc, char **argv)
{
    struct add add = {
        .ctl = ctl, .edit = {.dir_fd = -1, .new_fd = -1}, .secret = {.dir_fd = -1}, .key = {.dir_fd = -1}};
    enum ctl_status status;

    read_arguments(&add, argc, argv);
    ctl_hide_memory();
    status = think_of_secret(&add);
    if (status == CTL_OK)
        status = think_of_key(&add);
    if (status != CTL_OK) {
        locked_free(&add.line);
        return status;
    }
    ctl_read_listeners(&add.listeners);
    status = ctl_secret_open(ctl->config_path, add.file_name, &add.secret);
    if (status == CTL_OK && add.has_codes)
        status = ctl_secret_open(ctl->config_path, add.key_name, &add.key);
    if (status == CTL_OK) {
        require_plain("directory of the configuration", add.secret.directory);
        status = prepare(&add);
    }
    if (status == CTL_OK)
        status = make(&add);
    if (add.edit.replaced) {
        const enum ctl_status unmarked = ctl_secret_unmark(&add.secret);

        status = status == CTL_OK ? unmarked : status;
        if (add.has_codes)
            (void)ctl_secret_unmark(&add.key);
        report(&add);
    } else {
        undo(&add);
    }
    ctl_secret_close(&add.secret);
    ctl_secret_close(&add.key);
    locked_free(&add.enrol.file);
    ctl_edit_end(&add.edit);
    locked_free(&add.text);
    locked_free(&add.line);
    return status;
}
