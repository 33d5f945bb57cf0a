/* json.c - writing JSON; see json.h. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

void
hf_json_init(struct hf_json *json, struct hf_text *text)
{
    *json = (struct hf_json){ .text = text };
    json->level[0].array = true; /* the top: values without a key */
}

/* What comes before any value: the comma and the key. */
static void
begin(struct hf_json *json, const char *key)
{
    bool array = json->level[json->depth].array;

    hf_assert(array == !key);
    if (json->level[json->depth].used) {
        hf_text_add_char(json->text, ',');
    }
    json->level[json->depth].used = true;
    if (key) {
        hf_text_add_json(json->text, key, strlen(key));
        hf_text_add_char(json->text, ':');
    }
}

static void
nest(struct hf_json *json, const char *key, bool array)
{
    begin(json, key);
    hf_assert(json->depth + 1 < HF_JSON_DEPTH);
    json->depth++;
    json->level[json->depth].array = array;
    json->level[json->depth].used = false;
    hf_text_add_char(json->text, array ? '[' : '{');
}

void
hf_json_object(struct hf_json *json, const char *key)
{
    nest(json, key, false);
}

void
hf_json_array(struct hf_json *json, const char *key)
{
    nest(json, key, true);
}

void
hf_json_end(struct hf_json *json)
{
    hf_assert(json->depth > 0);
    hf_text_add_char(json->text, json->level[json->depth].array ? ']' : '}');
    json->depth--;
}

static void
put_null(struct hf_json *json, const char *key)
{
    begin(json, key);
    hf_text_add(json->text, "null");
}

void
hf_json_str(struct hf_json *json, const char *key, const char *value)
{
    if (!value) {
        put_null(json, key);
        return;
    }
    begin(json, key);
    hf_text_add_json(json->text, value, strlen(value));
}

void
hf_json_u64(struct hf_json *json, const char *key, uint64_t value)
{
    begin(json, key);
    hf_text_printf(json->text, "%" PRIu64, value);
}

void
hf_json_i64(struct hf_json *json, const char *key, int64_t value)
{
    begin(json, key);
    hf_text_printf(json->text, "%" PRId64, value);
}

void
hf_json_double(struct hf_json *json, const char *key, double value)
{
    if (!isfinite(value)) {
        put_null(json, key); /* JSON has no such number */
        return;
    }
    begin(json, key);
    hf_text_printf(json->text, "%.17g", value);
}

void
hf_json_bool(struct hf_json *json, const char *key, bool value)
{
    begin(json, key);
    hf_text_add(json->text, value ? "true" : "false");
}

void
hf_json_value(struct hf_json *json, const char *key, const char *value, size_t len)
{
    begin(json, key);
    hf_text_add_mem(json->text, value, len);
}
