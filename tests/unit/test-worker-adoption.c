/*
 * test-worker-adoption.c - what a worker does with instances of its earlier process.
 */
#include "unit.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "node/catalog.h"
#include "worker-fixture.h"
#include "worker/worker.pb-c.h"

/* --- listeners ------------------------------------------------------------------------------ */

struct heard {
    struct hf_grpc_client_call *status;
    struct hf_grpc_client_call *watch;
    uint32_t updates;
    char text[256];     /* of Status */
    uint32_t instances; /* of Watch */
    uint32_t snapshots;
};

static void
on_status(void *arg, const void *message)
{
    const Worker__StatusUpdate *update = message;
    struct heard *heard = arg;
    size_t len = strlen(heard->text);

    snprintf(heard->text + len, sizeof heard->text - len, "%s(%s,%s) ",
             update->event == WORKER__EVENT__EVENT_DOWN ? "DOWN" : "RUNNING", update->instance_id,
             update->function_id);
    heard->updates++;
}

static void
on_watch(void *arg, const void *message)
{
    const Hyperfaas__V1__WatchEvent *event = message;
    struct heard *heard = arg;

    heard->instances += event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE;
    heard->snapshots += event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END;
}

static void
on_end(void *arg, const struct hf_grpc_result *result)
{
    (void)arg;
    (void)result;
}

static void
listen_to(struct worker_fixture *f, struct heard *ret)
{
    Worker__StatusRequest status = WORKER__STATUS_REQUEST__INIT;
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request status_request = { .path = "/worker.Worker/Status",
                                                    .message = &status.base,
                                                    .response =
                                                        &worker__status_update__descriptor };
    const struct hf_grpc_request watch_request = { .path = "/hyperfaas.v1.Node/Watch",
                                                   .message = &watch.base,
                                                   .response =
                                                       &hyperfaas__v1__watch_event__descriptor };

    *ret = (struct heard){ .updates = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &status_request, on_status, on_end, ret, &ret->status), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &watch_request, on_watch, on_end, ret, &ret->watch), 0);
}

static void
end(struct worker_fixture *f, const struct heard *heard)
{
    hf_grpc_client_call_cancel(heard->status);
    hf_grpc_client_call_cancel(heard->watch);
    worker_end(f);
}

/* --- what is listed ------------------------------------------------------------------------- */

/* A worker that has begun to find out, and two who listen to it. */
static void
begin(struct worker_fixture *f, struct heard *heard)
{
    worker_begin(f);
    worker_put_function(f, "hello", worker_hello);
    hf_worker_adopt_begin(&f->worker);
    listen_to(f, heard);
    CU_ASSERT_FATAL(worker_wait_count(f, &f->runtime.list_count, 1));
}

static uint64_t
revision_of(struct worker_fixture *f, const char *id)
{
    struct hf_function_def *def = hf_catalog_find(f->worker.catalog, id, strlen(id));
    uint64_t revision = def->instance_revision;

    hf_function_def_unref(def);
    return revision;
}

/* One that answers: the worker's own API serves HTTP/2. */
static struct hf_instance_info
living(struct worker_fixture *f)
{
    return (struct hf_instance_info){
        .size = sizeof(struct hf_instance_info),
        .id = "abc",
        .name = "name",
        .internal_address = "192.0.2.1:1",
        .external_address = hf_grpc_server_address(f->worker.api),
        .function_id = "hello",
        .owner_id = "leaf-1",
        .revision = revision_of(f, "hello"),
    };
}

static void
nobody_gets_a_snapshot_before_it_is_settled(void)
{
    struct worker_fixture f;
    struct heard heard;

    begin(&f, &heard);
    worker_start_one(&f, "new"); /* that works meanwhile */
    CU_ASSERT_FALSE(
        hf_loop_run_until(f.loop, worker_is_cancelled, &f.runtime.starts[0], 20 * HF_MSEC));
    UNIT_U64(heard.snapshots, 0);
    UNIT_U64(heard.instances, 0);
    worker_listed(&f, 0, NULL);
    CU_ASSERT(worker_wait_count(&f, &heard.snapshots, 1));
    UNIT_U64(heard.instances, 1);
    end(&f, &heard);
}

static void
one_that_answers_is_adopted(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;
    struct hf_worker_instance *instance;

    begin(&f, &heard);
    info = living(&f);
    worker_listed(&f, 0, &info);
    worker_listed(&f, 0, NULL);
    CU_ASSERT(worker_wait_count(&f, &heard.snapshots, 1));
    UNIT_U64(heard.instances, 1);
    UNIT_STR(heard.text, "RUNNING(abc,hello) ");
    instance = hf_worker_find(&f.worker, "abc");
    CU_ASSERT_PTR_NOT_NULL_FATAL(instance);
    UNIT_STR(instance->facts.leaf_id, "leaf-1");
    UNIT_U64(f.worker.memory_reserved, 1000);
    UNIT_U64(f.runtime.stop_count, 0);
    worker_ended(&f, "abc"); /* it is one like others */
    CU_ASSERT(worker_wait_count(&f, &heard.updates, 2));
    UNIT_STR(heard.text, "RUNNING(abc,hello) DOWN(abc,hello) ");
    end(&f, &heard);
}

/* Refused: removed, and told to be down, to those who come later, too. */
static void
expect_refusal(struct worker_fixture *f, struct heard *heard, const struct hf_instance_info *info)
{
    struct heard later;

    worker_listed(f, 0, info);
    worker_listed(f, 0, NULL);
    CU_ASSERT(worker_wait_count(f, &heard->snapshots, 1));
    UNIT_U64(heard->instances, 0);
    UNIT_STR(f->runtime.stopped, "abc");
    CU_ASSERT_PTR_NULL(hf_worker_find(&f->worker, "abc"));
    listen_to(f, &later);
    CU_ASSERT(worker_wait_count(f, &later.updates, 1));
    UNIT_CONTAINS(later.text, "DOWN(abc,");
    UNIT_STR(heard->text, later.text);
    worker_stopped(f);
    hf_grpc_client_call_cancel(later.status);
    hf_grpc_client_call_cancel(later.watch);
}

static void
one_that_has_ended_is_told(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;

    begin(&f, &heard);
    info = living(&f);
    info.ended = 1;
    expect_refusal(&f, &heard, &info);
    end(&f, &heard);
}

static void
one_of_another_revision_is_removed(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;

    begin(&f, &heard);
    info = living(&f);
    info.revision++;
    expect_refusal(&f, &heard, &info);
    end(&f, &heard);
}

static void
one_of_an_unknown_function_is_removed(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;

    begin(&f, &heard);
    info = living(&f);
    info.function_id = "gone";
    expect_refusal(&f, &heard, &info);
    end(&f, &heard);
}

static void
one_that_does_not_answer_is_removed(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;

    begin(&f, &heard);
    info = living(&f);
    info.external_address = "127.0.0.1:1";
    expect_refusal(&f, &heard, &info);
    end(&f, &heard);
}

/* A module of an older interface fills less. */
static void
what_an_older_runtime_lists_is_not_adopted(void)
{
    struct worker_fixture f;
    struct heard heard;
    struct hf_instance_info info;

    begin(&f, &heard);
    info = living(&f);
    info.size = offsetof(struct hf_instance_info, ended);
    info.ended = 77; /* not there, as far as it knows */
    expect_refusal(&f, &heard, &info);
    end(&f, &heard);
}

static void
a_listing_that_fails_is_tried_again(void)
{
    struct worker_fixture f;
    struct heard heard;

    begin(&f, &heard);
    worker_listed(&f, HF_EUNAVAILABLE, NULL);
    CU_ASSERT(worker_wait_count(&f, &f.runtime.list_count, 2));
    UNIT_U64(heard.snapshots, 0);
    worker_listed(&f, 0, NULL);
    CU_ASSERT(worker_wait_count(&f, &heard.snapshots, 1));
    end(&f, &heard);
}

UNIT_MAIN("worker-adoption", UNIT_TEST(nobody_gets_a_snapshot_before_it_is_settled),
          UNIT_TEST(one_that_answers_is_adopted), UNIT_TEST(one_that_has_ended_is_told),
          UNIT_TEST(one_of_another_revision_is_removed),
          UNIT_TEST(one_of_an_unknown_function_is_removed),
          UNIT_TEST(one_that_does_not_answer_is_removed),
          UNIT_TEST(what_an_older_runtime_lists_is_not_adopted),
          UNIT_TEST(a_listing_that_fails_is_tried_again))
