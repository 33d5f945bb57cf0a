/*
 * module_private.h - what module.c, search.c and elf_file.c share.
 */
#ifndef HF_PLUGIN_MODULE_PRIVATE_H
#define HF_PLUGIN_MODULE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

struct hf_err;
struct hf_plugin_path;

/* --- module.c: what each kind of module must have ------------------------------------------ */

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

/* --- search.c ------------------------------------------------------------------------------ */

/* Finds the file of the module <kind>-<name>; the caller frees `*ret`.
 * HF_ENOTFOUND says where it was looked for and what is there. */
int hf_search_module(uint32_t kind, const char *name, const struct hf_plugin_path *path, char **ret,
                     struct hf_err *err);

/* --- elf_file.c ---------------------------------------------------------------------------- */

/* The dynamic loader maps what a file says to have, and dies when it is not there: so this looks
 * first whether the file is a whole shared object for this machine. */
int hf_elf_file_check(const char *path, struct hf_err *err);

#endif
