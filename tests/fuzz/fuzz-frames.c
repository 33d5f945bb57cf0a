/*
 * fuzz-frames.c - gRPC's framing: however the bytes are cut, the same messages come.
 */
#include <string.h>

#include "base/hash.h"
#include "fuzz.h"
#include "grpc/frame.h"
#include "grpc/timeout.h"

#define LIMIT ((size_t)1 << 16)

/* A number for all that was read in pieces of `step` bytes. */
static uint64_t
read_in_steps(const uint8_t *data, size_t size, size_t step)
{
    struct hf_grpc_reader reader;
    struct hf_grpc_message message;
    uint64_t sum = 0;
    int r = 0;

    hf_grpc_reader_init(&reader, LIMIT);
    for (size_t at = 0; r >= 0 && at < size; at += step) {
        const uint8_t *piece = data + at;
        size_t len = size - at < step ? size - at : step;

        while ((r = hf_grpc_reader_next(&reader, &piece, &len, &message)) > 0) {
            FUZZ_CHECK(message.len <= LIMIT);
            sum = sum * 31 + message.len + (message.compressed ? 1 : 0);
            for (size_t i = 0; i < message.len; i++) {
                sum = sum * 31 + message.data[i];
            }
        }
    }
    sum = sum * 31 + (r < 0 ? 7 : hf_grpc_reader_in_message(&reader));
    hf_grpc_reader_fini(&reader);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = read_in_steps(data, size, size + 1);
    char text[HF_GRPC_TIMEOUT_SIZE];
    uint64_t ns;

    FUZZ_CHECK(read_in_steps(data, size, 1) == whole);
    FUZZ_CHECK(read_in_steps(data, size, 7) == whole);
    if (hf_grpc_timeout_parse((const char *)data, size, &ns) == 0) {
        size_t len = hf_grpc_timeout_format(ns, text);
        uint64_t again;

        FUZZ_CHECK(hf_grpc_timeout_parse(text, len, &again) == 0);
        FUZZ_CHECK(again >= ns); /* it is rounded up */
    }
    return 0;
}
