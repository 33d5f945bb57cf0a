/*
 * limits.h - what an instance may use, as far as that goes without root.
 */
#ifndef HF_RUNTIME_PROCESS_LIMITS_H
#define HF_RUNTIME_PROCESS_LIMITS_H

#include <stdbool.h>
#include <sys/types.h>

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>

/* How limits are applied; from the options. */
struct limits {
    bool data;          /* memory as RLIMIT_DATA */
    bool address_space; /* memory as RLIMIT_AS */
    bool processors;    /* CPU quota as the number of processors */
    uint64_t headroom;  /* bytes allowed above the function's memory limit */
    int nice;           /* added to the priority value, 0 to 19 */
};

void limits_init(struct limits *, const struct hf_host *, const struct hf_options *);

/* Applies what can be applied to a process that has just been started.
 * `turn` spreads instances over the processors. */
void limits_apply(const struct limits *, const struct hf_function *, pid_t pid, unsigned turn);

/* The limit of address space, which must be set before the program starts; 0: none. */
uint64_t limits_address_space(const struct limits *, const struct hf_function *);

#endif
