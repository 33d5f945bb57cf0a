/*
 * channel.c - connections to one address: dialling, choosing, waiting.
 *
 * A request goes to the connection with most room.  Connections count only once
 * the peer's SETTINGS have come: whoever answers for a function that is not up
 * yet (a port forwarder, say) would swallow requests that cannot be repeated.
 */
#include "h2/channel_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "loop/dial.h"

#define SECOND UINT64_C(1000000000)

void
hf_h2_channel_options_init(struct hf_h2_channel_options *options)
{
    *options = (struct hf_h2_channel_options){
        .max_connections = 1,
        .max_waiting = 10000,
        .connect_ns = 10 * SECOND,
        .user_timeout_ns = 20 * SECOND,
        .backoff_ns = 1 * SECOND,
        .backoff_max_ns = 120 * SECOND,
        .fail_fast = true,
    };
    hf_h2_options_init(&options->conn);
    options->conn.idle_ns = 60 * SECOND;
}

/* --- requests -------------------------------------------------------------- */

/* Takes a request off whatever list it is on. */
static void
forget(struct hf_h2_request *request)
{
    hf_assert(request->channel);
    hf_list_remove(&request->node);
    request->channel->n_waiting--;
    request->channel = NULL;
}

static void
fail_request(struct hf_h2_request *request, int code, const char *text)
{
    forget(request);
    hf_h2_fields_unref(request->fields);
    request->fields = NULL;
    request->on_fail(request->arg, code, text);
}

void
hf_h2_channel_fail_all(struct hf_list *list, int code, const char *text)
{
    struct hf_h2_request *request;

    while ((request = hf_list_first(list, struct hf_h2_request, node))) {
        fail_request(request, code, text);
    }
}

/* Fails what may not wait. */
static void
fail_refused(struct hf_h2_channel *channel)
{
    struct hf_h2_request *request;
    char text[96];

    while ((request = hf_list_first(&channel->refused, struct hf_h2_request, node))) {
        if (!request->too_large) {
            fail_request(request, HF_EFULL, "too many requests wait for this address");
            continue;
        }
        snprintf(text, sizeof text, "the metadata exceed the %u bytes that the callee accepts",
                 (unsigned)request->accepted);
        fail_request(request, HF_EINVALID, text);
    }
}

/* The connection with most room, or NULL. */
static struct hf_h2_conn *
choose(const struct hf_h2_channel *channel)
{
    struct hf_h2_conn *best = NULL;
    uint32_t most = 0;
    struct hf_h2_link *link;

    HF_LIST_FOR (link, &channel->links, node) {
        uint32_t room = link->ready ? hf_h2_conn_room(link->conn) : 0;

        if (room > most) {
            most = room;
            best = link->conn;
        }
    }
    return best;
}

/* Puts a request, which is on no list, where it fails at the end of the turn. */
static void
refuse(struct hf_h2_channel *channel, struct hf_h2_request *request)
{
    hf_list_append(&channel->refused, &request->node);
    hf_loop_defer(channel->loop, &channel->turn_end);
}

/* Whether the peer takes the request's fields; notes it if not. */
static bool
fits(const struct hf_h2_conn *conn, struct hf_h2_request *request)
{
    request->too_large = !hf_h2_conn_fits(conn, request->fields);
    request->accepted = hf_h2_conn_accepts(conn);
    return !request->too_large;
}

/* Gives waiting requests the streams there are. */
void
hf_h2_channel_serve(struct hf_h2_channel *channel)
{
    struct hf_h2_request *request;
    struct hf_h2_conn *conn;

    while (!hf_list_is_empty(&channel->waiting) && (conn = choose(channel))) {
        struct hf_h2_stream *stream;

        request = hf_list_first(&channel->waiting, struct hf_h2_request, node);
        if (!fits(conn, request)) {
            hf_list_remove(&request->node);
            refuse(channel, request);
            continue;
        }
        stream = hf_h2_conn_request(conn, hf_h2_fields_ref(request->fields), request->end,
                                    request->ops, request->arg);
        if (!stream) {
            fail_request(request, HF_ENOMEM, "out of memory");
            continue;
        }
        forget(request);
        hf_h2_fields_unref(request->fields);
        request->fields = NULL;
        request->on_open(request->arg, stream);
    }
}

/* --- time ------------------------------------------------------------------ */

static void
set_timer(struct hf_h2_channel *channel)
{
    uint64_t first = hf_h2_channel_wants_connection(channel) ? channel->next_dial_ns : UINT64_MAX;

    first = hf_min(first, channel->first_deadline);
    if (first == UINT64_MAX) {
        hf_timer_cancel(&channel->timer);
    } else {
        hf_timer_set_at(&channel->timer, first);
    }
}

/* Fails what has waited too long. */
static void
expire(struct hf_h2_channel *channel, uint64_t now)
{
    struct hf_list late;
    struct hf_h2_request *request;
    struct hf_h2_request *next;

    hf_list_init(&late);
    channel->first_deadline = UINT64_MAX;
    HF_LIST_FOR_SAFE (request, next, &channel->waiting, node) {
        if (!request->deadline_ns) {
            continue;
        }
        if (now >= request->deadline_ns) {
            hf_list_remove(&request->node);
            hf_list_append(&late, &request->node);
        } else {
            channel->first_deadline = hf_min(channel->first_deadline, request->deadline_ns);
        }
    }
    hf_h2_channel_fail_all(&late, HF_ETIMEOUT, "deadline passed before a stream was free");
}

static void
on_timer(struct hf_timer *timer)
{
    struct hf_h2_channel *channel = hf_container_of(timer, struct hf_h2_channel, timer);

    if (hf_loop_now(channel->loop) >= channel->first_deadline) {
        expire(channel, hf_loop_now(channel->loop));
    }
    hf_loop_defer(channel->loop, &channel->turn_end);
}

/* Whether the peer is known to be away, and requests are not to wait for it. */
static bool
is_failing(const struct hf_h2_channel *channel)
{
    return channel->options.fail_fast && !channel->dial && hf_list_is_empty(&channel->links) &&
           hf_loop_now(channel->loop) < channel->next_dial_ns;
}

static void
turn_end(struct hf_deferred *deferred)
{
    struct hf_h2_channel *channel = hf_container_of(deferred, struct hf_h2_channel, turn_end);

    hf_h2_channel_serve(channel); /* what found no memory for a stream tries once more */
    if (is_failing(channel)) {
        hf_h2_channel_fail_all(&channel->waiting, HF_EUNAVAILABLE, channel->last_error);
    }
    fail_refused(channel);
    if (channel->probe && choose(channel)) {
        hf_h2_channel_finish_probe(channel, 0);
    }
    hf_h2_channel_maybe_dial(channel);
    set_timer(channel);
}

/* --- life ------------------------------------------------------------------ */

int
hf_h2_channel_new(struct hf_loop *loop, const char *address,
                  const struct hf_h2_channel_options *options, struct hf_h2_channel **ret,
                  struct hf_err *err)
{
    struct hf_h2_channel *channel = calloc(1, sizeof *channel);

    if (channel) {
        channel->address = strdup(address);
    }
    if (!channel || !channel->address) {
        free(channel);
        return hf_fail(err, HF_ENOMEM, "channel to %s: out of memory", address);
    }
    channel->magic = HF_H2_CHANNEL_MAGIC;
    channel->loop = loop;
    channel->options = *options;
    channel->options.conn.setup_ns = options->connect_ns;
    channel->first_deadline = UINT64_MAX;
    hf_random_init(&channel->random, hf_loop_now(loop) + (uintptr_t)channel); /* for jitter only */
    hf_list_init(&channel->links);
    hf_list_init(&channel->waiting);
    hf_list_init(&channel->refused);
    hf_timer_init(&channel->timer, loop, HF_TIMER_REAL, on_timer);
    hf_timer_init(&channel->check_timer, loop, HF_TIMER_REAL, hf_h2_channel_on_check);
    hf_deferred_init(&channel->turn_end, turn_end);
    *ret = channel;
    return 0;
}

void
hf_h2_channel_free(struct hf_h2_channel *channel)
{
    struct hf_h2_link *link;
    struct hf_h2_request *request;

    if (!channel) {
        return;
    }
    hf_list_splice(&channel->waiting, &channel->refused);
    while ((request = hf_list_first(&channel->waiting, struct hf_h2_request, node))) {
        hf_h2_channel_cancel(request);
    }
    while ((link = hf_list_first(&channel->links, struct hf_h2_link, node))) {
        hf_list_remove(&link->node);
        hf_h2_conn_free(link->conn);
        free(link);
    }
    hf_dial_cancel(channel->dial);
    hf_timer_fini(&channel->timer);
    hf_timer_fini(&channel->check_timer);
    hf_deferred_cancel(&channel->turn_end);
    channel->magic = 0;
    free(channel->address);
    free(channel);
}

void
hf_h2_channel_cut(struct hf_h2_channel *channel)
{
    struct hf_h2_link *link;

    HF_LIST_FOR (link, &channel->links, node) {
        hf_h2_conn_close(link->conn, HF_H2_CANCEL);
    }
}

/* --- what users ask for ---------------------------------------------------- */

/* Puts a request on a list until something happens. */
static void
wait_for_stream(struct hf_h2_channel *channel, struct hf_h2_request *request)
{
    request->channel = channel;
    if (channel->n_waiting++ >= channel->options.max_waiting || request->too_large) {
        refuse(channel, request);
        return;
    }
    hf_list_append(&channel->waiting, &request->node);
    if (request->deadline_ns) {
        channel->first_deadline = hf_min(channel->first_deadline, request->deadline_ns);
    }
    hf_loop_defer(channel->loop, &channel->turn_end);
}

struct hf_h2_stream *
hf_h2_channel_open(struct hf_h2_channel *channel, struct hf_h2_request *request)
{
    struct hf_h2_stream *stream = NULL;
    struct hf_h2_conn *conn = NULL;

    hf_assert(channel->magic == HF_H2_CHANNEL_MAGIC && !request->channel);
    request->too_large = false;
    if (hf_list_is_empty(&channel->waiting)) { /* or it would overtake */
        conn = choose(channel);
    }
    if (conn && fits(conn, request)) {
        stream = hf_h2_conn_request(conn, hf_h2_fields_ref(request->fields), request->end,
                                    request->ops, request->arg);
    }
    if (!stream) {
        wait_for_stream(channel, request);
        return NULL;
    }
    hf_h2_fields_unref(request->fields);
    request->fields = NULL;
    return stream;
}

void
hf_h2_channel_cancel(struct hf_h2_request *request)
{
    if (!request->channel) {
        return;
    }
    forget(request);
    hf_h2_fields_unref(request->fields);
    request->fields = NULL;
}

void
hf_h2_channel_probe(struct hf_h2_channel *channel, void (*done)(void *arg, int code), void *arg)
{
    hf_assert(!channel->probe);
    channel->probe = done;
    channel->probe_arg = arg;
    hf_loop_defer(channel->loop, &channel->turn_end);
}

const char *
hf_h2_channel_address(const struct hf_h2_channel *channel)
{
    return channel->address;
}

uint32_t
hf_h2_channel_streams(const struct hf_h2_channel *channel)
{
    uint32_t n = 0;
    struct hf_h2_link *link;

    HF_LIST_FOR (link, &channel->links, node) {
        n += hf_h2_conn_streams(link->conn);
    }
    return n;
}

uint32_t
hf_h2_channel_connections(const struct hf_h2_channel *channel)
{
    return hf_h2_channel_usable(channel);
}

uint32_t
hf_h2_channel_waiting(const struct hf_h2_channel *channel)
{
    return channel->n_waiting;
}

const char *
hf_h2_channel_last_error(const struct hf_h2_channel *channel)
{
    return channel->last_error;
}
