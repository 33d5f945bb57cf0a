/*
 * resolver.h - names to addresses, beside the loop.
 *
 * getaddrinfo(3) waits, so it runs in threads of its own: a few for the whole
 * process, started when there is a name and ended when there is none.
 */
#ifndef HF_LOOP_RESOLVER_H
#define HF_LOOP_RESOLVER_H

#include <stddef.h>

#include "loop/address.h"
#include "loop/loop.h"

/* The most addresses of one name that are looked at. */
#define HF_RESOLVE_MAX 8

struct hf_resolve;

/* `count` addresses with the port filled in, borrowed; or none, and `message` says
 * why.  The request is gone. */
typedef void hf_resolve_fn(void *arg, const struct hf_address *addresses, size_t count,
                           const char *message);

/* Looks up `host`.  On 0, `fn` runs exactly once, later, on `loop`, unless
 * cancelled.  HF_EFULL: too many names are being looked up. */
int hf_resolve(struct hf_loop *loop, const char *host, uint16_t port, hf_resolve_fn *fn, void *arg,
               struct hf_resolve **ret, struct hf_err *err);

/* `fn` will not run.  On the loop's thread.  NULL is allowed. */
void hf_resolve_cancel(struct hf_resolve *resolve);

#endif
