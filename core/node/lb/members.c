/*
 * members.c - which children a load balancer has.
 *
 * A child is used when the configuration names it or the store tells of it.  When the store
 * no longer does, the connection decides: it is used as long as it answers.  What a child
 * that goes has left behind - functions it had warm, endpoints, calls - goes first, in the
 * steps of hf_balancer_on_work, and then the child.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "node/lb/balancer.h"
#include "node/node.h"
#include "node/node_place.h"

HF_LOG_MODULE(lb);

/* --- one child ------------------------------------------------------------------------------ */

static void
child_free(struct hf_balancer_child *child)
{
    hf_list_remove(&child->node);
    child->balancer->child_count--;
    hf_balancer_child_fini(child);
    free(child->api);
    free(child->proxy);
    free(child);
}

/* Makes room for the answers of a tree with one child more. */
static bool
grow_found(struct hf_balancer *balancer)
{
    size_t size = balancer->found_size ? balancer->found_size * 2 : 8;
    struct hf_tree_child **found;

    if (balancer->child_count < balancer->found_size) {
        return true;
    }
    found = realloc(balancer->found, size * sizeof(*found));
    if (!found) {
        return false;
    }
    balancer->found = found;
    balancer->found_size = size;
    return true;
}

/* A child that is not connected; `id` is its name in the tree until it tells its own. */
static int
child_new(struct hf_balancer *balancer, const char *api, const char *proxy, const char *id,
          struct hf_balancer_child **ret, struct hf_err *err)
{
    struct hf_balancer_child *child = grow_found(balancer) ? calloc(1, sizeof *child) : NULL;
    int r = HF_ENOMEM;

    if (!child) {
        return hf_fail(err, HF_ENOMEM, "lb: no memory for child '%s'", api);
    }
    hf_balancer_child_init(balancer, child);
    hf_list_append(&balancer->children, &child->node);
    balancer->child_count++;
    child->settled = true; /* unless a start waits for it */
    child->api = strdup(api);
    child->proxy = strdup(proxy);
    hf_random_init(&child->random, hf_node_seed(balancer->node, api));
    if (child->api && child->proxy) {
        r = hf_tree_add(balancer->tree, id, child, &child->tree);
    }
    if (r < 0) {
        child_free(child);
        return hf_fail(err, r, "lb: %s child '%s'",
                       r == HF_EEXISTS ? "there are two of" : "no memory for", api);
    }
    *ret = child;
    return 0;
}

static struct hf_balancer_child *
find_child(const struct hf_balancer *balancer, const char *api, const char *proxy)
{
    struct hf_balancer_child *child;

    HF_LIST_FOR (child, &balancer->children, node) {
        if (strcmp(child->api, api) == 0 && strcmp(child->proxy, proxy) == 0) {
            return child;
        }
    }
    return NULL;
}

/* Calls that come before the child has been heard of wait for it, if this is still the start. */
static int
connect_child(struct hf_balancer_child *child, struct hf_err *err)
{
    struct hf_balancer *balancer = child->balancer;

    if (hf_timer_is_set(&balancer->settle)) {
        child->settled = false;
        balancer->unsettled++;
    }
    return hf_balancer_child_connect(child, err);
}

void
hf_balancer_reap(struct hf_balancer *balancer)
{
    struct hf_balancer_child *child;
    struct hf_balancer_child *next;

    HF_LIST_FOR_SAFE (child, next, &balancer->children, node) {
        if (child->listings == 0 && !child->up && !child->tree->usable && child->tree->told == 0 &&
            child->endpoints == 0 && !hf_timer_is_set(&child->give_up)) {
            hf_log(HF_LOG_NOTICE, "child forgotten", HF_KV_STR("child", child->api));
            hf_balancer_child_disconnect(child);
            hf_tree_remove(child->tree);
            child_free(child);
        }
    }
}

/* --- those of the configuration --------------------------------------------------------------- */

/* Reads "API/PROXY", which has been checked. */
static int
read_child(struct hf_balancer *balancer, const char *text, struct hf_err *err)
{
    const char *slash = strchr(text, '/');
    hf_autofree char *api = slash ? strndup(text, (size_t)(slash - text)) : NULL;
    struct hf_balancer_child *child = NULL;
    int r;

    if (!api) {
        return hf_fail(err, HF_ENOMEM, "lb: no memory");
    }
    r = child_new(balancer, api, slash + 1, api, &child, err);
    if (r == 0) {
        child->listings = 1;
    }
    return r;
}

/* --- those that are discovered ---------------------------------------------------------------- */

/* A child that the store tells of. */
struct peer {
    struct hf_map_node by_id; /* in the balancer's `peers` */
    struct hf_balancer_child *child;
    char id[];
};

static struct peer *
find_peer(const struct hf_balancer *balancer, const char *id)
{
    struct hf_map_node *node = hf_map_find(&balancer->peers, id, strlen(id));

    return node ? hf_container_of(node, struct peer, by_id) : NULL;
}

/* The child with these addresses, made if there is none. */
static int
list_child(struct hf_balancer *balancer, const struct hf_peer *told, struct hf_balancer_child **ret,
           struct hf_err *err)
{
    struct hf_balancer_child *child = find_child(balancer, told->api, told->proxy);
    hf_autofree char *name = hf_strdup_printf("%s/%s", told->api, told->proxy);
    int r = 0;

    if (!name) {
        return hf_fail(err, HF_ENOMEM, "no memory");
    }
    if (!child) {
        r = child_new(balancer, told->api, told->proxy, name, &child, err);
    }
    if (r == 0 && !child->link) {
        r = connect_child(child, err);
    }
    if (r == 0) {
        child->listings++;
        *ret = child;
    }
    return r;
}

static int
add_peer(struct hf_balancer *balancer, const struct hf_peer *told, struct hf_err *err)
{
    size_t len = strlen(told->id);
    struct peer *peer = calloc(1, sizeof *peer + len + 1);
    int r;

    if (!peer) {
        return hf_fail(err, HF_ENOMEM, "no memory");
    }
    memcpy(peer->id, told->id, len + 1);
    r = hf_map_add(&balancer->peers, &peer->by_id, peer->id, len);
    if (r < 0) {
        free(peer);
        return hf_fail(err, r, "no memory");
    }
    r = list_child(balancer, told, &peer->child, err);
    if (r < 0) {
        hf_map_remove(&balancer->peers, &peer->by_id);
        free(peer);
    }
    return r;
}

static void
forget_peer(struct hf_balancer *balancer, struct peer *peer)
{
    peer->child->listings--;
    free(peer);
    hf_balancer_changed(balancer); /* it may have to be reaped */
}

static void
on_removed(void *arg, const char *id)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);
    struct peer *peer = find_peer(balancer, id);

    if (peer) {
        hf_log(HF_LOG_INFO, "child is gone from the store", HF_KV_STR("id", id));
        hf_map_remove(&balancer->peers, &peer->by_id);
        forget_peer(balancer, peer);
    }
}

static void
on_added(void *arg, const struct hf_peer *told)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);
    struct hf_err err = HF_ERR_INIT;

    hf_log(HF_LOG_INFO, "child discovered", HF_KV_STR("id", told->id),
           HF_KV_STR("child", told->api), HF_KV_STR("proxy", told->proxy));
    if (add_peer(balancer, told, &err) < 0) {
        hf_log(HF_LOG_ERROR, "can't use a discovered child", HF_KV_STR("id", told->id),
               HF_KV_ERR(&err));
    }
}

static void
on_changed(void *arg, const struct hf_peer *told)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);
    const struct peer *peer = find_peer(balancer, told->id);

    if (!peer || strcmp(peer->child->api, told->api) != 0 ||
        strcmp(peer->child->proxy, told->proxy) != 0) {
        on_removed(arg, told->id);
        on_added(arg, told);
    }
}

/* Calls that came at the start had to wait for it. */
static void
on_synced(void *arg)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);

    if (!balancer->directory_settled) {
        balancer->directory_settled = true;
        hf_balancer_settle_one(balancer);
    }
}

static const struct hf_discovery_ops discovery_ops = {
    .on_added = on_added,
    .on_changed = on_changed,
    .on_removed = on_removed,
    .on_synced = on_synced,
};

/* --- all of them ------------------------------------------------------------------------------ */

int
hf_balancer_read_children(struct hf_balancer *balancer, struct hf_err *err)
{
    struct hf_discovery *discovery = &balancer->discovery;
    const char *item;
    int r = hf_selector_read(balancer->options, "children", "leaf", &discovery->selector, err);

    discovery->ops = &discovery_ops;
    discovery->arg = balancer;
    for (size_t i = 0; r == 0 && (item = hf_options_item(balancer->options, "children", i)); i++) {
        r = hf_selector_is_word(item) ? 0 : read_child(balancer, item, err);
    }
    if (r < 0) {
        return r;
    }
    if (discovery->selector.discover && !hf_node_directory(balancer->node)) {
        return hf_node_refuse(hf_node_config(balancer->node), "lb", "children", "discover", err,
                              "to discover them, a section [store] is needed that says where");
    }
    if (strcmp(discovery->selector.role, "lb") == 0) {
        discovery->not_id = hf_node_id(balancer->node);
    }
    if (balancer->child_count == 0 && !discovery->selector.discover) {
        return hf_node_refuse(hf_node_config(balancer->node), "lb", "children", NULL, err,
                              "expected at least one, as API-ADDRESS/PROXY-ADDRESS, or 'discover'");
    }
    return 0;
}

int
hf_balancer_connect(struct hf_balancer *balancer, struct hf_err *err)
{
    struct hf_balancer_child *child;
    bool discover = balancer->discovery.selector.discover;
    int r = 0;

    balancer->hopeless = false;
    balancer->unsettled = discover;
    balancer->directory_settled = !discover;
    hf_timer_set(&balancer->settle, hf_options_u64(balancer->options, "child_wait"));
    hf_balancer_update_hope(balancer);
    HF_LIST_FOR (child, &balancer->children, node) {
        r = r < 0 || child->listings == 0 ? r : connect_child(child, err);
    }
    if (r == 0 && discover) {
        r = hf_discovery_begin(hf_node_directory(balancer->node), &balancer->discovery, err);
    }
    return r;
}

void
hf_balancer_disconnect(struct hf_balancer *balancer)
{
    struct hf_balancer_child *child;
    struct hf_map_node *node;

    hf_discovery_end(&balancer->discovery);
    while ((node = hf_map_pop(&balancer->peers))) {
        forget_peer(balancer, hf_container_of(node, struct peer, by_id));
    }
    HF_LIST_FOR (child, &balancer->children, node) {
        hf_balancer_child_disconnect(child);
    }
    hf_timer_cancel(&balancer->settle);
    hf_timer_cancel(&balancer->hope);
}

void
hf_balancer_free_children(struct hf_balancer *balancer)
{
    balancer->unsettled = 0;
    while (!hf_list_is_empty(&balancer->children)) {
        child_free(hf_container_of(balancer->children.next, struct hf_balancer_child, node));
    }
    free(balancer->found);
}
