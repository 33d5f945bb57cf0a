/*
 * text.h - text that grows, for `show` commands, JSON and messages.
 *
 * A text never fails visibly: when memory or its bound runs out it keeps what
 * it has, ignores the rest and remembers that it is `truncated`.
 */
#ifndef HF_BASE_TEXT_H
#define HF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct hf_text {
    char *data; /* NUL-terminated once something was added; may be NULL */
    size_t len; /* without the NUL */
    size_t size;
    size_t limit; /* longest allowed */
    bool truncated;
};

/* Longest text that `hf_text_init` allows. */
#define HF_TEXT_LIMIT ((size_t)64 << 20)

/* Makes an empty text; allocates nothing. */
void hf_text_init(struct hf_text *text);
void hf_text_fini(struct hf_text *text);

/* Forgets the content and keeps the memory. */
void hf_text_clear(struct hf_text *text);

void hf_text_add(struct hf_text *text, const char *s);
void hf_text_add_mem(struct hf_text *text, const char *data, size_t len);
void hf_text_add_char(struct hf_text *text, char c);
void hf_text_printf(struct hf_text *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds `n` times the character, for columns. */
void hf_text_pad(struct hf_text *text, char c, size_t n);

/* Adds a JSON string with its quotes.  Bytes that are not UTF-8 become U+FFFD. */
void hf_text_add_json(struct hf_text *text, const char *data, size_t len);

/* The content, never NULL; valid until the next change. */
const char *hf_text_str(const struct hf_text *text);

/* Hands the content over, to be free()d; leaves an empty text.  NULL if the text
 * was truncated. */
char *hf_text_steal(struct hf_text *text);

/* A new string, to be free()d; NULL if memory is exhausted. */
char *hf_strdup_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For a variable: `hf_autotext struct hf_text text; hf_text_init(&text);` */
#define hf_autotext __attribute__((cleanup(hf_text_fini)))

#endif
