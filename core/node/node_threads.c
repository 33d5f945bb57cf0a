/*
 * node_threads.c - a node's threads are watched, so that one that hangs is named and does not keep
 * the process from ending.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "loop/signals.h"
#include "loop/watchdog.h"
#include "node/node_private.h"

/* For whoever reads the log, before an end that is not in order. */
#define LOG_FLUSH_NS (1 * HF_SEC)

/* With a thread that is stuck there is no orderly end. */
static void
end_at_once(void)
{
    hf_log_flush(LOG_FLUSH_NS);
    _exit(EXIT_FAILURE);
}

int
hf_node_watch_threads(struct hf_node *node, struct hf_err *err)
{
    const struct hf_watchdog_config config = {
        .end_ns = hf_options_u64(hf_node_options(node, "node"), "drain_timeout"),
        .is_ending = hf_signals_are_ending,
        .end = end_at_once,
    };
    int r = hf_watchdog_new(&config, &node->watchdog, err);

    if (r == 0) {
        r = hf_watchdog_add(node->watchdog, node->control, err);
    }
    for (size_t i = 0; i < node->io_count && r == 0; i++) {
        r = hf_watchdog_add(node->watchdog, node->io[i], err);
    }
    return r;
}
