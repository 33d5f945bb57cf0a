/*
 * pieces.h - a message taken apart: where the pieces of each field are.
 *
 * The fields of a message come in any order, a repeated field comes in many pieces, and a message
 * in a field may do so too: it is then that of all pieces one behind another.
 */
#ifndef HF_CLI_PROTO_PIECES_H
#define HF_CLI_PROTO_PIECES_H

#include "grpc/wire.h"
#include "schema.h"

/* Ends a chain. */
#define CLI_NO_PIECE UINT32_MAX

/* Where the tag of a piece is in the message, and which piece of the field is next. */
struct cli_piece {
    uint32_t at;
    uint32_t next;
};

/* The pieces of a field. */
struct cli_chain {
    uint32_t first; /* CLI_NO_PIECE: the field is absent */
    uint32_t last;
};

struct cli_pieces {
    const uint8_t *data; /* the message; borrowed */
    size_t len;
    struct cli_piece *items;
    size_t count;
    size_t size;
    struct cli_chain *chains; /* of each field of the type */
    uint32_t *set;            /* of each oneof, the index of the field that is set, plus 1 */
};

/* Reads a message.  0, HF_EINVALID: the bytes are no such message, or HF_ENOMEM; in any case
 * `fini` frees what there is. */
int cli_pieces_init(struct cli_pieces *pieces, const struct cli_type *type, const uint8_t *data,
                    size_t len);
void cli_pieces_fini(struct cli_pieces *pieces);

struct hf_wire_field cli_piece_at(const struct cli_pieces *pieces, uint32_t piece);

/* Where a walk through the values of a repeated field has come to. */
struct cli_cursor {
    const struct cli_pieces *pieces;
    uint32_t piece;               /* the next one; begins with the chain's first */
    struct hf_wire_reader packed; /* what is left of a packed piece */
};

/* The next value, out of packed pieces too.  1, 0: there is no more, or HF_EINVALID. */
int cli_pieces_next(struct cli_cursor *cursor, const struct cli_field *field,
                    struct hf_wire_field *ret);

#endif
