/*
 * table.c - results in columns, for people.
 */
#include "table.h"

#include <string.h>

#include "base/assert.h"
#include "base/macros.h"

/* Between two columns. */
#define GAP 2

/* Columns on the screen, taking every character as one wide. */
static size_t
width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80; /* not inside a UTF-8 character */
    }
    return width;
}

void
cli_add_shown(const char *text, struct hf_text *out)
{
    for (text = *text ? text : "-"; *text; text++) {
        hf_text_add_char(out, (unsigned char)*text < ' ' || *text == 0x7F ? '?' : *text);
    }
}

static void
add_cell(struct cli_table *table, size_t column, const char *text)
{
    table->width[column] = hf_max(table->width[column], width_of(*text ? text : "-"));
    cli_add_shown(text, &table->cells);
    hf_text_add_char(&table->cells, '\0');
}

void
cli_table_init(struct cli_table *table, const char *const *headings, size_t count)
{
    hf_assert(count <= CLI_TABLE_COLUMNS);
    memset(table, 0, sizeof *table);
    hf_text_init(&table->cells);
    table->columns = count;
    cli_table_row(table, headings, count);
}

void
cli_table_row(struct cli_table *table, const char *const *cells, size_t count)
{
    hf_assert(count == table->columns);
    for (size_t column = 0; column < count; column++) {
        add_cell(table, column, cells[column]);
    }
}

void
cli_table_format(const struct cli_table *table, struct hf_text *out)
{
    const char *cell = hf_text_str(&table->cells);
    const char *end = cell + table->cells.len;
    size_t column = 0;

    for (; cell < end; cell += strlen(cell) + 1) {
        hf_text_add(out, cell);
        if (++column < table->columns) {
            hf_text_pad(out, ' ', table->width[column - 1] - width_of(cell) + GAP);
        } else {
            hf_text_add_char(out, '\n');
            column = 0;
        }
    }
    out->truncated |= table->cells.truncated;
}

void
cli_table_fini(struct cli_table *table)
{
    hf_text_fini(&table->cells);
}
