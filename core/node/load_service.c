/*
 * load_service.c - tells others how busy this node is.
 */
#include "node/load_service.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/list.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/timer.h"

#define SERVICE_MAGIC  HF_MAGIC('l', 'd', 's', 'v')
#define LISTENER_MAGIC HF_MAGIC('l', 'd', 'l', 's')

#define BEAT_NS       (500 * HF_MSEC)
#define MAX_LISTENERS 1024
#define ROOMS_AT_ONCE 256 /* in one message */

struct listener {
    uint32_t magic;
    bool rooms;  /* it wants them */
    size_t from; /* those from here on are still to be told, whether they change or not */
    struct hf_list node;
    struct hf_load_service *service;
    struct hf_grpc_call *call;
};

/* What a function has, at this beat. */
struct room {
    Hyperfaas__V1__FunctionRoom message;
    bool changed;
};

struct hf_load_service {
    uint32_t magic;
    bool ended;
    struct hf_load_service_config config;
    struct hf_list listeners;
    uint32_t listener_count;
    struct hf_timer beat;
    uint64_t next_ns; /* of the loop's clock: no beat before, however many come and go */
    struct hf_grpc_method method;
    struct room *rooms;
    size_t room_count;
    size_t room_size; /* allocated */
};

static struct hf_load_service *
service_of(struct hf_grpc_call *call)
{
    return hf_cast(hf_grpc_call_arg(call), struct hf_load_service, SERVICE_MAGIC);
}

/* --- rooms ----------------------------------------------------------------------------------- */

void
hf_load_service_room(struct hf_load_service *service, const char *id, uint32_t room, int64_t *told)
{
    size_t size = service->room_size ? service->room_size * 2 : 64;
    struct room *rooms;

    if (service->room_count == service->room_size) {
        rooms = realloc(service->rooms, size * sizeof *rooms);
        if (!rooms) {
            return; /* it stays what was told last, and is told when there is memory */
        }
        service->rooms = rooms;
        service->room_size = size;
    }
    rooms = &service->rooms[service->room_count++];
    hyperfaas__v1__function_room__init(&rooms->message);
    rooms->message.function_id = (char *)(uintptr_t)id; /* only read */
    rooms->message.room = room;
    rooms->changed = *told != room;
    *told = room;
}

/* --- sending --------------------------------------------------------------------------------- */

static void
listener_end(struct listener *listener, uint32_t code, const char *message)
{
    struct hf_load_service *service = listener->service;

    hf_list_remove(&listener->node);
    hf_grpc_call_finish(listener->call, code, message);
    listener->magic = 0;
    free(listener);
    if (--service->listener_count == 0) {
        hf_timer_cancel(&service->beat);
        if (service->config.wanted) {
            service->config.wanted(service->config.arg, false);
        }
    }
}

HF_COUNTER(load_reports, "Messages in which this node said how busy it is.");

/* Sends the figures with the rooms from `*at` on, as many as go into one message. */
static bool
send_some(struct listener *listener, Hyperfaas__V1__LoadReport *report, size_t *at)
{
    const struct hf_load_service *service = listener->service;
    Hyperfaas__V1__FunctionRoom *rooms[ROOMS_AT_ONCE];
    bool sent;

    report->rooms = rooms;
    report->n_rooms = 0;
    for (; listener->rooms && *at < service->room_count && report->n_rooms < ROOMS_AT_ONCE;
         (*at)++) {
        if (service->rooms[*at].changed || *at >= listener->from) {
            rooms[report->n_rooms++] = &service->rooms[*at].message;
        }
    }
    hf_count(&load_reports);
    sent = hf_grpc_call_send(listener->call, &report->base) == 0;
    report->rooms = NULL; /* they end here */
    report->n_rooms = 0;
    return sent;
}

/* What does not go out now is told at the next beat; a function that has changed its place among
 * the others meanwhile may be missed, and is told when its room changes. */
static void
send_report(struct listener *listener, Hyperfaas__V1__LoadReport *report)
{
    size_t at = 0;
    size_t before;

    do {
        before = at;
        if (!send_some(listener, report, &at)) {
            listener->from = before;
            return;
        }
    } while (listener->rooms && at < listener->service->room_count);
    listener->from = SIZE_MAX;
}

/* What is to be said now. */
static Hyperfaas__V1__LoadReport
measure(struct hf_load_service *service)
{
    Hyperfaas__V1__LoadReport report = HYPERFAAS__V1__LOAD_REPORT__INIT;
    struct hf_load_figures figures = { 0 };

    service->room_count = 0;
    if (service->config.rooms) {
        service->config.rooms(service->config.arg, service);
    }
    service->config.measure(service->config.arg, &figures);
    report.calls = figures.calls;
    report.waiting = figures.waiting;
    report.starting = figures.starting;
    report.load_known = figures.load_known;
    report.load_millis = figures.load_millis;
    report.disk_bytes = figures.disk_bytes;
    report.disk_used_bytes = figures.disk_used_bytes;
    return report;
}

static void
on_beat(struct hf_timer *timer)
{
    struct hf_load_service *service = hf_container_of(timer, struct hf_load_service, beat);
    Hyperfaas__V1__LoadReport report = measure(service);
    struct listener *listener;
    struct listener *next;

    HF_LIST_FOR_SAFE (listener, next, &service->listeners, node) {
        send_report(listener, &report);
    }
    service->next_ns = hf_loop_now(service->config.loop) + BEAT_NS;
    hf_timer_set_at(&service->beat, service->next_ns);
}

/* --- the method ------------------------------------------------------------------------------ */

static void
on_listen(struct hf_grpc_call *call, const void *message)
{
    struct hf_load_service *service = service_of(call);
    const Hyperfaas__V1__LoadRequest *request = message;
    struct listener *listener;

    if (service->ended) {
        hf_grpc_call_finish(call, HF_GRPC_UNAVAILABLE, "this node is shutting down");
        return;
    }
    listener = service->listener_count < MAX_LISTENERS ? calloc(1, sizeof *listener) : NULL;
    if (!listener) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "too many listen already");
        return;
    }
    listener->magic = LISTENER_MAGIC;
    listener->rooms = request->rooms;
    listener->service = service;
    listener->call = call;
    hf_grpc_call_set_state(call, listener);
    hf_list_append(&service->listeners, &listener->node);
    hf_grpc_call_send_headers(call);
    if (service->listener_count++ == 0) {
        hf_timer_set_at(&service->beat,
                        hf_max(service->next_ns, hf_loop_now(service->config.loop)));
        if (service->config.wanted) {
            service->config.wanted(service->config.arg, true);
        }
    }
}

static void
on_cancelled(struct hf_grpc_call *call)
{
    if (hf_grpc_call_state(call)) {
        listener_end(hf_cast(hf_grpc_call_state(call), struct listener, LISTENER_MAGIC),
                     HF_GRPC_CANCELLED, NULL);
    } else {
        hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
    }
}

/* --- the service ----------------------------------------------------------------------------- */

int
hf_load_service_new(const struct hf_load_service_config *config, struct hf_load_service **ret,
                    struct hf_err *err)
{
    struct hf_load_service *service = calloc(1, sizeof *service);

    if (!service) {
        return hf_fail(err, HF_ENOMEM, "no memory for the Load service");
    }
    service->magic = SERVICE_MAGIC;
    service->config = *config;
    hf_list_init(&service->listeners);
    hf_timer_init(&service->beat, config->loop, HF_TIMER_REAL, on_beat);
    *ret = service;
    return 0;
}

int
hf_load_service_serve(struct hf_load_service *service, struct hf_grpc_server *server,
                      struct hf_err *err)
{
    service->method = (struct hf_grpc_method){
        .path = "/hyperfaas.v1.Node/Load",
        .kind = HF_GRPC_SERVER_STREAMING,
        .managed = service->config.managed,
        .request = &hyperfaas__v1__load_request__descriptor,
        .message = on_listen,
        .cancelled = on_cancelled,
    };
    return hf_grpc_server_add(server, &service->method, 1, service) < 0
               ? hf_fail(err, HF_ENOMEM, "can't serve hyperfaas.v1.Node/Load")
               : 0;
}

bool
hf_load_service_is_wanted(const struct hf_load_service *service)
{
    return service->listener_count > 0;
}

void
hf_load_service_end(struct hf_load_service *service)
{
    service->ended = true;
    while (!hf_list_is_empty(&service->listeners)) {
        listener_end(hf_container_of(service->listeners.next, struct listener, node),
                     HF_GRPC_UNAVAILABLE, "this node is shutting down");
    }
}

void
hf_load_service_free(struct hf_load_service *service)
{
    if (service) {
        hf_assert(hf_list_is_empty(&service->listeners));
        hf_timer_fini(&service->beat);
        free(service->rooms);
        service->magic = 0;
        free(service);
    }
}
