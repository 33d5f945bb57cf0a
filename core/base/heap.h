/*
 * heap.h - who comes first: a pairing heap with the links in the objects.
 *
 * M. Fredman, R. Sedgewick, D. Sleator, R. Tarjan, "The pairing heap: a new form of
 * self-adjusting heap", Algorithmica 1 (1986).  It allocates nothing, so inserting never
 * fails; that costs a constant time, and removing O(log n) on average.  Among equal keys
 * the lower order comes first, so that nothing depends on the heap's history.
 *
 *     node->key = when;
 *     node->order = number;
 *     hf_heap_insert(&heap, node);
 *     first = heap.root;
 */
#ifndef HF_BASE_HEAP_H
#define HF_BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct hf_heap_node {
    uint64_t key; /* set by the owner before it is inserted, like `order` */
    uint64_t order;
    struct hf_heap_node *child;
    struct hf_heap_node *next; /* sibling */
    struct hf_heap_node *prev; /* sibling or parent; NULL: the root */
    bool queued;               /* it is in a heap */
};

/* Zeroed: empty. */
struct hf_heap {
    struct hf_heap_node *root; /* the first; NULL: none */
};

/* Puts in a node that is in no heap. */
void hf_heap_insert(struct hf_heap *heap, struct hf_heap_node *node);

/* Takes out a node; harmless if it is in no heap. */
void hf_heap_remove(struct hf_heap *heap, struct hf_heap_node *node);

#endif
