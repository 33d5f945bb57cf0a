/*
 * adoption.c - instances that an earlier process of this node has left running.
 *
 * The runtime lists them when the worker starts.  One that answers, whose function is still
 * registered as it was, goes on as if nothing had happened; all others are removed, and leaves
 * that listen to Status are told that they are down.  Until this is settled nobody gets a
 * snapshot: a leaf would believe that there is nothing to adopt.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "grpc/health.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

#define CLAIM_MAGIC HF_MAGIC('w', 'c', 'l', 'm')

/* For an instance to answer, asked again and again. */
#define ANSWER_NS (2 * HF_SEC)
#define ASK_NS    (50 * HF_MSEC)

/* Between attempts to list. */
#define LIST_MIN_NS (100 * HF_MSEC)
#define LIST_MAX_NS (5 * HF_SEC)

/* An instance about which it is not yet decided. */
struct claim {
    uint32_t magic;
    struct hf_list node; /* in the worker's `claims` */
    struct hf_worker_role *worker;
    struct hf_worker_facts facts;
    char *texts; /* what `facts` points to */
    bool ended;
    struct hf_catalog_lookup *lookup;
    struct hf_function_def *def;
    struct hf_grpc_probe *probe;
    struct hf_timer again;
    struct hf_timer limit;
};

/* --- claims --------------------------------------------------------------------------------- */

static void
claim_free(struct claim *claim)
{
    hf_catalog_cancel(claim->lookup);
    hf_grpc_probe_cancel(claim->probe);
    hf_timer_fini(&claim->again);
    hf_timer_fini(&claim->limit);
    hf_function_def_unref(claim->def);
    hf_list_remove(&claim->node);
    claim->magic = 0;
    free(claim->texts);
    free(claim);
}

/* All that was listed is decided: who waited for it gets a snapshot. */
static void
check_settled(struct hf_worker_role *worker)
{
    if (worker->listed && worker->unsettled && hf_list_is_empty(&worker->claims)) {
        worker->unsettled = false;
        hf_worker_tell_snapshots(worker);
    }
}

static void
refuse(struct claim *claim, const char *why)
{
    struct hf_worker_role *worker = claim->worker;

    hf_log(HF_LOG_NOTICE, "removing an instance from before",
           HF_KV_STR("function", claim->facts.function_id), HF_KV_STR("instance", claim->facts.id),
           HF_KV_STR("why", why));
    hf_worker_running_gone(worker, claim->facts.id, claim->facts.function_id);
    hf_worker_note_claim_end(worker, &claim->facts, why);
    hf_worker_remove_unwanted(worker, claim->facts.id, worker->grace_ns);
    claim_free(claim);
    check_settled(worker);
}

static void
accept(struct claim *claim)
{
    struct hf_worker_role *worker = claim->worker;

    if (hf_worker_instance_adopt(worker, claim->def, &claim->facts) < 0) {
        refuse(claim, "no memory to adopt it");
        return;
    }
    claim_free(claim);
    check_settled(worker);
}

/* --- does it answer? ------------------------------------------------------------------------ */

static void
on_probed(void *arg, enum hf_grpc_probe_result result, const char *text)
{
    struct claim *claim = hf_cast(arg, struct claim, CLAIM_MAGIC);

    (void)text;
    claim->probe = NULL;
    if (result == HF_GRPC_PROBE_READY) {
        accept(claim);
    } else {
        hf_timer_set(&claim->again, ASK_NS);
    }
}

static void
on_again(struct hf_timer *timer)
{
    struct claim *claim = hf_container_of(timer, struct claim, again);
    const struct hf_worker_role *worker = claim->worker;
    const char *address = worker->internal ? claim->facts.internal : claim->facts.external;

    if (hf_grpc_probe(worker->loop, address, HF_GRPC_PROBE_HEALTH, ANSWER_NS, on_probed, claim,
                      &claim->probe, NULL) < 0) {
        hf_timer_set(&claim->again, ASK_NS);
    }
}

static void
on_limit(struct hf_timer *timer)
{
    refuse(hf_container_of(timer, struct claim, limit), "it does not answer");
}

/* --- is it still wanted? -------------------------------------------------------------------- */

static void
on_found(void *arg, struct hf_function_def *def, int code, const char *message)
{
    struct claim *claim = hf_cast(arg, struct claim, CLAIM_MAGIC);

    claim->lookup = NULL;
    claim->def = def;
    if (!def) {
        refuse(claim, code == HF_ENOTFOUND ? "its function is not registered any more" : message);
    } else if (claim->facts.revision != def->instance_revision) {
        refuse(claim, "its function was changed meanwhile");
    } else {
        hf_timer_set(&claim->again, 0);
        hf_timer_set(&claim->limit, ANSWER_NS);
    }
}

static void
consider(struct claim *claim)
{
    struct hf_worker_role *worker = claim->worker;
    struct hf_err err = HF_ERR_INIT;

    if (claim->ended) {
        refuse(claim, "it has ended");
    } else if (worker->draining) {
        refuse(claim, "the worker is draining");
    } else if (hf_catalog_resolve(worker->catalog, worker->loop, claim->facts.function_id,
                                  strlen(claim->facts.function_id), on_found, claim, &claim->lookup,
                                  &err) < 0) {
        refuse(claim, hf_err_message(&err));
    }
}

/* --- the listing ---------------------------------------------------------------------------- */

/* What a runtime of an older interface does not fill. */
static struct hf_instance_info
complete(const struct hf_instance_info *info)
{
    struct hf_instance_info whole = { 0 };

    memcpy(&whole, info, hf_min((size_t)info->size, sizeof whole));
    return whole;
}

static int
claim_new(struct hf_worker_role *worker, const struct hf_instance_info *info)
{
    struct hf_worker_facts facts = hf_worker_facts_of(info);
    struct claim *claim = calloc(1, sizeof *claim);
    char *texts = claim ? hf_worker_facts_keep(&facts, NULL, SIZE_MAX) : NULL;

    if (!texts) {
        free(claim);
        return HF_ENOMEM;
    }
    claim->magic = CLAIM_MAGIC;
    claim->worker = worker;
    claim->texts = texts;
    claim->facts = facts;
    claim->ended = info->ended;
    hf_timer_init(&claim->again, worker->loop, HF_TIMER_REAL, on_again);
    hf_timer_init(&claim->limit, worker->loop, HF_TIMER_REAL, on_limit);
    hf_list_append(&worker->claims, &claim->node);
    hf_worker_running_seen(worker, info->id);
    return 0;
}

/* The listing is complete. */
static void
consider_all(struct hf_worker_role *worker)
{
    struct claim *claim;
    struct claim *next;

    worker->listed = true;
    hf_worker_running_settle(worker);
    HF_LIST_FOR_SAFE (claim, next, &worker->claims, node) {
        consider(claim);
    }
    check_settled(worker);
}

static void
list_later(struct hf_worker_role *worker, const char *why)
{
    hf_log_limited(HF_LOG_NOTICE, "what runs from before cannot be listed yet",
                   HF_KV_STR("why", why));
    worker->list_ns = hf_min(hf_max(2 * worker->list_ns, LIST_MIN_NS), LIST_MAX_NS);
    hf_timer_set(&worker->list_again,
                 worker->list_ns / 2 + hf_random_os_u64() % (worker->list_ns / 2));
}

static void
on_listed(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);

    if (info) {
        const struct hf_instance_info whole = complete(info);

        if (!hf_worker_find(worker, info->id) && claim_new(worker, &whole) < 0) {
            hf_log(HF_LOG_WARNING, "no memory for an instance from before",
                   HF_KV_STR("instance", info->id));
        }
    } else if (code == 0) {
        consider_all(worker);
    } else if (code != HF_ECANCELLED) {
        list_later(worker, message);
    }
}

void
hf_worker_on_list_again(struct hf_timer *timer)
{
    struct hf_worker_role *worker = hf_container_of(timer, struct hf_worker_role, list_again);
    struct hf_err err = HF_ERR_INIT;

    if (worker->ops->list(worker->runtime, on_listed, worker, &err) < 0) {
        list_later(worker, hf_err_message(&err));
    }
}

/* --- the last listing ----------------------------------------------------------------------- */

/* A start that an earlier process of this node had asked for may have been carried out since. */
static void
on_last_listed(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);

    if (info) {
        if (!hf_worker_find(worker, info->id)) {
            hf_log(HF_LOG_NOTICE, "removing an instance that nobody knows",
                   HF_KV_STR("function", info->function_id), HF_KV_STR("instance", info->id));
            hf_worker_remove_unwanted(worker, info->id, worker->grace_ns);
        }
        return;
    }
    if (code < 0 && code != HF_ECANCELLED) {
        hf_log(HF_LOG_NOTICE, "what the runtime still has cannot be listed",
               HF_KV_STR("why", message));
    }
    worker->last_list = HF_LAST_LIST_DONE;
    hf_worker_check_drained(worker);
}

bool
hf_worker_list_last(struct hf_worker_role *worker)
{
    if (worker->last_list == HF_LAST_LIST_TO_DO) {
        worker->last_list = worker->ops->list(worker->runtime, on_last_listed, worker, NULL) < 0
                                ? HF_LAST_LIST_DONE
                                : HF_LAST_LIST_UNDER_WAY;
    }
    return worker->last_list == HF_LAST_LIST_UNDER_WAY;
}

/* --- beginning and end ---------------------------------------------------------------------- */

void
hf_worker_adopt_begin(struct hf_worker_role *worker)
{
    worker->unsettled = true;
    hf_timer_set(&worker->list_again, 0);
}

void
hf_worker_adopt_refuse(struct hf_worker_role *worker)
{
    struct claim *claim;
    struct claim *next;

    HF_LIST_FOR_SAFE (claim, next, &worker->claims, node) {
        refuse(claim, "the worker is draining");
    }
}

void
hf_worker_adopt_end(struct hf_worker_role *worker)
{
    hf_timer_cancel(&worker->list_again);
    while (!hf_list_is_empty(&worker->claims)) {
        claim_free(hf_container_of(worker->claims.next, struct claim, node));
    }
}
