/*
 * retries.h - one budget of retries for the whole way of a call.
 *
 * A call may be tried anew only where the function cannot have seen it, and only so often
 * on its whole way down the tree, or each level would multiply what the one below does.
 * So the number of earlier attempts travels with the call: downwards as
 * `grpc-previous-rpc-attempts` (gRFC A6), and back in a failure as `hyperfaas-retries`.
 */
#ifndef HF_PROXY_RETRIES_H
#define HF_PROXY_RETRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "h2/fields.h"

/* The number in that field; 0 if it is absent or is none. */
uint32_t hf_retries_get(const struct hf_h2_fields *, enum hf_h2_token token);
void hf_retries_set(struct hf_h2_fields *, enum hf_h2_token token, uint32_t retries);

/* Adds the field that tells a caller when to try again. */
void hf_retries_set_pushback(struct hf_h2_fields *, uint64_t after_ns);

/* Whether a Trailers-Only response says that a node below has failed the call and the function
 * has not seen it, and that another node may be asked at once. */
bool hf_retries_is_refusal(const struct hf_h2_fields *response);

#endif
