/*
 * failure.c - how the platform's own failures reach a caller.
 */
#include "node/proxy/failure.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/macros.h"
#include "grpc/reply.h"
#include "h2/stream.h"
#include "node/proxy/control.h"

static const struct {
    const char *word;
    uint32_t status;
    const char *brief; /* for strangers; NULL: the cause says nothing of this node */
} failures[] = {
#define FAILURE_ROW(id, word, status, brief) [HF_FAILURE_##id] = { word, status, brief },
    HF_FAILURES(FAILURE_ROW)
#undef FAILURE_ROW
};

/* Whether a field with a reason, or NULL, gives this one. */
static bool
gives(const struct hf_h2_field *reason, enum hf_failure failure)
{
    return reason && strlen(failures[failure].word) == reason->value_len &&
           memcmp(failures[failure].word, reason->value, reason->value_len) == 0;
}

/* What a stranger hears.  `ret` has room for HF_GRPC_MESSAGE_MAX bytes. */
static const char *
write_brief(char *ret, enum hf_failure failure, const char *function)
{
    snprintf(ret, HF_GRPC_MESSAGE_MAX, "%s%s%s%s (%s)", *function ? "function '" : "", function,
             *function ? "': " : "", failures[failure].brief, failures[failure].word);
    return ret;
}

/* `ret` has room for HF_GRPC_MESSAGE_MAX bytes. */
static const char *
write_message(char *ret, const struct hf_failure_report *report)
{
    if (report->brief && failures[report->failure].brief) {
        return write_brief(ret, report->failure, report->function);
    }
    if (!*report->function) {
        return report->why;
    }
    snprintf(ret, HF_GRPC_MESSAGE_MAX, "function '%s': %s", report->function, report->why);
    return ret;
}

static void
add_details(struct hf_h2_fields *fields, const struct hf_failure_report *report)
{
    hf_assert(report->failure != HF_FAILURE_NONE);
    if (fields) {
        hf_h2_fields_set_static(fields, HF_H2_HYPERFAAS_REASON, failures[report->failure].word);
        hf_h2_fields_set_static(fields, HF_H2_HYPERFAAS_DISPATCHED, report->dispatched ? "1" : "0");
        hf_control_set(fields, HF_H2_HYPERFAAS_RETRIES, report->retries);
    }
    if (fields && report->pushback_ns > 0) {
        hf_control_set_pushback(fields, report->pushback_ns);
    }
}

void
hf_failure_reply(struct hf_h2_stream *stream, const struct hf_failure_report *report)
{
    char message[HF_GRPC_MESSAGE_MAX];
    struct hf_h2_fields *fields =
        hf_grpc_reply_fields(failures[report->failure].status, write_message(message, report));

    add_details(fields, report);
    if (!fields) {
        hf_h2_stream_reset(stream,
                           report->dispatched ? HF_H2_INTERNAL_ERROR : HF_H2_REFUSED_STREAM);
        return;
    }
    hf_h2_stream_respond(stream, fields, true);
}

void
hf_failure_trailers(struct hf_h2_stream *stream, const struct hf_failure_report *report)
{
    char message[HF_GRPC_MESSAGE_MAX];
    struct hf_h2_fields *fields =
        hf_grpc_trailer_fields(failures[report->failure].status, write_message(message, report));

    add_details(fields, report);
    if (!fields) {
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
        return;
    }
    hf_h2_stream_trailers(stream, fields);
}

void
hf_failure_abridge(struct hf_h2_fields *fields, const char *function)
{
    const struct hf_h2_field *reason = hf_h2_fields_get(fields, HF_H2_HYPERFAAS_REASON);
    char message[HF_GRPC_MESSAGE_MAX];

    for (size_t i = 0; i < hf_countof(failures); i++) {
        if (failures[i].brief && gives(reason, (enum hf_failure)i)) {
            hf_grpc_set_status(fields, failures[i].status,
                               write_brief(message, (enum hf_failure)i, function));
        }
    }
}

bool
hf_failure_is_draining(const struct hf_h2_fields *response)
{
    return gives(hf_h2_fields_get(response, HF_H2_HYPERFAAS_REASON), HF_FAILURE_DRAINING);
}
