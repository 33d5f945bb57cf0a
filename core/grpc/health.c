/*
 * health.c - the health service; the probe is in probe.c.
 */
#include "grpc/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/map.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/server.h"

#define SERVING     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define UNKNOWN     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

typedef Grpc__Health__V1__HealthCheckRequest health_request;
typedef Grpc__Health__V1__HealthCheckResponse health_response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

/* A service that has a status. */
struct service {
    struct hf_map_node node;
    serving_status status;
    char name[];
};

/* A Watch call. */
struct watcher {
    struct hf_list node;
    struct hf_grpc_call *call;
    const char *name; /* on the call's arena */
    serving_status told;
};

struct hf_grpc_health {
    struct hf_map services;
    struct hf_list watchers;
};

static struct service *
find_service(const struct hf_grpc_health *health, const char *name)
{
    struct hf_map_node *node = hf_map_find(&health->services, name, strlen(name));

    return node ? hf_container_of(node, struct service, node) : NULL;
}

/* --- calls --------------------------------------------------------------------------------- */

static void
check(struct hf_grpc_call *call, const void *message)
{
    const health_request *request = message;
    health_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    const struct service *service = find_service(hf_grpc_call_arg(call), request->service);

    if (!service) {
        hf_grpc_call_finish(call, HF_GRPC_NOT_FOUND, "unknown service");
        return;
    }
    response.status = service->status;
    hf_grpc_call_reply(call, &response.base);
}

/* Sends the status if the watcher has not heard it; a full queue is tried again when
 * it has room, with what holds then. */
static void
update_watcher(const struct hf_grpc_health *health, struct watcher *watcher)
{
    health_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    const struct service *service = find_service(health, watcher->name);

    response.status = service ? service->status : UNKNOWN;
    if (response.status != watcher->told && hf_grpc_call_send(watcher->call, &response.base) == 0) {
        watcher->told = response.status;
    }
}

static void
watch(struct hf_grpc_call *call, const void *message)
{
    const health_request *request = message;
    struct hf_grpc_health *health = hf_grpc_call_arg(call);
    struct watcher *watcher = calloc(1, sizeof *watcher);

    if (!watcher) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    watcher->call = call;
    watcher->name = request->service;
    watcher->told = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__UNKNOWN;
    hf_list_append(&health->watchers, &watcher->node);
    hf_grpc_call_set_state(call, watcher);
    update_watcher(health, watcher);
}

static void
watch_writable(struct hf_grpc_call *call)
{
    update_watcher(hf_grpc_call_arg(call), hf_grpc_call_state(call));
}

static void
end_watch(struct watcher *watcher, uint32_t code, const char *message)
{
    hf_grpc_call_finish(watcher->call, code, message);
    hf_list_remove(&watcher->node);
    free(watcher);
}

static void
watch_cancelled(struct hf_grpc_call *call)
{
    end_watch(hf_grpc_call_state(call), HF_GRPC_CANCELLED, NULL);
}

static const struct hf_grpc_method methods[] = {
    {
        .path = "/grpc.health.v1.Health/Check",
        .kind = HF_GRPC_UNARY,
        .request = &grpc__health__v1__health_check_request__descriptor,
        .message = check,
    },
    {
        .path = "/grpc.health.v1.Health/Watch",
        .kind = HF_GRPC_SERVER_STREAMING,
        .request = &grpc__health__v1__health_check_request__descriptor,
        .message = watch,
        .writable = watch_writable,
        .cancelled = watch_cancelled,
    },
};

/* --- what the program says ----------------------------------------------------------------- */

static void
update_watchers(const struct hf_grpc_health *health)
{
    struct watcher *watcher;

    HF_LIST_FOR (watcher, &health->watchers, node) {
        update_watcher(health, watcher);
    }
}

int
hf_grpc_health_set(struct hf_grpc_health *health, const char *name, bool serving)
{
    struct service *service = find_service(health, name);
    size_t len = strlen(name);
    int r;

    if (!service) {
        service = calloc(1, sizeof *service + len + 1);
        if (!service) {
            return HF_ENOMEM;
        }
        memcpy(service->name, name, len);
        r = hf_map_add(&health->services, &service->node, service->name, len);
        if (r < 0) {
            free(service);
            return r;
        }
    }
    service->status = serving ? SERVING : NOT_SERVING;
    update_watchers(health);
    return 0;
}

void
hf_grpc_health_set_all(struct hf_grpc_health *health, bool serving)
{
    struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&health->services, node))) {
        hf_container_of(node, struct service, node)->status = serving ? SERVING : NOT_SERVING;
    }
    update_watchers(health);
}

void
hf_grpc_health_end_watches(struct hf_grpc_health *health)
{
    struct watcher *watcher;
    struct watcher *next;

    HF_LIST_FOR_SAFE (watcher, next, &health->watchers, node) {
        end_watch(watcher, HF_GRPC_UNAVAILABLE, "the server is draining");
    }
}

int
hf_grpc_health_new(struct hf_grpc_server *server, struct hf_grpc_health **ret)
{
    struct hf_grpc_health *health = calloc(1, sizeof *health);
    int r;

    if (!health) {
        return HF_ENOMEM;
    }
    hf_map_init(&health->services, 0); /* The program chooses the names. */
    hf_list_init(&health->watchers);
    r = hf_grpc_health_set(health, "", true);
    if (r == 0) {
        r = hf_grpc_server_add(server, methods, hf_countof(methods), health);
    }
    if (r < 0) {
        hf_grpc_health_free(health);
        return r;
    }
    *ret = health;
    return 0;
}

void
hf_grpc_health_free(struct hf_grpc_health *health)
{
    struct hf_map_node *node;

    if (!health) {
        return;
    }
    while ((node = hf_map_pop(&health->services))) {
        free(hf_container_of(node, struct service, node));
    }
    hf_map_fini(&health->services);
    free(health);
}
