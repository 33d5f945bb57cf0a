/*
 * access.c - decides for each call of a managed method, before the method hears of it.
 *
 * What the kernel says of a connection's other end is found out once for each; whether an instance
 * has its address, anew for each call, as instances come and go.
 */
#include "node/access.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/options.h"
#include "base/random.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "loop/kin.h"
#include "loop/peer.h"
#include "node/managers.h"
#include "node/secret.h"

HF_LOG_MODULE(node);

HF_COUNTER(access_refused, "Calls of managed methods from somebody who is no manager.");

/* What strangers can make an API keep of long requests, of which it has no use. */
#define KEPT_BYTES ((size_t)64 << 20)

/* What is known of a connection; kept in its memo, 0 being that nothing is yet. */
enum standing {
    STANDING_MANAGER = 1,  /* by its user or its address */
    STANDING_STRANGER = 2, /* unless it has the secret */
    STANDING_INSTANCE = 3, /* started by this process: never */
    STANDING_UNSURE = 4,   /* on this host, but nobody can say who: only an address helps */
};

/* An address that instances have. */
struct barred {
    struct hf_map_node node;
    struct hf_peer_ip ip;
    size_t instances;
};

struct hf_access {
    const struct hf_options *options; /* [node] */
    struct hf_managers managers;
    struct hf_map barred;
    bool noted;  /* that `managers` was left to its default */
    bool shared; /* the secret is that of other nodes, too */
    char secret[HF_SECRET_MAX];
};

static const char stranger[] =
    "only managers of this node may do this: ask as root or as the node's own user, or with its "
    "secret ([node] secret_file, which hyperfaas reads), or list the address in [node] managers";
static const char instance[] = "instances of functions may not manage nodes";
static const char unsure[] = "only managers of this node may do this, and the system does not say "
                             "who asks: list the address "
                             "in [node] managers";

/* --- deciding ------------------------------------------------------------------------------ */

/* Without knowing the instances' addresses. */
static enum standing
judge(const struct hf_access *access, int fd, const struct hf_peer *peer)
{
    bool listed = hf_managers_have(&access->managers, peer);
    bool is_us = peer->kind == HF_PEER_LOCAL && peer->uid == geteuid();

    if (peer->kind == HF_PEER_UNKNOWN) { /* an instance may seem so, and have read the secret */
        return listed ? STANDING_MANAGER : STANDING_UNSURE;
    }
    if (is_us) {
        switch (hf_kin_of_peer(fd, peer)) {
        case HF_KIN_OURS:
            return STANDING_INSTANCE;
        case HF_KIN_UNKNOWN:
            return listed ? STANDING_MANAGER : STANDING_UNSURE;
        case HF_KIN_NONE:
            return STANDING_MANAGER;
        }
    }
    if (listed || (peer->kind == HF_PEER_LOCAL && peer->uid == 0)) {
        return STANDING_MANAGER;
    }
    return STANDING_STRANGER;
}

static bool
has_secret(const struct hf_access *access, const struct hf_h2_fields *metadata)
{
    const char *given = hf_grpc_metadata(metadata, HF_ACCESS_SECRET);
    size_t len = strlen(access->secret);
    unsigned difference = 0;

    if (!given || len == 0 || strlen(given) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) { /* takes as long wherever they differ */
        difference |= (unsigned)(given[i] ^ access->secret[i]);
    }
    return difference == 0;
}

static struct barred *
find_barred(const struct hf_access *access, const struct hf_peer_ip *ip)
{
    struct hf_map_node *node = hf_map_find(&access->barred, ip->bytes, sizeof ip->bytes);

    return node ? hf_container_of(node, struct barred, node) : NULL;
}

/* Why a call is refused; NULL: it is not. */
static const char *
why_not(struct hf_access *access, const struct hf_grpc_caller *caller)
{
    struct hf_peer peer;

    if (*caller->memo == 0 || hf_map_count(&access->barred) > 0) {
        hf_peer_of_socket(caller->fd, &peer);
        if (*caller->memo == 0) {
            *caller->memo = judge(access, caller->fd, &peer);
        }
        if (peer.kind == HF_PEER_REMOTE && find_barred(access, &peer.ip)) {
            return instance;
        }
    }
    switch ((enum standing) * caller->memo) {
    case STANDING_MANAGER:
        return NULL;
    case STANDING_STRANGER:
        return has_secret(access, caller->metadata) ? NULL : stranger;
    case STANDING_INSTANCE:
        return instance;
    case STANDING_UNSURE:
        break;
    }
    return unsure;
}

static const char *
refuse(void *arg, const struct hf_grpc_caller *caller)
{
    const char *why = why_not(arg, caller);

    if (why) {
        hf_count(&access_refused);
        hf_log_limited(
            HF_LOG_NOTICE, "refused a call that is for managers", HF_KV_STR("peer", caller->peer),
            HF_KV_STR("method", caller->path),
            HF_KV_STR("why", why == instance ? "an instance of a function" : "not a manager"));
    }
    return why;
}

void
hf_access_guard(struct hf_access *access, struct hf_grpc_server_options *options)
{
    options->max_kept_bytes = KEPT_BYTES;
    options->refuse = refuse;
    options->refuse_arg = access;
}

/* --- instances' addresses ------------------------------------------------------------------ */

void
hf_access_bar(struct hf_access *access, const char *address)
{
    struct hf_peer_ip ip;
    struct barred *barred;

    if (!hf_peer_ip_parse(address, &ip) || hf_peer_ip_is_loopback(&ip)) {
        return;
    }
    barred = find_barred(access, &ip);
    if (!barred) {
        barred = calloc(1, sizeof *barred);
        if (!barred) {
            return;
        }
        barred->ip = ip;
        if (hf_map_add(&access->barred, &barred->node, barred->ip.bytes, sizeof barred->ip.bytes) <
            0) {
            free(barred);
            return;
        }
    }
    barred->instances++;
}

void
hf_access_unbar(struct hf_access *access, const char *address)
{
    struct hf_peer_ip ip;
    struct barred *barred = hf_peer_ip_parse(address, &ip) ? find_barred(access, &ip) : NULL;

    if (barred && --barred->instances == 0) {
        hf_map_remove(&access->barred, &barred->node);
        free(barred);
    }
}

/* --- life ---------------------------------------------------------------------------------- */

int
hf_access_new(const struct hf_options *node, struct hf_access **ret, struct hf_err *err)
{
    struct hf_access *access = calloc(1, sizeof *access);
    int r;

    if (!access) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    access->options = node;
    access->shared = hf_options_is_given(node, "secret_file");
    hf_map_init(&access->barred, hf_random_os_u64());
    r = hf_managers_read(node, &access->managers, err);
    if (r < 0) {
        hf_access_free(access);
        return r;
    }
    *ret = access;
    return 0;
}

int
hf_access_start(struct hf_access *access, const char *state_dir, struct hf_err *err)
{
    hf_autofree char *file = hf_secret_file(access->options, state_dir);

    return file ? hf_secret_keep(file, access->secret, err)
                : hf_fail(err, HF_ENOMEM, "out of memory");
}

void
hf_access_free(struct hf_access *access)
{
    struct hf_map_node *node;

    if (!access) {
        return;
    }
    while ((node = hf_map_pop(&access->barred))) {
        free(hf_container_of(node, struct barred, node));
    }
    hf_map_fini(&access->barred);
    hf_managers_fini(&access->managers);
    free(access);
}

const char *
hf_access_secret(const struct hf_access *access, const char *address)
{
    return *access->secret && hf_secret_is_for(address, access->shared) ? access->secret : NULL;
}

void
hf_access_note(struct hf_access *access, const char *role, const char *address)
{
    struct hf_peer_ip ip;

    if (access->noted || hf_options_is_given(access->options, "managers") ||
        !hf_peer_ip_parse(address, &ip) || hf_peer_ip_is_loopback(&ip)) {
        return;
    }
    access->noted = true;
    hf_log(HF_LOG_NOTICE, "nodes of private networks may manage this node", HF_KV_STR("role", role),
           HF_KV_STR("api", address), HF_KV_STR("to_change", "set managers in [node]"));
}
