/*
 * docker.h - the runtime "docker": what it holds, and who does what.
 *
 *     runtime-docker.c  options, the table of operations
 *     session.c         whether the engine is there: pings, events, what is found on return
 *     instance.c        an instance, from nothing to its removal
 *     start.c           ... the steps of its start
 *     ending.c          ... why it ended
 *     images.c          which images there are; pulls
 *     listing.c         what runs from before
 *     log_reader.c      reading logs
 *     engine.c          calls of the Engine API
 *     requests.c answers.c streams.c   its language, without I/O
 */
#ifndef HF_RUNTIME_DOCKER_DOCKER_H
#define HF_RUNTIME_DOCKER_DOCKER_H

#include <stdbool.h>
#include <stdint.h>

/* Without this, uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <hyperfaas/runtime.h>

#include "../kit/waiting.h"
#include "answers.h"
#include "engine.h"
#include "requests.h"

#define SECOND_NS UINT64_C(1000000000)

/* For each step that does not take the engine long, and for each of a start: many at once take
 * their time, and the whole start has a limit of its own. */
#define STEP_NS       (15 * SECOND_NS)
#define START_STEP_NS (60 * SECOND_NS)

/* An operation that can be cancelled; the first member of a start and of a log reader. */
struct hf_runtime_op {
    void (*cancel)(struct hf_runtime_op *);
};

struct images;
struct instance;
struct listing;
struct log_reader;
struct session;

struct hf_runtime {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    const struct hf_options *options;
    const struct hf_runtime_events *events;
    void *events_arg;

    struct template template;
    const char **env; /* `template` points to it */
    struct addressing where;
    uint32_t parallel; /* starts at once */
    bool closing;

    struct engine *engine;
    struct session *session;
    struct images *images;

    struct instance *instances; /* all (utlist) */
    struct instance *by_id;     /* those whose container is there (uthash) */
    struct instance *waiting;   /* starts whose turn has not come, the oldest first (utlist) */
    uint32_t under_way;         /* starts whose turn it is */
    uint64_t made;              /* names, ever */
    uint64_t moment;            /* counts what must be put in order */
    bool listed;                /* `list` has reported what was there before us */

    struct hf_counter *create_us; /* what the engine took, all together */
    struct hf_counter *start_us;
    struct hf_counter *inspect_us;

    struct listing *listings;
    struct log_reader *readers;
    struct later later;
};

/* --- listing.c ------------------------------------------------------------------------------ */

/* The operation `list` of runtimes. */
int listing_begin(struct hf_runtime *, hf_runtime_list_fn *each, void *arg, struct hf_err *err);

/* The engine is there: asks it; it is lost: what waits for it fails. */
void listings_go_on(struct hf_runtime *);
void listings_give_up(struct hf_runtime *, const char *why);

/* The runtime is being closed. */
void listings_destroy(struct hf_runtime *);

/* The path that lists this node's containers, to be freed; NULL: no memory. */
char *listing_path(const struct hf_runtime *);

/* A container that the engine had at a moment: if nobody knows it, it is removed. */
void listing_consider(struct hf_runtime *, struct json_object *container, uint64_t moment);

/* All were considered: instances whose container is not there or does not run have ended. */
void listing_reconcile(struct hf_runtime *, uint64_t moment);

/* --- log_reader.c --------------------------------------------------------------------------- */

/* The operation `logs` of runtimes. */
int log_reader_begin(struct hf_runtime *, const char *instance_id, uint32_t tail, bool follow,
                     hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret,
                     struct hf_err *err);

/* Ends all readers with HF_ECANCELLED. */
void log_readers_destroy(struct hf_runtime *);

#endif
