/*
 * option_value.h - one value of an option table, read and checked by its row.
 *
 * Between options.c, which binds whole sections, and option_table.c, which
 * checks and describes tables.
 */
#ifndef HF_BASE_OPTION_VALUE_H
#define HF_BASE_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/option.h>

struct hf_err;

/* A value; which member counts depends on the row's type. */
struct hf_option_value {
    bool given; /* by the section, not by the row's fallback */
    uint64_t u64;
    double f64;
    char *str;
    char **items; /* of a list, NULL-terminated */
    size_t n_items;
};

/* Reads `text` by the row's type, without limits.  That of a list is as written,
 * with its quotes, and its words are appended; otherwise the value is replaced.  `folder` (NULL:
 * none) is where relative paths begin.  The message quotes the text unless the row is secret. */
int hf_option_value_read(const struct hf_option *row, const char *text, const char *folder,
                         struct hf_option_value *value, struct hf_err *err);

/* Compares with the row's `min` and `max`. */
int hf_option_value_check(const struct hf_option *row, const struct hf_option_value *value,
                          const char *text, struct hf_err *err);

void hf_option_value_fini(struct hf_option_value *value);

/* Which member of a value a type uses. */
bool hf_option_is_u64(uint32_t type);
bool hf_option_is_str(uint32_t type);
bool hf_option_is_list(uint32_t type);

#endif
