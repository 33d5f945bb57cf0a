/*
 * output.h - how results are written: in columns or lines for people, as JSON for programs.
 *
 * A list has both forms:
 *
 *     struct cli_list list;
 *     cli_list_init(&list, cli, CLI_CELLS("ID", "IMAGE"));
 *     if (cli->json) {
 *         hf_json_object(&list.json, NULL); ...
 *     } else {
 *         cli_list_row(&list, CLI_CELLS(id, image));
 *     }
 *     return cli_list_print(&list, err);
 *
 * What came from elsewhere (logs, answers of functions, messages) goes to a file or a pipe as it
 * is. A terminal acts upon some of it (moves its cursor, changes its title, answers as if somebody
 * typed), so there it is shown as escapes.
 */
#ifndef HF_CLI_OUTPUT_H
#define HF_CLI_OUTPUT_H

#include <stdint.h>

#include "cli.h"

/* --- stdout ----------------------------------------------------------------------------- */

/* Write; an exit code. */
int cli_print(const struct hf_text *text, struct hf_err *err);
int cli_print_bytes(const void *data, size_t len, struct hf_err *err);
int cli_print_foreign(const char *data, size_t len, struct hf_err *err);

/* Begins a JSON object in an empty text, and ends, prints and frees it: an exit code. */
void cli_object_begin(struct hf_json *json, struct hf_text *text);
int cli_object_print(struct hf_json *json, struct hf_err *err);

/* --- people ----------------------------------------------------------------------------- */

/* Appends a text as people see it: "" as "-", and what a terminal would act upon as "?". */
void cli_add_shown(const char *text, struct hf_text *out);

/* Appends bytes as a terminal may have them: lines, tabs and what is printable as they are, all
 * else as "\x1b".  `len` may end inside a character. */
void cli_add_harmless(const char *data, size_t len, struct hf_text *out);

#define CLI_AGE_MAX 32

/* How long ago that was, by the wall clock: "45s", "12m", "5h", "9d"; "" for 0. */
const char *cli_age(uint64_t since_ns, char buf[static CLI_AGE_MAX]);

/* --- lists ------------------------------------------------------------------------------ */

#define CLI_LIST_COLUMNS 8

struct cli_list {
    struct hf_text out;
    struct hf_json json;  /* with --json: an array is open */
    struct hf_text cells; /* each ends with a NUL; the first row is the heading */
    size_t columns;
    size_t width[CLI_LIST_COLUMNS];
};

/* An array and its length, for the two functions below. */
#define CLI_CELLS(...)                                                                             \
    (const char *const[]){ __VA_ARGS__ },                                                          \
        sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

/* Begins with the headings, at most CLI_LIST_COLUMNS. */
void cli_list_init(struct cli_list *list, const struct cli *cli, const char *const *headings,
                   size_t count);

/* Adds a row of as many cells. */
void cli_list_row(struct cli_list *list, const char *const *cells, size_t count);

/* Prints the list and frees it; an exit code. */
int cli_list_print(struct cli_list *list, struct hf_err *err);

#endif
