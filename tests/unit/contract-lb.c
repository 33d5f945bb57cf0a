/*
 * contract-lb.c - the suite for load balancing policies.
 *
 * Histories are driven through a real pool, which counts wrong answers.  That a
 * pick does not look at all endpoints is checked without a clock: candidates and
 * the policy's states lie in memory of their own, which is locked before a call;
 * each page that the policy touches then faults, is counted and opened.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/random.h"
#include "contract.h"
#include "engine/pool.h"

#define CALLS     200
#define ENDPOINTS 40
#define MANY      10000

static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 99 };

static struct hf_lb *
create(const struct policy *policy)
{
    const struct hf_module *module = policy->module;
    struct hf_lb *lb = NULL;

    CU_ASSERT_EQUAL_FATAL(
        module->ops.lb->create(module->host, policy->options, &function, &lb, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(lb);
    return lb;
}

static void
lives_and_dies(const struct policy *policy)
{
    struct hf_lb *a = create(policy);
    struct hf_lb *b = create(policy); /* two at a time in one process */

    CU_ASSERT_PTR_NOT_EQUAL(a, b);
    policy->module->ops.lb->destroy(a);
    policy->module->ops.lb->destroy(b);
    policy->module->ops.lb->destroy(NULL);
}

/* --- histories through a pool -------------------------------------------------------------- */

struct history {
    struct hf_pool_settings settings;
    struct hf_pool *pool;
    struct hf_random random;
    struct hf_waiter calls[CALLS];
    struct hf_pool_endpoint *endpoints[ENDPOINTS];
    uint64_t now;
    uint64_t digest; /* of all choices */
};

static void
history_begin(struct history *h, const struct policy *policy, uint64_t seed)
{
    *h = (struct history){ .now = 1000 };
    h->settings = (struct hf_pool_settings){
        .lb = policy->module->ops.lb,
        .host = policy->module->host,
        .options = policy->options,
        .max_waiting = CALLS,
    };
    hf_random_init(&h->random, seed);
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&h->settings, &function, seed, &h->pool, NULL), 0);
    for (int i = 0; i < CALLS; i++) {
        hf_waiter_init(&h->calls[i]);
    }
}

/* Accepts what was granted, and forgets endpoints that left. */
static void
follow(struct history *h, struct hf_pool_out *out)
{
    struct hf_list *link;

    while ((link = hf_list_pop(&out->woken))) {
        struct hf_waiter *waiter = hf_container_of(link, struct hf_waiter, node);

        hf_pool_accept(h->pool, waiter);
        h->digest = hf_hash_mix(h->digest + waiter->endpoint->base.handle.index);
    }
    hf_pool_endpoint_unref(out->drained);
}

static void
add(struct history *h, int i, uint32_t capacity)
{
    struct hf_pool_endpoint_spec spec = { .id = "e", .address = "x:1", .capacity = capacity };
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    CU_ASSERT_EQUAL_FATAL(hf_pool_add(h->pool, &spec, h->now, &out, &h->endpoints[i]), 0);
    follow(h, &out);
}

static void
drain(struct history *h, int i)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_drain(h->pool, h->endpoints[i], &out);
    h->endpoints[i] = NULL;
    follow(h, &out);
}

static void
move_call(struct history *h, struct hf_waiter *call)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    if (call->state == HF_WAITER_TAKEN) {
        hf_pool_release(h->pool, call, 1 + (uint32_t)hf_random_below(&h->random, 4), h->now, &out);
    } else if (call->state == HF_WAITER_IDLE &&
               hf_pool_take(h->pool, call, h->now, &out) == HF_WAITER_TAKEN) {
        h->digest = hf_hash_mix(h->digest + call->endpoint->base.handle.index);
    }
    follow(h, &out);
}

static void
history_step(struct history *h)
{
    int i = (int)hf_random_below(&h->random, ENDPOINTS);

    h->now += hf_random_below(&h->random, 1000000);
    if (hf_random_below(&h->random, 1000) == 0) {
        h->now += 86400 * HF_SEC; /* the clock jumps */
    }
    if (hf_random_below(&h->random, 20) > 0) {
        move_call(h, &h->calls[hf_random_below(&h->random, CALLS)]);
    } else if (!h->endpoints[i]) {
        add(h, i, (uint32_t)hf_random_below(&h->random, 5));
    } else {
        drain(h, i);
    }
}

/* Ends all; the digest of the choices that were made. */
static uint64_t
history_end(struct history *h)
{
    struct hf_pool_load load;
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_refuse(h->pool, HF_FAILURE_DRAINING, "the end", &out);
    while (hf_list_pop(&out.woken)) {
    }
    for (int i = 0; i < CALLS; i++) {
        if (h->calls[i].state == HF_WAITER_TAKEN) {
            move_call(h, &h->calls[i]);
        }
    }
    for (int i = 0; i < ENDPOINTS; i++) {
        if (h->endpoints[i]) {
            drain(h, i);
        }
    }
    hf_pool_load(h->pool, &load);
    UNIT_U64(load.invalid_picks, 0);
    hf_pool_free(h->pool);
    return h->digest;
}

static uint64_t
random_history(const struct policy *policy, uint64_t seed)
{
    struct history h;

    history_begin(&h, policy, seed);
    for (int i = 0; i < 20000; i++) {
        history_step(&h);
    }
    return history_end(&h);
}

static void
answers_well_and_repeats_itself(const struct policy *policy)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        UNIT_U64(random_history(policy, seed), random_history(policy, seed));
    }
}

/* The only endpoint gets everything, until it is full. */
static void
one_endpoint_gets_all(const struct policy *policy)
{
    struct hf_pool_load load;
    struct history h;

    history_begin(&h, policy, 1);
    add(&h, 0, CALLS / 2);
    for (int i = 0; i < CALLS; i++) {
        move_call(&h, &h.calls[i]);
    }
    hf_pool_load(h.pool, &load);
    UNIT_U64(load.in_flight, CALLS / 2);
    UNIT_U64(load.waiting, CALLS / 2);
    for (int i = 0; i < CALLS; i++) {
        move_call(&h, &h.calls[i]);
    }
    hf_pool_load(h.pool, &load);
    UNIT_U64(load.waiting, 0);
    history_end(&h);
}

/* Endpoints leave under the policy's cursor, until one is left. */
static void
endpoints_shrink(const struct policy *policy)
{
    struct history h;

    history_begin(&h, policy, 1);
    for (int i = 0; i < ENDPOINTS; i++) {
        add(&h, i, 0);
    }
    for (int i = 0; i < ENDPOINTS - 1; i++) {
        move_call(&h, &h.calls[i]);
        CU_ASSERT_EQUAL(h.calls[i].state, HF_WAITER_TAKEN);
        drain(&h, i);
    }
    move_call(&h, &h.calls[CALLS - 1]);
    CU_ASSERT_PTR_EQUAL(h.calls[CALLS - 1].endpoint, h.endpoints[ENDPOINTS - 1]);
    history_end(&h);
}

/* --- many endpoints ------------------------------------------------------------------------ */

struct crowd {
    const struct hf_lb_ops *ops;
    struct hf_lb *lb;
    struct hf_endpoint *endpoints;
    char *memory; /* candidates, then states */
    size_t size;
    struct hf_candidate *usable; /* in `memory` */
    struct sigaction before;     /* what was done about faults */
};

#define PAGE ((uintptr_t)4096)

/* For the handler: what is locked, and the pages that were touched. */
static char *locked;
static size_t locked_size;
static volatile unsigned touched;

static void
on_fault(int signal, siginfo_t *info, void *context)
{
    char *at = info->si_addr;

    (void)signal;
    (void)context;
    if (at < locked || at >= locked + locked_size) {
        abort(); /* a real one */
    }
    touched++;
    mprotect((void *)((uintptr_t)at & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}

static void
crowd_begin(struct crowd *c, const struct policy *policy)
{
    const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    size_t state = (policy->module->ops.lb->endpoint_state_size + 15) & ~(size_t)15;

    c->ops = policy->module->ops.lb;
    c->lb = create(policy);
    c->size = MANY * (sizeof(struct hf_candidate) + state);
    c->memory = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(c->memory != MAP_FAILED);
    locked = c->memory;
    locked_size = c->size;
    sigaction(SIGSEGV, &action, &c->before);
    c->endpoints = calloc(MANY, sizeof *c->endpoints);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c->endpoints);
    c->usable = (struct hf_candidate *)(void *)c->memory;
    for (uint32_t i = 0; i < MANY; i++) {
        struct hf_handle handle = { i, 1 };
        void *room = c->memory + MANY * sizeof(struct hf_candidate) + i * state;

        c->endpoints[i] = (struct hf_endpoint){
            .size = sizeof c->endpoints[i], .handle = handle, .id = "e", .state = room
        };
        c->usable[i] = (struct hf_candidate){ handle, room };
        CU_ASSERT_FATAL(!c->ops->added || c->ops->added(c->lb, &c->endpoints[i]) == 0);
    }
}

static void
crowd_end(struct crowd *c)
{
    for (uint32_t i = 0; i < MANY; i++) {
        if (c->ops->full) {
            c->ops->full(c->lb, &c->endpoints[i]);
        }
        if (c->ops->removed) {
            c->ops->removed(c->lb, &c->endpoints[i]);
        }
    }
    c->ops->destroy(c->lb);
    sigaction(SIGSEGV, &c->before, NULL);
    munmap(c->memory, c->size);
    free(c->endpoints);
}

/* Nothing is known of anybody. */
static bool
crowd_load(const struct hf_lb_view *view, uint32_t i, struct hf_endpoint_load *ret)
{
    *ret = (struct hf_endpoint_load){ .size = ret->size };
    return i < view->usable_count;
}

/* One call: pick, started, and now and then a finished one. */
static void
crowd_call(struct crowd *c, struct hf_random *random)
{
    struct hf_lb_view view = {
        .size = sizeof view,
        .usable_count = MANY,
        .usable = c->usable,
        .warm_count = MANY,
        .load = crowd_load,
        .now_ns = 1000,
        .random = hf_random_u64(random),
    };
    struct hf_handle handle = c->ops->pick(c->lb, &view);

    CU_ASSERT_FATAL(handle.index < MANY && handle.generation == 1);
    if (c->ops->started) {
        c->ops->started(c->lb, &c->endpoints[handle.index]);
    }
    if (c->ops->finished && hf_random_below(random, 4) > 0) {
        c->ops->finished(c->lb, &c->endpoints[handle.index], HF_OUTCOME_OK, 1000);
    } else if (c->ops->finished) {
        c->ops->finished(c->lb, &c->endpoints[handle.index], HF_OUTCOME_FAILED, 1000);
    }
}

/* Pages of the candidates and states that a call touches; there are forty and more. */
static unsigned
pages_touched(struct crowd *c, struct hf_random *random)
{
    touched = 0;
    mprotect(c->memory, c->size, PROT_NONE);
    crowd_call(c, random);
    mprotect(c->memory, c->size, PROT_READ | PROT_WRITE);
    return touched;
}

/* A policy that compares the loads of children looks at all; it is for tens of them. */
static void
ten_thousand_endpoints(const struct policy *policy)
{
    bool compares = policy->module->ops.lb->needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS);
    struct hf_random random;
    struct crowd c;
    unsigned pages = 0;

    hf_random_init(&random, 1);
    crowd_begin(&c, policy);
    for (int i = 0; i < (compares ? 200 : 100000); i++) {
        crowd_call(&c, &random);
    }
    for (int i = 0; i < 100 && !compares; i++) {
        pages += pages_touched(&c, &random);
    }
    CU_ASSERT_TRUE(pages <= 100 * 8); /* a scan touches all of them */
    crowd_end(&c);
}

void
contract_lb(const struct policy *policy)
{
    lives_and_dies(policy);
    one_endpoint_gets_all(policy);
    endpoints_shrink(policy);
    answers_well_and_repeats_itself(policy);
    ten_thousand_endpoints(policy);
}
