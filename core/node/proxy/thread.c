/*
 * thread.c - one I/O thread's share of a proxy: callers' connections.
 */
#include "node/proxy/thread.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "node/proxy/call.h"

#define THREAD_MAGIC HF_MAGIC('p', 't', 'h', 'r')
#define CONN_MAGIC   HF_MAGIC('p', 'c', 'o', 'n')

HF_LOG_MODULE(proxy);

/* --- connections --------------------------------------------------------- */

static void
on_request(struct hf_h2_conn *h2, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
           bool end)
{
    struct hf_proxy_conn *conn = hf_cast(hf_h2_conn_arg(h2), struct hf_proxy_conn, CONN_MAGIC);

    hf_proxy_call_begin(conn, stream, fields, end);
}

/* Port checks connect and close without a byte; that is not worth a line. */
static int
end_level(enum hf_h2_end end)
{
    return end == HF_H2_END_PROTOCOL || end == HF_H2_END_TIMEOUT ? HF_LOG_INFO : HF_LOG_DEBUG;
}

static void
on_closed(struct hf_h2_conn *h2, enum hf_h2_end end, const char *text)
{
    struct hf_proxy_conn *conn = hf_cast(hf_h2_conn_arg(h2), struct hf_proxy_conn, CONN_MAGIC);
    struct hf_proxy_thread *thread = conn->thread;

    hf_log_limited(end_level(end), "caller's connection ended",
                   HF_KV_STR("peer", hf_h2_conn_peer(h2)), HF_KV_STR("why", text));
    hf_list_remove(&conn->link);
    hf_callee_unref(conn->last);
    conn->magic = 0;
    free(conn);
    hf_loop_load_add(thread->loop, -1);
    atomic_fetch_sub_explicit(&thread->conn_count, 1, memory_order_relaxed);
    hf_proxy_thread_check_drained(thread);
}

static const struct hf_h2_conn_ops conn_ops = {
    .on_request = on_request,
    .on_closed = on_closed,
};

void
hf_proxy_thread_accept(struct hf_proxy_thread *thread, int fd)
{
    struct hf_proxy_conn *conn = calloc(1, sizeof *conn);
    struct hf_err err = HF_ERR_INIT;
    const struct hf_h2_conn_config config = {
        .loop = thread->loop,
        .side = HF_H2_SERVER,
        .fd = fd,
        .options = &thread->shared->h2,
        .ops = &conn_ops,
        .arg = conn,
    };

    if (!conn || thread->draining) {
        free(conn);
        close(fd);
        hf_loop_load_add(thread->loop, -1);
        return;
    }
    conn->magic = CONN_MAGIC;
    conn->thread = thread;
    if (hf_h2_conn_new(&config, &conn->h2, &err) < 0) {
        hf_log_limited(HF_LOG_WARNING, "can't serve a connection", HF_KV_ERR(&err));
        free(conn);
        hf_loop_load_add(thread->loop, -1);
        return;
    }
    hf_list_append(&thread->conns, &conn->link);
    atomic_fetch_add_explicit(&thread->conn_count, 1, memory_order_relaxed);
}

struct hf_callee *
hf_proxy_conn_recall(struct hf_proxy_conn *conn, const char *id, size_t len)
{
    struct hf_callee *last = conn->last;

    if (!last || !hf_callee_is(last, id, len)) {
        return NULL;
    }
    if (hf_callee_is_retired(last)) {
        conn->last = NULL;
        hf_callee_unref(last);
        return NULL;
    }
    return hf_callee_ref(last);
}

void
hf_proxy_conn_remember(struct hf_proxy_conn *conn, struct hf_callee *callee)
{
    if (conn->last != callee) {
        hf_callee_unref(conn->last);
        conn->last = hf_callee_ref(callee);
    }
}

/* --- the thread ---------------------------------------------------------- */

int
hf_proxy_thread_new(const struct hf_proxy_shared *shared, struct hf_loop *loop, uint32_t index,
                    struct hf_proxy_thread **ret, struct hf_err *err)
{
    struct hf_proxy_thread *thread = calloc(1, sizeof *thread);

    if (!thread) {
        return hf_fail(err, HF_ENOMEM, "proxy: no memory for an I/O thread");
    }
    thread->magic = THREAD_MAGIC;
    thread->index = index;
    thread->shared = shared;
    thread->loop = loop;
    thread->share.budget = shared->budget;
    hf_list_init(&thread->conns);
    hf_random_init(&thread->random, shared->seed + index);
    *ret = thread;
    return 0;
}

void
hf_proxy_thread_check_drained(struct hf_proxy_thread *thread)
{
    if (thread->draining && !thread->drained && hf_list_is_empty(&thread->conns) &&
        atomic_load_explicit(&thread->call_count, memory_order_relaxed) == 0) {
        thread->drained = true;
        thread->shared->on_thread_drained(thread->shared->proxy);
    }
}

void
hf_proxy_thread_drain(struct hf_proxy_thread *thread)
{
    struct hf_proxy_conn *conn;

    thread->draining = true;
    HF_LIST_FOR (conn, &thread->conns, link) {
        hf_h2_conn_drain(conn->h2);
    }
    hf_proxy_thread_check_drained(thread);
}

void
hf_proxy_thread_cut(struct hf_proxy_thread *thread)
{
    struct hf_proxy_conn *conn;

    thread->draining = true;
    HF_LIST_FOR (conn, &thread->conns, link) {
        hf_h2_conn_close(conn->h2, HF_H2_NO_ERROR);
    }
    hf_proxy_thread_check_drained(thread);
}

void
hf_proxy_thread_free(struct hf_proxy_thread *thread)
{
    if (!thread) {
        return;
    }
    hf_assert(hf_list_is_empty(&thread->conns));
    hf_proxy_call_free_spares(thread);
    hf_budget_close(&thread->share);
    thread->magic = 0;
    free(thread);
}
