/*
 * worker-fixture.h - a worker over a runtime that the test plays.
 *
 * The worker is put together by hand around a node, so that the runtime answers when
 * the test says so; a client calls it on the same loop.
 */
#ifndef HF_UNIT_WORKER_FIXTURE_H
#define HF_UNIT_WORKER_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/runtime.h>

#include "base/macros.h"
#include "grpc/client.h"
#include "node/node.h"
#include "node/worker/worker.h"

#define WORKER_LIMIT (10 * HF_SEC)

#define STARTS_MAX 8

struct hf_runtime_op {
    hf_runtime_done_fn *done; /* NULL: ended */
    void *arg;
    bool cancelled;
};

struct hf_runtime {
    struct hf_runtime_op starts[STARTS_MAX];
    uint32_t start_count;
    hf_runtime_done_fn *stop_done; /* of the last stop */
    void *stop_arg;
    char stopped[64]; /* its instance */
    uint32_t stop_count;
    char owner[64]; /* of the last start */
    char image[64]; /* the one that is there */
    struct hf_runtime_op log_op;
    hf_runtime_log_fn *each; /* of a log being read */
    void *each_arg;
    hf_runtime_list_fn *list_each; /* of a listing under way */
    void *list_arg;
    uint32_t list_count;
};

struct worker_fixture {
    struct hf_config *config;
    struct hf_node *node;
    struct hf_loop *loop;
    struct hf_runtime runtime;
    struct hf_worker_role worker;
    struct hf_grpc_client *client;
};

/* A unary call and how it ended. */
struct worker_asked {
    struct hf_grpc_client_call *call;
    bool done;
    uint32_t code;
    char message[256];
    char instance_id[64];
    char internal[64];
    char external[64];
    double memory;
    size_t processors;
};

/* The document of a function. */
extern const char worker_hello[];

/* Makes a node with a worker and a client of it. */
void worker_begin(struct worker_fixture *f);
/* Takes all down; nothing may be left reserved. */
void worker_end(struct worker_fixture *f);
/* Makes a function known, or another one than it was, as if the store had it. */
void worker_put_function(struct worker_fixture *f, const char *id, const char *json);
/* Begins a unary call. */
void worker_call(struct worker_fixture *f, const char *path, const ProtobufCMessage *message,
                 const ProtobufCMessageDescriptor *response, struct worker_asked *ret);
/* Begins a Start, as a leaf of ours does if `start_id` is given. */
void worker_start(struct worker_fixture *f, const char *function, const char *start_id,
                  struct worker_asked *ret);
/* Begins a Stop. */
void worker_stop(struct worker_fixture *f, const char *instance_id, struct worker_asked *ret);
/* Calls SignalReady, which is always OK. */
void worker_signal_ready(struct worker_fixture *f, const char *instance_id);
/* Whether a call (struct worker_asked) has ended; wait_done runs the loop until it has. */
bool worker_is_done(void *arg);
bool worker_wait_done(struct worker_fixture *f, struct worker_asked *asked);
/* Runs until a number is at least `wanted`: of starts, stops, messages heard. */
bool worker_wait_count(struct worker_fixture *f, const uint32_t *value, uint32_t wanted);
/* A start of the runtime ends; on 0 with an instance `id`. */
void worker_created(struct worker_fixture *f, uint32_t start, int code, const char *id, bool ready);
/* The last stop of the runtime ends. */
void worker_stopped(struct worker_fixture *f);
/* An instance ends by itself, with exit code 0. */
void worker_ended(struct worker_fixture *f, const char *id);
/* A listing goes on: tells of an instance, or ends it (`info` NULL). */
void worker_listed(struct worker_fixture *f, int code, const struct hf_instance_info *info);
/* Starts one instance, up to its being ready. */
void worker_start_one(struct worker_fixture *f, const char *id);
/* Whether an operation of the runtime (struct hf_runtime_op) was cancelled. */
bool worker_is_cancelled(void *arg);

#endif
