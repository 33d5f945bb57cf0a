/*
 * crash - takes a call, then aborts: for seeing what the platform makes of it.
 */
#include <stdlib.h>

#include <hyperfaas-function.h>

#include "examples/crash/v1/crash.pb-c.h"

#define DELAY_NS UINT64_C(2000000000)

static void
abort_now(struct hf_call *call)
{
    (void)call;
    abort();
}

static void
crash(struct hf_call *call, const void *message)
{
    (void)message; /* An empty request. */
    hf_call_after(call, DELAY_NS, abort_now);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.crash.v1.Crash/Crash",
        .kind = HF_UNARY,
        .request = &examples__crash__v1__crash_request__descriptor,
        .message = crash,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
