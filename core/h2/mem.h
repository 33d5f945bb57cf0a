/*
 * mem.h - blocks of memory, kept by each thread for reuse.
 *
 * Every call makes and drops some twenty small blocks, most of them inside
 * nghttp2; taking them from a free list instead of the general allocator is
 * worth about a tenth of a call.  Two large sizes are kept as well: bulk data
 * and output come in them.  Blocks may be freed on another thread than they were
 * made on.  Private to core/h2.
 */
#ifndef HF_H2_MEM_H
#define HF_H2_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include <nghttp2/nghttp2.h>

/* Up to this size blocks are kept, and of these; others come from and go to malloc. */
#define HF_H2_MEM_MAX   2048u
#define HF_H2_MEM_FRAME (16384u + 64u)      /* the payload of a frame */
#define HF_H2_MEM_WRITE (64u * 1024 + 1024) /* all that one write sends */

void *hf_h2_mem_alloc(size_t size);
void *hf_h2_mem_zalloc(size_t size);
void hf_h2_mem_free(void *block); /* NULL is ignored */

/* The same for nghttp2. */
extern nghttp2_mem hf_h2_mem_ops;

/* Makes sure that the next block of nghttp2's that has to grow to at most `size` bytes can, even if
 * there is no memory by then: where its queue of streams cannot grow, nghttp2 frees a frame that it
 * keeps.  False: no memory. */
bool hf_h2_mem_reserve(size_t size);

/* Frees what this thread keeps. */
void hf_h2_mem_release(void);

#endif
