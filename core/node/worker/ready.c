/*
 * ready.c - finding out that an instance serves.
 *
 * Functions of this platform say so with SignalReady.  A signal may come before the
 * runtime has told the instance's id: it is remembered for a while.  It is a hint:
 * functions signal before they listen, or listen where nobody reaches them.  So the
 * address is asked at once, and again until the limit; that it speaks HTTP/2 is enough.
 * Only where the worker cannot reach instances (`readiness = signal`) is it believed.
 *
 * Other functions are probed: ready means that they speak HTTP/2 and, where they have the
 * gRPC health service, say that they serve.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "grpc/health.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

#define PROBE_FIRST_NS (2 * HF_MSEC)
#define PROBE_MAX_NS   (100 * HF_MSEC)
#define PROBE_LIMIT_NS (1 * HF_SEC) /* of one attempt */

/* --- early signals --------------------------------------------------------- */

/* Anybody can send such signals, so what is kept of them is bounded in number and in time: an
 * instance that is still not known after the limit of becoming ready will not become ready by it.
 */

static uint64_t
hash_of(const struct hf_worker_role *worker, const char *id)
{
    return hf_hash_seeded(worker->early_seed, id, strlen(id));
}

/* Where an id is remembered, or NULL. */
static struct hf_worker_early *
find_early(struct hf_worker_role *worker, const char *id)
{
    uint64_t hash = hash_of(worker, id);
    uint64_t now = hf_loop_now(worker->loop);

    for (size_t i = 0; i < HF_WORKER_EARLY_MAX; i++) {
        if (worker->early[i].hash == hash && worker->early[i].until_ns > now) {
            return &worker->early[i];
        }
    }
    return NULL;
}

static void
remember(struct hf_worker_role *worker, const char *id)
{
    size_t len = strnlen(id, HF_WORKER_ID_MAX + 1);

    if (len > 0 && len <= HF_WORKER_ID_MAX && !find_early(worker, id)) { /* else none has it */
        worker->early[worker->early_next++ % HF_WORKER_EARLY_MAX] = (struct hf_worker_early){
            .hash = hash_of(worker, id),
            .until_ns = hf_loop_now(worker->loop) + worker->ready_ns,
        };
    }
}

/* Whether the instance has signalled before it was known; that is forgotten then. */
static bool
recall(struct hf_worker_role *worker, const char *id)
{
    struct hf_worker_early *early = find_early(worker, id);

    if (early) {
        early->until_ns = 0;
    }
    return early != NULL;
}

/* --- signals --------------------------------------------------------------- */

static void probe(struct hf_worker_instance *instance);

/* The instance says that it is ready. */
static void
take_signal(struct hf_worker_instance *instance)
{
    if (instance->worker->readiness == HF_READY_BY_SIGNAL) {
        hf_worker_instance_ready(instance);
        return;
    }
    instance->signalled = true;
    hf_grpc_probe_cancel(hf_steal(instance->probe)); /* which asks for more */
    instance->probe_delay_ns = PROBE_FIRST_NS;
    probe(instance);
}

void
hf_worker_ready_signal(struct hf_worker_role *worker, const char *instance_id)
{
    struct hf_worker_instance *instance = hf_worker_find(worker, instance_id);

    if (!instance) {
        remember(worker, instance_id);
    } else if (instance->state == HF_WORKER_WAITING && !instance->signalled &&
               worker->readiness & HF_READY_BY_SIGNAL) {
        take_signal(instance);
    }
}

/* --- probes ---------------------------------------------------------------- */

static void
on_probed(void *arg, enum hf_grpc_probe_result result, const char *text)
{
    struct hf_worker_instance *instance =
        hf_cast(arg, struct hf_worker_instance, HF_WORKER_INSTANCE_MAGIC);

    instance->probe = NULL;
    if (result == HF_GRPC_PROBE_READY) {
        hf_worker_instance_ready(instance);
        return;
    }
    hf_log(HF_LOG_DEBUG, "not ready yet", HF_KV_STR("instance", instance->facts.id),
           HF_KV_STR("found", text));
    snprintf(instance->probe_found, sizeof instance->probe_found, "%s", text);
    hf_timer_set(&instance->probe_again, instance->probe_delay_ns);
    instance->probe_delay_ns = hf_min(instance->probe_delay_ns * 2, PROBE_MAX_NS);
}

static const char *
probed_address(const struct hf_worker_instance *instance)
{
    return instance->worker->internal ? instance->facts.internal : instance->facts.external;
}

static void
probe(struct hf_worker_instance *instance)
{
    enum hf_grpc_probe_depth depth =
        instance->signalled ? HF_GRPC_PROBE_HTTP2 : HF_GRPC_PROBE_HEALTH;

    hf_timer_cancel(&instance->probe_again);
    if (hf_grpc_probe(instance->worker->loop, probed_address(instance), depth, PROBE_LIMIT_NS,
                      on_probed, instance, &instance->probe, NULL) < 0) {
        hf_timer_set(&instance->probe_again, PROBE_MAX_NS);
    }
}

static void
on_probe_again(struct hf_timer *timer)
{
    probe(hf_container_of(timer, struct hf_worker_instance, probe_again));
}

static void
on_limit(struct hf_timer *timer)
{
    struct hf_worker_instance *instance =
        hf_container_of(timer, struct hf_worker_instance, ready_limit);
    char why[384];

    if (instance->signalled) {
        snprintf(why, sizeof why,
                 "it did not become ready in time ([worker] ready_timeout): it called SignalReady, "
                 "but at %s there is %s",
                 probed_address(instance), instance->probe_found);
    } else {
        snprintf(why, sizeof why,
                 "it did not become ready in time ([worker] ready_timeout): it neither called "
                 "SignalReady nor answered as an HTTP/2 server");
    }
    hf_worker_instance_fail(instance, HF_ETIMEOUT, why);
}

/* --- both ------------------------------------------------------------------ */

void
hf_worker_ready_begin(struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;
    bool signalled = recall(worker, instance->facts.id);

    if (signalled && worker->readiness == HF_READY_BY_SIGNAL) {
        hf_worker_instance_ready(instance);
        return;
    }
    hf_timer_init(&instance->ready_limit, worker->loop, HF_TIMER_REAL, on_limit);
    hf_timer_init(&instance->probe_again, worker->loop, HF_TIMER_REAL, on_probe_again);
    hf_timer_set(&instance->ready_limit, worker->ready_ns);
    if (signalled && worker->readiness & HF_READY_BY_SIGNAL) {
        take_signal(instance);
    } else if (worker->readiness & HF_READY_BY_PROBE) {
        instance->probe_delay_ns = PROBE_FIRST_NS;
        hf_timer_set(&instance->probe_again, PROBE_FIRST_NS);
    }
}

void
hf_worker_ready_end(struct hf_worker_instance *instance)
{
    hf_grpc_probe_cancel(hf_steal(instance->probe));
    if (instance->ready_limit.loop) { /* else it was ready at once */
        hf_timer_fini(&instance->ready_limit);
        hf_timer_fini(&instance->probe_again);
    }
}
