/*
 * words.h - a request line as words, both ways.
 */
#ifndef HF_CTL_WORDS_H
#define HF_CTL_WORDS_H

#include <stddef.h>

struct hf_err;
struct hf_text;

/* Words in one request. */
#define HF_CTL_WORDS_MAX 64

/* Longest request line, without its newline. */
#define HF_CTL_LINE_MAX ((size_t)64 * 1024)

/* Splits `line` in place into at most HF_CTL_WORDS_MAX words, which point into it.
 * Returns how many, or HF_EINVALID. */
int hf_ctl_words_split(char *line, char *ret[static HF_CTL_WORDS_MAX], struct hf_err *err);

/* Appends a word, quoted if it needs to be.  HF_EINVALID: it has a line break. */
int hf_ctl_words_add(struct hf_text *line, const char *word, struct hf_err *err);

#endif
