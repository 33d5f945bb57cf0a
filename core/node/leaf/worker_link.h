/*
 * worker_link.h - a leaf's connection to one worker.
 *
 * The link finds out whether the worker is there and what it holds, and says so as
 * soon as that changes; it carries starts and stops.  A worker of ours is watched
 * through hyperfaas.v1.Node; one of the existing implementation, which answers
 * UNIMPLEMENTED there, through worker.Worker/Status, with a fresh node id for each
 * stream since it silences one that is used again.
 *
 * A worker of ours says which node it is.  If the leaf has a link to that node already,
 * under another address, the second is held: it does nothing but ask from time to time, and
 * takes over when the first is lost.
 *
 * Loss is noticed by the end of the stream or by a heartbeat that is not answered
 * (grpc.health.v1.Health/Check), and followed by new attempts with backoff.  An existing
 * worker that ends its stream with a status is not lost: what it runs, runs on.
 *
 * Control thread.
 */
#ifndef HF_LEAF_WORKER_LINK_H
#define HF_LEAF_WORKER_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct hf_err;
struct hf_loop;
struct hf_text;
struct hf_worker_link;
struct hf_worker_start;

/* What a worker has for instances; 0: not known. */
struct hf_worker_capacity {
    uint64_t memory_bytes;
    uint64_t cpu_millis;
    uint32_t max_instances;
};

/* An instance as its worker describes it.  Borrowed for the callback. */
struct hf_remote_instance {
    const char *id;
    const char *function_id;
    const char *name;
    const char *address; /* of the two, the one that this leaf uses; never empty */
    const char *leaf_id; /* who asked for it; "" if not known */
};

struct hf_worker_link_ops {
    /* A worker of ours has answered; true: it may be used.  False: it is known under another
     * address, which is said in `*ret_other` (borrowed until the next callback). */
    bool (*on_known)(void *arg, const char *node_id, const char **ret_other);
    /* The worker is there, or has changed.  Negative: it could not be taken in, and is told
     * again after a pause. */
    int (*on_up)(void *arg, const struct hf_worker_capacity *, bool draining);
    /* It can't be reached; its instances are lost to this leaf.  After each attempt. */
    void (*on_down)(void *arg, const char *why);
    /* An instance of this leaf runs there from before; after the first `on_up`. */
    void (*on_instance)(void *arg, const struct hf_remote_instance *);
    /* Whether the role has an instance of that id. */
    bool (*is_known)(void *arg, const char *instance_id);
    /* An instance has ended or is about to, unasked.  `why` is for operators, `how` in a few words
     * for callers, NULL if that is not known. */
    void (*on_gone)(void *arg, const char *instance_id, const char *why, const char *how);
};

/* How a start ended: `instance` on success, else NULL, a negative HF_E code and why.
 * HF_EFULL: the worker has no room. */
typedef void hf_worker_started_fn(void *arg, const struct hf_remote_instance *instance, int code,
                                  const char *why);

struct hf_worker_link_config {
    struct hf_loop *loop;
    const char *address;   /* of the worker's API */
    const char *leaf_id;   /* this node */
    const char *secret;    /* sent with each call, and outlives the link; NULL: none */
    bool internal;         /* use instances' internal addresses, else the external ones */
    uint64_t heartbeat_ns; /* between heartbeats */
    uint64_t loss_ns;      /* without an answer: the worker is lost */
    uint64_t start_ns;     /* limit of one start */
    uint64_t stop_ns;      /* limit of one stop */
    uint64_t seed;
    const struct hf_worker_link_ops *ops;
    void *arg;
};

/* Makes a link and begins to connect.  The texts are copied. */
int hf_worker_link_new(const struct hf_worker_link_config *, struct hf_worker_link **ret,
                       struct hf_err *err);

/* Ends everything without a callback, but for starts and stops under way: their `done` runs,
 * of starts with HF_ECANCELLED.  Not inside a callback of the link.  NULL is ignored. */
void hf_worker_link_free(struct hf_worker_link *);

/* Asks again now, if the link is held. */
void hf_worker_link_hurry(struct hf_worker_link *);

const char *hf_worker_link_address(const struct hf_worker_link *);

/* Whether the worker, once it is found again, tells with `on_instance` what still runs there: true
 * of ours only. */
bool hf_worker_link_tells_all(const struct hf_worker_link *);

/* Starts an instance of a function as it is at `revision`, or later; `done` runs exactly once,
 * later.  `start_id` makes repeating it harmless. */
int hf_worker_link_start(struct hf_worker_link *, const char *function_id, uint64_t revision,
                         const char *start_id, hf_worker_started_fn *done, void *arg,
                         struct hf_err *err);

/* Stops an instance: tried again, also after the worker was lost and found, until it says that
 * the instance is gone.  Then, or when the link is freed, `done` runs once, later; it may be
 * NULL.  HF_ENOMEM: never. */
int hf_worker_link_stop(struct hf_worker_link *, const char *instance_id, void (*done)(void *arg),
                        void *arg, struct hf_err *err);

/* Ends the starts under way, and stops what an existing worker has begun for them; returns how many
 * instances, and `done` runs for each, later. */
uint32_t hf_worker_link_give_up_starts(struct hf_worker_link *, void (*done)(void *arg), void *arg);

/* One line, without its end. */
void hf_worker_link_show(const struct hf_worker_link *, struct hf_text *);

#endif
