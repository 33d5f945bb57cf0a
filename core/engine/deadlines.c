/*
 * deadlines.c - the heap behind the autoscaler's deadlines (J. W. J. Williams, 1964).
 */
#include "engine/deadlines.h"

#include <stdbool.h>
#include <stdlib.h>

#include <hyperfaas/error.h>

#include "base/assert.h"

void
hf_deadlines_init(struct hf_deadlines *deadlines)
{
    *deadlines = (struct hf_deadlines){ 0 };
}

void
hf_deadlines_fini(struct hf_deadlines *deadlines)
{
    free(deadlines->heap);
}

int
hf_deadlines_join(struct hf_deadlines *deadlines, struct hf_deadline *deadline, uint64_t number)
{
    if (deadlines->reserved == deadlines->size) {
        size_t size = deadlines->size ? deadlines->size * 2 : 16;
        struct hf_deadline **heap = realloc(deadlines->heap, size * sizeof(*heap));

        if (!heap) {
            return HF_ENOMEM;
        }
        deadlines->heap = heap;
        deadlines->size = size;
    }
    deadlines->reserved++;
    *deadline = (struct hf_deadline){ .at_ns = UINT64_MAX, .number = number };
    return 0;
}

void
hf_deadlines_leave(struct hf_deadlines *deadlines, struct hf_deadline *deadline)
{
    hf_deadlines_set(deadlines, deadline, UINT64_MAX);
    deadlines->reserved--;
}

static bool
earlier(const struct hf_deadline *a, const struct hf_deadline *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static void
put(struct hf_deadlines *deadlines, size_t i, struct hf_deadline *deadline)
{
    deadlines->heap[i] = deadline;
    deadline->index = i;
}

/* Lets `deadline` rise or sink from `i` to its place. */
static void
settle(struct hf_deadlines *deadlines, size_t i, struct hf_deadline *deadline)
{
    struct hf_deadline **heap = deadlines->heap;

    while (i > 0 && earlier(deadline, heap[(i - 1) / 2])) {
        put(deadlines, i, heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < deadlines->count && earlier(heap[child + 1], heap[child])) {
            child++;
        }
        if (child >= deadlines->count || !earlier(heap[child], deadline)) {
            break;
        }
        put(deadlines, i, heap[child]);
        i = child;
    }
    put(deadlines, i, deadline);
}

static void
take_out(struct hf_deadlines *deadlines, struct hf_deadline *deadline)
{
    struct hf_deadline *last = deadlines->heap[--deadlines->count];

    if (last != deadline) {
        settle(deadlines, deadline->index, last);
    }
}

void
hf_deadlines_set(struct hf_deadlines *deadlines, struct hf_deadline *deadline, uint64_t at_ns)
{
    bool was_set = deadline->at_ns != UINT64_MAX;

    deadline->at_ns = at_ns;
    if (at_ns == UINT64_MAX) {
        if (was_set) {
            take_out(deadlines, deadline);
        }
        return;
    }
    if (!was_set) {
        hf_assert(deadlines->count < deadlines->reserved);
        deadline->index = deadlines->count++;
    }
    settle(deadlines, deadline->index, deadline);
}

struct hf_deadline *
hf_deadlines_first(const struct hf_deadlines *deadlines)
{
    return deadlines->count > 0 ? deadlines->heap[0] : NULL;
}
