/*
 * session.c - whether the engine is there, and what happens on it.
 */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "images.h"
#include "instance.h"
#include "streams.h"

#define PING_NS      (5 * SECOND_NS)
#define RETRY_MIN_NS (SECOND_NS / 5)
#define RETRY_MAX_NS (5 * SECOND_NS)

/* What this node, or an earlier life of it, has asked for may be made after its answer was given
 * up: so long after the first listing there is another one, then now and then, and soon if there is
 * a sign of it. */
#define SWEEP_NS       (10 * SECOND_NS)
#define SWEEP_LATER_NS (60 * SECOND_NS)
#define SWEEP_SOON_NS  (1 * SECOND_NS)

/* Podman 5.2 sends no headers of a stream before there is an event: so long are they waited for. */
#define HEADERS_NS SECOND_NS

struct session {
    struct hf_runtime *runtime;
    enum session_state state;
    bool complained;
    struct engine_call *ping;
    struct engine_call *events;
    struct engine_call *step;    /* of those between the ping and being open, one by one */
    struct hf_host_timer *timer; /* the next ping, the end of waiting for headers, or the sweep */
    struct objects happened;     /* what `events` tells */
    struct objects listed;       /* of the step, if that is a list */
    bool soon;                   /* the next sweep is */
    uint64_t retry_ns;
    uint64_t since_ns;  /* the engine's time from which events are wanted */
    uint64_t listed_at; /* the moment of the listing */
    char gateway[64];
    bool guessed;      /* `gateway` */
    bool gateway_said; /* that it is a guess, or not known */
    char trouble[512];
};

static void ping(struct session *session);
static void on_timer(void *arg);

enum session_state
session_state(const struct session *session)
{
    return session->state;
}

const char *
session_state_name(const struct session *session)
{
    static const char *const names[] = {
        [SESSION_OPENING] = "connecting",
        [SESSION_OPEN] = "up",
        [SESSION_LOST] = "down",
    };

    return names[session->state];
}

const char *
session_trouble(const struct session *session)
{
    return session->trouble;
}

static void
warn_of_gateway(const struct session *session)
{
    const struct hf_host *host = session->runtime->host;
    const char *network = session->runtime->where.network;

    network = *network ? network : "bridge";
    if (*session->gateway) {
        host->log(host, HF_HOST_WARNING,
                  "network %s names no gateway: instances are told to reach the worker at %s, its "
                  "first address, which is a guess; set [worker] controller_address if it is wrong",
                  network, session->gateway);
    } else {
        host->log(host, HF_HOST_WARNING,
                  "network %s has no gateway: instances are told to reach the worker at this "
                  "machine's own 127.0.0.1, which is another one inside a container; set [worker] "
                  "controller_address",
                  network);
    }
}

const char *
session_gateway(struct session *session)
{
    bool is_host = strcmp(session->runtime->where.network, "host") == 0;

    if ((session->guessed || !*session->gateway) && !is_host && !session->gateway_said) {
        session->gateway_said = true;
        warn_of_gateway(session);
    }
    return session->gateway;
}

int
session_check(const struct session *session, struct hf_err *err)
{
    return session->state == SESSION_LOST
               ? session->runtime->host->fail(err, HF_EUNAVAILABLE, "%s", session->trouble)
               : 0;
}

/* --- loss and return ------------------------------------------------------------------------ */

static void
drop_calls(struct session *session)
{
    engine_cancel(session->ping);
    engine_cancel(session->events);
    engine_cancel(session->step);
    session->ping = session->events = session->step = NULL;
    objects_fini(&session->happened);
    objects_fini(&session->listed);
}

/* The engine cannot be used: says so once, fails what waits, tries again later. */
static void
lose(struct session *session, const char *why)
{
    struct hf_runtime *runtime = session->runtime;
    uint64_t jitter = runtime->driver->random(runtime->driver) % 1000;

    drop_calls(session);
    session->state = SESSION_LOST;
    snprintf(session->trouble, sizeof session->trouble, "the engine at %s cannot be used: %.350s",
             engine_where(runtime->engine), why);
    session->retry_ns = session->retry_ns * 2 < RETRY_MAX_NS ? session->retry_ns * 2 : RETRY_MAX_NS;
    runtime->driver->timer_set(session->timer,
                               (int64_t)(session->retry_ns * (750 + jitter / 2) / 1000));
    if (!session->complained) {
        session->complained = true;
        runtime->events->on_health(runtime->events_arg, false, session->trouble);
    }
    listings_give_up(runtime, session->trouble);
    starts_give_up(runtime, session->trouble);
}

static void
open_up(struct session *session)
{
    struct hf_runtime *runtime = session->runtime;
    const struct hf_host *host = runtime->host;

    session->state = SESSION_OPEN;
    session->retry_ns = RETRY_MIN_NS;
    host->log(host, HF_HOST_INFO, "engine at %s: API %s, %zu images", engine_where(runtime->engine),
              engine_version(runtime->engine), images_count(runtime->images));
    if (session->complained) {
        session->complained = false;
        runtime->events->on_health(runtime->events_arg, true, "the engine answers");
    }
    runtime->events->on_images(runtime->events_arg);
    runtime->driver->timer_set(session->timer, SWEEP_NS);
    listings_go_on(runtime);
    starts_go_on(runtime);
}

/* There may be what nobody knows: looks soon. */
static void
sweep_soon(struct session *session)
{
    const struct hf_runtime *runtime = session->runtime;

    if (session->state == SESSION_OPEN && !session->step && !session->soon) {
        runtime->driver->timer_set(session->timer, (int64_t)SWEEP_SOON_NS);
    }
    session->soon = true; /* else after the one that is under way */
}

void
session_doubt(struct session *session)
{
    if (session->state == SESSION_OPEN && !session->ping) {
        ping(session);
    }
}

/* --- steps ---------------------------------------------------------------------------------- */

/* Asks; `on_data` takes what comes, if that is a list. */
static void
step(struct session *session, const char *path, engine_done_fn *done,
     void (*on_data)(void *arg, const void *data, size_t len))
{
    const struct engine_request request = {
        .method = "GET",
        .path = path,
        .timeout_ns = STEP_NS,
        .done = done,
        .on_data = on_data,
        .brief = true,
        .arg = session,
    };

    objects_fini(&session->listed);
    if (!path || engine_begin(session->runtime->engine, &request, &session->step, NULL) < 0) {
        lose(session, "no memory to call it");
    }
}

/* The last step. */
static void
on_network(void *arg, const struct engine_reply *reply)
{
    struct session *session = arg;
    char why[400];

    session->step = NULL;
    if (reply->code < 0) {
        snprintf(why, sizeof why, "its network cannot be looked at ([runtime] network): %.300s",
                 reply->message);
        lose(session, why);
        return;
    }
    session->guessed = false;
    if (!answer_gateway(reply->json, session->gateway)) {
        session->guessed = !engine_interface(session->runtime->engine, answer_bridge(reply->json),
                                             session->gateway);
    }
    open_up(session);
}

static void
look_at_network(struct session *session)
{
    const char *network = session->runtime->where.network;
    char *escaped = name_escape(*network ? network : "bridge");
    char *path = NULL;

    if (!escaped || asprintf(&path, "/networks/%s", escaped) < 0) {
        path = NULL;
    }
    step(session, path, on_network, NULL);
    free(path);
    free(escaped);
}

/* A list has come: false if it was lost, or is none. */
static bool
is_whole(struct session *session, const struct engine_reply *reply, const char *what)
{
    char why[80];

    session->step = NULL;
    if (reply->code < 0) {
        lose(session, reply->message);
        return false;
    }
    if (!objects_complete(&session->listed)) {
        snprintf(why, sizeof why, "its list of %s is not whole", what);
        lose(session, why);
        return false;
    }
    return true;
}

static void
on_image(void *arg, struct json_object *image)
{
    struct session *session = arg;

    images_take(session->runtime->images, image);
}

static void
on_image_data(void *arg, const void *data, size_t len)
{
    struct session *session = arg;

    objects_add(&session->listed, data, len, on_image, session);
}

static void
on_images(void *arg, const struct engine_reply *reply)
{
    struct session *session = arg;

    if (is_whole(session, reply, "images")) {
        look_at_network(session);
    }
}

static void
list_images(struct session *session)
{
    images_clear(session->runtime->images);
    step(session, "/images/json", on_images, on_image_data);
}

static void
on_container(void *arg, struct json_object *container)
{
    struct session *session = arg;

    listing_consider(session->runtime, container, session->listed_at);
}

static void
on_container_data(void *arg, const void *data, size_t len)
{
    struct session *session = arg;

    objects_add(&session->listed, data, len, on_container, session);
}

static void
on_containers(void *arg, const struct engine_reply *reply)
{
    struct session *session = arg;

    const struct hf_runtime *runtime = session->runtime;

    if (!is_whole(session, reply, "containers")) {
        return;
    }
    listing_reconcile(session->runtime, session->listed_at);
    if (session->state == SESSION_OPEN) { /* it was a sweep */
        runtime->driver->timer_set(session->timer,
                                   (int64_t)(session->soon ? SWEEP_SOON_NS : SWEEP_LATER_NS));
    } else {
        list_images(session);
    }
}

static void
list_containers(struct session *session)
{
    char *path = listing_path(session->runtime);

    session->listed_at = ++session->runtime->moment;
    session->soon = false;
    step(session, path, on_containers, on_container_data);
    free(path);
}

/* --- events --------------------------------------------------------------------------------- */

static void
on_event(void *arg, struct json_object *value)
{
    struct session *session = arg;
    const struct hf_host *host = session->runtime->host;
    struct instance *instance = NULL;
    char id[INSTANCE_ID_SIZE];
    struct event event;

    answer_event(value, &event);
    if (event.time_ns > session->since_ns) {
        session->since_ns = event.time_ns;
    }
    if (event.kind == EVENT_MADE) {
        if (session->runtime->listed && *event.boot &&
            strcmp(event.boot, session->runtime->driver->boot_id) != 0) {
            sweep_soon(session); /* an earlier life of this node had asked for it */
        }
    } else if (event.kind != EVENT_OTHER && name_instance(event.id, id)) {
        instance = instance_find(session->runtime, id);
    }
    if (instance) {
        if (event.killed && instance->state == INSTANCE_STOPPING) {
            host->log(host, HF_HOST_NOTICE, "instance %s did not end when asked to: it was killed",
                      instance->id);
        }
        instance_ended(instance);
    }
}

static void
on_event_data(void *arg, const void *data, size_t len)
{
    struct session *session = arg;

    objects_add(&session->happened, data, len, on_event, session);
}

static void
on_event_headers(void *arg)
{
    struct session *session = arg;

    if (session->state != SESSION_OPEN && !session->step) {
        session->runtime->driver->timer_set(session->timer, -1);
        list_containers(session);
    }
}

/* Whatever ends it, things may have happened that were not reported. */
static void
on_events_end(void *arg, const struct engine_reply *reply)
{
    struct session *session = arg;

    session->events = NULL;
    lose(session, reply->code == 0 ? "it ended the stream of events" : reply->message);
}

static void
subscribe(struct session *session)
{
    struct hf_runtime *runtime = session->runtime;
    char *filters = request_filters(&runtime->template.marks, true);
    char *path = NULL;
    struct engine_request request = {
        .method = "GET",
        .done = on_events_end,
        .on_data = on_event_data,
        .on_headers = on_event_headers,
        .arg = session,
    };

    if (filters &&
        asprintf(&path, "/events?since=%" PRIu64 ".%09" PRIu64 "&%s", session->since_ns / SECOND_NS,
                 session->since_ns % SECOND_NS, filters) < 0) {
        path = NULL;
    }
    request.path = path;
    if (!path || engine_begin(runtime->engine, &request, &session->events, NULL) < 0) {
        lose(session, "no memory to call it");
    } else {
        runtime->driver->timer_set(session->timer, HEADERS_NS);
    }
    free(path);
    free(filters);
}

/* --- pings ---------------------------------------------------------------------------------- */

static void
on_pinged(void *arg, int code, const char *message, uint64_t date)
{
    struct session *session = arg;

    session->ping = NULL;
    if (code < 0) {
        lose(session, message);
        return;
    }
    if (session->state == SESSION_OPEN) { /* it was only doubted; what was lost may be done */
        sweep_soon(session);
        return;
    }
    session->state = SESSION_OPENING;
    if (session->since_ns == 0) {
        session->since_ns = date * SECOND_NS;
    }
    subscribe(session);
}

static void
ping(struct session *session)
{
    const struct hf_runtime *runtime = session->runtime;

    if (engine_ping(runtime->engine, PING_NS, on_pinged, session, &session->ping, NULL) < 0) {
        lose(session, "no memory to call it");
    }
}

static void
on_timer(void *arg)
{
    struct session *session = arg;

    if (session->events) { /* no headers came, or it is time for the sweep */
        list_containers(session);
    } else {
        ping(session);
    }
}

/* --- beginning and end ---------------------------------------------------------------------- */

int
session_new(struct hf_runtime *runtime, struct session **ret, struct hf_err *err)
{
    struct session *session = calloc(1, sizeof *session);

    if (session) {
        session->runtime = runtime;
        session->happened.by_line = true;
        session->retry_ns = RETRY_MIN_NS / 2;
        session->timer =
            runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_timer, session);
    }
    if (!session || !session->timer) {
        free(session);
        return runtime->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    runtime->driver->timer_set(session->timer, 0);
    *ret = session;
    return 0;
}

void
session_free(struct session *session)
{
    if (session) {
        drop_calls(session);
        session->runtime->driver->timer_free(session->timer);
        free(session);
    }
}
