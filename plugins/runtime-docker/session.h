/*
 * session.h - whether the engine is there, and what happens on it.
 *
 * A session begins with a ping, which also agrees on a version.  Then: events first, since the
 * engine's own time of the ping, then a listing, so that nothing falls between.  It lasts as long
 * as the stream of events; after that a ping is tried again and again.
 */
#ifndef HF_RUNTIME_DOCKER_SESSION_H
#define HF_RUNTIME_DOCKER_SESSION_H

#include "docker.h"

enum session_state {
    SESSION_OPENING, /* what is asked of it meanwhile waits */
    SESSION_OPEN,
    SESSION_LOST /* what is asked of it fails */
};

int session_new(struct hf_runtime *, struct session **ret, struct hf_err *err);
/* NULL is allowed. */
void session_free(struct session *);

enum session_state session_state(const struct session *);
const char *session_state_name(const struct session *);

/* Fails with a message if the engine is lost. */
int session_check(const struct session *, struct hf_err *err);

/* Why it was lost last; "" if never. */
const char *session_trouble(const struct session *);

/* The address at which the network's containers reach this machine, for one of them; "" if it is
 * not known.  Says so, once, if that is so or it is a guess. */
const char *session_gateway(struct session *);

/* A call was lost: looks whether the engine is still there, and soon what it has. */
void session_doubt(struct session *);

#endif
