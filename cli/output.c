/*
 * output.c - how results are written.
 */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/macros.h"

/* Between two columns. */
#define GAP 2

/* --- stdout ----------------------------------------------------------------------------- */

int
cli_print_bytes(const void *data, size_t len, struct hf_err *err)
{
    if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0) {
        return CLI_OK;
    }
    if (errno != EPIPE) { /* a reader that has enough, such as head(1), is no news */
        hf_fail_errno(err, errno, "can't write the result");
    }
    return CLI_FAILED;
}

int
cli_print(const struct hf_text *text, struct hf_err *err)
{
    if (text->truncated) {
        hf_fail(err, HF_EFULL, "the result is too long");
        return CLI_FAILED;
    }
    return cli_print_bytes(hf_text_str(text), text->len, err);
}

int
cli_print_foreign(const char *data, size_t len, struct hf_err *err)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    if (!isatty(STDOUT_FILENO)) {
        return cli_print_bytes(data, len, err);
    }
    out.limit = 4 * len + 1; /* each byte an escape, and the end */
    cli_add_harmless(data, len, &out);
    return cli_print(&out, err);
}

void
cli_object_begin(struct hf_json *json, struct hf_text *text)
{
    hf_text_init(text);
    hf_json_init(json, text);
    hf_json_object(json, NULL);
}

int
cli_object_print(struct hf_json *json, struct hf_err *err)
{
    int printed;

    hf_json_end(json);
    hf_text_add_char(json->text, '\n');
    printed = cli_print(json->text, err);
    hf_text_fini(json->text);
    return printed;
}

/* --- people ----------------------------------------------------------------------------- */

void
cli_add_shown(const char *text, struct hf_text *out)
{
    for (text = *text ? text : "-"; *text; text++) {
        hf_text_add_char(out, (unsigned char)*text < ' ' || *text == 0x7F ? '?' : *text);
    }
}

/* C1 controls are two bytes in UTF-8, 0xC2 0x80 to 0xC2 0x9F. */
static bool
is_harmless(const unsigned char *character, size_t len)
{
    if (len == 1) {
        return *character == '\n' || *character == '\t' || (*character >= ' ' && *character < 0x7F);
    }
    return len != 2 || character[0] != 0xC2 || character[1] >= 0xA0;
}

void
cli_add_harmless(const char *data, size_t len, struct hf_text *out)
{
    for (size_t at = 0; at < len;) {
        const unsigned char *character = (const unsigned char *)data + at;
        size_t bytes = hf_max(hf_utf8_len(data + at, len - at), (size_t)1);

        if (is_harmless(character, bytes)) {
            hf_text_add_mem(out, data + at, bytes);
        } else {
            for (size_t i = 0; i < bytes; i++) {
                hf_text_printf(out, "\\x%02x", character[i]);
            }
        }
        at += bytes;
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

/* --- lists ------------------------------------------------------------------------------ */

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
cli_list_init(struct cli_list *list, const struct cli *cli, const char *const *headings,
              size_t count)
{
    hf_assert(count <= CLI_LIST_COLUMNS);
    *list = (struct cli_list){ .columns = count };
    hf_text_init(&list->out);
    hf_text_init(&list->cells);
    if (cli->json) {
        hf_json_init(&list->json, &list->out);
        hf_json_array(&list->json, NULL);
    } else {
        cli_list_row(list, headings, count);
    }
}

void
cli_list_row(struct cli_list *list, const char *const *cells, size_t count)
{
    hf_assert(count == list->columns);
    for (size_t column = 0; column < count; column++) {
        const char *text = cells[column];

        list->width[column] = hf_max(list->width[column], width_of(*text ? text : "-"));
        cli_add_shown(text, &list->cells);
        hf_text_add_char(&list->cells, '\0');
    }
}

/* Writes the rows, the heading first. */
static void
format_rows(struct cli_list *list)
{
    const char *cell = hf_text_str(&list->cells);
    const char *end = cell + list->cells.len;
    size_t column = 0;

    for (; cell < end; cell += strlen(cell) + 1) {
        hf_text_add(&list->out, cell);
        if (++column < list->columns) {
            hf_text_pad(&list->out, ' ', list->width[column - 1] - width_of(cell) + GAP);
        } else {
            hf_text_add_char(&list->out, '\n');
            column = 0;
        }
    }
    list->out.truncated |= list->cells.truncated;
}

int
cli_list_print(struct cli_list *list, struct hf_err *err)
{
    int printed;

    if (list->json.text) {
        hf_json_end(&list->json);
        hf_text_add_char(&list->out, '\n');
    } else {
        format_rows(list);
    }
    printed = cli_print(&list->out, err);
    hf_text_fini(&list->out);
    hf_text_fini(&list->cells);
    return printed;
}
