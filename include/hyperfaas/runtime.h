/*
 * runtime.h - container runtimes: what runs instances.
 *
 * A runtime starts, stops and watches instances on one worker.  All operations
 * run on the driver's loop and none blocks: each takes a completion that runs
 * exactly once, on that loop, never before the operation returned, also when
 * it is cancelled.  Whether a started instance is ready to serve is found out
 * by the worker, not by the runtime.
 */
#ifndef HYPERFAAS_RUNTIME_H
#define HYPERFAAS_RUNTIME_H

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The runtime's own instance, and an operation under way. */
struct hf_runtime;
struct hf_runtime_op;

/* An instance to start.  Borrowed until the completion has run. */
struct hf_instance_spec {
    uint32_t size;
    const struct hf_function *function;
    const char *node_id;            /* of this worker, for labels */
    const char *owner_id;           /* of the leaf that asked; "" if unknown */
    const char *controller_address; /* what the instance gets as CONTROLLER_ADDRESS, HOST:PORT */

    /* --- since 0.2 --- */
    uint64_t revision; /* of what the instance is made from; kept with it, for `list` */
};

/* A running instance.  Borrowed for the call that hands it over. */
struct hf_instance_info {
    uint32_t size;
    const char *id;               /* what the instance sends with its ready signal */
    const char *name;             /* for people */
    const char *internal_address; /* IP:PORT inside the instances' network */
    const char *external_address; /* IP:PORT on the host */
    const char *function_id;
    const char *owner_id;
    uint32_t ready; /* 1: the runtime knows that it serves; no probe is needed */

    /* --- since 0.2, reported by `list` --- */
    uint32_t ended;    /* 1: it has ended, and is there until it is stopped */
    uint64_t revision; /* as given to its start; 0: unknown */
};

/* How an instance ended when nobody had asked. */
struct hf_instance_end {
    uint32_t size;
    int32_t exit_code;      /* -1 if a signal ended it, or it is not known */
    int32_t signal;         /* 0 if it exited, or it is not known */
    uint32_t out_of_memory; /* 1: killed for exceeding its memory limit */
    const char *message;    /* for an operator; never NULL */
};

/* How an operation ended: `code` is 0 or a negative HF_E code, `message` says
 * why (never NULL).  `info` is set only when a start succeeded. */
typedef void hf_runtime_done_fn(void *arg, int code, const char *message,
                                const struct hf_instance_info *info);

/* One instance in a listing; after the last, `info` is NULL. */
typedef void hf_runtime_list_fn(void *arg, int code, const char *message,
                                const struct hf_instance_info *info);

/* A piece of an instance's log; at the end `data` is NULL and `code` says how it ended. */
typedef void hf_runtime_log_fn(void *arg, int code, const void *data, size_t len);

/* What happens without having been asked for. */
struct hf_runtime_events {
    uint32_t size;
    /* A started instance ended; not called for one being stopped. */
    void (*on_end)(void *arg, const char *instance_id, const struct hf_instance_end *);

    /* --- since 0.2 --- */
    /* What runs the instances cannot be used, or can again.  At first it can.  `why` is for an
     * operator, never NULL. */
    void (*on_health)(void *arg, bool usable, const char *why);

    /* --- since 0.5 --- */
    /* What `image_present` answers may be another now. */
    void (*on_images)(void *arg);
};

/* Of a capacity: there is no limit, as instances use nothing of the machine's. */
#define HF_UNLIMITED UINT64_MAX

/* What the runtime holds and may hold. */
struct hf_runtime_stats {
    uint32_t size;
    uint32_t instances;
    uint64_t memory_bytes; /* capacity for instances; 0: the machine's, HF_UNLIMITED: no limit */
    uint64_t cpu_millis;   /* capacity in thousandths of a core; the same */
};

struct hf_runtime_ops {
    uint32_t size;

    /* Makes an instance on the given loop, or nothing and `err` says why.
     * `events` and `arg` stay valid until `destroy`.  Required. */
    int (*create)(const struct hf_driver_host *, const struct hf_options *,
                  const struct hf_runtime_events *events, void *arg, struct hf_runtime **ret,
                  struct hf_err *err);
    /* Ends all that is under way (completions run with HF_ECANCELLED), leaves
     * nothing behind that could not be adopted by the next run, frees.
     * NULL is allowed.  Required. */
    void (*destroy)(struct hf_runtime *);

    /* Starts one instance.  Completes when it exists and its addresses are
     * known.  On 0 `*ret` can be cancelled until `done` runs; a cancelled or
     * failed start leaves nothing behind.  Required. */
    int (*start)(struct hf_runtime *, const struct hf_instance_spec *, uint64_t timeout_ns,
                 hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret,
                 struct hf_err *err);

    /* Stops one: asks it to end, kills it after `grace_ns`, removes it.  One
     * that is not there completes with HF_ENOTFOUND.  Required. */
    int (*stop)(struct hf_runtime *, const char *instance_id, uint64_t grace_ns,
                hf_runtime_done_fn *done, void *arg, struct hf_err *err);

    /* `done` of a start follows soon, with HF_ECANCELLED.  Required. */
    void (*cancel)(struct hf_runtime *, struct hf_runtime_op *);

    /* Lists what runs, from before this process too; what ended while nobody looked as well.
     * From then on all that is listed is the runtime's.  Required. */
    int (*list)(struct hf_runtime *, hf_runtime_list_fn *each, void *arg, struct hf_err *err);

    /* Reads an instance's log: its last `tail` lines (0: all), then what comes
     * if `follow`.  NULL: has no logs. */
    int (*logs)(struct hf_runtime *, const char *instance_id, uint32_t tail, bool follow,
                hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret, struct hf_err *err);

    /* Whether starting `image` needs no download; `on_images` says when that may change without
     * a start.  NULL: always. */
    bool (*image_present)(const struct hf_runtime *, const char *image);

    /* Fills `*stats` (the caller sets its `size`).  NULL: nothing is known. */
    void (*stats)(const struct hf_runtime *, struct hf_runtime_stats *stats);

    /* Appends what the runtime holds.  NULL: nothing to show. */
    void (*show)(const struct hf_runtime *, struct hf_text *);
};

#define HF_RUNTIME_PLUGIN(name, summary, ops, options)                                             \
    HF_PLUGIN(HF_PLUGIN_RUNTIME, name, summary, (1 ? &(ops) : (const struct hf_runtime_ops *)0),   \
              options)

#ifdef __cplusplus
}
#endif

#endif
