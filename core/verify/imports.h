/*
 * imports.h - what a loaded module takes from the libraries of the system.
 *
 * Read from its table of relocations: which functions a policy must not use is found by their
 * names, and its allocations go through functions of ours, which count them and can let one fail.
 */
#ifndef HF_VERIFY_IMPORTS_H
#define HF_VERIFY_IMPORTS_H

#include <stddef.h>
#include <stdint.h>

struct hf_err;
struct hf_module;

/* The first function that a policy must not use; NULL: it uses none.  `*ret_why` says what is there
 * instead. */
const char *hf_imports_forbidden(const struct hf_module *module, const char **ret_why);

/* From now on the module's calls of malloc() and its relatives are counted. */
void hf_allocations_watch(const struct hf_module *module);

/* From now on fresh memory that they return is filled with a byte. */
void hf_allocations_fill(uint8_t byte);

/* How many there were. */
uint64_t hf_allocations_count(void);

/* The `n`th from now on fails, and all behind it; 0: none does. */
void hf_allocations_fail_at(uint64_t n);

/* Whether one has failed since. */
uint64_t hf_allocations_failed(void);

/* Bytes that are allocated in this process. */
size_t hf_heap_in_use(void);

#endif
