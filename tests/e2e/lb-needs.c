/*
 * lb-needs.c - a policy that needs all there is, and shows what it saw.
 *
 * It takes the warm candidate with the fewest calls of this node, else the cold one.
 */
#include <hyperfaas/lb.h>
#include <stdlib.h>

#define SEEN_MAX 4

/* What is shared: how much there is at the node. */
struct snapshot {
    uint32_t children;
    uint32_t usable;
    uint32_t reported;
    uint32_t functions;
    uint64_t gap_ns; /* the shortest of all functions */
};

struct hf_lb_shared {
    const struct hf_host *host;
};

struct hf_lb {
    const struct hf_host *host;
    uint32_t candidates;
    uint32_t warm;
    struct hf_endpoint_load seen[SEEN_MAX];
    uint64_t gap_ns;
    uint64_t cold_ns;
    uint64_t warm_ns;
    struct snapshot snapshot;
};

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    (void)options;
    (void)function;
    *ret = calloc(1, sizeof **ret);
    if (!*ret) {
        return host->fail(err, HF_ENOMEM, "no memory for the policy");
    }
    (*ret)->host = host;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

static uint32_t
least_of(struct hf_lb *lb, const struct hf_lb_view *view, uint32_t first, uint32_t end)
{
    uint32_t best = first;
    uint32_t calls = UINT32_MAX;

    for (uint32_t i = first; i < end; i++) {
        struct hf_endpoint_load load = { .size = sizeof load };

        if (view->load(view, i, &load) && load.node_in_flight < calls) {
            calls = load.node_in_flight;
            best = i;
        }
        if (i < SEEN_MAX) {
            lb->seen[i] = load;
        }
    }
    return best;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    uint32_t warm = least_of(lb, view, 0, view->warm_count);
    uint32_t cold = least_of(lb, view, view->warm_count, view->usable_count);

    lb->candidates = view->usable_count;
    lb->warm = view->warm_count;
    lb->gap_ns = view->gap_ns;
    lb->cold_ns = view->cold_ns;
    lb->warm_ns = view->warm_ns;
    if (view->shared) {
        lb->snapshot = *(const struct snapshot *)view->shared;
    }
    if (view->decision) {
        view->decision->reason = view->warm_count == 0;
        view->decision->score = view->warm_count;
    }
    return view->usable[view->warm_count > 0 ? warm : cold].handle;
}

static void
show(const struct hf_lb *lb, struct hf_text *text)
{
    lb->host->print(text, "candidates=%u warm=%u gap_ns=%llu cold_ns=%llu warm_ns=%llu\n",
                    lb->candidates, lb->warm, (unsigned long long)lb->gap_ns,
                    (unsigned long long)lb->cold_ns, (unsigned long long)lb->warm_ns);
    lb->host->print(text, "children=%u usable=%u reported=%u functions=%u shortest_gap_ns=%llu\n",
                    lb->snapshot.children, lb->snapshot.usable, lb->snapshot.reported,
                    lb->snapshot.functions, (unsigned long long)lb->snapshot.gap_ns);
    for (uint32_t i = 0; i < lb->candidates && i < SEEN_MAX; i++) {
        const struct hf_endpoint_load *seen = &lb->seen[i];

        lb->host->print(text,
                        "candidate=%u own=%d reports=%d average=%d knows_room=%d node_in_flight=%u "
                        "calls=%u waiting=%u room=%u reported_ns=%llu\n",
                        i, (seen->known & HF_LOAD_OWN) != 0, (seen->known & HF_LOAD_REPORTED) != 0,
                        (seen->known & HF_LOAD_AVERAGE) != 0, (seen->known & HF_LOAD_ROOM) != 0,
                        seen->node_in_flight, seen->calls, seen->waiting, seen->room,
                        (unsigned long long)seen->reported_ns);
    }
}

/* --- what is shared -------------------------------------------------------------------------- */

static int
shared_create(const struct hf_host *host, const struct hf_options *options,
              struct hf_lb_shared **ret, struct hf_err *err)
{
    (void)options;
    *ret = calloc(1, sizeof **ret);
    if (!*ret) {
        return host->fail(err, HF_ENOMEM, "no memory for the policy");
    }
    (*ret)->host = host;
    return 0;
}

static void
shared_destroy(struct hf_lb_shared *shared)
{
    free(shared);
}

static void *
publish(struct hf_lb_shared *shared, const struct hf_lb_node_view *node)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    (void)shared;
    if (!snapshot) {
        return NULL;
    }
    snapshot->children = node->child_count;
    snapshot->functions = node->function_count;
    snapshot->gap_ns = UINT64_MAX;
    for (uint32_t i = 0; i < node->child_count; i++) {
        snapshot->usable += node->children[i]->usable;
        snapshot->reported += (node->children[i]->load->known & HF_LOAD_REPORTED) != 0;
    }
    for (uint32_t i = 0; i < node->function_count; i++) {
        if (node->functions[i]->gap_ns < snapshot->gap_ns) {
            snapshot->gap_ns = node->functions[i]->gap_ns;
        }
    }
    return snapshot;
}

static void
retire(struct hf_lb_shared *shared, void *snapshot)
{
    (void)shared;
    free(snapshot);
}

static uint64_t
refresh_ns(const struct hf_lb_shared *shared)
{
    (void)shared;
    return 50000000;
}

static const char *const reasons[] = { "warm", "cold" };

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .show = show,
    .needs =
        HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS | HF_LB_NEEDS_FIGURES,
    .reason_count = 2,
    .reasons = reasons,
    .shared_create = shared_create,
    .shared_destroy = shared_destroy,
    .publish = publish,
    .retire = retire,
    .refresh_ns = refresh_ns,
};

HF_LB_PLUGIN(needs, "Shows all that a policy may need.", ops, NULL);
