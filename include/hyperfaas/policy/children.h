/*
 * children.h - what lb policies do with the loads of all children of a node.
 *
 * Each of these looks at every candidate: a load balancer has some tens of children.  They
 * need HF_LB_NEEDS_LOAD or HF_LB_NEEDS_REPORTS of lb.h; what is not known counts as 0.
 */
#ifndef HYPERFAAS_POLICY_CHILDREN_H
#define HYPERFAAS_POLICY_CHILDREN_H

#include <stdint.h>
#include <string.h>

#include <hyperfaas/lb.h>
#include <hyperfaas/policy/draw.h>
#include <hyperfaas/policy/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_NO_CHILD UINT32_MAX

/* --- loads --------------------------------------------------------------------------------- */

static inline struct hf_endpoint_load
hf_child_load(const struct hf_lb_view *view, uint32_t i)
{
    struct hf_endpoint_load load;

    memset(&load, 0, sizeof load);
    load.size = sizeof load;
    if (!view->load || !view->load(view, i, &load)) {
        load.known = 0;
    }
    return load;
}

typedef double hf_child_load_fn(const struct hf_lb_view *view, uint32_t i);

/* This node's calls there, of all functions. */
static inline double
hf_child_calls(const struct hf_lb_view *view, uint32_t i)
{
    return hf_child_load(view, i).node_in_flight;
}

/* Its load average per processor, as it last reported it. */
static inline double
hf_child_average(const struct hf_lb_view *view, uint32_t i)
{
    return hf_child_load(view, i).load_millis / 1000.0;
}

/* The candidate with the least load, of equals that with fewer calls of this node, of equal ones
 * each equally likely. */
static inline uint32_t
hf_child_least(const struct hf_lb_view *view, hf_child_load_fn *load_of, struct hf_draw *draw)
{
    uint32_t best = HF_NO_CHILD;
    uint32_t equal = 0;
    double least = 0.0;
    double fewest = 0.0;

    for (uint32_t i = 0; i < view->usable_count; i++) {
        double load = load_of(view, i);
        double calls = hf_child_calls(view, i);
        bool less = load < least || (load <= least && calls < fewest);
        bool same = load <= least && calls <= fewest;

        if (best == HF_NO_CHILD || less) {
            best = i;
            equal = 1;
            least = load;
            fewest = calls;
        } else if (same && hf_draw_keeps(draw, ++equal)) {
            best = i;
        }
    }
    return best;
}

/* --- the order on the ring ----------------------------------------------------------------- */

/* What the state of an endpoint begins with: how far behind the function's hash it is. */
struct hf_child_place {
    uint64_t distance;
};

/* Sets it, in `added`. */
static inline void
hf_child_place_set(const struct hf_endpoint *endpoint, uint32_t vnodes, uint64_t key)
{
    ((struct hf_child_place *)endpoint->state)->distance =
        hf_ring_distance(endpoint->hash, vnodes, key);
}

static inline uint64_t
hf_child_distance(const struct hf_lb_view *view, uint32_t i)
{
    return ((const struct hf_child_place *)view->usable[i].state)->distance;
}

/* The first candidate from the function's place on: its home. */
static inline uint32_t
hf_child_home(const struct hf_lb_view *view)
{
    uint32_t home = 0;

    for (uint32_t i = 1; i < view->usable_count; i++) {
        home = hf_child_distance(view, i) < hf_child_distance(view, home) ? i : home;
    }
    return home;
}

/* The first `wanted` candidates from the function's place on, in order, into `ret`; how many, if
 * there are fewer. */
static inline uint32_t
hf_child_chain(const struct hf_lb_view *view, uint32_t wanted, uint32_t *ret)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < view->usable_count; i++) {
        uint64_t distance = hf_child_distance(view, i);
        uint32_t at = n;

        if (n == wanted && (n == 0 || distance >= hf_child_distance(view, ret[n - 1]))) {
            continue;
        }
        at -= n == wanted;
        for (; at > 0 && hf_child_distance(view, ret[at - 1]) > distance; at--) {
            ret[at] = ret[at - 1];
        }
        ret[at] = i;
        n += n < wanted;
    }
    return n;
}

#ifdef __cplusplus
}
#endif

#endif
