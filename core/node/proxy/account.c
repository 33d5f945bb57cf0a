/*
 * account.c - what a call holds in memory while it waits, and what becomes of it when that
 * is too much.
 *
 * A call waits until its endpoint has shown that it takes the request: by an answer, or by
 * taking more of it than any peer accepts unread (FIRST_WINDOW).  So it does at a load
 * balancer while it waits at the leaf.  What it holds then, headers and body, counts against
 * the node's budget and its connection's part of it.  Afterwards flow control bounds it, and
 * slots their number.
 */
#include "base/counters.h"
#include "base/log.h"
#include "node/proxy/call.h"
#include "node/proxy/upstream.h"

/* A forwarded call that holds less than this is not ended for want of memory: its bytes are about
 * to leave. */
#define STALLED_MIN 16384u

/* When to try again. */
#define PUSHBACK_NS HF_SEC

HF_LOG_MODULE(proxy);

HF_COUNTER(proxy_unbuffered,
           "Calls refused because as many bytes of waiting requests were held as may be.");

static bool
is_waiting(const struct hf_proxy_call *call)
{
    return call->state < HF_CALL_FORWARDING ||
           (call->state == HF_CALL_FORWARDING && !call->responded &&
            call->sent <= HF_PROXY_FIRST_WINDOW);
}

/* Bytes that the call holds, and is to account for. */
static uint64_t
held_by(const struct hf_proxy_call *call)
{
    uint64_t body;

    if (!is_waiting(call)) {
        return 0;
    }
    body = hf_max((uint64_t)call->held.len, call->received - call->credited);
    return body + (call->request ? hf_h2_fields_bytes(call->request) : 0);
}

/* Brings the account up to date; false: it holds more than there is for it. */
static bool
update(struct hf_proxy_call *call)
{
    struct hf_proxy_thread *thread = call->thread;
    uint64_t held = held_by(call);
    uint64_t more = hf_sub_saturated(held, call->accounted);

    if (more > 0 && (call->conn->held + more > thread->shared->conn_bytes ||
                     !hf_budget_take(&thread->share, more))) {
        return false;
    }
    if (held < call->accounted) {
        hf_budget_give(&thread->share, call->accounted - held);
    }
    if (call->conn) {
        call->conn->held += held - call->accounted;
    }
    call->accounted = held;
    return true;
}

static void
refuse(struct hf_proxy_call *call)
{
    hf_count(&proxy_unbuffered);
    hf_log_limited(HF_LOG_WARNING, "too many bytes of waiting requests; refusing calls",
                   HF_KV_STR("peer", hf_h2_conn_peer(call->conn->h2)),
                   HF_KV_U64("held_for_it", call->conn->held),
                   HF_KV_U64("max_buffered", hf_budget_size(call->thread->share.budget)));
    if (!call->dispatched) {
        call->ticket.pushback_ns =
            PUSHBACK_NS / 2 + hf_random_u64(&call->thread->random) % PUSHBACK_NS;
    }
    hf_proxy_call_fail(call, HF_FAILURE_OVERLOADED,
                       "this node holds as many bytes of waiting requests as it may");
}

bool
hf_proxy_call_account(struct hf_proxy_call *call)
{
    bool forwarded = call->state == HF_CALL_FORWARDING;

    if (hf_likely(update(call)) ||
        (forwarded && call->up && hf_h2_stream_unsent(call->up) < STALLED_MIN)) {
        return true;
    }
    refuse(call);
    return false;
}

void
hf_proxy_call_account_end(struct hf_proxy_call *call)
{
    hf_h2_buffer_clear(&call->held);
    if (call->accounted > 0) {
        hf_budget_give(&call->thread->share, call->accounted);
        if (call->conn) {
            call->conn->held -= call->accounted;
        }
        call->accounted = 0;
    }
}
