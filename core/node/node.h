/*
 * node.h - one hyperfaasd: what its roles share, and their life.
 *
 * The thread that calls `hf_node_run` is the control thread; it runs the control
 * loop with roles' control, drivers, schedulers, scalers, API services and the
 * control socket.  `threads` more run I/O loops.  All functions are for the
 * control thread except where they say "any thread"; what they return lives as
 * long as the node.
 */
#ifndef HF_NODE_NODE_H
#define HF_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct hf_access;
struct hf_budget;
struct hf_catalog;
struct hf_clock;
struct hf_config;
struct hf_ctl;
struct hf_driver_host;
struct hf_err;
struct hf_loop;
struct hf_node;
struct hf_module;
struct hf_options;
struct hf_role_address;
struct hf_role_ops;

/* --- for main ------------------------------------------------------------------------------ */

/* Builds a node with its roles, which are among `roles` (role.h: hf_roles): modules loaded, options
 * checked, nothing opened to the outside.  The configuration is borrowed until `hf_node_free`.  The
 * calling thread becomes the control thread. */
int hf_node_new(const struct hf_config *config, const struct hf_role_ops *const *roles,
                struct hf_node **ret, struct hf_err *err);

/* Opens the state folder, the store, the control socket; starts the roles. */
int hf_node_start(struct hf_node *node, struct hf_err *err);

/* Serves until SIGTERM, SIGINT or `shutdown`, then drains. */
void hf_node_run(struct hf_node *node);

/* NULL is allowed. */
void hf_node_free(struct hf_node *node);

/* Begins to end: drains the node, then `hf_node_run` returns. */
void hf_node_shutdown(struct hf_node *node);

/* What SIGHUP does, on the control loop. */
void hf_node_on_reload(struct hf_node *node, void (*fn)(void *arg), void *arg);

/* --- for roles ----------------------------------------------------------------------------- */

/* The configured id, or the host name with a random suffix.  Any thread. */
const char *hf_node_id(const struct hf_node *node);

/* New for every process.  Any thread. */
const char *hf_node_boot_id(const struct hf_node *node);

bool hf_node_is_draining(const struct hf_node *node);

/* Whether the process ends when it is drained. */
bool hf_node_is_ending(const struct hf_node *node);

/* The absolute folder for what must outlive the process; it exists once roles start. */
const char *hf_node_state_dir(const struct hf_node *node);

/* The file as read: for sections that a role gives to a plugin. */
const struct hf_config *hf_node_config(const struct hf_node *node);

/* The checked values of one of our own sections ("node", "leaf", "worker", ...), with
 * the rows of node_config.h. */
const struct hf_options *hf_node_options(const struct hf_node *node, const char *section);

/* The control loop and the I/O loops.  Any thread. */
struct hf_loop *hf_node_control(const struct hf_node *node);
size_t hf_node_io_count(const struct hf_node *node);
struct hf_loop *const *hf_node_io(const struct hf_node *node);

/* For the bytes that waiting requests hold in all proxies of the node; see node/budget.h. */
struct hf_budget *hf_node_budget(const struct hf_node *node);

/* A seed for `purpose`, always the same for the same configured `seed`.  Any thread. */
uint64_t hf_node_seed(const struct hf_node *node, const char *purpose);

/* The functions known to this process; NULL if no role `knows_functions`. */
struct hf_catalog *hf_node_catalog(const struct hf_node *node);

/* The nodes that announced themselves in the store; NULL: the node has none. */
struct hf_directory *hf_node_directory(const struct hf_node *node);

struct hf_ctl *hf_node_ctl(const struct hf_node *node);

/* Who may manage it, for the servers of its APIs. */
struct hf_access *hf_node_access(const struct hf_node *node);

/* --- draining ------------------------------------------------------------------------------ */

/* What had to be done by force. */
struct hf_node_forced {
    uint32_t calls_cut_off;
    uint32_t instances_stopped;
};

/* A role had to. */
void hf_node_add_forced(struct hf_node *node, uint64_t calls_cut_off, uint64_t instances_stopped);

/* Somebody who waits until a node is out of service, or back; embedded. */
struct hf_node_waiter {
    struct hf_list link; /* the node's */
    void (*done)(struct hf_node_waiter *waiter, int code, const char *message,
                 const struct hf_node_forced *forced);
};

/* Takes the node out of service: drains the roles in their order, each within `limit_ns`
 * (0: what is configured), and then ends the process if `stop`.  A drain under way is
 * joined, its limit kept.  `waiter->done` runs once, also at once if all is done. */
void hf_node_drain(struct hf_node *node, uint64_t limit_ns, bool stop,
                   struct hf_node_waiter *waiter);

/* Takes a drained node back into service, after the end of a drain that is under way.
 * `waiter->done` runs once, also at once: HF_EUNAVAILABLE if the node is ending, or why a role
 * cannot serve again; what did come back then serves. */
void hf_node_undrain(struct hf_node *node, struct hf_node_waiter *waiter);

/* `done` will not run; what is under way goes on. */
void hf_node_forget_waiter(struct hf_node_waiter *waiter);

/* --- modules ------------------------------------------------------------------------------- */

/* A module as a section of the configuration asks for it; the node's. */
struct hf_node_module {
    const char *section; /* of the configuration */
    const struct hf_module *module;
    const struct hf_options *options;    /* checked, for `create` */
    const struct hf_driver_host *driver; /* for stores and runtimes, on the control loop */
};

/* Loads the module that `section` names (node_config.h says which kind it is, and
 * which module it means if it names none) and checks the section's options.  Each
 * call is for one instance of the module: a driver's host is its own. */
int hf_node_load(struct hf_node *node, const char *section, struct hf_node_module *ret,
                 struct hf_err *err);

/* What became of a module's `create`, which returned `r` and made `object`: 0, or a negative code,
 * with the module's own words behind its name and where in the configuration it stands; words are
 * found if it gave none. */
int hf_node_module_made(const struct hf_node *node, const struct hf_node_module *module, int r,
                        const void *object, struct hf_err *err);

/* --- about the node ------------------------------------------------------------------------ */

/* The names of the node's roles, for Info; returns how many were written. */
size_t hf_node_roles(const struct hf_node *node, const char **ret, size_t max);

/* Calls `fn` for each address of each role. */
typedef void hf_node_address_fn(void *arg, const char *role, const struct hf_role_address *address);
void hf_node_addresses(const struct hf_node *node, hf_node_address_fn *fn, void *arg);

#endif
