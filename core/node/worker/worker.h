/*
 * worker.h - the parts of the worker role; private to this folder.
 *
 * A worker starts instances through its runtime module, finds out when they are ready,
 * and tells leaves what becomes of them.  Everything runs on the control thread.
 *
 *     worker.c     the role: options, life, drain, control socket
 *     instance.c   one instance from start to end
 *     facts.c      what is known of one
 *     ended.c      those that ended lately, and how
 *     ready.c      finding out that an instance serves
 *     adoption.c   instances that an earlier process of this node has left
 *     running.c    what runs, on disk: what is gone afterwards is told
 *     stopping.c   until it is gone, and what the runtime has and the worker does not keep
 *     api.c        its ways in: for leaves and tools, and for instances
 *     service.c    worker.Worker: Start, Stop, SignalReady, Metrics
 *     events.c     worker.Worker/Status and hyperfaas.v1.Node/Watch
 *     images.c     which images of functions are here
 *     logs.c       hyperfaas.v1.Node/Logs
 *     owners.c     the leaves that instances belong to
 *     metrics.c    the machine's memory and processors, from /proc
 */
#ifndef HF_WORKER_WORKER_H
#define HF_WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/runtime.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/map.h"
#include "loop/timer.h"
#include "node/catalog.h"
#include "node/role.h"

#define HF_WORKER_MAGIC          HF_MAGIC('w', 'r', 'k', 'r')
#define HF_WORKER_INSTANCE_MAGIC HF_MAGIC('w', 'i', 'n', 's')

/* The longest id of an instance, of a start, or of a leaf that is taken or kept: real ones are
 * UUIDs, container ids and host names. */
#define HF_WORKER_ID_MAX 320

struct hf_err;
struct hf_grpc_call;
struct hf_grpc_health;
struct hf_grpc_probe;
struct hf_grpc_server;
struct hf_load_figures;
struct hf_load_service;
struct hf_metrics_sample;
struct hf_options;
struct hf_text;
struct hf_worker_owner;

/* How an instance tells that it serves. */
enum hf_readiness {
    HF_READY_BY_SIGNAL = 1, /* it calls SignalReady, and is believed */
    HF_READY_BY_PROBE = 2,  /* it answers as an HTTP/2 server, and as healthy */
    HF_READY_BY_EITHER = 3  /* the same, or it has called SignalReady and speaks HTTP/2 */
};

/* A ready signal of an instance that is not known yet; ready.c. */
struct hf_worker_early {
    uint64_t hash; /* of its id */
    uint64_t until_ns;
};

/* The oldest is forgotten first. */
#define HF_WORKER_EARLY_MAX 1024

struct hf_worker_role {
    uint32_t magic;
    struct hf_role role;
    bool draining;
    bool unusable; /* the runtime cannot be used at present */
    bool internal; /* the worker reaches instances at their internal address */
    uint8_t readiness;
    struct hf_node *node;
    struct hf_loop *loop;
    struct hf_catalog *catalog;
    const struct hf_options *options; /* [worker] */

    /* The runtime module. */
    const struct hf_runtime_ops *ops;
    struct hf_runtime *runtime;
    struct hf_runtime_events events;
    char *controller_address;

    /* Instances. */
    struct hf_map by_id;       /* those that have an id */
    struct hf_map by_start_id; /* those started with one */
    struct hf_list instances;  /* all */
    uint32_t count;
    uint32_t max_instances; /* 0: no limit */
    uint64_t memory_bytes;  /* capacity; 0: no limit */
    uint64_t cpu_millis;    /* the same */
    uint64_t memory_reserved;
    uint64_t cpu_reserved;
    uint64_t ready_ns; /* limit of becoming ready */
    uint64_t grace_ns; /* between asking an instance to end and killing it */

    struct hf_map owners; /* leaves that watch or have instances here; owners.c */
    uint64_t orphan_ns;   /* how long a leaf may be away; 0: for ever */

    /* Images that functions name; images.c. */
    struct hf_map images; /* struct hf_worker_image */
    struct hf_catalog_listener functions;

    /* Ready signals of instances whose start has not returned yet: a ring. */
    struct hf_worker_early early[HF_WORKER_EARLY_MAX];
    uint32_t early_next;
    uint64_t early_seed; /* of the hashes */

    /* What an earlier process of this node has left. */
    struct hf_list claims; /* not decided yet */
    bool listed;           /* all are there */
    struct hf_timer list_again;
    uint64_t list_ns;        /* before the next attempt */
    struct hf_list unwanted; /* being removed; stopping.c */

    /* What ran, also in earlier processes; running.c. */
    struct hf_list before;    /* struct hf_worker_past_instance that may still run */
    struct hf_list gone;      /* those that do not, the latest last: told to each new listener */
    struct hf_map past_by_id; /* both */
    uint32_t gone_count;
    uint32_t running_lines; /* of the file */
    int running_fd;
    char *running_path; /* NULL: there is no file */

    /* Instances that ended lately; ended.c. */
    struct hf_list ended; /* struct hf_worker_ended, oldest first */
    struct hf_map pasts;  /* of functions */
    uint32_t ended_count;
    uint32_t ended_max; /* 0: none is remembered */
    size_t ended_bytes;
    uint64_t ended_ns; /* how long */
    struct hf_timer ended_expiry;

    /* API. */
    struct hf_load_service *load; /* at `api` */
    struct hf_grpc_server *api;
    struct hf_grpc_health *health;
    struct hf_grpc_server *instance_api; /* NULL: instances use `api` */
    struct hf_grpc_health *instance_health;
    struct hf_list status_listeners;
    struct hf_list watchers;
    struct hf_list log_readers;
    bool unsettled;            /* what runs from before is not known yet: nobody gets a snapshot */
    struct hf_timer resources; /* tells watchers of new reservations, at most once a second */
    struct hf_metrics_sample *sample; /* of the last Metrics call */

    /* Drain. */
    struct hf_timer drain_limit;
    struct hf_timer drain_again; /* looks whether the runtime is empty */
    bool stopping_all;           /* the time for leaves to move instances is over */
    uint8_t last_list;           /* enum hf_worker_last_list */
    void (*drained)(void *arg);  /* NULL: not draining, or done */
    void *drained_arg;
};

/* What is known of an instance while it starts, runs, and after its end.  Texts are never NULL. */
struct hf_worker_facts {
    const char *id; /* "": the runtime has not made it, like what follows */
    const char *name;
    const char *internal;
    const char *external;
    const char *function_id;
    const char *leaf_id;  /* "": it was started without */
    const char *start_id; /* the same */
    uint64_t revision;
    uint64_t started_wall_ns; /* 0: not known */
    size_t bytes;             /* of the texts, when they are kept */
};

/* An image that functions name. */
struct hf_worker_image {
    struct hf_map_node node;
    uint32_t functions;
    bool present; /* as those that watch know */
    char tag[];
};

/* An instance that is no more, or may be; existing leaves still believe in it. */
struct hf_worker_past_instance {
    struct hf_list node; /* in `before` or `gone` */
    struct hf_map_node by_id;
    bool seen; /* the runtime has it */
    bool gone;
    uint64_t gone_s; /* when that was noticed */
    const char *id;
    const char *function_id;
    char texts[];
};

/* An instance that ended, and how. */
struct hf_worker_ended {
    struct hf_list node;        /* in the worker's `ended`; these first ones are ended.c's */
    struct hf_list of_function; /* in `past` */
    struct past *past;
    uint64_t expires_ns;
    size_t bytes;
    char *texts; /* what `facts` points to */
    struct hf_worker_facts facts;
    const char *reason; /* for people */
    uint64_t ended_wall_ns;
    int32_t exit_code; /* -1: a signal ended it */
    int32_t signal;    /* 0: none */
    bool out_of_memory;
    bool known;    /* the three above are */
    bool served;   /* it was ready once */
    bool expected; /* somebody asked for its end */
};

/* The listing at the end of a drain. */
enum hf_worker_last_list { HF_LAST_LIST_TO_DO, HF_LAST_LIST_UNDER_WAY, HF_LAST_LIST_DONE };

/* One that is being stopped, until it is gone; stopping.c. */
struct hf_worker_stopping {
    uint32_t magic;
    struct hf_worker_role *worker;
    const char *id;
    uint64_t grace_ns;
    uint64_t delay_ns;
    struct hf_timer again; /* set: the runtime could not */
    void (*gone)(struct hf_worker_stopping *);
};

enum hf_worker_state {
    HF_WORKER_CREATING, /* the runtime is at it */
    HF_WORKER_WAITING,  /* exists; not known to serve */
    HF_WORKER_SERVING,
    HF_WORKER_STOPPING
};

struct hf_worker_instance {
    uint32_t magic;
    uint8_t state; /* enum hf_worker_state */
    bool served;   /* it was ready once */
    struct hf_worker_role *worker;
    struct hf_function_def *def;
    struct hf_list node; /* in `instances` */
    struct hf_map_node by_id;
    struct hf_map_node by_start_id;
    struct hf_worker_facts facts;
    char *texts[2];                /* what `facts` points to: since it was asked for, and made */
    struct hf_worker_owner *owner; /* the leaf that asked; NULL if it did not say */
    char *failure;                 /* why it is being stopped, if nobody asked for that */
    struct hf_runtime_op *creating;
    struct hf_worker_stopping stopping;
    struct hf_timer ready_limit;
    struct hf_timer probe_again;
    struct hf_grpc_probe *probe;
    uint64_t probe_delay_ns;
    bool signalled;        /* it has said that it is ready */
    char probe_found[192]; /* by the last probe that failed */
    struct hf_list starts; /* Start calls that wait for it */
    struct hf_list stops;  /* Stop calls that wait for its end */
};

/* --- instance.c --------------------------------------------------------------------- */

/* Begins to start an instance.  HF_EFULL: it does not fit; `err` says what it would need. */
int hf_worker_instance_new(struct hf_worker_role *, struct hf_function_def *, const char *owner,
                           const char *start_id, struct hf_worker_instance **ret, struct hf_err *);

/* Keeps one of an earlier process, which serves. */
int hf_worker_instance_adopt(struct hf_worker_role *, struct hf_function_def *,
                             const struct hf_worker_facts *);

/* It is known to serve: answers the Start calls. */
void hf_worker_instance_ready(struct hf_worker_instance *);

/* It will not be: answers the Start calls with `code` and `why`, removes what there is. */
void hf_worker_instance_fail(struct hf_worker_instance *, int code, const char *why);

/* Stops it, from whatever state; its Stop calls are answered when it is gone. */
void hf_worker_instance_stop(struct hf_worker_instance *);

/* Forgets one whose runtime is gone; its calls are answered. */
void hf_worker_instance_forget(struct hf_worker_instance *);

/* What runtimes call when an instance has ended. */
void hf_worker_on_end(void *arg, const char *instance_id, const struct hf_instance_end *);

/* The instance of that id, or NULL. */
struct hf_worker_instance *hf_worker_find(const struct hf_worker_role *, const char *id);
struct hf_worker_instance *hf_worker_find_start(const struct hf_worker_role *,
                                                const char *start_id);

/* --- facts.c ------------------------------------------------------------------------ */

/* Copies the texts, `max` bytes of each at most, into one piece of memory, to which they point
 * then; NULL: no memory.  `*also` (may be NULL) is a text that goes with them. */
char *hf_worker_facts_keep(struct hf_worker_facts *, const char **also, size_t max);

/* What a runtime says of one. */
struct hf_worker_facts hf_worker_facts_of(const struct hf_instance_info *);

/* --- ended.c ------------------------------------------------------------------------ */

/* Remembers its end, and tells those who want to hear of such.  Without `end`, `reason` says why.
 */
void hf_worker_note_end(const struct hf_worker_instance *, const struct hf_instance_end *end,
                        const char *reason);
/* The same of one of before that was not adopted. */
void hf_worker_note_claim_end(struct hf_worker_role *, const struct hf_worker_facts *,
                              const char *reason);
void hf_worker_ended_init(struct hf_worker_role *);
void hf_worker_ended_fini(struct hf_worker_role *);

/* --- ready.c ------------------------------------------------------------------------ */

/* The instance exists: waits for its signal, probes it, limits the wait. */
void hf_worker_ready_begin(struct hf_worker_instance *);
void hf_worker_ready_end(struct hf_worker_instance *);

/* An instance says that it serves; remembered if it is not known yet. */
void hf_worker_ready_signal(struct hf_worker_role *, const char *instance_id);

/* --- adoption.c --------------------------------------------------------------------- */

/* Finds out what runs from before; once, when the API is there. */
void hf_worker_adopt_begin(struct hf_worker_role *);
void hf_worker_on_list_again(struct hf_timer *);
/* The worker is draining: what is not decided yet is removed. */
void hf_worker_adopt_refuse(struct hf_worker_role *);
/* The worker has drained: what the runtime still has, and nobody knows, is removed.  True: that is
 * being found out; hf_worker_check_drained follows. */
bool hf_worker_list_last(struct hf_worker_role *);
/* What is not decided yet stays with the runtime. */
void hf_worker_adopt_end(struct hf_worker_role *);

/* --- running.c ---------------------------------------------------------------------- */

void hf_worker_running_init(struct hf_worker_role *);
void hf_worker_running_fini(struct hf_worker_role *);
/* Reads what an earlier process has left in that file of the state folder, and keeps it from now
 * on. */
void hf_worker_running_open(struct hf_worker_role *, const char *name);

/* An instance serves; it has ended as its leaf had asked; it is gone, and leaves may not know. */
void hf_worker_running_add(struct hf_worker_role *, const char *id, const char *function_id);
void hf_worker_running_remove(struct hf_worker_role *, const char *id);
void hf_worker_running_gone(struct hf_worker_role *, const char *id, const char *function_id);

/* The runtime has it; it has told all that it has: others are gone. */
void hf_worker_running_seen(struct hf_worker_role *, const char *id);
void hf_worker_running_settle(struct hf_worker_role *);

/* --- stopping.c --------------------------------------------------------------------- */

/* Has the runtime stop an instance, again and again until it is gone: then `gone` runs.  `id` stays
 * valid until then, or until `end`. */
void hf_worker_stopping_begin(struct hf_worker_stopping *, struct hf_worker_role *, const char *id,
                              uint64_t grace_ns, void (*gone)(struct hf_worker_stopping *));
void hf_worker_stopping_end(struct hf_worker_stopping *);

/* Stops an instance that has no record here, until it is gone. */
void hf_worker_remove_unwanted(struct hf_worker_role *, const char *id, uint64_t grace_ns);
void hf_worker_forget_unwanted(struct hf_worker_role *);

/* --- api.c -------------------------------------------------------------------------- */

/* Listens for leaves, tools and instances, and finds out where these reach it. */
int hf_worker_open_api(struct hf_worker_role *, struct hf_err *);
/* Ends the calls that would last for ever. */
void hf_worker_end_api(struct hf_worker_role *);
/* Closes both, opened or not. */
void hf_worker_close_api(struct hf_worker_role *);

/* --- service.c ---------------------------------------------------------------------- */

int hf_worker_serve(struct hf_worker_role *, struct hf_err *);

/* What instances call, and nothing else, at `instance_api`. */
int hf_worker_serve_instances(struct hf_worker_role *, struct hf_err *);

/* Whether an id that came with a call can be a real one; if not, the call is finished with
 * INVALID_ARGUMENT, which says that `what` is too long. */
bool hf_worker_id_fits(struct hf_grpc_call *, const char *what, const char *id);

/* Answers all Start calls of an instance; `code` 0: with its addresses. */
void hf_worker_answer_starts(struct hf_worker_instance *, int code, const char *why);
/* Answers all its Stop calls. */
void hf_worker_answer_stops(struct hf_worker_instance *);

/* --- events.c ----------------------------------------------------------------------- */

int hf_worker_serve_events(struct hf_worker_role *, struct hf_err *);

/* It is settled what runs from before: whoever listens already gets a snapshot. */
void hf_worker_tell_snapshots(struct hf_worker_role *);
/* It has come to its state: of one that waits only those are told who want to hear of all. */
void hf_worker_tell_state(const struct hf_worker_instance *);
void hf_worker_tell_ended(struct hf_worker_role *, const struct hf_worker_ended *);
/* It is gone; `end` is NULL if that was asked for. */
void hf_worker_tell_gone(const struct hf_worker_instance *, const struct hf_instance_end *end);
/* An image is there now, or no longer. */
void hf_worker_tell_image(struct hf_worker_role *, const struct hf_worker_image *);
void hf_worker_tell_draining(struct hf_worker_role *);
/* Reservations have changed. */
void hf_worker_tell_resources(struct hf_worker_role *);
void hf_worker_on_resources(struct hf_timer *);
void hf_worker_end_events(struct hf_worker_role *);

/* --- images.c ------------------------------------------------------------------------ */

/* Follows the functions of the catalogue. */
void hf_worker_images_init(struct hf_worker_role *, uint64_t seed);
void hf_worker_images_fini(struct hf_worker_role *);

/* The runtime may have this one now, or (what runtimes call) any. */
void hf_worker_look_for_image(struct hf_worker_role *, const char *tag);
void hf_worker_on_images(void *arg);

/* --- logs.c -------------------------------------------------------------------------------- */

int hf_worker_serve_logs(struct hf_worker_role *, struct hf_err *);
/* Ends the calls of those who read logs. */
void hf_worker_end_logs(struct hf_worker_role *);

/* --- owners.c ------------------------------------------------------------------------- */

/* What ties a leaf to the worker. */
enum hf_worker_tie {
    HF_WORKER_WATCHES,
    HF_WORKER_HAS, /* an instance here */
    HF_WORKER_TIES
};

/* There is one more, or one less.  NULL without memory or id; NULL is ignored. */
struct hf_worker_owner *hf_worker_owner_tie(struct hf_worker_role *, const char *id,
                                            enum hf_worker_tie);
void hf_worker_owner_untie(struct hf_worker_owner *, enum hf_worker_tie);

/* --- metrics.c ---------------------------------------------------------------------- */

/* How busy the machine is, and how full the file system with the worker's state. */
void hf_worker_measure(void *arg, struct hf_load_figures *ret);

/* Memory in use, in percent. */
int hf_metrics_memory(double *ret, struct hf_err *);

/* Processor time used by each processor since `*sample`, in percent, into `*ret` (malloc'd);
 * returns how many.  Replaces `*sample`, which is NULL at first (then: since the boot). */
int hf_metrics_processors(struct hf_metrics_sample **sample, double **ret, struct hf_err *);
void hf_metrics_sample_free(struct hf_metrics_sample *);

/* Bytes of the machine's memory. */
uint64_t hf_metrics_memory_total(void);

/* --- worker.c ------------------------------------------------------------------------------ */

/* An instance has gone: a drain may be complete. */
void hf_worker_check_drained(struct hf_worker_role *);

#endif
