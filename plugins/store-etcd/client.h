/*
 * client.h - asking etcd: which member, who we are, what to try again.
 *
 * One member is asked for everything until it fails; then the next one is.  A call that failed
 * before the member can have seen it goes to the next at once; when all have failed it waits, each
 * time longer, as long as its patience lasts.  What only reads is repeated after any failure; a
 * write that may have been carried out is not.
 */
#ifndef HF_STORE_ETCD_CLIENT_H
#define HF_STORE_ETCD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/host.h>

#include "wire.h"

#define MSEC UINT64_C(1000000)
#define SEC  UINT64_C(1000000000)

/* Delays between attempts: the first, at most, and a random part of each. */
#define BACKOFF_MIN (200 * MSEC)
#define BACKOFF_MAX (10 * SEC)

struct client;
struct call;
struct json_object;

/* Reads the options of store-etcd.c. */
int client_new(const struct hf_driver_host *driver, const struct hf_options *options,
               struct client **ret, struct hf_err *err);

/* After all calls and streams.  NULL is allowed. */
void client_free(struct client *);

/* --- calls -------------------------------------------------------------------------------- */

/* How a call ended: `answer` is borrowed; NULL on failure. */
typedef void call_done_fn(void *arg, int code, const char *message, struct json_object *answer);

struct call_request {
    const char *path;
    char *body;           /* becomes the call's, whatever happens; NULL: there was no memory */
    bool writes;          /* must not happen twice */
    uint64_t limit_ns;    /* for one attempt */
    uint64_t patience_ns; /* for waiting between rounds of attempts */
    size_t max_answer;    /* bytes; 0: the host's own limit */
};

/* Begins a call; `done` runs once, later, unless it is cancelled.  NULL without memory. */
struct call *call_begin(struct client *, const struct call_request *, call_done_fn *done,
                        void *arg);
void call_cancel(struct call *); /* NULL is allowed */

/* Why the last attempt failed; "" if none has. */
const char *call_last_failure(const struct call *);

/* --- streams ------------------------------------------------------------------------------ */

/* Sends a request whose answer does not end, to the member of the moment, as who we are. */
int client_open(struct client *, const char *path, const char *body,
                const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret);
void client_close(struct client *, struct hf_host_exchange *);

/* The member of the moment failed us: ask the next one from now on. */
void client_move_on(struct client *);

/* The token was refused: the next call gets another one; streams cannot. */
void client_forget_token(struct client *);
bool client_lacks_token(const struct client *);

/* --- questions ---------------------------------------------------------------------------- */

/* "http://127.0.0.1:2379" */
const char *client_endpoint(const struct client *);
unsigned client_endpoint_count(const struct client *);

/* How long to wait after `failures` failures in a row. */
uint64_t client_backoff(struct client *, unsigned failures);

/* Whether a refusal is one of the token, which another one may cure. */
bool client_is_token_refusal(uint32_t grpc_code, const char *message);

void client_show(const struct client *, struct hf_text *);

#endif
