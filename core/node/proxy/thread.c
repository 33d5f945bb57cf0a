/*
 * thread.c - one I/O thread's share of a proxy: callers' connections.
 */
#include "node/proxy/thread.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "node/proxy/call.h"
#include "node/proxy/origins.h"

#define THREAD_MAGIC HF_MAGIC('p', 't', 'h', 'r')
#define CONN_MAGIC   HF_MAGIC('p', 'c', 'o', 'n')

/* How many idle connections make room at once, and how long they must have been idle: those of
 * callers who call all the time are not. */
#define SHED_AT_ONCE 64
#define SHED_IDLE_NS (1 * HF_SEC)

HF_LOG_MODULE(proxy);

HF_COUNTER(proxy_crowded, "Connections closed at once: their address had as many as it may.");
HF_COUNTER(proxy_shed, "Idle connections closed because file descriptors ran short.");

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
    hf_origins_leave(thread->shared->origins, conn->origin);
    thread->shedding -= conn->is_shed;
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

static bool
is_stranger(enum hf_proxy_errors errors, const struct hf_address *peer)
{
    switch (errors) {
    case HF_PROXY_ERRORS_AUTO:
        return !hf_address_is_loopback(peer);
    case HF_PROXY_ERRORS_FULL:
        return false;
    case HF_PROXY_ERRORS_BRIEF:
        break;
    }
    return true;
}

/* Whether the peer may have one more connection. */
static bool
admit(struct hf_proxy_conn *conn, int fd)
{
    struct hf_address peer;
    char text[HF_ADDRESS_TEXT_MAX];

    if (conn->thread->draining || hf_address_of_peer(fd, &peer) < 0) {
        return false;
    }
    conn->is_stranger = is_stranger(conn->thread->shared->errors, &peer);
    if (hf_origins_enter(conn->thread->shared->origins, &peer, &conn->origin) == 0) {
        return true;
    }
    hf_count(&proxy_crowded);
    hf_address_format(&peer, text);
    hf_log_limited(HF_LOG_WARNING, "an address has as many connections as it may; closing new ones",
                   HF_KV_STR("peer", text));
    return false;
}

static void
turn_away(struct hf_proxy_conn *conn)
{
    struct hf_proxy_thread *thread = conn->thread;

    hf_origins_leave(thread->shared->origins, conn->origin);
    hf_loop_load_add(thread->loop, -1);
    free(conn);
}

/* On the thread that it was given to. */
static void
conn_begin(struct hf_task *task)
{
    struct hf_proxy_conn *conn = hf_container_of(task, struct hf_proxy_conn, begin);
    struct hf_proxy_thread *thread = conn->thread;
    struct hf_err err = HF_ERR_INIT;
    const struct hf_h2_conn_config config = {
        .loop = thread->loop,
        .side = HF_H2_SERVER,
        .fd = conn->fd,
        .options = &thread->shared->h2,
        .ops = &conn_ops,
        .arg = conn,
    };

    if (!admit(conn, conn->fd)) {
        close(conn->fd);
        turn_away(conn);
        return;
    }
    if (hf_h2_conn_new(&config, &conn->h2, &err) < 0) {
        hf_log_limited(HF_LOG_WARNING, "can't serve a connection", HF_KV_ERR(&err));
        turn_away(conn);
        return;
    }
    hf_list_append(&thread->conns, &conn->link);
    atomic_fetch_add_explicit(&thread->conn_count, 1, memory_order_relaxed);
}

void
hf_proxy_thread_give(struct hf_proxy_thread *thread, int fd)
{
    struct hf_proxy_conn *conn = calloc(1, sizeof *conn);

    if (!conn) {
        close(fd);
        return;
    }
    conn->magic = CONN_MAGIC;
    conn->thread = thread;
    conn->fd = fd;
    conn->begin.run = conn_begin;
    hf_loop_load_add(thread->loop, 1);
    hf_loop_post(thread->loop, &conn->begin);
}

/* The longest idle first; the array holds `n` of them in that order. */
static size_t
insert_idle(struct hf_proxy_conn **idle, size_t n, struct hf_proxy_conn *conn)
{
    uint64_t since = hf_h2_conn_idle_since(conn->h2);
    size_t at = n;

    while (at > 0 && hf_h2_conn_idle_since(idle[at - 1]->h2) > since) {
        at--;
    }
    if (at == SHED_AT_ONCE) {
        return n;
    }
    n = hf_min(n + 1, (size_t)SHED_AT_ONCE);
    memmove(&idle[at + 1], &idle[at], (n - at - 1) * sizeof(struct hf_proxy_conn *));
    idle[at] = conn;
    return n;
}

void
hf_proxy_thread_shed(struct hf_proxy_thread *thread)
{
    struct hf_proxy_conn *idle[SHED_AT_ONCE];
    uint64_t before_ns = hf_sub_saturated(hf_loop_now(thread->loop), SHED_IDLE_NS);
    struct hf_proxy_conn *conn;
    size_t n = 0;

    if (thread->shedding > 0) { /* first see what those make free */
        return;
    }
    HF_LIST_FOR (conn, &thread->conns, link) {
        if (hf_h2_conn_idle_since(conn->h2) <= before_ns) {
            n = insert_idle(idle, n, conn);
        }
    }
    for (size_t i = 0; i < n; i++) {
        hf_count(&proxy_shed);
        idle[i]->is_shed = true;
        thread->shedding++;
        hf_h2_conn_close(idle[i]->h2, HF_H2_NO_ERROR);
    }
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
