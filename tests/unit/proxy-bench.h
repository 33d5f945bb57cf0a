/*
 * proxy-bench.h - a proxy with one function and two endpoints, on one loop.
 */
#ifndef HF_UNIT_PROXY_BENCH_H
#define HF_UNIT_PROXY_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"
#include "node/proxy/callee.h"
#include "node/proxy/proxy.h"
#include "node/proxy/upstream.h"

/* What is kept of a request to send it again. */
#define BENCH_REPLAY_BYTES 1000

struct bench {
    struct hf_loop *loop;
    struct hf_budget *budget;
    struct hf_proxy *proxy;
    struct hf_upstream_config upstream;
    struct hf_callee_config config;
    struct hf_callee *callee;
    struct endpoint first;
    struct endpoint second;
    struct hf_callee_endpoint *members[2];
    uint32_t member_count;
};

/* Begins with the function "f" that has no endpoint yet; what the two are told is set before. */
void bench_begin(struct bench *);

/* Both endpoints join the function: it calls one after the other. */
void bench_serve(struct bench *);

/* Whether no call is left and no slot held. */
bool bench_is_clear(const struct bench *);

void bench_end(struct bench *);

#endif
