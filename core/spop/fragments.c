/*
 * fragments.c - putting together what came in several frames.
 */
#include "spop/fragments.h"

#include <stdlib.h>
#include <string.h>

void
hf_spop_fragments_clear(struct hf_spop_fragments *fragments)
{
    free(fragments->data);
    *fragments = (struct hf_spop_fragments){ .data = NULL };
}

/* Adds a frame's payload; false: it is too much. */
static bool
append(struct hf_spop_fragments *fragments, const struct hf_spop_reader *payload)
{
    size_t len = (size_t)(payload->end - payload->at);

    if (!fragments->data) {
        fragments->data = malloc(HF_SPOP_PAYLOAD_MAX);
    }
    if (!fragments->data || len > HF_SPOP_PAYLOAD_MAX - fragments->len) {
        return false;
    }
    memcpy(fragments->data + fragments->len, payload->at, len);
    fragments->len += len;
    return true;
}

/* Takes a frame of the payload that has begun. */
static enum hf_spop_gathered
gather(struct hf_spop_fragments *fragments, const struct hf_spop_frame *frame,
       struct hf_spop_reader *ret)
{
    bool last = (frame->flags & HF_SPOP_FIN) != 0;
    bool refused;

    if (frame->flags & HF_SPOP_ABORT) {
        hf_spop_fragments_clear(fragments);
        return HF_SPOP_PARTIAL;
    }
    if (fragments->ignoring) {
        if (last) {
            hf_spop_fragments_clear(fragments);
        }
        return HF_SPOP_PARTIAL;
    }
    refused = !append(fragments, &frame->payload);
    if (refused && last) {
        hf_spop_fragments_clear(fragments);
    }
    if (refused) {
        fragments->ignoring = !last;
        return HF_SPOP_REFUSED;
    }
    if (!last) {
        return HF_SPOP_PARTIAL;
    }
    fragments->gathering = false;
    *ret =
        (struct hf_spop_reader){ .at = fragments->data, .end = fragments->data + fragments->len };
    return HF_SPOP_WHOLE;
}

enum hf_spop_gathered
hf_spop_fragments_take(struct hf_spop_fragments *fragments, const struct hf_spop_frame *frame,
                       struct hf_spop_reader *ret)
{
    bool begins = frame->type == HF_SPOP_NOTIFY;

    if (begins && fragments->ignoring) {
        hf_spop_fragments_clear(fragments); /* HAProxy has heard that its rest is not wanted */
    }
    if (begins == fragments->gathering) {
        return HF_SPOP_BROKEN;
    }
    if (begins && (frame->flags & HF_SPOP_FIN)) {
        *ret = frame->payload;
        return HF_SPOP_WHOLE;
    }
    if (begins) {
        fragments->gathering = true;
        fragments->stream_id = frame->stream_id;
        fragments->frame_id = frame->frame_id;
    } else if (frame->stream_id != fragments->stream_id || frame->frame_id != fragments->frame_id) {
        return HF_SPOP_BROKEN;
    }
    return gather(fragments, frame, ret);
}
