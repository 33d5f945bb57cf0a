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
    struct hf_upstream *upstream;
    struct hf_h2_channel *channel; /* NULL: not called yet */
};

struct hf_upstream {
    const struct hf_upstream_config
        *config;               /* its user's, which may go before the last reference */
    struct hf_loop *const *io; /* the node's */
    size_t io_count;
    uint32_t slots;
    atomic_bool is_node;
    _Atomic uint32_t refs;
    _Atomic uint32_t closing; /* shares still to be closed before the memory goes */
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
