/*
 * limits.c - limits set from outside, right after the start.
 *
 * A limit that cannot be set is left out: it makes an instance no worse than
 * one without a limit, and why it failed (a process that has gone already, a
 * restricted container) is of no use to the caller.
 */
#include "limits.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>

void
limits_init(struct limits *limits, const struct hf_host *host, const struct hf_options *options)
{
    const char *memory = host->option_string(options, "memory_limit");

    *limits = (struct limits){
        .data = strcmp(memory, "data") == 0,
        .address_space = strcmp(memory, "address_space") == 0,
        .processors = strcmp(host->option_string(options, "cpu_limit"), "processors") == 0,
        .headroom = host->option_u64(options, "memory_headroom"),
        .nice = (int)host->option_u64(options, "nice"),
    };
}

/* Binds a process to as many of our processors as the quota has, rounded up. */
static void
limit_processors(const struct hf_function *function, pid_t pid, unsigned turn)
{
    uint64_t wanted =
        (function->cpu_quota_us + function->cpu_period_us - 1) / function->cpu_period_us;
    cpu_set_t ours, set;
    unsigned allowed[CPU_SETSIZE], n = 0;

    if (sched_getaffinity(0, sizeof ours, &ours) != 0) {
        return;
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &ours)) {
            allowed[n++] = cpu;
        }
    }
    if (n == 0 || wanted >= n) {
        return;
    }
    CPU_ZERO(&set);
    for (uint64_t i = 0; i < wanted; i++) {
        CPU_SET(allowed[(turn + i) % n], &set);
    }
    sched_setaffinity(pid, sizeof set, &set);
}

/* Limits writable memory.  Both kinds of limit count what was asked for, not
 * what is in use: without headroom, the stacks of idle threads alone (8 MiB
 * each) would use up the limit of many a harmless function. */
static void
limit_data(const struct limits *limits, const struct hf_function *function, pid_t pid)
{
    rlim_t bytes = function->memory_bytes + limits->headroom;
    struct rlimit limit = { bytes, bytes };

    prlimit(pid, RLIMIT_DATA, &limit, NULL);
}

void
limits_apply(const struct limits *limits, const struct hf_function *function, pid_t pid,
             unsigned turn)
{
    if (limits->data && function->memory_bytes > 0) {
        limit_data(limits, function, pid);
    }
    if (limits->processors && function->cpu_quota_us > 0 && function->cpu_period_us > 0) {
        limit_processors(function, pid, turn);
    }
    if (limits->nice > 0) {
        setpriority(PRIO_PROCESS, (id_t)pid, getpriority(PRIO_PROCESS, 0) + limits->nice);
    }
}

uint64_t
limits_address_space(const struct limits *limits, const struct hf_function *function)
{
    return limits->address_space && function->memory_bytes > 0
               ? function->memory_bytes + limits->headroom
               : 0;
}
