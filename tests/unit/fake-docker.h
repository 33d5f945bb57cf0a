/*
 * fake-docker.h - a container engine played over the fake host's HTTP client.
 *
 * It keeps containers and images and answers as Docker does.  A test may intercept requests, to
 * hold them, to refuse them, or to answer as another engine would.
 */
#ifndef HF_TESTS_UNIT_FAKE_DOCKER_H
#define HF_TESTS_UNIT_FAKE_DOCKER_H

#include "fake-http.h"

#define FAKE_CONTAINERS 64
#define FAKE_IMAGES     8

struct fake_container {
    char id[65];
    char name[80];
    char state[16];   /* "created", "running", "exited", "paused"; "" none */
    char labels[640]; /* JSON */
    char body[4096];  /* of the request that made it; "" for one that was there before */
    int exit_code;
    bool out_of_memory;
    unsigned number; /* of its address */
};

struct fake_docker {
    struct fake_host *host;
    struct fake_container containers[FAKE_CONTAINERS];
    unsigned made;
    char images[FAKE_IMAGES][80];
    const char *version;     /* API version that it tells */
    const char *network;     /* what it says of one; NULL: as usual */
    const char *pull_answer; /* body of a pull's answer */
    uint32_t pull_status;
    struct fake_request *events; /* the stream, once it is open */
    uint64_t time_ns;            /* of the next event */

    /* True: the request was dealt with. */
    bool (*intercept)(struct fake_docker *, struct fake_request *);
    struct fake_request *held[16]; /* by an interceptor */
    size_t held_count;

    /* What was asked for, "METHOD PATH\n" each, without the version. */
    char asked[32768];
};

/* The engine of a host, made at the first question. */
struct fake_docker *fake_docker_of(struct fake_host *);

/* For runtime_bench_prepare: an engine with the image "hyperfaas-idle:latest". */
void fake_docker_prepare(struct fake_host *);

/* A container that is there already. */
struct fake_container *fake_docker_add(struct fake_docker *, const char *name, const char *state,
                                       const char *labels);

/* The container of an instance id or name, or NULL; how many there are. */
struct fake_container *fake_docker_find(struct fake_docker *, const char *id);
size_t fake_docker_count(const struct fake_docker *);

/* A container ends, and the engine tells so ("die", or what `action` says). */
void fake_docker_end(struct fake_docker *, const char *id, int exit_code, const char *action);

/* A piece of the stream of events. */
void fake_docker_event(struct fake_docker *, const char *data);

/* How often something was asked for. */
size_t fake_docker_asked(const struct fake_docker *, const char *what);

/* Holds a request, for an interceptor. */
bool fake_docker_hold(struct fake_docker *, struct fake_request *);

/* The part of a request's URL behind the version. */
const char *fake_docker_path(const struct fake_request *);

/* Answers a request as the engine does, whatever the interceptor. */
void fake_docker_answer(struct fake_docker *, struct fake_request *);

#endif
