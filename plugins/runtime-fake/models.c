/*
 * models.c - the sample services, and two models of service time.
 */
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t SECOND = 1000000000;

enum { GRPC_RESOURCE_EXHAUSTED = 8, GRPC_INTERNAL = 13 };

/* --- messages ------------------------------------------------------------------------- */

enum wire_type { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2, WIRE_32_BIT = 5 };

/* What is left of a message. */
struct reader {
    const uint8_t *p;
    size_t left;
};

static bool
read_varint(struct reader *r, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && r->left > 0; shift += 7) {
        uint8_t byte = *r->p++;

        r->left--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool
skip(struct reader *r, uint64_t n)
{
    if (n > r->left) {
        return false;
    }
    r->p += n;
    r->left -= (size_t)n;
    return true;
}

bool
codec_read(const uint8_t *message, size_t len, struct field *ret)
{
    struct reader r = { message, len };
    struct field field = { 0 };

    while (r.left > 0) {
        uint64_t key, number = 0;
        struct reader value;

        if (!read_varint(&r, &key) || key >> 3 == 0) {
            return false;
        }
        if (key % 8 == WIRE_VARINT || key % 8 == WIRE_BYTES) {
            if (!read_varint(&r, &number)) {
                return false;
            }
        } else if (key % 8 == WIRE_64_BIT || key % 8 == WIRE_32_BIT) {
            if (!skip(&r, key % 8 == WIRE_64_BIT ? 8 : 4)) {
                return false;
            }
        } else {
            return false;
        }
        value = r;
        if (key % 8 == WIRE_BYTES && !skip(&r, number)) {
            return false;
        }
        if (key == (1 << 3 | WIRE_VARINT)) {
            field.number = number;
        } else if (key == (1 << 3 | WIRE_BYTES)) {
            field.data = value.p;
            field.len = (size_t)number;
        }
    }
    *ret = field;
    return true;
}

size_t
codec_head(uint8_t head[CODEC_HEAD_MAX], size_t len)
{
    uint64_t value = len;
    size_t n = 0;

    head[n++] = 1 << 3 | WIRE_BYTES;
    while (value >= 0x80) {
        head[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    head[n++] = (uint8_t)value;
    return n;
}

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
