/*
 * strings.c - finds NUL bytes in the strings of a message, before it is decoded.
 *
 * protobuf-c gives strings as C has them, which end at the first NUL: the id "a\0b" would pass
 * for "a".  So what has one is refused.
 */
#include "grpc/message.h"

#include <string.h>

/* Deepest nesting that is read; the messages of this platform need three. */
#define DEPTH_MAX 32

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* What is left of a message. */
struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static bool
take_varint(struct input *in, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;

        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

/* Takes the next field; `content` is empty where it is no string, bytes or message.  False: there
 * is none, or it cannot be read, which the decoder says better. */
static bool
take_field(struct input *in, unsigned *number, struct input *content)
{
    uint64_t tag;
    uint64_t value = 0;
    uint64_t len = 0;

    if (!take_varint(in, &tag)) {
        return false;
    }
    if ((tag & 7) == WIRE_VARINT || (tag & 7) == WIRE_BYTES) {
        if (!take_varint(in, &value)) {
            return false;
        }
        len = (tag & 7) == WIRE_BYTES ? value : 0;
    } else if ((tag & 7) == WIRE_FIXED64 || (tag & 7) == WIRE_FIXED32) {
        len = (tag & 7) == WIRE_FIXED64 ? 8 : 4;
    } else {
        return false;
    }
    if (len > (uint64_t)(in->end - in->at)) {
        return false;
    }
    *number = (unsigned)(tag >> 3);
    content->at = in->at;
    in->at += len;
    content->end = (tag & 7) == WIRE_BYTES ? in->at : content->at;
    return true;
}

static bool
is_whole(const ProtobufCMessageDescriptor *type, struct input in, int depth)
{
    struct input content;
    unsigned number;

    while (take_field(&in, &number, &content)) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, number);

        if (!field || content.at == content.end) {
            continue;
        }
        if (field->type == PROTOBUF_C_TYPE_STRING &&
            memchr(content.at, '\0', (size_t)(content.end - content.at))) {
            return false;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            (depth == DEPTH_MAX || !is_whole(field->descriptor, content, depth + 1))) {
            return false;
        }
    }
    return true;
}

bool
hf_grpc_strings_are_whole(const ProtobufCMessageDescriptor *type,
                          const struct hf_grpc_message *message)
{
    struct input in = { message->data, message->data + message->len };

    return message->len == 0 || is_whole(type, in, 0);
}
