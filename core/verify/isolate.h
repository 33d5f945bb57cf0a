/*
 * isolate.h - runs a check in a process of its own, with limits of time and memory.
 *
 * Whatever a module does there, it does to nobody else: it may crash, loop, end the process or use
 * up memory, and the next check begins as if nothing had been.
 */
#ifndef HF_VERIFY_ISOLATE_H
#define HF_VERIFY_ISOLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/probe.h"

struct hf_err;
struct hf_text;

struct hf_isolation {
    uint64_t cpu_ns;       /* of processor time, rounded up to seconds */
    uint64_t wall_ns;      /* of real time, for a module that waits */
    uint64_t memory_bytes; /* that it may allocate; 0: no limit.  None with a sanitizer, whose
                            * shadow would count */
};

enum hf_ending {
    HF_ENDING_DONE,   /* the check came to its end, or found a fault: see the probe */
    HF_ENDING_SIGNAL, /* a signal ended it: `probe->signal` */
    HF_ENDING_SLOW,   /* it was ended, because its time was over */
    HF_ENDING_LEFT    /* the module ended the process */
};

/* Memory for a probe that outlives the process that fills it; NULL: there is none. */
struct hf_probe *hf_probe_new(void);
void hf_probe_free(struct hf_probe *probe);

/* Runs `fn` in a child process.  What it prints is appended to `output`.  Fails only if no process
 * can be started. */
int hf_isolate(void (*fn)(void *arg), void *arg, const struct hf_isolation *limits,
               struct hf_probe *probe, enum hf_ending *ret, struct hf_text *output,
               struct hf_err *err);

/* Whether a sanitizer watches this process. */
bool hf_is_sanitized(void);

#endif
