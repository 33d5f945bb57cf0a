/*
 * api.c - the worker's two ways in: its API for leaves and tools, and a listener for instances.
 *
 * An instance must be able to say that it is ready, and is told where (CONTROLLER_ADDRESS); that
 * place serves this and health alone, so that it does not lead to the other instances.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "node/access.h"
#include "node/load_service.h"
#include "node/node.h"
#include "node/node_service.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

/* Unsent bytes of an event stream from which a listener counts as too slow. */
#define LISTENER_QUEUE_BYTES (8u << 20)

/* What instances, who need one short call, may have at once: of a connection, and of all. */
#define INSTANCE_STREAMS    16
#define INSTANCE_KEPT_BYTES ((size_t)16 << 20)
#define INSTANCE_IDLE_NS    (60 * HF_SEC)

/* A server that says of itself that the worker is well. */
static int
make_server(struct hf_worker_role *worker, const struct hf_grpc_server_options *options,
            struct hf_grpc_server **ret, struct hf_grpc_health **ret_health, struct hf_err *err)
{
    int r = hf_grpc_server_new(worker->loop, options, ret, err);

    if (r < 0) {
        return r;
    }
    r = hf_grpc_health_new(*ret, ret_health);
    if (r < 0 || (r = hf_grpc_health_set(*ret_health, "worker", true)) < 0) {
        return hf_fail(err, r, "worker: no memory for the health service");
    }
    return 0;
}

static int
open_api(struct hf_worker_role *worker, struct hf_err *err)
{
    const struct hf_load_service_config load = {
        .loop = worker->loop,
        .managed = true,
        .measure = hf_worker_measure,
        .arg = worker,
    };
    struct hf_grpc_server_options options;
    int r;

    hf_grpc_server_options_init(&options);
    options.h2.trusted = true; /* leaves may cancel many starts at once */
    options.h2.max_streams = 10000;
    options.send_queue_bytes = LISTENER_QUEUE_BYTES;
    hf_access_guard(hf_node_access(worker->node), &options);
    if ((r = make_server(worker, &options, &worker->api, &worker->health, err)) < 0 ||
        (r = hf_worker_serve(worker, err)) < 0 || (r = hf_worker_serve_events(worker, err)) < 0 ||
        (r = hf_worker_serve_logs(worker, err)) < 0 ||
        (r = hf_load_service_new(&load, &worker->load, err)) < 0 ||
        (r = hf_load_service_serve(worker->load, worker->api, err)) < 0 ||
        (r = hf_node_service_add(worker->node, worker->api, err)) < 0) {
        return r;
    }
    return hf_grpc_server_listen(worker->api, hf_options_str(worker->options, "api"), err);
}

/* --- for instances ------------------------------------------------------------- */

static bool
is_given(const char *text)
{
    return text && *text;
}

/* Any free port beside the API. */
static char *
beside_api(const struct hf_worker_role *worker)
{
    const char *api = hf_grpc_server_address(worker->api);
    const char *port = strrchr(api, ':');

    return hf_strdup_printf("%.*s:0", (int)(port - api), api);
}

static int
open_instance_api(struct hf_worker_role *worker, const char *address, struct hf_err *err)
{
    struct hf_grpc_server_options options;
    int r;

    hf_grpc_server_options_init(&options);
    options.h2.max_streams = INSTANCE_STREAMS;
    options.max_kept_bytes = INSTANCE_KEPT_BYTES;
    options.h2.idle_ns = INSTANCE_IDLE_NS;
    r = make_server(worker, &options, &worker->instance_api, &worker->instance_health, err);
    if (r == 0) {
        r = hf_worker_serve_instances(worker, err);
    }
    if (r == 0) {
        r = hf_grpc_server_listen(worker->instance_api, address, err);
    }
    if (r == 0 && strncmp(address, "unix:", 5) == 0 && chmod(address + 5, 0666) < 0) {
        r = hf_fail(err, HF_EIO, "can't let instances use the socket %s", address + 5);
    }
    if (r == 0) {
        hf_log(HF_LOG_INFO, "instances call here",
               HF_KV_STR("address", hf_grpc_server_address(worker->instance_api)));
    }
    return r;
}

/* Where instances reach the worker, as they are told: as configured, or the listener on this host,
 * for which a runtime with networks of its own puts the right address. */
static int
find_controller_address(struct hf_worker_role *worker, const char *configured, struct hf_err *err)
{
    const struct hf_grpc_server *server = worker->instance_api ? worker->instance_api : worker->api;
    const char *bound = hf_grpc_server_address(server);

    if (is_given(configured)) {
        worker->controller_address = strdup(configured);
    } else if (strncmp(bound, "0.0.0.0:", 8) == 0 || strncmp(bound, "[::]:", 5) == 0) {
        worker->controller_address = hf_strdup_printf("127.0.0.1%s", strrchr(bound, ':'));
    } else {
        worker->controller_address = strdup(bound);
    }
    return worker->controller_address ? 0 : hf_fail(err, HF_ENOMEM, "worker: no memory");
}

/* --- both ---------------------------------------------------------------------- */

int
hf_worker_open_api(struct hf_worker_role *worker, struct hf_err *err)
{
    const char *configured = hf_options_str(worker->options, "controller_address");
    const char *given = hf_options_str(worker->options, "instance_api");
    hf_autofree char *address = NULL;
    int r = open_api(worker, err);

    if (r < 0) {
        return r;
    }
    if (is_given(given) || !is_given(configured)) { /* else instances are sent to the API */
        address = is_given(given) ? strdup(given) : beside_api(worker);
        r = address ? open_instance_api(worker, address, err)
                    : hf_fail(err, HF_ENOMEM, "worker: no memory");
    }
    return r < 0 ? r : find_controller_address(worker, configured, err);
}

void
hf_worker_end_api(struct hf_worker_role *worker)
{
    hf_load_service_end(worker->load);
    hf_grpc_health_end_watches(worker->health);
    if (worker->instance_health) {
        hf_grpc_health_end_watches(worker->instance_health);
    }
}

void
hf_worker_close_api(struct hf_worker_role *worker)
{
    if (worker->load) {
        hf_load_service_end(worker->load);
    }
    hf_grpc_server_free(hf_steal(worker->api));
    hf_grpc_server_free(hf_steal(worker->instance_api));
}
