/*
 * node_life.c - a node: made, started, run, taken down.
 */
#include "node/node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/random.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "h2/conn.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "loop/thread.h"
#include "loop/watchdog.h"
#include "node/access.h"
#include "node/node_announce.h"
#include "node/node_check.h"
#include "node/node_config.h"
#include "node/node_id.h"
#include "node/node_paths.h"
#include "node/node_place.h"
#include "node/node_private.h"
#include "node/budget.h"

HF_LOG_MODULE(node);

/* --- who we are ---------------------------------------------------------------------------- */

/* Where the id is kept: nodes of different roles may share a folder. */
static char *
id_file(const struct hf_node *node)
{
    return hf_strdup_printf("%s/%s.id", node->state_dir, node->role_ops[0]->name);
}

static int
choose_id(struct hf_node *node, struct hf_err *err)
{
    hf_autofree char *file = id_file(node);

    if (!file) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    hf_node_id_choose(hf_options_str(hf_node_options(node, "node"), "id"), file, node->id);
    return 0;
}

static int
keep_id(struct hf_node *node, struct hf_err *err)
{
    hf_autofree char *file = id_file(node);

    return file ? hf_node_id_keep(node->id, file, err) : hf_fail(err, HF_ENOMEM, "out of memory");
}

/* --- making -------------------------------------------------------------------------------- */

/* The roles that the configuration names, which has been checked, in the order of draining. */
static void
choose_roles(struct hf_node *node, const struct hf_role_ops *const *roles)
{
    for (; *roles; roles++) {
        if (hf_node_config_has_role(node->checked, (*roles)->name)) {
            node->role_ops[node->role_count++] = *roles;
        }
    }
}

/* The control sockets lie in the state folder, and a socket's path has a limit. */
static int
check_state_folder(const struct hf_node *node, struct hf_err *err)
{
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path - strlen("/worker.ctl") - 1;

    if (strlen(node->state_dir) > room) {
        return hf_node_refuse(node->config, "node", "state_dir", NULL, err,
                              "'%s' has %zu bytes, too many for the control sockets in it; give a "
                              "folder with at most %zu",
                              node->state_dir, strlen(node->state_dir), room);
    }
    return 0;
}

static void
follow_clock(void *clock)
{
    hf_loop_set_policy_clock(hf_loop_current(), clock);
}

static int
make_io_threads(struct hf_node *node, struct hf_err *err)
{
    size_t count = (size_t)hf_options_u64(hf_node_options(node, "node"), "threads");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (count == 0) {
        count = processors > 0 ? (size_t)processors : 1;
    }
    node->io_threads = calloc(count, sizeof(struct hf_thread *));
    node->io = calloc(count, sizeof(struct hf_loop *));
    if (!node->io_threads || !node->io) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int r;

        snprintf(name, sizeof name, "hf-io-%zu", i);
        r = hf_thread_new(name, &node->io_threads[i], err);
        if (r < 0) {
            return r;
        }
        node->io[i] = hf_thread_loop(node->io_threads[i]);
        node->io_count++;
        hf_thread_do(node->io_threads[i], follow_clock, &node->clock);
    }
    return 0;
}

static int
make_loops(struct hf_node *node, struct hf_err *err)
{
    int r = hf_loop_new("hf-control", &node->control, err);

    if (r < 0) {
        return r;
    }
    hf_loop_set_policy_clock(node->control, &node->clock);
    r = hf_spawner_new(&node->spawner, err);
    if (r == 0) {
        r = make_io_threads(node, err);
    }
    if (r < 0) {
        return r;
    }
    node->budget =
        hf_budget_new(node->control, hf_options_u64(hf_node_options(node, "node"), "max_buffered"),
                      node->io_count);
    return node->budget ? 0 : hf_fail(err, HF_ENOMEM, "out of memory");
}

static int
make_roles(struct hf_node *node, struct hf_err *err)
{
    for (size_t i = 0; i < node->role_count; i++) {
        int r = node->role_ops[i]->create(node, &node->roles[i], err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int
make(struct hf_node *node, const struct hf_role_ops *const *roles, struct hf_err *err)
{
    int r = hf_node_config_new(node->config, &node->checked, err);

    if (r == 0) {
        r = hf_node_check_options(node->config, node->checked, err);
    }
    if (r == 0) {
        r = hf_node_check_addresses(node->config, node->checked, err);
    }
    if (r < 0) {
        return r;
    }
    node->seed = hf_options_u64(hf_node_options(node, "node"), "seed");
    if (node->seed == 0) {
        node->seed = hf_random_os_u64();
    }
    hf_uuid4(node->boot_id);
    r = hf_node_state_folder(hf_options_str(hf_node_options(node, "node"), "state_dir"),
                             &node->state_dir, err);
    if (r == 0) {
        r = check_state_folder(node, err);
    }
    if (r == 0) {
        choose_roles(node, roles);
        r = choose_id(node, err);
    }
    if (r == 0) {
        r = make_loops(node, err);
    }
    if (r == 0) {
        r = hf_access_new(hf_node_options(node, "node"), &node->access, err);
    }
    if (r == 0) {
        r = hf_ctl_new(node->control, &node->ctl, err);
    }
    if (r == 0) {
        r = hf_node_ctl_register(node, err);
    }
    if (r == 0) {
        r = hf_node_store_make(node, err);
    }
    return r == 0 ? make_roles(node, err) : r;
}

/* Finds what would otherwise be found only when the node is announced. */
static int
check_description(const struct hf_node *node, struct hf_err *err)
{
    hf_autonode struct hf_node_document described;

    hf_node_document_init(&described);
    return hf_node_describe(node, &described, err);
}

int
hf_node_new(const struct hf_config *config, const struct hf_role_ops *const *roles,
            struct hf_node **ret, struct hf_err *err)
{
    struct hf_node *node = calloc(1, sizeof *node);
    int r;

    if (!node) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    node->config = config;
    node->started_ns = hf_wall_now();
    hf_list_init(&node->modules);
    hf_list_init(&node->drain_waiters);
    hf_list_init(&node->undrain_waiters);
    hf_clock_init(&node->clock);
    r = make(node, roles, err);
    if (r == 0) {
        r = check_description(node, err);
    }
    if (r < 0) {
        hf_node_free(node);
        return r;
    }
    *ret = node;
    return 0;
}

static void
release_pools(void *arg)
{
    (void)arg;
    hf_h2_thread_release();
}

/* A role's end runs the control loop, and a role that is half taken down must not be asked
 * anything: first all ways in are closed, of every role, and none is opened again. */
static void
close_ways_in(struct hf_node *node)
{
    hf_ctl_close(node->ctl);
    for (size_t i = 0; i < node->role_count; i++) {
        if (node->roles[i]) {
            node->role_ops[i]->close(node->roles[i]);
        }
    }
}

void
hf_node_free(struct hf_node *node)
{
    if (!node) {
        return;
    }
    close_ways_in(node);
    for (size_t i = 0; i < node->role_count; i++) {
        node->role_ops[i]->destroy(hf_steal(node->roles[i]));
    }
    hf_node_store_free(node);
    for (size_t i = 0; i < node->io_count; i++) {
        hf_thread_do(node->io_threads[i], release_pools, NULL);
        hf_watchdog_remove(node->watchdog, node->io[i]);
        hf_thread_free(node->io_threads[i]);
    }
    if (node->ctl) {
        hf_node_ctl_unregister(node);
    }
    hf_ctl_free(node->ctl);
    hf_watchdog_free(node->watchdog);
    hf_signals_free(node->signals);
    hf_budget_free(node->budget);
    hf_spawner_free(node->spawner); /* whose thread posts to the loop */
    hf_loop_free(node->control);
    hf_h2_thread_release();
    hf_node_free_modules(node);
    hf_clock_fini(&node->clock);
    hf_access_free(node->access);
    hf_node_config_free(node->checked);
    free(node->io_threads);
    free(node->io);
    free(node->state_dir);
    free(node);
}

/* --- starting ------------------------------------------------------------------------------ */

/* One socket for each role, so that people can say `hyperfaas ctl leaf ...`. */
static int
open_ctl(struct hf_node *node, struct hf_err *err)
{
    for (size_t i = 0; i < node->role_count; i++) {
        hf_autofree char *path =
            hf_strdup_printf("%s/%s.ctl", node->state_dir, node->role_ops[i]->name);
        int r =
            path ? hf_ctl_listen(node->ctl, path, err) : hf_fail(err, HF_ENOMEM, "out of memory");

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void
on_signal(void *arg, int signal)
{
    struct hf_node *node = arg;

    if (signal == SIGCHLD) {
        hf_spawner_reap(node->spawner);
    } else if (signal != SIGHUP) {
        hf_node_shutdown(node);
    } else if (node->reload) {
        node->reload(node->reload_arg);
    }
}

static void
log_address(void *arg, const char *role, const struct hf_role_address *address)
{
    hf_log(HF_LOG_NOTICE, "serving", HF_KV_STR("role", role),
           HF_KV_STR("service", address->service), HF_KV_STR("address", address->address));
    if (strcmp(address->service, "api") == 0) {
        hf_access_note(arg, role, address->address);
    }
}

int
hf_node_start(struct hf_node *node, struct hf_err *err)
{
    int r = hf_make_folders(node->state_dir, err);

    if (r == 0) {
        r = hf_check_private_folder(node->state_dir, "[node] state_dir", err);
    }
    if (r == 0) {
        r = keep_id(node, err);
    }
    if (r == 0) {
        r = hf_access_start(node->access, node->state_dir, err);
    }
    if (r == 0) {
        r = open_ctl(node, err);
    }
    if (r == 0) {
        r = hf_node_store_start(node, err);
    }
    for (size_t i = node->role_count; i > 0 && r == 0; i--) {
        r = node->role_ops[i - 1]->start(node->roles[i - 1], err);
    }
    if (r == 0) {
        r = hf_node_announce(node, err);
    }
    if (r == 0) {
        r = hf_signals_new(node->control, on_signal, node, &node->signals, err);
    }
    if (r == 0) {
        r = hf_node_watch_threads(node, err);
    }
    if (r == 0) {
        hf_node_addresses(node, log_address, node->access);
    }
    return r;
}

void
hf_node_run(struct hf_node *node)
{
    while (!node->ended) {
        hf_loop_run(node->control);
    }
}

void
hf_node_on_reload(struct hf_node *node, void (*fn)(void *arg), void *arg)
{
    node->reload = fn;
    node->reload_arg = arg;
}
