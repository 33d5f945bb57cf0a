/*
 * leastload.c - the lb policy "leastload": the endpoint with the fewest calls.
 *
 * Join the shortest queue (W. Winston, 1977), ties broken uniformly at random,
 * without looking at all endpoints: a tournament tree has one leaf for each
 * handle index, and each inner node knows the fewest calls below it and how many
 * leaves share that minimum.  A change of one leaf costs a walk to the root, a
 * pick a walk down, drawn by those counts: both O(log n).  Eight children per
 * node fill one cache line, so ten thousand endpoints are five lines deep.
 */
#include <hyperfaas/lb.h>

#include <stdlib.h>

#define NOT_USABLE UINT32_MAX
#define CHILDREN   8u

/* A leaf, or what an inner node knows of the leaves below it. */
struct node {
    uint32_t calls; /* in flight, the fewest below; NOT_USABLE: none can be picked */
    uint32_t ties;  /* leaves with that many */
};

/* The root is node 0, node `k` has the children `8k + 1` to `8k + 8`, endpoint `i` has leaf
 * `first_leaf + i`. */
struct hf_lb {
    const struct hf_host *host;
    struct node *nodes;
    struct hf_handle *handles; /* by index */
    uint32_t width;            /* leaves, a power of eight; 0: none yet */
    uint32_t first_leaf;
    uint32_t endpoints;
};

/* What is kept with each endpoint. */
struct state {
    uint32_t in_flight;
    bool out; /* of the usable set */
};

/* What node `i` must know. */
static struct node
sum_up(const struct node *nodes, uint32_t i)
{
    const struct node *child = &nodes[CHILDREN * i + 1];
    struct node best = child[0];

    for (uint32_t k = 1; k < CHILDREN; k++) {
        if (child[k].calls < best.calls) {
            best = child[k];
        } else if (child[k].calls == best.calls) {
            best.ties += child[k].ties;
        }
    }
    return best;
}

static void
set_leaf(struct hf_lb *lb, uint32_t index, struct node leaf)
{
    uint32_t i = lb->first_leaf + index;

    lb->nodes[i] = leaf;
    while (i > 0) {
        struct node before;

        i = (i - 1) / CHILDREN;
        before = lb->nodes[i];
        lb->nodes[i] = sum_up(lb->nodes, i);
        if (lb->nodes[i].calls == before.calls && lb->nodes[i].ties == before.ties) {
            return; /* nobody above will notice */
        }
    }
}

static void
update(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    const struct state *state = endpoint->state;
    struct node leaf = { NOT_USABLE, 0 };

    if (!state->out) {
        leaf = (struct node){ state->in_flight, 1 };
    }
    set_leaf(lb, endpoint->handle.index, leaf);
}

/* A tree of that many leaves, which begins like the one there is; NULL without memory. */
static struct node *
grown(const struct hf_lb *lb, uint32_t width, uint32_t first_leaf)
{
    struct node *nodes = malloc(((size_t)first_leaf + width) * sizeof(*nodes));

    if (!nodes) {
        return NULL;
    }
    for (uint32_t i = 0; i < width; i++) {
        nodes[first_leaf + i] =
            i < lb->width ? lb->nodes[lb->first_leaf + i] : (struct node){ NOT_USABLE, 0 };
    }
    for (uint32_t i = first_leaf; i-- > 0;) {
        nodes[i] = sum_up(nodes, i);
    }
    return nodes;
}

/* Makes the tree wide enough for `index`. */
static int
widen(struct hf_lb *lb, uint32_t index)
{
    uint32_t width = CHILDREN;
    uint32_t first_leaf = 1;
    struct hf_handle *handles;
    struct node *nodes;

    while (width <= index) {
        first_leaf += width;
        width *= CHILDREN;
    }
    if (width <= lb->width) {
        return 0;
    }
    handles = realloc(lb->handles, width * sizeof(*handles));
    if (!handles) {
        return HF_ENOMEM;
    }
    lb->handles = handles;
    nodes = grown(lb, width, first_leaf);
    if (!nodes) {
        return HF_ENOMEM;
    }
    free(lb->nodes);
    lb->nodes = nodes;
    lb->width = width;
    lb->first_leaf = first_leaf;
    return 0;
}

static int
ll_create(const struct hf_host *host, const struct hf_options *options,
          const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    (void)options;
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    lb->host = host;
    *ret = lb;
    return 0;
}

static void
ll_destroy(struct hf_lb *lb)
{
    if (lb) {
        free(lb->nodes);
        free(lb->handles);
        free(lb);
    }
}

static struct hf_handle
ll_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    uint32_t rank; /* which of those that tie */
    uint32_t i = 0;

    if (lb->width == 0 || lb->nodes[0].ties == 0) {
        return HF_NONE;
    }
    rank = (uint32_t)(view->random % lb->nodes[0].ties);
    while (i < lb->first_leaf) {
        uint32_t fewest = lb->nodes[i].calls;

        i = CHILDREN * i + 1;
        while (lb->nodes[i].calls != fewest || lb->nodes[i].ties <= rank) {
            rank -= lb->nodes[i].calls == fewest ? lb->nodes[i].ties : 0;
            i++;
        }
    }
    return lb->handles[i - lb->first_leaf];
}

static int
ll_added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    int r = widen(lb, endpoint->handle.index);

    if (r < 0) {
        return r;
    }
    lb->handles[endpoint->handle.index] = endpoint->handle;
    lb->endpoints++;
    update(lb, endpoint);
    return 0;
}

static void
ll_removed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    lb->endpoints--;
    set_leaf(lb, endpoint->handle.index, (struct node){ NOT_USABLE, 0 });
}

static void
ll_full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    ((struct state *)endpoint->state)->out = true;
    update(lb, endpoint);
}

static void
ll_freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    ((struct state *)endpoint->state)->out = false;
    update(lb, endpoint);
}

static void
count(struct hf_lb *lb, const struct hf_endpoint *endpoint, bool started)
{
    struct state *state = endpoint->state;

    state->in_flight = started ? state->in_flight + 1 : state->in_flight - 1;
    if (!state->out) {
        update(lb, endpoint);
    }
}

static void
ll_started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    count(lb, endpoint, true);
}

static void
ll_finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
            uint64_t elapsed_ns)
{
    (void)outcome;
    (void)elapsed_ns;
    count(lb, endpoint, false);
}

static void
ll_show(const struct hf_lb *lb, struct hf_text *text)
{
    const struct node root = lb->width ? lb->nodes[0] : (struct node){ NOT_USABLE, 0 };

    lb->host->print(text, "endpoints=%u\n", lb->endpoints);
    if (root.ties > 0) {
        lb->host->print(text, "fewest_calls=%u\nties=%u\n", root.calls, root.ties);
    }
}

static const struct hf_lb_ops ll_ops = {
    .size = sizeof ll_ops,
    .endpoint_state_size = sizeof(struct state),
    .create = ll_create,
    .destroy = ll_destroy,
    .pick = ll_pick,
    .added = ll_added,
    .removed = ll_removed,
    .full = ll_full,
    .freed = ll_freed,
    .started = ll_started,
    .finished = ll_finished,
    .show = ll_show,
};

HF_LB_PLUGIN(leastload, "The endpoint with the fewest calls in flight; ties at random.", ll_ops,
             NULL);
