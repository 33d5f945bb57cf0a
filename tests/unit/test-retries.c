/*
 * test-retries.c - what travels with a call: the budget of retries, and control metadata.
 */
#include "node/proxy/control.h"

#include <string.h>

#include "h2/conn.h"
#include "unit.h"

static struct hf_h2_fields *
with(enum hf_h2_token token, const char *value)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(fields);
    hf_h2_fields_set(fields, token, value, strlen(value));
    return fields;
}

static uint32_t
read_back(const char *value)
{
    struct hf_h2_fields *fields = with(HF_H2_GRPC_PREVIOUS_RPC_ATTEMPTS, value);
    uint32_t n = hf_control_get(fields, HF_H2_GRPC_PREVIOUS_RPC_ATTEMPTS);

    hf_h2_fields_unref(fields);
    return n;
}

static void
reads_numbers_and_nothing_else(void)
{
    struct hf_h2_fields *empty = hf_h2_fields_new();

    UNIT_U64(read_back("0"), 0);
    UNIT_U64(read_back("7"), 7);
    UNIT_U64(read_back("12"), 12);
    UNIT_U64(read_back("99999999999999999999999"), 9999);
    UNIT_U64(read_back("-1"), 0);
    UNIT_U64(read_back("1x"), 0);
    UNIT_U64(read_back(""), 0);
    UNIT_U64(hf_control_get(empty, HF_H2_HYPERFAAS_RETRIES), 0);
    hf_h2_fields_unref(empty);
    hf_h2_thread_release();
}

static void
writes_what_it_reads(void)
{
    struct hf_h2_fields *fields = with(HF_H2_HYPERFAAS_RETRIES, "3");

    hf_control_set(fields, HF_H2_HYPERFAAS_RETRIES, 41);
    UNIT_U64(hf_control_get(fields, HF_H2_HYPERFAAS_RETRIES), 41);
    UNIT_U64(hf_h2_fields_count(fields), 1);
    hf_h2_fields_unref(fields);
    hf_h2_thread_release();
}

/* A response with a status, what was dispatched, and one field more. */
static bool
is_refusal(const char *status, const char *dispatched, enum hf_h2_token more)
{
    struct hf_h2_fields *fields = with(HF_H2_GRPC_STATUS, status);
    bool refusal;

    if (dispatched) {
        hf_h2_fields_set(fields, HF_H2_HYPERFAAS_DISPATCHED, dispatched, strlen(dispatched));
    }
    if (more != HF_H2_OTHER) {
        hf_h2_fields_set(fields, more, "100", 3);
    }
    refusal = hf_control_is_refusal(fields);
    hf_h2_fields_unref(fields);
    return refusal;
}

static void
only_what_a_node_says_is_a_refusal(void)
{
    CU_ASSERT_TRUE(is_refusal("14", "0", HF_H2_OTHER));
    CU_ASSERT_FALSE(is_refusal("14", "1", HF_H2_OTHER));
    CU_ASSERT_FALSE(is_refusal("14", NULL, HF_H2_OTHER));
    CU_ASSERT_FALSE(is_refusal("5", "0", HF_H2_OTHER));
    CU_ASSERT_FALSE(is_refusal("14", "0", HF_H2_GRPC_RETRY_PUSHBACK_MS));
    hf_h2_thread_release();
}

static void
add(struct hf_h2_fields *fields, const char *name)
{
    const struct hf_h2_field field = {
        .name = name, .name_len = (uint32_t)strlen(name), .value = "7", .value_len = 1
    };

    hf_h2_fields_add(fields, &field);
}

static void
control_metadata_is_taken_out(void)
{
    struct hf_h2_fields *fields = with(HF_H2_HYPERFAAS_REASON, "draining");

    add(fields, "x");
    add(fields, "hyperfaas-");
    add(fields, "hyperfaas-hops");
    add(fields, "hyperfaas-hops");
    add(fields, "hyperfaas");
    add(fields, "my-hyperfaas-x");
    add(fields, "te");
    UNIT_U64(hf_control_take_hops(fields), 7);
    UNIT_U64(hf_h2_fields_count(fields), 4);
    CU_ASSERT_PTR_NULL(hf_h2_fields_get(fields, HF_H2_HYPERFAAS_REASON));
    CU_ASSERT_PTR_NULL(hf_h2_fields_get(fields, HF_H2_HYPERFAAS_HOPS));
    CU_ASSERT_PTR_NOT_NULL(hf_h2_fields_get(fields, HF_H2_TE));
    CU_ASSERT_PTR_NOT_NULL(hf_h2_fields_find(fields, "my-hyperfaas-x"));
    UNIT_U64(hf_control_take_hops(fields), 0);
    hf_control_set_hops(fields, HF_CONTROL_HOPS_MAX);
    UNIT_U64(hf_control_take_hops(fields), HF_CONTROL_HOPS_MAX);
    UNIT_U64(hf_h2_fields_count(fields), 4);
    hf_h2_fields_unref(fields);
    hf_h2_thread_release();
}

UNIT_MAIN("retries", UNIT_TEST(reads_numbers_and_nothing_else), UNIT_TEST(writes_what_it_reads),
          UNIT_TEST(only_what_a_node_says_is_a_refusal), UNIT_TEST(control_metadata_is_taken_out))
