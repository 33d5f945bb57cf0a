/*
 * managers.c - reads each word of the list into rows, and finds peers in them.
 */
#include "node/managers.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"

struct hf_manager {
    bool by_user;
    bool remote; /* only those who are surely not on this host, where users count */
    uid_t uid;
    struct hf_peer_ip network;
    unsigned bits;
};

/* What the word `private` stands for: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291. */
static const char *const private_networks[] = {
    "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
    "169.254.0.0/16", "fc00::/7",      "fe80::/10",
};

static const char *const any_network[] = { "::/0" };

/* --- reading ------------------------------------------------------------------------------- */

static int
add(struct hf_managers *managers, const struct hf_manager *row, struct hf_err *err)
{
    struct hf_manager *grown =
        reallocarray(managers->rows, managers->count + 1, sizeof *managers->rows);

    if (!grown) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    managers->rows = grown;
    managers->rows[managers->count++] = *row;
    return 0;
}

/* Reads ADDRESS or ADDRESS/BITS. */
static bool
parse_network(const char *word, struct hf_manager *row)
{
    size_t len = strcspn(word, "/");
    bool v4 = memchr(word, '.', len);
    unsigned most = v4 ? 32 : 128;
    uint64_t bits = most;
    char ip[64];

    if (len >= sizeof ip || (v4 && memchr(word, ':', len))) {
        return false;
    }
    memcpy(ip, word, len);
    ip[len] = '\0';
    if (word[len] == '/' && hf_parse_u64_range(word + len + 1, 0, most, &bits, NULL) < 0) {
        return false;
    }
    row->bits = (unsigned)bits + 128 - most; /* IPv4 lies in ::ffff:0:0/96 */
    return hf_peer_ip_parse(ip, &row->network);
}

static int
parse_user(const char *name, struct hf_manager *row, struct hf_err *err)
{
    uint64_t number;
    struct passwd *user;

    row->by_user = true;
    if (isdigit((unsigned char)*name)) {
        if (hf_parse_u64_range(name, 0, UINT32_MAX - 1, &number, NULL) < 0) {
            return hf_fail(err, HF_EINVALID, "'user:%s' is no user", name);
        }
        row->uid = (uid_t)number;
        return 0;
    }
    user = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): before there are other threads */
    if (!user) {
        return hf_fail(err, HF_EINVALID,
                       "'user:%s': there is no such user on this host (user:NUMBER works "
                       "without one)",
                       name);
    }
    row->uid = user->pw_uid;
    return 0;
}

static int
add_remote(struct hf_managers *managers, const char *const *networks, size_t count,
           struct hf_err *err)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        struct hf_manager row = { .remote = true };

        parse_network(networks[i], &row);
        r = add(managers, &row, err);
    }
    return r;
}

static int
add_word(struct hf_managers *managers, const char *word, struct hf_err *err)
{
    struct hf_manager row = { .by_user = false };

    if (strcmp(word, "none") == 0) {
        return 0;
    }
    if (strcmp(word, "any") == 0) {
        return add_remote(managers, any_network, hf_countof(any_network), err);
    }
    if (strcmp(word, "private") == 0) {
        return add_remote(managers, private_networks, hf_countof(private_networks), err);
    }
    if (strncmp(word, "user:", 5) == 0) {
        int r = parse_user(word + 5, &row, err);

        return r < 0 ? r : add(managers, &row, err);
    }
    if (!parse_network(word, &row)) {
        return hf_fail(err, HF_EINVALID,
                       "found '%s', expected an IP address, a network such as "
                       "10.0.0.0/8, user:NAME, private, any or none",
                       word);
    }
    return add(managers, &row, err);
}

int
hf_managers_read(const struct hf_options *node, struct hf_managers *ret, struct hf_err *err)
{
    *ret = (struct hf_managers){ .rows = NULL };
    for (size_t i = 0; i < hf_options_count(node, "managers"); i++) {
        int r = add_word(ret, hf_options_item(node, "managers", i), err);

        if (r < 0) {
            hf_managers_fini(ret);
            return r;
        }
    }
    return 0;
}

void
hf_managers_fini(struct hf_managers *managers)
{
    free(managers->rows);
    *managers = (struct hf_managers){ .rows = NULL };
}

/* --- finding ------------------------------------------------------------------------------- */

bool
hf_managers_have(const struct hf_managers *managers, const struct hf_peer *peer)
{
    for (size_t i = 0; i < managers->count; i++) {
        const struct hf_manager *row = &managers->rows[i];

        if (row->by_user) {
            if (peer->kind == HF_PEER_LOCAL && row->uid == peer->uid) {
                return true;
            }
        } else if ((!row->remote || peer->kind == HF_PEER_REMOTE) &&
                   hf_peer_ip_matches(&peer->ip, &row->network, row->bits)) {
            return true;
        }
    }
    return false;
}
