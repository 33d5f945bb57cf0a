/*
 * lb.h - load balancing policies: which endpoint gets this call?
 *
 * An endpoint is an instance (at a leaf) or a child node (at a load balancer).
 * One instance of the policy exists for each function that is warm at a node;
 * it is created with the first call or endpoint and destroyed when the function
 * is cold.  All its operations run under that function's lock, one at a time but
 * on any thread, on the path of every call: no I/O, no clock, no random source
 * of its own, no lock, no allocation in `pick`, `started` or `finished`.
 *
 * The host keeps the set of usable endpoints (a slot free, not draining) and,
 * for each endpoint, `endpoint_state_size` zeroed bytes for the policy's use.
 */
#ifndef HYPERFAAS_LB_H
#define HYPERFAAS_LB_H

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The policy's own instance; the policy embeds it or casts. */
struct hf_lb;

/* How a call at an endpoint ended. */
enum hf_outcome {
    HF_OUTCOME_OK = 1,        /* the endpoint answered, whatever its status */
    HF_OUTCOME_FAILED = 2,    /* connection lost, refused or not established */
    HF_OUTCOME_CANCELLED = 3, /* the caller left or its deadline passed */
    HF_OUTCOME_RELEASED = 4   /* the slot was given back unused */
};

/* An endpoint as the policy sees it. */
struct hf_endpoint {
    uint32_t size;
    uint32_t capacity; /* slots; 0: no limit */
    struct hf_handle handle;
    const char *id; /* of the instance or node; valid until `removed` returned */
    void *state;    /* the policy's room, zeroed before `added` */
};

/* A usable endpoint in a view: what `pick` needs, nothing else. */
struct hf_candidate {
    struct hf_handle handle;
    void *state;
};

/* What a pick is made from.  Borrowed for the call. */
struct hf_lb_view {
    uint32_t size;
    uint32_t usable_count;             /* at least 1 */
    const struct hf_candidate *usable; /* in no meaningful order; changes between calls */
    uint64_t now_ns;                   /* policy clock */
    uint64_t random;                   /* 64 fresh random bits */
};

struct hf_lb_ops {
    uint32_t size;
    uint32_t endpoint_state_size; /* bytes; 0: none needed */

    /* Makes an instance for `function`, which stays valid until `destroy`.  On
     * 0 `*ret` is whole; otherwise nothing was made and `err` says why.
     * May allocate.  Required. */
    int (*create)(const struct hf_host *, const struct hf_options *,
                  const struct hf_function *function, struct hf_lb **ret, struct hf_err *err);

    /* Frees an instance; all endpoints have been removed.  NULL is allowed.  Required. */
    void (*destroy)(struct hf_lb *);

    /* Chooses one of `view->usable` and returns its handle; HF_NONE declines,
     * and the call waits as if nothing were usable; it is asked again when a
     * slot comes back or an endpoint joins.  A handle that is not in
     * the view is counted as an error and replaced by the first usable one.
     * Required. */
    struct hf_handle (*pick)(struct hf_lb *, const struct hf_lb_view *view);

    /* An endpoint joined (usable at once) or left for good (nothing in flight
     * at it any more).  May allocate; a policy that cannot, returns HF_ENOMEM
     * and the endpoint is not used.  NULL if not needed. */
    int (*added)(struct hf_lb *, const struct hf_endpoint *);
    void (*removed)(struct hf_lb *, const struct hf_endpoint *);

    /* The endpoint has left the usable set (no slot free, or draining) or come
     * back into it.  NULL if not needed. */
    void (*full)(struct hf_lb *, const struct hf_endpoint *);
    void (*freed)(struct hf_lb *, const struct hf_endpoint *);

    /* A slot of the endpoint was taken, by a pick or by handing a freed slot
     * to a waiting call; and given back, `elapsed_ns` later.  Every `started`
     * is followed by one `finished`.  NULL if not needed. */
    void (*started)(struct hf_lb *, const struct hf_endpoint *);
    void (*finished)(struct hf_lb *, const struct hf_endpoint *, uint32_t outcome,
                     uint64_t elapsed_ns);

    /* Appends what the policy holds, in lines of key=value.  NULL: nothing to show. */
    void (*show)(const struct hf_lb *, struct hf_text *);
};

#define HF_LB_PLUGIN(name, summary, ops, options)                                                  \
    HF_PLUGIN(HF_PLUGIN_LB, name, summary, (1 ? &(ops) : (const struct hf_lb_ops *)0), options)

#ifdef __cplusplus
}
#endif

#endif
