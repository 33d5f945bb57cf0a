/*
 * fake-plain.c - the part of the fake host that every plugin gets: errors,
 * counters, hash, options, texts.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-host-private.h"
#include "fake-json.h"

enum { OPTIONS_MAX = 64, ITEMS_MAX = 64, TEXT_MAX = 1 << 16 };

struct hf_text {
    size_t len;
    char text[TEXT_MAX];
};

/* --- errors, log, hash -------------------------------------------------------- */

static void
plain_log(const struct hf_host *host, uint32_t level, const char *fmt, ...)
{
    struct fake_host *fake =
        (struct fake_host *)(void *)((char *)(uintptr_t)host - offsetof(struct fake_host, host));
    va_list args;

    pthread_mutex_lock(&fake->lock);
    fake->logged[level]++;
    pthread_mutex_unlock(&fake->lock);
    if (getenv("FAKE_HOST_LOG")) {
        va_start(args, fmt);
        vfprintf(stderr, fmt, args);
        va_end(args);
        fputc('\n', stderr);
    }
}

size_t
fake_logged(const struct fake_host *fake, uint32_t level)
{
    size_t n = 0;

    for (uint32_t l = HF_HOST_ERROR; l <= level; l++) {
        n += fake->logged[l];
    }
    return n;
}

static int
plain_fail(struct hf_err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err) {
        err->code = code;
        va_start(args, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, args);
        va_end(args);
    }
    return code;
}

static uint64_t
plain_hash(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static struct hf_counter *
plain_counter(const struct hf_host *host, const char *name, const char *help)
{
    (void)host;
    (void)name;
    (void)help;
    return NULL;
}

static void
plain_count(struct hf_counter *counter, uint64_t n)
{
    (void)counter;
    (void)n;
}

/* --- options ------------------------------------------------------------------ */

struct value {
    const struct hf_option *row;
    char *text; /* NULL: unset */
    char *items[ITEMS_MAX];
};

struct hf_options {
    struct value values[OPTIONS_MAX];
    size_t n;
};

static struct value *
find_value(const struct hf_options *options, const char *key, size_t len)
{
    for (size_t i = 0; i < options->n; i++) {
        const struct value *value = &options->values[i];

        if (strlen(value->row->key) == len && strncmp(value->row->key, key, len) == 0) {
            return (struct value *)(uintptr_t)value;
        }
    }
    fprintf(stderr, "fake host: no option '%.*s'\n", (int)len, key);
    abort();
}

static uint64_t
plain_u64(const struct hf_options *options, const char *key)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {
        { "ns", 1 },   { "us", 1e3 },         { "ms", 1e6 },   { "s", 1e9 },
        { "m", 60e9 }, { "h", 3600e9 },       { "KiB", 1024 }, { "MiB", 1048576 },
        { "", 1 },     { "GiB", 1073741824 }, { "KB", 1000 },  { "MB", 1e6 },
    };
    const char *text = find_value(options, key, strlen(key))->text;
    char *end;
    double number;

    if (!text) {
        return 0;
    }
    if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0) {
        return *text == 'y';
    }
    number = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            return (uint64_t)(number * units[i].factor);
        }
    }
    fprintf(stderr, "fake host: bad value %s = %s\n", key, text);
    abort();
}

static double
plain_double(const struct hf_options *options, const char *key)
{
    const char *text = find_value(options, key, strlen(key))->text;

    return text ? strtod(text, NULL) : 0;
}

static const char *
plain_string(const struct hf_options *options, const char *key)
{
    return find_value(options, key, strlen(key))->text;
}

static const char *
plain_item(const struct hf_options *options, const char *key, size_t i)
{
    return i < ITEMS_MAX ? find_value(options, key, strlen(key))->items[i] : NULL;
}

static void
set_value(struct value *value, const char *text)
{
    const char *p = text;

    free(value->text);
    value->text = strdup(text);
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        size_t len = strcspn(p, ",");

        free(value->items[i]);
        value->items[i] = len > 0 ? strndup(p, len) : NULL;
        p += len + (p[len] == ',');
    }
}

struct hf_options *
fake_options_new(const struct hf_plugin *plugin, const char *const *settings)
{
    struct hf_options *options = calloc(1, sizeof *options);

    assert(options);
    for (const struct hf_option *row = plugin->options; row && row->key; row++) {
        assert(options->n < OPTIONS_MAX);
        options->values[options->n].row = row;
        if (row->fallback) {
            set_value(&options->values[options->n], row->fallback);
        }
        options->n++;
    }
    for (; *settings; settings++) {
        size_t len = strcspn(*settings, "=");

        set_value(find_value(options, *settings, len), *settings + len + 1);
    }
    return options;
}

void
fake_options_free(struct hf_options *options)
{
    for (size_t i = 0; i < options->n; i++) {
        free(options->values[i].text);
        for (size_t j = 0; j < ITEMS_MAX; j++) {
            free(options->values[i].items[j]);
        }
    }
    free(options);
}

/* --- texts -------------------------------------------------------------------- */

static void
plain_print(struct hf_text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text->len += (size_t)vsnprintf(text->text + text->len, TEXT_MAX - text->len, fmt, args);
    va_end(args);
    assert(text->len < TEXT_MAX);
}

struct hf_text *
fake_text_new(void)
{
    return calloc(1, sizeof(struct hf_text));
}

const char *
fake_text(const struct hf_text *text)
{
    return text->text;
}

void
fake_text_free(struct hf_text *text)
{
    free(text);
}

void
fake_plain_init(struct hf_host *host)
{
    *host = (struct hf_host){
        .size = sizeof *host,
        .log = plain_log,
        .fail = plain_fail,
        .hash = plain_hash,
        .counter = plain_counter,
        .count = plain_count,
        .option_u64 = plain_u64,
        .option_double = plain_double,
        .option_string = plain_string,
        .option_item = plain_item,
        .print = plain_print,
        .json_check = fake_json_check,
    };
}
