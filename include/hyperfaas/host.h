/*
 * host.h - what the host offers to a plugin.
 *
 * Every plugin is given a `struct hf_host` when it is created: logging, error
 * messages, counters, a stable hash and its options.  Drivers (store, runtime)
 * are given a `struct hf_driver_host` as well: time, timers, descriptors, child
 * processes, a small gRPC server and an HTTP client, all on the loop they were
 * created on.
 *
 * The tables live as long as the plugin instance they were given to.  Members
 * are never NULL up to the minor version the module was built for.
 */
#ifndef HYPERFAAS_HOST_H
#define HYPERFAAS_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <hyperfaas/error.h>
#include <hyperfaas/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_HOST_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Severity of a log line, for someone who is woken by it or not. */
enum hf_host_level {
    HF_HOST_ERROR = 1,   /* something is broken; a person must act */
    HF_HOST_WARNING = 2, /* something failed and was worked around */
    HF_HOST_NOTICE = 3,  /* rare and worth knowing: started, ended, changed */
    HF_HOST_INFO = 4,    /* what happens, one line per event */
    HF_HOST_DEBUG = 5    /* for the developer of the part */
};

/* Text being put together for `show` commands; grows as needed, never fails visibly. */
struct hf_text;
struct hf_counter;

struct hf_host {
    uint32_t size; /* of this table, as the host knows it */

    /* Writes a line under the plugin's name.  Any thread.  Not in an lb's `pick`, `started` or
     * `finished`, nor for every decision of another policy. */
    void (*log)(const struct hf_host *, uint32_t level, const char *fmt, ...) HF_HOST_PRINTF(3, 4);

    /* Fills `err` (which may be NULL) and returns `code`, a negative HF_E code. */
    int (*fail)(struct hf_err *err, int code, const char *fmt, ...) HF_HOST_PRINTF(3, 4);

    /* A 64-bit hash of bytes that never changes between versions, hosts and
     * machines: FNV-1a (64 bit) finished with MurmurHash3's fmix64. */
    uint64_t (*hash)(const void *data, size_t len);

    /* A counter named `<kind>_<plugin>_<name>`, created once and kept for the
     * life of the process: a module that is used twice counts both in one.  For `create`; `help` is
     * static.  NULL if there are too many. */
    struct hf_counter *(*counter)(const struct hf_host *, const char *name, const char *help);

    /* Adds `n`.  Any thread, a few nanoseconds; a NULL counter is ignored. */
    void (*count)(struct hf_counter *, uint64_t n);

    /* Values of the plugin's options, by the key of its own table, as they were when `create` ran:
     * they never change for what it made, so it reads them there and keeps them.  Durations
     * come in nanoseconds, sizes in bytes, booleans as 0 or 1.  An option that
     * is unset and has no fallback is 0 or NULL.  Asking for a key that is not
     * in the table, or by the wrong type, is a bug of the plugin: it aborts. */
    uint64_t (*option_u64)(const struct hf_options *, const char *key);
    double (*option_double)(const struct hf_options *, const char *key);
    const char *(*option_string)(const struct hf_options *, const char *key);
    const char *(*option_item)(const struct hf_options *, const char *key,
                               size_t i); /* NULL: end */

    /* Appends to a `show` text. */
    void (*print)(struct hf_text *, const char *fmt, ...) HF_HOST_PRINTF(2, 3);

    /* --- since 0.3 --- */

    /* Whether a text is one JSON value to the letter, as the host reads it: UTF-8, no member of an
     * object twice, nested 16 deep at most.  0, or HF_EINVALID with what is wrong, and where, in
     * `reason`, cut to `size`.  Any thread. */
    int (*json_check)(const char *text, size_t len, char *reason, size_t size);
};

/* --- drivers ------------------------------------------------------------- */

struct hf_host_timer;
struct hf_host_watch;
struct hf_host_child;
struct hf_host_listener;
struct hf_host_call;
struct hf_host_http;
struct hf_host_exchange;

/* Which clock a timer follows. */
enum hf_host_clock {
    HF_CLOCK_POLICY = 1, /* keep-alive, start delays: stops and warps with tests */
    HF_CLOCK_REAL = 2    /* I/O limits */
};

#define HF_WATCH_READ  UINT32_C(0x1)
#define HF_WATCH_WRITE UINT32_C(0x2)

/* A child process to start. */
struct hf_host_spawn {
    uint32_t size;
    const char *path;        /* executable */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated, the whole environment */
    const char *directory;   /* to start in; NULL: the node's */
    int output; /* descriptor for its stdout and stderr; -1: /dev/null; stays the caller's */
    uint64_t memory_bytes; /* RLIMIT_AS; 0: none */
    uint64_t open_files;   /* RLIMIT_NOFILE; 0: unchanged */

    /* --- since 0.2 --- */
    uint64_t data_bytes;        /* RLIMIT_DATA; 0: unchanged */
    const uint64_t *processors; /* bit by bit, those it may run on; NULL: unchanged */
    uint32_t processor_words;   /* of `processors` */
    int32_t nice;               /* added to the node's own */
    uint64_t processes;         /* RLIMIT_NPROC: of all that the user runs; 0: unchanged */
    uint32_t core_dumps;        /* 1: as the node's own limit allows; 0: none */
    uint32_t change_user;       /* 1: runs as `uid` and `gid`, without further groups */
    uint32_t uid;
    uint32_t gid;
};

/* How a child ended. */
struct hf_host_exit {
    uint32_t size;
    int32_t code;   /* exit code; -1 if a signal ended it */
    int32_t signal; /* signal number; 0 if it exited */
};

/*
 * A gRPC service for instances that live inside the driver.  All functions run
 * on the driver's loop.  `local` is the address a caller dialled, "IP:PORT".
 */
struct hf_host_service {
    uint32_t size;

    /* Whether an instance listens at `local`; false closes the connection. */
    bool (*admit)(void *arg, const char *local);

    /* A call of `path` ("/package.Service/Method") began.  Returns the state
     * for the call, or NULL after having answered with `call_finish`. */
    void *(*begin)(void *arg, struct hf_host_call *, const char *local, const char *path);

    /* A whole message, uncompressed; `data` is borrowed. */
    void (*message)(void *state, const uint8_t *data, size_t len);

    /* The caller has sent its last message. */
    void (*half_close)(void *state);

    /* The call is over, by whatever end: free the state.  Always the last, and
     * never from inside `call_send` or `call_finish`. */
    void (*end)(void *state);
};

struct hf_host_service_options {
    uint32_t size;
    uint32_t max_streams;       /* calls at once per connection */
    uint64_t max_message_bytes; /* above: RESOURCE_EXHAUSTED */
};

/* Where an HTTP client connects to, and how.  Texts are copied; NULL: not used. */
struct hf_host_http_options {
    uint32_t size;
    uint32_t max_connections;    /* open at once, all together; further requests wait for
                                  * one.  0: 64 */
    const char *unix_socket;     /* path that is dialled whatever host a URL names */
    const char *ca_file;         /* PEM; NULL: what the system trusts */
    const char *cert_file;       /* PEM, with key_file: what we show a server */
    const char *key_file;        /* PEM */
    uint64_t connect_timeout_ns; /* dialling and TLS; 0: 10 s */
};

/* An HTTP/1.1 request.  Borrowed for the call; everything is copied. */
struct hf_host_http_request {
    uint32_t size;
    const char *method;         /* "GET" */
    const char *url;            /* "http://HOST[:PORT]/PATH" or https; already encoded */
    const char *const *headers; /* "Name: value" each, NULL-terminated; NULL: none */
    const void *body;           /* sent with its length; NULL with body_len 0: none */
    size_t body_len;
    uint64_t timeout_ns;     /* from now to the end of the answer; 0: none (streams) */
    uint64_t max_body_bytes; /* of an answer that is collected; above: HF_EFULL.  0: 16 MiB */
};

/* How an exchange ended.  Borrowed for the call. */
struct hf_host_http_answer {
    uint32_t size;
    int32_t code;        /* 0: a whole answer came, whatever its status; else a negative HF_E code:
                          * HF_EUNAVAILABLE not connected or lost, HF_ETIMEOUT, HF_EFULL, HF_EDENIED
                          * (TLS), HF_ECANCELLED */
    const char *message; /* why, for an operator; never NULL */
    uint32_t status;     /* HTTP status; 0: none came */
    uint32_t sent;       /* 0: the server cannot have seen the request, so it may be repeated */
    const char *body;    /* what was collected, with a NUL behind it; never NULL */
    size_t body_len;     /* without the NUL */
};

/* Who hears of an exchange. */
struct hf_host_http_events {
    uint32_t size;

    /* The headers of the final answer are there; `http_header` reads them.  NULL: no matter. */
    void (*on_headers)(void *arg, struct hf_host_exchange *, uint32_t status);

    /* A piece of the body, as it arrives; pieces mean nothing.  NULL: the body is collected. */
    void (*on_data)(void *arg, const void *data, size_t len);

    /* Exactly once, the last, never before `http_send` returned.  Required. */
    void (*on_done)(void *arg, struct hf_host_exchange *, const struct hf_host_http_answer *);
};

/*
 * Services for drivers.  All on the loop's thread, except where it says "any
 * thread".  Timers, watches, children and listeners may be freed from any
 * callback, their own included; none of their callbacks runs after that.
 * Freeing NULL does nothing.
 */
struct hf_driver_host {
    uint32_t size;
    const struct hf_host *host;

    /* Nanoseconds of the policy clock.  Any thread. */
    uint64_t (*now)(const struct hf_driver_host *);

    /* The next number of this driver instance's own seeded sequence. */
    uint64_t (*random)(const struct hf_driver_host *);

    /* One-shot timers.  `timer_set` (re)arms it `delay_ns` from now; a negative
     * delay disarms.  0 means as soon as the loop turns, never before
     * `timer_set` returned, also while the policy clock is stopped.  NULL only
     * when memory is exhausted. */
    struct hf_host_timer *(*timer_new)(const struct hf_driver_host *, uint32_t clock,
                                       void (*fn)(void *arg), void *arg);
    void (*timer_set)(struct hf_host_timer *, int64_t delay_ns);
    void (*timer_free)(struct hf_host_timer *);

    /* Calls `fn` while `fd` is readable or writable (HF_WATCH_...).  The
     * descriptor stays the caller's. */
    struct hf_host_watch *(*watch_new)(const struct hf_driver_host *, int fd, uint32_t events,
                                       void (*fn)(void *arg, uint32_t events), void *arg);
    void (*watch_free)(struct hf_host_watch *);

    /* Runs `fn` once on the driver's loop, soon.  Any thread. */
    int (*post)(const struct hf_driver_host *, void (*fn)(void *arg), void *arg);

    /* Starts a process in its own session and group, without capabilities or a way to gain any,
     * that dies with the node whatever happens.  A file that cannot be executed fails here, with
     * the system's reason in `err` (HF_ENOTFOUND if it or its interpreter is not there, HF_EDENIED
     * if it may not be run).  `on_exit` runs exactly once unless `child_free` came before.  A child
     * that is freed is killed with what is left of its group, also after its own exit. */
    int (*spawn)(const struct hf_driver_host *, const struct hf_host_spawn *,
                 void (*on_exit)(void *arg, const struct hf_host_exit *), void *arg,
                 struct hf_host_child **ret, struct hf_err *);
    pid_t (*child_pid)(const struct hf_host_child *);
    int (*child_signal)(struct hf_host_child *, int signal); /* to the whole group */
    void (*child_free)(struct hf_host_child *);

    /* Serves gRPC over cleartext HTTP/2 at `address` ("IP:PORT", port 0: any
     * free one, see `listener_port`).  `service` must outlive the listener. */
    int (*listen)(const struct hf_driver_host *, const char *address,
                  const struct hf_host_service *service, void *arg,
                  const struct hf_host_service_options *, struct hf_host_listener **ret,
                  struct hf_err *);
    uint16_t (*listener_port)(const struct hf_host_listener *);
    /* Closes the connections made to `local` at once, as a crash would; the
     * calls on them `end`, here or soon after. */
    void (*listener_drop)(struct hf_host_listener *, const char *local);
    /* Closes all connections; their calls `end` before it returns. */
    void (*listener_free)(struct hf_host_listener *);

    /* Sends one message; it is copied.  Ends the call if the peer has gone. */
    int (*call_send)(struct hf_host_call *, const void *data, size_t len);
    /* Ends the call with a gRPC status; `message` may be NULL.  `end` follows. */
    void (*call_finish)(struct hf_host_call *, uint32_t grpc_status, const char *message);

    /* --- since 0.2: an HTTP/1.1 client --- */

    /* Makes a client: a set of connections that are kept open while idle.  HF_EUNSUPPORTED
     * if there is no libcurl; HF_EINVALID for files that cannot be used. */
    int (*http_new)(const struct hf_driver_host *, const struct hf_host_http_options *,
                    struct hf_host_http **ret, struct hf_err *);
    /* Cancels what is under way and closes.  NULL is allowed. */
    void (*http_free)(struct hf_host_http *);

    /* Begins an exchange.  On 0 `on_done` follows; `*ret` is valid until it ran, `events` must
     * be.  `ret` may be NULL.  Any number may be under way. */
    int (*http_send)(struct hf_host_http *, const struct hf_host_http_request *,
                     const struct hf_host_http_events *events, void *arg,
                     struct hf_host_exchange **ret, struct hf_err *);

    /* Ends an exchange at once and closes its connection: none of its callbacks runs any more,
     * `on_done` neither.  From its own callbacks too, except `on_done`. */
    void (*http_cancel)(struct hf_host_exchange *);

    /* A header of the answer by its name, in any case, or NULL.  Valid until the next callback
     * of the exchange.  From `on_headers` and `on_done`. */
    const char *(*http_header)(const struct hf_host_exchange *, const char *name);

    /* --- since 0.2: who the node is, to mark what must be found again --- */

    const char *node_id; /* the same after a restart */
    const char *boot_id; /* new for each process */

    /* --- since 0.3: the folder of what outlives the node, for what is configured nowhere else;
     * NULL: there is none, since neither state_dir nor HOME is set --- */

    const char *state_dir;
};

#ifdef __cplusplus
}
#endif

#endif
