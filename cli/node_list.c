/*
 * node_list.c - finds nodes and asks who they are.
 */
#include "node_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/text.h"
#include "cli.h"
#include "grpc/client.h"
#include "grpc/message.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "node/selector.h"
#include "store.h"

/* How long a node may take to say who it is. */
#define INFO_NS (2 * HF_SEC)

/* --- the list ------------------------------------------------------------------------------ */

static void
node_free(struct cli_node *node)
{
    hf_list_remove(&node->link);
    hf_grpc_client_free(node->client);
    hf_node_document_fini(&node->document);
    free(node->api);
    free(node->why);
    free(node);
}

static struct cli_node *
node_new(struct cli_node_list *list)
{
    struct cli_node *node = calloc(1, sizeof *node);

    if (node) {
        hf_node_document_init(&node->document);
        hf_list_append(&list->nodes, &node->link);
    }
    return node;
}

void
cli_node_list_fini(struct cli_node_list *list)
{
    while (!hf_list_is_empty(&list->nodes)) {
        node_free(hf_container_of(list->nodes.next, struct cli_node, link));
    }
    hf_loop_free(list->loop);
}

/* --- from the store ------------------------------------------------------------------------ */

/* What the store is read into. */
struct reading {
    struct cli *cli;
    struct cli_node_list *list;
};

static const char *
first_api(const struct hf_node_document *document)
{
    for (size_t i = 0; i < document->info.n_addresses; i++) {
        if (strcmp(document->info.addresses[i]->service, "api") == 0) {
            return document->info.addresses[i]->address;
        }
    }
    return "";
}

static void
on_document(void *arg, const char *id, const struct hf_document *document, const char *message)
{
    struct reading *reading = arg;
    struct cli_node *node = document ? node_new(reading->list) : NULL;
    struct hf_err err = HF_ERR_INIT;

    if (!node) {
        hf_fail(&err, HF_EINVALID, "node '%s': %s", id, document ? "no memory" : message);
    } else if (hf_node_document_parse(id, document->data, document->len, &node->document, &err) <
               0) {
        hf_err_wrap(&err, hf_err_code(&err), "node '%s'", id);
        node_free(node);
    } else {
        node->registered = true;
        node->api = strdup(first_api(&node->document));
        return;
    }
    cli_complain(reading->cli, &err);
    reading->list->complete = false;
}

static int
read_store(struct cli *cli, struct cli_node_list *list)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct reading reading = { cli, list };
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (!cli_store_is_there(cli)) {
        return 0; /* the configuration may know some */
    }
    r = cli_store_open(cli, &store, &err);
    if (r == 0) {
        r = cli_store_list(store, HF_STORE_NODES, on_document, &reading, &err);
    }
    if (r < 0) { /* the configuration may still know some */
        cli_complain(cli, &err);
        list->complete = false;
    }
    return r;
}

/* --- from the configuration ---------------------------------------------------------------- */

static bool
is_listed(const struct cli_node_list *list, const char *api)
{
    const struct cli_node *node;

    HF_LIST_FOR (node, &list->nodes, link) {
        if (node->api && strcmp(node->api, api) == 0) {
            return true;
        }
    }
    return false;
}

static void
add_address(struct cli_node_list *list, const char *api)
{
    struct cli_node *node = !api || is_listed(list, api) ? NULL : node_new(list);

    if (node) {
        node->api = strdup(api);
    }
}

/* Adds the addresses of a list option; of "API/PROXY" the first. */
static void
add_list(struct cli_node_list *list, const struct hf_config_section *section, const char *key)
{
    const struct hf_config_value *value;

    HF_LIST_FOR (value, &section->values, node) {
        hf_autofree char *words = strcmp(value->key, key) == 0 ? strdup(value->text) : NULL;
        char *save = NULL;

        for (char *word = words ? strtok_r(words, ", \t", &save) : NULL; word;
             word = strtok_r(NULL, ", \t", &save)) {
            if (!hf_selector_is_word(word)) {
                word[strcspn(word, "/")] = '\0';
                add_address(list, word);
            }
        }
    }
}

static void
read_config(struct cli *cli, struct cli_node_list *list)
{
    static const struct {
        const char *section;
        const char *peers; /* the key of those below; NULL: there are none */
    } roles[] = { { "lb", "children" }, { "leaf", "workers" }, { "worker", NULL } };

    for (size_t i = 0; i < hf_countof(roles); i++) {
        const struct hf_config_section *section = hf_config_section(cli->config, roles[i].section);

        if (section) {
            add_address(list, cli_setting(cli, roles[i].section, "api"));
        }
        if (section && roles[i].peers) {
            add_list(list, section, roles[i].peers);
        }
    }
}

/* --- asking -------------------------------------------------------------------------------- */

/* Takes over what a node says that only the configuration named. */
static void
take_info(struct cli_node *node, const Hyperfaas__V1__InfoResponse *info)
{
    size_t len = protobuf_c_message_get_packed_size(&info->base);
    uint8_t *bytes = hf_arena_alloc(&node->document.arena, len);
    const struct hf_grpc_message message = { .data = bytes, .len = len };
    const Hyperfaas__V1__InfoResponse *copy = NULL;

    if (bytes) {
        protobuf_c_message_pack(&info->base, bytes);
        copy = hf_grpc_unpack(info->base.descriptor, &node->document.arena, &message);
    }
    if (copy) {
        node->document.info = *copy;
    }
}

static void
on_info(void *arg, const struct hf_grpc_result *result)
{
    struct cli_node *node = arg;
    const Hyperfaas__V1__InfoResponse *info = result->response;

    node->asked = true;
    node->foreign = result->code == HF_GRPC_UNIMPLEMENTED;
    node->reachable = node->foreign || result->code == HF_GRPC_OK;
    if (!node->reachable) {
        node->why = strdup(result->message);
    } else if (!node->foreign) {
        node->draining = info->draining;
        node->started_ns = info->started ? (uint64_t)info->started->seconds * HF_SEC : 0;
        if (!node->registered) {
            take_info(node, info);
        }
    }
}

static int
ask(struct cli_node_list *list, struct cli_node *node, uint64_t timeout_ns, struct hf_err *err)
{
    Hyperfaas__V1__InfoRequest message = HYPERFAAS__V1__INFO_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Info",
        .message = &message.base,
        .response = &hyperfaas__v1__info_response__descriptor,
        .timeout_ns = timeout_ns,
    };
    int r = hf_grpc_client_new(list->loop, node->api ? node->api : "", NULL, &node->client, err);

    return r < 0 ? r : hf_grpc_client_unary(node->client, &request, on_info, node, NULL);
}

static bool
are_asked(void *arg)
{
    const struct cli_node_list *list = arg;
    const struct cli_node *node;

    HF_LIST_FOR (node, &list->nodes, link) {
        if (!node->asked) {
            return false;
        }
    }
    return true;
}

/* Of a node that is listed by its id and once more by another of its addresses, one goes. */
static void
remove_twins(struct cli_node_list *list)
{
    struct cli_node *node;
    struct cli_node *next;
    const struct cli_node *other;

    HF_LIST_FOR_SAFE (node, next, &list->nodes, link) {
        HF_LIST_FOR (other, &list->nodes, link) {
            if (other == node) {
                break;
            }
            if (*node->document.info.node_id &&
                strcmp(node->document.info.node_id, other->document.info.node_id) == 0) {
                node_free(node);
                break;
            }
        }
    }
}

int
cli_node_list(struct cli *cli, struct cli_node_list *ret, struct hf_err *err)
{
    uint64_t timeout_ns = hf_min(cli->timeout_ns, INFO_NS);
    struct cli_node *node;
    int r = hf_loop_new("nodes", &ret->loop, err);

    if (r < 0) {
        return r;
    }
    ret->complete = true;
    read_store(cli, ret);
    read_config(cli, ret);
    HF_LIST_FOR (node, &ret->nodes, link) {
        struct hf_err why = HF_ERR_INIT;

        if (ask(ret, node, timeout_ns, &why) < 0) {
            node->asked = true;
            node->why = strdup(hf_err_message(&why));
        }
    }
    hf_loop_run_until(ret->loop, are_asked, ret, timeout_ns + HF_SEC);
    remove_twins(ret);
    return 0;
}
