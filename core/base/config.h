/*
 * config.h - configuration files: sections of keys, each remembering its place.
 *
 * INI: "[section]", and in it "key = value" or "key: value":
 *
 *   - a key given again adds a value (lists);
 *   - a line that begins with a space continues the value before it;
 *   - ; and # begin a comment, " ;" also behind a value;
 *   - double quotes hold together what would be divided or cut (quote.h);
 *   - ${NAME} becomes the value of the environment variable NAME; one that is
 *     not set is an error; $${ stands for ${;
 *   - "include = FILE" before the first section or in any other place reads
 *     another file, relative to the one it stands in.
 *
 * What the keys mean is for options.h.  Every error names file and line.  A file
 * may have 1 MiB, a line 4 KiB, includes may nest 8 deep.  Reading a
 * configuration is for one thread, at start; afterwards it may be shared.
 */
#ifndef HF_BASE_CONFIG_H
#define HF_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct hf_err;
struct hf_text;

#define HF_CONFIG_FILE_MAX  ((size_t)1 << 20)
#define HF_CONFIG_LINE_MAX  4096
#define HF_CONFIG_DEPTH_MAX 8

struct hf_config_value {
    struct hf_list node;
    char *key;
    char *text;       /* what it says, without quotes */
    char *raw;        /* as written, for lists */
    const char *file; /* where it stands; "--set" for an override */
    unsigned line;    /* from 1; 0 for an override */
};

struct hf_config_section {
    struct hf_list node;
    char *name;
    struct hf_list values; /* struct hf_config_value, in the order of the file */
    const char *file;      /* where it was opened first */
    unsigned line;
};

struct hf_config;

/* An empty configuration: all defaults. */
int hf_config_new(struct hf_config **ret, struct hf_err *err);

/* Reads a file. */
int hf_config_load(const char *path, struct hf_config **ret, struct hf_err *err);

/* Reads text as if it were the file `name`; includes are relative to the folder of `name`. */
int hf_config_parse(const char *text, size_t len, const char *name, struct hf_config **ret,
                    struct hf_err *err);

/* The name of the file that was loaded; NULL: there was none. */
const char *hf_config_name(const struct hf_config *config);

/* NULL is allowed. */
void hf_config_free(struct hf_config *config);
HF_DEFINE_CLEANUP(struct hf_config, hf_config_free)

/* An override from the command line, "section.key=value": replaces all values
 * of the key.  The section's name may have dots, the key has none. */
int hf_config_set(struct hf_config *config, const char *assignment, struct hf_err *err);

/* Forgets a section, if there is one. */
void hf_config_drop(struct hf_config *config, const char *section);

/* By name, or NULL. */
const struct hf_config_section *hf_config_section(const struct hf_config *config, const char *name);

/* All sections (struct hf_config_section), in the order of the file. */
const struct hf_list *hf_config_sections(const struct hf_config *config);

/* The last value of a key, or NULL.  `section` may be NULL. */
const struct hf_config_value *hf_config_value(const struct hf_config_section *section,
                                              const char *key);

/* Refuses sections that are neither among the `n` names nor accepted by `is_other` (NULL: none
 * is); says which one may have been meant. */
int hf_config_check_sections(const struct hf_config *config, const char *const *names, size_t n,
                             bool (*is_other)(const char *name), struct hf_err *err);

/* "file:line" or "--set", for messages. */
void hf_config_where(const struct hf_config_value *value, struct hf_text *out);
void hf_config_section_where(const struct hf_config_section *section, struct hf_text *out);

#endif
