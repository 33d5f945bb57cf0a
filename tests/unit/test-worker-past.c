/*
 * test-worker-past.c - what a worker knows after its own end: instances that are no more.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/loop.h"
#include "worker-fixture.h"
#include "worker/worker.pb-c.h"

#define FILE_NAME "instances-of-the-test"

struct heard {
    struct hf_grpc_client_call *call;
    uint32_t count;
    char text[1024];
};

static void
on_status(void *arg, const void *message)
{
    const Worker__StatusUpdate *update = message;
    struct heard *heard = arg;
    size_t len = strlen(heard->text);

    snprintf(heard->text + len, sizeof heard->text - len, "%s(%s,%s) ",
             update->event == WORKER__EVENT__EVENT_DOWN ? "DOWN" : "other", update->instance_id,
             update->function_id);
    heard->count++;
}

static void
on_status_end(void *arg, const struct hf_grpc_result *result)
{
    (void)arg;
    (void)result;
}

static void
listen_to(struct worker_fixture *f, struct heard *ret)
{
    Worker__StatusRequest message = WORKER__STATUS_REQUEST__INIT;
    const struct hf_grpc_request request = { .path = "/worker.Worker/Status",
                                             .message = &message.base,
                                             .response = &worker__status_update__descriptor };

    *ret = (struct heard){ .count = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(f->client, &request, on_status, on_status_end, ret, &ret->call), 0);
}

static const char *
file_path(void)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/" FILE_NAME, unit_folder());
    return path;
}

/* A worker that keeps its file. */
static void
begin(struct worker_fixture *f)
{
    worker_begin(f);
    worker_put_function(f, "hello", worker_hello);
    hf_worker_running_open(&f->worker, FILE_NAME); /* the node itself has another one */
}

/* The same after an earlier one was killed, up to the runtime's listing, which tells of nothing. */
static void
begin_again(struct worker_fixture *f)
{
    begin(f);
    hf_worker_adopt_begin(&f->worker);
    CU_ASSERT_FATAL(worker_wait_count(f, &f->runtime.list_count, 1));
    worker_listed(f, 0, NULL);
}

static void
what_a_killed_worker_had_is_down(void)
{
    struct worker_fixture f;
    struct worker_asked asked;
    struct heard first;
    struct heard second;

    unlink(file_path());
    begin(&f);
    worker_start_one(&f, "a");
    worker_start_one(&f, "b");
    worker_start_one(&f, "c");
    worker_stop(&f, "b", &asked); /* a leaf has asked for this one: it knows */
    CU_ASSERT(worker_wait_count(&f, &f.runtime.stop_count, 1));
    worker_stopped(&f);
    CU_ASSERT(worker_wait_done(&f, &asked));
    worker_end(&f); /* which tells the file nothing */

    begin_again(&f);
    listen_to(&f, &first);
    CU_ASSERT(worker_wait_count(&f, &first.count, 2));
    UNIT_STR(first.text, "DOWN(a,hello) DOWN(c,hello) ");
    listen_to(&f, &second); /* each who comes later hears of it */
    CU_ASSERT(worker_wait_count(&f, &second.count, 2));
    hf_grpc_client_call_cancel(first.call);
    hf_grpc_client_call_cancel(second.call);
    worker_end(&f);

    begin_again(&f); /* and after another end, too */
    listen_to(&f, &first);
    CU_ASSERT(worker_wait_count(&f, &first.count, 2));
    UNIT_STR(first.text, "DOWN(a,hello) DOWN(c,hello) ");
    hf_grpc_client_call_cancel(first.call);
    worker_end(&f);
}

/* One that ends while a leaf does not listen. */
static void
what_ended_unasked_is_down_for_who_comes_later(void)
{
    struct worker_fixture f;
    struct heard heard;

    unlink(file_path());
    begin(&f);
    worker_start_one(&f, "a");
    worker_ended(&f, "a");
    listen_to(&f, &heard);
    CU_ASSERT(worker_wait_count(&f, &heard.count, 1));
    UNIT_STR(heard.text, "DOWN(a,hello) ");
    hf_grpc_client_call_cancel(heard.call);
    worker_end(&f);
}

/* What still runs is no news of its end. */
static void
what_is_listed_is_not_down(void)
{
    struct worker_fixture f;
    struct hf_instance_info info = { .size = sizeof info,
                                     .id = "a",
                                     .name = "n",
                                     .internal_address = "192.0.2.1:1",
                                     .external_address = "192.0.2.1:1",
                                     .function_id = "hello",
                                     .owner_id = "" };
    struct heard heard;

    unlink(file_path());
    begin(&f);
    worker_start_one(&f, "a");
    worker_start_one(&f, "b");
    worker_end(&f);

    begin(&f);
    hf_worker_adopt_begin(&f.worker);
    CU_ASSERT_FATAL(worker_wait_count(&f, &f.runtime.list_count, 1));
    info.revision = 1; /* another one than now: it will be removed, but it is there */
    worker_listed(&f, 0, &info);
    worker_listed(&f, 0, NULL);
    listen_to(&f, &heard);
    CU_ASSERT(worker_wait_count(&f, &heard.count, 2));
    UNIT_STR(heard.text, "DOWN(b,hello) DOWN(a,hello) ");
    hf_grpc_client_call_cancel(heard.call);
    worker_end(&f);
}

static void
the_file_stays_short(void)
{
    struct worker_fixture f;
    struct stat st;

    unlink(file_path());
    begin(&f);
    for (int i = 0; i < 20000; i++) {
        char id[32];

        snprintf(id, sizeof id, "i%d", i);
        hf_worker_running_add(&f.worker, id, "hello");
        if (i % 2) {
            hf_worker_running_remove(&f.worker, id);
        } else {
            hf_worker_running_gone(&f.worker, id, "hello");
        }
    }
    UNIT_U64(f.worker.gone_count, 1024);
    CU_ASSERT_EQUAL(stat(file_path(), &st), 0);
    CU_ASSERT(st.st_size < 400000);
    CU_ASSERT_EQUAL(st.st_mode & 0777 & ~0640u, 0);
    worker_end(&f);
    begin_again(&f);
    UNIT_U64(f.worker.gone_count, 1024);
    worker_end(&f);
}

static void
nonsense_in_the_file_does_no_harm(void)
{
    struct worker_fixture f;

    unit_file(FILE_NAME, "+\n+ x\n- \n! x y z\n! 99999999999999 q hello\n? a b\n\n+ a hello\n"
                         "+ a hello\n+ torn");
    begin_again(&f);
    UNIT_U64(f.worker.gone_count, 2);
    worker_end(&f);
    unlink(file_path());
    CU_ASSERT_EQUAL(symlink("/etc/passwd", file_path()), 0);
    UNIT_EXPECT_LOG("what runs cannot be written down");
    begin_again(&f);
    UNIT_U64(f.worker.gone_count, 0);
    worker_end(&f);
    unlink(file_path());
}

UNIT_MAIN("worker-past", UNIT_TEST(what_a_killed_worker_had_is_down),
          UNIT_TEST(what_ended_unasked_is_down_for_who_comes_later),
          UNIT_TEST(what_is_listed_is_not_down), UNIT_TEST(the_file_stays_short),
          UNIT_TEST(nonsense_in_the_file_does_no_harm))
