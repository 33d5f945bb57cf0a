/* json_read.c - values of a JSON text; see json_read.h. */
#include "base/json_read.h"

#include <string.h>

#include "base/err.h"
#include "base/json_check.h"

int
hf_json_open(const char *text, size_t len, struct hf_json_span *ret, struct hf_err *err)
{
    int r = hf_json_check_document(text, len, err);

    if (r < 0) {
        return r;
    }
    while (strchr(" \n\t\r", *text)) {
        text++;
        len--;
    }
    while (strchr(" \n\t\r", text[len - 1])) {
        len--;
    }
    *ret = (struct hf_json_span){ text, len };
    return 0;
}

enum hf_json_type
hf_json_type(struct hf_json_span value)
{
    switch (*value.text) {
    case '{':
        return HF_JSON_OBJECT;
    case '[':
        return HF_JSON_ARRAY;
    case '"':
        return HF_JSON_STRING;
    case 't':
    case 'f':
        return HF_JSON_BOOL;
    case 'n':
        return HF_JSON_NULL;
    default:
        return HF_JSON_NUMBER;
    }
}

/* --- going through ------------------------------------------------------------------------- */

static const char *
skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

/* Behind the value that begins at `at`. */
static const char *
skip_value(const char *at)
{
    unsigned int depth = 0;

    if (*at == '"') {
        return skip_string(at);
    }
    if (*at != '{' && *at != '[') {
        return at + strcspn(at, " \n\t\r,]}");
    }
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth > 0);
    return at;
}

/* Behind white space and what stands between values. */
static const char *
skip_between(const char *at)
{
    return at + strspn(at, " \n\t\r,:");
}

static struct hf_json_span
take_value(const char **at)
{
    struct hf_json_span value = { *at, (size_t)(skip_value(*at) - *at) };

    *at = skip_between(*at + value.len);
    return value;
}

void
hf_json_begin(struct hf_json_cursor *cursor, struct hf_json_span container)
{
    cursor->names = *container.text == '{';
    cursor->at = skip_between(container.text + 1);
}

bool
hf_json_next(struct hf_json_cursor *cursor, struct hf_json_span *ret_name,
             struct hf_json_span *ret_value)
{
    if (*cursor->at == '}' || *cursor->at == ']') {
        return false;
    }
    if (cursor->names) {
        *ret_name = take_value(&cursor->at);
    }
    *ret_value = take_value(&cursor->at);
    return true;
}

/* --- strings ------------------------------------------------------------------------------- */

static uint32_t
hex4(const char *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        char digit = at[i];

        value = value << 4 | (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

/* Writes a character in UTF-8; returns its bytes. */
static size_t
put_character(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Takes the byte or the escape at `*at`; returns how many bytes it stands for. */
static size_t
take_piece(const char **at, char out[4])
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    const char *from = *at;
    const char *letter;
    uint32_t unit;

    if (*from != '\\') {
        out[0] = *from;
        *at = from + 1;
        return 1;
    }
    if (from[1] != 'u') {
        letter = strchr(letters, from[1]);
        out[0] = letter ? meant[letter - letters] : from[1];
        *at = from + 2;
        return 1;
    }
    unit = hex4(from + 2);
    *at = from + 6;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(from + 8) - 0xdc00);
        *at = from + 12;
    }
    return put_character(unit, out);
}

size_t
hf_json_text(struct hf_json_span string, char *out)
{
    const char *at = string.text + 1;
    const char *end = string.text + string.len - 1;
    size_t n = 0;

    while (at < end) {
        char piece[4] = { 0 };
        size_t len = take_piece(&at, piece);

        memcpy(out + n, piece, len);
        n += len;
    }
    out[n] = '\0';
    return n;
}

/* The next byte of what a string spells; -1 at its end. */
struct spelling {
    const char *at;
    const char *end;
    char piece[4];
    size_t len;
    size_t used;
};

static struct spelling
spell(struct hf_json_span string)
{
    return (struct spelling){ string.text + 1, string.text + string.len - 1, { 0 }, 0, 0 };
}

static int
next_byte(struct spelling *s)
{
    if (s->used == s->len) {
        if (s->at >= s->end) {
            return -1;
        }
        s->len = take_piece(&s->at, s->piece);
        s->used = 0;
    }
    return (unsigned char)s->piece[s->used++];
}

bool
hf_json_is(struct hf_json_span string, const char *text)
{
    size_t len = strlen(text);
    struct spelling s;

    if (!memchr(string.text, '\\', string.len)) {
        return string.len == len + 2 && memcmp(string.text + 1, text, len) == 0;
    }
    s = spell(string);
    for (size_t i = 0; i < len; i++) {
        if (next_byte(&s) != (unsigned char)text[i]) {
            return false;
        }
    }
    return next_byte(&s) < 0;
}

bool
hf_json_same_text(struct hf_json_span a, struct hf_json_span b)
{
    struct spelling x = spell(a);
    struct spelling y = spell(b);
    int byte;

    do {
        byte = next_byte(&x);
        if (byte != next_byte(&y)) {
            return false;
        }
    } while (byte >= 0);
    return true;
}

uint32_t
hf_json_text_hash(struct hf_json_span string)
{
    struct spelling s = spell(string);
    uint32_t hash = 2166136261; /* FNV-1a */
    int byte;

    while ((byte = next_byte(&s)) >= 0) {
        hash = (hash ^ (uint32_t)byte) * 16777619;
    }
    return hash;
}

/* --- numbers ------------------------------------------------------------------------------- */

static size_t
digits_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && text[n] >= '0' && text[n] <= '9') {
        n++;
    }
    return n;
}

size_t
hf_json_number_len(const char *text, size_t len)
{
    size_t n = len > 0 && *text == '-';
    size_t digits = digits_len(text + n, len - n);

    if (digits == 0) {
        return 0;
    }
    n += text[n] == '0' ? 1 : digits; /* a zero in front is the whole of it */
    if (n + 1 < len && text[n] == '.' && (digits = digits_len(text + n + 1, len - n - 1)) > 0) {
        n += 1 + digits;
    }
    if (n < len && (text[n] == 'e' || text[n] == 'E')) {
        size_t sign = n + 1 < len && (text[n + 1] == '+' || text[n + 1] == '-');

        digits = digits_len(text + n + 1 + sign, len - n - 1 - sign);
        n += digits > 0 ? 1 + sign + digits : 0;
    }
    return n;
}

/* The exponent of a number, whose sign or first digit `text` begins with; far beyond what matters
 * it stays what it is. */
static int64_t
exponent_of(const char *text, size_t len)
{
    int64_t value = 0;
    bool negative = *text == '-';

    for (size_t i = *text == '-' || *text == '+'; i < len; i++) {
        value = value < 1000000 ? value * 10 + (text[i] - '0') : value;
    }
    return negative ? -value : value;
}

/* Appends a digit to a number; false: it does not fit any more. */
static bool
append_digit(uint64_t *number, unsigned int digit)
{
    return !__builtin_mul_overflow(*number, 10, number) &&
           !__builtin_add_overflow(*number, digit, number);
}

/* The integer of a text in JSON's form of numbers. */
static bool
integer_of(const char *text, size_t len, struct hf_json_integer *ret)
{
    struct hf_json_integer number = { .negative = len > 0 && *text == '-' };
    const char *point = len > 0 ? memchr(text, '.', len) : NULL;
    int64_t places = 0; /* zeros to come: since the last other digit, and by the exponent */
    size_t digits;

    if (len == 0 || hf_json_number_len(text, len) != len) {
        return false;
    }
    for (digits = 0; digits < len && text[digits] != 'e' && text[digits] != 'E';) {
        digits++;
    }
    if (digits < len) {
        places = exponent_of(text + digits + 1, len - digits - 1);
    }
    if (point) {
        places -= (int64_t)(digits - (size_t)(point - text) - 1);
    }
    for (; digits > number.negative && strchr("0.", text[digits - 1]); digits--) {
        places += text[digits - 1] == '0';
    }
    for (size_t i = number.negative; i < digits; i++) {
        if (text[i] != '.' && !append_digit(&number.size, (unsigned int)(text[i] - '0'))) {
            return false;
        }
    }
    for (; number.size > 0 && places > 0; places--) {
        if (!append_digit(&number.size, 0)) {
            return false;
        }
    }
    *ret = number;
    return number.size == 0 || places >= 0;
}

bool
hf_json_integer(struct hf_json_span value, struct hf_json_integer *ret)
{
    if (hf_json_type(value) == HF_JSON_STRING) {
        return integer_of(value.text + 1, value.len - 2, ret);
    }
    return hf_json_type(value) == HF_JSON_NUMBER && integer_of(value.text, value.len, ret);
}
