/*
 * fleet.h - what schedulers do with a view of the fleet: fractions in use, the best worker, a
 * random one, and finding a worker again by its handle.
 */
#ifndef HYPERFAAS_POLICY_FLEET_H
#define HYPERFAAS_POLICY_FLEET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/policy/draw.h>
#include <hyperfaas/scheduler.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_NO_WORKER UINT32_MAX

/* --- numbers of a worker ------------------------------------------------------------------- */

/* Whether it takes new instances, if there is room. */
static inline bool
hf_worker_is_open(const struct hf_worker *worker)
{
    return (worker->flags & (HF_WORKER_READY | HF_WORKER_DRAINING)) == HF_WORKER_READY;
}

/* Used and wanted parts of a capacity; 0 if that is not known. */
static inline double
hf_worker_memory(const struct hf_worker *worker, uint64_t wanted)
{
    return worker->memory_bytes > 0
               ? ((double)worker->memory_used_bytes + (double)wanted) / (double)worker->memory_bytes
               : 0.0;
}

static inline double
hf_worker_cpu(const struct hf_worker *worker, uint64_t wanted)
{
    return worker->cpu_millis > 0
               ? ((double)worker->cpu_used_millis + (double)wanted) / (double)worker->cpu_millis
               : 0.0;
}

/* How full it is: the larger of the two. */
static inline double
hf_worker_pressure(const struct hf_worker *worker)
{
    double memory = hf_worker_memory(worker, 0);
    double cpu = hf_worker_cpu(worker, 0);

    return memory > cpu ? memory : cpu;
}

/* What load is, by name.  A row for the table of options, and what it names. */
#define HF_LOAD_OPTION                                                                             \
    {                                                                                              \
        "metric", HF_OPT_ENUM, 0, "mem", NULL, NULL, "mem|cpu|run|inst",                           \
            "What load is: the part of memory or processors in use, calls, or instances."          \
    }

typedef double hf_load_fn(const struct hf_worker *worker);

static inline double
hf_load_mem(const struct hf_worker *worker)
{
    return hf_worker_memory(worker, 0);
}

static inline double
hf_load_cpu(const struct hf_worker *worker)
{
    return hf_worker_cpu(worker, 0);
}

static inline double
hf_load_run(const struct hf_worker *worker)
{
    return worker->in_flight;
}

static inline double
hf_load_inst(const struct hf_worker *worker)
{
    return worker->instances;
}

static inline hf_load_fn *
hf_load_named(const char *metric)
{
    return strcmp(metric, "mem") == 0   ? hf_load_mem
           : strcmp(metric, "cpu") == 0 ? hf_load_cpu
           : strcmp(metric, "run") == 0 ? hf_load_run
                                        : hf_load_inst;
}

/* Thousandths of a core that an instance of the function may use; 0: not limited. */
static inline uint64_t
hf_function_cpu_millis(const struct hf_function *function)
{
    if (function->cpu_period_us == 0) {
        return 0;
    }
    return (uint64_t)((double)function->cpu_quota_us * 1000.0 / (double)function->cpu_period_us);
}

static inline struct hf_worker_share
hf_worker_share_of(const struct hf_fleet_view *view, uint32_t i)
{
    struct hf_worker_share share = { sizeof share, 0, 0, false };

    view->share(view, i, &share);
    return share;
}

/* The handle of worker `i`, or HF_NONE. */
static inline struct hf_handle
hf_worker_at(const struct hf_fleet_view *view, uint32_t i)
{
    return i < view->worker_count ? view->workers[i]->handle : HF_NONE;
}

/* --- the best worker ----------------------------------------------------------------------- */

/* What speaks against a worker: the first number counts, equal ones are decided by the next. */
struct hf_rank {
    double of[3];
};

static inline int
hf_rank_compare(const struct hf_rank *a, const struct hf_rank *b)
{
    for (int i = 0; i < 3; i++) {
        if (a->of[i] < b->of[i] || a->of[i] > b->of[i]) {
            return a->of[i] < b->of[i] ? -1 : 1;
        }
    }
    return 0;
}

typedef struct hf_rank hf_rank_fn(const struct hf_fleet_view *view, uint32_t i, const void *arg);

/* The feasible worker with the lowest rank; of equals the one with the lowest id or, with a `draw`
 * (else NULL), each equally likely.  HF_NO_WORKER: none is feasible. */
static inline uint32_t
hf_fleet_best(const struct hf_fleet_view *view, hf_rank_fn *rank, const void *arg,
              struct hf_draw *draw)
{
    struct hf_rank lowest = { { 0.0, 0.0, 0.0 } };
    uint32_t best = HF_NO_WORKER;
    uint32_t equal = 0;

    for (uint32_t i = 0; i < view->worker_count; i++) {
        struct hf_rank own = rank(view, i, arg);
        int order = best == HF_NO_WORKER ? -1 : hf_rank_compare(&own, &lowest);

        if (order > 0 || (order == 0 && !draw) || !view->feasible(view, i)) {
            continue;
        }
        equal = order < 0 ? 1 : equal + 1;
        if (order < 0 || (draw && hf_draw_keeps(draw, equal))) {
            best = i;
            lowest = own;
        }
    }
    return best;
}

/* --- random workers ------------------------------------------------------------------------ */

static inline bool
hf_fleet_is_among(const uint32_t *workers, uint32_t n, uint32_t i)
{
    while (n > 0 && workers[n - 1] != i) {
        n--;
    }
    return n > 0;
}

/* Draws `wanted` different feasible workers into `ret`, each set of them equally likely; how many,
 * if there are fewer.  Some draws among all, which is enough while many are feasible; then a look
 * at each, with a reservoir. */
static inline uint32_t
hf_fleet_sample(const struct hf_fleet_view *view, uint32_t wanted, struct hf_draw *draw,
                uint32_t *ret)
{
    uint32_t n = 0;

    for (uint32_t tries = 0; tries < 4 * wanted + 8 && view->worker_count > 0; tries++) {
        uint32_t i = hf_draw_below(draw, view->worker_count);

        if (!hf_fleet_is_among(ret, n, i) && view->feasible(view, i)) {
            ret[n++] = i;
            if (n == wanted) {
                return n;
            }
        }
    }
    n = 0;
    for (uint32_t i = 0; i < view->worker_count; i++) {
        uint32_t at;

        if (!view->feasible(view, i)) {
            continue;
        }
        at = n < wanted ? n : hf_draw_below(draw, n + 1);
        if (at < wanted) {
            ret[at] = i;
        }
        n++;
    }
    return n < wanted ? n : wanted;
}

/* The one with the lowest rank of some feasible workers, the first of equals; HF_NO_WORKER: there
 * are none. */
static inline uint32_t
hf_fleet_best_of(const struct hf_fleet_view *view, const uint32_t *workers, uint32_t n,
                 hf_rank_fn *rank, const void *arg)
{
    struct hf_rank lowest = { { 0.0, 0.0, 0.0 } };
    uint32_t best = HF_NO_WORKER;

    for (uint32_t i = 0; i < n; i++) {
        struct hf_rank own = rank(view, workers[i], arg);

        if (best == HF_NO_WORKER || hf_rank_compare(&own, &lowest) < 0) {
            best = workers[i];
            lowest = own;
        }
    }
    return best;
}

/* --- ranks that several rules share -------------------------------------------------------- */

/* Fewest starts under way, then least pressure, then fewest instances. */
static inline struct hf_rank
hf_rank_by_starts(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_worker *worker = view->workers[i];
    struct hf_rank rank = { { (double)worker->starting, hf_worker_pressure(worker),
                              (double)worker->instances } };

    (void)arg;
    return rank;
}

/* Least pressure, then fewest instances. */
static inline struct hf_rank
hf_rank_by_pressure(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_worker *worker = view->workers[i];
    struct hf_rank rank = { { hf_worker_pressure(worker), (double)worker->instances, 0.0 } };

    (void)arg;
    return rank;
}

/* --- workers by handle --------------------------------------------------------------------- */

/* Where workers stand in a view, by handle index.  Zeroed, it knows nothing.  They move when
 * workers come and go, which is noticed when one is looked for. */
struct hf_fleet_index {
    uint32_t *at;
    uint32_t room;
};

static inline void
hf_fleet_index_clear(struct hf_fleet_index *index)
{
    free(index->at);
    index->at = NULL;
    index->room = 0;
}

/* Makes room for a worker that was added.  0 or HF_ENOMEM. */
static inline int
hf_fleet_index_reserve(struct hf_fleet_index *index, struct hf_handle worker)
{
    uint32_t room = worker.index + worker.index / 2 + 16;
    uint32_t *at;

    if (worker.index < index->room) {
        return 0;
    }
    at = (uint32_t *)realloc(index->at, room * sizeof *at);
    if (!at) {
        return HF_ENOMEM;
    }
    for (uint32_t i = index->room; i < room; i++) {
        at[i] = HF_NO_WORKER;
    }
    index->at = at;
    index->room = room;
    return 0;
}

static inline bool
hf_fleet_stands(const struct hf_fleet_view *view, uint32_t i, struct hf_handle worker)
{
    return i < view->worker_count && view->workers[i]->handle.index == worker.index &&
           view->workers[i]->handle.generation == worker.generation;
}

/* Where a worker for which there is room stands in the view; HF_NO_WORKER: nowhere. */
static inline uint32_t
hf_fleet_find(struct hf_fleet_index *index, const struct hf_fleet_view *view,
              struct hf_handle worker)
{
    if (worker.index >= index->room) {
        return HF_NO_WORKER;
    }
    if (!hf_fleet_stands(view, index->at[worker.index], worker)) {
        for (uint32_t i = 0; i < view->worker_count; i++) {
            if (view->workers[i]->handle.index < index->room) {
                index->at[view->workers[i]->handle.index] = i;
            }
        }
    }
    return hf_fleet_stands(view, index->at[worker.index], worker) ? index->at[worker.index]
                                                                  : HF_NO_WORKER;
}

#ifdef __cplusplus
}
#endif

#endif
