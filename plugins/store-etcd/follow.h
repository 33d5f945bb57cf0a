/*
 * follow.h - following a space: what follow.c, listing.c and stream.c share.
 *
 * First all documents are listed as they are at one revision, in pages; then all changes from the
 * next revision on are read from a stream.  A stream that breaks off is opened again where it
 * ended.  Where that cannot be - etcd has forgotten that revision, or was away for longer - all is
 * listed anew and compared with what was reported.
 */
#ifndef HF_STORE_ETCD_FOLLOW_H
#define HF_STORE_ETCD_FOLLOW_H

#include "etcd.h"
#include "known.h"
#include "lines.h"

/* Documents reported before the loop turns: what comes at once may be much. */
#define TOLD_A_TURN 64

/* How often a quiet stream's member is asked whether it is still there. */
#define PROBE_EVERY (5 * SEC)

enum follow_state {
    FOLLOW_WAITING, /* for the next attempt */
    FOLLOW_LISTING,
    FOLLOW_OPENING, /* the stream, whose first message has not come */
    FOLLOW_WATCHING,
};

struct follow {
    struct hf_store *store;
    struct follow *prev, *next; /* in the store's list (utlist) */
    const struct keys *keys;
    const struct hf_store_watcher *watcher; /* NULL: unwatched */
    void *arg;
    unsigned busy; /* frames below that will still use it */

    enum follow_state state;
    struct hf_host_timer *timer;
    struct hf_host_timer *more; /* goes on after TOLD_A_TURN documents */
    bool goes_on;               /* it will */
    struct known *known;
    uint64_t cluster;  /* whose documents are known, */
    uint64_t term;     /* and since which election; 0: not known yet */
    uint64_t highest;  /* revision that any member reported; less comes from one that lags behind */
    unsigned lower;    /* answers in a row that were below it */
    unsigned failures; /* in a row */
    bool synced;       /* `on_synced` was reported, and nothing since */
    bool lost;         /* `on_lost` was reported since */
    uint64_t since;    /* policy time of the last of them */

    struct call *call; /* for a page, or a probe */

    /* The list. */
    uint64_t list_revision; /* 0: the first page is still to come */
    char *page_first;       /* base64; NULL: the first of all keys */
    unsigned page_size;
    bool keys_only; /* a value is too large to be read */

    /* The stream. */
    uint64_t resume; /* revision to go on from */
    struct hf_host_exchange *exchange;
    struct lines lines;
    struct json_object *events; /* of the line that is being reported; NULL: none */
    size_t next_event;
    uint64_t events_end; /* revision to go on from when all of them have been reported */
};

/* --- follow.c ----------------------------------------------------------------------------- */

/* The end of what `busy++` began; frees a follow that was unwatched meanwhile. */
void follow_leave(struct follow *);

/* Ends what is under way and tries again later, with a report to the watcher if that takes longer.
 * The follow may be gone when one of these returns, unless `busy`. */
void follow_lose(struct follow *, const char *message);

/* The stream cannot tell what has happened: list all, and compare. */
void follow_list_anew(struct follow *);

/* All that existed has been reported. */
void follow_tell_synced(struct follow *);

/* A document as it is, or that it has gone; tells what is news. */
struct pair;
void follow_take(struct follow *, const struct pair *);
void follow_take_removed(struct follow *, const struct pair *);
void follow_tell_bad(struct follow *, const char *id, const char *message);

/* Tells more documents when the loop has turned. */
void follow_go_on(struct follow *);

/* Whether an answer is of a history to go on with; if not, the follow has been lost, or lists
 * anew. */
bool follow_accepts(struct follow *, const struct header *);

/* --- listing.c ---------------------------------------------------------------------------- */

void list_begin(struct follow *);
void list_go_on(struct follow *);

/* --- stream.c ----------------------------------------------------------------------------- */

void stream_open(struct follow *);
void stream_go_on(struct follow *);
void stream_probe(struct follow *);
void stream_close(struct follow *);

#endif
