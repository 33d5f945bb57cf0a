/*
 * function_spec.c - the JSON of common.CreateFunctionRequest.
 */
#include "node/function_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "common/common.pb-c.h"
#include "node/message_json.h"

#define ID_MAX 253

/* The longest image: a registry's name, a path, a digest. */
#define IMAGE_MAX 4096

/* --- documents ----------------------------------------------------------------------------- */

static int
take_image(const Common__Image *image, struct hf_function_spec *ret, struct hf_err *err)
{
    if (!image || !*image->tag) {
        return hf_fail(err, HF_EINVALID, "field image.tag: missing; it names what to run");
    }
    if (strlen(image->tag) > IMAGE_MAX) {
        return hf_fail(err, HF_EINVALID, "field image.tag: has more than %d bytes", IMAGE_MAX);
    }
    ret->image = strdup(image->tag);
    return ret->image ? 0 : hf_fail(err, HF_ENOMEM, "field image.tag: out of memory");
}

static int
take_request(const Common__CreateFunctionRequest *request, struct hf_function_spec *ret,
             struct hf_err *err)
{
    const Common__Config *config = request->config;

    *ret = (struct hf_function_spec){ .image = NULL };
    if (config) {
        ret->memory_bytes = config->memory;
        ret->timeout_s = config->timeout;
        ret->max_concurrency = config->max_concurrency;
    }
    if (config && config->cpu) {
        ret->cpu_period_us = config->cpu->period;
        ret->cpu_quota_us = config->cpu->quota;
    }
    return take_image(request->image, ret, err);
}

int
hf_function_spec_parse(const char *json, size_t len, struct hf_function_spec *ret,
                       struct hf_err *err)
{
    static const struct hf_message_rules rules = { .extensible = false };
    struct hf_function_spec spec;
    ProtobufCMessage *message;
    struct hf_arena arena;
    int r;

    hf_arena_init(&arena);
    r = hf_message_read(&common__create_function_request__descriptor, &rules, json, len, &arena,
                        &message, err);
    if (r == 0) {
        r = take_request((const Common__CreateFunctionRequest *)message, &spec, err);
    }
    hf_arena_fini(&arena);
    if (r == 0) {
        *ret = spec;
    }
    return r;
}

/* The messages inside are written though they be empty: existing leaves take a document without
 * them for none, and existing workers end. */
void
hf_function_spec_format(const struct hf_function_spec *spec, struct hf_text *out)
{
    Common__CreateFunctionRequest request = COMMON__CREATE_FUNCTION_REQUEST__INIT;
    Common__Image image = COMMON__IMAGE__INIT;
    Common__Config config = COMMON__CONFIG__INIT;
    Common__CPUConfig cpu = COMMON__CPUCONFIG__INIT;
    struct hf_json json;

    if (spec->image) {
        image.tag = spec->image;
    }
    cpu.period = spec->cpu_period_us;
    cpu.quota = spec->cpu_quota_us;
    config.memory = spec->memory_bytes;
    config.cpu = &cpu;
    config.timeout = spec->timeout_s;
    config.max_concurrency = spec->max_concurrency;
    request.image = &image;
    request.config = &config;
    hf_json_init(&json, out);
    hf_message_write(&json, NULL, &request.base);
}

void
hf_function_spec_fini(struct hf_function_spec *spec)
{
    free(spec->image);
    spec->image = NULL;
}

/* --- names --------------------------------------------------------------------------------- */

bool
hf_image_has_version(const char *image)
{
    const char *slash = strrchr(image, '/'); /* a colon before it is a registry's port */

    return strpbrk(slash ? slash : image, ":@") != NULL;
}

int
hf_function_id_check(const char *id, struct hf_err *err)
{
    size_t len = strlen(id);
    size_t good = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    if (len == 0 || len > ID_MAX) {
        return hf_fail(err, HF_EINVALID, "a function id has 1 to %d characters, not %zu", ID_MAX,
                       len);
    }
    if (good < len) {
        return hf_fail(err, HF_EINVALID,
                       "function id '%s': only letters, digits, '.', '_' and '-' are allowed", id);
    }
    return 0;
}
