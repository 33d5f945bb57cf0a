/*
 * reflection.h - asks a function for its definitions, by gRPC's server reflection.
 */
#ifndef HF_CLI_REFLECTION_H
#define HF_CLI_REFLECTION_H

#include <stdint.h>

#include "base/text.h"

struct cli_rpc;
struct hf_err;

/* Asks for the service of "package.Service/Method" and all that its file imports; `ret_set`
 * becomes a FileDescriptorSet.  HF_EUNSUPPORTED: the function serves no reflection. */
int cli_reflect(struct cli_rpc *rpc, const char *function, const char *method, uint64_t timeout_ns,
                struct hf_text *ret_set, struct hf_err *err);

#endif
