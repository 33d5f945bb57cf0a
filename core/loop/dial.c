/*
 * dial.c - connecting, one address after the other.
 */
#include "loop/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/macros.h"
#include "base/parse.h"
#include "loop/address.h"
#include "loop/resolver.h"
#include "loop/timer.h"
#include "loop/watch.h"

struct hf_dial {
    struct hf_loop *loop;
    hf_dial_fn *fn;
    void *arg;
    struct hf_resolve *resolve; /* while looking up */
    struct hf_watch watch;      /* while connecting */
    struct hf_timer timer;      /* limits the attempt, or brings its result */
    int fd;                     /* -1: none */
    int code;                   /* the result once `done` */
    bool done;
    uint64_t deadline_ns;
    size_t next;
    size_t count;
    struct hf_address addresses[HF_RESOLVE_MAX];
    char message[320];
    char text[];
};

static void try_next(struct hf_dial *dial);

static void
close_attempt(struct hf_dial *dial)
{
    hf_watch_fini(&dial->watch);
    if (dial->fd >= 0) {
        close(dial->fd);
        dial->fd = -1;
    }
}

void
hf_dial_cancel(struct hf_dial *dial)
{
    if (!dial) {
        return;
    }
    hf_resolve_cancel(dial->resolve);
    hf_timer_fini(&dial->timer);
    close_attempt(dial);
    free(dial);
}

/* --- results ------------------------------------------------------------------------------- */

static void
report(struct hf_dial *dial)
{
    int fd = dial->code < 0 ? dial->code : dial->fd;

    hf_watch_fini(&dial->watch);
    if (dial->code == 0) {
        dial->fd = -1; /* the receiver's */
    }
    dial->fn(dial->arg, fd, dial->message);
    hf_dial_cancel(dial);
}

/* The result comes with the timer, never before `hf_dial` returned. */
static void
report_later(struct hf_dial *dial, int code)
{
    dial->code = code;
    dial->done = true;
    hf_timer_set(&dial->timer, 0);
}

static void
attempt_failed(struct hf_dial *dial, const char *why)
{
    char address[HF_ADDRESS_TEXT_MAX];

    hf_address_format(&dial->addresses[dial->next - 1], address);
    snprintf(dial->message, sizeof dial->message, "cannot connect to %s%s%s%s: %s", dial->text,
             dial->count > 1 ? " (" : "", dial->count > 1 ? address : "",
             dial->count > 1 ? ")" : "", why);
    close_attempt(dial);
    try_next(dial);
}

/* --- attempts ------------------------------------------------------------------------------ */

static void
on_connected(struct hf_watch *watch, uint32_t events)
{
    struct hf_dial *dial = hf_container_of(watch, struct hf_dial, watch);
    int error = 0;
    socklen_t len = sizeof error;

    (void)events;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        error = errno;
    }
    if (error) {
        attempt_failed(dial, strerrordesc_np(error));
        return;
    }
    report(dial);
}

static void
on_timer(struct hf_timer *timer)
{
    struct hf_dial *dial = hf_container_of(timer, struct hf_dial, timer);

    if (dial->done) {
        report(dial);
        return;
    }
    if (dial->resolve) {
        hf_resolve_cancel(dial->resolve);
        dial->resolve = NULL;
        snprintf(dial->message, sizeof dial->message,
                 "cannot connect to %s: no answer from the name service in time", dial->text);
        report_later(dial, HF_ETIMEOUT);
        return;
    }
    dial->code = HF_ETIMEOUT;
    attempt_failed(dial, "no answer in time");
}

/* What remains of the limit, shared among the addresses that remain. */
static uint64_t
limit_of_attempt(struct hf_dial *dial)
{
    uint64_t now = hf_loop_now(dial->loop);
    uint64_t rest = dial->deadline_ns > now ? dial->deadline_ns - now : 0;

    return rest / (dial->count - dial->next + 1);
}

static void
try_next(struct hf_dial *dial)
{
    static const int one = 1;
    const struct hf_address *address;

    if (dial->next == dial->count) {
        report_later(dial, dial->code ? dial->code : HF_EUNAVAILABLE);
        return;
    }
    address = &dial->addresses[dial->next++];
    dial->code = 0;
    dial->fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0) {
        attempt_failed(dial, strerrordesc_np(errno));
        return;
    }
    if (address->u.any.sa_family != AF_UNIX) {
        setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (hf_fault(HF_FAULT_DIAL)) {
        attempt_failed(dial, "fault dial is set");
        return;
    }
    if (connect(dial->fd, &address->u.any, address->len) == 0) {
        report_later(dial, 0);
        return;
    }
    if (errno != EINPROGRESS) {
        attempt_failed(dial, strerrordesc_np(errno));
        return;
    }
    hf_watch_init(&dial->watch, dial->loop, dial->fd, on_connected);
    if (hf_watch_set(&dial->watch, HF_WRITABLE) < 0) {
        attempt_failed(dial, "out of memory");
        return;
    }
    hf_timer_set(&dial->timer, limit_of_attempt(dial));
}

static void
on_resolved(void *arg, const struct hf_address *addresses, size_t count, const char *message)
{
    struct hf_dial *dial = arg;

    dial->resolve = NULL;
    if (count == 0) {
        snprintf(dial->message, sizeof dial->message, "cannot connect to %s: %s", dial->text,
                 message);
        report_later(dial, HF_EUNAVAILABLE);
        return;
    }
    memcpy(dial->addresses, addresses, count * sizeof *addresses);
    dial->count = count;
    try_next(dial);
}

/* --- start --------------------------------------------------------------------------------- */

static int
resolve(struct hf_dial *dial, struct hf_err *err)
{
    char host[256];
    uint16_t port;
    int r = hf_parse_host_port(dial->text, host, sizeof host, &port, err);

    if (r < 0) {
        return r;
    }
    return hf_resolve(dial->loop, host, port, on_resolved, dial, &dial->resolve, err);
}

int
hf_dial(struct hf_loop *loop, const char *address, uint64_t timeout_ns, hf_dial_fn *fn, void *arg,
        struct hf_dial **ret, struct hf_err *err)
{
    size_t size = strlen(address) + 1;
    struct hf_dial *dial = calloc(1, sizeof *dial + size);
    int r;

    if (!dial) {
        return hf_fail(err, HF_ENOMEM, "cannot connect to %s: out of memory", address);
    }
    dial->loop = loop;
    dial->fn = fn;
    dial->arg = arg;
    dial->fd = -1;
    dial->deadline_ns = hf_loop_now(loop) + timeout_ns;
    memcpy(dial->text, address, size);
    hf_timer_init(&dial->timer, loop, HF_TIMER_REAL, on_timer);
    r = hf_address_parse(address, &dial->addresses[0], NULL);
    if (r == 0) {
        dial->count = 1;
        try_next(dial);
    } else { /* a name, or nothing that makes sense */
        hf_timer_set(&dial->timer, timeout_ns);
        r = resolve(dial, err);
    }
    if (r < 0) {
        hf_dial_cancel(dial);
        return r;
    }
    if (ret) {
        *ret = dial;
    }
    return 0;
}
