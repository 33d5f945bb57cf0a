/*
 * workers.c - a leaf's workers: who is there, what already runs there, what ended.
 *
 * A worker is used when the configuration names its address or the store tells of it.  When the
 * store no longer does, the connection decides: it is used as long as it answers.  Who it is
 * says its node id: one that can be reached under two addresses is used once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "node/access.h"
#include "node/leaf/leaf.h"
#include "node/node.h"

HF_LOG_MODULE(leaf);

static struct hf_leaf_worker *
worker_of(void *arg)
{
    return hf_cast(arg, struct hf_leaf_worker, HF_LEAF_WORKER_MAGIC);
}

/* --- who it is ----------------------------------------------------------------------------- */

static bool
is_node(const struct hf_leaf_worker *worker, const char *id)
{
    return worker->node_id && strcmp(worker->node_id, id) == 0;
}

static bool
on_known(void *arg, const char *node_id, const char **ret_other)
{
    struct hf_leaf_worker *worker = worker_of(arg);
    const struct hf_leaf_worker *other;

    HF_LIST_FOR (other, &worker->leaf->workers, node) {
        if (other != worker && is_node(other, node_id)) {
            *ret_other = hf_worker_link_address(other->link);
            return false;
        }
    }
    free(worker->node_id);
    worker->node_id = strdup(node_id); /* without memory it is told apart by its address */
    return true;
}

/* The worker is not used under this address any more: another may take over. */
static void
let_others(struct hf_leaf_worker *worker)
{
    const struct hf_leaf_worker *other;

    if (!worker->node_id) {
        return;
    }
    free(hf_steal(worker->node_id));
    HF_LIST_FOR (other, &worker->leaf->workers, node) {
        if (other != worker) {
            hf_worker_link_hurry(other->link);
        }
    }
}

/* --- coming and going ------------------------------------------------------------------------ */

static int
on_up(void *arg, const struct hf_worker_capacity *capacity, bool draining)
{
    struct hf_leaf_worker *worker = worker_of(arg);
    struct hf_leaf *leaf = worker->leaf;
    const struct hf_worker_info info = {
        .id = hf_worker_link_address(worker->link),
        .memory_bytes = capacity->memory_bytes,
        .cpu_millis = capacity->cpu_millis,
        .max_instances = capacity->max_instances,
        .draining = draining,
    };
    int r = 0;

    if (worker->fleet) {
        hf_autoscaler_worker_changed(leaf->autoscaler, worker->fleet, &info, hf_leaf_now(leaf));
    } else {
        r = hf_autoscaler_worker_up(leaf->autoscaler, &info, hf_leaf_now(leaf), &worker->fleet);
    }
    if (r < 0) {
        hf_log_limited(HF_LOG_ERROR, "can't use a worker", HF_KV_STR("worker", info.id),
                       HF_KV_STR("why", hf_error_name(r)));
        return r;
    }
    worker->fleet->user = worker;
    hf_leaf_pump(leaf);
    return 0;
}

/* The worker will not tell what still runs there, so what it runs has to be stopped, now or when
 * it is found again: otherwise it would run for ever.  `done` runs for each that is stopped;
 * returns how many. */
static uint32_t
stop_unadoptable(struct hf_leaf_worker *worker, void (*done)(void *arg), void *arg)
{
    const struct hf_map_node *node = NULL;
    uint32_t count = 0;

    if (hf_worker_link_tells_all(worker->link)) {
        return 0;
    }

    while ((node = hf_map_next(&worker->instances, node))) {
        const struct hf_leaf_instance *instance =
            hf_container_of(node, struct hf_leaf_instance, by_id);

        if (instance->fleet && !instance->stopping &&
            hf_worker_link_stop(worker->link, instance->id, done, arg, NULL) == 0) {
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
    if (worker->fleet) {
        hf_autoscaler_worker_down(leaf->autoscaler, hf_steal(worker->fleet), hf_leaf_now(leaf));
        hf_leaf_pump(leaf);
    }
}

uint32_t
hf_leaf_stop_unadoptable(struct hf_leaf *leaf, void (*done)(void *leaf))
{
    struct hf_leaf_worker *worker;
    uint32_t count = 0;

    HF_LIST_FOR (worker, &leaf->workers, node) {
        uint32_t stopped = stop_unadoptable(worker, done, leaf);

        if (!hf_worker_link_tells_all(worker->link)) {
            forget_worker(worker);
            stopped += hf_worker_link_give_up_starts(worker->link, done, leaf);
        }
        count += stopped;
    }
    return count;
}

/* Neither named nor connected, it goes; but later, for this may be its link that tells. */
static void
forget_unlisted_soon(struct hf_leaf_worker *worker)
{
    if (worker->listings == 0 && !worker->fleet) {
        hf_timer_set(&worker->leaf->reap, 0);
    }
}

static void
on_down(void *arg, const char *why)
{
    struct hf_leaf_worker *worker = worker_of(arg);

    (void)why; /* the link has said so */
    stop_unadoptable(worker, NULL, NULL);
    forget_worker(worker);
    let_others(worker);
    forget_unlisted_soon(worker);
}

static void
on_instance(void *arg, const struct hf_remote_instance *remote)
{
    struct hf_leaf_worker *worker = worker_of(arg);

    if (worker->fleet && !hf_map_find(&worker->instances, remote->id, strlen(remote->id))) {
        hf_leaf_claim(worker, remote);
    }
}

static void
on_gone(void *arg, const char *instance_id, const char *why, const char *how)
{
    struct hf_leaf_worker *worker = worker_of(arg);
    struct hf_leaf *leaf = worker->leaf;
    struct hf_map_node *node = hf_map_find(&worker->instances, instance_id, strlen(instance_id));
    struct hf_leaf_instance *instance =
        node ? hf_container_of(node, struct hf_leaf_instance, by_id) : NULL;

    if (!instance || !instance->fleet || instance->stopping) {
        return;
    }
    hf_log(HF_LOG_NOTICE, "instance ended by itself",
           HF_KV_STR("function", instance->fleet->function->spec->id),
           HF_KV_STR("instance", instance_id), HF_KV_STR("why", why));
    if (how) {
        struct hf_leaf_function *function = instance->fleet->function->user;

        hf_callee_note_end(function->callee, instance_id, how);
    }
    hf_autoscaler_gone(leaf->autoscaler, instance->fleet, why, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}

static bool
is_known(void *arg, const char *instance_id)
{
    return hf_map_find(&worker_of(arg)->instances, instance_id, strlen(instance_id)) != NULL;
}

static const struct hf_worker_link_ops link_ops = {
    .on_known = on_known,
    .on_up = on_up,
    .on_down = on_down,
    .on_instance = on_instance,
    .is_known = is_known,
    .on_gone = on_gone,
};

/* --- which workers there are ---------------------------------------------------------------- */

static int
connect_worker(struct hf_leaf *leaf, struct hf_leaf_worker *worker, const char *address,
               struct hf_err *err)
{
    const struct hf_worker_link_config config = {
        .loop = leaf->control,
        .address = address,
        .leaf_id = hf_node_id(leaf->node),
        .secret = hf_access_secret(hf_node_access(leaf->node), address),
        .internal = hf_options_bool(leaf->options, "containerized"),
        .heartbeat_ns = hf_options_u64(leaf->options, "heartbeat"),
        .loss_ns = hf_options_u64(leaf->options, "loss_timeout"),
        .start_ns = hf_options_u64(leaf->options, "start_timeout"),
        .stop_ns = hf_options_u64(leaf->options, "stop_timeout"),
        .seed = hf_node_seed(leaf->node, address),
        .ops = &link_ops,
        .arg = worker,
    };

    worker->magic = HF_LEAF_WORKER_MAGIC;
    worker->leaf = leaf;
    hf_list_init(&worker->claims);
    hf_map_init(&worker->instances, hf_node_seed(leaf->node, "instances"));
    return hf_worker_link_new(&config, &worker->link, err);
}

/* Ends what there is with a worker.  Not inside a callback of its link. */
static void
disconnect_worker(struct hf_leaf_worker *worker)
{
    hf_list_remove(&worker->node);
    forget_worker(worker);
    let_others(worker);
    hf_worker_link_free(worker->link);
    hf_map_fini(&worker->instances);
    worker->magic = 0;
    free(worker);
}

static struct hf_leaf_worker *
find_worker(const struct hf_leaf *leaf, const char *address)
{
    struct hf_leaf_worker *worker;

    HF_LIST_FOR (worker, &leaf->workers, node) {
        if (strcmp(hf_worker_link_address(worker->link), address) == 0) {
            return worker;
        }
    }
    return NULL;
}

/* The configuration or the store names the worker of that address: connects, if nobody did. */
static int
list_worker(struct hf_leaf *leaf, const char *address, struct hf_leaf_worker **ret,
            struct hf_err *err)
{
    struct hf_leaf_worker *worker = find_worker(leaf, address);
    int r;

    if (!worker) {
        worker = calloc(1, sizeof *worker);
        if (!worker) {
            return hf_fail(err, HF_ENOMEM, "leaf: no memory for worker '%s'", address);
        }
        r = connect_worker(leaf, worker, address, err);
        if (r < 0) {
            free(worker);
            return r;
        }
        hf_list_append(&leaf->workers, &worker->node);
    }
    worker->listings++;
    *ret = worker;
    return 0;
}

/* It is named once less.  One that is connected stays as long as it is. */
static void
unlist_worker(struct hf_leaf_worker *worker)
{
    worker->listings--;
    forget_unlisted_soon(worker);
}

void
hf_leaf_on_reap(struct hf_timer *timer)
{
    struct hf_leaf *leaf = hf_container_of(timer, struct hf_leaf, reap);
    struct hf_leaf_worker *worker;
    struct hf_leaf_worker *next;

    HF_LIST_FOR_SAFE (worker, next, &leaf->workers, node) {
        if (worker->listings == 0 && !worker->fleet) {
            hf_log(HF_LOG_NOTICE, "worker forgotten",
                   HF_KV_STR("worker", hf_worker_link_address(worker->link)));
            disconnect_worker(worker);
        }
    }
}

/* --- discovered ones ------------------------------------------------------------------------- */

/* A worker that the store tells of. */
struct peer {
    struct hf_map_node by_id; /* in the leaf's `peers` */
    struct hf_leaf_worker *worker;
    char id[];
};

static struct peer *
find_peer(const struct hf_leaf *leaf, const char *id)
{
    struct hf_map_node *node = hf_map_find(&leaf->peers, id, strlen(id));

    return node ? hf_container_of(node, struct peer, by_id) : NULL;
}

static int
add_peer(struct hf_leaf *leaf, const struct hf_peer *told, struct hf_err *err)
{
    size_t len = strlen(told->id);
    struct peer *peer = calloc(1, sizeof *peer + len + 1);
    int r;

    if (!peer) {
        return hf_fail(err, HF_ENOMEM, "no memory");
    }
    memcpy(peer->id, told->id, len + 1);
    r = hf_map_add(&leaf->peers, &peer->by_id, peer->id, len);
    if (r < 0) {
        free(peer);
        return hf_fail(err, r, "no memory");
    }
    r = list_worker(leaf, told->api, &peer->worker, err);
    if (r < 0) {
        hf_map_remove(&leaf->peers, &peer->by_id);
        free(peer);
    }
    return r;
}

static void
on_removed(void *arg, const char *id)
{
    struct hf_leaf *leaf = hf_cast(arg, struct hf_leaf, HF_LEAF_MAGIC);
    struct peer *peer = find_peer(leaf, id);

    if (peer) {
        hf_log(HF_LOG_INFO, "worker is gone from the store", HF_KV_STR("id", id));
        hf_map_remove(&leaf->peers, &peer->by_id);
        unlist_worker(peer->worker);
        free(peer);
    }
}

static void
on_added(void *arg, const struct hf_peer *told)
{
    struct hf_leaf *leaf = hf_cast(arg, struct hf_leaf, HF_LEAF_MAGIC);
    struct hf_err err = HF_ERR_INIT;

    hf_log(HF_LOG_INFO, "worker discovered", HF_KV_STR("id", told->id),
           HF_KV_STR("address", told->api));
    if (add_peer(leaf, told, &err) < 0) {
        hf_log(HF_LOG_ERROR, "can't use a discovered worker", HF_KV_STR("id", told->id),
               HF_KV_STR("address", told->api), HF_KV_ERR(&err));
    }
}

static void
on_changed(void *arg, const struct hf_peer *told)
{
    struct hf_leaf *leaf = hf_cast(arg, struct hf_leaf, HF_LEAF_MAGIC);
    const struct peer *peer = find_peer(leaf, told->id);

    if (!peer || strcmp(hf_worker_link_address(peer->worker->link), told->api) != 0) {
        on_removed(arg, told->id);
        on_added(arg, told);
    }
}

static const struct hf_discovery_ops discovery_ops = {
    .on_added = on_added,
    .on_changed = on_changed,
    .on_removed = on_removed,
};

/* --- all of them ----------------------------------------------------------------------------- */

int
hf_leaf_read_workers(struct hf_leaf *leaf, struct hf_err *err)
{
    leaf->discovery.ops = &discovery_ops;
    leaf->discovery.arg = leaf;
    return hf_selector_read(leaf->options, "workers", "worker", &leaf->discovery.selector, err);
}

int
hf_leaf_connect(struct hf_leaf *leaf, struct hf_err *err)
{
    const char *item;
    int r = 0;

    for (size_t i = 0; r == 0 && (item = hf_options_item(leaf->options, "workers", i)); i++) {
        struct hf_leaf_worker *worker;

        if (!hf_selector_is_word(item) && !find_worker(leaf, item)) {
            r = list_worker(leaf, item, &worker, err);
        }
    }
    if (r == 0 && leaf->discovery.selector.discover) {
        r = hf_discovery_begin(hf_node_directory(leaf->node), &leaf->discovery, err);
    }
    return r;
}

void
hf_leaf_disconnect(struct hf_leaf *leaf)
{
    struct hf_map_node *node;

    hf_discovery_end(&leaf->discovery);
    while ((node = hf_map_pop(&leaf->peers))) {
        free(hf_container_of(node, struct peer, by_id));
    }
    while (!hf_list_is_empty(&leaf->workers)) {
        disconnect_worker(hf_container_of(leaf->workers.next, struct hf_leaf_worker, node));
    }
    hf_timer_cancel(&leaf->reap);
}
