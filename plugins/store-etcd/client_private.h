/*
 * client_private.h - what client.c, call.c and token.c share.
 */
#ifndef HF_STORE_ETCD_CLIENT_PRIVATE_H
#define HF_STORE_ETCD_CLIENT_PRIVATE_H

#include "client.h"

#define ENDPOINTS_MAX 16

struct client {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    struct hf_host_http *http;

    char *endpoints[ENDPOINTS_MAX]; /* URLs without a path */
    unsigned n_endpoints;
    unsigned current;
    uint64_t dial_timeout_ns;

    /* Who we are; token.c. */
    char *user, *password; /* NULL: nobody in particular */
    char *token;           /* the header's line; NULL: none */
    bool auth_is_off;      /* at the server, which then refuses to give tokens */
    struct hf_host_exchange *authenticating;
    unsigned authenticating_at; /* the endpoint's number */
    struct call *waiting;       /* for a token */

    uint64_t n_failures;
};

struct call {
    struct client *client;
    struct call *next_waiting;
    const char *path;
    char *body;
    bool writes;
    uint64_t limit_ns, patience_ns;
    size_t max_answer;
    call_done_fn *done;
    void *arg;

    struct hf_host_timer *timer; /* begins an attempt */
    struct hf_host_exchange *exchange;
    unsigned endpoint;  /* of the attempt */
    unsigned attempts;  /* that failed */
    bool token_renewed; /* once is enough */
    char failure[MESSAGE_SIZE];
};

/* A request; `limit_ns` and `max_answer` as for the host. */
struct client_post {
    unsigned endpoint;
    const char *path, *body;
    uint64_t limit_ns;
    size_t max_answer;
};

/* Sends it, with our token if there is one. */
int client_send(struct client *, const struct client_post *,
                const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret);

/* An endpoint failed; if it is the one of the moment, the next one is from now on. */
void client_blame(struct client *, unsigned endpoint);

/* --- token.c: whether calls have to wait for a token first -------------------------------- */

/* Queues the call until there is a token, or there can be none. */
void token_await(struct call *);
void token_stop_waiting(struct call *);

/* --- call.c: what becomes of a call that waited ------------------------------------------- */

void call_attempt(struct call *);
/* The member failed, and cannot have seen the call if not `seen`. */
void call_attempt_failed(struct call *, int code, bool seen, const char *message);
void call_finish(struct call *, int code, const char *message, struct json_object *answer);

#endif
