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
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/node.h"
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
    hf_worker_owner_untie(listener->owner, HF_WORKER_WATCHES);
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

/* `only_all`: to those alone who want to hear of all. */
static void
send_each(struct hf_list *list, bool only_all, const ProtobufCMessage *message)
{
    struct listener *listener;
    struct listener *next;

    HF_LIST_FOR_SAFE (listener, next, list, node) {
        if (listener->all || !only_all) {
            send(listener, message);
        }
    }
}

/* --- messages ---------------------------------------------------------------- */

/* Texts are only read. */
static char *
text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static Google__Protobuf__Timestamp
timestamp(uint64_t wall_ns)
{
    Google__Protobuf__Timestamp ret = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    ret.seconds = (int64_t)(wall_ns / HF_SEC);
    ret.nanos = (int32_t)(wall_ns % HF_SEC);
    return ret;
}

/* An event of an instance, or of its end, and what that points to. */
struct told {
    Hyperfaas__V1__WatchEvent event;
    Hyperfaas__V1__Instance instance;
    Hyperfaas__V1__InstanceEnded end;
    Google__Protobuf__Timestamp started;
    Google__Protobuf__Timestamp ended;
    char revision[17];
};

static void
describe(const struct hf_worker_facts *facts, Hyperfaas__V1__InstanceState state, struct told *ret)
{
    Hyperfaas__V1__Instance *told = &ret->instance;

    hyperfaas__v1__watch_event__init(&ret->event);
    hyperfaas__v1__instance__init(told);
    ret->started = timestamp(facts->started_wall_ns);
    snprintf(ret->revision, sizeof ret->revision, "%016llx", (unsigned long long)facts->revision);
    told->instance_id = text_of(facts->id);
    told->function_id = text_of(facts->function_id);
    told->name = text_of(facts->name);
    told->internal_address = text_of(facts->internal);
    told->external_address = text_of(facts->external);
    told->state = state;
    told->revision = ret->revision;
    told->leaf_id = text_of(facts->leaf_id);
    told->start_id = text_of(facts->start_id);
    told->started = facts->started_wall_ns > 0 ? &ret->started : NULL;
    ret->event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE;
    ret->event.instance = told;
}

static void
describe_instance(const struct hf_worker_instance *instance, struct told *ret)
{
    static const Hyperfaas__V1__InstanceState states[] = {
        [HF_WORKER_CREATING] = HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING,
        [HF_WORKER_WAITING] = HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING,
        [HF_WORKER_SERVING] = HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY,
        [HF_WORKER_STOPPING] = HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STOPPING,
    };

    describe(&instance->facts, states[instance->state], ret);
    ret->instance.boot_id = text_of(hf_node_boot_id(instance->worker->node));
}

static void
describe_end(const struct hf_worker_ended *ended, struct told *ret)
{
    describe(&ended->facts,
             ended->served ? HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY
                           : HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING,
             ret);
    hyperfaas__v1__instance_ended__init(&ret->end);
    ret->ended = timestamp(ended->ended_wall_ns);
    ret->end.instance = &ret->instance;
    ret->end.ended = &ret->ended;
    ret->end.expected = ended->expected;
    ret->end.known = ended->known;
    ret->end.exit_code = ended->exit_code;
    ret->end.signal = ended->signal;
    ret->end.out_of_memory = ended->out_of_memory;
    ret->end.reason = text_of(ended->reason);
    ret->event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED;
    ret->event.instance_ended = &ret->end;
}

static Hyperfaas__V1__Resources
resources_of(const struct hf_worker_role *worker)
{
    Hyperfaas__V1__Resources resources = HYPERFAAS__V1__RESOURCES__INIT;

    resources.memory_bytes = worker->memory_bytes;
    resources.memory_reserved_bytes = worker->memory_reserved;
    resources.cpu_millis = (uint32_t)hf_min(worker->cpu_millis, (uint64_t)UINT32_MAX);
    resources.cpu_reserved_millis = (uint32_t)hf_min(worker->cpu_reserved, (uint64_t)UINT32_MAX);
    resources.max_instances = worker->max_instances;
    return resources;
}

/* --- Status ------------------------------------------------------------------ */

static Worker__StatusUpdate
status_of(const char *instance_id, const char *function_id, Worker__Event event)
{
    Worker__StatusUpdate update = WORKER__STATUS_UPDATE__INIT;

    update.instance_id = text_of(instance_id);
    update.function_id = text_of(function_id);
    update.event = event;
    return update;
}

/* To one listener, or to all if that is NULL.  False: it has been sent away. */
static bool
send_status(struct hf_worker_role *worker, struct listener *listener, Worker__StatusUpdate update)
{
    Google__Protobuf__Timestamp now = timestamp(hf_wall_now());

    update.timestamp = &now;
    if (listener) {
        return send(listener, &update.base);
    }
    send_each(&worker->status_listeners, false, &update.base);
    return true;
}

/* What runs, and what is no more though leaves may believe in it. */
static void
send_status_snapshot(struct hf_worker_role *worker, struct listener *listener)
{
    struct hf_worker_instance *instance;
    struct hf_worker_past_instance *gone;
    Worker__StatusUpdate update;
    bool there = true;

    HF_LIST_FOR (gone, &worker->gone, node) {
        if (there) {
            update = status_of(gone->id, gone->function_id, WORKER__EVENT__EVENT_DOWN);
            update.status = WORKER__STATUS__STATUS_FAILED;
            there = send_status(worker, listener, update);
        }
    }
    HF_LIST_FOR (instance, &worker->instances, node) {
        if (there && instance->state == HF_WORKER_SERVING) {
            update = status_of(instance->facts.id, instance->facts.function_id,
                               WORKER__EVENT__EVENT_RUNNING);
            there = send_status(worker, listener, update);
        }
    }
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

/* Those that serve; to who wants all, the others too, and what ended. */
static bool
send_instances(const struct hf_worker_role *worker, struct listener *listener)
{
    struct hf_worker_instance *instance;
    struct hf_worker_ended *ended;
    struct told told;
    bool there = true;

    HF_LIST_FOR (instance, &worker->instances, node) {
        if (there && (instance->state == HF_WORKER_SERVING || listener->all)) {
            describe_instance(instance, &told);
            there = send(listener, &told.event.base);
        }
    }
    HF_LIST_FOR (ended, &worker->ended, node) {
        if (there && listener->all) {
            describe_end(ended, &told);
            there = send(listener, &told.event.base);
        }
    }
    return there;
}

static Hyperfaas__V1__Image
image_of(const struct hf_worker_image *image)
{
    Hyperfaas__V1__Image ret = HYPERFAAS__V1__IMAGE__INIT;

    ret.tag = text_of(image->tag);
    return ret;
}

static bool
send_images(const struct hf_worker_role *worker, struct listener *listener)
{
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    struct hf_map_node *node = NULL;

    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE;
    while ((node = hf_map_next(&worker->images, node))) {
        const struct hf_worker_image *image = hf_container_of(node, struct hf_worker_image, node);
        Hyperfaas__V1__Image message = image_of(image);

        event.image = &message;
        if (image->present && !send(listener, &event.base)) {
            return false;
        }
    }
    return true;
}

static bool
send_snapshot(struct hf_worker_role *worker, struct listener *listener)
{
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__Resources resources = resources_of(worker);
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
    if (!send(listener, &event.base) || !send_images(worker, listener) ||
        !send_instances(worker, listener)) {
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
        listener->owner = hf_worker_owner_tie(worker, request->node_id, HF_WORKER_WATCHES);
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

void
hf_worker_tell_state(const struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;
    bool only_all = instance->state == HF_WORKER_WAITING;
    struct told told;

    if (!only_all) {
        /* Of a worker that ends an existing leaf has asked no stop, and it acts on nothing but
         * DOWN. */
        Worker__Event event = instance->state == HF_WORKER_SERVING ? WORKER__EVENT__EVENT_START
                              : worker->stopping_all               ? WORKER__EVENT__EVENT_DOWN
                                                                   : WORKER__EVENT__EVENT_STOP;

        send_status(worker, NULL,
                    status_of(instance->facts.id, instance->facts.function_id, event));
    }
    if (is_watched(worker)) {
        describe_instance(instance, &told);
        send_each(&worker->watchers, only_all, &told.event.base);
    }
}

void
hf_worker_tell_ended(struct hf_worker_role *worker, const struct hf_worker_ended *ended)
{
    struct told told;

    if (is_watched(worker)) {
        describe_end(ended, &told);
        send_each(&worker->watchers, true, &told.event.base);
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
            status_of(instance->facts.id, instance->facts.function_id, WORKER__EVENT__EVENT_DOWN);

        update.status = WORKER__STATUS__STATUS_FAILED;
        send_status(worker, NULL, update);
    }
    removed.instance_id = text_of(instance->facts.id);
    removed.function_id = text_of(instance->facts.function_id);
    removed.expected = !end;
    removed.exit_status = !end ? 0 : end->signal > 0 ? 128 + end->signal : end->exit_code;
    removed.out_of_memory = end && end->out_of_memory;
    removed.reason = text_of(end ? end->message : "stopped");
    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_REMOVED;
    event.instance_removed = &removed;
    if (is_watched(worker)) {
        send_each(&worker->watchers, false, &event.base);
    }
}

void
hf_worker_tell_image(struct hf_worker_role *worker, const struct hf_worker_image *image)
{
    Hyperfaas__V1__WatchEvent event = HYPERFAAS__V1__WATCH_EVENT__INIT;
    Hyperfaas__V1__Image present = image_of(image);
    Hyperfaas__V1__ImageRemoved removed = HYPERFAAS__V1__IMAGE_REMOVED__INIT;

    if (image->present) {
        event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE;
        event.image = &present;
    } else {
        removed.tag = present.tag;
        event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE_REMOVED;
        event.image_removed = &removed;
    }
    if (is_watched(worker)) {
        send_each(&worker->watchers, false, &event.base);
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
        send_each(&worker->watchers, false, &event.base);
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
    Hyperfaas__V1__Resources resources = resources_of(worker);

    event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_RESOURCES;
    event.resources = &resources;
    send_each(&worker->watchers, false, &event.base);
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
