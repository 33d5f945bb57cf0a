/*
 * abandon.c - streams that nobody listens to any more.
 */
#include "h2/conn_private.h"

static void
ignore_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind,
               bool end)
{
    (void)stream;
    (void)kind;
    (void)end;
    hf_h2_fields_unref(fields);
}

static void
ignore_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    (void)data;
    hf_h2_stream_consume(stream, len);
}

static void
ignore_end(struct hf_h2_stream *stream)
{
    (void)stream;
}

static void
ignore_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
ignore_close(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    (void)stream;
    (void)close;
}

const struct hf_h2_stream_ops hf_h2_stream_unheard = {
    .on_headers = ignore_headers,
    .on_data = ignore_data,
    .on_end = ignore_end,
    .on_sent = ignore_sent,
    .on_close = ignore_close,
};

void
hf_h2_stream_abandon(struct hf_h2_stream *stream, enum hf_h2_code code)
{
    hf_h2_stream_set(stream, &hf_h2_stream_unheard, NULL);
    hf_h2_stream_reset(stream, code);
}
