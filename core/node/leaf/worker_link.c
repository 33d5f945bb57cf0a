/*
 * worker_link.c - a leaf's connection to one worker: finding it, watching it, losing it.
 *
 * Starts and stops are in worker_link_calls.c.
 */
#include "node/leaf/worker_link_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "grpc/health/v1/health.pb-c.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/link_pace.h"
#include "node/access.h"
#include "node/node_id.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(leaf);

static void greet(struct hf_worker_link *link);

static struct hf_worker_link *
link_of(void *arg)
{
    return hf_cast(arg, struct hf_worker_link, HF_WORKER_LINK_MAGIC);
}

/* --- loss ---------------------------------------------------------------- */

static void
cancel(struct hf_grpc_client_call **call)
{
    hf_grpc_client_call_cancel(hf_steal(*call));
}

/* Ends what is under way; greets again later. */
static void
hang_up(struct hf_worker_link *link, const char *why)
{
    uint64_t held_ns = link->up_ns > 0 ? hf_loop_now(link->loop) - link->up_ns : 0;

    cancel(&link->greeting);
    cancel(&link->watch);
    cancel(&link->heartbeat);
    hf_timer_cancel(&link->beat);
    link->state = HF_LINK_DOWN;
    link->up_ns = 0;
    hf_timer_set(&link->retry, hf_backoff_next(&link->backoff, held_ns));
    snprintf(link->last_error, sizeof link->last_error, "%s", why);
}

/* The worker is used under another address: asks from time to time whether it still is. */
static void
hold(struct hf_worker_link *link, const char *other)
{
    link->state = HF_LINK_HELD;
    snprintf(link->last_error, sizeof link->last_error, "the same worker as %s", other);
    hf_timer_set(&link->retry, HF_LINK_HELD_NS);
    if (!link->doubled) {
        hf_log(HF_LOG_WARNING, "two addresses lead to the same worker; using the first",
               HF_KV_STR("worker", link->address), HF_KV_STR("first", other));
    }
    link->doubled = true;
}

/* The worker can't be used: tells the role if it had been up. */
static void
lose(struct hf_worker_link *link, const char *why)
{
    bool was_known = link->announced;

    link->announced = false;
    hang_up(link, why);
    if (was_known) {
        /* One that drained was expected to go. */
        hf_log(link->draining ? HF_LOG_NOTICE : HF_LOG_WARNING, "worker lost",
               HF_KV_STR("worker", link->address), HF_KV_STR("why", why));
    } else if (!link->complained) {
        hf_log(HF_LOG_NOTICE, "worker can't be reached yet; trying on",
               HF_KV_STR("worker", link->address), HF_KV_STR("why", why));
        link->complained = true;
    }
    link->ops->on_down(link->arg, why);
}

static void
on_retry(struct hf_timer *timer)
{
    greet(hf_container_of(timer, struct hf_worker_link, retry));
}

/* --- heartbeat ----------------------------------------------------------- */

static void
on_heartbeat(void *arg, const struct hf_grpc_result *result)
{
    struct hf_worker_link *link = link_of(arg);

    link->heartbeat = NULL;
    if (result->answered) { /* any answer is a sign of life */
        hf_timer_set(&link->beat, link->heartbeat_ns);
    } else {
        lose(link, result->message);
    }
}

static void
on_beat(struct hf_timer *timer)
{
    struct hf_worker_link *link = hf_container_of(timer, struct hf_worker_link, beat);
    Grpc__Health__V1__HealthCheckRequest check = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/grpc.health.v1.Health/Check",
        .message = &check.base,
        .response = &grpc__health__v1__health_check_response__descriptor,
        .timeout_ns = link->loss_ns,
    };

    if (hf_grpc_client_unary(link->client, &request, on_heartbeat, link, &link->heartbeat) < 0) {
        hf_timer_set(&link->beat, link->heartbeat_ns);
    }
}

/* --- what the worker tells ------------------------------------------------ */

/* Says that the worker is there, with what is known of it so far; false: it could not be taken
 * in. */
static bool
announce(struct hf_worker_link *link, bool draining)
{
    link->announced = true;
    if (link->ops->on_up(link->arg, &link->capacity, draining) < 0) {
        lose(link, "it could not be taken in");
        return false;
    }
    return true;
}

/* The first snapshot is complete, or something changed since. */
static void
come_up(struct hf_worker_link *link)
{
    bool first = link->state != HF_LINK_UP;

    link->state = HF_LINK_UP;
    if (first) {
        link->up_ns = hf_loop_now(link->loop);
        link->complained = link->doubled = false;
        link->last_error[0] = '\0';
        hf_timer_set(&link->beat, link->heartbeat_ns);
        hf_log(HF_LOG_NOTICE, "worker is there", HF_KV_STR("worker", link->address),
               HF_KV_BOOL("ours", link->ours));
    }
    if (announce(link, link->draining) && first) {
        hf_worker_link_retry_stops(link);
    }
}

static void
take_instance(struct hf_worker_link *link, const Hyperfaas__V1__Instance *told)
{
    struct hf_remote_instance instance = {
        .id = told->instance_id,
        .function_id = told->function_id,
        .name = told->name,
        .address = hf_worker_link_choose(link, told->internal_address, told->external_address),
        .leaf_id = told->leaf_id,
    };

    /* After the snapshot, what appears are starts of this or another leaf. */
    if (link->state == HF_LINK_UP ||
        told->state != HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY ||
        strcmp(told->leaf_id, link->leaf_id) != 0 || !instance.address ||
        !hf_node_id_is_valid(told->instance_id)) {
        return;
    }
    /* Nothing starts there before all that it has is known. */
    if (!link->announced && !announce(link, true)) {
        return;
    }
    link->ops->on_instance(link->arg, &instance);
}

static void
take_removed(struct hf_worker_link *link, const Hyperfaas__V1__InstanceRemoved *removed)
{
    int signal = removed->exit_status > 128 ? removed->exit_status - 128 : 0;
    const char *name = signal ? sigabbrev_np(signal) : NULL;
    char how[80];

    if (removed->out_of_memory) {
        snprintf(how, sizeof how, "it used more memory than its limit");
    } else if (signal) {
        snprintf(how, sizeof how, "it was killed by signal %d (SIG%s)", signal, name ? name : "?");
    } else {
        snprintf(how, sizeof how, "it exited with code %d", (int)removed->exit_status);
    }
    link->ops->on_gone(link->arg, removed->instance_id, removed->reason,
                       removed->expected || removed->exit_status < 0 ? NULL : how);
}

static void
on_watch_event(void *arg, const void *message)
{
    struct hf_worker_link *link = link_of(arg);
    const Hyperfaas__V1__WatchEvent *event = message;

    switch (event->event_case) {
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE:
        take_instance(link, event->instance);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_REMOVED:
        take_removed(link, event->instance_removed);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_RESOURCES:
        link->capacity.memory_bytes = event->resources->memory_bytes;
        link->capacity.cpu_millis = event->resources->cpu_millis;
        link->capacity.max_instances = event->resources->max_instances;
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_DRAINING:
        link->draining = event->draining->draining;
        if (link->state == HF_LINK_UP) {
            come_up(link);
        }
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END:
        come_up(link);
        break;
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE:
    case HYPERFAAS__V1__WATCH_EVENT__EVENT_IMAGE_REMOVED:
    case HYPERFAAS__V1__WATCH_EVENT__EVENT__NOT_SET:
    default:
        break; /* a newer worker may say more than we understand */
    }
}

static void
on_status_event(void *arg, const void *message)
{
    struct hf_worker_link *link = link_of(arg);
    const Worker__StatusUpdate *update = message;

    if (update->event == WORKER__EVENT__EVENT_START) {
        hf_worker_link_named(link, update->instance_id, update->function_id);
    } else if (update->event == WORKER__EVENT__EVENT_DOWN ||
               update->event == WORKER__EVENT__EVENT_TIMEOUT) {
        link->ops->on_gone(link->arg, update->instance_id, "the worker reported it down", NULL);
    }
}

static void
on_watch_end(void *arg, const struct hf_grpc_result *result)
{
    struct hf_worker_link *link = link_of(arg);
    const char *why =
        result->code == HF_GRPC_OK ? "the worker ended its stream of events" : result->message;

    link->watch = NULL;
    if (result->answered && !link->ours) { /* it lives, and so does what it runs */
        hf_log(HF_LOG_NOTICE, "worker ended its stream of events; listening again",
               HF_KV_STR("worker", link->address), HF_KV_STR("why", why));
        hang_up(link, why);
    } else {
        lose(link, why);
    }
}

/* --- greeting ------------------------------------------------------------ */

static int
watch_ours(struct hf_worker_link *link)
{
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &watch.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
    };

    watch.node_id = link->leaf_id;
    return hf_grpc_client_stream(link->client, &request, on_watch_event, on_watch_end, link,
                                 &link->watch);
}

static int
watch_existing(struct hf_worker_link *link)
{
    char uuid[HF_UUID_MAX];
    Worker__StatusRequest status = WORKER__STATUS_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/worker.Worker/Status",
        .message = &status.base,
        .response = &worker__status_update__descriptor,
    };

    hf_uuid4(uuid);
    status.node_id = uuid;
    return hf_grpc_client_stream(link->client, &request, on_status_event, on_watch_end, link,
                                 &link->watch);
}

static void
on_greeted(void *arg, const struct hf_grpc_result *result)
{
    struct hf_worker_link *link = link_of(arg);
    const Hyperfaas__V1__InfoResponse *info = result->response;
    const char *other;
    int r;

    link->greeting = NULL;
    if (result->code != HF_GRPC_OK && result->code != HF_GRPC_UNIMPLEMENTED) {
        lose(link, result->message);
        return;
    }
    link->ours = info != NULL;
    if (info && !link->ops->on_known(link->arg, info->node_id, &other)) {
        hold(link, other);
        return;
    }
    link->capacity = (struct hf_worker_capacity){ 0 };
    link->draining = false;
    r = link->ours ? watch_ours(link) : watch_existing(link);
    if (r < 0) {
        lose(link, "no memory to watch the worker");
    } else if (!link->ours) {
        come_up(link); /* it sends no snapshot */
    }
}

static void
greet(struct hf_worker_link *link)
{
    Hyperfaas__V1__InfoRequest info = HYPERFAAS__V1__INFO_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Info",
        .message = &info.base,
        .response = &hyperfaas__v1__info_response__descriptor,
        .timeout_ns =
            link->announced ? hf_min(link->loss_ns, HF_LINK_GREETING_NS) : HF_LINK_GREETING_NS,
    };

    link->state = HF_LINK_GREETING;
    if (hf_grpc_client_unary(link->client, &request, on_greeted, link, &link->greeting) < 0) {
        lose(link, "no memory to call the worker");
    }
}

/* --- life ---------------------------------------------------------------- */

static int
make_client(struct hf_worker_link *link, const char *secret, struct hf_err *err)
{
    struct hf_grpc_client_options options;

    hf_grpc_client_options_init(&options);
    options.max_message_bytes = HF_NODE_MESSAGE_MAX;
    options.credential_name = HF_ACCESS_SECRET;
    options.credential = secret;
    options.channel.conn.trusted = true;
    options.channel.conn.idle_ns = 0;
    options.channel.backoff_ns = HF_LINK_RETRY_MIN_NS;
    options.channel.backoff_max_ns = HF_LINK_RETRY_MAX_NS;
    options.channel.max_waiting = HF_WORKER_LINK_MAX_STARTS;
    return hf_grpc_client_new(link->loop, link->address, &options, &link->client, err);
}

int
hf_worker_link_new(const struct hf_worker_link_config *config, struct hf_worker_link **ret,
                   struct hf_err *err)
{
    struct hf_worker_link *link = calloc(1, sizeof *link);
    int r;

    if (!link) {
        return hf_fail(err, HF_ENOMEM, "worker '%s': no memory", config->address);
    }
    link->magic = HF_WORKER_LINK_MAGIC;
    link->loop = config->loop;
    link->ops = config->ops;
    link->arg = config->arg;
    link->internal = config->internal;
    link->heartbeat_ns = config->heartbeat_ns;
    link->loss_ns = config->loss_ns;
    link->start_ns = config->start_ns;
    link->stop_ns = config->stop_ns;
    hf_backoff_init(&link->backoff, HF_LINK_RETRY_MIN_NS, HF_LINK_RETRY_MAX_NS, config->seed);
    hf_list_init(&link->starts);
    hf_list_init(&link->stops);
    hf_list_init(&link->named);
    hf_list_init(&link->given_up);
    hf_timer_init(&link->retry, link->loop, HF_TIMER_REAL, on_retry);
    hf_timer_init(&link->beat, link->loop, HF_TIMER_REAL, on_beat);
    link->address = strdup(config->address);
    link->leaf_id = strdup(config->leaf_id);
    if (!link->address || !link->leaf_id) {
        r = hf_fail(err, HF_ENOMEM, "worker '%s': no memory", config->address);
        goto fail;
    }
    r = make_client(link, config->secret, err);
    if (r < 0) {
        goto fail;
    }
    hf_timer_set(&link->retry, 0); /* no callback before this has returned */
    *ret = link;
    return 0;
fail:
    hf_worker_link_free(link);
    return r;
}

void
hf_worker_link_free(struct hf_worker_link *link)
{
    if (!link) {
        return;
    }
    cancel(&link->greeting);
    cancel(&link->watch);
    cancel(&link->heartbeat);
    hf_worker_link_end_calls(link);
    hf_grpc_client_free(link->client);
    hf_timer_fini(&link->retry);
    hf_timer_fini(&link->beat);
    free(link->address);
    free(link->leaf_id);
    link->magic = 0;
    free(link);
}

bool
hf_worker_link_tells_all(const struct hf_worker_link *link)
{
    return link->ours;
}

void
hf_worker_link_hurry(struct hf_worker_link *link)
{
    if (link->state == HF_LINK_HELD) {
        hf_timer_set(&link->retry, 0);
    }
}

const char *
hf_worker_link_address(const struct hf_worker_link *link)
{
    return link->address;
}

void
hf_worker_link_show(const struct hf_worker_link *link, struct hf_text *out)
{
    static const char *const states[] = {
        [HF_LINK_DOWN] = "down",
        [HF_LINK_HELD] = "held",
        [HF_LINK_GREETING] = "connecting",
        [HF_LINK_UP] = "up",
    };

    hf_text_printf(out, "worker=%s state=%s ours=%s draining=%s starting=%u stopping=%u",
                   link->address, states[link->state], link->ours ? "yes" : "no",
                   link->draining ? "yes" : "no", link->start_count, link->stop_count);
    if (link->last_error[0]) {
        hf_text_printf(out, " error=\"%s\"", link->last_error);
    }
}
