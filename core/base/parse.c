/* parse.c - reading and writing numbers with units; see parse.h.  Addresses: parse_address.c. */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/macros.h"

__extension__ typedef unsigned __int128 u128;

/* --- plain numbers ------------------------------------------------------------------------- */

int
hf_parse_u64(const char *text, uint64_t *ret, struct hf_err *err)
{
    uint64_t value = 0;

    if (!*text) {
        return hf_fail(err, HF_EINVALID, "'' is not a number; write decimal digits");
    }
    for (const char *s = text; *s; s++) {
        if (!isdigit((unsigned char)*s)) {
            return hf_fail(err, HF_EINVALID, "'%s' is not a number; write decimal digits", text);
        }
        if (!hf_mul_checked(value, UINT64_C(10), &value) ||
            !hf_add_checked(value, (uint64_t)(*s - '0'), &value)) {
            return hf_fail(err, HF_EINVALID, "'%s' is too large; the largest number is %" PRIu64,
                           text, UINT64_MAX);
        }
    }
    *ret = value;
    return 0;
}

int
hf_parse_u64_range(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct hf_err *err)
{
    uint64_t value;
    int r = hf_parse_u64(text, &value, err);

    if (r < 0) {
        return r;
    }
    if (value < min || value > max) {
        return hf_fail(err, HF_EINVALID, "'%s' is out of range; allowed is %" PRIu64 " to %" PRIu64,
                       text, min, max);
    }
    *ret = value;
    return 0;
}

int
hf_parse_double(const char *text, double *ret, struct hf_err *err)
{
    char *end;
    double value;

    /* strtod would also take spaces, hexadecimal, "nan" and "inf". */
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return hf_fail(err, HF_EINVALID, "'%s' is not a number; write it like 0.25", text);
    }
    value = strtod(text, &end);
    if (*end || !isfinite(value)) {
        return hf_fail(err, HF_EINVALID, "'%s' is not a number; write it like 0.25", text);
    }
    *ret = value;
    return 0;
}

int
hf_parse_bool(const char *text, bool *ret, struct hf_err *err)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

    for (size_t i = 0; i < hf_countof(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret = i % 2 != 0;
            return 0;
        }
    }
    return hf_fail(err, HF_EINVALID, "'%s' is neither yes nor no; write one of them", text);
}

/* --- numbers with units -------------------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    { "ns", 1 },          { "us", HF_USEC },      { "ms", HF_MSEC },       { "s", HF_SEC },
    { "m", 60 * HF_SEC }, { "h", 3600 * HF_SEC }, { "d", 86400 * HF_SEC }, { NULL, 0 },
};

static const struct unit size_units[] = {
    { "B", 1 },
    { "", 1 },
    { "KiB", UINT64_C(1) << 10 },
    { "MiB", UINT64_C(1) << 20 },
    { "GiB", UINT64_C(1) << 30 },
    { "TiB", UINT64_C(1) << 40 },
    { "kB", UINT64_C(1000) },
    { "KB", UINT64_C(1000) },
    { "MB", UINT64_C(1000000) },
    { "GB", UINT64_C(1000000000) },
    { "TB", UINT64_C(1000000000000) },
    { NULL, 0 },
};

enum amount_result { AMOUNT_OK, AMOUNT_MALFORMED, AMOUNT_TOO_LARGE };

static const struct unit *
find_unit(const struct unit *units, const char *name, size_t len)
{
    for (; units->name; units++) {
        if (strlen(units->name) == len && strncmp(units->name, name, len) == 0) {
            return units;
        }
    }
    return NULL;
}

/* Reads digits; more than fit count as overflow, which the caller's limit notices. */
static u128
read_digits(const char **text, u128 *ret_scale)
{
    const u128 limit = (u128)UINT64_MAX * 10;
    u128 value = 0;

    *ret_scale = 1;
    for (; isdigit((unsigned char)**text); (*text)++) {
        if (value <= limit) {
            value *= 10;
            value += (unsigned)(**text - '0');
            *ret_scale *= 10;
        }
    }
    return value;
}

/* Reads one "1.5GiB" from `*text` on and adds it to `*sum`. */
static enum amount_result
read_amount(const char **text, const struct unit *units, uint64_t *sum)
{
    const char *begin = *text;
    const char *name;
    const struct unit *unit;
    u128 scale;
    u128 whole = read_digits(text, &scale);
    u128 part = 0;

    if (*text == begin) {
        return AMOUNT_MALFORMED;
    }
    scale = 1;
    if (**text == '.') {
        begin = ++*text;
        part = read_digits(text, &scale);
        if (*text == begin) {
            return AMOUNT_MALFORMED;
        }
        if (*text - begin > 18) {
            return AMOUNT_MALFORMED; /* nobody means more digits than that */
        }
    }
    name = *text;
    while (isalpha((unsigned char)**text)) {
        (*text)++;
    }
    unit = find_unit(units, name, (size_t)(*text - name));
    if (!unit) {
        return AMOUNT_MALFORMED;
    }
    if (whole > UINT64_MAX || whole * unit->factor > UINT64_MAX) {
        return AMOUNT_TOO_LARGE;
    }
    whole = whole * unit->factor + part * unit->factor / scale;
    return whole <= UINT64_MAX && hf_add_checked(*sum, (uint64_t)whole, sum) ? AMOUNT_OK
                                                                             : AMOUNT_TOO_LARGE;
}

int
hf_parse_duration(const char *text, uint64_t *ret_ns, struct hf_err *err)
{
    const char *rest = text;
    uint64_t sum = 0;
    enum amount_result result = strcmp(text, "0") == 0 ? AMOUNT_OK : AMOUNT_MALFORMED;

    if (result != AMOUNT_OK) {
        do {
            result = read_amount(&rest, duration_units, &sum);
        } while (result == AMOUNT_OK && *rest);
    }
    if (result == AMOUNT_MALFORMED) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is not a duration; write a number and a unit "
                       "(ns, us, ms, s, m, h, d), like 250ms or 1.5m",
                       text);
    }
    if (result == AMOUNT_TOO_LARGE) {
        return hf_fail(err, HF_EINVALID, "'%s' is too long; the longest duration is 213503d", text);
    }
    *ret_ns = sum;
    return 0;
}

int
hf_parse_size(const char *text, uint64_t *ret_bytes, struct hf_err *err)
{
    const char *rest = text;
    uint64_t sum = 0;
    enum amount_result result = read_amount(&rest, size_units, &sum);

    if (result == AMOUNT_MALFORMED || *rest) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is not a size; write bytes or a number and a unit "
                       "(KiB, MiB, GiB, TiB, kB, MB, GB, TB), like 256MiB",
                       text);
    }
    if (result == AMOUNT_TOO_LARGE) {
        return hf_fail(err, HF_EINVALID, "'%s' is too large; the largest size is 16777215TiB",
                       text);
    }
    *ret_bytes = sum;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------- */

size_t
hf_write_u64(uint64_t n, char *ret)
{
    size_t len = 1;

    for (uint64_t rest = n / 10; rest > 0; rest /= 10) {
        len++;
    }
    ret[len] = '\0';
    for (size_t i = len; i-- > 0; n /= 10) {
        ret[i] = (char)('0' + n % 10);
    }
    return len;
}

const char *
hf_format_duration(uint64_t ns, char buf[static HF_FORMAT_MAX])
{
    static const struct {
        const char *name;
        uint64_t factor;
        int digits;
    } units[] = { { "s", HF_SEC, 9 }, { "ms", HF_MSEC, 6 }, { "us", HF_USEC, 3 }, { "ns", 1, 0 } };
    size_t i = 0;
    int len;

    if (ns == 0) {
        memcpy(buf, "0", 2);
        return buf;
    }
    if (ns % (60 * HF_SEC) == 0) {
        bool hours = ns % (3600 * HF_SEC) == 0;

        snprintf(buf, HF_FORMAT_MAX, "%" PRIu64 "%s", ns / ((hours ? 3600 : 60) * HF_SEC),
                 hours ? "h" : "m");
        return buf;
    }
    while (ns < units[i].factor) {
        i++;
    }
    len = snprintf(buf, HF_FORMAT_MAX, "%" PRIu64 ".%0*" PRIu64, ns / units[i].factor,
                   units[i].digits, ns % units[i].factor);
    while (buf[len - 1] == '0') {
        len--;
    }
    len -= buf[len - 1] == '.';
    snprintf(buf + len, (size_t)(HF_FORMAT_MAX - len), "%s", units[i].name);
    return buf;
}

const char *
hf_format_size(uint64_t bytes, char buf[static HF_FORMAT_MAX])
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t i = 0;

    while (i + 1 < hf_countof(names) && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(buf, HF_FORMAT_MAX, "%" PRIu64 "%s", bytes, names[i]);
    return buf;
}

/* --- did you mean -------------------------------------------------------------------------- */

#define WORD_MAX 64

/* Edit distance with swaps of neighbours (optimal string alignment). */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    size_t len = strlen(b);

    for (size_t j = 0; j <= len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = hf_min(last[j], row[j - 1]) + 1;
            row[j] = hf_min(row[j], change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = hf_min(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[len];
}

const char *
hf_closest_word(const char *word, const char *const *words, size_t n)
{
    size_t limit = strlen(word) / 3 + 1;
    const char *best = NULL;

    if (strlen(word) > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        size_t distance = strlen(words[i]) > WORD_MAX ? SIZE_MAX : edit_distance(word, words[i]);

        if (distance <= limit && distance < strlen(words[i])) {
            best = words[i];
            limit = distance - (distance > 0); /* only a better one replaces it */
        }
    }
    return best;
}
