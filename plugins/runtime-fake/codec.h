/*
 * codec.h - the protobuf wire format, as much as the sample services need: a
 * message whose field 1 is all that counts
 * (https://protobuf.dev/programming-guides/encoding).
 */
#ifndef HF_RUNTIME_FAKE_CODEC_H
#define HF_RUNTIME_FAKE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Field 1 of a message; zero where it is absent.  Points into the message. */
struct field {
    uint64_t number;     /* if it is a varint */
    const uint8_t *data; /* if it is a string, bytes or message */
    size_t len;
};

/* Reads field 1, the last one if it is repeated, and skips all others.  False
 * if the message is malformed. */
bool codec_read(const uint8_t *message, size_t len, struct field *ret);

/* The most bytes that codec_head() writes. */
#define CODEC_HEAD_MAX 11

/* Writes what stands before `len` bytes that are field 1; its length. */
size_t codec_head(uint8_t head[CODEC_HEAD_MAX], size_t len);

#endif
