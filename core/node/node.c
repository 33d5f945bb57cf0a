/*
 * node.c - what a node is, for its parts and its roles.
 *
 * How it comes to be and ends is in node_life.c.
 */
#include "node/node.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/macros.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "node/node_config.h"
#include "node/node_private.h"

const char *
hf_node_id(const struct hf_node *node)
{
    return node->id;
}

const char *
hf_node_boot_id(const struct hf_node *node)
{
    return node->boot_id;
}

bool
hf_node_is_draining(const struct hf_node *node)
{
    return node->draining;
}

bool
hf_node_is_ending(const struct hf_node *node)
{
    return node->stop_when_drained;
}

const char *
hf_node_state_dir(const struct hf_node *node)
{
    return node->state_dir;
}

const struct hf_config *
hf_node_config(const struct hf_node *node)
{
    return node->config;
}

const struct hf_options *
hf_node_options(const struct hf_node *node, const char *section)
{
    return hf_node_config_options(node->checked, section);
}

struct hf_loop *
hf_node_control(const struct hf_node *node)
{
    return node->control;
}

size_t
hf_node_io_count(const struct hf_node *node)
{
    return node->io_count;
}

struct hf_loop *const *
hf_node_io(const struct hf_node *node)
{
    return node->io;
}

struct hf_budget *
hf_node_budget(const struct hf_node *node)
{
    return node->budget;
}

uint64_t
hf_node_seed(const struct hf_node *node, const char *purpose)
{
    return hf_hash_seeded(node->seed, purpose, strlen(purpose));
}

struct hf_catalog *
hf_node_catalog(const struct hf_node *node)
{
    return node->catalog;
}

struct hf_directory *
hf_node_directory(const struct hf_node *node)
{
    return node->directory;
}

struct hf_access *
hf_node_access(const struct hf_node *node)
{
    return node->access;
}

struct hf_ctl *
hf_node_ctl(const struct hf_node *node)
{
    return node->ctl;
}

size_t
hf_node_roles(const struct hf_node *node, const char **ret, size_t max)
{
    size_t count = hf_min(node->role_count, max);

    for (size_t i = 0; i < count; i++) {
        ret[i] = node->role_ops[i]->name;
    }
    return count;
}

void
hf_node_addresses(const struct hf_node *node, hf_node_address_fn *fn, void *arg)
{
    for (size_t i = 0; i < node->role_count && node->roles[i]; i++) {
        struct hf_role_address addresses[4];
        size_t count =
            node->role_ops[i]->addresses(node->roles[i], addresses, hf_countof(addresses));

        for (size_t j = 0; j < count; j++) {
            fn(arg, node->role_ops[i]->name, &addresses[j]);
        }
    }
}

void
hf_node_end_if_done(struct hf_node *node)
{
    if (node->stop_when_drained && node->drained && !node->withdrawing) {
        node->ended = true;
        hf_loop_stop(node->control);
    }
}
