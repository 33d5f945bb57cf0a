/*
 * signals.c - signals as events of a loop.
 *
 * The handler writes to an eventfd, which works whatever the loop is doing; it is
 * also the handler that ends the process on a second request, for when the loop
 * no longer turns.
 */
#include "loop/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "loop/watch.h"

static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

#define CAUGHT_COUNT (sizeof caught / sizeof caught[0])

struct hf_signals {
    struct hf_watch watch;
    hf_signals_fn *fn;
    void *arg;
    struct sigaction before[CAUGHT_COUNT];
};

/* A handler has no argument: this is what it knows. */
static struct {
    atomic_uint pending[CAUGHT_COUNT];
    atomic_bool ending;
    atomic_int fd;
} handler = { .fd = -1 };

static void
on_signal(int signal)
{
    static const uint64_t one = 1;
    int before = errno;

    if ((signal == SIGTERM || signal == SIGINT) && atomic_exchange(&handler.ending, true)) {
        _exit(128 + signal);
    }
    for (size_t i = 0; i < CAUGHT_COUNT; i++) {
        if (caught[i] == signal) {
            atomic_store(&handler.pending[i], 1);
        }
    }
    if (write(atomic_load(&handler.fd), &one, sizeof one) < 0) {
        /* full: the loop will look anyway */
    }
    errno = before;
}

static void
on_pending(struct hf_watch *watch, uint32_t events)
{
    struct hf_signals *signals = hf_container_of(watch, struct hf_signals, watch);
    uint64_t count;
    ssize_t n = read(watch->fd, &count, sizeof count);

    (void)n;
    (void)events;
    for (size_t i = 0; i < CAUGHT_COUNT; i++) {
        if (atomic_exchange(&handler.pending[i], 0)) {
            signals->fn(signals->arg, caught[i]);
        }
    }
}

/* Those by which a shell stops jobs; a terminal's business. */
static bool
is_of_job_control(int signal)
{
    return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

void
hf_signals_clean(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    struct sigaction before;
    sigset_t none;

    for (int i = 1; i < NSIG; i++) {
        if (!is_of_job_control(i) && sigaction(i, NULL, &before) == 0 &&
            before.sa_handler == SIG_IGN) {
            sigaction(i, &action, NULL);
        }
    }
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* whoever writes too much for a limit sees an error */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

int
hf_signals_new(struct hf_loop *loop, hf_signals_fn *fn, void *arg, struct hf_signals **ret,
               struct hf_err *err)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct hf_signals *signals = calloc(1, sizeof *signals);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (!signals || fd < 0) {
        free(signals);
        if (fd >= 0) {
            close(fd);
        }
        return hf_fail(err, HF_ENOMEM, "cannot catch signals: no memory or no descriptor");
    }
    signals->fn = fn;
    signals->arg = arg;
    hf_watch_init(&signals->watch, loop, fd, on_pending);
    if (hf_watch_set(&signals->watch, HF_READABLE) < 0) {
        close(fd);
        free(signals);
        return hf_fail(err, HF_ENOMEM, "cannot catch signals: out of memory");
    }
    atomic_store(&handler.ending, false);
    atomic_store(&handler.fd, fd);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < CAUGHT_COUNT; i++) {
        sigaction(caught[i], &action, &signals->before[i]);
    }
    *ret = signals;
    return 0;
}

bool
hf_signals_are_ending(void)
{
    return atomic_load(&handler.ending);
}

void
hf_signals_free(struct hf_signals *signals)
{
    if (!signals) {
        return;
    }
    for (size_t i = 0; i < CAUGHT_COUNT; i++) {
        sigaction(caught[i], &signals->before[i], NULL);
    }
    atomic_store(&handler.fd, -1);
    hf_watch_fini(&signals->watch);
    close(signals->watch.fd);
    free(signals);
}
