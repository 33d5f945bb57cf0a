/*
 * frame.h - what every SPOP frame begins with.
 *
 *     length  4 bytes  of all that follows
 *     type    1 byte
 *     flags   4 bytes
 *     stream  number   \ of HAProxy's choice; what answers a frame repeats them
 *     frame   number   /
 *     payload          a list of names and values, of messages, or of actions
 */
#ifndef HF_SPOP_FRAME_H
#define HF_SPOP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "spop/data.h"
#include "spop/status.h"

enum hf_spop_frame_type {
    HF_SPOP_UNSET = 0, /* continues a payload in fragments */
    HF_SPOP_HAPROXY_HELLO = 1,
    HF_SPOP_HAPROXY_DISCONNECT = 2,
    HF_SPOP_NOTIFY = 3,
    HF_SPOP_AGENT_HELLO = 101,
    HF_SPOP_AGENT_DISCONNECT = 102,
    HF_SPOP_ACK = 103
};

#define HF_SPOP_FIN   UINT32_C(1) /* the payload ends with this frame */
#define HF_SPOP_ABORT UINT32_C(2) /* forget it */

/* Bytes of the length. */
#define HF_SPOP_LENGTH_SIZE 4u

/* What a side must at least accept, and the most that this one does: what HAProxy offers by
 * default.  Without the length. */
#define HF_SPOP_FRAME_MIN 256u
#define HF_SPOP_FRAME_MAX 16380u

struct hf_spop_frame {
    uint8_t type; /* enum hf_spop_frame_type, or one that nobody knows */
    uint32_t flags;
    uint64_t stream_id;
    uint64_t frame_id;
    struct hf_spop_reader payload;
};

/* Reads a frame of `len` bytes, its length left out. */
enum hf_spop_status hf_spop_frame_read(const uint8_t *data, size_t len, struct hf_spop_frame *ret);

/* Begins a frame; what is written until `end` is its payload.  Returns where it begins. */
uint8_t *hf_spop_frame_begin(struct hf_spop_writer *writer, const struct hf_spop_frame *head);

/* Sets its length. */
void hf_spop_frame_end(const struct hf_spop_writer *writer, uint8_t *begin);

#endif
