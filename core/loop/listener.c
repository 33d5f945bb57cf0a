/*
 * listener.c - one acceptor for one address.
 */
#include "loop/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/macros.h"
#include "loop/timer.h"
#include "loop/watch.h"

#define BACKLOG 4096

/* Connections taken per turn, so that those that exist get theirs. */
#define ACCEPTS_PER_TURN 32

/* The reserve: an eighth, within bounds, and never more than half. */
#define RESERVE_PART 8u
#define RESERVE_MIN  64u
#define RESERVE_MAX  1024u

/* How long to leave callers waiting when descriptors have run out, and when some are being made
 * free. */
#define PAUSE_NS      (100 * HF_MSEC)
#define PAUSE_SHED_NS (10 * HF_MSEC)

HF_LOG_MODULE(listener);

HF_COUNTER(listener_accepted, "Connections accepted.");
HF_COUNTER(listener_paused, "Times that accepting paused for lack of descriptors or memory.");

struct hf_listener {
    struct hf_watch watch;
    struct hf_timer resume;
    hf_accept_fn *fn;
    void *arg;
    enum hf_descriptor_use use;
    uint64_t end; /* descriptors from this number on are not for it */
    int held;     /* a connection that waits until there is room for it; -1: none */
    void (*shed)(void *arg);
    bool accepting; /* the receiver may free us: the memory goes afterwards */
    bool closed;
    struct hf_address address;
    char text[HF_ADDRESS_TEXT_MAX];
};

/* --- descriptors --------------------------------------------------------------------------- */

static uint64_t
limit(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) < 0 ? 1024 : (uint64_t)files.rlim_cur;
}

static uint64_t
reserve_of(uint64_t all)
{
    uint64_t reserve =
        hf_max(hf_min(all / RESERVE_PART, (uint64_t)RESERVE_MAX), (uint64_t)RESERVE_MIN);

    return hf_min(reserve, all / 2);
}

uint64_t
hf_descriptors_end(enum hf_descriptor_use use)
{
    uint64_t all = limit();

    switch (use) {
    case HF_DESCRIPTORS_CALLERS:
        return all - reserve_of(all);
    case HF_DESCRIPTORS_PEERS:
        return all - reserve_of(all) / 2;
    case HF_DESCRIPTORS_ALL:
        break;
    }
    return all;
}

/* --- accepting ----------------------------------------------------------------------------- */

static void
pause_accepting(struct hf_listener *listener, uint64_t pause_ns)
{
    hf_count(&listener_paused);
    hf_watch_set(&listener->watch, 0);
    hf_timer_set(&listener->resume, pause_ns);
}

/* Asks for room, and says so to whoever can give more. */
static void
run_short(struct hf_listener *listener, uint64_t pause_ns)
{
    hf_log_limited(HF_LOG_WARNING, "file descriptors run short",
                   HF_KV_STR("address", listener->text), HF_KV_U64("may_use", listener->end),
                   HF_KV_U64("limit", hf_descriptors_end(HF_DESCRIPTORS_ALL)),
                   HF_KV_STR("hint", "raise the limit of open files (LimitNOFILE= of the unit, "
                                     "ulimit -Hn), or close idle callers sooner "
                                     "(connection_idle)"));
    if (listener->shed) {
        listener->shed(listener->arg);
    }
    pause_accepting(listener, listener->shed ? pause_ns : PAUSE_NS);
}

static void
deliver(struct hf_listener *listener, int fd)
{
    hf_count(&listener_accepted);
    listener->fn(listener->arg, fd);
}

/* Delivers the connection that waits for room, if there is some now: then the kernel has a lower
 * number for it. */
static bool
deliver_held(struct hf_listener *listener)
{
    int fd = fcntl(listener->held, F_DUPFD_CLOEXEC, 0);

    if (fd < 0 || (uint64_t)fd >= listener->end) {
        if (fd >= 0) {
            close(fd);
        }
        run_short(listener, PAUSE_SHED_NS);
        return false;
    }
    close(listener->held);
    listener->held = -1;
    deliver(listener, fd);
    return true;
}

/* Takes one connection; false: no more now. */
static bool
take(struct hf_listener *listener)
{
    int fd;

    if (listener->held >= 0) {
        return deliver_held(listener);
    }
    fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            run_short(listener, PAUSE_NS);
            return false;
        }
        return errno != EAGAIN; /* else that caller has gone: take the next */
    }
    if (listener->address.u.any.sa_family != AF_UNIX && hf_fault(HF_FAULT_ACCEPT)) {
        close(fd);
        return true;
    }
    if (hf_unlikely((uint64_t)fd >= listener->end)) {
        listener->held = fd;
        run_short(listener, PAUSE_SHED_NS);
        return false;
    }
    deliver(listener, fd);
    return true;
}

static void
on_connection(struct hf_watch *watch, uint32_t events)
{
    struct hf_listener *listener = hf_container_of(watch, struct hf_listener, watch);

    (void)events;
    listener->accepting = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && !listener->closed; i++) {
        if (!take(listener)) {
            break;
        }
    }
    listener->accepting = false;
    if (listener->closed) {
        free(listener);
    }
}

static void
on_resume(struct hf_timer *timer)
{
    struct hf_listener *listener = hf_container_of(timer, struct hf_listener, resume);

    if (hf_watch_set(&listener->watch, HF_READABLE) < 0) {
        hf_timer_set(&listener->resume, PAUSE_NS);
    } else {
        on_connection(&listener->watch,
                      HF_READABLE); /* one may be held here, of which the kernel says nothing */
    }
}

/* --- life ---------------------------------------------------------------------------------- */

/* Removes the file of a unix socket that nobody listens on any more. */
static bool
remove_stale(const struct hf_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool stale;

    if (fd < 0) {
        return false;
    }
    stale = connect(fd, &address->u.any, address->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale && unlink(address->u.local.sun_path) == 0;
}

static int
bind_to(int fd, const struct hf_address *address)
{
    if (bind(fd, &address->u.any, address->len) == 0) {
        return 0;
    }
    if (errno == EADDRINUSE && address->u.any.sa_family == AF_UNIX && remove_stale(address)) {
        return bind(fd, &address->u.any, address->len);
    }
    return -1;
}

static int
open_socket(const struct hf_address *address, const char *text, int *ret, struct hf_err *err)
{
    static const int one = 1;
    int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return hf_fail_errno(err, errno, "cannot listen on %s", text);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->u.any.sa_family != AF_UNIX) { /* what it accepts inherits that */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (bind_to(fd, address) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;

        close(fd);
        if (error == EADDRINUSE) {
            return hf_fail(err, HF_EEXISTS, "cannot listen on %s: the address is taken", text);
        }
        return hf_fail_errno(err, error, "cannot listen on %s", text);
    }
    *ret = fd;
    return 0;
}

int
hf_listener_new(struct hf_loop *loop, const char *address, hf_accept_fn *fn, void *arg,
                struct hf_listener **ret, struct hf_err *err)
{
    struct hf_address wanted;
    struct hf_listener *listener;
    int fd = -1;
    int r = hf_address_parse(address, &wanted, err);

    if (r < 0) {
        return r;
    }
    r = open_socket(&wanted, address, &fd, err);
    if (r < 0) {
        return r;
    }
    listener = calloc(1, sizeof *listener);
    if (!listener) {
        close(fd);
        return hf_fail(err, HF_ENOMEM, "cannot listen on %s: out of memory", address);
    }
    listener->fn = fn;
    listener->arg = arg;
    listener->held = -1;
    hf_listener_set_use(listener, HF_DESCRIPTORS_PEERS, NULL);
    listener->address = wanted;
    hf_address_of_socket(fd, &listener->address);
    hf_address_format(&listener->address, listener->text);
    hf_watch_init(&listener->watch, loop, fd, on_connection);
    hf_timer_init(&listener->resume, loop, HF_TIMER_REAL, on_resume);
    if (hf_watch_set(&listener->watch, HF_READABLE) < 0) {
        hf_listener_free(listener);
        return hf_fail(err, HF_ENOMEM, "cannot listen on %s: out of memory", address);
    }
    *ret = listener;
    return 0;
}

void
hf_listener_set_use(struct hf_listener *listener, enum hf_descriptor_use use,
                    void (*shed)(void *arg))
{
    listener->use = use;
    listener->end = hf_descriptors_end(use);
    listener->shed = shed;
}

void
hf_listener_free(struct hf_listener *listener)
{
    if (!listener) {
        return;
    }
    hf_timer_fini(&listener->resume);
    hf_watch_fini(&listener->watch);
    if (listener->address.u.any.sa_family == AF_UNIX) {
        unlink(listener->address.u.local.sun_path);
    }
    close(listener->watch.fd);
    if (listener->held >= 0) {
        close(listener->held);
    }
    listener->closed = true;
    if (!listener->accepting) {
        free(listener);
    }
}

const char *
hf_listener_text(const struct hf_listener *listener)
{
    return listener->text;
}

uint16_t
hf_listener_port(const struct hf_listener *listener)
{
    return hf_address_port(&listener->address);
}
