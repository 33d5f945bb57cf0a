/*
 * thumbnailer - makes a small picture of a large one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <hyperfaas-function.h>

#include "examples/thumbnailer/v1/thumbnailer.pb-c.h"
#include "shrink.h"

static bool
is_side(int32_t side)
{
    return side >= 1 && side <= SHRINK_SIDE_MAX;
}

static void
thumbnail(struct hf_call *call, const void *message)
{
    const Examples__Thumbnailer__V1__ThumbnailRequest *request = message;
    Examples__Thumbnailer__V1__ThumbnailReply reply =
        EXAMPLES__THUMBNAILER__V1__THUMBNAIL_REPLY__INIT;
    char problem[SHRINK_PROBLEM_MAX];
    enum shrink_status status;

    if (!is_side(request->width) || !is_side(request->height)) {
        snprintf(problem, sizeof problem,
                 "width and height are %" PRId32 " and %" PRId32 ", expected 1 to %d",
                 request->width, request->height, SHRINK_SIDE_MAX);
        hf_call_finish(call, 3 /* INVALID_ARGUMENT */, problem);
        return;
    }
    status = shrink(request->image.data, request->image.len, (uint32_t)request->width,
                    (uint32_t)request->height, &reply.image.data, &reply.image.len, problem);
    if (status != SHRINK_OK) {
        hf_call_finish(call, status, problem);
        return;
    }
    hf_call_reply(call, &reply.base);
    free(reply.image.data);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.thumbnailer.v1.Thumbnailer/Thumbnail",
        .kind = HF_UNARY,
        .request = &examples__thumbnailer__v1__thumbnail_request__descriptor,
        .message = thumbnail,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
