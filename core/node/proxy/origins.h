/*
 * origins.h - how many connections each address has open at a proxy.
 *
 * One who opens connections without end would have all the descriptors there are for
 * callers, and nobody else any.  An IPv6 address counts as its network of 64 bits, which
 * one host can have all addresses of.
 */
#ifndef HF_PROXY_ORIGINS_H
#define HF_PROXY_ORIGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/address.h"

struct hf_origin;
struct hf_origins;

/* At most `limit` connections from one address; `exempt_loopback`: any number from this machine.
 * NULL: no memory. */
struct hf_origins *hf_origins_new(uint64_t seed, uint64_t limit, bool exempt_loopback);

/* All must have left.  NULL is ignored. */
void hf_origins_free(struct hf_origins *);

/* Counts a connection from `peer`; `*ret` is NULL if it does not count.  HF_EFULL: there are as
 * many as may be; HF_ENOMEM.  Any thread. */
int hf_origins_enter(struct hf_origins *, const struct hf_address *peer, struct hf_origin **ret);

/* It has closed.  NULL is ignored.  Any thread. */
void hf_origins_leave(struct hf_origins *, struct hf_origin *);

#endif
