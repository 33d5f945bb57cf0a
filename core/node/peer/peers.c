/*
 * peers.c - which peers a role has: listed, discovered, told apart, forgotten.
 */
#include "node/peer/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"

HF_LOG_MODULE(node);

static bool
is_listed(const struct hf_link *link)
{
    return link->configured || link->found > 0;
}

static void
reap_soon(const struct hf_link *link)
{
    if (!is_listed(link)) {
        hf_timer_set(&hf_peers_of(link)->reap, 0);
    }
}

/* --- who they are ------------------------------------------------------------------------------
 */

static const char *
twin(struct hf_link *link)
{
    const struct hf_peers *peers = hf_peers_of(link);
    const struct hf_link *other;

    HF_LIST_FOR (other, &peers->list, node) {
        if (other != link && other->is_known && strcmp(other->node_id, link->node_id) == 0 &&
            strcmp(other->role, link->role) == 0) {
            snprintf(link->error, sizeof link->error, "it is the same %s as %s",
                     peers->links.role ? peers->links.role : "node", other->address);
            return link->error;
        }
    }
    return NULL;
}

/* If it was used, links that are held try its node again; if it is not listed, its record goes, but
 * later. */
static void
on_away(struct hf_link *link, bool was_known)
{
    struct hf_peers *peers = hf_peers_of(link);
    struct hf_link *other;

    HF_LIST_FOR (other, &peers->list, node) {
        if (was_known && other != link) {
            hf_link_hurry(other);
        }
    }
    reap_soon(link);
}

/* --- records -----------------------------------------------------------------------------------
 */

static void
link_free(struct hf_link *link)
{
    free(link->address);
    free(link->proxy);
    free(link);
}

/* A record that is not connected. */
static int
link_new(struct hf_peers *peers, const char *address, const char *proxy, bool configured,
         struct hf_link **ret, struct hf_err *err)
{
    struct hf_link *link = calloc(1, peers->record_size);
    int r;

    if (!link) {
        return hf_fail(err, HF_ENOMEM, "%s '%s': no memory", peers->kind, address);
    }
    link->configured = configured;
    link->address = strdup(address);
    link->proxy = strdup(proxy);
    if (!link->address || !link->proxy) {
        link_free(link);
        return hf_fail(err, HF_ENOMEM, "%s '%s': no memory", peers->kind, address);
    }
    hf_link_init(link, &peers->links);
    hf_list_append(&peers->list, &link->node);
    peers->count++;
    r = peers->links.ops->init(link, err);
    if (r < 0) {
        hf_list_remove(&link->node);
        peers->count--;
        hf_link_fini(link);
        link_free(link);
        return r;
    }
    *ret = link;
    return 0;
}

static void
forget(struct hf_link *link)
{
    struct hf_peers *peers = hf_peers_of(link);

    hf_link_close(link);
    hf_list_remove(&link->node);
    peers->count--;
    peers->links.ops->fini(link);
    hf_link_fini(link);
    link_free(link);
}

void
hf_peers_reap(struct hf_peers *peers)
{
    struct hf_link *link;
    struct hf_link *next;

    HF_LIST_FOR_SAFE (link, next, &peers->list, node) {
        if (!is_listed(link) && link->state != HF_LINK_UP && !peers->links.ops->is_used(link)) {
            hf_log(HF_LOG_NOTICE, "peer forgotten", HF_KV_STR("kind", peers->kind),
                   HF_KV_STR("address", link->address));
            forget(link);
        }
    }
}

static void
on_reap(struct hf_timer *timer)
{
    hf_peers_reap(hf_container_of(timer, struct hf_peers, reap));
}

static struct hf_link *
find(const struct hf_peers *peers, const char *address, const char *proxy)
{
    struct hf_link *link;

    HF_LIST_FOR (link, &peers->list, node) {
        if (strcmp(link->address, address) == 0 && strcmp(link->proxy, proxy) == 0) {
            return link;
        }
    }
    return NULL;
}

/* --- discovered ones ---------------------------------------------------------------------------
 */

static int
add_found(struct hf_peers *peers, const struct hf_found_node *node, struct hf_err *err)
{
    struct hf_link *link = find(peers, node->api, node->proxy);
    int r = 0;

    if (!link) {
        r = link_new(peers, node->api, node->proxy, false, &link, err);
    }
    if (r < 0) {
        return r;
    }
    r = hf_link_open(link, err);
    if (r < 0) {
        reap_soon(link);
        return r;
    }
    link->found++;
    return 0;
}

static void
remove_found(struct hf_peers *peers, const struct hf_found_node *node)
{
    struct hf_link *link = find(peers, node->api, node->proxy);

    if (link && link->found > 0) { /* it may have been found in vain */
        link->found--;
        reap_soon(link);
    }
}

static void
on_change(void *arg, const struct hf_found_node *before, const struct hf_found_node *now)
{
    struct hf_peers *peers = arg;
    struct hf_err err = HF_ERR_INIT;

    if (before && now && strcmp(before->api, now->api) == 0 &&
        strcmp(before->proxy, now->proxy) == 0) {
        return;
    }
    if (before) {
        hf_log(HF_LOG_INFO, "peer is gone from the store", HF_KV_STR("kind", peers->kind),
               HF_KV_STR("id", before->id));
        remove_found(peers, before);
    }
    if (now) {
        hf_log(HF_LOG_INFO, "peer discovered", HF_KV_STR("kind", peers->kind),
               HF_KV_STR("id", now->id), HF_KV_STR("address", now->api),
               HF_KV_STR("proxy", now->proxy));
        if (add_found(peers, now, &err) < 0) {
            hf_log(HF_LOG_ERROR, "can't use a discovered peer", HF_KV_STR("id", now->id),
                   HF_KV_ERR(&err));
        }
    }
}

static void
on_synced(void *arg)
{
    struct hf_peers *peers = arg;

    if (peers->on_synced) {
        peers->on_synced(peers);
    }
}

static const struct hf_discovery_ops discovery_ops = {
    .on_change = on_change,
    .on_synced = on_synced,
};

/* --- all of them -------------------------------------------------------------------------------
 */

void
hf_peers_init(struct hf_peers *peers)
{
    peers->links.twin = twin;
    peers->links.on_away = on_away;
    hf_list_init(&peers->list);
    hf_timer_init(&peers->reap, peers->links.loop, HF_TIMER_REAL, on_reap);
    peers->discovery.ops = &discovery_ops;
    peers->discovery.arg = peers;
}

void
hf_peers_fini(struct hf_peers *peers)
{
    struct hf_link *link;

    hf_peers_close(peers);
    while ((link = hf_list_first(&peers->list, struct hf_link, node))) {
        forget(link);
    }
    hf_timer_fini(&peers->reap);
}

/* One address of the list, API or API/PROXY, which has been checked. */
static int
configure(struct hf_peers *peers, const char *item, struct hf_err *err)
{
    const char *slash = strchr(item, '/');
    hf_autofree char *api = slash ? strndup(item, (size_t)(slash - item)) : strdup(item);
    const char *proxy = slash ? slash + 1 : "";
    struct hf_link *link;

    if (!api) {
        return hf_fail(err, HF_ENOMEM, "%s '%s': no memory", peers->kind, item);
    }
    return find(peers, api, proxy) ? 0 : link_new(peers, api, proxy, true, &link, err);
}

int
hf_peers_read(struct hf_peers *peers, const struct hf_options *options, const char *key,
              const char *role, struct hf_err *err)
{
    int r = hf_selector_read(options, key, role, &peers->discovery.selector, err);
    const char *item;

    for (size_t i = 0; r == 0 && (item = hf_options_item(options, key, i)); i++) {
        r = hf_selector_is_word(item) ? 0 : configure(peers, item, err);
    }
    return r;
}

int
hf_peers_open(struct hf_peers *peers, struct hf_err *err)
{
    struct hf_link *link;
    int r = 0;

    if (peers->is_open) {
        return 0;
    }
    peers->is_open = true;
    HF_LIST_FOR (link, &peers->list, node) {
        r = r < 0 || !link->configured ? r : hf_link_open(link, err);
    }
    if (r == 0 && peers->discovery.selector.discover) {
        r = hf_discovery_begin(peers->directory, &peers->discovery, err);
    }
    if (r < 0) {
        hf_peers_close(peers);
    }
    return r;
}

void
hf_peers_close(struct hf_peers *peers)
{
    struct hf_link *link;

    if (!peers->is_open) {
        return;
    }
    peers->is_open = false;
    hf_discovery_end(&peers->discovery);
    HF_LIST_FOR (link, &peers->list, node) {
        link->found = 0;
        hf_link_close(link);
    }
    hf_timer_set(&peers->reap, 0);
}
