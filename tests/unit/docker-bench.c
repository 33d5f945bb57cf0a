/*
 * docker-bench.c - the runtime "docker" over an engine that is played.
 */
#include "docker-bench.h"

#include <stdio.h>
#include <string.h>

static const uint64_t SECOND = 1000000000;

const char docker_socket[] = "socket=unix:///fake.sock";

struct docker_script docker_script;

static bool
intercept(struct fake_docker *docker, struct fake_request *request)
{
    char text[512];

    snprintf(text, sizeof text, "%s %s", request->method, fake_docker_path(request));
    if (docker_script.hold && strstr(text, docker_script.hold)) {
        return fake_docker_hold(docker, request);
    }
    if (docker_script.refuse && strstr(text, docker_script.refuse) && docker_script.times > 0) {
        docker_script.times--;
        if (docker_script.status > 0) {
            fake_answer(request, docker_script.status, docker_script.body);
        } else {
            fake_answer_fail(request, HF_EUNAVAILABLE, "connection reset", true);
        }
        return true;
    }
    return false;
}

struct fake_docker *
docker_open_with(struct runtime_bench *b, const char *setting)
{
    const char *settings[] = { docker_socket, setting, NULL };
    struct fake_docker *docker;

    memset(&docker_script, 0, sizeof docker_script);
    runtime_bench_prepare = fake_docker_prepare;
    runtime_bench_open(b, &hyperfaas_plugin, settings);
    docker = fake_docker_of(b->fake);
    docker->intercept = intercept;
    return docker;
}

struct fake_docker *
docker_open(struct runtime_bench *b)
{
    return docker_open_with(b, NULL);
}

void
docker_refuse(const char *what, uint32_t status, const char *body, int times)
{
    docker_script.refuse = what;
    docker_script.status = status;
    docker_script.body = body;
    docker_script.times = times;
}

bool
docker_wait_asked(struct runtime_bench *b, const struct fake_docker *docker, const char *what,
                  size_t n)
{
    uint64_t limit = fake_real_now() + 60 * SECOND;

    while (fake_docker_asked(docker, what) < n && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    return fake_docker_asked(docker, what) >= n;
}

bool
docker_wait_held(struct runtime_bench *b, const struct fake_docker *docker, size_t n)
{
    return fake_wait(b->fake, &docker->held_count, n);
}

bool
docker_wait_empty(struct runtime_bench *b, const struct fake_docker *docker)
{
    uint64_t limit = fake_real_now() + 60 * SECOND;

    while (fake_docker_count(docker) > 0 && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    return fake_docker_count(docker) == 0;
}
