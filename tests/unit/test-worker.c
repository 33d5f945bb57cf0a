/*
 * test-worker.c - starting and stopping instances over the worker's API.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "loop/loop.h"
#include "node/catalog_private.h"
#include "worker-fixture.h"

/* --- a store that takes its time ----------------------------------------------------------- */

static uint32_t slow_reads;
static hf_store_done_fn *slow_done;
static void *slow_arg;

static int
slow_get(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
         hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    (void)store;
    (void)space;
    (void)id;
    (void)timeout_ns;
    (void)ret;
    (void)err;
    slow_reads++;
    slow_done = done;
    slow_arg = arg;
    return 0;
}

static int
slow_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *watcher,
           void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    (void)store;
    (void)space;
    (void)watcher;
    (void)arg;
    (void)ret;
    (void)err;
    return 0;
}

static const struct hf_store_ops slow_store = {
    .size = sizeof slow_store,
    .get = slow_get,
    .watch = slow_watch,
};

/* --- starting ------------------------------------------------------------------------------ */

static void
a_start_is_answered_when_its_instance_serves(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", "s-1", &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    UNIT_STR(f.runtime.owner, "leaf-1");
    worker_created(&f, 0, 0, "abc", false);
    CU_ASSERT_FALSE(hf_loop_run_until(f.loop, worker_is_done, &asked, 10 * HF_MSEC));
    UNIT_U64(f.worker.memory_reserved, 1000);
    UNIT_U64(f.worker.cpu_reserved, 500);
    worker_signal_ready(&f, "abc");
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_OK);
    UNIT_STR(asked.instance_id, "abc");
    UNIT_STR(asked.internal, "10.0.0.1:1");
    UNIT_STR(asked.external, "192.0.2.1:1");
    worker_end(&f);
}

static void
a_signal_may_come_before_the_start_returns(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    worker_signal_ready(&f, "abc");
    worker_signal_ready(&f, "abc"); /* twice is once */
    worker_signal_ready(&f, "a stranger");
    worker_created(&f, 0, 0, "abc", false);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_OK);
    worker_end(&f);
}

/* How many are remembered. */
static uint64_t
early_count(const struct hf_worker_role *worker)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HF_WORKER_EARLY_MAX; i++) {
        count += worker->early[i].until_ns > hf_loop_now(worker->loop);
    }
    return count;
}

static void
early_signals_are_bounded(void)
{
    struct worker_fixture f;

    worker_begin(&f);
    for (int i = 0; i < 3000; i++) {
        char id[32];

        snprintf(id, sizeof id, "%d", i);
        hf_worker_ready_signal(&f.worker, id);
    }
    UNIT_U64(early_count(&f.worker), 1024);
    worker_end(&f);
}

/* What strangers can make a worker keep: 300 ids of 4 MiB would be 1.2 GB. */
static void
ids_that_are_too_long_are_not_kept(void)
{
    struct worker_fixture f;
    char id[HF_WORKER_ID_MAX + 2];

    worker_begin(&f);
    memset(id, 'a', sizeof id);
    id[sizeof id - 1] = '\0';
    worker_signal_ready(&f, id); /* is OK all the same */
    worker_signal_ready(&f, "");
    UNIT_U64(early_count(&f.worker), 0);
    id[HF_WORKER_ID_MAX] = '\0';
    worker_signal_ready(&f, id);
    UNIT_U64(early_count(&f.worker), 1);
    worker_end(&f);
}

static bool
none_are_kept(void *arg)
{
    const struct worker_fixture *f = arg;

    return early_count(&f->worker) == 0;
}

static void
early_signals_are_forgotten(void)
{
    struct worker_fixture f;

    worker_begin(&f);
    f.worker.ready_ns = 20 * HF_MSEC;
    hf_worker_ready_signal(&f.worker, "one");
    hf_worker_ready_signal(&f.worker, "two");
    UNIT_U64(early_count(&f.worker), 2);
    CU_ASSERT(hf_loop_run_until(f.loop, none_are_kept, &f, WORKER_LIMIT));
    worker_end(&f);
}

static void
an_instance_that_is_never_ready_is_removed(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    f.worker.ready_ns = 20 * HF_MSEC;
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    UNIT_EXPECT_LOG("start failed");
    worker_created(&f, 0, 0, "abc", false);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_DEADLINE_EXCEEDED);
    UNIT_CONTAINS(asked.message, "ready_timeout");
    UNIT_STR(f.runtime.stopped, "abc");
    worker_stopped(&f);
    UNIT_U64(f.worker.count, 0);
    worker_end(&f);
}

static void
what_cannot_start_says_why(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_put_function(&f, "broken", "{\"image\":{\"tag\":\"broken\"}}");
    worker_start(&f, "nobody", NULL, &asked);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_NOT_FOUND);
    worker_start(&f, "broken", NULL, &asked);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_NOT_FOUND);
    UNIT_CONTAINS(asked.message, "there is no image broken");
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    UNIT_EXPECT_LOG("start failed");
    worker_created(&f, 0, HF_EIO, NULL, false);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_UNAVAILABLE);
    UNIT_STR(asked.message, "told to fail");
    worker_end(&f);
}

static void
a_full_worker_says_what_it_would_need(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    f.worker.memory_bytes = 1500;
    worker_start_one(&f, "one");
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_RESOURCE_EXHAUSTED);
    UNIT_CONTAINS(asked.message, "needs 1000 bytes of memory, 500 of 1500 are free");
    f.worker.memory_bytes = 0;
    f.worker.cpu_millis = 900;
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_RESOURCE_EXHAUSTED);
    UNIT_CONTAINS(asked.message, "needs 500 thousandths of a processor, 400 of 900 are free");
    f.worker.cpu_millis = 0;
    f.worker.max_instances = 1;
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_RESOURCE_EXHAUSTED);
    f.worker.max_instances = 2;
    worker_start_one(&f, "two");
    worker_end(&f);
}

static void
one_start_id_starts_one_instance(void)
{
    struct worker_fixture f;
    struct worker_asked first;
    struct worker_asked second;
    struct worker_asked third;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", "s-1", &first);
    worker_start(&f, "hello", "s-1", &second);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    worker_created(&f, 0, 0, "abc", true);
    CU_ASSERT(worker_wait_done(&f, &first) && worker_wait_done(&f, &second));
    worker_start(&f, "hello", "s-1", &third); /* repeated by a leaf that lost the answer */
    CU_ASSERT(worker_wait_done(&f, &third));
    UNIT_STR(first.instance_id, "abc");
    UNIT_STR(second.instance_id, "abc");
    UNIT_STR(third.instance_id, "abc");
    UNIT_U64(f.runtime.start_count, 1);
    worker_end(&f);
}

static void
duplicates_may_come_while_the_function_is_looked_up(void)
{
    struct worker_fixture f;
    struct hf_catalog *empty = NULL;
    struct hf_catalog *full;
    struct worker_asked first;
    struct worker_asked second;
    struct hf_document document = { .size = sizeof document,
                                    .space = HF_STORE_FUNCTIONS,
                                    .id = "hello",
                                    .data = worker_hello,
                                    .len = strlen(worker_hello),
                                    .revision = 1 };

    worker_begin(&f);
    full = f.worker.catalog;
    CU_ASSERT_EQUAL_FATAL(hf_catalog_new(f.loop, 1, 1, &empty, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_catalog_follow(empty, &slow_store, NULL, NULL), 0);
    f.worker.catalog = empty;
    worker_start(&f, "hello", "s-1", &first);
    worker_start(&f, "hello", "s-1", &second);
    CU_ASSERT_FATAL(worker_wait_count(&f, &slow_reads, 1));
    CU_ASSERT_FALSE(hf_loop_run_until(f.loop, worker_is_done, &second, 10 * HF_MSEC));
    slow_done(slow_arg, 0, "", &document);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    worker_created(&f, 0, 0, "abc", true);
    CU_ASSERT(worker_wait_done(&f, &first) && worker_wait_done(&f, &second));
    UNIT_STR(first.instance_id, "abc");
    UNIT_STR(second.instance_id, "abc");
    UNIT_U64(f.runtime.start_count, 1);
    f.worker.catalog = full;
    hf_catalog_free(empty);
    worker_end(&f);
}

static void
a_cancelled_start_is_cleaned_up(void)
{
    struct worker_fixture f;
    struct worker_asked creating;
    struct worker_asked waiting;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", NULL, &creating);
    worker_start(&f, "hello", NULL, &waiting);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 2));
    worker_created(&f, 1, 0, "abc", false);
    hf_grpc_client_call_cancel(creating.call);
    hf_grpc_client_call_cancel(waiting.call);
    CU_ASSERT(worker_wait_count(&f, &f.runtime.stop_count, 1));
    UNIT_STR(f.runtime.stopped, "abc");
    CU_ASSERT(hf_loop_run_until(f.loop, worker_is_cancelled, &f.runtime.starts[0], WORKER_LIMIT));
    worker_stopped(&f);
    worker_created(&f, 0, HF_ECANCELLED, NULL, false);
    UNIT_U64(f.worker.count, 0);
    worker_end(&f);
}

static void
an_instance_that_comes_after_its_cancel_is_removed(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    hf_grpc_client_call_cancel(asked.call);
    CU_ASSERT_FATAL(
        hf_loop_run_until(f.loop, worker_is_cancelled, &f.runtime.starts[0], WORKER_LIMIT));
    worker_created(&f, 0, 0, "late", false);
    UNIT_STR(f.runtime.stopped, "late");
    UNIT_U64(f.worker.count, 0);
    worker_stopped(&f);
    worker_end(&f);
}

static void
a_start_that_ends_before_it_is_ready_fails(void)
{
    struct worker_fixture f;
    struct worker_asked asked;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start(&f, "hello", NULL, &asked);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.start_count, 1));
    worker_created(&f, 0, 0, "abc", false);
    UNIT_EXPECT_LOG("ended before it was ready");
    worker_ended(&f, "abc");
    CU_ASSERT(worker_wait_done(&f, &asked));
    UNIT_U64(asked.code, HF_GRPC_UNAVAILABLE);
    UNIT_STR(asked.message, "it left");
    worker_ended(&f, "abc"); /* unknown by now */
    worker_end(&f);
}

/* --- stopping and ending ------------------------------------------------------------------- */

static void
a_stop_is_answered_when_the_instance_is_gone(void)
{
    struct worker_fixture f;
    struct worker_asked first;
    struct worker_asked second;

    worker_begin(&f);
    worker_put_function(&f, "hello", worker_hello);
    worker_start_one(&f, "abc");
    worker_stop(&f, "abc", &first);
    worker_stop(&f, "abc", &second);
    CU_ASSERT(worker_wait_count(&f, &f.runtime.stop_count, 1));
    CU_ASSERT_FALSE(hf_loop_run_until(f.loop, worker_is_done, &first, 5 * HF_MSEC));
    worker_stopped(&f);
    CU_ASSERT(worker_wait_done(&f, &first) && worker_wait_done(&f, &second));
    UNIT_U64(first.code, HF_GRPC_OK);
    UNIT_STR(first.instance_id, "abc");
    UNIT_U64(second.code, HF_GRPC_OK);
    UNIT_U64(f.runtime.stop_count, 1);
    worker_stop(&f, "abc", &first); /* gone already, and OK */
    CU_ASSERT(worker_wait_done(&f, &first));
    UNIT_U64(first.code, HF_GRPC_OK);
    UNIT_STR(first.instance_id, "abc");
    worker_end(&f);
}

UNIT_MAIN("worker", UNIT_TEST(a_start_is_answered_when_its_instance_serves),
          UNIT_TEST(a_signal_may_come_before_the_start_returns),
          UNIT_TEST(early_signals_are_bounded), UNIT_TEST(ids_that_are_too_long_are_not_kept),
          UNIT_TEST(early_signals_are_forgotten),
          UNIT_TEST(an_instance_that_is_never_ready_is_removed),
          UNIT_TEST(what_cannot_start_says_why), UNIT_TEST(a_full_worker_says_what_it_would_need),
          UNIT_TEST(one_start_id_starts_one_instance),
          UNIT_TEST(duplicates_may_come_while_the_function_is_looked_up),
          UNIT_TEST(a_cancelled_start_is_cleaned_up),
          UNIT_TEST(an_instance_that_comes_after_its_cancel_is_removed),
          UNIT_TEST(a_stop_is_answered_when_the_instance_is_gone),
          UNIT_TEST(a_start_that_ends_before_it_is_ready_fails))
