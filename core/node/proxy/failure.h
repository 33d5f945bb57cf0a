/*
 * failure.h - how the platform's own failures reach a caller.
 *
 * Trailers-Only, with the gRPC status, a message that names the function, and
 * trailers for programs: `hyperfaas-reason`, a word of the list;
 * `hyperfaas-dispatched`, 1 if the function can have seen the call; and
 * `hyperfaas-retries`, how often the call has been tried anew so far.  A load
 * balancer tells by them the leaf's UNAVAILABLE from the function's.  A failure
 * that comes from overload also has `grpc-retry-pushback-ms` (gRFC A6).
 *
 * The cause of a failure may have paths of this machine in it, addresses of others, or
 * what a function wrote.  It is for the log and for people who may know; strangers hear
 * the kind of cause.
 */
#ifndef HF_PROXY_FAILURE_H
#define HF_PROXY_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/failure.h"

struct hf_h2_fields;
struct hf_h2_stream;

/* What is said of a failure. */
struct hf_failure_report {
    enum hf_failure failure;
    bool brief;           /* the caller is a stranger, and hears the cause in general words */
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

/* A node below has failed the call of `function`, and says so in `fields` (if it is one of ours):
 * leaves of its words what strangers may hear. */
void hf_failure_abridge(struct hf_h2_fields *fields, const char *function);

/* Whether a failure of a node below says that it takes no new calls at all. */
bool hf_failure_is_draining(const struct hf_h2_fields *response);

#endif
