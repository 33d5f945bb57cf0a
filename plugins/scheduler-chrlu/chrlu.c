/*
 * chrlu.c - the scheduler "chrlu": consistent hashing with random load updates.
 *
 * A. Fuerst and P. Sharma, Locality-aware Load-Balancing For Serverless Clusters, HPDC'22.  A
 * function that rarely needs an instance has its home on a ring.  A popular one takes the first of
 * a chain of workers whose load, with noise for what will come until the loads are read anew, is
 * not above the bound; else its home.  Popular are those that ask most often, by the last refresh.
 */
#include <hyperfaas/policy/average.h>
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/policy/histogram.h>
#include <hyperfaas/policy/ring.h>
#include <hyperfaas/policy/table.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define BINS   512 /* of gaps by their logarithm, eight to an octave */
#define MEMORY 8   /* the mean of gaps is a moving one over so many */

#define REASONS(REASON)                                                                            \
    REASON(RARE, "rare")                                                                           \
    REASON(HOME, "home")                                                                           \
    REASON(CHAIN, "home_busy")                                                                     \
    REASON(ALL_BUSY, "chain_busy")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
    struct hf_ring ring;
    struct hf_fleet_index index;
    struct hf_table table; /* of struct record */
    double *loads;         /* by handle index, noise included */
    uint32_t loads_room;
    uint32_t chain;
    double bound;
    double popular_part;
    uint64_t refresh_ns;
    uint64_t fresh_until_ns;
    uint32_t popular_bin; /* the last one of popular functions */
    double rate;          /* of a mean function: starts in a second */
};

/* What is known of a function. */
struct record {
    struct hf_table_entry entry;
    uint64_t last_ns; /* when an instance was wanted last */
    uint64_t gaps;
    double mean_ns; /* of the gaps */
};

static const struct hf_option options[] = {
    { .key = "popular_pct",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.1",
      .min = "0",
      .max = "1",
      .help = "Part of the functions that is popular." },
    { .key = "bound",
      .type = HF_OPT_DOUBLE,
      .fallback = "1.5",
      .min = "0",
      .max = "1000",
      .help = "Load average per processor above which a worker is passed over." },
    { .key = "chain",
      .type = HF_OPT_UINT,
      .fallback = "4",
      .min = "1",
      .max = "1000",
      .help = "Workers with room that are looked at on the ring." },
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "3",
      .min = "1",
      .max = "1024",
      .help = "Points of each worker on the ring." },
    { .key = "refresh",
      .type = HF_OPT_DURATION,
      .fallback = "500ms",
      .min = "1ms",
      .max = "1h",
      .help = "How long loads and the list of popular functions are used." },
    { 0 },
};

static void
destroy(struct hf_scheduler *scheduler)
{
    if (scheduler) {
        hf_ring_clear(&scheduler->ring);
        hf_fleet_index_clear(&scheduler->index);
        hf_table_clear(&scheduler->table);
        free(scheduler->loads);
        free(scheduler);
    }
}

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scheduler **ret,
       struct hf_err *err)
{
    struct hf_scheduler *scheduler = calloc(1, sizeof *scheduler);

    if (!scheduler || hf_table_init(&scheduler->table, sizeof(struct record), 10000) < 0) {
        destroy(scheduler);
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    scheduler->host = host;
    scheduler->bound = host->option_double(values, "bound");
    scheduler->popular_part = host->option_double(values, "popular_pct");
    scheduler->chain = (uint32_t)host->option_u64(values, "chain");
    scheduler->ring.vnodes = (uint32_t)host->option_u64(values, "vnodes");
    scheduler->refresh_ns = host->option_u64(values, "refresh");
    *ret = scheduler;
    return 0;
}

/* The bin of a gap; all that are longer than the last one's share it. */
static uint32_t
bin_of(double gap_ns)
{
    return (uint32_t)fmin(fmax(8.0 * log2(gap_ns + 1.0), 0.0), BINS - 1);
}

static void
look_at_functions(struct hf_scheduler *scheduler)
{
    uint32_t counts[BINS] = { 0 };
    struct hf_histogram gaps = { counts, BINS, 1 };
    double sum_ns = 0.0;
    uint32_t known = 0;

    for (struct hf_table_entry *e = scheduler->table.oldest; e; e = e->newer) {
        const struct record *record = (const struct record *)e;

        if (record->gaps > 0) {
            hf_histogram_add(&gaps, bin_of(record->mean_ns), 1);
            sum_ns += record->mean_ns;
            known++;
        }
    }
    scheduler->popular_bin = hf_histogram_quantile(&gaps, scheduler->popular_part);
    scheduler->rate = sum_ns > 0.0 ? 1e9 * known / sum_ns : 1.0;
}

static void
refresh(struct hf_scheduler *scheduler, const struct hf_fleet_view *view)
{
    scheduler->fresh_until_ns = view->now_ns + scheduler->refresh_ns;
    for (uint32_t i = 0; i < view->worker_count; i++) {
        scheduler->loads[view->workers[i]->handle.index] = view->workers[i]->load_millis / 1000.0;
    }
    look_at_functions(scheduler);
}
/* An instance of the function is wanted; whether it is a popular one. */
static bool
note(struct hf_scheduler *scheduler, const struct hf_function *function, uint64_t now_ns)
{
    struct record *record = (struct record *)hf_table_get(&scheduler->table, function->hash);

    if (record->last_ns > 0 && now_ns >= record->last_ns) {
        record->gaps += record->gaps < MEMORY;
        record->mean_ns +=
            ((double)(now_ns - record->last_ns) - record->mean_ns) / (double)record->gaps;
    }
    record->last_ns = now_ns;
    return record->gaps > 0 && bin_of(record->mean_ns) <= scheduler->popular_bin;
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    bool popular = note(scheduler, function, view->now_ns);
    struct hf_ring_walk walk = hf_ring_from(&scheduler->ring, function->hash);
    struct hf_draw draw = hf_draw_from(view->random);
    struct hf_handle home = HF_NONE; /* the first on the ring that has room */
    struct hf_handle worker;
    uint32_t met = 0;

    (void)state;
    if (view->now_ns >= scheduler->fresh_until_ns) {
        refresh(scheduler, view);
    }
    while (met < scheduler->chain &&
           (worker = hf_ring_next(&scheduler->ring, &walk)).generation != 0) {
        uint32_t i = hf_fleet_find(&scheduler->index, view, worker);
        double cores;
        double noise;

        if (i == HF_NO_WORKER || !view->feasible(view, i)) {
            continue;
        }
        home = met++ == 0 ? worker : home;
        if (!popular) {
            break;
        }
        cores = fmax((double)view->workers[i]->cpu_millis / 1000.0, 1.0);
        noise = hf_draw_normal(&draw, scheduler->rate / cores, 0.1);
        if (scheduler->loads[worker.index] + noise <= scheduler->bound) {
            scheduler->loads[worker.index] += noise;
            hf_because(view->decision, met == 1 ? HOME : CHAIN, scheduler->loads[worker.index]);
            return worker;
        }
    }
    hf_because(view->decision, popular ? ALL_BUSY : RARE, scheduler->rate);
    return home;
}

static int
worker_added(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    int r = hf_fleet_index_reserve(&scheduler->index, worker->handle);

    if (r == 0 && scheduler->loads_room < scheduler->index.room) {
        double *loads = realloc(scheduler->loads, scheduler->index.room * sizeof *loads);

        if (!loads) {
            return HF_ENOMEM;
        }
        scheduler->loads = loads;
        scheduler->loads_room = scheduler->index.room;
    }
    if (r == 0) {
        scheduler->loads[worker->handle.index] = worker->load_millis / 1000.0;
        r = hf_ring_add(&scheduler->ring, worker->handle, worker->hash);
    }
    return r;
}

static void
worker_removed(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    hf_ring_remove(&scheduler->ring, worker->handle);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .worker_added = worker_added,
    .worker_removed = worker_removed,
    .needs = HF_SCHEDULER_NEEDS_LOAD,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(chrlu, "Consistent hashing with random load updates.", ops, options);
