/*
 * link_pace.h - how often a node asks peers that do not answer.
 *
 * The same for a leaf's workers and a load balancer's children: one that has come back is
 * found within about a second, and one that takes connections and drops them is not asked
 * more often than that either.
 */
#ifndef HF_NODE_LINK_PACE_H
#define HF_NODE_LINK_PACE_H

#include "base/macros.h"

#define HF_LINK_RETRY_MIN_NS (50 * HF_MSEC)
#define HF_LINK_RETRY_MAX_NS (1 * HF_SEC)

/* For a peer to say who it is. */
#define HF_LINK_GREETING_NS (3 * HF_SEC)

/* One that must not be used as long as another is there is asked again after this. */
#define HF_LINK_HELD_NS (5 * HF_SEC)

#endif
