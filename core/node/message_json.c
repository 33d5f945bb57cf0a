/*
 * message_json.c - proto3 JSON by the descriptors of protobuf-c.
 */
#include "node/message_json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/macros.h"
#include "base/text.h"
#include "base/time_text.h"
#include "google/protobuf/timestamp.pb-c.h"

/* Room for the name of a field, and for the path of one in an error. */
#define NAME_SIZE 64
#define PATH_SIZE 256

/* --- descriptors --------------------------------------------------------------------------- */

/* "some_name" as "someName". */
static void
json_name(const ProtobufCFieldDescriptor *field, char ret[static NAME_SIZE])
{
    size_t len = 0;

    hf_assert(strlen(field->name) < NAME_SIZE);
    for (const char *c = field->name; *c; c++) {
        if (*c != '_') {
            ret[len++] = (char)(c > field->name && c[-1] == '_' ? toupper((unsigned char)*c) : *c);
        }
    }
    ret[len] = '\0';
}

/* protobuf-c does not say of a message that it is the entry of a map; its definition does, by its
 * name and its fields. */
static bool
is_map(const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t len;

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    len = strlen(entry->short_name);
    return len > 5 && strcmp(entry->short_name + len - 5, "Entry") == 0 && entry->n_fields == 2 &&
           strcmp(entry->fields[0].name, "key") == 0 && strcmp(entry->fields[1].name, "value") == 0;
}

static void *
place_of(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    return (char *)(uintptr_t)message + field->offset;
}

static size_t *
count_of(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    return (size_t *)((uintptr_t)message + field->quantifier_offset);
}

/* --- reading ------------------------------------------------------------------------------- */

struct reading {
    const struct hf_message_rules *rules;
    struct hf_arena *arena;
    struct hf_err *err;
};

static int read_message(struct reading *reading, const ProtobufCMessageDescriptor *type,
                        const char *path, struct hf_json_span value, ProtobufCMessage **ret);

static int
bad_value(struct reading *reading, const char *path, struct hf_json_span value,
          const char *expected)
{
    return hf_fail(reading->err, HF_EINVALID, "field %s: found %.*s, expected %s", path,
                   (int)hf_min(value.len, (size_t)100), value.text, expected);
}

static int
no_memory(struct reading *reading, const char *path)
{
    return hf_fail(reading->err, HF_ENOMEM, "field %s: out of memory", path);
}

static uint64_t
most_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
        return INT32_MAX;
    case PROTOBUF_C_TYPE_UINT32:
        return UINT32_MAX;
    case PROTOBUF_C_TYPE_INT64:
        return INT64_MAX;
    default:
        return UINT64_MAX;
    }
}

static int
read_integer(struct reading *reading, ProtobufCType type, const char *path,
             struct hf_json_span value, void *ret)
{
    bool is_long = type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64;
    uint64_t most = most_of(type);
    struct hf_json_integer number;

    if (!hf_json_integer(value, &number) || (is_long && number.size > most)) {
        return bad_value(reading, path, value, "an integer");
    }
    if ((number.negative && number.size > 0) || number.size > most) {
        return hf_fail(reading->err, HF_EINVALID,
                       "field %s: %s%" PRIu64 " is not between 0 and %" PRIu64, path,
                       number.negative ? "-" : "", number.size, most);
    }
    if (is_long) {
        *(uint64_t *)ret = number.size;
    } else {
        *(uint32_t *)ret = (uint32_t)number.size;
    }
    return 0;
}

bool
hf_message_is_showable(const struct hf_message_rules *rules, const char *text, size_t len)
{
    for (size_t i = 0; rules->text_max > 0 && i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return rules->text_max == 0 || len <= rules->text_max;
}

static int
read_text(struct reading *reading, const char *path, struct hf_json_span value, char **ret)
{
    size_t len;
    char *text;

    if (hf_json_type(value) != HF_JSON_STRING) {
        return bad_value(reading, path, value, "a string");
    }
    text = hf_arena_alloc(reading->arena, value.len);
    if (!text) {
        return no_memory(reading, path);
    }
    len = hf_json_text(value, text);
    if (!hf_message_is_showable(reading->rules, text, len)) {
        return hf_fail(reading->err, HF_EINVALID,
                       "field %s: expected at most %zu bytes without control characters", path,
                       reading->rules->text_max);
    }
    if (strlen(text) != len) {
        return hf_fail(reading->err, HF_EINVALID, "field %s: the string has a NUL character", path);
    }
    *ret = text;
    return 0;
}

static int
read_time(struct reading *reading, const char *path, struct hf_json_span value,
          ProtobufCMessage *message)
{
    Google__Protobuf__Timestamp *timestamp = (Google__Protobuf__Timestamp *)message;
    struct hf_time time = { 0 };
    char *text;
    int r = read_text(reading, path, value, &text);

    if (r == 0 && !hf_timestamp_parse(text, &time)) {
        r = bad_value(reading, path, value, "a time such as \"2024-02-29T12:00:00Z\"");
    }
    timestamp->seconds = time.seconds;
    timestamp->nanos = time.nanos;
    return r;
}

static int
read_value(struct reading *reading, const ProtobufCFieldDescriptor *field, const char *path,
           struct hf_json_span value, void *ret)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return read_text(reading, path, value, ret);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(reading, field->descriptor, path, value, ret);
    default:
        return read_integer(reading, field->type, path, value, ret);
    }
}

/* An entry of a map of texts. */
static int
read_entry(struct reading *reading, const ProtobufCFieldDescriptor *field, const char *path,
           struct hf_json_span name, struct hf_json_span value, ProtobufCMessage **ret)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    ProtobufCMessage *entry = hf_arena_alloc(reading->arena, type->sizeof_message);
    int r;

    if (!entry) {
        return no_memory(reading, path);
    }
    protobuf_c_message_init(type, entry);
    r = read_value(reading, &type->fields[0], path, name, place_of(&type->fields[0], entry));
    if (r == 0 && hf_json_type(value) != HF_JSON_NULL) {
        r = read_value(reading, &type->fields[1], path, value, place_of(&type->fields[1], entry));
    }
    *ret = entry;
    return r;
}

/* A list, of texts or messages, or a map. */
static int
read_list(struct reading *reading, const ProtobufCFieldDescriptor *field, const char *path,
          struct hf_json_span value, ProtobufCMessage *message)
{
    bool map = is_map(field);
    struct hf_json_cursor cursor;
    struct hf_json_span name = { NULL, 0 };
    struct hf_json_span item;
    size_t count = 0;
    void **items;
    int r = 0;

    if (hf_json_type(value) != (map ? HF_JSON_OBJECT : HF_JSON_ARRAY)) {
        return bad_value(reading, path, value, map ? "an object" : "a list");
    }
    hf_json_begin(&cursor, value);
    while (hf_json_next(&cursor, &name, &item)) {
        count++;
    }
    items = hf_arena_calloc(reading->arena, count, sizeof *items);
    if (!items) {
        return no_memory(reading, path);
    }
    hf_json_begin(&cursor, value);
    for (size_t i = 0; r == 0 && hf_json_next(&cursor, &name, &item); i++) {
        r = map ? read_entry(reading, field, path, name, item, (ProtobufCMessage **)&items[i])
                : read_value(reading, field, path, item, &items[i]);
    }
    *(void ***)place_of(field, message) = items;
    *count_of(field, message) = count;
    return r;
}

static const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *type, struct hf_json_span name)
{
    char json[NAME_SIZE];

    for (unsigned int i = 0; i < type->n_fields; i++) {
        json_name(&type->fields[i], json);
        if (hf_json_is(name, json) || hf_json_is(name, type->fields[i].name)) {
            return &type->fields[i];
        }
    }
    return NULL;
}

static int
unknown_field(struct reading *reading, const char *path, const ProtobufCMessageDescriptor *type)
{
    hf_autotext struct hf_text known;
    char name[NAME_SIZE];

    hf_text_init(&known);
    for (unsigned int i = 0; i < type->n_fields; i++) {
        json_name(&type->fields[i], name);
        hf_text_printf(&known, "%s%s", i > 0 ? ", " : "", name);
    }
    return hf_fail(reading->err, HF_EINVALID, "unknown field %s; there are: %s", path,
                   hf_text_str(&known));
}

/* Reads a member of a message; `*seen` has a bit for each field that was there before. */
static int
read_member(struct reading *reading, const char *path, struct hf_json_span name,
            struct hf_json_span value, uint64_t *seen, ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const ProtobufCFieldDescriptor *field = find_field(type, name);
    char inner[PATH_SIZE];
    char json[NAME_SIZE];
    uint64_t bit;

    snprintf(inner, sizeof inner, "%s%s%.*s", path, *path ? "." : "",
             (int)hf_min(name.len - 2, (size_t)100), name.text + 1);
    if (!field) {
        return reading->rules->extensible ? 0 : unknown_field(reading, inner, type);
    }
    bit = UINT64_C(1) << (field - type->fields);
    if (*seen & bit) {
        json_name(field, json);
        return hf_fail(reading->err, HF_EINVALID, "field %s is there twice: as %s and as %s", inner,
                       json, field->name);
    }
    *seen |= bit;
    if (hf_json_type(value) == HF_JSON_NULL) { /* means the default */
        return 0;
    }
    return field->label == PROTOBUF_C_LABEL_REPEATED
               ? read_list(reading, field, inner, value, message)
               : read_value(reading, field, inner, value, place_of(field, message));
}

static int
read_message(struct reading *reading, const ProtobufCMessageDescriptor *type, const char *path,
             struct hf_json_span value, ProtobufCMessage **ret)
{
    ProtobufCMessage *message = hf_arena_alloc(reading->arena, type->sizeof_message);
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span member;
    uint64_t seen = 0;
    int r = 0;

    if (!message) {
        return no_memory(reading, path);
    }
    protobuf_c_message_init(type, message);
    *ret = message;
    if (type == &google__protobuf__timestamp__descriptor) {
        return read_time(reading, path, value, message);
    }
    if (hf_json_type(value) != HF_JSON_OBJECT) {
        return bad_value(reading, *path ? path : "(the document)", value, "an object");
    }
    hf_json_begin(&cursor, value);
    while (r == 0 && hf_json_next(&cursor, &name, &member)) {
        r = read_member(reading, path, name, member, &seen, message);
    }
    return r;
}

int
hf_message_read(const ProtobufCMessageDescriptor *type, const struct hf_message_rules *rules,
                const char *json, size_t len, struct hf_arena *arena, ProtobufCMessage **ret,
                struct hf_err *err)
{
    struct reading reading = { rules, arena, err };
    struct hf_json_span root;
    int r;

    hf_assert(type->n_fields <= 64);
    if (len > HF_STORE_DOCUMENT_MAX) {
        return hf_fail(err, HF_EINVALID, "the document has %zu bytes, more than %u", len,
                       HF_STORE_DOCUMENT_MAX);
    }
    r = hf_json_open(json, len, &root, err);
    return r < 0 ? r : read_message(&reading, type, "", root, ret);
}

/* --- writing ------------------------------------------------------------------------------- */

static void
write_long(struct hf_json *json, const char *key, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, value);
    hf_json_str(json, key, digits);
}

static void
write_time(struct hf_json *json, const char *key, const ProtobufCMessage *message)
{
    const Google__Protobuf__Timestamp *timestamp = (const Google__Protobuf__Timestamp *)message;
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    hf_timestamp_format(&(struct hf_time){ timestamp->seconds, timestamp->nanos }, &text);
    hf_json_str(json, key, hf_text_str(&text));
}

static void
write_value(struct hf_json *json, const char *key, const ProtobufCFieldDescriptor *field,
            const void *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        hf_json_str(json, key, *(char *const *)value);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        hf_message_write(json, key, *(ProtobufCMessage *const *)value);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
        hf_json_u64(json, key, *(const uint32_t *)value);
        break;
    default:
        write_long(json, key, *(const uint64_t *)value);
    }
}

static void
write_list(struct hf_json *json, const char *key, const ProtobufCFieldDescriptor *field,
           const ProtobufCMessage *message)
{
    void *const *items = *(void ***)place_of(field, message);
    size_t count = *count_of(field, message);
    const ProtobufCMessageDescriptor *entry = field->descriptor;

    if (!is_map(field)) {
        hf_json_array(json, key);
        for (size_t i = 0; i < count; i++) {
            write_value(json, NULL, field, &items[i]);
        }
    } else {
        hf_json_object(json, key);
        for (size_t i = 0; i < count; i++) {
            write_value(json, *(char **)place_of(&entry->fields[0], items[i]), &entry->fields[1],
                        place_of(&entry->fields[1], items[i]));
        }
    }
    hf_json_end(json);
}

static bool
is_default(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *value = place_of(field, message);

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *count_of(field, message) == 0;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return **(char *const *)value == '\0';
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)value == NULL;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)value == 0;
    default:
        return *(const uint64_t *)value == 0;
    }
}

static void
write_field(struct hf_json *json, const ProtobufCMessage *message,
            const ProtobufCFieldDescriptor *field)
{
    char name[NAME_SIZE];

    json_name(field, name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        write_list(json, name, field, message);
    } else {
        write_value(json, name, field, place_of(field, message));
    }
}

void
hf_message_write(struct hf_json *json, const char *key, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    if (type == &google__protobuf__timestamp__descriptor) {
        write_time(json, key, message);
        return;
    }
    hf_json_object(json, key);
    for (unsigned int i = 0; i < type->n_fields; i++) {
        if (!is_default(message, &type->fields[i])) {
            write_field(json, message, &type->fields[i]);
        }
    }
    hf_json_end(json);
}

static const ProtobufCFieldDescriptor *
field_named(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    hf_assert(field);
    return field;
}

void
hf_message_write_field(struct hf_json *json, const ProtobufCMessage *message, const char *field)
{
    write_field(json, message, field_named(message, field));
}

bool
hf_message_is_default(const ProtobufCMessage *message, const char *field)
{
    return is_default(message, field_named(message, field));
}
