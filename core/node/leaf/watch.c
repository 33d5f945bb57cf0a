/*
 * watch.c - what a worker tells of itself: its room, its instances, its end.
 *
 * A worker of ours is watched through hyperfaas.v1.Node, one of the existing implementation through
 * worker.Worker/Status, with a fresh node id for each stream since it silences one that is used
 * again.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/leaf/leaf.h"
#include "node/node.h"
#include "node/node_id.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(leaf);

/* --- ours ---------------------------------------------------------------------------------- */

static void
take_instance(struct hf_leaf_worker *worker, const Hyperfaas__V1__Instance *told)
{
    struct hf_remote_instance instance = {
        .id = told->instance_id,
        .function_id = told->function_id,
        .name = told->name,
        .address = hf_leaf_worker_choose(worker, told->internal_address, told->external_address),
        .leaf_id = told->leaf_id,
    };

    /* After the snapshot, what appears are starts of this or another leaf. */
    if (worker->link.state == HF_LINK_UP ||
        told->state != HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY ||
        strcmp(told->leaf_id, hf_node_id(worker->leaf->front.node)) != 0 || !instance.address ||
        !hf_node_id_is_valid(told->instance_id)) {
        return;
    }
    /* Nothing starts there before all that it has is known. */
    if (!hf_fleet_worker_is_there(&worker->fleet) && hf_leaf_worker_take_in(worker, true) < 0) {
        hf_link_lose(&worker->link, "it could not be taken in");
        return;
    }
    if (!hf_map_find(&worker->instances, instance.id, strlen(instance.id))) {
        hf_leaf_claim(worker, &instance);
    }
}

static void
take_removed(struct hf_leaf_worker *worker, const Hyperfaas__V1__InstanceRemoved *removed)
{
    int signal = removed->exit_status > 128 ? removed->exit_status - 128 : 0;
    const char *name = signal ? sigabbrev_np(signal) : NULL;
    char how[80];

    if (removed->out_of_memory) {
        snprintf(how, sizeof how, "it used more memory than its limit");
    } else if (signal) {
        snprintf(how, sizeof how, "it was killed by signal %d (SIG%s)", signal, name ? name : "?");
    } else {
        snprintf(how, sizeof how, "it exited with code %d", (int)removed->exit_status);
    }
    hf_leaf_worker_gone(worker, removed->instance_id, removed->reason,
                        removed->expected || removed->exit_status < 0 ? NULL : how);
}

static void
on_watch_event(void *arg, const void *message)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(arg);
    const Hyperfaas__V1__WatchEvent *event = message;

    switch (event->event_case) {
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE:
        take_instance(worker, event->instance);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_REMOVED:
        take_removed(worker, event->instance_removed);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_RESOURCES:
        worker->info.memory_bytes = event->resources->memory_bytes;
        worker->info.cpu_millis = event->resources->cpu_millis;
        worker->info.max_instances = event->resources->max_instances;
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_DRAINING:
        worker->info.draining = event->draining->draining;
        if (worker->link.state == HF_LINK_UP &&
            hf_leaf_worker_take_in(worker, worker->info.draining) < 0) {
            hf_link_lose(&worker->link, "it could not be taken in");
        }
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END:
        hf_link_come_up(&worker->link);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE:
        hf_fleet_set_image(&worker->fleet, event->image->tag, true);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE_REMOVED:
        hf_fleet_set_image(&worker->fleet, event->image_removed->tag, false);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT__NOT_SET:
    default:
        break; /* a newer worker may say more than we understand */
    }
}

static int
watch_ours(struct hf_leaf_worker *worker)
{
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &watch.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
    };

    watch.node_id = (char *)(uintptr_t)hf_node_id(worker->leaf->front.node);
    return hf_link_stream(&worker->link, &request, on_watch_event);
}

static void
on_load(void *arg, const void *message)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(arg);
    const Hyperfaas__V1__LoadReport *told = message;
    const struct hf_worker_load load = {
        .load_millis = told->load_millis,
        .disk_bytes = told->disk_bytes,
        .disk_used_bytes = told->disk_used_bytes,
        .reported_ns = hf_leaf_now(worker->leaf),
    };

    if (hf_fleet_worker_is_there(&worker->fleet)) {
        hf_fleet_note_worker_load(&worker->fleet, &load);
        worker->load_known = told->load_known;
    }
}

void
hf_leaf_worker_ask_load(struct hf_leaf_worker *worker)
{
    if ((worker->leaf->scheduler_ops->needs & HF_SCHEDULER_NEEDS_LOAD) != 0 ||
        hf_load_service_is_wanted(worker->leaf->front.load)) {
        hf_link_ask_load(&worker->link, false, on_load);
    }
}

void
hf_leaf_worker_forget_load(struct hf_leaf_worker *worker)
{
    const struct hf_worker_load nothing = { 0 };

    hf_link_forget_load(&worker->link);
    hf_fleet_note_worker_load(&worker->fleet, &nothing);
    worker->load_known = false;
}

/* --- of the existing implementation --------------------------------------------------------- */

static void
on_status_event(void *arg, const void *message)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(arg);
    const Worker__StatusUpdate *update = message;

    if (update->event == WORKER__EVENT__EVENT_START) {
        hf_leaf_worker_named(worker, update->instance_id, update->function_id);
    } else if (update->event == WORKER__EVENT__EVENT_DOWN ||
               update->event == WORKER__EVENT__EVENT_TIMEOUT) {
        hf_leaf_worker_gone(worker, update->instance_id, "the worker reported it down", NULL);
    }
}

static int
watch_existing(struct hf_leaf_worker *worker)
{
    char uuid[HF_UUID_MAX];
    Worker__StatusRequest status = WORKER__STATUS_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/worker.Worker/Status",
        .message = &status.base,
        .response = &worker__status_update__descriptor,
    };

    hf_uuid4(uuid);
    status.node_id = uuid;
    return hf_link_stream(&worker->link, &request, on_status_event);
}

/* --- both ---------------------------------------------------------------------------------- */

int
hf_leaf_worker_listen(struct hf_link *link)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);
    int r;

    worker->info = (struct hf_worker_info){ .id = link->address };
    hf_fleet_forget_images(&worker->fleet); /* it says again what it has */
    if (link->ours) {
        return watch_ours(worker);
    }
    r = watch_existing(worker);
    if (r == 0) {
        hf_link_come_up(link); /* it sends no snapshot */
    }
    return r;
}

enum hf_link_end
hf_leaf_worker_ended(struct hf_link *link, const struct hf_grpc_result *result)
{
    if (!result->answered || link->ours) {
        return HF_LINK_LOST;
    }
    hf_log(HF_LOG_NOTICE, "worker ended its stream of events; listening again",
           HF_KV_STR("worker", link->address), HF_KV_STR("why", result->message));
    return HF_LINK_STAYS; /* it lives, and so does what it runs */
}
