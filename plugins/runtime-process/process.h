/*
 * process.h - the runtime "process": what it holds, and its instances.
 */
#ifndef HF_RUNTIME_PROCESS_PROCESS_H
#define HF_RUNTIME_PROCESS_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Without this, uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <hyperfaas/runtime.h>

#include "../kit/image.h"
#include "../kit/waiting.h"
#include "logs.h"
#include "output.h"
#include "users.h"

/* An instance id: 12 hexadecimal digits, as a container's host name has them. */
#define INSTANCE_ID_SIZE 13

/* An operation that can be cancelled; the first member of a start and of a log reader. */
struct hf_runtime_op {
    void (*cancel)(struct hf_runtime_op *);
};

struct log_reader;
struct program; /* of a path; there while instances of it run */

/* How limits are applied; from the options. */
struct limits {
    bool data;          /* memory as RLIMIT_DATA */
    bool address_space; /* memory as RLIMIT_AS */
    bool processors;    /* CPU quota as the number of processors */
    uint64_t headroom;  /* bytes allowed above the function's memory limit */
    int nice;           /* added to the priority value, 0 to 19 */
    uint64_t processes; /* and threads, of all that one user runs; 0: no limit */
    bool core_dumps;
};

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
    struct later later;
    unsigned started; /* ever */
};

enum instance_state {
    INSTANCE_STARTING, /* its start has not been answered yet */
    INSTANCE_RUNNING,
    INSTANCE_STOPPING
};

/* What makes two files of one path different. */
struct program_mark {
    dev_t dev;
    ino_t ino;
    off_t size;
    int64_t changed_ns;
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

/* Fills what is reported of an instance; its texts are the instance's. */
void instance_describe(const struct instance *, struct hf_instance_info *ret);

/* Kills it, with its group, answers whoever waits with HF_ECANCELLED, and frees. */
void instance_destroy(struct instance *);

/* --- log_reader.c --- */

int process_logs(struct hf_runtime *, const char *instance_id, uint32_t tail, bool follow,
                 hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret,
                 struct hf_err *err);

/* Ends a reader with HF_ECANCELLED. */
void log_reader_destroy(struct log_reader *);

/* --- environment.c: variables --- */

/* What is particular to one instance. */
struct identity {
    const char *function_id;        /* FUNCTION_ID */
    const char *instance_id;        /* INSTANCE_ID */
    const char *controller_address; /* CONTROLLER_ADDRESS */
    const char *host;               /* LISTEN_ADDRESS: to listen on */
    const char *home;               /* HOME; NULL: the node's */
    uint16_t port;                  /* PORT */
};

/* Tests the option `env`: NAME=VALUE or, to pass the node's own, NAME; and not
 * one that the platform sets. */
int environment_check(const struct hf_host *, const struct hf_options *, struct hf_err *err);

/* The whole environment, NULL-terminated, in one allocation; free() it.  NULL if
 * memory is exhausted. */
char **environment_new(const struct hf_host *, const struct hf_options *, const struct identity *);

/* --- environment.c: limits --- */

void limits_init(struct limits *, const struct hf_host *, const struct hf_options *);

/* Room for as many processors as cpu_set_t holds, one bit each. */
#define LIMITS_PROCESSOR_WORDS 16

/* Adds the limits of a function to what is to be started.  `turn` spreads instances over the
 * processors; `processors` is room that lasts until the start. */
void limits_apply(const struct limits *, const struct hf_function *, unsigned turn,
                  uint64_t processors[LIMITS_PROCESSOR_WORDS], struct hf_host_spawn *spawn);

/* --- environment.c: a port of its own for each instance, without a race ---
 *
 * The kernel chooses a free port for a socket that we keep bound, but not
 * listening, as long as the instance lives.  Meanwhile nobody else is given the
 * port, neither by chance nor as the source of an outgoing connection, and
 * connecting to it is refused until the instance listens.  The instance itself
 * may bind it because both sockets have SO_REUSEADDR, as servers set it for
 * the sake of restarts (gRPC's, Go's, libevent's and Python's do).
 */

/* Whether `address` is an IP address without port; `*ret_any` tells whether it
 * stands for all addresses. */
bool port_check_address(const char *address, bool *ret_any);

/* Reserves a port for instances that listen on `address` or on all; a
 * descriptor to be closed when the instance has gone, or -1 with errno. */
int port_reserve(const char *address, uint16_t *ret_port);

/* --- image.c --- */

/* Reads the option `path`; in a build tree its own samples come last. */
int image_read_folders(struct hf_runtime *, struct hf_err *err);

/*
 * Finds the executable of a tag in `folders` (NULL-terminated), the first that
 * has it, itself or in a folder of the same name.  Writes its path.
 * HF_ENOTFOUND says where it looked and what is there.
 */
int image_find(const struct hf_host *, const char *const *folders, const char *tag,
               char path[PATH_MAX], struct hf_err *err);

/* Says in words what is missing to run the file: "its interpreter /usr/bin/x, which its first line
 * names, is not there"; "" if its interpreter is there, or it has none. */
void image_explain_interpreter(const char *path, char *ret, size_t size);

/* --- program.c: the files that instances run, to notice when one is replaced ---
 *
 * A new instance runs what the path names at its start; those that run already go on with
 * what they were started from.
 */

/* An instance of the path starts: marks what it runs, and says so if older ones run another file.
 * NULL: no memory. */
struct program *program_take(struct hf_runtime *, const char *path, struct program_mark *ret);
void program_release(struct hf_runtime *, struct program *); /* NULL is allowed */

/* Whether the path names another file than the marked one by now. */
bool program_is_replaced(const struct program *, const struct program_mark *);

#endif
