/*
 * descriptors.c - who may use how many of the process's file descriptors.
 */
#include "loop/descriptors.h"

#include <sys/resource.h>

#include "base/macros.h"

/* The reserve: an eighth, within bounds, and never more than half. */
#define RESERVE_PART 8u
#define RESERVE_MIN  64u
#define RESERVE_MAX  1024u

static uint64_t
limit(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) < 0 ? 1024 : (uint64_t)files.rlim_cur;
}

static uint64_t
reserve_of(uint64_t all)
{
    uint64_t reserve =
        hf_max(hf_min(all / RESERVE_PART, (uint64_t)RESERVE_MAX), (uint64_t)RESERVE_MIN);

    return hf_min(reserve, all / 2);
}

uint64_t
hf_descriptors_end(enum hf_descriptor_use use)
{
    uint64_t all = limit();

    switch (use) {
    case HF_DESCRIPTORS_CALLERS:
        return all - reserve_of(all);
    case HF_DESCRIPTORS_PEERS:
        return all - reserve_of(all) / 2;
    case HF_DESCRIPTORS_ALL:
        break;
    }
    return all;
}
