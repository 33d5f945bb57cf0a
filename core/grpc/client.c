/*
 * client.c - clients, and what a call of one sends; its further life is in client_call.c.
 */
#include "grpc/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "grpc/client_call.h"
#include "grpc/reply.h"
#include "grpc/timeout.h"

/* --- requests ------------------------------------------------------------------------------ */

static void
add_timeout(struct hf_h2_fields *fields, uint64_t timeout_ns)
{
    char text[HF_GRPC_TIMEOUT_SIZE];
    size_t len = hf_grpc_timeout_format(timeout_ns, text);

    hf_h2_fields_set(fields, HF_H2_GRPC_TIMEOUT, text, len);
}

static struct hf_h2_fields *
request_fields(const struct hf_grpc_client *client, const struct hf_grpc_request *request)
{
    const char *authority =
        request->authority ? request->authority : hf_h2_channel_address(client->channel);
    struct hf_h2_fields *fields = hf_h2_fields_new();

    if (!fields) {
        return NULL;
    }
    hf_h2_fields_set_static(fields, HF_H2_METHOD, "POST");
    hf_h2_fields_set_static(fields, HF_H2_SCHEME, "http");
    hf_h2_fields_set(fields, HF_H2_PATH, request->path, strlen(request->path));
    hf_h2_fields_set(fields, HF_H2_AUTHORITY, authority, strlen(authority));
    hf_h2_fields_set_static(fields, HF_H2_TE, "trailers");
    hf_h2_fields_set_static(fields, HF_H2_CONTENT_TYPE, "application/grpc");
    hf_h2_fields_set_static(fields, HF_H2_USER_AGENT, "grpc-c-hyperfaas");
    if (request->timeout_ns > 0) {
        add_timeout(fields, request->timeout_ns);
    }
    if (client->options.credential &&
        hf_grpc_metadata_add(fields, client->options.credential_name, client->options.credential,
                             strlen(client->options.credential)) < 0) {
        hf_h2_fields_unref(fields);
        return NULL;
    }
    for (size_t i = 0; request->metadata && i < hf_h2_fields_count(request->metadata); i++) {
        hf_h2_fields_add(fields, hf_h2_fields_at(request->metadata, i));
    }
    return fields;
}

/* Packs the message, behind its prefix. */
static bool
keep_message(struct hf_grpc_client_call *call, const struct hf_grpc_request *request)
{
    size_t len =
        request->message ? protobuf_c_message_get_packed_size(request->message) : request->len;
    uint8_t *body =
        len <= UINT32_MAX ? hf_arena_alloc(&call->arena, HF_GRPC_PREFIX_SIZE + len) : NULL;

    if (!body) {
        return false;
    }
    hf_grpc_prefix_write(body, (uint32_t)len, false);
    if (request->message) {
        protobuf_c_message_pack(request->message, body + HF_GRPC_PREFIX_SIZE);
    } else if (len > 0) {
        memcpy(body + HF_GRPC_PREFIX_SIZE, request->data, len);
    }
    call->body = body;
    call->body_len = HF_GRPC_PREFIX_SIZE + len;
    return true;
}

/* Keeps what is sent until it has been. */
static bool
keep_body(struct hf_grpc_client_call *call, const struct hf_grpc_request *request)
{
    if (!request->framed) {
        return keep_message(call, request);
    }
    call->body_len = request->len;
    call->body = hf_arena_memdup(&call->arena, request->data, request->len);
    return call->body;
}

static int
call_new(struct hf_grpc_client *client, const struct hf_grpc_request *request,
         struct hf_grpc_client_call **ret)
{
    struct hf_grpc_client_call *call = calloc(1, sizeof *call);

    if (!call) {
        return HF_ENOMEM;
    }
    hf_grpc_client_call_init(call, client);
    call->response_type = request->response;
    call->fields = request_fields(client, request);
    if (!call->fields || !keep_body(call, request)) {
        hf_grpc_client_call_free(call);
        return HF_ENOMEM;
    }
    *ret = call;
    return 0;
}

int
hf_grpc_client_stream(struct hf_grpc_client *client, const struct hf_grpc_request *request,
                      hf_grpc_message_fn *on_message, hf_grpc_done_fn *done, void *arg,
                      struct hf_grpc_client_call **ret)
{
    struct hf_grpc_client_call *call;
    int r = call_new(client, request, &call);

    if (r < 0) {
        return r;
    }
    call->on_message = on_message;
    call->done = done;
    call->arg = arg;
    if (request->timeout_ns > 0) {
        hf_timer_set(&call->deadline, request->timeout_ns);
    }
    if (ret) {
        *ret = call;
    }
    hf_grpc_client_call_start(call);
    return 0;
}

int
hf_grpc_client_unary(struct hf_grpc_client *client, const struct hf_grpc_request *request,
                     hf_grpc_done_fn *done, void *arg, struct hf_grpc_client_call **ret)
{
    return hf_grpc_client_stream(client, request, NULL, done, arg, ret);
}

void
hf_grpc_client_call_cancel(struct hf_grpc_client_call *call)
{
    if (!call) {
        return;
    }
    if (call->busy) {
        call->cancelled = true;
    } else {
        hf_grpc_client_call_free(call);
    }
}

/* --- the client ---------------------------------------------------------------------------- */

void
hf_grpc_client_options_init(struct hf_grpc_client_options *options)
{
    *options = (struct hf_grpc_client_options){ .max_message_bytes = (size_t)4 << 20 };
    hf_h2_channel_options_init(&options->channel);
}

int
hf_grpc_client_new(struct hf_loop *loop, const char *address,
                   const struct hf_grpc_client_options *options, struct hf_grpc_client **ret,
                   struct hf_err *err)
{
    hf_autofree struct hf_grpc_client *client = calloc(1, sizeof *client);
    int r;

    if (!client) {
        return hf_fail(err, HF_ENOMEM, "%s: no memory for a gRPC client", address);
    }
    client->loop = loop;
    hf_list_init(&client->calls);
    if (options) {
        client->options = *options;
    } else {
        hf_grpc_client_options_init(&client->options);
    }
    r = hf_h2_channel_new(loop, address, &client->options.channel, &client->channel, err);
    if (r < 0) {
        return r;
    }
    *ret = hf_steal(client);
    return 0;
}

void
hf_grpc_client_free(struct hf_grpc_client *client)
{
    if (!client) {
        return;
    }
    while (!hf_list_is_empty(&client->calls)) {
        struct hf_grpc_client_call *call =
            hf_list_first(&client->calls, struct hf_grpc_client_call, node);

        hf_grpc_client_call_conclude(call, HF_GRPC_CANCELLED, "the client was closed");
        hf_deferred_cancel(&call->tell);
        hf_grpc_client_call_tell(call);
    }
    hf_h2_channel_free(client->channel);
    free(client);
}

const char *
hf_grpc_client_address(const struct hf_grpc_client *client)
{
    return hf_h2_channel_address(client->channel);
}

struct hf_h2_channel *
hf_grpc_client_channel(struct hf_grpc_client *client)
{
    return client->channel;
}

int
hf_grpc_result_error(const struct hf_grpc_result *result, const char *what, struct hf_err *err)
{
    int code = hf_grpc_code_to_error(result->code);

    if (code == 0) {
        return 0;
    }
    return hf_fail(err, code, "%s: %s%s%s", what, hf_grpc_code_name(result->code),
                   result->message[0] != '\0' ? ": " : "", result->message);
}
