/*
 * deadlines.h - who is due next: a binary heap of moments, kept in the objects.
 *
 * Setting and clearing cost O(log n).  Equal moments come in the order of the
 * objects' numbers, so that nothing depends on the heap's history.  Room is
 * reserved beforehand; setting a deadline never fails.
 */
#ifndef HF_ENGINE_DEADLINES_H
#define HF_ENGINE_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever has a deadline. */
struct hf_deadline {
    uint64_t at_ns;  /* UINT64_MAX: none */
    uint64_t number; /* breaks ties, the lower first */
    size_t index;    /* in the heap, while there is a deadline */
};

struct hf_deadlines {
    struct hf_deadline **heap;
    size_t count;
    size_t size;     /* allocated */
    size_t reserved; /* objects that may have a deadline */
};

void hf_deadlines_init(struct hf_deadlines *deadlines);
void hf_deadlines_fini(struct hf_deadlines *deadlines);

/* Makes room for one more object and sets it up without a deadline; 0 or HF_ENOMEM. */
int hf_deadlines_join(struct hf_deadlines *deadlines, struct hf_deadline *deadline,
                      uint64_t number);

/* Gives that room up. */
void hf_deadlines_leave(struct hf_deadlines *deadlines, struct hf_deadline *deadline);

/* Sets, moves or, with UINT64_MAX, clears an object's deadline. */
void hf_deadlines_set(struct hf_deadlines *deadlines, struct hf_deadline *deadline, uint64_t at_ns);

/* The earliest, or NULL. */
struct hf_deadline *hf_deadlines_first(const struct hf_deadlines *deadlines);

#endif
