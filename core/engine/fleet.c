/*
 * fleet.c - the books of workers: who is there, what each can hold, and what it holds of each
 * function.
 *
 * What one worker holds of one function is a `struct hf_share`, found from the worker by the
 * function's address, so that a scheduler's questions about any worker cost a constant time.
 * A share exists while there are instances that count for the limit, or failed starts to
 * remember.
 */
#include "engine/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/guest.h"
#include "base/hash.h"
#include "base/text.h"
#include "engine/fleet_private.h"

/* An image that a worker has. */
struct image {
    struct hf_map_node node; /* in the worker's `images` */
    char name[];
};

struct hf_fleet *
hf_fleet_new(const struct hf_fleet_settings *settings, const struct hf_scheduler_ops *ops,
             struct hf_scheduler *scheduler, uint64_t seed)
{
    struct hf_fleet *fleet = calloc(1, sizeof *fleet);

    if (!fleet || hf_reasons_init(&fleet->reasons, ops->reasons, ops->reason_count) < 0) {
        free(fleet);
        return NULL;
    }
    fleet->settings = *settings;
    fleet->ops = ops;
    fleet->scheduler = scheduler;
    hf_handles_init(&fleet->handles);
    hf_handles_init(&fleet->instances);
    hf_list_init(&fleet->acting);
    hf_random_init(&fleet->random, seed);
    return fleet;
}

void
hf_fleet_free(struct hf_fleet *fleet)
{
    if (!fleet) {
        return;
    }
    while (fleet->worker_count > 0) {
        hf_fleet_remove_worker(fleet, hf_handles_find(&fleet->handles, fleet->workers[0]->handle));
    }
    hf_assert(hf_list_is_empty(&fleet->acting));
    hf_handles_fini(&fleet->handles);
    hf_handles_fini(&fleet->instances);
    hf_reasons_fini(&fleet->reasons);
    free(fleet->workers);
    free(fleet);
}

uint64_t
hf_fleet_invalid_picks(const struct hf_fleet *fleet)
{
    return fleet->invalid_picks;
}

void
hf_fleet_show(const struct hf_fleet *fleet, struct hf_text *out)
{
    const struct hf_guest policy = { .owner = fleet->ops };

    hf_text_printf(out, "scheduler=%s invalid=%llu\n", hf_guest_name(&policy),
                   (unsigned long long)fleet->invalid_picks);
    if (fleet->ops->show) {
        hf_guest_do(fleet->ops, show, NULL, fleet->scheduler, out);
    }
    hf_reasons_show(&fleet->reasons, out);
}

/* --- images -------------------------------------------------------------------------------- */

bool
hf_fleet_has_image(const struct hf_fleet_worker *worker, const char *image)
{
    return hf_map_find(&worker->images, image, strlen(image)) != NULL;
}

void
hf_fleet_set_image(struct hf_fleet_worker *worker, const char *image, bool present)
{
    size_t len = strlen(image);
    struct hf_map_node *node = hf_map_find(&worker->images, image, len);
    struct image *made;

    if (node && !present) {
        hf_map_remove(&worker->images, node);
        free(hf_container_of(node, struct image, node));
    } else if (!node && present && (made = calloc(1, sizeof *made + len + 1))) {
        memcpy(made->name, image, len + 1);
        if (hf_map_add(&worker->images, &made->node, made->name, len) < 0) {
            free(made);
        }
    }
}

void
hf_fleet_forget_images(struct hf_fleet_worker *worker)
{
    struct hf_map_node *node;

    while ((node = hf_map_pop(&worker->images))) {
        free(hf_container_of(node, struct image, node));
    }
}

/* --- shares -------------------------------------------------------------------------------- */

struct hf_share *
hf_share_find(const struct hf_fleet_worker *worker, const struct hf_fleet_function *function)
{
    struct hf_map_node *node = hf_map_find(&worker->shares, &function, sizeof function);

    return node ? hf_container_of(node, struct hf_share, node) : NULL;
}

struct hf_share *
hf_share_get(struct hf_fleet_worker *worker, struct hf_fleet_function *function)
{
    struct hf_share *share = hf_share_find(worker, function);

    if (share) {
        return share;
    }
    share = calloc(1, sizeof *share);
    if (!share) {
        return NULL;
    }
    share->function = function;
    share->worker = worker;
    if (hf_map_add(&worker->shares, &share->node, &share->function, sizeof share->function) < 0) {
        free(share);
        return NULL;
    }
    hf_list_append(&function->shares, &share->of_function);
    return share;
}

void
hf_share_free(struct hf_share *share)
{
    hf_map_remove(&share->worker->shares, &share->node);
    hf_list_remove(&share->of_function);
    free(share);
}

void
hf_fleet_forgive(struct hf_fleet_function *function)
{
    struct hf_share *share;
    struct hf_share *next;

    HF_LIST_FOR_SAFE (share, next, &function->shares, of_function) {
        share->failures = 0;
        share->retry_ns = 0;
        if (share->instances == 0) {
            hf_share_free(share);
        }
    }
}

uint64_t
hf_fleet_retry_ns(const struct hf_fleet_function *function, uint64_t now_ns)
{
    const struct hf_share *share;
    uint64_t first = UINT64_MAX;

    HF_LIST_FOR (share, &function->shares, of_function) {
        if (share->retry_ns > now_ns) {
            first = hf_min(first, share->retry_ns);
        }
    }
    return first;
}

/* --- workers ------------------------------------------------------------------------------- */

void
hf_fleet_worker_init(struct hf_fleet_worker *worker)
{
    *worker = (struct hf_fleet_worker){ .base = { .size = sizeof worker->base } };
    hf_list_init(&worker->instances);
    hf_list_init(&worker->idle);
    hf_map_init(&worker->shares, 0);
    hf_map_init(&worker->images, 0);
}

void
hf_fleet_worker_fini(struct hf_fleet_worker *worker)
{
    hf_assert(!hf_fleet_worker_is_there(worker));
    hf_fleet_forget_images(worker);
    hf_map_fini(&worker->images);
    hf_map_fini(&worker->shares);
}

/* Makes sure that one more worker has room. */
static int
reserve(struct hf_fleet *fleet)
{
    uint32_t room = fleet->worker_room ? fleet->worker_room * 2 : 8;
    const struct hf_worker **workers;

    if (fleet->worker_count == fleet->worker_room) {
        workers = realloc(fleet->workers, room * sizeof(*workers));
        if (!workers) {
            return HF_ENOMEM;
        }
        fleet->workers = workers;
        fleet->worker_room = room;
    }
    return hf_handles_reserve(&fleet->handles);
}

/* Where a worker with that id stands or would stand. */
static uint32_t
position_of(const struct hf_fleet *fleet, const char *id, bool *found)
{
    uint32_t low = 0;
    uint32_t high = fleet->worker_count;

    *found = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(fleet->workers[middle]->id, id);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
worker_set(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
           const struct hf_worker_info *info, uint64_t now_ns)
{
    struct hf_worker *base = &worker->base;

    fleet->usable_workers -= hf_worker_is_usable(base);
    base->flags = HF_WORKER_READY | (info->draining ? HF_WORKER_DRAINING : 0);
    base->memory_bytes = info->memory_bytes;
    base->cpu_millis = info->cpu_millis;
    base->reported_ns = now_ns;
    worker->max_instances = info->max_instances;
    fleet->usable_workers += hf_worker_is_usable(base);
}

int
hf_fleet_add_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                    const struct hf_worker_info *info, uint64_t now_ns)
{
    bool found;
    uint32_t at = position_of(fleet, info->id, &found);
    int r = found ? HF_EEXISTS : reserve(fleet);

    hf_assert(!hf_fleet_worker_is_there(worker));
    if (r < 0) {
        return r;
    }
    worker->base = (struct hf_worker){
        .size = sizeof worker->base,
        .handle = hf_handles_next(&fleet->handles),
        .id = info->id,
        .hash = hf_hash(info->id, strlen(info->id)),
    };
    worker_set(fleet, worker, info, now_ns);
    r = fleet->ops->worker_added
            ? hf_guest_call(fleet->ops, worker_added, NULL, fleet->scheduler, &worker->base)
            : 0;
    if (r < 0) {
        fleet->usable_workers -= hf_worker_is_usable(&worker->base);
        worker->base = (struct hf_worker){ .size = sizeof worker->base };
        return r;
    }
    hf_handles_add(&fleet->handles, worker);
    memmove(&fleet->workers[at + 1], &fleet->workers[at],
            (fleet->worker_count - at) * sizeof(*fleet->workers));
    fleet->workers[at] = &worker->base;
    fleet->worker_count++;
    return 0;
}

void
hf_fleet_change_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                       const struct hf_worker_info *info, uint64_t now_ns)
{
    worker_set(fleet, worker, info, now_ns);
    if (fleet->ops->worker_changed) {
        hf_guest_do(fleet->ops, worker_changed, NULL, fleet->scheduler, &worker->base);
    }
}

void
hf_fleet_note_worker_load(struct hf_fleet_worker *worker, const struct hf_worker_load *load)
{
    worker->base.load_millis = load->load_millis;
    worker->base.disk_bytes = load->disk_bytes;
    worker->base.disk_used_bytes = load->disk_used_bytes;
    worker->base.load_ns = load->reported_ns;
}

void
hf_fleet_remove_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker)
{
    struct hf_map_node *node;
    bool found;
    uint32_t at = position_of(fleet, worker->base.id, &found);

    hf_assert(found && hf_list_is_empty(&worker->instances));
    fleet->worker_count--;
    memmove(&fleet->workers[at], &fleet->workers[at + 1],
            (fleet->worker_count - at) * sizeof(*fleet->workers));
    fleet->usable_workers -= hf_worker_is_usable(&worker->base);
    if (fleet->ops->worker_removed) {
        hf_guest_do(fleet->ops, worker_removed, NULL, fleet->scheduler, &worker->base);
    }
    while ((node = hf_map_next(&worker->shares, NULL))) {
        hf_share_free(hf_container_of(node, struct hf_share, node));
    }
    hf_handles_remove(&fleet->handles, worker->base.handle);
    worker->base = (struct hf_worker){ .size = sizeof worker->base };
}

uint32_t
hf_fleet_usable_workers(const struct hf_fleet *fleet)
{
    return fleet->usable_workers;
}
