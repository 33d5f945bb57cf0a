/*
 * failure.c - how the platform's own failures reach a caller.
 */
#include "node/proxy/failure.h"

#include <stdint.h>
#include <stdio.h>

#include "grpc/reply.h"
#include "h2/stream.h"

static const struct {
    const char *word;
    uint32_t status;
} failures[] = {
#define FAILURE_ROW(id, word, status) [HF_FAILURE_##id] = { word, status },
    HF_FAILURES(FAILURE_ROW)
#undef FAILURE_ROW
};

const char *
hf_failure_word(enum hf_failure failure)
{
    return failures[failure].word;
}

static void
write_message(char *ret, size_t size, const char *function, const char *why)
{
    if (*function) {
        snprintf(ret, size, "function '%s': %s", function, why);
    } else {
        snprintf(ret, size, "%s", why);
    }
}

static void
add_details(struct hf_h2_fields *fields, enum hf_failure failure, bool dispatched)
{
    if (fields) {
        hf_h2_fields_set_static(fields, HF_H2_HYPERFAAS_REASON, failures[failure].word);
        hf_h2_fields_set_static(fields, HF_H2_HYPERFAAS_DISPATCHED, dispatched ? "1" : "0");
    }
}

void
hf_failure_reply(struct hf_h2_stream *stream, enum hf_failure failure, bool dispatched,
                 const char *function, const char *why)
{
    char message[HF_GRPC_MESSAGE_MAX];
    struct hf_h2_fields *fields;

    write_message(message, sizeof message, function, why);
    fields = hf_grpc_reply_fields(failures[failure].status, message);
    add_details(fields, failure, dispatched);
    if (!fields) {
        hf_h2_stream_reset(stream, HF_H2_REFUSED_STREAM);
        return;
    }
    hf_h2_stream_respond(stream, fields, true);
}

void
hf_failure_trailers(struct hf_h2_stream *stream, enum hf_failure failure, bool dispatched,
                    const char *function, const char *why)
{
    char message[HF_GRPC_MESSAGE_MAX];
    struct hf_h2_fields *fields;

    write_message(message, sizeof message, function, why);
    fields = hf_grpc_trailer_fields(failures[failure].status, message);
    add_details(fields, failure, dispatched);
    if (!fields) {
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
        return;
    }
    hf_h2_stream_trailers(stream, fields);
}
