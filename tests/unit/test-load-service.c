/*
 * test-load-service.c - what a node says of how busy it is: measured only while somebody listens,
 * all rooms at first and then those that change, and nobody held up by who reads slowly.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "grpc/client.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "node/load_service.h"
#include "unit.h"

#define WAIT_NS   (20 * HF_SEC)
#define FUNCTIONS 1000

static struct hf_loop *loop;
static struct hf_grpc_server *server;
static struct hf_grpc_client *client;
static struct hf_load_service *service;

/* The node. */
static struct {
    unsigned measured;
    unsigned wanted;
    unsigned unwanted;
    unsigned functions;
    char id[FUNCTIONS][16];
    uint32_t room[FUNCTIONS];
    int64_t told[FUNCTIONS];
} node;

static void
measure(void *arg, struct hf_load_figures *ret)
{
    (void)arg;
    node.measured++;
    *ret = (struct hf_load_figures){
        .calls = 1,
        .waiting = 2,
        .starting = 3,
        .load_known = true,
        .load_millis = 1400,
        .disk_bytes = 50,
        .disk_used_bytes = 20,
    };
}

static void
rooms(void *arg, struct hf_load_service *asking)
{
    (void)arg;
    for (unsigned i = 0; i < node.functions; i++) {
        hf_load_service_room(asking, node.id[i], node.room[i], &node.told[i]);
    }
}

static void
on_wanted(void *arg, bool wanted)
{
    (void)arg;
    node.wanted += wanted;
    node.unwanted += !wanted;
}

/* --- who listens ----------------------------------------------------------------------------- */

struct parent {
    unsigned messages;
    unsigned awaited; /* rooms, for waiting */
    unsigned rooms;   /* that it was told, in all */
    uint32_t room[FUNCTIONS];
    struct hf_load_figures figures;
    bool done;
    uint32_t code;
    struct hf_grpc_client_call *call;
};

static void
on_message(void *arg, const void *message)
{
    struct parent *parent = arg;
    const Hyperfaas__V1__LoadReport *told = message;

    parent->messages++;
    parent->figures = (struct hf_load_figures){
        .calls = told->calls,
        .waiting = told->waiting,
        .starting = told->starting,
        .load_known = told->load_known,
        .load_millis = told->load_millis,
        .disk_bytes = told->disk_bytes,
        .disk_used_bytes = told->disk_used_bytes,
    };
    for (size_t i = 0; i < told->n_rooms; i++) {
        unsigned number = 0;

        CU_ASSERT_EQUAL(sscanf(told->rooms[i]->function_id, "f%u", &number), 1);
        parent->room[number % FUNCTIONS] = told->rooms[i]->room;
        parent->rooms++;
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
listen_to(struct parent *parent, bool with_rooms)
{
    Hyperfaas__V1__LoadRequest message = HYPERFAAS__V1__LOAD_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Load",
        .message = &message.base,
        .response = &hyperfaas__v1__load_report__descriptor,
    };

    memset(parent, 0, sizeof *parent);
    message.rooms = with_rooms;
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_stream(client, &request, on_message, on_done, parent, &parent->call), 0);
}

static bool
has_rooms(void *arg)
{
    const struct parent *parent = arg;

    return parent->messages > 0 && parent->rooms >= parent->awaited;
}

/* Waits for that many rooms in all, and a message. */
static void
hear(struct parent *parent, unsigned count)
{
    parent->awaited = count;
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_rooms, parent, WAIT_NS));
    UNIT_U64(parent->rooms, count);
}

static void
begin(unsigned functions)
{
    struct hf_load_service_config config = { .measure = measure,
                                             .rooms = rooms,
                                             .wanted = on_wanted };
    struct hf_grpc_server_options options;

    memset(&node, 0, sizeof node);
    node.functions = functions;
    for (unsigned i = 0; i < functions; i++) {
        snprintf(node.id[i], sizeof node.id[i], "f%u", i);
        node.told[i] = -1;
        node.room[i] = i + 1;
    }
    hf_grpc_server_options_init(&options);
    options.send_queue_bytes = 1024; /* less than all rooms take */
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    config.loop = loop;
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, &options, &server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_load_service_new(&config, &service, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_load_service_serve(service, server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(server, "127.0.0.1:0", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_new(loop, hf_grpc_server_address(server), NULL, &client, NULL), 0);
}

static void
end(void)
{
    hf_grpc_client_free(client);
    hf_load_service_end(service);
    hf_grpc_server_free(server);
    hf_load_service_free(service);
    hf_h2_thread_release();
    hf_loop_free(loop);
}

/* --- tests ----------------------------------------------------------------------------------- */

static bool
is_unwanted(void *arg)
{
    (void)arg;
    return node.unwanted == 1;
}

static void
nothing_is_measured_for_nobody(void)
{
    struct parent parent;

    begin(0);
    UNIT_U64(node.measured, 0);
    listen_to(&parent, true);
    hear(&parent, 0);
    UNIT_U64(parent.figures.calls, 1);
    UNIT_U64(parent.figures.waiting, 2);
    UNIT_U64(parent.figures.starting, 3);
    CU_ASSERT_TRUE(parent.figures.load_known);
    UNIT_U64(parent.figures.load_millis, 1400);
    UNIT_U64(parent.figures.disk_bytes, 50);
    UNIT_U64(parent.figures.disk_used_bytes, 20);
    UNIT_U64(node.wanted, 1);
    CU_ASSERT_TRUE(hf_load_service_is_wanted(service));
    hf_grpc_client_call_cancel(parent.call);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_unwanted, NULL, WAIT_NS));
    CU_ASSERT_FALSE(hf_load_service_is_wanted(service));
    end();
}

static void
rooms_are_told_once_and_when_they_change(void)
{
    struct parent first;
    struct parent second;

    begin(3);
    listen_to(&first, true);
    hear(&first, 3);
    UNIT_U64(first.room[2], 3);
    node.room[1] = 50;
    hear(&first, 4);
    UNIT_U64(first.room[1], 50);
    listen_to(&second, true); /* all, as it is now */
    hear(&second, 3);
    UNIT_U64(second.room[1], 50);
    UNIT_U64(first.rooms, 4);
    hf_grpc_client_call_cancel(first.call);
    hf_grpc_client_call_cancel(second.call);
    end();
}

static void
who_wants_no_rooms_hears_none(void)
{
    struct parent parent;

    begin(3);
    listen_to(&parent, false);
    hear(&parent, 0);
    hf_grpc_client_call_cancel(parent.call);
    end();
}

static bool
knows_all(void *arg)
{
    const struct parent *parent = arg;

    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (parent->room[i] != i + 1) {
            return false;
        }
    }
    return true;
}

/* Not all fit into what may be unsent: the rest comes with another beat. */
static void
many_rooms_come_in_the_end(void)
{
    struct parent parent;

    begin(FUNCTIONS);
    listen_to(&parent, true);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, knows_all, &parent, WAIT_NS));
    CU_ASSERT_TRUE(parent.messages > 1);
    hf_grpc_client_call_cancel(parent.call);
    end();
}

static bool
is_done(void *arg)
{
    return ((const struct parent *)arg)->done;
}

static void
the_end_is_told(void)
{
    struct parent parent;

    begin(1);
    listen_to(&parent, true);
    hear(&parent, 1);
    hf_load_service_end(service);
    UNIT_U64(node.unwanted, 1);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, &parent, WAIT_NS));
    UNIT_U64(parent.code, HF_GRPC_UNAVAILABLE);
    listen_to(&parent, true);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, &parent, WAIT_NS));
    UNIT_U64(parent.code, HF_GRPC_UNAVAILABLE);
    end();
}

UNIT_MAIN("load-service", UNIT_TEST(nothing_is_measured_for_nobody),
          UNIT_TEST(rooms_are_told_once_and_when_they_change),
          UNIT_TEST(who_wants_no_rooms_hears_none), UNIT_TEST(many_rooms_come_in_the_end),
          UNIT_TEST(the_end_is_told))
