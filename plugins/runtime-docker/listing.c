/*
 * listing.c - what runs from before, and what the engine has that it should not.
 *
 * Containers of an earlier life of this node stay until `list` has reported them; from then on
 * they are instances like others.
 */
#include "docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "instance.h"
#include "session.h"
#include "streams.h"

struct listing {
    struct hf_runtime *runtime;
    struct listing *prev, *next;
    struct engine_call *call;
    struct objects containers;
    hf_runtime_list_fn *each;
    void *arg;
};

char *
listing_path(const struct hf_runtime *runtime)
{
    char *filters = request_filters(&runtime->template.marks, false);
    char *path = NULL;

    if (!filters || asprintf(&path, "/containers/json?all=1&%s", filters) < 0) {
        path = NULL;
    }
    free(filters);
    return path;
}

/* --- containers that are no instances yet --------------------------------------------------- */

static bool
is_ours(const struct hf_runtime *runtime, const struct listed *listed)
{
    return strcmp(listed->boot, runtime->driver->boot_id) == 0;
}

/* An instance whose container is being made: only its name is known. */
static struct instance *
find_nameless(const struct hf_runtime *runtime, const char *name)
{
    struct instance *instance;

    for (instance = runtime->instances; instance; instance = instance->next) {
        if (!instance->container && strcmp(instance->name, name) == 0) {
            return instance;
        }
    }
    return NULL;
}

static struct instance *
find_listed(const struct hf_runtime *runtime, const struct listed *listed)
{
    char id[INSTANCE_ID_SIZE];
    struct instance *instance = name_instance(listed->id, id) ? instance_find(runtime, id) : NULL;

    return instance ? instance : find_nameless(runtime, listed->name);
}

/* Makes an instance of a container; NULL: no memory. */
static struct instance *
take(struct hf_runtime *runtime, const struct listed *listed, enum instance_state state)
{
    struct instance *instance = instance_new(runtime);

    if (!instance) {
        return NULL;
    }
    instance->function_id = strdup(listed->function_id);
    instance->owner_id = strdup(listed->owner_id);
    if (!instance_take_id(instance, listed->id) || !instance->function_id || !instance->owner_id) {
        instance_forget(instance);
        return NULL;
    }
    snprintf(instance->name, sizeof instance->name, "%s", listed->name);
    snprintf(instance->internal, sizeof instance->internal, "%s",
             *listed->internal ? listed->internal : listed->external);
    snprintf(instance->external, sizeof instance->external, "%s",
             *listed->external ? listed->external : listed->internal);
    instance->revision = listed->revision;
    instance->state = state;
    instance->since = ++runtime->moment;
    return instance;
}

/* --- the operation -------------------------------------------------------------------------- */

static void
finish(struct listing *listing, int code, const char *message)
{
    hf_runtime_list_fn *each = listing->each;
    void *arg = listing->arg;

    DL_DELETE(listing->runtime->listings, listing);
    engine_cancel(listing->call);
    objects_fini(&listing->containers);
    free(listing);
    each(arg, code, message, NULL);
}

/* A container that nobody knows: of a start whose answer was lost, or left over. */
static void
remove_stray(struct hf_runtime *runtime, const struct listed *listed)
{
    struct instance *instance = take(runtime, listed, INSTANCE_REMOVING);

    if (instance) {
        instance->since = 0;
        instance->stray = true;
        instance_remove(instance);
    }
}

/* Makes an instance of what an earlier life of this node has left; what this one has, and nobody
 * knows, goes. */
static void
on_left(void *arg, struct json_object *item)
{
    struct listing *listing = arg;
    struct hf_runtime *runtime = listing->runtime;
    struct listed listed;

    if (!answer_listed(item, &runtime->where, &listed) || find_listed(runtime, &listed)) {
        return;
    }
    if (is_ours(runtime, &listed)) {
        remove_stray(runtime, &listed);
    } else {
        take(runtime, &listed, listed.running ? INSTANCE_RUNNING : INSTANCE_LEFT);
    }
}

static void
on_data(void *arg, const void *data, size_t len)
{
    struct listing *listing = arg;

    objects_add(&listing->containers, data, len, on_left, listing);
}

static void
on_listed(void *arg, const struct engine_reply *reply)
{
    struct listing *listing = arg;
    struct hf_runtime *runtime = listing->runtime;
    const struct instance *instance;

    listing->call = NULL;
    if (reply->code < 0) {
        if (reply->lost) {
            session_doubt(runtime->session);
        }
        finish(listing, reply->code, reply->message);
        return;
    }
    if (!objects_complete(&listing->containers)) {
        finish(listing, HF_EUNAVAILABLE, "the engine's list of containers is not whole");
        return;
    }
    runtime->listed = true;
    for (instance = runtime->instances; instance; instance = instance->next) {
        struct hf_instance_info info;

        if (instance->state == INSTANCE_RUNNING || instance->state == INSTANCE_LEFT) {
            instance_describe(instance, &info);
            listing->each(listing->arg, 0, "", &info);
        }
    }
    finish(listing, 0, "");
}

static int
ask(struct listing *listing, struct hf_err *err)
{
    char *path = listing_path(listing->runtime);
    const struct engine_request request = {
        .method = "GET",
        .path = path,
        .timeout_ns = STEP_NS,
        .done = on_listed,
        .on_data = on_data,
        .brief = true,
        .arg = listing,
    };

    int r = path ? engine_begin(listing->runtime->engine, &request, &listing->call, err)
                 : listing->runtime->host->fail(err, HF_ENOMEM, "out of memory");

    free(path);
    return r;
}

int
listing_begin(struct hf_runtime *runtime, hf_runtime_list_fn *each, void *arg, struct hf_err *err)
{
    struct listing *listing;
    int r = session_check(runtime->session, err);

    if (r < 0) {
        return r;
    }
    listing = calloc(1, sizeof *listing);
    if (!listing) {
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    listing->runtime = runtime;
    listing->each = each;
    listing->arg = arg;
    DL_APPEND(runtime->listings, listing);
    r = session_state(runtime->session) == SESSION_OPEN ? ask(listing, err) : 0;
    if (r < 0) {
        DL_DELETE(runtime->listings, listing);
        free(listing);
    }
    return r;
}

void
listings_go_on(struct hf_runtime *runtime)
{
    struct listing *listing, *next;

    for (listing = runtime->listings; listing; listing = next) {
        next = listing->next;
        if (!listing->call && ask(listing, NULL) < 0) {
            finish(listing, HF_ENOMEM, "no memory to call the engine");
        }
    }
}

void
listings_give_up(struct hf_runtime *runtime, const char *why)
{
    while (runtime->listings) {
        finish(runtime->listings, HF_EUNAVAILABLE, why);
    }
}

void
listings_destroy(struct hf_runtime *runtime)
{
    while (runtime->listings) {
        finish(runtime->listings, HF_ECANCELLED, "the runtime is being closed");
    }
}

/* --- putting in order ----------------------------------------------------------------------- */

void
listing_consider(struct hf_runtime *runtime, struct json_object *container, uint64_t moment)
{
    struct instance *instance;
    struct listed listed;

    if (!answer_listed(container, &runtime->where, &listed)) {
        return;
    }
    instance = find_listed(runtime, &listed);
    if (!instance && (is_ours(runtime, &listed) || runtime->listed)) {
        remove_stray(runtime, &listed);
    } else if (instance && listed.running) {
        instance->seen = moment;
    }
}

void
listing_reconcile(struct hf_runtime *runtime, uint64_t moment)
{
    struct instance *instance, *next;

    for (instance = runtime->instances; instance; instance = next) {
        next = instance->next;
        if (instance->state == INSTANCE_REMOVING) {
            instance_retry_removal(instance);
        } else if (instance->state == INSTANCE_RUNNING && instance->since < moment &&
                   instance->seen != moment) {
            instance_ended(instance);
        }
    }
}
