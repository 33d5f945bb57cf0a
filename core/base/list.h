/*
 * list.h - doubly linked lists whose links lie in the elements.
 *
 * A `struct hf_list` is a ring: the list's own one is the head, the others are
 * members of the elements.  An element may be taken out without knowing its
 * list; one that is in no list points to itself.
 *
 *     struct waiter { struct hf_list node; ... };
 *     struct waiter *w;
 *     HF_LIST_FOR(w, &function->waiters, node) { ... }
 */
#ifndef HF_BASE_LIST_H
#define HF_BASE_LIST_H

#include <stdbool.h>

#include "base/macros.h"

struct hf_list {
    struct hf_list *next;
    struct hf_list *prev;
};

/* Makes an empty list, or a link that is in no list. */
static inline void
hf_list_init(struct hf_list *list)
{
    list->next = list->prev = list;
}

/* Whether a list has no elements, or a link is in no list. */
static inline bool
hf_list_is_empty(const struct hf_list *list)
{
    return list->next == list;
}

/* Puts `node` before `where`. */
static inline void
hf_list_insert(struct hf_list *where, struct hf_list *node)
{
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

/* Puts `node` at the end. */
static inline void
hf_list_append(struct hf_list *list, struct hf_list *node)
{
    hf_list_insert(list, node);
}

/* Puts `node` at the front. */
static inline void
hf_list_prepend(struct hf_list *list, struct hf_list *node)
{
    hf_list_insert(list->next, node);
}

/* Takes `node` out of whatever list it is in; harmless if it is in none. */
static inline void
hf_list_remove(struct hf_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    hf_list_init(node);
}

/* Takes out and returns the first link, or NULL. */
static inline struct hf_list *
hf_list_pop(struct hf_list *list)
{
    struct hf_list *node = list->next;

    if (node == list) {
        return NULL;
    }
    hf_list_remove(node);
    return node;
}

/* Moves all elements of `from` to the end of `to`. */
static inline void
hf_list_splice(struct hf_list *to, struct hf_list *from)
{
    if (hf_list_is_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    hf_list_init(from);
}

/* The first and the last element; NULL if there is none. */
#define hf_list_first(list, type, member)                                                          \
    (hf_list_is_empty(list) ? NULL : hf_container_of((list)->next, type, member))
#define hf_list_last(list, type, member)                                                           \
    (hf_list_is_empty(list) ? NULL : hf_container_of((list)->prev, type, member))

/* Each element in turn; `var` is a pointer to the elements' type.  The body must
 * not take elements out. */
#define HF_LIST_FOR(var, list, member)                                                             \
    for ((var) = hf_container_of((list)->next, __typeof__(*(var)), member);                        \
         &(var)->member != (list);                                                                 \
         (var) = hf_container_of((var)->member.next, __typeof__(*(var)), member))

/* The same, and the body may take out or free `var`; `tmp` is a second pointer. */
#define HF_LIST_FOR_SAFE(var, tmp, list, member)                                                   \
    for ((var) = hf_container_of((list)->next, __typeof__(*(var)), member),                        \
        (tmp) = hf_container_of((var)->member.next, __typeof__(*(var)), member);                   \
         &(var)->member != (list);                                                                 \
         (var) = (tmp), (tmp) = hf_container_of((tmp)->member.next, __typeof__(*(tmp)), member))

#endif
