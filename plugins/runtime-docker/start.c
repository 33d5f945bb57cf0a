/*
 * start.c - the steps of a start: its turn, create, start, inspect.
 *
 * Whether the image is there is found out by creating from it, which costs nothing when it is.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "instance.h"
#include "../kit/json.h"
#include "session.h"

/* Names and ports that are taken before a start gives up. */
#define TRIES 5

static void on_created(void *arg, const struct engine_reply *reply);

/* --- turns ---------------------------------------------------------------------------------- */

static void
wait_for_turn(struct instance *instance)
{
    instance->state = INSTANCE_WAITING;
    DL_APPEND2(instance->runtime->waiting, instance, prev_waiting, next_waiting);
}

static void
leave_queue(struct instance *instance)
{
    DL_DELETE2(instance->runtime->waiting, instance, prev_waiting, next_waiting);
}

void
start_end_turn(struct instance *instance)
{
    if (instance->turn) {
        instance->turn = false;
        instance->runtime->under_way--;
        starts_go_on(instance->runtime);
    }
}

/* --- answers -------------------------------------------------------------------------------- */

void
start_answer(struct instance *instance, int code, const char *message)
{
    hf_runtime_done_fn *done = instance->done;
    struct hf_instance_info info;

    instance->done = NULL;
    if (done) {
        instance_describe(instance, &info);
        done(instance->arg, code, message, code == 0 ? &info : NULL);
    }
}

void
start_fail(struct instance *instance, int code, const char *message)
{
    if (instance->done && instance->verdict == 0) {
        instance->verdict = code;
        snprintf(instance->why, sizeof instance->why, "%s", message);
        instance->runtime->driver->timer_set(instance->limit, 0);
    }
}

/* Nobody waits for it any more: what the engine is doing is the last that it does for it. */
static void
abandon(struct instance *instance)
{
    if (instance->gone) {
        return;
    }
    switch (instance->state) {
    case INSTANCE_WAITING:
        leave_queue(instance);
        instance_forget(instance);
        break;
    case INSTANCE_PULLING:
        images_leave(&instance->waiter);
        instance_forget(instance);
        break;
    case INSTANCE_STARTING:
        instance->unwanted = true;
        start_end_turn(instance);
        break;
    case INSTANCE_RUNNING:
    case INSTANCE_LEFT:
    case INSTANCE_ENDED:
    case INSTANCE_STOPPING:
    case INSTANCE_REMOVING:
        break; /* it is being removed */
    }
}

static const char *
what_takes_so_long(const struct instance *instance)
{
    if (instance->state == INSTANCE_PULLING) {
        return "its image is still being pulled, which goes on";
    }
    if (instance->state == INSTANCE_WAITING) {
        return session_state(instance->runtime->session) == SESSION_OPEN
                   ? "other starts came first ([runtime] parallel_starts)"
                   : "the engine is not there yet";
    }
    return "the engine has not answered";
}

/* The time is over, or the answer is known. */
static void
on_limit(void *arg)
{
    struct instance *instance = arg;

    if (instance->verdict == 0) {
        instance->verdict = HF_ETIMEOUT;
        snprintf(instance->why, sizeof instance->why, "the start took too long: %s",
                 what_takes_so_long(instance));
        abandon(instance);
    }
    start_answer(instance, instance->verdict, instance->why);
    if (instance->gone) {
        instance_forget(instance);
    }
}

static void
on_cancel(struct hf_runtime_op *op)
{
    struct instance *instance = (struct instance *)op;

    start_fail(instance, HF_ECANCELLED, "cancelled");
    abandon(instance);
}

/* A step failed; the container may be there. */
static void
fail_step(struct instance *instance, const struct engine_reply *reply, const char *step)
{
    char message[900];

    snprintf(message, sizeof message, "the engine cannot %s container %s: %s", step, instance->name,
             reply->message);
    start_fail(instance, reply->code == HF_ENOTFOUND ? HF_EUNAVAILABLE : reply->code, message);
    if (reply->lost) {
        session_doubt(instance->runtime->session);
    }
}

/* Counts what the engine has taken for a step. */
static void
count_step(struct instance *instance, struct hf_counter *counter)
{
    const struct hf_runtime *runtime = instance->runtime;
    uint64_t now = runtime->driver->now(runtime->driver);

    runtime->host->count(counter, (now - instance->asked) / 1000);
    instance->asked = now;
}

/* --- start and inspect ---------------------------------------------------------------------- */

static void
on_inspected(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;
    struct hf_runtime *runtime = instance->runtime;

    instance->call = NULL;
    start_end_turn(instance);
    if (instance->unwanted || reply->code < 0) {
        if (reply->code < 0) {
            fail_step(instance, reply, "inspect");
        }
        instance_remove(instance);
        return;
    }
    count_step(instance, runtime->inspect_us);
    answer_inspect(reply->json, &runtime->where, &instance->found);
    if (!instance->found.running) {
        instance_explain(instance);
        return;
    }
    snprintf(instance->internal, sizeof instance->internal, "%s", instance->found.internal);
    snprintf(instance->external, sizeof instance->external, "%s",
             *instance->found.external ? instance->found.external : instance->internal);
    if (!*instance->internal) { /* rootless: only what is published can be reached */
        snprintf(instance->internal, sizeof instance->internal, "%s", instance->external);
    }
    instance->state = INSTANCE_RUNNING;
    instance->since = ++runtime->moment;
    runtime->driver->timer_set(instance->limit, -1);
    start_answer(instance, 0, "");
    if (instance->ended && instance->state == INSTANCE_RUNNING) {
        instance_ended(instance);
    }
}

static void on_started(void *arg, const struct engine_reply *reply);

static void
start(struct instance *instance)
{
    instance_ask(instance, "POST", "/start", START_STEP_NS, on_started);
}

static void
on_started(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;

    instance->call = NULL;
    /* The engine chooses ports from those that the system gives to whoever connects, too. */
    if (reply->code < 0 && !instance->unwanted && answer_is_port_taken(reply->message) &&
        ++instance->tries < TRIES) {
        start(instance);
        return;
    }
    if (instance->unwanted || reply->code < 0) {
        if (reply->code < 0) {
            fail_step(instance, reply, "start");
        }
        start_end_turn(instance);
        instance_remove(instance);
        return;
    }
    count_step(instance, instance->runtime->start_us);
    instance_ask(instance, "GET", "/json", START_STEP_NS, on_inspected);
}

/* --- create --------------------------------------------------------------------------------- */

/* On the node's own host, instances reach it at the gateway of their network. */
static int
write_controller(struct instance *instance)
{
    const char *port = strrchr(instance->making.controller, ':');
    const char *gateway;
    char *address;

    if (!port || strncmp(instance->making.controller, "127.", 4) != 0) {
        return 0;
    }
    gateway = session_gateway(instance->runtime->session);
    if (!*gateway) {
        return 0;
    }
    if (asprintf(&address, "%s%s", gateway, port) < 0) {
        return HF_ENOMEM;
    }
    free(instance->making.controller);
    instance->making.controller = address;
    return 0;
}

static void
make_name(struct instance *instance)
{
    struct hf_runtime *runtime = instance->runtime;
    char seed[128];
    int n = snprintf(seed, sizeof seed, "%s %llu", runtime->driver->boot_id,
                     (unsigned long long)++runtime->made);

    name_container(instance->making.image, runtime->host->hash(seed, (size_t)n), instance->name);
}

static void
create(struct instance *instance)
{
    struct hf_runtime *runtime = instance->runtime;
    struct engine_request request = {
        .method = "POST",
        .timeout_ns = START_STEP_NS,
        .done = on_created,
        .arg = instance,
    };
    char *body = NULL;
    char path[128];

    instance->state = INSTANCE_STARTING;
    make_name(instance);
    if (write_controller(instance) == 0) {
        body = request_create(&runtime->template, &instance->making);
    }
    snprintf(path, sizeof path, "/containers/create?name=%s", instance->name);
    instance->asked = runtime->driver->now(runtime->driver);
    request.path = path;
    request.body = body;
    if (!body || engine_begin(runtime->engine, &request, &instance->call, NULL) < 0) {
        start_fail(instance, HF_ENOMEM, "no memory to make a container");
        instance_forget(instance);
    }
    free(body);
}

static void
on_pulled(struct pull_waiter *waiter, int code, const char *message)
{
    struct instance *instance =
        (struct instance *)((char *)waiter - offsetof(struct instance, waiter));

    if (code < 0) {
        start_fail(instance, code, message);
        instance_forget(instance);
        return;
    }
    instance->pulled = true;
    wait_for_turn(instance);
    starts_go_on(instance->runtime);
}

/* The engine does not have the image: once, it is pulled. */
static void
pull(struct instance *instance, const struct engine_reply *reply)
{
    struct hf_runtime *runtime = instance->runtime;
    const char *why = reply->message;
    char message[640];
    int r = HF_EEXISTS;

    images_note(runtime->images, instance->making.image, false);
    instance->state = INSTANCE_PULLING;
    instance->waiter.done = on_pulled;
    if (!instance->pulled) {
        r = images_pull(runtime->images, instance->making.image, &instance->waiter);
    }
    if (r == 0) {
        start_end_turn(instance);
        return;
    }
    if (r == HF_EUNSUPPORTED) {
        why = "[runtime] pull = never";
    }
    snprintf(message, sizeof message, "image %s is not there: %s", instance->making.image, why);
    start_fail(instance, HF_ENOTFOUND, message);
    instance_forget(instance);
}

/* No container was made, as far as is known. */
static void
on_create_failed(struct instance *instance, const struct engine_reply *reply)
{
    if (reply->code == HF_ENOTFOUND && !instance->unwanted) {
        pull(instance, reply);
    } else if (reply->code == HF_ECONFLICT && !instance->unwanted && ++instance->tries < TRIES) {
        create(instance);
    } else {
        fail_step(instance, reply, "make");
        start_end_turn(instance);
        if (reply->lost) {
            instance->unconfirmed = true;
            instance_remove(instance);
        } else {
            instance_forget(instance);
        }
    }
}

static void
on_created(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;
    struct hf_runtime *runtime = instance->runtime;

    instance->call = NULL;
    if (reply->code < 0) {
        on_create_failed(instance, reply);
        return;
    }
    count_step(instance, runtime->create_us);
    images_note(runtime->images, instance->making.image, true);
    if (!instance_take_id(instance, json_text(JSON_AT(reply->json, "Id")))) {
        start_fail(instance, HF_EINTERNAL, "the engine gave the container no usable id");
        instance->unwanted = true;
    }
    if (instance->unwanted) {
        start_end_turn(instance);
        instance_remove(instance);
        return;
    }
    start(instance);
}

/* --- the beginning -------------------------------------------------------------------------- */

void
starts_go_on(struct hf_runtime *runtime)
{
    while (!runtime->closing && runtime->waiting && runtime->under_way < runtime->parallel &&
           session_state(runtime->session) == SESSION_OPEN) {
        struct instance *instance = runtime->waiting;

        leave_queue(instance);
        instance->turn = true;
        runtime->under_way++;
        create(instance);
    }
}

void
starts_give_up(struct hf_runtime *runtime, const char *why)
{
    while (runtime->waiting) {
        struct instance *instance = runtime->waiting;

        start_fail(instance, HF_EUNAVAILABLE, why);
        abandon(instance);
    }
}

/* The function is the caller's until the start is answered, the container may last longer. */
static bool
copy_spec(struct instance *instance, const struct hf_instance_spec *spec)
{
    const struct hf_function *function = spec->function;
    struct making *making = &instance->making;

    *making = (struct making){
        .image = strdup(function->image),
        .function_id = strdup(function->id),
        .owner_id = strdup(spec->owner_id),
        .controller = strdup(spec->controller_address),
        .memory_bytes = function->memory_bytes,
        .cpu_period_us = function->cpu_period_us,
        .cpu_quota_us = function->cpu_quota_us,
        .revision = spec->revision,
    };
    instance->revision = spec->revision;
    instance->function_id = strdup(function->id);
    instance->owner_id = strdup(spec->owner_id);
    return making->image && making->function_id && making->owner_id && making->controller &&
           instance->function_id && instance->owner_id;
}

int
instance_start(struct hf_runtime *runtime, const struct hf_instance_spec *spec, uint64_t timeout_ns,
               hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    struct instance *instance;
    int r = session_check(runtime->session, err);

    if (r < 0) {
        return r;
    }
    instance = instance_new(runtime);
    if (instance) {
        instance->limit =
            runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_limit, instance);
    }
    if (!instance || !instance->limit || !copy_spec(instance, spec)) {
        if (instance) {
            instance_forget(instance);
        }
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    instance->op.cancel = on_cancel;
    instance->done = done;
    instance->arg = arg;
    runtime->driver->timer_set(instance->limit, (int64_t)timeout_ns);
    wait_for_turn(instance);
    starts_go_on(runtime);
    if (ret) {
        *ret = &instance->op;
    }
    return 0;
}
