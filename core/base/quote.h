/*
 * quote.h - double quotes in configurations.
 *
 * Between double quotes blanks, commas, ; and # are ordinary characters; there \" stands for "
 * and \\ for \.  Quotes may hold a whole value or any part of it: A="x y".  What the quotes hold
 * is part of the word that they touch.
 *
 * A value as written is `raw` here; `plain` is what it says.
 */
#ifndef HF_BASE_QUOTE_H
#define HF_BASE_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

struct hf_err;
struct hf_text;

/* Steps over one character at `*s`, which is not at the end, and returns it as it is meant: an
 * escaped one counts as one.  Returns 0 for a quote, which only changes `*quoted`. */
char hf_quote_next(const char **s, bool *quoted);

/* The length of the value that begins at `text`: without a comment behind it (a blank and ;) and
 * the blanks before that or at the end. */
size_t hf_quote_value_len(const char *text);

/* Refuses quotes that do not end.  `strict`, for files: also what is likely to be meant
 * otherwise than it would be read (a comment that begins with #, single quotes, $NAME). */
int hf_quote_check(const char *raw, bool strict, struct hf_err *err);

/* The whole value, without its quotes; NULL: no memory. */
char *hf_quote_plain(const char *raw);

/* The next word of a list, divided by commas and blanks outside quotes.  False: there is none,
 * or no memory; then `*ret` is NULL and `*raw` is not at the end. */
bool hf_quote_word(const char **raw, char **ret);

/* Appends text so that it is read as it is here; `quoted`: between quotes that are already
 * open. */
void hf_quote_add(struct hf_text *out, const char *text, bool quoted);

#endif
