/*
 * reflection.h - asks a function for its definitions, by gRPC's server reflection.
 */
#ifndef HF_CLI_REFLECTION_H
#define HF_CLI_REFLECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct hf_err;

/* What to ask, and where. */
struct cli_reflection {
    const char *address;  /* a proxy */
    const char *function; /* its id */
    const char *method;   /* "package.Service/Method" */
    uint64_t timeout_ns;
};

/* Asks for the service of the method and all that its file imports; `ret_set` becomes a
 * FileDescriptorSet.  `*ret_refused`, also set on failure: the function or the platform answered
 * with a status other than OK.  HF_EUNSUPPORTED: the function serves no reflection. */
int cli_reflect(const struct cli_reflection *what, struct hf_text *ret_set, bool *ret_refused,
                struct hf_err *err);

#endif
