/*
 * link.c - the connection to the API of another node.
 */
#include "node/peer/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "grpc/health/v1/health.pb-c.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/access.h"
#include "node/node_id.h"

/* A peer that has come back is found within about a second, and one that takes connections and
 * drops them is not asked more often than that either. */
#define RETRY_MIN_NS (50 * HF_MSEC)
#define RETRY_MAX_NS (1 * HF_SEC)

/* For a peer to say who it is. */
#define GREETING_NS (3 * HF_SEC)

/* One that must not be used as long as another is there is asked again after this. */
#define HELD_NS (5 * HF_SEC)

/* A stream that lived so long ended for a reason: the next one follows at once. */
#define STEADY_NS (1 * HF_SEC)

static void listen_to(struct hf_link *link);

static void
cancel(struct hf_grpc_client_call **call)
{
    hf_grpc_client_call_cancel(hf_steal(*call));
}

/* --- loss --------------------------------------------------------------------------------------
 */

/* Ends what is under way, in all but `down`. */
static void
hang_up(struct hf_link *link, enum hf_link_state state, const char *why)
{
    cancel(&link->greeting);
    cancel(&link->stream);
    cancel(&link->heartbeat);
    cancel(&link->load);
    hf_timer_cancel(&link->beat);
    link->state = (uint8_t)state;
    if (why != link->error) {
        snprintf(link->error, sizeof link->error, "%s", why);
    }
}

/* The peer can't be used; the next attempt follows. */
static void
leave(struct hf_link *link, enum hf_link_state state, const char *why, uint64_t pause_ns)
{
    bool was_up = link->state == HF_LINK_UP;
    bool was_known = link->is_known;

    link->is_known = false;
    hang_up(link, state, why);
    hf_timer_set(&link->retry, pause_ns);
    link->config->ops->down(link, was_up);
    link->config->on_away(link, was_known);
}

void
hf_link_lose(struct hf_link *link, const char *why)
{
    uint64_t up_ns = link->state == HF_LINK_UP ? hf_loop_now(link->config->loop) - link->up_ns : 0;

    leave(link, HF_LINK_DOWN, why, hf_backoff_next(&link->backoff, up_ns));
}

/* Holds the link if the peer must not be used; true: it must not. */
static bool
refused(struct hf_link *link)
{
    const struct hf_link_ops *ops = link->config->ops;
    const char *why;

    if (!link->node_id) {
        return false;
    }
    why = ops->refuse ? ops->refuse(link) : NULL;
    if (!why) {
        why = link->config->twin(link);
    }
    if (why) {
        leave(link, HF_LINK_HELD, why, HELD_NS);
        return true;
    }
    link->is_known = true;
    return false;
}

void
hf_link_review(struct hf_link *link)
{
    if (link->state == HF_LINK_UP) {
        refused(link);
    }
}

/* --- health ------------------------------------------------------------------------------------
 */

static void
on_heartbeat(void *arg, const struct hf_grpc_result *result)
{
    struct hf_link *link = hf_link_of(arg);
    const struct hf_link_ops *ops = link->config->ops;
    const Grpc__Health__V1__HealthCheckResponse *response = result->response;

    link->heartbeat = NULL;
    if (!result->answered) {
        hf_link_lose(link, result->message);
        return;
    }
    hf_timer_set(&link->beat, link->config->heartbeat_ns);
    if (ops->health) {
        ops->health(link, !response ||
                              response->status ==
                                  GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    }
}

void
hf_link_check(struct hf_link *link)
{
    Grpc__Health__V1__HealthCheckRequest check = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/grpc.health.v1.Health/Check",
        .message = &check.base,
        .response = &grpc__health__v1__health_check_response__descriptor,
        .timeout_ns = link->config->loss_ns,
    };

    if (link->state < HF_LINK_LISTENING || link->heartbeat) {
        return;
    }
    hf_timer_cancel(&link->beat);
    if (hf_grpc_client_unary(link->client, &request, on_heartbeat, link, &link->heartbeat) < 0) {
        hf_timer_set(&link->beat, link->config->heartbeat_ns);
    }
}

static void
on_beat(struct hf_timer *timer)
{
    hf_link_check(hf_container_of(timer, struct hf_link, beat));
}

/* --- greeting ----------------------------------------------------------------------------------
 */

/* Keeps who it says it is; false: it cannot be used, and was lost. */
static bool
take_name(struct hf_link *link, const char *node_id)
{
    char *kept;

    if (node_id && link->node_id ? strcmp(node_id, link->node_id) == 0 : node_id == link->node_id) {
        return true;
    }
    if (link->state == HF_LINK_UP) {
        hf_link_lose(link, "another node answers at its address");
        return false;
    }
    kept = node_id ? strdup(node_id) : NULL;
    if (node_id && !kept) {
        hf_link_lose(link, "no memory to know it");
        return false;
    }
    free(link->node_id);
    link->node_id = kept;
    link->role = link->config->role;
    return true;
}

static void
on_greeted(void *arg, const struct hf_grpc_result *result)
{
    struct hf_link *link = hf_link_of(arg);
    const Hyperfaas__V1__InfoResponse *info = result->response;

    link->greeting = NULL;
    if (result->code != HF_GRPC_OK && result->code != HF_GRPC_UNIMPLEMENTED) {
        hf_link_lose(link, result->message);
        return;
    }
    if (info && !hf_node_id_is_valid(info->node_id)) {
        hf_link_lose(link, "what it says of itself cannot be used: its id is too long, or none");
        return;
    }
    if (!take_name(link, info ? info->node_id : NULL)) {
        return;
    }
    if (link->state != HF_LINK_UP) {
        link->state = HF_LINK_LISTENING;
        hf_timer_set(&link->beat, link->config->heartbeat_ns);
    }
    link->ours = info != NULL;
    link->says_no_load = !link->ours;
    link->config->ops->greeted(link, info && info->draining);
    if (!link->role || !refused(link)) {
        listen_to(link);
    }
}

static void
greet(struct hf_link *link)
{
    Hyperfaas__V1__InfoRequest info = HYPERFAAS__V1__INFO_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Info",
        .message = &info.base,
        .response = &hyperfaas__v1__info_response__descriptor,
        .timeout_ns = GREETING_NS,
    };

    if (link->state != HF_LINK_UP) {
        link->state = HF_LINK_GREETING;
    }
    if (hf_grpc_client_unary(link->client, &request, on_greeted, link, &link->greeting) < 0) {
        hf_link_lose(link, "no memory to call it");
    }
}

static void
on_retry(struct hf_timer *timer)
{
    greet(hf_container_of(timer, struct hf_link, retry));
}

void
hf_link_hurry(struct hf_link *link)
{
    if (link->state == HF_LINK_HELD) {
        hf_timer_set(&link->retry, 0);
    }
}

/* --- the stream --------------------------------------------------------------------------------
 */

static void
on_stream_message(void *arg, const void *message)
{
    struct hf_link *link = hf_link_of(arg);

    link->on_message(link, message);
}

static void
on_stream_end(void *arg, const struct hf_grpc_result *result)
{
    struct hf_link *link = hf_link_of(arg);
    uint64_t lived_ns = hf_loop_now(link->config->loop) - link->listening_ns;

    link->stream = NULL;
    switch (link->config->ops->ended(link, result)) {
    case HF_LINK_ANOTHER:
        listen_to(link);
        break;
    case HF_LINK_STAYS:
        hf_timer_set(&link->retry,
                     lived_ns >= STEADY_NS ? 0 : hf_backoff_next(&link->backoff, lived_ns));
        break;
    case HF_LINK_LOST:
        hf_link_lose(link, result->code == HF_GRPC_OK ? "it ended its stream" : result->message);
        break;
    }
}

int
hf_link_stream(struct hf_link *link, const struct hf_grpc_request *request,
               hf_grpc_message_fn *on_message)
{
    link->on_message = on_message;
    link->listening_ns = hf_loop_now(link->config->loop);
    return hf_grpc_client_stream(link->client, request, on_stream_message, on_stream_end, link,
                                 &link->stream);
}

static void
listen_to(struct hf_link *link)
{
    if (link->config->ops->listen(link) < 0) {
        hf_link_lose(link, "no memory to listen to it");
    }
}

void
hf_link_renew(struct hf_link *link)
{
    if (link->stream) {
        cancel(&link->stream);
        listen_to(link);
    }
}

void
hf_link_come_up(struct hf_link *link)
{
    if (link->state == HF_LINK_UP || (!link->is_known && refused(link))) {
        return;
    }
    link->state = HF_LINK_UP;
    link->up_ns = hf_loop_now(link->config->loop);
    link->noted = HF_LINK_UP;
    link->error[0] = '\0';
    if (link->config->ops->up(link) < 0) {
        hf_link_lose(link, "it could not be taken in");
    }
}

/* --- its load ----------------------------------------------------------------------------------
 */

static void
on_load_report(void *arg, const void *message)
{
    struct hf_link *link = hf_link_of(arg);

    link->on_report(link, message);
}

static void
on_load_end(void *arg, const struct hf_grpc_result *result)
{
    struct hf_link *link = hf_link_of(arg);

    link->load = NULL;
    link->says_no_load = result->code == HF_GRPC_UNIMPLEMENTED;
}

void
hf_link_ask_load(struct hf_link *link, bool rooms, hf_grpc_message_fn *on_report)
{
    Hyperfaas__V1__LoadRequest load = HYPERFAAS__V1__LOAD_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Load",
        .message = &load.base,
        .response = &hyperfaas__v1__load_report__descriptor,
    };

    if (link->state != HF_LINK_UP || link->load || link->says_no_load) {
        return;
    }
    load.rooms = rooms;
    link->on_report = on_report;
    if (hf_grpc_client_stream(link->client, &request, on_load_report, on_load_end, link,
                              &link->load) < 0) {
        link->load = NULL; /* asked again with the next heartbeat */
    }
}

void
hf_link_forget_load(struct hf_link *link)
{
    cancel(&link->load);
}

bool
hf_link_note(struct hf_link *link)
{
    bool news = link->noted != link->state;

    link->noted = link->state;
    return news;
}

/* --- life --------------------------------------------------------------------------------------
 */

void
hf_link_init(struct hf_link *link, struct hf_link_config *config)
{
    uint64_t seed = hf_hash_seeded(config->seed, link->address, strlen(link->address));

    link->magic = HF_LINK_MAGIC;
    link->noted = HF_LINK_UP;
    link->config = config;
    hf_backoff_init(&link->backoff, RETRY_MIN_NS, RETRY_MAX_NS, seed);
    hf_timer_init(&link->retry, config->loop, HF_TIMER_REAL, on_retry);
    hf_timer_init(&link->beat, config->loop, HF_TIMER_REAL, on_beat);
}

void
hf_link_fini(struct hf_link *link)
{
    hf_timer_fini(&link->retry);
    hf_timer_fini(&link->beat);
    free(link->node_id);
    link->magic = 0;
}

int
hf_link_open(struct hf_link *link, struct hf_err *err)
{
    const struct hf_link_config *config = link->config;
    struct hf_grpc_client_options options;
    int r = 0;

    if (link->client) {
        return 0;
    }
    hf_grpc_client_options_init(&options);
    options.max_message_bytes = HF_NODE_MESSAGE_MAX;
    options.channel.conn.trusted = true;
    options.channel.conn.idle_ns = 0;
    options.channel.backoff_ns = RETRY_MIN_NS;
    options.channel.backoff_max_ns = RETRY_MAX_NS;
    if (config->access) {
        options.credential_name = HF_ACCESS_SECRET;
        options.credential = hf_access_secret(config->access, link->address);
    }
    r = config->ops->open ? config->ops->open(link, err) : 0;
    if (r == 0) {
        r = hf_grpc_client_new(config->loop, link->address, &options, &link->client, err);
    }
    if (r == 0) {
        hf_timer_set(&link->retry, 0); /* no callback before this has returned */
    }
    return r;
}

void
hf_link_close(struct hf_link *link)
{
    bool was_known = link->is_known;

    if (link->client) {
        link->is_known = false;
        hang_up(link, HF_LINK_DOWN, "");
        hf_timer_cancel(&link->retry);
        link->config->ops->close(link);
        hf_grpc_client_free(hf_steal(link->client));
        link->config->on_away(link, was_known);
    }
}

void
hf_link_show_error(const struct hf_link *link, struct hf_text *out)
{
    if (link->error[0]) {
        hf_text_printf(out, " error=\"%s\"", link->error);
    }
}
