/*
 * control.h - the metadata by which nodes of ours tell each other about a call.
 *
 * All of it is named `hyperfaas-...`.  Only nodes say it: what a caller sends under such a
 * name goes no further, and neither does what an instance answers, or a function could speak
 * for its leaf.  The exception is the number of load balancers that a call has come through,
 * which travels with the call, so that one that is below itself does not send calls round in
 * circles for ever.  A caller who forges that has a call of its own refused.
 */
#ifndef HF_PROXY_CONTROL_H
#define HF_PROXY_CONTROL_H

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

#endif
