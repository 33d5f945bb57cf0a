/*
 * node_store.c - the store that a node follows, and what it knows from there: functions
 * (catalog.h) and other nodes (discovery.h).
 *
 * A node without a role that knows functions has no catalog, and a store only if the
 * configuration has a section for it: to announce itself, and to discover others.
 */
#include "base/config.h"
#include "base/err.h"
#include "base/guest.h"
#include "base/options.h"
#include "base/random.h"
#include "node/catalog.h"
#include "node/discovery.h"
#include "node/node_private.h"
#include "plugin/module.h"

static bool
knows_functions(const struct hf_node *node)
{
    bool any = false;

    for (size_t i = 0; i < node->role_count; i++) {
        any |= node->role_ops[i]->knows_functions;
    }
    return any;
}

int
hf_node_store_make(struct hf_node *node, struct hf_err *err)
{
    int r;

    if (!knows_functions(node) && !hf_config_section(node->config, "store")) {
        return 0;
    }
    r = hf_node_load(node, "store", &node->store_module, err);
    if (r < 0 || (r = hf_directory_new(node->seed, &node->directory, err)) < 0 ||
        !knows_functions(node)) {
        return r;
    }
    return hf_catalog_new(node->control,
                          hf_options_u64(hf_node_options(node, "leaf"), "idle_timeout"),
                          hf_random_os_u64(), &node->catalog, err);
}

int
hf_node_store_start(struct hf_node *node, struct hf_err *err)
{
    const struct hf_node_module *m = &node->store_module;
    int r;

    if (!m->module) {
        return 0;
    }
    node->store_ops = m->module->ops.store;
    r = hf_guest_call(node->store_ops, create, NULL, m->driver, m->options, &node->store, err);
    r = hf_node_made(m, r, node->store, err);
    if (r < 0) {
        return r;
    }
    hf_directory_use(node->directory, node->store_ops, node->store);
    return node->catalog ? hf_catalog_follow(node->catalog, node->store_ops, node->store, err) : 0;
}

void
hf_node_store_free(struct hf_node *node)
{
    hf_catalog_free(node->catalog);
    hf_directory_free(node->directory);
    if (node->store) {
        hf_guest_do(node->store_ops, destroy, NULL, node->store);
    }
}
