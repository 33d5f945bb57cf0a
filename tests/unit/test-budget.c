/*
 * test-budget.c - the bytes that waiting requests may hold, and the shares of threads in them.
 */
#include "node/budget.h"

#include "loop/loop.h"
#include "unit.h"

enum { BYTES = 1024 * 1024 };

static struct hf_loop *loop;
static struct hf_budget *budget;

static struct hf_budget_share
begin(void)
{
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    budget = hf_budget_new(loop, BYTES, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(budget);
    return (struct hf_budget_share){ .budget = budget };
}

static void
end(void)
{
    UNIT_U64(hf_budget_used(budget), 0);
    hf_budget_free(budget);
    hf_loop_free(loop);
}

static void
all_of_it_can_be_used_and_not_a_byte_more(void)
{
    struct hf_budget_share share = begin();

    UNIT_U64(hf_budget_size(budget), BYTES);
    for (int i = 0; i < BYTES / 1000; i++) {
        CU_ASSERT_TRUE(hf_budget_take(&share, 1000));
    }
    CU_ASSERT_FALSE(hf_budget_take(&share, 1000));
    CU_ASSERT_TRUE(hf_budget_take(&share, BYTES % 1000));
    CU_ASSERT_FALSE(hf_budget_take(&share, 1));
    CU_ASSERT_FALSE(hf_budget_take(&share, UINT64_MAX));
    hf_budget_give(&share, 1);
    CU_ASSERT_TRUE(hf_budget_take(&share, 1));
    hf_budget_give(&share, BYTES);
    hf_budget_close(&share);
    end();
}

static void
what_one_share_gives_back_another_can_use(void)
{
    struct hf_budget_share one = begin();
    struct hf_budget_share other = { .budget = budget };

    CU_ASSERT_TRUE(hf_budget_take(&one, BYTES));
    CU_ASSERT_FALSE(hf_budget_take(&other, 1));
    hf_budget_give(&one, BYTES);
    /* Little stays with a share that uses nothing. */
    CU_ASSERT_TRUE(hf_budget_used(budget) <= BYTES / 32);
    CU_ASSERT_TRUE(hf_budget_take(&other, BYTES - BYTES / 32));
    hf_budget_give(&other, BYTES - BYTES / 32);
    hf_budget_close(&one);
    hf_budget_close(&other);
    end();
}

UNIT_MAIN("budget", UNIT_TEST(all_of_it_can_be_used_and_not_a_byte_more),
          UNIT_TEST(what_one_share_gives_back_another_can_use))
