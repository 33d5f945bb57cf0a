/*
 * roles.c - the roles that a node may have.  Nothing in a node knows of them but by this table.
 */
#include <stddef.h>

#include "node/role.h"

const struct hf_role_ops *const hf_roles[] = { &hf_lb_role, &hf_leaf_role, &hf_worker_role, NULL };
