/*
 * role.h - what a role must offer to live in a node.
 *
 * A node (node.h) creates its roles in the order lb, leaf, worker; starts them
 * from the last to the first, so that whoever calls finds whoever is called; and
 * drains and destroys them from the first to the last.  Roles know nothing of each
 * other, also within one process: they meet over gRPC.  Before the first is destroyed
 * all are closed, so that nobody asks a node of which only a part is left.
 *
 * All operations run on the node's control loop.
 */
#ifndef HF_NODE_ROLE_H
#define HF_NODE_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hyperfaas/v1/node.pb-c.h"

struct hf_err;
struct hf_node;
struct hf_role_ops;

/* The generic part of a role, embedded in its own structure. */
struct hf_role {
    const struct hf_role_ops *ops;
};

/* Where a role can be reached. */
struct hf_role_address {
    const char *service; /* "api", "proxy" or "spoe" */
    const char *address; /* HOST:PORT as bound, or as advertised; valid until `destroy` */
};

struct hf_role_ops {
    const char *name;     /* its word in `roles` and its section in the configuration */
    bool knows_functions; /* it needs the catalog, and so the store */

    /* Makes the role from the node's configuration: loads its modules, checks what can
     * be checked.  Opens nothing to the outside: `--check` ends after this.  On failure
     * nothing is left. */
    int (*create)(struct hf_node *node, struct hf_role **ret, struct hf_err *err);

    /* Listens and begins to work.  On failure `destroy` follows. */
    int (*start)(struct hf_role *role, struct hf_err *err);

    /* Takes no new work, finishes what runs, and calls `done(arg)` exactly once, later,
     * when nothing is left or after `limit_ns` of real time. */
    void (*drain)(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg);

    /* Takes work again after `done`.  May be asked again after a failure. */
    int (*undrain)(struct hf_role *role, struct hf_err *err);

    /* Ends what others ask the role by: its API with all calls there, its commands.  Does not
     * run the control loop: the other roles are whole, or closed as well.  Started or not; once,
     * `destroy` follows. */
    void (*close)(struct hf_role *role);

    /* Cuts off what is left and frees, started or not, drained or not; a role that was made is
     * closed before.  The I/O threads still run, and so may the control loop meanwhile.  NULL is
     * allowed. */
    void (*destroy)(struct hf_role *role);

    /* Fills `ret` (room for `max`) with the addresses it serves, returns how many. */
    size_t (*addresses)(const struct hf_role *role, struct hf_role_address *ret, size_t max);

    /* Says what it has for instances.  NULL: it runs none. */
    void (*capacity)(const struct hf_role *role, Hyperfaas__V1__Capacity *ret);
};

/* All roles there are, in the order in which they drain, NULL behind the last; roles.c, which is
 * for whoever makes a node. */
extern const struct hf_role_ops *const hf_roles[];

/* Each is defined by its own folder. */
extern const struct hf_role_ops hf_lb_role;
extern const struct hf_role_ops hf_leaf_role;
extern const struct hf_role_ops hf_worker_role;

#endif
