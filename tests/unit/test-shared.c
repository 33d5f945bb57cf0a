/*
 * test-shared.c - what an lb policy shares over all functions of a node: what it is shown, and that
 * no thread ever reads a snapshot that was retired.
 */
#include "node/front/shared.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "unit.h"

#define THREADS   2
#define SNAPSHOTS 50
#define ALIVE     0x600d600d
#define DEAD      0xdeaddead

struct snapshot {
    _Atomic uint32_t state;
    struct snapshot *next; /* of the dead */
};

/* The policy's object, of which there is one. */
static struct {
    unsigned published;
    unsigned retired;
    unsigned destroyed;
    unsigned skip; /* how many times to keep what there is */
    uint64_t refresh_ns;
    struct hf_lb_node_view view; /* as it was last */
    char ids[3][8];
    uint32_t calls[3];
    struct hf_lb_function function;
    struct snapshot *dead; /* kept, so that who reads one is found out */
} policy;

static void *
publish(struct hf_lb_shared *shared, const struct hf_lb_node_view *view)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    (void)shared;
    CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
    policy.view = *view;
    for (uint32_t i = 0; i < view->child_count && i < 3; i++) {
        memcpy(policy.ids[i], view->children[i]->id, strlen(view->children[i]->id) + 1);
        policy.calls[i] = view->children[i]->load->calls;
    }
    if (view->function_count > 0) {
        policy.function = *view->functions[0];
    }
    if (policy.skip > 0) {
        policy.skip--;
        free(snapshot);
        return NULL;
    }
    policy.published++;
    atomic_store(&snapshot->state, ALIVE);
    return snapshot;
}

static void
retire(struct hf_lb_shared *shared, void *old)
{
    struct snapshot *snapshot = old;

    (void)shared;
    CU_ASSERT_EQUAL(snapshot->state, ALIVE);
    atomic_store(&snapshot->state, DEAD);
    snapshot->next = policy.dead;
    policy.dead = snapshot;
    policy.retired++;
}

static void
shared_destroy(struct hf_lb_shared *shared)
{
    (void)shared;
    policy.destroyed++;
}

static uint64_t
refresh_ns(const struct hf_lb_shared *shared)
{
    (void)shared;
    return policy.refresh_ns;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .shared_destroy = shared_destroy,
    .publish = publish,
    .retire = retire,
    .refresh_ns = refresh_ns,
};

static void
describe(void *arg, struct hf_shared *shared)
{
    static const char *const ids[] = { "c", "a", "b" };

    (void)arg;
    for (uint32_t i = 0; i < 3; i++) {
        const struct hf_endpoint_load load = { .size = sizeof load, .calls = 10 + i };
        const struct hf_lb_child child = {
            .size = sizeof child, .usable = 1, .id = ids[i], .handle = { i, 1 }
        };

        hf_shared_add_child(shared, &child, &load);
    }
    for (uint32_t i = 0; i < 100; i++) { /* more than there was room for */
        const struct hf_lb_function function = { .size = sizeof function,
                                                 .id = "f",
                                                 .gap_ns = 1234 + i };

        hf_shared_add_function(shared, &function);
    }
}

/* --- threads that read ----------------------------------------------------------------------- */

struct reader {
    struct hf_task task;
    struct hf_loop *loop;
    void *_Atomic *current;
};

static atomic_bool stop;
static atomic_uint wrong;
static atomic_uint reads;

static void
on_read(struct hf_task *task)
{
    struct reader *reader = hf_container_of(task, struct reader, task);

    for (int i = 0; i < 10; i++) {
        struct snapshot *snapshot = atomic_load_explicit(reader->current, memory_order_acquire);

        for (int j = 0; snapshot && j < 20; j++) { /* a pick takes its time */
            wrong += snapshot->state != ALIVE;
        }
        reads += snapshot != NULL;
    }
    if (!stop) {
        hf_loop_post(reader->loop, &reader->task);
    }
}

static struct hf_loop *control;
static struct hf_shared *shared;

static void
begin(struct hf_thread **threads, struct hf_loop **io)
{
    const struct hf_shared_config config = {
        .ops = &ops,
        .control = control,
        .io = io,
        .io_count = THREADS,
        .seed = 1,
        .describe = describe,
    };

    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(hf_thread_new("reader", &threads[i], NULL), 0);
        io[i] = hf_thread_loop(threads[i]);
    }
    CU_ASSERT_EQUAL_FATAL(hf_shared_new(&config, (struct hf_lb_shared *)&policy, &shared, NULL), 0);
}

static void
end(struct hf_thread **threads)
{
    hf_shared_free(shared);
    for (int i = 0; i < THREADS; i++) {
        hf_thread_free(threads[i]);
    }
    UNIT_U64(policy.retired, policy.published);
    UNIT_U64(policy.destroyed, 1);
    while (policy.dead) {
        struct snapshot *dead = policy.dead;

        policy.dead = dead->next;
        free(dead);
    }
}

static bool
are_published(void *arg)
{
    if (policy.published < *(const unsigned *)arg) {
        hf_shared_changed(shared); /* again and again, also while an old one is there */
        return false;
    }
    return true;
}

static bool
is_published(void *arg)
{
    return policy.published >= *(const unsigned *)arg;
}

static void
do_nothing(void *arg)
{
    (void)arg;
}

static void
no_thread_reads_what_was_retired(void)
{
    struct hf_thread *threads[THREADS];
    struct hf_loop *io[THREADS];
    struct reader readers[THREADS];
    unsigned many = SNAPSHOTS;

    memset(&policy, 0, sizeof policy);
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("control", &control, NULL), 0);
    begin(threads, io);
    stop = false;
    for (int i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){ .task.run = on_read,
                                      .loop = io[i],
                                      .current = hf_shared_current(shared) };
        hf_loop_post(io[i], &readers[i].task);
    }
    CU_ASSERT_TRUE(hf_loop_run_until(control, are_published, &many, 30 * HF_SEC));
    stop = true;
    for (int i = 0; i < 2 * THREADS; i++) { /* what had been posted before, and what by that */
        hf_thread_do(threads[i % THREADS], do_nothing, NULL);
    }
    end(threads);
    hf_loop_free(control);
    UNIT_U64(wrong, 0);
    CU_ASSERT_TRUE(reads > 0);
}

static void
the_policy_sees_all_there_is(void)
{
    struct hf_thread *threads[THREADS];
    struct hf_loop *io[THREADS];
    unsigned one = 1;
    unsigned two = 2;

    memset(&policy, 0, sizeof policy);
    policy.skip = 1; /* the first time it wants none; it is asked again by time alone */
    policy.refresh_ns = 1;
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("control", &control, NULL), 0);
    begin(threads, io);
    CU_ASSERT_PTR_NULL(*hf_shared_current(shared));
    CU_ASSERT_TRUE(hf_loop_run_until(control, is_published, &one, 30 * HF_SEC));
    CU_ASSERT_PTR_NOT_NULL(*hf_shared_current(shared));
    UNIT_U64(policy.view.child_count, 3);
    UNIT_STR(policy.ids[0], "a");
    UNIT_STR(policy.ids[1], "b");
    UNIT_STR(policy.ids[2], "c");
    UNIT_U64(policy.calls[0], 11);
    UNIT_U64(policy.calls[2], 10);
    UNIT_U64(policy.view.function_count, 100);
    UNIT_U64(policy.function.gap_ns, 1234);
    CU_ASSERT_TRUE(hf_loop_run_until(control, is_published, &two, 30 * HF_SEC));
    end(threads);
    hf_loop_free(control);
}

UNIT_MAIN("shared", UNIT_TEST(no_thread_reads_what_was_retired),
          UNIT_TEST(the_policy_sees_all_there_is))
