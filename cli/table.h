/*
 * table.h - results in columns, for people.
 *
 *     struct cli_table table;
 *     cli_table_init(&table, CLI_CELLS("ID", "IMAGE"));
 *     cli_table_row(&table, CLI_CELLS(id, image));
 *     cli_table_format(&table, &out);
 *     cli_table_fini(&table);
 */
#ifndef HF_CLI_TABLE_H
#define HF_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define CLI_TABLE_COLUMNS 8

/* Appends a text as people see it: "" as "-", and what a terminal would act upon as "?". */
void cli_add_shown(const char *text, struct hf_text *out);

#define CLI_AGE_MAX 32

/* How long ago that was, by the wall clock: "45s", "12m", "5h", "9d"; "" for 0. */
const char *cli_age(uint64_t since_ns, char buf[static CLI_AGE_MAX]);

struct cli_table {
    struct hf_text cells; /* each ends with a NUL; the first row is the heading */
    size_t columns;
    size_t width[CLI_TABLE_COLUMNS]; /* of the longest cell */
};

/* An array and its length, for the two functions below. */
#define CLI_CELLS(...)                                                                             \
    (const char *const[]){ __VA_ARGS__ },                                                          \
        sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

/* Begins with the headings, at most CLI_TABLE_COLUMNS. */
void cli_table_init(struct cli_table *table, const char *const *headings, size_t count);

/* Adds a row of as many cells. */
void cli_table_row(struct cli_table *table, const char *const *cells, size_t count);

/* Appends the lines, the heading first. */
void cli_table_format(const struct cli_table *table, struct hf_text *out);

void cli_table_fini(struct cli_table *table);

#endif
