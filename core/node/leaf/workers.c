/*
 * workers.c - a leaf's workers: who is there, what already runs there, what ended.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "node/leaf/leaf.h"
#include "node/node.h"

HF_LOG_MODULE(leaf);

static struct hf_leaf_worker *
worker_of(void *arg)
{
    return hf_cast(arg, struct hf_leaf_worker, HF_LEAF_WORKER_MAGIC);
}

static void
on_up(void *arg, const struct hf_worker_capacity *capacity, bool draining)
{
    struct hf_leaf_worker *worker = worker_of(arg);
    struct hf_leaf *leaf = worker->leaf;
    const struct hf_worker_info info = {
        .id = hf_worker_link_address(worker->link),
        .memory_bytes = capacity->memory_bytes,
        .cpu_millis = capacity->cpu_millis,
        .draining = draining,
    };
    int r = 0;

    if (worker->fleet) {
        hf_autoscaler_worker_changed(leaf->autoscaler, worker->fleet, &info, hf_leaf_now(leaf));
    } else {
        r = hf_autoscaler_worker_up(leaf->autoscaler, &info, hf_leaf_now(leaf), &worker->fleet);
    }
    if (r < 0) {
        hf_log(HF_LOG_ERROR, "can't use a worker", HF_KV_STR("worker", info.id),
               HF_KV_STR("why", hf_error_name(r)));
        return;
    }
    worker->fleet->user = worker;
    hf_leaf_pump(leaf);
}

/* The worker will not tell what still runs there, so what it runs has to be stopped when it is
 * found again: otherwise it would run for ever. */
static void
stop_what_is_lost(struct hf_leaf_worker *worker)
{
    const struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&worker->instances, node))) {
        const struct hf_leaf_instance *instance =
            hf_container_of(node, struct hf_leaf_instance, by_id);

        if (instance->fleet && !instance->stopping) {
            hf_worker_link_stop(worker->link, instance->id, NULL, NULL, NULL);
        }
    }
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

static void
on_down(void *arg, const char *why)
{
    struct hf_leaf_worker *worker = worker_of(arg);

    (void)why; /* the link has said so */
    if (!hf_worker_link_tells_all(worker->link)) {
        stop_what_is_lost(worker);
    }
    forget_worker(worker);
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
on_gone(void *arg, const char *instance_id, const char *why)
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
    hf_autoscaler_gone(leaf->autoscaler, instance->fleet, why, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}

static const struct hf_worker_link_ops link_ops = {
    .on_up = on_up,
    .on_down = on_down,
    .on_instance = on_instance,
    .on_gone = on_gone,
};

static int
connect_worker(struct hf_leaf *leaf, struct hf_leaf_worker *worker, const char *address,
               struct hf_err *err)
{
    const struct hf_worker_link_config config = {
        .loop = leaf->control,
        .address = address,
        .leaf_id = hf_node_id(leaf->node),
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

int
hf_leaf_connect(struct hf_leaf *leaf, struct hf_err *err)
{
    size_t count = hf_options_count(leaf->options, "workers");

    leaf->workers = calloc(count, sizeof *leaf->workers);
    if (!leaf->workers) {
        return hf_fail(err, HF_ENOMEM, "leaf: no memory for %zu workers", count);
    }
    for (size_t i = 0; i < count; i++) {
        const char *address = hf_options_item(leaf->options, "workers", i);
        int r = connect_worker(leaf, &leaf->workers[i], address, err);

        if (r < 0) {
            return r;
        }
        leaf->worker_count = i + 1;
    }
    return 0;
}

void
hf_leaf_disconnect(struct hf_leaf *leaf)
{
    for (size_t i = 0; i < leaf->worker_count; i++) {
        struct hf_leaf_worker *worker = &leaf->workers[i];

        forget_worker(worker);
        hf_worker_link_free(worker->link);
        hf_map_fini(&worker->instances);
    }
    free(hf_steal(leaf->workers));
    leaf->worker_count = 0;
}
