/*
 * endpoint.h - an HTTP/2 server made by hand that fails where it is told to.
 *
 * It reads frames, notes what came, and at one moment of a call plays its part: some of a
 * response, then an end of one kind or another.  Everything runs on the test's loop.
 */
#ifndef HF_UNIT_ENDPOINT_H
#define HF_UNIT_ENDPOINT_H

#include <stddef.h>

#include "base/list.h"
#include "loop/listener.h"

/* When it acts. */
enum moment {
    NEVER,
    ON_CONNECT, /* a connection came; nothing has been said */
    ON_REFUSAL, /* nobody listens at all */
    ON_HEADERS, /* the request's headers are here */
    ON_BODY,    /* the first of its body */
    ON_END      /* all of it */
};

/* How much of a response it sends then. */
enum answer { NO_ANSWER, HEADERS, HALF_MESSAGE, MESSAGE };

/* And how it goes on. */
enum finish {
    SILENCE,       /* not at all */
    CLOSE,         /* the connection ends */
    RESET_REFUSED, /* RST_STREAM(REFUSED_STREAM) */
    RESET_CANCEL,  /* RST_STREAM(CANCEL) */
    RESET_NOTHING, /* RST_STREAM(NO_ERROR) */
    GOAWAY_BELOW,  /* GOAWAY whose last stream is before the call's */
    GOAWAY_ABOVE,  /* GOAWAY that spares the call; then as TRAILERS */
    TRAILERS,      /* grpc-status 0 */
    TRAILERS_ONLY, /* grpc-status 5, in the response's only block */
    END_BARE       /* END_STREAM without a status */
};

struct endpoint {
    struct hf_loop *loop;
    struct hf_listener *listener;
    char address[64];
    enum moment moment;
    enum answer answer;
    enum finish finish;
    unsigned calls;  /* requests that came */
    unsigned acted;  /* parts played */
    unsigned resets; /* RST_STREAM that came */
    struct hf_list peers;
};

void endpoint_open(struct endpoint *, struct hf_loop *);
void endpoint_close(struct endpoint *);

#endif
