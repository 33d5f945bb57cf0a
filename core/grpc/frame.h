/*
 * frame.h - gRPC's message framing: a flag, a length of 32 bits, the message.
 *
 * grpc's doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message".  The reader takes bytes as
 * HTTP/2 delivers them, in pieces of any size, and gives back whole messages.
 */
#ifndef HF_GRPC_FRAME_H
#define HF_GRPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_GRPC_PREFIX_SIZE 5

/* A whole message.  Borrowed: valid until the reader is used again, and no longer
 * than the bytes it was fed. */
struct hf_grpc_message {
    const uint8_t *data; /* never NULL */
    size_t len;
    bool compressed; /* `data` is in the form that grpc-encoding names */
};

/* What has come of the message under way.  Set up with `hf_grpc_reader_init`. */
struct hf_grpc_reader {
    size_t limit; /* longest message, in bytes */
    uint8_t prefix[HF_GRPC_PREFIX_SIZE];
    uint8_t prefix_have;
    uint32_t len;    /* of the message, once the prefix is whole */
    uint32_t have;   /* bytes of it in `data` */
    size_t capacity; /* of `data`: follows what came, not what was announced */
    uint8_t *data;
};

void hf_grpc_reader_init(struct hf_grpc_reader *reader, size_t limit);
void hf_grpc_reader_fini(struct hf_grpc_reader *reader);

/* Takes bytes from `*data`, moving it forward and counting `*len` down.  Call it until
 * it returns 0.
 *
 * Returns 1: `*ret` is the next message.  0: all bytes are taken and there is no whole
 * message.  HF_EFULL: the prefix announces more than the limit; nothing was allocated
 * for it.  HF_EINVALID: the flag is neither 0 nor 1.  HF_ENOMEM.  After an error the
 * stream is lost: reset it. */
int hf_grpc_reader_next(struct hf_grpc_reader *reader, const uint8_t **data, size_t *len,
                        struct hf_grpc_message *ret);

/* Whether a message has begun and not ended: a stream must not end here. */
bool hf_grpc_reader_in_message(const struct hf_grpc_reader *reader);

/* Writes the five bytes before a message. */
void hf_grpc_prefix_write(uint8_t ret[static HF_GRPC_PREFIX_SIZE], uint32_t len, bool compressed);

#endif
