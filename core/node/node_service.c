/*
 * node_service.c - hyperfaas.v1.Node: who this node is (Info), out of service and back (Drain,
 * Undrain).
 */
#include "node/node_service.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/node.h"
#include "node/node_announce.h"
#include "node/role.h"

static void
on_info(struct hf_grpc_call *call, const void *message)
{
    const struct hf_node *node = hf_grpc_call_arg(call);
    hf_autonode struct hf_node_document described;
    struct hf_err err = HF_ERR_INIT;

    (void)message; /* InfoRequest is empty */
    hf_node_document_init(&described);
    if (hf_node_describe(node, &described, &err) < 0) {
        hf_grpc_call_fail(call, hf_err_code(&err), &err);
        return;
    }
    described.info.draining = hf_node_is_draining(node);
    hf_grpc_call_reply(call, &described.info.base);
}

/* --- Drain and Undrain --------------------------------------------------------------------- */

/* A call that waits. */
struct wait {
    struct hf_node_waiter base;
    struct hf_grpc_call *call;
};

static struct wait *
wait_new(struct hf_grpc_call *call,
         void (*done)(struct hf_node_waiter *base, int code, const char *message,
                      const struct hf_node_forced *forced))
{
    struct wait *wait = calloc(1, sizeof *wait);

    if (!wait) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "the node has no memory left");
        return NULL;
    }
    wait->base.done = done;
    wait->call = call;
    hf_grpc_call_set_state(call, wait);
    return wait;
}

/* What is under way goes on. */
static void
on_cancelled(struct hf_grpc_call *call)
{
    struct wait *wait = hf_grpc_call_state(call);

    hf_node_forget_waiter(&wait->base);
    hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
    free(wait);
}

static void
on_drained(struct hf_node_waiter *base, int code, const char *message,
           const struct hf_node_forced *forced)
{
    struct wait *wait = hf_container_of(base, struct wait, base);
    Hyperfaas__V1__DrainResponse response = HYPERFAAS__V1__DRAIN_RESPONSE__INIT;

    (void)code; /* a drain has an end, if need be by force */
    (void)message;
    response.calls_cut_off = forced->calls_cut_off;
    response.instances_stopped = forced->instances_stopped;
    hf_grpc_call_reply(wait->call, &response.base);
    free(wait);
}

static void
on_drain(struct hf_grpc_call *call, const void *message)
{
    const Hyperfaas__V1__DrainRequest *request = message;
    struct wait *wait = wait_new(call, on_drained);

    if (wait) {
        hf_node_drain(hf_grpc_call_arg(call), request->limit_ms * HF_MSEC, request->stop,
                      &wait->base);
    }
}

static void
on_undrained(struct hf_node_waiter *base, int code, const char *message,
             const struct hf_node_forced *forced)
{
    struct wait *wait = hf_container_of(base, struct wait, base);
    Hyperfaas__V1__UndrainResponse response = HYPERFAAS__V1__UNDRAIN_RESPONSE__INIT;

    (void)forced;
    if (code < 0) {
        hf_grpc_call_finish(wait->call, hf_error_to_grpc(code), message);
    } else {
        hf_grpc_call_reply(wait->call, &response.base);
    }
    free(wait);
}

static void
on_undrain(struct hf_grpc_call *call, const void *message)
{
    struct wait *wait = wait_new(call, on_undrained);

    (void)message; /* UndrainRequest is empty */
    if (wait) {
        hf_node_undrain(hf_grpc_call_arg(call), &wait->base);
    }
}

/* --- the table ----------------------------------------------------------------------------- */

static const struct hf_grpc_method methods[] = {
    {
        .path = "/hyperfaas.v1.Node/Info",
        .kind = HF_GRPC_UNARY,
        .request = &hyperfaas__v1__info_request__descriptor,
        .message = on_info,
    },
    {
        .path = "/hyperfaas.v1.Node/Undrain",
        .kind = HF_GRPC_UNARY,
        .managed = true,
        .request = &hyperfaas__v1__undrain_request__descriptor,
        .message = on_undrain,
        .cancelled = on_cancelled,
    },
    {
        .path = "/hyperfaas.v1.Node/Drain",
        .kind = HF_GRPC_UNARY,
        .managed = true,
        .request = &hyperfaas__v1__drain_request__descriptor,
        .message = on_drain,
        .cancelled = on_cancelled,
    },
};

int
hf_node_service_add(struct hf_node *node, struct hf_grpc_server *server, struct hf_err *err)
{
    int r = hf_grpc_server_add(server, methods, hf_countof(methods), node);

    return r < 0 ? hf_fail(err, r, "can't serve hyperfaas.v1.Node") : 0;
}
