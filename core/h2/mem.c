/*
 * mem.c - per-thread free lists of blocks.
 *
 * A block is preceded by its size class.  Lists are bounded, so a burst gives
 * its memory back.  Under AddressSanitizer every block is malloc's own, so that
 * a use after free is seen.
 */
#include "h2/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define GRAIN 64u

/* Size classes: small blocks by the number of grains, then the large sizes. */
enum { FRAME = HF_H2_MEM_MAX / GRAIN + 1, WRITE, N_CLASSES };

/* Bytes that a thread keeps per size class, and of frames, which come in bursts. */
#define KEEP_BYTES       (256u * 1024)
#define KEEP_FRAME_BYTES (1024u * 1024)
/* The heap of a thread that is not the first grows by single pages, each with a system call.  So
 * after as many bytes it is made to grow by as much at once.  Less than what glibc maps apart or
 * gives back at once (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD). */
#define GROW_BYTES (112u * 1024)
/* What goes with a block: heads, and what others take that is not counted.  Rather too much. */
#define GROW_SHARE 256u
/* Least size of what is reserved. */
#define RESERVE_MIN 1024u

#ifdef __SANITIZE_ADDRESS__
#define KEEP 0
#else
#define KEEP 1
#endif

/* In front of every block. */
struct head {
    alignas(16) uint32_t class; /* index of its list; N_CLASSES: none */
    uint32_t size;              /* usable bytes; for realloc of large blocks */
};

struct list {
    void **first; /* a free block begins with the address of the next */
    uint32_t n;
};

static _Thread_local struct list lists[N_CLASSES];
static _Thread_local void *reserve; /* a block; NULL: none */
static _Thread_local size_t grown;  /* bytes that the heap can still give without growing */

static struct head *
head_of(void *block)
{
    return (struct head *)block - 1;
}

static void
grow_heap(size_t size)
{
    void *volatile piece; /* or the compiler would leave both calls out */

    if (size > grown) {
        piece = malloc(GROW_BYTES);
        free(piece);
        grown = GROW_BYTES;
    }
    grown = hf_sub_saturated(grown, size);
}

static void *
alloc_from_system(size_t class, size_t size)
{
    struct head *head;

    if (size > UINT32_MAX) {
        return NULL;
    }
    grow_heap(size + GROW_SHARE);
    head = malloc(sizeof *head + size);
    if (!head) {
        return NULL;
    }
    head->class = (uint32_t) class;
    head->size = (uint32_t)size;
    return head + 1;
}

static size_t
class_of(size_t size)
{
    if (!KEEP) {
        return N_CLASSES;
    }
    if (size <= HF_H2_MEM_MAX) {
        return size ? (size + GRAIN - 1) / GRAIN : 1;
    }
    return size == HF_H2_MEM_FRAME ? FRAME : size == HF_H2_MEM_WRITE ? WRITE : N_CLASSES;
}

void *
hf_h2_mem_alloc(size_t size)
{
    size_t class = class_of(size);
    void **block;

    if (class == N_CLASSES) {
        return alloc_from_system(N_CLASSES, size);
    }
    block = lists[class].first;
    if (!block) {
        return alloc_from_system(class, class < FRAME ? class * GRAIN : size);
    }
    lists[class].first = *block;
    lists[class].n--;
    return block;
}

void *
hf_h2_mem_zalloc(size_t size)
{
    void *block = hf_h2_mem_alloc(size);

    return block ? memset(block, 0, size) : NULL;
}

void
hf_h2_mem_free(void *block)
{
    struct head *head;
    struct list *list;

    if (!block) {
        return;
    }
    head = head_of(block);
    if (head->class == N_CLASSES || lists[head->class].n * head->size >=
                                        (head->class == FRAME ? KEEP_FRAME_BYTES : KEEP_BYTES)) {
        free(head);
        return;
    }
    list = &lists[head->class];
    *(void **)block = list->first;
    list->first = block;
    list->n++;
}

bool
hf_h2_mem_reserve(size_t size)
{
    void *block;

    if (reserve && head_of(reserve)->size >= size) {
        return true;
    }
    block = alloc_from_system(N_CLASSES, size > RESERVE_MIN ? 2 * size : RESERVE_MIN);
    if (!block) {
        return false;
    }
    hf_h2_mem_free(reserve);
    reserve = block;
    return true;
}

void
hf_h2_mem_release(void)
{
    hf_h2_mem_free(reserve);
    reserve = NULL;
    for (size_t i = 0; i < N_CLASSES; i++) {
        while (lists[i].first) {
            void **block = lists[i].first;

            lists[i].first = *block;
            free(head_of(block));
        }
        lists[i].n = 0;
    }
}

static void *
mem_malloc(size_t size, void *arg)
{
    (void)arg;
    return hf_h2_mem_alloc(size);
}

static void
mem_free(void *block, void *arg)
{
    (void)arg;
    hf_h2_mem_free(block);
}

static void *
mem_calloc(size_t n, size_t size, void *arg)
{
    (void)arg;
    return size && n > SIZE_MAX / size ? NULL : hf_h2_mem_zalloc(n * size);
}

static void *
mem_realloc(void *block, size_t size, void *arg)
{
    void *moved;

    (void)arg;
    if (block && head_of(block)->size >= size) {
        return block;
    }
    moved = hf_h2_mem_alloc(size);
    if (!moved && reserve && head_of(reserve)->size >= size) {
        moved = reserve;
        reserve = NULL;
    }
    if (moved && block) {
        memcpy(moved, block, head_of(block)->size);
        hf_h2_mem_free(block);
    }
    return moved;
}

nghttp2_mem hf_h2_mem_ops = {
    .malloc = mem_malloc,
    .free = mem_free,
    .calloc = mem_calloc,
    .realloc = mem_realloc,
};
