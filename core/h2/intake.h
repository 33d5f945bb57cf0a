/*
 * intake.h - what a peer sends, on its way to the library: cut into frames.
 *
 * The library reports what it accepts, and says little of what it skips or refuses.
 * Whatever must be known of every frame is therefore read here, in front of it: whether a
 * header block is under way, how many frames carry nothing, and whether a string in
 * a block is too long for the decoder (hpack_guard.h).  The rest passes untouched.
 *
 * The heads of frames reach the library whole: it counts the calls that a CONTINUATION
 * takes.  Only blocks of several frames are looked into: one frame is too short for
 * a string above the limit.
 */
#ifndef HF_H2_INTAKE_H
#define HF_H2_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h2/hpack_guard.h"

#define HF_H2_FRAME_HEAD 9u

struct hf_h2_intake {
    uint8_t head[HF_H2_FRAME_HEAD]; /* of a frame, while it is not complete */
    uint8_t head_len;
    uint8_t type; /* of the frame whose payload is coming */
    uint8_t flags;
    uint8_t prologue;   /* octets of a HEADERS frame before its part of the block */
    uint8_t padding;    /* octets behind it */
    bool pad_follows;   /* the next octet says how many */
    bool block_open;    /* a block of several frames is under way */
    bool block_closing; /* this frame is its last */
    uint32_t left;      /* octets of payload to come, or of the preface */
    uint32_t nuisances; /* frames that carry nothing, since somebody looked */
    struct hf_hpack_guard guard;
};

/* `preface`: the peer is a client and sends it first. */
void hf_h2_intake_init(struct hf_h2_intake *, bool preface);

/* Takes octets off the front of `*at`: `ret` is what the library can have next.  No piece
 * has more than one block of several frames, or anything beyond its end.  False: nothing,
 * or nothing yet. */
struct hf_h2_piece {
    const uint8_t *data;
    size_t len;
};
bool hf_h2_intake_next(struct hf_h2_intake *, uint8_t **at, size_t *len, struct hf_h2_piece *ret);

/* A header block has begun and is not complete. */
bool hf_h2_intake_in_block(const struct hf_h2_intake *);

#endif
