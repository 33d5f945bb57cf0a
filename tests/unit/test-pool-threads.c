/*
 * test-pool-threads.c - a pool behind a mutex, eight threads, a million calls.
 *
 * Each thread has a mailbox for its wake-ups, as the node's threads have.  At
 * the end every slot has come back and every call was given one.
 */
#include "engine/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "audit-lb.h"
#include "base/random.h"
#include "unit.h"

#define THREADS   8
#define CALLS     16 /* at once, per thread */
#define ROUNDS    125000
#define ENDPOINTS 4

struct thread;

struct call {
    struct hf_waiter waiter;
    struct thread *thread;
};

struct thread {
    pthread_t id;
    pthread_mutex_t lock; /* guards `mail` */
    pthread_cond_t came;
    struct hf_list mail; /* of hf_waiter.node */
    struct call calls[CALLS];
    struct hf_random random;
    uint64_t granted;
    uint64_t cancelled;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the pool */
static struct hf_pool *pool;
static struct thread threads[THREADS];
static atomic_uint drained;
static atomic_uint overfull;

static void
deliver(struct hf_pool_out *out)
{
    struct hf_list *link;

    while ((link = hf_list_pop(&out->woken))) {
        struct hf_waiter *waiter = hf_container_of(link, struct hf_waiter, node);
        struct thread *thread = hf_container_of(waiter, struct call, waiter)->thread;

        pthread_mutex_lock(&thread->lock);
        hf_list_append(&thread->mail, &waiter->node);
        pthread_cond_signal(&thread->came);
        pthread_mutex_unlock(&thread->lock);
    }
    if (out->drained) {
        atomic_fetch_add(&drained, 1);
        hf_pool_endpoint_unref(out->drained);
    }
}

static void
run_call(struct thread *thread, struct hf_waiter *waiter)
{
    struct hf_pool_out out;

    thread->granted++;
    hf_pool_out_init(&out);
    pthread_mutex_lock(&lock);
    hf_pool_release(pool, waiter, HF_OUTCOME_OK, 2, &out);
    pthread_mutex_unlock(&lock);
    deliver(&out);
}

/* Takes one letter; false: there is none and we do not wait for one. */
static bool
read_mail(struct thread *thread, bool wait)
{
    enum hf_waiter_state state;
    struct hf_waiter *waiter;
    struct hf_list *link;

    pthread_mutex_lock(&thread->lock);
    while (!(link = hf_list_pop(&thread->mail)) && wait) {
        pthread_cond_wait(&thread->came, &thread->lock);
    }
    pthread_mutex_unlock(&thread->lock);
    if (!link) {
        return false;
    }
    waiter = hf_container_of(link, struct hf_waiter, node);
    pthread_mutex_lock(&lock);
    state = hf_pool_accept(pool, waiter);
    if (state == HF_WAITER_TAKEN && waiter->endpoint->in_flight > waiter->endpoint->base.capacity) {
        atomic_fetch_add(&overfull, 1);
    }
    pthread_mutex_unlock(&lock);
    if (state == HF_WAITER_TAKEN) {
        run_call(thread, waiter);
    } else {
        thread->cancelled++;
    }
    return true;
}

/* A call that is idle: starts it.  One that waits: cancels it now and then. */
static void
move_on(struct thread *thread, struct hf_waiter *waiter)
{
    enum hf_waiter_state state = HF_WAITER_WAITING;
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    pthread_mutex_lock(&lock);
    if (waiter->state == HF_WAITER_IDLE) {
        hf_waiter_init(waiter);
        state = hf_pool_take(pool, waiter, 1, &out);
    } else if (hf_random_below(&thread->random, 16) == 0) {
        thread->cancelled += hf_pool_cancel(pool, waiter, 1, &out);
    }
    pthread_mutex_unlock(&lock);
    deliver(&out);
    if (state == HF_WAITER_TAKEN) {
        run_call(thread, waiter);
    }
}

static bool
is_idle(struct hf_waiter *waiter)
{
    bool idle;

    pthread_mutex_lock(&lock);
    idle = waiter->state == HF_WAITER_IDLE;
    pthread_mutex_unlock(&lock);
    return idle;
}

static void *
run(void *arg)
{
    struct thread *thread = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct call *call = &thread->calls[hf_random_below(&thread->random, CALLS)];

        move_on(thread, &call->waiter);
        while (read_mail(thread, false)) {
        }
    }
    for (int i = 0; i < CALLS; i++) {
        while (!is_idle(&thread->calls[i].waiter)) {
            read_mail(thread, true);
        }
    }
    return NULL;
}

static void
add_endpoint(void)
{
    struct hf_pool_endpoint_spec spec = { .id = "e", .address = "x:1", .capacity = 3 };
    struct hf_pool_endpoint *endpoint;
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    pthread_mutex_lock(&lock);
    CU_ASSERT_EQUAL(hf_pool_add(pool, &spec, 0, &out, &endpoint), 0);
    pthread_mutex_unlock(&lock);
    deliver(&out);
}

static void
start_thread(struct thread *thread, uint64_t seed)
{
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->came, NULL);
    hf_list_init(&thread->mail);
    hf_random_init(&thread->random, seed);
    for (int i = 0; i < CALLS; i++) {
        thread->calls[i].thread = thread;
        hf_waiter_init(&thread->calls[i].waiter);
    }
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread->id, NULL, run, thread), 0);
}

/* Replaces endpoints while the others work, and stops when all have ended. */
static void
churn(void)
{
    for (int i = 0; i < 200; i++) {
        struct hf_pool_out out;

        add_endpoint();
        hf_pool_out_init(&out);
        pthread_mutex_lock(&lock);
        hf_pool_drain_idle(pool, UINT64_MAX, &out);
        pthread_mutex_unlock(&lock);
        deliver(&out);
    }
}

static void
slots_are_conserved(void)
{
    const struct hf_function function = { .size = sizeof function, .id = "f" };
    const struct hf_pool_settings settings = { .lb = &audit_lb_ops, .max_waiting = 1000 };
    struct hf_pool_load load;
    struct hf_pool_out out;
    uint64_t granted = 0;

    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    for (int i = 0; i < ENDPOINTS; i++) {
        add_endpoint();
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        start_thread(&threads[i], i);
    }
    churn();
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        granted += threads[i].granted;
        pthread_cond_destroy(&threads[i].came);
        pthread_mutex_destroy(&threads[i].lock);
    }
    hf_pool_load(pool, &load);
    UNIT_U64(load.in_flight, 0);
    UNIT_U64(load.waiting, 0);
    UNIT_U64(load.idle, load.endpoints);
    UNIT_U64(load.invalid_picks, 0);
    CU_ASSERT_TRUE(granted > THREADS * ROUNDS / 4);
    while (load.endpoints-- > 0) {
        hf_pool_out_init(&out);
        CU_ASSERT_TRUE(hf_pool_drain_idle(pool, UINT64_MAX, &out));
        deliver(&out);
    }
    UNIT_U64(atomic_load(&drained), ENDPOINTS + 200);
    UNIT_U64(atomic_load(&overfull), 0);
    UNIT_U64(audit_violations, 0);
    hf_pool_free(pool);
}

UNIT_MAIN("pool-threads", UNIT_TEST(slots_are_conserved))
