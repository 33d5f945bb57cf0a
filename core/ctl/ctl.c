/*
 * ctl.c - the registry of commands, and requests from line to answer.
 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "ctl/ctl_private.h"
#include "loop/kin.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/peer.h"

/* For answers under way when the sockets are closed. */
#define ANSWER_LIMIT_NS HF_SEC

/* --- commands ------------------------------------------------------------------------------ */

static const struct hf_ctl_command *
find_command(const struct hf_ctl *ctl, const char *name, void **ret_arg)
{
    struct ctl_table *table;

    HF_LIST_FOR (table, &ctl->tables, node) {
        for (const struct hf_ctl_command *command = table->commands; command->name; command++) {
            if (strcmp(command->name, name) == 0) {
                *ret_arg = table->arg;
                return command;
            }
        }
    }
    return NULL;
}

int
hf_ctl_register(struct hf_ctl *ctl, const struct hf_ctl_command *commands, void *arg,
                struct hf_err *err)
{
    struct ctl_table *table;
    void *other;

    for (const struct hf_ctl_command *command = commands; command->name; command++) {
        if (find_command(ctl, command->name, &other)) {
            return hf_fail(err, HF_EEXISTS, "control command '%s' exists already", command->name);
        }
    }
    table = calloc(1, sizeof *table);
    if (!table) {
        return hf_fail(err, HF_ENOMEM, "control commands: out of memory");
    }
    table->commands = commands;
    table->arg = arg;
    hf_list_append(&ctl->tables, &table->node);
    return 0;
}

void
hf_ctl_unregister(struct hf_ctl *ctl, const struct hf_ctl_command *commands, void *arg)
{
    struct ctl_table *table;
    struct ctl_table *next;

    HF_LIST_FOR_SAFE (table, next, &ctl->tables, node) {
        if (table->commands == commands && table->arg == arg) {
            hf_list_remove(&table->node);
            free(table);
        }
    }
}

/* --- help ---------------------------------------------------------------------------------- */

static int
compare_commands(const void *a, const void *b)
{
    const struct hf_ctl_command *const *x = a;
    const struct hf_ctl_command *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* All commands, sorted by name; to be freed. */
static const struct hf_ctl_command **
sorted_commands(const struct hf_ctl *ctl, size_t *ret_count)
{
    const struct hf_ctl_command **all;
    struct ctl_table *table;
    size_t count = 0;

    HF_LIST_FOR (table, &ctl->tables, node) {
        for (const struct hf_ctl_command *command = table->commands; command->name; command++) {
            count++;
        }
    }
    all = calloc(count ? count : 1, sizeof *all);
    if (!all) {
        return NULL;
    }
    count = 0;
    HF_LIST_FOR (table, &ctl->tables, node) {
        for (const struct hf_ctl_command *command = table->commands; command->name; command++) {
            all[count++] = command;
        }
    }
    qsort(all, count, sizeof *all, compare_commands);
    *ret_count = count;
    return all;
}

static void
help_json(const struct hf_ctl_command *const *commands, size_t count, struct hf_text *out)
{
    struct hf_json json;

    hf_json_init(&json, out);
    hf_json_array(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        hf_json_object(&json, NULL);
        hf_json_str(&json, "name", commands[i]->name);
        hf_json_str(&json, "arguments", commands[i]->arguments);
        hf_json_str(&json, "help", commands[i]->help);
        hf_json_end(&json);
    }
    hf_json_end(&json);
    hf_text_add_char(out, '\n');
}

static int
help(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    size_t count = 0;
    const struct hf_ctl_command **commands = sorted_commands(arg, &count);

    if (!commands) {
        return hf_fail(err, HF_ENOMEM, "help: out of memory");
    }
    if (call->json) {
        help_json(commands, count, &call->out);
    } else {
        for (size_t i = 0; i < count; i++) {
            hf_text_printf(&call->out, "%s%s%s\n    %s\n", commands[i]->name,
                           *commands[i]->arguments ? " " : "", commands[i]->arguments,
                           commands[i]->help);
        }
    }
    free(commands);
    return 0;
}

static const struct hf_ctl_command help_commands[] = {
    { "help", "", "Lists the commands that this node has.", 0, 0, true, help },
    { .name = NULL },
};

/* --- requests ------------------------------------------------------------------------------ */

static void
free_call(struct hf_ctl_call *call)
{
    hf_text_fini(&call->out);
    free(call->line);
    free(call);
}

/* Sends what the handler of `call` left, and forgets the call. */
static void
finish(struct hf_ctl_call *call, int code, const struct hf_err *err)
{
    struct ctl_conn *conn = call->conn;

    if (conn) {
        hf_autotext struct hf_text quoted;

        hf_text_init(&quoted);
        hf_ctl_conn_set_call(conn, NULL);
        if (code < 0) {
            const char *message = hf_err_message(err);

            hf_ctl_conn_answer(conn, code, message, strlen(message));
        } else if (call->json && !call->command->json) {
            hf_text_add_json(&quoted, hf_text_str(&call->out), call->out.len);
            hf_text_add_char(&quoted, '\n');
            hf_ctl_conn_answer(conn, 0, hf_text_str(&quoted), quoted.len);
        } else {
            hf_ctl_conn_answer(conn, 0, hf_text_str(&call->out), call->out.len);
        }
    }
    free_call(call);
}

void
hf_ctl_finish(struct hf_ctl_call *call, int code, const struct hf_err *err)
{
    hf_assert(!call->in_handler);
    finish(call, code, err);
}

/* Splits the line and checks it against the command's row. */
static int
parse(struct hf_ctl *ctl, struct hf_ctl_call *call, void **ret_arg, struct hf_err *err)
{
    int count = hf_ctl_words_split(call->line, call->words, err);
    unsigned int args;

    if (count < 0) {
        return count;
    }
    call->count = (unsigned int)count;
    if (call->count > 0 && strcmp(call->words[0], "--json") == 0) {
        call->json = true;
        call->first = 1;
    }
    if (call->first == call->count) {
        return hf_fail(err, HF_EINVALID, "no command; 'help' lists the commands there are");
    }
    call->command = find_command(ctl, call->words[call->first], ret_arg);
    if (!call->command) {
        return hf_fail(err, HF_ENOTFOUND,
                       "there is no command '%s'; 'help' lists the commands there are",
                       call->words[call->first]);
    }
    call->first++;
    args = call->count - call->first;
    if (args < call->command->min_args || args > call->command->max_args) {
        return hf_fail(err, HF_EINVALID, "%u arguments for '%s'; usage: %s %s", args,
                       call->command->name, call->command->name, call->command->arguments);
    }
    return 0;
}

void
hf_ctl_dispatch(struct hf_ctl *ctl, struct ctl_conn *conn, char *line)
{
    struct hf_err err = HF_ERR_INIT;
    struct hf_ctl_call *call = calloc(1, sizeof *call);
    void *arg = NULL;
    int r;

    if (!call) {
        free(line);
        hf_ctl_conn_answer(conn, HF_ENOMEM, "out of memory", strlen("out of memory"));
        return;
    }
    call->conn = conn;
    call->line = line;
    hf_text_init(&call->out);
    hf_ctl_conn_set_call(conn, call);
    r = parse(ctl, call, &arg, &err);
    if (r == 0) {
        call->in_handler = true;
        r = call->command->fn(arg, call, &err);
        call->in_handler = false;
    }
    if (r != HF_CTL_LATER) {
        finish(call, r, &err);
    }
}

/* --- for handlers -------------------------------------------------------------------------- */

unsigned int
hf_ctl_argc(const struct hf_ctl_call *call)
{
    return call->count - call->first;
}

const char *
hf_ctl_arg(const struct hf_ctl_call *call, unsigned int i)
{
    return i < hf_ctl_argc(call) ? call->words[call->first + i] : NULL;
}

bool
hf_ctl_json(const struct hf_ctl_call *call)
{
    return call->json;
}

struct hf_text *
hf_ctl_out(struct hf_ctl_call *call)
{
    return &call->out;
}

/* --- life ---------------------------------------------------------------------------------- */

static void
on_accept(void *arg, int fd)
{
    struct hf_peer peer;

    /* The socket is its owner's alone; but so may be instances of functions that run as it. */
    hf_peer_of_socket(fd, &peer);
    if (peer.kind == HF_PEER_LOCAL && hf_kin_of_peer(fd, &peer) == HF_KIN_OURS) {
        close(fd);
        return;
    }
    hf_ctl_conn_new(arg, fd);
}

int
hf_ctl_new(struct hf_loop *loop, struct hf_ctl **ret, struct hf_err *err)
{
    struct hf_ctl *ctl = calloc(1, sizeof *ctl);
    int r;

    if (!ctl) {
        return hf_fail(err, HF_ENOMEM, "control socket: out of memory");
    }
    ctl->loop = loop;
    hf_list_init(&ctl->sockets);
    hf_list_init(&ctl->tables);
    hf_list_init(&ctl->conns);
    r = hf_ctl_register(ctl, help_commands, ctl, err);
    if (r == 0) {
        r = hf_ctl_register(ctl, hf_ctl_builtin, ctl, err);
    }
    if (r < 0) {
        hf_ctl_free(ctl);
        return r;
    }
    *ret = ctl;
    return 0;
}

int
hf_ctl_listen(struct hf_ctl *ctl, const char *path, struct hf_err *err)
{
    hf_autofree char *address = hf_strdup_printf("unix:%s", path);
    hf_autofree struct ctl_socket *socket = calloc(1, sizeof *socket);
    mode_t before;
    int r;

    if (!address || !socket) {
        return hf_fail(err, HF_ENOMEM, "control socket: out of memory");
    }
    before = umask(0177); /* 0600 from the first moment */
    r = hf_listener_new(ctl->loop, address, on_accept, ctl, &socket->listener, err);
    umask(before);
    if (r < 0) {
        return hf_err_wrap(err, r, "control socket");
    }
    hf_listener_set_use(socket->listener, HF_DESCRIPTORS_ALL, NULL);
    hf_list_append(&ctl->sockets, &socket->node);
    socket = NULL;
    return 0;
}

void
hf_ctl_close(struct hf_ctl *ctl)
{
    struct hf_list *node;

    if (!ctl) {
        return;
    }
    while ((node = hf_list_pop(&ctl->sockets))) {
        struct ctl_socket *socket = hf_container_of(node, struct ctl_socket, node);

        hf_listener_free(socket->listener);
        free(socket);
    }
    if (!hf_ctl_conns_answered(ctl)) {
        hf_loop_run_until(ctl->loop, hf_ctl_conns_answered, ctl, ANSWER_LIMIT_NS);
    }
    while (!hf_list_is_empty(&ctl->conns)) {
        hf_ctl_conn_free(hf_ctl_first_conn(ctl));
    }
}

void
hf_ctl_free(struct hf_ctl *ctl)
{
    struct hf_list *node;

    if (!ctl) {
        return;
    }
    hf_ctl_close(ctl);
    while ((node = hf_list_pop(&ctl->tables))) {
        free(hf_container_of(node, struct ctl_table, node));
    }
    free(ctl);
}
