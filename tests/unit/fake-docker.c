/*
 * fake-docker.c - a container engine played over the fake host's HTTP client.
 */
#include "fake-docker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Hosts live one or two at a time; their engines are used in turn. */
static struct fake_docker engines[4];

struct fake_docker *
fake_docker_of(struct fake_host *host)
{
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (engines[i].host == host) {
            return &engines[i];
        }
    }
    return NULL;
}

/* --- containers ----------------------------------------------------------------------------- */

struct fake_container *
fake_docker_find(struct fake_docker *docker, const char *id)
{
    for (size_t i = 0; i < FAKE_CONTAINERS; i++) {
        struct fake_container *container = &docker->containers[i];

        if (container->state[0] && *id &&
            (strcmp(container->name, id) == 0 || strncmp(container->id, id, strlen(id)) == 0)) {
            return container;
        }
    }
    return NULL;
}

size_t
fake_docker_count(const struct fake_docker *docker)
{
    size_t n = 0;

    for (size_t i = 0; i < FAKE_CONTAINERS; i++) {
        n += docker->containers[i].state[0] != '\0';
    }
    return n;
}

struct fake_container *
fake_docker_add(struct fake_docker *docker, const char *name, const char *state, const char *labels)
{
    struct fake_container *container = docker->containers;

    while (container->state[0]) {
        container++;
        assert(container < docker->containers + FAKE_CONTAINERS);
    }
    *container = (struct fake_container){ .number = ++docker->made };
    snprintf(container->id, sizeof container->id, "%08x%04x%052x", docker->made * 2654435761u,
             docker->made & 0xffff, docker->made);
    snprintf(container->name, sizeof container->name, "%s", name);
    snprintf(container->state, sizeof container->state, "%s", state);
    snprintf(container->labels, sizeof container->labels, "%s", labels);
    return container;
}

/* --- events --------------------------------------------------------------------------------- */

void
fake_docker_event(struct fake_docker *docker, const char *data)
{
    assert(docker->events);
    fake_answer_data(docker->events, data, strlen(data));
}

void
fake_docker_end(struct fake_docker *docker, const char *id, int exit_code, const char *action)
{
    struct fake_container *container = fake_docker_find(docker, id);
    char event[512];

    assert(container);
    container->exit_code = exit_code;
    snprintf(container->state, sizeof container->state,
             strcmp(action, "pause") == 0 ? "paused" : "exited");
    docker->time_ns += 1000;
    snprintf(event, sizeof event,
             "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"%s\","
             "\"Attributes\":{\"exitCode\":\"%d\"}},\"timeNano\":%" PRIu64 "}\n",
             action, container->id, exit_code, docker->time_ns);
    fake_docker_event(docker, event);
}

/* --- answers -------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
answer(struct fake_request *request, uint32_t status, const char *format, ...)
{
    static char body[1 << 17];
    va_list args;

    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    fake_answer(request, status, body);
}

static void
ping(struct fake_docker *docker, struct fake_request *request)
{
    char headers[160];

    snprintf(headers, sizeof headers, "Api-Version: %s\nDate: Wed, 25 Nov 2026 01:13:45 GMT\n",
             docker->version);
    fake_answer_begin(request, 200, headers);
    fake_answer_data(request, "OK", 2);
    fake_answer_end(request);
}

/* Copies the value of a member that is an object, with its braces. */
static void
copy_object(const char *json, const char *key, char *ret, size_t size)
{
    const char *begin = strstr(json, key);
    const char *end = begin ? strchr(begin, '}') : NULL;

    assert(begin && end);
    snprintf(ret, size, "%.*s", (int)(end + 1 - (begin + strlen(key))), begin + strlen(key));
}

static bool
has_image(const struct fake_docker *docker, const char *body)
{
    char wanted[120];

    for (size_t i = 0; i < FAKE_IMAGES; i++) {
        snprintf(wanted, sizeof wanted, "\"Image\":\"%s\"", docker->images[i]);
        if (docker->images[i][0] && strstr(body, wanted)) {
            return true;
        }
    }
    return false;
}

static void
create(struct fake_docker *docker, struct fake_request *request)
{
    const char *name = strstr(request->url, "?name=") + strlen("?name=");
    struct fake_container *container;
    char labels[640];

    if (!has_image(docker, request->body)) {
        answer(request, 404, "{\"message\":\"No such image: of %s\"}", name);
        return;
    }
    if (fake_docker_find(docker, name)) {
        answer(request, 409, "{\"message\":\"Conflict. The name %s is in use\"}", name);
        return;
    }
    copy_object(request->body, "\"Labels\":", labels, sizeof labels);
    container = fake_docker_add(docker, name, "created", labels);
    snprintf(container->body, sizeof container->body, "%s", request->body);
    answer(request, 201, "{\"Id\":\"%s\",\"Warnings\":[]}", container->id);
}

static void
inspect(const struct fake_container *container, struct fake_request *request)
{
    bool paused = strcmp(container->state, "paused") == 0;
    bool running = paused || strcmp(container->state, "running") == 0;

    answer(request, 200,
           "{\"Id\":\"%s\",\"Name\":\"/%s\",\"State\":{\"Status\":\"%s\",\"Running\":%s,"
           "\"Paused\":%s,\"OOMKilled\":%s,\"ExitCode\":%d,\"Error\":\"\"},"
           "\"NetworkSettings\":{\"Ports\":{\"50052/tcp\":[{\"HostIp\":\"127.0.0.1\","
           "\"HostPort\":\"%u\"}]},\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.1.%u\"}}}}",
           container->id, container->name, container->state, running ? "true" : "false",
           paused ? "true" : "false", container->out_of_memory ? "true" : "false",
           container->exit_code, 32768 + container->number, container->number);
}

static void
list(const struct fake_docker *docker, struct fake_request *request)
{
    static char text[1 << 16];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < FAKE_CONTAINERS; i++) {
        const struct fake_container *c = &docker->containers[i];

        if (c->state[0]) {
            len += (size_t)snprintf(
                text + len, sizeof text - len,
                "%s{\"Id\":\"%s\",\"Names\":[\"/%s\"],\"State\":\"%s\",\"Labels\":%s,"
                "\"Ports\":[{\"IP\":\"127.0.0.1\",\"PrivatePort\":50052,\"PublicPort\":%u}],"
                "\"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.1.%u\"}}}}",
                len ? "," : "", c->id, c->name, c->state, c->labels, 32768 + c->number, c->number);
        }
    }
    answer(request, 200, "[%s]", text);
}

static void
list_images(const struct fake_docker *docker, struct fake_request *request)
{
    char text[1024];
    size_t len = 0;

    for (size_t i = 0; i < FAKE_IMAGES; i++) {
        if (docker->images[i][0]) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s\"%s\"", len ? "," : "",
                                    docker->images[i]);
        }
    }
    answer(request, 200, "[{\"RepoTags\":null},{\"RepoTags\":[%s]}]", len ? text : "");
}

/* What is done to one container: "/containers/ID/WHAT". */
static void
container_call(struct fake_docker *docker, struct fake_request *request, const char *path)
{
    static const char frame[] = "\1\0\0\0\0\0\0\4one\n";
    size_t id_len = strcspn(path, "/?");
    struct fake_container *container;
    const char *what = path + id_len;
    char id[80];

    snprintf(id, sizeof id, "%.*s", (int)id_len, path);
    container = fake_docker_find(docker, id);
    if (!container) {
        answer(request, 404, "{\"message\":\"No such container: %s\"}", id);
    } else if (strcmp(request->method, "DELETE") == 0) {
        container->state[0] = '\0';
        answer(request, 204, "%s", "");
    } else if (strcmp(what, "/start") == 0) {
        snprintf(container->state, sizeof container->state, "running");
        answer(request, 204, "%s", "");
    } else if (strncmp(what, "/stop", 5) == 0) {
        bool runs = strcmp(container->state, "running") == 0;

        snprintf(container->state, sizeof container->state, "exited");
        answer(request, runs ? 204 : 304, "%s", "");
    } else if (strcmp(what, "/json") == 0) {
        inspect(container, request);
    } else { /* logs: "one\n" and "two\n" */
        fake_answer_begin(request, 200, NULL);
        fake_answer_data(request, frame, 5);
        fake_answer_data(request, frame + 5, 7);
        fake_answer_data(request, "\2\0\0\0\0\0\0\4two\n", 12);
        fake_answer_end(request);
    }
}

const char *
fake_docker_path(const struct fake_request *request)
{
    const char *path = strchr(request->url + strlen("http://"), '/');

    return strncmp(path, "/v", 2) == 0 ? strchr(path + 1, '/') : path;
}

void
fake_docker_answer(struct fake_docker *docker, struct fake_request *request)
{
    const char *path = fake_docker_path(request);

    if (strcmp(path, "/_ping") == 0) {
        ping(docker, request);
    } else if (strncmp(path, "/events", 7) == 0) {
        docker->events = request;
        fake_answer_begin(request, 200, NULL);
    } else if (strncmp(path, "/networks/", 10) == 0) {
        answer(request, 200, "%s",
               docker->network ? docker->network
                               : "{\"IPAM\":{\"Config\":[{\"Gateway\":\"fe80::1\"},{\"Gateway\":"
                                 "\"172.17.0.1\"}]}}");
    } else if (strcmp(path, "/images/json") == 0) {
        list_images(docker, request);
    } else if (strncmp(path, "/images/create", 14) == 0) {
        answer(request, docker->pull_status, "%s", docker->pull_answer);
    } else if (strncmp(path, "/containers/json", 16) == 0) {
        list(docker, request);
    } else if (strncmp(path, "/containers/create", 18) == 0) {
        create(docker, request);
    } else {
        container_call(docker, request, path + strlen("/containers/"));
    }
}

bool
fake_docker_hold(struct fake_docker *docker, struct fake_request *request)
{
    assert(docker->held_count < sizeof docker->held / sizeof *docker->held);
    docker->held[docker->held_count++] = request;
    return true;
}

static void
serve(void *arg, struct fake_request *request)
{
    struct fake_docker *docker = arg;
    size_t len = strlen(docker->asked);

    snprintf(docker->asked + len, sizeof docker->asked - len, "%s %s\n", request->method,
             fake_docker_path(request));
    if (!docker->intercept || !docker->intercept(docker, request)) {
        fake_docker_answer(docker, request);
    }
}

size_t
fake_docker_asked(const struct fake_docker *docker, const char *what)
{
    size_t n = 0;

    for (const char *at = docker->asked; (at = strstr(at, what)); at += strlen(what)) {
        n++;
    }
    return n;
}

void
fake_docker_prepare(struct fake_host *host)
{
    static size_t turn;
    struct fake_docker *old = fake_docker_of(host); /* of a host that was at the same place */
    struct fake_docker *docker = old ? old : &engines[turn++ % (sizeof engines / sizeof *engines)];

    *docker = (struct fake_docker){
        .host = host,
        .version = "1.41",
        .pull_answer = "{\"message\":\"pull access denied for no-such-image\"}",
        .pull_status = 404,
        .time_ns = UINT64_C(1795569300000000000),
    };
    snprintf(docker->images[0], sizeof docker->images[0], "hyperfaas-idle:latest");
    fake_http_serve(host, serve, docker);
}
