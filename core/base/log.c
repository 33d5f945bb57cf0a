/* log.c - who may log; see log.h.  How lines look: log_line.c.  How they leave: log_out.c. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_out.h"
#include "base/macros.h"
#include "base/text.h"

/* The registry and the sink. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct hf_log_module *modules;      /* sorted by name */
static int default_level = HF_LOG_INFO;    /* of modules yet to come */
static _Atomic int format = HF_LOG_LOGFMT; /* enum hf_log_format */
static _Atomic bool has_sink;
static hf_log_sink_fn *sink;
static void *sink_arg;

/* --- levels -------------------------------------------------------------------------------- */

const char *
hf_log_level_name(int level)
{
    switch (level) {
#define LEVEL_NAME(id, value, name)                                                                \
    case id:                                                                                       \
        return name;
        HF_LOG_LEVELS(LEVEL_NAME)
#undef LEVEL_NAME
    default:
        return "unknown";
    }
}

int
hf_log_level_parse(const char *name, struct hf_err *err)
{
#define LEVEL_PARSE(id, value, text)                                                               \
    if (strcmp(name, text) == 0) {                                                                 \
        return id;                                                                                 \
    }
    HF_LOG_LEVELS(LEVEL_PARSE)
#undef LEVEL_PARSE
    return hf_fail(err, HF_EINVALID,
                   "'%s' is no log level; they are error, warning, notice, info, debug", name);
}

void
hf_log_register(struct hf_log_module *module)
{
    struct hf_log_module **at = &modules;

    pthread_mutex_lock(&mutex);
    while (*at && strcmp((*at)->name, module->name) < 0) {
        at = &(*at)->next;
    }
    module->next = *at;
    *at = module;
    atomic_store_explicit(&module->level, default_level, memory_order_relaxed);
    pthread_mutex_unlock(&mutex);
}

void
hf_log_modules(void (*fn)(void *arg, const char *name, int level), void *arg)
{
    const char *last = "";

    pthread_mutex_lock(&mutex);
    for (struct hf_log_module *module = modules; module; module = module->next) {
        if (strcmp(module->name, last) != 0) {
            fn(arg, module->name, atomic_load_explicit(&module->level, memory_order_relaxed));
        }
        last = module->name;
    }
    pthread_mutex_unlock(&mutex);
}

static void
list_name(void *arg, const char *name, int level)
{
    struct hf_text *text = arg;

    (void)level;
    hf_text_printf(text, "%s%s", text->len ? ", " : "", name);
}

static int
fail_no_module(const char *name, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    hf_log_modules(list_name, &names);
    return hf_fail(err, HF_ENOTFOUND, "no module '%s' logs here; these do: %s", name,
                   hf_text_str(&names));
}

int
hf_log_set_level(const char *name, int level, struct hf_err *err)
{
    bool found = !name;

    pthread_mutex_lock(&mutex);
    for (struct hf_log_module *module = modules; module; module = module->next) {
        if (!name || strcmp(module->name, name) == 0) {
            atomic_store_explicit(&module->level, level, memory_order_relaxed);
            found = true;
        }
    }
    if (!name) {
        default_level = level;
    }
    pthread_mutex_unlock(&mutex);
    return found ? 0 : fail_no_module(name, err);
}

static bool
is_module(const char *name)
{
    bool found = false;

    pthread_mutex_lock(&mutex);
    for (struct hf_log_module *module = modules; module && !found; module = module->next) {
        found = strcmp(module->name, name) == 0;
    }
    pthread_mutex_unlock(&mutex);
    return found;
}

/* One word of a setting, "level" or "module=level"; `apply` is false for a check. */
static int
set_word(char *word, bool apply, struct hf_err *err)
{
    char *equals = strchr(word, '=');
    int level = hf_log_level_parse(equals ? equals + 1 : word, err);

    if (level < 0) {
        return level;
    }
    if (equals) {
        *equals = '\0';
        if (!is_module(word)) {
            return fail_no_module(word, err);
        }
    }
    return apply ? hf_log_set_level(equals ? word : NULL, level, err) : 0;
}

int
hf_log_set_levels(const char *text, struct hf_err *err)
{
    /* All is checked before anything is changed. */
    for (int apply = 0; apply <= 1; apply++) {
        hf_autofree char *copy = strdup(text);
        char *rest = copy;

        if (!copy) {
            return hf_fail(err, HF_ENOMEM, "no memory for log levels");
        }
        for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
            int r = set_word(word + strspn(word, " "), apply, err);

            if (r < 0) {
                return hf_err_wrap(err, r, "log levels '%s'", text);
            }
        }
    }
    return 0;
}

/* --- limits -------------------------------------------------------------------------------- */

/* The generic cell rate algorithm: each line fills a bucket by one second, and
 * the bucket leaks in real time. */
bool
hf_log_admit(struct hf_log_limit *limit, uint64_t *ret_dropped)
{
    uint64_t now = hf_now();
    uint64_t full_at = atomic_load_explicit(&limit->full_at, memory_order_relaxed);
    uint64_t next;

    do {
        next = hf_max(full_at, now) + HF_SEC;
        if (next > now + HF_LOG_BURST * HF_SEC) {
            atomic_fetch_add_explicit(&limit->dropped, 1, memory_order_relaxed);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&limit->full_at, &full_at, next));
    *ret_dropped = atomic_exchange_explicit(&limit->dropped, 0, memory_order_relaxed);
    return true;
}

/* --- writing ------------------------------------------------------------------------------- */

void
hf_log_set_format(enum hf_log_format value)
{
    atomic_store_explicit(&format, (int)value, memory_order_relaxed);
}

void
hf_log_set_sink(hf_log_sink_fn *fn, void *arg)
{
    pthread_mutex_lock(&mutex);
    sink = fn;
    sink_arg = arg;
    atomic_store(&has_sink, fn != NULL);
    pthread_mutex_unlock(&mutex);
}

void
hf_log_lost_line(struct hf_log_line *ret, uint64_t lost, int errnum)
{
    const struct hf_kv fields[] = {
        HF_KV_STR("msg", "lines of the log were lost"),
        HF_KV_U64("dropped", lost),
        HF_KV_STR("why", errnum ? strerrordesc_np(errnum) : "they were not read in time"),
    };

    hf_log_line_format(ret, (enum hf_log_format)atomic_load(&format), hf_wall_now(), "log",
                       HF_LOG_WARNING, fields, hf_countof(fields));
}

/* Gives a line to the sink, if there still is one. */
static bool
write_to_sink(int level, const struct hf_log_line *line)
{
    bool done;

    pthread_mutex_lock(&mutex);
    done = sink != NULL;
    if (done) {
        sink(sink_arg, level, line->data, line->len);
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

void
hf_log_write(const struct hf_log_module *module, int level, const struct hf_kv *fields, size_t n)
{
    int saved_errno = errno;
    struct hf_log_line line;

    hf_log_line_format(&line, (enum hf_log_format)atomic_load(&format), hf_wall_now(), module->name,
                       level, fields, n);
    if (!atomic_load_explicit(&has_sink, memory_order_relaxed) || !write_to_sink(level, &line)) {
        hf_log_out_write(&line);
    }
    errno = saved_errno;
}
