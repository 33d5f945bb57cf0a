/*
 * table.c - results in columns, for people.
 */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
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

const char *
cli_age(uint64_t since_ns, char buf[static CLI_AGE_MAX])
{
    static const struct {
        uint64_t seconds;
        char unit;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    uint64_t age = hf_sub_saturated(hf_wall_now(), since_ns) / HF_SEC;
    size_t i = 0;

    buf[0] = '\0';
    if (since_ns == 0) {
        return buf;
    }
    while (units[i].seconds > 1 && age < 2 * units[i].seconds) {
        i++;
    }
    snprintf(buf, CLI_AGE_MAX, "%" PRIu64 "%c", age / units[i].seconds, units[i].unit);
    return buf;
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
