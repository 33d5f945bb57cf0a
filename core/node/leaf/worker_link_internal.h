/*
 * worker_link_internal.h - the parts of a worker link; private to worker_link*.c.
 */
#ifndef HF_LEAF_WORKER_LINK_INTERNAL_H
#define HF_LEAF_WORKER_LINK_INTERNAL_H

#include "base/assert.h"
#include "base/backoff.h"
#include "base/list.h"
#include "grpc/client.h"
#include "loop/timer.h"
#include "node/leaf/worker_link.h"

#define HF_WORKER_LINK_MAGIC HF_MAGIC('w', 'l', 'n', 'k')

/* Most starts under way at one worker; the engine's own bound is lower. */
#define HF_WORKER_LINK_MAX_STARTS 4096

enum hf_link_state {
    HF_LINK_DOWN,     /* waiting to try again */
    HF_LINK_HELD,     /* the same: another link leads to the same worker */
    HF_LINK_GREETING, /* asking who it is, hearing its first snapshot */
    HF_LINK_UP
};

struct hf_worker_link {
    uint32_t magic;
    uint8_t state; /* enum hf_link_state */
    bool ours;     /* it speaks hyperfaas.v1 */
    bool internal;
    bool draining;
    bool announced;  /* the role knows that it is there */
    bool complained; /* that it can't be reached */
    bool doubled;    /* and has said that another link leads to the same worker */
    struct hf_loop *loop;
    char *address;
    char *leaf_id;
    const struct hf_worker_link_ops *ops;
    void *arg;
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *greeting; /* NULL: none under way; the others alike */
    struct hf_grpc_client_call *watch;
    struct hf_grpc_client_call *heartbeat;
    struct hf_timer retry;
    struct hf_timer beat;
    uint64_t heartbeat_ns;
    uint64_t loss_ns;
    uint64_t start_ns;
    uint64_t stop_ns;
    uint64_t up_ns; /* since when it is UP; 0: it is not */
    struct hf_backoff backoff;
    struct hf_worker_capacity capacity;
    struct hf_list starts;
    struct hf_list stops;
    struct hf_list named;    /* worker_link_strays.c: instances that no start has claimed */
    struct hf_list given_up; /* and starts that were given up */
    uint32_t start_count;
    uint32_t stop_count;
    char last_error[256];
};

/* The address that this leaf uses, or NULL if the worker gave none. */
const char *hf_worker_link_choose(const struct hf_worker_link *, const char *internal,
                                  const char *external);

/* Whether a start of the function is under way. */
bool hf_worker_link_is_starting(const struct hf_worker_link *, const char *function_id);

/* --- worker_link_strays.c ----------------------------------------------------------------- */

/* An existing worker begins to start an instance of the function, for whomever. */
void hf_worker_link_named(struct hf_worker_link *, const char *instance_id,
                          const char *function_id);

/* A start has ended well: the instance is ours. */
void hf_worker_link_claimed(struct hf_worker_link *, const char *instance_id);

/* A start was given up. */
void hf_worker_link_gave_up(struct hf_worker_link *, const char *function_id);

/* Stops what starts of the function that were given up have left, if none is under way and as far
 * as it can be told.  How many; `done`, which may be NULL, runs for each. */
uint32_t hf_worker_link_stop_strays(struct hf_worker_link *, const char *function_id,
                                    void (*done)(void *arg), void *arg);
uint32_t hf_worker_link_stop_all_strays(struct hf_worker_link *, void (*done)(void *arg),
                                        void *arg);

void hf_worker_link_forget_strays(struct hf_worker_link *);

/* --- worker_link_calls.c ------------------------------------------------------------------ */

/* Sends the stops that could not be sent. */
void hf_worker_link_retry_stops(struct hf_worker_link *);

/* Ends starts (with HF_ECANCELLED) and forgets stops. */
void hf_worker_link_end_calls(struct hf_worker_link *);

#endif
