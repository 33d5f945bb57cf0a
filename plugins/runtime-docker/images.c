/*
 * images.c - which images the engine has, and pulling those that it has not.
 */
#include "images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "../kit/json.h"
#include "session.h"
#include "streams.h"

/* How often a long pull says where it is. */
#define PROGRESS_NS (10 * SECOND_NS)

struct image {
    UT_hash_handle hh;
    char name[];
};

struct pull {
    struct images *images;
    struct pull *prev, *next;
    char *image;
    struct engine_call *call;
    struct hf_host_timer *progress;
    struct objects reports;
    struct pull_waiter *waiters;
    char status[128]; /* the engine's last word */
    char error[512];  /* "": none yet */
};

struct images {
    struct hf_runtime *runtime;
    struct image *present; /* uthash by `name` */
    struct pull *pulls;
    uint64_t timeout_ns;
    bool pulling; /* allowed */
};

/* --- what there is -------------------------------------------------------------------------- */

static struct image *
find(const struct images *images, const char *name)
{
    struct image *image;

    name = name_plain(name);
    HASH_FIND_STR(images->present, name, image);
    return image;
}

static void
forget(struct images *images, struct image *image)
{
    HASH_DEL(images->present, image);
    free(image);
}

/* Until the engine's images are all known, the session says nothing of them. */
static void
report(const struct images *images)
{
    const struct hf_runtime *runtime = images->runtime;

    if (session_state(runtime->session) == SESSION_OPEN) {
        runtime->events->on_images(runtime->events_arg);
    }
}

void
images_note(struct images *images, const char *name, bool present)
{
    struct image *image = find(images, name);
    size_t len;

    if (!present && image) {
        forget(images, image);
        report(images);
    } else if (present && !image) {
        name = name_plain(name);
        len = strlen(name);
        image = calloc(1, sizeof *image + len + 1);
        if (image) {
            memcpy(image->name, name, len + 1);
            HASH_ADD_STR(images->present, name, image);
            report(images);
        }
    }
}

void
images_clear(struct images *images)
{
    while (images->present) {
        forget(images, images->present);
    }
}

void
images_take(struct images *images, struct json_object *image)
{
    struct json_object *tag;

    for (size_t i = 0; (tag = json_item(JSON_AT(image, "RepoTags"), i)); i++) {
        images_note(images, json_text(tag), true);
    }
}

bool
images_present(const struct images *images, const char *image)
{
    return find(images, image) != NULL;
}

size_t
images_count(const struct images *images)
{
    return HASH_COUNT(images->present);
}

/* --- pulls ---------------------------------------------------------------------------------- */

static void
pull_free(struct pull *pull)
{
    struct images *images = pull->images;

    DL_DELETE(images->pulls, pull);
    engine_cancel(pull->call);
    images->runtime->driver->timer_free(pull->progress);
    objects_fini(&pull->reports);
    free(pull->image);
    free(pull);
}

static void
on_progress(void *arg)
{
    struct pull *pull = arg;
    struct hf_runtime *runtime = pull->images->runtime;

    runtime->host->log(runtime->host, HF_HOST_INFO, "pulling image %s: %s", pull->image,
                       pull->status);
    runtime->driver->timer_set(pull->progress, PROGRESS_NS);
}

static void
on_report(void *arg, struct json_object *value)
{
    struct pull *pull = arg;
    struct json_object *progress = JSON_AT(value, "progressDetail");
    const char *error = answer_pull_error(value);
    long long total = json_number(JSON_AT(progress, "total"));

    if (error) {
        snprintf(pull->error, sizeof pull->error, "%s", error);
    } else if (total > 0) {
        snprintf(pull->status, sizeof pull->status, "%.60s, %lld of %lld KiB",
                 answer_pull_status(value),
                 (long long)json_number(JSON_AT(progress, "current")) / 1024, total / 1024);
    } else if (*answer_pull_status(value)) {
        snprintf(pull->status, sizeof pull->status, "%.120s", answer_pull_status(value));
    }
}

static void
on_data(void *arg, const void *data, size_t len)
{
    struct pull *pull = arg;

    objects_add(&pull->reports, data, len, on_report, pull);
}

/* Tells all who wait.  They may pull again, which is another pull. */
static void
finish(struct pull *pull, int code, const char *message)
{
    struct pull_waiter *waiters = pull->waiters;
    struct pull_waiter *waiter;

    pull->waiters = NULL;
    pull_free(pull);
    for (waiter = waiters; waiter; waiter = waiter->next) {
        waiter->pull = NULL;
    }
    while ((waiter = waiters)) {
        DL_DELETE(waiters, waiter);
        waiter->done(waiter, code, message);
    }
}

static void
on_pulled(void *arg, const struct engine_reply *reply)
{
    struct pull *pull = arg;
    struct images *images = pull->images;
    const struct hf_host *host = images->runtime->host;
    const char *why = reply->message;
    char message[900];

    pull->call = NULL;
    if (pull->error[0]) { /* it comes in a stream that was begun with 200 */
        why = pull->error;
    } else if (reply->code == 0) {
        host->log(host, HF_HOST_NOTICE, "image %s was pulled", pull->image);
        images_note(images, pull->image, true);
        finish(pull, 0, "");
        return;
    }
    snprintf(message, sizeof message, "image %s is not there and cannot be pulled: %s", pull->image,
             why);
    host->log(host, HF_HOST_NOTICE, "%s", message);
    finish(pull, HF_ENOTFOUND, message);
}

static int
begin(struct pull *pull)
{
    struct images *images = pull->images;
    const char *tag;
    char *repository = name_repository(pull->image, &tag);
    char *escaped = repository ? name_escape(repository) : NULL;
    char *escaped_tag = name_escape(tag);
    char *path = NULL;
    struct engine_request request = {
        .method = "POST",
        .timeout_ns = images->timeout_ns,
        .done = on_pulled,
        .on_data = on_data,
        .arg = pull,
    };
    int r;

    if (!escaped || !escaped_tag ||
        asprintf(&path, "/images/create?fromImage=%s&tag=%s", escaped, escaped_tag) < 0) {
        path = NULL;
    }
    request.path = path;
    r = path ? engine_begin(images->runtime->engine, &request, &pull->call, NULL) : HF_ENOMEM;
    free(repository);
    free(escaped);
    free(escaped_tag);
    free(path);
    return r;
}

static struct pull *
pull_new(struct images *images, const char *image)
{
    struct hf_runtime *runtime = images->runtime;
    struct pull *pull = calloc(1, sizeof *pull);

    if (!pull) {
        return NULL;
    }
    pull->images = images;
    pull->reports.by_line = true;
    DL_APPEND(images->pulls, pull);
    pull->image = strdup(image);
    pull->progress = runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_progress, pull);
    if (!pull->image || !pull->progress || begin(pull) < 0) {
        pull_free(pull);
        return NULL;
    }
    runtime->host->log(runtime->host, HF_HOST_NOTICE, "pulling image %s", image);
    runtime->driver->timer_set(pull->progress, PROGRESS_NS);
    return pull;
}

int
images_pull(struct images *images, const char *image, struct pull_waiter *waiter)
{
    struct pull *pull;

    if (!images->pulling) {
        return HF_EUNSUPPORTED;
    }
    for (pull = images->pulls; pull; pull = pull->next) {
        if (strcmp(pull->image, image) == 0) {
            break;
        }
    }
    if (!pull) {
        pull = pull_new(images, image);
    }
    if (!pull) {
        return HF_ENOMEM;
    }
    waiter->pull = pull;
    DL_APPEND(pull->waiters, waiter);
    return 0;
}

void
images_leave(struct pull_waiter *waiter)
{
    if (waiter->pull) {
        DL_DELETE(waiter->pull->waiters, waiter);
        waiter->pull = NULL;
    }
}

void
images_show(const struct images *images, struct hf_text *text)
{
    const struct pull *pull;

    images->runtime->host->print(text, "images %zu\n", images_count(images));
    for (pull = images->pulls; pull; pull = pull->next) {
        images->runtime->host->print(text, "pulling %s %s\n", pull->image, pull->status);
    }
}

/* --- beginning and end ---------------------------------------------------------------------- */

int
images_new(struct hf_runtime *runtime, struct images **ret, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    struct images *images = calloc(1, sizeof *images);

    if (!images) {
        return host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    images->runtime = runtime;
    images->pulling = strcmp(host->option_string(runtime->options, "pull"), "missing") == 0;
    images->timeout_ns = host->option_u64(runtime->options, "pull_timeout");
    *ret = images;
    return 0;
}

void
images_free(struct images *images)
{
    if (!images) {
        return;
    }
    while (images->pulls) {
        pull_free(images->pulls);
    }
    while (images->present) {
        forget(images, images->present);
    }
    free(images);
}
