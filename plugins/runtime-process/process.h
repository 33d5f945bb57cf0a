/*
 * process.h - the runtime "process": what it holds, and its instances.
 */
#ifndef HF_RUNTIME_PROCESS_PROCESS_H
#define HF_RUNTIME_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Without this, uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <hyperfaas/runtime.h>

#include "limits.h"
#include "logs.h"
#include "output.h"
#include "program.h"
#include "users.h"

/* An instance id: 12 hexadecimal digits, as a container's host name has them. */
#define INSTANCE_ID_SIZE 13

/* An operation that can be cancelled; the first member of a start and of a log reader. */
struct hf_runtime_op {
    void (*cancel)(struct hf_runtime_op *);
};

struct log_reader;
struct deferred;

struct hf_runtime {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    const struct hf_options *options;
    const struct hf_runtime_events *events;
    void *events_arg;

    char **folders; /* of executables, absolute; NULL-terminated */
    const char *listen;
    const char *advertise;
    struct limits limits;
    struct users *users; /* NULL: instances run as the worker does */
    struct logs *logs;

    struct instance *instances; /* by id (uthash) */
    struct program *programs;   /* by path (uthash) */
    struct log_reader *readers;
    struct deferred *deferred;
    unsigned started; /* ever */
};

enum instance_state {
    INSTANCE_STARTING, /* its start has not been answered yet */
    INSTANCE_RUNNING,
    INSTANCE_STOPPING
};

struct instance {
    struct hf_runtime_op op; /* of the start, while that lasts */
    struct hf_runtime *runtime;
    UT_hash_handle hh;
    enum instance_state state;
    char id[INSTANCE_ID_SIZE];
    char *name;
    char *address;
    char *function_id;
    char *owner_id;

    int port; /* the socket that reserves it */
    struct output *output;
    struct user *user; /* NULL: the worker's */
    struct program *program;
    struct program_mark mark; /* of what it runs */
    struct hf_host_child *child;
    /* Starting: answers the start.  Stopping: ends the grace. */
    struct hf_host_timer *timer;

    hf_runtime_done_fn *done; /* of the start; NULL once it has run */
    void *arg;
    bool cancelled;
    struct stop *stops; /* who waits for its end */
};

/* --- instance.c --- */

int process_start(struct hf_runtime *, const struct hf_instance_spec *, uint64_t timeout_ns,
                  hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret,
                  struct hf_err *err);
int process_stop(struct hf_runtime *, const char *instance_id, uint64_t grace_ns,
                 hf_runtime_done_fn *done, void *arg, struct hf_err *err);

struct instance *instance_find(const struct hf_runtime *, const char *id);

/* Fills what is told about an instance; its texts are the instance's. */
void instance_describe(const struct instance *, struct hf_instance_info *ret);

/* Kills it, with its group, answers whoever waits with HF_ECANCELLED, and frees. */
void instance_destroy(struct instance *);

/* --- log_reader.c --- */

int process_logs(struct hf_runtime *, const char *instance_id, uint32_t tail, bool follow,
                 hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret,
                 struct hf_err *err);

/* Ends a reader with HF_ECANCELLED. */
void log_reader_destroy(struct log_reader *);

#endif
