/*
 * agent_private.h - what the files of the agent share.
 */
#ifndef HF_SPOP_AGENT_PRIVATE_H
#define HF_SPOP_AGENT_PRIVATE_H

#include "base/list.h"
#include "spop/agent.h"

struct hf_listener;
struct spop_conn;

struct hf_spop_agent {
    struct hf_spop_agent_config config;
    struct hf_loop *loop;
    struct hf_listener *listener;
    struct hf_list conns; /* struct spop_conn */
    size_t conn_count;
};

/* Serves an accepted connection. */
void hf_spop_conn_new(struct hf_spop_agent *agent, int fd);

/* Any connection, or NULL. */
struct spop_conn *hf_spop_first_conn(const struct hf_spop_agent *agent);

/* Sends AGENT-DISCONNECT, as far as the socket takes it, and closes. */
void hf_spop_conn_dismiss(struct spop_conn *conn);

#endif
