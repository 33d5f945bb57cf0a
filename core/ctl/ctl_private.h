/*
 * ctl_private.h - what the files of the control socket share.
 */
#ifndef HF_CTL_CTL_PRIVATE_H
#define HF_CTL_CTL_PRIVATE_H

#include "base/list.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/words.h"

struct ctl_conn;
struct hf_listener;

/* A path that is listened on. */
struct ctl_socket {
    struct hf_list node;
    struct hf_listener *listener;
};

/* A table of commands with the argument of their handlers. */
struct ctl_table {
    struct hf_list node;
    const struct hf_ctl_command *commands;
    void *arg;
};

struct hf_ctl {
    struct hf_loop *loop;
    struct hf_list sockets; /* struct ctl_socket */
    struct hf_list tables;  /* struct ctl_table */
    struct hf_list conns;   /* struct ctl_conn */
    unsigned int conn_count;
};

/* A request on its way to its answer. */
struct hf_ctl_call {
    struct ctl_conn *conn; /* NULL: it has gone */
    const struct hf_ctl_command *command;
    struct hf_text out;
    char *line; /* holds the words */
    char *words[HF_CTL_WORDS_MAX];
    unsigned int first; /* index of the command's first argument */
    unsigned int count; /* of words */
    bool json;
    bool in_handler;
};

/* Finds the command of a request and runs its handler; answers through
 * `hf_ctl_conn_answer`, now or later.  `line` is taken over. */
void hf_ctl_dispatch(struct hf_ctl *ctl, struct ctl_conn *conn, char *line);

/* Sends an answer: `body` is output, or the message of a negative code. */
void hf_ctl_conn_answer(struct ctl_conn *conn, int code, const char *body, size_t len);

/* Says to a connection which call it is waiting for, so that it can tell the call when it goes. */
void hf_ctl_conn_set_call(struct ctl_conn *conn, struct hf_ctl_call *call);

/* Serves an accepted connection. */
void hf_ctl_conn_new(struct hf_ctl *ctl, int fd);
void hf_ctl_conn_free(struct ctl_conn *conn);

/* Any connection, or NULL. */
struct ctl_conn *hf_ctl_first_conn(const struct hf_ctl *ctl);

/* Whether no connection of the `struct hf_ctl` waits for an answer, or for room to send it. */
bool hf_ctl_conns_answered(void *ctl);

/* The commands that every node has: counters, fault, log, version. */
extern const struct hf_ctl_command hf_ctl_builtin[];

#endif
