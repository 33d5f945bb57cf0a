/*
 * pool-bench.h - a pool under test, over the policy that audits (audit-lb.h).
 */
#ifndef HF_UNIT_POOL_BENCH_H
#define HF_UNIT_POOL_BENCH_H

#include "engine/pool.h"

extern struct hf_pool_settings settings;
extern struct hf_pool *pool;
extern struct hf_pool_out out; /* of all that is done with it */
extern uint64_t now;

void begin(uint32_t max_waiting, uint32_t eject_after);
/* Nothing may be left in it. */
void end(void);

struct hf_pool_endpoint *add(const char *id, uint32_t capacity);
/* The endpoint that drained, once; its reference is dropped. */
struct hf_pool_endpoint *take_drained(void);
/* Of one that has no call in flight. */
void drain(struct hf_pool_endpoint *endpoint);

enum hf_waiter_state take(struct hf_waiter *waiter);
void release(struct hf_waiter *waiter, uint32_t outcome);
/* The next wake-up, in order; NULL: there is none. */
struct hf_waiter *woken(void);

struct hf_pool_load load(void);

#endif
