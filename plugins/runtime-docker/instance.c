/*
 * instance.c - an instance, from nothing to its removal.
 */
#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "session.h"

/* How soon a removal that the engine refuses is tried again, later each time, and after how many
 * it is said. */
#define REMOVALS  5
#define REMOVE_NS (30 * SECOND_NS)
#define AGAIN_NS  (1 * SECOND_NS)
#define AGAIN_MAX 60

/* How often it is looked, a second after the other, for a container whose making was not answered.
 */
#define CONFIRMATIONS 10

/* What the engine is given beyond the grace to kill and to put things in order. */
#define STOP_MARGIN_NS (30 * SECOND_NS)

static void on_again(void *arg);

/* --- making and finding --------------------------------------------------------------------- */

struct instance *
instance_new(struct hf_runtime *runtime)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance) {
        return NULL;
    }
    instance->runtime = runtime;
    instance->again =
        runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_again, instance);
    if (!instance->again) {
        free(instance);
        return NULL;
    }
    DL_APPEND(runtime->instances, instance);
    return instance;
}

bool
instance_take_id(struct instance *instance, const char *container_id)
{
    struct hf_runtime *runtime = instance->runtime;

    if (!name_instance(container_id, instance->id) || instance_find(runtime, instance->id)) {
        return false;
    }
    instance->container = strdup(container_id);
    if (instance->container) {
        HASH_ADD_STR(runtime->by_id, id, instance);
    }
    return instance->container && instance->hh.tbl;
}

struct instance *
instance_find(const struct hf_runtime *runtime, const char *id)
{
    struct instance *instance;

    HASH_FIND_STR(runtime->by_id, id, instance);
    return instance;
}

const char *
instance_state_name(const struct instance *instance)
{
    static const char *const names[] = {
#define STATE(id, text) [INSTANCE_##id] = (text),
        INSTANCE_STATES
#undef STATE
    };

    return names[instance->state];
}

void
instance_describe(const struct instance *instance, struct hf_instance_info *ret)
{
    *ret = (struct hf_instance_info){
        .size = sizeof(struct hf_instance_info),
        .id = instance->id,
        .name = instance->name,
        .internal_address = instance->internal,
        .external_address = instance->external,
        .function_id = instance->function_id,
        .owner_id = instance->owner_id,
        .ended = instance->state == INSTANCE_LEFT,
        .revision = instance->revision,
    };
}

/* --- forgetting ----------------------------------------------------------------------------- */

static void
instance_free(struct instance *instance)
{
    struct hf_runtime *runtime = instance->runtime;

    engine_cancel(instance->call);
    if (instance->hh.tbl) {
        HASH_DEL(runtime->by_id, instance);
    }
    DL_DELETE(runtime->instances, instance);
    runtime->driver->timer_free(instance->limit);
    runtime->driver->timer_free(instance->again);
    making_fini(&instance->making);
    free(instance->log_end);
    free(instance->container);
    free(instance->function_id);
    free(instance->owner_id);
    free(instance);
}

void
instance_forget(struct instance *instance)
{
    start_end_turn(instance);
    instance->gone = true;
    if (!instance->done) { /* else it is kept until its start is answered */
        stops_answer(&instance->stops, 0, "");
        instance_free(instance);
    }
}

void
instance_destroy(struct instance *instance)
{
    start_end_turn(instance);
    start_answer(instance, HF_ECANCELLED, "the runtime is being closed");
    stops_answer(&instance->stops, HF_ECANCELLED, "the runtime is being closed");
    instance_free(instance);
}

/* --- asking --------------------------------------------------------------------------------- */

void
instance_ask(struct instance *instance, const char *method, const char *rest, uint64_t timeout_ns,
             engine_done_fn *done)
{
    struct hf_runtime *runtime = instance->runtime;
    const struct engine_request request = {
        .method = method,
        .timeout_ns = timeout_ns,
        .done = done,
        .arg = instance,
    };
    struct engine_request whole = request;
    char path[256];

    snprintf(path, sizeof path, "/containers/%s%s",
             instance->container ? instance->container : instance->name, rest);
    whole.path = path;
    if (engine_begin(runtime->engine, &whole, &instance->call, NULL) < 0) {
        instance->unasked = done;
        runtime->driver->timer_set(instance->again, 0);
    }
}

/* --- removal -------------------------------------------------------------------------------- */

/* It may still come to be. */
static bool
is_expected(const struct instance *instance)
{
    return instance->unconfirmed && instance->tries < CONFIRMATIONS;
}

static void
on_removed(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;
    struct hf_runtime *runtime = instance->runtime;

    instance->call = NULL;
    if (reply->code == 0 || (reply->code == HF_ENOTFOUND && !is_expected(instance))) {
        if (reply->code == 0 && instance->stray) {
            runtime->host->log(runtime->host, HF_HOST_NOTICE,
                               "container %s, which nobody used, was removed", instance->name);
        }
        instance_forget(instance);
        return;
    }
    if (reply->code == HF_ENOTFOUND ||
        (reply->code == HF_ECONFLICT && instance->tries < REMOVALS)) {
        instance->tries++; /* it is not made yet, or being removed: that is not the end of it */
        runtime->driver->timer_set(instance->again, (int64_t)AGAIN_NS);
        return;
    }
    stops_answer(&instance->stops, reply->code, reply->message);
    if (reply->lost) { /* if the engine is lost, its return will tell */
        session_doubt(runtime->session);
    }
    if (session_state(runtime->session) == SESSION_LOST) {
        return;
    }
    if (++instance->tries == REMOVALS) {
        runtime->host->log(runtime->host, HF_HOST_WARNING,
                           "container %s cannot be removed, trying again: %s", instance->name,
                           reply->message);
    }
    runtime->driver->timer_set(
        instance->again,
        (int64_t)(AGAIN_NS * (instance->tries < AGAIN_MAX ? instance->tries : AGAIN_MAX)));
}

static void
begin_removal(struct instance *instance)
{
    instance_ask(instance, "DELETE", "?force=1&v=1", REMOVE_NS, on_removed);
}

void
instance_remove(struct instance *instance)
{
    instance->state = INSTANCE_REMOVING;
    instance->tries = 0;
    instance->runtime->driver->timer_set(instance->again, -1);
    begin_removal(instance);
}

void
instance_retry_removal(struct instance *instance)
{
    if (!instance->call && !instance->unasked) {
        instance_remove(instance);
    }
}

/* Answers a call that could not be begun, or tries a removal again. */
static void
on_again(void *arg)
{
    struct instance *instance = arg;
    engine_done_fn *unasked = instance->unasked;
    const struct engine_reply reply = {
        .code = HF_ENOMEM,
        .lost = true,
        .message = "no memory to call the engine",
    };

    if (unasked) {
        instance->unasked = NULL;
        unasked(instance, &reply);
    } else {
        begin_removal(instance);
    }
}

/* --- stopping ------------------------------------------------------------------------------- */

/* However it went: the engine kills what did not end. */
static void
on_stopped(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;

    (void)reply;
    instance->call = NULL;
    instance_remove(instance);
}

static void
begin_stop(struct instance *instance, uint64_t grace_ns)
{
    char rest[64];

    if (grace_ns == 0 || instance->state == INSTANCE_LEFT) {
        instance_remove(instance);
        return;
    }
    instance->state = INSTANCE_STOPPING;
    snprintf(rest, sizeof rest, "/stop?t=%llu",
             (unsigned long long)((grace_ns + SECOND_NS - 1) / SECOND_NS));
    instance_ask(instance, "POST", rest, grace_ns + STOP_MARGIN_NS, on_stopped);
}

int
instance_stop(struct hf_runtime *runtime, const char *instance_id, uint64_t grace_ns,
              hf_runtime_done_fn *done, void *arg, struct hf_err *err)
{
    struct instance *instance = instance_find(runtime, instance_id);

    if (!instance || instance->state < INSTANCE_RUNNING) {
        return stops_refuse(&runtime->later, done, arg, err);
    }
    if (!stops_add(&instance->stops, done, arg)) {
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    if (instance->state == INSTANCE_RUNNING || instance->state == INSTANCE_LEFT) {
        begin_stop(instance, grace_ns);
    } else if (instance->state == INSTANCE_REMOVING) {
        instance_retry_removal(instance);
    }
    return 0;
}
