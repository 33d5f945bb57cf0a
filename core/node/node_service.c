/*
 * node_service.c - hyperfaas.v1.Node: who this node is (Info), and its end (Drain).
 */
#include "config.h"

#include "node/node_service.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/node.h"
#include "node/role.h"

#define MAX_ROLES     8
#define MAX_ADDRESSES 16

/* An answer being put together; its texts are the node's. */
struct info {
    Hyperfaas__V1__InfoResponse response;
    Google__Protobuf__Timestamp started;
    const char *roles[MAX_ROLES];
    Hyperfaas__V1__Address addresses[MAX_ADDRESSES];
    Hyperfaas__V1__Address *address_list[MAX_ADDRESSES];
};

/* protobuf-c has no constant strings; messages to be sent are only read. */
static char *
text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void
add_address(void *arg, const char *role, const struct hf_role_address *address)
{
    struct info *info = arg;
    size_t i = info->response.n_addresses;

    if (i < MAX_ADDRESSES) {
        hyperfaas__v1__address__init(&info->addresses[i]);
        info->addresses[i].role = text(role);
        info->addresses[i].service = text(address->service);
        info->addresses[i].address = text(address->address);
        info->address_list[i] = &info->addresses[i];
        info->response.n_addresses++;
    }
}

static void
on_info(struct hf_grpc_call *call, const void *message)
{
    const struct hf_node *node = hf_grpc_call_arg(call);
    struct info info;

    (void)message; /* InfoRequest is empty */
    hyperfaas__v1__info_response__init(&info.response);
    google__protobuf__timestamp__init(&info.started);
    info.started.seconds = (int64_t)(hf_node_started(node) / HF_SEC);
    info.started.nanos = (int32_t)(hf_node_started(node) % HF_SEC);
    info.response.started = &info.started;
    info.response.node_id = text(hf_node_id(node));
    info.response.boot_id = text(hf_node_boot_id(node));
    info.response.version = text(PACKAGE_VERSION);
    info.response.draining = hf_node_is_draining(node);
    info.response.n_roles = hf_node_roles(node, info.roles, MAX_ROLES);
    info.response.roles = (char **)(uintptr_t)info.roles;
    info.response.addresses = info.address_list;
    hf_node_addresses(node, add_address, &info);
    hf_grpc_call_reply(call, &info.response.base);
}

/* --- Drain --------------------------------------------------------------------------------- */

/* A Drain call that waits. */
struct drain {
    struct hf_node_drain base;
    struct hf_grpc_call *call;
};

static void
on_drained(struct hf_node_drain *base, const struct hf_node_forced *forced)
{
    struct drain *drain = hf_container_of(base, struct drain, base);
    Hyperfaas__V1__DrainResponse response = HYPERFAAS__V1__DRAIN_RESPONSE__INIT;

    response.calls_cut_off = forced->calls_cut_off;
    response.instances_stopped = forced->instances_stopped;
    hf_grpc_call_reply(drain->call, &response.base);
    free(drain);
}

static void
on_drain(struct hf_grpc_call *call, const void *message)
{
    const Hyperfaas__V1__DrainRequest *request = message;
    struct drain *drain = calloc(1, sizeof *drain);

    if (!drain) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "the node has no memory left");
        return;
    }
    drain->base.done = on_drained;
    drain->call = call;
    hf_grpc_call_set_state(call, drain);
    hf_node_drain(hf_grpc_call_arg(call), request->limit_ms * HF_MSEC, request->stop, &drain->base);
}

/* The drain goes on. */
static void
on_drain_cancelled(struct hf_grpc_call *call)
{
    struct drain *drain = hf_grpc_call_state(call);

    hf_node_drain_forget(&drain->base);
    hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
    free(drain);
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
        .path = "/hyperfaas.v1.Node/Drain",
        .kind = HF_GRPC_UNARY,
        .request = &hyperfaas__v1__drain_request__descriptor,
        .message = on_drain,
        .cancelled = on_drain_cancelled,
    },
};

int
hf_node_service_add(struct hf_node *node, struct hf_grpc_server *server, struct hf_err *err)
{
    int r = hf_grpc_server_add(server, methods, hf_countof(methods), node);

    return r < 0 ? hf_fail(err, r, "can't serve hyperfaas.v1.Node") : 0;
}
