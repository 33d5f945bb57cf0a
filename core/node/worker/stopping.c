/*
 * stopping.c - instances that are being stopped: tried again until they are gone.  Also those that
 * the worker does not keep, but that its runtime has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/guest.h"
#include "base/log.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

HF_COUNTER(worker_stops_failed, "Attempts to stop an instance that failed; each is repeated.");

#define STOPPING_MAGIC HF_MAGIC('w', 's', 't', 'p')

/* Between attempts. */
#define AGAIN_MIN_NS (200 * HF_MSEC)
#define AGAIN_MAX_NS (30 * HF_SEC)

/* What could not be stopped may run on. */
static void
try_later(struct hf_worker_stopping *stopping, const char *why)
{
    hf_count(&worker_stops_failed);
    hf_log_limited(HF_LOG_WARNING, "instance could not be stopped; trying again",
                   HF_KV_STR("instance", stopping->id), HF_KV_STR("why", why));
    stopping->delay_ns = hf_min(hf_max(2 * stopping->delay_ns, AGAIN_MIN_NS), AGAIN_MAX_NS);
    hf_timer_set(&stopping->again, stopping->delay_ns);
}

static void
on_stopped(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct hf_worker_stopping *stopping = hf_cast(arg, struct hf_worker_stopping, STOPPING_MAGIC);

    (void)info;
    if (code == 0 || code == HF_ENOTFOUND || code == HF_ECANCELLED) {
        stopping->gone(stopping);
    } else {
        try_later(stopping, message);
    }
}

static void
on_again(struct hf_timer *timer)
{
    struct hf_worker_stopping *stopping = hf_container_of(timer, struct hf_worker_stopping, again);
    const struct hf_worker_role *worker = stopping->worker;
    struct hf_err err = HF_ERR_INIT;
    int r = hf_fault(HF_FAULT_STOP)
                ? hf_fail(&err, HF_EUNAVAILABLE, "fault worker.stop is set")
                : hf_guest_call(worker->ops, stop, NULL, worker->runtime, stopping->id,
                                stopping->grace_ns, on_stopped, stopping, &err);

    if (r < 0) {
        try_later(stopping, hf_err_message(&err));
    }
}

void
hf_worker_stopping_begin(struct hf_worker_stopping *stopping, struct hf_worker_role *worker,
                         const char *id, uint64_t grace_ns,
                         void (*gone)(struct hf_worker_stopping *))
{
    *stopping = (struct hf_worker_stopping){
        .magic = STOPPING_MAGIC,
        .worker = worker,
        .id = id,
        .grace_ns = grace_ns,
        .gone = gone,
    };
    hf_timer_init(&stopping->again, worker->loop, HF_TIMER_REAL, on_again);
    on_again(&stopping->again);
}

void
hf_worker_stopping_end(struct hf_worker_stopping *stopping)
{
    hf_timer_fini(&stopping->again);
    stopping->magic = 0;
}

/* --- what the worker does not keep ---------------------------------------------------------- */

struct unwanted {
    struct hf_list node; /* in the worker's `unwanted` */
    struct hf_worker_stopping stopping;
    char id[];
};

static void
unwanted_free(struct unwanted *unwanted)
{
    hf_worker_stopping_end(&unwanted->stopping);
    hf_list_remove(&unwanted->node);
    free(unwanted);
}

static void
on_unwanted_gone(struct hf_worker_stopping *stopping)
{
    struct hf_worker_role *worker = stopping->worker;

    unwanted_free(hf_container_of(stopping, struct unwanted, stopping));
    hf_worker_check_drained(worker);
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
    memcpy(unwanted->id, id, size);
    hf_list_append(&worker->unwanted, &unwanted->node);
    hf_worker_stopping_begin(&unwanted->stopping, worker, unwanted->id, grace_ns, on_unwanted_gone);
}

void
hf_worker_forget_unwanted(struct hf_worker_role *worker)
{
    while (!hf_list_is_empty(&worker->unwanted)) {
        unwanted_free(hf_container_of(worker->unwanted.next, struct unwanted, node));
    }
}
