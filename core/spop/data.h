/*
 * data.h - SPOP's building blocks: numbers, strings and typed values in bytes.
 *
 * The stream processing offload protocol (HAProxy's doc/SPOE.txt, section 3.1) writes
 * numbers in one to ten bytes, strings behind their length, and values behind one byte
 * with their type.  A reader never looks behind its end, a writer never writes there;
 * both are plain values, so that a copy is a place to come back to.
 */
#ifndef HF_SPOP_DATA_H
#define HF_SPOP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hf_spop_type {
    HF_SPOP_NULL = 0,
    HF_SPOP_BOOL = 1,
    HF_SPOP_INT32 = 2,
    HF_SPOP_UINT32 = 3,
    HF_SPOP_INT64 = 4,
    HF_SPOP_UINT64 = 5,
    HF_SPOP_IPV4 = 6,
    HF_SPOP_IPV6 = 7,
    HF_SPOP_STRING = 8,
    HF_SPOP_BINARY = 9
};

/* Borrowed bytes of what was read; not NUL-terminated. */
struct hf_spop_string {
    const char *data;
    size_t len;
};

/* A typed value as read. */
struct hf_spop_data {
    enum hf_spop_type type;
    uint64_t number;             /* of the integers, in two's complement; 0 or 1 of a boolean */
    struct hf_spop_string bytes; /* of strings, binaries and addresses */
};

bool hf_spop_string_is(struct hf_spop_string string, const char *text);

/* --- reading: false means that the bytes end too early or mean nothing --------------------- */

struct hf_spop_reader {
    const uint8_t *at;
    const uint8_t *end;
};

bool hf_spop_read_byte(struct hf_spop_reader *reader, uint8_t *ret);

/* Four bytes, the most significant first. */
bool hf_spop_read_u32(struct hf_spop_reader *reader, uint32_t *ret);

/* A number of any length; one above 64 bits means nothing. */
bool hf_spop_read_number(struct hf_spop_reader *reader, uint64_t *ret);

bool hf_spop_read_string(struct hf_spop_reader *reader, struct hf_spop_string *ret);

bool hf_spop_read_data(struct hf_spop_reader *reader, struct hf_spop_data *ret);

/* --- writing: what does not fit is left out, and so is everything after it ------------------ */

struct hf_spop_writer {
    uint8_t *at;
    uint8_t *end;
    bool full; /* something did not fit */
};

void hf_spop_write_byte(struct hf_spop_writer *writer, uint8_t byte);
void hf_spop_write_u32(struct hf_spop_writer *writer, uint32_t value);
void hf_spop_write_number(struct hf_spop_writer *writer, uint64_t value);
void hf_spop_write_string(struct hf_spop_writer *writer, const char *data, size_t len);

/* The same behind their types, as values. */
void hf_spop_write_uint32_data(struct hf_spop_writer *writer, uint32_t value);
void hf_spop_write_string_data(struct hf_spop_writer *writer, const char *text);

#endif
