/*
 * hashprobe.c - the scheduler "hashprobe": a home by hash, then steps from it.
 *
 * The balancer of Apache OpenWhisk (ShardingContainerPoolBalancer).  Of n workers, sorted
 * by id, number h mod n is a function's home, h being its hash.  If that has no room, the
 * walk goes on in steps of a number coprime to n, so that it meets each worker once.
 * Functions with the same home differ in their steps: these are the numbers from 1 to n
 * coprime to n and to each other, which, taken greedily, are 1 and the primes that do not
 * divide n.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(HOME, "home") REASON(PROBED, "home_full") REASON(ALL_FULL, "all_full")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
    uint32_t workers; /* that have been added */
    uint32_t room;    /* in `steps` */
    uint32_t *steps;
    uint32_t count;    /* of them */
    uint32_t made_for; /* workers */
};

static int
create(const struct hf_host *host, const struct hf_options *options, struct hf_scheduler **ret,
       struct hf_err *err)
{
    struct hf_scheduler *scheduler = calloc(1, sizeof *scheduler);

    (void)options; /* takes none */
    if (!scheduler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    scheduler->host = host;
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    if (scheduler) {
        free(scheduler->steps);
        free(scheduler);
    }
}

/* Whether one of the steps but the first, 1, divides `number`. */
static bool
has_divisor(const struct hf_scheduler *scheduler, uint32_t number)
{
    for (uint32_t i = 1; i < scheduler->count; i++) {
        uint64_t step = scheduler->steps[i];

        if (number % step == 0 || step * step > number) {
            return number % step == 0;
        }
    }
    return false;
}

static bool
are_coprime(uint32_t a, uint32_t b)
{
    while (b > 0) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a == 1;
}

/* The steps for `n` workers, once after each change of their number. */
static void
make_steps(struct hf_scheduler *scheduler, uint32_t n)
{
    scheduler->made_for = n;
    scheduler->steps[0] = 1;
    scheduler->count = 1;
    for (uint32_t i = 2; i <= n && scheduler->count < scheduler->room; i++) {
        if (are_coprime(n, i) && !has_divisor(scheduler, i)) {
            scheduler->steps[scheduler->count++] = i;
        }
    }
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    uint32_t n = view->worker_count;
    uint64_t at;
    uint32_t step;

    (void)state;
    if (n == 0 || scheduler->room == 0) {
        return HF_NONE;
    }
    if (scheduler->made_for != n) {
        make_steps(scheduler, n);
    }
    at = function->hash % n;
    step = scheduler->steps[function->hash % scheduler->count];
    for (uint32_t i = 0; i < n; i++) {
        if (view->feasible(view, (uint32_t)at)) {
            hf_because(view->decision, i == 0 ? HOME : PROBED, i);
            return view->workers[at]->handle;
        }
        at = (at + step) % n;
    }
    hf_because(view->decision, ALL_FULL, n);
    return HF_NONE;
}

static int
worker_added(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    uint32_t wanted = scheduler->workers + 1; /* there are no more steps than workers */

    (void)worker;
    if (wanted > scheduler->room) {
        uint32_t *steps = realloc(scheduler->steps, 2 * wanted * sizeof *steps);

        if (!steps) {
            return HF_ENOMEM;
        }
        scheduler->steps = steps;
        scheduler->room = 2 * wanted;
    }
    scheduler->workers = wanted;
    return 0;
}

static void
worker_removed(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    (void)worker;
    scheduler->workers--;
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "workers=%u\nsteps=%u\n", scheduler->made_for, scheduler->count);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .worker_added = worker_added,
    .worker_removed = worker_removed,
    .show = show,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(hashprobe, "A home by the function's hash, then steps from it.", ops, NULL);
