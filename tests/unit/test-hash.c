/* test-hash.c - the stable hash: values that may never change. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "unit.h"

/* FNV-1a alone has published values ("" cbf29ce484222325, "a" af63dc4c8601ec8c,
 * "foobar" 85944171f73967e8, from draft-eastlake-fnv); the others were computed
 * from the definition by a program of a different language. */
static void
never_changes(void)
{
    UNIT_U64(hf_hash("", 0), hf_hash_mix(UINT64_C(0xcbf29ce484222325)));
    UNIT_U64(hf_hash("a", 1), hf_hash_mix(UINT64_C(0xaf63dc4c8601ec8c)));
    UNIT_U64(hf_hash("foobar", 6), hf_hash_mix(UINT64_C(0x85944171f73967e8)));
    UNIT_U64(hf_hash(NULL, 0), hf_hash("", 0));
    UNIT_U64(hf_hash("", 0), UINT64_C(0xefd01f60ba992926));
    UNIT_U64(hf_hash("a", 1), UINT64_C(0x82a2a958a9bece5b));
    UNIT_U64(hf_hash("foobar", 6), UINT64_C(0x2c22194922d1672b));
    UNIT_U64(hf_hash("\0\xff", 2), UINT64_C(0xacb64f88d28b68b8));
}

static void
mixes(void)
{
    UNIT_U64(hf_hash_mix(0), 0);
    UNIT_U64(hf_hash_mix(1), UINT64_C(0xb456bcfc34c2cb2c));
    UNIT_U64(hf_hash_seeded(0, "x", 1), hf_hash("x", 1));
    CU_ASSERT_NOT_EQUAL(hf_hash_seeded(1, "x", 1), hf_hash("x", 1));
}

/* Names that differ in their last digits only spread over all buckets. */
static void
spreads_similar_names(void)
{
    unsigned low[64] = { 0 };
    unsigned high[64] = { 0 };
    char name[] = "worker-0000";

    for (unsigned i = 0; i < 6400; i++) {
        uint64_t hash;

        for (unsigned j = 0, rest = i; j < 4; j++, rest /= 10) {
            name[10 - j] = (char)('0' + rest % 10);
        }
        hash = hf_hash(name, sizeof name - 1);
        low[hash & 63]++;
        high[hash >> 58]++;
    }
    for (int i = 0; i < 64; i++) {
        CU_ASSERT(low[i] > 50 && low[i] < 150);
        CU_ASSERT(high[i] > 50 && high[i] < 150);
    }
}

UNIT_MAIN("hash", UNIT_TEST(never_changes), UNIT_TEST(mixes), UNIT_TEST(spreads_similar_names))
