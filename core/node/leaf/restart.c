/*
 * restart.c - hyperfaas.v1.Node/Restart: instances of a function are replaced, as after a change
 * of its definition, though that is the same: what its image names is another program now.
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/leaf/leaf.h"

HF_LOG_MODULE(leaf);

/* Instances that still have to go. */
static uint32_t
count_obsolete(const struct hf_fleet_function *fleet)
{
    return fleet->obsolete[HF_INSTANCE_STARTING] + fleet->obsolete[HF_INSTANCE_READY] +
           fleet->obsolete[HF_INSTANCE_DRAINING] + fleet->obsolete[HF_INSTANCE_STOPPING];
}

static void
on_restart(struct hf_grpc_call *call, const void *message)
{
    struct hf_leaf *leaf = hf_leaf_of(hf_grpc_call_arg(call));
    const Hyperfaas__V1__RestartRequest *request = message;
    Hyperfaas__V1__RestartResponse response = HYPERFAAS__V1__RESTART_RESPONSE__INIT;
    const char *id = request->function_id;
    struct hf_front_function *found = hf_front_find(&leaf->front, id, strlen(id));
    struct hf_leaf_function *function =
        found ? hf_container_of(found, struct hf_leaf_function, front) : NULL;

    if (!function) { /* it is cold, so the next instance is a new one */
        hf_grpc_call_reply(call, &response.base);
        return;
    }
    if (!request->only_ask) {
        hf_autoscaler_update(leaf->autoscaler, &function->scaled.base, &function->def->function,
                             true, hf_leaf_now(leaf));
    }
    response.instances = count_obsolete(&function->scaled.base);
    if (!request->only_ask) {
        hf_log(HF_LOG_NOTICE, "restarting a function", HF_KV_STR("function", id),
               HF_KV_U64("instances", response.instances),
               HF_KV_STR("peer", hf_grpc_call_peer(call)));
    }
    hf_grpc_call_reply(call, &response.base);
    hf_leaf_pump(leaf);
}

static const struct hf_grpc_method methods[] = {
    {
        .path = "/hyperfaas.v1.Node/Restart",
        .managed = true,
        .kind = HF_GRPC_UNARY,
        .request = &hyperfaas__v1__restart_request__descriptor,
        .message = on_restart,
    },
};

int
hf_leaf_serve_restart(struct hf_leaf *leaf, struct hf_err *err)
{
    int r = hf_grpc_server_add(leaf->front.api, methods, hf_countof(methods), leaf);

    return r < 0 ? hf_fail(err, r, "can't serve restarts") : 0;
}
