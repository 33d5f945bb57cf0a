/*
 * runtime-bench.c - a container runtime under test.
 */
#include "runtime-bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

void (*runtime_bench_prepare)(struct fake_host *);

static void
on_end(void *arg, const char *instance_id, const struct hf_instance_end *end)
{
    struct runtime_bench *b = arg;

    b->ends++;
    b->end = *end;
    b->end.message = b->end_message;
    snprintf(b->end_id, sizeof b->end_id, "%s", instance_id);
    snprintf(b->end_message, sizeof b->end_message, "%s", end->message);
}

static void
on_health(void *arg, bool usable, const char *why)
{
    struct runtime_bench *b = arg;

    b->health_changes++;
    b->unusable = !usable;
    snprintf(b->health_message, sizeof b->health_message, "%s", why);
}

static void
on_images(void *arg)
{
    ((struct runtime_bench *)arg)->image_changes++;
}

static const struct hf_runtime_events events = {
    .size = sizeof events,
    .on_end = on_end,
    .on_health = on_health,
    .on_images = on_images,
};

void
runtime_bench_open(struct runtime_bench *b, const struct hf_plugin *plugin,
                   const char *const *settings)
{
    struct hf_err err = { 0 };

    memset(b, 0, sizeof *b);
    b->fake = fake_host_new();
    if (runtime_bench_prepare) {
        runtime_bench_prepare(b->fake);
    }
    b->options = fake_options_new(plugin, settings);
    b->ops = plugin->ops;
    if (b->ops->create(fake_driver(b->fake), b->options, &events, b, &b->runtime, &err) != 0) {
        fprintf(stderr, "create: %s\n", err.message);
        CU_FAIL_FATAL("the runtime cannot be created");
    }
}

struct hf_err
runtime_bench_refusal(const struct hf_plugin *plugin, const char *const *settings)
{
    const struct hf_runtime_ops *ops = plugin->ops;
    struct fake_host *fake = fake_host_new();
    struct hf_options *options = fake_options_new(plugin, settings);
    struct hf_runtime *runtime = NULL;
    struct hf_err err = { 0 };

    CU_ASSERT_TRUE(ops->create(fake_driver(fake), options, &events, NULL, &runtime, &err) < 0);
    CU_ASSERT_PTR_NULL(runtime);
    CU_ASSERT_EQUAL(fake_host_leaks(fake), 0);
    fake_options_free(options);
    fake_host_free(fake);
    return err;
}

void
runtime_bench_close(struct runtime_bench *b)
{
    b->ops->destroy(b->runtime);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
}

void
runtime_on_done(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct runtime_answer *a = arg;

    CU_ASSERT_PTR_NOT_NULL(message);
    a->n++;
    a->code = code;
    snprintf(a->message, sizeof a->message, "%s", message);
    if (info) {
        a->infos++;
        a->ready = info->ready;
        snprintf(a->id, sizeof a->id, "%s", info->id);
        snprintf(a->name, sizeof a->name, "%s", info->name);
        snprintf(a->internal, sizeof a->internal, "%s", info->internal_address);
        snprintf(a->external, sizeof a->external, "%s", info->external_address);
        snprintf(a->function_id, sizeof a->function_id, "%s", info->function_id);
        snprintf(a->owner_id, sizeof a->owner_id, "%s", info->owner_id);
    }
}

/* A listing counts its instances; only its end is an answer. */
static void
on_listed(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct runtime_answer *a = arg;

    runtime_on_done(a, code, message, info);
    a->n -= info ? 1 : 0;
}

void
runtime_on_log(void *arg, int code, const void *data, size_t len)
{
    struct runtime_log *log = arg;

    if (!data) {
        log->ended++;
        log->code = code;
        return;
    }
    CU_ASSERT_FATAL(log->len + len < sizeof log->text);
    memcpy(log->text + log->len, data, len);
    log->len += len;
    log->text[log->len] = '\0';
}

int
runtime_begin_function(struct runtime_bench *b, const struct hf_function *function,
                       struct runtime_answer *a, struct hf_runtime_op **ret, struct hf_err *err)
{
    struct hf_instance_spec spec = {
        .size = sizeof spec,
        .function = function,
        .node_id = "node",
        .owner_id = "leaf",
        .controller_address = "127.0.0.1:50051",
    };

    memset(a, 0, sizeof *a);
    return b->ops->start(b->runtime, &spec, UINT64_C(10000000000), runtime_on_done, a, ret, err);
}

int
runtime_begin(struct runtime_bench *b, const char *image, struct runtime_answer *a,
              struct hf_runtime_op **ret, struct hf_err *err)
{
    struct hf_function function = {
        .size = sizeof function,
        .id = "f",
        .image = image,
        .memory_bytes = 256 << 20,
        .cpu_period_us = 100000,
        .cpu_quota_us = 50000,
    };

    return runtime_begin_function(b, &function, a, ret, err);
}

struct runtime_answer
runtime_start(struct runtime_bench *b, const char *image)
{
    struct hf_err err = { 0 };
    struct runtime_answer a;
    int r = runtime_begin(b, image, &a, NULL, &err);

    if (r < 0) {
        CU_ASSERT_EQUAL(a.n, 0);
        a.n = 1;
        a.code = r;
        snprintf(a.message, sizeof a.message, "%.500s", err.message);
        return a;
    }
    CU_ASSERT_EQUAL(a.n, 0); /* never before the operation returned */
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &a.n, 1));
    return a;
}

struct runtime_answer
runtime_stop(struct runtime_bench *b, const char *id, uint64_t grace_ns)
{
    struct runtime_answer a = { 0 };

    CU_ASSERT_EQUAL_FATAL(b->ops->stop(b->runtime, id, grace_ns, runtime_on_done, &a, NULL), 0);
    CU_ASSERT_EQUAL(a.n, 0);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &a.n, 1));
    return a;
}

struct runtime_answer
runtime_list(struct runtime_bench *b)
{
    struct runtime_answer a = { 0 };

    CU_ASSERT_EQUAL_FATAL(b->ops->list(b->runtime, on_listed, &a, NULL), 0);
    CU_ASSERT_EQUAL(a.n + a.infos, 0);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &a.n, 1));
    CU_ASSERT_EQUAL(a.code, 0);
    return a;
}
