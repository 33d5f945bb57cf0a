/*
 * channel_dial.c - the connections of a channel: dialled, backed off from, lost.
 */
#include "h2/channel_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/dial.h"

/* gRPC's connection-backoff.md. */
#define BACKOFF_FACTOR 1.6
#define BACKOFF_JITTER 0.2

uint32_t
hf_h2_channel_usable(const struct hf_h2_channel *channel)
{
    uint32_t n = channel->dial ? 1 : 0;
    struct hf_h2_link *link;

    HF_LIST_FOR (link, &channel->links, node) {
        n += hf_h2_conn_usable(link->conn) ? 1 : 0;
    }
    return n;
}

bool
hf_h2_channel_wants_connection(const struct hf_h2_channel *channel)
{
    struct hf_h2_link *link;
    bool coming = channel->dial != NULL;

    HF_LIST_FOR (link, &channel->links, node) {
        coming |= !link->ready && hf_h2_conn_usable(link->conn);
    }
    return !coming && hf_h2_channel_usable(channel) < channel->options.max_connections &&
           (!hf_list_is_empty(&channel->waiting) || channel->probe);
}

void
hf_h2_channel_finish_probe(struct hf_h2_channel *channel, int code)
{
    void (*probe)(void *, int) = channel->probe;

    channel->probe = NULL;
    if (probe) {
        probe(channel->probe_arg, code);
    }
}

/* How long to wait after so many failures in a row: the first costs nothing. */
static uint64_t
backoff(struct hf_h2_channel *channel)
{
    double delay = (double)channel->options.backoff_ns;
    double most = (double)channel->options.backoff_max_ns;

    if (channel->failures < 2) {
        return 0;
    }
    for (uint32_t i = 2; i < channel->failures && delay < most; i++) {
        delay *= BACKOFF_FACTOR;
    }
    return hf_random_jitter(&channel->random, (uint64_t)hf_min(delay, most), BACKOFF_JITTER);
}

/* No SETTINGS came of a dial. */
static void
dial_failed(struct hf_h2_channel *channel, const char *text)
{
    snprintf(channel->last_error, sizeof channel->last_error, "%s", text);
    channel->failures++;
    channel->next_dial_ns = hf_loop_now(channel->loop) + backoff(channel);
    hf_h2_channel_finish_probe(channel, HF_EUNAVAILABLE);
    if (channel->options.fail_fast) {
        hf_h2_channel_fail_all(&channel->waiting, HF_EUNAVAILABLE, channel->last_error);
    }
    hf_loop_defer(channel->loop, &channel->turn_end);
}

static void
on_ready(struct hf_h2_conn *conn)
{
    struct hf_h2_link *link = hf_h2_conn_arg(conn);
    struct hf_h2_channel *channel = link->channel;

    link->ready = true;
    channel->failures = 0;
    hf_h2_channel_finish_probe(channel, 0);
}

static void
on_room(struct hf_h2_conn *conn)
{
    struct hf_h2_link *link = hf_h2_conn_arg(conn);

    if (!hf_h2_conn_usable(conn)) {
        hf_h2_conn_drain(conn); /* closes when its streams have ended */
    }
    hf_h2_channel_serve(link->channel);
    if (!hf_list_is_empty(&link->channel->waiting)) {
        hf_loop_defer(link->channel->loop, &link->channel->turn_end);
    }
}

static void
on_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    struct hf_h2_link *link = hf_h2_conn_arg(conn);
    struct hf_h2_channel *channel = link->channel;
    bool ready = link->ready;

    (void)end;
    hf_list_remove(&link->node);
    free(link);
    if (!ready) {
        dial_failed(channel, text);
    }
    hf_loop_defer(channel->loop, &channel->turn_end);
}

static const struct hf_h2_conn_ops conn_ops = {
    .on_ready = on_ready,
    .on_room = on_room,
    .on_closed = on_closed,
};

/* A peer that acknowledges nothing for this long is gone, though no FIN came. */
static void
set_user_timeout(const struct hf_h2_channel *channel, int fd)
{
    unsigned ms = (unsigned)(channel->options.user_timeout_ns / 1000000);

    if (ms > 0) {
        /* Fails on unix sockets, which need it not. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    }
}

static int
add_link(struct hf_h2_channel *channel, int fd)
{
    struct hf_h2_link *link = calloc(1, sizeof *link);
    struct hf_h2_conn_config config = {
        .loop = channel->loop,
        .side = HF_H2_CLIENT,
        .fd = fd,
        .options = &channel->options.conn,
        .ops = &conn_ops,
        .arg = link,
    };

    if (!link) {
        close(fd);
        return HF_ENOMEM;
    }
    link->channel = channel;
    if (hf_h2_conn_new(&config, &link->conn, NULL) < 0) {
        free(link);
        return HF_ENOMEM;
    }
    hf_list_append(&channel->links, &link->node);
    return 0;
}

static void
on_dialled(void *arg, int fd, const char *message)
{
    struct hf_h2_channel *channel = hf_cast(arg, struct hf_h2_channel, HF_H2_CHANNEL_MAGIC);

    channel->dial = NULL;
    if (fd < 0) {
        dial_failed(channel, message);
        return;
    }
    set_user_timeout(channel, fd);
    if (add_link(channel, fd) < 0) {
        dial_failed(channel, "out of memory");
    }
}

/* Dials if somebody needs it and the backoff allows it. */
void
hf_h2_channel_maybe_dial(struct hf_h2_channel *channel)
{
    struct hf_err err = HF_ERR_INIT;

    if (!hf_h2_channel_wants_connection(channel) ||
        hf_loop_now(channel->loop) < channel->next_dial_ns) {
        return;
    }
    if (hf_dial(channel->loop, channel->address, channel->options.connect_ns, on_dialled, channel,
                &channel->dial, &err) < 0) {
        dial_failed(channel, hf_err_message(&err));
    }
}
