/*
 * health.h - grpc.health.v1.Health: serving it, and asking others.
 *
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md.  Everything runs on
 * the loop's thread.
 */
#ifndef HF_GRPC_HEALTH_H
#define HF_GRPC_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct hf_err;
struct hf_loop;
struct hf_grpc_health;
struct hf_grpc_probe;
struct hf_grpc_server;

/* --- the service --------------------------------------------------------------------------- */

/* Adds Check and Watch to `server`.  The empty name, the server as a whole, is SERVING. */
int hf_grpc_health_new(struct hf_grpc_server *server, struct hf_grpc_health **ret);

/* After the server's calls have ended or were cancelled: after hf_grpc_server_free.
 * NULL is allowed. */
void hf_grpc_health_free(struct hf_grpc_health *health);

/* Makes a service known, or changes its status; whoever watches it hears of it.
 * HF_ENOMEM. */
int hf_grpc_health_set(struct hf_grpc_health *health, const char *name, bool serving);

/* All known services stop or begin serving, at a drain for instance. */
void hf_grpc_health_set_all(struct hf_grpc_health *health, bool serving);

/* Ends all Watch calls, so that a drain need not wait for them. */
void hf_grpc_health_end_watches(struct hf_grpc_health *health);

/* --- the probe ----------------------------------------------------------------------------- */

/* What listens at an address. */
enum hf_grpc_probe_result {
    HF_GRPC_PROBE_READY,       /* HTTP/2, and SERVING or without a health service */
    HF_GRPC_PROBE_NOT_SERVING, /* its health service says so */
    HF_GRPC_PROBE_NO_SERVER    /* nothing there, or nothing that speaks HTTP/2, in time */
};

/* How far a probe looks. */
enum hf_grpc_probe_depth {
    HF_GRPC_PROBE_HTTP2, /* until the peer's SETTINGS have come */
    HF_GRPC_PROBE_HEALTH /* asks its health service too */
};

/* `text` says what was found, for a log line; borrowed. */
typedef void hf_grpc_probe_fn(void *arg, enum hf_grpc_probe_result result, const char *text);

/* Looks once: connects, waits for the peer's SETTINGS (a bare TCP connect proves nothing
 * behind a port proxy), then, if `depth` says so, calls Health/Check for the server as a
 * whole.  On 0, `fn` runs exactly once, later, unless cancelled before.  `ret` may be NULL. */
int hf_grpc_probe(struct hf_loop *loop, const char *address, enum hf_grpc_probe_depth depth,
                  uint64_t timeout_ns, hf_grpc_probe_fn *fn, void *arg, struct hf_grpc_probe **ret,
                  struct hf_err *err);

/* `fn` will not run.  NULL is allowed. */
void hf_grpc_probe_cancel(struct hf_grpc_probe *probe);

#endif
