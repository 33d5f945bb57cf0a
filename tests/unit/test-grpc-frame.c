/*
 * test-grpc-frame.c - message framing and compression: any split, and hostile input.
 */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <hyperfaas/error.h>

#include "base/assert.h"
#include "grpc/frame.h"
#include "grpc/gzip.h"
#include "unit.h"

#define LIMIT 100000

/* The messages on the wire in every test of splits, by length. */
static const uint32_t lengths[] = { 0, 1, 5, 0, 300, 5000, 70000, 2, 0 };
#define COUNT (sizeof lengths / sizeof lengths[0])

static uint8_t
byte_at(size_t message, size_t i)
{
    return (uint8_t)(message * 31 + i * 7);
}

/* Writes all messages; every third says it is compressed. */
static uint8_t *
make_wire(size_t *ret_len)
{
    size_t at = 0;
    uint8_t *wire;

    for (size_t m = 0; m < COUNT; m++) {
        at += HF_GRPC_PREFIX_SIZE + lengths[m];
    }
    wire = malloc(at);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wire);
    at = 0;
    for (size_t m = 0; m < COUNT; m++) {
        hf_grpc_prefix_write(wire + at, lengths[m], m % 3 == 2);
        at += HF_GRPC_PREFIX_SIZE;
        for (size_t i = 0; i < lengths[m]; i++) {
            wire[at++] = byte_at(m, i);
        }
    }
    *ret_len = at;
    return wire;
}

static void
check_message(const struct hf_grpc_message *message, size_t m)
{
    size_t wrong = 0;

    CU_ASSERT_FATAL(m < COUNT);
    CU_ASSERT_EQUAL_FATAL(message->len, lengths[m]);
    CU_ASSERT_EQUAL(message->compressed, m % 3 == 2);
    for (size_t i = 0; i < message->len; i++) {
        wrong += message->data[i] != byte_at(m, i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Feeds the wire in pieces of `piece` bytes, each a heap block of its own so that a
 * sanitizer sees any byte read too far. */
static void
read_in_pieces(size_t piece)
{
    struct hf_grpc_reader reader;
    struct hf_grpc_message message;
    size_t wire_len, m = 0;
    uint8_t *wire = make_wire(&wire_len);

    hf_grpc_reader_init(&reader, LIMIT);
    for (size_t at = 0; at < wire_len; at += piece) {
        size_t len = wire_len - at < piece ? wire_len - at : piece;
        uint8_t *copy = malloc(len);
        const uint8_t *data = copy;
        int r;

        hf_assert(copy);
        memcpy(copy, wire + at, len);
        while ((r = hf_grpc_reader_next(&reader, &data, &len, &message)) == 1) {
            check_message(&message, m++);
        }
        CU_ASSERT_EQUAL(r, 0);
        CU_ASSERT_EQUAL(len, 0);
        free(copy);
    }
    CU_ASSERT_EQUAL(m, COUNT);
    CU_ASSERT_FALSE(hf_grpc_reader_in_message(&reader));
    hf_grpc_reader_fini(&reader);
    free(wire);
}

static void
messages_survive_any_split(void)
{
    for (size_t piece = 1; piece < 20; piece++) {
        read_in_pieces(piece);
    }
    read_in_pieces(299);
    read_in_pieces(4096);
    read_in_pieces(16384);
    read_in_pieces(1000000);
}

static int
feed(struct hf_grpc_reader *reader, const void *bytes, size_t len)
{
    const uint8_t *data = bytes;
    struct hf_grpc_message message;

    return hf_grpc_reader_next(reader, &data, &len, &message);
}

static void
a_long_message_is_refused_by_its_prefix(void)
{
    struct hf_grpc_reader reader;

    hf_grpc_reader_init(&reader, 1000);
    CU_ASSERT_EQUAL(feed(&reader, "\0\0\0\x03\xe9", 5), HF_EFULL);
    CU_ASSERT_EQUAL(reader.capacity, 0);
    hf_grpc_reader_fini(&reader);

    hf_grpc_reader_init(&reader, 1000);
    CU_ASSERT_EQUAL(feed(&reader, "\0\0\0\x03\xe8", 5), 0);
    hf_grpc_reader_fini(&reader);
}

static void
memory_follows_what_came(void)
{
    struct hf_grpc_reader reader;
    uint8_t bytes[100] = { 0 };

    hf_grpc_reader_init(&reader, UINT32_MAX);
    CU_ASSERT_EQUAL(feed(&reader, "\0\xff\xff\xff\xff", 5), 0);
    CU_ASSERT_EQUAL(feed(&reader, bytes, sizeof bytes), 0);
    CU_ASSERT_TRUE(reader.capacity <= 4096);
    CU_ASSERT_TRUE(hf_grpc_reader_in_message(&reader));
    hf_grpc_reader_fini(&reader);
}

static void
unknown_flags_are_refused(void)
{
    struct hf_grpc_reader reader;

    hf_grpc_reader_init(&reader, LIMIT);
    CU_ASSERT_EQUAL(feed(&reader, "\x02\0\0\0\0", 5), HF_EINVALID);
    hf_grpc_reader_fini(&reader);
}

static void
half_a_prefix_is_a_message_begun(void)
{
    struct hf_grpc_reader reader;

    hf_grpc_reader_init(&reader, LIMIT);
    CU_ASSERT_FALSE(hf_grpc_reader_in_message(&reader));
    CU_ASSERT_EQUAL(feed(&reader, "\0\0\0", 3), 0);
    CU_ASSERT_TRUE(hf_grpc_reader_in_message(&reader));
    hf_grpc_reader_fini(&reader);
}

/* --- compression --------------------------------------------------------------------------- */

#define PLAIN_LEN 1000000

/* A million zeros take a kilobyte. */
static size_t
gzip_zeros(uint8_t *ret, size_t size)
{
    uint8_t *zeros = calloc(1, PLAIN_LEN);
    z_stream z = { .next_in = zeros, .avail_in = PLAIN_LEN, .next_out = ret };
    size_t len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
    z.avail_out = (uInt)size;
    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    UNIT_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    len = size - z.avail_out;
    deflateEnd(&z);
    free(zeros);
    return len;
}

static void
gzip_is_read_up_to_the_limit(void)
{
    uint8_t packed[4096];
    size_t packed_len = gzip_zeros(packed, sizeof packed);
    uint8_t *plain = NULL;
    size_t len = 0;

    UNIT_INT(hf_grpc_gunzip(packed, packed_len, PLAIN_LEN, &plain, &len), 0);
    UNIT_U64(len, PLAIN_LEN);
    free(plain);
    plain = NULL;
    UNIT_INT(hf_grpc_gunzip(packed, packed_len, PLAIN_LEN - 1, &plain, &len), HF_EFULL);
    UNIT_INT(hf_grpc_gunzip(packed, packed_len, 0, &plain, &len), HF_EFULL);
    CU_ASSERT_PTR_NULL(plain);
}

static void
bad_gzip_is_refused(void)
{
    uint8_t packed[4096];
    size_t packed_len = gzip_zeros(packed, sizeof packed);
    uint8_t *plain = NULL;
    size_t len = 0;

    UNIT_INT(hf_grpc_gunzip(packed, packed_len - 1, PLAIN_LEN, &plain, &len), HF_EINVALID);
    UNIT_INT(hf_grpc_gunzip(packed, packed_len + 1, PLAIN_LEN, &plain, &len), HF_EINVALID);
    UNIT_INT(hf_grpc_gunzip(packed, 0, PLAIN_LEN, &plain, &len), HF_EINVALID);
    packed[packed_len - 8] ^= 1; /* The checksum. */
    UNIT_INT(hf_grpc_gunzip(packed, packed_len, PLAIN_LEN, &plain, &len), HF_EINVALID);
    CU_ASSERT_PTR_NULL(plain);
}

UNIT_MAIN("grpc framing", UNIT_TEST(messages_survive_any_split),
          UNIT_TEST(a_long_message_is_refused_by_its_prefix), UNIT_TEST(memory_follows_what_came),
          UNIT_TEST(unknown_flags_are_refused), UNIT_TEST(half_a_prefix_is_a_message_begun),
          UNIT_TEST(gzip_is_read_up_to_the_limit), UNIT_TEST(bad_gzip_is_refused))
