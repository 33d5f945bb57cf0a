/*
 * availablecapacity.c - the lb policy "availablecapacity": the child with the most room.
 *
 * The routing "available_capacity" of HyperFaaS's next version.  Of the children that have the
 * function warm, the one with the most free slots for it; equals take turns.  A cold function goes
 * to the child that consistent hashing names.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(COLD, "cold_by_hash") REASON(MOST, "most_room") REASON(TURN, "in_turn")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
    uint32_t vnodes;
    uint32_t turn; /* among equals */
    uint64_t key;  /* of the function */
};

/* What is kept with each endpoint. */
struct state {
    struct hf_child_place place;
    uint64_t reported_ns; /* the last report that was seen */
    uint32_t taken;       /* calls sent there since */
    uint32_t capacity;    /* for as long as nothing is reported; 0: no limit */
};

static const struct hf_option options[] = {
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "128",
      .min = "1",
      .max = "1024",
      .help = "Points of each child on the ring." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    lb->host = host;
    lb->vnodes = (uint32_t)host->option_u64(values, "vnodes");
    lb->key = function->hash;
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_child_place_set(endpoint, lb->vnodes, lb->key);
    ((struct state *)endpoint->state)->capacity = endpoint->capacity;
    return 0;
}

/* Free slots by the last report, less the calls since; without one, by what this node knows. */
static uint32_t
room(const struct hf_lb_view *view, uint32_t i)
{
    struct state *state = view->usable[i].state;
    struct hf_endpoint_load load = hf_child_load(view, i);
    uint32_t slots = state->capacity > 0 ? state->capacity : UINT32_MAX;
    uint32_t used = load.in_flight;

    if (load.known & HF_LOAD_ROOM) {
        state->taken = load.reported_ns == state->reported_ns ? state->taken : 0;
        state->reported_ns = load.reported_ns;
        slots = load.room;
        used = state->taken;
    }
    return slots > used ? slots - used : 0;
}

/* The candidate with the most room among those that are warm; equals take turns. */
static uint32_t
roomiest(struct hf_lb *lb, const struct hf_lb_view *view, uint32_t *equal)
{
    uint32_t most = 0;
    uint32_t best = 0;
    uint32_t left;

    *equal = 0;
    for (uint32_t i = 0; i < view->warm_count; i++) {
        uint32_t own = room(view, i);

        *equal = own > most ? 0 : *equal;
        most = own > most ? own : most;
        *equal += own == most;
    }
    left = *equal > 0 ? lb->turn++ % *equal : 0;
    for (uint32_t i = 0; i < view->warm_count; i++) {
        if (room(view, i) == most && left-- == 0) {
            best = i;
            break;
        }
    }
    return best;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    uint32_t equal;
    uint32_t best;

    if (view->warm_count == 0) {
        best = hf_child_home(view);
        hf_because(view->decision, COLD, 0.0);
    } else {
        best = roomiest(lb, view, &equal);
        hf_because(view->decision, equal > 1 ? TURN : MOST, room(view, best));
    }
    return view->usable[best].handle;
}

static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct state *)endpoint->state)->taken++;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .started = started,
    .needs = HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_REPORTS,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(availablecapacity, "The child with the most free slots for the function.", ops,
             options);
