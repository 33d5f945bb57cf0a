/*
 * engine.h - calls of the Engine API, over a unix socket or TCP.
 *
 * A call has a limit and ends exactly once, never before it was begun; what the engine refuses
 * comes with its own words.  Whether the engine is there at all is known by session.h.
 */
#ifndef HF_RUNTIME_DOCKER_ENGINE_H
#define HF_RUNTIME_DOCKER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include <hyperfaas/host.h>

#include "answers.h"

struct engine;
struct engine_call;

/* How a call ended.  Borrowed for the callback. */
struct engine_reply {
    int code;                 /* 0, or a negative HF_E code */
    bool lost;                /* no whole answer came: the engine may have done it or not */
    const char *message;      /* what the engine or the connection said; never NULL */
    uint32_t status;          /* of HTTP; 0: none came */
    struct json_object *json; /* the answer; NULL: none, or a stream */
};

typedef void engine_done_fn(void *arg, const struct engine_reply *);

/* A call.  Borrowed for `engine_begin`; everything is copied. */
struct engine_request {
    const char *method;
    const char *path;    /* behind the version, escaped: "/containers/json?all=1" */
    const char *body;    /* JSON; NULL: none */
    uint64_t timeout_ns; /* 0: none, for streams */
    engine_done_fn *done;
    void *arg;

    /* Of a stream.  NULL: the answer is collected, up to a bound. */
    void (*on_data)(void *arg, const void *data, size_t len);
    bool brief;                    /* a stream that ends soon, like a call */
    void (*on_headers)(void *arg); /* NULL: no matter */
};

/* Where an engine is: "unix:///PATH", "/PATH", "tcp://HOST:PORT" or "http://HOST:PORT". */
int engine_new(const struct hf_driver_host *, const char *where, struct engine **ret,
               struct hf_err *err);
/* No callback runs any more.  NULL is allowed. */
void engine_free(struct engine *);

/* For messages: where it is, and the API version that is spoken, "" before it is known. */
const char *engine_where(const struct engine *);
const char *engine_version(const struct engine *);

/* The first IPv4 address of a network interface on its machine; false, and `ret` as it was, if
 * there is none, or it is another machine than ours. */
bool engine_interface(const struct engine *, const char *name, char ret[static GATEWAY_SIZE]);

/* Begins a call.  On 0 `done` follows, and `*ret` (which may be NULL) is valid until then. */
int engine_begin(struct engine *, const struct engine_request *, struct engine_call **ret,
                 struct hf_err *err);

/* Ends it at once: none of its callbacks runs.  NULL is allowed. */
void engine_cancel(struct engine_call *);

/* Asks who is there and agrees on a version; `date` is the engine's clock, seconds since 1970. */
typedef void engine_pinged_fn(void *arg, int code, const char *message, uint64_t date);
int engine_ping(struct engine *engine, uint64_t timeout_ns, engine_pinged_fn *pinged, void *arg,
                struct engine_call **ret, struct hf_err *err);

#endif
