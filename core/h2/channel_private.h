/*
 * channel_private.h - the inside of channels.  Private to core/h2.
 *
 *   channel.c       requests: given streams, waiting, late
 *   channel_dial.c  connections: dialled, backed off from, lost
 *   channel_check.c whether anybody answers at their other end
 */
#ifndef HF_H2_CHANNEL_PRIVATE_H
#define HF_H2_CHANNEL_PRIVATE_H

#include "base/assert.h"
#include "base/list.h"
#include "base/random.h"
#include "h2/channel.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct hf_dial;

#define HF_H2_CHANNEL_MAGIC HF_MAGIC('h', '2', 'c', 'h')

struct hf_h2_channel {
    uint32_t magic;
    struct hf_loop *loop;
    char *address;
    struct hf_h2_channel_options options;

    struct hf_list links; /* connections */
    struct hf_dial *dial; /* at most one at a time */
    uint32_t failures;    /* dials in a row without SETTINGS */
    uint64_t next_dial_ns;
    char last_error[128];

    struct hf_list waiting;  /* requests without a stream, oldest first */
    struct hf_list refused;  /* requests to fail at the end of the turn */
    uint32_t n_waiting;      /* on both lists */
    uint64_t first_deadline; /* no deadline of `waiting` is before; UINT64_MAX: none */
    struct hf_random random;

    void (*probe)(void *arg, int code);
    void *probe_arg;
    void (*check)(void *arg, enum hf_h2_check); /* NULL: none is under way */
    void *check_arg;
    uint64_t check_ns; /* when it began */
    uint64_t silence_ns;
    uint64_t busy_ns;
    struct hf_timer check_timer;

    struct hf_timer timer;       /* next dial, next deadline */
    struct hf_deferred turn_end; /* `refused`, the probe */
};

/* A connection of a channel. */
struct hf_h2_link {
    struct hf_list node;
    struct hf_h2_channel *channel;
    struct hf_h2_conn *conn;
    bool ready;
    bool asked;   /* by the check under way */
    int32_t mark; /* when it was */
};

/* --- channel.c ------------------------------------------------------------ */

/* Gives waiting requests the streams there are. */
void hf_h2_channel_serve(struct hf_h2_channel *);
void hf_h2_channel_fail_all(struct hf_list *list, int code, const char *text);

/* --- channel_check.c ------------------------------------------------------ */

void hf_h2_channel_on_check(struct hf_timer *);

/* --- channel_dial.c ------------------------------------------------------- */

/* Connections that take requests, or may soon. */
uint32_t hf_h2_channel_usable(const struct hf_h2_channel *);
/* Whether somebody waits for a connection that nobody is making. */
bool hf_h2_channel_wants_connection(const struct hf_h2_channel *);
/* Dials if somebody needs it and the backoff allows it. */
void hf_h2_channel_maybe_dial(struct hf_h2_channel *);
void hf_h2_channel_finish_probe(struct hf_h2_channel *, int code);

#endif
