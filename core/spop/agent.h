/*
 * agent.h - the agent: HAProxy connects, asks in messages, and is told what to do.
 *
 * It listens on one address and serves a bounded number of connections, each with
 * buffers of a fixed size: while HAProxy does not take the answers, no more questions are
 * read.  Whoever sends what no HAProxy would is disconnected, with the reason.  Answers are
 * given at once, in the order of the questions.  All functions on the loop's thread.
 */
#ifndef HF_SPOP_AGENT_H
#define HF_SPOP_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "spop/message.h"

struct hf_err;
struct hf_loop;
struct hf_spop_agent;

/* How much one agent takes upon itself. */
struct hf_spop_limits {
    size_t max_conns;     /* more are closed at once */
    uint64_t hello_ns;    /* from a connection to its HELLO */
    uint64_t transfer_ns; /* for the rest of a frame, and for taking an answer */
    uint64_t idle_ns;     /* without a frame; above HAProxy's own `timeout idle` */
};

/* clang-format off */
#define HF_SPOP_LIMITS_DEFAULT \
    { .max_conns = 1024, .hello_ns = 5 * HF_SEC, .transfer_ns = 10 * HF_SEC, .idle_ns = 600 * HF_SEC }
/* clang-format on */

struct hf_spop_agent_config {
    const char *address; /* "HOST:PORT", or "unix:PATH", whose socket gets mode 0660 */
    struct hf_spop_limits limits;

    /* Answers a message by writing actions; both are borrowed.  Must not free the agent. */
    void (*on_message)(void *arg, const struct hf_spop_message *message,
                       struct hf_spop_writer *actions);

    /* A connection ends for the reason given in `what`, which is not that all is well. */
    void (*on_trouble)(void *arg, const char *what);
    void *arg;
};

int hf_spop_agent_new(struct hf_loop *loop, const struct hf_spop_agent_config *config,
                      struct hf_spop_agent **ret, struct hf_err *err);

/* Sends AGENT-DISCONNECT to everybody and closes.  NULL is allowed. */
void hf_spop_agent_free(struct hf_spop_agent *agent);

/* The address as bound. */
const char *hf_spop_agent_address(const struct hf_spop_agent *agent);

/* Connections now. */
size_t hf_spop_agent_conns(const struct hf_spop_agent *agent);

#endif
