/*
 * limits.h - what an instance may use, as far as that goes without root.
 */
#ifndef HF_RUNTIME_PROCESS_LIMITS_H
#define HF_RUNTIME_PROCESS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>

/* How limits are applied; from the options. */
struct limits {
    bool data;          /* memory as RLIMIT_DATA */
    bool address_space; /* memory as RLIMIT_AS */
    bool processors;    /* CPU quota as the number of processors */
    uint64_t headroom;  /* bytes allowed above the function's memory limit */
    int nice;           /* added to the priority value, 0 to 19 */
    uint64_t processes; /* and threads, of all that one user runs; 0: no limit */
    bool core_dumps;
};

void limits_init(struct limits *, const struct hf_host *, const struct hf_options *);

/* Room for as many processors as cpu_set_t holds, one bit each. */
#define LIMITS_PROCESSOR_WORDS 16

/* Adds the limits of a function to what is to be started.  `turn` spreads instances over the
 * processors; `processors` is room that lasts until the start. */
void limits_apply(const struct limits *, const struct hf_function *, unsigned turn,
                  uint64_t processors[LIMITS_PROCESSOR_WORDS], struct hf_host_spawn *spawn);

#endif
