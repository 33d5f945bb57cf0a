/*
 * test-message-tracker.c - where messages end, however the bytes are cut.
 */
#include <string.h>

#include "base/macros.h"
#include "base/random.h"
#include "grpc/frame.h"
#include "node/proxy/message_tracker.h"
#include "unit.h"

static void
nothing_is_a_boundary(void)
{
    struct hf_message_tracker tracker = { 0 };

    CU_ASSERT_TRUE(hf_message_tracker_at_boundary(&tracker));
    hf_message_tracker_feed(&tracker, NULL, 0);
    CU_ASSERT_TRUE(hf_message_tracker_at_boundary(&tracker));
}

static void
an_empty_message_is_a_whole_one(void)
{
    struct hf_message_tracker tracker = { 0 };
    static const uint8_t empty[5];

    hf_message_tracker_feed(&tracker, empty, 4);
    CU_ASSERT_FALSE(hf_message_tracker_at_boundary(&tracker));
    hf_message_tracker_feed(&tracker, empty + 4, 1);
    CU_ASSERT_TRUE(hf_message_tracker_at_boundary(&tracker));
}

static void
any_split_finds_the_same_ends(void)
{
    static const uint32_t lengths[] = { 0, 1, 5, 300, 70000 };
    static uint8_t stream[70000 + 306 + 5 * 5];
    bool is_end[sizeof stream + 1] = { true };
    struct hf_random random;
    size_t len = 0;

    for (size_t i = 0; i < hf_countof(lengths); i++) {
        hf_grpc_prefix_write(stream + len, lengths[i], i % 2 == 1);
        memset(stream + len + 5, 0xff, lengths[i]);
        len += 5 + lengths[i];
        is_end[len] = true;
    }
    UNIT_U64(len, sizeof stream);
    hf_random_init(&random, 3);
    for (int round = 0; round < 200; round++) {
        struct hf_message_tracker tracker = { 0 };
        uint64_t most = round % 2 == 0 ? 3 : 30000;

        for (size_t at = 0; at < len;) {
            size_t n = hf_min((size_t)hf_random_below(&random, most) + 1, len - at);

            hf_message_tracker_feed(&tracker, stream + at, n);
            at += n;
            if (hf_message_tracker_at_boundary(&tracker) != is_end[at]) {
                CU_FAIL("a boundary was seen where none is, or missed");
                return;
            }
        }
    }
}

UNIT_MAIN("message-tracker", UNIT_TEST(nothing_is_a_boundary),
          UNIT_TEST(an_empty_message_is_a_whole_one), UNIT_TEST(any_split_finds_the_same_ends))
