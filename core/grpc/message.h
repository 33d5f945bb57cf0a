/*
 * message.h - protobuf-c's messages to framed bytes and back.  For server and client.
 */
#ifndef HF_GRPC_MESSAGE_H
#define HF_GRPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "grpc/frame.h"

struct hf_arena;
struct hf_h2_buffer;

/* Appends the prefix and the message.  HF_ENOMEM: part of it may have been appended.
 * HF_EFULL: it is too long for a frame. */
int hf_grpc_pack(const ProtobufCMessage *message, struct hf_h2_buffer *buffer);
int hf_grpc_pack_bytes(const void *data, size_t len, struct hf_h2_buffer *buffer);

/* Decodes a message into the arena; NULL if it cannot be decoded, has a string with a NUL, or
 * memory is exhausted.  With `type` NULL: a ProtobufCBinaryData with a copy of the bytes. */
void *hf_grpc_unpack(const ProtobufCMessageDescriptor *type, struct hf_arena *arena,
                     const struct hf_grpc_message *message);

/* Whether no string in a message of that type has a NUL; true also if it cannot be decoded. */
bool hf_grpc_strings_are_whole(const ProtobufCMessageDescriptor *type,
                               const struct hf_grpc_message *message);

#endif
