/*
 * message.c - see message.h.
 */
#include "grpc/message.h"

#include <string.h>

#include <hyperfaas/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "grpc/wire.h"
#include "h2/buffer.h"

/* --- packing ------------------------------------------------------------------------------- */

/* What protobuf-c writes to. */
struct packer {
    ProtobufCBuffer base;
    struct hf_h2_buffer *buffer;
    int error;
};

static void
packer_append(ProtobufCBuffer *base, size_t len, const uint8_t *data)
{
    struct packer *packer = hf_container_of(base, struct packer, base);

    if (packer->error == 0 && len > 0) {
        packer->error = hf_h2_buffer_append(packer->buffer, data, len);
    }
}

static int
append_prefix(struct hf_h2_buffer *buffer, size_t len)
{
    uint8_t prefix[HF_GRPC_PREFIX_SIZE];

    if (len > UINT32_MAX) {
        return HF_EFULL;
    }
    hf_grpc_prefix_write(prefix, (uint32_t)len, false);
    return hf_h2_buffer_append(buffer, prefix, sizeof prefix);
}

int
hf_grpc_pack(const ProtobufCMessage *message, struct hf_h2_buffer *buffer)
{
    struct packer packer = { .base = { packer_append }, .buffer = buffer };
    int r = append_prefix(buffer, protobuf_c_message_get_packed_size(message));

    if (r < 0) {
        return r;
    }
    protobuf_c_message_pack_to_buffer(message, &packer.base);
    return packer.error;
}

int
hf_grpc_pack_bytes(const void *data, size_t len, struct hf_h2_buffer *buffer)
{
    int r = append_prefix(buffer, len);

    return r < 0 || len == 0 ? r : hf_h2_buffer_append(buffer, data, len);
}

/* --- unpacking ----------------------------------------------------------------------------- */

static void *
arena_alloc(void *arena, size_t size)
{
    return hf_arena_alloc(arena, size);
}

/* Memory of an arena goes with the arena. */
static void
arena_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* Deepest nesting that is read; the messages of this platform need three. */
#define DEPTH_MAX 32

static bool
is_whole(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, int depth)
{
    struct hf_wire_reader reader = { data, data + len };
    struct hf_wire_field piece;

    while (hf_wire_next(&reader, &piece) == 1) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, piece.number);

        if (!field || piece.type != HF_WIRE_BYTES || piece.len == 0) {
            continue;
        }
        if (field->type == PROTOBUF_C_TYPE_STRING && memchr(piece.data, '\0', piece.len)) {
            return false;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            (depth == DEPTH_MAX ||
             !is_whole(field->descriptor, piece.data, piece.len, depth + 1))) {
            return false;
        }
    }
    return true;
}

/* protobuf-c gives strings as C has them, which end at the first NUL: the id "a\0b" would pass for
 * "a".  So what has one is refused. */
bool
hf_grpc_strings_are_whole(const ProtobufCMessageDescriptor *type,
                          const struct hf_grpc_message *message)
{
    return message->len == 0 || is_whole(type, message->data, message->len, 0);
}

void *
hf_grpc_unpack(const ProtobufCMessageDescriptor *type, struct hf_arena *arena,
               const struct hf_grpc_message *message)
{
    ProtobufCAllocator allocator = { arena_alloc, arena_free, arena };
    ProtobufCBinaryData *bytes;

    if (type && !hf_grpc_strings_are_whole(type, message)) {
        return NULL;
    }
    if (type) {
        return protobuf_c_message_unpack(type, &allocator, message->len, message->data);
    }
    bytes = hf_arena_alloc(arena, sizeof *bytes);
    if (!bytes) {
        return NULL;
    }
    bytes->len = message->len;
    bytes->data = message->len > 0 ? hf_arena_memdup(arena, message->data, message->len)
                                   : (uint8_t *)bytes; /* Something that is not NULL. */
    return bytes->data ? bytes : NULL;
}
