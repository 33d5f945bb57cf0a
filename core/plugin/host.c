/* host.c - what every module may ask of the host; see host.h. */
#include "plugin/host.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json_check.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"

#define HOST_MAGIC HF_MAGIC('h', 'o', 's', 't')

/* Longest text of a line that a module logs. */
#define LOG_TEXT_MAX 512

struct module_host {
    struct hf_host host; /* first: what the module is given */
    uint32_t magic;
    struct hf_log_module log; /* as <kind>-<name> */
    char *prefix;             /* of counters: <kind>_<name>_ */
};

_Static_assert((int)HF_HOST_ERROR == HF_LOG_ERROR && (int)HF_HOST_DEBUG == HF_LOG_DEBUG,
               "modules and core mean the same by a level");

/* Guards making counters, so that two instances get the same one. */
static pthread_mutex_t counter_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct module_host *
module_host(const struct hf_host *host)
{
    struct module_host *self = (struct module_host *)(uintptr_t)host;

    hf_assert(self && self->magic == HOST_MAGIC);
    return self;
}

const char *
hf_module_host_name(const struct hf_host *host)
{
    return module_host(host)->log.name;
}

/* The two lists of levels have the same numbers; a strange one becomes the nearest. */
static int
level_of(uint32_t level)
{
    if (level < HF_HOST_ERROR) {
        return HF_LOG_ERROR;
    }
    return level > HF_HOST_DEBUG ? HF_LOG_DEBUG : (int)level;
}

__attribute__((format(printf, 3, 4))) static void
host_log(const struct hf_host *host, uint32_t level, const char *fmt, ...)
{
    struct module_host *self = module_host(host);
    int line_level = level_of(level);
    char text[LOG_TEXT_MAX];
    va_list args;

    if (!hf_log_enabled(&self->log, line_level)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    hf_log_write(&self->log, line_level, (const struct hf_kv[]){ HF_KV_STR("msg", text) }, 1);
}

/* Mutex held.  NULL: no memory, or no room for more counters. */
static struct hf_counter *
make_counter(const char *name, const char *help)
{
    struct hf_counter *counter = calloc(1, sizeof *counter);

    if (!counter) {
        return NULL;
    }
    counter->name = strdup(name);
    counter->help = help;
    if (!counter->name || hf_counter_register(counter) < 0) {
        free((char *)(uintptr_t)counter->name);
        free(counter);
        return NULL;
    }
    return counter;
}

static struct hf_counter *
host_counter(const struct hf_host *host, const char *name, const char *help)
{
    hf_autofree char *full = hf_strdup_printf("%s%s", module_host(host)->prefix, name);
    struct hf_counter *counter;

    if (!full) {
        return NULL;
    }
    pthread_mutex_lock(&counter_mutex);
    counter = hf_counter_find(full);
    if (!counter) {
        counter = make_counter(full, help);
    }
    pthread_mutex_unlock(&counter_mutex);
    return counter;
}

static void
host_count(struct hf_counter *counter, uint64_t n)
{
    if (counter) {
        hf_count_n(counter, n);
    }
}

static int
host_json_check(const char *text, size_t len, char *reason, size_t size)
{
    struct hf_err err = HF_ERR_INIT;
    int r = hf_json_check_document(text, len, &err);

    if (r < 0) {
        snprintf(reason, size, "%s", hf_err_message(&err));
    }
    return r;
}

static const struct hf_host template = {
    .size = sizeof template,
    .log = host_log,
    .fail = hf_fail,
    .hash = hf_hash,
    .counter = host_counter,
    .count = host_count,
    .option_u64 = hf_options_u64,
    .option_double = hf_options_double,
    .option_string = hf_options_str,
    .option_item = hf_options_item,
    .print = hf_text_printf,
    .json_check = host_json_check,
};

int
hf_module_host_new(const char *kind, const char *name, const struct hf_host **ret,
                   struct hf_err *err)
{
    struct module_host *self = calloc(1, sizeof *self);

    if (!self) {
        return hf_fail(err, HF_ENOMEM, "no memory for a module");
    }
    self->host = template;
    self->magic = HOST_MAGIC;
    self->log.name = hf_strdup_printf("%s-%s", kind, name);
    self->prefix = hf_strdup_printf("%s_%s_", kind, name);
    if (!self->log.name || !self->prefix) {
        free((char *)(uintptr_t)self->log.name);
        free(self->prefix);
        free(self);
        return hf_fail(err, HF_ENOMEM, "no memory for a module");
    }
    hf_log_register(&self->log);
    *ret = &self->host;
    return 0;
}
