/*
 * node_document.c - JSON of a node, by json-c.
 */
#include "node/node_document.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/text.h"
#include "node/json_read.h"

#define DOCUMENT_MAX ((size_t)64 * 1024)

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
    hf_arena_init(&document->texts, NULL);
}

void
hf_node_document_fini(struct hf_node_document *document)
{
    hf_arena_fini(&document->texts);
}

/* --- reading ------------------------------------------------------------------------------- */

static int
bad_value(struct hf_err *err, const char *field, json_object *value, const char *expected)
{
    return hf_fail(err, HF_EINVALID, "field %s: found %.100s, expected %s", field,
                   json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), expected);
}

/* A member by either spelling; NULL: it is not there, or null. */
static json_object *
member(json_object *object, const char *name, const char *proto_name)
{
    json_object *value = NULL;

    if (!json_object_object_get_ex(object, name, &value)) {
        json_object_object_get_ex(object, proto_name, &value);
    }
    return value;
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

/* Takes a text; one that is absent leaves `*ret` alone. */
static int
take_text(struct hf_node_document *document, const char *field, json_object *value,
          const char **ret, struct hf_err *err)
{
    const char *text;

    if (!value) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_string)) {
        return bad_value(err, field, value, "a string");
    }
    if (!is_showable(json_object_get_string(value), (size_t)json_object_get_string_len(value))) {
        return hf_fail(err, HF_EINVALID,
                       "field %s: expected at most %zu bytes without control characters", field,
                       TEXT_MAX);
    }
    text = hf_arena_strdup(&document->texts, json_object_get_string(value));
    if (!text) {
        return hf_fail(err, HF_ENOMEM, "field %s: out of memory", field);
    }
    *ret = text;
    return 0;
}

/* The same for an unsigned integer, as a number or a string. */
static int
take_number(const char *field, json_object *value, uint64_t max, uint64_t *ret, struct hf_err *err)
{
    uint64_t number;
    const char *text;
    char *end;

    if (!value) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_string)) {
        return bad_value(err, field, value, "an integer");
    }
    text = json_object_get_string(value);
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || *text < '0' || *text > '9' || number > max) {
        return bad_value(err, field, value, "an integer that fits");
    }
    *ret = number;
    return 0;
}

/* Checks that a member, if it is there, is of a type; returns how many elements it has, at most
 * `max`. */
static int
count_of(const char *field, json_object *value, size_t max, size_t *ret, struct hf_err *err)
{
    *ret = 0;
    if (!value) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_array)) {
        return bad_value(err, field, value, "a list");
    }
    *ret = hf_min(json_object_array_length(value), max);
    return 0;
}

static int
take_roles(struct hf_node_document *document, json_object *value, struct hf_err *err)
{
    size_t count;
    int r = count_of("roles", value, HF_NODE_ROLE_NAMES_MAX, &count, err);

    for (size_t i = 0; i < count && r == 0; i++) {
        document->roles[i] = "";
        r = take_text(document, "roles", json_object_array_get_idx(value, i), &document->roles[i],
                      err);
        document->role_count = i + 1;
    }
    return r;
}

static int
take_addresses(struct hf_node_document *document, json_object *value, struct hf_err *err)
{
    size_t count;
    int r = count_of("addresses", value, HF_NODE_ADDRESSES_MAX, &count, err);

    for (size_t i = 0; i < count && r == 0; i++) {
        json_object *element = json_object_array_get_idx(value, i);
        struct hf_node_address *address = &document->addresses[i];

        *address = (struct hf_node_address){ "", "", "" };
        document->address_count = i + 1;
        if (!json_object_is_type(element, json_type_object)) {
            return bad_value(err, "addresses", element, "an object");
        }
        if ((r = take_text(document, "addresses.role", member(element, "role", "role"),
                           &address->role, err)) == 0 &&
            (r = take_text(document, "addresses.service", member(element, "service", "service"),
                           &address->service, err)) == 0) {
            r = take_text(document, "addresses.address", member(element, "address", "address"),
                          &address->address, err);
        }
    }
    return r;
}

static int
take_labels(struct hf_node_document *document, json_object *value, struct hf_err *err)
{
    if (!value) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_object)) {
        return bad_value(err, "labels", value, "an object");
    }
    json_object_object_foreach(value, key, text)
    {
        struct hf_node_label *label = &document->labels[document->label_count];
        int r;

        if (document->label_count == HF_NODE_LABELS_MAX) {
            return 0;
        }
        if (!is_showable(key, strlen(key))) {
            return hf_fail(err, HF_EINVALID,
                           "field labels: expected keys of at most %zu bytes without control "
                           "characters",
                           TEXT_MAX);
        }
        *label = (struct hf_node_label){ hf_arena_strdup(&document->texts, key), "" };
        r = label->key ? take_text(document, "labels", text, &label->value, err)
                       : hf_fail(err, HF_ENOMEM, "field labels: out of memory");
        if (r < 0) {
            return r;
        }
        document->label_count++;
    }
    return 0;
}

static int
take_capacity(struct hf_node_document *document, json_object *value, struct hf_err *err)
{
    struct hf_node_capacity *capacity = &document->capacity;
    uint64_t max_instances = 0;
    int r;

    if (!value) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_object)) {
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
take_document(struct hf_node_document *document, json_object *root, struct hf_err *err)
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

    if (!json_object_is_type(root, json_type_object)) {
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
    json_object *root = NULL;
    int r;

    if (len > DOCUMENT_MAX) {
        return hf_fail(err, HF_EINVALID, "the document has %zu bytes, more than %zu", len,
                       DOCUMENT_MAX);
    }
    r = hf_json_read(json, len, &root, err);
    if (r < 0) {
        return r;
    }
    r = take_document(ret, root, err);
    json_object_put(root);
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
