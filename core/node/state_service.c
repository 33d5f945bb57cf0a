/*
 * state_service.c - tells parents which functions this node has warm.
 *
 * All functions that are warm, or have become cold and not every listener knows it,
 * stand in one list in the order of their last change.  Each listener's place is a
 * mark in that list: what stands behind it has still to be told.  A change moves the
 * function to the end, so a listener hears of it once, with its latest state.
 */
#include "node/state_service.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "base/text.h"
#include "common/common.pb-c.h"
#include "grpc/reply.h"
#include "grpc/server.h"

#define SERVICE_MAGIC  HF_MAGIC('s', 's', 'r', 'v')
#define LISTENER_MAGIC HF_MAGIC('s', 'l', 's', 't')

/* Listeners at once; parents are few. */
#define MAX_LISTENERS 1024

/* A place in the list: a function's, or a listener's mark. */
struct place {
    struct hf_list node;
    bool is_mark;
};

struct warm_function {
    struct place place;
    struct hf_map_node by_id;
    bool warm;
    uint32_t untold; /* listeners whose mark stands before it */
    char id[];
};

struct listener {
    uint32_t magic;
    bool synced; /* the end of the snapshot has been told */
    struct place mark;
    struct hf_list node; /* among the service's listeners */
    struct hf_state_service *service;
    struct hf_grpc_call *call;
    char *above; /* ids with commas between; NULL: it does not say */
};

struct hf_state_service {
    uint32_t magic;
    bool ended;
    struct hf_map functions;
    struct hf_list places;
    struct hf_list listeners;
    uint32_t listener_count;
    struct hf_grpc_method method;
    void (*on_above)(void *arg); /* may be NULL */
    void *on_above_arg;
};

static void
forget(struct hf_state_service *service, struct warm_function *function)
{
    hf_list_remove(&function->place.node);
    hf_map_remove(&service->functions, &function->by_id);
    free(function);
}

/* --- who stands above ------------------------------------------------------ */

/* What a listener says of who stands above is not believed beyond this. */
#define ABOVE_MAX 4096u

void
hf_state_service_on_above(struct hf_state_service *service, void (*fn)(void *arg), void *arg)
{
    service->on_above = fn;
    service->on_above_arg = arg;
}

static int
compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int r = memcmp(a, b, hf_min(a_len, b_len));

    return r != 0 ? r : (a_len > b_len) - (a_len < b_len);
}

/* The id that follows in a list, or NULL. */
static const char *
following(const char *id)
{
    const char *comma = strchr(id, ',');

    return comma ? comma + 1 : NULL;
}

/* Whether one of the ids in `list` is that of `len` bytes. */
static bool
has_id(const char *list, const char *id, size_t len)
{
    for (; list; list = following(list)) {
        if (strcspn(list, ",") == len && memcmp(list, id, len) == 0) {
            return true;
        }
    }
    return false;
}

bool
hf_state_service_is_above(const struct hf_state_service *service, const char *node_id)
{
    const struct listener *listener;

    HF_LIST_FOR (listener, &service->listeners, node) {
        if (has_id(listener->above, node_id, strlen(node_id))) {
            return true;
        }
    }
    return false;
}

/* The first id in byte order that comes after `last`, of all lists; false: there is none. */
static bool
next_above(const struct hf_state_service *service, const char *last, size_t last_len,
           const char **ret, size_t *ret_len)
{
    const struct listener *listener;

    *ret = NULL;
    HF_LIST_FOR (listener, &service->listeners, node) {
        for (const char *at = listener->above; at; at = following(at)) {
            size_t n = strcspn(at, ",");

            if (n > 0 && compare(at, n, last, last_len) > 0 &&
                (!*ret || compare(at, n, *ret, *ret_len) < 0)) {
                *ret = at;
                *ret_len = n;
            }
        }
    }
    return *ret != NULL;
}

void
hf_state_service_add_above(const struct hf_state_service *service, const char *own,
                           struct hf_text *text)
{
    const char *id = "";
    size_t len = 0;

    while (next_above(service, id, len, &id, &len)) {
        if (compare(id, len, own, strlen(own)) != 0) {
            hf_text_printf(text, ",%.*s", (int)len, id);
        }
    }
}

static void
keep_above(struct listener *listener)
{
    const char *above = hf_grpc_metadata(hf_grpc_call_metadata(listener->call), "hyperfaas-above");

    if (above && strlen(above) <= ABOVE_MAX) {
        listener->above = strdup(above);
    }
}

static void
tell_above(struct hf_state_service *service)
{
    if (service->on_above) {
        service->on_above(service->on_above_arg);
    }
}

/* --- listeners ----------------------------------------------------------- */

/* Sends one message; false if it has to wait or the listener has gone. */
static bool
tell(struct listener *listener, const char *id, bool warm)
{
    Common__StateResponse message = COMMON__STATE_RESPONSE__INIT;

    message.function_id = (char *)(uintptr_t)id; /* only read */
    message.have = warm;
    return hf_grpc_call_send(listener->call, &message.base) == 0;
}

/* The function that the listener's mark stands before has been told, or need not be. */
static void
step_over(struct listener *listener, struct warm_function *function)
{
    hf_list_remove(&listener->mark.node);
    hf_list_insert(function->place.node.next, &listener->mark.node);
    function->untold--;
    if (!function->warm && function->untold == 0) {
        forget(listener->service, function);
    }
}

static void
listener_end(struct listener *listener, uint32_t code, const char *message)
{
    struct hf_state_service *service = listener->service;
    struct hf_list *node = listener->mark.node.next;
    bool had_above;

    while (node != &service->places) {
        struct place *place = hf_container_of(node, struct place, node);
        struct warm_function *function = hf_container_of(place, struct warm_function, place);

        node = node->next;
        if (!place->is_mark && --function->untold == 0 && !function->warm) {
            forget(service, function);
        }
    }
    hf_list_remove(&listener->mark.node);
    hf_list_remove(&listener->node);
    service->listener_count--;
    hf_grpc_call_finish(listener->call, code, message);
    had_above = listener->above != NULL;
    free(listener->above);
    listener->magic = 0;
    free(listener);
    if (had_above) {
        tell_above(service);
    }
}

/* Tells what stands behind the mark, as far as the caller takes it now.  At the end of the service
 * a listener that has heard all is gone afterwards. */
static void
advance(struct listener *listener)
{
    struct hf_state_service *service = listener->service;
    struct hf_list *node;

    while ((node = listener->mark.node.next) != &service->places) {
        struct place *place = hf_container_of(node, struct place, node);

        if (place->is_mark) { /* another listener's: change places with it */
            hf_list_remove(&listener->mark.node);
            hf_list_insert(node->next, &listener->mark.node);
        } else {
            struct warm_function *function = hf_container_of(place, struct warm_function, place);

            if (!tell(listener, function->id, function->warm)) {
                return;
            }
            step_over(listener, function);
        }
    }
    if (!listener->synced) {
        listener->synced = tell(listener, "", false);
    }
    if (service->ended && listener->synced) {
        listener_end(listener, HF_GRPC_OK, NULL);
    }
}

/* --- the method ---------------------------------------------------------- */

static void
on_listen(struct hf_grpc_call *call, const void *message)
{
    struct hf_state_service *service =
        hf_cast(hf_grpc_call_arg(call), struct hf_state_service, SERVICE_MAGIC);
    struct listener *listener;
    struct hf_list *node;

    (void)message; /* StateRequest is empty */
    if (service->ended) {
        hf_grpc_call_finish(call, HF_GRPC_UNAVAILABLE, "this node is shutting down");
        return;
    }
    listener = service->listener_count < MAX_LISTENERS ? calloc(1, sizeof *listener) : NULL;
    if (!listener) {
        hf_grpc_call_finish(call, HF_GRPC_RESOURCE_EXHAUSTED, "too many listen already");
        return;
    }
    listener->magic = LISTENER_MAGIC;
    listener->service = service;
    listener->call = call;
    listener->mark.is_mark = true;
    hf_grpc_call_set_state(call, listener);
    for (node = service->places.next; node != &service->places; node = node->next) {
        struct place *place = hf_container_of(node, struct place, node);

        if (!place->is_mark) {
            hf_container_of(place, struct warm_function, place)->untold++;
        }
    }
    hf_list_prepend(&service->places, &listener->mark.node);
    hf_list_append(&service->listeners, &listener->node);
    service->listener_count++;
    keep_above(listener);
    hf_grpc_call_send_headers(call);
    advance(listener);
    tell_above(service);
}

static void
on_writable(struct hf_grpc_call *call)
{
    advance(hf_cast(hf_grpc_call_state(call), struct listener, LISTENER_MAGIC));
}

static void
on_cancelled(struct hf_grpc_call *call)
{
    if (hf_grpc_call_state(call)) {
        listener_end(hf_cast(hf_grpc_call_state(call), struct listener, LISTENER_MAGIC),
                     HF_GRPC_CANCELLED, NULL);
    } else {
        hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
    }
}

/* --- the service --------------------------------------------------------- */

int
hf_state_service_new(struct hf_state_service **ret, struct hf_err *err)
{
    struct hf_state_service *service = calloc(1, sizeof *service);

    if (!service) {
        return hf_fail(err, HF_ENOMEM, "no memory for the State service");
    }
    service->magic = SERVICE_MAGIC;
    hf_map_init(&service->functions, hf_random_os_u64());
    hf_list_init(&service->places);
    hf_list_init(&service->listeners);
    *ret = service;
    return 0;
}

int
hf_state_service_serve(struct hf_state_service *service, struct hf_grpc_server *server,
                       const char *path, struct hf_err *err)
{
    service->method = (struct hf_grpc_method){
        .path = path,
        .kind = HF_GRPC_SERVER_STREAMING,
        .request = &common__state_request__descriptor,
        .message = on_listen,
        .writable = on_writable,
        .cancelled = on_cancelled,
    };
    return hf_grpc_server_add(server, &service->method, 1, service) < 0
               ? hf_fail(err, HF_ENOMEM, "can't serve '%s'", path)
               : 0;
}

static struct warm_function *
function_new(struct hf_state_service *service, const char *id)
{
    size_t len = strlen(id);
    struct warm_function *function = calloc(1, sizeof *function + len + 1);

    if (!function) {
        return NULL;
    }
    memcpy(function->id, id, len + 1);
    hf_list_init(&function->place.node);
    if (hf_map_add(&service->functions, &function->by_id, function->id, len) < 0) {
        free(function);
        return NULL;
    }
    return function;
}

/* Everybody has yet to hear of it. */
static void
change(struct hf_state_service *service, struct warm_function *function, bool warm)
{
    function->warm = warm;
    hf_list_remove(&function->place.node);
    hf_list_append(&service->places, &function->place.node);
    function->untold = service->listener_count;
    if (!warm && function->untold == 0) {
        forget(service, function);
    }
}

static void
advance_all(struct hf_state_service *service)
{
    struct hf_list *link;
    struct hf_list *next;

    for (link = service->listeners.next; link != &service->listeners; link = next) {
        next = link->next;
        advance(hf_container_of(link, struct listener, node));
    }
}

void
hf_state_service_set(struct hf_state_service *service, const char *id, bool warm)
{
    struct hf_map_node *node = hf_map_find(&service->functions, id, strlen(id));
    struct warm_function *function =
        node ? hf_container_of(node, struct warm_function, by_id) : NULL;

    if (service->ended || (function ? function->warm == warm : !warm)) {
        return;
    }
    if (!function) {
        function = function_new(service, id);
        if (!function) {
            return; /* `have` is a hint: its absence costs a cold start elsewhere */
        }
    }
    change(service, function, warm);
    advance_all(service);
}

void
hf_state_service_end(struct hf_state_service *service)
{
    const struct hf_list *last = service->places.prev; /* what follows will have been moved there */
    struct hf_list *node = service->places.next;
    bool done = node == &service->places;

    while (!done) {
        struct place *place = hf_container_of(node, struct place, node);
        struct warm_function *function = hf_container_of(place, struct warm_function, place);

        done = node == last;
        node = node->next;
        if (!place->is_mark && function->warm) {
            change(service, function, false);
        }
    }
    service->ended = true;
    advance_all(service);
}

void
hf_state_service_begin(struct hf_state_service *service)
{
    service->ended = false;
}

void
hf_state_service_free(struct hf_state_service *service)
{
    struct hf_map_node *node;

    if (!service) {
        return;
    }
    hf_assert(hf_list_is_empty(&service->listeners));
    while ((node = hf_map_pop(&service->functions))) {
        free(hf_container_of(node, struct warm_function, by_id));
    }
    hf_map_fini(&service->functions);
    service->magic = 0;
    free(service);
}

void
hf_state_service_show(const struct hf_state_service *service, struct hf_text *out)
{
    const struct hf_map_node *node = NULL;

    hf_text_printf(out, "listeners=%u\n", service->listener_count);
    while ((node = hf_map_next(&service->functions, node))) {
        const struct warm_function *function = hf_container_of(node, struct warm_function, by_id);

        if (function->warm) {
            hf_text_printf(out, "warm=%s\n", function->id);
        }
    }
}
