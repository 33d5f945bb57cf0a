/*
 * shared.h - what an lb policy shares over all functions of a node (hyperfaas/lb.h).
 *
 * The policy's object lives on the control thread and publishes snapshots, which picks on all
 * threads read through one pointer, without a lock.  The snapshot before is retired when each I/O
 * thread has begun another turn of its loop, and so is not inside a pick that began before; there
 * is at most one of those, and the next is not asked for until it has gone.
 *
 * Control thread.
 */
#ifndef HF_NODE_FRONT_SHARED_H
#define HF_NODE_FRONT_SHARED_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/lb.h>

struct hf_loop;
struct hf_shared;

struct hf_shared_config {
    const struct hf_lb_ops *ops; /* with `shared_create` */
    struct hf_loop *control;
    struct hf_loop *const *io; /* the threads on which picks run, beside the control thread */
    size_t io_count;
    uint64_t seed;
    /* Says what there is by hf_shared_add_child and hf_shared_add_function. */
    void (*describe)(void *arg, struct hf_shared *);
    void *arg;
};

/* Takes over `object`, which `ops->shared_create` has made, unless it fails.  Publishes when the
 * loop turns. */
int hf_shared_new(const struct hf_shared_config *config, struct hf_lb_shared *object,
                  struct hf_shared **ret, struct hf_err *err);

/* When no pick can come any more.  NULL is ignored. */
void hf_shared_free(struct hf_shared *);

/* Where the latest snapshot is. */
void *_Atomic *hf_shared_current(struct hf_shared *);

/* The children are others, or in another state: a snapshot follows.  NULL is ignored. */
void hf_shared_changed(struct hf_shared *);

/* For `describe`; texts are borrowed until it has returned to the policy and that is done.  Without
 * memory the rest is left out. */
void hf_shared_add_child(struct hf_shared *, const struct hf_lb_child *child,
                         const struct hf_endpoint_load *load);
void hf_shared_add_function(struct hf_shared *, const struct hf_lb_function *function);

#endif
