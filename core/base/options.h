/*
 * options.h - the values of a section, checked against a table of rows.
 *
 * The same rows (hyperfaas/option.h) check what a file says, yield the sample
 * configuration and describe a plugin.  Every error names the place, the key,
 * what was found and what would be right.
 */
#ifndef HF_BASE_OPTIONS_H
#define HF_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/option.h>

#include "base/macros.h"

struct hf_config_section;
struct hf_err;
struct hf_json;
struct hf_text;

/* Checks the rows that `table` (NULL: none) describes and takes their values from
 * `section`; what it lacks, or all if `section` is NULL, comes from the rows'
 * fallbacks.  `name` is the section's, for messages.  Keys that the table does
 * not have are left to `hf_options_check_keys`.  A key given twice in one file is
 * refused unless it is a list; in different files the later one counts.  The
 * table must outlive the result. */
int hf_options_new(const char *name, const struct hf_config_section *section,
                   const struct hf_option *table, struct hf_options **ret, struct hf_err *err);

/* The same of several sections, of which each may be NULL: as if they were one, but that a value
 * from the command line replaces those of all. */
int hf_options_new_from(const char *name, const struct hf_config_section *const *sections,
                        size_t count, const struct hf_option *table, struct hf_options **ret,
                        struct hf_err *err);

/* NULL is allowed. */
void hf_options_free(struct hf_options *options);
HF_DEFINE_CLEANUP(struct hf_options, hf_options_free)

/* Refuses keys of `section` (NULL: nothing to check) that none of the `n` tables
 * has; a table may be NULL.  The message lists the keys there are. */
int hf_options_check_keys(const struct hf_config_section *section,
                          const struct hf_option *const *tables, size_t n, struct hf_err *err);

/* Checks the table itself: keys unique and well formed, types known, fallbacks
 * and limits readable and in order.  `owner` is for the message. */
int hf_options_check_table(const char *owner, const struct hf_option *table, struct hf_err *err);

/* The values.  Asking for a key that is not in the table, or by the wrong type,
 * is a bug of the asker: it aborts.  An option that is unset and has no
 * fallback is 0, NULL or empty.  Texts live as long as the options. */
uint64_t hf_options_u64(const struct hf_options *options, const char *key);
bool hf_options_bool(const struct hf_options *options, const char *key);
double hf_options_double(const struct hf_options *options, const char *key);
const char *hf_options_str(const struct hf_options *options, const char *key);

/* Item `i` of a list; NULL behind the last. */
const char *hf_options_item(const struct hf_options *options, const char *key, size_t i);
size_t hf_options_count(const struct hf_options *options, const char *key);

/* Whether the section itself gave the value. */
bool hf_options_is_given(const struct hf_options *options, const char *key);

/* What each row that has a value is set to, secrets hidden, for `show` commands: as lines
 * "key=value" that begin with `indent`, or as a JSON object of texts under `key`. */
void hf_options_show(const struct hf_options *options, const char *indent, struct hf_text *out);
void hf_options_show_json(const struct hf_options *options, const char *key, struct hf_json *json);

/* Describes a table: as commented lines of a sample file, or as a JSON array
 * under `key`. */
void hf_options_write_sample(const struct hf_option *table, struct hf_text *out);
void hf_options_write_json(const struct hf_option *table, const char *key, struct hf_json *json);

/* "duration", "size", ...; NULL for a number that is no type. */
const char *hf_option_type_name(uint32_t type);

#endif
