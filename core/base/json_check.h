/*
 * json_check.h - whether a text is JSON, to the letter.
 *
 * RFC 8259 with what proto3 asks of its JSON beyond that: UTF-8, no member of an object twice (in
 * whatever spelling), no half of a surrogate pair.  A reader that is more lenient than others reads
 * what they refuse, or reads another value than they do; so everything of ours that is given JSON
 * checks it here first, and whatever reads it afterwards may rely on it.
 */
#ifndef HF_BASE_JSON_CHECK_H
#define HF_BASE_JSON_CHECK_H

#include <stddef.h>

struct hf_err;

/* Deepest nesting of documents; what we write needs four. */
#define HF_JSON_DOCUMENT_DEPTH 16

/* Checks the value that `text` begins with, nested `depth` deep at most.  `*ret_len` is how much of
 * the text it takes, with the white space around it.  HF_EINVALID: what is wrong, at which byte.
 * HF_ENOMEM: it has more members than there is memory for. */
int hf_json_check_first(const char *text, size_t len, unsigned int depth, size_t *ret_len,
                        struct hf_err *err);

/* The same for a document: one value and nothing else. */
int hf_json_check_document(const char *text, size_t len, struct hf_err *err);

#endif
