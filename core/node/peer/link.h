/*
 * link.h - the connection to the API of another node: found, greeted, heard, lost.
 *
 * A peer is a node of ours or of the existing implementation.  Who it is says
 * hyperfaas.v1.Node/Info, which an existing one answers with UNIMPLEMENTED.  Then a stream tells
 * what it has; which one, and what it means, is for the role that has the peer (`struct
 * hf_link_ops`).
 *
 *     down -> greeting -> listening -> up
 *               |             |         |     the role refuses it:       held, and greeted again
 * later
 *               +-------------+---------+     it can't be reached:       down, and greeted again
 * soon
 *
 * Health is asked for regularly as long as the peer answers; one that does not is lost.  A stream
 * that ends says little (a leaf that drains ends its own at once), so a peer that the role believes
 * to be there is greeted anew and stays up meanwhile.  Attempts follow each other with backoff.
 *
 * The link stands first in the role's record of the peer; whoever keeps the links of a role
 * (peers.h) makes these.
 *
 * Control thread.
 */
#ifndef HF_NODE_PEER_LINK_H
#define HF_NODE_PEER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/backoff.h"
#include "base/list.h"
#include "grpc/client.h"
#include "loop/timer.h"

struct hf_access;
struct hf_err;
struct hf_link;
struct hf_text;

#define HF_LINK_MAGIC HF_MAGIC('l', 'i', 'n', 'k')

enum hf_link_state {
    HF_LINK_DOWN,      /* waiting to try again */
    HF_LINK_HELD,      /* the same, longer: the role does not want it */
    HF_LINK_GREETING,  /* asking who it is */
    HF_LINK_LISTENING, /* it has answered, and tells what it has */
    HF_LINK_UP         /* it can be used, also while its stream is renewed */
};

/* What the end of a stream means. */
enum hf_link_end {
    HF_LINK_LOST,   /* the peer can't be used */
    HF_LINK_STAYS,  /* it is still there, and is greeted again */
    HF_LINK_ANOTHER /* it has another stream: `listen` follows at once */
};

/* What a role knows of its peers, and no other role.  None may free the link. */
struct hf_link_ops {
    /* Sets up the rest of a new record, all zeros; on failure nothing is left of it. */
    int (*init)(struct hf_link *, struct hf_err *err);
    void (*fini)(struct hf_link *);

    /* Begins to connect.  NULL: nothing to prepare. */
    int (*open)(struct hf_link *, struct hf_err *err);
    /* The connection is about to end because this node has done with it: nothing is known of the
     * peer any more, and calls that the role made end too. */
    void (*close)(struct hf_link *);

    /* It has answered: `ours` and `node_id` are known.  `draining`: it takes no new work. */
    void (*greeted)(struct hf_link *, bool draining);
    /* Opens its stream (hf_link_stream), or says that there is none (hf_link_come_up).  Negative:
     * no memory. */
    int (*listen)(struct hf_link *);
    enum hf_link_end (*ended)(struct hf_link *, const struct hf_grpc_result *);
    /* Why the peer, which is of ours, must not be used, borrowed until the next callback; NULL: it
     * may.  NULL: each may. */
    const char *(*refuse)(struct hf_link *);
    /* As much is known of it as will be.  Negative: it could not be taken in, and is greeted again
     * after a pause. */
    int (*up)(struct hf_link *);
    /* What its health service says; `serving` if it has none.  NULL: any answer is as good. */
    void (*health)(struct hf_link *, bool serving);
    /* It can't be reached, or is held; after each attempt.  `why` is in `error`. */
    void (*down)(struct hf_link *, bool was_up);

    /* Whether the role needs the record of a peer that is neither up nor listed. */
    bool (*is_used)(const struct hf_link *);
};

/* What the links of a role have in common. */
struct hf_link_config {
    const struct hf_link_ops *ops;
    const char *role; /* which role the peers have; NULL: that is found out */
    struct hf_loop *loop;
    const struct hf_access *access; /* has the secrets to send; NULL: none are */
    uint64_t heartbeat_ns;          /* between questions after their health */
    uint64_t loss_ns;               /* without an answer: the peer is lost */
    uint64_t seed;

    /* For whoever keeps them.  Which link is used to the same node already, said in `error`; NULL:
     * none is. */
    const char *(*twin)(struct hf_link *);
    /* The link is not up any more, or still not.  `was_known`: its node is free for another. */
    void (*on_away)(struct hf_link *, bool was_known);
};

struct hf_link {
    uint32_t magic;
    uint8_t state;       /* enum hf_link_state */
    bool ours;           /* it speaks hyperfaas.v1 */
    uint8_t noted;       /* the state that the log has told of */
    bool is_known;       /* it is the one link that is used to `node_id` in `role` */
    bool configured;     /* the configuration lists it */
    uint32_t found;      /* nodes with this address in the store */
    struct hf_list node; /* of whoever keeps it */
    struct hf_link_config *config;
    char *address;    /* of its API */
    char *proxy;      /* its other address; "": it has none */
    char *node_id;    /* who it said it is; NULL: an existing peer, or not known yet */
    const char *role; /* which role of that node it is; NULL: not known yet */
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *greeting; /* NULL: none under way; the others alike */
    struct hf_grpc_client_call *stream;
    struct hf_grpc_client_call *heartbeat;
    struct hf_grpc_client_call *load; /* the stream of its load */
    bool says_no_load;                /* it does not know that stream */
    hf_grpc_message_fn *on_message;   /* of the stream */
    hf_grpc_message_fn *on_report;    /* of that of its load */
    struct hf_timer retry;
    struct hf_timer beat;
    uint64_t listening_ns; /* since when */
    uint64_t up_ns;
    struct hf_backoff backoff;
    char error[256]; /* the last; "": none since it came up */
};

static inline struct hf_link *
hf_link_of(void *arg)
{
    return hf_cast(arg, struct hf_link, HF_LINK_MAGIC);
}

/* --- for whoever keeps it -------------------------------------------------------------------- */

void hf_link_init(struct hf_link *, struct hf_link_config *);
void hf_link_fini(struct hf_link *);

/* Begins to connect; ends everything.  Not inside a callback of the link. */
int hf_link_open(struct hf_link *, struct hf_err *err);
void hf_link_close(struct hf_link *);

/* --- for roles ------------------------------------------------------------------------------- */

/* For `listen`: `on_message(link, message)` runs for each message. */
int hf_link_stream(struct hf_link *, const struct hf_grpc_request *request,
                   hf_grpc_message_fn *on_message);

/* Has it say how busy it is, with the room of functions or without, as long as it is up:
 * `on_report(link, Hyperfaas__V1__LoadReport)` runs for each report.  Again is harmless, and the
 * way to go on after a stream has ended, so it is for `up` and for each `health`.  A peer that is
 * not of ours, or older, says nothing. */
void hf_link_ask_load(struct hf_link *, bool rooms, hf_grpc_message_fn *on_report);

/* Nobody needs that any more. */
void hf_link_forget_load(struct hf_link *);

/* The beginning of the stream is complete, or there is none.  Again is harmless. */
void hf_link_come_up(struct hf_link *);

/* Whether its state is news, which the role is to log: it is not, after each attempt that fails in
 * the same way. */
bool hf_link_note(struct hf_link *);

/* The peer can't be used for a reason that the role has found. */
void hf_link_lose(struct hf_link *, const char *why);

/* Listens anew, if it does. */
void hf_link_renew(struct hf_link *);

/* Asks after its health now; without effect while the peer is away. */
void hf_link_check(struct hf_link *);

/* Asks the role again whether the peer, which is up, is to be refused. */
void hf_link_review(struct hf_link *);

/* Greets it now, if it is held. */
void hf_link_hurry(struct hf_link *);

/* Appends ` error="..."`, if there is one. */
void hf_link_show_error(const struct hf_link *, struct hf_text *);

#endif
