/*
 * lb.h - load balancing policies: which endpoint gets this call?
 *
 * An endpoint is an instance (at a leaf) or a child node (at a load balancer).
 * One instance of the policy exists for each function that is warm at a node;
 * it is created with the first call or endpoint and destroyed when the function
 * is cold there: without an endpoint, a call in flight or one that waits.  (A load
 * balancer drops a function's endpoints when nobody has called it for a while.)  All
 * operations on it run under that function's lock, one at a time but on any
 * thread, on the path of every call: no I/O, no clock, no random source
 * of its own, no lock, no allocation in `pick`, `started` or `finished`; of the
 * host only `hash` and `count` there.  `create`, `added` and `show` run on the
 * control thread; `destroy` on any.
 *
 * The host keeps the set of usable endpoints (a slot free, not draining) and,
 * for each endpoint, `endpoint_state_size` zeroed bytes for the policy's use.
 *
 * What a policy must know of all functions of a node is in an object of its own,
 * see `struct hf_lb_node_view` below.
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

/*
 * What a policy needs beyond what is there anyway (`needs`).  What it does not need is neither
 * computed nor kept, and children are not asked for it.
 *
 * ALL_CHILDREN  candidates are all healthy children, not only those that the tree of nodes names
 * LOAD          `load`, as far as this node knows it by itself
 * REPORTS       the same with what children report of themselves
 * FIGURES       `gap_ns` and what follows it, in views and in hf_lb_function
 */
#define HF_LB_NEEDS_ALL_CHILDREN UINT32_C(0x1)
#define HF_LB_NEEDS_LOAD         UINT32_C(0x2)
#define HF_LB_NEEDS_REPORTS      UINT32_C(0x4)
#define HF_LB_NEEDS_FIGURES      UINT32_C(0x8)

/* An endpoint as the policy sees it. */
struct hf_endpoint {
    uint32_t size;
    uint32_t capacity; /* slots; 0: no limit */
    struct hf_handle handle;
    const char *id; /* of the instance or node; valid until `removed` returned */
    void *state;    /* the policy's room, zeroed before `added`, aligned for anything; there is
                     * one for each endpoint of each function, so keep it small: no limit is set */

    /* --- since 0.5 --- */
    uint64_t hash;          /* the host's stable hash of `id` */
    struct hf_handle child; /* the child node in `hf_lb_node_view`, the same for all functions;
                             * HF_NONE at a leaf */
    uint64_t now_ns;        /* in `started` and `finished`: policy clock */
};

/* A usable endpoint in a view: what `pick` needs, nothing else. */
struct hf_candidate {
    struct hf_handle handle;
    void *state;
};

#define HF_LOAD_OWN      UINT32_C(0x1) /* what this node knows by itself */
#define HF_LOAD_REPORTED UINT32_C(0x2) /* what the child last reported of itself */
#define HF_LOAD_AVERAGE  UINT32_C(0x4) /* its `load_millis` too: it knows those of workers */
#define HF_LOAD_ROOM     UINT32_C(0x8) /* its room for this function */

/* How busy an endpoint is.  What `known` does not name is 0.  A peer of the existing platform
 * reports nothing; neither does a child that has just been found. */
struct hf_endpoint_load {
    uint32_t size;
    uint32_t known; /* HF_LOAD_... */

    /* HF_LOAD_OWN */
    uint32_t in_flight;      /* this node's calls of the function there */
    uint32_t node_in_flight; /* and of all functions; at a leaf the same */

    /* HF_LOAD_REPORTED: over all callers and functions, of all that stands below the child.  A
     * report comes about twice a second. */
    uint32_t calls;       /* in flight */
    uint32_t waiting;     /* calls without a slot */
    uint32_t starting;    /* instances on their way */
    uint32_t load_millis; /* load average of a minute per processor, in thousandths, the mean over
                           * its workers */
    uint64_t reported_ns; /* policy clock when the report came */

    /* HF_LOAD_ROOM */
    uint32_t room; /* free slots of the function's instances there; UINT32_MAX: any number */
};

/* What a pick is made from.  Borrowed for the call. */
struct hf_lb_view {
    uint32_t size;
    uint32_t usable_count;             /* at least 1 */
    const struct hf_candidate *usable; /* those that have the function warm, then those that do not,
                                        * else in no meaningful order; changes between calls */
    uint64_t now_ns;                   /* policy clock */
    uint64_t random;                   /* 64 fresh random bits */

    /* --- since 0.5 --- */
    uint32_t warm_count; /* of `usable`, the first so many have the function warm, or have been
                          * chosen to start it where the policy does not need all children; at a
                          * leaf all */

    /* Fills `*ret` (set its `size` first) for candidate `i`.  Constant time, no lock.  False: `i`
     * is none, or the policy does not need it; nothing was written. */
    bool (*load)(const struct hf_lb_view *, uint32_t i, struct hf_endpoint_load *ret);

    void *shared; /* what `publish` gave last; NULL: nothing yet.  Valid until `pick` returns, and
                   * read by other threads meanwhile */
    struct hf_decision *decision; /* see function.h */

    /* Figures of the function at this node, with HF_LB_NEEDS_FIGURES: moving averages in which each
     * value counts one eighth; 0: not known yet.  They end with the policy's instance. */
    uint64_t gap_ns;  /* between the arrivals of calls */
    uint64_t cold_ns; /* from arrival to end, of a call that met no warm endpoint */
    uint64_t warm_ns; /* for which a call holds its slot, of the others */
};

/* --- all functions of a node --------------------------------------------------------------- */

/*
 * A policy that decides by more than one function sees makes, for each node and set of options, one
 * object that is shared by its instances there.  It lives on the control thread.  Paths of calls
 * never wait for it: what `pick` is to read of it is a snapshot, memory of the policy's that
 * `publish` returns whole.  From then on `view->shared` is that; the one before is given to
 * `retire` when no thread can be inside a `pick` that has seen it.  A snapshot is read by many
 * threads at once and never changed, but for C11 atomics in it (relaxed ones do), such as a load
 * that picks add to until the next snapshot.
 */
struct hf_lb_shared;

/* A child node.  At a leaf there is none. */
struct hf_lb_child {
    uint32_t size;
    uint32_t usable;                     /* 1: it is there, well, and takes calls */
    struct hf_handle handle;             /* as in `hf_endpoint.child` */
    const char *id;                      /* its node id, once it is known; else its address */
    uint64_t hash;                       /* the host's stable hash of `id` */
    const struct hf_endpoint_load *load; /* but for what concerns one function */
};

/* A function that is called at the node. */
struct hf_lb_function {
    uint32_t size;
    uint32_t in_flight;
    uint32_t waiting;
    const char *id;
    uint64_t hash;
    uint64_t gap_ns; /* this and the next two as in hf_lb_view */
    uint64_t cold_ns;
    uint64_t warm_ns;
    uint64_t last_arrival_ns; /* policy clock; 0: no call came yet */
};

/* All that a node knows.  Borrowed for the call, with all that it points to. */
struct hf_lb_node_view {
    uint32_t size;
    uint32_t child_count;
    const struct hf_lb_child *const *children;     /* sorted by `id`; all of them, usable or not */
    const struct hf_lb_function *const *functions; /* in no meaningful order; none without
                                                    * HF_LB_NEEDS_FIGURES */
    uint32_t function_count;
    uint64_t now_ns; /* policy clock */
    uint64_t random; /* 64 fresh random bits */
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
     * slot comes back or an endpoint joins.  Calls that come meanwhile wait behind it
     * and are not asked about.  A handle that is not in
     * the view is counted as an error and replaced by the first usable one.
     * A call that is tried again must not go where it has failed: if that is the answer, another
     * usable endpoint is taken; that is no error.
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
     * to a waiting call; and given back, `elapsed_ns` of the policy clock later: a
     * call holds its slot until its status has come, so a stream's whole life.  Every `started`
     * is followed by one `finished`.  NULL if not needed. */
    void (*started)(struct hf_lb *, const struct hf_endpoint *);
    void (*finished)(struct hf_lb *, const struct hf_endpoint *, uint32_t outcome,
                     uint64_t elapsed_ns);

    /* Appends what the policy holds, in lines of key=value.  NULL: nothing to show. */
    void (*show)(const struct hf_lb *, struct hf_text *);

    /* --- since 0.5 --- */

    uint32_t needs;             /* HF_LB_NEEDS_... */
    uint32_t reason_count;      /* of `reasons`, 64 at most */
    const char *const *reasons; /* names for `hf_decision.reason`: words with underscores */

    /* Makes the object that instances share, before the first of them; as `create`.  NULL: there is
     * none, and none of the following is called. */
    int (*shared_create)(const struct hf_host *, const struct hf_options *,
                         struct hf_lb_shared **ret, struct hf_err *err);
    /* Frees it, when no instance is left and all snapshots were retired.  NULL is allowed. */
    void (*shared_destroy)(struct hf_lb_shared *);

    /* Makes a snapshot of what picks should know now, or returns NULL if the one before is to
     * stay.  After `shared_create`, whenever a child joins, leaves, changes its id or whether it is
     * usable, and each `refresh_ns`; but not before the snapshot before the last was retired. */
    void *(*publish)(struct hf_lb_shared *, const struct hf_lb_node_view *);
    /* Frees one. */
    void (*retire)(struct hf_lb_shared *, void *snapshot);

    /* Nanoseconds of the policy clock from one `publish` to the next if no child changes; at least
     * a millisecond.  NULL, or 0: only then. */
    uint64_t (*refresh_ns)(const struct hf_lb_shared *);
};

#define HF_LB_PLUGIN(name, summary, ops, options)                                                  \
    HF_PLUGIN(HF_PLUGIN_LB, name, summary, (1 ? &(ops) : (const struct hf_lb_ops *)0), options)

#ifdef __cplusplus
}
#endif

#endif
