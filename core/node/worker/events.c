/*
 * events.c - tells leaves what becomes of instances.
 *
 * Two streams say the same in two languages: worker.Worker/Status, which existing
 * leaves read, and hyperfaas.v1.Node/Watch, which says more.  Each begins with what
 * runs now.  A listener that reads so slowly that its queue is full is sent away, and
 * begins anew with a snapshot; it never holds up anything.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/node.h"
#include "node/worker/described.h"
#include "node/worker/worker.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(worker);

#define LISTENER_MAGIC HF_MAGIC('w', 'l', 's', 't')

#define RESOURCES_NS (1 * HF_SEC)

struct listener {
    uint32_t magic;
    struct hf_list node; /* in `status_listeners` or `watchers` */
    struct hf_grpc_call *call;
    struct hf_worker_owner *owner; /* the leaf that watches; NULL: not known */
    bool all; /* wants to hear of instances that start, and of those that ended, too */
};

static struct hf_worker_role *
worker_of(const struct hf_grpc_call *call)
{
    return hf_cast(hf_grpc_call_arg(call), struct hf_worker_role, HF_WORKER_MAGIC);
}

/* --- listeners --------------------------------------------------------------- */

static void
listener_end(struct listener *listener, uint32_t code, const char *message)
{
    hf_list_remove(&listener->node);
    hf_worker_owner_unwatch(listener->owner);
    hf_grpc_call_finish(listener->call, code, message);
    listener->magic = 0;
    free(listener);
}

static struct listener *
listener_new(struct hf_grpc_call *call, struct hf_list *list)
{
    struct listener *listener = calloc(1, sizeof *listener);

    if (!listener) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "the worker has no memory left");
        return NULL;
    }
    listener->magic = LISTENER_MAGIC;
    listener->call = call;
    hf_list_append(list, &listener->node);
    hf_grpc_call_set_state(call, listener);
    hf_grpc_call_send_headers(call);
    return listener;
}

static void
on_cancelled(struct hf_grpc_call *call)
{
    struct hf_worker_role *worker = worker_of(call);

    listener_end(hf_cast(hf_grpc_call_state(call), struct listener, LISTENER_MAGIC),
                 HF_GRPC_CANCELLED, NULL);
    hf_worker_check_drained(worker);
}

/* False: the listener has been sent away. */
static bool
send(struct listener *listener, const ProtobufCMessage *message)
{
    int r = hf_grpc_call_send(listener->call, message);

    if (r == HF_EFULL) {
        hf_log_limited(HF_LOG_NOTICE, "a listener reads too slowly; sending it away",
                       HF_KV_STR("peer", hf_grpc_call_peer(listener->call)));
        listener_end(listener, HF_GRPC_RESOURCE_EXHAUSTED,
                     "too slow: listen again, and begin with the new snapshot");
        return false;
    }
    return true; /* whatever else is wrong ends the call by itself */
}

static void
send_all(struct hf_list *list, const ProtobufCMessage *message)
{
    struct hf_list *node;
    struct hf_list *next;

    for (node = list->next; node != list; node = next) {
        next = node->next;
        send(hf_container_of(node, struct listener, node), message);
    }
}

/* --- Status ------------------------------------------------------------------ */

static Worker__StatusUpdate
status_of(const struct hf_worker_instance *instance, Worker__Event event, Worker__Status status)
{
    Worker__StatusUpdate update = WORKER__STATUS_UPDATE__INIT;

    update.instance_id = instance->id;
    update.function_id = (char *)(uintptr_t)instance->def->function.id; /* only read */
    update.event = event;
    update.status = status;
    return update;
}

static void
send_status(struct hf_list *list, Worker__StatusUpdate update)
{
    Google__Protobuf__Timestamp now = hf_worker_timestamp(hf_wall_now());

    update.timestamp = &now;
    send_all(list, &update.base);
}

static bool
send_status_to(struct listener *listener, Worker__StatusUpdate update)
{
    Google__Protobuf__Timestamp now = hf_worker_timestamp(hf_wall_now());

    update.timestamp = &now;
    return send(listener, &update.base);
}

/* What runs, and what is no more though leaves may believe in it. */
static bool
send_status_snapshot(struct hf_worker_role *worker, struct listener *listener)
{
    struct hf_worker_instance *instance;
    struct hf_worker_past_instance *gone;

    HF_LIST_FOR (gone, &worker->gone, node) {
        Worker__StatusUpdate update = WORKER__STATUS_UPDATE__INIT;

        update.instance_id = (char *)(uintptr_t)gone->id; /* only read */
        update.function_id = (char *)(uintptr_t)gone->function_id;
        update.event = WORKER__EVENT__EVENT_DOWN;
        update.status = WORKER__STATUS__STATUS_FAILED;
        if (!send_status_to(listener, update)) {
            return false;
        }
    }
    HF_LIST_FOR (instance, &worker->instances, node) {
        if (instance->state == HF_WORKER_SERVING &&
            !send_status_to(listener, status_of(instance, WORKER__EVENT__EVENT_RUNNING,
                                                WORKER__STATUS__STATUS_SUCCESS_UNSPECIFIED))) {
            return false;
        }
    }
    return true;
}

static void
on_status(struct hf_grpc_call *call, const void *message)
{
    struct hf_worker_role *worker = worker_of(call);
    struct listener *listener = listener_new(call, &worker->status_listeners);

    (void)message; /* any number of listeners may use one id */
    if (listener && !worker->unsettled) {
        send_status_snapshot(worker, listener);
    }
}

/* --- Watch ------------------------------------------------------------------- */

/* Those that serve; to who wants all, the others too. */
static bool
send_instances(const struct hf_worker_role *worker, struct listener *listener)
{
    struct hf_worker_instance *instance;
    struct hf_worker_told_instance told;

    HF_LIST_FOR (instance, &worker->instances, node) {
        if (instance->state != HF_WORKER_SERVING && !listener->all) {
            continue;
        }
        hf_worker_describe(instance, hf_worker_told_state(instance), &told);
        if (!send(listener, &told.event.base)) {
            return false;
        }
    }
    return true;
}

static bool
send_ended(const struct hf_worker_role *worker, struct listener *listener)
{
    struct hf_worker_ended *ended;
    struct hf_worker_told_end told;

    HF_LIST_FOR (ended, &worker->ended, node) {
        if (!listener->all) {
            break;
        }
        hf_worker_describe_end(ended, &told);
        if (!send(listener, &told.event.base)) {
            return false;
        }
    }
    return true;
}

static bool
send_snapshot(struct hf_worker_role *worker, struct listener *listener)
{
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__Resources resources = hf_worker_resources(worker);
    Hyperfaas__V1__Draining draining = HYPERFAAS__V1__DRAINING__INIT;
    Hyperfaas__V1__SnapshotEnd end = HYPERFAAS__V1__SNAPSHOT_END__INIT;

    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_RESOURCES;
    event.resources = &resources;
    if (!send(listener, &event.base)) {
        return false;
    }
    draining.draining = worker->draining;
    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_DRAINING;
    event.draining = &draining;
    if (!send(listener, &event.base)) {
        return false;
    }
    if (!send_instances(worker, listener) || !send_ended(worker, listener)) {
        return false;
    }
    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END;
    event.snapshot_end = &end;
    return send(listener, &event.base);
}

static void
on_watch(struct hf_grpc_call *call, const void *message)
{
    struct hf_worker_role *worker = worker_of(call);
    const Hyperfaas__V1__WatchRequest *request = message;
    struct listener *listener;

    if (!hf_worker_id_fits(call, "node_id", request->node_id)) {
        return;
    }
    listener = listener_new(call, &worker->watchers);
    if (listener) {
        listener->all = request->all;
    }
    if (listener && *request->node_id) {
        listener->owner = hf_worker_owner_watch(worker, request->node_id);
    }
    if (listener && (worker->unsettled || send_snapshot(worker, listener))) {
        hf_log(HF_LOG_INFO, "watched", HF_KV_STR("by", request->node_id),
               HF_KV_STR("peer", hf_grpc_call_peer(call)));
    }
}

void
hf_worker_tell_snapshots(struct hf_worker_role *worker)
{
    struct listener *listener;
    struct listener *next;

    HF_LIST_FOR_SAFE (listener, next, &worker->status_listeners, node) {
        send_status_snapshot(worker, listener);
    }
    HF_LIST_FOR_SAFE (listener, next, &worker->watchers, node) {
        send_snapshot(worker, listener);
    }
}

/* --- what happens -------------------------------------------------------------- */

/* Before their snapshot watchers are told nothing: it will have it all. */
static bool
is_watched(const struct hf_worker_role *worker)
{
    return !worker->unsettled && !hf_list_is_empty(&worker->watchers);
}

static void
send_all_who_want_all(struct hf_worker_role *worker, const ProtobufCMessage *message)
{
    struct listener *listener;
    struct listener *next;

    HF_LIST_FOR_SAFE (listener, next, &worker->watchers, node) {
        if (listener->all) {
            send(listener, message);
        }
    }
}

void
hf_worker_tell_starting(const struct hf_worker_instance *instance)
{
    struct hf_worker_told_instance told;

    if (is_watched(instance->worker)) {
        hf_worker_describe(instance, HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING, &told);
        send_all_who_want_all(instance->worker, &told.event.base);
    }
}

void
hf_worker_tell_ended(struct hf_worker_role *worker, const struct hf_worker_ended *ended)
{
    struct hf_worker_told_end told;

    if (is_watched(worker)) {
        hf_worker_describe_end(ended, &told);
        send_all_who_want_all(worker, &told.event.base);
    }
}

void
hf_worker_tell_serving(const struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;
    Worker__StatusUpdate update =
        status_of(instance, WORKER__EVENT__EVENT_START, WORKER__STATUS__STATUS_SUCCESS_UNSPECIFIED);
    struct hf_worker_told_instance told;

    send_status(&worker->status_listeners, update);
    if (is_watched(worker)) {
        hf_worker_describe(instance, HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY, &told);
        send_all(&worker->watchers, &told.event.base);
    }
}

void
hf_worker_tell_stopping(const struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;
    /* Of a worker that ends an existing leaf has asked no stop, and it acts on nothing but DOWN. */
    Worker__StatusUpdate update = status_of(
        instance, worker->stopping_all ? WORKER__EVENT__EVENT_DOWN : WORKER__EVENT__EVENT_STOP,
        WORKER__STATUS__STATUS_SUCCESS_UNSPECIFIED);
    struct hf_worker_told_instance told;

    send_status(&worker->status_listeners, update);
    if (is_watched(worker)) {
        hf_worker_describe(instance, HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STOPPING, &told);
        send_all(&worker->watchers, &told.event.base);
    }
}

void
hf_worker_tell_gone(const struct hf_worker_instance *instance, const struct hf_instance_end *end)
{
    struct hf_worker_role *worker = instance->worker;
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__InstanceRemoved removed = HYPERFAAS__V1__INSTANCE_REMOVED__INIT;

    if (end) { /* an existing leaf acts on DOWN, and for every end that nobody asked for */
        Worker__StatusUpdate update =
            status_of(instance, WORKER__EVENT__EVENT_DOWN, WORKER__STATUS__STATUS_FAILED);

        send_status(&worker->status_listeners, update);
    }
    removed.instance_id = instance->id;
    removed.function_id = (char *)(uintptr_t)instance->def->function.id; /* only read */
    removed.expected = !end;
    removed.exit_status = !end ? 0 : end->signal > 0 ? 128 + end->signal : end->exit_code;
    removed.out_of_memory = end && end->out_of_memory;
    removed.reason = end ? (char *)(uintptr_t)end->message : (char *)(uintptr_t) "stopped";
    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_REMOVED;
    event.instance_removed = &removed;
    if (is_watched(worker)) {
        send_all(&worker->watchers, &event.base);
    }
}

void
hf_worker_tell_draining(struct hf_worker_role *worker)
{
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__Draining draining = HYPERFAAS__V1__DRAINING__INIT;

    draining.draining = worker->draining;
    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_DRAINING;
    event.draining = &draining;
    if (is_watched(worker)) {
        send_all(&worker->watchers, &event.base);
    }
}

void
hf_worker_tell_resources(struct hf_worker_role *worker)
{
    if (is_watched(worker) && !hf_timer_is_set(&worker->resources)) {
        hf_timer_set(&worker->resources, RESOURCES_NS);
    }
}

void
hf_worker_on_resources(struct hf_timer *timer)
{
    struct hf_worker_role *worker = hf_container_of(timer, struct hf_worker_role, resources);
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__Resources resources = hf_worker_resources(worker);

    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_RESOURCES;
    event.resources = &resources;
    send_all(&worker->watchers, &event.base);
}

void
hf_worker_end_events(struct hf_worker_role *worker)
{
    struct hf_list *lists[] = { &worker->status_listeners, &worker->watchers };

    for (size_t i = 0; i < hf_countof(lists); i++) {
        while (!hf_list_is_empty(lists[i])) {
            listener_end(hf_container_of(lists[i]->next, struct listener, node),
                         HF_GRPC_UNAVAILABLE, "this worker is shutting down");
        }
    }
}

static const struct hf_grpc_method methods[] = {
    {
        .path = "/worker.Worker/Status",
        .kind = HF_GRPC_SERVER_STREAMING,
        .managed = true,
        .request = &worker__status_request__descriptor,
        .message = on_status,
        .cancelled = on_cancelled,
    },
    {
        .path = "/hyperfaas.v1.Node/Watch",
        .kind = HF_GRPC_SERVER_STREAMING,
        .managed = true,
        .request = &hyperfaas__v1__watch_request__descriptor,
        .message = on_watch,
        .cancelled = on_cancelled,
    },
};

int
hf_worker_serve_events(struct hf_worker_role *worker, struct hf_err *err)
{
    int r = hf_grpc_server_add(worker->api, methods, hf_countof(methods), worker);

    return r < 0 ? hf_fail(err, r, "can't serve the worker's events") : 0;
}
