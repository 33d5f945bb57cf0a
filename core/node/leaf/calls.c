/*
 * calls.c - starting and stopping instances at a worker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "node/leaf/leaf.h"
#include "node/node.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(leaf);

/* A stop that failed is sent again after pauses of this and more. */
#define STOP_RETRY_MIN_NS (1 * HF_SEC)
#define STOP_RETRY_MAX_NS (30 * HF_SEC)

/* So many failures in a row are more than a worker that is busy. */
#define STOP_FAILURES_NOTED 4

/* An existing worker has one code for all that goes wrong: after so many answers it is believed
 * that the instance is not there to be stopped. */
#define STOP_ANSWERS_EXISTING 5

/* A start under way. */
struct start {
    struct hf_list node;
    struct hf_leaf_worker *worker;
    struct hf_grpc_client_call *call;
    hf_worker_started_fn *done;
    void *arg;
    char function_id[];
};

/* A stop that the worker has not confirmed. */
struct stop {
    struct hf_list node;
    struct hf_leaf_worker *worker;
    struct hf_grpc_client_call *call; /* NULL: waiting to be sent again */
    struct hf_timer again;
    struct hf_backoff backoff;
    uint32_t failures;
    void (*done)(void *arg); /* may be NULL */
    void *arg;
    char instance_id[];
};

/* Existing workers may leave an address out, or say MOCK_RUNTIME_NO_IP. */
static bool
is_address(const char *text)
{
    return text && strchr(text, ':');
}

const char *
hf_leaf_worker_choose(const struct hf_leaf_worker *worker, const char *internal,
                      const char *external)
{
    bool in = worker->leaf->containerized;
    const char *wanted = in ? internal : external;
    const char *other = in ? external : internal;

    if (is_address(wanted)) {
        return wanted;
    }
    return is_address(other) ? other : NULL;
}

/* --- starts -------------------------------------------------------------- */

bool
hf_leaf_worker_is_starting(const struct hf_leaf_worker *worker, const char *function_id)
{
    const struct start *start;

    HF_LIST_FOR (start, &worker->starts, node) {
        if (strcmp(start->function_id, function_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the start off the books and tells its owner; the caller frees it. */
static void
start_ended(struct start *start, const struct hf_remote_instance *instance, int code,
            const char *why)
{
    hf_list_remove(&start->node);
    start->worker->start_count--;
    if (code == HF_ETIMEOUT || code == HF_ECANCELLED) { /* the worker may go on with it */
        hf_leaf_worker_gave_up(start->worker, start->function_id);
    }
    start->done(start->arg, instance, code, why);
}

/* The instance can't be called: has it stopped, since nobody else will. */
static void
unreachable(struct start *start, const Worker__StartResponse *response)
{
    char why[256];

    snprintf(why, sizeof why,
             "the worker gave no address for instance '%s', but '%s' and '%s' (internal, external)",
             response->instance_id, response->instance_internal_ip, response->instance_external_ip);
    if (*response->instance_id) {
        hf_leaf_worker_stop(start->worker, response->instance_id, NULL, NULL, NULL);
    }
    start_ended(start, NULL, HF_EUNAVAILABLE, why);
}

static void
take_answer(struct start *start, const struct hf_grpc_result *result)
{
    const struct hf_leaf_worker *worker = start->worker;
    const Worker__StartResponse *response = result->response;
    struct hf_remote_instance instance;

    if (result->code != HF_GRPC_OK) {
        start_ended(start, NULL, hf_grpc_code_to_error(result->code), result->message);
        return;
    }
    instance = (struct hf_remote_instance){
        .id = response->instance_id,
        .name = response->instance_name,
        .address = hf_leaf_worker_choose(worker, response->instance_internal_ip,
                                         response->instance_external_ip),
        .leaf_id = hf_node_id(worker->leaf->front.node),
    };
    hf_leaf_worker_claimed(start->worker, instance.id);
    if (!instance.address || !*instance.id) {
        unreachable(start, response);
        return;
    }
    start_ended(start, &instance, 0, "");
}

static void
on_started(void *arg, const struct hf_grpc_result *result)
{
    struct start *start = arg;

    start->call = NULL;
    take_answer(start, result);
    hf_leaf_worker_stop_strays(start->worker, start->function_id, NULL, NULL);
    free(start);
}

int
hf_leaf_worker_start(struct hf_leaf_worker *worker, const char *function_id, uint64_t revision,
                     const char *start_id, hf_worker_started_fn *done, void *arg,
                     struct hf_err *err)
{
    Worker__StartRequest message = WORKER__START_REQUEST__INIT;
    struct hf_h2_fields *metadata = hf_h2_fields_new();
    const char *leaf_id = hf_node_id(worker->leaf->front.node);
    size_t len = strlen(function_id) + 1;
    struct start *start = calloc(1, sizeof *start + len);
    struct hf_grpc_request request = {
        .path = "/worker.Worker/Start",
        .message = &message.base,
        .response = &worker__start_response__descriptor,
        .timeout_ns = worker->leaf->start_timeout_ns,
        .metadata = metadata,
    };
    char newest[24];
    int r = HF_ENOMEM;

    snprintf(newest, sizeof newest, "%llu", (unsigned long long)revision);
    message.function_id = (char *)(uintptr_t)function_id; /* only read */
    if (metadata && start) {
        hf_h2_fields_set(metadata, HF_H2_HYPERFAAS_LEAF, leaf_id, strlen(leaf_id));
        hf_h2_fields_set(metadata, HF_H2_HYPERFAAS_REVISION, newest, strlen(newest));
        hf_h2_fields_set(metadata, HF_H2_HYPERFAAS_START_ID, start_id, strlen(start_id));
        *start = (struct start){ .worker = worker, .done = done, .arg = arg };
        memcpy(start->function_id, function_id, len);
        r = hf_grpc_client_unary(worker->link.client, &request, on_started, start, &start->call);
    }
    hf_h2_fields_unref(metadata);
    if (r < 0) {
        free(start);
        return hf_fail(err, r, "worker '%s': no memory for a start", worker->link.address);
    }
    hf_list_append(&worker->starts, &start->node);
    worker->start_count++;
    return 0;
}

static void
cancel_starts(struct hf_leaf_worker *worker)
{
    struct start *start;

    while ((start = hf_list_first(&worker->starts, struct start, node))) {
        hf_grpc_client_call_cancel(start->call);
        start_ended(start, NULL, HF_ECANCELLED, "this node is shutting down");
        free(start);
    }
}

uint32_t
hf_leaf_worker_give_up_starts(struct hf_leaf_worker *worker, void (*done)(void *arg), void *arg)
{
    cancel_starts(worker);
    return hf_leaf_worker_stop_all_strays(worker, done, arg);
}

/* --- stops --------------------------------------------------------------- */

static void send_stop(struct stop *stop);

static void
stop_ended(struct stop *stop)
{
    void (*done)(void *arg) = stop->done;
    void *arg = stop->arg;

    hf_list_remove(&stop->node);
    stop->worker->stop_count--;
    hf_timer_fini(&stop->again);
    free(stop);
    if (done) {
        done(arg);
    }
}

/* Whether the answer means that the instance is gone.  An existing worker knows no code for
 * that, and answers UNKNOWN with the engine's words. */
static bool
means_gone(const struct stop *stop, const struct hf_grpc_result *result)
{
    if (!result->answered) {
        return false;
    }
    switch (result->code) {
    case HF_GRPC_OK:
    case HF_GRPC_NOT_FOUND:
        return true;
    case HF_GRPC_UNAVAILABLE: /* these say nothing of the instance, whoever answers them */
    case HF_GRPC_DEADLINE_EXCEEDED:
    case HF_GRPC_CANCELLED:
    case HF_GRPC_RESOURCE_EXHAUSTED:
        return false;
    default:
        return !stop->worker->link.ours && (strcasestr(result->message, "no such container") ||
                                            strcasestr(result->message, "not found") ||
                                            stop->failures + 1 >= STOP_ANSWERS_EXISTING);
    }
}

/* The instance may still run: it stays in the books, and is asked to end again. */
static void
stop_failed(struct stop *stop, const char *why)
{
    stop->failures++;
    hf_log(stop->failures == STOP_FAILURES_NOTED ? HF_LOG_WARNING : HF_LOG_NOTICE,
           "instance is not stopped yet; trying again",
           HF_KV_STR("worker", stop->worker->link.address),
           HF_KV_STR("instance", stop->instance_id), HF_KV_U64("failures", stop->failures),
           HF_KV_STR("why", why));
    hf_timer_set(&stop->again, hf_backoff_next(&stop->backoff, 0));
}

static void
on_stopped(void *arg, const struct hf_grpc_result *result)
{
    struct stop *stop = arg;

    stop->call = NULL;
    if (means_gone(stop, result)) {
        stop_ended(stop);
    } else {
        stop_failed(stop, result->message);
    }
}

static void
on_stop_again(struct hf_timer *timer)
{
    struct stop *stop = hf_container_of(timer, struct stop, again);

    if (stop->worker->link.state == HF_LINK_UP) { /* else hf_leaf_worker_retry_stops will */
        send_stop(stop);
    }
}

static void
send_stop(struct stop *stop)
{
    Worker__StopRequest message = WORKER__STOP_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/worker.Worker/Stop",
        .message = &message.base,
        .response = &worker__stop_response__descriptor,
        .timeout_ns = stop->worker->leaf->stop_timeout_ns,
    };

    message.instance_id = stop->instance_id;
    hf_timer_cancel(&stop->again);
    if (hf_grpc_client_unary(stop->worker->link.client, &request, on_stopped, stop, &stop->call) <
        0) {
        hf_timer_set(&stop->again, hf_backoff_next(&stop->backoff, 0));
    }
}

int
hf_leaf_worker_stop(struct hf_leaf_worker *worker, const char *instance_id, void (*done)(void *arg),
                    void *arg, struct hf_err *err)
{
    size_t len = strlen(instance_id) + 1;
    struct stop *stop = calloc(1, sizeof *stop + len);

    if (!stop) {
        return hf_fail(err, HF_ENOMEM, "no memory to stop instance '%s'", instance_id);
    }
    stop->worker = worker;
    stop->done = done;
    stop->arg = arg;
    memcpy(stop->instance_id, instance_id, len);
    hf_timer_init(&stop->again, worker->leaf->front.control, HF_TIMER_REAL, on_stop_again);
    hf_backoff_init(&stop->backoff, STOP_RETRY_MIN_NS, STOP_RETRY_MAX_NS,
                    hf_random_u64(&worker->link.backoff.random));
    hf_list_append(&worker->stops, &stop->node);
    worker->stop_count++;
    if (worker->link.state == HF_LINK_UP) { /* else hf_leaf_worker_retry_stops will */
        send_stop(stop);
    }
    return 0;
}

void
hf_leaf_worker_retry_stops(struct hf_leaf_worker *worker)
{
    struct stop *stop;

    HF_LIST_FOR (stop, &worker->stops, node) {
        if (!stop->call) {
            send_stop(stop);
        }
    }
}

void
hf_leaf_worker_end_calls(struct hf_leaf_worker *worker)
{
    struct stop *stop;

    cancel_starts(worker);
    hf_leaf_worker_forget_strays(worker);
    while ((stop = hf_list_first(&worker->stops, struct stop, node))) {
        hf_grpc_client_call_cancel(stop->call);
        stop_ended(stop);
    }
}
