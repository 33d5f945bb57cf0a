/*
 * grpc-proxy-greeter - says hello to whoever is named.
 */
#include <stdio.h>
#include <string.h>

#include <hyperfaas-function.h>

#include "examples/greeter/v1/greeter.pb-c.h"

static void
say_hello(struct hf_call *call, const void *message)
{
    const Examples__Greeter__V1__HelloRequest *request = message;
    Examples__Greeter__V1__HelloReply reply = EXAMPLES__GREETER__V1__HELLO_REPLY__INIT;
    const char *name = request->name[0] != '\0' ? request->name : "world";
    size_t size = strlen(name) + sizeof "Hello, !";

    reply.message = hf_call_alloc(call, size);
    if (!reply.message) {
        hf_call_finish(call, 8 /* RESOURCE_EXHAUSTED */, "no memory for a greeting");
        return;
    }
    snprintf(reply.message, size, "Hello, %s!", name);
    hf_call_reply(call, &reply.base);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.greeter.v1.Greeter/SayHello",
        .kind = HF_UNARY,
        .request = &examples__greeter__v1__hello_request__descriptor,
        .message = say_hello,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
