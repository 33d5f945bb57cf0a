/*
 * models.c - the sample services, and two models of service time.
 */
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

static const uint64_t SECOND = 1000000000;

enum { GRPC_RESOURCE_EXHAUSTED = 8, GRPC_INTERNAL = 13 };

static void
reply_text(struct call *call, const char *text)
{
    call_reply(call, text, strlen(text), false);
}

/* Reads the request; a malformed one ends the call. */
static bool
read_request(struct call *call, struct field *field)
{
    if (codec_read(call->request, call->len, field)) {
        return true;
    }
    call_fail(call, GRPC_INTERNAL, "the request is not a protobuf message");
    return false;
}

/* --- sample services -------------------------------------------------------------- */

static void
serve_hello(struct call *call)
{
    struct field unused;

    if (read_request(call, &unused)) {
        reply_text(call, "Hello, World!");
    }
}

static void
serve_greeter(struct call *call)
{
    static const char before[] = "Hello, ", after[] = "!", nobody[] = "world";
    struct field name;
    char *text;
    size_t n = sizeof before - 1;

    if (!read_request(call, &name)) {
        return;
    }
    if (name.len == 0) {
        name.data = (const uint8_t *)nobody;
        name.len = sizeof nobody - 1;
    }
    text = malloc(n + name.len + sizeof after);
    if (!text) {
        call_fail(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    memcpy(text, before, n);
    memcpy(text + n, name.data, name.len);
    memcpy(text + n + name.len, after, sizeof after);
    call_reply(call, text, n + name.len + sizeof after - 1, false);
    free(text);
}

static void
serve_echo(struct call *call)
{
    struct field data;

    if (read_request(call, &data)) {
        call_reply(call, data.data, data.len, false);
    }
}

static void
finish_sleep(struct due *due, int code)
{
    (void)code;
    reply_text(call_of(due), "Finished Sleeping");
}

static void
serve_sleep(struct call *call)
{
    struct field duration;

    if (read_request(call, &duration)) {
        int64_t ns = (int64_t)duration.number;

        call_wait(call, ns > 0 ? (uint64_t)ns : 0, finish_sleep);
    }
}

static void
finish_crash(struct due *due, int code)
{
    (void)code;
    instance_crash(call_of(due)->instance, "the crash model aborted, as it was called to do");
}

static void
serve_crash(struct call *call)
{
    struct field unused;

    if (read_request(call, &unused)) {
        call_wait(call, 2 * SECOND, finish_crash);
    }
}

/* --- service times ------------------------------------------------------------------ */

static void
finish_service(struct due *due, int code)
{
    struct call *call = call_of(due);

    (void)code;
    call_reply(call, call->request, call->len, true);
}

static void
serve_fixed(struct call *call)
{
    call_wait(call, call->runtime->settings.service_time, finish_service);
}

static void
serve_lognormal(struct call *call)
{
    const struct settings *settings = &call->runtime->settings;
    uint64_t time = chance_time(&call->runtime->chance, DISTRIBUTION_LOGNORMAL,
                                settings->service_time, settings->service_sigma);

    call_wait(call, time, finish_service);
}

/* --- table ---------------------------------------------------------------------------- */

static const struct model models[] = {
    { "hello", "/examples.hello.v1.Hello/SayHello", "answers Hello, World!", serve_hello },
    { "grpc-proxy-greeter", "/examples.greeter.v1.Greeter/SayHello", "greets by name",
      serve_greeter },
    { "greeter", "/examples.greeter.v1.Greeter/SayHello", "greets by name", serve_greeter },
    { "echo", "/examples.echo.v1.Echo/Echo", "returns the data", serve_echo },
    { "sleep", "/examples.sleep.v1.Sleep/Sleep", "answers after the time asked for", serve_sleep },
    { "crash", "/examples.crash.v1.Crash/Crash", "ends its instance after 2 s", serve_crash },
    { "fixed", NULL, "returns the request after service_time", serve_fixed },
    { "lognormal", NULL, "the same after a lognormal time", serve_lognormal },
};

/* Stands in for all other images if any_image is set. */
static const struct model any_model = { "*", NULL, "returns each message", NULL };

const char *
image_stem(const char *image, size_t *ret_len)
{
    static const char prefix[] = "hyperfaas-", suffix[] = ":latest";
    const char *stem =
        strncmp(image, prefix, sizeof prefix - 1) == 0 ? image + sizeof prefix - 1 : image;
    size_t len = strlen(stem);

    if (len >= sizeof suffix - 1 && strcmp(stem + len - (sizeof suffix - 1), suffix) == 0) {
        len -= sizeof suffix - 1;
    }
    *ret_len = len;
    return stem;
}

/* Says what there is. */
static void
refuse(const struct hf_runtime *runtime, const char *image, struct hf_err *err)
{
    char names[256] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "",
                              models[i].image);
    }
    runtime->host->fail(err, HF_ENOTFOUND,
                        "image '%.128s': no such model in the fake runtime; there: %s (any_image = "
                        "yes accepts all)",
                        image, names);
}

const struct model *
model_find(const struct hf_runtime *runtime, const char *image, struct hf_err *err)
{
    size_t len;
    const char *stem = image_stem(image, &len);

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (strlen(models[i].image) == len && memcmp(models[i].image, stem, len) == 0) {
            return &models[i];
        }
    }
    if (runtime->settings.any_image) {
        return &any_model;
    }
    refuse(runtime, image, err);
    return NULL;
}
