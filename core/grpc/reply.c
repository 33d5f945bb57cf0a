/*
 * reply.c - see reply.h.
 */
#include "grpc/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "grpc/base64.h"
#include "h2/stream.h"

#define CONTENT_TYPE "application/grpc"

/* --- blocks -------------------------------------------------------------------------------- */

void
hf_grpc_set_status(struct hf_h2_fields *fields, uint32_t code, const char *message)
{
    char number[HF_FORMAT_MAX];
    char text[HF_GRPC_MESSAGE_MAX * 3 + 1];

    hf_h2_fields_set(fields, HF_H2_GRPC_STATUS, number, hf_write_u64(code, number));
    if (message && message[0] != '\0') {
        size_t n = hf_grpc_message_encode(message, strnlen(message, HF_GRPC_MESSAGE_MAX), text,
                                          sizeof text);

        hf_h2_fields_set(fields, HF_H2_GRPC_MESSAGE, text, n);
    }
}

void
hf_grpc_set_headers(struct hf_h2_fields *fields)
{
    hf_h2_fields_set_static(fields, HF_H2_STATUS, "200");
    hf_h2_fields_set_static(fields, HF_H2_CONTENT_TYPE, CONTENT_TYPE);
}

/* The block before the messages of a response. */
static struct hf_h2_fields *
new_fields(void)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    if (fields) {
        hf_grpc_set_headers(fields);
    }
    return fields;
}

struct hf_h2_fields *
hf_grpc_trailer_fields(uint32_t code, const char *message)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    if (fields) {
        hf_grpc_set_status(fields, code, message);
    }
    return fields;
}

struct hf_h2_fields *
hf_grpc_reply_fields(uint32_t code, const char *message)
{
    struct hf_h2_fields *fields = new_fields();

    if (fields) {
        hf_grpc_set_status(fields, code, message);
    }
    return fields;
}

static int
respond_whole(struct hf_h2_stream *stream, struct hf_h2_fields *fields)
{
    if (!fields) {
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
        return HF_ENOMEM;
    }
    return hf_h2_stream_respond(stream, fields, true);
}

int
hf_grpc_reply(struct hf_h2_stream *stream, uint32_t code, const char *message)
{
    return respond_whole(stream, hf_grpc_reply_fields(code, message));
}

int
hf_grpc_reply_http(struct hf_h2_stream *stream, unsigned http_status)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();
    char number[12];
    int len = snprintf(number, sizeof number, "%u", http_status);

    if (fields) {
        hf_h2_fields_set(fields, HF_H2_STATUS, number, (size_t)len);
    }
    return respond_whole(stream, fields);
}

/* --- requests ------------------------------------------------------------------------------ */

bool
hf_grpc_is_grpc(const struct hf_h2_fields *fields)
{
    const struct hf_h2_field *type = hf_h2_fields_get(fields, HF_H2_CONTENT_TYPE);
    size_t len = strlen(CONTENT_TYPE);

    if (!type || type->value_len < len || memcmp(type->value, CONTENT_TYPE, len) != 0) {
        return false;
    }
    return type->value_len == len || type->value[len] == '+' || type->value[len] == ';';
}

unsigned
hf_grpc_refuse_http(const struct hf_h2_fields *request)
{
    const struct hf_h2_field *method = hf_h2_fields_get(request, HF_H2_METHOD);

    if (!method || strcmp(method->value, "POST") != 0) {
        return 405;
    }
    return hf_grpc_is_grpc(request) ? 0 : 415;
}

/* --- metadata ------------------------------------------------------------------------------ */

const char *
hf_grpc_metadata(const struct hf_h2_fields *fields, const char *name)
{
    const struct hf_h2_field *field = hf_h2_fields_find(fields, name);

    return field ? field->value : NULL;
}

static bool
is_name(const char *name, size_t len)
{
    if (len == 0 || len > HF_GRPC_MESSAGE_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("_-.", c)) {
            return false;
        }
    }
    return strncmp(name, "grpc-", 5) != 0 && strcmp(name, "te") != 0 &&
           strcmp(name, "content-type") != 0;
}

static bool
is_text(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static void
add_field(struct hf_h2_fields *fields, const char *name, const char *value, size_t len)
{
    struct hf_h2_field field = {
        .name = name,
        .value = value,
        .name_len = (uint32_t)strlen(name),
        .value_len = (uint32_t)len,
        .token = (uint8_t)hf_h2_token(name, strlen(name)),
    };

    hf_h2_fields_add(fields, &field);
}

int
hf_grpc_metadata_add(struct hf_h2_fields *fields, const char *name, const void *value, size_t len)
{
    size_t name_len = strlen(name);
    hf_autofree char *text = NULL;

    /* grpc-status-details-bin is the one name of gRPC's own that applications set. */
    if (!is_name(name, name_len) && strcmp(name, "grpc-status-details-bin") != 0) {
        return HF_EINVALID;
    }
    if (!hf_grpc_is_binary(name, name_len)) {
        if (!is_text(value, len)) {
            return HF_EINVALID;
        }
        add_field(fields, name, value, len);
        return 0;
    }
    text = malloc(HF_GRPC_BASE64_SIZE(len));
    if (!text) {
        return HF_ENOMEM;
    }
    add_field(fields, name, text, hf_grpc_base64_encode(value, len, text));
    return 0;
}
