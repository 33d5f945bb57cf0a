/*
 * retry.c - a call that an endpoint cannot have seen is sent to another.
 */
#include "node/proxy/call.h"
#include "node/proxy/control.h"

static bool
may_retry(const struct hf_proxy_call *call)
{
    return call->replayable && call->retries + 1 < call->thread->shared->max_attempts;
}

void
hf_proxy_call_retry(struct hf_proxy_call *call, const char *why)
{
    if (!may_retry(call)) {
        hf_proxy_call_fail(call, HF_FAILURE_ENDPOINT, why);
        hf_proxy_call_settle(call);
        return;
    }
    hf_proxy_call_take_slot(call);
}

bool
hf_proxy_call_refused(struct hf_proxy_call *call, struct hf_h2_fields *response)
{
    bool draining;

    if (!hf_ticket_is_node(&call->ticket) || !hf_control_is_refusal(response)) {
        return false;
    }
    call->dispatched = false;
    call->retries = hf_max(call->retries, hf_control_get(response, HF_H2_HYPERFAAS_RETRIES));
    hf_control_set(response, HF_H2_HYPERFAAS_RETRIES, call->retries);
    if (!may_retry(call)) {
        return false;
    }
    draining = hf_failure_is_draining(response);
    hf_h2_fields_unref(call->refusal);
    call->refusal = response;
    if (!draining) { /* else it leaves the pool for this */
        hf_ticket_avoid(&call->ticket);
    }
    hf_h2_stream_abandon(hf_steal(call->up), HF_H2_CANCEL);
    hf_proxy_call_release(call, draining ? HF_OUTCOME_FAILED : HF_OUTCOME_OK);
    call->state = HF_CALL_WAITING;
    hf_proxy_call_take_slot(call);
    return true;
}

/* The caller hears what the only endpoint said. */
static void
pass_refusal_on(struct hf_proxy_call *call)
{
    call->state = HF_CALL_ENDED;
    call->finished = true;
    hf_timer_cancel(&call->deadline);
    hf_h2_stream_respond(call->down, hf_steal(call->refusal), true);
    hf_proxy_call_settle(call);
}

void
hf_proxy_call_no_other(struct hf_proxy_call *call)
{
    if (call->route.widen) {
        pass_refusal_on(call);
        return;
    }
    call->route.widen = true;
    call->state = HF_CALL_ROUTING;
    hf_proxy_call_resolve(call);
}
