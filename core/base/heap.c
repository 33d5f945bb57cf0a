/*
 * heap.c - a pairing heap.
 */
#include "base/heap.h"

#include <stddef.h>

static bool
comes_before(const struct hf_heap_node *a, const struct hf_heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Makes one tree of two; either may be NULL. */
static struct hf_heap_node *
meld(struct hf_heap_node *a, struct hf_heap_node *b)
{
    if (!a || !b) {
        return a ? a : b;
    }
    if (comes_before(b, a)) {
        struct hf_heap_node *other = a;

        a = b;
        b = other;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child) {
        a->child->prev = b;
    }
    a->child = b;
    return a;
}

/* Makes one tree of a list of siblings: in pairs from the left, then all from the right. */
static struct hf_heap_node *
meld_siblings(struct hf_heap_node *first)
{
    struct hf_heap_node *pairs = NULL; /* linked by `next`, last pair first */
    struct hf_heap_node *root = NULL;

    while (first) {
        struct hf_heap_node *second = first->next;
        struct hf_heap_node *rest = second ? second->next : NULL;
        struct hf_heap_node *pair;

        first->next = NULL;
        if (second) {
            second->next = NULL;
        }
        pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    while (pairs) {
        struct hf_heap_node *next = pairs->next;

        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    if (root) {
        root->prev = NULL;
    }
    return root;
}

void
hf_heap_insert(struct hf_heap *heap, struct hf_heap_node *node)
{
    node->child = NULL;
    node->next = NULL;
    node->prev = NULL;
    node->queued = true;
    heap->root = meld(heap->root, node);
}

void
hf_heap_remove(struct hf_heap *heap, struct hf_heap_node *node)
{
    struct hf_heap_node *below;

    if (!node->queued) {
        return;
    }
    below = meld_siblings(node->child);
    if (node == heap->root) {
        heap->root = below;
    } else {
        if (node->prev->child == node) {
            node->prev->child = node->next;
        } else {
            node->prev->next = node->next;
        }
        if (node->next) {
            node->next->prev = node->prev;
        }
        heap->root = meld(heap->root, below);
    }
    node->queued = false;
}
