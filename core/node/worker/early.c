/*
 * early.c - ready signals of instances that are not known yet.
 *
 * A function may be quicker with its signal than the runtime with the instance's id.  Anybody can
 * send such signals, so what is kept of them is bounded three times: their number, the length of
 * an id, and the time, as an instance that is still not known after the limit of becoming ready
 * will not become ready by it.
 */
#include <stdlib.h>
#include <string.h>

#include "node/worker/worker.h"

/* With HF_WORKER_ID_MAX about a quarter of a megabyte; the oldest is forgotten first. */
#define EARLY_MAX 1024

struct early {
    struct hf_map_node by_id;
    struct hf_list order;
    uint64_t until_ns;
    char id[];
};

static void
early_free(struct hf_worker_role *worker, struct early *early)
{
    hf_map_remove(&worker->early, &early->by_id);
    hf_list_remove(&early->order);
    free(early);
}

static struct early *
oldest(const struct hf_worker_role *worker)
{
    return hf_list_first(&worker->early_order, struct early, order);
}

static void
on_expiry(struct hf_timer *timer)
{
    struct hf_worker_role *worker = hf_container_of(timer, struct hf_worker_role, early_expiry);
    uint64_t now = hf_loop_now(worker->loop);
    struct early *early;

    while ((early = oldest(worker)) && early->until_ns <= now) {
        early_free(worker, early);
    }
    if (early) {
        hf_timer_set_at(timer, early->until_ns);
    }
}

void
hf_worker_early_init(struct hf_worker_role *worker, uint64_t seed)
{
    hf_map_init(&worker->early, seed);
    hf_list_init(&worker->early_order);
    hf_timer_init(&worker->early_expiry, worker->loop, HF_TIMER_REAL, on_expiry);
}

void
hf_worker_early_remember(struct hf_worker_role *worker, const char *id)
{
    size_t len = strlen(id);
    struct early *early;

    if (len == 0 || len > HF_WORKER_ID_MAX) { /* no instance has it */
        return;
    }
    if (hf_map_count(&worker->early) >= EARLY_MAX) {
        early_free(worker, oldest(worker));
    }
    early = calloc(1, sizeof *early + len + 1);
    if (!early) {
        return;
    }
    memcpy(early->id, id, len + 1);
    early->until_ns = hf_loop_now(worker->loop) + worker->ready_ns;
    hf_list_init(&early->order);
    if (hf_map_add(&worker->early, &early->by_id, early->id, len) < 0) {
        free(early); /* it had said so already */
        return;
    }
    hf_list_append(&worker->early_order, &early->order);
    if (!hf_timer_is_set(&worker->early_expiry)) {
        hf_timer_set_at(&worker->early_expiry, early->until_ns);
    }
}

bool
hf_worker_early_recall(struct hf_worker_role *worker, const char *id)
{
    struct hf_map_node *node = hf_map_find(&worker->early, id, strlen(id));

    if (!node) {
        return false;
    }
    early_free(worker, hf_container_of(node, struct early, by_id));
    return true;
}

void
hf_worker_early_fini(struct hf_worker_role *worker)
{
    struct early *early;

    while ((early = oldest(worker))) {
        early_free(worker, early);
    }
    hf_timer_fini(&worker->early_expiry);
    hf_map_fini(&worker->early);
}
