/*
 * hpack_guard.c - see hpack_guard.h.
 *
 * A length is known to be too long at one of the octets that spell it, and the decoder
 * may have had those before.  That octet is changed so that it ends the length, at a
 * smaller value; from there to the end of the field everything is overwritten: first
 * what the decoder now expects of the string, then whole fields whose values fill
 * the rest.  The decoder's and the sender's view meet again at the next field.
 */
#include "h2/hpack_guard.h"

#include <string.h>

enum {
    AT_FIELD, /* 0: a block begins here */
    AT_INDEX,
    AT_NAME_LENGTH,
    AT_NAME_LENGTH_MORE,
    AT_NAME,
    AT_VALUE_LENGTH,
    AT_VALUE_LENGTH_MORE,
    AT_VALUE
};

/* Lengths take one octet up to here, and more above it (RFC 7541 5.1). */
#define LENGTH_PREFIX 127u
/* The longest length that three octets spell. */
#define LENGTH_OF_3 (LENGTH_PREFIX + 0x3fffu)
/* The first octet of a length that can take it above the limit is the third one after
 * the prefix, worth this much for each unit. */
#define THIRD_SHIFT 14u
/* A length beyond five octets after the prefix is beyond 32 GiB. */
#define SHIFT_MAX 35u

/* `accept-charset` of the static table: a name for what means nothing. */
#define FILLER_INDEX 15u
/* An entry that takes all of a table of 4096 octets, the largest a peer may use. */
#define CLEARING_VALUE 8192u

/* One octet, in both codings of strings. */
#define FILL         '*'
#define FILL_HUFFMAN 0xf9
/* A path begins with "/", or the request is refused for that: "////" in Huffman's code. */
static const uint8_t slashes[2][3] = { { '/', FILL, FILL }, { 0x61, 0x86, 0x18 } };

/* --- writing over a field --------------------------------------------------- */

/* The beginning of a field without indexing, or of one that empties the table, with a value of
 * `len` octets. */
static void
begin_filler(struct hf_hpack_guard *guard, uint32_t len, bool clearing)
{
    uint8_t *to = guard->head;

    guard->head_at = 0;
    guard->fill = len;
    guard->fill_huffman = false;
    if (clearing) {
        *to++ = 0x40 | FILLER_INDEX;
    } else {
        *to++ = 0x0f;
        *to++ = 0;
    }
    if (len < LENGTH_PREFIX) {
        *to++ = (uint8_t)len;
    } else {
        *to++ = LENGTH_PREFIX;
        *to++ = (uint8_t)(0x80 | ((len - LENGTH_PREFIX) & 0x7f));
        *to++ = (uint8_t)((len - LENGTH_PREFIX) >> 7);
    }
    guard->head_len = (uint8_t)(to - guard->head);
}

/* Begins what comes next where the decoder expects a field, or a value.  `room`: octets up to the
 * end of the string being overwritten, 0 if that is not known. */
static void
begin_next(struct hf_hpack_guard *guard, uint64_t room)
{
    uint32_t most = room < LENGTH_OF_3 ? (uint32_t)room : LENGTH_OF_3;

    if (guard->owes_value) {
        guard->owes_value = false;
        guard->head[0] = 0; /* empty */
    } else if (guard->owes_clear && most >= CLEARING_VALUE) {
        guard->owes_clear = false;
        begin_filler(guard, most - 4, true);
        return;
    } else if (most >= LENGTH_PREFIX + 5) {
        begin_filler(guard, most - 5, false);
        return;
    } else if (most >= 3 && most < LENGTH_PREFIX + 3) {
        begin_filler(guard, most - 3, false);
        return;
    } else {
        guard->head[0] = 0x80 | FILLER_INDEX; /* a whole field in one octet */
    }
    guard->head_at = 0;
    guard->head_len = 1;
}

static void
fill(struct hf_hpack_guard *guard, uint8_t *at, size_t len)
{
    memset(at, guard->fill_huffman ? FILL_HUFFMAN : FILL, len);
    for (size_t i = 0; i < len && guard->slash < sizeof slashes[0]; i++) {
        at[i] = slashes[guard->fill_huffman][guard->slash++];
    }
    guard->fill -= (uint32_t)len;
}

/* Overwrites `len` octets; `room` as above, from `at`. */
static void
overwrite(struct hf_hpack_guard *guard, uint8_t *at, size_t len, uint64_t room)
{
    while (len > 0) {
        size_t n = 1;

        if (guard->head_at == guard->head_len && guard->fill == 0) {
            begin_next(guard, room);
        }
        if (guard->head_at < guard->head_len) {
            *at = guard->head[guard->head_at++];
        } else {
            n = guard->fill < len ? guard->fill : len;
            fill(guard, at, n);
        }
        at += n;
        len -= n;
        room -= room < n ? room : n;
    }
}

/* The length being read is too long: the decoder is given `kept` instead. */
static void
begin_replacing(struct hf_hpack_guard *guard, uint32_t kept)
{
    guard->cut = true;
    guard->replacing = true;
    guard->head_at = guard->head_len = 0;
    guard->fill = kept;
    guard->fill_huffman = guard->huffman;
    guard->owes_value = guard->state == AT_NAME_LENGTH_MORE;
    guard->owes_clear = guard->incremental;
    guard->slash = guard->is_path && !guard->owes_value ? 0 : sizeof slashes[0];
}

/* --- reading --------------------------------------------------------------- */

static void
end_field(struct hf_hpack_guard *guard)
{
    guard->state = AT_FIELD;
    if (guard->replacing) {
        guard->replacing = false;
        guard->lost |= guard->head_at < guard->head_len || guard->fill > 0 || guard->owes_clear;
    }
}

static void
begin_field(struct hf_hpack_guard *guard, uint8_t octet)
{
    uint8_t mask;

    guard->literal = (octet & 0x80) == 0 && (octet & 0xe0) != 0x20;
    guard->incremental = (octet & 0xc0) == 0x40;
    if (octet & 0x80) {
        mask = 0x7f; /* indexed */
    } else if (guard->incremental) {
        mask = 0x3f;
    } else {
        mask = guard->literal ? 0x0f : 0x1f; /* or a new size of the table */
    }
    guard->is_path = guard->literal && ((octet & mask) == 4 || (octet & mask) == 5);
    if ((octet & mask) == mask) {
        guard->state = AT_INDEX;
    } else if (!guard->literal) {
        guard->state = AT_FIELD;
    } else {
        guard->state = (octet & mask) == 0 ? AT_NAME_LENGTH : AT_VALUE_LENGTH;
    }
}

/* A string's length is known. */
static void
begin_string(struct hf_hpack_guard *guard)
{
    bool name = guard->state == AT_NAME_LENGTH || guard->state == AT_NAME_LENGTH_MORE;

    if (guard->left > 0) {
        guard->state = name ? AT_NAME : AT_VALUE;
    } else if (name) {
        guard->state = AT_VALUE_LENGTH;
    } else {
        end_field(guard);
    }
}

static void
read_length(struct hf_hpack_guard *guard, uint8_t octet)
{
    guard->huffman = octet & 0x80;
    guard->left = octet & LENGTH_PREFIX;
    guard->shift = 0;
    if (guard->left < LENGTH_PREFIX) {
        begin_string(guard);
    } else {
        guard->state++;
    }
}

static void
read_length_more(struct hf_hpack_guard *guard, uint8_t octet, uint8_t *at)
{
    uint32_t before = (uint32_t)guard->left;

    guard->left += (uint64_t)(octet & 0x7f) << guard->shift;
    if (!guard->replacing && guard->left > HF_HPACK_STRING_MAX) {
        bool third = guard->shift == THIRD_SHIFT;

        *at = third ? 1 : 0;
        begin_replacing(guard, before + (third ? 1u << THIRD_SHIFT : 0));
    }
    guard->shift += 7;
    if (!(octet & 0x80)) {
        begin_string(guard);
    } else if (guard->shift >= SHIFT_MAX) {
        guard->lost = true;
    }
}

static void
read_octet(struct hf_hpack_guard *guard, uint8_t *at)
{
    uint8_t octet = *at;

    if (guard->replacing) {
        overwrite(guard, at, 1, 0);
    }
    switch (guard->state) {
    case AT_FIELD:
        begin_field(guard, octet);
        break;
    case AT_INDEX:
        if (!(octet & 0x80)) {
            guard->state = guard->literal ? AT_VALUE_LENGTH : AT_FIELD;
        }
        break;
    case AT_NAME_LENGTH:
    case AT_VALUE_LENGTH:
        read_length(guard, octet);
        break;
    default:
        read_length_more(guard, octet, at);
        break;
    }
}

static size_t
read_string(struct hf_hpack_guard *guard, uint8_t *at, size_t len)
{
    size_t n = guard->left < len ? (size_t)guard->left : len;

    if (guard->replacing) {
        overwrite(guard, at, n, guard->left);
    }
    guard->left -= n;
    if (guard->left == 0 && guard->state == AT_NAME) {
        guard->state = AT_VALUE_LENGTH;
    } else if (guard->left == 0) {
        end_field(guard);
    }
    return n;
}

void
hf_hpack_guard_scan(struct hf_hpack_guard *guard, uint8_t *data, size_t len)
{
    while (len > 0 && !guard->lost) {
        size_t n = 1;

        if (guard->state == AT_NAME || guard->state == AT_VALUE) {
            n = read_string(guard, data, len);
        } else {
            read_octet(guard, data);
        }
        data += n;
        len -= n;
    }
}
