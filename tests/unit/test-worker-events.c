/*
 * test-worker-events.c - what a worker sends to those who listen: Status, images, Logs, Metrics.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "worker-fixture.h"
#include "worker/worker.pb-c.h"

/* --- Status -------------------------------------------------------------------------------- */

struct heard {
    struct hf_grpc_client_call *call;
    uint32_t count;
    char text[256];
    uint32_t code;
    bool done;
};

static void
on_status(void *arg, const void *message)
{
    const Worker__StatusUpdate *update = message;
    const ProtobufCEnumValue *event =
        protobuf_c_enum_descriptor_get_value(&worker__event__descriptor, (int)update->event);
    struct heard *heard = arg;
    size_t len = strlen(heard->text);

    snprintf(heard->text + len, sizeof heard->text - len, "%s(%s,%s)%s ",
             event ? event->name + strlen("EVENT_") : "?", update->instance_id, update->function_id,
             update->status == WORKER__STATUS__STATUS_FAILED ? "!" : "");
    CU_ASSERT_PTR_NOT_NULL(update->timestamp);
    heard->count++;
}

static void
on_status_end(void *arg, const struct hf_grpc_result *result)
{
    (void)result;
    ((struct heard *)arg)->done = true;
}

static void
listen_to(struct worker_fixture *f, const char *node_id, struct heard *ret)
{
    Worker__StatusRequest message = WORKER__STATUS_REQUEST__INIT;
    struct hf_grpc_request request = { .path = "/worker.Worker/Status",
                                       .message = &message.base,
                                       .response = &worker__status_update__descriptor };

    message.node_id = (char *)(uintptr_t)node_id;
    *ret = (struct heard){ .count = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &request, on_status, on_status_end, ret, &ret->call), 0);
}

static void
listeners_hear_a_snapshot_then_changes(void)
{
    struct worker_fixture f;
    struct heard first;
    struct heard second;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start_one(&f, "a");
    listen_to(&f, "leaf", &first);
    listen_to(&f, "leaf", &second); /* the same id makes no difference */
    CU_ASSERT(worker_wait_count(&f, &first.count, 1) && worker_wait_count(&f, &second.count, 1));
    worker_start_one(&f, "b");
    CU_ASSERT(worker_wait_count(&f, &first.count, 2));
    worker_ended(&f, "a"); /* exit code 0, but nobody asked */
    CU_ASSERT(worker_wait_count(&f, &first.count, 3));
    worker_stop(&f, "b", &asked);
    CU_ASSERT(worker_wait_count(&f, &f.runtime.stop_count, 1));
    worker_stopped(&f);
    CU_ASSERT(worker_wait_done(&f, &asked));
    CU_ASSERT(worker_wait_count(&f, &first.count, 4) && worker_wait_count(&f, &second.count, 4));
    UNIT_STR(first.text, "RUNNING(a,hello) START(b,hello) DOWN(a,hello)! "
                         "STOP(b,hello) ");
    UNIT_STR(second.text, first.text);
    hf_grpc_client_call_cancel(first.call);
    hf_grpc_client_call_cancel(second.call);
    worker_end(&f);
}

/* --- images -------------------------------------------------------------------------------- */

static void
on_watch_event(void *arg, const void *message)
{
    const Hyperfaas__V1__WatchEvent *event = message;
    struct heard *heard = arg;
    const char *sign = NULL;
    const char *tag = "";

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE) {
        sign = "+";
        tag = event->image->tag;
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE_REMOVED) {
        sign = "-";
        tag = event->image_removed->tag;
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        sign = "|";
    }
    if (sign) {
        size_t len = strlen(heard->text);

        snprintf(heard->text + len, sizeof heard->text - len, "%s%s ", sign, tag);
        heard->count++;
    }
}

/* The runtime has this image now, and no other; unless `silently` it says so. */
static void
set_image(struct worker_fixture *f, const char *image, bool silently)
{
    snprintf(f->runtime.image, sizeof f->runtime.image, "%s", image);
    if (!silently) {
        hf_worker_on_images(&f->worker);
    }
}

static void
watchers_learn_which_images_of_functions_are_there(void)
{
    Hyperfaas__V1__WatchRequest message = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = { .path = "/hyperfaas.v1.Node/Watch",
                                             .message = &message.base,
                                             .response = &hyperfaas__v1__watch_event__descriptor };
    struct worker_fixture f;
    struct heard heard = { .count = 0 };

    worker_begin(&f);
    set_image(&f, "one:latest", false);
    worker_put_function(&f, "a", "{\"image\":{\"tag\":\"one\"},\"config\":{}}");
    worker_put_function(&f, "b", "{\"image\":{\"tag\":\"one\"},\"config\":{}}");
    worker_put_function(&f, "c", "{\"image\":{\"tag\":\"two\"},\"config\":{}}");
    CU_ASSERT_EQUAL_FATAL(hf_grpc_client_stream(f.client, &request, on_watch_event, on_status_end,
                                                &heard, &heard.call),
                          0);
    CU_ASSERT(worker_wait_count(&f, &heard.count, 2));
    UNIT_STR(heard.text, "+one:latest | ");

    set_image(&f, "", false);
    set_image(&f, "two:latest", false);
    set_image(&f, "two:latest", false); /* no change */
    CU_ASSERT(worker_wait_count(&f, &heard.count, 4));

    worker_put_function(&f, "c", "{\"image\":{\"tag\":\"three\"},\"config\":{}}"); /* not there */
    CU_ASSERT(worker_wait_count(&f, &heard.count, 5));
    UNIT_STR(heard.text, "+one:latest | -one:latest +two:latest -two:latest ");

    worker_put_function(&f, "hello", worker_hello);
    set_image(&f, "hello:latest", true); /* a start finds it there */
    worker_start_one(&f, "x");
    CU_ASSERT(worker_wait_count(&f, &heard.count, 6));
    UNIT_STR(heard.text, "+one:latest | -one:latest +two:latest -two:latest +hello:latest ");
    hf_grpc_client_call_cancel(heard.call);
    worker_end(&f);
}

/* --- Logs ---------------------------------------------------------------------------------- */

static void
on_chunk(void *arg, const void *message)
{
    const Hyperfaas__V1__LogChunk *chunk = message;
    struct heard *heard = arg;
    size_t len = strlen(heard->text);

    snprintf(heard->text + len, sizeof heard->text - len, "%.*s", (int)chunk->data.len,
             (const char *)chunk->data.data);
    heard->count++;
}

static void
on_log_end(void *arg, const struct hf_grpc_result *result)
{
    struct heard *heard = arg;

    heard->done = true;
    heard->code = result->code;
}

static bool
log_has_ended(void *arg)
{
    return ((struct heard *)arg)->done;
}

static void
read_log(struct worker_fixture *f, const char *instance_id, struct heard *ret)
{
    Hyperfaas__V1__LogsRequest message = HYPERFAAS__V1__LOGS_REQUEST__INIT;
    struct hf_grpc_request request = { .path = "/hyperfaas.v1.Node/Logs",
                                       .message = &message.base,
                                       .response = &hyperfaas__v1__log_chunk__descriptor };

    message.instance_id = (char *)(uintptr_t)instance_id;
    message.tail_lines = 7;
    message.follow = true;
    *ret = (struct heard){ .count = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &request, on_chunk, on_log_end, ret, &ret->call), 0);
}

static bool
log_is_read(void *arg)
{
    return ((struct hf_runtime *)arg)->each != NULL;
}

static void
logs_are_passed_on_to_their_end(void)
{
    struct worker_fixture f;
    struct heard heard;

    worker_begin(&f);
    read_log(&f, "abc", &heard);
    CU_ASSERT_FATAL(hf_loop_run_until(f.loop, log_is_read, &f.runtime, WORKER_LIMIT));
    f.runtime.each(f.runtime.each_arg, 0, "one\n", 4);
    CU_ASSERT(worker_wait_count(&f, &heard.count, 1));
    f.runtime.each(f.runtime.each_arg, 0, "two\n", 4);
    f.runtime.each(f.runtime.each_arg, 0, NULL, 0);
    CU_ASSERT(hf_loop_run_until(f.loop, log_has_ended, &heard, WORKER_LIMIT));
    UNIT_STR(heard.text, "one\ntwo\n");
    UNIT_U64(heard.code, HF_GRPC_OK);
    read_log(&f, "nobody", &heard);
    CU_ASSERT(hf_loop_run_until(f.loop, log_has_ended, &heard, WORKER_LIMIT));
    UNIT_U64(heard.code, HF_GRPC_NOT_FOUND);
    worker_end(&f);
}

static void
readers_of_logs_may_leave(void)
{
    struct worker_fixture f;
    struct heard heard;

    worker_begin(&f);
    read_log(&f, "abc", &heard);
    CU_ASSERT_FATAL(hf_loop_run_until(f.loop, log_is_read, &f.runtime, WORKER_LIMIT));
    hf_grpc_client_call_cancel(heard.call);
    CU_ASSERT(hf_loop_run_until(f.loop, worker_is_cancelled, &f.runtime.log_op, WORKER_LIMIT));
    f.runtime.each(f.runtime.each_arg, 0, "too late\n", 9);
    f.runtime.each(f.runtime.each_arg, HF_ECANCELLED, NULL, 0);
    CU_ASSERT(hf_list_is_empty(&f.worker.log_readers));
    f.runtime.each = NULL;
    read_log(&f, "abc", &heard);
    CU_ASSERT_FATAL(hf_loop_run_until(f.loop, log_is_read, &f.runtime, WORKER_LIMIT));
    hf_worker_end_logs(&f.worker);
    hf_worker_end_logs(&f.worker);
    CU_ASSERT(hf_loop_run_until(f.loop, log_has_ended, &heard, WORKER_LIMIT));
    UNIT_U64(heard.code, HF_GRPC_UNAVAILABLE);
    f.runtime.each(f.runtime.each_arg, HF_ECANCELLED, NULL, 0);
    worker_end(&f);
}

/* --- Metrics ------------------------------------------------------------------------------- */

static void
metrics_come_from_the_machine(void)
{
    struct worker_fixture f;
    struct worker_asked asked;
    Worker__MetricsRequest message = WORKER__METRICS_REQUEST__INIT;

    worker_begin(&f);
    for (int i = 0; i < 2; i++) {
        worker_call(&f, "/worker.Worker/Metrics", &message.base,
                    &worker__metrics_update__descriptor, &asked);
        CU_ASSERT(worker_wait_done(&f, &asked));
        UNIT_U64(asked.code, HF_GRPC_OK);
        CU_ASSERT(asked.memory > 0 && asked.memory < 100);
        CU_ASSERT(asked.processors > 0);
    }
    worker_end(&f);
}

UNIT_MAIN("worker-events", UNIT_TEST(metrics_come_from_the_machine),
          UNIT_TEST(listeners_hear_a_snapshot_then_changes),
          UNIT_TEST(watchers_learn_which_images_of_functions_are_there),
          UNIT_TEST(logs_are_passed_on_to_their_end), UNIT_TEST(readers_of_logs_may_leave))
