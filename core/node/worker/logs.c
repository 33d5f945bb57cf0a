/*
 * logs.c - hyperfaas.v1.Node/Logs: what an instance wrote, as its runtime keeps it.
 *
 * A reader belongs to its call until the caller leaves, and to the runtime until its
 * last piece has come: it is freed when both have ended.
 */
#include <stdlib.h>

#include "base/err.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/worker/worker.h"

#define READER_MAGIC HF_MAGIC('w', 'l', 'o', 'g')

struct reader {
    uint32_t magic;
    struct hf_list node; /* in `log_readers` */
    struct hf_worker_role *worker;
    struct hf_grpc_call *call; /* NULL: finished */
    struct hf_runtime_op *op;
};

static struct reader *
reader_new(struct hf_grpc_call *call)
{
    struct reader *reader = calloc(1, sizeof *reader);

    if (reader) {
        reader->magic = READER_MAGIC;
        reader->worker = hf_cast(hf_grpc_call_arg(call), struct hf_worker_role, HF_WORKER_MAGIC);
        reader->call = call;
        hf_list_append(&reader->worker->log_readers, &reader->node);
        hf_grpc_call_set_state(call, reader);
    }
    return reader;
}

static void
reader_free(struct reader *reader)
{
    hf_list_remove(&reader->node);
    reader->magic = 0;
    free(reader);
}

/* Ends the call; the runtime's last word, which frees the reader, is still to come. */
static void
leave(struct reader *reader, uint32_t code, const char *message)
{
    hf_grpc_call_finish(hf_steal(reader->call), code, message);
    reader->worker->ops->cancel(reader->worker->runtime, reader->op);
}

static void
send_piece(struct reader *reader, const void *data, size_t len)
{
    Hyperfaas__V1__LogChunk chunk = HYPERFAAS__V1__LOG_CHUNK__INIT;

    chunk.data.data = (uint8_t *)(uintptr_t)data; /* only read */
    chunk.data.len = len;
    if (hf_grpc_call_send(reader->call, &chunk.base) == HF_EFULL) {
        leave(reader, HF_GRPC_RESOURCE_EXHAUSTED, "the log was read too slowly");
    }
}

static void
on_piece(void *arg, int code, const void *data, size_t len)
{
    struct reader *reader = hf_cast(arg, struct reader, READER_MAGIC);

    if (data && reader->call) {
        send_piece(reader, data, len);
    } else if (!data) {
        if (reader->call) {
            hf_grpc_call_finish(reader->call, hf_error_to_grpc(code),
                                code < 0 ? "the log cannot be read to its end" : NULL);
        }
        reader_free(reader);
    }
}

static void
on_logs(struct hf_grpc_call *call, const void *message)
{
    const Hyperfaas__V1__LogsRequest *request = message;
    struct hf_worker_role *worker;
    struct hf_err err = HF_ERR_INIT;
    struct reader *reader;
    int r;

    if (!hf_worker_id_fits(call, "instance_id", request->instance_id)) {
        return;
    }
    reader = reader_new(call);
    if (!reader) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "the worker has no memory left");
        return;
    }
    worker = reader->worker;
    r = worker->ops->logs
            ? worker->ops->logs(worker->runtime, request->instance_id, request->tail_lines,
                                request->follow, on_piece, reader, &reader->op, &err)
            : hf_fail(&err, HF_EUNSUPPORTED, "this worker's runtime keeps no logs");
    if (r < 0) {
        reader_free(reader);
        hf_grpc_call_fail(call, r, &err);
    }
}

static void
on_cancelled(struct hf_grpc_call *call)
{
    leave(hf_cast(hf_grpc_call_state(call), struct reader, READER_MAGIC), HF_GRPC_CANCELLED, NULL);
}

void
hf_worker_end_logs(struct hf_worker_role *worker)
{
    struct reader *reader;
    struct reader *next;

    HF_LIST_FOR_SAFE (reader, next, &worker->log_readers, node) {
        if (reader->call) {
            leave(reader, HF_GRPC_UNAVAILABLE, "this worker is shutting down");
        }
    }
}

static const struct hf_grpc_method methods[] = {
    {
        .path = "/hyperfaas.v1.Node/Logs",
        .kind = HF_GRPC_SERVER_STREAMING,
        .managed = true,
        .request = &hyperfaas__v1__logs_request__descriptor,
        .message = on_logs,
        .cancelled = on_cancelled,
    },
};

int
hf_worker_serve_logs(struct hf_worker_role *worker, struct hf_err *err)
{
    int r = hf_grpc_server_add(worker->api, methods, hf_countof(methods), worker);

    return r < 0 ? hf_fail(err, r, "can't serve the logs of instances") : 0;
}
