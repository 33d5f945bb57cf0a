/*
 * hello - says hello to the world.
 */
#include <hyperfaas-function.h>

#include "examples/hello/v1/hello.pb-c.h"

static void
say_hello(struct hf_call *call, const void *message)
{
    Examples__Hello__V1__HelloReply reply = EXAMPLES__HELLO__V1__HELLO_REPLY__INIT;

    (void)message; /* An empty request. */
    reply.message = "Hello, World!";
    hf_call_reply(call, &reply.base);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.hello.v1.Hello/SayHello",
        .kind = HF_UNARY,
        .request = &examples__hello__v1__hello_request__descriptor,
        .message = say_hello,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
