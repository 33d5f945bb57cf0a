/*
 * call.h - one call on its way through the proxy; private to this folder.
 *
 * A call joins two streams: `down`, the caller's, and `up`, the endpoint's.  Both
 * live on one I/O thread, and so does the call.
 *
 *     ROUTING -> WAITING -> CONNECTING -> FORWARDING -> ENDED
 *                   ^______________________|   (another endpoint)
 *
 * It is freed when nothing refers to it any more: no stream, no route under way,
 * no ticket that will still wake it.
 */
#ifndef HF_PROXY_CALL_H
#define HF_PROXY_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "h2/buffer.h"
#include "h2/channel.h"
#include "loop/timer.h"
#include "node/proxy/message_tracker.h"
#include "node/proxy/failure.h"
#include "node/proxy/thread.h"

#define HF_PROXY_CALL_MAGIC HF_MAGIC('p', 'c', 'a', 'l')

enum hf_call_state {
    HF_CALL_ROUTING,    /* whom does it call? */
    HF_CALL_WAITING,    /* for a slot */
    HF_CALL_CONNECTING, /* holds a slot, waits for a stream */
    HF_CALL_FORWARDING, /* both streams are joined */
    HF_CALL_ENDED       /* answered; what is left is being cleared away */
};

struct hf_proxy_call {
    uint32_t magic;
    uint8_t state;       /* enum hf_call_state */
    bool attempted;      /* an endpoint has been tried here */
    bool down_ended;     /* the caller has sent everything */
    bool replayable;     /* `held` is the whole request so far */
    bool responded;      /* response headers have been passed on */
    bool finished;       /* the response is complete */
    bool dispatched;     /* it has been forwarded, so the function can have seen it */
    bool route_pending;  /* `route.resolved` will still run */
    bool ticket_pending; /* `ticket.done` will still run */
    struct hf_proxy_thread *thread;
    struct hf_proxy_conn *conn; /* NULL when `down` is gone */
    struct hf_h2_stream *down;
    struct hf_h2_stream *up;
    struct hf_h2_fields *request; /* until the response begins */
    struct hf_h2_fields *request_trailers;
    struct hf_h2_fields *refusal; /* what the last endpoint said that would not have the call */
    struct hf_h2_buffer held;     /* body received and not sent, or kept for another attempt */
    struct hf_ticket ticket;
    struct hf_h2_request opening;
    struct hf_route route;
    struct hf_message_tracker response; /* where the response's messages end */
    uint64_t received;                  /* bytes of the body */
    uint64_t accounted;                 /* bytes held, as the node's budget has them; account.c */
    uint64_t sent;     /* bytes of the body that entered the socket of this attempt */
    uint64_t credited; /* bytes of the body given back to the caller's window */
    uint32_t retries;  /* earlier attempts, here and elsewhere on its way; see control.h */
    uint32_t hops;     /* load balancers that it has come through; see control.h */
    uint64_t began_ns;
    uint64_t deadline_ns; /* of the loop's clock; 0: none */
    char *lost;           /* the instance whose connection was lost: how it ended is asked for */
    uint8_t looks;        /* so often */
    struct hf_timer deadline; /* or, once it was lost, the next look */
    struct hf_proxy_call *next_free;
};

/* A request has arrived on `down`: takes over `request`. */
void hf_proxy_call_begin(struct hf_proxy_conn *, struct hf_h2_stream *down,
                         struct hf_h2_fields *request, bool end);

/* Finds out whom `route.id` means. */
void hf_proxy_call_route(struct hf_proxy_call *);

/* The call has a callee, and the reference to it; asks for a slot. */
void hf_proxy_call_routed(struct hf_proxy_call *, struct hf_callee *callee);

/* Asks the role whom it calls, and the role may have to ask the store. */
void hf_proxy_call_resolve(struct hf_proxy_call *);

/* Its instance was lost: tells the caller with how that ended, once it is known or takes too long.
 */
void hf_proxy_call_look(struct hf_proxy_call *);

/* Asks for a slot, and goes on as the answer says. */
void hf_proxy_call_take_slot(struct hf_proxy_call *);

/* The slot goes back, and nothing more is expected of the endpoint. */
void hf_proxy_call_release(struct hf_proxy_call *, enum hf_outcome);

/* The endpoint failed (`code`, `why`) and cannot have seen the call: tries another, or fails. */
void hf_proxy_call_retry(struct hf_proxy_call *, const char *why);

/* The endpoint has answered with `response` and nothing else.  If that is a child's refusal and
 * the call may go elsewhere, it does: true, and `response` has been taken over. */
bool hf_proxy_call_refused(struct hf_proxy_call *, struct hf_h2_fields *response);

/* The pool has only the endpoint that refused: asks the role for another, once. */
void hf_proxy_call_no_other(struct hf_proxy_call *);

/* Tells the caller, gives everything back.  `why` is one clause. */
void hf_proxy_call_fail(struct hf_proxy_call *, enum hf_failure, const char *why);

/* Counts what the call holds against the node's budget.  False: that is too much, and the call has
 * failed. */
bool hf_proxy_call_account(struct hf_proxy_call *);

/* The call holds nothing any more. */
void hf_proxy_call_account_end(struct hf_proxy_call *);

/* The caller has gone: gives everything back. */
void hf_proxy_call_abandon(struct hf_proxy_call *);

/* Frees the call if nothing refers to it any more. */
void hf_proxy_call_settle(struct hf_proxy_call *);

/* Gives back the calls that the thread keeps for reuse. */
void hf_proxy_call_free_spares(struct hf_proxy_thread *);

/* The callbacks of both streams (forward.c). */
extern const struct hf_h2_stream_ops hf_proxy_down_ops;
extern const struct hf_h2_stream_ops hf_proxy_up_ops;

/* `up` has just been opened: sends what is held of the request. */
void hf_proxy_forward_begin(struct hf_proxy_call *);

#endif
