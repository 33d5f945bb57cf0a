/*
 * retries.c - one budget of retries for the whole way of a call: the fields that carry it.
 */
#include "node/proxy/retries.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

/* More are as good as so many. */
#define RETRIES_MAX 9999u

uint32_t
hf_retries_get(const struct hf_h2_fields *fields, enum hf_h2_token token)
{
    const struct hf_h2_field *field = hf_h2_fields_get(fields, token);
    uint32_t n = 0;

    for (uint32_t i = 0; field && i < field->value_len; i++) {
        if (field->value[i] < '0' || field->value[i] > '9') {
            return 0;
        }
        n = hf_min(n * 10 + (uint32_t)(field->value[i] - '0'), RETRIES_MAX);
    }
    return n;
}

static void
set_number(struct hf_h2_fields *fields, enum hf_h2_token token, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)number);

    hf_h2_fields_set(fields, token, text, (size_t)len);
}

void
hf_retries_set(struct hf_h2_fields *fields, enum hf_h2_token token, uint32_t retries)
{
    set_number(fields, token, retries);
}

void
hf_retries_set_pushback(struct hf_h2_fields *fields, uint64_t after_ns)
{
    set_number(fields, HF_H2_GRPC_RETRY_PUSHBACK_MS, (after_ns + HF_MSEC - 1) / HF_MSEC);
}

static bool
is(const struct hf_h2_fields *fields, enum hf_h2_token token, const char *value)
{
    const struct hf_h2_field *field = hf_h2_fields_get(fields, token);

    return field && field->value_len == strlen(value) &&
           memcmp(field->value, value, field->value_len) == 0;
}

bool
hf_retries_is_refusal(const struct hf_h2_fields *response)
{
    return is(response, HF_H2_HYPERFAAS_DISPATCHED, "0") &&
           is(response, HF_H2_GRPC_STATUS, "14") && /* UNAVAILABLE */
           !hf_h2_fields_get(response, HF_H2_GRPC_RETRY_PUSHBACK_MS);
}
