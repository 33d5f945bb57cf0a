/*
 * test-hpack-guard.c - strings too long for the decoder, against the decoder itself.
 *
 * Blocks are made twice: as a sender makes them, and with each string that is too long
 * replaced by one that the decoder takes and that has the same effect on its table.  The first go
 * through the guard, cut into pieces anywhere; then both are decoded, and all other
 * fields and the tables must be equal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "base/random.h"
#include "h2/hpack_guard.h"
#include "unit.h"

#define SEED         UINT64_C(20261130)
#define BLOCKS       600
#define LONGEST      300000u
#define BLOCK_MAX    (8u << 20)
#define STAND_IN_LEN 5000u /* empties a table of 4096 octets, too */

struct block {
    uint8_t *at;
    size_t len;
};

struct bench {
    struct hf_random random;
    nghttp2_hd_inflater *guarded;
    nghttp2_hd_inflater *reference;
    struct block sent;
    struct block expected;
    bool cut; /* the block has a string that is too long */
};

/* --- making blocks ---------------------------------------------------------- */

static uint32_t
below(struct bench *bench, uint32_t n)
{
    return (uint32_t)(hf_random_u64(&bench->random) % n);
}

static void
put(struct block *block, uint8_t octet)
{
    CU_ASSERT_FATAL(block->len < BLOCK_MAX);
    block->at[block->len++] = octet;
}

/* An integer with a prefix of `bits`, and so many octets more than it needs. */
static void
put_integer(struct block *block, uint8_t pattern, unsigned bits, uint32_t value, unsigned more)
{
    uint32_t limit = (1u << bits) - 1;

    if (value < limit) {
        put(block, (uint8_t)(pattern | value));
        return;
    }
    put(block, (uint8_t)(pattern | limit));
    for (value -= limit; value >= 128; value /= 128) {
        put(block, (uint8_t)(0x80 | value % 128));
    }
    if (more == 0) {
        put(block, (uint8_t)value);
        return;
    }
    put(block, (uint8_t)(0x80 | value));
    while (--more > 0) {
        put(block, 0x80);
    }
    put(block, 0);
}

/* Of `len` octets as encoded; Huffman's codes used here have eight bits each. */
static void
put_string(struct block *block, uint32_t len, bool huffman, unsigned more, uint8_t octet)
{
    put_integer(block, huffman ? 0x80 : 0, 7, len, more);
    CU_ASSERT_FATAL(block->len + len < BLOCK_MAX);
    memset(block->at + block->len, huffman ? 0xf8 + octet % 2 * 3 : octet, len);
    block->len += len;
}

static uint32_t
long_length(struct bench *bench)
{
    switch (below(bench, 8)) {
    case 0:
        return HF_HPACK_STRING_MAX + 1;
    case 1: /* known to be too long at the fourth octet only */
        return 127 + (1u << 21) + below(bench, 3) * 127;
    case 2:
        return 127 + (4u << 14) - 1 - below(bench, 2);
    default:
        return HF_HPACK_STRING_MAX + 1 + below(bench, LONGEST - HF_HPACK_STRING_MAX);
    }
}

static uint32_t
short_length(struct bench *bench)
{
    switch (below(bench, 12)) {
    case 0:
        return HF_HPACK_STRING_MAX; /* just taken */
    case 1:
        return 3000 + below(bench, 3000);
    case 2:
        return 126 + below(bench, 4);
    default:
        return 1 + below(bench, 40);
    }
}

/* The same string in both blocks, or one that is too long and its stand-in. */
static void
put_strings(struct bench *bench, bool too_long)
{
    uint32_t len = too_long ? long_length(bench) : short_length(bench);
    bool huffman = below(bench, 2);
    unsigned more = below(bench, 6) == 0 && len > 127 && len < 1u << 20 ? 1 : 0;

    if (too_long) {
        put_string(&bench->sent, len, huffman, more, (uint8_t)('a' + below(bench, 20)));
        put_string(&bench->expected, STAND_IN_LEN, false, 0, 'q');
        bench->cut = true;
    } else {
        uint8_t octet = (uint8_t)('a' + below(bench, 14));

        put_string(&bench->sent, len, huffman, more, octet);
        put_string(&bench->expected, len, huffman, 0, octet);
    }
}

static void
put_literal(struct bench *bench)
{
    static const struct {
        uint8_t pattern;
        uint8_t bits;
    } kinds[] = { { 0x40, 6 }, { 0x00, 4 }, { 0x10, 4 } };
    unsigned kind = below(bench, 3);
    bool by_index = below(bench, 2);
    bool long_value = below(bench, 5) == 0;
    bool long_name = !by_index && below(bench, 6) == 0;
    uint32_t index = by_index ? (below(bench, 6) == 0 ? 4 : 16 + below(bench, 46)) : 0;

    put_integer(&bench->sent, kinds[kind].pattern, kinds[kind].bits, index, 0);
    put_integer(&bench->expected, kinds[kind].pattern, kinds[kind].bits, index, 0);
    if (!by_index) {
        put_strings(bench, long_name);
    }
    put_strings(bench, long_value);
}

static void
put_both(struct bench *bench, uint8_t pattern, unsigned bits, uint32_t value)
{
    put_integer(&bench->sent, pattern, bits, value, 0);
    put_integer(&bench->expected, pattern, bits, value, 0);
}

static void
make_block(struct bench *bench)
{
    uint32_t fields = 1 + below(bench, 12);

    bench->sent.len = bench->expected.len = 0;
    bench->cut = false;
    if (below(bench, 6) == 0) {
        put_both(bench, 0x20, 5, below(bench, 4097));
    } else {
        uint32_t n = (uint32_t)nghttp2_hd_inflate_get_num_table_entries(bench->reference) - 61;

        for (uint32_t i = 0; n > 0 && i < 3; i++) {
            put_both(bench, 0x80, 7, 62 + below(bench, n));
        }
    }
    while (fields-- > 0) {
        if (below(bench, 3) == 0) {
            put_both(bench, 0x80, 7, 16 + below(bench, 46));
        } else {
            put_literal(bench);
        }
    }
}

/* --- reading them ----------------------------------------------------------- */

/* Decodes up to the next field that is no filler or stand-in. */
static bool
next_field(nghttp2_hd_inflater *inflater, struct block *block, nghttp2_nv *nv, bool *failed)
{
    for (;;) {
        int flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(inflater, nv, &flags, block->at, block->len, 1);

        if (n < 0) {
            *failed = true;
            return false;
        }
        block->at += n;
        block->len -= (size_t)n;
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            nghttp2_hd_inflate_end_headers(inflater);
            return false;
        }
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && !strchr("*/q", nv->value[0]) &&
            !strchr("*q", nv->name[0])) {
            return true;
        }
        /* A filler of one octet has an empty value, which strchr finds, too. */
    }
}

static bool
is_same(const nghttp2_nv *a, const nghttp2_nv *b)
{
    return a->namelen == b->namelen && a->valuelen == b->valuelen &&
           memcmp(a->name, b->name, a->namelen) == 0 &&
           memcmp(a->value, b->value, a->valuelen) == 0;
}

static bool
compare_tables(const struct bench *bench)
{
    size_t n = nghttp2_hd_inflate_get_num_table_entries(bench->reference);
    bool same = n == nghttp2_hd_inflate_get_num_table_entries(bench->guarded);

    for (size_t i = 62; same && i <= n; i++) {
        same = is_same(nghttp2_hd_inflate_get_table_entry(bench->reference, i),
                       nghttp2_hd_inflate_get_table_entry(bench->guarded, i));
    }
    return same;
}

static bool
compare_fields(const struct bench *bench)
{
    struct block sent = bench->sent;
    struct block expected = bench->expected;
    nghttp2_nv a;
    nghttp2_nv b;
    bool failed = false;

    while (next_field(bench->reference, &expected, &b, &failed)) {
        if (!next_field(bench->guarded, &sent, &a, &failed) || !is_same(&a, &b)) {
            return false;
        }
    }
    return !next_field(bench->guarded, &sent, &a, &failed) && !failed;
}

/* Cuts the block anywhere, and more often into single octets. */
static bool
guard_block(struct bench *bench)
{
    struct hf_hpack_guard guard = { 0 };
    size_t at = 0;

    while (at < bench->sent.len) {
        uint32_t most = below(bench, 3) == 0 ? 1 : below(bench, 2) ? 20 : 40000;
        size_t n = 1 + below(bench, most);

        n = n < bench->sent.len - at ? n : bench->sent.len - at;
        hf_hpack_guard_scan(&guard, bench->sent.at + at, n);
        at += n;
    }
    CU_ASSERT_FALSE(guard.lost);
    return guard.cut;
}

static void
bench_init(struct bench *bench)
{
    *bench = (struct bench){ 0 };
    hf_random_init(&bench->random, SEED);
    bench->sent.at = malloc(BLOCK_MAX);
    bench->expected.at = malloc(BLOCK_MAX);
    CU_ASSERT_FATAL(bench->sent.at && bench->expected.at);
    CU_ASSERT_EQUAL_FATAL(nghttp2_hd_inflate_new(&bench->guarded), 0);
    CU_ASSERT_EQUAL_FATAL(nghttp2_hd_inflate_new(&bench->reference), 0);
}

static void
bench_fini(struct bench *bench)
{
    nghttp2_hd_inflate_del(bench->guarded);
    nghttp2_hd_inflate_del(bench->reference);
    free(bench->sent.at);
    free(bench->expected.at);
}

/* --- tests ------------------------------------------------------------------ */

static void
random_blocks_lose_only_what_is_too_long(void)
{
    struct bench bench;
    unsigned cut = 0;

    bench_init(&bench);
    for (int i = 0; i < BLOCKS; i++) {
        make_block(&bench);
        CU_ASSERT_EQUAL(guard_block(&bench), bench.cut);
        cut += bench.cut;
        if (!compare_fields(&bench) || !compare_tables(&bench)) {
            printf("     block %d of seed %llu\n", i, (unsigned long long)SEED);
            CU_FAIL("the guard changed what a block says");
            break;
        }
    }
    CU_ASSERT(cut > BLOCKS / 4 && cut < BLOCKS);
    bench_fini(&bench);
}

/* What a deflater makes, with its table and its codes, passes as it is. */
static void
ordinary_blocks_pass_untouched(void)
{
    struct bench bench;
    nghttp2_hd_deflater *deflater;

    bench_init(&bench);
    CU_ASSERT_EQUAL_FATAL(nghttp2_hd_deflate_new(&deflater, 4096), 0);
    for (int i = 0; i < 200; i++) {
        char value[200];
        nghttp2_nv nv[] = {
            { (uint8_t *)":path", (uint8_t *)value, 5, 1 + below(&bench, 190), 0 },
            { (uint8_t *)"x-one", (uint8_t *)value, 5, 1 + below(&bench, 190), 0 },
            { (uint8_t *)"x-two", (uint8_t *)value, 5, 3, NGHTTP2_NV_FLAG_NO_INDEX },
        };
        ssize_t n;

        for (size_t k = 0; k < sizeof value; k++) {
            value[k] = (char)(' ' + below(&bench, 90));
        }
        n = nghttp2_hd_deflate_hd(deflater, bench.sent.at, BLOCK_MAX, nv, 3);
        CU_ASSERT_FATAL(n > 0);
        bench.sent.len = (size_t)n;
        memcpy(bench.expected.at, bench.sent.at, (size_t)n);
        CU_ASSERT_FALSE(guard_block(&bench));
        CU_ASSERT_EQUAL(memcmp(bench.expected.at, bench.sent.at, (size_t)n), 0);
    }
    nghttp2_hd_deflate_del(deflater);
    bench_fini(&bench);
}

static void
a_path_stays_a_path(void)
{
    struct bench bench;

    bench_init(&bench);
    for (int huffman = 0; huffman < 2; huffman++) {
        struct block block;
        nghttp2_nv nv;
        int flags = 0;

        bench.sent.len = 0;
        put(&bench.sent, 0x44);
        put_string(&bench.sent, 70000, huffman, 0, 'a');
        CU_ASSERT_TRUE(guard_block(&bench));
        block = bench.sent;
        CU_ASSERT(nghttp2_hd_inflate_hd2(bench.guarded, &nv, &flags, block.at, block.len, 1) > 0);
        CU_ASSERT_TRUE(flags & NGHTTP2_HD_INFLATE_EMIT);
        UNIT_STR((const char *)nv.name, ":path");
        CU_ASSERT_EQUAL(nv.value[0], '/');
        CU_ASSERT_EQUAL(nv.value[nv.valuelen - 1], '*');
        nghttp2_hd_inflate_del(bench.guarded);
        CU_ASSERT_EQUAL_FATAL(nghttp2_hd_inflate_new(&bench.guarded), 0);
    }
    bench_fini(&bench);
}

static void
a_length_without_end_is_lost(void)
{
    struct hf_hpack_guard guard = { 0 };
    uint8_t block[20];

    memset(block, 0xff, sizeof block);
    block[0] = 0x00;
    block[1] = 0x01;
    block[2] = 'a';
    hf_hpack_guard_scan(&guard, block, sizeof block);
    CU_ASSERT_TRUE(guard.lost);
}

UNIT_MAIN("hpack-guard", UNIT_TEST(random_blocks_lose_only_what_is_too_long),
          UNIT_TEST(ordinary_blocks_pass_untouched), UNIT_TEST(a_path_stays_a_path),
          UNIT_TEST(a_length_without_end_is_lost))
