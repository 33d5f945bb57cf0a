/*
 * function_def.c - a registered function as an immutable, counted object.
 */
#include "node/function_def.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "node/function_spec.h"

#define LATEST ":latest"

/* What instances are made from; a change of anything else leaves them as they are. */
static uint64_t
instance_revision(const struct hf_function *function)
{
    uint64_t limits[] = { function->memory_bytes, function->cpu_period_us, function->cpu_quota_us };
    uint64_t hash = hf_hash(function->image, strlen(function->image));

    return hf_hash_seeded(hash, limits, sizeof limits);
}

static void
fill(struct hf_function *function, const struct hf_function_spec *spec, uint64_t idle_timeout_ns)
{
    function->size = sizeof *function;
    function->max_concurrency = (uint32_t)spec->max_concurrency;
    function->memory_bytes = (uint64_t)spec->memory_bytes;
    /* Half a CPU limit is none. */
    if (spec->cpu_period_us && spec->cpu_quota_us) {
        function->cpu_period_us = (uint64_t)spec->cpu_period_us;
        function->cpu_quota_us = (uint64_t)spec->cpu_quota_us;
    }
    function->idle_timeout_ns =
        spec->timeout_s ? (uint64_t)spec->timeout_s * HF_SEC : idle_timeout_ns;
}

static struct hf_function_def *
make(const char *id, const struct hf_function_spec *spec, uint64_t idle_timeout_ns,
     uint64_t revision)
{
    const char *version = hf_image_has_version(spec->image) ? "" : LATEST;
    size_t id_size = strlen(id) + 1;
    size_t image_len = strlen(spec->image);
    size_t version_size = strlen(version) + 1;
    struct hf_function_def *def = calloc(1, sizeof *def + id_size + image_len + version_size);
    char *text;

    if (!def) {
        return NULL;
    }
    text = (char *)(def + 1);
    memcpy(text, id, id_size);
    memcpy(text + id_size, spec->image, image_len);
    memcpy(text + id_size + image_len, version, version_size);
    fill(&def->function, spec, idle_timeout_ns);
    def->function.id = text;
    def->function.image = text + id_size;
    def->function.hash = hf_hash(id, id_size - 1);
    def->instance_revision = instance_revision(&def->function);
    def->revision = revision;
    atomic_init(&def->refs, 1);
    return def;
}

int
hf_function_def_parse(const char *id, const void *json, size_t len, uint64_t idle_timeout_ns,
                      uint64_t revision, struct hf_function_def **ret, struct hf_err *err)
{
    hf_autospec struct hf_function_spec spec = { .image = NULL };
    int r = hf_function_spec_parse(json, len, &spec, err);

    if (r < 0) {
        return r;
    }
    *ret = make(id, &spec, idle_timeout_ns, revision);
    return *ret ? 0 : hf_fail(err, HF_ENOMEM, "out of memory");
}

struct hf_function_def *
hf_function_def_ref(struct hf_function_def *def)
{
    atomic_fetch_add_explicit(&def->refs, 1, memory_order_relaxed);
    return def;
}

void
hf_function_def_unref(struct hf_function_def *def)
{
    if (def && atomic_fetch_sub_explicit(&def->refs, 1, memory_order_acq_rel) == 1) {
        free(def);
    }
}
