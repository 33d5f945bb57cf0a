/* log_line.c - logfmt and JSON, bounded and escaped; see log_line.h. */
#include "base/log_line.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/macros.h"
#include "base/parse.h"

/* Room kept for what ends a line: the rest of a cut string, "truncated", "}", newline. */
#define RESERVE 48

struct writer {
    struct hf_log_line *line;
    enum hf_log_format format;
    bool cut;
};

static bool
has_room(struct writer *w, size_t len)
{
    if (w->line->len + len > HF_LOG_LINE_MAX - RESERVE) {
        w->cut = true;
    }
    return !w->cut;
}

/* Adds bytes without asking for room; the caller has asked, or lives from the reserve. */
static void
put_mem(struct writer *w, const char *data, size_t len)
{
    memcpy(w->line->data + w->line->len, data, len);
    w->line->len += len;
}

static void
put(struct writer *w, const char *s)
{
    put_mem(w, s, strlen(s));
}

/* Whether logfmt can show the value without quotes. */
static bool
is_bare(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] <= ' ' || data[i] > '~' || strchr("\"\\=", data[i])) {
            return false;
        }
    }
    return len > 0;
}

static void
put_str(struct writer *w, const char *data, size_t len)
{
    bool quote = w->format == HF_LOG_JSON || !is_bare(data, len);

    if (quote) {
        put(w, "\"");
    }
    for (size_t i = 0, used; i < len; i += used) {
        char out[HF_ESCAPE_MAX];
        size_t n = hf_escape_next(data + i, len - i, &used, out);

        if (!has_room(w, n)) {
            put(w, "...");
            break;
        }
        put_mem(w, out, n);
    }
    if (quote) {
        put(w, "\"");
    }
}

/* Begins a field.  False: there is no room for more. */
static bool
put_key(struct writer *w, const char *key)
{
    if (!has_room(w, strlen(key) + 64)) {
        return false;
    }
    if (w->format == HF_LOG_JSON) {
        put(w, w->line->len == 0 ? "{\"" : ",\"");
        put(w, key);
        put(w, "\":");
    } else {
        put(w, w->line->len == 0 ? "" : " ");
        put(w, key);
        put(w, "=");
    }
    return true;
}

static void
put_str_field(struct writer *w, const char *key, const char *value)
{
    if (put_key(w, key)) {
        put_str(w, value, strlen(value));
    }
}

static void
put_double(struct writer *w, double value)
{
    char buf[32];

    snprintf(buf, sizeof buf, "%.6g", value);
    if (isfinite(value)) {
        put(w, buf);
    } else {
        put_str(w, buf, strlen(buf)); /* JSON has no such number */
    }
}

/* JSON has numbers where logfmt has words: durations are seconds there. */
static void
put_duration(struct writer *w, uint64_t ns)
{
    char buf[HF_FORMAT_MAX];

    if (w->format == HF_LOG_JSON) {
        snprintf(buf, sizeof buf, "%" PRIu64 ".%09" PRIu64, ns / HF_SEC, ns % HF_SEC);
        put(w, buf);
    } else {
        put(w, hf_format_duration(ns, buf));
    }
}

static void
put_value(struct writer *w, const struct hf_kv *field)
{
    char buf[32];

    switch (field->type) {
    case HF_KV_TYPE_STR:
        put_str(w, field->str, field->len);
        break;
    case HF_KV_TYPE_U64:
        snprintf(buf, sizeof buf, "%" PRIu64, field->u64);
        put(w, buf);
        break;
    case HF_KV_TYPE_I64:
        snprintf(buf, sizeof buf, "%" PRId64, field->i64);
        put(w, buf);
        break;
    case HF_KV_TYPE_DOUBLE:
        put_double(w, field->f64);
        break;
    case HF_KV_TYPE_BOOL:
        put(w, field->u64 ? "true" : "false");
        break;
    case HF_KV_TYPE_DURATION:
        put_duration(w, field->u64);
        break;
    case HF_KV_TYPE_ERR:
        put_str(w, hf_err_message(field->err), strlen(hf_err_message(field->err)));
        put_str_field(w, "code", hf_error_name(hf_err_code(field->err)));
        break;
    }
}

void
hf_log_line_format(struct hf_log_line *ret, enum hf_log_format format, uint64_t wall_ns,
                   const char *module, int level, const struct hf_kv *fields, size_t n)
{
    struct writer w = { .line = ret, .format = format };
    char time[HF_TIMESTAMP_MAX];

    ret->len = 0;
    hf_format_timestamp(wall_ns, time);
    put_str_field(&w, "time", time);
    put_str_field(&w, "level", hf_log_level_name(level));
    put_str_field(&w, "module", module);
    for (size_t i = 0; i < n; i++) {
        if (put_key(&w, fields[i].key)) {
            put_value(&w, &fields[i]);
        }
    }
    if (w.cut) {
        put(&w, format == HF_LOG_JSON ? ",\"truncated\":true" : " truncated=true");
    }
    put(&w, format == HF_LOG_JSON ? "}\n" : "\n");
}
