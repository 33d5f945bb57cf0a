/*
 * driver_host.c - what drivers are given: time, descriptors, processes.
 *
 * The gRPC server for instances inside a driver is in driver_service.c; the HTTP client is
 * core/http itself.
 */
#include "node/driver_host.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/guest.h"
#include "base/macros.h"
#include "base/random.h"
#include "http/http.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/watch.h"

#define DRIVER_MAGIC HF_MAGIC('d', 'r', 'v', 'h')

struct driver {
    struct hf_driver_host table; /* first: what the driver holds */
    uint32_t magic;
    struct hf_loop *loop;
    struct hf_spawner *spawner;
    struct hf_random random;
};

struct hf_host_timer {
    const struct driver *driver;
    struct hf_timer timer;
    void (*fn)(void *arg);
    void *arg;
};

struct hf_host_watch {
    const struct driver *driver;
    struct hf_watch watch;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

struct hf_host_child {
    const struct driver *driver;
    struct hf_child *child;
    void (*on_exit)(void *arg, const struct hf_host_exit *);
    void *arg;
};

static struct driver *
driver_of(const struct hf_driver_host *host)
{
    struct driver *driver = (struct driver *)(uintptr_t)host; /* made by us, not constant */

    hf_assert(driver->magic == DRIVER_MAGIC);
    return driver;
}

/* --- time and chance ---------------------------------------------------------- */

static uint64_t
host_now(const struct hf_driver_host *host)
{
    return hf_loop_policy_now(driver_of(host)->loop);
}

static uint64_t
host_random(const struct hf_driver_host *host)
{
    return hf_random_u64(&driver_of(host)->random);
}

static void
on_timer(struct hf_timer *base)
{
    struct hf_host_timer *timer = hf_container_of(base, struct hf_host_timer, timer);
    struct hf_guest outer = hf_guest_enter(timer->driver->table.host, "timer", NULL);

    timer->fn(timer->arg);
    hf_guest_leave(&outer);
}

static struct hf_host_timer *
timer_new(const struct hf_driver_host *host, uint32_t clock, void (*fn)(void *arg), void *arg)
{
    struct hf_host_timer *timer = calloc(1, sizeof *timer);

    if (timer) {
        timer->driver = driver_of(host);
        timer->fn = fn;
        timer->arg = arg;
        hf_timer_init(&timer->timer, driver_of(host)->loop,
                      clock == HF_CLOCK_POLICY ? HF_TIMER_POLICY : HF_TIMER_REAL, on_timer);
    }
    return timer;
}

static void
timer_set(struct hf_host_timer *timer, int64_t delay_ns)
{
    if (delay_ns < 0) {
        hf_timer_cancel(&timer->timer);
    } else {
        hf_timer_set(&timer->timer, (uint64_t)delay_ns);
    }
}

static void
timer_free(struct hf_host_timer *timer)
{
    if (timer) {
        hf_timer_fini(&timer->timer);
        free(timer);
    }
}

/* --- descriptors and posting --------------------------------------------------- */

_Static_assert(HF_READABLE == HF_WATCH_READ && HF_WRITABLE == HF_WATCH_WRITE,
               "the loop's events are those of the interface");

static void
on_ready(struct hf_watch *base, uint32_t events)
{
    struct hf_host_watch *watch = hf_container_of(base, struct hf_host_watch, watch);
    struct hf_guest outer = hf_guest_enter(watch->driver->table.host, "watch", NULL);

    watch->fn(watch->arg, events);
    hf_guest_leave(&outer);
}

static void
watch_free(struct hf_host_watch *watch)
{
    if (watch) {
        hf_watch_fini(&watch->watch);
        free(watch);
    }
}

static struct hf_host_watch *
watch_new(const struct hf_driver_host *host, int fd, uint32_t events,
          void (*fn)(void *arg, uint32_t events), void *arg)
{
    struct hf_host_watch *watch = calloc(1, sizeof *watch);

    if (!watch) {
        return NULL;
    }
    watch->driver = driver_of(host);
    watch->fn = fn;
    watch->arg = arg;
    hf_watch_init(&watch->watch, driver_of(host)->loop, fd, on_ready);
    if (hf_watch_set(&watch->watch, events) < 0) {
        watch_free(watch);
        return NULL;
    }
    return watch;
}

static int
host_post(const struct hf_driver_host *host, void (*fn)(void *arg), void *arg)
{
    return hf_loop_call(driver_of(host)->loop, fn, arg);
}

/* --- processes ----------------------------------------------------------------- */

static void
on_exit_of(void *arg, int code, int signal)
{
    struct hf_host_child *child = arg;
    const struct hf_host_exit how = {
        .size = sizeof how,
        .code = code,
        .signal = signal,
    };
    struct hf_guest outer = hf_guest_enter(child->driver->table.host, "on_exit", NULL);

    child->on_exit(child->arg, &how);
    hf_guest_leave(&outer);
}

/* A module of an earlier minor version gives less: the rest is zero. */
static struct hf_child_spec
child_spec_of(const struct hf_host_spawn *given)
{
    struct hf_host_spawn spawn = { 0 };

    memcpy(&spawn, given, hf_min((size_t)given->size, sizeof spawn));
    return (struct hf_child_spec){
        .path = spawn.path,
        .argv = spawn.argv,
        .envp = spawn.envp,
        .directory = spawn.directory,
        .output = spawn.output,
        .memory_bytes = spawn.memory_bytes,
        .data_bytes = spawn.data_bytes,
        .open_files = spawn.open_files,
        .processors = spawn.processors,
        .processor_words = spawn.processor_words,
        .nice = spawn.nice,
        .processes = spawn.processes,
        .core_dumps = spawn.core_dumps != 0,
        .change_user = spawn.change_user != 0,
        .uid = (uid_t)spawn.uid,
        .gid = (gid_t)spawn.gid,
    };
}

static int
host_spawn(const struct hf_driver_host *host, const struct hf_host_spawn *spawn,
           void (*on_exit)(void *arg, const struct hf_host_exit *), void *arg,
           struct hf_host_child **ret, struct hf_err *err)
{
    const struct driver *driver = driver_of(host);
    const struct hf_child_spec spec = child_spec_of(spawn);
    struct hf_host_child *child = calloc(1, sizeof *child);
    int r;

    hf_assert(driver->spawner);
    if (!child) {
        return hf_fail(err, HF_ENOMEM, "no memory to start '%s'", spawn->path);
    }
    child->driver = driver;
    child->on_exit = on_exit;
    child->arg = arg;
    r = hf_child_spawn(driver->spawner, driver->loop, &spec, on_exit_of, child, &child->child, err);
    if (r < 0) {
        free(child);
        return r;
    }
    *ret = child;
    return 0;
}

static pid_t
child_pid(const struct hf_host_child *child)
{
    return hf_child_pid(child->child);
}

static int
child_signal(struct hf_host_child *child, int signal)
{
    return hf_child_signal(child->child, signal);
}

static void
child_free(struct hf_host_child *child)
{
    if (child) {
        hf_child_free(child->child);
        free(child);
    }
}

/* --- the table ------------------------------------------------------------------ */

static int
host_listen(const struct hf_driver_host *host, const char *address,
            const struct hf_host_service *service, void *arg,
            const struct hf_host_service_options *options, struct hf_host_listener **ret,
            struct hf_err *err)
{
    return hf_driver_service_listen(driver_of(host)->loop, address, service, arg, options, ret,
                                    err);
}

static int
host_http_new(const struct hf_driver_host *host, const struct hf_host_http_options *options,
              struct hf_host_http **ret, struct hf_err *err)
{
    return hf_http_new(driver_of(host)->loop, options, ret, err);
}

static const struct hf_driver_host table = {
    .size = sizeof table,
    .now = host_now,
    .random = host_random,
    .timer_new = timer_new,
    .timer_set = timer_set,
    .timer_free = timer_free,
    .watch_new = watch_new,
    .watch_free = watch_free,
    .post = host_post,
    .spawn = host_spawn,
    .child_pid = child_pid,
    .child_signal = child_signal,
    .child_free = child_free,
    .listen = host_listen,
    .listener_port = hf_driver_service_port,
    .listener_drop = hf_driver_service_drop,
    .listener_free = hf_driver_service_free,
    .call_send = hf_driver_call_send,
    .call_finish = hf_driver_call_finish,
    .http_new = host_http_new,
    .http_free = hf_http_free,
    .http_send = hf_http_send,
    .http_cancel = hf_http_cancel,
    .http_header = hf_http_header,
};

int
hf_driver_host_new(struct hf_loop *loop, struct hf_spawner *spawner, const struct hf_host *host,
                   uint64_t seed, struct hf_driver_host **ret, struct hf_err *err)
{
    struct driver *driver = calloc(1, sizeof *driver);

    if (!driver) {
        return hf_fail(err, HF_ENOMEM, "no memory for a driver's host");
    }
    driver->magic = DRIVER_MAGIC;
    driver->table = table;
    driver->table.host = host;
    driver->loop = loop;
    driver->spawner = spawner;
    hf_random_init(&driver->random, seed);
    *ret = &driver->table;
    return 0;
}

void
hf_driver_host_free(struct hf_driver_host *host)
{
    if (host) {
        struct driver *driver = driver_of(host);

        driver->magic = 0;
        free(driver);
    }
}
