/*
 * json_decode.c - messages from protobuf's wire format to JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "json.h"
#include "pieces.h"
#include "scalar.h"
#include "base/time_text.h"

/* What all functions of one decoding share. */
struct decoding {
    const struct cli_schema *schema;
    struct hf_text *out;
    unsigned int depth;
    struct hf_err *err;
};

static int put_message(struct decoding *decoding, const struct cli_type *type, const uint8_t *data,
                       size_t len);

static int
fail_invalid(struct decoding *decoding, const struct cli_type *type)
{
    return hf_fail(decoding->err, HF_EINVALID, "the bytes are no valid %s", type->name);
}

static int
fail_memory(struct decoding *decoding)
{
    return hf_fail(decoding->err, HF_ENOMEM, "no memory for a message");
}

/* Reads a message; what is in `*ret` must be freed, also after an error. */
static int
gather(struct decoding *decoding, const struct cli_type *type, const uint8_t *data, size_t len,
       struct cli_pieces *ret)
{
    int r = cli_pieces_init(ret, type, data, len);

    return r == HF_EINVALID ? fail_invalid(decoding, type) : r < 0 ? fail_memory(decoding) : 0;
}

/* --- values ------------------------------------------------------------------------------- */

static int
put_value(struct decoding *decoding, const struct cli_field *field,
          const struct hf_wire_field *value)
{
    if (field->kind == CLI_KIND_GROUP) {
        return hf_fail(decoding->err, HF_EUNSUPPORTED, "groups of proto2 are not supported");
    }
    if (field->kind == CLI_KIND_MESSAGE) {
        return put_message(decoding, field->type, value->data, value->len);
    }
    cli_scalar_decode(field, value, decoding->out);
    return 0;
}

/* A message that came in several pieces is that of the pieces together. */
static int
put_pieces(struct decoding *decoding, const struct cli_field *field,
           const struct cli_pieces *pieces, const struct cli_chain *chain)
{
    hf_autotext struct hf_text together;

    hf_text_init(&together);
    together.limit = pieces->len;
    for (uint32_t i = chain->first; i != CLI_NO_PIECE; i = pieces->items[i].next) {
        struct hf_wire_field piece = cli_piece_at(pieces, i);

        hf_text_add_mem(&together, (const char *)piece.data, piece.len);
    }
    return together.truncated ? fail_memory(decoding)
                              : put_message(decoding, field->type,
                                            (const uint8_t *)hf_text_str(&together), together.len);
}

static int
put_items(struct decoding *decoding, const struct cli_field *field, const struct cli_pieces *pieces,
          const struct cli_chain *chain)
{
    struct cli_cursor cursor = { .pieces = pieces, .piece = chain->first };
    struct hf_wire_field value;
    const char *comma = "";
    int r;

    hf_text_add_char(decoding->out, '[');
    while ((r = cli_pieces_next(&cursor, field, &value)) == 1 && !decoding->out->truncated) {
        hf_text_add(decoding->out, comma);
        comma = ",";
        r = put_value(decoding, field, &value);
        if (r < 0) {
            return r;
        }
    }
    hf_text_add_char(decoding->out, ']');
    return r < 0 ? hf_fail(decoding->err, r, "the bytes of the field '%s' are invalid", field->name)
                 : 0;
}

/* --- maps --------------------------------------------------------------------------------- */

/* An entry of a map, and its place among them. */
struct entry {
    struct hf_wire_field key;
    struct hf_wire_field value;
    size_t order;
};

static int
compare_keys(const struct entry *a, const struct entry *b)
{
    size_t len = hf_min(a->key.len, b->key.len);
    int r = len > 0 ? memcmp(a->key.data, b->key.data, len) : 0;

    if (r == 0) {
        r = (a->key.len > b->key.len) - (a->key.len < b->key.len);
    }
    return r != 0 ? r : (a->key.value > b->key.value) - (a->key.value < b->key.value);
}

static int
compare_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    int r = compare_keys(x, y);

    return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

/* Takes key and value out of a piece; either may be absent and is then its default. */
static int
read_entry(struct decoding *decoding, const struct cli_type *type,
           const struct hf_wire_field *piece, struct entry *ret)
{
    struct hf_wire_reader reader = { piece->data, piece->data + piece->len };
    struct hf_wire_field part;
    int r;

    ret->key = (struct hf_wire_field){ .data = (const uint8_t *)"" };
    ret->value = ret->key;
    while ((r = hf_wire_next(&reader, &part)) == 1) {
        const struct cli_field *field = cli_type_field(type, part.number);

        if (field && part.type == cli_kind_wire(field->kind)) {
            *(field->number == 1 ? &ret->key : &ret->value) = part;
        }
    }
    return r < 0 ? fail_invalid(decoding, type) : 0;
}

static int
put_entries(struct decoding *decoding, const struct cli_type *type, struct entry *entries,
            size_t count)
{
    const char *comma = "";

    qsort(entries, count, sizeof *entries, compare_entries);
    hf_text_add_char(decoding->out, '{');
    for (size_t i = 0; i < count; i++) {
        int r;

        if (i + 1 < count && compare_keys(&entries[i], &entries[i + 1]) == 0) {
            continue; /* the last one with a key counts */
        }
        hf_text_add(decoding->out, comma);
        comma = ",";
        cli_scalar_decode_key(&type->fields[0], &entries[i].key, decoding->out);
        hf_text_add_char(decoding->out, ':');
        r = put_value(decoding, &type->fields[1], &entries[i].value);
        if (r < 0) {
            return r;
        }
    }
    hf_text_add_char(decoding->out, '}');
    return 0;
}

static int
put_map(struct decoding *decoding, const struct cli_field *field, const struct cli_pieces *pieces,
        const struct cli_chain *chain)
{
    hf_autofree struct entry *entries = NULL;
    size_t count = 0;
    int r = 0;

    for (uint32_t i = chain->first; i != CLI_NO_PIECE; i = pieces->items[i].next) {
        count++;
    }
    entries = calloc(count + 1, sizeof *entries);
    if (!entries) {
        return fail_memory(decoding);
    }
    count = 0;
    for (uint32_t i = chain->first; r == 0 && i != CLI_NO_PIECE; i = pieces->items[i].next) {
        struct hf_wire_field piece = cli_piece_at(pieces, i);

        entries[count].order = count;
        r = read_entry(decoding, field->type, &piece, &entries[count++]);
    }
    return r < 0 ? r : put_entries(decoding, field->type, entries, count);
}

/* --- messages ----------------------------------------------------------------------------- */

/* Writes what a field holds.  One that is absent is its default. */
static int
put_field(struct decoding *decoding, const struct cli_type *type, size_t index,
          const struct cli_pieces *pieces)
{
    const struct cli_field *field = &type->fields[index];
    const struct cli_chain *chain = &pieces->chains[index];
    struct hf_wire_field value = { .data = (const uint8_t *)"" };

    if (cli_field_is_map(field)) {
        return put_map(decoding, field, pieces, chain);
    }
    if (field->repeated) {
        return put_items(decoding, field, pieces, chain);
    }
    if (chain->first != CLI_NO_PIECE) {
        value = cli_piece_at(pieces, chain->last);
    }
    return field->kind == CLI_KIND_MESSAGE && chain->first != chain->last
               ? put_pieces(decoding, field, pieces, chain)
               : put_value(decoding, field, &value);
}

/* Whether JSON shows the field. */
static bool
is_shown(const struct cli_field *field, const struct cli_pieces *pieces,
         const struct cli_chain *chain)
{
    struct hf_wire_field value;

    if (chain->first == CLI_NO_PIECE || field->repeated || field->presence) {
        return chain->first != CLI_NO_PIECE;
    }
    value = cli_piece_at(pieces, chain->last);
    return !cli_scalar_is_default(field, &value);
}

/* Writes the members of an object. */
static int
put_members(struct decoding *decoding, const struct cli_type *type, const struct cli_pieces *pieces,
            const char *comma)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < type->field_count; i++) {
        const struct cli_field *field = &type->fields[i];

        if (is_shown(field, pieces, &pieces->chains[i])) {
            hf_text_add(decoding->out, comma);
            comma = ",";
            hf_text_add_json(decoding->out, field->json_name, strlen(field->json_name));
            hf_text_add_char(decoding->out, ':');
            r = put_field(decoding, type, i, pieces);
        }
    }
    return r;
}

/* --- well-known types --------------------------------------------------------------------- */

/* The last piece of a field; empty if there is none. */
static struct hf_wire_field
last_piece(const struct cli_pieces *pieces, size_t index)
{
    const struct cli_chain *chain = &pieces->chains[index];

    return chain->first == CLI_NO_PIECE ? (struct hf_wire_field){ .data = (const uint8_t *)"" }
                                        : cli_piece_at(pieces, chain->last);
}

static int
put_time(struct decoding *decoding, const struct cli_type *type, const struct cli_pieces *pieces)
{
    const struct hf_time time = {
        .seconds = (int64_t)last_piece(pieces, 0).value,
        .nanos = (int32_t)last_piece(pieces, 1).value,
    };
    bool done;

    hf_text_add_char(decoding->out, '"');
    done = type->shape == CLI_SHAPE_DURATION ? hf_duration_format(&time, decoding->out)
                                             : hf_timestamp_format(&time, decoding->out);
    hf_text_add_char(decoding->out, '"');
    return done ? 0 : hf_fail(decoding->err, HF_EINVALID, "a %s is out of range", type->name);
}

/* google.protobuf.Value: whichever field is set. */
static int
put_any_value(struct decoding *decoding, const struct cli_type *type,
              const struct cli_pieces *pieces)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (pieces->chains[i].first != CLI_NO_PIECE) {
            return put_field(decoding, type, i, pieces);
        }
    }
    hf_text_add(decoding->out, "null");
    return 0;
}

/* The object of an Any: the members of the message in it, or that in "value". */
static int
put_any_of(struct decoding *decoding, const struct cli_type *type,
           const struct hf_wire_field *value)
{
    struct cli_pieces inner;
    int r;

    if (type->shape != CLI_SHAPE_MESSAGE) {
        hf_text_add(decoding->out, ",\"value\":");
        return put_message(decoding, type, value->data, value->len);
    }
    r = gather(decoding, type, value->data, value->len, &inner);
    if (r == 0) {
        r = put_members(decoding, type, &inner, ",");
    }
    cli_pieces_fini(&inner);
    return r;
}

static int
put_any(struct decoding *decoding, const struct cli_pieces *pieces)
{
    struct hf_wire_field url = last_piece(pieces, 0);
    struct hf_wire_field value = last_piece(pieces, 1);
    hf_autofree char *name = strndup((const char *)url.data, url.len);
    const char *slash = name ? strrchr(name, '/') : NULL;
    const struct cli_type *type = slash ? cli_schema_type(decoding->schema, slash + 1) : NULL;
    int r = 0;

    if (url.len > 0 && (!type || type->is_enum)) {
        return hf_fail(decoding->err, HF_EUNSUPPORTED,
                       "a google.protobuf.Any holds '%.80s', which the definitions lack",
                       name ? name : "");
    }
    hf_text_add_char(decoding->out, '{');
    if (type) {
        hf_text_add(decoding->out, "\"@type\":");
        hf_text_add_json(decoding->out, name, strlen(name));
        r = put_any_of(decoding, type, &value);
    }
    hf_text_add_char(decoding->out, '}');
    return r;
}

static int
put_shape(struct decoding *decoding, const struct cli_type *type, const struct cli_pieces *pieces)
{
    int r;

    switch (type->shape) {
    case CLI_SHAPE_INNER:
        return put_field(decoding, type, 0, pieces);
    case CLI_SHAPE_VALUE:
        return put_any_value(decoding, type, pieces);
    case CLI_SHAPE_TIMESTAMP:
    case CLI_SHAPE_DURATION:
        return put_time(decoding, type, pieces);
    case CLI_SHAPE_ANY:
        return put_any(decoding, pieces);
    case CLI_SHAPE_UNSUPPORTED:
        return hf_fail(decoding->err, HF_EUNSUPPORTED, "%s is not supported in JSON", type->name);
    default:
        hf_text_add_char(decoding->out, '{');
        r = put_members(decoding, type, pieces, "");
        hf_text_add_char(decoding->out, '}');
        return r;
    }
}

static int
put_message(struct decoding *decoding, const struct cli_type *type, const uint8_t *data, size_t len)
{
    struct cli_pieces pieces;
    int r;

    if (decoding->depth == HF_WIRE_DEPTH) {
        return hf_fail(decoding->err, HF_EINVALID, "messages nest more than %d deep",
                       HF_WIRE_DEPTH);
    }
    decoding->depth++;
    r = gather(decoding, type, data, len, &pieces);
    if (r == 0) {
        r = put_shape(decoding, type, &pieces);
    }
    decoding->depth--;
    cli_pieces_fini(&pieces);
    return r;
}

int
cli_json_decode(const struct cli_schema *schema, const struct cli_type *type, const void *data,
                size_t len, struct hf_text *out, struct hf_err *err)
{
    struct decoding decoding = { .schema = schema, .out = out, .err = err };
    int r = put_message(&decoding, type, data, len);

    return r == 0 && out->truncated ? hf_fail(err, HF_EFULL, "the JSON is too long") : r;
}
