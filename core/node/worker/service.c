/*
 * service.c - worker.Worker: Start, Stop, SignalReady and Metrics.
 *
 * What existing leaves and functions depend on: Start's OK means ready to serve; Stop
 * of an instance that is gone is OK (on an error they keep routing to it); SignalReady
 * is always OK (functions exit on any error).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "google/protobuf/empty.pb-c.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "node/worker/worker.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(worker);

#define WAIT_MAGIC HF_MAGIC('w', 'w', 'a', 't')

/* A Start or Stop call that waits: for its function's definition, then for an instance. */
struct wait {
    uint32_t magic;
    struct hf_list node; /* in `starts` or `stops` of `instance` */
    struct hf_worker_role *worker;
    struct hf_worker_instance *instance; /* NULL: not yet */
    struct hf_catalog_lookup *lookup;
    struct hf_grpc_call *call;
};

static struct hf_worker_role *
worker_of(const struct hf_grpc_call *call)
{
    return hf_cast(hf_grpc_call_arg(call), struct hf_worker_role, HF_WORKER_MAGIC);
}

static struct wait *
wait_new(struct hf_grpc_call *call)
{
    struct wait *wait = calloc(1, sizeof *wait);

    if (!wait) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "the worker has no memory left");
        return NULL;
    }
    wait->magic = WAIT_MAGIC;
    wait->worker = worker_of(call);
    wait->call = call;
    hf_list_init(&wait->node);
    hf_grpc_call_set_state(call, wait);
    return wait;
}

static void
wait_free(struct wait *wait)
{
    hf_list_remove(&wait->node);
    wait->magic = 0;
    free(wait);
}

static void
finish(struct wait *wait, int code, const char *why)
{
    hf_grpc_call_finish(wait->call, hf_error_to_grpc(code), why);
    wait_free(wait);
}

bool
hf_worker_id_fits(struct hf_grpc_call *call, const char *what, const char *id)
{
    char message[80];

    if (strnlen(id, HF_WORKER_ID_MAX + 1) <= HF_WORKER_ID_MAX) {
        return true;
    }
    snprintf(message, sizeof message, "%s has more than %d bytes", what, HF_WORKER_ID_MAX);
    hf_grpc_call_finish(call, HF_GRPC_INVALID_ARGUMENT, message);
    return false;
}

/* --- Start ------------------------------------------------------------------ */

static void
reply_started(struct wait *wait)
{
    const struct hf_worker_instance *instance = wait->instance;
    Worker__StartResponse response = WORKER__START_RESPONSE__INIT;

    response.instance_id = (char *)(uintptr_t)instance->facts.id; /* only read */
    response.instance_internal_ip = (char *)(uintptr_t)instance->facts.internal;
    response.instance_external_ip = (char *)(uintptr_t)instance->facts.external;
    response.instance_name = (char *)(uintptr_t)instance->facts.name;
    hf_grpc_call_reply(wait->call, &response.base);
    wait_free(wait);
}

void
hf_worker_answer_starts(struct hf_worker_instance *instance, int code, const char *why)
{
    while (!hf_list_is_empty(&instance->starts)) {
        struct wait *wait = hf_container_of(instance->starts.next, struct wait, node);

        if (code < 0) {
            finish(wait, code, why);
        } else {
            reply_started(wait);
        }
    }
}

static void
join(struct wait *wait, struct hf_worker_instance *instance)
{
    wait->instance = instance;
    switch ((enum hf_worker_state)instance->state) {
    case HF_WORKER_SERVING:
        reply_started(wait);
        break;
    case HF_WORKER_STOPPING:
        finish(wait, HF_ECANCELLED, "the instance of this start is being stopped");
        break;
    case HF_WORKER_CREATING:
    case HF_WORKER_WAITING:
        hf_list_append(&instance->starts, &wait->node);
        break;
    }
}

static const char *
metadata(const struct hf_grpc_call *call, const char *name)
{
    const char *value = hf_grpc_metadata(hf_grpc_call_metadata(call), name);

    return value ? value : "";
}

/* The instance of the call's start id, from an earlier attempt or a duplicate; or NULL. */
static struct hf_worker_instance *
known_start(const struct wait *wait)
{
    const char *start_id = metadata(wait->call, "hyperfaas-start-id");

    return *start_id ? hf_worker_find_start(wait->worker, start_id) : NULL;
}

/* The function is known: starts an instance for the call. */
static void
start(struct wait *wait, struct hf_function_def *def)
{
    struct hf_worker_instance *instance = known_start(wait);
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (instance) { /* a duplicate came while the function was looked up */
        join(wait, instance);
        return;
    }
    r = hf_worker_instance_new(wait->worker, def, metadata(wait->call, "hyperfaas-leaf"),
                               metadata(wait->call, "hyperfaas-start-id"), &instance, &err);
    if (r < 0) {
        hf_log_limited(HF_LOG_NOTICE, "start refused", HF_KV_STR("function", def->function.id),
                       HF_KV_ERR(&err));
        finish(wait, r, hf_err_message(&err));
    } else {
        join(wait, instance);
    }
}

static void
on_found(void *arg, struct hf_function_def *def, int code, const char *message)
{
    struct wait *wait = hf_cast(arg, struct wait, WAIT_MAGIC);

    wait->lookup = NULL;
    if (def) {
        start(wait, def);
        hf_function_def_unref(def);
    } else {
        finish(wait, code, message);
    }
}

/* Finds the function, no older than the leaf saw it: news reach each node in its own time. */
static void
look_up(struct wait *wait, const char *id)
{
    struct hf_worker_role *worker = wait->worker;
    uint64_t revision = strtoull(metadata(wait->call, "hyperfaas-revision"), NULL, 10);
    struct hf_function_def *def = hf_catalog_find(worker->catalog, id, strlen(id));
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (def && def->revision >= revision) {
        start(wait, def);
        hf_function_def_unref(def);
        return;
    }
    r = (def ? hf_catalog_read : hf_catalog_resolve)(worker->catalog, worker->loop, id, strlen(id),
                                                     on_found, wait, &wait->lookup, &err);
    hf_function_def_unref(def);
    if (r < 0) {
        finish(wait, r, hf_err_message(&err));
    }
}

static void
on_start(struct hf_grpc_call *call, const void *message)
{
    const Worker__StartRequest *request = message;
    struct hf_worker_role *worker = worker_of(call);
    struct hf_worker_instance *known;
    struct wait *wait;

    if (worker->draining) {
        hf_grpc_call_finish(call, HF_GRPC_UNAVAILABLE, "this worker is draining");
        return;
    }
    if (!hf_worker_id_fits(call, "hyperfaas-leaf", metadata(call, "hyperfaas-leaf")) ||
        !hf_worker_id_fits(call, "hyperfaas-start-id", metadata(call, "hyperfaas-start-id"))) {
        return;
    }
    wait = wait_new(call);
    if (!wait) {
        return;
    }
    known = known_start(wait);
    if (known) {
        join(wait, known);
        return;
    }
    look_up(wait, request->function_id);
}

/* The leaf no longer wants it: what nobody waits for any more is cleaned up. */
static void
on_start_cancelled(struct hf_grpc_call *call)
{
    struct wait *wait = hf_cast(hf_grpc_call_state(call), struct wait, WAIT_MAGIC);
    struct hf_worker_instance *instance = wait->instance;

    hf_catalog_cancel(hf_steal(wait->lookup));
    finish(wait, HF_ECANCELLED, "the call was cancelled");
    if (instance && hf_list_is_empty(&instance->starts)) {
        hf_log(HF_LOG_INFO, "start was cancelled; removing the instance",
               HF_KV_STR("function", instance->facts.function_id),
               HF_KV_STR("instance", instance->facts.id));
        hf_worker_instance_stop(instance);
    }
}

/* --- Stop ------------------------------------------------------------------- */

static void
reply_stopped(struct hf_grpc_call *call, const char *instance_id)
{
    Worker__StopResponse response = WORKER__STOP_RESPONSE__INIT;

    response.instance_id = (char *)(uintptr_t)instance_id; /* only read */
    hf_grpc_call_reply(call, &response.base);
}

void
hf_worker_answer_stops(struct hf_worker_instance *instance)
{
    while (!hf_list_is_empty(&instance->stops)) {
        struct wait *wait = hf_container_of(instance->stops.next, struct wait, node);

        reply_stopped(wait->call, instance->facts.id);
        wait_free(wait);
    }
}

static void
on_stop(struct hf_grpc_call *call, const void *message)
{
    const Worker__StopRequest *request = message;
    struct hf_worker_instance *instance = hf_worker_find(worker_of(call), request->instance_id);
    struct wait *wait;

    if (!instance) {
        reply_stopped(call, request->instance_id);
        return;
    }
    wait = wait_new(call);
    if (wait) {
        wait->instance = instance;
        hf_list_append(&instance->stops, &wait->node);
        hf_worker_instance_stop(instance);
    }
}

/* The instance stops all the same. */
static void
on_stop_cancelled(struct hf_grpc_call *call)
{
    finish(hf_cast(hf_grpc_call_state(call), struct wait, WAIT_MAGIC), HF_ECANCELLED,
           "the call was cancelled");
}

/* --- SignalReady and Metrics ------------------------------------------------- */

static void
on_signal_ready(struct hf_grpc_call *call, const void *message)
{
    const Worker__SignalReadyRequest *request = message;
    Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

    hf_worker_ready_signal(worker_of(call), request->instance_id);
    hf_grpc_call_reply(call, &empty.base);
}

static void
on_metrics(struct hf_grpc_call *call, const void *message)
{
    struct hf_worker_role *worker = worker_of(call);
    Worker__MetricsUpdate update = WORKER__METRICS_UPDATE__INIT;
    hf_autofree double *processors = NULL;
    struct hf_err err = HF_ERR_INIT;
    int count;
    int r;

    (void)message; /* who asks makes no difference */
    r = hf_metrics_memory(&update.used_ram_percent, &err);
    count = r < 0 ? r : hf_metrics_processors(&worker->sample, &processors, &err);
    if (count < 0) {
        hf_grpc_call_fail(call, count, &err);
        return;
    }
    update.cpu_percent_percpus = processors;
    update.n_cpu_percent_percpus = (size_t)count;
    hf_grpc_call_reply(call, &update.base);
}

/* --- the table ---------------------------------------------------------------- */

static const struct hf_grpc_method methods_of_instances[] = {
    {
        .path = "/worker.Worker/SignalReady",
        .kind = HF_GRPC_UNARY,
        .request = &worker__signal_ready_request__descriptor,
        .message = on_signal_ready,
    },
};

static const struct hf_grpc_method methods[] = {
    {
        .path = "/worker.Worker/Start",
        .kind = HF_GRPC_UNARY,
        .managed = true,
        .request = &worker__start_request__descriptor,
        .message = on_start,
        .cancelled = on_start_cancelled,
    },
    {
        .path = "/worker.Worker/Stop",
        .kind = HF_GRPC_UNARY,
        .managed = true,
        .request = &worker__stop_request__descriptor,
        .message = on_stop,
        .cancelled = on_stop_cancelled,
    },
    {
        .path = "/worker.Worker/Metrics",
        .kind = HF_GRPC_UNARY,
        .managed = true,
        .request = &worker__metrics_request__descriptor,
        .message = on_metrics,
    },
};

int
hf_worker_serve(struct hf_worker_role *worker, struct hf_err *err)
{
    int r = hf_grpc_server_add(worker->api, methods, hf_countof(methods), worker);

    if (r == 0) { /* also here: images that were told to, by controller_address */
        r = hf_grpc_server_add(worker->api, methods_of_instances, hf_countof(methods_of_instances),
                               worker);
    }
    return r < 0 ? hf_fail(err, r, "can't serve worker.Worker") : 0;
}

int
hf_worker_serve_instances(struct hf_worker_role *worker, struct hf_err *err)
{
    int r = hf_grpc_server_add(worker->instance_api, methods_of_instances,
                               hf_countof(methods_of_instances), worker);

    return r < 0 ? hf_fail(err, r, "can't serve instances") : 0;
}
