/*
 * control.h - the metadata by which nodes of ours tell each other about a call.
 *
 * All of it is named `hyperfaas-...`.  Only nodes say it: what a caller sends under such a
 * name goes no further, and neither does what an instance answers, or a function could speak
 * for its leaf.  The exception is the number of load balancers that a call has come through,
 * which travels with the call, so that one that is below itself does not send calls round in
 * circles for ever.  A caller who forges that has a call of its own refused.
 *
 * A call may be tried anew only where the function cannot have seen it, and only so often
 * on its whole way down the tree, or each level would multiply what the one below does.
 * So the number of earlier attempts travels with the call too: downwards as
 * `grpc-previous-rpc-attempts` (gRFC A6), and back in a failure as `hyperfaas-retries`.
 */
#ifndef HF_PROXY_CONTROL_H
#define HF_PROXY_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "h2/fields.h"

/* Load balancers that a call may come through; a tree has few levels. */
#define HF_CONTROL_HOPS_MAX 16u

/* Removes all control metadata. */
void hf_control_strip(struct hf_h2_fields *);

/* The same, and returns how many load balancers the request has come through. */
uint32_t hf_control_take_hops(struct hf_h2_fields *request);

/* Says that it has come through so many, at most HF_CONTROL_HOPS_MAX. */
void hf_control_set_hops(struct hf_h2_fields *request, uint32_t hops);

/* The number in that field; 0 if it is absent or is none. */
uint32_t hf_control_get(const struct hf_h2_fields *, enum hf_h2_token token);
void hf_control_set(struct hf_h2_fields *, enum hf_h2_token token, uint64_t number);

/* Adds the field that tells a caller when to try again. */
void hf_control_set_pushback(struct hf_h2_fields *, uint64_t after_ns);

/* Whether a Trailers-Only response says that a node below has failed the call and the function
 * has not seen it, and that another node may be asked at once. */
bool hf_control_is_refusal(const struct hf_h2_fields *response);

#endif
