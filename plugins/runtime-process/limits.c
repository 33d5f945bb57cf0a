/*
 * limits.c - the limits of a function, for the host to set before the program runs: later,
 * what it does first would have none.
 */
#include "limits.h"

#include <sched.h>
#include <string.h>

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
        .processes = host->option_u64(options, "pids_limit"),
        .core_dumps = host->option_u64(options, "core_dumps") != 0,
    };
}

_Static_assert(CPU_SETSIZE <= LIMITS_PROCESSOR_WORDS * 64, "a bit for each processor");

/* Chooses as many of our processors as the quota has, rounded up; false: all. */
static bool
choose_processors(const struct hf_function *function, unsigned turn,
                  uint64_t processors[LIMITS_PROCESSOR_WORDS])
{
    uint64_t wanted =
        (function->cpu_quota_us + function->cpu_period_us - 1) / function->cpu_period_us;
    unsigned allowed[CPU_SETSIZE], n = 0;
    cpu_set_t ours;

    if (sched_getaffinity(0, sizeof ours, &ours) != 0) {
        return false;
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &ours)) {
            allowed[n++] = cpu;
        }
    }
    if (n == 0 || wanted >= n) {
        return false;
    }
    memset(processors, 0, LIMITS_PROCESSOR_WORDS * sizeof *processors);
    for (uint64_t i = 0; i < wanted; i++) {
        unsigned cpu = allowed[(turn + i) % n];

        processors[cpu / 64] |= UINT64_C(1) << cpu % 64;
    }
    return true;
}

/* Both kinds of limit on memory count what was asked for, not what is in use: without
 * headroom, the stacks of idle threads alone (8 MiB each) would use up the limit of many a
 * harmless function. */
void
limits_apply(const struct limits *limits, const struct hf_function *function, unsigned turn,
             uint64_t processors[LIMITS_PROCESSOR_WORDS], struct hf_host_spawn *spawn)
{
    uint64_t bytes = function->memory_bytes > 0 ? function->memory_bytes + limits->headroom : 0;

    spawn->data_bytes = limits->data ? bytes : 0;
    spawn->memory_bytes = limits->address_space ? bytes : 0;
    spawn->nice = limits->nice;
    spawn->core_dumps = limits->core_dumps;
    if (spawn->change_user) { /* else what the worker's user runs besides would count, too */
        spawn->processes = limits->processes;
    }
    if (limits->processors && function->cpu_quota_us > 0 && function->cpu_period_us > 0 &&
        choose_processors(function, turn, processors)) {
        spawn->processors = processors;
        spawn->processor_words = LIMITS_PROCESSOR_WORDS;
    }
}
