/*
 * route.c - whom a call calls: the connection's last callee, one that the role knows, or
 * one that the role has to look up.
 */
#include <stdlib.h>
#include <string.h>

#include "node/proxy/call.h"

/* --- the role's answer --------------------------------------------------- */

/* Back on the call's own thread. */
static void
deliver(struct hf_task *task)
{
    struct hf_route *route = hf_container_of(task, struct hf_route, task);

    hf_autofree char *message = hf_steal(route->message);

    route->resolved(route, route->callee, route->code, message ? message : "no memory");
}

void
hf_route_answer(struct hf_route *route, struct hf_callee *callee, int code, const char *message)
{
    route->callee = callee;
    route->code = code;
    route->message = callee ? NULL : strdup(message);
    route->task.run = deliver;
    hf_loop_post(route->loop, &route->task);
}

/* --- the call's side ----------------------------------------------------- */

void
hf_proxy_call_resolve(struct hf_proxy_call *call)
{
    const struct hf_proxy_shared *shared = call->thread->shared;

    call->route_pending = true;
    shared->router->resolve(shared->router_arg, &call->route);
    hf_proxy_call_account(call);
}

/* Why there is no callee, in the proxy's terms. */
static enum hf_failure
unresolved(int code)
{
    switch (code) {
    case HF_ENOTFOUND:
        return HF_FAILURE_UNKNOWN_FUNCTION;
    case HF_ENOMEM:
        return HF_FAILURE_NO_MEMORY;
    case HF_EFULL:
        return HF_FAILURE_QUEUE_FULL;
    default:
        return HF_FAILURE_STORE;
    }
}

static void
on_resolved(struct hf_route *route, struct hf_callee *callee, int code, const char *message)
{
    struct hf_proxy_call *call = hf_container_of(route, struct hf_proxy_call, route);

    hf_assert(call->magic == HF_PROXY_CALL_MAGIC);
    call->route_pending = false;
    if (call->state != HF_CALL_ROUTING) {
        hf_callee_unref(callee);
        hf_proxy_call_settle(call);
    } else if (callee) {
        hf_proxy_conn_remember(call->conn, callee);
        hf_proxy_call_routed(call, callee);
    } else {
        hf_proxy_call_fail(call, unresolved(code), message);
        hf_proxy_call_settle(call);
    }
}

void
hf_proxy_call_route(struct hf_proxy_call *call)
{
    const struct hf_proxy_shared *shared = call->thread->shared;
    struct hf_route *route = &call->route;
    struct hf_callee *callee = hf_proxy_conn_recall(call->conn, route->id, route->id_len);

    route->loop = call->thread->loop;
    route->resolved = on_resolved;
    if (!callee) {
        callee = shared->router->find(shared->router_arg, route->id, route->id_len);
    }
    if (!callee) {
        hf_proxy_call_resolve(call);
        return;
    }
    hf_proxy_conn_remember(call->conn, callee);
    hf_proxy_call_routed(call, callee);
}
