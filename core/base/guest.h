/*
 * guest.h - whose code a thread is running: a module's, and for what.
 *
 *     handle = hf_guest_call(pool->ops, pick, pool->id, pool->lb, &view);
 *
 * When a thread crashes in there (crash.h) or does not come back (loop/watchdog.h), this is what
 * tells the policy's author where to look.  It costs some stores to memory that only this thread
 * uses.
 */
#ifndef HF_BASE_GUEST_H
#define HF_BASE_GUEST_H

#include <stddef.h>

struct hf_guest {
    const void *owner;     /* whose it is: a table of operations, or a host; NULL: our own */
    const char *operation; /* a literal; NULL: our own code runs */
    const char *subject;   /* the id of a function, or a file; NULL: none */
};

/* Of the calling thread; also for its signal handlers. */
extern _Thread_local struct hf_guest hf_guest_now;

/* Enters a module's code; returns what `hf_guest_leave` is to restore. */
static inline struct hf_guest
hf_guest_enter(const void *owner, const char *operation, const char *subject)
{
    struct hf_guest outer = hf_guest_now;

    hf_guest_now.owner = owner;
    hf_guest_now.operation = operation;
    hf_guest_now.subject = subject;
    return outer;
}

static inline void
hf_guest_leave(const struct hf_guest *outer)
{
    hf_guest_now = *outer;
}

/* ops->operation(...), which returns something. */
#define hf_guest_call(ops_, operation_, subject_, ...)                                             \
    ({                                                                                             \
        struct hf_guest hf_outer_ = hf_guest_enter((ops_), #operation_, (subject_));               \
        __auto_type hf_result_ = (ops_)->operation_(__VA_ARGS__);                                  \
                                                                                                   \
        hf_guest_leave(&hf_outer_);                                                                \
        hf_result_;                                                                                \
    })

/* The same for one that returns nothing. */
#define hf_guest_do(ops_, operation_, subject_, ...)                                               \
    do {                                                                                           \
        struct hf_guest hf_outer_ = hf_guest_enter((ops_), #operation_, (subject_));               \
                                                                                                   \
        (ops_)->operation_(__VA_ARGS__);                                                           \
        hf_guest_leave(&hf_outer_);                                                                \
    } while (0)

/* Says how owners are called: "lb-roundrobin", or NULL.  Used in signal handlers. */
void hf_guest_set_namer(const char *(*namer)(const void *owner));

/* The name of a guest's owner; "" if it is not known.  Async-signal-safe. */
const char *hf_guest_name(const struct hf_guest *guest);

/* The same as texts, cut where they are too long. */
struct hf_guest_text {
    char owner[64];
    char operation[32];
    char subject[128];
};

/* Copies what a guest points to, "" for what is not there.  Async-signal-safe. */
void hf_guest_copy(const struct hf_guest *guest, struct hf_guest_text *ret);

/* Appends " in=lb-x operation=pick function=f", cut to `size`, to `text`, which has `len` bytes;
 * returns the length.  Strange bytes become '?'.  Async-signal-safe. */
size_t hf_guest_describe(const struct hf_guest *guest, char *text, size_t len, size_t size);

#endif
