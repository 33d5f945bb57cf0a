/*
 * test-origins.c - how many connections each address has.
 */
#include "node/proxy/origins.h"

#include <hyperfaas/error.h>

#include "unit.h"

static struct hf_origins *origins;

static struct hf_address
address(const char *text)
{
    struct hf_address parsed;

    CU_ASSERT_EQUAL_FATAL(hf_address_parse(text, &parsed, NULL), 0);
    return parsed;
}

/* Opens a connection; NULL if it may not be, or does not count. */
static struct hf_origin *
enter(const char *text, int expected)
{
    struct hf_address peer = address(text);
    struct hf_origin *origin;

    CU_ASSERT_EQUAL(hf_origins_enter(origins, &peer, &origin), expected);
    return origin;
}

static void
each_address_has_its_own_number(void)
{
    struct hf_origin *one;
    struct hf_origin *two;
    struct hf_origin *other;

    origins = hf_origins_new(1, 2, false);
    one = enter("10.0.0.1:1000", 0);
    two = enter("10.0.0.1:1001", 0);
    enter("10.0.0.1:1002", HF_EFULL);
    enter("[::ffff:10.0.0.1]:1003", HF_EFULL);
    other = enter("10.0.0.2:1000", 0);
    hf_origins_leave(origins, one);
    one = enter("10.0.0.1:1002", 0);
    enter("10.0.0.1:1003", HF_EFULL);
    hf_origins_leave(origins, one);
    hf_origins_leave(origins, two);
    hf_origins_leave(origins, other);
    hf_origins_free(origins);
}

static void
addresses_of_one_network_are_one_host(void)
{
    struct hf_origin *one;
    struct hf_origin *other;

    origins = hf_origins_new(1, 1, false);
    one = enter("[2001:db8:0:1::1]:1000", 0);
    enter("[2001:db8:0:1:ffff::2]:1000", HF_EFULL);
    other = enter("[2001:db8:0:2::1]:1000", 0);
    hf_origins_leave(origins, one);
    hf_origins_leave(origins, other);
    hf_origins_free(origins);
}

static void
this_machine_may_have_any_number(void)
{
    origins = hf_origins_new(1, 1, true);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_PTR_NULL(enter("127.0.0.1:1000", 0));
        CU_ASSERT_PTR_NULL(enter("127.9.9.9:1000", 0));
        CU_ASSERT_PTR_NULL(enter("[::1]:1000", 0));
        CU_ASSERT_PTR_NULL(enter("[::ffff:127.0.0.1]:1000", 0));
        CU_ASSERT_PTR_NULL(enter("unix:/run/x", 0));
    }
    hf_origins_free(origins);
    origins = hf_origins_new(1, 1, false);
    hf_origins_leave(origins, enter("127.0.0.1:1000", 0));
    hf_origins_free(origins);
}

UNIT_MAIN("origins", UNIT_TEST(each_address_has_its_own_number),
          UNIT_TEST(addresses_of_one_network_are_one_host),
          UNIT_TEST(this_machine_may_have_any_number))
