/*
 * frame.c - the heads of frames, read and written.
 */
#include "spop/frame.h"

#include "base/assert.h"

enum hf_spop_status
hf_spop_frame_read(const uint8_t *data, size_t len, struct hf_spop_frame *ret)
{
    struct hf_spop_reader reader = { .at = data, .end = data + len };

    if (!hf_spop_read_byte(&reader, &ret->type) || !hf_spop_read_u32(&reader, &ret->flags) ||
        !hf_spop_read_number(&reader, &ret->stream_id) ||
        !hf_spop_read_number(&reader, &ret->frame_id)) {
        return HF_SPOP_INVALID;
    }
    ret->payload = reader;
    return HF_SPOP_NORMAL;
}

uint8_t *
hf_spop_frame_begin(struct hf_spop_writer *writer, const struct hf_spop_frame *head)
{
    uint8_t *begin = writer->at;

    hf_spop_write_u32(writer, 0); /* set when it is known */
    hf_spop_write_byte(writer, head->type);
    hf_spop_write_u32(writer, head->flags);
    hf_spop_write_number(writer, head->stream_id);
    hf_spop_write_number(writer, head->frame_id);
    return begin;
}

void
hf_spop_frame_end(const struct hf_spop_writer *writer, uint8_t *begin)
{
    struct hf_spop_writer length = { .at = begin, .end = writer->at };

    hf_assert(!writer->full);
    hf_spop_write_u32(&length, (uint32_t)((size_t)(writer->at - begin) - HF_SPOP_LENGTH_SIZE));
}
