/*
 * worker-fixture.c - a worker over a runtime that the test plays.
 */
#include "worker-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/config.h"
#include "base/err.h"
#include "base/text.h"
#include "google/protobuf/empty.pb-c.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "h2/fields.h"
#include "loop/loop.h"
#include "node/catalog_private.h"
#include "worker/worker.pb-c.h"

const char worker_hello[] =
    "{\"image\":{\"tag\":\"hello\"},\"config\":{\"memory\":\"1000\",\"cpu\":{\"period\":\"100\","
    "\"quota\":\"50\"}}}";

/* --- a runtime that does what the test says ------------------------------------------------ */

static int
runtime_start(struct hf_runtime *runtime, const struct hf_instance_spec *spec, uint64_t timeout_ns,
              hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    struct hf_runtime_op *op = &runtime->starts[runtime->start_count];

    if (strcmp(spec->function->image, "broken:latest") == 0) {
        return hf_fail(err, HF_ENOTFOUND, "there is no image broken");
    }
    CU_ASSERT(timeout_ns > 0);
    CU_ASSERT_FATAL(runtime->start_count < STARTS_MAX);
    UNIT_STR(spec->controller_address, "192.0.2.9:50051");
    UNIT_STR(spec->node_id, "me");
    snprintf(runtime->owner, sizeof runtime->owner, "%s", spec->owner_id);
    *op = (struct hf_runtime_op){ .done = done, .arg = arg };
    runtime->start_count++;
    *ret = op;
    return 0;
}

static int
runtime_stop(struct hf_runtime *runtime, const char *instance_id, uint64_t grace_ns,
             hf_runtime_done_fn *done, void *arg, struct hf_err *err)
{
    (void)grace_ns;
    (void)err;
    runtime->stop_done = done;
    runtime->stop_arg = arg;
    runtime->stop_count++;
    snprintf(runtime->stopped, sizeof runtime->stopped, "%s", instance_id);
    return 0;
}

static void
runtime_cancel(struct hf_runtime *runtime, struct hf_runtime_op *op)
{
    (void)runtime;
    op->cancelled = true;
}

static int
runtime_list(struct hf_runtime *runtime, hf_runtime_list_fn *each, void *arg, struct hf_err *err)
{
    (void)err;
    runtime->list_each = each;
    runtime->list_arg = arg;
    runtime->list_count++;
    return 0;
}

static int
runtime_logs(struct hf_runtime *runtime, const char *instance_id, uint32_t tail, bool follow,
             hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    if (strcmp(instance_id, "abc") != 0) {
        return hf_fail(err, HF_ENOTFOUND, "there is no log of '%s'", instance_id);
    }
    UNIT_U64(tail, 7);
    CU_ASSERT(follow);
    runtime->each = each;
    runtime->each_arg = arg;
    *ret = &runtime->log_op;
    return 0;
}

static bool
runtime_image_present(const struct hf_runtime *runtime, const char *image)
{
    return strcmp(runtime->image, image) == 0;
}

static const struct hf_runtime_ops runtime_ops = {
    .size = sizeof runtime_ops,
    .start = runtime_start,
    .stop = runtime_stop,
    .cancel = runtime_cancel,
    .list = runtime_list,
    .logs = runtime_logs,
    .image_present = runtime_image_present,
};

/* --- a worker around it -------------------------------------------------------------------- */

static void
make_node(struct worker_fixture *f)
{
    const char *build = getenv("HF_BUILDDIR");
    struct hf_err err = HF_ERR_INIT;
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    hf_text_printf(&text,
                   "[node]\nroles = worker\nid = me\nthreads = 1\nstate_dir = %s\nplugin_path = "
                   "%s/plugins\n[worker]\napi = 127.0.0.1:0\n[store]\npath = %s/store\n"
                   "[runtime]\nplugin = fake\n",
                   unit_folder(), build ? build : ".", unit_folder());
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text.data, text.len, "test.ini", &f->config, NULL), 0);
    hf_node_new(f->config, hf_roles, &f->node, &err);
    UNIT_STR(err.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->node);
    CU_ASSERT_EQUAL_FATAL(hf_node_start(f->node, NULL), 0);
    f->loop = hf_node_control(f->node);
}

static void
make_worker(struct worker_fixture *f)
{
    struct hf_worker_role *worker = &f->worker;

    worker->magic = HF_WORKER_MAGIC;
    worker->node = f->node;
    worker->loop = f->loop;
    worker->catalog = hf_node_catalog(f->node);
    worker->ops = &runtime_ops;
    worker->runtime = &f->runtime;
    worker->readiness = HF_READY_BY_SIGNAL;
    worker->ready_ns = WORKER_LIMIT;
    worker->grace_ns = HF_SEC;
    worker->controller_address = strdup("192.0.2.9:50051");
    hf_map_init(&worker->by_id, 1);
    hf_map_init(&worker->by_start_id, 1);
    hf_map_init(&worker->owners, 1);
    hf_worker_images_init(worker, 1);
    hf_list_init(&worker->instances);
    hf_list_init(&worker->status_listeners);
    hf_list_init(&worker->watchers);
    hf_list_init(&worker->log_readers);
    hf_list_init(&worker->claims);
    hf_list_init(&worker->unwanted);
    hf_worker_running_init(worker);
    worker->ended_max = 500;
    worker->ended_ns = 3600 * HF_SEC;
    hf_worker_ended_init(worker);
    hf_timer_init(&worker->list_again, f->loop, HF_TIMER_REAL, hf_worker_on_list_again);
    hf_timer_init(&worker->resources, f->loop, HF_TIMER_REAL, hf_worker_on_resources);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(f->loop, NULL, &worker->api, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_worker_serve(worker, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_worker_serve_events(worker, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_worker_serve_logs(worker, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(worker->api, "127.0.0.1:0", NULL), 0);
}

void
worker_begin(struct worker_fixture *f)
{
    *f = (struct worker_fixture){ .config = NULL };
    make_node(f);
    make_worker(f);
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_new(f->loop, hf_grpc_server_address(f->worker.api), NULL, &f->client, NULL),
        0);
}

void
worker_end(struct worker_fixture *f)
{
    struct hf_worker_role *worker = &f->worker;

    hf_grpc_client_free(f->client);
    hf_worker_adopt_end(worker);
    hf_worker_forget_unwanted(worker);
    hf_timer_fini(&worker->list_again);
    while (!hf_list_is_empty(&worker->instances)) {
        hf_worker_instance_forget(
            hf_container_of(worker->instances.next, struct hf_worker_instance, node));
    }
    UNIT_U64(worker->memory_reserved, 0);
    UNIT_U64(worker->cpu_reserved, 0);
    UNIT_U64(worker->count, 0);
    hf_grpc_server_free(worker->api);
    hf_worker_running_fini(worker);
    hf_worker_ended_fini(worker);
    hf_timer_fini(&worker->resources);
    hf_worker_images_fini(worker);
    hf_map_fini(&worker->by_id);
    hf_map_fini(&worker->owners);
    hf_map_fini(&worker->by_start_id);
    hf_metrics_sample_free(worker->sample);
    free(worker->controller_address);
    hf_node_free(f->node);
    hf_config_free(f->config);
}

/* Makes a function known, as if the store had told of it. */
void
worker_put_function(struct worker_fixture *f, const char *id, const char *json)
{
    static uint64_t revision = 1;
    struct hf_function_def *def = NULL;
    struct hf_document document = { .size = sizeof document,
                                    .space = HF_STORE_FUNCTIONS,
                                    .id = id,
                                    .data = json,
                                    .len = strlen(json),
                                    .revision = revision };

    revision++;
    CU_ASSERT_EQUAL_FATAL(hf_catalog_take(f->worker.catalog, &document, &def, NULL), 0);
    hf_function_def_unref(def);
}

/* --- calls --------------------------------------------------------------------------------- */

static void
take_response(struct worker_asked *asked, const ProtobufCMessage *response)
{
    if (response->descriptor == &worker__start_response__descriptor) {
        const Worker__StartResponse *r = (const Worker__StartResponse *)response;

        snprintf(asked->instance_id, sizeof asked->instance_id, "%s", r->instance_id);
        snprintf(asked->internal, sizeof asked->internal, "%s", r->instance_internal_ip);
        snprintf(asked->external, sizeof asked->external, "%s", r->instance_external_ip);
    } else if (response->descriptor == &worker__stop_response__descriptor) {
        const Worker__StopResponse *r = (const Worker__StopResponse *)response;

        snprintf(asked->instance_id, sizeof asked->instance_id, "%s", r->instance_id);
    } else if (response->descriptor == &worker__metrics_update__descriptor) {
        const Worker__MetricsUpdate *r = (const Worker__MetricsUpdate *)response;

        asked->memory = r->used_ram_percent;
        asked->processors = r->n_cpu_percent_percpus;
    }
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct worker_asked *asked = arg;

    asked->done = true;
    asked->code = result->code;
    snprintf(asked->message, sizeof asked->message, "%s", result->message);
    if (result->response) {
        take_response(asked, result->response);
    }
}

bool
worker_is_done(void *arg)
{
    return ((struct worker_asked *)arg)->done;
}

void
worker_call(struct worker_fixture *f, const char *path, const ProtobufCMessage *message,
            const ProtobufCMessageDescriptor *response, struct worker_asked *ret)
{
    struct hf_grpc_request request = {
        .path = path, .message = message, .response = response, .timeout_ns = WORKER_LIMIT
    };

    *ret = (struct worker_asked){ .done = false };
    CU_ASSERT_EQUAL_FATAL(hf_grpc_client_unary(f->client, &request, on_done, ret, &ret->call), 0);
}

/* Begins a Start, as a leaf of ours does if `start_id` is given. */
void
worker_start(struct worker_fixture *f, const char *function, const char *start_id,
             struct worker_asked *ret)
{
    Worker__StartRequest message = WORKER__START_REQUEST__INIT;
    struct hf_h2_fields *metadata = hf_h2_fields_new();
    struct hf_grpc_request request = { .path = "/worker.Worker/Start",
                                       .message = &message.base,
                                       .response = &worker__start_response__descriptor,
                                       .timeout_ns = WORKER_LIMIT,
                                       .metadata = metadata };

    message.function_id = (char *)(uintptr_t)function;
    if (start_id) {
        CU_ASSERT_EQUAL(hf_grpc_metadata_add(metadata, "hyperfaas-leaf", "leaf-1", 6), 0);
        CU_ASSERT_EQUAL(
            hf_grpc_metadata_add(metadata, "hyperfaas-start-id", start_id, strlen(start_id)), 0);
    }
    *ret = (struct worker_asked){ .done = false };
    CU_ASSERT_EQUAL_FATAL(hf_grpc_client_unary(f->client, &request, on_done, ret, &ret->call), 0);
    hf_h2_fields_unref(metadata);
}

void
worker_stop(struct worker_fixture *f, const char *instance_id, struct worker_asked *ret)
{
    Worker__StopRequest message = WORKER__STOP_REQUEST__INIT;

    message.instance_id = (char *)(uintptr_t)instance_id;
    worker_call(f, "/worker.Worker/Stop", &message.base, &worker__stop_response__descriptor, ret);
}

void
worker_signal_ready(struct worker_fixture *f, const char *instance_id)
{
    Worker__SignalReadyRequest message = WORKER__SIGNAL_READY_REQUEST__INIT;
    struct worker_asked asked;

    message.instance_id = (char *)(uintptr_t)instance_id;
    worker_call(f, "/worker.Worker/SignalReady", &message.base,
                &google__protobuf__empty__descriptor, &asked);
    CU_ASSERT(hf_loop_run_until(f->loop, worker_is_done, &asked, WORKER_LIMIT));
    UNIT_U64(asked.code, HF_GRPC_OK);
}

bool
worker_wait_done(struct worker_fixture *f, struct worker_asked *asked)
{
    return hf_loop_run_until(f->loop, worker_is_done, asked, WORKER_LIMIT);
}

struct count {
    const uint32_t *value;
    uint32_t wanted;
};

static bool
has_count(void *arg)
{
    const struct count *count = arg;

    return *count->value >= count->wanted;
}

/* Runs until the runtime has been asked for so many starts, or stops. */
bool
worker_wait_count(struct worker_fixture *f, const uint32_t *value, uint32_t wanted)
{
    struct count count = { value, wanted };

    return hf_loop_run_until(f->loop, has_count, &count, WORKER_LIMIT);
}

/* A start of the runtime ends. */
void
worker_created(struct worker_fixture *f, uint32_t start, int code, const char *id, bool ready)
{
    struct hf_runtime_op *op = &f->runtime.starts[start];
    hf_runtime_done_fn *done = op->done;
    struct hf_instance_info info = { .size = sizeof info,
                                     .id = id,
                                     .name = "name",
                                     .internal_address = "10.0.0.1:1",
                                     .external_address = "192.0.2.1:1",
                                     .function_id = "hello",
                                     .owner_id = "",
                                     .ready = ready };

    op->done = NULL;
    if (done) {
        done(op->arg, code, code < 0 ? "told to fail" : "", code < 0 ? NULL : &info);
    }
}

void
worker_stopped(struct worker_fixture *f)
{
    hf_runtime_done_fn *done = f->runtime.stop_done;

    f->runtime.stop_done = NULL;
    if (done) {
        done(f->runtime.stop_arg, 0, "", NULL);
    }
}

void
worker_ended(struct worker_fixture *f, const char *id)
{
    struct hf_instance_end end = { .size = sizeof end, .exit_code = 0, .message = "it left" };

    hf_worker_on_end(&f->worker, id, &end);
}

void
worker_listed(struct worker_fixture *f, int code, const struct hf_instance_info *info)
{
    f->runtime.list_each(f->runtime.list_arg, code, code < 0 ? "told to fail" : "", info);
}

/* One instance that serves. */
void
worker_start_one(struct worker_fixture *f, const char *id)
{
    uint32_t next = f->runtime.start_count;
    struct worker_asked asked;

    worker_start(f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(f, &f->runtime.start_count, next + 1));
    worker_created(f, next, 0, id, true);
    CU_ASSERT(worker_wait_done(f, &asked));
    UNIT_U64(asked.code, HF_GRPC_OK);
}

bool
worker_is_cancelled(void *arg)
{
    return ((const struct hf_runtime_op *)arg)->cancelled;
}
