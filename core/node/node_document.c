/*
 * node_document.c - the JSON of a node.
 */
#include "node/node_document.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/macros.h"
#include "node/message_json.h"

void
hf_node_document_init(struct hf_node_document *document)
{
    hyperfaas__v1__info_response__init(&document->info);
    hf_arena_init(&document->arena);
}

void
hf_node_document_fini(struct hf_node_document *document)
{
    hf_arena_fini(&document->arena);
}

int
hf_node_document_parse(const char *id, const char *json, size_t len, struct hf_node_document *ret,
                       struct hf_err *err)
{
    /* Host names, zones and labels are far shorter; other nodes are not ours to vouch for. */
    static const struct hf_message_rules rules = { .extensible = true, .text_max = 512 };
    ProtobufCMessage *message;
    int r;

    if (!hf_message_is_showable(&rules, id, strlen(id))) {
        return hf_fail(err, HF_EINVALID, "the id has more than %zu bytes or a control character",
                       rules.text_max);
    }
    r = hf_message_read(&hyperfaas__v1__info_response__descriptor, &rules, json, len, &ret->arena,
                        &message, err);
    if (r < 0) {
        return r;
    }
    ret->info = *(Hyperfaas__V1__InfoResponse *)message;
    ret->info.node_id = hf_arena_strdup(&ret->arena, id); /* the store's word for it counts */
    return ret->info.node_id ? 0 : hf_fail(err, HF_ENOMEM, "out of memory");
}

void
hf_node_document_format(const struct hf_node_document *document, struct hf_text *out)
{
    static const char *const fields[] = { "node_id", "version",   "boot_id", "started", "zone",
                                          "roles",   "addresses", "labels",  "capacity" };
    struct hf_json json;

    hf_json_init(&json, out);
    hf_json_object(&json, NULL);
    for (size_t i = 0; i < hf_countof(fields); i++) {
        if (!hf_message_is_default(&document->info.base, fields[i])) {
            hf_message_write_field(&json, &document->info.base, fields[i]);
        }
    }
    hf_json_end(&json);
}

/* --- questions ----------------------------------------------------------------------------- */

bool
hf_node_document_has_role(const struct hf_node_document *document, const char *role)
{
    for (size_t i = 0; i < document->info.n_roles; i++) {
        if (strcmp(document->info.roles[i], role) == 0) {
            return true;
        }
    }
    return false;
}

const char *
hf_node_document_address(const struct hf_node_document *document, const char *role,
                         const char *service)
{
    for (size_t i = 0; i < document->info.n_addresses; i++) {
        const Hyperfaas__V1__Address *address = document->info.addresses[i];

        if (strcmp(address->role, role) == 0 && strcmp(address->service, service) == 0) {
            return address->address;
        }
    }
    return NULL;
}

const char *
hf_node_document_label(const struct hf_node_document *document, const char *key, size_t key_len)
{
    for (size_t i = 0; i < document->info.n_labels; i++) {
        if (strncmp(document->info.labels[i]->key, key, key_len) == 0 &&
            document->info.labels[i]->key[key_len] == '\0') {
            return document->info.labels[i]->value;
        }
    }
    return NULL;
}
