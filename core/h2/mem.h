/*
 * mem.h - small blocks of memory, kept by each thread for reuse.
 *
 * Every call makes and drops some twenty small blocks, most of them inside
 * nghttp2; taking them from a free list instead of the general allocator is
 * worth about a tenth of a call.  Blocks may be freed on another thread than
 * they were made on.  Private to core/h2.
 */
#ifndef HF_H2_MEM_H
#define HF_H2_MEM_H

#include <stddef.h>

#include <nghttp2/nghttp2.h>

/* Up to this size blocks are kept; larger ones come from and go to malloc. */
#define HF_H2_MEM_MAX 2048u

void *hf_h2_mem_alloc(size_t size);
void *hf_h2_mem_zalloc(size_t size);
void hf_h2_mem_free(void *block); /* NULL is ignored */

/* The same for nghttp2. */
extern nghttp2_mem hf_h2_mem_ops;

/* Frees what this thread keeps. */
void hf_h2_mem_release(void);

#endif
