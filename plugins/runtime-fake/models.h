/*
 * models.h - what fake instances do when they are called.
 */
#ifndef HF_RUNTIME_FAKE_MODELS_H
#define HF_RUNTIME_FAKE_MODELS_H

#include <hyperfaas/host.h>

#include "fake.h"

struct model {
    const char *image;  /* without prefix and version */
    const char *method; /* the only one it has; NULL: any */
    const char *help;
    /* Answers a unary call whose request has come.  NULL: returns each message
     * as it comes. */
    void (*serve)(struct call *);
};

/* The model of an image tag, or NULL and an error that names those there are. */
const struct model *model_find(const struct hf_runtime *, const char *image, struct hf_err *err);

/* --- the protobuf wire format, as much as the sample services need: a message whose field 1 is all
 * that counts (https://protobuf.dev/programming-guides/encoding) --- */

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
