/*
 * docker-bench.h - the runtime "docker" over an engine that is played; shared by its tests.
 */
#ifndef HF_TESTS_UNIT_DOCKER_BENCH_H
#define HF_TESTS_UNIT_DOCKER_BENCH_H

#include "fake-docker.h"
#include "runtime-bench.h"

/* What the engine does otherwise: requests with a text in "METHOD PATH" are held or refused. */
struct docker_script {
    const char *hold;
    const char *refuse;
    uint32_t status; /* 0: the connection is lost */
    const char *body;
    int times;
};

extern struct docker_script docker_script;

/* The option that says where the engine is. */
extern const char docker_socket[];

/* Opens a runtime with one more option, or none. */
struct fake_docker *docker_open_with(struct runtime_bench *b, const char *setting);
struct fake_docker *docker_open(struct runtime_bench *b);

/* The next requests with that text are refused, so often. */
void docker_refuse(const char *what, uint32_t status, const char *body, int times);

/* Turn the loop until the engine was asked so often, holds so many requests, has no container. */
bool docker_wait_asked(struct runtime_bench *b, const struct fake_docker *docker, const char *what,
                       size_t n);
bool docker_wait_held(struct runtime_bench *b, const struct fake_docker *docker, size_t n);
bool docker_wait_empty(struct runtime_bench *b, const struct fake_docker *docker);

#endif
