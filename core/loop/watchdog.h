/*
 * watchdog.h - a thread that looks whether the others still turn their loops.
 *
 * A loop that is in the middle of a turn for too long is stuck: in a policy that does not come
 * back, say.  That is logged once, with the module, the operation and the function
 * (base/guest.h), and once more when it is over.  When the process was told to end and a loop is
 * stuck all the time that it has for it, the watchdog ends it.
 */
#ifndef HF_LOOP_WATCHDOG_H
#define HF_LOOP_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct hf_watchdog;

struct hf_watchdog_config {
    uint64_t end_ns;         /* how long a process with a loop that is stuck may take to end */
    bool (*is_ending)(void); /* whether it was told to; any thread */
    void (*end)(void);       /* ends it at once; on the watchdog's thread */
};

/* Starts the thread.  At most one at a time in a process. */
int hf_watchdog_new(const struct hf_watchdog_config *config, struct hf_watchdog **ret,
                    struct hf_err *err);

/* Watches a loop, from its next turn on; until `remove`, which comes before its thread ends. */
int hf_watchdog_add(struct hf_watchdog *watchdog, struct hf_loop *loop, struct hf_err *err);
void hf_watchdog_remove(struct hf_watchdog *watchdog, struct hf_loop *loop);

/* NULL is allowed. */
void hf_watchdog_free(struct hf_watchdog *watchdog);

#endif
