/*
 * failure.h - how the platform's own failures reach a caller.
 *
 * Trailers-Only, with the gRPC status, a message that names the function, and
 * trailers for programs: `hyperfaas-reason`, one of the words below;
 * `hyperfaas-dispatched`, 1 if the function can have seen the call; and
 * `hyperfaas-retries`, how often the call has been tried anew so far.  A load
 * balancer tells by them the leaf's UNAVAILABLE from the function's.  A failure
 * that comes from overload also has `grpc-retry-pushback-ms` (gRFC A6).
 */
#ifndef HF_PROXY_FAILURE_H
#define HF_PROXY_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

struct hf_h2_stream;

/*   id                 word                 gRPC status */
#define HF_FAILURES(FAILURE)                                                                       \
    FAILURE(BAD_AUTHORITY, "bad-authority", 3)         /* names no function */                     \
    FAILURE(BAD_TIMEOUT, "bad-timeout", 3)             /* grpc-timeout cannot be read */           \
    FAILURE(HEADERS_TOO_LARGE, "headers-too-large", 8) /* metadata beyond a limit */               \
    FAILURE(UNKNOWN_FUNCTION, "unknown-function", 5)   /* not registered */                        \
    FAILURE(DELETED, "deleted", 5)                     /* deleted while the call waited */         \
    FAILURE(LOOP, "loop", 9)                           /* it goes in circles */                    \
    FAILURE(DEADLINE, "deadline", 4)                   /* the caller's deadline has passed */      \
    FAILURE(QUEUE_FULL, "queue-full", 14)              /* too many calls wait for it */            \
    FAILURE(OVERLOADED, "overloaded", 14)              /* its turn would come too late */          \
    FAILURE(NO_WORKER, "no-worker", 14)                /* no worker has room for an instance */    \
    FAILURE(START_FAILED, "start-failed", 14)          /* instances don't start */                 \
    FAILURE(NO_CHILD, "no-child", 14)                  /* no child is there to take it */          \
    FAILURE(DRAINING, "draining", 14)                  /* this node takes no new calls */          \
    FAILURE(STORE, "store", 14)                        /* the store cannot be asked */             \
    FAILURE(NO_MEMORY, "no-memory", 14)                /* this node has none left */               \
    FAILURE(ENDPOINT, "endpoint-lost", 14)             /* the endpoint failed under the call */

enum hf_failure {
#define HF_FAILURE_ENUM(id, word, status) HF_FAILURE_##id,
    HF_FAILURES(HF_FAILURE_ENUM)
#undef HF_FAILURE_ENUM
};

/* What is said of a failure. */
struct hf_failure_report {
    enum hf_failure failure;
    bool dispatched;      /* the function can have seen the call */
    uint32_t retries;     /* attempts on the way of the call before the last */
    uint64_t pushback_ns; /* when to try again; 0: nothing is said of that */
    const char *function; /* its id as far as it is known, or "" */
    const char *why;      /* one clause for an operator */
};

/* Answers `stream`, whose response has not begun, and ends it. */
void hf_failure_reply(struct hf_h2_stream *stream, const struct hf_failure_report *);

/* Ends a response that has begun, at a message boundary, with trailers. */
void hf_failure_trailers(struct hf_h2_stream *stream, const struct hf_failure_report *);

const char *hf_failure_word(enum hf_failure);

#endif
