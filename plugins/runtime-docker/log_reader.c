/*
 * log_reader.c - reads the log of an instance, which the engine keeps.
 */
#include "docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "instance.h"
#include "streams.h"

/* For a log that is not followed to come to its end. */
#define READ_NS (60 * SECOND_NS)

struct log_reader {
    struct hf_runtime_op op; /* first: handed out */
    struct hf_runtime *runtime;
    struct log_reader *prev, *next;
    struct engine_call *call;    /* NULL: it was cancelled */
    struct hf_host_timer *timer; /* answers a cancel */
    struct demux demux;
    hf_runtime_log_fn *each;
    void *arg;
};

static void
reader_free(struct log_reader *reader)
{
    DL_DELETE(reader->runtime->readers, reader);
    engine_cancel(reader->call);
    reader->runtime->driver->timer_free(reader->timer);
    free(reader);
}

static void
finish(struct log_reader *reader, int code)
{
    hf_runtime_log_fn *each = reader->each;
    void *arg = reader->arg;

    reader_free(reader);
    each(arg, code, NULL, 0);
}

static void
on_cancelled(void *arg)
{
    finish(arg, HF_ECANCELLED);
}

static void
on_cancel(struct hf_runtime_op *op)
{
    struct log_reader *reader = (struct log_reader *)op;

    engine_cancel(reader->call);
    reader->call = NULL;
    reader->runtime->driver->timer_set(reader->timer, 0);
}

static void
on_piece(void *arg, const void *data, size_t len)
{
    struct log_reader *reader = arg;

    if (reader->call) { /* the piece before may have been the last that was wanted */
        reader->each(reader->arg, 0, data, len);
    }
}

static void
on_data(void *arg, const void *data, size_t len)
{
    struct log_reader *reader = arg;

    demux_add(&reader->demux, data, len, on_piece, reader);
}

static void
on_done(void *arg, const struct engine_reply *reply)
{
    struct log_reader *reader = arg;

    reader->call = NULL;
    finish(reader, reply->code);
}

static int
begin(struct log_reader *reader, const struct instance *instance, uint32_t tail, bool follow,
      struct hf_err *err)
{
    struct engine_request request = {
        .method = "GET",
        .timeout_ns = follow ? 0 : READ_NS,
        .done = on_done,
        .on_data = on_data,
        .arg = reader,
    };
    char path[192], lines[16] = "all";

    if (tail > 0) {
        snprintf(lines, sizeof lines, "%u", tail);
    }
    snprintf(path, sizeof path, "/containers/%s/logs?stdout=1&stderr=1&follow=%d&tail=%s",
             instance->container, follow, lines);
    request.path = path;
    return engine_begin(reader->runtime->engine, &request, &reader->call, err);
}

int
log_reader_begin(struct hf_runtime *runtime, const char *instance_id, uint32_t tail, bool follow,
                 hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    const struct instance *instance = instance_find(runtime, instance_id);
    struct log_reader *reader;
    int r;

    if (!instance) {
        return runtime->host->fail(err, HF_ENOTFOUND,
                                   "there is no instance '%.40s'; logs go with their containers",
                                   instance_id);
    }
    reader = calloc(1, sizeof *reader);
    if (!reader) {
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    reader->op.cancel = on_cancel;
    reader->runtime = runtime;
    reader->each = each;
    reader->arg = arg;
    DL_APPEND(runtime->readers, reader);
    reader->timer =
        runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_cancelled, reader);
    r = reader->timer ? begin(reader, instance, tail, follow, err)
                      : runtime->host->fail(err, HF_ENOMEM, "out of memory");
    if (r < 0) {
        reader_free(reader);
    } else if (ret) {
        *ret = &reader->op;
    }
    return r;
}

void
log_readers_destroy(struct hf_runtime *runtime)
{
    while (runtime->readers) {
        finish(runtime->readers, HF_ECANCELLED);
    }
}
