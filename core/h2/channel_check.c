/*
 * channel_check.c - whether anybody answers at the other end of a channel's connections.
 *
 * The owner has a reason to doubt it: calls ended without an answer.  Each connection gets a
 * PING; any byte that comes afterwards is an answer, on whichever.  If none comes for the
 * given time, requests sent before the PING may still be what the peer is busy with, and are
 * waited for, up to another limit.
 */
#include "h2/channel_private.h"

#define LOOK_NS (250 * HF_MSEC)

static void
finish(struct hf_h2_channel *channel, enum hf_h2_check result)
{
    void (*done)(void *, enum hf_h2_check) = channel->check;

    channel->check = NULL;
    hf_timer_cancel(&channel->check_timer);
    if (done) {
        done(channel->check_arg, result);
    }
}

/* The latest time at which something was heard on a connection that was asked, and whether a
 * request from before is open; false: there is no such connection. */
static bool
look(const struct hf_h2_channel *channel, uint64_t *ret_heard, bool *ret_busy)
{
    const struct hf_h2_link *link;
    bool any = false;

    *ret_heard = 0;
    *ret_busy = false;
    HF_LIST_FOR (link, &channel->links, node) {
        if (link->asked) {
            any = true;
            *ret_heard = hf_max(*ret_heard, hf_h2_conn_heard(link->conn));
            *ret_busy |= hf_h2_conn_has_stream_before(link->conn, link->mark);
        }
    }
    return any;
}

void
hf_h2_channel_on_check(struct hf_timer *timer)
{
    struct hf_h2_channel *channel = hf_container_of(timer, struct hf_h2_channel, check_timer);
    uint64_t silent_ns = hf_loop_now(channel->loop) - channel->check_ns;
    uint64_t heard_ns;
    bool busy;

    if (!look(channel, &heard_ns, &busy)) {
        finish(channel, HF_H2_CHECK_NOBODY);
    } else if (heard_ns > channel->check_ns) {
        finish(channel, HF_H2_CHECK_ALIVE);
    } else if (silent_ns >= channel->silence_ns && (!busy || silent_ns >= channel->busy_ns)) {
        finish(channel, HF_H2_CHECK_SILENT);
    } else {
        hf_timer_set(timer, LOOK_NS);
    }
}

void
hf_h2_channel_check(struct hf_h2_channel *channel, uint64_t silence_ns, uint64_t busy_ns,
                    void (*done)(void *arg, enum hf_h2_check), void *arg)
{
    uint64_t now = hf_loop_now(channel->loop);
    struct hf_h2_link *link;

    hf_assert(!channel->check);
    channel->check = done;
    channel->check_arg = arg;
    channel->check_ns = now;
    channel->silence_ns = silence_ns;
    channel->busy_ns = busy_ns;
    HF_LIST_FOR (link, &channel->links, node) {
        link->asked = link->ready;
        link->mark = link->ready ? hf_h2_conn_ask(link->conn) : 0;
    }
    hf_timer_set(&channel->check_timer, 0);
}

void
hf_h2_channel_check_cancel(struct hf_h2_channel *channel)
{
    if (channel->check) {
        finish(channel, HF_H2_CHECK_NOBODY);
    }
}
