/*
 * testing_scheduler.h - workers and instances for tests of a placement policy; see testing.h.
 */
#ifndef HYPERFAAS_TESTING_SCHEDULER_H
#define HYPERFAAS_TESTING_SCHEDULER_H

#include <hyperfaas/scheduler.h>
#include <hyperfaas/testing.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function and the workers of a leaf.  `now_ns`, and of `workers` and `shares` what the test
 * wants, may be changed between the calls below. */
struct hf_test_scheduler {
    struct hf_fleet_view view;
    struct hf_scheduler_ops ops;
    struct hf_scheduler *scheduler;
    struct hf_options options;
    struct hf_function function;
    struct hf_worker *workers; /* by index, which is their order by id */
    struct hf_worker_share *shares;
    const struct hf_worker **list;
    char (*ids)[16];
    void *state;
    uint64_t seed;
    struct hf_decision decision; /* of the last pick */
};

HF_TEST_UNUSED bool
hf_test_feasible(const struct hf_fleet_view *view, uint32_t i)
{
    const struct hf_test_scheduler *t = (const struct hf_test_scheduler *)(const void *)view;
    const struct hf_worker *worker = &t->workers[i];

    return worker->flags == HF_WORKER_READY &&
           (worker->memory_bytes == 0 ||
            worker->memory_used_bytes + t->function.memory_bytes <= worker->memory_bytes);
}

HF_TEST_UNUSED void
hf_test_share(const struct hf_fleet_view *view, uint32_t i, struct hf_worker_share *share)
{
    const struct hf_test_scheduler *t = (const struct hf_test_scheduler *)(const void *)view;
    uint32_t size = share->size < sizeof *share ? share->size : (uint32_t)sizeof *share;

    memcpy(share, &t->shares[i], size);
    share->size = size;
}

/* Makes an instance with `count` workers that have `memory_bytes` each (0: no limit). */
HF_TEST_UNUSED void
hf_test_scheduler_begin(struct hf_test_scheduler *t, uint32_t count, uint64_t memory_bytes,
                        const char *options)
{
    struct hf_err err;

    memset(t, 0, sizeof *t);
    HF_TEST_OPS(struct hf_scheduler_ops, &t->ops);
    hf_test_options_init(&t->options, options);
    t->function = hf_test_function("f");
    if (t->ops.create(hf_test_host(), &t->options, &t->scheduler, &err) < 0) {
        HF_TEST_STOP("create failed: %s", err.message);
    }
    t->state = hf_test_alloc(1, t->ops.function_state_size);
    t->workers = (struct hf_worker *)hf_test_alloc(count, sizeof *t->workers);
    t->shares = (struct hf_worker_share *)hf_test_alloc(count, sizeof *t->shares);
    t->list = (const struct hf_worker **)hf_test_alloc(count, sizeof *t->list);
    t->ids = (char(*)[16])hf_test_alloc(count, sizeof *t->ids);
    t->view.size = sizeof t->view;
    t->view.worker_count = count;
    t->view.workers = t->list;
    t->view.now_ns = UINT64_C(1000000000);
    t->view.feasible = hf_test_feasible;
    t->view.share = hf_test_share;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(t->ids[i], sizeof t->ids[i], "worker-%05u", i % 100000);
        t->shares[i].size = sizeof t->shares[i];
        t->list[i] = &t->workers[i];
        t->workers[i].size = sizeof t->workers[i];
        t->workers[i].flags = HF_WORKER_READY;
        t->workers[i].handle.index = i;
        t->workers[i].handle.generation = 1;
        t->workers[i].id = t->ids[i];
        t->workers[i].hash = hf_test_hash(t->ids[i], strlen(t->ids[i]));
        t->workers[i].memory_bytes = memory_bytes;
        if (t->ops.worker_added && t->ops.worker_added(t->scheduler, &t->workers[i]) < 0) {
            HF_TEST_STOP("worker_added failed for worker %u", i);
        }
    }
}

/* An instance is to start; the index of its worker, or -1 if there is none.  It is confirmed. */
HF_TEST_UNUSED int
hf_test_scheduler_place(struct hf_test_scheduler *t)
{
    struct hf_handle handle;

    t->view.random = hf_test_random(&t->seed);
    memset(&t->decision, 0, sizeof t->decision);
    t->decision.size = sizeof t->decision;
    t->view.decision = t->ops.reason_count > 0 ? &t->decision : NULL;
    handle = t->ops.pick(t->scheduler, &t->function, t->state, &t->view);
    if (handle.generation == 0) {
        return -1;
    }
    HF_CHECK(handle.index < t->view.worker_count && hf_test_feasible(&t->view, handle.index));
    t->workers[handle.index].instances++;
    t->workers[handle.index].memory_used_bytes += t->function.memory_bytes;
    t->shares[handle.index].instances++;
    if (t->ops.confirm) {
        t->ops.confirm(t->scheduler, &t->function, handle);
    }
    return (int)handle.index;
}

/* An instance on worker `i` has gone. */
HF_TEST_UNUSED void
hf_test_scheduler_stop(struct hf_test_scheduler *t, int i)
{
    t->workers[i].instances--;
    t->workers[i].memory_used_bytes -= t->function.memory_bytes;
    t->shares[i].instances--;
}

HF_TEST_UNUSED void
hf_test_scheduler_end(struct hf_test_scheduler *t)
{
    for (uint32_t i = 0; t->ops.worker_removed && i < t->view.worker_count; i++) {
        t->ops.worker_removed(t->scheduler, &t->workers[i]);
    }
    t->ops.destroy(t->scheduler);
    free(t->workers);
    free(t->shares);
    free((void *)t->list);
    free(t->ids);
    free(t->state);
    free(t->options.given);
}

#ifdef __cplusplus
}
#endif

#endif
