/*
 * control.c - the metadata by which nodes of ours tell each other about a call.
 */
#include "node/proxy/control.h"

#include "base/assert.h"
#include "base/macros.h"
#include "node/proxy/retries.h"

static const char prefix[] = "hyperfaas-";

void
hf_control_strip(struct hf_h2_fields *fields)
{
    hf_h2_fields_remove_prefix(fields, prefix, sizeof prefix - 1);
}

uint32_t
hf_control_take_hops(struct hf_h2_fields *request)
{
    uint32_t hops = hf_retries_get(request, HF_H2_HYPERFAAS_HOPS);

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
