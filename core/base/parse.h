/*
 * parse.h - numbers, durations, sizes and addresses as people write them.
 *
 * Each function takes the whole text, without spaces around it, and either sets
 * `*ret` and returns 0, or returns HF_EINVALID with a message that quotes what
 * was found and says what would be right.
 */
#ifndef HF_BASE_PARSE_H
#define HF_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_err;

/* Decimal digits. */
int hf_parse_u64(const char *text, uint64_t *ret, struct hf_err *err);

/* The same, within [min, max]. */
int hf_parse_u64_range(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
                       struct hf_err *err);

/* A finite number: "0.25", "-3", "1e6". */
int hf_parse_double(const char *text, double *ret, struct hf_err *err);

/* yes, no, true, false, on, off, 1, 0 (any case). */
int hf_parse_bool(const char *text, bool *ret, struct hf_err *err);

/* "90s", "1.5m", "250ms", "10us", "100ns", "2h", "1d", "1h30m", or "0". In nanoseconds. */
int hf_parse_duration(const char *text, uint64_t *ret_ns, struct hf_err *err);

/* "4096", "64KiB", "1.5GiB", "256MiB", "2TiB" (powers of 1024), "1kB", "1MB",
 * "1GB" (powers of 1000), "100B".  In bytes. */
int hf_parse_size(const char *text, uint64_t *ret_bytes, struct hf_err *err);

/* Splits "HOST:PORT" or "[V6]:PORT".  `ret_host`, without brackets, has room for
 * `size` bytes. */
int hf_parse_host_port(const char *text, char *ret_host, size_t size, uint16_t *ret_port,
                       struct hf_err *err);

/* Checks the form of "HOST:PORT", "[V6]:PORT" or "unix:PATH"; resolves nothing. */
int hf_parse_address_check(const char *text, struct hf_err *err);

/* Room for any number, duration or size as text. */
#define HF_FORMAT_MAX 32

/* Writes a number in decimal, with a NUL, and returns its length: 20 digits at most. */
size_t hf_write_u64(uint64_t n, char *ret);

/* An exact form that `hf_parse_duration` reads back: "1.5s", "250ms", "90s", "2h". */
const char *hf_format_duration(uint64_t ns, char buf[static HF_FORMAT_MAX]);

/* The largest binary unit that divides it: "256MiB", "1000B". */
const char *hf_format_size(uint64_t bytes, char buf[static HF_FORMAT_MAX]);

/* Of the `n` words, the one that a mistyped `word` most likely meant, or NULL if
 * none is close.  For "did you mean". */
const char *hf_closest_word(const char *word, const char *const *words, size_t n);

#endif
