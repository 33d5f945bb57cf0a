/*
 * conn_private.h - the inside of connections and streams, shared by the files of
 * this folder and by nobody else.
 *
 *   conn.c      making a connection, reading from it, opening streams
 *   ending.c    ending and draining it
 *   socket.c    the plain transport
 *   intake.c    input on its way to nghttp2, cut into frames
 *   session.c   nghttp2's session; frames sent, streams closed
 *   receive.c   frames received become events of streams
 *   stream.c    actions on streams
 *   abandon.c   streams that nobody listens to any more
 *   output.c    gathering frames and writing them to the socket
 *   limits.c    time limits, and what peers may do how often
 */
#ifndef HF_H2_CONN_PRIVATE_H
#define HF_H2_CONN_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "h2/buffer_private.h"
#include "h2/conn.h"
#include "h2/fields_private.h"
#include "h2/intake.h"
#include "loop/timer.h"
#include "loop/watch.h"

struct hf_h2_out;

#define HF_H2_CONN_MAGIC   HF_MAGIC('h', '2', 'c', 'n')
#define HF_H2_STREAM_MAGIC HF_MAGIC('h', '2', 's', 't')
#define HF_H2_TEXT_MAX     128

/* How long a peer may take to close after us. */
#define HF_H2_LINGER_NS UINT64_C(1000000000)

/* What our PINGs carry, so that their answers are told apart. */
#define HF_H2_PING_ALIVE ((const uint8_t *)"hf-alive")
#define HF_H2_PING_DRAIN ((const uint8_t *)"hf-drain")

/* Where a connection is in its life. */
enum hf_h2_state {
    HF_H2_STATE_OPEN,
    HF_H2_STATE_ENDING,   /* no more input is heard; streams are told, the last bytes go out */
    HF_H2_STATE_LINGERING /* our side is shut; waits for the peer to close, so that the
                             kernel does not throw our last bytes away */
};

/* How far a drain has come (checklist of RFC 9113 6.8). */
enum hf_h2_drain {
    HF_H2_DRAIN_NONE,
    HF_H2_DRAIN_NOTICE, /* server: GOAWAY(2^31-1) and PING are out */
    HF_H2_DRAIN_FINAL,  /* server: the last GOAWAY is to be sent, in one go with its cause */
    HF_H2_DRAIN_WAIT    /* open streams are finishing */
};

/* A leaky bucket in one number (GCRA, ITU-T I.371): the time at which it will be
 * empty. */
struct hf_h2_bucket {
    uint64_t empty_ns;
};

struct hf_h2_conn {
    uint32_t magic;
    enum hf_h2_side side;
    enum hf_h2_state state;
    enum hf_h2_drain drain;
    enum hf_h2_end end; /* why, from ENDING on */

    bool ready;            /* the peer's SETTINGS have arrived */
    bool settings_acked;   /* ours were acknowledged */
    bool peer_leaving;     /* GOAWAY received */
    bool out_of_ids;       /* client: too few stream ids left */
    bool inside;           /* a callback of the library is running */
    bool peer_closed;      /* while we ended it: nothing more will come */
    bool streams_told;     /* ENDING: all streams have heard on_close */
    bool goaway_due;       /* ENDING: the peer is still to be told why */
    bool choked;           /* no room was found because too much waits to be sent */
    bool ping_outstanding; /* our keepalive */
    uint8_t ping_strikes;
    uint8_t timers_armed; /* limits.c: reasons the timer was set for */

    struct hf_loop *loop;
    nghttp2_session *session;
    const struct hf_h2_options *options;
    const struct hf_h2_conn_ops *ops;
    void *arg;
    struct hf_h2_transport transport;

    struct hf_watch watch;
    struct hf_deferred turn_end;
    struct hf_timer timer;

    struct hf_list streams; /* all, in order of opening */
    uint32_t n_streams;
    uint32_t n_unsent; /* streams with bytes in their buffer */

    struct hf_h2_intake intake;
    struct hf_h2_fields *incoming; /* the block being received */
    struct hf_h2_stream *incoming_stream;

    /* Output (output.c). */
    struct hf_h2_out *out;    /* gathered and not written; NULL: nothing */
    struct hf_list in_flight; /* streams with DATA in `out` */
    uint64_t gathered;        /* bytes taken from the session, ever */
    uint64_t written;         /* of these, bytes that entered the socket */
    uint32_t unconsumed;      /* connection window not yet given back */

    /* Times of the loop's clock (limits.c). */
    uint64_t created_ns;
    uint64_t ending_ns;
    uint64_t drain_ns;
    uint64_t header_ns; /* a header block is under way since; 0: none */
    uint64_t write_ns;  /* the socket last took something while `out` waits */
    uint64_t idle_ns;   /* the last stream ended */
    uint64_t heard_ns;  /* anything was received */
    uint64_t ping_ns;   /* our PING was sent, or is due */
    uint64_t peer_ping_ns;
    uint64_t reset_ns; /* a stream was last reset by our side */
    uint64_t opened;   /* streams, ever */
    struct hf_h2_bucket nuisance;
    struct hf_h2_bucket resets_received;
    struct hf_h2_bucket resets_forced;

    char *local; /* as text, once somebody asked */
    char *peer;
    uint32_t end_code;         /* for the GOAWAY */
    char text[HF_H2_TEXT_MAX]; /* why it ended, or what the library last complained of */
};

/* Followed by the owner's room, at HF_H2_ROOM_AT. */
struct hf_h2_stream {
    uint32_t magic;
    int32_t id;
    struct hf_h2_conn *conn;
    const struct hf_h2_stream_ops *ops;
    void *arg;
    struct hf_list node;      /* in conn->streams */
    struct hf_list in_flight; /* in conn->in_flight */

    struct hf_h2_buffer unsent;   /* written, not yet framed */
    struct hf_h2_fields *sending; /* blocks given to the library, oldest first */
    struct hf_h2_fields *sending_last;
    struct hf_h2_fields *trailers; /* go out behind `unsent` */
    size_t in_flight_len;          /* framed, not yet in the socket */
    uint32_t unconsumed;           /* handed to the owner, not given back */
    uint32_t consumed;             /* given back, not yet announced */
    uint32_t window;               /* what the peer may send unconsumed */
    uint32_t taken;                /* given back in all, while `window` is the first */
    uint64_t progress_ns;          /* when bytes last moved, or began to wait */
    uint64_t head_mark;            /* conn->gathered before the request's headers */

    uint8_t informed;      /* 1xx blocks sent, or passed over */
    uint8_t informational; /* 1xx blocks received */

    bool told;           /* the owner knows of it: on_close will run */
    bool head_framed;    /* client: the request's headers were gathered */
    bool data_submitted; /* the library will ask for data */
    bool data_deferred;  /* it has asked in vain */
    bool end_requested;  /* our side ends behind `unsent` */
    bool local_ended;    /* our END_STREAM was gathered */
    bool remote_ended;
    bool response_begun; /* final response headers were queued or received */
    bool closing;        /* we reset it: actions do nothing any more */
    bool reset_by_peer;
    bool failed_here; /* its headers could not be sent: a retry would fail too */
};

#define HF_H2_ROOM_AT ((sizeof(struct hf_h2_stream) + 15) / 16 * 16)

/* --- conn.c --------------------------------------------------------------- */

/* Something is to be sent or done at the end of this turn. */
void hf_h2_conn_dirty(struct hf_h2_conn *);

/* Calls on_room. */
void hf_h2_conn_room_changed(struct hf_h2_conn *);

/* --- ending.c ------------------------------------------------------------- */

/* Ends the connection at the end of this turn, with a GOAWAY unless the peer is
 * gone.  The first reason stays. */
void hf_h2_conn_fail(struct hf_h2_conn *, enum hf_h2_end, uint32_t code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Carry on what was begun, at the end of a turn; ending may free the connection. */
void hf_h2_conn_go_on_ending(struct hf_h2_conn *);
void hf_h2_conn_go_on_draining(struct hf_h2_conn *);
/* Streams hear that their connection is gone. */
void hf_h2_conn_lose_streams(struct hf_h2_conn *);
/* Frees what a connection without streams has. */
void hf_h2_conn_destroy(struct hf_h2_conn *);

/* --- socket.c ------------------------------------------------------------- */

struct hf_h2_transport hf_h2_socket_transport(int fd);

/* What a peer may send at first on a stream. */
static inline uint32_t
hf_h2_first_window(const struct hf_h2_options *options)
{
    return options->first_window ? options->first_window : options->stream_window;
}

/* Ours of a stream of nghttp2's; NULL if it has none. */
static inline struct hf_h2_stream *
hf_h2_stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* --- receive.c ------------------------------------------------------------ */

void hf_h2_receive_register(nghttp2_session_callbacks *);
/* Forgets a header block that was begun, if there is one. */
void hf_h2_receive_drop(struct hf_h2_conn *);

/* --- session.c ------------------------------------------------------------ */

int hf_h2_session_new(struct hf_h2_conn *, nghttp2_session **ret);
/* Passes on what the library has answered to something asked of it.  A fatal error, which is want
 * of memory, leaves the session in disorder: the connection ends, and the session is only freed. */
int hf_h2_session_result(struct hf_h2_conn *, int r);
/* Before the library may queue a stream's data: false if there is no memory, which ends the
 * connection. */
bool hf_h2_session_reserve(struct hf_h2_conn *);

/* --- stream.c ------------------------------------------------------------- */

struct hf_h2_stream *hf_h2_stream_new(struct hf_h2_conn *, int32_t id);
/* Tells the owner, if there is one, and frees. */
void hf_h2_stream_closed(struct hf_h2_stream *, const struct hf_h2_close *);
/* The next of the blocks handed to the library has been dealt with. */
void hf_h2_stream_block_done(struct hf_h2_stream *);
/* Hands a block to the library by `submit` (0: request, see stream.c). */
int hf_h2_stream_submit_request(struct hf_h2_stream *, struct hf_h2_fields *, bool end);

/* --- output.c ------------------------------------------------------------- */

/* Gathers and writes until there is nothing more or the socket takes no more.
 * Returns false if the connection failed. */
bool hf_h2_output_run(struct hf_h2_conn *);
/* DATA of a stream, from nghttp2. */
int hf_h2_output_data(struct hf_h2_conn *, struct hf_h2_stream *, const uint8_t *frame_head,
                      size_t len);
void hf_h2_output_drop(struct hf_h2_conn *);

/* --- limits.c ------------------------------------------------------------- */

/* Makes sure that the timer is set for everything that now has a limit. */
void hf_h2_limits_arm(struct hf_h2_conn *);
void hf_h2_limits_timer(struct hf_timer *);

/* Each of these may end the connection. */
void hf_h2_limits_nuisance(struct hf_h2_conn *, uint32_t weight);
void hf_h2_limits_useful(struct hf_h2_conn *);
void hf_h2_limits_sent(struct hf_h2_conn *);
void hf_h2_limits_ping(struct hf_h2_conn *);
void hf_h2_limits_reset_received(struct hf_h2_conn *);
void hf_h2_limits_reset_forced(struct hf_h2_conn *);
void hf_h2_limits_completed(struct hf_h2_conn *);
void hf_h2_limits_stray(struct hf_h2_conn *);
void hf_h2_limits_block(struct hf_h2_conn *, const struct hf_h2_fields *);
void hf_h2_limits_queue(struct hf_h2_conn *);
/* Another 1xx block came; false if that is too many, and the stream was reset. */
bool hf_h2_limits_informational(struct hf_h2_stream *);
/* Client: so much waits to be sent that no request may join it. */
bool hf_h2_limits_is_choked(const struct hf_h2_conn *);

#endif
