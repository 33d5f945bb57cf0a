/*
 * node_load.h - how busy a node is behind the endpoints of many pools.
 *
 * Counted on the paths of calls and written when the node reports; read by picks, all without a
 * lock.  A pick may see figures of two reports at once.
 */
#ifndef HF_ENGINE_NODE_LOAD_H
#define HF_ENGINE_NODE_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

#include <hyperfaas/lb.h>

struct hf_node_load {
    _Atomic uint32_t in_flight; /* this node's own calls there */
    _Atomic uint32_t known;     /* HF_LOAD_REPORTED, HF_LOAD_AVERAGE */
    _Atomic uint32_t calls;     /* the rest as in hf_endpoint_load */
    _Atomic uint32_t waiting;
    _Atomic uint32_t starting;
    _Atomic uint32_t load_millis;
    _Atomic uint64_t reported_ns;
};

/* Notes a report; nothing more is known if `known` does not say so. */
static inline void
hf_node_load_report(struct hf_node_load *node, const struct hf_endpoint_load *report)
{
    atomic_store_explicit(&node->calls, report->calls, memory_order_relaxed);
    atomic_store_explicit(&node->waiting, report->waiting, memory_order_relaxed);
    atomic_store_explicit(&node->starting, report->starting, memory_order_relaxed);
    atomic_store_explicit(&node->load_millis, report->load_millis, memory_order_relaxed);
    atomic_store_explicit(&node->reported_ns, report->reported_ns, memory_order_relaxed);
    atomic_store_explicit(&node->known, report->known & (HF_LOAD_REPORTED | HF_LOAD_AVERAGE),
                          memory_order_release);
}

/* Adds what is known of the node to `ret`. */
static inline void
hf_node_load_read(const struct hf_node_load *node, struct hf_endpoint_load *ret)
{
    uint32_t known = atomic_load_explicit(&node->known, memory_order_acquire);

    ret->known |= HF_LOAD_OWN | known;
    ret->node_in_flight = atomic_load_explicit(&node->in_flight, memory_order_relaxed);
    if (known) {
        ret->calls = atomic_load_explicit(&node->calls, memory_order_relaxed);
        ret->waiting = atomic_load_explicit(&node->waiting, memory_order_relaxed);
        ret->starting = atomic_load_explicit(&node->starting, memory_order_relaxed);
        ret->load_millis = atomic_load_explicit(&node->load_millis, memory_order_relaxed);
        ret->reported_ns = atomic_load_explicit(&node->reported_ns, memory_order_relaxed);
    }
}

#endif
