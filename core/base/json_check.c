/* json_check.c - the grammar of JSON; see json_check.h. */
#include "base/json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/json_read.h"

/* Names of members that are kept without asking for memory; a power of two. */
#define NAMES_FIRST 64

/* The name of a member, where it stands in the text. */
struct name {
    uint32_t object; /* the number of its object; 0: the place is free */
    uint32_t hash;   /* of what it spells */
    struct hf_json_span text;
};

struct check {
    const char *begin;
    const char *at;
    const char *end;
    unsigned int depth; /* levels that are left */
    uint32_t objects;   /* begun so far */

    /* All names met, hashed with the number of their object. */
    struct name *names;
    size_t count;
    size_t size;
    struct name first[NAMES_FIRST];

    struct hf_err *err;
};

static int check_value(struct check *c);

static int
wrong(struct check *c, const char *what)
{
    return hf_fail(c->err, HF_EINVALID, "not JSON: %s at byte %zu",
                   c->at == c->end ? "unexpected end" : what, (size_t)(c->at - c->begin));
}

static void
skip_space(struct check *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) {
        c->at++;
    }
}

/* --- strings ------------------------------------------------------------------------------- */

/* The four digits of "\uXXXX" at `at`, or -1. */
static int32_t
hex4(const struct check *c, const char *at)
{
    int32_t value = 0;

    if (c->end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char digit = at[i];
        int32_t part = digit >= '0' && digit <= '9'   ? digit - '0'
                       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                      : -1;

        if (part < 0) {
            return -1;
        }
        value = value << 4 | part;
    }
    return value;
}

/* What follows "\u": a character, or both halves of a pair. */
static int
check_unicode(struct check *c)
{
    int32_t unit = hex4(c, c->at);

    if (unit < 0) {
        return wrong(c, "four hexadecimal digits expected");
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
        bool paired = unit < 0xdc00 && c->end - c->at >= 6 && c->at[4] == '\\' && c->at[5] == 'u';
        int32_t low = paired ? hex4(c, c->at + 6) : -1;

        if (low < 0xdc00 || low > 0xdfff) {
            return wrong(c, "half of a surrogate pair");
        }
        c->at += 6;
    }
    c->at += 4;
    return 0;
}

static int
check_escape(struct check *c)
{
    c->at++;
    if (c->at == c->end || !*c->at || !strchr("\"\\/bfnrtu", *c->at)) {
        return wrong(c, "unknown escape");
    }
    return *c->at++ == 'u' ? check_unicode(c) : 0;
}

/* A string from its first quote to behind its last one. */
static int
check_string(struct check *c)
{
    int r = 0;

    c->at++;
    while (r == 0 && c->at < c->end && *c->at != '"') {
        unsigned char byte = (unsigned char)*c->at;

        if (byte == '\\') {
            r = check_escape(c);
        } else if (byte < 0x20) {
            r = wrong(c, "a control character that is not escaped");
        } else if (byte < 0x80) {
            c->at++;
        } else {
            size_t n = hf_utf8_len(c->at, (size_t)(c->end - c->at));

            c->at += n;
            r = n > 0 ? 0 : wrong(c, "not UTF-8");
        }
    }
    if (r == 0 && c->at == c->end) {
        r = wrong(c, "");
    }
    c->at += r == 0;
    return r;
}

/* --- names of members ---------------------------------------------------------------------- */

/* The place of a name in the table: where it is, or would be. */
static struct name *
place_of(struct name *names, size_t size, const struct name *name)
{
    size_t at = hf_hash_mix(((uint64_t)name->object << 32 | name->hash) ^ (uintptr_t)names);

    for (size_t step = 1;; step++) {
        struct name *place = &names[at & (size - 1)];

        if (place->object == 0 || (place->object == name->object && place->hash == name->hash &&
                                   hf_json_same_text(place->text, name->text))) {
            return place;
        }
        at += step;
    }
}

static bool
grow(struct check *c)
{
    size_t size = c->size * 2;
    struct name *names = calloc(size, sizeof *names);

    if (!names) {
        return false;
    }
    for (size_t i = 0; i < c->size; i++) {
        if (c->names[i].object) {
            *place_of(names, size, &c->names[i]) = c->names[i];
        }
    }
    if (c->names != c->first) {
        free(c->names);
    }
    c->names = names;
    c->size = size;
    return true;
}

/* Notes the name that ends here and began at `begin`, unless its object has it already. */
static int
note_name(struct check *c, uint32_t object, const char *begin)
{
    struct name name = { .object = object, .text = { begin, (size_t)(c->at - begin) } };
    struct name *place;

    name.hash = hf_json_text_hash(name.text);
    if (2 * (c->count + 1) > c->size && !grow(c)) {
        return hf_fail(c->err, HF_ENOMEM, "out of memory");
    }
    place = place_of(c->names, c->size, &name);
    if (place->object) {
        return hf_fail(c->err, HF_EINVALID, "not JSON: the member %.*s is there twice, at byte %zu",
                       (int)(name.text.len < 80 ? name.text.len : 80), begin,
                       (size_t)(begin - c->begin));
    }
    *place = name;
    c->count++;
    return 0;
}

/* --- values -------------------------------------------------------------------------------- */

static int
check_number(struct check *c)
{
    size_t n = hf_json_number_len(c->at, (size_t)(c->end - c->at));

    if (n == 0) {
        return wrong(c, "unexpected text");
    }
    c->at += n;
    if (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        return wrong(c, "a number with a leading zero");
    }
    return 0;
}

static int
check_word(struct check *c, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0) {
        return wrong(c, "unexpected text");
    }
    c->at += len;
    return 0;
}

/* A member of an object: its name, a colon, its value. */
static int
check_member(struct check *c, uint32_t object)
{
    const char *name = c->at;
    int r;

    if (c->at == c->end || *c->at != '"') {
        return wrong(c, "the name of a member expected");
    }
    r = check_string(c);
    if (r == 0) {
        r = note_name(c, object, name);
    }
    if (r < 0) {
        return r;
    }
    skip_space(c);
    if (c->at == c->end || *c->at != ':') {
        return wrong(c, "a colon expected");
    }
    c->at++;
    return check_value(c);
}

/* An object, or an array if `object` is 0, from its bracket to behind the other one. */
static int
check_nested(struct check *c, uint32_t object, char last)
{
    int r = 0;

    if (c->depth == 0) {
        return wrong(c, "nested too deep");
    }
    c->depth--;
    c->at++;
    skip_space(c);
    if (c->at < c->end && *c->at == last) {
        c->at++;
        c->depth++;
        return 0;
    }
    for (;;) {
        r = object ? check_member(c, object) : check_value(c);
        if (r < 0) {
            return r;
        }
        if (c->at == c->end || (*c->at != ',' && *c->at != last)) {
            return wrong(c, object ? "a comma or '}' expected" : "a comma or ']' expected");
        }
        if (*c->at++ == last) {
            c->depth++;
            return 0;
        }
        skip_space(c);
    }
}

/* A value and the white space around it. */
static int
check_value(struct check *c)
{
    int r;

    skip_space(c);
    switch (c->at < c->end ? *c->at : '\0') {
    case '{':
        r = check_nested(c, ++c->objects, '}');
        break;
    case '[':
        r = check_nested(c, 0, ']');
        break;
    case '"':
        r = check_string(c);
        break;
    case 't':
        r = check_word(c, "true");
        break;
    case 'f':
        r = check_word(c, "false");
        break;
    case 'n':
        r = check_word(c, "null");
        break;
    default:
        r = check_number(c);
        break;
    }
    skip_space(c);
    return r;
}

int
hf_json_check_first(const char *text, size_t len, unsigned int depth, size_t *ret_len,
                    struct hf_err *err)
{
    struct check c = {
        .begin = text,
        .at = text,
        .end = text + len,
        .depth = depth,
        .names = c.first,
        .size = NAMES_FIRST,
        .err = err,
    };
    int r = check_value(&c);

    if (c.names != c.first) {
        free(c.names);
    }
    if (r == 0) {
        *ret_len = (size_t)(c.at - text);
    }
    return r;
}

int
hf_json_check_document(const char *text, size_t len, struct hf_err *err)
{
    size_t end;
    int r = hf_json_check_first(text, len, HF_JSON_DOCUMENT_DEPTH, &end, err);

    if (r == 0 && end < len) {
        r = hf_fail(err, HF_EINVALID, "not JSON: unexpected text at byte %zu", end);
    }
    return r;
}
