/*
 * adoption.c - instances that ran before this leaf started, or before it lost their worker.
 *
 * A worker shows them when it is found.  Those of functions that are registered are
 * adopted, others stopped.  A function that the catalog does not know is looked up in the
 * store first: the catalog may still be reading it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "node/leaf/leaf.h"

HF_LOG_MODULE(leaf);

/* An instance whose function is being looked up; its texts lie behind it. */
struct claim {
    struct hf_list node; /* in the worker's `claims` */
    struct hf_leaf_worker *worker;
    struct hf_catalog_lookup *lookup;
    struct hf_remote_instance remote;
    char texts[];
};

static void
stop_stray(struct hf_leaf_worker *worker, const struct hf_remote_instance *remote)
{
    hf_log(HF_LOG_NOTICE, "stopping an instance left over from before",
           HF_KV_STR("worker", worker->link.address), HF_KV_STR("function", remote->function_id),
           HF_KV_STR("instance", remote->id));
    hf_leaf_worker_stop(worker, remote->id, NULL, NULL, NULL);
}

/* Books the instance; false without memory. */
static bool
adopt(struct hf_leaf_worker *worker, struct hf_function_def *def,
      const struct hf_remote_instance *remote)
{
    struct hf_leaf *leaf = worker->leaf;
    struct hf_err err = HF_ERR_INIT;
    struct hf_leaf_function *function = hf_leaf_activate(leaf, def, &err);
    struct hf_fleet_instance *fleet;
    struct hf_leaf_instance *instance;

    if (!function || hf_autoscaler_adopt(leaf->autoscaler, &function->scaled.base, &worker->fleet,
                                         hf_leaf_now(leaf), &fleet) < 0) {
        return false;
    }
    instance = hf_leaf_instance_begin(fleet);
    if (!hf_leaf_instance_name(instance, remote)) {
        hf_autoscaler_gone(leaf->autoscaler, fleet, "no memory to adopt it", hf_leaf_now(leaf));
        return false;
    }
    hf_log(HF_LOG_NOTICE, "instance adopted", HF_KV_STR("function", remote->function_id),
           HF_KV_STR("instance", remote->id), HF_KV_STR("address", remote->address));
    return true;
}

static void
settle(struct hf_leaf_worker *worker, struct hf_function_def *def,
       const struct hf_remote_instance *remote)
{
    if (!adopt(worker, def, remote)) {
        stop_stray(worker, remote);
    }
    hf_leaf_pump(worker->leaf);
}

/* --- looking functions up ------------------------------------------------------------------- */

static const char *
keep_text(char **place, const char *text)
{
    char *kept = *place;
    size_t len = strlen(text) + 1;

    memcpy(kept, text, len);
    *place += len;
    return kept;
}

static struct claim *
claim_new(struct hf_leaf_worker *worker, const struct hf_remote_instance *remote)
{
    struct claim *claim =
        calloc(1, sizeof *claim + strlen(remote->id) + strlen(remote->function_id) +
                      strlen(remote->name) + strlen(remote->address) + strlen(remote->leaf_id) + 5);
    char *place;

    if (!claim) {
        return NULL;
    }
    place = claim->texts;
    claim->worker = worker;
    claim->remote.id = keep_text(&place, remote->id);
    claim->remote.function_id = keep_text(&place, remote->function_id);
    claim->remote.name = keep_text(&place, remote->name);
    claim->remote.address = keep_text(&place, remote->address);
    claim->remote.leaf_id = keep_text(&place, remote->leaf_id);
    hf_list_append(&worker->claims, &claim->node);
    return claim;
}

static void
claim_free(struct claim *claim)
{
    hf_catalog_cancel(claim->lookup);
    hf_list_remove(&claim->node);
    free(claim);
}

static void
leave(const struct hf_leaf_worker *worker, const struct hf_remote_instance *remote, const char *why)
{
    hf_log(HF_LOG_WARNING, "an instance from before is left alone: its function can't be looked up",
           HF_KV_STR("worker", worker->link.address), HF_KV_STR("function", remote->function_id),
           HF_KV_STR("instance", remote->id), HF_KV_STR("why", why));
}

static void
on_found(void *arg, struct hf_function_def *def, int code, const char *message)
{
    struct claim *claim = arg;
    struct hf_leaf_worker *worker = claim->worker;

    claim->lookup = NULL;
    if (def) {
        settle(worker, def, &claim->remote);
    } else if (code == HF_ENOTFOUND) {
        stop_stray(worker, &claim->remote);
    } else {
        leave(worker, &claim->remote, message);
    }
    hf_function_def_unref(def);
    claim_free(claim);
}

void
hf_leaf_claim(struct hf_leaf_worker *worker, const struct hf_remote_instance *remote)
{
    struct hf_leaf *leaf = worker->leaf;
    size_t len = strlen(remote->function_id);
    struct hf_function_def *def = hf_catalog_find(leaf->catalog, remote->function_id, len);
    struct hf_err err = HF_ERR_INIT;
    struct claim *claim;

    if (def) {
        settle(worker, def, remote);
        hf_function_def_unref(def);
        return;
    }
    claim = claim_new(worker, remote);
    if (!claim) {
        leave(worker, remote, "no memory");
    } else if (hf_catalog_resolve(leaf->catalog, leaf->front.control, claim->remote.function_id,
                                  len, on_found, claim, &claim->lookup, &err) < 0) {
        leave(worker, remote, hf_err_message(&err));
        claim_free(claim);
    }
}

void
hf_leaf_forget_claims(struct hf_leaf_worker *worker)
{
    while (!hf_list_is_empty(&worker->claims)) {
        claim_free(hf_container_of(worker->claims.next, struct claim, node));
    }
}
