/*
 * io.h - the thread that does the waiting.
 *
 * Files have no readiness to poll for, and flushing one can take long, so one
 * thread for each store does all that touches the disk.  The loop hands it
 * requests; it answers with notices, which the loop takes while io_fd() is
 * readable.  A request belongs to the thread from io_submit() until the loop
 * has taken its NOTICE_END.
 */
#ifndef HF_STORE_FILE_IO_H
#define HF_STORE_FILE_IO_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "document.h"
#include "folder.h"

struct io;

enum notice_kind {
    NOTICE_PUT,         /* a watched document is there: id, data, revision */
    NOTICE_DELETE,      /* it is gone: id */
    NOTICE_SYNCED,      /* all has been reported */
    NOTICE_BAD,         /* a document can't be used: id, message */
    NOTICE_LOST,        /* the folder can't be watched: message */
    NOTICE_WARNING,     /* something an operator should know: message */
    NOTICE_ANNOUNCED,   /* the announced document is there: revision */
    NOTICE_UNANNOUNCED, /* it is not: code, message */
    NOTICE_END          /* the request is over; part of it, don't free */
};

/* What the thread tells the loop.  The loop frees it (notice_free). */
struct notice {
    struct notice *next;
    struct request *request;
    enum notice_kind kind;
    int code; /* of NOTICE_UNANNOUNCED */
    uint64_t revision;
    char *data;
    size_t len;
    const char *id; /* both in the same block */
    const char *message;
};

/* The last two go on until they are abandoned. */
enum request_kind { REQUEST_GET, REQUEST_PUT, REQUEST_REMOVE, REQUEST_WATCH, REQUEST_ANNOUNCE };

/* What the loop asks for. */
struct request {
    struct request *next; /* while queued */

    /* The question: not changed once submitted, but for `abandoned`. */
    enum request_kind kind;
    struct change change;  /* space and id of all kinds, the rest of a put or announcement */
    uint64_t ttl_ns;       /* of an announcement */
    atomic_bool abandoned; /* nobody waits any more; ends a watch or announcement */

    /* The answer, valid from NOTICE_END on. */
    int code;
    struct document document; /* what was read; the revision of what was written */
    char message[MESSAGE_SIZE];

    struct notice end;
};

/* Starts the thread.  `place` must outlive it.  0, or -1 with errno. */
int io_new(const struct place *place, struct io **ret);

/* Stops the thread, once it has ended the step it is at.  All requests are the
 * caller's again; notices not taken are freed.  NULL is allowed. */
void io_free(struct io *);

/* Hands over a request. */
void io_submit(struct io *, struct request *);

/* Has the thread look for requests that were abandoned. */
void io_wake(struct io *);

/* Readable while there are notices. */
int io_fd(const struct io *);

/* Takes the oldest notice, or NULL. */
struct notice *io_take(struct io *);
void notice_free(struct notice *);

/* --- for the thread --- */

/* What goes on until its request is abandoned: a watch (follow.h) or an announcement (announce.h);
 * the first member of it. */
struct job {
    const struct job_ops *ops;
    struct io *io;
    const struct place *place;
    struct request *request;
    int fd; /* readable when there is something to do; -1: nothing tells of that */
};

struct job_ops {
    void (*free)(struct job *);
    /* Milliseconds until `step` has something to do although `fd` is not readable. */
    int (*wait_ms)(const struct job *);
    /* Does the next piece of work, if there is any: a few milliseconds at most. */
    void (*step)(struct job *);
};

uint64_t monotonic_ns(void);

/* Queues a notice; `data` is taken over.  Waits while the loop is far behind.
 * False if memory is exhausted; `data` then stays the caller's. */
bool io_tell(struct io *, struct request *, enum notice_kind, const char *id,
             struct document *document, const char *message);

/* Tells how an announcement stands: `code` 0 and the document's revision, or why not. */
bool io_tell_announced(struct io *, struct request *, int code, uint64_t revision,
                       const char *message);

#endif
