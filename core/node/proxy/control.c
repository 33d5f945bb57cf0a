/*
 * control.c - the metadata by which nodes of ours tell each other about a call.
 */
#include "node/proxy/control.h"

#include <string.h>

#include "base/assert.h"
#include "base/macros.h"
#include "base/parse.h"

static const char prefix[] = "hyperfaas-";

/* More are as good as so many. */
#define NUMBER_MAX 9999u

void
hf_control_strip(struct hf_h2_fields *fields)
{
    hf_h2_fields_remove_prefix(fields, prefix, sizeof prefix - 1);
}

uint32_t
hf_control_get(const struct hf_h2_fields *fields, enum hf_h2_token token)
{
    const struct hf_h2_field *field = hf_h2_fields_get(fields, token);
    uint32_t n = 0;

    for (uint32_t i = 0; field && i < field->value_len; i++) {
        if (field->value[i] < '0' || field->value[i] > '9') {
            return 0;
        }
        n = hf_min(n * 10 + (uint32_t)(field->value[i] - '0'), NUMBER_MAX);
    }
    return n;
}

void
hf_control_set(struct hf_h2_fields *fields, enum hf_h2_token token, uint64_t number)
{
    char text[HF_FORMAT_MAX];

    hf_h2_fields_set(fields, token, text, hf_write_u64(number, text));
}

uint32_t
hf_control_take_hops(struct hf_h2_fields *request)
{
    uint32_t hops = hf_control_get(request, HF_H2_HYPERFAAS_HOPS);

    hf_control_strip(request);
    return hops;
}

void
hf_control_set_hops(struct hf_h2_fields *request, uint32_t hops)
{
    static const char *const numbers[HF_CONTROL_HOPS_MAX + 1] = {
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    };

    hf_assert(hops < hf_countof(numbers));
    hf_h2_fields_set_static(request, HF_H2_HYPERFAAS_HOPS, numbers[hops]);
}

void
hf_control_set_pushback(struct hf_h2_fields *fields, uint64_t after_ns)
{
    hf_control_set(fields, HF_H2_GRPC_RETRY_PUSHBACK_MS, (after_ns + HF_MSEC - 1) / HF_MSEC);
}

static bool
is(const struct hf_h2_fields *fields, enum hf_h2_token token, const char *value)
{
    const struct hf_h2_field *field = hf_h2_fields_get(fields, token);

    return field && field->value_len == strlen(value) &&
           memcmp(field->value, value, field->value_len) == 0;
}

bool
hf_control_is_refusal(const struct hf_h2_fields *response)
{
    return is(response, HF_H2_HYPERFAAS_DISPATCHED, "0") &&
           is(response, HF_H2_GRPC_STATUS, "14") && /* UNAVAILABLE */
           !hf_h2_fields_get(response, HF_H2_GRPC_RETRY_PUSHBACK_MS);
}
