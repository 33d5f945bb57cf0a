/*
 * unwanted.c - instances that the worker does not keep, but that its runtime has: they are stopped,
 * and tried again until they are gone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

#define UNWANTED_MAGIC HF_MAGIC('w', 'u', 'n', 'w')

/* Between attempts. */
#define AGAIN_MIN_NS (200 * HF_MSEC)
#define AGAIN_MAX_NS (30 * HF_SEC)

struct unwanted {
    uint32_t magic;
    struct hf_list node; /* in the worker's `unwanted` */
    struct hf_worker_role *worker;
    struct hf_timer again;
    uint64_t grace_ns;
    uint64_t delay_ns;
    char id[];
};

static void
unwanted_free(struct unwanted *unwanted)
{
    hf_timer_fini(&unwanted->again);
    hf_list_remove(&unwanted->node);
    unwanted->magic = 0;
    free(unwanted);
}

static void
try_later(struct unwanted *unwanted, const char *why)
{
    hf_log_limited(HF_LOG_WARNING, "an unwanted instance could not be removed; trying again",
                   HF_KV_STR("instance", unwanted->id), HF_KV_STR("why", why));
    unwanted->delay_ns = hf_min(hf_max(2 * unwanted->delay_ns, AGAIN_MIN_NS), AGAIN_MAX_NS);
    hf_timer_set(&unwanted->again, unwanted->delay_ns);
}

static void
on_stopped(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct unwanted *unwanted = hf_cast(arg, struct unwanted, UNWANTED_MAGIC);
    struct hf_worker_role *worker = unwanted->worker;

    (void)info;
    if (code == 0 || code == HF_ENOTFOUND || code == HF_ECANCELLED) {
        unwanted_free(unwanted);
        hf_worker_check_drained(worker);
    } else {
        try_later(unwanted, message);
    }
}

static void
stop(struct unwanted *unwanted)
{
    struct hf_worker_role *worker = unwanted->worker;
    struct hf_err err = HF_ERR_INIT;

    if (worker->ops->stop(worker->runtime, unwanted->id, unwanted->grace_ns, on_stopped, unwanted,
                          &err) < 0) {
        try_later(unwanted, hf_err_message(&err));
    }
}

static void
on_again(struct hf_timer *timer)
{
    stop(hf_container_of(timer, struct unwanted, again));
}

void
hf_worker_remove_unwanted(struct hf_worker_role *worker, const char *id, uint64_t grace_ns)
{
    size_t size = strlen(id) + 1;
    struct unwanted *unwanted = calloc(1, sizeof *unwanted + size);

    if (!unwanted) {
        hf_log(HF_LOG_WARNING, "no memory to remove an unwanted instance",
               HF_KV_STR("instance", id));
        return;
    }
    unwanted->magic = UNWANTED_MAGIC;
    unwanted->worker = worker;
    unwanted->grace_ns = grace_ns;
    memcpy(unwanted->id, id, size);
    hf_timer_init(&unwanted->again, worker->loop, HF_TIMER_REAL, on_again);
    hf_list_append(&worker->unwanted, &unwanted->node);
    stop(unwanted);
}

void
hf_worker_forget_unwanted(struct hf_worker_role *worker)
{
    while (!hf_list_is_empty(&worker->unwanted)) {
        unwanted_free(hf_container_of(worker->unwanted.next, struct unwanted, node));
    }
}
