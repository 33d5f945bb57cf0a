/*
 * strays.c - instances that an existing worker goes on starting for nobody.
 *
 * It does not clean up a Start that its caller gives up.  But its stream of events names each
 * instance that it begins to start (EVENT_START), with the function's id and not with who asked.
 * So what is named while starts of ours are under way is noted; a start that ends well claims its
 * instance, and when all have ended, what is left belongs to those that were given up, now or when
 * it is named later.  If more is left than was given up, another leaf starts the same function
 * there, and nobody can tell whose is whose: nothing is stopped.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "node/leaf/leaf.h"

HF_LOG_MODULE(leaf);

/* Most that is noted of one worker; the oldest is forgotten first. */
#define STRAYS_MAX 256

/* An instance begins later than this after its start was given up: it is not of that start. */
#define GIVEN_UP_NS (60 * HF_SEC)

/* An instance that the worker has named and no start of ours has claimed; or a start that was
 * given up. */
struct stray {
    struct hf_list node;
    uint64_t since_ns;
    const char *function_id;
    char instance_id[]; /* "" of a start; the function's follows */
};

static void
stray_free(struct stray *stray)
{
    hf_list_remove(&stray->node);
    free(stray);
}

static void
forget_all(struct hf_list *list)
{
    struct stray *stray;

    while ((stray = hf_list_first(list, struct stray, node))) {
        stray_free(stray);
    }
}

void
hf_leaf_worker_forget_strays(struct hf_leaf_worker *worker)
{
    forget_all(&worker->named);
    forget_all(&worker->given_up);
}

static size_t
count(const struct hf_list *list, const char *function_id)
{
    const struct stray *stray;
    size_t n = 0;

    HF_LIST_FOR (stray, list, node) {
        n += strcmp(stray->function_id, function_id) == 0;
    }
    return n;
}

/* The oldest of a function, or NULL. */
static struct stray *
first(struct hf_list *list, const char *function_id)
{
    struct stray *stray;

    HF_LIST_FOR (stray, list, node) {
        if (strcmp(stray->function_id, function_id) == 0) {
            return stray;
        }
    }
    return NULL;
}

static void
note(struct hf_leaf_worker *worker, struct hf_list *list, const char *instance_id,
     const char *function_id)
{
    size_t instance_size = strlen(instance_id) + 1;
    size_t function_size = strlen(function_id) + 1;
    struct stray *stray;
    size_t n = 0;

    HF_LIST_FOR (stray, list, node) {
        n++;
    }
    if (n >= STRAYS_MAX) {
        stray_free(hf_list_first(list, struct stray, node));
    }
    stray = calloc(1, sizeof *stray + instance_size + function_size);
    if (!stray) {
        return;
    }
    stray->since_ns = hf_loop_now(worker->leaf->front.control);
    memcpy(stray->instance_id, instance_id, instance_size);
    stray->function_id = memcpy(stray->instance_id + instance_size, function_id, function_size);
    hf_list_append(list, &stray->node);
}

static void
forget_old(struct hf_leaf_worker *worker)
{
    uint64_t now = hf_loop_now(worker->leaf->front.control);
    struct stray *stray;

    while ((stray = hf_list_first(&worker->given_up, struct stray, node)) &&
           now - stray->since_ns > GIVEN_UP_NS) {
        stray_free(stray);
    }
}

uint32_t
hf_leaf_worker_stop_strays(struct hf_leaf_worker *worker, const char *function_id,
                           void (*done)(void *arg), void *arg)
{
    bool known = count(&worker->named, function_id) <= count(&worker->given_up, function_id);
    struct stray *stray;
    uint32_t stopped = 0;

    if (hf_list_is_empty(&worker->named) || hf_leaf_worker_is_starting(worker, function_id)) {
        return 0;
    }
    while ((stray = first(&worker->named, function_id))) {
        if (known) {
            hf_log(HF_LOG_NOTICE, "stopping an instance whose start was given up",
                   HF_KV_STR("worker", worker->link.address), HF_KV_STR("function", function_id),
                   HF_KV_STR("instance", stray->instance_id));
            stopped += hf_leaf_worker_stop(worker, stray->instance_id, done, arg, NULL) == 0;
            stray_free(first(&worker->given_up, function_id));
        }
        stray_free(stray);
    }
    return stopped;
}

uint32_t
hf_leaf_worker_stop_all_strays(struct hf_leaf_worker *worker, void (*done)(void *arg), void *arg)
{
    const struct stray *stray;
    uint32_t stopped = 0;

    while ((stray = hf_list_first(&worker->named, struct stray, node))) {
        hf_autofree char *function_id = strdup(stray->function_id);

        if (!function_id) {
            break;
        }
        stopped += hf_leaf_worker_stop_strays(worker, function_id, done, arg);
    }
    return stopped;
}

void
hf_leaf_worker_named(struct hf_leaf_worker *worker, const char *instance_id,
                     const char *function_id)
{
    forget_old(worker);
    if ((!hf_leaf_worker_is_starting(worker, function_id) &&
         !first(&worker->given_up, function_id)) ||
        hf_map_find(&worker->instances, instance_id, strlen(instance_id))) {
        return; /* another leaf's, or one that has been claimed already */
    }
    note(worker, &worker->named, instance_id, function_id);
    hf_leaf_worker_stop_strays(worker, function_id, NULL, NULL);
}

void
hf_leaf_worker_claimed(struct hf_leaf_worker *worker, const char *instance_id)
{
    struct stray *stray;
    struct stray *next;

    HF_LIST_FOR_SAFE (stray, next, &worker->named, node) {
        if (strcmp(stray->instance_id, instance_id) == 0) {
            stray_free(stray);
        }
    }
}

void
hf_leaf_worker_gave_up(struct hf_leaf_worker *worker, const char *function_id)
{
    if (!worker->link.ours) { /* ours cleans up */
        forget_old(worker);
        note(worker, &worker->given_up, "", function_id);
    }
}
