/*
 * budget.h - how many bytes of waiting requests a node may hold.
 *
 * One budget for all proxies of a node.  Each I/O thread has a share of it, taken from and
 * given back in large steps, so that counting costs the path of a call an addition and no
 * atomic operation.  After a peak, memory that the allocator keeps goes back to the system.
 */
#ifndef HF_NODE_BUDGET_H
#define HF_NODE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_budget;
struct hf_loop;

/* What a thread has taken from the budget and not used.  All zero and a budget: empty. */
struct hf_budget_share {
    struct hf_budget *budget;
    uint64_t left;
};

/* `threads`: how many shares there will be for each proxy.  NULL: no memory.  Control thread. */
struct hf_budget *hf_budget_new(struct hf_loop *control, uint64_t bytes, size_t threads);

/* All shares must have been closed.  NULL is ignored.  Control thread. */
void hf_budget_free(struct hf_budget *);

uint64_t hf_budget_size(const struct hf_budget *);

/* Bytes that shares have taken, used or not.  Any thread. */
uint64_t hf_budget_used(const struct hf_budget *);

/* Uses `bytes`; false: there are not so many left.  The share's thread, like all below. */
bool hf_budget_take(struct hf_budget_share *, uint64_t bytes);
void hf_budget_give(struct hf_budget_share *, uint64_t bytes);

/* Gives back what the share has not used. */
void hf_budget_close(struct hf_budget_share *);

#endif
