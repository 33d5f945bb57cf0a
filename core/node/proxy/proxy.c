/*
 * proxy.c - the data path: a listener, and what it accepts spread over the I/O threads.
 */
#include "node/proxy/proxy.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "loop/listener.h"
#include "loop/thread.h"
#include "node/proxy/origins.h"
#include "node/proxy/thread.h"
#include "node/proxy/upstream.h"

#define PROXY_MAGIC HF_MAGIC('p', 'r', 'x', 'y')

/* Until the threads of a cut proxy have let go of their connections. */
#define CUT_LIMIT_NS (5 * HF_SEC)

/* The part of callers' descriptors that one address may have. */
#define ADDRESS_PART 2u

HF_LOG_MODULE(proxy);

struct hf_proxy {
    uint32_t magic;
    struct hf_proxy_shared shared;
    struct hf_loop *loop;
    struct hf_listener *listener;
    char address[HF_ADDRESS_TEXT_MAX];
    void (*on_drained)(void *arg);
    void *on_drained_arg;
    _Atomic uint32_t leaving; /* threads that have not drained yet, and tasks to leave that
                               * have not been run to their end */
    bool draining;            /* the threads have been asked to */
    bool cutting;
    struct hf_task drained; /* tells the control thread of the last */
    bool is_drained;        /* it has been told */
    size_t thread_count;
    struct hf_loop **loops;
    struct hf_proxy_thread **threads;
};

/* A thread has drained, or a task to leave is done.  After the last of them the
 * control thread frees the proxy: the caller touches neither proxy nor thread again. */
static void
on_left(struct hf_proxy *proxy)
{
    if (atomic_fetch_sub(&proxy->leaving, 1) == 1) {
        hf_loop_post(proxy->loop, &proxy->drained);
    }
}

static void
shed_thread(struct hf_task *task)
{
    struct hf_proxy_thread *thread = hf_container_of(task, struct hf_proxy_thread, shed);

    atomic_store(&thread->shed_posted, false);
    hf_proxy_thread_shed(thread);
}

/* Descriptors run short. */
static void
on_short(void *arg)
{
    struct hf_proxy *proxy = hf_cast(arg, struct hf_proxy, PROXY_MAGIC);

    for (size_t i = 0; i < proxy->thread_count; i++) {
        struct hf_proxy_thread *thread = proxy->threads[i];

        if (!atomic_exchange(&thread->shed_posted, true)) {
            thread->shed.run = shed_thread;
            hf_loop_post(thread->loop, &thread->shed);
        }
    }
}

static void
drain_thread(struct hf_task *task)
{
    struct hf_proxy_thread *thread = hf_container_of(task, struct hf_proxy_thread, drain);
    struct hf_proxy *proxy = thread->shared->proxy;

    hf_proxy_thread_drain(thread);
    on_left(proxy);
}

static void
cut_thread(struct hf_task *task)
{
    struct hf_proxy_thread *thread = hf_container_of(task, struct hf_proxy_thread, cut);
    struct hf_proxy *proxy = thread->shared->proxy;

    hf_proxy_thread_cut(thread);
    on_left(proxy);
}

/* The thread with the fewest connections.  They are counted here, not when the thread
 * takes them, so that a burst spreads too. */
static struct hf_proxy_thread *
choose_thread(struct hf_proxy *proxy)
{
    struct hf_loop *loop = hf_loop_least_loaded(proxy->loops, proxy->thread_count);

    for (size_t i = 0; i < proxy->thread_count; i++) {
        if (proxy->loops[i] == loop) {
            return proxy->threads[i];
        }
    }
    hf_unreachable();
}

static void
on_accept(void *arg, int fd)
{
    struct hf_proxy *proxy = hf_cast(arg, struct hf_proxy, PROXY_MAGIC);

    hf_proxy_thread_give(choose_thread(proxy), fd);
}

static void
on_drained(struct hf_task *task)
{
    struct hf_proxy *proxy = hf_container_of(task, struct hf_proxy, drained);

    proxy->is_drained = true;
    if (proxy->on_drained) {
        proxy->on_drained(proxy->on_drained_arg);
    }
}

static void
release(struct hf_proxy *proxy)
{
    hf_listener_free(proxy->listener);
    for (size_t i = 0; proxy->threads && i < proxy->thread_count; i++) {
        hf_proxy_thread_free(proxy->threads[i]);
    }
    free(proxy->threads);
    free(proxy->loops);
    free(proxy->shared.node);
    hf_origins_free(proxy->shared.origins);
    proxy->magic = 0;
    free(proxy);
}

/* --- the proxy ----------------------------------------------------------- */

enum hf_proxy_errors
hf_proxy_errors_of(const char *word)
{
    if (strcmp(word, "full") == 0) {
        return HF_PROXY_ERRORS_FULL;
    }
    return strcmp(word, "brief") == 0 ? HF_PROXY_ERRORS_BRIEF : HF_PROXY_ERRORS_AUTO;
}

/* Connections that callers from one address may have. */
static uint64_t
per_address(const struct hf_proxy_config *config)
{
    if (config->max_per_address > 0) {
        return config->max_per_address;
    }
    return config->trusted ? UINT64_MAX : hf_descriptors_end(HF_DESCRIPTORS_CALLERS) / ADDRESS_PART;
}

static int
init_shared(struct hf_proxy *proxy, const struct hf_proxy_config *config, struct hf_err *err)
{
    struct hf_proxy_shared *shared = &proxy->shared;

    shared->router = config->router;
    shared->router_arg = config->router_arg;
    shared->words = config->words;
    shared->max_attempts = config->max_attempts;
    shared->to_nodes = config->to_nodes;
    shared->errors = config->errors;
    shared->replay_bytes = hf_min(config->replay_bytes, (size_t)HF_PROXY_REPLAY_MAX);
    shared->budget = config->budget;
    shared->conn_bytes =
        config->trusted ? UINT64_MAX : hf_budget_size(config->budget) / HF_PROXY_CONN_PART;
    shared->seed = config->seed;
    shared->on_thread_drained = on_left;
    shared->proxy = proxy;
    hf_h2_options_init(&shared->h2);
    shared->h2.max_streams = config->max_streams;
    shared->h2.first_window = HF_PROXY_FIRST_WINDOW;
    shared->h2.trusted = config->trusted;
    shared->h2.idle_ns = config->connection_idle_ns;
    shared->h2.drain_ns = 0; /* the role that drains sets the limit, with hf_proxy_cut */
    shared->node = strdup(config->node);
    shared->origins =
        hf_origins_new(config->seed, per_address(config), config->max_per_address == 0);
    return shared->node && shared->origins ? 0 : hf_fail(err, HF_ENOMEM, "proxy: no memory");
}

static int
make_threads(struct hf_proxy *proxy, const struct hf_proxy_config *config, struct hf_err *err)
{
    proxy->thread_count = config->io_count;
    proxy->threads = calloc(config->io_count, sizeof(struct hf_proxy_thread *));
    proxy->loops = calloc(config->io_count, sizeof(struct hf_loop *));
    if (!proxy->threads || !proxy->loops) {
        return hf_fail(err, HF_ENOMEM, "proxy: no memory for %zu I/O threads", config->io_count);
    }
    for (size_t i = 0; i < config->io_count; i++) {
        int r;

        proxy->loops[i] = config->io[i];
        r = hf_proxy_thread_new(&proxy->shared, config->io[i], (uint32_t)i, &proxy->threads[i],
                                err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int
hf_proxy_new(const struct hf_proxy_config *config, struct hf_proxy **ret, struct hf_err *err)
{
    struct hf_proxy *proxy = calloc(1, sizeof *proxy);
    int r;

    if (!proxy) {
        return hf_fail(err, HF_ENOMEM, "proxy: no memory");
    }
    proxy->magic = PROXY_MAGIC;
    proxy->loop = config->loop;
    proxy->on_drained = config->on_drained;
    proxy->on_drained_arg = config->on_drained_arg;
    proxy->drained.run = on_drained;
    r = init_shared(proxy, config, err);
    if (r == 0) {
        r = make_threads(proxy, config, err);
    }
    if (r < 0) {
        goto fail;
    }
    r = hf_listener_new(config->loop, config->address, on_accept, proxy, &proxy->listener, err);
    if (r < 0) {
        goto fail;
    }
    hf_listener_set_use(proxy->listener, HF_DESCRIPTORS_CALLERS, on_short);
    snprintf(proxy->address, sizeof proxy->address, "%s", hf_listener_text(proxy->listener));
    *ret = proxy;
    return 0;
fail:
    release(proxy);
    return r;
}

/* Counts `n` more to wait for, unless all have left already. */
static bool
wait_for(struct hf_proxy *proxy, uint32_t n)
{
    uint32_t leaving = atomic_load(&proxy->leaving);

    while (leaving > 0) {
        if (atomic_compare_exchange_weak(&proxy->leaving, &leaving, leaving + n)) {
            return true;
        }
    }
    return false;
}

/* Stops accepting; false if there is no thread left that could leave. */
static bool
leave(struct hf_proxy *proxy)
{
    if (proxy->listener) {
        hf_listener_free(proxy->listener);
        proxy->listener = NULL;
        atomic_store(&proxy->leaving, (uint32_t)proxy->thread_count);
    }
    return wait_for(proxy, (uint32_t)proxy->thread_count);
}

void
hf_proxy_drain(struct hf_proxy *proxy)
{
    if (proxy->draining || proxy->cutting || !leave(proxy)) {
        return;
    }
    proxy->draining = true;
    for (size_t i = 0; i < proxy->thread_count; i++) {
        proxy->threads[i]->drain.run = drain_thread;
        hf_loop_post(proxy->loops[i], &proxy->threads[i]->drain);
    }
}

void
hf_proxy_cut(struct hf_proxy *proxy)
{
    if (proxy->cutting || !leave(proxy)) {
        return;
    }
    proxy->cutting = true;
    for (size_t i = 0; i < proxy->thread_count; i++) {
        proxy->threads[i]->cut.run = cut_thread;
        hf_loop_post(proxy->loops[i], &proxy->threads[i]->cut);
    }
}

static bool
is_drained(void *arg)
{
    const struct hf_proxy *proxy = arg;

    return proxy->is_drained;
}

void
hf_proxy_free(struct hf_proxy *proxy)
{
    if (!proxy) {
        return;
    }
    proxy->on_drained = NULL;
    if (!proxy->is_drained) {
        hf_proxy_cut(proxy);
        hf_loop_run_until(proxy->loop, is_drained, proxy, CUT_LIMIT_NS);
    }
    if (proxy->is_drained) {
        release(proxy);
    } else {
        hf_log(HF_LOG_ERROR, "calls are stuck; leaving them to the end of the process");
    }
}

const char *
hf_proxy_address(const struct hf_proxy *proxy)
{
    return proxy->address;
}

void
hf_proxy_stats(const struct hf_proxy *proxy, struct hf_proxy_stats *ret)
{
    *ret = (struct hf_proxy_stats){ 0 };
    for (size_t i = 0; i < proxy->thread_count; i++) {
        ret->connections +=
            atomic_load_explicit(&proxy->threads[i]->conn_count, memory_order_relaxed);
        ret->calls += atomic_load_explicit(&proxy->threads[i]->call_count, memory_order_relaxed);
    }
}
