/*
 * upstream.c - the connections to one address: each I/O thread has its own.
 */
#include "node/proxy/upstream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/macros.h"
#include "loop/loop.h"

/* Most connections of one thread to one endpoint: servers that allow few streams on each
 * connection need several. */
#define MAX_CONNECTIONS 100

/* One thread's connections; touched by that thread only. */
struct share {
    struct hf_task close;
    struct hf_task cut;
    atomic_bool cutting; /* `cut` is posted, with a reference */
    struct hf_task check;
    struct hf_task uncheck;
    struct hf_upstream *upstream;
    struct hf_h2_channel *channel; /* NULL: not called yet */
};

/* Whether anybody answers, asked on all threads: their answers come together here. */
struct check {
    struct hf_upstream_check config;
    bool running;     /* `config.loop`'s thread */
    uint32_t asked;   /* since the peer answered a call; the same */
    uint64_t last_ns; /* when; the same */
    struct hf_task over;
    _Atomic uint32_t pending; /* tasks and answers to come before it is over */
    atomic_bool alive;
    atomic_bool silent;
    atomic_bool cancelled;
};

/* PINGs that a gRPC server bears without data in between (its own first one is no strike), and how
 * long it is to be left alone then. */
#define CHECKS_AT_ONCE 2
#define CHECK_REST_NS  (5 * 60 * HF_SEC)
/* Where callers often give up, and others are answered, it is asked no more often than this. */
#define CHECK_EVERY_NS (1 * HF_SEC)

struct hf_upstream {
    const struct hf_upstream_config
        *config;               /* its user's, which may go before the last reference */
    struct hf_loop *const *io; /* the node's */
    size_t io_count;
    uint32_t slots;
    atomic_bool is_node;
    _Atomic uint32_t refs;
    _Atomic uint32_t closing; /* shares still to be closed before the memory goes */
    struct hf_node_load load;
    struct check check;
    struct share shares[];
};

struct hf_upstream *
hf_upstream_new(const struct hf_upstream_config *config, uint32_t slots)
{
    struct hf_upstream *upstream =
        calloc(1, sizeof *upstream + config->io_count * sizeof(struct share));

    if (upstream) {
        upstream->config = config;
        upstream->io = config->io;
        upstream->io_count = config->io_count;
        upstream->slots = slots;
        atomic_init(&upstream->refs, 1);
        for (size_t i = 0; i < config->io_count; i++) {
            upstream->shares[i].upstream = upstream;
        }
    }
    return upstream;
}

struct hf_upstream *
hf_upstream_ref(struct hf_upstream *upstream)
{
    atomic_fetch_add_explicit(&upstream->refs, 1, memory_order_relaxed);
    return upstream;
}

void
hf_upstream_set_node(struct hf_upstream *upstream, bool is_node)
{
    atomic_store_explicit(&upstream->is_node, is_node, memory_order_relaxed);
}

bool
hf_upstream_is_node(const struct hf_upstream *upstream)
{
    return atomic_load_explicit(&upstream->is_node, memory_order_relaxed);
}

struct hf_node_load *
hf_upstream_load(struct hf_upstream *upstream)
{
    return &upstream->load;
}

static void
closed_one(struct hf_upstream *upstream)
{
    if (atomic_fetch_sub_explicit(&upstream->closing, 1, memory_order_acq_rel) == 1) {
        free(upstream);
    }
}

static void
close_share(struct hf_task *task)
{
    struct share *share = hf_container_of(task, struct share, close);

    hf_h2_channel_free(share->channel);
    closed_one(share->upstream);
}

void
hf_upstream_unref(struct hf_upstream *upstream)
{
    if (!upstream || atomic_fetch_sub_explicit(&upstream->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    atomic_store_explicit(&upstream->closing, 1, memory_order_relaxed); /* until all are sent */
    for (size_t i = 0; i < upstream->io_count; i++) {
        struct share *share = &upstream->shares[i];

        if (share->channel) {
            atomic_fetch_add_explicit(&upstream->closing, 1, memory_order_relaxed);
            share->close.run = close_share;
            hf_loop_post(upstream->io[i], &share->close);
        }
    }
    closed_one(upstream);
}

static void
cut_share(struct hf_task *task)
{
    struct share *share = hf_container_of(task, struct share, cut);

    atomic_store(&share->cutting, false);
    if (share->channel) {
        hf_h2_channel_cut(share->channel);
    }
    hf_upstream_unref(share->upstream);
}

void
hf_upstream_cut(struct hf_upstream *upstream)
{
    for (size_t i = 0; i < upstream->io_count; i++) {
        struct share *share = &upstream->shares[i];

        if (!atomic_exchange(&share->cutting, true)) {
            hf_upstream_ref(upstream);
            share->cut.run = cut_share;
            hf_loop_post(upstream->io[i], &share->cut);
        }
    }
}

/* --- whether it hangs -------------------------------------------------------- */

static void
check_over(struct hf_task *task)
{
    struct check *check = hf_container_of(task, struct check, over);
    struct hf_upstream *upstream = hf_container_of(check, struct hf_upstream, check);
    bool hangs = atomic_load(&check->silent) && !atomic_load(&check->alive) &&
                 !atomic_load(&check->cancelled);

    check->running = false;
    check->config.done(check->config.arg, hangs);
    hf_upstream_unref(upstream);
}

/* One less is to come. */
static void
check_step(struct hf_upstream *upstream)
{
    if (atomic_fetch_sub(&upstream->check.pending, 1) == 1) {
        hf_loop_post(upstream->check.config.loop, &upstream->check.over);
    }
}

static void
on_share_checked(void *arg, enum hf_h2_check found)
{
    const struct share *share = arg;
    struct check *check = &share->upstream->check;

    if (found == HF_H2_CHECK_ALIVE) {
        atomic_store(&check->alive, true);
    } else if (found == HF_H2_CHECK_SILENT) {
        atomic_store(&check->silent, true);
    }
    check_step(share->upstream);
}

static void
check_share(struct hf_task *task)
{
    struct share *share = hf_container_of(task, struct share, check);
    const struct check *check = &share->upstream->check;

    if (!share->channel || atomic_load(&check->cancelled)) {
        on_share_checked(share, HF_H2_CHECK_NOBODY);
    } else {
        hf_h2_channel_check(share->channel, check->config.silence_ns, check->config.busy_ns,
                            on_share_checked, share);
    }
}

static void
uncheck_share(struct hf_task *task)
{
    struct share *share = hf_container_of(task, struct share, uncheck);

    if (share->channel) {
        hf_h2_channel_check_cancel(share->channel);
    }
    check_step(share->upstream);
}

bool
hf_upstream_check(struct hf_upstream *upstream, const struct hf_upstream_check *config)
{
    struct check *check = &upstream->check;
    uint64_t now = hf_loop_now(config->loop);

    if (check->running || (check->last_ns > 0 && now - check->last_ns < CHECK_EVERY_NS)) {
        return false;
    }
    check->asked = config->fresh ? 0 : check->asked;
    if (check->asked >= CHECKS_AT_ONCE && now - check->last_ns < CHECK_REST_NS) {
        return false;
    }
    check->asked++;
    check->last_ns = now;
    check->config = *config;
    check->running = true;
    check->over.run = check_over;
    atomic_store(&check->alive, false);
    atomic_store(&check->silent, false);
    atomic_store(&check->cancelled, false);
    atomic_store(&check->pending, (uint32_t)upstream->io_count);
    hf_upstream_ref(upstream); /* check_over gives it back */
    for (size_t i = 0; i < upstream->io_count; i++) {
        upstream->shares[i].check.run = check_share;
        hf_loop_post(upstream->io[i], &upstream->shares[i].check);
    }
    return true;
}

void
hf_upstream_check_cancel(struct hf_upstream *upstream)
{
    struct check *check = &upstream->check;
    uint32_t more = (uint32_t)upstream->io_count + 1; /* the last of them is this function's own */
    uint32_t pending = atomic_load(&check->pending);

    if (!check->running || atomic_exchange(&check->cancelled, true)) {
        return;
    }
    do {
        if (pending == 0) {
            return; /* it is over, and the word on its way */
        }
    } while (!atomic_compare_exchange_weak(&check->pending, &pending, pending + more));
    for (size_t i = 0; i < upstream->io_count; i++) {
        upstream->shares[i].uncheck.run = uncheck_share;
        hf_loop_post(upstream->io[i], &upstream->shares[i].uncheck);
    }
    check_step(upstream);
}

struct hf_h2_channel *
hf_upstream_channel(struct hf_upstream *upstream, const char *address, uint32_t index)
{
    struct share *share = &upstream->shares[index];

    if (!share->channel) {
        struct hf_h2_channel_options options = upstream->config->channel;

        options.conn.first_window = HF_PROXY_FIRST_WINDOW;
        options.max_connections = MAX_CONNECTIONS;
        if (upstream->slots > 0 && upstream->slots < MAX_CONNECTIONS) {
            options.max_connections = upstream->slots;
        }
        if (hf_h2_channel_new(upstream->config->io[index], address, &options, &share->channel,
                              NULL) < 0) {
            return NULL;
        }
    }
    return share->channel;
}
