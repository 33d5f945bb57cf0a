/*
 * kinds - a function for the tests of the library: every kind of method, on bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas-function.h>

/* --- one response to many requests --------------------------------------------------------- */

static void
join_begin(struct hf_call *call)
{
    hf_call_set_state(call, hf_call_alloc(call, sizeof(size_t)));
}

static void
join(struct hf_call *call, const void *message)
{
    const ProtobufCBinaryData *request = message;
    size_t *total = hf_call_state(call);

    *total += request->len;
}

static void
join_end(struct hf_call *call)
{
    const size_t *total = hf_call_state(call);
    char text[32];
    int len = snprintf(text, sizeof text, "%zu", *total);

    hf_call_reply_bytes(call, text, (size_t)len);
}

/* --- many responses to one request --------------------------------------------------------- */

/* Sends blocks of 10,000 bytes, as many as the request's text says, no faster than they
 * are read. */
static void
send_blocks(struct hf_call *call)
{
    static const char block[10000];
    size_t *left = hf_call_state(call);

    while (*left > 0 && hf_call_send_bytes(call, block, sizeof block)) {
        (*left)--;
    }
    if (*left == 0) {
        hf_call_finish(call, 0, NULL);
    }
}

static void
blocks(struct hf_call *call, const void *message)
{
    const ProtobufCBinaryData *request = message;
    size_t *left = hf_call_alloc(call, sizeof *left);
    char text[16] = "";

    memcpy(text, request->data, request->len < sizeof text ? request->len : sizeof text - 1);
    *left = strtoul(text, NULL, 10);
    hf_call_set_state(call, left);
    send_blocks(call);
}

static void
blocks_cancelled(struct hf_call *call)
{
    fprintf(stderr, "blocks: cancelled\n");
    hf_call_finish(call, 1, NULL);
}

/* --- many responses to many requests ------------------------------------------------------- */

static void
chat_begin(struct hf_call *call)
{
    const char *note = hf_call_metadata(call, "x-note");

    if (note) {
        hf_call_add_header(call, "x-note", note, strlen(note));
        hf_call_add_trailer(call, "x-left-bin", "\0\xff", 2);
    }
}

static void
go_on(struct hf_call *call)
{
    hf_call_resume(call);
}

/* Answers each message, then takes a short break. */
static void
chat(struct hf_call *call, const void *message)
{
    const ProtobufCBinaryData *request = message;

    hf_call_send_bytes(call, request->data, request->len);
    hf_call_pause(call);
    hf_call_after(call, 1000, go_on);
}

static void
chat_end(struct hf_call *call)
{
    hf_call_finish(call, 10 /* ABORTED */, "that was all: 100 %");
}

static const struct hf_method methods[] = {
    { .path = "/kinds.Kinds/Join",
      .kind = HF_CLIENT_STREAMING,
      .begin = join_begin,
      .message = join,
      .half_close = join_end },
    { .path = "/kinds.Kinds/Blocks",
      .kind = HF_SERVER_STREAMING,
      .message = blocks,
      .writable = send_blocks,
      .cancelled = blocks_cancelled },
    { .path = "/kinds.Kinds/Chat",
      .kind = HF_BIDI_STREAMING,
      .begin = chat_begin,
      .message = chat,
      .half_close = chat_end },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
