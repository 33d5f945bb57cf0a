/*
 * order.h - endpoints in the order in which a walk on the ring meets them from one key.
 *
 * What an lb policy needs of consistent hashing: it serves one function, so its key never
 * changes, and a sorted list of its endpoints stands for the ring (ring.h).
 */
#ifndef HYPERFAAS_POLICY_ORDER_H
#define HYPERFAAS_POLICY_ORDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/lb.h>
#include <hyperfaas/policy/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_order_entry {
    uint64_t distance; /* behind the key */
    struct hf_handle handle;
    void *state; /* the policy's, of that endpoint */
};

/* Zeroed, it is empty. */
struct hf_order {
    struct hf_order_entry *entries; /* ascending */
    uint32_t count;
    uint32_t room;
};

static inline void
hf_order_clear(struct hf_order *order)
{
    free(order->entries);
    order->entries = NULL;
    order->count = 0;
    order->room = 0;
}

/* An endpoint joins, which is that far behind the key.  0 or HF_ENOMEM. */
static inline int
hf_order_add(struct hf_order *order, const struct hf_endpoint *endpoint, uint64_t distance)
{
    uint32_t at = order->count;

    if (order->count == order->room) {
        uint32_t room = 2 * order->room + 8;
        struct hf_order_entry *entries =
            (struct hf_order_entry *)realloc(order->entries, room * sizeof *entries);

        if (!entries) {
            return HF_ENOMEM;
        }
        order->entries = entries;
        order->room = room;
    }
    while (at > 0 && order->entries[at - 1].distance > distance) {
        order->entries[at] = order->entries[at - 1];
        at--;
    }
    order->entries[at].distance = distance;
    order->entries[at].handle = endpoint->handle;
    order->entries[at].state = endpoint->state;
    order->count++;
    return 0;
}

/* It leaves; one that is not there is no matter. */
static inline void
hf_order_remove(struct hf_order *order, const struct hf_endpoint *endpoint)
{
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->entries[i].handle.index == endpoint->handle.index &&
            order->entries[i].handle.generation == endpoint->handle.generation) {
            order->count--;
            memmove(&order->entries[i], &order->entries[i + 1],
                    (order->count - i) * sizeof *order->entries);
            return;
        }
    }
}

#ifdef __cplusplus
}
#endif

#endif
