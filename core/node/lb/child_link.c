/*
 * child_link.c - a load balancer's connection to the API of one child.
 */
#include "node/lb/child_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/backoff.h"
#include "base/text.h"
#include "common/common.pb-c.h"
#include "grpc/client.h"
#include "grpc/health/v1/health.pb-c.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/timer.h"
#include "node/link_pace.h"
#include "node/node_id.h"

#define LINK_MAGIC HF_MAGIC('c', 'h', 'l', 'k')

/* A stream of State that lived so long ended for a reason: the next one follows at once. */
#define STEADY_NS (1 * HF_SEC)

/* Under which names a child may serve State, in the order of asking. */
static const char *const state_paths[] = {
    "/leaf.Leaf/State",
    "/routingcontroller.RoutingController/State",
};

struct hf_child_link {
    uint32_t magic;
    bool ours;     /* it speaks hyperfaas.v1, and so ends its snapshots */
    bool reached;  /* it has answered, and has not been lost since */
    bool up;       /* the role has been told that it can be used */
    bool held;     /* the role does not want it */
    bool is_lb;    /* it serves the second of `state_paths` */
    bool settled;  /* which of them it serves is known */
    uint8_t path;  /* of `state_paths`, in use; behind the last: it serves none */
    char *node_id; /* NULL: an existing peer */
    struct hf_loop *loop;
    char *address;
    const struct hf_child_link_ops *ops;
    void *arg;
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *greeting; /* NULL: none under way; the others alike */
    struct hf_grpc_client_call *state;
    struct hf_grpc_client_call *heartbeat;
    struct hf_timer retry;
    struct hf_timer beat;
    uint64_t heartbeat_ns;
    uint64_t loss_ns;
    uint64_t listening_ns; /* since when */
    uint64_t up_ns;        /* since when it can be used; 0: it cannot */
    struct hf_backoff backoff;
    char last_error[256];
};

static void greet(struct hf_child_link *link);
static void listen_to(struct hf_child_link *link);

static struct hf_child_link *
link_of(void *arg)
{
    return hf_cast(arg, struct hf_child_link, LINK_MAGIC);
}

static void
cancel(struct hf_grpc_client_call **call)
{
    hf_grpc_client_call_cancel(hf_steal(*call));
}

/* --- coming and going ---------------------------------------------------- */

/* Greets the child (again) after the next backoff. */
static void
retry_later(struct hf_child_link *link)
{
    uint64_t held_ns = link->up_ns > 0 ? hf_loop_now(link->loop) - link->up_ns : 0;

    link->up_ns = 0;
    hf_timer_set(&link->retry, hf_backoff_next(&link->backoff, held_ns));
}

static void
on_retry(struct hf_timer *timer)
{
    greet(hf_container_of(timer, struct hf_child_link, retry));
}

/* Ends what is under way. */
static void
hang_up(struct hf_child_link *link, const char *why)
{
    cancel(&link->greeting);
    cancel(&link->state);
    cancel(&link->heartbeat);
    hf_timer_cancel(&link->beat);
    snprintf(link->last_error, sizeof link->last_error, "%s", why);
    link->reached = link->up = false;
}

/* The child can't be reached. */
static void
lose(struct hf_child_link *link, const char *why)
{
    hang_up(link, why);
    link->held = false;
    retry_later(link);
    link->ops->on_down(link->arg, link->last_error);
}

/* Holds the link if the role does not want the child; true: it does not. */
static bool
refused(struct hf_child_link *link)
{
    const char *why =
        link->node_id ? link->ops->refuse(link->arg, link->node_id, link->is_lb) : NULL;

    if (!why) {
        link->held = false;
        return false;
    }
    hang_up(link, why);
    link->held = true;
    hf_timer_set(&link->retry, HF_LINK_HELD_NS);
    link->ops->on_held(link->arg, link->last_error);
    return true;
}

static void
come_up(struct hf_child_link *link)
{
    link->settled = true;
    link->is_lb = link->path == 1;
    if (!link->up && !refused(link)) {
        link->up = true;
        link->up_ns = hf_loop_now(link->loop);
        link->last_error[0] = '\0';
        link->ops->on_up(link->arg);
    }
}

void
hf_child_link_review(struct hf_child_link *link)
{
    if (link->held) {
        hf_timer_set(&link->retry, 0);
    } else if (link->up) {
        refused(link);
    }
}

/* --- health -------------------------------------------------------------- */

static void
on_heartbeat(void *arg, const struct hf_grpc_result *result)
{
    struct hf_child_link *link = link_of(arg);
    const Grpc__Health__V1__HealthCheckResponse *response = result->response;

    link->heartbeat = NULL;
    if (!result->answered) {
        lose(link, result->message);
        return;
    }
    hf_timer_set(&link->beat, link->heartbeat_ns);
    link->ops->on_health(link->arg,
                         !response ||
                             response->status ==
                                 GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
}

void
hf_child_link_check(struct hf_child_link *link)
{
    Grpc__Health__V1__HealthCheckRequest check = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/grpc.health.v1.Health/Check",
        .message = &check.base,
        .response = &grpc__health__v1__health_check_response__descriptor,
        .timeout_ns = link->loss_ns,
    };

    if (!link->reached || link->heartbeat) {
        return;
    }
    hf_timer_cancel(&link->beat);
    if (hf_grpc_client_unary(link->client, &request, on_heartbeat, link, &link->heartbeat) < 0) {
        hf_timer_set(&link->beat, link->heartbeat_ns);
    }
}

static void
on_beat(struct hf_timer *timer)
{
    hf_child_link_check(hf_container_of(timer, struct hf_child_link, beat));
}

/* --- State --------------------------------------------------------------- */

static void
on_state(void *arg, const void *message)
{
    struct hf_child_link *link = link_of(arg);
    const Common__StateResponse *told = message;

    if (*told->function_id) {
        link->ops->on_have(link->arg, told->function_id, told->have);
        return;
    }
    link->ops->on_snapshot_end(link->arg);
    come_up(link);
}

static void
on_state_end(void *arg, const struct hf_grpc_result *result)
{
    struct hf_child_link *link = link_of(arg);
    bool steady = hf_loop_now(link->loop) - link->listening_ns >= STEADY_NS;

    link->state = NULL;
    if (result->code == HF_GRPC_UNIMPLEMENTED && result->answered) {
        link->path++;
        listen_to(link);
    } else if (!link->up) {
        lose(link,
             result->code == HF_GRPC_OK ? "it ended its State stream at once" : result->message);
    } else if (steady) {
        greet(link);
    } else {
        retry_later(link);
    }
}

static void
listen_to(struct hf_child_link *link)
{
    Common__StateRequest message = COMMON__STATE_REQUEST__INIT;
    struct hf_h2_fields *metadata;
    struct hf_grpc_request request = {
        .message = &message.base,
        .response = &common__state_response__descriptor,
    };
    int r;

    if (link->path == hf_countof(state_paths)) { /* cold calls can still go there */
        come_up(link);
        return;
    }
    request.path = state_paths[link->path];
    link->listening_ns = hf_loop_now(link->loop);
    link->ops->on_snapshot_begin(link->arg);
    metadata = hf_h2_fields_new();
    if (metadata) {
        const char *above = link->ops->above(link->arg);

        hf_h2_fields_set(metadata, HF_H2_HYPERFAAS_ABOVE, above, strlen(above));
    }
    request.metadata = metadata;
    r = hf_grpc_client_stream(link->client, &request, on_state, on_state_end, link, &link->state);
    hf_h2_fields_unref(metadata);
    if (r < 0) {
        lose(link, "no memory to listen to it");
    } else if (!link->ours) {
        come_up(link); /* it may never end its snapshot */
    }
}

void
hf_child_link_renew(struct hf_child_link *link)
{
    if (link->state && (link->is_lb || !link->settled)) {
        cancel(&link->state);
        listen_to(link);
    }
}

/* --- greeting ------------------------------------------------------------ */

static void
on_greeted(void *arg, const struct hf_grpc_result *result)
{
    struct hf_child_link *link = link_of(arg);
    const Hyperfaas__V1__InfoResponse *info = result->response;
    const struct hf_child_info known = {
        .node_id = info ? info->node_id : NULL,
        .draining = info && info->draining,
    };

    link->greeting = NULL;
    if (result->code != HF_GRPC_OK && result->code != HF_GRPC_UNIMPLEMENTED) {
        lose(link, result->message);
        return;
    }
    if (!link->reached) {
        link->reached = true;
        hf_timer_set(&link->beat, link->heartbeat_ns);
    }
    if (info && !hf_node_id_is_valid(info->node_id)) {
        lose(link, "what it says of itself cannot be used: its id is too long, or none");
        return;
    }
    link->ours = info != NULL;
    link->path = 0;
    link->settled = link->settled && known.node_id && link->node_id &&
                    strcmp(known.node_id, link->node_id) == 0;
    free(link->node_id);
    link->node_id = known.node_id ? strdup(known.node_id) : NULL;
    link->ops->on_info(link->arg, &known);
    if (!link->settled || !refused(link)) {
        listen_to(link);
    }
}

static void
greet(struct hf_child_link *link)
{
    Hyperfaas__V1__InfoRequest info = HYPERFAAS__V1__INFO_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Info",
        .message = &info.base,
        .response = &hyperfaas__v1__info_response__descriptor,
        .timeout_ns = HF_LINK_GREETING_NS,
    };

    if (hf_grpc_client_unary(link->client, &request, on_greeted, link, &link->greeting) < 0) {
        lose(link, "no memory to call it");
    }
}

/* --- life ---------------------------------------------------------------- */

static int
make_client(struct hf_child_link *link, struct hf_err *err)
{
    struct hf_grpc_client_options options;

    hf_grpc_client_options_init(&options);
    options.max_message_bytes = HF_NODE_MESSAGE_MAX;
    options.channel.conn.idle_ns = 0;
    options.channel.backoff_ns = HF_LINK_RETRY_MIN_NS;
    options.channel.backoff_max_ns = HF_LINK_RETRY_MAX_NS;
    return hf_grpc_client_new(link->loop, link->address, &options, &link->client, err);
}

int
hf_child_link_new(const struct hf_child_link_config *config, struct hf_child_link **ret,
                  struct hf_err *err)
{
    struct hf_child_link *link = calloc(1, sizeof *link);
    int r;

    if (!link) {
        return hf_fail(err, HF_ENOMEM, "child '%s': no memory", config->address);
    }
    link->magic = LINK_MAGIC;
    link->loop = config->loop;
    link->ops = config->ops;
    link->arg = config->arg;
    link->heartbeat_ns = config->heartbeat_ns;
    link->loss_ns = config->loss_ns;
    hf_backoff_init(&link->backoff, HF_LINK_RETRY_MIN_NS, HF_LINK_RETRY_MAX_NS, config->seed);
    hf_timer_init(&link->retry, link->loop, HF_TIMER_REAL, on_retry);
    hf_timer_init(&link->beat, link->loop, HF_TIMER_REAL, on_beat);
    link->address = strdup(config->address);
    r = link->address ? make_client(link, err)
                      : hf_fail(err, HF_ENOMEM, "child '%s': no memory", config->address);
    if (r < 0) {
        hf_child_link_free(link);
        return r;
    }
    hf_timer_set(&link->retry, 0); /* no callback before this has returned */
    *ret = link;
    return 0;
}

void
hf_child_link_free(struct hf_child_link *link)
{
    if (!link) {
        return;
    }
    cancel(&link->greeting);
    cancel(&link->state);
    cancel(&link->heartbeat);
    hf_grpc_client_free(link->client);
    hf_timer_fini(&link->retry);
    hf_timer_fini(&link->beat);
    free(link->address);
    free(link->node_id);
    link->magic = 0;
    free(link);
}

void
hf_child_link_show(const struct hf_child_link *link, struct hf_text *out)
{
    const char *path = link->path < hf_countof(state_paths) ? state_paths[link->path] : "none";

    hf_text_printf(out, "up=%s held=%s ours=%s state=%s", link->up ? "yes" : "no",
                   link->held ? "yes" : "no", link->ours ? "yes" : "no",
                   link->state ? path : "none");
    if (link->last_error[0]) {
        hf_text_printf(out, " error=\"%s\"", link->last_error);
    }
}
