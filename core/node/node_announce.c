/*
 * node_announce.c - a node says in the store who it is and how it is reached.
 */
#include "config.h"

#include "node/node_announce.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "loop/address.h"
#include "loop/loop.h"
#include "node/node_private.h"

HF_LOG_MODULE(node);

/* How long the end of a node may wait for the store to forget it. */
#define WITHDRAW_NS (2 * HF_SEC)

#define ADDRESSES_MAX 16

/* --- how others reach us ------------------------------------------------------------------- */

/* This machine's address on the way to the rest of the world; no packet is sent. */
static void
find_own_host(char ret[static HF_ADDRESS_TEXT_MAX])
{
    static const char somewhere[] = "192.0.2.1:9"; /* reserved for documentation */
    struct hf_address address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(ret, HF_ADDRESS_TEXT_MAX, "127.0.0.1");
    if (fd < 0) {
        return;
    }
    if (hf_address_parse(somewhere, &address, NULL) == 0 &&
        connect(fd, &address.u.any, address.len) == 0 && hf_address_of_socket(fd, &address) == 0) {
        hf_address_format(&address, ret);
        ret[strcspn(ret, ":")] = '\0';
    }
    close(fd);
}

/* What others are to dial for the address that a role has bound; in `arena`. */
static const char *
advertise(const struct hf_node *node, const char *bound, struct hf_arena *arena)
{
    const char *host = hf_options_str(hf_node_options(node, "node"), "advertise");
    bool anywhere = strncmp(bound, "0.0.0.0:", 8) == 0 || strncmp(bound, "[::]:", 5) == 0;
    const char *port = strrchr(bound, ':');
    char own[HF_ADDRESS_TEXT_MAX];

    if (strncmp(bound, "unix:", 5) == 0 || (!anywhere && !(host && *host))) {
        return hf_arena_strdup(arena, bound);
    }
    if (!host || !*host) {
        find_own_host(own);
        host = own;
    }
    return hf_arena_printf(arena, strchr(host, ':') && *host != '[' ? "[%s]%s" : "%s%s", host,
                           port);
}

/* --- who we are ---------------------------------------------------------------------------- */

/* A description being put together. */
struct description {
    const struct hf_node *node;
    Hyperfaas__V1__InfoResponse *info;
    struct hf_arena *arena;
    bool failed; /* for want of memory */
};

/* protobuf-c has no constant strings; messages to be sent are only read. */
static char *
text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void
add_address(void *arg, const char *role, const struct hf_role_address *bound)
{
    struct description *described = arg;
    Hyperfaas__V1__InfoResponse *info = described->info;
    Hyperfaas__V1__Address *address = hf_arena_alloc(described->arena, sizeof *address);
    const char *dialled = advertise(described->node, bound->address, described->arena);

    if (!address || !dialled) {
        described->failed = true;
    } else if (info->n_addresses < ADDRESSES_MAX) {
        hyperfaas__v1__address__init(address);
        address->role = text(role);
        address->service = text(bound->service);
        address->address = text(dialled);
        info->addresses[info->n_addresses++] = address;
    }
}

static int
add_labels(struct description *described, struct hf_err *err)
{
    const struct hf_options *options = hf_node_options(described->node, "node");
    Hyperfaas__V1__InfoResponse *info = described->info;
    const char *word;

    for (size_t i = 0; (word = hf_options_item(options, "labels", i)); i++) {
        Hyperfaas__V1__InfoResponse__LabelsEntry *label =
            hf_arena_alloc(described->arena, sizeof *label);
        size_t len;
        const char *value = hf_label_split(word, &len);
        char *key = value ? hf_arena_strndup(described->arena, word, len) : NULL;

        if (!label || !key || i == HF_NODE_LABELS_MAX) {
            return hf_fail(err, HF_EINVALID,
                           "[node] labels: found '%s', expected at most %d words KEY=VALUE", word,
                           HF_NODE_LABELS_MAX);
        }
        hyperfaas__v1__info_response__labels_entry__init(label);
        label->key = key;
        label->value = text(value);
        info->labels[info->n_labels++] = label;
    }
    return 0;
}

static void
add_capacity(struct description *described, const struct hf_role_ops *ops,
             const struct hf_role *role)
{
    Hyperfaas__V1__Capacity *capacity = hf_arena_alloc(described->arena, sizeof *capacity);

    if (!capacity) {
        described->failed = true;
        return;
    }
    hyperfaas__v1__capacity__init(capacity);
    ops->capacity(role, capacity);
    described->info->capacity = capacity;
}

static void
add_started(struct description *described)
{
    Google__Protobuf__Timestamp *started = hf_arena_alloc(described->arena, sizeof *started);

    if (!started) {
        described->failed = true;
        return;
    }
    google__protobuf__timestamp__init(started);
    started->seconds = (int64_t)(described->node->started_ns / HF_SEC);
    started->nanos = (int32_t)(described->node->started_ns % HF_SEC / HF_MSEC * HF_MSEC);
    described->info->started = started;
}

int
hf_node_describe(const struct hf_node *node, struct hf_node_document *ret, struct hf_err *err)
{
    const char *zone = hf_options_str(hf_node_options(node, "node"), "zone");
    Hyperfaas__V1__InfoResponse *info = &ret->info;
    struct description described = { .node = node, .info = info, .arena = &ret->arena };

    info->node_id = text(node->id);
    info->version = text(PACKAGE_VERSION);
    info->boot_id = text(node->boot_id);
    info->zone = text(zone ? zone : "");
    info->roles = hf_arena_calloc(&ret->arena, node->role_count, sizeof *info->roles);
    info->addresses = hf_arena_calloc(&ret->arena, ADDRESSES_MAX, sizeof *info->addresses);
    info->labels = hf_arena_calloc(&ret->arena, HF_NODE_LABELS_MAX, sizeof *info->labels);
    if (!info->roles || !info->addresses || !info->labels) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    info->n_roles = hf_node_roles(node, (const char **)info->roles, node->role_count);
    add_started(&described);
    hf_node_addresses(node, add_address, &described);
    for (size_t i = 0; i < node->role_count; i++) {
        if (node->role_ops[i]->capacity && node->roles[i]) {
            add_capacity(&described, node->role_ops[i], node->roles[i]);
        }
    }
    return described.failed ? hf_fail(err, HF_ENOMEM, "out of memory")
                            : add_labels(&described, err);
}

/* --- the store ----------------------------------------------------------------------------- */

static void
on_told(void *arg, int code, const char *message, const struct hf_document *document)
{
    const struct hf_node *node = arg;

    (void)document;
    if (code == 0) {
        hf_log(HF_LOG_INFO, "announced in the store", HF_KV_STR("id", node->id));
    } else { /* that the store is away, the catalog complains of */
        bool away = code == HF_EUNAVAILABLE || code == HF_ETIMEOUT;

        hf_log(away ? HF_LOG_NOTICE : HF_LOG_WARNING, "can't be announced in the store; retrying",
               HF_KV_STR("id", node->id), HF_KV_STR("why", message));
    }
}

int
hf_node_announce(struct hf_node *node, struct hf_err *err)
{
    const struct hf_options *options = hf_node_options(node, "node");
    hf_autonode struct hf_node_document described;
    hf_autotext struct hf_text json;
    struct hf_document document = { .size = sizeof document, .space = HF_STORE_NODES };
    int r;

    hf_node_document_init(&described);
    hf_text_init(&json);
    if (!hf_options_bool(options, "announce") || !node->store || !node->store_ops->announce) {
        return 0;
    }
    r = hf_node_describe(node, &described, err);
    if (r < 0) {
        return r;
    }
    hf_node_document_format(&described, &json);
    document.id = node->id;
    document.data = hf_text_str(&json);
    document.len = json.len;
    r = node->store_ops->announce(node->store, &document, hf_options_u64(options, "announce_ttl"),
                                  on_told, node, &node->announcement, err);
    return r < 0 ? hf_err_wrap(err, r, "can't announce the node") : 0;
}

static void
on_withdrawn(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct hf_node *node = arg;

    (void)document;
    if (code < 0) {
        hf_log(HF_LOG_NOTICE, "the store still knows the node for a while",
               HF_KV_STR("id", node->id), HF_KV_STR("why", message));
    }
    node->withdrawing = false;
    hf_node_end_if_done(node);
}

void
hf_node_withdraw(struct hf_node *node)
{
    if (node->announcement) {
        node->withdrawing = true;
        node->store_ops->withdraw(node->store, hf_steal(node->announcement), WITHDRAW_NS,
                                  on_withdrawn, node);
    }
}
