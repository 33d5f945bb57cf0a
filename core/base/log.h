/*
 * log.h - one line per event, as logfmt or JSON.
 *
 * A line has the time (UTC), a level, the module that speaks, a constant text
 * that says what happened, and typed fields that say to whom:
 *
 *     HF_LOG_MODULE(worker);
 *
 *     hf_log(HF_LOG_INFO, "instance ready", HF_KV_STR("function", id),
 *            HF_KV_DURATION("took", elapsed_ns));
 *
 *     time=2026-01-02T03:04:05.678Z level=info module=worker msg="instance ready"
 *     function=hello took=12.5ms
 *
 * The text is a literal, so that lines can be searched and counted; everything
 * that varies is a field, and is escaped: nothing that comes from outside can
 * forge a line or a field.  A line is written with a single write(2), so
 * threads and processes do not mix theirs.  Any thread may log, and none waits for
 * whoever reads the log: lines that are not taken in time are queued, and dropped when
 * there are too many (log_lines_dropped; a line says so afterwards).  A line whose
 * level is off costs one load and one predictable branch; its fields are not
 * evaluated.
 */
#ifndef HF_BASE_LOG_H
#define HF_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Who should care; the numbers are those of `enum hf_host_level` (hyperfaas/host.h). */
#define HF_LOG_LEVELS(LEVEL)                                                                       \
    LEVEL(HF_LOG_ERROR, 1, "error")     /* something is broken; a person must act */               \
    LEVEL(HF_LOG_WARNING, 2, "warning") /* something failed and was worked around */               \
    LEVEL(HF_LOG_NOTICE, 3, "notice")   /* rare and worth knowing: started, ended, changed */      \
    LEVEL(HF_LOG_INFO, 4, "info")       /* what happens, one line per event */                     \
    LEVEL(HF_LOG_DEBUG, 5, "debug")     /* for the developer of the part */

enum hf_log_level {
#define HF_LOG_LEVEL_ENUM(id, value, name) id = value,
    HF_LOG_LEVELS(HF_LOG_LEVEL_ENUM)
#undef HF_LOG_LEVEL_ENUM
};

enum hf_log_format { HF_LOG_LOGFMT, HF_LOG_JSON };

/* --- fields -------------------------------------------------------------------------------- */

enum hf_kv_type {
    HF_KV_TYPE_STR,
    HF_KV_TYPE_U64,
    HF_KV_TYPE_I64,
    HF_KV_TYPE_DOUBLE,
    HF_KV_TYPE_BOOL,
    HF_KV_TYPE_DURATION,
    HF_KV_TYPE_ERR,
};

/* One field of a line; made by the macros below, lives as long as the statement. */
struct hf_kv {
    const char *key; /* lower case with underscores */
    enum hf_kv_type type;
    size_t len; /* of `str` */
    union {
        const char *str;
        uint64_t u64;
        int64_t i64;
        double f64;
        const struct hf_err *err;
    };
};

/* clang-format off */
#define HF_KV_STR(k, v)         hf_kv_str((k), (v))
#define HF_KV_MEM(k, p, n)      { .key = (k), .type = HF_KV_TYPE_STR, .str = (p), .len = (n) }
#define HF_KV_U64(k, v)         { .key = (k), .type = HF_KV_TYPE_U64, .u64 = (uint64_t)(v) }
#define HF_KV_I64(k, v)         { .key = (k), .type = HF_KV_TYPE_I64, .i64 = (int64_t)(v) }
#define HF_KV_DOUBLE(k, v)      { .key = (k), .type = HF_KV_TYPE_DOUBLE, .f64 = (v) }
#define HF_KV_BOOL(k, v)        { .key = (k), .type = HF_KV_TYPE_BOOL, .u64 = (v) }
#define HF_KV_DURATION(k, ns)   { .key = (k), .type = HF_KV_TYPE_DURATION, .u64 = (ns) }
/* Two fields: error="the message" code=not-found */
#define HF_KV_ERR(e)            { .key = "error", .type = HF_KV_TYPE_ERR, .err = (e) }
/* clang-format on */

/* A NULL string is written as "-". */
static inline struct hf_kv
hf_kv_str(const char *key, const char *value)
{
    return (struct hf_kv){
        .key = key,
        .type = HF_KV_TYPE_STR,
        .str = value ? value : "-",
        .len = value ? strlen(value) : 1,
    };
}

/* --- logging ------------------------------------------------------------------------------- */

/* A part of the program whose level can be set on its own.  Several files may
 * be of the same module. */
struct hf_log_module {
    const char *name;
    _Atomic int level;          /* lines up to this level are written */
    struct hf_log_module *next; /* in the registry */
};

/* Says, once per file and before its first line, as what module the file logs. */
#define HF_LOG_MODULE(name_)                                                                       \
    static struct hf_log_module hf_log_this = { .name = #name_, .level = HF_LOG_INFO };            \
    __attribute__((constructor)) static void hf_log_register_this(void)                            \
    {                                                                                              \
        hf_log_register(&hf_log_this);                                                             \
    }                                                                                              \
    struct hf_log_module /* swallows the semicolon */

/* Adds a module that is not a file's (a plugin's); it lives as long as the process. */
void hf_log_register(struct hf_log_module *module);

static inline bool
hf_log_enabled(struct hf_log_module *module, int level)
{
    return level <= atomic_load_explicit(&module->level, memory_order_relaxed);
}

/* hf_log(level, "text", fields...) */
#define hf_log(level_, text_, ...)                                                                 \
    do {                                                                                           \
        if (hf_log_enabled(&hf_log_this, (level_))) {                                              \
            const struct hf_kv hf_fields_[] = { HF_KV_MEM("msg", "" text_, sizeof text_ - 1),      \
                                                ##__VA_ARGS__ };                                   \
            hf_log_write(&hf_log_this, (level_), hf_fields_,                                       \
                         sizeof hf_fields_ / sizeof hf_fields_[0]);                                \
        }                                                                                          \
    } while (0)

/* The same for places that traffic can reach: at most HF_LOG_BURST lines at
 * once and then one per second and place; the next line that passes says in
 * `dropped` how many were left out. */
#define hf_log_limited(level_, text_, ...)                                                         \
    do {                                                                                           \
        static struct hf_log_limit hf_limit_;                                                      \
        uint64_t hf_dropped_;                                                                      \
        if (hf_log_enabled(&hf_log_this, (level_)) && hf_log_admit(&hf_limit_, &hf_dropped_)) {    \
            const struct hf_kv hf_fields_[] = { HF_KV_MEM("msg", "" text_, sizeof text_ - 1),      \
                                                ##__VA_ARGS__,                                     \
                                                HF_KV_U64("dropped", hf_dropped_) };               \
            hf_log_write(&hf_log_this, (level_), hf_fields_,                                       \
                         sizeof hf_fields_ / sizeof hf_fields_[0] - (hf_dropped_ == 0));           \
        }                                                                                          \
    } while (0)

#define HF_LOG_BURST 10

/* The state of one limited place; zeros at first. */
struct hf_log_limit {
    _Atomic uint64_t full_at; /* monotonic time at which the burst is whole again */
    _Atomic uint64_t dropped;
};

bool hf_log_admit(struct hf_log_limit *limit, uint64_t *ret_dropped);

/* Writes a line whatever the level.  The first field is the text. */
void hf_log_write(const struct hf_log_module *module, int level, const struct hf_kv *fields,
                  size_t n);

/* --- settings: any thread, at any time ----------------------------------------------------- */

/* Sets the level of one module, or of all (also of modules yet to come) if
 * `name` is NULL.  HF_ENOTFOUND lists the modules there are. */
int hf_log_set_level(const char *name, int level, struct hf_err *err);

/* The same from text: "info", or "info,h2=debug,worker=warning". */
int hf_log_set_levels(const char *text, struct hf_err *err);

/* "warning" -> HF_LOG_WARNING, or HF_EINVALID naming the levels there are. */
int hf_log_level_parse(const char *name, struct hf_err *err);
const char *hf_log_level_name(int level);

void hf_log_set_format(enum hf_log_format value);

/* Appends to `path` (created with mode 0640) instead of stderr; NULL goes back
 * to stderr.  On failure nothing changes. */
int hf_log_open(const char *path, struct hf_err *err);

/* Opens the file anew, for whoever moved it away. */
int hf_log_reopen(struct hf_err *err);

/* Waits until what was logged has been read, at most that long; before the process ends. */
void hf_log_flush(uint64_t limit_ns);

/* Writes text as it is to stderr and the log, at once, for a process that dies; waits at most
 * a second or two for readers.  Async-signal-safe. */
void hf_log_emergency(const char *text, size_t len);

/* Hands each line (with its newline, not NUL-terminated) to `fn` instead of
 * writing it, in any thread; NULL: writes again.  `fn` must not log.  For tests. */
typedef void hf_log_sink_fn(void *arg, int level, const char *line, size_t len);
void hf_log_set_sink(hf_log_sink_fn *fn, void *arg);

/* Calls `fn` once for each module's name, sorted, with its level.  `fn` must not log. */
void hf_log_modules(void (*fn)(void *arg, const char *name, int level), void *arg);

#endif
