/*
 * fuzz-spop.c - HAProxy's offload protocol: frames, what is in them, payloads in fragments.
 */
#include <string.h>

#include "fuzz.h"
#include "spop/fragments.h"
#include "spop/frame.h"
#include "spop/hello.h"
#include "spop/message.h"

static void
read_messages(struct hf_spop_reader payload)
{
    struct hf_spop_message message;
    struct hf_spop_string value;

    while (payload.at < payload.end && hf_spop_message_read(&payload, &message) == HF_SPOP_NORMAL) {
        hf_spop_message_string(&message, "authority", &value);
        hf_spop_message_string(&message, "host", &value);
    }
}

static void
read_frame(struct hf_spop_fragments *fragments, const uint8_t *data, size_t len)
{
    struct hf_spop_frame frame;
    struct hf_spop_hello hello;
    struct hf_spop_disconnect disconnect;
    struct hf_spop_reader payload;

    if (hf_spop_frame_read(data, len, &frame) != HF_SPOP_NORMAL) {
        return;
    }
    hf_spop_hello_read(&frame, &hello);
    hf_spop_disconnect_read(&frame, &disconnect);
    if ((frame.type == HF_SPOP_NOTIFY || frame.type == HF_SPOP_UNSET) &&
        hf_spop_fragments_take(fragments, &frame, &payload) == HF_SPOP_WHOLE) {
        read_messages(payload);
        hf_spop_fragments_clear(fragments);
    }
}

/* The input is frames, each behind two bytes with its length. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_spop_fragments fragments = { 0 };

    for (size_t at = 0; at + 2 <= size;) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];

        at += 2;
        len = len < size - at ? len : size - at;
        read_frame(&fragments, data + at, len);
        at += len;
    }
    hf_spop_fragments_clear(&fragments);
    return 0;
}
