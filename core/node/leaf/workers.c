/*
 * workers.c - a leaf's workers in its fleet: who is there, what ended, what must not be left
 * behind.
 *
 * Which workers there are, and who they are, is the peers' business (node/peer/peers.h).
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "node/leaf/leaf.h"
#include "node/node.h"

HF_LOG_MODULE(leaf);

struct hf_leaf_worker *
hf_leaf_worker_of(void *arg)
{
    return hf_container_of(hf_link_of(arg), struct hf_leaf_worker, link);
}

/* --- coming and going ------------------------------------------------------------------------ */

int
hf_leaf_worker_take_in(struct hf_leaf_worker *worker, bool draining)
{
    struct hf_leaf *leaf = worker->leaf;
    struct hf_worker_info info = worker->info;
    int r;

    info.draining = draining;
    r = hf_autoscaler_worker_set(leaf->autoscaler, &worker->fleet, &info, hf_leaf_now(leaf));
    if (r < 0) {
        hf_log_limited(HF_LOG_ERROR, "can't use a worker", HF_KV_STR("worker", info.id),
                       HF_KV_STR("why", hf_error_name(r)));
        return r;
    }
    hf_leaf_pump(leaf);
    return 0;
}

static int
on_up(struct hf_link *link)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);
    int r;

    hf_log(HF_LOG_NOTICE, "worker is there", HF_KV_STR("worker", link->address),
           HF_KV_BOOL("ours", link->ours));
    r = hf_leaf_worker_take_in(worker, worker->info.draining);
    if (r == 0) {
        hf_leaf_worker_retry_stops(worker);
        hf_leaf_worker_ask_load(worker);
    }
    return r;
}

static void
on_health(struct hf_link *link, bool serving)
{
    (void)serving; /* it is there, which is enough */
    hf_leaf_worker_ask_load(hf_leaf_worker_of(link));
}

/* The worker will not tell what still runs there, so what it runs has to be stopped, now or when
 * it is found again: otherwise it would run for ever.  `done` runs for each that is stopped;
 * returns how many. */
static uint32_t
stop_unadoptable(struct hf_leaf_worker *worker, void (*done)(void *arg), void *arg)
{
    const struct hf_map_node *node = NULL;
    uint32_t count = 0;

    if (worker->link.ours) {
        return 0;
    }

    while ((node = hf_map_next(&worker->instances, node))) {
        const struct hf_leaf_instance *instance =
            hf_container_of(node, struct hf_leaf_instance, by_id);

        if (instance->fleet.function && !instance->stopping &&
            hf_leaf_worker_stop(worker, instance->id, done, arg, NULL) == 0) {
            count++;
        }
    }
    return count;
}

static void
forget_worker(struct hf_leaf_worker *worker)
{
    struct hf_leaf *leaf = worker->leaf;

    hf_leaf_forget_claims(worker);
    hf_leaf_worker_forget_load(worker);
    if (hf_fleet_worker_is_there(&worker->fleet)) {
        hf_autoscaler_worker_down(leaf->autoscaler, &worker->fleet, hf_leaf_now(leaf));
        hf_leaf_pump(leaf);
    }
}

uint32_t
hf_leaf_stop_unadoptable(struct hf_leaf *leaf, void (*done)(void *leaf))
{
    struct hf_leaf_worker *worker;
    uint32_t count = 0;

    HF_LIST_FOR (worker, &leaf->workers.list, link.node) {
        uint32_t stopped = stop_unadoptable(worker, done, leaf);

        if (!worker->link.ours) {
            forget_worker(worker);
            stopped += hf_leaf_worker_give_up_starts(worker, done, leaf);
        }
        count += stopped;
    }
    return count;
}

/* Why it is not used, for the log. */
static void
note(struct hf_leaf_worker *worker, bool was_there)
{
    const struct hf_link *link = &worker->link;
    bool news = hf_link_note(&worker->link);

    if (link->state == HF_LINK_HELD) {
        if (news) {
            hf_log(HF_LOG_WARNING, "two addresses lead to the same worker; using the first",
                   HF_KV_STR("worker", link->address), HF_KV_STR("why", link->error));
        }
    } else if (was_there) { /* one that drained was expected to go */
        hf_log(worker->info.draining ? HF_LOG_NOTICE : HF_LOG_WARNING, "worker lost",
               HF_KV_STR("worker", link->address), HF_KV_STR("why", link->error));
    } else if (news) {
        hf_log(HF_LOG_NOTICE, "worker can't be reached yet; retrying",
               HF_KV_STR("worker", link->address), HF_KV_STR("why", link->error));
    }
}

static void
on_down(struct hf_link *link, bool was_up)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);

    note(worker, was_up || hf_fleet_worker_is_there(&worker->fleet));
    stop_unadoptable(worker, NULL, NULL);
    forget_worker(worker);
}

void
hf_leaf_worker_gone(struct hf_leaf_worker *worker, const char *instance_id, const char *why,
                    const char *how)
{
    struct hf_leaf *leaf = worker->leaf;
    struct hf_map_node *node = hf_map_find(&worker->instances, instance_id, strlen(instance_id));
    struct hf_leaf_instance *instance =
        node ? hf_container_of(node, struct hf_leaf_instance, by_id) : NULL;

    if (!instance || !instance->fleet.function || instance->stopping) {
        return;
    }
    hf_log(HF_LOG_NOTICE, "instance ended by itself",
           HF_KV_STR("function", instance->fleet.function->spec->id),
           HF_KV_STR("instance", instance_id), HF_KV_STR("why", why));
    if (how) {
        hf_callee_note_end(hf_leaf_function_of(instance->fleet.function)->front.callee, instance_id,
                           how);
    }
    hf_autoscaler_gone(leaf->autoscaler, &instance->fleet, why, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}

/* --- the record ------------------------------------------------------------------------------ */

static int
on_init(struct hf_link *link, struct hf_err *err)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);

    (void)err;
    worker->leaf = hf_container_of(hf_peers_of(link), struct hf_leaf, workers);
    hf_fleet_worker_init(&worker->fleet);
    hf_list_init(&worker->claims);
    hf_list_init(&worker->starts);
    hf_list_init(&worker->stops);
    hf_list_init(&worker->named);
    hf_list_init(&worker->given_up);
    hf_map_init(&worker->instances, hf_node_seed(worker->leaf->front.node, "instances"));
    return 0;
}

static void
on_fini(struct hf_link *link)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);

    hf_map_fini(&worker->instances);
    hf_fleet_worker_fini(&worker->fleet);
}

/* What runs there stays. */
static void
on_close(struct hf_link *link)
{
    struct hf_leaf_worker *worker = hf_leaf_worker_of(link);

    forget_worker(worker);
    hf_leaf_worker_end_calls(worker);
}

static void
on_greeted(struct hf_link *link, bool draining)
{
    (void)link; /* its stream says more, and later changes */
    (void)draining;
}

static bool
is_used(const struct hf_link *link)
{
    return hf_fleet_worker_is_there(&hf_container_of(link, struct hf_leaf_worker, link)->fleet);
}

const struct hf_link_ops hf_leaf_worker_ops = {
    .init = on_init,
    .fini = on_fini,
    .close = on_close,
    .greeted = on_greeted,
    .listen = hf_leaf_worker_listen,
    .ended = hf_leaf_worker_ended,
    .up = on_up,
    .health = on_health,
    .down = on_down,
    .is_used = is_used,
};
