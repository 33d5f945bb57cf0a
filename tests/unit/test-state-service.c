/*
 * test-state-service.c - what parents are told of warm functions: a snapshot, its end, every
 * change; and the latest state only, to whoever reads slowly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/random.h"
#include "base/text.h"
#include "common/common.pb-c.h"
#include "grpc/client.h"
#include "grpc/server.h"
#include "loop/loop.h"
#include "node/state_service.h"
#include "unit.h"

#define WAIT_NS (10 * HF_SEC)
#define PATH    "/leaf.Leaf/State"

static struct hf_loop *loop;
static struct hf_grpc_server *server;
static struct hf_grpc_client *client;
static struct hf_state_service *service;

/* A listener, and what it holds after all it heard. */
struct parent {
    struct hf_text heard; /* "+id" and "-id", "." for the end of the snapshot */
    bool warm[64];        /* of the functions f0 to f63 */
    unsigned messages;
    unsigned awaited; /* messages, for waiting */
    bool done;
    uint32_t code;
    struct hf_grpc_client_call *call;
};

static void
on_message(void *arg, const void *message)
{
    struct parent *parent = arg;
    const Common__StateResponse *state = message;

    parent->messages++;
    if (*state->function_id == '\0') {
        hf_text_add(&parent->heard, ".");
        return;
    }
    hf_text_printf(&parent->heard, "%c%s", state->have ? '+' : '-', state->function_id);
    if (state->function_id[0] == 'f') {
        parent->warm[strtoul(state->function_id + 1, NULL, 10) % 64] = state->have;
    }
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct parent *parent = arg;

    parent->done = true;
    parent->code = result->code;
}

static void
begin(void)
{
    struct hf_grpc_server_options options;

    hf_grpc_server_options_init(&options);
    options.send_queue_bytes = 256; /* so that a burst finds it full */
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, &options, &server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_state_service_new(&service, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_state_service_serve(service, server, PATH, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(server, "127.0.0.1:0", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_new(loop, hf_grpc_server_address(server), NULL, &client, NULL), 0);
}

static void
end(void)
{
    hf_grpc_client_free(client);
    hf_grpc_server_free(server);
    hf_state_service_free(service);
    hf_h2_thread_release();
    hf_loop_free(loop);
}

static void
parent_listen(struct parent *parent)
{
    Common__StateRequest message = COMMON__STATE_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = PATH,
        .message = &message.base,
        .response = &common__state_response__descriptor,
    };

    *parent = (struct parent){ 0 };
    hf_text_init(&parent->heard);
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(client, &request, on_message, on_done, parent, &parent->call), 0);
}

static void
parent_leave(struct parent *parent)
{
    if (!parent->done) {
        hf_grpc_client_call_cancel(parent->call);
    }
    hf_text_fini(&parent->heard);
}

static bool
has_heard(void *arg)
{
    const struct parent *parent = arg;

    return parent->messages >= parent->awaited || parent->done;
}

/* Waits for that many messages in all. */
static const char *
heard(struct parent *parent, unsigned messages)
{
    parent->awaited = messages;
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_heard, parent, WAIT_NS));
    return hf_text_str(&parent->heard);
}

/* --- tests --------------------------------------------------------------------------------- */

static void
a_stream_begins_with_what_is_warm(void)
{
    struct parent parent;

    begin();
    hf_state_service_set(service, "a", true);
    hf_state_service_set(service, "b", true);
    hf_state_service_set(service, "a", false);
    parent_listen(&parent);
    UNIT_STR(heard(&parent, 2), "+b.");
    parent_leave(&parent);
    end();
}

static void
changes_are_told_once(void)
{
    struct parent parent;

    begin();
    parent_listen(&parent);
    UNIT_STR(heard(&parent, 1), ".");
    hf_state_service_set(service, "a", true);
    hf_state_service_set(service, "a", true);
    UNIT_STR(heard(&parent, 2), ".+a");
    hf_state_service_set(service, "a", false);
    hf_state_service_set(service, "a", false);
    hf_state_service_set(service, "b", true);
    UNIT_STR(heard(&parent, 4), ".+a-a+b");
    parent_leave(&parent);
    end();
}

static void
every_listener_hears_all(void)
{
    struct parent parents[3];

    begin();
    for (size_t i = 0; i < hf_countof(parents); i++) {
        parent_listen(&parents[i]);
        heard(&parents[i], 1);
    }
    hf_state_service_set(service, "a", true);
    parent_leave(&parents[1]);
    hf_state_service_set(service, "a", false);
    UNIT_CONTAINS(heard(&parents[0], 2), "a");
    UNIT_CONTAINS(heard(&parents[2], 2), "a");
    parent_leave(&parents[0]);
    parent_leave(&parents[2]);
    end();
}

static void
the_end_of_the_service_ends_streams(void)
{
    struct parent parent;
    struct parent late;

    begin();
    hf_state_service_set(service, "a", true);
    parent_listen(&parent);
    heard(&parent, 2);
    hf_state_service_set(service, "b", true);
    heard(&parent, 3);
    hf_state_service_end(service);
    UNIT_STR(heard(&parent, 6), "+a.+b-a-b"); /* a parent may keep what a lost child had */
    CU_ASSERT_TRUE(parent.done);
    UNIT_U64(parent.code, HF_GRPC_OK);
    hf_state_service_set(service, "c", true);
    parent_listen(&late);
    heard(&late, 1);
    UNIT_U64(late.code, HF_GRPC_UNAVAILABLE);
    parent_leave(&parent);
    parent_leave(&late);
    end();
}

static void
the_end_is_told_to_slow_listeners_too(void)
{
    struct parent parent;

    begin();
    parent_listen(&parent);
    heard(&parent, 1);
    for (int i = 0; i < 1000; i++) {
        char id[8];

        snprintf(id, sizeof id, "f%d", i);
        hf_state_service_set(service, id, true);
    }
    hf_state_service_end(service);
    while (!parent.done) {
        heard(&parent, parent.messages + 1);
    }
    UNIT_U64(parent.code, HF_GRPC_OK);
    for (size_t i = 0; i < hf_countof(parent.warm); i++) {
        CU_ASSERT_FALSE(parent.warm[i]);
    }
    parent_leave(&parent);
    end();
}

static void
all_agree_after_any_history(void)
{
    struct hf_random random;
    struct parent parents[4];
    bool warm[64] = { false };
    unsigned total = 0;

    begin();
    hf_random_init(&random, 7);
    for (size_t i = 0; i < hf_countof(parents); i++) {
        parent_listen(&parents[i]);
    }
    for (int i = 0; i < 20000; i++) {
        unsigned f = (unsigned)hf_random_below(&random, 64);
        char id[8];

        warm[f] = !warm[f];
        snprintf(id, sizeof id, "f%u", f);
        hf_state_service_set(service, id, warm[f]);
        if (i % 500 == 499) { /* listeners read rarely: their queues are full by then */
            heard(&parents[(unsigned)i % hf_countof(parents)],
                  parents[(unsigned)i % hf_countof(parents)].messages + 1);
        }
    }
    hf_state_service_set(service, "last", true);
    for (size_t i = 0; i < hf_countof(parents); i++) {
        while (!strstr(hf_text_str(&parents[i].heard), "+last") && !parents[i].done) {
            heard(&parents[i], parents[i].messages + 1);
        }
        CU_ASSERT_TRUE(memcmp(parents[i].warm, warm, sizeof warm) == 0);
        total += parents[i].messages;
        parent_leave(&parents[i]);
    }
    CU_ASSERT_TRUE(total < 4 * 20000); /* changes that came too fast were told as one */
    end();
}

UNIT_MAIN("state-service", UNIT_TEST(a_stream_begins_with_what_is_warm),
          UNIT_TEST(changes_are_told_once), UNIT_TEST(every_listener_hears_all),
          UNIT_TEST(the_end_of_the_service_ends_streams),
          UNIT_TEST(the_end_is_told_to_slow_listeners_too), UNIT_TEST(all_agree_after_any_history))
