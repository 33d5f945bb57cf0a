/*
 * echo - gives back the bytes it was sent.
 */
#include <hyperfaas-function.h>

#include "examples/echo/v1/echo.pb-c.h"

static void
echo(struct hf_call *call, const void *message)
{
    const Examples__Echo__V1__EchoRequest *request = message;
    Examples__Echo__V1__EchoReply reply = EXAMPLES__ECHO__V1__ECHO_REPLY__INIT;

    reply.data = request->data;
    hf_call_reply(call, &reply.base);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.echo.v1.Echo/Echo",
        .kind = HF_UNARY,
        .request = &examples__echo__v1__echo_request__descriptor,
        .message = echo,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
