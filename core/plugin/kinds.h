/*
 * kinds.h - what each kind of module must have; for module.c.
 */
#ifndef HF_PLUGIN_KINDS_H
#define HF_PLUGIN_KINDS_H

#include <stddef.h>
#include <stdint.h>

/* A member of a table of operations that no module may leave out. */
struct hf_kind_member {
    const char *name;
    size_t offset;
};

struct hf_kind {
    uint32_t kind;
    const char *name;
    size_t ops_size;                       /* of the table that this host knows */
    const struct hf_kind_member *required; /* function pointers; ends with a NULL name */
};

/* NULL for a number that is no kind. */
const struct hf_kind *hf_kind_of(uint32_t kind);

#endif
