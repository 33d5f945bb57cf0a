/*
 * node_document.c - JSON of a node.
 */
#include "node/node_document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/macros.h"
#include "base/text.h"

/* Longest text in one: host names, zones and labels are far shorter. */
#define TEXT_MAX ((size_t)512)

void
hf_node_document_init(struct hf_node_document *document)
{
    *document = (struct hf_node_document){
        .id = "",
        .version = "",
        .boot_id = "",
        .started = "",
        .zone = "",
    };
    hf_arena_init(&document->texts);
}

void
hf_node_document_fini(struct hf_node_document *document)
{
    hf_arena_fini(&document->texts);
}

/* --- reading ------------------------------------------------------------------------------- */

static int
bad_value(struct hf_err *err, const char *field, struct hf_json_span value, const char *expected)
{
    return hf_fail(err, HF_EINVALID, "field %s: found %.*s, expected %s", field,
                   (int)hf_min(value.len, (size_t)100), value.text, expected);
}

/* A member by either spelling; one without text: it is not there, or null. */
static struct hf_json_span
member(struct hf_json_span object, const char *name, const char *proto_name)
{
    struct hf_json_cursor cursor;
    struct hf_json_span found;
    struct hf_json_span value;

    hf_json_begin(&cursor, object);
    while (hf_json_next(&cursor, &found, &value)) {
        if (hf_json_is(found, name) || hf_json_is(found, proto_name)) {
            return hf_json_type(value) == HF_JSON_NULL ? (struct hf_json_span){ NULL, 0 } : value;
        }
    }
    return (struct hf_json_span){ NULL, 0 };
}

/* Whether a text of another node can be kept and shown: other nodes are not ours to vouch for. */
static bool
is_showable(const char *text, size_t len)
{
    if (len > TEXT_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Copies what a string spells. */
static int
copy_text(struct hf_node_document *document, const char *field, struct hf_json_span string,
          const char **ret, struct hf_err *err)
{
    char *text = hf_arena_alloc(&document->texts, string.len);

    if (!text) {
        return hf_fail(err, HF_ENOMEM, "field %s: out of memory", field);
    }
    if (!is_showable(text, hf_json_text(string, text))) {
        return hf_fail(err, HF_EINVALID,
                       "field %s: expected at most %zu bytes without control characters", field,
                       TEXT_MAX);
    }
    *ret = text;
    return 0;
}

/* Takes a text; one that is absent leaves `*ret` alone. */
static int
take_text(struct hf_node_document *document, const char *field, struct hf_json_span value,
          const char **ret, struct hf_err *err)
{
    if (!value.text) {
        return 0;
    }
    if (hf_json_type(value) != HF_JSON_STRING) {
        return bad_value(err, field, value, "a string");
    }
    return copy_text(document, field, value, ret, err);
}

/* The same for an unsigned integer, as a number or a string. */
static int
take_number(const char *field, struct hf_json_span value, uint64_t max, uint64_t *ret,
            struct hf_err *err)
{
    struct hf_json_integer number;

    if (!value.text) {
        return 0;
    }
    if (!hf_json_integer(value, &number) || (number.negative && number.size > 0) ||
        number.size > max) {
        return bad_value(err, field, value, "an integer that fits");
    }
    *ret = number.size;
    return 0;
}

/* Begins with a list; false: there is none, or it is none (`*ret` is then negative). */
static bool
begin_list(const char *field, struct hf_json_span value, struct hf_json_cursor *cursor, int *ret,
           struct hf_err *err)
{
    *ret = 0;
    if (!value.text) {
        return false;
    }
    if (hf_json_type(value) != HF_JSON_ARRAY) {
        *ret = bad_value(err, field, value, "a list");
        return false;
    }
    hf_json_begin(cursor, value);
    return true;
}

static int
take_roles(struct hf_node_document *document, struct hf_json_span value, struct hf_err *err)
{
    struct hf_json_cursor cursor;
    struct hf_json_span item;
    int r;

    if (!begin_list("roles", value, &cursor, &r, err)) {
        return r;
    }
    while (r == 0 && document->role_count < HF_NODE_ROLE_NAMES_MAX &&
           hf_json_next(&cursor, NULL, &item)) {
        const char **role = &document->roles[document->role_count++];

        *role = "";
        r = take_text(document, "roles", item, role, err);
    }
    return r;
}

static int
take_address(struct hf_node_document *document, struct hf_json_span value, struct hf_err *err)
{
    struct hf_node_address *address = &document->addresses[document->address_count++];
    int r;

    *address = (struct hf_node_address){ "", "", "" };
    if (hf_json_type(value) != HF_JSON_OBJECT) {
        return bad_value(err, "addresses", value, "an object");
    }
    if ((r = take_text(document, "addresses.role", member(value, "role", "role"), &address->role,
                       err)) < 0 ||
        (r = take_text(document, "addresses.service", member(value, "service", "service"),
                       &address->service, err)) < 0) {
        return r;
    }
    return take_text(document, "addresses.address", member(value, "address", "address"),
                     &address->address, err);
}

static int
take_addresses(struct hf_node_document *document, struct hf_json_span value, struct hf_err *err)
{
    struct hf_json_cursor cursor;
    struct hf_json_span item;
    int r;

    if (!begin_list("addresses", value, &cursor, &r, err)) {
        return r;
    }
    while (r == 0 && document->address_count < HF_NODE_ADDRESSES_MAX &&
           hf_json_next(&cursor, NULL, &item)) {
        r = take_address(document, item, err);
    }
    return r;
}

static int
take_labels(struct hf_node_document *document, struct hf_json_span value, struct hf_err *err)
{
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span text;
    int r = 0;

    if (!value.text) {
        return 0;
    }
    if (hf_json_type(value) != HF_JSON_OBJECT) {
        return bad_value(err, "labels", value, "an object");
    }
    hf_json_begin(&cursor, value);
    while (r == 0 && document->label_count < HF_NODE_LABELS_MAX &&
           hf_json_next(&cursor, &name, &text)) {
        struct hf_node_label *label = &document->labels[document->label_count++];

        *label = (struct hf_node_label){ "", "" };
        r = copy_text(document, "labels", name, &label->key, err);
        if (r == 0 && hf_json_type(text) != HF_JSON_NULL) {
            r = take_text(document, "labels", text, &label->value, err);
        }
    }
    return r;
}

static int
take_capacity(struct hf_node_document *document, struct hf_json_span value, struct hf_err *err)
{
    struct hf_node_capacity *capacity = &document->capacity;
    uint64_t max_instances = 0;
    int r;

    if (!value.text) {
        return 0;
    }
    if (hf_json_type(value) != HF_JSON_OBJECT) {
        return bad_value(err, "capacity", value, "an object");
    }
    r = take_number("capacity.memoryBytes", member(value, "memoryBytes", "memory_bytes"),
                    UINT64_MAX, &capacity->memory_bytes, err);
    if (r == 0) {
        r = take_number("capacity.cpuMillis", member(value, "cpuMillis", "cpu_millis"), UINT64_MAX,
                        &capacity->cpu_millis, err);
    }
    if (r == 0) {
        r = take_number("capacity.maxInstances", member(value, "maxInstances", "max_instances"),
                        UINT32_MAX, &max_instances, err);
    }
    capacity->max_instances = (uint32_t)max_instances;
    return r;
}

static int
take_document(struct hf_node_document *document, struct hf_json_span root, struct hf_err *err)
{
    const struct {
        const char *name;
        const char *proto_name;
        const char **ret;
    } texts[] = {
        { "version", "version", &document->version },
        { "bootId", "boot_id", &document->boot_id },
        { "started", "started", &document->started },
        { "zone", "zone", &document->zone },
    };
    int r = 0;

    if (hf_json_type(root) != HF_JSON_OBJECT) {
        return bad_value(err, "(the document)", root, "an object");
    }
    for (size_t i = 0; i < hf_countof(texts) && r == 0; i++) {
        r = take_text(document, texts[i].name, member(root, texts[i].name, texts[i].proto_name),
                      texts[i].ret, err);
    }
    if (r < 0 || (r = take_roles(document, member(root, "roles", "roles"), err)) < 0 ||
        (r = take_addresses(document, member(root, "addresses", "addresses"), err)) < 0 ||
        (r = take_labels(document, member(root, "labels", "labels"), err)) < 0) {
        return r;
    }
    return take_capacity(document, member(root, "capacity", "capacity"), err);
}

int
hf_node_document_parse(const char *id, const char *json, size_t len, struct hf_node_document *ret,
                       struct hf_err *err)
{
    struct hf_json_span root;
    int r;

    if (len > HF_STORE_DOCUMENT_MAX) {
        return hf_fail(err, HF_EINVALID, "the document has %zu bytes, more than %u", len,
                       HF_STORE_DOCUMENT_MAX);
    }
    r = hf_json_open(json, len, &root, err);
    if (r == 0) {
        r = take_document(ret, root, err);
    }
    if (r < 0) {
        return r;
    }
    if (!is_showable(id, strlen(id))) {
        return hf_fail(err, HF_EINVALID, "the id has more than %zu bytes or a control character",
                       TEXT_MAX);
    }
    ret->id = hf_arena_strdup(&ret->texts, id); /* the store's word for it counts */
    return ret->id ? 0 : hf_fail(err, HF_ENOMEM, "out of memory");
}

/* --- writing ------------------------------------------------------------------------------- */

static void
write_text(struct hf_json *json, const char *key, const char *text)
{
    if (*text) {
        hf_json_str(json, key, text);
    }
}

static void
write_capacity(struct hf_json *json, const struct hf_node_capacity *capacity)
{
    char digits[24];

    if (capacity->memory_bytes == 0 && capacity->cpu_millis == 0 && capacity->max_instances == 0) {
        return;
    }
    hf_json_object(json, "capacity");
    if (capacity->memory_bytes > 0) {
        snprintf(digits, sizeof digits, "%" PRIu64, capacity->memory_bytes);
        hf_json_str(json, "memoryBytes", digits);
    }
    if (capacity->cpu_millis > 0) {
        snprintf(digits, sizeof digits, "%" PRIu64, capacity->cpu_millis);
        hf_json_str(json, "cpuMillis", digits);
    }
    if (capacity->max_instances > 0) {
        hf_json_u64(json, "maxInstances", capacity->max_instances);
    }
    hf_json_end(json);
}

void
hf_node_document_write_places(struct hf_json *json, const struct hf_node_document *document)
{
    hf_json_array(json, "roles");
    for (size_t i = 0; i < document->role_count; i++) {
        hf_json_str(json, NULL, document->roles[i]);
    }
    hf_json_end(json);
    hf_json_array(json, "addresses");
    for (size_t i = 0; i < document->address_count; i++) {
        hf_json_object(json, NULL);
        hf_json_str(json, "role", document->addresses[i].role);
        hf_json_str(json, "service", document->addresses[i].service);
        hf_json_str(json, "address", document->addresses[i].address);
        hf_json_end(json);
    }
    hf_json_end(json);
}

static void
write_lists(struct hf_json *json, const struct hf_node_document *document)
{
    hf_node_document_write_places(json, document);
    if (document->label_count > 0) {
        hf_json_object(json, "labels");
        for (size_t i = 0; i < document->label_count; i++) {
            hf_json_str(json, document->labels[i].key, document->labels[i].value);
        }
        hf_json_end(json);
    }
}

void
hf_node_document_format(const struct hf_node_document *document, struct hf_text *out)
{
    struct hf_json json;

    hf_json_init(&json, out);
    hf_json_object(&json, NULL);
    write_text(&json, "nodeId", document->id);
    write_text(&json, "version", document->version);
    write_text(&json, "bootId", document->boot_id);
    write_text(&json, "started", document->started);
    write_text(&json, "zone", document->zone);
    write_lists(&json, document);
    write_capacity(&json, &document->capacity);
    hf_json_end(&json);
}

/* --- questions ----------------------------------------------------------------------------- */

bool
hf_node_document_has_role(const struct hf_node_document *document, const char *role)
{
    for (size_t i = 0; i < document->role_count; i++) {
        if (strcmp(document->roles[i], role) == 0) {
            return true;
        }
    }
    return false;
}

const char *
hf_node_document_address(const struct hf_node_document *document, const char *role,
                         const char *service)
{
    for (size_t i = 0; i < document->address_count; i++) {
        const struct hf_node_address *address = &document->addresses[i];

        if (strcmp(address->role, role) == 0 && strcmp(address->service, service) == 0) {
            return address->address;
        }
    }
    return NULL;
}

const char *
hf_node_document_label(const struct hf_node_document *document, const char *key, size_t key_len)
{
    for (size_t i = 0; i < document->label_count; i++) {
        if (strncmp(document->labels[i].key, key, key_len) == 0 &&
            document->labels[i].key[key_len] == '\0') {
            return document->labels[i].value;
        }
    }
    return NULL;
}
