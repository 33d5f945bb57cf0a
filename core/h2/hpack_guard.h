/*
 * hpack_guard.h - keeps strings that are too long for the decoder out of it.
 *
 * The library's decoder takes a name or value of more than 64 KiB for an error of
 * the whole connection, and the other calls on it would end for one caller's
 * mistake.  The guard reads a header block in front of the decoder: only how
 * representations and strings begin and how long they are (RFC 7541 5 and 6).  A field
 * with such a string is overwritten in place, byte for byte, by fields that mean nothing,
 * and that leave the decoder's table as the field itself would have left it.  The
 * block is then marked, and whoever gets it refuses it.
 *
 * Pieces of a block may be cut anywhere.  Nothing of the library is used here.
 */
#ifndef HF_H2_HPACK_GUARD_H
#define HF_H2_HPACK_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a name or value, as encoded, that the decoder takes. */
#define HF_HPACK_STRING_MAX 65536u

/* A block in progress; all zero is the beginning of one. */
struct hf_hpack_guard {
    uint8_t state;    /* what the next octet is */
    bool cut;         /* a field of this block was overwritten */
    bool lost;        /* no sense can be made of the block: end the connection */
    bool literal;     /* of the field being read: it has a value of its own, */
    bool incremental; /* goes into the table, */
    bool is_path;     /* is `:path` */
    bool huffman;     /* of the string being read */
    uint8_t shift;    /* of the length being read */
    uint64_t left;    /* octets of the string being read */

    /* What is written over a field. */
    bool replacing;
    bool fill_huffman;
    bool owes_value; /* the decoder has had a name, and waits for its value */
    bool owes_clear; /* the field would have emptied the table */
    uint8_t slash;   /* octets of "/" written at the beginning of a path */
    uint8_t head[5]; /* the beginning of a field */
    uint8_t head_at;
    uint8_t head_len;
    uint32_t fill; /* octets of the value that follow */
};

/* Reads, and perhaps changes, the next octets of a block. */
void hf_hpack_guard_scan(struct hf_hpack_guard *, uint8_t *data, size_t len);

#endif
