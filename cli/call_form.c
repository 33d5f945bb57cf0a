/*
 * call_form.c - requests and answers as people write them: raw bytes, protobuf's text form, JSON.
 */
#include "call_form.h"

#include <string.h>

#include "base/err.h"
#include "grpc/frame.h"
#include "proto/json.h"
#include "protoc.h"

/* Longest message that is shown as JSON: that takes several times its memory. */
#define JSON_MESSAGE_MAX ((size_t)16 << 20)

/* --- choosing --------------------------------------------------------------------------- */

int
cli_form_choose(const char *name, bool has_proto, const struct hf_text *request, enum cli_form *ret,
                struct hf_err *err)
{
    static const char *const names[] = { "raw", "text", "json" };
    const char *start = hf_text_str(request);

    for (size_t i = 0; name && i < hf_countof(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum cli_form)i;
            return 0;
        }
    }
    if (name) {
        return hf_fail(err, HF_EINVALID, "--format: expected json, text or raw, found '%s'", name);
    }
    start += strspn(start, " \t\r\n");
    if (*start == '{' || (has_proto && request->len == 0)) {
        *ret = CLI_FORM_JSON;
    } else {
        *ret = has_proto ? CLI_FORM_TEXT : CLI_FORM_RAW;
    }
    return 0;
}

int
cli_codec_prepare(struct cli_codec *codec, const char *method, struct hf_err *err)
{
    int r = cli_schema_new(hf_text_str(&codec->set), codec->set.len, &codec->schema, err);

    return r < 0 ? r : cli_schema_method(codec->schema, method, &codec->method, err);
}

void
cli_codec_fini(struct cli_codec *codec)
{
    cli_schema_free(codec->schema);
    hf_text_fini(&codec->set);
}

/* --- requests --------------------------------------------------------------------------- */

static int
add_message(const struct hf_text *message, struct hf_text *ret, struct hf_err *err)
{
    uint8_t prefix[HF_GRPC_PREFIX_SIZE];

    hf_grpc_prefix_write(prefix, (uint32_t)message->len, false);
    hf_text_add_mem(ret, (const char *)prefix, sizeof prefix);
    hf_text_add_mem(ret, hf_text_str(message), message->len);
    return ret->truncated || message->truncated || message->len > UINT32_MAX
               ? hf_fail(err, HF_EFULL, "the request is too long")
               : 0;
}

/* Encodes a document. */
static int
encode_document(const struct cli_codec *codec, struct hf_json_span json, struct hf_text *ret,
                struct hf_err *err)
{
    hf_autotext struct hf_text message;
    int r;

    hf_text_init(&message);
    message.limit = ret->limit;
    r = cli_json_encode(codec->schema, codec->method.request, json, &message, err);
    return r < 0 ? r : add_message(&message, ret, err);
}

/* Any number of documents for a stream, one for any other method; none is an empty message. */
static int
encode_json(const struct cli_codec *codec, const struct hf_text *request, struct hf_text *ret,
            struct hf_err *err)
{
    const char *at = hf_text_str(request);
    const char *end = at + request->len;
    struct hf_json_span json = { "{}", 2 };
    unsigned int count = 0;
    int r;

    while ((r = cli_json_read(&at, end, &json, err)) == 1) {
        count++;
        r = encode_document(codec, json, ret, err);
        if (r < 0) {
            return count > 1 ? hf_err_wrap(err, r, "message %u", count) : r;
        }
    }
    if (r < 0) {
        return hf_err_wrap(err, r, "the request");
    }
    if (count > 1 && !codec->method.client_streaming) {
        return hf_fail(err, HF_EINVALID,
                       "the request is %u JSON documents, but the method takes "
                       "one message",
                       count);
    }
    return count == 0 && !codec->method.client_streaming ? encode_document(codec, json, ret, err)
                                                         : 0;
}

int
cli_codec_encode(const struct cli_codec *codec, const struct hf_text *request, struct hf_text *ret,
                 struct hf_err *err)
{
    hf_autotext struct hf_text message;
    int r;

    hf_text_init(&message);
    message.limit = ret->limit;
    switch (codec->form) {
    case CLI_FORM_JSON:
        return encode_json(codec, request, ret, err);
    case CLI_FORM_TEXT:
        r = cli_protoc_encode(&codec->set, codec->method.request->name, hf_text_str(request),
                              request->len, codec->timeout_ns, &message, err);
        return r < 0 ? r : add_message(&message, ret, err);
    default:
        return add_message(request, ret, err);
    }
}

/* --- answers ---------------------------------------------------------------------------- */

int
cli_codec_decode(const struct cli_codec *codec, const void *data, size_t len, struct hf_text *out,
                 struct hf_err *err)
{
    int r = 0;

    switch (codec->form) {
    case CLI_FORM_JSON:
        r = len > JSON_MESSAGE_MAX
                ? hf_fail(err, HF_EFULL,
                          "a message of %zu bytes is too long for JSON; --format "
                          "raw takes it",
                          len)
                : cli_json_decode(codec->schema, codec->method.response, data, len, out, err);
        break;
    case CLI_FORM_TEXT:
        r = cli_protoc_decode(&codec->set, codec->method.response->name, data, len,
                              codec->timeout_ns, out, err);
        break;
    default:
        hf_text_add_mem(out, data, len);
    }
    if (r < 0) {
        return hf_err_wrap(err, r, "the answer");
    }
    return out->truncated ? hf_fail(err, HF_EFULL, "the answer is too long") : 0;
}
