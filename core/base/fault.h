/*
 * fault.h - steps of the program that can be told to fail, while it runs.
 *
 *     if (hf_fault(HF_FAULT_START)) {
 *         return hf_fail(err, HF_EUNAVAILABLE, "fault worker.start is set");
 *     }
 *
 * One that is not set costs one load and one predictable branch.
 */
#ifndef HF_BASE_FAULT_H
#define HF_BASE_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct hf_err;
struct hf_text;

/* id, name, what happens when it fails; sorted by name */
#define HF_FAULTS(FAULT)                                                                           \
    FAULT(ACCEPT, "accept", "A TCP connection that came is closed at once.")                       \
    FAULT(DIAL, "dial", "A connection to another process is refused.")                             \
    FAULT(HTTP, "http", "A driver's request over HTTP/1.1 is not sent.")                           \
    FAULT(LOG_WRITE, "log.write", "Lines of the log cannot be written.")                           \
    FAULT(SPAWN, "spawn", "A process cannot be started.")                                          \
    FAULT(STORE_READ, "store.read", "A function cannot be read from the store.")                   \
    FAULT(STREAM, "stream", "What another node streams ends.")                                     \
    FAULT(START, "worker.start", "An instance is not started.")                                    \
    FAULT(STOP, "worker.stop", "An instance is not stopped; it is tried again.")                   \
    FAULT(WRITE, "write", "Writing to an HTTP/2 connection fails, which ends it.")

enum hf_fault {
#define HF_FAULT_ENUM(id, name, help) HF_FAULT_##id,
    HF_FAULTS(HF_FAULT_ENUM)
#undef HF_FAULT_ENUM
};

/* A bit for each that is set. */
extern atomic_uint hf_faults_set;

/* Decides for one that is set. */
bool hf_fault_decide(enum hf_fault fault);

/* Whether to fail here and now.  Any thread. */
static inline bool
hf_fault(enum hf_fault fault)
{
    return hf_unlikely(atomic_load_explicit(&hf_faults_set, memory_order_relaxed) & 1U << fault) &&
           hf_fault_decide(fault);
}

/*
 * Tells one what to do:
 *
 *     off                 never fails
 *     always              fails every time
 *     probability 0.1     fails one time in ten
 *     count 3             fails the next three times
 *     skip 2              lets two pass, then fails every time
 *     skip 2,1            lets two pass, then fails once
 *
 * HF_ENOTFOUND lists those there are, HF_EINVALID says what may be written.
 */
int hf_fault_set(const char *name, const char *what, struct hf_err *err);

/* Switches all off. */
void hf_fault_clear(void);

/* One line for each: name, setting, how often it failed, help. */
void hf_fault_show(struct hf_text *out);

#endif
