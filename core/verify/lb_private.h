/*
 * lb_private.h - the invented world of a load balancing policy, as lb.c and lb_world.c share it.
 */
#ifndef HF_VERIFY_LB_PRIVATE_H
#define HF_VERIFY_LB_PRIVATE_H

#include <hyperfaas/lb.h>

#include "verify/drive.h"
#include "verify/lb_shared.h"
#include "verify/rooms.h"

#define ENDPOINTS 40
#define CALLS     200

/* The policy sees the first two members, and keeps what it wants in `base.state`. */
struct lb_endpoint {
    struct hf_endpoint base;
    char id[16];
    bool warm; /* it has the function */
    bool usable;
    bool leaving;
    uint32_t in_flight;
    uint32_t position; /* among the usable */
};

struct lb_world {
    struct hf_drive *drive;
    const struct hf_lb_ops *ops;
    struct hf_lb *lb;
    struct hf_function function;
    struct hf_random random;
    struct hf_rooms endpoint_rooms;
    struct hf_rooms state_rooms;
    struct hf_fence list;                     /* of candidates, as the policy sees it */
    struct lb_endpoint *endpoints[ENDPOINTS]; /* by index; NULL: there is none */
    struct hf_candidate usable[ENDPOINTS];
    uint32_t usable_count;
    uint32_t calls[CALLS]; /* the endpoints where they are */
    uint32_t call_count;
    uint32_t generation;
    bool is_leaf; /* endpoints are instances, which all have the function; there are no children */
    uint64_t now_ns;

    struct hf_shared_world shared;
    uint64_t publish_ns; /* when the node is to be shown again */
    struct hf_decision decision;
};

/* --- lb.c */

/* An event at an endpoint has been told; the policy must have kept to its room. */
void hf_balance_told(struct lb_world *w, const struct lb_endpoint *endpoint);

/* Tell the policy of an event, if it wants to hear of it. */
void hf_balance_tell(struct lb_world *w, const char *operation,
                     void (*event)(struct hf_lb *, const struct hf_endpoint *),
                     struct lb_endpoint *endpoint);
void hf_balance_tell_finished(struct lb_world *w, struct lb_endpoint *endpoint, uint32_t outcome);

/* Asks the policy; NULL: nothing is usable, or it declined. */
struct lb_endpoint *hf_balance_pick(struct lb_world *w);

/* Asks what the policy holds. */
void hf_balance_show(struct lb_world *w);

/* Shows it all children and functions, if it keeps something for a whole node. */
void hf_balance_publish(struct lb_world *w);

#endif
