/*
 * fake-http.h - the fake host's HTTP client: the test plays the server.
 *
 * A driver's requests queue up until the test takes them, or are handed to a function that
 * answers them all.  An answer comes in whatever pieces the test likes, or fails.
 */
#ifndef HF_TESTS_UNIT_FAKE_HTTP_H
#define HF_TESTS_UNIT_FAKE_HTTP_H

#include "fake-host.h"

/* A request as the server sees it; lives as long as the host. */
struct fake_request {
    const char *method, *url;
    const char *headers; /* "Name: value\n" each */
    const char *body;    /* with a NUL behind it */
    size_t body_len;
    uint64_t timeout_ns;
    bool over; /* answered, or the driver cancelled it */
};

/* The oldest request that was not taken yet, waiting for one to come; NULL after a minute. */
struct fake_request *fake_request_take(struct fake_host *);

/* How many requests are there to be taken, and how many are under way. */
size_t fake_requests_waiting(const struct fake_host *);
size_t fake_requests_open(const struct fake_host *);

/* Hands each request to `fn` from the loop, also those that wait; NULL: they queue up again. */
void fake_http_serve(struct fake_host *, void (*fn)(void *arg, struct fake_request *), void *arg);

/* A whole answer. */
void fake_answer(struct fake_request *, uint32_t status, const char *body);

/* The same in steps.  `headers` is "Name: value\n" each, or NULL. */
void fake_answer_begin(struct fake_request *, uint32_t status, const char *headers);
void fake_answer_data(struct fake_request *, const char *data, size_t len);
void fake_answer_end(struct fake_request *);

/* No answer, or no more of it; `sent`: the server may have seen the request. */
void fake_answer_fail(struct fake_request *, int code, const char *message, bool sent);

/* With what the driver made its last client; NULL: it made none.  Texts are the driver's. */
const struct hf_host_http_options *fake_http_options(const struct fake_host *);

#endif
