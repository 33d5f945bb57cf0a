/*
 * lb_shared.h - what an lb policy keeps for all functions of a node, in the invented world of lb.c.
 */
#ifndef HF_VERIFY_LB_SHARED_H
#define HF_VERIFY_LB_SHARED_H

#include <hyperfaas/lb.h>

#include "verify/drive.h"

struct hf_shared_world {
    struct hf_drive *drive;
    const struct hf_lb_ops *ops;
    struct hf_lb_shared *shared; /* NULL: the policy has none */
    void *snapshot;              /* what `pick` is shown */
};

/* Makes the object that instances share; false: the policy refused to, as it may. */
bool hf_shared_open(struct hf_shared_world *shared, struct hf_drive *drive);

/* Offers what the node knows; the snapshot before is retired, as no thread is inside a `pick`. */
void hf_shared_publish(struct hf_shared_world *shared, const struct hf_lb_node_view *view);

/* The time until the next offer, if nothing else changes; UINT64_MAX: none is due. */
uint64_t hf_shared_refresh_ns(const struct hf_shared_world *shared);

/* No instance is left. */
void hf_shared_close(struct hf_shared_world *shared);

#endif
