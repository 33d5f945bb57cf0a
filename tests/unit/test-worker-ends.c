/*
 * test-worker-ends.c - how instances end on a worker: what is remembered of it, and stops that
 * fail.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "worker-fixture.h"
#include "worker/worker.pb-c.h"

/* --- a watcher ------------------------------------------------------------------------------ */

struct heard {
    struct hf_grpc_client_call *call;
    uint32_t snapshots;
    uint32_t instances;
    uint32_t ended;
    uint32_t starting;
    char text[1024]; /* of the ends, in a form that is easy to compare */
};

static void
on_ended(struct heard *heard, const Hyperfaas__V1__InstanceEnded *told)
{
    const Hyperfaas__V1__Instance *instance = told->instance;
    size_t len = strlen(heard->text);

    CU_ASSERT_PTR_NOT_NULL(told->ended);
    snprintf(heard->text + len, sizeof heard->text - len, "%s(%s)%s%s", instance->instance_id,
             instance->function_id,
             instance->state == HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY ? ""
                                                                                    : "-unready",
             told->expected ? "-asked" : "");
    len = strlen(heard->text);
    if (told->known) {
        snprintf(heard->text + len, sizeof heard->text - len, " code %d signal %d%s",
                 (int)told->exit_code, (int)told->signal, told->out_of_memory ? " oom" : "");
        len = strlen(heard->text);
    }
    snprintf(heard->text + len, sizeof heard->text - len, ": %s; ", told->reason);
    heard->ended++;
}

static void
on_event(void *arg, const void *message)
{
    const Hyperfaas__V1__WatchEvent *event = message;
    struct heard *heard = arg;

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED) {
        on_ended(heard, event->instance_ended);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE) {
        heard->instances++;
        heard->starting +=
            event->instance->state == HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING;
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        heard->snapshots++;
    }
}

static void
on_end(void *arg, const struct hf_grpc_result *result)
{
    (void)arg;
    (void)result;
}

/* Watches, up to the end of the snapshot. */
static void
watch(struct worker_fixture *f, bool all, struct heard *ret)
{
    Hyperfaas__V1__WatchRequest message = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = { .path = "/hyperfaas.v1.Node/Watch",
                                             .message = &message.base,
                                             .response = &hyperfaas__v1__watch_event__descriptor };

    message.all = all;
    *ret = (struct heard){ .snapshots = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &request, on_event, on_end, ret, &ret->call), 0);
    CU_ASSERT(worker_wait_count(f, &ret->snapshots, 1));
}

static void
leave(const struct heard *heard)
{
    hf_grpc_client_call_cancel(heard->call);
}

/* --- what is remembered --------------------------------------------------------------------- */

static void
killed(struct worker_fixture *f, const char *id)
{
    const struct hf_instance_end end = { .size = sizeof end,
                                         .exit_code = -1,
                                         .signal = SIGKILL,
                                         .out_of_memory = 1,
                                         .message = "it used too much" };

    hf_worker_on_end(&f->worker, id, &end);
}

static void
ends_are_remembered_with_how(void)
{
    struct worker_fixture f;
    struct worker_asked asked;
    struct heard early;
    struct heard late;
    struct heard leaf;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_put_function(&f, "broken", "{\"image\":{\"tag\":\"broken:latest\"},\"config\":{}}");
    watch(&f, true, &early);
    UNIT_EXPECT_LOG("start failed");
    worker_start_one(&f, "a");
    killed(&f, "a");
    worker_start_one(&f, "b");
    worker_stop(&f, "b", &asked);
    CU_ASSERT(worker_wait_count(&f, &f.runtime.stop_count, 1));
    worker_stopped(&f);
    CU_ASSERT(worker_wait_done(&f, &asked));
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 3));
    worker_created(&f, 2, HF_EUNAVAILABLE, NULL, false);
    CU_ASSERT(worker_wait_done(&f, &asked));
    worker_start(&f, "broken", NULL, &asked); /* refused at once */
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_NOT_FOUND);

    CU_ASSERT(worker_wait_count(&f, &early.ended, 4));
    UNIT_STR(early.text, "a(hello) code -1 signal 9 oom: it used too much; "
                         "b(hello)-asked: stopped; "
                         "(hello)-unready: told to fail; "
                         "(broken)-unready: there is no image broken; ");
    watch(&f, true, &late);
    UNIT_STR(late.text, early.text); /* whoever comes later hears the same */
    watch(&f, false, &leaf);
    UNIT_U64(leaf.ended, 0); /* a leaf does not want to know */
    leave(&early);
    leave(&late);
    leave(&leaf);
    worker_end(&f);
}

static void
what_starts_is_told_to_who_wants_all(void)
{
    struct worker_fixture f;
    struct worker_asked asked;
    struct heard leaf;
    struct heard before;
    struct heard after;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    watch(&f, false, &leaf);
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    watch(&f, true, &before);
    UNIT_U64(before.starting, 1); /* it has no id yet */
    worker_created(&f, 0, 0, "a", false);
    CU_ASSERT(worker_wait_count(&f, &before.starting, 2)); /* now it has */
    watch(&f, true, &after);
    UNIT_U64(after.starting, 1);
    UNIT_U64(leaf.instances, 0);
    worker_signal_ready(&f, "a");
    CU_ASSERT(worker_wait_done(&f, &asked));
    CU_ASSERT(worker_wait_count(&f, &leaf.instances, 1));
    UNIT_U64(leaf.starting, 0);
    leave(&leaf);
    leave(&before);
    leave(&after);
    worker_end(&f);
}

/* An end of before, of which there may be any number. */
static void
note(struct worker_fixture *f, const char *function, const char *reason)
{
    const struct hf_worker_facts facts = { .id = "x",
                                           .name = "",
                                           .internal = "",
                                           .external = "",
                                           .function_id = function,
                                           .leaf_id = "",
                                           .start_id = "" };

    hf_worker_note_claim_end(&f->worker, &facts, reason);
}

static void
what_is_remembered_is_bounded(void)
{
    struct worker_fixture f;
    char text[4096];

    worker_begin(&f);
    note(&f, "quiet", "it has ended");
    for (int i = 0; i < 1000; i++) { /* of one that crashes again and again, a share */
        note(&f, "noisy", "it has ended");
    }
    UNIT_U64(f.worker.ended_count, 1 + 32);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "function-%d", i);
        note(&f, text, "it has ended");
    }
    UNIT_U64(f.worker.ended_count, f.worker.ended_max);
    UNIT_U64(f.worker.pasts.count, f.worker.ended_max);
    f.worker.ended_max = 10000;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 5000; i++) {
        char id[16];

        snprintf(id, sizeof id, "f-%d", i);
        note(&f, id, text);
    }
    CU_ASSERT(f.worker.ended_bytes <= 1u << 20);
    CU_ASSERT(f.worker.ended_count > 1000); /* reasons are cut short */
    worker_end(&f);
}

static bool
is_forgotten(void *arg)
{
    return ((const struct hf_worker_role *)arg)->ended_count == 0;
}

static void
what_is_remembered_is_forgotten_in_time(void)
{
    struct worker_fixture f;

    worker_begin(&f);
    f.worker.ended_ns = HF_MSEC;
    note(&f, "hello", "it has ended");
    UNIT_U64(f.worker.ended_count, 1);
    CU_ASSERT(hf_loop_run_until(f.loop, is_forgotten, &f.worker, WORKER_LIMIT));
    UNIT_U64(f.worker.ended_bytes, 0);
    UNIT_U64(f.worker.pasts.count, 0);
    worker_end(&f);
}

static void
nothing_is_remembered_if_so_configured(void)
{
    struct worker_fixture f;

    worker_begin(&f);
    f.worker.ended_max = 0;
    note(&f, "hello", "it has ended");
    UNIT_U64(f.worker.ended_count, 0);
    worker_end(&f);
}

/* --- stops that fail ------------------------------------------------------------------------ */

static void
fail_stop(struct worker_fixture *f)
{
    hf_runtime_done_fn *done = f->runtime.stop_done;

    f->runtime.stop_done = NULL;
    done(f->runtime.stop_arg, HF_EUNAVAILABLE, "the engine is busy", NULL);
}

static void
a_stop_that_fails_is_tried_again(void)
{
    struct worker_fixture f;
    struct worker_asked asked;
    struct heard heard;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start_one(&f, "a");
    worker_stop(&f, "a", &asked);
    UNIT_EXPECT_LOG("instance could not be stopped; trying again");
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.stop_count, 1));
    fail_stop(&f);
    CU_ASSERT_PTR_NOT_NULL(hf_worker_find(&f.worker, "a")); /* it may run on */
    CU_ASSERT(!asked.done);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.stop_count, 2));
    UNIT_STR(f.runtime.stopped, "a");
    worker_stopped(&f);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_OK);
    CU_ASSERT_PTR_NULL(hf_worker_find(&f.worker, "a"));
    watch(&f, true, &heard);
    UNIT_STR(heard.text, "a(hello)-asked: stopped; ");
    leave(&heard);
    worker_end(&f);
}

static void
one_that_ends_between_two_attempts_is_gone(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start_one(&f, "a");
    worker_stop(&f, "a", &asked);
    UNIT_EXPECT_LOG("instance could not be stopped; trying again");
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.stop_count, 1));
    fail_stop(&f);
    worker_ended(&f, "a");
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_OK);
    CU_ASSERT_PTR_NULL(hf_worker_find(&f.worker, "a"));
    worker_end(&f);
}

UNIT_MAIN("worker-ends", UNIT_TEST(ends_are_remembered_with_how),
          UNIT_TEST(what_starts_is_told_to_who_wants_all), UNIT_TEST(what_is_remembered_is_bounded),
          UNIT_TEST(what_is_remembered_is_forgotten_in_time),
          UNIT_TEST(nothing_is_remembered_if_so_configured),
          UNIT_TEST(a_stop_that_fails_is_tried_again),
          UNIT_TEST(one_that_ends_between_two_attempts_is_gone))
