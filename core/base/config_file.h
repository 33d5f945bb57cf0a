/*
 * config_file.h - between config.c, which keeps sections and values, and
 * config_file.c, which reads them from files.
 */
#ifndef HF_BASE_CONFIG_FILE_H
#define HF_BASE_CONFIG_FILE_H

#include "base/config.h"

/* Keeps a file's name as long as the configuration lives; NULL: no memory. */
const char *hf_config_keep_file(struct hf_config *config, const char *name, struct hf_err *err);

/* Finds a section or makes it; `file` is a kept name. */
int hf_config_open_section(struct hf_config *config, const char *name, const char *file,
                           unsigned line, struct hf_config_section **ret, struct hf_err *err);

/* Adds a value, as written, at the end; the caller sets its place. */
int hf_config_add(struct hf_config_section *section, const char *key, const char *raw,
                  struct hf_config_value **ret, struct hf_err *err);

/* Replaces what a value says by `raw`, whose quotes end.  HF_ENOMEM: it stays as it was. */
int hf_config_value_set(struct hf_config_value *value, const char *raw);

#endif
