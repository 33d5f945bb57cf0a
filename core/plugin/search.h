/*
 * search.h - where modules lie; for module.c.
 */
#ifndef HF_PLUGIN_SEARCH_H
#define HF_PLUGIN_SEARCH_H

#include <stdint.h>

struct hf_err;
struct hf_plugin_path;

/* Finds the file of the module <kind>-<name>; the caller frees `*ret`.
 * HF_ENOTFOUND says where it was looked for and what is there. */
int hf_search_module(uint32_t kind, const char *name, const struct hf_plugin_path *path, char **ret,
                     struct hf_err *err);

#endif
