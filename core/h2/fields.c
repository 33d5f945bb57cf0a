/*
 * fields.c - blocks of header fields.
 *
 * Received names and values are counted buffers of nghttp2's decoder; a block
 * holds references and drops them when it goes.  What is added lives in the
 * block's text.
 */
#include "h2/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "h2/fields_private.h"
#include "h2/mem.h"

#define FIELDS_MAGIC HF_MAGIC('h', '2', 'f', 'd')

/* Every field costs this on top of its text (RFC 9113 6.5.2). */
#define FIELD_OVERHEAD 32u

/* --- names and tokens ------------------------------------------------------ */

static const struct {
    const char *text;
    uint32_t len;
} names[HF_H2_N_TOKENS] = { [HF_H2_OTHER] = { "", 0 },
#define NAME(id, text) [HF_H2_##id] = { text, sizeof text - 1 },
                            HF_H2_NAMES(NAME)
#undef NAME
};

#define INDEX_SIZE 128u

/* Open addressing; at most a fifth full. */
static uint8_t token_index[INDEX_SIZE];

static uint32_t
name_hash(const char *name, size_t len)
{
    return (uint32_t)(len * 7 + (uint8_t)name[len - 1] * 3u + (uint8_t)name[len / 2]) % INDEX_SIZE;
}

__attribute__((constructor)) static void
fill_token_index(void)
{
    for (uint32_t token = 1; token < HF_H2_N_TOKENS; token++) {
        uint32_t i = name_hash(names[token].text, names[token].len);

        while (token_index[i]) {
            i = (i + 1) % INDEX_SIZE;
        }
        token_index[i] = (uint8_t)token;
    }
}

enum hf_h2_token
hf_h2_token(const char *name, size_t len)
{
    uint32_t i;

    if (len == 0) {
        return HF_H2_OTHER;
    }
    for (i = name_hash(name, len); token_index[i]; i = (i + 1) % INDEX_SIZE) {
        uint8_t token = token_index[i];

        if (names[token].len == len && memcmp(names[token].text, name, len) == 0) {
            return token;
        }
    }
    return HF_H2_OTHER;
}

static bool
is_pseudo(const struct hf_h2_field *field)
{
    return field->name_len > 0 && field->name[0] == ':';
}

/* Worth no place in the compression table: the value never comes again. */
static bool
is_unique(uint8_t token)
{
    return token == HF_H2_GRPC_TIMEOUT || token == HF_H2_TRACEPARENT || token == HF_H2_X_REQUEST_ID;
}

/* --- life ------------------------------------------------------------------ */

struct hf_h2_text {
    struct hf_h2_text *next;
    char text[];
};

struct hf_h2_fields *
hf_h2_fields_new(void)
{
    struct hf_h2_fields *fields = hf_h2_mem_alloc(sizeof *fields);

    if (!fields) {
        return NULL;
    }
    memset(fields, 0, offsetof(struct hf_h2_fields, inline_at));
    fields->magic = FIELDS_MAGIC;
    fields->refs = 1;
    fields->capacity = HF_H2_FIELDS_INLINE;
    fields->at = fields->inline_at;
    return fields;
}

struct hf_h2_fields *
hf_h2_fields_ref(struct hf_h2_fields *fields)
{
    fields->refs++;
    return fields;
}

static void
field_drop(struct hf_h2_field *field)
{
    if (field->name_ref) {
        nghttp2_rcbuf_decref(field->name_ref);
    }
    if (field->value_ref) {
        nghttp2_rcbuf_decref(field->value_ref);
    }
}

void
hf_h2_fields_unref(struct hf_h2_fields *fields)
{
    if (!fields) {
        return;
    }
    hf_assert(fields->magic == FIELDS_MAGIC && fields->refs > 0);
    if (--fields->refs > 0) {
        return;
    }
    for (uint32_t i = 0; i < fields->n; i++) {
        field_drop(&fields->at[i]);
    }
    if (fields->at != fields->inline_at) {
        hf_h2_mem_free(fields->at);
    }
    while (fields->more_text) {
        struct hf_h2_text *text = fields->more_text;

        fields->more_text = text->next;
        hf_h2_mem_free(text);
    }
    fields->magic = 0;
    hf_h2_mem_free(fields);
}

/* --- reading --------------------------------------------------------------- */

size_t
hf_h2_fields_count(const struct hf_h2_fields *fields)
{
    return fields->n;
}

const struct hf_h2_field *
hf_h2_fields_at(const struct hf_h2_fields *fields, size_t i)
{
    hf_assert(i < fields->n);
    return &fields->at[i];
}

const struct hf_h2_field *
hf_h2_fields_get(const struct hf_h2_fields *fields, enum hf_h2_token token)
{
    uint16_t i = fields->first[token];

    return i ? &fields->at[i - 1] : NULL;
}

const struct hf_h2_field *
hf_h2_fields_find(const struct hf_h2_fields *fields, const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < fields->n; i++) {
        const struct hf_h2_field *field = &fields->at[i];

        if (field->name_len == len && memcmp(field->name, name, len) == 0) {
            return field;
        }
    }
    return NULL;
}

size_t
hf_h2_fields_bytes(const struct hf_h2_fields *fields)
{
    return fields->bytes;
}

bool
hf_h2_fields_truncated(const struct hf_h2_fields *fields)
{
    return fields->truncated;
}

size_t
hf_h2_fields_size(const struct hf_h2_fields *fields)
{
    size_t size = (size_t)fields->n * FIELD_OVERHEAD;

    for (uint32_t i = 0; i < fields->n; i++) {
        size += (size_t)fields->at[i].name_len + fields->at[i].value_len;
    }
    return size;
}

/* --- changing -------------------------------------------------------------- */

/* Room for one more field, or NULL. */
static bool
reserve(struct hf_h2_fields *fields)
{
    struct hf_h2_field *larger;

    if (fields->n < fields->capacity) {
        return true;
    }
    larger =
        fields->n < UINT16_MAX / 2 ? hf_h2_mem_alloc(2 * fields->capacity * sizeof *larger) : NULL;
    if (!larger) {
        fields->failed = true;
        return false;
    }
    memcpy(larger, fields->at, fields->n * sizeof *larger);
    if (fields->at != fields->inline_at) {
        hf_h2_mem_free(fields->at);
    }
    fields->at = larger;
    fields->capacity *= 2;
    return true;
}

/* A copy of `text` with a zero byte behind it, living as long as the block. */
static const char *
keep_text(struct hf_h2_fields *fields, const char *text, size_t len)
{
    struct hf_h2_text *more;
    char *to;

    if (len < HF_H2_TEXT_INLINE - fields->text_used) {
        to = fields->text + fields->text_used;
        fields->text_used += (uint32_t)len + 1;
    } else {
        more = hf_h2_mem_alloc(sizeof *more + len + 1);
        if (!more) {
            fields->failed = true;
            return NULL;
        }
        more->next = fields->more_text;
        fields->more_text = more;
        to = more->text;
    }
    memcpy(to, text, len);
    to[len] = '\0';
    return to;
}

static void
rebuild_index(struct hf_h2_fields *fields)
{
    memset(fields->first, 0, sizeof fields->first);
    for (uint32_t i = fields->n; i-- > 0;) {
        fields->first[fields->at[i].token] = (uint16_t)(i + 1);
    }
    fields->first[HF_H2_OTHER] = 0;
}

static void
append(struct hf_h2_fields *fields, const struct hf_h2_field *field)
{
    if (!reserve(fields)) {
        return;
    }
    fields->at[fields->n++] = *field;
    if (field->token != HF_H2_OTHER && !fields->first[field->token]) {
        fields->first[field->token] = (uint16_t)fields->n;
    }
}

/* Pseudo fields must not follow others. */
static void
insert_pseudo(struct hf_h2_fields *fields, const struct hf_h2_field *field)
{
    uint32_t at = 0;

    if (!reserve(fields)) {
        return;
    }
    while (at < fields->n && is_pseudo(&fields->at[at])) {
        at++;
    }
    memmove(&fields->at[at + 1], &fields->at[at], (fields->n - at) * sizeof *fields->at);
    fields->at[at] = *field;
    fields->n++;
    rebuild_index(fields);
}

static void
set(struct hf_h2_fields *fields, enum hf_h2_token token, const char *value, size_t len)
{
    struct hf_h2_field field = {
        .name = names[token].text,
        .name_len = names[token].len,
        .value = value,
        .value_len = (uint32_t)len,
        .token = (uint8_t)token,
    };
    uint16_t i = fields->first[token];

    hf_assert(token != HF_H2_OTHER && len <= UINT32_MAX);
    if (i) {
        field_drop(&fields->at[i - 1]);
        fields->at[i - 1] = field;
    } else if (is_pseudo(&field)) {
        insert_pseudo(fields, &field);
    } else {
        append(fields, &field);
    }
}

void
hf_h2_fields_set(struct hf_h2_fields *fields, enum hf_h2_token token, const char *value, size_t len)
{
    const char *kept = keep_text(fields, value, len);

    if (kept) {
        set(fields, token, kept, len);
    }
}

void
hf_h2_fields_set_static(struct hf_h2_fields *fields, enum hf_h2_token token, const char *value)
{
    set(fields, token, value, strlen(value));
}

void
hf_h2_fields_add(struct hf_h2_fields *fields, const struct hf_h2_field *given)
{
    struct hf_h2_field field = {
        .name = keep_text(fields, given->name, given->name_len),
        .value = keep_text(fields, given->value, given->value_len),
        .name_len = given->name_len,
        .value_len = given->value_len,
        .token = (uint8_t)hf_h2_token(given->name, given->name_len),
        .flags = given->flags,
    };

    if (!field.name || !field.value) {
        return;
    }
    if (is_pseudo(&field)) {
        insert_pseudo(fields, &field);
    } else {
        append(fields, &field);
    }
}

void
hf_h2_fields_remove(struct hf_h2_fields *fields, enum hf_h2_token token)
{
    uint32_t kept = 0;

    if (!fields->first[token]) {
        return;
    }
    for (uint32_t i = 0; i < fields->n; i++) {
        if (fields->at[i].token == token) {
            field_drop(&fields->at[i]);
        } else {
            fields->at[kept++] = fields->at[i];
        }
    }
    fields->n = kept;
    rebuild_index(fields);
}

static bool
begins_with(const struct hf_h2_field *field, const char *prefix, size_t len)
{
    /* Few names share even the first letter. */
    return field->name_len >= len && field->name[0] == prefix[0] &&
           memcmp(field->name, prefix, len) == 0;
}

void
hf_h2_fields_remove_prefix(struct hf_h2_fields *fields, const char *prefix, size_t len)
{
    uint32_t kept = 0;

    while (kept < fields->n && !begins_with(&fields->at[kept], prefix, len)) {
        kept++;
    }
    if (kept == fields->n) {
        return;
    }
    for (uint32_t i = kept; i < fields->n; i++) {
        if (begins_with(&fields->at[i], prefix, len)) {
            field_drop(&fields->at[i]);
        } else {
            fields->at[kept++] = fields->at[i];
        }
    }
    fields->n = kept;
    rebuild_index(fields);
}

/* --- to and from nghttp2 --------------------------------------------------- */

void
hf_h2_fields_receive(struct hf_h2_fields *fields, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, uint32_t max_bytes, uint32_t max_fields)
{
    nghttp2_vec name_vec = nghttp2_rcbuf_get_buf(name);
    nghttp2_vec value_vec = nghttp2_rcbuf_get_buf(value);
    struct hf_h2_field *field;

    /* The encoded name and value have at most 64 KiB each, decoded 8/5 of that; neither sum
     * can overflow before the connection's limit on truncated blocks ends it. */
    fields->bytes += (uint32_t)(name_vec.len + value_vec.len) + FIELD_OVERHEAD;
    fields->received++;
    if (fields->bytes > max_bytes || fields->received > max_fields || fields->truncated) {
        fields->truncated = true;
        return;
    }
    if (!reserve(fields)) {
        fields->truncated = true;
        return;
    }
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    field = &fields->at[fields->n++];
    field->name = (const char *)name_vec.base;
    field->name_len = (uint32_t)name_vec.len;
    field->value = (const char *)value_vec.base;
    field->value_len = (uint32_t)value_vec.len;
    field->token = (uint8_t)hf_h2_token(field->name, field->name_len);
    field->flags = flags & NGHTTP2_NV_FLAG_NO_INDEX ? HF_H2_NEVER_INDEX : 0;
    field->name_ref = name;
    field->value_ref = value;
    if (field->token != HF_H2_OTHER && !fields->first[field->token]) {
        fields->first[field->token] = (uint16_t)fields->n;
    }
}

void
hf_h2_fields_to_nv(const struct hf_h2_fields *fields, nghttp2_nv *to)
{
    for (uint32_t i = 0; i < fields->n; i++) {
        const struct hf_h2_field *field = &fields->at[i];
        uint8_t flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

        if (field->flags & HF_H2_NEVER_INDEX || is_unique(field->token)) {
            flags |= NGHTTP2_NV_FLAG_NO_INDEX;
        }
        to[i] = (nghttp2_nv){
            .name = (uint8_t *)(uintptr_t)field->name,
            .value = (uint8_t *)(uintptr_t)field->value,
            .namelen = field->name_len,
            .valuelen = field->value_len,
            .flags = flags,
        };
    }
}
