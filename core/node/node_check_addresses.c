/*
 * node_check_addresses.c - what a node listens on and whom it dials; see node_check.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"
#include "loop/address.h"
#include "node/node_check.h"
#include "node/node_config.h"
#include "node/node_place.h"
#include "node/selector.h"

/* The addresses that a node may listen on. */
static const struct listen {
    const char *section; /* of the role that does */
    const char *key;
    bool may_be_local;  /* unix:PATH will do for those who ask there */
    const char *unless; /* an option that is off when nobody listens */
} listens[] = {
    { "lb", "proxy", true, "forward" },
    { "lb", "api", false, NULL },
    { "lb", "spoe", true, NULL },
    { "leaf", "proxy", true, NULL },
    { "leaf", "api", false, NULL },
    { "worker", "api", false, NULL },
    { "worker", "instance_api", true, NULL },
};

#define LISTENS hf_countof(listens)

static bool
is_unix(const char *address)
{
    return strncmp(address, "unix:", strlen("unix:")) == 0;
}

static bool
is_any(const struct hf_address *address)
{
    return address->u.any.sa_family == AF_INET
               ? address->u.v4.sin_addr.s_addr == htonl(INADDR_ANY)
               : address->u.any.sa_family == AF_INET6 &&
                     IN6_IS_ADDR_UNSPECIFIED(&address->u.v6.sin6_addr);
}

/* Whether two sockets cannot be bound at the same time. */
static bool
collide(const struct hf_address *a, const struct hf_address *b)
{
    bool local = a->u.any.sa_family == AF_UNIX;

    if (local || b->u.any.sa_family == AF_UNIX) {
        return local && b->u.any.sa_family == AF_UNIX &&
               strcmp(a->u.local.sun_path, b->u.local.sun_path) == 0;
    }
    if (hf_address_port(a) == 0 || hf_address_port(a) != hf_address_port(b)) {
        return false;
    }
    if (is_any(a) || is_any(b)) {
        return true;
    }
    return a->u.any.sa_family == b->u.any.sa_family &&
           (a->u.any.sa_family == AF_INET
                ? a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr
                : IN6_ARE_ADDR_EQUAL(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr));
}

/* --- what the node listens on -------------------------------------------------------------------
 */

/* The address's text; NULL: nobody listens there. */
static const char *
listen_text(const struct hf_node_config *checked, const struct listen *listen)
{
    const struct hf_options *options = hf_node_config_options(checked, listen->section);

    if (!hf_node_config_has_role(checked, listen->section) ||
        (listen->unless && !hf_options_bool(options, listen->unless))) {
        return NULL;
    }
    return hf_options_str(options, listen->key);
}

static int
read_listen(const struct hf_config *config, const struct listen *listen, const char *text,
            struct hf_address *ret, struct hf_err *err)
{
    int r;

    if (is_unix(text) && !listen->may_be_local) {
        return hf_node_refuse(config, listen->section, listen->key, NULL, err,
                              "'%s' is a unix socket, which other nodes cannot reach; write "
                              "HOST:PORT, such as 127.0.0.1:50050",
                              text);
    }
    r = hf_address_parse(text, ret, err);
    if (r == HF_ENOTFOUND) {
        r = hf_fail(err, HF_EINVALID,
                    "'%s' has a name; to listen, write an IP address of this host, or 0.0.0.0 for "
                    "all of them",
                    text);
    }
    return r < 0 ? hf_node_wrap_value(config, listen->section, listen->key, NULL, r, err) : 0;
}

/* Blames the second, unless only the first was written by somebody. */
static int
refuse_collision(const struct hf_config *config, const struct hf_node_config *checked,
                 const struct listen *a, const struct listen *b, struct hf_err *err)
{
    bool given = hf_options_is_given(hf_node_config_options(checked, b->section), b->key);
    const struct listen *blamed = given ? b : a;
    const struct listen *other = given ? a : b;

    return hf_node_refuse(
        config, blamed->section, blamed->key, NULL, err,
        "'%s' collides with [%s] %s, which is %s; give each an address of its own",
        listen_text(checked, blamed), other->section, other->key, listen_text(checked, other));
}

/* Reads them all; those that are not listened on have length 0. */
static int
read_listens(const struct hf_config *config, const struct hf_node_config *checked,
             struct hf_address ret[static LISTENS], struct hf_err *err)
{
    for (size_t i = 0; i < LISTENS; i++) {
        const char *text = listen_text(checked, &listens[i]);
        int r = text ? read_listen(config, &listens[i], text, &ret[i], err) : 0;

        for (size_t j = 0; j < i && r == 0 && text; j++) {
            if (ret[j].len > 0 && collide(&ret[i], &ret[j])) {
                r = refuse_collision(config, checked, &listens[j], &listens[i], err);
            }
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* --- peers --------------------------------------------------------------------------------------
 */

/* A list of peers: addresses, and words that say whom to discover. */
struct peers {
    const struct hf_config *config;
    const struct hf_options *options;
    const struct hf_address *listens;
    const char *section;
    const char *key;
    const char *form;
};

/* Checks one address that is to be dialled; `wanted` names the listener of this node, if any, that
 * it may be. */
static int
check_dial(const struct peers *peers, const char *item, const char *address, const char *wanted,
           struct hf_err *err)
{
    struct hf_address parsed;
    struct hf_err why = HF_ERR_INIT;

    if (hf_parse_address_check(address, &why) < 0) { /* its text, with one more choice behind it */
        return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                              "%s; or the word discover", hf_err_message(&why));
    }
    if (hf_address_parse(address, &parsed, NULL) < 0) {
        return 0; /* a name */
    }
    if (hf_address_port(&parsed) == 0 || is_any(&parsed)) {
        return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                              "nobody can be reached at '%s'; write the address that the node "
                              "listens on, or where its host can be reached",
                              address);
    }
    for (size_t i = 0; i < LISTENS; i++) {
        bool mine = peers->listens[i].len > 0 && collide(&parsed, &peers->listens[i]) &&
                    !is_any(&peers->listens[i]);

        if (mine && (strcmp(listens[i].key, wanted) != 0 ||
                     strcmp(listens[i].section, peers->section) == 0)) {
            return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                                  "'%s' is [%s] %s of this node itself; write %s of another",
                                  address, listens[i].section, listens[i].key, peers->form);
        }
    }
    return 0;
}

/* A child has two addresses, a worker one. */
static int
check_peer(const struct peers *peers, const char *item, struct hf_err *err)
{
    const char *slash = strchr(item, '/');
    hf_autofree char *api = strndup(item, slash ? (size_t)(slash - item) : strlen(item));
    bool two = strcmp(peers->key, "children") == 0;
    static const char *const words[] = { "discover" };
    int r;

    if (!api) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    if (hf_closest_word(item, words, 1)) {
        return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                              "'%s' is not an address; did you mean 'discover'?", item);
    }
    if (is_unix(item) || (slash && is_unix(slash + 1))) {
        return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                              "'%s' is a unix socket, where no node can be; write %s", item,
                              peers->form);
    }
    if (two != (slash != NULL)) {
        return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                              "'%s': expected %s, or 'discover'", item, peers->form);
    }
    r = check_dial(peers, item, api, "api", err);
    return r < 0 || !slash || !two ? r : check_dial(peers, item, slash + 1, "proxy", err);
}

static int
check_twice(const struct peers *peers, size_t i, struct hf_err *err)
{
    const char *item = hf_options_item(peers->options, peers->key, i);
    size_t len = hf_selector_is_word(item) && strchr(item, '=') ? strcspn(item, "=") + 1
                                                                : strcspn(item, "/") + 1;

    for (size_t j = 0; j < i; j++) {
        const char *other = hf_options_item(peers->options, peers->key, j);

        if (strncmp(item, other, len) == 0) {
            return hf_node_refuse(peers->config, peers->section, peers->key, item, err,
                                  strchr(item, '=')
                                      ? "'%s' and '%s': nobody meets both, and all must be met; "
                                        "write one of them"
                                      : "'%s' and '%s' are the same; name each once",
                                  other, item);
        }
    }
    return 0;
}

static int
check_role_word(const struct peers *peers, const char *role, struct hf_err *err)
{
    bool leaf = strcmp(peers->section, "leaf") == 0;

    if (leaf ? strcmp(role, "worker") != 0 : strcmp(role, "leaf") != 0 && strcmp(role, "lb") != 0) {
        return hf_node_refuse(peers->config, peers->section, peers->key, NULL, err,
                              "role=%s: nodes with that role cannot be %s; write %s", role,
                              peers->key, leaf ? "discover alone" : "role=leaf or role=lb");
    }
    return 0;
}

static int
check_peers(const struct peers *peers, const char *role, struct hf_err *err)
{
    struct hf_selector selector;
    const char *item;
    int r;

    for (size_t i = 0; (item = hf_options_item(peers->options, peers->key, i)); i++) {
        r = hf_selector_is_word(item) ? 0 : check_peer(peers, item, err);
        r = r < 0 ? r : check_twice(peers, i, err);
        if (r < 0) {
            return r;
        }
    }
    r = hf_selector_read(peers->options, peers->key, role, &selector, err);
    if (r < 0) {
        return hf_node_wrap_value(peers->config, peers->section, peers->key, NULL, r, err);
    }
    return check_role_word(peers, selector.role, err);
}

/* --- what instances dial ------------------------------------------------------------------------
 */

static int
check_controller(const struct hf_config *config, const struct hf_options *worker,
                 struct hf_err *err)
{
    const char *text = hf_options_str(worker, "controller_address");
    struct hf_address address;

    if (text && hf_address_parse(text, &address, NULL) == 0 &&
        (hf_address_port(&address) == 0 || is_any(&address))) {
        return hf_node_refuse(config, "worker", "controller_address", NULL, err,
                              "no instance can reach '%s'; write the address that it has for "
                              "instances",
                              text);
    }
    return 0;
}

int
hf_node_check_addresses(const struct hf_config *config, const struct hf_node_config *checked,
                        struct hf_err *err)
{
    struct hf_address bound[LISTENS] = { { .len = 0 } };
    const struct hf_options *leaf = hf_node_config_options(checked, "leaf");
    const struct hf_options *lb = hf_node_config_options(checked, "lb");
    const struct peers workers = { config, leaf, bound, "leaf", "workers", "HOST:PORT" };
    const struct peers children = {
        config, lb, bound, "lb", "children", "API-ADDRESS/PROXY-ADDRESS"
    };
    int r = read_listens(config, checked, bound, err);

    if (r == 0 && hf_node_config_has_role(checked, "leaf")) {
        r = check_peers(&workers, "worker", err);
    }
    if (r == 0 && hf_node_config_has_role(checked, "lb")) {
        r = check_peers(&children, "leaf", err);
    }
    if (r == 0 && hf_node_config_has_role(checked, "worker")) {
        r = check_controller(config, hf_node_config_options(checked, "worker"), err);
    }
    return r;
}
