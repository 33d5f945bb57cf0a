/*
 * proxy-bench.c - a proxy with one function and two endpoints, on one loop; see proxy-bench.h.
 */
#include "proxy-bench.h"

#include "base/err.h"
#include "h2.h"
#include "node/budget.h"
#include "unit.h"

/* --- the function: two endpoints, in turn -------------------------------------------------- */

struct hf_lb {
    struct hf_handle endpoints[2];
    uint32_t added;
    uint32_t next;
    uint32_t held; /* slots */
};

static struct hf_lb balance;

static int
lb_create(const struct hf_host *host, const struct hf_options *options,
          const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    (void)host;
    (void)options;
    (void)function;
    (void)err;
    balance = (struct hf_lb){ .next = 0 };
    *ret = &balance;
    return 0;
}

static void
lb_destroy(struct hf_lb *lb)
{
    (void)lb;
}

static int
lb_added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    lb->endpoints[lb->added++] = endpoint->handle;
    return 0;
}

static struct hf_handle
lb_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    (void)view;
    return lb->endpoints[lb->next++ % lb->added];
}

static void
lb_started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)endpoint;
    lb->held++;
}

static void
lb_finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
            uint64_t elapsed_ns)
{
    (void)endpoint;
    (void)outcome;
    (void)elapsed_ns;
    lb->held--;
}

static const struct hf_lb_ops lb_ops = {
    .size = sizeof lb_ops,
    .create = lb_create,
    .destroy = lb_destroy,
    .pick = lb_pick,
    .added = lb_added,
    .started = lb_started,
    .finished = lb_finished,
};

static void
on_demand(struct hf_callee *callee, void *user)
{
    (void)callee;
    (void)user;
}

static void
on_endpoint(struct hf_callee_endpoint *endpoint, void *user)
{
    (void)endpoint;
    (void)user;
}

static const struct hf_callee_ops callee_ops = {
    .on_demand = on_demand,
    .on_drained = on_endpoint,
    .on_ejected = on_endpoint,
};

/* --- the platform -------------------------------------------------------------------------- */

static struct hf_callee *
router_find(void *arg, const char *id, size_t len)
{
    struct bench *bench = arg;

    return hf_callee_is(bench->callee, id, len) ? hf_callee_ref(bench->callee) : NULL;
}

static void
router_resolve(void *arg, struct hf_route *route)
{
    (void)arg;
    hf_route_answer(route, NULL, HF_ENOTFOUND, "it is not registered");
}

static const struct hf_router_ops router = { .find = router_find, .resolve = router_resolve };

static const struct hf_proxy_words words = {
    .while_waiting = "while waiting",
    .while_running = "while running",
    .refused = "refused",
    .lost = "lost",
    .no_status = "no status",
    .broken = "broken",
};

static void
add(struct bench *bench, const char *id, struct endpoint *endpoint)
{
    const struct hf_callee_endpoint_spec spec = { .id = id,
                                                  .address = endpoint->address,
                                                  .user = bench };

    CU_ASSERT_EQUAL_FATAL(
        hf_callee_add(bench->callee, &spec, &bench->members[bench->member_count++], NULL), 0);
}

static void
make_function(struct bench *bench)
{
    const struct hf_function function = {
        .size = sizeof function, .id = "f", .image = "i:latest", .max_concurrency = 10
    };

    bench->upstream = (struct hf_upstream_config){ .io = &bench->loop, .io_count = 1 };
    hf_h2_channel_options_init(&bench->upstream.channel);
    bench->upstream.channel.backoff_ns = HF_MSEC;
    bench->upstream.channel.max_waiting = UINT32_MAX;
    bench->config = (struct hf_callee_config){
        .pool = {
            .lb = &lb_ops,
            .max_waiting = 100,
            .endpoint_size = sizeof(struct hf_callee_endpoint),
            .endpoint_fini = hf_callee_endpoint_fini,
        },
        .upstream = &bench->upstream,
        .control = bench->loop,
        .ops = &callee_ops,
    };
    CU_ASSERT_EQUAL_FATAL(hf_callee_new(&bench->config, &function, 1, bench, &bench->callee, NULL),
                          0);
}

void
bench_begin(struct bench *bench)
{
    struct hf_proxy_config config = {
        .address = "127.0.0.1:0",
        .io_count = 1,
        .router = &router,
        .router_arg = bench,
        .words = &words,
        .max_attempts = 3,
        .errors = HF_PROXY_ERRORS_FULL,
        .node = "node",
        .max_streams = 100,
        .replay_bytes = BENCH_REPLAY_BYTES,
    };

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("proxy", &bench->loop, NULL), 0);
    bench->budget = hf_budget_new(bench->loop, (uint64_t)1 << 24, 1);
    config.budget = bench->budget;
    config.loop = bench->loop;
    config.io = &bench->loop;
    CU_ASSERT_EQUAL_FATAL(hf_proxy_new(&config, &bench->proxy, NULL), 0);
    make_function(bench);
    endpoint_open(&bench->first, bench->loop);
    endpoint_open(&bench->second, bench->loop);
}

void
bench_serve(struct bench *bench)
{
    add(bench, "first", &bench->first);
    add(bench, "second", &bench->second);
}

bool
bench_is_clear(const struct bench *bench)
{
    struct hf_proxy_stats stats;
    struct hf_pool_load load;

    hf_proxy_stats(bench->proxy, &stats);
    hf_callee_load(bench->callee, &load);
    return stats.calls == 0 && load.in_flight == 0 && load.waiting == 0 && balance.held == 0;
}

void
bench_end(struct bench *bench)
{
    hf_proxy_free(bench->proxy);
    for (uint32_t i = 0; i < bench->member_count; i++) {
        hf_callee_drop(bench->members[i]);
    }
    hf_callee_disown(bench->callee);
    hf_loop_flush(bench->loop);
    endpoint_close(&bench->first);
    endpoint_close(&bench->second);
    hf_budget_free(bench->budget);
    hf_loop_free(bench->loop);
    hf_h2_thread_release();
}
