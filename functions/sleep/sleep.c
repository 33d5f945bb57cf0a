/*
 * sleep - answers after the time it was asked to wait.  Waiting costs nothing: any
 * number of calls sleep at once.
 */
#include <hyperfaas-function.h>

#include "examples/sleep/v1/sleep.pb-c.h"

static void
wake_up(struct hf_call *call)
{
    Examples__Sleep__V1__SleepReply reply = EXAMPLES__SLEEP__V1__SLEEP_REPLY__INIT;

    reply.message = "Finished Sleeping";
    hf_call_reply(call, &reply.base);
}

static void
fall_asleep(struct hf_call *call, const void *message)
{
    const Examples__Sleep__V1__SleepRequest *request = message;
    int64_t duration_ns = request->duration_nanos;

    hf_call_after(call, duration_ns > 0 ? (uint64_t)duration_ns : 0, wake_up);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.sleep.v1.Sleep/Sleep",
        .kind = HF_UNARY,
        .request = &examples__sleep__v1__sleep_request__descriptor,
        .message = fall_asleep,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
