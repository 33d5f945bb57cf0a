/*
 * pieces.c - a message taken apart: where the pieces of each field are.
 */
#include "pieces.h"

#include <stdlib.h>

#include <hyperfaas/error.h>

/* --- gathering ---------------------------------------------------------------------------- */

static bool
add_piece(struct cli_pieces *pieces, struct cli_chain *chain, size_t at)
{
    if (pieces->count == pieces->size) {
        size_t size = pieces->size ? 2 * pieces->size : 16;
        struct cli_piece *items = realloc(pieces->items, size * sizeof *items);

        if (!items) {
            return false;
        }
        pieces->items = items;
        pieces->size = size;
    }
    pieces->items[pieces->count] = (struct cli_piece){ (uint32_t)at, CLI_NO_PIECE };
    if (chain->first == CLI_NO_PIECE) {
        chain->first = (uint32_t)pieces->count;
    } else {
        pieces->items[chain->last].next = (uint32_t)pieces->count;
    }
    chain->last = (uint32_t)pieces->count++;
    return true;
}

/* Whether a piece of this type on the wire can be of the field. */
static bool
fits(const struct cli_field *field, uint32_t wire)
{
    uint32_t own = cli_kind_wire(field->kind);

    return wire == own || (field->repeated && wire == HF_WIRE_BYTES && own != HF_WIRE_GROUP);
}

/* Of a oneof, the field that comes last is the one that is set. */
static void
set_in_oneof(struct cli_pieces *pieces, const struct cli_field *field, uint32_t index)
{
    uint32_t *set = &pieces->set[field->oneof];

    if (*set > 0 && *set != index + 1) {
        pieces->chains[*set - 1].first = CLI_NO_PIECE;
    }
    *set = index + 1;
}

/* Notes where the pieces of each field are. */
static int
gather(struct cli_pieces *pieces, const struct cli_type *type)
{
    struct hf_wire_reader reader = { pieces->data, pieces->data + pieces->len };
    struct hf_wire_field piece;
    const uint8_t *at = reader.at;
    int r;

    for (; (r = hf_wire_next(&reader, &piece)) == 1; at = reader.at) {
        const struct cli_field *field = cli_type_field(type, piece.number);
        uint32_t index = field ? (uint32_t)(field - type->fields) : 0;

        if (!field || !fits(field, piece.type)) {
            continue; /* of a newer definition */
        }
        if (field->oneof >= 0) {
            set_in_oneof(pieces, field, index);
        }
        if (!add_piece(pieces, &pieces->chains[index], (size_t)(at - pieces->data))) {
            return HF_ENOMEM;
        }
    }
    return r;
}

int
cli_pieces_init(struct cli_pieces *pieces, const struct cli_type *type, const uint8_t *data,
                size_t len)
{
    *pieces = (struct cli_pieces){
        .data = data,
        .len = len,
        .chains = calloc(type->field_count + 1, sizeof *pieces->chains),
        .set = calloc(type->oneof_count + 1, sizeof *pieces->set),
    };
    if (!pieces->chains || !pieces->set || len >= CLI_NO_PIECE) {
        return HF_ENOMEM;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        pieces->chains[i].first = CLI_NO_PIECE;
    }
    return gather(pieces, type);
}

void
cli_pieces_fini(struct cli_pieces *pieces)
{
    free(pieces->items);
    free(pieces->chains);
    free(pieces->set);
}

/* --- walking through them ------------------------------------------------------------------ */

struct hf_wire_field
cli_piece_at(const struct cli_pieces *pieces, uint32_t piece)
{
    struct hf_wire_reader reader = { pieces->data + pieces->items[piece].at,
                                     pieces->data + pieces->len };
    struct hf_wire_field ret = { .number = 0 };

    hf_wire_next(&reader, &ret); /* it was read before */
    return ret;
}

int
cli_pieces_next(struct cli_cursor *cursor, const struct cli_field *field, struct hf_wire_field *ret)
{
    uint32_t own = cli_kind_wire(field->kind);

    for (;;) {
        int r = hf_wire_value(&cursor->packed, own, ret);

        if (r != 0) {
            return r;
        }
        if (cursor->piece == CLI_NO_PIECE) {
            return 0;
        }
        *ret = cli_piece_at(cursor->pieces, cursor->piece);
        cursor->piece = cursor->pieces->items[cursor->piece].next;
        if (ret->type == own) {
            return 1;
        }
        cursor->packed = (struct hf_wire_reader){ ret->data, ret->data + ret->len };
    }
}
