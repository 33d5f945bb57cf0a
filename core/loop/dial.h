/*
 * dial.h - connecting without waiting.
 *
 * Names are looked up by getaddrinfo(3) in at most a few threads of the process,
 * so that /etc/hosts and the local rules hold; each address found is tried in
 * turn within the limit.  All functions on the loop's thread.
 */
#ifndef HF_LOOP_DIAL_H
#define HF_LOOP_DIAL_H

#include <stdint.h>

#include "loop/loop.h"

struct hf_dial;

/* `fd` is a connected, non-blocking descriptor (TCP_NODELAY set) that is now the
 * receiver's, or a negative HF_E code with `message` saying why (never NULL).
 * The dial is gone. */
typedef void hf_dial_fn(void *arg, int fd, const char *message);

/* Connects to "HOST:PORT", "[V6]:PORT" or "unix:PATH" within `timeout_ns`.  On 0,
 * `fn` runs exactly once, later, unless cancelled before; on failure never.
 * `ret` may be NULL if it will not be cancelled. */
int hf_dial(struct hf_loop *loop, const char *address, uint64_t timeout_ns, hf_dial_fn *fn,
            void *arg, struct hf_dial **ret, struct hf_err *err);

/* `fn` will not run.  NULL is allowed. */
void hf_dial_cancel(struct hf_dial *dial);

#endif
